//! Opening balances that a broker's cut history leaves open: shown, confirmed, dismissed.

use super::{
    Error, Result, Store,
    entries::{Version, changed, write},
    scope::Owned,
    transaction_input::TransactionInput,
};
use app::{
    activity::model::OpeningProposal,
    domain::{AccountId, Money, Scope, Symbol, UserId},
};
use rust_decimal::Decimal;
use serde_json::json;

impl Store {
    pub(super) async fn proposals(&self, portfolio: &Owned, name_of: impl Fn(i64) -> String) -> Result<Vec<OpeningProposal>> {
        let rows = sqlx::query!(
            "select account_id, symbol, opened_on, quantity, amount from book.opening_proposal
             where portfolio_id = $1 and state = 'proposed' order by account_id, symbol",
            portfolio.id.get()
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(OpeningProposal {
                    account: AccountId(row.account_id),
                    account_name: name_of(row.account_id),
                    symbol: security(&row.symbol)?,
                    opened_on: row.opened_on,
                    quantity: row.quantity.map(|quantity| quantity.normalize()),
                    amount: Money(row.amount),
                })
            })
            .collect()
    }

    /// Confirms or dismisses all proposals of an account at once: half of a beginning is none.
    pub(super) async fn decide_openings(&self, user: UserId, scope: Scope, account: AccountId, confirm: bool) -> Result<()> {
        self.may_change(user).await?;
        let portfolio = self.owned(user, scope).await?;
        let mut tx = self.pool.begin().await?;
        let decided = sqlx::query!(
            "update book.opening_proposal set state = $3, decided_at = now(), decided_by = $4
             where portfolio_id = $1 and account_id = $2 and state = 'proposed' returning symbol, opened_on, quantity, amount",
            portfolio.id.get(),
            account.get(),
            if confirm { "confirmed" } else { "dismissed" },
            user.get(),
        )
        .fetch_all(&mut *tx)
        .await?;
        let Some(from) = decided.iter().map(|row| row.opened_on).min() else {
            return Err(Error::refused("There is nothing to decide here any more. Reload the page."));
        };
        if confirm {
            // A balance of nothing needs no transaction.
            for row in
                decided.iter().filter(|row| row.quantity.is_some_and(|quantity| quantity > Decimal::ZERO) || row.amount > Decimal::ZERO)
            {
                let transaction = sqlx::query_scalar!(r#"select nextval('book.transaction_id') as "id!""#).fetch_one(&mut *tx).await?;
                let version = Version { transaction, number: 1, account: account.get(), source: "opening" };
                let quantity = row.quantity.filter(|quantity| *quantity > Decimal::ZERO);
                let input = TransactionInput {
                    traded_on: row.opened_on,
                    kind: "opening",
                    symbol: security(&row.symbol)?,
                    quantity,
                    price: quantity.and_then(|quantity| row.amount.checked_div(quantity)).map(|price| price.round_dp(10)),
                    amount: row.amount,
                    fee: Decimal::ZERO,
                    tax: Decimal::ZERO,
                    currency: portfolio.base()?,
                    ratio: None,
                    counter_symbol: None,
                    cost_share: None,
                    lot_id: None,
                    opened_on: None,
                    note: String::new(),
                };
                write(&mut tx, user, &portfolio, &version, &input).await?;
            }
        }
        let action = if confirm { "confirm_openings" } else { "dismiss_openings" };
        changed(&mut tx, user, &portfolio, from, action, json!({ "account": account.get(), "rows": decided.len() })).await?;
        tx.commit().await?;
        self.republish(&portfolio, user).await;
        Ok(())
    }
}

/// `None`: cash.
fn security(text: &str) -> Result<Option<Symbol>> {
    if text.is_empty() { Ok(None) } else { Symbol::parse(text).map(Some).map_err(|error| Error::Decode(error.to_string())) }
}
