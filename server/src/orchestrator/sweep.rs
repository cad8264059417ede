//! What time does to runs: nodes that are gone, leases that ran out, limits that are over, runs that somebody left standing.

use super::{
    admit::admit_all,
    cancel::cancel_in,
    deadline, lease,
    log::forget_old_logs,
    node,
    run::{advance_in, lock, lock_free},
    scheduler,
};
use sqlx::PgPool;
use std::collections::BTreeSet;

/// Sweeps between two looks at what changes slowly.
const SLOW_EVERY: u32 = 8;

/// Sweeps between two looks for logs that are old enough to go.
const FORGET_EVERY: u32 = 3_600;

/// Runs that are looked at in one transaction.
const RUNS_AT_ONCE: usize = 50;

/// Called about once a second, by every node: each sweep is harmless beside another.
#[derive(Debug)]
pub(super) struct Sweep {
    /// The node that sweeps: it is there, whatever its lock says.
    node_id: i32,
    /// Does it see to schedules?
    is_scheduling: bool,
    missing: BTreeSet<i32>,
    sweeps: u32,
}

impl Sweep {
    pub(super) fn new(node_id: i32, is_scheduling: bool) -> Self {
        Self { node_id, is_scheduling, missing: BTreeSet::new(), sweeps: 0 }
    }

    pub(super) async fn once(&mut self, pool: &PgPool, lost_limit: u32) -> Result<(), sqlx::Error> {
        let missing: BTreeSet<i32> = node::missing(pool).await?.into_iter().filter(|node_id| *node_id != self.node_id).collect();
        // Missed at two looks in a row: a living node whose connection broke has come back by the second.
        let gone: Vec<i32> = missing.intersection(&self.missing).copied().collect();
        self.missing = missing;
        let lost = lease::reap(pool, &gone, lost_limit).await?;
        if lost > 0 {
            tracing::warn!(tasks = lost, "tasks were left behind; they start again where they were");
        }
        node::bury(pool, &gone).await?;
        expire(pool).await?;
        admit_all(pool).await?;
        if self.sweeps.is_multiple_of(SLOW_EVERY) {
            advance_all(pool).await?;
            deadline::watch(pool).await?;
            if self.is_scheduling {
                scheduler::watch(pool).await?;
            }
        }
        if self.sweeps.is_multiple_of(FORGET_EVERY) {
            while forget_old_logs(pool).await? > 0 {}
        }
        self.sweeps = self.sweeps.wrapping_add(1);
        Ok(())
    }
}

/// Ends what is over its limits: tasks that waited too long for a worker, runs that took too long.
pub async fn expire(pool: &PgPool) -> Result<(), sqlx::Error> {
    let stale = sqlx::query!(
        r#"select task_id, run_id, name, queue_seconds as "queue_seconds!" from ops.task
           where state in ('ready', 'delayed') and queue_seconds is not null
             and not exists (select from ops.run join ops.dag using (dag) where run.run_id = task.run_id and paused_at is not null)
             and greatest(ready_at, not_before) + make_interval(secs => queue_seconds) < clock_timestamp()"#
    )
    .fetch_all(pool)
    .await?;
    for task in stale {
        let mut transaction = pool.begin().await?;
        lock(&mut transaction, &[task.run_id]).await?;
        let failed = sqlx::query!(
            "update ops.task set state = 'failed', ended_at = clock_timestamp() where task_id = $1 and state in ('ready', 'delayed')",
            task.task_id
        )
        .execute(&mut *transaction)
        .await?
        .rows_affected();
        if failed > 0 {
            let sentence = format!("{} waited longer than {} seconds for a worker.", task.name, task.queue_seconds);
            sqlx::query!("update ops.run set error = coalesce(error, $2) where run_id = $1", task.run_id, sentence)
                .execute(&mut *transaction)
                .await?;
            advance_in(&mut transaction, &[task.run_id]).await?;
        }
        transaction.commit().await?;
    }
    let slow = sqlx::query_scalar!(
        "select run_id from ops.run where state = 'running' and timeout_at < clock_timestamp() and cancel_requested_at is null
             and not exists (select from ops.dag where dag.dag = run.dag and paused_at is not null)"
    )
    .fetch_all(pool)
    .await?;
    for run_id in slow {
        let mut transaction = pool.begin().await?;
        cancel_in(&mut transaction, run_id, None, Some("It took longer than its DAG allows, so it was cancelled.")).await?;
        transaction.commit().await?;
    }
    Ok(())
}

/// Every running run, brought up to what its tasks say.
///
/// # Errors
/// What Postgres says.
pub async fn advance_all(pool: &PgPool) -> Result<(), sqlx::Error> {
    let runs = sqlx::query_scalar!("select run_id from ops.run where state = 'running' order by run_id").fetch_all(pool).await?;
    for some in runs.chunks(RUNS_AT_ONCE) {
        let mut transaction = pool.begin().await?;
        let running: Vec<i64> =
            lock_free(&mut transaction, some).await?.into_iter().filter(|run| run.state == "running").map(|run| run.run_id).collect();
        advance_in(&mut transaction, &running).await?;
        transaction.commit().await?;
    }
    Ok(())
}
