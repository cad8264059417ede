//! What goes wrong behind the ports, and how it meets its two readers: a sentence for the person, the cause for the log.

use super::conductor::{ConductorError, Failure};
use crate::{
    auth::{password::HashFailed, people::PeopleError},
    quality,
};
use app::error::{AppError, FieldError};
use std::error::Error as StdError;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Already a sentence for the person.
    #[error(transparent)]
    App(#[from] AppError),
    #[error("the database refused")]
    Sql(#[from] sqlx::Error),
    /// A row holds what we never write.
    #[error("a stored value can't be read: {0}")]
    Decode(String),
    #[error("the pipeline refused")]
    Conductor(#[source] Failure),
    #[error(transparent)]
    Hash(#[from] HashFailed),
}

pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    pub fn refused(sentence: impl Into<String>) -> Self {
        Self::App(AppError::Refused(sentence.into()))
    }

    pub fn invalid(field: &str, sentence: impl Into<String>) -> Self {
        Self::App(AppError::Invalid(vec![FieldError::new(field, sentence)]))
    }
}

impl From<ConductorError> for Error {
    fn from(error: ConductorError) -> Self {
        match error {
            ConductorError::Refused(sentence) => Self::refused(sentence),
            ConductorError::Failed(failure) => Self::Conductor(failure),
        }
    }
}

impl From<quality::Error> for Error {
    fn from(error: quality::Error) -> Self {
        match error {
            quality::Error::Database(error) => Self::Sql(error),
            quality::Error::Check(_) | quality::Error::Own(_) => Self::refused(error.to_string()),
        }
    }
}

impl From<PeopleError> for Error {
    fn from(error: PeopleError) -> Self {
        match error {
            PeopleError::Invalid(fields) => Self::App(AppError::Invalid(fields)),
            PeopleError::Unknown(_) => Self::App(AppError::NotFound),
            PeopleError::Hash(error) => Self::Hash(error),
            PeopleError::Sql(error) => Self::Sql(error),
        }
    }
}

/// Logs what is ours, once, and leaves the person a reference to it.
impl From<Error> for AppError {
    fn from(error: Error) -> Self {
        match error {
            Error::App(error) => error,
            error => Self::Internal { reference: reference(&error) },
        }
    }
}

/// Writes an error and its causes into the log, once, and answers the short reference under which it stands there.
pub fn reference(error: &(dyn StdError + 'static)) -> String {
    let reference = hex::encode(rand::random::<[u8; 4]>());
    let mut causes = Vec::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        causes.push(error.to_string());
        cause = error.source();
    }
    tracing::error!(reference, causes = causes.join(": "), "{error}");
    reference
}
