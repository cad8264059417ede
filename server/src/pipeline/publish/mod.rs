//! Write, audit, publish in one transaction: staging, the ledger, the marts, their tests, completion. Readers see the old
//! numbers until the new ones have passed; a portfolio whose own fail keeps its last good ones, and when a blocking test fails for
//! more than that, everything rolls back and only the verdicts stay.

mod attempt;
mod book;
mod decision;
mod kept;
mod plan;
mod record;

pub use plan::{Change, Plan, Standing, plan};

use super::ledger;
use crate::{
    orchestrator::{TaskContext, TaskError, is_outage},
    quality::{self, Outcome},
    warehouse::{self, Build, Project, Vars, Verdict},
};
use app::domain::PortfolioId;
use attempt::{Aim, Attempt, Blocked};
use chrono::NaiveDate;
use decision::Decision;
use kept::Kept;
use sqlx::{Connection, PgConnection, PgPool};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

/// Whose returns stand beside the portfolios'.
const BENCHMARK: &str = "SPY";

/// Before any session: Postgres' days reach less far back than ours.
const EARLIEST: NaiveDate = NaiveDate::from_ymd_opt(1900, 1, 1).expect("a day of the calendar");

/// Read once; a test proves that it can be read.
static PROJECT: LazyLock<Result<Project, warehouse::Error>> = LazyLock::new(Project::embedded);

/// Whose numbers are brought up to date; the others' stay as they were published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    All,
    Portfolio(PortfolioId),
}

