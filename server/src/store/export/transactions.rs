//! Transactions as lines of our CSV: for the export, and for an import to see what is there already.

use super::{
    super::{
        Result, Store,
        csv_line::{COLUMNS, CsvLine},
        scope::Owned,
    },
    table::{Cell, Table, row},
};
use app::activity::model::TransactionForm;
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// A row of `transactions.sql`.
struct Transaction {
    id: String,
    account: String,
    traded_on: NaiveDate,
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
}

impl Store {
    pub(super) async fn transactions_table(&self, portfolio: &Owned) -> Result<Table> {
        let rows = self.transactions(portfolio, None).await?.into_iter().map(Transaction::cells).collect();
        Ok(Table { name: "transactions", columns: &COLUMNS, rows })
    }

    /// Transactions as an export writes them; `ids`: these alone.
    pub(in crate::store) async fn transaction_lines(&self, portfolio: &Owned, ids: Option<&[String]>) -> Result<Vec<CsvLine>> {
        Ok(self.transactions(portfolio, ids).await?.into_iter().map(Transaction::line).collect())
    }

    async fn transactions(&self, portfolio: &Owned, ids: Option<&[String]>) -> Result<Vec<Transaction>> {
        let id = portfolio.id.get();
        Ok(if self.is_published().await? {
            sqlx::query_file_as!(Transaction, "src/store/transactions.sql", id, ids).fetch_all(&self.pool).await?
        } else {
            sqlx::query_file_as!(Transaction, "src/store/transactions_of_book.sql", id, ids).fetch_all(&self.pool).await?
        })
    }
}

fn unless_zero(number: Decimal) -> Option<Decimal> {
    Some(number).filter(|number| !number.is_zero())
}

/// As an import reads it: without spaces around it, one character a line end.
fn tidied(note: &str) -> String {
    note.trim().replace("\r\n", "\n").replace('\r', "\n")
}

impl Transaction {
    fn cells(self) -> Vec<Cell> {
        // Securities that came without a cost came with their market value; 0 would say that they cost nothing.
        let brings_cost = !(matches!(self.r#type.as_str(), "transfer_in" | "opening") && self.symbol.is_some());
        let amount = Some(self.amount).filter(|amount| brings_cost || !amount.is_zero());
        row![
            self.traded_on,
            self.r#type,
            self.symbol,
            unless_zero(self.quantity),
            unless_zero(self.price),
            amount,
            unless_zero(self.fee),
            unless_zero(self.tax),
            self.currency,
            self.ratio,
            self.counter_symbol,
            self.cost_share,
            self.lot_id,
            self.opened_on,
            self.account.trim().to_owned(),
            tidied(&self.note),
            self.id,
        ]
    }

    fn line(self) -> CsvLine {
        let plain = |number: Option<Decimal>| number.map_or_else(String::new, |number| number.normalize().to_string());
        CsvLine {
            form: TransactionForm {
                account: String::new(),
                traded_on: self.traded_on.to_string(),
                kind: self.r#type,
                symbol: self.symbol.unwrap_or_default(),
                quantity: plain(unless_zero(self.quantity)),
                price: plain(unless_zero(self.price)),
                amount: plain(Some(self.amount)),
                fee: plain(Some(self.fee)),
                tax: plain(Some(self.tax)),
                currency: self.currency,
                ratio: plain(self.ratio),
                counter_symbol: self.counter_symbol.unwrap_or_default(),
                cost_share: plain(self.cost_share),
                lot_id: self.lot_id.unwrap_or_default(),
                opened_on: self.opened_on.map_or_else(String::new, |day| day.to_string()),
                note: tidied(&self.note),
            },
            account: self.account,
            id: self.id,
        }
    }
}
