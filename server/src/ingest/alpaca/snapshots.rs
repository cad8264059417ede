//! Account and positions: every fetch is kept, since what is absent counts too; a change is noted when it differs from the last.

use app::domain::{AccountId, PortfolioId};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

use super::{
    AccountSummary, address,
    wire::{self, ACCOUNT, POSITIONS},
};
use crate::{
    ingest::{
        Connection, Http, VendorError,
        http::Caller,
        land::{self, Change},
    },
    orchestrator::{TaskContext, TaskError},
};

/// Lands cash and equity as the broker reports them at `session`, the last completed one.
///
/// # Errors
/// [`VendorError`] by its class; [`TaskError::Fenced`]; what Postgres says.
pub async fn land_account(
    ctx: &TaskContext,
    http: &Http,
    connection: &Connection,
    portfolio: PortfolioId,
    account: AccountId,
    session: NaiveDate,
) -> Result<u64, TaskError> {
    let caller = Caller::from(ctx);
    let url = address(ACCOUNT, connection, &["account"], &[])?;
    let (answer, summary) = http.ask(caller, connection, ACCOUNT, &url, wire::account).await?;
    let mut step = ctx.begin().await?;
    let response_id = land::keep(&mut step, caller, &answer).await?;
    let known = sqlx::query!(
        "select cash, currency from raw.broker_account where portfolio_id = $1 and account_id = $2 order by response_id desc limit 1",
        portfolio.get(),
        account.get(),
    )
    .fetch_optional(&mut *step)
    .await?;
    sqlx::query!(
        "insert into raw.broker_account
            (portfolio_id, account_id, external_id, status, currency, cash, equity, fetched_at, session_date, response_id)
         values ($1, $2, $3, $4, $5, $6, $7, clock_timestamp(), $8, $9)",
        portfolio.get(),
        account.get(),
        summary.external_id,
        summary.status,
        summary.currency,
        summary.cash,
        summary.equity,
        session,
        response_id,
    )
    .execute(&mut *step)
    .await?;
    if known.is_none_or(|known| (known.cash, known.currency) != (summary.cash, summary.currency)) {
        let change = Change { kind: "account", portfolio_id: portfolio.get(), symbol: None, from_date: Some(session) };
        land::note(&mut step, caller, change).await?;
    }
    ctx.commit(step, &ctx.checkpoint, 1).await?;
    Ok(1)
}

/// Lands the positions that the broker reports at `session`, the last completed one, and that it was asked.
///
/// # Errors
/// As [`land_account`].
pub async fn land_positions(
    ctx: &TaskContext,
    http: &Http,
    connection: &Connection,
    portfolio: PortfolioId,
    account: AccountId,
    session: NaiveDate,
) -> Result<u64, TaskError> {
    let caller = Caller::from(ctx);
    let url = address(POSITIONS, connection, &["positions"], &[])?;
    let (answer, (positions, oddities)) = http.ask(caller, connection, POSITIONS, &url, wire::positions).await?;
    let mut step = ctx.begin().await?;
    let response_id = land::keep(&mut step, caller, &answer).await?;
    oddities.report(caller, POSITIONS, response_id);
    let known: BTreeMap<String, Decimal> = sqlx::query!(
        "select symbol, quantity from raw.broker_position where portfolio_id = $1 and account_id = $2 and response_id = (
            select max(response_id) from raw.broker_position_fetch where portfolio_id = $1 and account_id = $2)",
        portfolio.get(),
        account.get(),
    )
    .fetch_all(&mut *step)
    .await?
    .into_iter()
    .map(|row| (row.symbol, row.quantity))
    .collect();
    sqlx::query!(
        "insert into raw.broker_position_fetch (portfolio_id, account_id, session_date, fetched_at, response_id)
         values ($1, $2, $3, clock_timestamp(), $4)",
        portfolio.get(),
        account.get(),
        session,
        response_id,
    )
    .execute(&mut *step)
    .await?;
    let symbols: Vec<_> = positions.iter().map(|position| position.symbol.clone()).collect();
    let quantities: Vec<_> = positions.iter().map(|position| position.quantity).collect();
    let entries: Vec<_> = positions.iter().map(|position| position.average_entry_price).collect();
    let values: Vec<_> = positions.iter().map(|position| position.market_value).collect();
    let prices: Vec<_> = positions.iter().map(|position| position.current_price).collect();
    let rows = sqlx::query!(
        "insert into raw.broker_position
            (portfolio_id, account_id, symbol, quantity, average_entry_price, market_value, current_price, session_date, response_id)
         select $1, $2, position.symbol, position.quantity, position.entry, position.value, position.price, $3, $4
         from unnest($5::text[], $6::numeric[], $7::numeric[], $8::numeric[], $9::numeric[]) as position (symbol, quantity, entry, value, price)",
        portfolio.get(),
        account.get(),
        session,
        response_id,
        &symbols,
        &quantities,
        &entries as &[Option<Decimal>],
        &values as &[Option<Decimal>],
        &prices as &[Option<Decimal>],
    )
    .execute(&mut *step)
    .await?
    .rows_affected();
    let reported: BTreeMap<String, Decimal> = symbols.into_iter().zip(quantities).collect();
    if reported != known {
        let change = Change { kind: "position", portfolio_id: portfolio.get(), symbol: None, from_date: Some(session) };
        land::note(&mut step, caller, change).await?;
    }
    ctx.commit(step, &ctx.checkpoint, rows).await?;
    Ok(rows)
}

/// Asks for the account, so that keys are known to work before they are kept, and for what to call it.
///
/// # Errors
/// [`VendorError`], whose sentence tells the person what is wrong.
pub async fn test(http: &Http, connection: &Connection) -> Result<AccountSummary, VendorError> {
    let caller = Caller::default();
    let url = address(ACCOUNT, connection, &["account"], &[])?;
    let (answer, summary) = http.ask(caller, connection, ACCOUNT, &url, wire::account).await?;
    http.keep(caller, &answer).await?;
    Ok(summary)
}
