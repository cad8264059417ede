//! The files of one dbt package: ours, from the binary, or a person's, from a folder.

use super::{Error, embedded};
use std::{
    fs::{self, File},
    io::{self, Read},
    path::Path,
};

/// What a project file may weigh; a larger one is no model.
const LARGEST: u64 = 1_000_000;
/// Folders deeper than this go in a circle.
const DEPTH: usize = 16;
/// dbt's own output, and what isn't part of the project.
const PASSED_OVER: &[&str] = &["target", "logs", "dbt_packages", "dbt_modules"];
/// Folders of dbt that hold nothing that is understood.
const UNSUPPORTED: &[(&str, &str)] = &[
    ("snapshots", "snapshots aren't supported: an incremental model with a merge keeps history too"),
    ("seeds", "seeds aren't supported: write the rows as a model (select … from (values …))"),
    ("analyses", "analyses aren't supported: make it a model, or keep it elsewhere"),
];

/// A package's files: paths within it, and contents.
#[derive(Debug, Clone)]
pub struct Package {
    /// Stands before paths where a person reads them: `server/warehouse/`.
    pub(super) label: String,
    pub(super) files: Vec<(String, String)>,
}

impl Package {
    /// Our own, in the binary.
    pub fn embedded() -> Self {
        Self::of("server/warehouse/", embedded::FILES)
    }

    pub fn of(label: &str, files: &[(&str, &str)]) -> Self {
        Self { label: label.into(), files: files.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect() }
    }

    /// A person's.
    ///
    /// # Errors
    /// When it isn't there, can't be read, or holds what isn't supported; with its path.
    pub fn folder(folder: &Path) -> Result<Self, Error> {
        if !folder.is_dir() {
            return Err(Error::Unknown(format!("PLUMBLINE_MODELS must name a folder with a dbt project; {} isn't one.", folder.display())));
        }
        let mut package = Self { label: format!("{}/", folder.display().to_string().trim_end_matches('/')), files: Vec::new() };
        if !folder.join("dbt_project.yml").is_file() {
            return Err(Error::source(&package.place("dbt_project.yml"), 1, "this file is missing: it makes the folder a dbt project"));
        }
        package.read(folder, "", 0)?;
        package.files.sort();
        Ok(package)
    }

    fn read(&mut self, folder: &Path, within: &str, depth: usize) -> Result<(), Error> {
        let unreadable = |place: String| move |error: std::io::Error| Error::source(&place, 1, format!("it can't be read: {error}"));
        if depth > DEPTH {
            return Err(Error::source(&self.place(within), 1, "folders lie too deep in each other: does a link lead back?"));
        }
        for entry in fs::read_dir(folder).map_err(unreadable(self.place(within)))? {
            let entry = entry.map_err(unreadable(self.place(within)))?;
            let name = entry.file_name().into_string().map_err(|name| {
                let place = self.place(&format!("{within}{}", name.to_string_lossy()));
                Error::source(&place, 1, "the name isn't UTF-8: give it another")
            })?;
            let (path, inner) = (entry.path(), format!("{within}{name}"));
            if name.starts_with('.') || PASSED_OVER.contains(&name.as_str()) && within.is_empty() {
                continue;
            }
            if path.is_dir() {
                self.read(&path, &format!("{inner}/"), depth + 1)?;
                continue;
            }
            let ending = name.rsplit('.').next().unwrap_or_default();
            if !["sql", "yml", "yaml", "py", "csv"].contains(&ending) {
                continue;
            }
            let unsupported = UNSUPPORTED.iter().find(|(folder, _)| within.split('/').next() == Some(folder));
            if let Some((_, why)) = unsupported {
                return Err(Error::source(&self.place(&inner), 1, *why));
            }
            if ending == "py" && within.starts_with("models") {
                return Err(Error::source(&self.place(&inner), 1, "Python models aren't supported: write it in SQL"));
            }
            if ending == "py" || ending == "csv" {
                continue;
            }
            let text = read(&path).map_err(unreadable(self.place(&inner)))?;
            self.files.push((inner, text));
        }
        Ok(())
    }

    /// A path as a person finds it.
    pub(super) fn place(&self, path: &str) -> String {
        format!("{}{path}", self.label)
    }

