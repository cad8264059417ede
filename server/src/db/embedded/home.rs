//! Where the private Postgres lives, and as whom it runs.
//!
//! Postgres refuses to run as root. As root we hand it to the account `postgres` (else `nobody`), or to the owner of a cluster
//! that exists already. That account has to reach the folder: root's own home is closed to it, so the cluster then lies in
//! /var/lib/plumbline, and a note in the data folder says where.

use super::EmbeddedError;
use nix::unistd::{Uid, User, geteuid};
use sha2::{Digest, Sha256};
use std::{
    fs::{self, DirBuilder, File, OpenOptions, Permissions},
    io,
    os::unix::{
        ffi::OsStrExt,
        fs::{DirBuilderExt, MetadataExt, PermissionsExt, chown},
        process::CommandExt,
    },
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

/// The note in the data folder that says where the cluster is, when it isn't there itself.
const NOTE: &str = "postgres.folder";
/// Where clusters go that their account couldn't reach otherwise.
const ELSEWHERE: &str = "/var/lib/plumbline";
/// The kernel's limit for the path of a socket is 108 bytes with its end; this is what Postgres adds to the folder.
const SOCKET_NAME: &str = "/.s.PGSQL.5432";
const SOCKET_PATH_BYTES: usize = 107;
/// A log longer than this starts anew; the one before is kept.
const LOG_BYTES: u64 = 10 * 1024 * 1024;
/// Children get this and nothing of our environment, which holds keys.
const PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

pub(super) struct Home {
    folder: PathBuf,
    /// The account Postgres runs as, when we are root.
    account: Option<User>,
    launcher: Launcher,
}

/// What stands before `postgres` on its command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Launcher {
    /// util-linux: the kernel sends SIGINT when we die, and root is dropped.
    Setpriv,
    /// Elsewhere (macOS): a Postgres that outlived us is stopped at the next start.
    Plain,
}

impl Home {
    /// Chooses and makes the folder.
    pub(super) fn of(data: &Path) -> Result<Self, EmbeddedError> {
        let is_root = geteuid().is_root();
        // As root, other accounts pass through to the cluster; what is secret beside it has rights of its own.
        DirBuilder::new().recursive(true).mode(if is_root { 0o711 } else { 0o700 }).create(data).map_err(EmbeddedError::io(data))?;
        let data = data.canonicalize().map_err(EmbeddedError::io(data))?;
        let noted = noted_folder(&data)?;
        let folder = noted.clone().unwrap_or_else(|| data.clone());
        let owner = fs::metadata(cluster_of(&folder)).ok().map(|metadata| metadata.uid());
        let launcher = Launcher::found();
        if !is_root {
            return match owner {
                Some(uid) if uid != geteuid().as_raw() => Err(foreign(&folder, uid)),
                None if noted.is_some() => Err(foreign(&folder, 0)),
                _ => Ok(Self { folder, account: None, launcher }),
            };
        }
        if launcher == Launcher::Plain {
            return Err(EmbeddedError::NoAccount("setpriv of util-linux isn't installed"));
        }
        let account = account(owner).ok_or(EmbeddedError::NoAccount("there is neither postgres nor nobody"))?;
        let home = Self { folder, account: Some(account), launcher };
        match (home.is_reachable(), owner) {
            (true, _) => Ok(home),
            (false, None) if noted.is_none() => home.elsewhere(&data),
            (false, _) => Err(home.unreachable()),
        }
    }

    pub(super) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn cluster(&self) -> PathBuf {
        cluster_of(&self.folder)
    }

    /// The major version that made the cluster; `None` before there is one.
    pub(super) fn cluster_version(&self) -> Option<String> {
        fs::read_to_string(self.cluster().join("PG_VERSION")).ok().map(|text| text.trim().to_owned())
    }

    pub(super) fn log(&self) -> PathBuf {
        self.folder.join("postgres.log")
    }

    /// What Postgres says goes here; opened by us, so its account needs no right to the folder.
    pub(super) fn open_log(&self) -> Result<File, EmbeddedError> {
        let path = self.log();
        if fs::metadata(&path).is_ok_and(|metadata| metadata.len() > LOG_BYTES) {
            fs::rename(&path, self.folder.join("postgres.log.1")).map_err(EmbeddedError::io(&path))?;
        }
        OpenOptions::new().create(true).append(true).open(&path).map_err(EmbeddedError::io(&path))
    }

    /// An empty folder inside the home that only Postgres's account can enter.
    pub(super) fn make_private_folder(&self, name: &str) -> Result<PathBuf, EmbeddedError> {
        let path = self.folder.join(name);
        match fs::remove_dir_all(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(EmbeddedError::Io { path, source: error }),
            _ => self.make_private(&path).map(|()| path),
        }
    }

