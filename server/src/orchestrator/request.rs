//! Asking for a run: a row with its tasks, and word to the nodes.

use super::{Dag, Overlap, admit::admit_in, cancel::make_room_in, control::audit};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use sqlx::{PgConnection, PgPool};
use std::time::Duration;

/// Channel of NOTIFY on which the nodes listen.
pub(super) const CHANNEL: &str = "plumbline_engine";

/// Held while runs are made and admitted, so that two at once see each other. Always taken before any run is locked.
const REQUEST_LOCK: i64 = 0x706c_756d_0001;

/// How often [`wait_for`] looks.
const WAIT_STEP: Duration = Duration::from_millis(100);

/// Why a run exists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    Schedule,
    Person,
    Backfill,
    CatchUp,
}

impl Trigger {
    /// As in `ops.run.trigger`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Schedule => "schedule",
            Self::Person => "person",
            Self::Backfill => "backfill",
            Self::CatchUp => "catch_up",
        }
    }
}

/// When a request is answered with a run that exists already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// With one of the same parameters that is queued or running.
    JoinLive,
    /// Only with one that hasn't started a task yet: a running one may have read before what this request wants seen.
    JoinQueued,
    /// Never.
    Always,
}

/// What is asked for.
#[derive(Debug, Clone)]
pub struct Request {
    pub dag: Dag,
    pub parameters: Value,
    pub trigger: Trigger,
    pub requested_by: Option<i64>,
    pub logical_at: Option<DateTime<Utc>>,
    pub repeat: Repeat,
    /// Attempts of a task that may end badly, for whatever reason.
    pub most_tries: Option<i32>,
    /// The backfill that it is part of, and its place there.
    pub backfill: Option<(i64, i32)>,
}

impl Request {
    /// By a person, joined to a live run of the same parameters.
    #[must_use]
    pub fn new(dag: Dag, parameters: Value) -> Self {
        Self {
            dag,
            parameters,
            trigger: Trigger::Person,
            requested_by: None,
            logical_at: None,
            repeat: Repeat::JoinLive,
            most_tries: None,
            backfill: None,
        }
    }
}

/// What a request came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    New(i64),
    /// One that was there already.
    Joined(i64),
    /// The DAG's overlap policy doesn't want it now; one sentence.
    Refused(String),
}

impl Asked {
    pub fn run_id(&self) -> Option<i64> {
        match self {
            Self::New(run_id) | Self::Joined(run_id) => Some(*run_id),
            Self::Refused(_) => None,
        }
    }
}

/// Writes the run and its tasks, or finds the run that it joins.
///
/// # Errors
/// What Postgres says.
pub async fn request(pool: &PgPool, request: &Request) -> Result<Asked, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let asked = request_in(&mut transaction, request).await?;
    transaction.commit().await?;
    Ok(asked)
}

/// From here to the end of the transaction nobody else makes or admits runs.
pub(super) async fn hold_requests(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_advisory_xact_lock($1)", REQUEST_LOCK).execute(connection).await?;
    Ok(())
}

/// As [`request`], inside the caller's transaction; the nodes hear of it at the commit.
pub(super) async fn request_in(connection: &mut PgConnection, request: &Request) -> Result<Asked, sqlx::Error> {
    hold_requests(connection).await?;
    if let Some(run_id) = twin(connection, request).await? {
        return Ok(Asked::Joined(run_id));
    }
    if let Some(reason) = refusal(connection, request).await? {
        return Ok(Asked::Refused(reason));
    }
    let run_id = insert_run(connection, request).await?;
    // What schedules and a node's start ask for is written down with them.
    if matches!(request.trigger, Trigger::Person | Trigger::Backfill) {
        let details = json!({ "dag": request.dag.name, "parameters": request.parameters });
        audit(connection, request.requested_by, "request_run", &format!("run {run_id}"), details).await?;
    }
    admit_in(connection, &request.dag.name).await?;
    Ok(Asked::New(run_id))
}

/// Writes a queued run and its waiting tasks.
pub(super) async fn insert_run(connection: &mut PgConnection, request: &Request) -> Result<i64, sqlx::Error> {
    let version = keep_version(connection, &request.dag).await?;
    let deadline = request.dag.deadline.map(|deadline| deadline.as_secs_f64());
    let run_id = sqlx::query_scalar!(
        "insert into ops.run (dag, version, trigger, parameters, requested_by, logical_at, most_tries, backfill_id, place, deadline_at)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, coalesce($6, clock_timestamp()) + make_interval(secs => $10)) returning run_id",
        request.dag.name,
        version,
        request.trigger.as_str(),
        request.parameters,
        request.requested_by,
        request.logical_at,
        request.most_tries,
        request.backfill.map(|(backfill_id, _)| backfill_id),
        request.backfill.map(|(_, place)| place),
        deadline,
    )
    .fetch_one(&mut *connection)
    .await?;
    insert_tasks(connection, run_id, request).await?;
    Ok(run_id)
}

