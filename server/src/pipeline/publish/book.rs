//! Books the portfolios one by one and lands what each yields. One that fails keeps what it had; the others go on.

use super::{Change, Plan, Scope, Standing, plan, record};
use crate::{
    calendar,
    orchestrator::{TaskContext, TaskError},
    pipeline::ledger::{self, Books, Landed, Mark, Prices},
};
use app::{
    analytics::ledger::{Input, State, Yield, book},
    domain::PortfolioId,
};
use chrono::NaiveDate;
use sqlx::{Connection, PgConnection, types::Json};
use std::collections::BTreeSet;

/// From this many rows on the planner is told about them before the marts are built.
const ROWS_WORTH_ANALYZING: u64 = 1_000;

/// What booking changed.
#[derive(Debug, Default)]
pub(super) struct Booked {
    pub rows: u64,
    pub changed_from: Option<NaiveDate>,
    /// Each portfolio whose days changed, and from when on.
    pub changed: Vec<(PortfolioId, NaiveDate)>,
}

/// Brings the ledgers of `scope` up to `through`.
pub(super) async fn portfolios(
    ctx: &TaskContext,
    connection: &mut PgConnection,
    scope: Scope,
    through: NaiveDate,
    change_id: i64,
) -> Result<Booked, TaskError> {
    let all =
        sqlx::query_scalar!(r#"select portfolio_id as "id!" from book.portfolio union select portfolio_id from ledger.state order by 1"#);
    let all: Vec<_> = all.fetch_all(&mut *connection).await?.into_iter().map(PortfolioId).collect();
    let chosen: Vec<_> = all.into_iter().filter(|id| scope == Scope::All || scope == Scope::Portfolio(*id)).collect();
    let changes = changes(connection).await?;
    let (mut booked, mut prices) = (Booked::default(), Prices::default());
    for (done, portfolio) in chosen.iter().enumerate() {
        let landed = alone(ctx, connection, *portfolio, &changes, &mut prices, through, change_id).await?;
        booked.rows += landed.rows;
        if let Some(from) = landed.changed_from {
            booked.changed.push((*portfolio, from));
            booked.changed_from = Some(booked.changed_from.map_or(from, |earlier| earlier.min(from)));
        }
        ctx.progress(done as u64 + 1, chosen.len() as u64).await?;
    }
    if booked.rows >= ROWS_WORTH_ANALYZING {
        sqlx::raw_sql("analyze ledger.portfolio_day, ledger.position, ledger.session").execute(connection).await?;
    }
    Ok(booked)
}

/// One portfolio behind a savepoint: numbers of its own that no column holds cost nobody else a publication.
async fn alone(
    ctx: &TaskContext,
    connection: &mut PgConnection,
    portfolio: PortfolioId,
    changes: &[Change],
    prices: &mut Prices,
    through: NaiveDate,
    change_id: i64,
) -> Result<Landed, sqlx::Error> {
    let mut savepoint = connection.begin().await?;
    match one(ctx, &mut savepoint, portfolio, changes, prices, through, change_id).await {
        Ok(landed) => {
            savepoint.commit().await?;
            Ok(landed)
        }
        Err(error) if is_of_the_data(&error) => {
            savepoint.rollback().await?;
            tracing::error!(run_id = ctx.run_id, portfolio = portfolio.get(), %error, "this portfolio could not be booked");
            record::portfolio_failed(connection, ctx.run_id, portfolio).await?;
            Ok(Landed::default())
        }
        Err(error) => Err(error),
    }
}

/// Postgres' class 22: a value that doesn't fit. A retry meets it again.
fn is_of_the_data(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Database(error) => error.code().is_some_and(|code| code.starts_with("22")),
        sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) => true,
        _ => false,
    }
}

