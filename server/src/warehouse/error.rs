//! What can be wrong with a project or its build, with the place where it is.

/// Why the models could not be read, rendered, built or tested.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A template or a property outside of what is understood. `file`: as a person finds it.
    #[error("{file}:{line}: {what}")]
    Source { file: String, line: usize, what: String },
    #[error("{0}")]
    Unknown(String),
    #[error("{model}: Postgres refused it ({})", said(source))]
    Build {
        model: String,
        #[source]
        source: sqlx::Error,
    },
    /// A publication needed what they read, or Postgres went away.
    #[error("your own models were interrupted by a publication, or by Postgres itself; they are built again after it")]
    Interrupted {
        #[source]
        source: sqlx::Error,
    },
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl Error {
    pub(super) fn source(file: &str, line: usize, what: impl Into<String>) -> Self {
        Self::Source { file: file.into(), line, what: what.into() }
    }

    /// What minijinja says, with the file (a macro's own, where it happened in one) and the line that it names.
    pub(super) fn template(file: &str, error: &minijinja::Error) -> Self {
        let place = error.name().unwrap_or(file);
        let what = error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
        Self::source(place, error.line().unwrap_or(1), what)
    }

    /// The same, said of what was being built.
    pub(super) fn within(self, model: &str) -> Self {
        match self {
            Self::Database(source) => Self::Build { model: model.into(), source },
            other => other,
        }
    }
}

/// Postgres' own words. The line that sqlx adds is one of Postgres' program, not of the person's.
pub(super) fn said(error: &sqlx::Error) -> String {
    error.as_database_error().map_or_else(|| error.to_string(), |refusal| refusal.message().to_owned())
}

/// The line of a text on which the last of these words stands, each looked for behind the one before it; 1 when none is found.
pub(super) fn line_of(text: &str, words: &[&str]) -> usize {
    let (mut from, mut line) = (0, 1);
    for word in words {
        let Some(at) = text.get(from..).and_then(|rest| rest.find(word)) else { break };
        line = text[..from + at].matches('\n').count() + 1;
        from += at;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_by_what_leads_to_it() {
        let text = "models:\n  - name: a\n    tests: [x]\n  - name: b\n    tests: [x]\n";
        assert_eq!(line_of(text, &["name: b", "x"]), 5);
        assert_eq!(line_of(text, &["name: b", "y"]), 4);
        assert_eq!(line_of(text, &["z"]), 1);
    }
}
