//! Every person's broker: account, positions, activities. One task an account, so that one that fails holds up nobody else.

use super::{ALL_COUNTED, Aim, is_last_attempt};
use crate::{
    ingest::{self, alpaca},
    orchestrator::{Outcome, Part, TaskContext, TaskError},
    pipeline::{connections, dags::Deps},
};
use app::domain::{AccountId, ConnectionId, PortfolioId};
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// An account at a broker that is to be fetched: the input of its task.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct BrokerAccount {
    portfolio: PortfolioId,
    account: AccountId,
    connection: ConnectionId,
}

#[derive(Debug, thiserror::Error)]
#[error("the task doesn't say which account it is for; clear the run's task list_brokers")]
struct NoAccount(#[source] serde_json::Error);

/// The task `list_brokers`: one part for each account at a broker.
pub(in crate::pipeline) async fn list(ctx: &TaskContext) -> Result<Outcome, TaskError> {
    let accounts = accounts(ctx, &Aim::of(ctx)?).await?;
    let part = |of: &BrokerAccount| {
        let part = format!("account {}", of.account.get());
        Ok(Part { part, input: serde_json::to_value(of)? })
    };
    let parts: Result<_, serde_json::Error> = accounts.iter().map(part).collect();
    Ok(Outcome::Parts { rows: 0, parts: parts.map_err(|error| TaskError::Final(Box::new(error)))? })
}

/// The task `extract_broker`. An error that passes is tried again; at the last attempt, and at once for one that doesn't pass (a
/// refused key), the account is left as it was, with a warning for its portfolio.
pub(in crate::pipeline) async fn broker(deps: &Deps, ctx: &TaskContext) -> Result<Outcome, TaskError> {
    let aim = Aim::of(ctx)?;
    let of: BrokerAccount = serde_json::from_value(ctx.input.clone()).map_err(|error| TaskError::Final(Box::new(NoAccount(error))))?;
    let error = match fetch(deps, ctx, &of, aim).await {
        Ok(()) => return Ok(ALL_COUNTED),
        Err(error @ (TaskError::Fenced(_) | TaskError::Cancelled | TaskError::Interrupted(_))) => return Err(error),
        Err(error @ TaskError::Retryable(_)) if !is_last_attempt(ctx).await? => return Err(error),
        Err(error) => error,
    };
    // The connections page names the reason, and the checks warn the portfolio.
    tracing::warn!(connection_id = of.connection.get(), %error, "a broker's account couldn't be fetched");
    connections::note_error(&ctx.pool, of.connection, Some(&error.to_string())).await?;
    Ok(ALL_COUNTED)
}

async fn accounts(ctx: &TaskContext, aim: &Aim) -> Result<Vec<BrokerAccount>, sqlx::Error> {
    let only = aim.only.as_ref().map(|only| only.portfolio.unwrap_or_default());
    sqlx::query!(
        r#"select account.portfolio_id, account.account_id, connection.connection_id
           from book.account join book.connection using (connection_id) join auth."user" on user_id = owner_id
           where vendor = 'alpaca' and connection.disabled_at is null and "user".disabled_at is null
             and ($1::bigint is null or account.portfolio_id = $1)
           order by account.portfolio_id, account.account_id"#,
        only
    )
    .map(|row| BrokerAccount {
        portfolio: PortfolioId(row.portfolio_id),
        account: AccountId(row.account_id),
        connection: ConnectionId(row.connection_id),
    })
    .fetch_all(&ctx.pool)
    .await
}

async fn fetch(deps: &Deps, ctx: &TaskContext, of: &BrokerAccount, aim: Aim) -> Result<(), TaskError> {
    let connection = connections::load(deps, of.connection).await?;
    let http: &ingest::Http = &deps.http;
    let reported_on = deps.clock.last_completed_session();
    alpaca::land_account(ctx, http, &connection, of.portfolio, of.account, reported_on).await?;
    alpaca::land_positions(ctx, http, &connection, of.portfolio, of.account, reported_on).await?;
    // Last, because it is long: where it breaks off, what is reported already shows what is missing.
    alpaca::land_activities(ctx, http, &connection, of.portfolio, of.account, aim.anew).await?;
    note_success(ctx, of, crate::calendar::new_york_date(deps.clock.now())).await?;
    Ok(())
}

async fn note_success(ctx: &TaskContext, of: &BrokerAccount, today: NaiveDate) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update book.account set synced_on = $3, external_id = coalesce(external_id, (
             select external_id from raw.broker_account
             where portfolio_id = $1 and account_id = $2 order by response_id desc limit 1))
         where portfolio_id = $1 and account_id = $2",
        of.portfolio.get(),
        of.account.get(),
        today,
    )
    .execute(&ctx.pool)
    .await?;
    connections::note_error(&ctx.pool, of.connection, None).await
}
