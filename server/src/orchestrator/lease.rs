//! Who works on a task: claimed under a lease with a rising epoch, kept alive by a heartbeat, reaped when its holder is gone.
//! All by the database's clock.

use serde_json::Value;
use sqlx::{PgConnection, PgPool};

/// A heartbeat keeps a lease this long, in seconds; three are sent in that time.
pub(super) const LEASE_SECONDS: f64 = 15.0;

/// A task that is ours to perform.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub task_id: i64,
    pub run_id: i64,
    pub dag: String,
    pub name: String,
    /// Counts from 1, with every attempt of whatever end.
    pub number: i32,
    pub max_attempts: i32,
    pub epoch: i64,
    pub parameters: Value,
    pub checkpoint: Value,
}

/// Takes the first task that may start, if its name isn't `held_back`, and opens its attempt.
///
/// # Errors
/// What Postgres says.
pub async fn claim(pool: &PgPool, worker: &str, held_back: &[String]) -> Result<Option<Claimed>, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let claimed = sqlx::query!(
        r#"with next as (
               select task.task_id, run.dag, run.parameters from ops.task join ops.run using (run_id)
               where run.state in ('queued', 'running') and task.state in ('ready', 'delayed')
                 and task.not_before <= clock_timestamp() and task.name <> all ($2)
               order by task.run_id, task.position limit 1
               for update of task skip locked)
           update ops.task set state = 'running', lease_owner = $1, lease_epoch = lease_epoch + 1, attempts = attempts + 1,
               lease_until = clock_timestamp() + make_interval(secs => $3), started_at = coalesce(started_at, clock_timestamp())
           from next where task.task_id = next.task_id
           returning task.task_id, task.run_id, next.dag, next.parameters, task.name, task.attempts, task.max_attempts, task.lease_epoch, task.checkpoint"#,
        worker,
        held_back,
        LEASE_SECONDS,
    )
    .fetch_optional(&mut *transaction)
    .await?;
    let Some(row) = claimed else { return Ok(None) };
    sqlx::query!(
        "insert into ops.attempt (task_id, number, lease_epoch, worker) values ($1, $2, $3, $4)",
        row.task_id,
        row.attempts,
        row.lease_epoch,
        worker
    )
    .execute(&mut *transaction)
    .await?;
    sqlx::query!(
        "update ops.run set state = 'running', started_at = coalesce(started_at, clock_timestamp()) where run_id = $1 and state in ('queued', 'running')",
        row.run_id
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(Some(Claimed {
        task_id: row.task_id,
        run_id: row.run_id,
        dag: row.dag,
        name: row.name,
        number: row.attempts,
        max_attempts: row.max_attempts,
        epoch: row.lease_epoch,
        parameters: row.parameters,
        checkpoint: row.checkpoint.unwrap_or(Value::Null),
    }))
}

/// Keeps the leases of `tasks` (task, epoch); those that were lost stay lost.
///
/// # Errors
/// What Postgres says.
pub async fn extend(connection: &mut PgConnection, tasks: &[(i64, i64)]) -> Result<(), sqlx::Error> {
    let (ids, epochs): (Vec<i64>, Vec<i64>) = tasks.iter().copied().unzip();
    sqlx::query!(
        "update ops.task set lease_until = clock_timestamp() + make_interval(secs => $3)
         from unnest($1::bigint[], $2::bigint[]) as held (task_id, epoch)
         where task.task_id = held.task_id and task.lease_epoch = held.epoch and task.state = 'running'",
        &ids,
        &epochs,
        LEASE_SECONDS,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Whose leases are taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reap {
    /// Everybody's: a new leader is the only one who works.
    All,
    /// Those that ran out.
    Expired,
}

/// Takes leases back: their attempts are lost, their tasks ready again at once. `ours` are left alone. Answers how many.
///
/// # Errors
/// What Postgres says.
pub async fn reap(pool: &PgPool, whose: Reap, ours: &[i64]) -> Result<u64, sqlx::Error> {
    let reaped = sqlx::query!(
        "with gone as (
             select task_id from ops.task
             where state = 'running' and ($1 or lease_until < clock_timestamp()) and task_id <> all ($2)
             for update skip locked),
         freed as (
             update ops.task set state = 'ready', not_before = clock_timestamp(), lease_owner = null, lease_until = null
             from gone where task.task_id = gone.task_id returning task.task_id)
         update ops.attempt set outcome = 'lost', ended_at = clock_timestamp()
         from freed where attempt.task_id = freed.task_id and attempt.outcome is null",
        whose == Reap::All,
        ours,
    )
    .execute(pool)
    .await?;
    Ok(reaped.rows_affected())
}

/// Gives a task back untouched because this process stops: the next one goes on from its checkpoint.
///
/// # Errors
/// What Postgres says.
pub async fn release(pool: &PgPool, task_id: i64, epoch: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "with freed as (
             update ops.task set state = 'ready', not_before = clock_timestamp(), lease_owner = null, lease_until = null
             where task_id = $1 and lease_epoch = $2 and state = 'running' returning task_id)
         update ops.attempt set outcome = 'cancelled', ended_at = clock_timestamp()
         from freed where attempt.task_id = freed.task_id and attempt.lease_epoch = $2 and attempt.outcome is null",
        task_id,
        epoch,
    )
    .execute(pool)
    .await?;
    Ok(())
}
