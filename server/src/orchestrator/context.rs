//! What a running task holds: its lease, its checkpoint, and the one way to commit.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sqlx::{PgPool, Postgres, Transaction};
use std::time::Duration;

/// Another worker holds the task now: whatever this one still wanted to write rolls back.
#[derive(Debug, thiserror::Error)]
#[error("task {task_id} was taken over by another worker (lease epoch {epoch} is over)")]
pub struct Fenced {
    pub task_id: i64,
    pub epoch: i64,
}

/// Why a task's attempt ended without success; the class decides what happens next.
#[derive(Debug, thiserror::Error)]
pub enum TaskError {
    /// Try again with backoff (network, 5xx, Postgres restarting).
    #[error("{0}")]
    Retryable(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// No retry mends it (bad key, schema).
    #[error("{0}")]
    Final(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// Wait as the vendor said, then try again.
    #[error("{source} (wait {} s)", wait.as_secs())]
    RateLimited {
        wait: Duration,
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The data isn't there yet.
    #[error("{0}")]
    NotReady(#[source] Box<dyn std::error::Error + Send + Sync>),
    #[error(transparent)]
    Fenced(#[from] Fenced),
}

impl From<sqlx::Error> for TaskError {
    fn from(error: sqlx::Error) -> Self {
        Self::Retryable(Box::new(error))
    }
}

/// One attempt at one task. Cheap to clone.
#[derive(Debug, Clone)]
pub struct TaskContext {
    pub pool: PgPool,
    pub run_id: i64,
    pub task_id: i64,
    pub epoch: i64,
    /// The run's parameters.
    pub parameters: Value,
    /// What the last committed step of an earlier attempt left, else null.
    pub checkpoint: Value,
}

impl TaskContext {
    /// The checkpoint in the task's own type; `None` at the first attempt or when its shape has changed since.
    pub fn checkpoint<T: DeserializeOwned>(&self) -> Option<T> {
        serde_json::from_value(self.checkpoint.clone()).ok()
    }

    /// Opens a transaction for one step: a response, its rows and the checkpoint.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn begin(&self) -> Result<Transaction<'static, Postgres>, TaskError> {
        Ok(self.pool.begin().await?)
    }

    /// Commits one step with its checkpoint, if the lease is still ours; else everything rolls back.
    ///
    /// # Errors
    /// [`TaskError::Fenced`] when another worker took the task over.
    pub async fn commit<C: Serialize + Sync>(
        &self,
        mut step: Transaction<'static, Postgres>,
        checkpoint: &C,
        rows: u64,
    ) -> Result<(), TaskError> {
        let checkpoint = serde_json::to_value(checkpoint).map_err(|error| TaskError::Final(Box::new(error)))?;
        let held = sqlx::query!(
            "update ops.task set checkpoint = $3, rows_written = rows_written + $4
             where task_id = $1 and lease_epoch = $2 and state = 'running'",
            self.task_id,
            self.epoch,
            checkpoint,
            i64::try_from(rows).unwrap_or(i64::MAX),
        )
        .execute(&mut *step)
        .await?
        .rows_affected();
        if held == 0 {
            return Err(Fenced { task_id: self.task_id, epoch: self.epoch }.into());
        }
        step.commit().await?;
        Ok(())
    }

    /// Completes the task inside the transaction that holds its effect: both or neither. The caller commits.
    ///
    /// # Errors
    /// [`TaskError::Fenced`] when another worker took the task over.
    pub async fn complete(&self, effect: &mut Transaction<'static, Postgres>, rows: u64) -> Result<(), TaskError> {
        let rows = i64::try_from(rows).unwrap_or(i64::MAX);
        let held = sqlx::query!(
            "with done as (
                update ops.task set state = 'success', rows_written = rows_written + $3, lease_until = null, ended_at = clock_timestamp()
                where task_id = $1 and lease_epoch = $2 and state = 'running' returning task_id, attempts, rows_written)
             update ops.attempt set outcome = 'success', ended_at = clock_timestamp(), rows_written = done.rows_written
             from done where attempt.task_id = done.task_id and attempt.number = done.attempts",
            self.task_id,
            self.epoch,
            rows,
        )
        .execute(&mut **effect)
        .await?
        .rows_affected();
        if held == 0 { Err(Fenced { task_id: self.task_id, epoch: self.epoch }.into()) } else { Ok(()) }
    }

    /// Says how far the task is, for a progress bar; best effort, outside any step.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn progress(&self, done: u64, total: u64) -> Result<(), TaskError> {
        sqlx::query!(
            "update ops.task set progress_done = $3, progress_total = $4 where task_id = $1 and lease_epoch = $2",
            self.task_id,
            self.epoch,
            i64::try_from(done).unwrap_or(i64::MAX),
            i64::try_from(total).unwrap_or(i64::MAX),
        )
        .execute(&self.pool)
        .await?;
        Ok(())
    }
}