/// Publishes everything up to `session`, never less than what was published before, and completes the task with it. A portfolio
/// whose own new numbers fail a test keeps its last good ones; the others go on.
///
/// # Errors
/// [`TaskError::Final`] when a blocking test fails for more than single portfolios, or for the only one in scope (nothing is
/// published, the verdicts are kept), or a model is broken, [`TaskError::Fenced`] when another worker took over,
/// [`TaskError::Retryable`] for what Postgres may do better next time.
pub async fn publish(ctx: &TaskContext, session: NaiveDate, scope: Scope) -> Result<(), TaskError> {
    let project = PROJECT.as_ref().map_err(|error| TaskError::Final(Box::new(error)))?;
    renew_views(&ctx.pool, project).await?;
    let mut tx = ctx.begin().await?;
    lock(&mut tx).await?;
    let last = record::last(&mut tx).await?;
    let through = last.map_or(session, |last| last.session_date.max(session));
    let change_id = sqlx::query_scalar!(r#"select coalesce(max(change_id), 0) as "id!" from ops.change"#).fetch_one(&mut *tx).await?;
    // Of an attempt before this one, which was blocked.
    record::forget_verdicts(&mut tx, ctx.run_id).await?;
    // What stood in tables that are gone, or of another shape, is booked anew, whoever asked: else their numbers would be gone until somebody
    // asks for theirs.
    let is_reshaped = ledger::ensure_tables(&mut tx).await? && last.is_some();
    let scope = if is_reshaped { Scope::All } else { scope };
    ledger::land_sessions(&mut tx, through).await?;

    let accepted = record::accepted(&mut tx, through).await?;
    let mut held_back = record::held_back_by_checks(&mut tx, &accepted).await?;
    let publication_id = record::next_number(&mut tx).await?;
    let aim = Aim { publication_id, project, scope, through, change_id, last, accepted };
    let (mut refused, mut refused_outcomes) = (Vec::new(), Vec::new());
    let mut attempt = loop {
        let mut savepoint = tx.begin().await?;
        let attempt = attempt::run(ctx, &mut savepoint, &aim, &held_back).await?;
        match attempt.decide(&aim, &held_back) {
            Decision::Publish => {
                savepoint.commit().await?;
                break attempt;
            }
            Decision::HoldBack(portfolios) => {
                savepoint.rollback().await?;
                held_back.extend(portfolios);
                refused.extend(attempt.verdicts.into_iter().filter(Verdict::blocks));
                refused_outcomes.extend(attempt.outcomes.into_iter().filter(Outcome::blocks));
            }
            Decision::Block(names) => {
                savepoint.rollback().await?;
                tx.rollback().await?;
                let failed = names.len();
                let blocked = Blocked { session, failed, total: attempt.total(), names: names.join(", ") };
                let mut verdict_only = ctx.begin().await?;
                record::forget_verdicts(&mut verdict_only, ctx.run_id).await?;
                record::verdicts(&mut verdict_only, ctx.run_id, &attempt.verdicts, &BTreeSet::new(), &aim.accepted).await?;
                quality::keep(&mut verdict_only, ctx.run_id, &attempt.outcomes).await?;
                warehouse::keep(&mut verdict_only, ctx.run_id, attempt.build.built()).await?;
                ctx.commit(verdict_only, &ctx.checkpoint, 0).await?;
                return Err(TaskError::Final(Box::new(blocked)));
            }
        }
    };
    record::failed_bookings(&mut tx, ctx.run_id, &attempt.booked.failed).await?;
    let verdicts = decision::with_refused(std::mem::take(&mut attempt.verdicts), &refused);
    record::verdicts(&mut tx, ctx.run_id, &verdicts, &held_back, &aim.accepted).await?;
    // What the last try found of them again is written already.
    let is_known = |refused: &Outcome| {
        attempt.outcomes.iter().any(|found| found.check.name == refused.check.name && found.portfolio_id == refused.portfolio_id)
    };
    refused_outcomes.retain(|refused| !is_known(refused));
    quality::keep(&mut tx, ctx.run_id, &refused_outcomes).await?;
    warehouse::keep(&mut tx, ctx.run_id, attempt.build.built()).await?;
    let kept: BTreeSet<PortfolioId> = held_back.iter().chain(&attempt.booked.failed).copied().collect();
    record::alerts(&mut tx, scope, &kept, last.map(|last| last.session_date)).await?;
    let without_rows: BTreeSet<PortfolioId> = if is_reshaped { kept.clone() } else { BTreeSet::new() };
    keep(&mut tx, ctx.run_id, &aim, &attempt, &without_rows).await?;
    let rows = attempt.booked.rows + attempt.build.built().iter().map(|model| model.rows).sum::<u64>();
    ctx.complete(&mut tx, rows).await?;
    if scope == Scope::All {
        attempt.build.all_are_booked(&mut tx).await.map_err(broken)?;
    }
    // Last, so that nobody who reads the marts waits for anything but the commit.
    attempt.build.put_in_place(&mut tx).await.map_err(broken)?;
    tx.commit().await?;
    tracing::info!(run_id = ctx.run_id, session = %through, rows, changed = attempt.booked.changed.len(), held_back = held_back.len(), "published");
    Ok(())
}

/// Keeps the publication and what it shows. `without_rows`: portfolios whose ledgers went and couldn't be booked anew; that they show nothing for
/// now is no number that moved.
async fn keep(
    connection: &mut PgConnection,
    run_id: i64,
    aim: &Aim<'_>,
    attempt: &Attempt<'_>,
    without_rows: &BTreeSet<PortfolioId>,
) -> Result<(), TaskError> {
    let is_everything = attempt.build.has_rebuilt() || !aim.last.is_some_and(|last| last.keeps_all);
    let last_change_id = aim.last.map_or(0, |last| last.change_id);
    let mut from = attempt.booked.changed.clone();
    if is_everything {
        let is_out = |portfolio: &PortfolioId| without_rows.contains(portfolio);
        let everybody = record::everybody(connection).await?.into_iter().filter(|portfolio| !is_out(portfolio));
        from.extend(everybody.map(|portfolio| (portfolio, EARLIEST)));
    }
    let mark = |portfolio: PortfolioId| attempt.booked.marks.get(&portfolio).copied().unwrap_or(last_change_id).min(last_change_id);
    let changed: BTreeMap<_, _> = from.into_iter().map(|(portfolio, from)| (portfolio, (from.max(EARLIEST), mark(portfolio)))).collect();
    let portfolios: Vec<i64> = changed.keys().map(|portfolio| portfolio.get()).collect();
    let (built, replaced) = (attempt.build.built(), attempt.build.replaced());
    record::publication(connection, run_id, aim, built, &portfolios, replaced).await?;
    let kept =
        Kept { publication_id: aim.publication_id, through: aim.through, change_id: aim.change_id, last_change_id, changed, is_everything };
    kept.write(connection, &attempt.build).await.map_err(broken)
}

/// Puts views of this version in the place of another's, before anything is booked by them, and in a transaction of its own: the ledger reads
/// them by their names, so they can't wait beside the old ones as tables do, and their readers can't wait for a whole publication. They say of
/// themselves that nobody is booked by them yet.
async fn renew_views(pool: &PgPool, project: &Project) -> Result<(), TaskError> {
    let vars = Vars::default().with("benchmark", BENCHMARK).map_err(broken)?;
    if !Build::has_old_views(project, &mut *pool.acquire().await?, "staging", &vars).await.map_err(broken)? {
        return Ok(());
    }
    let mut tx = pool.begin().await?;
    lock_publications(&mut tx).await?;
    let mut build = Build::begin(project, &mut tx, false).await.map_err(broken)?;
    build.models(&mut tx, "staging", &vars).await.map_err(broken)?;
    build.put_in_place(&mut tx).await.map_err(broken)?;
    tx.commit().await?;
    Ok(())
}

/// Builds the warehouse on an installation that never published, so that what reads it finds empty tables instead of none.
///
/// # Errors
/// As [`publish`].
pub async fn prepare(pool: &PgPool) -> Result<(), TaskError> {
    if warehouse::has_marts(pool).await? {
        return Ok(());
    }
    let project = PROJECT.as_ref().map_err(|error| TaskError::Final(Box::new(error)))?;
    let mut tx = pool.begin().await?;
    lock(&mut tx).await?;
    ledger::ensure_tables(&mut tx).await?;
    let mut build = Build::begin(project, &mut tx, false).await.map_err(broken)?;
    for schema in ["staging", "marts"] {
        build.models(&mut tx, schema, &Vars::default()).await.map_err(broken)?;
    }
    build.put_in_place(&mut tx).await.map_err(broken)?;
    tx.commit().await?;
    Ok(())
}

/// One publication at a time, on data that holds still: whoever lands something notes it in ops.change and waits there until
/// this transaction ends. So no change can slip in between the ledger and the marts, nor behind the watermark.
async fn lock(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    // Between two statements the ledger computes: with many portfolios for longer than a connection may usually stand still.
    sqlx::raw_sql(
        "set local client_min_messages = warning; set local jit = off; set local work_mem = '64MB';
         set local idle_in_transaction_session_timeout = '2min'",
    )
    .execute(&mut *connection)
    .await?;
    lock_publications(&mut *connection).await?;
    sqlx::query!("lock table ops.change in share mode").execute(connection).await?;
    Ok(())
}

async fn lock_publications(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('plumbline.publish', 0)) is null as locked").fetch_one(connection).await?;
    Ok(())
}

/// What a retry may mend, and what it can't.
fn broken(error: warehouse::Error) -> TaskError {
    let source = match &error {
        warehouse::Error::Build { source, .. } | warehouse::Error::Database(source) => Some(source),
        _ => None,
    };
    if source.is_some_and(is_outage) {
        return TaskError::Interrupted(Box::new(error));
    }
    // Lock timeout, deadlock, serialization, and every failure that isn't a verdict of Postgres on the statement.
    let passing = source.is_some_and(|source| match source.as_database_error().and_then(|error| error.code()) {
        Some(code) => matches!(code.as_ref(), "55P03" | "40P01" | "40001") || code.starts_with("53"),
        None => true,
    });
    if passing { TaskError::Retryable(Box::new(error)) } else { TaskError::Final(Box::new(error)) }
}
