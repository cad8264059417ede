//! The DAGs and who performs their tasks.

use super::{
    catch_up::CatchUp,
    error::Error,
    extract, propose, requests,
    ticks::{MarketPlanner, schedules},
    validate,
};
use crate::{
    clock::Clock,
    ingest,
    orchestrator::{self, Dag, Engine, Handler, LeaderDuty, Outcome, Registry, RetryPolicy, Schedule, TaskContext, TaskError, TaskSpec},
    vault::Vault,
};
use async_trait::async_trait;
use sqlx::PgPool;
use std::{future::Future, pin::Pin, sync::Arc, time::Duration};
use url::Url;

/// One task at a time asks vendors, so that their answers meet one budget in one order.
const EXTRACT: &str = "extract";
/// One task at a time changes what is published. Brokers' activities arrive page by page: nothing is published in between.
const PUBLISH: &str = "publish";

/// On a plan of five calls a minute five hundred symbols take two hours.
const EXTRACT_TIMEOUT: Duration = Duration::from_secs(6 * 60 * 60);
const COMPUTE_TIMEOUT: Duration = Duration::from_secs(30 * 60);

const fn extract_task(name: &'static str, purpose: &'static str, lines: &'static [&'static str]) -> TaskSpec {
    TaskSpec { name, purpose, max_attempts: 5, timeout: EXTRACT_TIMEOUT, lines }
}

const PUBLISH_TASK: TaskSpec =
    TaskSpec { name: "publish", purpose: "Publishing", max_attempts: 5, timeout: COMPUTE_TIMEOUT, lines: &[PUBLISH] };

/// Brokers come first: they say which symbols are held. Openings need the splits.
const TASKS: &[TaskSpec] = &[
    extract_task("extract_broker", "Fetching the brokers' accounts", &[EXTRACT, PUBLISH]),
    extract_task("extract_prices", "Fetching prices", &[EXTRACT]),
    extract_task("extract_actions", "Fetching splits and dividends", &[EXTRACT]),
    extract_task("extract_details", "Fetching the companies' details", &[EXTRACT]),
    extract_task("extract_rates", "Fetching interest rates", &[EXTRACT]),
    TaskSpec {
        name: "propose_openings",
        purpose: "Working out opening balances",
        max_attempts: 5,
        timeout: COMPUTE_TIMEOUT,
        lines: &[EXTRACT],
    },
    TaskSpec { name: "validate", purpose: "Checking what was fetched", max_attempts: 5, timeout: COMPUTE_TIMEOUT, lines: &[EXTRACT] },
    PUBLISH_TASK,
];

pub(super) const DAILY: Dag = Dag { name: "daily", tasks: TASKS };
pub(super) const BACKFILL: Dag = Dag { name: "backfill", tasks: TASKS };
pub(super) const PUBLISH_ONE: Dag = Dag { name: "publish", tasks: &[PUBLISH_TASK] };

/// What the pipeline works with. Cheap to clone.
#[derive(Clone)]
pub struct Deps {
    pub pool: PgPool,
    pub clock: Clock,
    pub vault: Arc<Vault>,
    pub http: ingest::Http,
    /// This process's own, where the demo is on: the demo's connections lead to it.
    pub simulator: Option<Url>,
    /// [`RetryPolicy::default`], except in tests that don't want to wait.
    pub retries: RetryPolicy,
}

/// The pipeline at work in this process.
pub struct Handle(orchestrator::Handle);

impl Handle {
    /// A run was requested; it would be seen within a second anyway.
    pub fn wake(&self) {
        self.0.wake();
    }

    /// Ends the work; what is under way goes on at the next start.
    pub async fn stop(self) {
        self.0.stop().await;
    }
}

/// Starts engine and scheduler in the background, and asks for whatever is missing.
///
/// # Errors
/// What Postgres says.
pub async fn start(deps: Deps) -> Result<Handle, Error> {
    orchestrator::upsert(&deps.pool, schedules()).await?;
    let duty = Arc::new(CatchUp { pool: deps.pool.clone(), clock: deps.clock });
    Ok(Handle(engine(deps, schedules(), Some(duty)).spawn()))
}

/// Starts an engine that performs what was requested and nothing else; for the command line. It does nothing while a server leads.
pub fn start_for_requests(deps: Deps) -> Handle {
    Handle(engine(deps, &[], None).spawn())
}

fn engine(deps: Deps, schedules: &'static [Schedule], duty: Option<Arc<dyn LeaderDuty>>) -> Engine {
    Engine {
        pool: deps.pool.clone(),
        registry: registry(&deps),
        retries: deps.retries,
        clock: deps.clock,
        schedules,
        planner: Arc::new(MarketPlanner(deps.pool)),
        duty,
    }
}

/// A task of ours: a function of the tools and the attempt.
type Perform = for<'a> fn(&'a Deps, &'a TaskContext) -> Pin<Box<dyn Future<Output = Result<Outcome, TaskError>> + Send + 'a>>;

struct Task {
    deps: Deps,
    perform: Perform,
}

#[async_trait]
impl Handler for Task {
    async fn perform(&self, ctx: TaskContext) -> Result<Outcome, TaskError> {
        (self.perform)(&self.deps, &ctx).await
    }
}

fn registry(deps: &Deps) -> Registry {
    let task = |perform: Perform| Task { deps: deps.clone(), perform };
    Registry::default()
        .dag(DAILY)
        .dag(BACKFILL)
        .dag(PUBLISH_ONE)
        .handler("extract_broker", task(|deps, ctx| Box::pin(extract::broker(deps, ctx))))
        .handler("extract_prices", task(|deps, ctx| Box::pin(extract::prices(deps, ctx))))
        .handler("extract_actions", task(|deps, ctx| Box::pin(extract::actions(deps, ctx))))
        .handler("extract_details", task(|deps, ctx| Box::pin(extract::details(deps, ctx))))
        .handler("extract_rates", task(|deps, ctx| Box::pin(extract::rates(deps, ctx))))
        .handler("propose_openings", task(|_, ctx| Box::pin(propose::openings(ctx))))
        .handler("validate", task(|_, ctx| Box::pin(validate::validate(ctx))))
        .handler("publish", task(|_, ctx| Box::pin(requests::publish(ctx))))
}
