//! Portfolios and accounts that a person makes by hand.

use super::{Error, Result, Store, entries::audit, scope::Owned};
use app::domain::{AccountId, Scope, UserId};
use serde_json::json;

/// Portfolios of a person, and accounts of a portfolio, that a slip of a script can't exceed.
const MOST: i64 = 100;
const LONGEST_NAME: usize = 80;

impl Store {
    pub(super) async fn create_portfolio(&self, user: UserId, name: &str) -> Result<()> {
        self.may_change(user).await?;
        let name = checked_name(name)?;
        let mut tx = self.pool.begin().await?;
        let id = sqlx::query_scalar!(
            "insert into book.portfolio (owner_id, name)
             select $1, $2 where (select count(*) from book.portfolio where owner_id = $1) < $3
             on conflict (owner_id, name) do nothing returning portfolio_id",
            user.get(),
            name,
            MOST
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or_else(|| Error::invalid("name", "You have a portfolio of this name, or a hundred of them. Choose another name."))?;
        // Transactions need an account, so that a new portfolio can be used at once.
        sqlx::query!("insert into book.account (portfolio_id, name) values ($1, 'Main account')", id).execute(&mut *tx).await?;
        audit(&mut tx, user, "create_portfolio", &format!("portfolio:{id}"), json!({ "name": name })).await?;
        tx.commit().await?;
        Ok(())
    }

    pub(super) async fn create_account(&self, user: UserId, scope: Scope, name: &str) -> Result<()> {
        self.may_change(user).await?;
        let portfolio = self.owned(user, scope).await?;
        let name = checked_name(name)?;
        let mut tx = self.pool.begin().await?;
        let id = sqlx::query_scalar!(
            "insert into book.account (portfolio_id, name)
             select $1, $2 where (select count(*) from book.account where portfolio_id = $1) < $3
               and not exists (select from book.account where portfolio_id = $1 and name = $2) returning account_id",
            portfolio.id.get(),
            name,
            MOST
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or_else(|| Error::invalid("name", "The portfolio has an account of this name, or a hundred of them. Choose another name."))?;
        audit(&mut tx, user, "create_account", &format!("portfolio:{}", portfolio.id), json!({ "account": id, "name": name })).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The account of a form, if it is one of the portfolio's.
    pub(super) async fn account_of(&self, portfolio: &Owned, typed: &str) -> Result<AccountId> {
        let account = typed.trim().parse().map(AccountId).map_err(|_| Error::invalid("account", "Choose an account."))?;
        self.account_name(portfolio, account).await?;
        Ok(account)
    }

    pub(super) async fn account_name(&self, portfolio: &Owned, account: AccountId) -> Result<String> {
        sqlx::query_scalar!("select name from book.account where portfolio_id = $1 and account_id = $2", portfolio.id.get(), account.get())
            .fetch_optional(&self.pool)
            .await?
            .ok_or_else(|| Error::invalid("account", "Choose an account of this portfolio."))
    }
}

fn checked_name(name: &str) -> Result<&str> {
    let name = name.trim();
    let fits = (1..=LONGEST_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if fits { Ok(name) } else { Err(Error::invalid("name", "Use 1 to 80 characters for the name.")) }
}
