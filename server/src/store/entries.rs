//! Transactions by hand: entered, corrected, deleted. The latest version counts, and a deletion is a version too.

use super::{Error, Result, Store, scope::Owned, transaction_input::TransactionInput};
use app::{
    activity::model::TransactionForm,
    domain::{Scope, TransactionId, UserId},
    error::AppError,
};
use chrono::NaiveDate;
use chrono_tz::America::New_York;
use serde_json::{Value, json};
use sqlx::PgConnection;

impl Store {
    pub(super) async fn enter(&self, user: UserId, scope: Scope, form: &TransactionForm) -> Result<TransactionId> {
        self.may_change(user).await?;
        let portfolio = self.owned(user, scope).await?;
        let input = TransactionInput::parse(form, portfolio.base()?, self.today()).map_err(AppError::Invalid)?;
        let account = self.account_of(&portfolio, &form.account).await?;
        let mut tx = self.pool.begin().await?;
        let id = sqlx::query_scalar!(r#"select nextval('book.transaction_id') as "id!""#).fetch_one(&mut *tx).await?;
        let version = Version { transaction: id, number: 1, account: account.get(), source: "hand" };
        write(&mut tx, user, &portfolio, &version, &input).await?;
        changed(&mut tx, user, &portfolio, input.traded_on, "enter_transaction", json!({ "transaction": id })).await?;
        tx.commit().await?;
        self.republish(&portfolio, user).await;
        Ok(TransactionId(id))
    }

    /// A new version; `version` is the one that was shown, and refused when somebody was quicker.
    pub(super) async fn correct(
        &self,
        user: UserId,
        scope: Scope,
        transaction: TransactionId,
        version: i32,
        form: &TransactionForm,
    ) -> Result<()> {
        self.may_change(user).await?;
        let portfolio = self.owned(user, scope).await?;
        let input = TransactionInput::parse(form, portfolio.base()?, self.today()).map_err(AppError::Invalid)?;
        let account = self.account_of(&portfolio, &form.account).await?;
        let mut tx = self.pool.begin().await?;
        let before = latest(&mut tx, &portfolio, transaction, version).await?;
        let next = Version { transaction: transaction.get(), number: version + 1, account: account.get(), source: &before.source };
        if !write(&mut tx, user, &portfolio, &next, &input).await? {
            return Err(overtaken());
        }
        let details = json!({ "transaction": transaction.get(), "version": version + 1 });
        changed(&mut tx, user, &portfolio, before.traded_on.min(input.traded_on), "correct_transaction", details).await?;
        tx.commit().await?;
        self.republish(&portfolio, user).await;
        Ok(())
    }

    pub(super) async fn delete(&self, user: UserId, scope: Scope, transaction: TransactionId, version: i32) -> Result<()> {
        self.may_change(user).await?;
        let portfolio = self.owned(user, scope).await?;
        let mut tx = self.pool.begin().await?;
        let before = latest(&mut tx, &portfolio, transaction, version).await?;
        let written = sqlx::query!(
            "insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, price,
                                           amount, fee, tax, currency, ratio, counter_symbol, cost_share, lot_id, opened_on, note, source,
                                           is_deleted, entered_by)
             select portfolio_id, transaction_id, version + 1, account_id, traded_on, type, symbol, quantity, price,
                    amount, fee, tax, currency, ratio, counter_symbol, cost_share, lot_id, opened_on, note, source, true, $4
             from book.transaction where portfolio_id = $1 and transaction_id = $2 and version = $3
             on conflict do nothing",
            portfolio.id.get(),
            transaction.get(),
            version,
            user.get()
        )
        .execute(&mut *tx)
        .await?;
        if written.rows_affected() == 0 {
            return Err(overtaken());
        }
        changed(&mut tx, user, &portfolio, before.traded_on, "delete_transaction", json!({ "transaction": transaction.get() })).await?;
        tx.commit().await?;
        self.republish(&portfolio, user).await;
        Ok(())
    }

    /// The market's day: a trade in New York this evening isn't tomorrow's.
    pub(super) fn today(&self) -> NaiveDate {
        self.clock.now().with_timezone(&New_York).date_naive()
    }

    /// The edit is kept whatever the publication does: a failing one is the pipeline page's matter, and the log's.
    pub(super) async fn republish(&self, portfolio: &Owned, user: UserId) {
        if let Err(error) = self.conductor.republish(portfolio.id, user).await {
            super::reference(&error);
        }
    }
}

struct Latest {
    traded_on: NaiveDate,
    source: String,
}

/// The latest version, if it is the one that was shown and isn't a deletion.
async fn latest(connection: &mut PgConnection, portfolio: &Owned, transaction: TransactionId, shown: i32) -> Result<Latest> {
    let row = sqlx::query!(
        "select version, traded_on, source, is_deleted from book.transaction
         where portfolio_id = $1 and transaction_id = $2 order by version desc limit 1",
        portfolio.id.get(),
        transaction.get()
    )
    .fetch_optional(connection)
    .await?
    .ok_or(AppError::NotFound)?;
    if row.version != shown || row.is_deleted {
        return Err(overtaken());
    }
    Ok(Latest { traded_on: row.traded_on, source: row.source })
}

fn overtaken() -> Error {
    Error::refused("This transaction was changed or deleted since the page was shown. Reload the page and look at it again.")
}

pub(super) struct Version<'a> {
    pub transaction: i64,
    pub number: i32,
    pub account: i64,
    /// "hand", "csv" or "opening".
    pub source: &'a str,
}

/// Writes a version; false when somebody has written that one already.
pub(super) async fn write(
    connection: &mut PgConnection,
    user: UserId,
    portfolio: &Owned,
    version: &Version<'_>,
    input: &TransactionInput,
) -> Result<bool> {
    let written = sqlx::query!(
        "insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, price, amount,
                                       fee, tax, currency, note, source, entered_by, ratio, counter_symbol, cost_share, lot_id, opened_on)
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21) on conflict do nothing",
        portfolio.id.get(),
        version.transaction,
        version.number,
        version.account,
        input.traded_on,
        input.kind,
        input.symbol.as_ref().map(app::domain::Symbol::as_str),
        input.quantity,
        input.price,
        input.amount,
        input.fee,
        input.tax,
        input.currency.as_str(),
        input.note,
        version.source,
        user.get(),
        input.ratio,
        input.counter_symbol.as_ref().map(app::domain::Symbol::as_str),
        input.cost_share,
        input.lot_id,
        input.opened_on,
    )
    .execute(connection)
    .await?;
    Ok(written.rows_affected() == 1)
}

/// Tells the next publication from which day on the portfolio is another, and the audit trail who did it.
pub(super) async fn changed(
    connection: &mut PgConnection,
    user: UserId,
    portfolio: &Owned,
    from: NaiveDate,
    action: &str,
    details: Value,
) -> Result<()> {
    sqlx::query!("insert into ops.change (portfolio_id, kind, from_date) values ($1, 'transaction', $2)", portfolio.id.get(), from)
        .execute(&mut *connection)
        .await?;
    audit(connection, user, action, &format!("portfolio:{}", portfolio.id), details).await
}

pub(super) async fn audit(connection: &mut PgConnection, user: UserId, action: &str, subject: &str, details: Value) -> Result<()> {
    sqlx::query!("insert into ops.audit (user_id, action, subject, details) values ($1, $2, $3, $4)", user.get(), action, subject, details)
        .execute(connection)
        .await?;
    Ok(())
}