async fn one(
    ctx: &TaskContext,
    connection: &mut PgConnection,
    portfolio: PortfolioId,
    changes: &[Change],
    prices: &mut Prices,
    through: NaiveDate,
    change_id: i64,
) -> Result<Landed, sqlx::Error> {
    let stored = sqlx::query!(
        r#"select session_date, state as "state: Json<serde_json::Value>", change_id, quarantined from ledger.state where portfolio_id = $1"#,
        portfolio.get()
    )
    .fetch_optional(&mut *connection)
    .await?;
    // A state that an older version wrote in another shape is booked anew.
    let stored = stored.and_then(|row| {
        let standing = Standing { session_date: row.session_date, change_id: row.change_id, quarantined: row.quarantined };
        serde_json::from_value::<State>(row.state.0).ok().map(|state| (standing, state))
    });
    let standing = stored.as_ref().map(|(standing, _)| standing);
    let symbols = match standing {
        Some(standing) => ledger::symbols_through(connection, portfolio, standing.session_date).await?,
        None => BTreeSet::new(),
    };
    let quarantined = ledger::quarantined(connection, &symbols, standing.map_or(through, |standing| standing.session_date)).await?;
    let decided = plan(portfolio, standing, changes, &symbols, &quarantined, through);
    let (state, resumed_after) = match (decided, stored) {
        (Plan::Keep, _) => {
            sqlx::query!("update ledger.state set change_id = $2 where portfolio_id = $1", portfolio.get(), change_id)
                .execute(connection)
                .await?;
            return Ok(Landed::default());
        }
        (Plan::ResumeAfter(day), Some((_, state))) => (state, Some(day)),
        _ => (State::default(), None),
    };
    let books = ledger::books(connection, portfolio, &state, through).await?;
    let first = resumed_after.and_then(|day| day.succ_opt()).or(books.transactions.iter().map(|transaction| transaction.traded_on).min());
    let sessions = first.map(|first| calendar::sessions(first, through)).unwrap_or_default();
    if sessions.is_empty() {
        return ledger::clear(connection, portfolio).await;
    }
    prices.read(connection, &state, &books, through).await?;
    // Away from the threads that answer requests; what a portfolio's data could break there stays its own.
    let (input_prices, findings) = (std::mem::take(prices), books.findings.clone());
    let outcome = tokio::task::spawn_blocking(move || {
        let result = booked(state, &sessions, &books, &input_prices);
        (result, input_prices)
    })
    .await;
    let (state, mut yielded) = match outcome {
        Ok((result, read)) => {
            *prices = read;
            result
        }
        Err(error) => {
            tracing::error!(run_id = ctx.run_id, portfolio = portfolio.get(), error = %error, "this portfolio could not be booked");
            record::portfolio_failed(connection, ctx.run_id, portfolio).await?;
            return Ok(Landed::default());
        }
    };
    yielded.findings.extend(findings);
    let symbols = ledger::symbols_through(connection, portfolio, through).await?;
    let mark = Mark { change_id, quarantined: ledger::quarantined(connection, &symbols, through).await? };
    ledger::land(connection, portfolio, (&state, &yielded), resumed_after, &mark).await
}

fn booked(state: State, sessions: &[NaiveDate], books: &Books, prices: &Prices) -> (State, Yield) {
    book(
        state,
        &Input {
            sessions,
            accounts: &books.accounts,
            transactions: &books.transactions,
            splits: &books.splits,
            dividends: &books.dividends,
            closes: prices.closes(),
        },
    )
}

/// What came in since the ledger that is furthest behind, by portfolio, symbol and kind.
async fn changes(connection: &mut PgConnection) -> Result<Vec<Change>, sqlx::Error> {
    // Grouped by the watermarks in between too: a change that one ledger holds must not hide a later one that it doesn't.
    sqlx::query_as!(
        Change,
        r#"select max(change_id) as "change_id!", portfolio_id, symbol, kind, min(from_date) as "from_date!"
           from (select change.*, (select count(*) from (select distinct change_id from ledger.state) as mark
                                   where mark.change_id < change.change_id) as stretch
                 from ops.change where change_id > coalesce((select min(change_id) from ledger.state), 0)) as change
           group by stretch, portfolio_id, symbol, kind"#
    )
    .fetch_all(connection)
    .await
}
