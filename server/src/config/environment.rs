//! The process's environment and `.env`, read once, here and nowhere else.

use super::{
    ConfigError,
    variables::{VARIABLES, Variable},
};
use secrecy::SecretString;
use std::{collections::BTreeMap, ffi::OsString, fmt, path::Path};

/// Values of our variables; an empty value counts as unset, so that a line of `.env` can be emptied.
#[derive(Clone, Default)]
pub struct Environment {
    values: BTreeMap<&'static str, String>,
    /// Names that look like ours and aren't: a slip of the keyboard, worth a warning.
    pub unknown: Vec<String>,
}

impl Environment {
    /// What the process was given; `.env` in `folder` fills in the rest.
    ///
    /// # Errors
    /// A sentence when `.env` can't be read or a value isn't text.
    pub fn read(folder: &Path) -> Result<Self, ConfigError> {
        let mut environment = Self::default();
        for (name, value) in dot_env(&folder.join(".env"))? {
            environment.put(&name, value);
        }
        environment.take(std::env::vars_os())?;
        Ok(environment)
    }

    /// For tests: exactly these.
    pub fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in pairs {
            environment.put(name, value.to_owned());
        }
        environment
    }

    pub(super) fn text(&self, variable: &Variable) -> Option<&str> {
        self.values.get(variable.name).map(String::as_str).filter(|value| !value.is_empty())
    }

    pub(super) fn secret(&self, variable: &Variable) -> Option<SecretString> {
        self.text(variable).map(SecretString::from)
    }

    fn take(&mut self, variables: impl Iterator<Item = (OsString, OsString)>) -> Result<(), ConfigError> {
        for (name, value) in variables {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => self.put(&name, value),
                Err(_) if is_ours(&name) => return Err(ConfigError::new(format!("{name} must be text in UTF-8."))),
                Err(_) => {}
            }
        }
        Ok(())
    }

    fn put(&mut self, name: &str, value: String) {
        match VARIABLES.iter().find(|variable| variable.name == name) {
            Some(variable) => {
                self.values.insert(variable.name, value.trim().to_owned());
            }
            None if name.starts_with("PLUMBLINE_") => self.unknown.push(name.to_owned()),
            None => {}
        }
    }
}

/// Names only: values may be secret.
impl fmt::Debug for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.values.keys()).finish()
    }
}

fn is_ours(name: &str) -> bool {
    VARIABLES.iter().any(|variable| variable.name == name)
}

/// The pairs of a `.env` file; none when there is no such file. The process's own environment is never changed: that is unsafe
/// beside other threads.
fn dot_env(path: &Path) -> Result<Vec<(String, String)>, ConfigError> {
    let lines = match dotenvy::from_path_iter(path) {
        Ok(lines) => lines,
        Err(dotenvy::Error::Io(error)) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(unreadable(path, &error)),
    };
    lines.collect::<Result<_, _>>().map_err(|error| unreadable(path, &error))
}

/// A line that can't be read is named by what stands before its `=`: the rest may be a secret.
fn unreadable(path: &Path, error: &dotenvy::Error) -> ConfigError {
    let path = path.display();
    ConfigError::new(match error {
        dotenvy::Error::LineParse(line, _) => {
            let name = line.split('=').next().unwrap_or_default().trim();
            format!(
                "{path} has a line that can't be read, beginning with {name}: write NAME=value, with single quotes around a value that holds spaces or signs."
            )
        }
        dotenvy::Error::Io(error) => format!("{path} can't be read: {error}."),
        _ => format!("{path} can't be read: write one NAME=value a line."),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStringExt;

    #[test]
    fn a_value_that_is_not_text_is_refused_by_name() {
        let broken = |name: &str| (OsString::from(name), OsString::from_vec(vec![0xff]));
        let mut environment = Environment::default();
        assert!(environment.take([broken("OTHER")].into_iter()).is_ok());
        let error = environment.take([broken("PLUMBLINE_DATA")].into_iter()).unwrap_err();
        assert_eq!(error.to_string(), "PLUMBLINE_DATA must be text in UTF-8.");
    }

    #[test]
    fn a_broken_line_of_the_file_is_named_without_its_secret() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(".env");
        assert!(dot_env(&path).unwrap().is_empty());
        std::fs::write(&path, "POLYGON_API_KEY='half-a-secret\n").unwrap();
        let error = dot_env(&path).unwrap_err().to_string();
        assert!(error.contains("POLYGON_API_KEY") && !error.contains("half-a-secret"), "{error}");
        std::fs::write(&path, "# a comment\nexport PLUMBLINE_DATA=./here\n\nFRED_API_KEY=\n").unwrap();
        assert_eq!(dot_env(&path).unwrap().len(), 2);
    }

    #[test]
    fn a_slip_of_the_keyboard_is_remembered() {
        assert_eq!(Environment::of([("PLUMBLINE_LISTN", "x"), ("HOME", "/root")]).unknown, ["PLUMBLINE_LISTN"]);
    }
}
