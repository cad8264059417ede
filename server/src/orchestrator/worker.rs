//! The loop that performs tasks: settle what ended, claim what may start, wait for either.

use super::{
    Definitions, Outcome, Registry, RetryPolicy, TaskContext, TaskError, TaskSpec,
    admit::admit_all,
    context::Cancelled,
    engine::{POLL, Shared},
    lease::{self, Claimant, Claimed, LEASE_SECONDS},
    log::Journal,
    node::{self, Role},
    settle::{End, chain, settle},
};
use futures::FutureExt;
use sqlx::PgPool;
use std::{
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};
use tokio::{
    sync::watch,
    task::JoinSet,
    time::{Instant, sleep},
};
use tracing::Instrument;

/// A task of a cancelled run gets this long to stop between two steps; then it is dropped, and its open step rolls back.
const CANCEL_GRACE: Duration = Duration::from_secs(5);

/// Tasks that are taken in one claim.
const MOST_AT_ONCE: usize = 64;

pub(super) struct Worker {
    pub(super) pool: PgPool,
    pub(super) registry: Registry,
    pub(super) definitions: Definitions,
    pub(super) retries: Option<RetryPolicy>,
    pub(super) role: Role,
    pub(super) capacity: usize,
    pub(super) drain: Duration,
    pub(super) claimant: Claimant,
    pub(super) journal: Journal,
    pub(super) shared: Arc<Shared>,
}

/// What this process performs now.
struct Running {
    tasks: JoinSet<(Claimed, End)>,
    held: BTreeMap<i64, (Claimed, watch::Sender<bool>)>,
    /// Ended, and not yet written down.
    ended: Vec<(Claimed, End)>,
    /// When it was last asked whether a run of these was cancelled.
    looked_at: Instant,
}

impl Default for Running {
    fn default() -> Self {
        Self { tasks: JoinSet::new(), held: BTreeMap::new(), ended: Vec::new(), looked_at: Instant::now() }
    }
}

impl Running {
    /// Task and epoch of everything whose lease has to be kept: what runs, and what isn't written down yet.
    fn leases(&self) -> Vec<(i64, i64)> {
        let held = self.held.values().map(|(claimed, _)| claimed);
        held.chain(self.ended.iter().map(|(claimed, _)| claimed)).map(|claimed| (claimed.task_id, claimed.epoch)).collect()
    }