/// A run of the same DAG and parameters that answers this request too.
async fn twin(connection: &mut PgConnection, request: &Request) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "select run_id from ops.run
         where dag = $1 and parameters = $2 and state in ('queued', 'running') and cancel_requested_at is null
           and ($3 = 'live' or $3 = 'queued' and not exists (select from ops.task where task.run_id = run.run_id and attempts > 0))
         order by run_id limit 1",
        request.dag.name,
        request.parameters,
        match request.repeat {
            Repeat::JoinLive => "live",
            Repeat::JoinQueued => "queued",
            Repeat::Always => "never",
        },
    )
    .fetch_optional(connection)
    .await
}

/// What the overlap policy says, in words. Makes room where it wants the other cancelled. The runs of a backfill don't meet each other.
async fn refusal(connection: &mut PgConnection, request: &Request) -> Result<Option<String>, sqlx::Error> {
    let overlap = request.dag.overlap;
    if matches!(overlap, Overlap::Allow | Overlap::QueueAll) {
        return Ok(None);
    }
    let live = sqlx::query!(
        "select run_id, state from ops.run where dag = $1 and state in ('queued', 'running')
             and ($2::bigint is null or backfill_id is distinct from $2) order by run_id",
        request.dag.name,
        request.backfill.map(|(backfill_id, _)| backfill_id),
    )
    .fetch_all(&mut *connection)
    .await?;
    let name = &request.dag.name;
    match overlap {
        Overlap::Skip => Ok(live.first().map(|run| format!("Run {} of {name} was still under way.", run.run_id))),
        Overlap::QueueOne => {
            let queued = live.iter().find(|run| run.state == "queued");
            Ok(queued.map(|run| format!("Run {} of {name} was queued already, and one is enough.", run.run_id)))
        }
        Overlap::CancelOther => {
            for run in live {
                make_room_in(connection, run.run_id).await?;
            }
            Ok(None)
        }
        Overlap::Allow | Overlap::QueueAll => Ok(None),
    }
}

/// Writes the DAG down as it is now, if that is new; answers its version.
async fn keep_version(connection: &mut PgConnection, dag: &Dag) -> Result<String, sqlx::Error> {
    let version = dag.version();
    sqlx::query!(
        "insert into ops.dag_version (dag, version, definition)
         select $1, $2, $3 where not exists (select from ops.dag_version where dag = $1 and version = $2)",
        dag.name,
        version,
        serde_json::to_value(dag).unwrap_or_default(),
    )
    .execute(connection)
    .await?;
    Ok(version)
}

async fn insert_tasks(connection: &mut PgConnection, run_id: i64, request: &Request) -> Result<(), sqlx::Error> {
    let tasks = serde_json::to_value(
        request
            .dag
            .tasks
            .iter()
            .map(|task| {
                json!({
                    "name": task.name, "after": task.after, "rule": task.rule, "parts_of": task.parts_of, "pools": task.pools,
                    "priority": task.priority, "queue_seconds": task.queue_timeout.map(|limit| limit.as_secs_f64()),
                    "max_attempts": request.most_tries.map_or(task.max_attempts, |most| task.max_attempts.min(most)),
                })
            })
            .collect::<Vec<_>>(),
    )
    .unwrap_or_default();
    sqlx::query!(
        "insert into ops.task (run_id, position, name, after, rule, parts_of, pools, priority, max_attempts, queue_seconds)
         select $1, place::int, task ->> 'name', array(select jsonb_array_elements_text(task -> 'after')), task ->> 'rule', task ->> 'parts_of',
                array(select jsonb_array_elements_text(task -> 'pools')), (task ->> 'priority')::int, (task ->> 'max_attempts')::int,
                (task ->> 'queue_seconds')::float8
         from jsonb_array_elements($2) with ordinality as given (task, place)",
        run_id,
        tasks,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunOutcome {
    pub run_id: i64,
    pub succeeded: bool,
    /// As in `ops.run.state`.
    pub state: String,
    /// One sentence when it failed.
    pub error: Option<String>,
}

/// Waits until the run has ended. Waits for ever when no node works: wrap it in a timeout where somebody waits.
///
/// # Errors
/// What Postgres says; `RowNotFound` for a number that no run has.
pub async fn wait_for(pool: &PgPool, run_id: i64) -> Result<RunOutcome, sqlx::Error> {
    loop {
        let run = sqlx::query!("select state, error from ops.run where run_id = $1", run_id).fetch_one(pool).await?;
        if super::state::run_has_ended(&run.state) {
            return Ok(RunOutcome { run_id, succeeded: run.state == "success", state: run.state, error: run.error });
        }
        tokio::time::sleep(WAIT_STEP).await;
    }
}
