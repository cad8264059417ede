//! The DAGs and who performs their tasks.

use super::{
    catch_up::CatchUp,
    error::Error,
    extract, own_models, propose,
    ticks::{MarketPlanner, schedules},
    validate,
};
use crate::{
    clock::Clock,
    ingest,
    orchestrator::{
        self, Dag, Engine, Handler, Outcome, Overlap, Registry, RetryPolicy, Role, Rule, Schedule, StartDuty, TaskContext, TaskError,
        TaskSpec,
    },
    vault::Vault,
};
use async_trait::async_trait;
use sqlx::PgPool;
use std::{future::Future, path::PathBuf, pin::Pin, sync::Arc, time::Duration};
use url::Url;

/// One task at a time asks vendors, or judges what they said: their answers meet one budget in one order.
const EXTRACT: &str = "extract";
/// One task at a time changes what is published. Brokers' activities arrive page by page: nothing is published in between.
const PUBLISH: &str = "publish";

/// On a plan of five calls a minute five hundred symbols take two hours.
const EXTRACT_TIMEOUT: Duration = Duration::from_secs(6 * 60 * 60);

/// Numbers are out a quarter of an hour after the schedule's time.
const DEADLINE: Duration = Duration::from_secs(15 * 60);

/// A run that isn't through after this long never will be.
const RUN_TIMEOUT: Duration = Duration::from_secs(24 * 60 * 60);

fn extract_task(name: &str, purpose: &str) -> TaskSpec {
    TaskSpec { max_attempts: 5, timeout: EXTRACT_TIMEOUT, ..TaskSpec::new(name, purpose).pools(&[EXTRACT]) }
}

fn compute_task(name: &str, purpose: &str, pool: &str) -> TaskSpec {
    TaskSpec { max_attempts: 5, ..TaskSpec::new(name, purpose).pools(&[pool]) }
}

/// Brokers come first: they say which symbols are held. Openings need the splits. Who has no broker needs prices all the same.
fn tasks() -> Vec<TaskSpec> {
    let after_brokers = |spec: TaskSpec| TaskSpec { rule: Rule::NoneFailed, ..spec.after(&["extract_broker"]) };
    vec![
        TaskSpec::new("list_brokers", "Looking up the brokers' accounts"),
        extract_task("extract_broker", "Fetching a broker's account").for_each_of("list_brokers").pools(&[EXTRACT, PUBLISH]),
        after_brokers(extract_task("extract_prices", "Fetching prices")),
        after_brokers(extract_task("extract_actions", "Fetching splits and dividends")),
        after_brokers(extract_task("extract_details", "Fetching the companies' details")),
        // The details and the dividends say which currencies there are.
        extract_task("extract_exchange_rates", "Fetching exchange rates").after(&["extract_actions", "extract_details"]),
        // Rates are wanted since the first transaction, too.
        after_brokers(extract_task("extract_rates", "Fetching interest rates")),
        // Beside the others: what it lands nobody reads but the checks, which wait for it.
        after_brokers(TaskSpec {
            max_attempts: 5,
            timeout: EXTRACT_TIMEOUT,
            ..TaskSpec::new("extract_reference", "Fetching a second vendor's closes")
        }),
        compute_task("propose_openings", "Working out opening balances", EXTRACT).after(&["extract_actions"]),
        compute_task("validate", "Checking what was fetched", EXTRACT).after(&[
            "extract_prices",
            "extract_exchange_rates",
            "extract_rates",
            "extract_reference",
            "propose_openings",
        ]),
        publish_task().after(&["validate"]),
    ]
}

/// What people wait for comes before what nobody does.
fn publish_task() -> TaskSpec {
    TaskSpec { priority: 10, ..compute_task("publish", "Publishing", PUBLISH) }
}

pub(super) fn daily() -> Dag {
    Dag { overlap: Overlap::QueueAll, deadline: Some(DEADLINE), timeout: Some(RUN_TIMEOUT), ..Dag::new("daily", tasks()) }
}

pub(super) fn history() -> Dag {
    Dag { overlap: Overlap::QueueAll, timeout: Some(7 * RUN_TIMEOUT), ..Dag::new("backfill", tasks()) }
}

pub(super) fn publication() -> Dag {
    Dag::new("publish", vec![publish_task()])
}

