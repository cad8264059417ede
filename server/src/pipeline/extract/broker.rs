//! Every person's broker: account, positions, activities. One that fails holds up nobody else.

use super::{ALL_COUNTED, Aim, is_last_attempt};
use crate::{
    ingest::{self, alpaca},
    orchestrator::{Outcome, TaskContext, TaskError},
    pipeline::{connections, dags::Deps},
};
use app::domain::{AccountId, ConnectionId, PortfolioId};
use chrono::NaiveDate;

/// An account at a broker that is to be fetched.
struct BrokerAccount {
    portfolio: PortfolioId,
    account: AccountId,
    connection: ConnectionId,
}

/// An account that couldn't be fetched, and why.
struct Failure {
    of: BrokerAccount,
    error: TaskError,
}

/// The task `extract_broker`. Errors that pass are tried again with the task; at its last attempt, and at once for those that
/// don't pass (a refused key), the account is left as it was, with a warning for its portfolio.
pub(in crate::pipeline) async fn broker(deps: &Deps, ctx: &TaskContext) -> Result<Outcome, TaskError> {
    let aim = Aim::of(ctx)?;
    let accounts = accounts(ctx).await?;
    let total = accounts.len() as u64;
    let mut failures = Vec::new();
    for (done, account) in accounts.into_iter().enumerate() {
        match fetch(deps, ctx, &account, aim).await {
            Ok(()) => {}
            Err(fenced @ TaskError::Fenced(_)) => return Err(fenced),
            Err(error) => {
                tracing::warn!(connection_id = account.connection.get(), %error, "a broker's account couldn't be fetched");
                failures.push(Failure { of: account, error });
            }
        }
        ctx.progress(done as u64 + 1, total).await?;
    }
    if failures.is_empty() {
        return Ok(ALL_COUNTED);
    }
    if !is_last_attempt(ctx).await?
        && let Some(passing) = failures.iter().position(|failure| matches!(failure.error, TaskError::Retryable(_)))
    {
        return Err(failures.swap_remove(passing).error);
    }
    // The connections page names the reason, and the checks warn the portfolio.
    for failure in &failures {
        connections::note_error(&ctx.pool, failure.of.connection, Some(&failure.error.to_string())).await?;
    }
    Ok(ALL_COUNTED)
}

async fn accounts(ctx: &TaskContext) -> Result<Vec<BrokerAccount>, sqlx::Error> {
    sqlx::query!(
        r#"select account.portfolio_id, account.account_id, connection.connection_id
           from book.account join book.connection using (connection_id) join auth."user" on user_id = owner_id
           where vendor = 'alpaca' and connection.disabled_at is null and "user".disabled_at is null
           order by account.portfolio_id, account.account_id"#
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
