//! What can be wrong with the project or its build, with the place where it is.

/// Why the models could not be read, rendered, built or tested.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A template or a property outside of what is understood.
    #[error("server/warehouse/{file}:{line}: {what}")]
    Source { file: String, line: usize, what: String },
    #[error("models refer to each other in a circle: {0}. Break it by removing one ref")]
    Cycle(String),
    #[error("{0}")]
    Unknown(String),
    #[error("{model}: Postgres refused it ({source})")]
    Build {
        model: String,
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

    /// What minijinja says, with the line that it names.
    pub(super) fn template(file: &str, error: &minijinja::Error) -> Self {
        let place = error.name().unwrap_or(file);
        let what = error.detail().map_or_else(|| error.kind().to_string(), |detail| format!("{}: {detail}", error.kind()));
        Self::source(place, error.line().unwrap_or(1), what)
    }
}
