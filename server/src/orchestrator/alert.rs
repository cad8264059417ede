//! What somebody should look at: one open row for each thing that is wrong.

use sqlx::PgConnection;

/// As in `ops.alert.kind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    DeadlinePredicted,
    DeadlineMissed,
    RunFailed,
    ScheduleDead,
}

impl Kind {
    fn as_str(self) -> &'static str {
        match self {
            Self::DeadlinePredicted => "deadline_predicted",
            Self::DeadlineMissed => "deadline_missed",
            Self::RunFailed => "run_failed",
            Self::ScheduleDead => "schedule_dead",
        }
    }
}

/// Says it once: nothing happens while an alert of the kind is open for the subject.
pub(super) async fn raise(connection: &mut PgConnection, kind: Kind, subject: &str, message: &str) -> Result<(), sqlx::Error> {
    let raised = sqlx::query!(
        "insert into ops.alert (kind, subject, message) values ($1, $2, $3) on conflict (kind, subject) where resolved_at is null do nothing",
        kind.as_str(),
        subject,
        message,
    )
    .execute(connection)
    .await?
    .rows_affected();
    if raised > 0 {
        tracing::warn!(kind = kind.as_str(), subject, "{message}");
    }
    Ok(())
}

/// The thing is mended.
pub(super) async fn resolve(connection: &mut PgConnection, kind: Kind, subject: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update ops.alert set resolved_at = clock_timestamp() where kind = $1 and subject = $2 and resolved_at is null",
        kind.as_str(),
        subject
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Runs are tried again: whatever was said of them is over, but for a deadline that was missed.
pub(super) async fn resolve_runs(connection: &mut PgConnection, runs: &[i64]) -> Result<(), sqlx::Error> {
    let subjects: Vec<String> = runs.iter().map(i64::to_string).collect();
    sqlx::query!(
        "update ops.alert set resolved_at = clock_timestamp()
         where kind in ('run_failed', 'deadline_predicted') and subject = any($1) and resolved_at is null",
        &subjects
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Runs have ended. Nothing is predicted of them any more; and one that ended well is the end of what was said of it and of the ended
/// ones before it of the same DAG. What was said of a portfolio's run is mended by a run of the same portfolio alone.
pub(super) async fn resolve_ended(connection: &mut PgConnection, runs: &[i64]) -> Result<(), sqlx::Error> {
    // From the open alerts to their runs: those are few, the runs of a DAG are many.
    sqlx::query!(
        r"update ops.alert set resolved_at = clock_timestamp()
          where resolved_at is null and kind in ('run_failed', 'deadline_missed', 'deadline_predicted') and exists (
              select from ops.run as earlier join ops.run as ended on ended.dag = earlier.dag and ended.run_id >= earlier.run_id
              where earlier.run_id = substring(subject from '^\d{1,18}$')::bigint and ended.run_id = any($1)
                  and (kind = 'deadline_predicted' and ended.run_id = earlier.run_id
                       or ended.state = 'success' and earlier.state not in ('queued', 'running')
                          and earlier.parameters -> 'portfolio' is not distinct from ended.parameters -> 'portfolio'))",
        runs
    )
    .execute(connection)
    .await?;
    Ok(())
}
