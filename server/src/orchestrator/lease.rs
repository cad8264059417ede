//! Who works on a task: claimed under a lease with a rising epoch, kept by the node's heartbeat, taken back when its holder is gone.
//! All by the database's clock.

use super::{
    choose::{Candidate, choose},
    run::{advance_in, lock, lock_free, wake},
};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use std::collections::BTreeMap;

/// A heartbeat keeps a lease this long, in seconds; four are sent in that time.
pub const LEASE_SECONDS: f64 = 15.0;

/// Held while slots are counted and taken, so that two nodes don't take the same.
const CLAIM_LOCK: i64 = 0x706c_756d_0003;

/// Candidates that are looked at in one claim.
const LOOK_AT: i64 = 200;

/// Who claims.
#[derive(Debug, Clone)]
pub struct Claimant {
    pub node_id: i32,
    /// For the attempt's row: "host:process".
    pub worker: String,
    /// Names of the tasks that it can perform.
    pub known: Vec<String>,
}

/// A task that is ours to perform.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub task_id: i64,
    pub run_id: i64,
    pub dag: String,
    /// The DAG's version that the run began with.
    pub version: String,
    pub name: String,
    pub part: String,
    /// Counts from 1, with every attempt of whatever end.
    pub number: i32,
    pub max_attempts: i32,
    pub epoch: i64,
    pub parameters: Value,
    pub checkpoint: Value,
    pub input: Value,
    /// Seconds since its first start.
    pub age: f64,
    /// No more attempts than this, for whatever reason; the request said so.
    pub most_tries: Option<i32>,
}

/// Takes up to `most` tasks that may start, and opens their attempts.
///
/// # Errors
/// What Postgres says.
pub async fn claim(pool: &PgPool, claimant: &Claimant, most: usize) -> Result<Vec<Claimed>, sqlx::Error> {
    if most == 0 {
        return Ok(Vec::new());
    }
    // Most looks find nothing: no transaction for those.
    let is_something = sqlx::query_scalar!(
        r#"select exists (select from ops.task where state in ('ready', 'delayed') and not_before <= clock_timestamp()) as "is!""#
    )
    .fetch_one(pool)
    .await?;
    if !is_something {
        return Ok(Vec::new());
    }
    let mut transaction = pool.begin().await?;
    sqlx::query!("select pg_advisory_xact_lock($1)", CLAIM_LOCK).execute(&mut *transaction).await?;
    let used = used_slots(&mut transaction).await?;
    let slots = slots(&mut transaction).await?;
    let full: Vec<String> =
        used.iter().filter(|(pool, used)| **used >= slots.get(*pool).copied().unwrap_or(1)).map(|(pool, _)| pool.clone()).collect();
    let candidates = sqlx::query_as!(
        Candidate,
        "select task_id, pools from ops.task join ops.run using (run_id)
         where task.state in ('ready', 'delayed') and not_before <= clock_timestamp() and name = any($1) and not pools && $2
           and run.state = 'running'
           and not exists (select from ops.dag where dag.dag = run.dag and paused_at is not null)
         order by task.priority desc, task.run_id, task.position, task.part limit $3 for update of task skip locked",
        &claimant.known,
        &full,
        LOOK_AT,
    )
    .fetch_all(&mut *transaction)
    .await?;
    let chosen = choose(&candidates, &used, &slots, most);
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    let claimed = sqlx::query_as!(
        Claimed,
        r#"with taken as (
               update ops.task set state = 'running', lease_owner = $1, lease_epoch = lease_epoch + 1, attempts = attempts + 1,
                   lease_until = clock_timestamp() + make_interval(secs => $4), started_at = coalesce(started_at, clock_timestamp())
               where task_id = any($3) returning *),
           opened as (
               insert into ops.attempt (task_id, number, lease_epoch, worker, ready_at)
               select task_id, attempts, lease_epoch, $2, greatest(ready_at, not_before) from taken)
           select task_id, run_id, dag, version, name, part, attempts as number, max_attempts, lease_epoch as epoch, parameters,
               coalesce(checkpoint, 'null') as "checkpoint!", coalesce(input, 'null') as "input!", most_tries,
               extract(epoch from clock_timestamp() - taken.started_at)::float8 as "age!"
           from taken join ops.run using (run_id) order by taken.priority desc, run_id, position, part"#,
        claimant.node_id,
        claimant.worker,
        &chosen,
        LEASE_SECONDS,
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(claimed)
}

/// Slots that live leases hold: one that ran out holds none, whatever its task's state says.
async fn used_slots(connection: &mut PgConnection) -> Result<BTreeMap<String, i64>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select pool as "pool!", count(*) as "used!" from ops.task, unnest(pools) as pool
           where state = 'running' and lease_until > clock_timestamp() group by pool"#
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.pool, row.used)).collect())
}

async fn slots(connection: &mut PgConnection) -> Result<BTreeMap<String, i64>, sqlx::Error> {
    let rows = sqlx::query!("select pool, slots from ops.pool").fetch_all(connection).await?;
    Ok(rows.into_iter().map(|row| (row.pool, i64::from(row.slots))).collect())
}

