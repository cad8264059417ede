//! The tick ledger: what each schedule's logical times came to. What is due follows from it and the schedule, never from the last run.

use super::{
    Dag, Plan, Repeat, Request, Schedule, ScheduleError, Trigger, Turn, alert,
    request::{Asked, hold_requests, request_in},
    turns,
};
use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{PgConnection, PgPool};
use std::collections::{BTreeMap, BTreeSet};

/// Ticks that one look decides, oldest first; the next looks decide the others.
const MOST_AT_ONCE: usize = 1_000;

/// How far back the ledger is compared with the schedule.
const RECONCILED: TimeDelta = TimeDelta::days(30);

/// A schedule that nobody looked at for so long is dead.
const DEAD_AFTER: f64 = 120.0;

/// Says what a tick means; the DAG's owner knows, the engine doesn't.
#[async_trait]
pub trait Planner: Send + Sync {
    /// What to do at `logical_at`, decided at `now`.
    async fn plan(&self, schedule: &Schedule, logical_at: DateTime<Utc>, now: DateTime<Utc>) -> Result<Plan, sqlx::Error>;
}

/// Why ticks couldn't be decided.
#[derive(Debug, thiserror::Error)]
pub enum TickError {
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    #[error(transparent)]
    Database(#[from] sqlx::Error),
}

/// Writes the schedules of the code into `ops.schedule`; whether one is enabled stays as it is. A changed expression begins now: it has no
/// ticks in the past.
///
/// # Errors
/// What Postgres says.
pub async fn upsert(pool: &PgPool, schedules: &[Schedule]) -> Result<(), sqlx::Error> {
    for schedule in schedules {
        sqlx::query!(
            "insert into ops.schedule (schedule_id, dag, expression, catch_up) values ($1, $2, $3, $4)
             on conflict (schedule_id) do update set dag = excluded.dag, expression = excluded.expression, catch_up = excluded.catch_up,
                 expression_since = case when schedule.expression = excluded.expression then schedule.expression_since else clock_timestamp() end,
                 decided_until = case when schedule.expression = excluded.expression then schedule.decided_until else clock_timestamp() end",
            schedule.id,
            schedule.dag,
            schedule.expression(),
            format!("{:?}", schedule.catch_up).to_lowercase(),
        )
        .execute(pool)
        .await?;
    }
    Ok(())
}

/// Where the ledger of a schedule stands.
struct Ledger {
    since: DateTime<Utc>,
    /// Since when the expression is what it is.
    expression_since: DateTime<Utc>,
    is_paused: bool,
    /// Ticks of a pause that is over, oldest first.
    held: Vec<DateTime<Utc>>,
}

/// Decides every tick of `schedule` that is due at `now` and not decided yet; answers the last run that it led to. What the
/// ledger should hold and doesn't is [`reconcile`]'s.
///
/// # Errors
/// What Postgres says, or that the schedule can't be read.
pub async fn decide_ticks(
    pool: &PgPool,
    schedule: &Schedule,
    dag: &Dag,
    planner: &dyn Planner,
    now: DateTime<Utc>,
) -> Result<Option<i64>, TickError> {
    let mut connection = pool.acquire().await?;
    let Some(ledger) = ledger(&mut connection, schedule).await? else { return Ok(None) };
    look(&mut connection, schedule.id).await?;
    drop(connection);
    let waiting = due(schedule, &ledger, now)?;
    if waiting.is_empty() {
        return Ok(None);
    }
    // Asked before the transaction: the owner reads by a connection of its own.
    let mut plans = BTreeMap::new();
    for (logical_at, turn) in turns(&waiting, now, schedule.catch_up).into_iter().take(MOST_AT_ONCE) {
        if let (Turn::Run { .. }, false) = (turn, ledger.is_paused) {
            plans.insert(logical_at, planner.plan(schedule, logical_at, now).await?);
        }
    }
    let mut transaction = pool.begin().await?;
    hold_requests(&mut transaction).await?;
    // Again, now that no other node decides.
    let Some(ledger) = self::ledger(&mut transaction, schedule).await? else { return Ok(None) };
    let due = due(schedule, &ledger, now)?;
    let mut run = None;
    let mut decided_until = None;
    for (logical_at, turn) in turns(&due, now, schedule.catch_up).into_iter().take(MOST_AT_ONCE) {
        let (outcome, run_id, reason) = if ledger.is_paused {
            ("paused", None, "The DAG was paused at this time; its turn comes when it is resumed.".to_owned())
        } else {
            match turn {
                Turn::Skip { reason } => ("skipped", None, reason),
                Turn::Run { reason } => match plans.remove(&logical_at) {
                    // It wasn't waiting a moment ago, or the DAG was paused then: the next look asks for it.
                    None => break,
                    Some(Plan::Skip { reason }) => ("skipped", None, reason),
                    Some(Plan::Run { parameters }) => {
                        let request = Request {
                            trigger: Trigger::Schedule,
                            logical_at: Some(logical_at),
                            repeat: Repeat::JoinLive,
                            ..Request::new(dag.clone(), parameters)
                        };
                        match request_in(&mut transaction, &request).await? {
                            Asked::New(run_id) => ("run", Some(run_id), reason),
                            Asked::Joined(run_id) => {
                                ("run", Some(run_id), format!("{reason} Run {run_id} was under way for the same already."))
                            }
                            Asked::Refused(refusal) => ("skipped", None, refusal),
                        }
                    }
                },
            }
        };
        run = run_id.or(run);
        decided_until = Some(logical_at);
        write(&mut transaction, schedule.id, logical_at, outcome, &reason, run_id).await?;
        tracing::info!(schedule = schedule.id, %logical_at, outcome, reason, run_id, "tick decided");
    }
    if let Some(last) = decided_until {
        sqlx::query!("update ops.schedule set decided_until = greatest(decided_until, $2) where schedule_id = $1", schedule.id, last)
            .execute(&mut *transaction)
            .await?;
    }
    transaction.commit().await?;
    Ok(run)
}

async fn ledger(connection: &mut PgConnection, schedule: &Schedule) -> Result<Option<Ledger>, sqlx::Error> {
    let known = sqlx::query!(
        r#"select decided_until, expression_since, exists (select from ops.dag where dag.dag = schedule.dag and paused_at is not null) as "is_paused!"
           from ops.schedule where schedule_id = $1 and is_enabled"#,
        schedule.id
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(known) = known else { return Ok(None) };
    let held = match known.is_paused {
        true => Vec::new(),
        false => {
            sqlx::query_scalar!(
                "select logical_at from ops.tick where schedule_id = $1 and outcome = 'paused' order by logical_at",
                schedule.id
            )
            .fetch_all(connection)
            .await?
        }
    };
    Ok(Some(Ledger { since: known.decided_until, expression_since: known.expression_since, is_paused: known.is_paused, held }))
}

/// The ticks to decide, oldest first.
fn due(schedule: &Schedule, ledger: &Ledger, now: DateTime<Utc>) -> Result<Vec<DateTime<Utc>>, ScheduleError> {
    let mut due = ledger.held.clone();
    due.extend(schedule.ticks(ledger.since)?.take_while(|tick| *tick <= now));
    Ok(due)
}

async fn look(connection: &mut PgConnection, schedule_id: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update ops.schedule set looked_at = clock_timestamp()
         where schedule_id = $1 and (looked_at is null or looked_at < clock_timestamp() - interval '10 seconds')",
        schedule_id
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn write(
    connection: &mut PgConnection,
    schedule_id: &str,
    logical_at: DateTime<Utc>,
    outcome: &str,
    reason: &str,
    run_id: Option<i64>,
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into ops.tick (schedule_id, logical_at, outcome, reason, run_id) values ($1, $2, $3, $4, $5)
         on conflict (schedule_id, logical_at) do update
             set outcome = excluded.outcome, reason = excluded.reason, run_id = excluded.run_id, decided_at = clock_timestamp()
             where tick.outcome = 'paused'",
        schedule_id,
        logical_at,
        outcome,
        reason,
        run_id,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Proves that the ledger is whole: every tick of the last month up to where it says it is complete is in it. What is missing is written
/// down as skipped, and an alert says so. Answers what was missing.
///
/// # Errors
/// As [`decide_ticks`].
pub async fn reconcile(pool: &PgPool, schedule: &Schedule) -> Result<Vec<DateTime<Utc>>, TickError> {
    let mut connection = pool.acquire().await?;
    let Some(ledger) = ledger(&mut connection, schedule).await? else { return Ok(Vec::new()) };
    let from = ledger.expression_since.max(ledger.since - RECONCILED);
    let written: BTreeSet<DateTime<Utc>> =
        sqlx::query_scalar!("select logical_at from ops.tick where schedule_id = $1 and logical_at > $2", schedule.id, from)
            .fetch_all(&mut *connection)
            .await?
            .into_iter()
            .collect();
    let holes: Vec<DateTime<Utc>> =
        schedule.ticks(from)?.take_while(|tick| *tick <= ledger.since).filter(|tick| !written.contains(tick)).take(MOST_AT_ONCE).collect();
    for &logical_at in &holes {
        write(&mut connection, schedule.id, logical_at, "skipped", "It wasn't decided in time; the next tick covers it.", None).await?;
    }
    if !holes.is_empty() {
        let message =
            format!("The schedule {} missed {} ticks: its ledger had a hole. The next tick covers them.", schedule.id, holes.len());
        alert::raise(&mut connection, alert::Kind::ScheduleDead, schedule.id, &message).await?;
    }
    Ok(holes)
}

/// Raises an alert for each enabled schedule that nobody looks after, whatever this program knows of it; and closes it when somebody does.
/// Runs apart from the scheduler, which may be what hangs.
pub(super) async fn watch(pool: &PgPool) -> Result<(), sqlx::Error> {
    let schedules = sqlx::query!(
        r#"select schedule_id, coalesce(looked_at, created_at) < clock_timestamp() - make_interval(secs => $1) as "is_dead!",
                  exists (select from ops.alert where kind = 'schedule_dead' and subject = schedule_id and resolved_at is null
                      and raised_at < clock_timestamp() - make_interval(secs => $1)) as "is_said!"
           from ops.schedule where is_enabled"#,
        DEAD_AFTER
    )
    .fetch_all(pool)
    .await?;
    for schedule in schedules {
        let mut connection = pool.acquire().await?;
        if schedule.is_dead {
            let message =
                format!("Nobody looks after the schedule {}: its ticks aren't decided. Start the server again.", schedule.schedule_id);
            alert::raise(&mut connection, alert::Kind::ScheduleDead, &schedule.schedule_id, &message).await?;
        } else if schedule.is_said {
            alert::resolve(&mut connection, alert::Kind::ScheduleDead, &schedule.schedule_id).await?;
        }
    }
    Ok(())
}
