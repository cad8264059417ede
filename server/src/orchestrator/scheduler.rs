//! The tick ledger: what each schedule's logical times came to. The next tick follows from it, not from the last run.

use super::{
    Dag, Plan, Repeat, Request, Schedule, Trigger, Turn, When,
    request::request_in,
    schedule::{ScheduleError, turns},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::PgPool;

/// More missed ticks than this (years of them) aren't written down one by one.
const MOST_MISSED: usize = 1_000;

/// Where sessions of the exchange are kept.
const EXCHANGE_ZONE: &str = "America/New_York";

/// Says what a tick means; the DAG's owner knows, the engine doesn't.
#[async_trait]
pub trait Planner: Send + Sync {
    /// What to do at `logical_at`, decided at `now`.
    async fn plan(&self, schedule: &Schedule, logical_at: DateTime<Utc>, now: DateTime<Utc>) -> Result<Plan, sqlx::Error>;
}

/// Why ticks couldn't be decided.
#[derive(Debug, thiserror::Error)]
pub(super) enum TickError {
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Writes the schedules of the code into `ops.schedule`; whether one is enabled stays as it is.
///
/// # Errors
/// What Postgres says.
pub async fn upsert(pool: &PgPool, schedules: &[Schedule]) -> Result<(), sqlx::Error> {
    for schedule in schedules {
        let (expression, zone) = match schedule.when {
            When::Cron { expression, zone } => (expression.to_owned(), zone),
            When::Session { .. } => (schedule.expression(), EXCHANGE_ZONE),
        };
        sqlx::query!(
            "insert into ops.schedule (schedule_id, dag, cron, zone) values ($1, $2, $3, $4)
             on conflict (schedule_id) do update set dag = excluded.dag, cron = excluded.cron, zone = excluded.zone",
            schedule.id,
            schedule.dag,
            expression,
            zone,
        )
        .execute(pool)
        .await?;
    }
    Ok(())
}

/// Decides every tick of `schedule` that is due at `now` and not in the ledger; answers the run that it led to.
///
/// # Errors
/// What Postgres says, or that the schedule can't be read.
pub async fn decide_ticks(
    pool: &PgPool,
    schedule: &Schedule,
    dag: Dag,
    planner: &dyn Planner,
    now: DateTime<Utc>,
) -> Result<Option<i64>, sqlx::Error> {
    match try_decide(pool, schedule, dag, planner, now).await {
        Ok(run_id) => Ok(run_id),
        Err(TickError::Database(error)) => Err(error),
        Err(TickError::Schedule(error)) => Err(sqlx::Error::Configuration(Box::new(error))),
    }
}

async fn try_decide(
    pool: &PgPool,
    schedule: &Schedule,
    dag: Dag,
    planner: &dyn Planner,
    now: DateTime<Utc>,
) -> Result<Option<i64>, TickError> {
    // An installation has no past before its schedules were written.
    let since = sqlx::query_scalar!(
        r#"select coalesce((select max(logical_at) from ops.tick where tick.schedule_id = schedule.schedule_id), created_at) as "since!"
           from ops.schedule where schedule_id = $1 and is_enabled"#,
        schedule.id
    )
    .fetch_optional(pool)
    .await?;
    let Some(since) = since else { return Ok(None) };
    let due: Vec<DateTime<Utc>> = schedule.ticks(since)?.take_while(|tick| *tick <= now).take(MOST_MISSED).collect();
    if due.is_empty() {
        return Ok(None);
    }
    // Asked before the transaction: the owner reads by a connection of its own.
    let mut decided = Vec::with_capacity(due.len());
    for (logical_at, turn) in turns(&due, now, schedule.catch_up) {
        decided.push(match turn {
            Turn::Skip { reason } => (logical_at, None, reason),
            Turn::Run { reason } => match planner.plan(schedule, logical_at, now).await? {
                Plan::Skip { reason } => (logical_at, None, reason),
                Plan::Run { parameters } => (logical_at, Some(parameters), reason),
            },
        });
    }
    let mut run = None;
    let mut transaction = pool.begin().await?;
    for (logical_at, parameters, reason) in decided {
        let (outcome, run_id) = match parameters {
            None => ("skipped", None),
            Some(parameters) => {
                let request = Request {
                    dag,
                    parameters,
                    trigger: Trigger::Schedule,
                    requested_by: None,
                    logical_at: Some(logical_at),
                    repeat: Repeat::JoinLive,
                };
                run = Some(request_in(&mut transaction, &request).await?);
                ("run", run)
            }
        };
        sqlx::query!(
            "insert into ops.tick (schedule_id, logical_at, outcome, reason, run_id) values ($1, $2, $3, $4, $5)",
            schedule.id,
            logical_at,
            outcome,
            reason,
            run_id,
        )
        .execute(&mut *transaction)
        .await?;
        tracing::info!(schedule = schedule.id, %logical_at, outcome, reason, run_id, "tick decided");
    }
    transaction.commit().await?;
    Ok(run)
}