/// Keeps the leases of `held` (task, epoch): of what the node really performs. One that ran out stays lost, because its slots may be
/// another's already; a task whose row somebody is just writing is left for the next beat.
///
/// # Errors
/// What Postgres says.
pub async fn extend(connection: &mut PgConnection, held: &[(i64, i64)]) -> Result<(), sqlx::Error> {
    let (ids, epochs): (Vec<i64>, Vec<i64>) = held.iter().copied().unzip();
    sqlx::query!(
        "with held as (
             select task.task_id from ops.task join unnest($1::bigint[], $2::bigint[]) as held (task_id, epoch)
                 on task.task_id = held.task_id and task.lease_epoch = held.epoch
             where task.state = 'running' and task.lease_until > clock_timestamp() for update of task skip locked)
         update ops.task set lease_until = clock_timestamp() + make_interval(secs => $3) from held where task.task_id = held.task_id",
        &ids,
        &epochs,
        LEASE_SECONDS,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Takes leases back: those that ran out, and those of the nodes that are `gone`. Their attempts are lost; their tasks are ready again,
/// or have failed where that happened too often, or are cancelled with their run. Answers how many.
///
/// # Errors
/// What Postgres says.
pub async fn reap(pool: &PgPool, gone: &[i32], lost_limit: u32) -> Result<usize, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let runs = sqlx::query_scalar!(
        "select distinct run_id from ops.task where state = 'running' and (lease_until < clock_timestamp() or lease_owner = any($1))",
        gone
    )
    .fetch_all(&mut *transaction)
    .await?;
    if runs.is_empty() {
        return Ok(0);
    }
    // One that somebody is just writing is left for the next sweep: a writer that stands still must not hold up the others' tasks.
    let locked = lock_free(&mut transaction, &runs).await?;
    let runs: Vec<i64> = locked.iter().map(|run| run.run_id).collect();
    let tasks = sqlx::query!(
        r#"select task_id, run_id, name,
               (select count(*) from ops.attempt where attempt.task_id = task.task_id and number > cleared_at_attempt and outcome = 'lost') as "lost!"
           from ops.task where run_id = any($2) and state = 'running' and (lease_until < clock_timestamp() or lease_owner = any($1))
           order by task_id for update"#,
        gone,
        &runs,
    )
    .fetch_all(&mut *transaction)
    .await?;
    let (mut ids, mut states) = (Vec::new(), Vec::new());
    for task in &tasks {
        let is_cancelled = locked.iter().any(|run| run.run_id == task.run_id && run.is_cancelled);
        let lost = task.lost + 1;
        let state = match lost >= i64::from(lost_limit) {
            _ if is_cancelled => "cancelled",
            true => "failed",
            false => "ready",
        };
        if state == "failed" {
            let sentence = format!("{} ended without an answer {lost} times. Look at what each attempt logged last.", task.name);
            sqlx::query!("update ops.run set error = coalesce(error, $2) where run_id = $1", task.run_id, sentence)
                .execute(&mut *transaction)
                .await?;
        }
        ids.push(task.task_id);
        states.push(state.to_owned());
    }
    sqlx::query!(
        "with freed as (
             update ops.task set state = freed.state, not_before = clock_timestamp(), ready_at = clock_timestamp(), lease_owner = null,
                 lease_until = null, ended_at = case when freed.state <> 'ready' then clock_timestamp() end
             from unnest($1::bigint[], $2::text[]) as freed (task_id, state) where task.task_id = freed.task_id returning task.task_id)
         update ops.attempt set outcome = 'lost', ended_at = clock_timestamp()
         from freed where attempt.task_id = freed.task_id and attempt.outcome is null",
        &ids,
        &states,
    )
    .execute(&mut *transaction)
    .await?;
    let running: Vec<i64> = locked.iter().filter(|run| run.state == "running").map(|run| run.run_id).collect();
    advance_in(&mut transaction, &running).await?;
    wake(&mut transaction).await?;
    transaction.commit().await?;
    Ok(tasks.len())
}

/// Gives a task back untouched because this process stops, or ends it because its run was cancelled. The next attempt goes on from the
/// checkpoint, and this one counts against no budget.
///
/// # Errors
/// What Postgres says.
pub async fn release(pool: &PgPool, claimed: &Claimed) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let is_cancelled = lock(&mut transaction, &[claimed.run_id]).await?.iter().any(|run| run.is_cancelled);
    let freed = sqlx::query!(
        "with freed as (
             update ops.task set state = case when $3 then 'cancelled' else 'ready' end, not_before = clock_timestamp(),
                 ready_at = clock_timestamp(), lease_owner = null, lease_until = null, ended_at = case when $3 then clock_timestamp() end
             where task_id = $1 and lease_epoch = $2 and state = 'running' returning task_id)
         update ops.attempt set outcome = 'cancelled', ended_at = clock_timestamp()
         from freed where attempt.task_id = freed.task_id and attempt.lease_epoch = $2 and attempt.outcome is null",
        claimed.task_id,
        claimed.epoch,
        is_cancelled,
    )
    .execute(&mut *transaction)
    .await?
    .rows_affected();
    if freed > 0 {
        advance_in(&mut transaction, &[claimed.run_id]).await?;
        wake(&mut transaction).await?;
    }
    transaction.commit().await
}
