//! What was published of a portfolio, as tables: holdings, lots, gains, days, findings. Before the first publication they are empty.

use super::{
    super::{Result, Store, scope::Owned},
    table::{Table, row},
};

impl Store {
    pub(super) async fn holdings_table(&self, portfolio: &Owned) -> Result<Table> {
        let columns = &[
            "as_of",
            "symbol",
            "name",
            "sector",
            "quantity",
            "price",
            "price_currency",
            "priced_on",
            "rate",
            "value",
            "cost",
            "unrealized_gain",
            "currency_effect",
            "weight",
            "currency",
        ];
        let mut table = Table { name: "holdings", columns, rows: Vec::new() };
        if !self.is_published().await? {
            return Ok(table);
        }
        let rows = sqlx::query!(
            "select session_date, symbol, name, sector, quantity, close, currency, priced_on, rate, value, cost, unrealized, currency_effect, weight
             from marts.holdings where portfolio_id = $1 order by symbol",
            portfolio.id.get()
        );
        for held in rows.fetch_all(&self.pool).await? {
            table.rows.push(row![
                held.session_date,
                held.symbol,
                held.name,
                held.sector,
                held.quantity,
                held.close,
                held.currency,
                held.priced_on,
                held.rate,
                held.value,
                held.cost,
                held.unrealized,
                held.currency_effect,
                held.weight,
                portfolio.currency.clone(),
            ]);
        }
        Ok(table)
    }

    pub(super) async fn lots_table(&self, portfolio: &Owned) -> Result<Table> {
        let columns =
            &["account", "symbol", "number", "lot_id", "opened_on", "quantity", "cost", "currency", "local_cost", "local_currency", "key"];
        let mut table = Table { name: "lots", columns, rows: Vec::new() };
        if !self.is_published().await? {
            return Ok(table);
        }
        let rows = sqlx::query!(
            r#"select account.name as account, symbol, number, lot_id, opened_on, quantity, cost, local_cost, local_currency, key
               from ledger.lot join book.account using (portfolio_id, account_id)
               where portfolio_id = $1 order by account.name, symbol, number"#,
            portfolio.id.get()
        );
        for lot in rows.fetch_all(&self.pool).await? {
            table.rows.push(row![
                lot.account,
                lot.symbol,
                lot.number,
                lot.lot_id,
                lot.opened_on,
                lot.quantity,
                lot.cost,
                portfolio.currency.clone(),
                lot.local_cost,
                lot.local_currency,
                lot.key,
            ]);
        }
        Ok(table)
    }

    pub(super) async fn realized_table(&self, portfolio: &Owned) -> Result<Table> {
        let columns = &[
            "account",
            "symbol",
            "opened_on",
            "closed_on",
            "term",
            "quantity",
            "proceeds",
            "cost",
            "gain",
            "currency_effect",
            "currency",
            "key",
        ];
        let mut table = Table { name: "realized", columns, rows: Vec::new() };
        if !self.is_published().await? {
            return Ok(table);
        }
        let rows = sqlx::query!(
            r#"select account.name as account, symbol, opened_on, closed_on, term, quantity, proceeds, cost, currency_effect, key
               from ledger.realized join book.account using (portfolio_id, account_id)
               where portfolio_id = $1 order by number"#,
            portfolio.id.get()
        );
        for gain in rows.fetch_all(&self.pool).await? {
            table.rows.push(row![
                gain.account,
                gain.symbol,
                gain.opened_on,
                gain.closed_on,
                gain.term,
                gain.quantity,
                gain.proceeds,
                gain.cost,
                gain.proceeds.zip(gain.cost).map(|(proceeds, cost)| proceeds - cost),
                gain.currency_effect,
                portfolio.currency.clone(),
                gain.key,
            ]);
        }
        Ok(table)
    }

    pub(super) async fn daily_table(&self, portfolio: &Owned) -> Result<Table> {
        let columns = &[
            "date",
            "value",
            "cash",
            "receivable",
            "inflow",
            "outflow",
            "net_contributions",
            "daily_return",
            "unrealized",
            "realized",
            "income",
            "costs",
            "brought_in",
            "cash_currency_effect",
            "positions",
            "carried",
            "benchmark_price_return",
            "benchmark_total_return",
            "risk_free_rate",
            "currency",
        ];
        let mut table = Table { name: "daily", columns, rows: Vec::new() };
        if !self.is_published().await? {
            return Ok(table);
        }
        let rows = sqlx::query!(
            "select session_date, value, cash, receivable, inflow, outflow, net_contributions, daily_return, unrealized, realized, income, costs,
                    brought_in, cash_currency, positions, carried, benchmark_price_return, benchmark_total_return, risk_free_rate
             from marts.portfolio_daily where portfolio_id = $1 order by session_date",
            portfolio.id.get()
        );
        for day in rows.fetch_all(&self.pool).await? {
            table.rows.push(row![
                day.session_date,
                day.value,
                day.cash,
                day.receivable,
                day.inflow,
                day.outflow,
                day.net_contributions,
                day.daily_return,
                day.unrealized,
                day.realized,
                day.income,
                day.costs,
                day.brought_in,
                day.cash_currency,
                day.positions,
                day.carried,
                day.benchmark_price_return,
                day.benchmark_total_return,
                day.risk_free_rate,
                portfolio.currency.clone(),
            ]);
        }
        Ok(table)
    }

    pub(super) async fn findings_table(&self, portfolio: &Owned) -> Result<Table> {
        let columns = &["date", "account", "symbol", "code", "message", "key"];
        let mut table = Table { name: "findings", columns, rows: Vec::new() };
        if !self.is_published().await? {
            return Ok(table);
        }
        let rows = sqlx::query!(
            r#"select finding.session_date, account.name as "account?", finding.symbol, finding.code, finding.message, finding.key
               from ledger.finding
               left join book.account on account.portfolio_id = finding.portfolio_id and account.account_id = finding.account_id
               where finding.portfolio_id = $1 order by finding.number"#,
            portfolio.id.get()
        );
        for finding in rows.fetch_all(&self.pool).await? {
            table.rows.push(row![finding.session_date, finding.account, finding.symbol, finding.code, finding.message, finding.key]);
        }
        Ok(table)
    }
}
