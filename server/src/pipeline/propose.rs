//! Opening balances of accounts that were just fetched for the first time: gathered, worked out, proposed. The person decides.

use super::openings::{Effect, Opening, Report, Split, openings as work_out};
use crate::orchestrator::{Outcome, TaskContext, TaskError};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::{PgConnection, Postgres, Transaction};
use std::collections::BTreeMap;

/// The task `propose_openings`: all proposals and its completion commit together.
pub(super) async fn openings(ctx: &TaskContext) -> Result<Outcome, TaskError> {
    let mut transaction = ctx.begin().await?;
    let accounts = sqlx::query!(
        "select portfolio_id, account_id from book.account
         where connection_id is not null and synced_on is not null and openings_proposed_at is null
         order by portfolio_id, account_id for update"
    )
    .fetch_all(&mut *transaction)
    .await?;
    let mut rows = 0;
    for account in accounts {
        rows += propose(&mut transaction, account.portfolio_id, account.account_id).await?;
    }
    ctx.complete(&mut transaction, rows).await?;
    transaction.commit().await?;
    Ok(Outcome::Completed)
}

async fn propose(transaction: &mut Transaction<'static, Postgres>, portfolio: i64, account: i64) -> Result<u64, sqlx::Error> {
    let Some(report) = report(transaction, portfolio, account).await? else { return Ok(0) };
    let effects = effects(transaction, portfolio, account).await?;
    let splits = splits(transaction).await?;
    let openings = work_out(&report, &effects, &splits);
    for opening in &openings {
        let amount = match opening.amount {
            Some(amount) => amount,
            None => market_value(transaction, opening).await?,
        };
        sqlx::query!(
            "insert into book.opening_proposal (portfolio_id, account_id, symbol, opened_on, quantity, amount)
             values ($1, $2, $3, $4, $5, $6) on conflict do nothing",
            portfolio,
            account,
            opening.symbol,
            opening.on,
            opening.quantity,
            amount,
        )
        .execute(&mut **transaction)
        .await?;
    }
    sqlx::query!("update book.account set openings_proposed_at = now() where portfolio_id = $1 and account_id = $2", portfolio, account)
        .execute(&mut **transaction)
        .await?;
    Ok(openings.len() as u64)
}

/// The latest report of cash and positions.
async fn report(connection: &mut PgConnection, portfolio: i64, account: i64) -> Result<Option<Report>, sqlx::Error> {
    let cash = sqlx::query!(
        "select cash, session_date from raw.broker_account where portfolio_id = $1 and account_id = $2 order by response_id desc limit 1",
        portfolio,
        account
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(cash) = cash else { return Ok(None) };
    let positions = sqlx::query!(
        "select symbol, quantity, average_entry_price from raw.broker_position
         where portfolio_id = $1 and account_id = $2 and response_id = (
             select max(response_id) from raw.broker_position_fetch where portfolio_id = $1 and account_id = $2)",
        portfolio,
        account
    )
    .map(|row| (row.symbol, (row.quantity, row.average_entry_price)))
    .fetch_all(connection)
    .await?;
    Ok(Some(Report { on: cash.session_date, cash: cash.cash, positions: positions.into_iter().collect::<BTreeMap<_, _>>() }))
}

/// What the known transactions did: the latest version of each, those that were cancelled left out.
async fn effects(connection: &mut PgConnection, portfolio: i64, account: i64) -> Result<Vec<Effect>, sqlx::Error> {
    sqlx::query_file!("src/pipeline/effects.sql", portfolio, account)
        .map(|row| Effect {
            on: row.happened_on,
            cash: row.cash,
            shares: row.symbol.zip(row.shares).filter(|(_, shares)| !shares.is_zero()),
        })
        .fetch_all(connection)
        .await
}

async fn splits(connection: &mut PgConnection) -> Result<Vec<Split>, sqlx::Error> {
    let rows = sqlx::query!(
        "select distinct on (symbol, execution_date) symbol, execution_date, split_from, split_to
         from raw.split order by symbol, execution_date, response_id desc"
    )
    .fetch_all(connection)
    .await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| {
            let factor = row.split_to.checked_div(row.split_from).filter(|factor| *factor > Decimal::ZERO)?;
            Some(Split { symbol: row.symbol, on: row.execution_date, factor })
        })
        .collect())
}

/// What the shares cost at the close of their first day, where the broker doesn't say what was paid; zero without a price.
async fn market_value(connection: &mut PgConnection, opening: &Opening) -> Result<Decimal, sqlx::Error> {
    let close = close_on(connection, &opening.symbol, opening.on).await?;
    Ok(close.zip(opening.quantity).map_or(Decimal::ZERO, |(close, quantity)| (close * quantity).round_dp(4)))
}

async fn close_on(connection: &mut PgConnection, symbol: &str, day: NaiveDate) -> Result<Option<Decimal>, sqlx::Error> {
    let found = sqlx::query_scalar!(
        "select close from raw.market_data where symbol = $1 and session_date <= $2 and close > 0
         order by session_date desc, response_id desc limit 1",
        symbol,
        day
    )
    .fetch_optional(connection)
    .await?;
    Ok(found.flatten())
}
