//! `plumbline backfill`: a range of days, as one run or as many.

use super::follow::{Manner, perform};
use crate::{
    orchestrator::{self, Backfill},
    pipeline::{
        Deps, Error,
        chunks::{Per, chunks},
        dags::history,
        parameters::Parameters,
        request_backfill,
        requests::check_range,
        start_for_requests,
    },
};
use chrono::NaiveDate;
use serde_json::json;
use sqlx::PgPool;
use std::time::Duration;

/// How often progress is looked at.
const LOOK: Duration = Duration::from_millis(500);

#[derive(Debug, Clone, clap::Args)]
pub struct BackfillArgs {
    /// The first day to fetch once more; without it, whatever is missing since the first transaction
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub from: Option<NaiveDate>,
    /// The last day; without it, the last completed session
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub to: Option<NaiveDate>,
    /// How much of the range one run takes; anything but `range` needs --from
    #[arg(long, value_enum, default_value_t)]
    pub per: Per,
    /// Runs at the same time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=16))]
    pub limit: u8,
    /// Begin with the latest days
    #[arg(long)]
    pub newest_first: bool,
    /// Say which runs there would be, and start none
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub manner: Manner,
}

/// `plumbline backfill --from 2021-11-22 --to 2026-11-20 --per year`.
///
/// # Errors
/// [`Error::Refused`] for a range that can't be run, [`Error::Failed`] and [`Error::BackfillFailed`] when runs failed.
pub async fn backfill(deps: Deps, args: BackfillArgs) -> Result<(), Error> {
    let to = check_range(args.from, args.to.unwrap_or_else(|| deps.clock.last_completed_session()), deps.clock)?;
    if args.from.is_none() && args.per != Per::Range {
        return Err(Error::refused("Where the history begins is known only while it is fetched. Give --from to cut it into several runs."));
    }
    let mut parts = match args.from {
        None => Vec::new(),
        Some(from) => chunks(from, to, args.per),
    };
    if args.newest_first {
        parts.reverse();
    }
    if args.from.is_some() && parts.is_empty() {
        return Err(Error::refused("The exchange had no session in that range. Choose days that hold one."));
    }
    if args.dry_run {
        return dry_run(&parts, to, args.manner);
    }
    if parts.len() <= 1 {
        let run_id = request_backfill(&deps.pool, deps.clock, args.from, to, None).await?;
        return perform(deps, run_id, args.manner).await;
    }
    let wanted = Backfill {
        dag: history(),
        from: args.from.unwrap_or(to),
        to,
        runs: parts.iter().map(|&(from, to)| Parameters::Backfill { from: Some(from), to }.to_value()).collect(),
        most_at_once: i32::from(args.limit),
        requested_by: None,
    };
    let (backfill_id, runs) = orchestrator::backfill(&deps.pool, &wanted).await?;
    if !args.manner.json {
        say!("backfill {backfill_id}: {} runs, {} to {}", runs.len(), runs.first().unwrap_or(&0), runs.last().unwrap_or(&0));
    }
    let pool = deps.pool.clone();
    let node = start_for_requests(deps)?;
    let ended = follow(&pool, backfill_id, args.manner).await;
    node.stop().await;
    ended
}

fn dry_run(parts: &[(NaiveDate, NaiveDate)], to: NaiveDate, manner: Manner) -> Result<(), Error> {
    if manner.json {
        let runs: Vec<_> = parts.iter().map(|(from, to)| json!({ "from": from, "to": to })).collect();
        say!("{:#}", json!({ "runs": runs }));
    } else if parts.is_empty() {
        say!("1 run: all history to {to}");
    } else {
        say!("{} runs:", parts.len());
        for (from, to) in parts {
            say!("  {from} to {to}");
        }
    }
    Ok(())
}

/// Says how many runs have ended, until all have.
async fn follow(pool: &PgPool, backfill_id: i64, manner: Manner) -> Result<(), Error> {
    let mut said = None;
    loop {
        let count = sqlx::query!(
            r#"select count(*) as "runs!", count(*) filter (where state = 'success') as "succeeded!",
                      count(*) filter (where state in ('failed', 'cancelled')) as "failed!"
               from ops.run where backfill_id = $1"#,
            backfill_id
        )
        .fetch_one(pool)
        .await?;
        let now = (count.succeeded, count.failed);
        if said != Some(now) && !manner.json {
            say!("  {} of {} runs done, {} failed", count.succeeded, count.runs, count.failed);
        }
        said = Some(now);
        if count.succeeded + count.failed == count.runs {
            if manner.json {
                let result =
                    json!({ "backfill_id": backfill_id, "runs": count.runs, "succeeded": count.succeeded, "failed": count.failed });
                say!("{result:#}");
            }
            return match count.failed {
                0 => Ok(()),
                failed => Err(Error::BackfillFailed { backfill_id, failed, runs: count.runs }),
            };
        }
        tokio::time::sleep(LOOK).await;
    }
}
