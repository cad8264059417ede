//! The loop: lead, reap, decide ticks, claim, perform, settle.

use super::{
    Outcome, Planner, Reap, Registry, RetryPolicy, Schedule, TaskContext, TaskError, TaskSpec,
    advance::advance_all,
    lead::{Held, Lead},
    lease::{self, Claimed},
    request::CHANNEL,
    scheduler::decide_ticks,
    settle::{End, settle_end},
};
use crate::clock::Clock;
use async_trait::async_trait;
use futures::FutureExt;
use sqlx::{PgPool, postgres::PgListener};
use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};
use tokio::{
    sync::{Notify, watch},
    task::{JoinHandle, JoinSet},
};
use tracing::Instrument;

/// How often the engine looks without being woken.
const POLL: Duration = Duration::from_secs(1);

/// A task that was started this often without an end takes the process down each time; it is given up.
const MOST_STARTS: i32 = 200;

/// What the owner of the DAGs does once when an engine begins to lead, e.g. to ask for what is missing.
#[async_trait]
pub trait LeaderDuty: Send + Sync {
    async fn on_lead(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

/// Everything that the loop needs. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub pool: PgPool,
    pub registry: Registry,
    pub retries: RetryPolicy,
    /// Ticks follow the market's clock; on a fixed one there are none.
    pub clock: Clock,
    /// Empty where only requested runs are performed.
    pub schedules: &'static [Schedule],
    pub planner: Arc<dyn Planner>,
    pub duty: Option<Arc<dyn LeaderDuty>>,
}

/// An engine at work in this process.
pub struct Handle {
    wake: Arc<Notify>,
    stop: watch::Sender<bool>,
    work: JoinHandle<()>,
}

impl Handle {
    /// There is something to do; the engine would see it within a second anyway.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Ends the engine. What runs is dropped, its open step rolls back, and the next engine goes on from its checkpoint.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.work.await {
            tracing::error!(%error, "the engine ended badly");
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("it was started {0} times and never came to an end; look at the log of each start")]
struct NeverEnds(i32);

#[derive(Debug, thiserror::Error)]
#[error("this version of the program doesn't know the task {0}; start the run again")]
struct Unknown(String);

impl Engine {
    /// Starts the loop; it waits in line while another engine leads this database.
    pub fn spawn(self) -> Handle {
        let wake = Arc::new(Notify::new());
        let (stop, stopped) = watch::channel(false);
        let work = tokio::spawn(self.serve(Arc::clone(&wake), stopped));
        Handle { wake, stop, work }
    }

    async fn serve(self, wake: Arc<Notify>, mut stopped: watch::Receiver<bool>) {
        let worker = format!("{}:{:08x}", std::process::id(), rand::random::<u32>());
        let mut said_waiting = false;
        while !*stopped.borrow() {
            match Lead::take(&self.pool).await {
                Ok(Some(mut lead)) => {
                    said_waiting = false;
                    let held = Held::default();
                    let mut tasks = JoinSet::new();
                    tokio::select! {
                        error = lead.beat(&held) => tracing::error!(%error, "the lead was lost; what ran is dropped and starts again"),
                        result = self.lead(&worker, &held, &mut tasks, &wake) => {
                            if let Err(error) = result {
                                tracing::error!(%error, "the engine had to stop for a moment");
                            }
                        }
                        _ = stopped.wait_for(|stop| *stop) => {}
                    }
                    tasks.shutdown().await;
                    for (task_id, epoch) in held.all() {
                        if let Err(error) = lease::release(&self.pool, task_id, epoch).await {
                            tracing::warn!(%error, task_id, "a task couldn't be given back; the next engine reaps it");
                        }
                    }
                    lead.give_up().await;
                }
                Ok(None) if said_waiting => {}
                Ok(None) => {
                    said_waiting = true;
                    tracing::info!("another process runs the pipeline of this database; waiting for it to end");
                }
                Err(error) => tracing::error!(%error, "the database can't be reached by the engine"),
            }
            tokio::select! {
                () = tokio::time::sleep(POLL) => {}
                _ = stopped.wait_for(|stop| *stop) => {}
            }
        }
    }

