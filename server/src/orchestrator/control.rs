//! What people do to DAGs and runs beside starting them: pause, resume, note. Each leaves a row in the audit trail.

use super::request::hold_requests;
use super::{admit::admit_in, run::wake};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};

/// Why something wasn't done.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// One sentence that says why, and what to do instead.
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

impl ControlError {
    pub(super) fn refused(sentence: impl Into<String>) -> Self {
        Self::Refused(sentence.into())
    }
}

/// Characters in a note.
const LONGEST_NOTE: usize = 2_000;

/// Who did what to whom; `by` is `None` for the command line of the machine, and for the engine itself, which gives a `reason` in
/// the details.
pub(super) async fn audit(
    connection: &mut PgConnection,
    by: Option<i64>,
    action: &str,
    subject: &str,
    details: Value,
) -> Result<(), sqlx::Error> {
    sqlx::query!("insert into ops.audit (user_id, action, subject, details) values ($1, $2, $3, $4)", by, action, subject, details)
        .execute(connection)
        .await?;
    Ok(())
}

/// Holds a DAG: no run of it begins, and of those under way no further task starts. Ticks are written down and wait for the resume.
///
/// # Errors
/// What Postgres says.
pub async fn pause(pool: &PgPool, dag: &str, by: Option<i64>) -> Result<(), ControlError> {
    let mut transaction = pool.begin().await?;
    let paused = sqlx::query!(
        "insert into ops.dag as known (dag, paused_at, paused_by) values ($1, clock_timestamp(), $2)
         on conflict (dag) do update set paused_at = excluded.paused_at, paused_by = excluded.paused_by where known.paused_at is null",
        dag,
        by
    )
    .execute(&mut *transaction)
    .await?
    .rows_affected();
    if paused > 0 {
        audit(&mut transaction, by, "pause_dag", &format!("dag {dag}"), json!({})).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Lets a paused DAG go on: what was queued begins, and the ticks of the pause are decided by its schedules' catch-up policies.
///
/// # Errors
/// What Postgres says.
pub async fn resume(pool: &PgPool, dag: &str, by: Option<i64>) -> Result<(), ControlError> {
    let mut transaction = pool.begin().await?;
    hold_requests(&mut transaction).await?;
    // The pause counts against no limit.
    sqlx::query!(
        "update ops.run set timeout_at = timeout_at + (clock_timestamp() - paused_at)
         from ops.dag where dag.dag = run.dag and run.dag = $1 and paused_at is not null and state = 'running'",
        dag
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!(
        "update ops.task set ready_at = clock_timestamp() from ops.run join ops.dag using (dag)
         where run.run_id = task.run_id and run.dag = $1 and paused_at is not null and run.state = 'running' and task.state in ('ready', 'delayed')",
        dag
    )
    .execute(&mut *transaction)
    .await?;
    let resumed = sqlx::query!("update ops.dag set paused_at = null, paused_by = null where dag = $1 and paused_at is not null", dag)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
    if resumed > 0 {
        admit_in(&mut transaction, dag).await?;
        wake(&mut transaction).await?;
        audit(&mut transaction, by, "resume_dag", &format!("dag {dag}"), json!({})).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Writes a note beside a run.
///
/// # Errors
/// [`ControlError::Refused`] for an empty or very long text, one with control characters (a form's lines may end in CR LF), or a run that doesn't exist.
pub async fn note(pool: &PgPool, run_id: i64, by: Option<i64>, text: &str) -> Result<(), ControlError> {
    let text = text.trim();
    if text.is_empty() {
        return Err(ControlError::refused("The note is empty. Write what the next person should know."));
    }
    if text.chars().count() > LONGEST_NOTE {
        return Err(ControlError::refused(format!("The note is longer than {LONGEST_NOTE} characters. Shorten it.")));
    }
    if text.chars().any(|character| character.is_control() && !matches!(character, '\n' | '\r' | '\t')) {
        return Err(ControlError::refused("The note holds a character that can't be shown. Type it instead of pasting it."));
    }
    let mut transaction = pool.begin().await?;
    let written =
        sqlx::query!("insert into ops.note (run_id, user_id, text) select run_id, $2, $3 from ops.run where run_id = $1", run_id, by, text)
            .execute(&mut *transaction)
            .await?
            .rows_affected();
    if written == 0 {
        return Err(ControlError::refused(format!("There is no run {run_id}.")));
    }
    audit(&mut transaction, by, "note_run", &format!("run {run_id}"), json!({})).await?;
    transaction.commit().await?;
    Ok(())
}
