//! A broker's keys and what they fill: a connection, a portfolio, an account.

use super::{Error, secret};
use crate::{ingest::Credentials, vault::Vault};
use app::domain::{AccountId, ConnectionId, PortfolioId, UserId};
use secrecy::SecretString;
use sqlx::{PgConnection, PgPool};
use url::Url;

/// What a person's first portfolio is called until they rename it.
const FIRST_PORTFOLIO: &str = "My portfolio";

/// A broker's keys, tested already.
#[derive(Debug, Clone, Copy)]
pub struct NewBroker<'a> {
    pub owner: UserId,
    pub label: &'a str,
    pub base_url: &'a Url,
    pub data_url: Option<&'a Url>,
    pub key_id: &'a SecretString,
    pub secret_key: &'a SecretString,
    /// The broker's own id of the account.
    pub external_id: &'a str,
    /// `None`: the owner's first one, or a new one where there is none.
    pub portfolio: Option<PortfolioId>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CreatedBroker {
    pub connection: ConnectionId,
    pub portfolio: PortfolioId,
    pub account: AccountId,
}

/// Keeps the connection, sealed, with the portfolio and the account that it fills: all or nothing.
///
/// # Errors
/// [`Error::Refused`] when the owner has this account already, or the portfolio isn't theirs.
pub async fn create_broker_connection(pool: &PgPool, vault: &Vault, new: NewBroker<'_>) -> Result<CreatedBroker, Error> {
    let mut transaction = pool.begin().await?;
    let is_known = sqlx::query_scalar!(
        r#"select exists (select from book.account join book.connection using (connection_id)
                          where owner_id = $1 and external_id = $2 and disabled_at is null) as "is_known!""#,
        new.owner.get(),
        new.external_id
    )
    .fetch_one(&mut *transaction)
    .await?;
    if is_known {
        return Err(Error::refused("This account is connected already. Remove the old connection first if the keys have changed."));
    }
    let portfolio = match new.portfolio {
        Some(portfolio) => own(&mut transaction, new.owner, portfolio).await?,
        None => first_portfolio(&mut transaction, new.owner).await?,
    };
    let id = insert(&mut transaction, new.owner, "alpaca", new.label, Some(new.base_url), new.data_url, "person", None).await?;
    let credentials = Credentials::Pair { key_id: new.key_id.clone(), secret_key: new.secret_key.clone() };
    secret::keep(&mut transaction, vault, id, &credentials).await?;
    sqlx::query!("update book.connection set tested_at = now() where connection_id = $1", id.get()).execute(&mut *transaction).await?;
    let account = account(&mut transaction, portfolio, id, new.label, Some(new.external_id)).await?;
    transaction.commit().await?;
    Ok(CreatedBroker { connection: id, portfolio, account })
}

async fn own(connection: &mut PgConnection, owner: UserId, portfolio: PortfolioId) -> Result<PortfolioId, Error> {
    sqlx::query_scalar!("select portfolio_id from book.portfolio where portfolio_id = $1 and owner_id = $2", portfolio.get(), owner.get())
        .fetch_optional(connection)
        .await?
        .map(PortfolioId)
        .ok_or_else(|| Error::refused("This portfolio isn't yours. Choose one of your own."))
}

/// The owner's first portfolio, created where there is none.
pub(super) async fn first_portfolio(connection: &mut PgConnection, owner: UserId) -> Result<PortfolioId, sqlx::Error> {
    let first = sqlx::query_scalar!("select min(portfolio_id) from book.portfolio where owner_id = $1", owner.get())
        .fetch_one(&mut *connection)
        .await?;
    match first {
        Some(first) => Ok(PortfolioId(first)),
        None => portfolio(connection, owner, FIRST_PORTFOLIO, false).await,
    }
}

pub(super) async fn portfolio(connection: &mut PgConnection, owner: UserId, name: &str, is_demo: bool) -> Result<PortfolioId, sqlx::Error> {
    sqlx::query_scalar!(
        "insert into book.portfolio (owner_id, name, is_demo) values ($1, $2, $3)
         on conflict (owner_id, name) do update set is_demo = excluded.is_demo returning portfolio_id",
        owner.get(),
        name,
        is_demo,
    )
    .fetch_one(connection)
    .await
    .map(PortfolioId)
}

/// The account that a connection fills, created where there is none.
pub(super) async fn account(
    connection: &mut PgConnection,
    portfolio: PortfolioId,
    id: ConnectionId,
    name: &str,
    external_id: Option<&str>,
) -> Result<AccountId, sqlx::Error> {
    let known = sqlx::query_scalar!("select min(account_id) from book.account where connection_id = $1", id.get())
        .fetch_one(&mut *connection)
        .await?;
    if let Some(known) = known {
        return Ok(AccountId(known));
    }
    sqlx::query_scalar!(
        "insert into book.account (portfolio_id, name, connection_id, external_id) values ($1, $2, $3, $4) returning account_id",
        portfolio.get(),
        name,
        id.get(),
        external_id,
    )
    .fetch_one(connection)
    .await
    .map(AccountId)
}

/// A row without its secret, which is sealed for the number that the row gets here.
#[expect(clippy::too_many_arguments, reason = "one argument a column; a struct would only repeat the table")]
pub(super) async fn insert(
    connection: &mut PgConnection,
    owner: UserId,
    vendor: &str,
    label: &str,
    base_url: Option<&Url>,
    data_url: Option<&Url>,
    origin: &str,
    calls_per_minute: Option<u32>,
) -> Result<ConnectionId, sqlx::Error> {
    sqlx::query_scalar!(
        "insert into book.connection (owner_id, vendor, label, base_url, data_url, secret, key_hint, origin, calls_per_minute)
         values ($1, $2, $3, $4, $5, ''::bytea, '', $6, $7) returning connection_id",
        owner.get(),
        vendor,
        label,
        base_url.map(Url::as_str),
        data_url.map(Url::as_str),
        origin,
        calls_per_minute.and_then(|calls| i32::try_from(calls).ok()),
    )
    .fetch_one(connection)
    .await
    .map(ConnectionId)
}
