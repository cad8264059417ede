//! Checks on what was fetched, before anything is published. What fails blocks its own scope: a price goes into quarantine
//! and the last good one is carried, a difference to the broker warns its portfolio, a missing session holds everything.
//!
//! SQL gathers, pure rules judge, one transaction keeps: results, quarantine and how far was judged commit together.

mod bars;
mod books;
mod entries;
mod load;
mod outcome;
mod reconcile;
mod rules;
mod stored;
mod verdict;

pub use stored::{far_from, faults_of, lapse};

use crate::orchestrator::{TaskContext, TaskError};
use bars::{Judged, Window};
use chrono::NaiveDate;
use outcome::Outcome;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use std::{collections::BTreeSet, time::Instant};

/// What all checks together say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// Why nothing may be published, in one sentence; `None`: publish.
    pub blocks_installation: Option<String>,
    pub passed: u32,
    pub total: u32,
}

/// Up to where bars were judged, in answers and in changes: the task's checkpoint, from which the next run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
struct JudgedThrough {
    judged_response: i64,
    judged_change: i64,
}

/// Checks what is on file for `session`, keeps the results, quarantines prices that can't be right, and frees those that a
/// split explains by now. Repeating it within a run replaces the results. Doesn't complete the task.
///
/// # Errors
/// [`TaskError::Fenced`] when another worker took the task over; what Postgres says.
pub async fn validate(ctx: &TaskContext, session: NaiveDate) -> Result<Verdict, TaskError> {
    let started = Instant::now();
    let mut step = ctx.begin().await?;
    // Compiling these queries takes Postgres longer than running them.
    sqlx::query!("set local jit = off").execute(&mut *step).await?;
    let before = judged_before(&mut step, ctx.task_id).await?;
    let after = judged_after(&mut step).await?;
    let symbols = load::symbols(&mut step).await?;
    let from = first_new_bar(&mut step, before).await?;
    let books = load::books(&mut step, ctx.run_id).await?;
    let window = Window { symbols: &symbols, from, judged_response: before.judged_response, session };
    let spans = entries::held_spans(&books.entries, &books.splits, session);
    let reported = books.reports.iter().filter_map(|report| report.positions.as_ref()).flat_map(|positions| positions.keys());
    let held: BTreeSet<&str> =
        spans.iter().filter(|(_, (_, to))| *to == session).map(|(symbol, _)| symbol).chain(reported).map(String::as_str).collect();

    let (mut outcomes, blocks_installation) = bars::freshness(&mut step, &window, &held).await?;
    let judged = bars::judged(&mut step, &window, &books.splits).await?;
    outcomes.extend(bars::gaps(&mut step, &window, &spans).await?);
    outcomes.extend(books::checked(&books, session));
    // First, so that a better price that came since ends the wait at once.
    stored::lapse(&mut step, Some(ctx.run_id), session).await?;
    quarantine(&mut step, ctx.run_id, &judged).await?;
    reconcile::keep(&mut step, ctx.run_id, session, &books).await?;
    outcomes.extend(judged.outcomes);

    sqlx::query!("delete from ops.check_result where run_id = $1 and dimension <> 'model'", ctx.run_id).execute(&mut *step).await?;
    outcome::keep(&mut step, ctx.run_id, &outcomes, started.elapsed().as_secs_f64() * 1000.0).await?;
    ctx.commit(step, &after, outcomes.len() as u64).await?;
    Ok(verdict(&outcomes, blocks_installation))
}

fn verdict(outcomes: &[Outcome], blocks_installation: Option<String>) -> Verdict {
    let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Verdict { blocks_installation, passed: count(outcomes.iter().filter(|outcome| outcome.passed).count()), total: count(outcomes.len()) }
}

/// How far the runs before judged. Answers of a run that failed before its checks lie after that, and are judged now.
async fn judged_before(connection: &mut PgConnection, task_id: i64) -> Result<JudgedThrough, sqlx::Error> {
    let row = sqlx::query!(
        r#"select coalesce(max((checkpoint ->> 'judged_response')::bigint), 0) as "response!",
                  coalesce(max((checkpoint ->> 'judged_change')::bigint), 0) as "change!"
           from ops.task where name = 'validate' and task_id <> $1 and checkpoint ? 'judged_response'"#,
        task_id
    )
    .fetch_one(connection)
    .await?;
    Ok(JudgedThrough { judged_response: row.response, judged_change: row.change })
}