    pub(super) fn file(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|(known, _)| known == path).map(|(_, text)| text.as_str())
    }

    /// Files in these folders with one of these endings.
    pub(super) fn within(&self, folders: &[String], endings: &[&str]) -> Vec<(&str, &str)> {
        let is_in = |path: &str| {
            folders.iter().any(|folder| path.strip_prefix(folder.trim_end_matches('/')).is_some_and(|rest| rest.starts_with('/')))
        };
        let files = self.files.iter().filter(|(path, _)| is_in(path) && endings.iter().any(|ending| path.ends_with(ending)));
        files.map(|(path, text)| (path.as_str(), text.as_str())).collect()
    }
}

/// What a link leads to counts: a pipe is waited for without an end, a device has none.
fn read(path: &Path) -> io::Result<String> {
    if !fs::metadata(path)?.is_file() {
        return Err(io::Error::other("it isn't a plain file, nor does it lead to one"));
    }
    let mut text = String::new();
    File::open(path)?.take(LARGEST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(io::Error::other("it is larger than a megabyte"));
    }
    // Editors on Windows begin a file with a mark that Postgres doesn't know.
    Ok(text.strip_prefix('\u{feff}').map_or(text.clone(), str::to_owned))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = folder.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        folder
    }

    #[test]
    fn a_folder_is_read_without_what_dbt_wrote_into_it() {
        let folder = folder(&[
            ("dbt_project.yml", "name: x"),
            ("models/a/b.sql", "select"),
            ("target/c.sql", "no"),
            ("README.md", "no"),
            (".hidden/d.sql", "no"),
        ]);
        let package = Package::folder(folder.path()).unwrap();
        let paths: Vec<_> = package.files.iter().map(|(path, _)| path.as_str()).collect();
        assert_eq!(paths, ["dbt_project.yml", "models/a/b.sql"]);
        assert_eq!(package.within(&["models".into()], &[".sql"]).len(), 1);
        assert_eq!(package.within(&["model".into()], &[".sql"]).len(), 0);
    }

    #[test]
    fn only_plain_files_are_read() {
        use std::os::unix::{ffi::OsStrExt as _, fs::symlink};
        let made = |make: &dyn Fn(&Path)| {
            let folder = folder(&[("dbt_project.yml", "\u{feff}name: x"), ("models/a.sql", "\u{feff}select")]);
            make(&folder.path().join("models/b.sql"));
            Package::folder(folder.path()).map_err(|error| error.to_string())
        };
        let package = made(&|path| symlink("a.sql", path).unwrap()).unwrap();
        let texts: Vec<_> = package.files.iter().map(|(_, text)| text.as_str()).collect();
        assert_eq!(texts, ["name: x", "select", "select"]);
        let many = "a".repeat(1_000_001);
        let odd = std::ffi::OsStr::from_bytes(b"\xff.sql");
        for (make, why) in [
            (&(|path: &Path| symlink("/dev/zero", path).unwrap()) as &dyn Fn(&Path), "b.sql:1: it can't be read: it isn't a plain file"),
            (&|path| nix::unistd::mkfifo(path, nix::sys::stat::Mode::S_IRWXU).unwrap(), "b.sql:1: it can't be read: it isn't a plain file"),
            (&|path| symlink("nowhere", path).unwrap(), "b.sql:1: it can't be read: "),
            (&|path| fs::write(path, &many).unwrap(), "larger than a megabyte"),
            (&|path| fs::write(path.with_file_name(odd), "").unwrap(), ".sql:1: the name isn't UTF-8"),
        ] {
            let error = made(make).unwrap_err();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn what_cannot_be_built_is_refused_by_its_path() {
        for (path, why) in [("snapshots/s.sql", "snapshots"), ("seeds/s.csv", "seeds"), ("models/m.py", "Python")] {
            let folder = folder(&[("dbt_project.yml", "name: x"), (path, "")]);
            let error = Package::folder(folder.path()).unwrap_err().to_string();
            assert!(error.contains(&format!("{}/{path}:1: ", folder.path().display())) && error.contains(why), "{error}");
        }
        let empty = folder(&[("models/a.sql", "")]);
        assert!(Package::folder(empty.path()).unwrap_err().to_string().contains("/dbt_project.yml:1: this file is missing"));
        assert!(Package::folder(Path::new("/no/such")).unwrap_err().to_string().contains("/no/such isn't one"));
    }
}
