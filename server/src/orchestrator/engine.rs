//! A node at work: what it is started with, the loops that it consists of, and how it ends.

use super::{
    DagError, Definitions, Planner, Registry, RetryPolicy, Schedule,
    lease::{Claimant, LEASE_SECONDS},
    log::Journal,
    node::{self, BEAT, Presence, Role},
    request::CHANNEL,
    scheduler::{decide_ticks, reconcile},
    sweep::{Sweep, advance_all},
    worker::Worker,
};
use crate::clock::Clock;
use async_trait::async_trait;
use sqlx::{PgPool, postgres::PgListener};
use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Notify, watch},
    task::JoinHandle,
    time::Instant,
};

/// How often each loop looks without being woken.
pub(super) const POLL: Duration = Duration::from_secs(1);

/// Before a loop tries the database again.
const AFTER_TROUBLE: Duration = Duration::from_millis(250);

/// Before the owner's duty is tried again.
const AFTER_FAILED_DUTY: Duration = Duration::from_secs(5);

/// Passes of the scheduler between two comparisons of ledger and schedule.
const RECONCILE_EVERY: u32 = 60;

/// What the owner of the DAGs does once when a node starts, e.g. to ask for what is missing.
#[async_trait]
pub trait StartDuty: Send + Sync {
    async fn on_start(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

/// Everything that a node needs. Cheap to clone.
#[derive(Clone)]
pub struct Engine {
    pub pool: PgPool,
    pub registry: Registry,
    pub role: Role,
    /// Tasks at the same time in this process.
    pub capacity: usize,
    /// What runs when the node is told to stop gets this long to end well.
    pub drain: Duration,
    /// Instead of what the DAGs say; for tests.
    pub retries: Option<RetryPolicy>,
    /// Ticks follow the market's clock; on a fixed one there are none.
    pub clock: Clock,
    /// Empty where only requested runs are performed.
    pub schedules: &'static [Schedule],
    pub planner: Arc<dyn Planner>,
    pub duty: Option<Arc<dyn StartDuty>>,
}

/// A node at work in this process.
pub struct Handle {
    wake: Arc<Notify>,
    stop: watch::Sender<bool>,
    work: JoinHandle<()>,
}

impl Handle {
    /// There is something to do; the node would see it within a second anyway.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Ends the node: nothing new begins, what runs may end, and what doesn't in time is given back for another node or the next start.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        if let Err(error) = self.work.await {
            tracing::error!(%error, "the node ended badly");
        }
    }
}

/// What the loops of a node tell each other.
pub(super) struct Shared {
    pub(super) wake: Arc<Notify>,
    /// A run was cancelled: maybe one of ours.
    pub(super) is_cancel: AtomicBool,
    /// The last heartbeat that arrived.
    pub(super) beaten: watch::Sender<Instant>,
    /// Task and epoch of the leases to keep.
    pub(super) held: watch::Sender<Vec<(i64, i64)>>,
}

impl Engine {
    /// Starts the node.
    ///
    /// # Errors
    /// [`DagError`] when a DAG can't run.
    pub fn spawn(self) -> Result<Handle, DagError> {
        self.registry.check()?;
        let wake = Arc::new(Notify::new());
        let (stop, stopped) = watch::channel(false);
        let work = tokio::spawn(self.serve(Arc::clone(&wake), stopped));
        Ok(Handle { wake, stop, work })
    }

    async fn serve(self, wake: Arc<Notify>, mut stopped: watch::Receiver<bool>) {
        let host = nix::sys::utsname::uname().map(|system| system.nodename().to_string_lossy().into_owned()).unwrap_or_default();
        let name = format!("{host}:{}", std::process::id());
        let node_id = loop {
            match node::register(&self.pool, &name, self.role).await {
                Ok(node_id) => break node_id,
                Err(error) => tracing::error!(%error, "the database can't be reached by the engine"),
            }
            tokio::select! {
                () = tokio::time::sleep(AFTER_TROUBLE) => {}
                _ = stopped.wait_for(|stop| *stop) => return,
            }
        };
        let shared = Arc::new(Shared {
            wake,
            is_cancel: AtomicBool::new(false),
            beaten: watch::channel(Instant::now()).0,
            held: watch::channel(Vec::new()).0,
        });
        let claimant = Claimant { node_id, worker: name, known: self.registry.known() };
        let (journal, mut writer) = Journal::open();
        let worker = Worker {
            journal,
            pool: self.pool.clone(),
            registry: self.registry.clone(),
            definitions: Definitions::new(self.pool.clone(), self.registry.clone()),
            retries: self.retries,
            role: self.role,
            capacity: self.capacity,
            drain: self.drain,
            claimant,
            shared: Arc::clone(&shared),
        };
        tokio::select! {
            () = worker.work(stopped) => {}
            () = self.be_present(node_id, &shared) => {}
            () = self.listen(&shared) => {}
            () = self.sweep(node_id) => {}
            () = self.schedule() => {}
            () = writer.write(&self.pool) => {}
        }
        writer.flush(&self.pool).await;
        if let Err(error) = node::leave(&self.pool, node_id).await {
            tracing::debug!(%error, "the node couldn't say that it ends");
        }
    }

