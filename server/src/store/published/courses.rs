//! What a portfolio's holdings were worth at every close of a range, as the ledger landed it.

use crate::{
    pipeline::ledger::{Quarters, quarter_of},
    store::{Result, Store},
};
use app::{
    analytics::ledger::Moved,
    domain::{Money, PortfolioId, Symbol},
    performance::model::HoldingRecord,
};
use chrono::NaiveDate;
use std::collections::BTreeMap;

impl Store {
    /// Courses over these sessions, ascending; the first is the one with whose close a range opens.
    pub(crate) async fn courses(&self, portfolio: PortfolioId, sessions: &[NaiveDate]) -> Result<Vec<HoldingRecord>> {
        let Some(first) = sessions.first() else { return Ok(Vec::new()) };
        let quarters = sqlx::query!(
            r#"select symbol, quarter, market_value as "market_value: Vec<Option<i64>>", currency_gain from ledger.holding_quarter
               where portfolio_id = $1 and quarter >= $2 order by symbol, quarter"#,
            portfolio.get(),
            quarter_of(*first),
        )
        .fetch_all(&self.pool)
        .await?;
        let moves = sqlx::query!(
            "select symbol, session_date, net, income, costs, realized, invested, is_unconverted from ledger.holding_move
             where portfolio_id = $1 and session_date >= $2 order by symbol, session_date",
            portfolio.get(),
            first,
        )
        .fetch_all(&self.pool)
        .await?;
        let mut read = Quarters::of(sessions);
        for row in quarters {
            let Ok(symbol) = Symbol::parse(&row.symbol) else { continue };
            read.add(symbol, row.quarter, &row.market_value, row.currency_gain.as_deref());
        }
        for row in moves {
            let Ok(symbol) = Symbol::parse(&row.symbol) else { continue };
            let [net, invested, income, costs, realized] = [row.net, row.invested, row.income, row.costs, row.realized].map(Money);
            let moved = Moved { net, invested, income, costs, realized, is_unconverted: row.is_unconverted };
            read.course(symbol).moves.push((row.session_date, moved));
        }
        let courses = read.courses();
        let mut names = self.named(portfolio, courses.iter().map(|course| course.symbol.as_str().to_owned()).collect()).await?;
        let record = |course: app::analytics::ledger::HoldingCourse| {
            let symbol = course.symbol.as_str();
            let (name, sector) = names.remove(symbol).unwrap_or_else(|| (symbol.to_owned(), "Other".into()));
            HoldingRecord { course, name, sector }
        };
        Ok(courses.into_iter().map(record).collect())
    }

    /// Names and sectors: as they were published with the holdings, of those held no more as they are known.
    async fn named(&self, portfolio: PortfolioId, symbols: Vec<String>) -> Result<BTreeMap<String, (String, String)>> {
        let rows = sqlx::query!(
            r#"select asked.symbol as "symbol!", coalesce(held.name, known.name, asked.symbol) as "name!",
                      coalesce(held.sector, known.sector, 'Other') as "sector!"
               from unnest($2::text[]) as asked (symbol)
               left join marts.holdings as held on held.portfolio_id = $1 and held.symbol = asked.symbol
               left join staging.instruments as known on known.symbol = asked.symbol"#,
            portfolio.get(),
            &symbols,
        );
        Ok(rows.fetch_all(&self.pool).await?.into_iter().map(|row| (row.symbol, (row.name, row.sector))).collect())
    }
}