    /// The folder of the socket: in the home, or in /tmp under a name of its own where that path would be too long for the kernel or
    /// hold signs that Postgres's setting can't.
    pub(super) fn socket_folder(&self) -> Result<PathBuf, EmbeddedError> {
        let near = self.folder.join("run");
        let path = if is_fit_for_socket(&near) { near } else { Path::new("/tmp").join(format!("plumbline-{}", digest(&self.folder))) };
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => self.make_private(&path).map(|()| path),
            Err(source) => Err(EmbeddedError::Io { path, source }),
            // Anybody may write in /tmp: a folder that somebody else put there isn't entered.
            Ok(metadata) if !metadata.is_dir() || metadata.uid() != self.uid() => Err(foreign(&path, metadata.uid())),
            Ok(_) => fs::set_permissions(&path, Permissions::from_mode(0o700)).map_err(EmbeddedError::io(&path)).map(|()| path),
        }
    }

    /// A command that runs as Postgres's account, without our environment, outside our process group (a Ctrl-C is for us: we
    /// stop Postgres after the last request), and that the kernel ends when we die.
    pub(super) fn command(&self, program: &Path) -> Command {
        let mut command = match self.launcher {
            Launcher::Plain => Command::new(program),
            Launcher::Setpriv => {
                let mut setpriv = Command::new("setpriv");
                if let Some(account) = &self.account {
                    setpriv.arg(format!("--reuid={}", account.uid)).arg(format!("--regid={}", account.gid)).arg("--clear-groups");
                }
                setpriv.args(["--pdeathsig", "INT", "--"]).arg(program);
                setpriv
            }
        };
        command.env_clear().env("PATH", PATH).env("LC_ALL", "C").current_dir("/").stdin(Stdio::null()).process_group(0);
        command
    }

    fn uid(&self) -> u32 {
        self.account.as_ref().map_or_else(geteuid, |account| account.uid).as_raw()
    }

    fn make_private(&self, path: &Path) -> Result<(), EmbeddedError> {
        DirBuilder::new().mode(0o700).create(path).map_err(EmbeddedError::io(path))?;
        match &self.account {
            Some(account) => chown(path, Some(account.uid.as_raw()), Some(account.gid.as_raw())).map_err(EmbeddedError::io(path)),
            None => Ok(()),
        }
    }

    /// Asked of the system itself: rights of each folder above, lists of access and namespaces all count.
    fn is_reachable(&self) -> bool {
        self.command(Path::new("test")).arg("-x").arg(&self.folder).status().is_ok_and(|status| status.success())
    }

    fn unreachable(&self) -> EmbeddedError {
        let account = self.account.as_ref().map(|account| account.name.clone()).unwrap_or_default();
        EmbeddedError::Unreachable { folder: self.folder.clone(), account }
    }

    /// Root's data folder is closed to the account: the cluster lies elsewhere, and a note remembers where.
    fn elsewhere(self, data: &Path) -> Result<Self, EmbeddedError> {
        let folder = Path::new(ELSEWHERE).join(digest(data));
        DirBuilder::new().recursive(true).mode(0o711).create(&folder).map_err(EmbeddedError::io(&folder))?;
        let moved = Self { folder, ..self };
        if !moved.is_reachable() {
            return Err(moved.unreachable());
        }
        let note = data.join(NOTE);
        fs::write(&note, format!("{}\n", moved.folder.display())).map_err(EmbeddedError::io(&note))?;
        tracing::warn!(
            data = %data.display(), postgres = %moved.folder.display(),
            "the account that runs the private Postgres can't enter the data folder, so the database is kept in another"
        );
        Ok(moved)
    }
}

impl Launcher {
    fn found() -> Self {
        let works = Command::new("setpriv").args(["--pdeathsig", "INT", "--", "true"]).stderr(Stdio::null()).status();
        if works.is_ok_and(|status| status.success()) { Self::Setpriv } else { Self::Plain }
    }
}

fn cluster_of(folder: &Path) -> PathBuf {
    folder.join("postgres")
}

/// Where the note in `data` says that the cluster is.
fn noted_folder(data: &Path) -> Result<Option<PathBuf>, EmbeddedError> {
    let path = data.join(NOTE);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(PathBuf::from(text.trim()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(EmbeddedError::Io { path, source }),
    }
}

/// The owner of an existing cluster (never root), else an account made for this, else the one that owns nothing.
fn account(owner: Option<u32>) -> Option<User> {
    let by_name = |name| User::from_name(name).ok().flatten();
    match owner {
        Some(uid) if uid != 0 => User::from_uid(Uid::from_raw(uid)).ok().flatten(),
        _ => by_name("postgres").or_else(|| by_name("nobody")),
    }
}

fn foreign(folder: &Path, uid: u32) -> EmbeddedError {
    let owner = User::from_uid(Uid::from_raw(uid)).ok().flatten().map_or_else(|| uid.to_string(), |user| user.name);
    EmbeddedError::ForeignOwner { folder: folder.into(), owner }
}

fn is_fit_for_socket(folder: &Path) -> bool {
    let bytes = folder.as_os_str().as_bytes();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/._-".contains(byte);
    bytes.len() + SOCKET_NAME.len() <= SOCKET_PATH_BYTES && bytes.iter().all(is_plain)
}

/// A short name for a folder, the same at every start.
fn digest(folder: &Path) -> String {
    hex::encode(&Sha256::digest(folder.as_os_str().as_bytes())[..6])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_needs_a_short_and_plain_path() {
        assert!(is_fit_for_socket(Path::new("/srv/plumbline/data/run")));
        assert!(!is_fit_for_socket(Path::new("/srv/my data/run")), "a space would end the setting");
        assert!(!is_fit_for_socket(Path::new("/srv/a,b/run")), "a comma would divide it");
        let folder = |bytes: usize| format!("/{}", "x".repeat(bytes - 1));
        assert!(is_fit_for_socket(Path::new(&folder(SOCKET_PATH_BYTES - SOCKET_NAME.len()))));
        assert!(!is_fit_for_socket(Path::new(&folder(SOCKET_PATH_BYTES - SOCKET_NAME.len() + 1))));
    }

    #[test]
    fn a_folder_has_the_same_short_name_at_every_start() {
        assert_eq!(digest(Path::new("/root/data")), digest(Path::new("/root/data")));
        assert_ne!(digest(Path::new("/root/data")), digest(Path::new("/root/data2")));
        assert_eq!(digest(Path::new("/root/data")).len(), 12);
    }
}