async fn judged_after(connection: &mut PgConnection) -> Result<JudgedThrough, sqlx::Error> {
    let row = sqlx::query!(
        r#"select coalesce((select max(response_id) from raw.vendor_response), 0) as "response!",
                  coalesce((select max(change_id) from ops.change), 0) as "change!""#
    )
    .fetch_one(connection)
    .await?;
    Ok(JudgedThrough { judged_response: row.response, judged_change: row.change })
}

async fn first_new_bar(connection: &mut PgConnection, before: JudgedThrough) -> Result<Option<NaiveDate>, sqlx::Error> {
    sqlx::query_scalar!("select min(from_date) from ops.change where kind = 'bar' and change_id > $1", before.judged_change)
        .fetch_one(connection)
        .await
}

/// Keeps refused prices out and lets explained ones in; each is a change that the publication takes up.
async fn quarantine(connection: &mut PgConnection, run_id: i64, judged: &Judged) -> Result<(), sqlx::Error> {
    let refusals = &judged.refusals;
    sqlx::query!(
        "with refused as (
             insert into ops.quarantine (symbol, session_date, check_name, reason, response_id, run_id)
             select row.symbol, row.session_date, row.check_name, row.reason, row.response_id, $1
             from unnest($2::text[], $3::date[], $4::text[], $5::text[], $6::bigint[]) as row (symbol, session_date, check_name, reason, response_id)
             on conflict do nothing
             returning symbol, session_date)
         insert into ops.change (symbol, kind, from_date, run_id) select symbol, 'bar', min(session_date), $1 from refused group by symbol",
        run_id,
        &refusals.iter().map(|refusal| refusal.bar.symbol.clone()).collect::<Vec<_>>(),
        &refusals.iter().map(|refusal| refusal.bar.session_date).collect::<Vec<_>>(),
        &refusals.iter().map(|refusal| refusal.fault.rule.name.to_owned()).collect::<Vec<_>>(),
        &refusals.iter().map(|refusal| refusal.fault.reason.clone()).collect::<Vec<_>>(),
        &refusals.iter().map(|refusal| refusal.bar.response_id).collect::<Vec<_>>(),
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "with freed as (
             update ops.quarantine set released_at = clock_timestamp()
             from unnest($2::text[], $3::date[]) as explained (symbol, session_date)
             where quarantine.symbol = explained.symbol and quarantine.session_date = explained.session_date
               and check_name = $4 and released_at is null
             returning quarantine.symbol, quarantine.session_date)
         insert into ops.change (symbol, kind, from_date, run_id) select symbol, 'bar', min(session_date), $1 from freed group by symbol",
        run_id,
        &judged.explained.iter().map(|(symbol, _)| symbol.clone()).collect::<Vec<_>>(),
        &judged.explained.iter().map(|(_, session)| *session).collect::<Vec<_>>(),
        rules::JUMPS_ARE_EXPLAINED.name,
    )
    .execute(&mut *connection)
    .await?;
    // A refused version that a good one has replaced isn't waited for any more; what is published doesn't change by that.
    sqlx::query!(
        r#"with replaced as (
               select refused.symbol, refused.session_date, refused.check_name, refused.response_id
               from ops.quarantine as refused
               cross join lateral (
                   select bar.response_id from raw.market_data as bar
                   where bar.symbol = refused.symbol and bar."timestamp" = refused.session_date::timestamp at time zone 'America/New_York'
                   order by bar.response_id desc limit 1) as latest
               where refused.released_at is null and latest.response_id > refused.response_id and not exists (
                   select from ops.quarantine as other
                   where other.symbol = refused.symbol and other.session_date = refused.session_date
                     and other.response_id = latest.response_id and other.released_at is null))
           update ops.quarantine set released_at = clock_timestamp()
           from replaced
           where quarantine.symbol = replaced.symbol and quarantine.session_date = replaced.session_date
             and quarantine.check_name = replaced.check_name and quarantine.response_id = replaced.response_id"#
    )
    .execute(connection)
    .await?;
    Ok(())
}
