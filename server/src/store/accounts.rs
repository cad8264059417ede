//! Portfolios and accounts that a person makes by hand.

use super::{Error, Result, Store, entries::audit, scope::Owned};
use crate::auth::Role;
use app::{
    domain::{AccountId, Currency, PortfolioId, Scope, UserId},
    error::AppError,
    settings::model::{AccountRow, Accounts, COST_BASES},
};
use serde_json::json;

/// Portfolios of a person, and accounts of a portfolio, that a slip of a script can't exceed.
const MOST: i64 = 100;
const LONGEST_NAME: usize = 80;

impl Store {
    /// `currency`: in which its value is reckoned, for ever; empty: dollars.
    pub(super) async fn create_portfolio(&self, user: UserId, name: &str, currency: &str) -> Result<()> {
        self.may_change(user).await?;
        let name = checked_name(name)?;
        let base = base_currency(currency)?;
        let mut tx = self.pool.begin().await?;
        let id = sqlx::query_scalar!(
            "insert into book.portfolio (owner_id, name, base_currency)
             select $1, $2, $4 where (select count(*) from book.portfolio where owner_id = $1) < $3
             on conflict (owner_id, name) do nothing returning portfolio_id",
            user.get(),
            name,
            MOST,
            base.as_str(),
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

    /// All accounts of a portfolio with their names.
    pub(super) async fn accounts_of(&self, portfolio: &Owned) -> Result<Vec<(AccountId, String)>> {
        let rows =
            sqlx::query!("select account_id, name from book.account where portfolio_id = $1 order by account_id", portfolio.id.get());
        Ok(rows.fetch_all(&self.pool).await?.into_iter().map(|row| (AccountId(row.account_id), row.name)).collect())
    }

    /// All accounts of a person, and how each is kept.
    pub(super) async fn kept_accounts(&self, user: UserId) -> Result<Accounts> {
        let rows = sqlx::query!(
            "select account_id, account.name, portfolio.name as portfolio, cost_basis, allows_short
             from book.account join book.portfolio using (portfolio_id) where owner_id = $1 order by portfolio_id, account_id",
            user.get()
        );
        let rows = rows.fetch_all(&self.pool).await?.into_iter().map(|row| AccountRow {
            id: AccountId(row.account_id),
            name: row.name,
            portfolio: row.portfolio,
            cost_basis: row.cost_basis,
            allows_short: row.allows_short,
        });
        Ok(Accounts { rows: rows.collect(), may_change: self.role(user).await? != Role::Demo })
    }

    /// Keeps how an account is reckoned; the portfolio is booked anew from its first day.
    pub(super) async fn keep_account(&self, user: UserId, account: AccountId, cost_basis: &str, allows_short: bool) -> Result<()> {
        self.may_change(user).await?;
        let basis = COST_BASES.iter().find(|(key, _)| *key == cost_basis).map(|(key, _)| *key);
        let basis = basis.ok_or_else(|| Error::invalid("cost_basis", "Choose which lots a sale closes."))?;
        let mut tx = self.pool.begin().await?;
        let portfolio = sqlx::query!(
            "update book.account set cost_basis = $3, allows_short = $4 from book.portfolio
             where account.portfolio_id = portfolio.portfolio_id and owner_id = $1 and account_id = $2
             returning portfolio.portfolio_id, portfolio.base_currency, portfolio.name",
            user.get(),
            account.get(),
            basis,
            allows_short
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(AppError::NotFound)?;
        let portfolio = Owned { id: PortfolioId(portfolio.portfolio_id), currency: portfolio.base_currency, name: portfolio.name };
        let today = self.today();
        sqlx::query!("insert into ops.change (portfolio_id, kind, from_date) values ($1, 'account', $2)", portfolio.id.get(), today)
            .execute(&mut *tx)
            .await?;
        let details = json!({ "account": account.get(), "cost_basis": basis, "allows_short": allows_short });
        audit(&mut tx, user, "keep_account", &format!("portfolio:{}", portfolio.id), details).await?;
        tx.commit().await?;
        self.republish(&portfolio, user).await;
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

/// Pence and the like are for prices; a portfolio is reckoned in pounds.
fn base_currency(text: &str) -> Result<Currency> {
    let text = Some(text.trim()).filter(|text| !text.is_empty()).unwrap_or("USD");
    let currency = Currency::parse(text).map_err(|error| Error::invalid("currency", format!("{error}.")))?;
    if currency.is_minor() {
        return Err(Error::invalid("currency", format!("{currency} is a part of {0}: choose {0}.", currency.major())));
    }
    Ok(currency)
}

fn checked_name(name: &str) -> Result<&str> {
    let name = name.trim();
    let fits = (1..=LONGEST_NAME).contains(&name.chars().count()) && !name.chars().any(char::is_control);
    if !fits {
        return Err(Error::invalid("name", "Use 1 to 80 characters for the name."));
    }
    if name.chars().any(turns_text) || name.chars().all(is_unseen) {
        return Err(Error::invalid(
            "name",
            "Use letters that can be seen for the name; it holds characters that show nothing, or turn text around.",
        ));
    }
    Ok(name)
}

/// Unicode's controls of direction: text after them reads backwards, in other people's lists too.
fn turns_text(letter: char) -> bool {
    matches!(letter, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What leaves no mark by itself; within a name it joins letters and emoji, so it is no fault there.
fn is_unseen(letter: char) -> bool {
    letter.is_whitespace()
        || matches!(letter,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200d}'
            | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}
