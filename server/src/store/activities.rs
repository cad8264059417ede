//! The list of transactions. What changes it lies in `entries.rs`, `import.rs`, `openings.rs` and `accounts.rs`.

use super::{Error, Result, Store};
use app::{
    activity::model::{AccountChoice, Activity, Entry, ImportReport, TransactionForm},
    domain::{AccountId, Money, Scope, Symbol, TransactionId, UserId},
    error::AppError,
    ports::Activities,
};
use async_trait::async_trait;
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// Rows of a page of the list.
const PAGE: u32 = 50;

pub(super) struct PgActivities(pub Store);

#[async_trait]
impl Activities for PgActivities {
    async fn list(&self, user: UserId, scope: Scope, page: u32) -> Result<Activity, AppError> {
        Ok(self.0.activity(user, scope, page).await?)
    }

    async fn enter(&self, user: UserId, scope: Scope, form: TransactionForm) -> Result<TransactionId, AppError> {
        Ok(self.0.enter(user, scope, &form).await?)
    }

    async fn correct(
        &self,
        user: UserId,
        scope: Scope,
        transaction: TransactionId,
        version: i32,
        form: TransactionForm,
    ) -> Result<(), AppError> {
        Ok(self.0.correct(user, scope, transaction, version, &form).await?)
    }

    async fn delete(&self, user: UserId, scope: Scope, transaction: TransactionId, version: i32) -> Result<(), AppError> {
        Ok(self.0.delete(user, scope, transaction, version).await?)
    }

    async fn import(
        &self,
        user: UserId,
        scope: Scope,
        account: AccountId,
        csv: String,
        is_dry_run: bool,
    ) -> Result<ImportReport, AppError> {
        Ok(self.0.import(user, scope, account, &csv, is_dry_run).await?)
    }

    async fn decide_openings(&self, user: UserId, scope: Scope, account: AccountId, confirm: bool) -> Result<(), AppError> {
        Ok(self.0.decide_openings(user, scope, account, confirm).await?)
    }

    async fn create_portfolio(&self, user: UserId, name: String, currency: String) -> Result<(), AppError> {
        Ok(self.0.create_portfolio(user, &name, &currency).await?)
    }

    async fn create_account(&self, user: UserId, scope: Scope, name: String) -> Result<(), AppError> {
        Ok(self.0.create_account(user, scope, &name).await?)
    }
}

impl Store {
    async fn activity(&self, user: UserId, scope: Scope, page: u32) -> Result<Activity> {
        let Some(portfolio) = self.shown(user, scope).await? else { return Ok(nothing()) };
        let id = portfolio.id.get();
        let accounts =
            sqlx::query!("select account_id, name, connection_id from book.account where portfolio_id = $1 order by account_id", id)
                .fetch_all(&self.pool)
                .await?;
        let name_of = |account: i64| accounts.iter().find(|row| row.account_id == account).map(|row| row.name.clone()).unwrap_or_default();
        let total = |listed: &[Listed]| listed.first().and_then(|row| u64::try_from(row.total).ok()).unwrap_or_default();
        let pages = |total: u64| u32::try_from(total.div_ceil(u64::from(PAGE))).unwrap_or(u32::MAX).max(1);
        let mut page = page.max(1);
        let mut listed = self.listed(id, page).await?;
        if listed.is_empty() && page > 1 {
            // Beyond the last page, since something was deleted or the address was typed: rows say how many there are, so one is asked for.
            page = pages(total(&self.listed(id, 1).await?));
            listed = self.listed(id, page).await?;
        }
        let total = total(&listed);
        Ok(Activity {
            currency: portfolio.currency.clone(),
            proposals: self.proposals(&portfolio, name_of).await?,
            accounts: accounts
                .iter()
                .map(|row| AccountChoice {
                    id: AccountId(row.account_id),
                    name: row.name.clone(),
                    is_connected: row.connection_id.is_some(),
                })
                .collect(),
            rows: listed.into_iter().map(|row| row.entry(name_of)).collect::<Result<_>>()?,
            total,
            page,
            pages: pages(total),
        })
    }

    async fn listed(&self, portfolio: i64, page: u32) -> Result<Vec<Listed>> {
        let offset = i64::from(page.saturating_sub(1)) * i64::from(PAGE);
        // Before the first publication there is no staging: what people entered is shown from the book itself.
        Ok(if self.is_published().await? {
            sqlx::query_file_as!(Listed, "src/store/activity.sql", portfolio, i64::from(PAGE), offset).fetch_all(&self.pool).await?
        } else {
            sqlx::query_file_as!(Listed, "src/store/activity_of_book.sql", portfolio, i64::from(PAGE), offset).fetch_all(&self.pool).await?
        })
    }
}

/// The list of who has no portfolio yet.
fn nothing() -> Activity {
    Activity { currency: "USD".into(), accounts: Vec::new(), rows: Vec::new(), total: 0, page: 1, pages: 1, proposals: Vec::new() }
}

/// A row of either list.
struct Listed {
    key: String,
    transaction_id: Option<i64>,
    version: Option<i32>,
    traded_on: NaiveDate,
    account_id: i64,
    r#type: String,
    symbol: Option<String>,
    quantity: Decimal,
    price: Decimal,
    amount: Decimal,
    fee: Decimal,
    tax: Decimal,
    currency: String,
    ratio: Option<Decimal>,
    counter_symbol: Option<String>,
    cost_share: Option<Decimal>,
    lot_id: Option<String>,
    opened_on: Option<NaiveDate>,
    note: String,
    source: String,
    /// Of all pages.
    total: i64,
}

impl Listed {
    fn entry(self, name_of: impl Fn(i64) -> String) -> Result<Entry> {
        let symbol =
            |text: Option<String>| text.as_deref().map(Symbol::parse).transpose().map_err(|error| Error::Decode(error.to_string()));
        let number = |number: Option<Decimal>| number.map(|number| number.normalize());
        Ok(Entry {
            key: self.key,
            transaction: self.transaction_id.map(TransactionId),
            version: self.version.unwrap_or_default(),
            traded_on: self.traded_on,
            account: AccountId(self.account_id),
            account_name: name_of(self.account_id),
            kind: self.r#type,
            symbol: symbol(self.symbol)?,
            quantity: Some(self.quantity.normalize()).filter(|quantity| !quantity.is_zero()),
            price: Some(self.price.normalize()).filter(|price| !price.is_zero()),
            amount: Money(self.amount),
            fee: Money(self.fee),
            tax: Money(self.tax),
            currency: self.currency,
            ratio: number(self.ratio),
            counter_symbol: symbol(self.counter_symbol)?,
            cost_share: number(self.cost_share),
            lot_id: self.lot_id,
            opened_on: self.opened_on,
            note: self.note,
            source: self.source,
        })
    }
}