    /// Works until the database fails.
    async fn lead(&self, worker: &str, held: &Held, tasks: &mut JoinSet<Result<i64, TaskError>>, wake: &Notify) -> Result<(), TaskError> {
        let lost = lease::reap(&self.pool, Reap::All, &[]).await?;
        if lost > 0 {
            tracing::warn!(tasks = lost, "an earlier process ended in the middle of tasks; they start again where they were");
        }
        advance_all(&self.pool).await?;
        if let Some(duty) = &self.duty
            && let Err(error) = duty.on_lead().await
        {
            tracing::error!(error = %error, "what is missing couldn't be asked for");
        }
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(CHANNEL).await?;
        let mut running: Vec<(i64, TaskSpec)> = Vec::new();
        loop {
            self.decide_ticks().await?;
            let ours: Vec<i64> = running.iter().map(|(task_id, _)| *task_id).collect();
            lease::reap(&self.pool, Reap::Expired, &ours).await?;
            loop {
                let busy: Vec<TaskSpec> = running.iter().map(|(_, spec)| *spec).collect();
                let Some(claimed) = lease::claim(&self.pool, worker, &self.registry.held_back_by(&busy)).await? else { break };
                self.begin(claimed, held, tasks, &mut running).await?;
            }
            tokio::select! {
                Some(ended) = tasks.join_next() => match ended {
                    Ok(Ok(task_id)) => {
                        held.remove(task_id);
                        running.retain(|(other, _)| *other != task_id);
                    }
                    Ok(Err(error)) => return Err(error),
                    Err(error) => return Err(TaskError::Retryable(Box::new(error))),
                },
                () = wake.notified() => {}
                notification = listener.recv() => { notification?; }
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    async fn decide_ticks(&self) -> Result<(), TaskError> {
        if matches!(self.clock, Clock::Fixed(_)) {
            return Ok(());
        }
        for schedule in self.schedules {
            if let Some(dag) = self.registry.find(schedule.dag) {
                decide_ticks(&self.pool, schedule, *dag, &*self.planner, self.clock.now()).await?;
            }
        }
        Ok(())
    }

    /// Starts the work on a claimed task, or ends it where nothing can be started.
    async fn begin(
        &self,
        claimed: Claimed,
        held: &Held,
        tasks: &mut JoinSet<Result<i64, TaskError>>,
        running: &mut Vec<(i64, TaskSpec)>,
    ) -> Result<(), TaskError> {
        let span = tracing::info_span!(
            "task",
            run_id = claimed.run_id,
            task_id = claimed.task_id,
            dag = claimed.dag,
            task = claimed.name,
            attempt = claimed.number
        );
        let ctx = TaskContext {
            pool: self.pool.clone(),
            run_id: claimed.run_id,
            task_id: claimed.task_id,
            epoch: claimed.epoch,
            parameters: claimed.parameters.clone(),
            checkpoint: claimed.checkpoint.clone(),
        };
        let spec = self.registry.spec(&claimed.dag, &claimed.name).copied();
        let (Some(spec), Some(handler)) = (spec, self.registry.performer(&claimed.name)) else {
            let end = End::Error(TaskError::Final(Box::new(Unknown(claimed.name.clone()))));
            return settle_end(&self.pool, &self.registry, &self.retries, &claimed, &ctx, end).instrument(span).await;
        };
        if claimed.number > MOST_STARTS {
            let end = End::Error(TaskError::Final(Box::new(NeverEnds(MOST_STARTS))));
            return settle_end(&self.pool, &self.registry, &self.retries, &claimed, &ctx, end).instrument(span).await;
        }
        held.insert(claimed.task_id, claimed.epoch);
        running.push((claimed.task_id, spec));
        let engine = self.clone();
        tasks.spawn(
            async move {
                tracing::info!("task started");
                let performing = AssertUnwindSafe(handler.perform(ctx.clone())).catch_unwind();
                let end = match tokio::time::timeout(spec.timeout, performing).await {
                    Err(_) => End::Timeout(spec.timeout),
                    Ok(Err(panic)) => End::Panic(panic_message(&*panic)),
                    Ok(Ok(result)) => end_of(result),
                };
                settle_end(&engine.pool, &engine.registry, &engine.retries, &claimed, &ctx, end).await?;
                Ok(claimed.task_id)
            }
            .instrument(span),
        );
        Ok(())
    }
}

fn end_of(result: Result<Outcome, TaskError>) -> End {
    match result {
        Ok(outcome) => End::Success(outcome),
        Err(error) => End::Error(error),
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned()).or_else(|| panic.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "no message".to_owned())
}
