//! `plumbline run` and `plumbline backfill`: ask for a run, perform it here unless a server does, and say how it goes.

use super::{Deps, Error, request_backfill, request_daily, start_for_requests};
use crate::orchestrator::{RetryPolicy, RunOutcome, Trigger};
use chrono::NaiveDate;
use sqlx::PgPool;
use std::{collections::BTreeMap, time::Duration};

/// How often progress is looked at.
const LOOK: Duration = Duration::from_millis(250);

#[derive(Debug, Clone, clap::Args)]
pub struct RunArgs {
    /// What to run.
    #[arg(value_parser = ["daily"])]
    pub dag: String,
    /// The session to bring everything up to; without it, the last completed one.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub session: Option<NaiveDate>,
    #[command(flatten)]
    pub patience: Patience,
}

#[derive(Debug, Clone, clap::Args)]
pub struct BackfillArgs {
    /// The first day to fetch once more; without it, whatever is missing since the first transaction.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub from: Option<NaiveDate>,
    /// The last day; without it, the last completed session.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub to: Option<NaiveDate>,
    #[command(flatten)]
    pub patience: Patience,
}

/// Where somebody waits for the answer, or a script does that tries again itself.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct Patience {
    /// Give up a task after so many attempts; without it, as patient as the server: hours for a vendor that has no prices yet
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=5))]
    pub tries: Option<u8>,
}

impl Patience {
    /// The policy with no more attempts than that, for whatever reason one ends.
    fn limit(self, retries: RetryPolicy) -> RetryPolicy {
        let Some(tries) = self.tries.map(u32::from) else { return retries };
        RetryPolicy {
            not_ready_limit: retries.not_ready_limit.min(tries),
            rate_limited_limit: retries.rate_limited_limit.min(tries),
            ..retries
        }
    }
}

/// `plumbline run daily --session 2026-11-20`.
///
/// # Errors
/// [`Error::Refused`] for a session that can't be run, [`Error::Failed`] when the run failed.
pub async fn run(deps: Deps, args: RunArgs) -> Result<(), Error> {
    let session = args.session.unwrap_or_else(|| deps.clock.last_completed_session());
    let run_id = request_daily(&deps.pool, deps.clock, session, None, Trigger::Person).await?;
    perform(deps, run_id, args.patience).await
}

/// `plumbline backfill --from 2021-11-22 --to 2026-11-20`.
///
/// # Errors
/// As [`run`].
pub async fn backfill(deps: Deps, args: BackfillArgs) -> Result<(), Error> {
    let to = args.to.unwrap_or_else(|| deps.clock.last_completed_session());
    let run_id = request_backfill(&deps.pool, deps.clock, args.from, to, None).await?;
    perform(deps, run_id, args.patience).await
}

async fn perform(mut deps: Deps, run_id: i64, patience: Patience) -> Result<(), Error> {
    println!("run {run_id}");
    let pool = deps.pool.clone();
    if let Some(tries) = patience.tries {
        sqlx::query!("update ops.task set max_attempts = least(max_attempts, $2) where run_id = $1", run_id, i32::from(tries))
            .execute(&pool)
            .await?;
        deps.retries = patience.limit(deps.retries);
    }
    let engine = start_for_requests(deps);
    let ended = follow(&pool, run_id).await;
    engine.stop().await;
    let ended = ended?;
    if ended.succeeded {
        println!("run {run_id} succeeded");
        return Ok(());
    }
    Err(Error::Failed { run_id, sentence: ended.error.unwrap_or(ended.state) })
}

/// Prints a line whenever a task has come further, until the run has ended.
async fn follow(pool: &PgPool, run_id: i64) -> Result<RunOutcome, Error> {
    let mut said: BTreeMap<i32, String> = BTreeMap::new();
    loop {
        let run = sqlx::query!("select state, error from ops.run where run_id = $1", run_id).fetch_one(pool).await?;
        let tasks = sqlx::query!(
            "select position, name, state, attempts, rows_written, progress_done, progress_total from ops.task where run_id = $1 order by position",
            run_id
        )
        .fetch_all(pool)
        .await?;
        for task in tasks {
            let line = line(&task.name, &task.state, task.attempts, task.rows_written, task.progress_done, task.progress_total);
            if !matches!(task.state.as_str(), "waiting" | "ready") && said.get(&task.position) != Some(&line) {
                println!("  {line}");
                said.insert(task.position, line);
            }
        }
        if !matches!(run.state.as_str(), "queued" | "running") {
            return Ok(RunOutcome { run_id, succeeded: run.state == "success", state: run.state, error: run.error });
        }
        tokio::time::sleep(LOOK).await;
    }
}

fn line(name: &str, state: &str, attempts: i32, rows: i64, done: i64, total: Option<i64>) -> String {
    match (state, total) {
        ("running", Some(total)) => format!("{name}: {done} of {total}"),
        ("success", _) => format!("{name}: done, {rows} rows"),
        ("delayed", _) => format!("{name}: waiting to try again (attempt {attempts} failed)"),
        ("upstream_failed", _) => format!("{name}: not started"),
        _ => format!("{name}: {state}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_tries_hold_for_every_reason() {
        let usual = RetryPolicy::default();
        let once = Patience { tries: Some(1) }.limit(usual);
        assert_eq!((once.not_ready_limit, once.rate_limited_limit), (1, 1));
        let patient = Patience::default().limit(usual);
        assert_eq!((patient.not_ready_limit, patient.rate_limited_limit), (usual.not_ready_limit, usual.rate_limited_limit));
    }

    #[test]
    fn a_line_says_how_far_a_task_is() {
        assert_eq!(line("extract_prices", "running", 1, 0, 3, Some(25)), "extract_prices: 3 of 25");
        assert_eq!(line("extract_prices", "success", 1, 31_400, 25, Some(25)), "extract_prices: done, 31400 rows");
        assert_eq!(line("publish", "upstream_failed", 0, 0, 0, None), "publish: not started");
        assert_eq!(line("publish", "delayed", 2, 0, 0, None), "publish: waiting to try again (attempt 2 failed)");
    }
}
