//! Many runs over a range of days, so many at a time, in an order.

use super::{
    Dag, Repeat, Request, Trigger,
    admit::admit_in,
    cancel::cancel_in,
    control::{ControlError, audit},
    request::{hold_requests, insert_run},
};
use chrono::NaiveDate;
use serde_json::{Value, json};
use sqlx::PgPool;

/// What is asked for. Its runs begin in the order given.
#[derive(Debug, Clone)]
pub struct Backfill {
    pub dag: Dag,
    /// First and last day, for people to read.
    pub from: NaiveDate,
    pub to: NaiveDate,
    /// The parameters of each run.
    pub runs: Vec<Value>,
    /// Of its runs at the same time.
    pub most_at_once: i32,
    pub requested_by: Option<i64>,
}

/// Writes all of its runs; answers its number and theirs.
///
/// # Errors
/// [`ControlError::Refused`] when it has no runs, or when the DAG waits for its past, which a backfill doesn't have.
pub async fn backfill(pool: &PgPool, wanted: &Backfill) -> Result<(i64, Vec<i64>), ControlError> {
    if wanted.runs.is_empty() || wanted.most_at_once < 1 {
        return Err(ControlError::refused("There is nothing to run in that range. Choose one that holds a session."));
    }
    let mut transaction = pool.begin().await?;
    hold_requests(&mut transaction).await?;
    let backfill_id = sqlx::query_scalar!(
        "insert into ops.backfill (dag, from_date, to_date, runs, most_at_once, requested_by) values ($1, $2, $3, $4, $5, $6) returning backfill_id",
        wanted.dag.name,
        wanted.from,
        wanted.to,
        i32::try_from(wanted.runs.len()).unwrap_or(i32::MAX),
        wanted.most_at_once,
        wanted.requested_by,
    )
    .fetch_one(&mut *transaction)
    .await?;
    let mut runs = Vec::with_capacity(wanted.runs.len());
    for (place, parameters) in (1..).zip(&wanted.runs) {
        let request = Request {
            trigger: Trigger::Backfill,
            requested_by: wanted.requested_by,
            repeat: Repeat::Always,
            backfill: Some((backfill_id, place)),
            ..Request::new(wanted.dag.clone(), parameters.clone())
        };
        runs.push(insert_run(&mut transaction, &request).await?);
    }
    let details = json!({ "from": wanted.from, "to": wanted.to, "runs": runs.len() });
    audit(&mut transaction, wanted.requested_by, "backfill", &format!("backfill {backfill_id}"), details).await?;
    admit_in(&mut transaction, &wanted.dag.name).await?;
    transaction.commit().await?;
    Ok((backfill_id, runs))
}

/// Cancels the runs of a backfill that haven't ended; answers how many.
///
/// # Errors
/// [`ControlError::Refused`] when there is none left.
pub async fn cancel_backfill(pool: &PgPool, backfill_id: i64, by: Option<i64>) -> Result<usize, ControlError> {
    let mut transaction = pool.begin().await?;
    hold_requests(&mut transaction).await?;
    let runs = sqlx::query_scalar!(
        "select run_id from ops.run where backfill_id = $1 and state in ('queued', 'running') order by run_id",
        backfill_id
    )
    .fetch_all(&mut *transaction)
    .await?;
    if runs.is_empty() {
        return Err(ControlError::refused(format!("Backfill {backfill_id} has no run left to cancel.")));
    }
    sqlx::query!("update ops.backfill set cancelled_at = clock_timestamp() where backfill_id = $1", backfill_id)
        .execute(&mut *transaction)
        .await?;
    for &run_id in &runs {
        cancel_in(&mut transaction, run_id, by, None).await?;
    }
    transaction.commit().await?;
    Ok(runs.len())
}