/// A person's own models, in runs of their own: whatever happens to them, the publication before them stands.
pub(super) fn own_models() -> Dag {
    let task = TaskSpec { max_attempts: 2, ..TaskSpec::new("own_models", "Building your own models") };
    Dag { overlap: Overlap::QueueOne, ..Dag::new("own_models", vec![task]) }
}

/// What a person wants fetched once more: no openings are worked out, nothing else is asked for.
pub(super) fn refetch() -> Dag {
    let mut tasks = tasks();
    tasks.retain(|task| {
        !matches!(
            task.name.as_str(),
            "extract_details" | "extract_exchange_rates" | "extract_rates" | "extract_reference" | "propose_openings" | "validate"
        )
    });
    let validate = compute_task("validate", "Checking what was fetched", EXTRACT);
    tasks.insert(tasks.len() - 1, validate.after(&["extract_prices", "extract_actions"]));
    Dag { overlap: Overlap::QueueAll, timeout: Some(RUN_TIMEOUT), ..Dag::new("refetch", tasks) }
}

/// Every DAG of ours.
pub(super) fn all() -> [Dag; 5] {
    [daily(), history(), refetch(), publication(), own_models()]
}

/// What the pipeline works with. Cheap to clone.
#[derive(Clone)]
pub struct Deps {
    pub pool: PgPool,
    pub clock: Clock,
    pub vault: Arc<Vault>,
    pub http: ingest::Http,
    /// This process's own, where the demo is on: the demo's connections lead to it.
    pub simulator: Option<Url>,
    /// A person's own dbt project.
    pub models: Option<PathBuf>,
    /// `None`, except in tests that don't want to wait.
    pub retries: Option<RetryPolicy>,
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

/// Starts a node that performs, schedules, and asks for whatever is missing.
///
/// # Errors
/// What Postgres says.
pub async fn start(deps: Deps) -> Result<Handle, Error> {
    orchestrator::upsert(&deps.pool, schedules()).await?;
    let duty = Arc::new(CatchUp { pool: deps.pool.clone(), clock: deps.clock });
    Ok(Handle(engine(deps, Role::Server, schedules(), Some(duty)).spawn()?))
}

/// Starts a node that performs what was requested and nothing else; for the command line. It leaves everything to servers where one works.
///
/// # Errors
/// A DAG of ours that can't run.
pub fn start_for_requests(deps: Deps) -> Result<Handle, Error> {
    Ok(Handle(engine(deps, Role::Command, &[], None).spawn()?))
}

/// Tasks at the same time in one process; pools keep apart what must not meet.
const CAPACITY: usize = 8;

/// What runs when the process is told to stop gets this long to end well; supervisors wait ten seconds before they kill.
const DRAIN: Duration = Duration::from_secs(5);

fn engine(deps: Deps, role: Role, schedules: &'static [Schedule], duty: Option<Arc<dyn StartDuty>>) -> Engine {
    Engine {
        pool: deps.pool.clone(),
        registry: registry(&deps),
        role,
        capacity: CAPACITY,
        drain: DRAIN,
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
    all()
        .into_iter()
        .fold(Registry::default(), Registry::dag)
        .handler("list_brokers", task(|_, ctx| Box::pin(extract::brokers(ctx))))
        .handler("extract_broker", task(|deps, ctx| Box::pin(extract::broker(deps, ctx))))
        .handler("extract_prices", task(|deps, ctx| Box::pin(extract::prices(deps, ctx))))
        .handler("extract_actions", task(|deps, ctx| Box::pin(extract::actions(deps, ctx))))
        .handler("extract_details", task(|deps, ctx| Box::pin(extract::details(deps, ctx))))
        .handler("extract_exchange_rates", task(|deps, ctx| Box::pin(extract::exchange_rates(deps, ctx))))
        .handler("extract_rates", task(|deps, ctx| Box::pin(extract::rates(deps, ctx))))
        .handler("extract_reference", task(|deps, ctx| Box::pin(extract::reference(deps, ctx))))
        .handler("propose_openings", task(|_, ctx| Box::pin(propose::openings(ctx))))
        .handler("validate", task(|_, ctx| Box::pin(validate::validate(ctx))))
        .handler("publish", task(|deps, ctx| Box::pin(own_models::after_publication(deps, ctx))))
        .handler("own_models", task(|deps, ctx| Box::pin(own_models::build(deps, ctx))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_dags_can_run() {
        for dag in all() {
            assert_eq!(dag.check(), Ok(()));
        }
    }
}
