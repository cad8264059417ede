//! Which PostgreSQL: the one that was named, the one that made the folder, else the first that is new enough.

use super::EmbeddedError;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const OLDEST_MAJOR: u32 = 15;

/// Folders of Debian, Red Hat and Homebrew, where every major version has its own; `*` is any one name.
const FOLDERS: &[(&str, &str)] =
    &[("/usr/lib/postgresql", "bin"), ("/opt/homebrew/opt", "bin"), ("/usr/local/opt", "bin"), ("/usr", "bin"), ("/usr/local", "bin")];

pub(super) struct Binaries {
    pub(super) initdb: PathBuf,
    pub(super) postgres: PathBuf,
    pub(super) major: u32,
}

impl Binaries {
    /// `made_by` is the major version of an existing cluster: only the same one can read it.
    pub(super) fn find(named: Option<&Path>, made_by: Option<&str>, cluster: &Path) -> Result<Self, EmbeddedError> {
        let folders = named.map_or_else(candidates, |folder| vec![folder.into()]);
        let found = folders.iter().filter_map(|folder| Self::in_folder(folder)).collect();
        choose(found, made_by, cluster)
    }

    fn in_folder(folder: &Path) -> Option<Self> {
        let (initdb, postgres) = (folder.join("initdb"), folder.join("postgres"));
        if !initdb.is_file() || !postgres.is_file() {
            return None; // an installation of the client alone
        }
        let said = Command::new(&postgres).arg("--version").output().ok()?;
        let major = major(&String::from_utf8_lossy(&said.stdout))?;
        Some(Self { initdb, postgres, major })
    }
}

fn choose(found: Vec<Binaries>, made_by: Option<&str>, cluster: &Path) -> Result<Binaries, EmbeddedError> {
    let newest = found.iter().map(|binaries| binaries.major).max().ok_or(EmbeddedError::NoBinaries)?;
    if newest < OLDEST_MAJOR {
        return Err(EmbeddedError::TooOld { found: newest });
    }
    let fits = |binaries: &Binaries| match made_by {
        Some(made) => binaries.major.to_string() == made,
        None => binaries.major >= OLDEST_MAJOR,
    };
    found.into_iter().find(fits).ok_or_else(|| EmbeddedError::OtherVersion {
        folder: cluster.into(),
        made: made_by.unwrap_or_default().into(),
        installed: newest,
    })
}

/// `pg_config`'s own first, then the newest of each known folder.
fn candidates() -> Vec<PathBuf> {
    let said = Command::new("pg_config").arg("--bindir").output().ok();
    let own = said.map(|output| PathBuf::from(String::from_utf8_lossy(&output.stdout).trim()));
    let mut all: Vec<PathBuf> = own.into_iter().filter(|folder| folder.is_absolute()).collect();
    for (parent, bin) in FOLDERS {
        let mut versions: Vec<(u32, PathBuf)> = fs::read_dir(parent)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| Some((version_of(entry.file_name().to_str()?)?, entry.path().join(bin))))
            .collect();
        versions.sort_by(|a, b| b.cmp(a));
        all.extend(versions.into_iter().map(|(_, folder)| folder));
    }
    all.extend(["/usr/bin".into(), "/usr/local/bin".into()]);
    all
}

/// "15", "postgresql@17" and "pgsql-16" are folders of a version; "local" isn't.
fn version_of(name: &str) -> Option<u32> {
    name.strip_prefix("postgresql@").or(name.strip_prefix("pgsql-")).unwrap_or(name).parse().ok()
}

/// "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)" → 15
fn major(said: &str) -> Option<u32> {
    let version = said.split("(PostgreSQL)").nth(1)?.trim_start();
    version.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions_as_they_are_said() {
        assert_eq!(major("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n"), Some(15));
        assert_eq!(major("postgres (PostgreSQL) 18beta1"), Some(18));
        assert_eq!(major("command not found"), None);
        assert_eq!(version_of("postgresql@17"), Some(17));
        assert_eq!(version_of("pgsql-16"), Some(16));
        assert_eq!(version_of("local"), None);
    }

    fn installed(majors: &[u32]) -> Vec<Binaries> {
        majors.iter().map(|major| Binaries { initdb: "i".into(), postgres: "p".into(), major: *major }).collect()
    }

    #[test]
    fn an_existing_folder_keeps_its_version() {
        let choose = |majors: &[u32], made| choose(installed(majors), made, Path::new("/d")).map(|binaries| binaries.major);
        assert_eq!(choose(&[17, 15], None).unwrap(), 17);
        assert_eq!(choose(&[14, 16], None).unwrap(), 16);
        assert_eq!(choose(&[17, 15], Some("15")).unwrap(), 15);
        assert!(matches!(choose(&[17], Some("15")), Err(EmbeddedError::OtherVersion { installed: 17, .. })));
        assert!(matches!(choose(&[13], None), Err(EmbeddedError::TooOld { found: 13 })));
        assert!(matches!(choose(&[], None), Err(EmbeddedError::NoBinaries)));
    }
}
