//! A portfolio's sessions from `marts`: what the overview and every measure are taken of.

use super::{Result, Store, portfolios::count};
use app::{
    analytics::sessions::PortfolioSession,
    domain::{Benchmark, Money, Scope, UserId},
    performance::model::TrackRecord,
};

impl Store {
    /// All sessions since the first, with the scope's benchmark; `None` while nothing was published or there is no portfolio.
    pub async fn track_record(&self, user: UserId, scope: Scope) -> Result<Option<TrackRecord>> {
        let Some(portfolio) = self.shown(user, scope).await? else { return Ok(None) };
        if !self.is_published().await? {
            return Ok(None);
        }
        let id = portfolio.id.get();
        let (rows, positions) = tokio::try_join!(
            sqlx::query!(
                "select session_date, value, inflow, outflow, net_contributions, daily_return, carried, positions, unrealized, realized, income,
                        costs, brought_in, benchmark_price_return, benchmark_total_return, risk_free_rate
                 from marts.portfolio_daily where portfolio_id = $1 order by session_date",
                id
            )
            .fetch_all(&self.pool),
            sqlx::query_scalar!("select value from marts.holdings where portfolio_id = $1", id).fetch_all(&self.pool),
        )?;
        let sessions = rows
            .into_iter()
            .map(|row| PortfolioSession {
                session_date: row.session_date,
                value: row.value.map(Money),
                inflow: Money(row.inflow),
                outflow: Money(row.outflow),
                net_contributions: Money(row.net_contributions),
                daily_return: row.daily_return,
                carried: count(row.carried),
                positions: count(row.positions),
                unrealized: row.unrealized.map(Money),
                realized: Money(row.realized),
                income: Money(row.income),
                costs: Money(row.costs),
                brought_in: Money(row.brought_in),
                benchmark_return: match scope.benchmark {
                    Benchmark::SpyTotalReturn => row.benchmark_total_return,
                    Benchmark::SpyPriceReturn => row.benchmark_price_return,
                },
                risk_free_rate: row.risk_free_rate,
            })
            .collect();
        Ok(Some(TrackRecord {
            portfolio: portfolio.id,
            currency: portfolio.currency,
            sessions,
            position_values: positions.into_iter().map(|value| value.map(Money)).collect(),
        }))
    }
}