    /// Heartbeats, on a connection of their own: a busy pool can't keep them waiting.
    async fn be_present(&self, node_id: i32, shared: &Shared) {
        loop {
            let lost = match Presence::open(&self.pool, node_id).await {
                Ok(mut presence) => loop {
                    let held = shared.held.borrow().clone();
                    if let Err(error) = presence.beat(&held).await {
                        presence.close().await;
                        break error;
                    }
                    shared.beaten.send_replace(Instant::now());
                    if let Err(error) = presence.hold(BEAT).await {
                        presence.close().await;
                        break error;
                    }
                },
                Err(error) => error,
            };
            tracing::warn!(error = %lost, "a heartbeat didn't arrive; leases hold for {LEASE_SECONDS} seconds");
            tokio::time::sleep(AFTER_TROUBLE).await;
        }
    }

    /// Hears of work. Polling is the truth: what isn't heard is seen a second later.
    async fn listen(&self, shared: &Shared) {
        loop {
            let broken = async {
                let mut listener = PgListener::connect_with(&self.pool).await?;
                listener.listen(CHANNEL).await?;
                loop {
                    let heard = listener.recv().await?;
                    if heard.payload() == super::cancel::CANCEL {
                        shared.is_cancel.store(true, Ordering::Relaxed);
                    }
                    shared.wake.notify_one();
                }
            };
            let result: Result<(), sqlx::Error> = broken.await;
            if let Err(error) = result {
                tracing::debug!(%error, "the engine doesn't hear for a moment");
            }
            tokio::time::sleep(AFTER_TROUBLE).await;
        }
    }

    async fn sweep(&self, node_id: i32) {
        let lost_limit = self.retries.unwrap_or_default().lost_limit;
        let mut sweep = Sweep::new(node_id, !matches!(self.clock, Clock::Fixed(_)) && !self.schedules.is_empty());
        loop {
            if let Err(error) = sweep.once(&self.pool, lost_limit).await {
                tracing::warn!(%error, "a sweep of the engine failed; the next one follows");
            }
            tokio::time::sleep(POLL).await;
        }
    }

    /// The owner's duty, then ticks for as long as the node lives.
    async fn schedule(&self) {
        if let Err(error) = advance_all(&self.pool).await {
            tracing::warn!(%error, "what was left standing is looked at again in a moment");
        }
        if let Some(duty) = &self.duty {
            while let Err(error) = duty.on_start().await {
                tracing::error!(%error, "what is missing couldn't be asked for; the next try follows");
                tokio::time::sleep(AFTER_FAILED_DUTY).await;
            }
        }
        if matches!(self.clock, Clock::Fixed(_)) || self.schedules.is_empty() {
            std::future::pending::<()>().await;
        }
        for pass in 0_u32.. {
            for schedule in self.schedules {
                let Some(dag) = self.registry.find(schedule.dag) else { continue };
                let decided = decide_ticks(&self.pool, schedule, dag, &*self.planner, self.clock.now()).await;
                let reconciled = match pass % RECONCILE_EVERY {
                    0 => reconcile(&self.pool, schedule).await.map(|_| ()),
                    _ => Ok(()),
                };
                if let Err(error) = decided.map(|_| ()).and(reconciled) {
                    tracing::error!(%error, schedule = schedule.id, "ticks couldn't be decided; they are at the next look");
                }
            }
            tokio::time::sleep(POLL).await;
        }
    }
}
