//! Asking for a run: a row with its tasks, and word to the engine.

use super::Dag;
use chrono::{DateTime, Utc};
use serde_json::Value;
use sqlx::{PgConnection, PgPool};
use std::time::Duration;

/// Channel of NOTIFY on which the engine listens.
pub(super) const CHANNEL: &str = "plumbline_engine";

/// Held while a request looks for a live twin, so that two at once make one run. Any number that nothing else uses.
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
    /// Only with one that is still queued: a running one may have read before what this request wants seen.
    JoinQueued,
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
}

/// Writes the run and its tasks, the first of them ready; answers its number, or that of the run it joins.
///
/// # Errors
/// What Postgres says.
pub async fn request(pool: &PgPool, request: &Request) -> Result<i64, sqlx::Error> {
    let mut transaction = pool.begin().await?;
    let run_id = request_in(&mut transaction, request).await?;
    transaction.commit().await?;
    Ok(run_id)
}

/// As [`request`], inside the caller's transaction; the engine hears of it at the commit.
pub(super) async fn request_in(connection: &mut PgConnection, request: &Request) -> Result<i64, sqlx::Error> {
    sqlx::query!("select pg_advisory_xact_lock($1)", REQUEST_LOCK).execute(&mut *connection).await?;
    let live = sqlx::query_scalar!(
        "select run_id from ops.run
         where dag = $1 and parameters = $2 and (state = 'queued' or (state = 'running' and $3)) order by run_id limit 1",
        request.dag.name,
        request.parameters,
        request.repeat == Repeat::JoinLive,
    )
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(run_id) = live {
        return Ok(run_id);
    }
    let run_id = sqlx::query_scalar!(
        "insert into ops.run (dag, trigger, parameters, requested_by, logical_at) values ($1, $2, $3, $4, $5) returning run_id",
        request.dag.name,
        request.trigger.as_str(),
        request.parameters,
        request.requested_by,
        request.logical_at,
    )
    .fetch_one(&mut *connection)
    .await?;
    let names: Vec<String> = request.dag.tasks.iter().map(|task| task.name.to_owned()).collect();
    let limits: Vec<i32> = request.dag.tasks.iter().map(|task| task.max_attempts).collect();
    sqlx::query!(
        "insert into ops.task (run_id, position, name, max_attempts, state)
         select $1, place::int, name, max_attempts, case place when 1 then 'ready' else 'waiting' end
         from unnest($2::text[], $3::int[]) with ordinality as task (name, max_attempts, place)",
        run_id,
        &names,
        &limits,
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!("select pg_notify($1, '')", CHANNEL).execute(&mut *connection).await?;
    Ok(run_id)
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

/// Waits until the run has ended. Waits for ever when no engine leads: wrap it in a timeout where somebody waits.
///
/// # Errors
/// What Postgres says; `RowNotFound` for a number that no run has.
pub async fn wait_for(pool: &PgPool, run_id: i64) -> Result<RunOutcome, sqlx::Error> {
    loop {
        let run = sqlx::query!("select state, error from ops.run where run_id = $1", run_id).fetch_one(pool).await?;
        if !matches!(run.state.as_str(), "queued" | "running") {
            return Ok(RunOutcome { run_id, succeeded: run.state == "success", state: run.state, error: run.error });
        }
        tokio::time::sleep(WAIT_STEP).await;
    }
}
