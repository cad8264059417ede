//! Ending a run before its end: what hasn't started won't, what runs is asked to stop.

use super::{
    admit::admit_all,
    alert,
    control::{ControlError, audit},
    request::CHANNEL,
    run::{advance_in, lock},
    state::run_has_ended,
};
use serde_json::json;
use sqlx::{PgConnection, PgPool};

/// NOTIFY's payload that has a node look whether it performs something of a cancelled run.
pub(super) const CANCEL: &str = "cancel";

/// Cancels a run, also one that has failed: then those that wait for it go on without it. Tasks that run are told; each ends as
/// "cancelled" at its next step, or is dropped a little later.
///
/// # Errors
/// [`ControlError::Refused`] for a run that doesn't exist, or that has ended otherwise.
pub async fn cancel(pool: &PgPool, run_id: i64, by: Option<i64>) -> Result<(), ControlError> {
    let mut transaction = pool.begin().await?;
    if !cancel_in(&mut transaction, run_id, by, None).await? && !write_off(&mut transaction, run_id, by).await? {
        return Err(ControlError::refused(format!("Run {run_id} has ended already, so there is nothing to cancel.")));
    }
    transaction.commit().await?;
    admit_all(pool).await?;
    Ok(())
}

/// A failed run that nobody will mend: from here on it counts as cancelled, so that those that wait for it go on.
async fn write_off(connection: &mut PgConnection, run_id: i64, by: Option<i64>) -> Result<bool, sqlx::Error> {
    let written_off = sqlx::query!("update ops.run set state = 'cancelled' where run_id = $1 and state = 'failed'", run_id)
        .execute(&mut *connection)
        .await?
        .rows_affected();
    if written_off > 0 {
        alert::resolve_runs(connection, &[run_id]).await?;
        audit(connection, by, "cancel_run", &format!("run {run_id}"), json!({ "was": "failed" })).await?;
    }
    Ok(written_off > 0)
}

/// Answers whether there was something to cancel. With a `reason`, which is the engine's, the run will have failed for it.
pub(super) async fn cancel_in(
    connection: &mut PgConnection,
    run_id: i64,
    by: Option<i64>,
    reason: Option<&str>,
) -> Result<bool, sqlx::Error> {
    let is_cancelled = stop_in(connection, run_id, reason).await?;
    if is_cancelled {
        audit(connection, by, "cancel_run", &format!("run {run_id}"), json!({ "reason": reason })).await?;
    }
    Ok(is_cancelled)
}

/// The engine itself makes room for a newer run. That is nobody's failure: the run will be cancelled.
pub(super) async fn make_room_in(connection: &mut PgConnection, run_id: i64) -> Result<(), sqlx::Error> {
    if stop_in(connection, run_id, None).await? {
        let details = json!({ "reason": "A newer run took its place." });
        audit(connection, None, "cancel_run", &format!("run {run_id}"), details).await?;
    }
    Ok(())
}

/// Answers whether there was something to stop.
async fn stop_in(connection: &mut PgConnection, run_id: i64, reason: Option<&str>) -> Result<bool, sqlx::Error> {
    match lock(connection, &[run_id]).await?.first() {
        Some(run) if !run_has_ended(&run.state) => {}
        _ => return Ok(false),
    }
    sqlx::query!(
        "update ops.run set cancel_requested_at = coalesce(cancel_requested_at, clock_timestamp()), error = coalesce(error, $2) where run_id = $1",
        run_id,
        reason
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "update ops.task set state = 'cancelled', ended_at = clock_timestamp() where run_id = $1 and state in ('waiting', 'ready', 'delayed')",
        run_id
    )
    .execute(&mut *connection)
    .await?;
    advance_in(connection, &[run_id]).await?;
    sqlx::query!("select pg_notify($1, $2)", CHANNEL, CANCEL).execute(&mut *connection).await?;
    Ok(true)
}
