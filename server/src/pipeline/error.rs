//! What can go wrong around the runs; what goes wrong inside them is a `TaskError`.

use crate::{
    orchestrator::{ControlError, DagError, TaskError},
    vault::VaultError,
};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked for can't be done, in a sentence that says what to do.
    #[error("{0}")]
    Refused(String),
    #[error("the database refused: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the demo's prices come from a running server's simulator, and this process has none; start the server")]
    NoSimulator,
    #[error(transparent)]
    Vault(#[from] VaultError),
    /// A DAG of ours that can't run: a fault of this program.
    #[error(transparent)]
    Dag(#[from] DagError),
    /// A run that was waited for failed.
    #[error("run {run_id} failed: {sentence}")]
    Failed { run_id: i64, sentence: String },
    /// Runs of a backfill that was waited for failed.
    #[error("{failed} of {runs} runs failed; `plumbline runs --backfill {backfill_id}` says which")]
    BackfillFailed { backfill_id: i64, failed: i64, runs: i64 },
}

impl From<ControlError> for Error {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Refused(sentence) => Self::Refused(sentence),
            ControlError::Database(error) => Self::Database(error),
        }
    }
}

impl Error {
    pub(super) fn refused(sentence: impl Into<String>) -> Self {
        Self::Refused(sentence.into())
    }
}

impl From<Error> for TaskError {
    fn from(error: Error) -> Self {
        match error {
            Error::Database(error) => Self::from(error),
            // A server's process may perform the next attempt.
            Error::NoSimulator => Self::Retryable(Box::new(error)),
            other => Self::Final(Box::new(other)),
        }
    }
}
