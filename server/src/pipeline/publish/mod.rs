//! Write, audit, publish in one transaction: staging, the ledger, the marts, their tests, completion. Readers see the old
//! numbers until the new ones have passed; when a blocking test fails everything rolls back and only the verdicts stay.

mod book;
mod plan;
mod record;

pub use plan::{Change, Plan, Standing, plan};

use super::ledger;
use crate::{
    orchestrator::{TaskContext, TaskError, is_outage},
    warehouse::{self, Build, Project, Vars, Verdict},
};
use app::domain::PortfolioId;
use chrono::NaiveDate;
use sqlx::{PgConnection, PgPool};
use std::sync::LazyLock;

/// Whose returns stand beside the portfolios'.
const BENCHMARK: &str = "SPY";

/// Read once; a test proves that it can be read.
static PROJECT: LazyLock<Result<Project, warehouse::Error>> = LazyLock::new(Project::embedded);

/// Whose ledger is brought up to date. The marts always show all portfolios.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    All,
    Portfolio(PortfolioId),
}

/// The publication that did not happen, in a sentence for a person.
#[derive(Debug, thiserror::Error)]
#[error(
    "Nothing was published for {session}: {failed} of {total} tests of the models failed ({names}). The last good numbers stay; see the samples on the data quality page."
)]
struct Blocked {
    session: NaiveDate,
    failed: usize,
    total: usize,
    names: String,
}

/// Publishes everything up to `session`, never less than what was published before, and completes the task with it.
///
/// # Errors
/// [`TaskError::Final`] when a blocking test fails (nothing is published, the verdicts are kept) or a model is broken,
/// [`TaskError::Fenced`] when another worker took over, [`TaskError::Retryable`] for what Postgres may do better next time.
pub async fn publish(ctx: &TaskContext, session: NaiveDate, scope: Scope) -> Result<(), TaskError> {
    let project = PROJECT.as_ref().map_err(|error| TaskError::Final(Box::new(error)))?;
    let mut tx = ctx.begin().await?;
    lock(&mut tx).await?;
    let last = record::last(&mut tx).await?;
    let through = last.map_or(session, |last| last.session_date.max(session));
    let change_id = sqlx::query_scalar!(r#"select coalesce(max(change_id), 0) as "id!" from ops.change"#).fetch_one(&mut *tx).await?;

    // Of an attempt before this one, which was blocked.
    record::forget_verdicts(&mut tx, ctx.run_id).await?;

    let mut build = Build::begin(project, &mut tx, false).await.map_err(broken)?;
    build.models(&mut tx, "staging", &Vars::default()).await.map_err(broken)?;
    ledger::ensure_tables(&mut tx).await?;
    ledger::land_sessions(&mut tx, through).await?;
    let booked = book::portfolios(ctx, &mut tx, scope, through, change_id).await?;
    let restart = [booked.changed_from, record::joined_data_changed_from(&mut tx, last, BENCHMARK).await?];
    let restart = restart.into_iter().flatten().min().unwrap_or(through);
    let vars =
        Vars::default().with("benchmark", BENCHMARK).and_then(|vars| vars.with("restart_from", &restart.to_string())).map_err(broken)?;
    build.models(&mut tx, "marts", &vars).await.map_err(broken)?;

    let verdicts = build.test(&mut tx, &vars).await.map_err(broken)?;
    let blocking: Vec<&Verdict> = verdicts.iter().filter(|verdict| verdict.blocks()).collect();
    if !blocking.is_empty() {
        let names = blocking.iter().map(|verdict| verdict.name.as_str()).collect::<Vec<_>>().join(", ");
        let blocked = Blocked { session, failed: blocking.len(), total: verdicts.len(), names };
        tx.rollback().await?;
        let mut verdict_only = ctx.begin().await?;
        record::forget_verdicts(&mut verdict_only, ctx.run_id).await?;
        record::verdicts(&mut verdict_only, ctx.run_id, &verdicts).await?;
        warehouse::keep(&mut verdict_only, ctx.run_id, build.built()).await?;
        ctx.commit(verdict_only, &ctx.checkpoint, 0).await?;
        return Err(TaskError::Final(Box::new(blocked)));
    }
    record::verdicts(&mut tx, ctx.run_id, &verdicts).await?;
    warehouse::keep(&mut tx, ctx.run_id, build.built()).await?;
    record::publication(&mut tx, ctx.run_id, through, change_id, build.built(), &booked.changed).await?;
    let rows = booked.rows + build.built().iter().map(|model| model.rows).sum::<u64>();
    ctx.complete(&mut tx, rows).await?;
    // Last, so that nobody who reads the marts waits for anything but the commit.
    build.put_in_place(&mut tx).await.map_err(broken)?;
    tx.commit().await?;
    tracing::info!(run_id = ctx.run_id, session = %through, rows, restart = %restart, "published");
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
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('plumbline.publish', 0)) is null as locked")
        .fetch_one(&mut *connection)
        .await?;
    sqlx::query!("lock table ops.change in share mode").execute(connection).await?;
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
