//! Importing our own CSV: what is there already stays as it is, a dry run writes nothing.

use super::{
    Error, Result, Store,
    csv_file::{CsvFile, CsvRow},
    entries::changed,
    scope::Owned,
    transaction_input::TransactionInput,
};
use app::{
    activity::model::{Entry, ImportReport},
    domain::{AccountId, Money, Scope, UserId},
};
use rust_decimal::Decimal;
use serde_json::json;
use std::collections::HashSet;

/// Rows that an import shows as it understood them.
const PREVIEW: usize = 20;

impl Store {
    pub(super) async fn import(&self, user: UserId, scope: Scope, account: AccountId, csv: &str, is_dry_run: bool) -> Result<ImportReport> {
        if !is_dry_run {
            self.may_change(user).await?;
        }
        let portfolio = self.owned(user, scope).await?;
        let account_name = self.account_name(&portfolio, account).await?;
        let file = CsvFile::parse(csv, &portfolio.currency, self.today()).map_err(|sentence| Error::invalid("csv", sentence))?;
        let keys: Vec<String> = file.rows.iter().map(|row| row.import_key.clone()).collect();
        let known = sqlx::query_scalar!(
            r#"select import_key as "key!" from book.transaction
               where portfolio_id = $1 and account_id = $2 and version = 1 and import_key = any($3)"#,
            portfolio.id.get(),
            account.get(),
            &keys
        )
        .fetch_all(&self.pool)
        .await?;
        let known: HashSet<String> = known.into_iter().collect();
        let preview = file.rows.iter().filter(|row| !known.contains(&row.import_key)).take(PREVIEW);
        let preview = preview.map(|row| understood(row, account, &account_name)).collect();
        let total = file.rows.len();
        let mut new = file.rows.iter().filter(|row| !known.contains(&row.import_key)).count();
        if !is_dry_run && new > 0 {
            new = self.write_import(user, &portfolio, account, &file).await?;
            self.republish(&portfolio, user).await;
        }
        let small = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(ImportReport { is_dry_run, new: small(new), already_there: small(total.saturating_sub(new)), refused: file.refused, preview })
    }

    /// Writes what isn't there yet, in one statement; answers how many rows that were.
    async fn write_import(&self, user: UserId, portfolio: &Owned, account: AccountId, file: &CsvFile) -> Result<usize> {
        let inputs: Vec<&TransactionInput> = file.rows.iter().map(|row| &row.input).collect();
        let mut tx = self.pool.begin().await?;
        let written = sqlx::query_file!(
            "src/store/import.sql",
            portfolio.id.get(),
            account.get(),
            portfolio.currency,
            user.get(),
            &inputs.iter().map(|input| input.traded_on).collect::<Vec<_>>(),
            &inputs.iter().map(|input| input.kind.to_owned()).collect::<Vec<_>>(),
            &inputs.iter().map(|input| input.symbol.as_ref().map(ToString::to_string)).collect::<Vec<_>>() as &[Option<String>],
            &inputs.iter().map(|input| input.quantity).collect::<Vec<_>>() as &[Option<Decimal>],
            &inputs.iter().map(|input| input.price).collect::<Vec<_>>() as &[Option<Decimal>],
            &inputs.iter().map(|input| input.amount).collect::<Vec<_>>(),
            &inputs.iter().map(|input| input.fee).collect::<Vec<_>>(),
            &inputs.iter().map(|input| input.tax).collect::<Vec<_>>(),
            &inputs.iter().map(|input| input.note.clone()).collect::<Vec<_>>(),
            &file.rows.iter().map(|row| row.import_key.clone()).collect::<Vec<_>>(),
        )
        .fetch_all(&mut *tx)
        .await?;
        let Some(earliest) = written.iter().map(|row| row.traded_on).min() else { return Ok(0) };
        changed(&mut tx, user, portfolio, earliest, "import_transactions", json!({ "rows": written.len(), "account": account.get() }))
            .await?;
        tx.commit().await?;
        Ok(written.len())
    }
}

fn understood(row: &CsvRow, account: AccountId, account_name: &str) -> Entry {
    let input = row.input.clone();
    Entry {
        key: row.import_key.clone(),
        transaction: None,
        version: 0,
        traded_on: input.traded_on,
        account,
        account_name: account_name.into(),
        kind: input.kind.into(),
        symbol: input.symbol,
        quantity: input.quantity,
        price: input.price,
        amount: Money(input.amount),
        fee: Money(input.fee),
        tax: Money(input.tax),
        note: input.note,
        source: "csv".into(),
    }
}
