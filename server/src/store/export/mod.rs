//! Everything that a portfolio holds as tables, to be taken along: as CSV one by one, or all of them as a workbook.

mod book;
mod csv;
mod measures;
mod numbers;
mod table;
mod transactions;
mod workbook;

pub use table::Table;

use super::{Result, Store, scope::Owned};
use app::domain::{Scope, UserId};

/// What there is to export, by the name in the address and on the sheet.
pub const TABLES: [&str; 15] = [
    "transactions",
    "holdings",
    "lots",
    "realized",
    "daily",
    "findings",
    "measures",
    "drawdowns",
    "months",
    "years",
    "contribution",
    "sectors",
    "cash",
    "accounts",
    "restatements",
];

/// A file to be sent.
pub struct Exported {
    /// Without its ending: the portfolio's name, in letters that every system takes.
    pub name: String,
    pub bytes: Vec<u8>,
}

impl Store {
    /// One of [`TABLES`] as CSV; `None`: there is no such table.
    ///
    /// # Errors
    /// Not found, where the portfolio is another person's.
    pub async fn export_csv(&self, user: UserId, scope: Scope, table: &str) -> Result<Option<Exported>> {
        let portfolio = self.owned(user, scope).await?;
        let found = if measures::NAMES.contains(&table) {
            self.measured_tables(user, &portfolio, scope.benchmark).await?.into_iter().find(|found| found.name == table)
        } else {
            self.table(&portfolio, table).await?
        };
        let Some(table) = found else { return Ok(None) };
        let bytes = written(move || csv::write(&table)).await?;
        Ok(Some(Exported { name: file_name(&portfolio.name), bytes }))
    }

    /// All of [`TABLES`] as one workbook, a sheet each.
    ///
    /// # Errors
    /// As [`Self::export_csv`].
    pub async fn export_workbook(&self, user: UserId, scope: Scope) -> Result<Exported> {
        let portfolio = self.owned(user, scope).await?;
        let mut tables = self.measured_tables(user, &portfolio, scope.benchmark).await?;
        for name in TABLES {
            tables.extend(self.table(&portfolio, name).await?);
        }
        tables.sort_by_key(|table| TABLES.iter().position(|name| *name == table.name));
        let bytes = written(move || workbook::write(&tables)).await?;
        Ok(Exported { name: file_name(&portfolio.name), bytes })
    }

    async fn table(&self, portfolio: &Owned, name: &str) -> Result<Option<Table>> {
        Ok(Some(match name {
            "transactions" => self.transactions_table(portfolio).await?,
            "holdings" => self.holdings_table(portfolio).await?,
            "lots" => self.lots_table(portfolio).await?,
            "realized" => self.realized_table(portfolio).await?,
            "daily" => self.daily_table(portfolio).await?,
            "findings" => self.findings_table(portfolio).await?,
            "sectors" => self.sectors_table(portfolio).await?,
            "cash" => self.cash_table(portfolio).await?,
            "accounts" => self.accounts_table(portfolio).await?,
            "restatements" => self.restatements_table(portfolio).await?,
            _ => return Ok(None),
        }))
    }
}

type Failed = Box<dyn std::error::Error + Send + Sync>;

/// Writes a file away from the threads that answer requests.
async fn written<T: Send + 'static>(write: impl FnOnce() -> std::result::Result<T, Failed> + Send + 'static) -> Result<T> {
    super::steady::in_peace(|| write().map_err(|error| super::Error::Decode(format!("an export could not be written: {error}")))).await
}

fn file_name(portfolio: &str) -> String {
    let plain: String = portfolio.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' }).collect();
    let parts: Vec<&str> = plain.split('-').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() { "portfolio".into() } else { parts.join("-") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_named_for_its_portfolio() {
        assert_eq!(file_name("Ada's  savings: 2026"), "ada-s-savings-2026");
        assert_eq!(file_name("积蓄"), "portfolio");
        assert_eq!(file_name("\"\r\nx"), "x");
    }
}
