//! What a running task holds: its lease, its checkpoint, and the one way to commit.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use std::time::Duration;
use tokio::sync::watch;

use super::run::{advance_in, lock};

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
    /// The database went away in the middle: no fault of the task, and counted apart.
    #[error("{0}")]
    Interrupted(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// The run was cancelled, and the step before this is committed.
    #[error("the run was cancelled")]
    Cancelled,
    #[error(transparent)]
    Fenced(#[from] Fenced),
}

impl From<sqlx::Error> for TaskError {
    fn from(error: sqlx::Error) -> Self {
        if is_outage(&error) { Self::Interrupted(Box::new(error)) } else { Self::Retryable(Box::new(error)) }
    }
}

/// Did the connection break, or Postgres shut down? Classes 08 and 57P of its error codes, 53300 for too many connections, 25P03 for one that stood
/// still in a transaction. No fault of who asked: [`TaskError::Interrupted`].
pub fn is_outage(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Io(_) | sqlx::Error::PoolClosed | sqlx::Error::PoolTimedOut | sqlx::Error::WorkerCrashed => true,
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("08") || code.starts_with("57P") || matches!(code.as_ref(), "53300" | "25P03"))
        }
        _ => false,
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
    /// What this part of a fan-out is about, else null.
    pub input: Value,
    pub cancelled: Cancelled,
}

/// Was the run cancelled? A task that works in steps looks between two of them; one that doesn't is dropped a little later.
#[derive(Debug, Clone)]
pub struct Cancelled(watch::Receiver<bool>);

impl Cancelled {
    /// And the switch that cancels.
    pub(super) fn switch() -> (watch::Sender<bool>, Self) {
        let (switch, cancelled) = watch::channel(false);
        (switch, Self(cancelled))
    }

    /// Of a task that nobody can cancel.
    pub fn never() -> Self {
        Self::switch().1
    }

    pub fn is_cancelled(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits for it; for ever, where it never comes.
    pub async fn wait(&mut self) {
        if self.0.wait_for(|cancelled| *cancelled).await.is_err() {
            std::future::pending().await
        }
    }
}

impl TaskContext {
    /// An attempt without parameters, checkpoint or input that nobody can cancel: what a task performed by hand begins with.
    pub fn new(pool: PgPool, run_id: i64, task_id: i64, epoch: i64) -> Self {
        let null = Value::Null;
        Self {
            pool,
            run_id,
            task_id,
            epoch,
            parameters: null.clone(),
            checkpoint: null.clone(),
            input: null,
            cancelled: Cancelled::never(),
        }
    }

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
    /// [`TaskError::Fenced`] when another worker took the task over; [`TaskError::Cancelled`] after the commit, when the run was cancelled.
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
        if self.cancelled.is_cancelled() { Err(TaskError::Cancelled) } else { Ok(()) }
    }

    /// Completes the task inside the transaction that holds its effect, and with it whatever of the run that allows to start: all of
    /// it or nothing. The caller commits, at once: until then the run is locked.
    ///
    /// # Errors
    /// [`TaskError::Fenced`] when another worker took the task over.
    pub async fn complete(&self, effect: &mut Transaction<'static, Postgres>, rows: u64) -> Result<(), TaskError> {
        // The run before its tasks, as everywhere: two that complete at once wait for each other instead of locking each other out.
        lock(effect, &[self.run_id]).await?;
        let held = (self.task_id, self.epoch);
        if complete_in(effect, &[Completion { held, rows, output: None, is_skipped: false }]).await?.is_empty() {
            return Err(Fenced { task_id: self.task_id, epoch: self.epoch }.into());
        }
        advance_in(effect, &[self.run_id]).await?;
        Ok(())
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

/// A task that ended well.
#[derive(Debug)]
pub(super) struct Completion {
    /// Task and epoch.
    pub(super) held: (i64, i64),
    /// Beside those that its steps counted.
    pub(super) rows: u64,
    pub(super) output: Option<Value>,
    pub(super) is_skipped: bool,
}

/// Completes those whose lease is still the given one; answers which. Their runs are locked already.
pub(super) async fn complete_in(connection: &mut PgConnection, ended: &[Completion]) -> Result<Vec<i64>, sqlx::Error> {
    let ids: Vec<i64> = ended.iter().map(|one| one.held.0).collect();
    let epochs: Vec<i64> = ended.iter().map(|one| one.held.1).collect();
    let rows: Vec<i64> = ended.iter().map(|one| i64::try_from(one.rows).unwrap_or(i64::MAX)).collect();
    let outputs: Vec<Option<Value>> = ended.iter().map(|one| one.output.clone()).collect();
    let skipped: Vec<bool> = ended.iter().map(|one| one.is_skipped).collect();
    sqlx::query_scalar!(
        r#"with held as (
             select * from unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::jsonb[], $5::boolean[])
                 as held (task_id, epoch, added, output, is_skipped)),
         done as (
             update ops.task set state = case when is_skipped then 'skipped' else 'success' end, rows_written = rows_written + added,
                 output = held.output, lease_owner = null, lease_until = null, ended_at = clock_timestamp()
             from held where task.task_id = held.task_id and task.lease_epoch = held.epoch and task.state = 'running'
             returning task.task_id, task.attempts, task.rows_written)
         update ops.attempt set outcome = 'success', ended_at = clock_timestamp(), rows_written = done.rows_written
         from done where attempt.task_id = done.task_id and attempt.number = done.attempts
         returning done.task_id as "task_id!""#,
        &ids,
        &epochs,
        &rows,
        &outputs as &[Option<Value>],
        &skipped,
    )
    .fetch_all(connection)
    .await
}
