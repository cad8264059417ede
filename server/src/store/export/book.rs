//! How a portfolio is kept and what it holds beside securities, as tables: accounts, cash, sectors, and published numbers that moved.

use super::{
    super::{Result, Store, scope::Owned},
    table::{Table, row},
};

impl Store {
    pub(super) async fn accounts_table(&self, portfolio: &Owned) -> Result<Table> {
        let rows = sqlx::query!(
            "select name, external_id, cost_basis, allows_short from book.account where portfolio_id = $1 order by name",
            portfolio.id.get()
        );
        let rows = rows.fetch_all(&self.pool).await?.into_iter();
        let rows = rows.map(|account| {
            row![account.name, account.external_id, account.cost_basis, if account.allows_short { "yes" } else { "no" }.to_owned()]
        });
        Ok(Table { name: "accounts", columns: &["account", "broker_id", "cost_basis", "allows_short"], rows: rows.collect() })
    }

    pub(super) async fn cash_table(&self, portfolio: &Owned) -> Result<Table> {
        let mut table = Table { name: "cash", columns: &["account", "currency", "amount"], rows: Vec::new() };
        if self.is_published().await? {
            let rows = sqlx::query!(
                "select account.name, cash.currency, cash.amount
                 from ledger.cash as cash join book.account as account using (portfolio_id, account_id)
                 where cash.portfolio_id = $1 order by account.name, cash.currency",
                portfolio.id.get()
            );
            let rows = rows.fetch_all(&self.pool).await?.into_iter();
            table.rows = rows.map(|cash| row![cash.name, cash.currency, cash.amount]).collect();
        }
        Ok(table)
    }

    pub(super) async fn sectors_table(&self, portfolio: &Owned) -> Result<Table> {
        let mut table = Table { name: "sectors", columns: &["as_of", "sector", "value", "weight", "currency"], rows: Vec::new() };
        if self.is_published().await? {
            let rows = sqlx::query!(
                "select session_date, sector, value, weight from marts.allocation
                 where portfolio_id = $1 order by sector = 'Cash', value desc nulls last, sector",
                portfolio.id.get()
            );
            let rows = rows.fetch_all(&self.pool).await?.into_iter();
            table.rows = rows.map(|of| row![of.session_date, of.sector, of.value, of.weight, portfolio.currency.clone()]).collect();
        }
        Ok(table)
    }

    pub(super) async fn restatements_table(&self, portfolio: &Owned) -> Result<Table> {
        let rows = sqlx::query!(
            "select publication.published_at, moved.sessions, moved.first_session, moved.last_session
             from ops.restatement as moved join ops.publication as publication using (publication_id)
             where moved.portfolio_id = $1 order by publication.published_at",
            portfolio.id.get()
        );
        let rows = rows.fetch_all(&self.pool).await?.into_iter();
        let rows = rows.map(|moved| row![moved.published_at.to_rfc3339(), moved.sessions, moved.first_session, moved.last_session]);
        Ok(Table { name: "restatements", columns: &["published_at", "sessions", "first_session", "last_session"], rows: rows.collect() })
    }
}