    fn ended(&mut self, result: Result<(Claimed, End), tokio::task::JoinError>) {
        // A task that can't be joined was dropped by us; whoever did that sees to it.
        if let Ok((claimed, end)) = result {
            self.held.remove(&claimed.task_id);
            self.ended.push((claimed, end));
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("this version of the program doesn't know the DAG {0} as the run began with it; start the run again")]
struct Unknown(String);

impl Worker {
    /// Works until it is told to stop, then ends or gives back what it holds.
    pub(super) async fn work(self, mut stopped: watch::Receiver<bool>) {
        let mut running = Running::default();
        while !*stopped.borrow() {
            let wait = match self.turn(&mut running).await {
                Ok(wait) => wait,
                Err(error) => {
                    tracing::warn!(%error, "the engine can't write for a moment; nothing is lost");
                    sleep(Duration::from_millis(100)).await;
                    POLL
                }
            };
            self.drop_what_was_lost(&mut running);
            self.shared.held.send_replace(running.leases());
            tokio::select! {
                Some(result) = running.tasks.join_next(), if running.ended.is_empty() => running.ended(result),
                () = self.shared.wake.notified() => {}
                () = sleep(wait) => {}
                _ = stopped.wait_for(|stop| *stop) => {}
            }
            while let Some(result) = running.tasks.try_join_next() {
                running.ended(result);
            }
        }
        self.end(running).await;
    }

    /// Settles and claims as long as there is something of either; answers how long nothing will be due.
    async fn turn(&self, running: &mut Running) -> Result<Duration, sqlx::Error> {
        if !running.ended.is_empty() {
            settle(&self.pool, &self.definitions, self.retries, &running.ended).await?;
            running.ended.clear();
            admit_all(&self.pool).await?;
        }
        if self.shared.is_cancel.load(Ordering::Relaxed) || running.looked_at.elapsed() >= POLL {
            // Where the question fails, the next poll asks it again.
            self.shared.is_cancel.store(false, Ordering::Relaxed);
            self.tell_cancelled(running).await?;
            running.looked_at = Instant::now();
        }
        if self.role == Role::Command && node::is_served(&self.pool).await? {
            return Ok(POLL);
        }
        loop {
            let free = self.capacity.saturating_sub(running.held.len()).min(MOST_AT_ONCE);
            let claimed = lease::claim(&self.pool, &self.claimant, free).await?;
            if claimed.is_empty() {
                break;
            }
            for claimed in claimed {
                self.begin(claimed, running).await;
            }
            self.shared.held.send_replace(running.leases());
        }
        let next = sqlx::query_scalar!(
            r#"select extract(epoch from min(not_before) - clock_timestamp())::float8 from ops.task where state = 'delayed' and not_before > clock_timestamp()"#
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(next.map_or(POLL, |seconds| Duration::from_secs_f64(seconds.clamp(0.001, 1.0))))
    }

    /// Starts the work on a claimed task.
    async fn begin(&self, claimed: Claimed, running: &mut Running) {
        let span = self.journal.span(&claimed, || {
            tracing::info_span!(
                "task",
                run_id = claimed.run_id,
                task_id = claimed.task_id,
                dag = claimed.dag,
                task = claimed.name,
                part = (!claimed.part.is_empty()).then_some(claimed.part.as_str()),
                attempt = claimed.number
            )
        });
        let dag = match self.definitions.of(&claimed.dag, &claimed.version).await {
            Ok(dag) => dag,
            // It is claimed: whatever happens now is the end of an attempt.
            Err(error) => return self.end_at_once(claimed, error.into(), running),
        };
        let spec = dag.as_ref().and_then(|dag| dag.spec(&claimed.name));
        let (Some(spec), Some(handler)) = (spec, self.registry.performer(&claimed.name)) else {
            let unknown = TaskError::Final(Box::new(Unknown(claimed.dag.clone())));
            return self.end_at_once(claimed, unknown, running);
        };
        let (switch, cancelled) = Cancelled::switch();
        let ctx = TaskContext {
            pool: self.pool.clone(),
            run_id: claimed.run_id,
            task_id: claimed.task_id,
            epoch: claimed.epoch,
            parameters: claimed.parameters.clone(),
            checkpoint: claimed.checkpoint.clone(),
            input: claimed.input.clone(),
            cancelled: cancelled.clone(),
        };
        running.held.insert(claimed.task_id, (claimed.clone(), switch));
        let limits = Limits::of(spec, claimed.age);
        running.tasks.spawn(
            async move {
                tracing::info!("task started");
                let end = perform(handler.perform(ctx), limits, cancelled).await;
                match troubled(&end) {
                    Some(error) => tracing::warn!(outcome = said(&end), error, "task ended"),
                    None => tracing::info!(outcome = said(&end), "task ended"),
                }
                (claimed, end)
            }
            .instrument(span),
        );
    }

    fn end_at_once(&self, claimed: Claimed, error: TaskError, running: &mut Running) {
        running.ended.push((claimed, End::Error(error)));
        self.shared.wake.notify_one();
    }

    /// Flips the switch of every task of ours whose run was cancelled.
    async fn tell_cancelled(&self, running: &Running) -> Result<(), sqlx::Error> {
        let ids: Vec<i64> = running.held.keys().copied().collect();
        let cancelled = sqlx::query_scalar!(
            "select task_id from ops.task join ops.run using (run_id) where task_id = any($1) and cancel_requested_at is not null",
            &ids
        )
        .fetch_all(&self.pool)
        .await?;
        for task_id in cancelled {
            if let Some((_, switch)) = running.held.get(&task_id) {
                switch.send_replace(true);
            }
        }
        Ok(())
    }

    /// Without a heartbeat for a whole lease others have taken over: what we still do could only be refused.
    fn drop_what_was_lost(&self, running: &mut Running) {
        if !running.held.is_empty() && self.shared.beaten.borrow().elapsed() > Duration::from_secs_f64(LEASE_SECONDS) {
            tracing::error!(tasks = running.held.len(), "the leases ran out without a heartbeat; what ran is dropped and starts again");
            *running = Running::default();
        }
    }

    /// Lets what runs end, for a while; gives the rest back.
    async fn end(&self, mut running: Running) {
        if let Err(error) = node::drain(&self.pool, self.claimant.node_id).await {
            tracing::debug!(%error, "the node couldn't say that it drains");
        }
        let until = Instant::now() + self.drain;
        while let Ok(Some(result)) = tokio::time::timeout_at(until, running.tasks.join_next()).await {
            running.ended(result);
        }
        running.tasks.shutdown().await;
        let mut ended = std::mem::take(&mut running.ended);
        ended.extend(running.held.into_values().map(|(claimed, _)| (claimed, End::Dropped)));
        if let Err(error) = settle(&self.pool, &self.definitions, self.retries, &ended).await {
            tracing::warn!(%error, tasks = ended.len(), "tasks couldn't be given back; the next node takes them when their leases are over");
        }
    }
}

/// How long an attempt may take.
#[derive(Debug, Clone, Copy)]
struct Limits {
    attempt: Duration,
    /// What is left for all attempts together, and what that was.
    total: Option<(Duration, Duration)>,
}

impl Limits {
    fn of(spec: &TaskSpec, age: f64) -> Self {
        let total = spec.total_timeout.map(|total| (total.saturating_sub(Duration::from_secs_f64(age.max(0.0))), total));
        Self { attempt: spec.timeout, total }
    }
}

async fn perform(work: impl Future<Output = Result<Outcome, TaskError>>, limits: Limits, mut cancelled: Cancelled) -> End {
    let given_up = async {
        cancelled.wait().await;
        sleep(CANCEL_GRACE).await;
    };
    let (limit, over) = match limits.total {
        Some((left, total)) if left < limits.attempt => (left, End::OutOfTime(total)),
        _ => (limits.attempt, End::Timeout(limits.attempt)),
    };
    tokio::select! {
        result = AssertUnwindSafe(work).catch_unwind() => match result {
            Ok(result) => result.into(),
            Err(panic) => End::Panic(panic_message(&*panic)),
        },
        () = sleep(limit) => over,
        () = given_up => End::Dropped,
    }
}

fn said(end: &End) -> &'static str {
    match end {
        End::Success(Outcome::Skipped { .. }) => "skipped",
        End::Success(_) => "success",
        End::Error(_) | End::Panic(_) => "error",
        End::Timeout(_) | End::OutOfTime(_) => "timeout",
        End::Dropped => "cancelled",
    }
}

/// What went wrong, with its causes, where something did.
fn troubled(end: &End) -> Option<String> {
    match end {
        End::Error(error) => Some(chain(error).join(": ")),
        End::Panic(message) => Some(message.clone()),
        End::Timeout(limit) | End::OutOfTime(limit) => Some(format!("it took longer than {} seconds", limit.as_secs_f64())),
        End::Success(_) | End::Dropped => None,
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "no message".to_owned())
}
