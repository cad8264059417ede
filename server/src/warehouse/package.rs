//! The files of one dbt package: ours, from the binary, or a person's, from a folder.

use super::{Error, embedded};
use std::{fs, path::Path};

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
            let Ok(name) = entry.file_name().into_string() else { continue };
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
            if entry.metadata().map_err(unreadable(self.place(&inner)))?.len() > LARGEST {
                return Err(Error::source(&self.place(&inner), 1, "the file is larger than a megabyte"));
            }
            let text = fs::read_to_string(&path).map_err(unreadable(self.place(&inner)))?;
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
