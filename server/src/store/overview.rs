//! The overview of a portfolio: its days from `marts`, the figures from `app::overview`, the charts from `app::charts`.

use super::{Result, Store, portfolios::count};
use app::{
    charts,
    domain::{Benchmark, Money, Scope, UserId},
    overview::{
        figures::{PortfolioSession, overview_figures},
        model::{Overview, SectorWeight},
    },
};

impl Store {
    pub(super) async fn overview(&self, user: UserId, scope: Scope) -> Result<Option<Overview>> {
        let Some(portfolio) = self.shown(user, scope).await? else { return Ok(None) };
        if !self.is_published().await? {
            return Ok(None);
        }
        let id = portfolio.id.get();
        let (rows, positions, sectors) = tokio::try_join!(
            sqlx::query!(
                "select session_date, value, inflow, outflow, net_contributions, daily_return, carried, positions, unrealized, realized, income,
                        costs, brought_in, benchmark_price_return, benchmark_total_return, risk_free_rate
                 from marts.portfolio_daily where portfolio_id = $1 order by session_date",
                id
            )
            .fetch_all(&self.pool),
            sqlx::query_scalar!(r#"select value as "value!" from marts.holdings where portfolio_id = $1 and value is not null"#, id)
                .fetch_all(&self.pool),
            sqlx::query!(
                r#"select sector, value, weight as "weight!" from marts.allocation
                   where portfolio_id = $1 and weight is not null order by sector = 'Cash', value desc, sector"#,
                id
            )
            .fetch_all(&self.pool),
        )?;
        let sessions: Vec<PortfolioSession> = rows
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
        let positions: Vec<Money> = positions.into_iter().map(Money).collect();
        Ok(overview_figures(&sessions, &positions, scope.range).map(|figures| Overview {
            as_of: figures.as_of,
            range: scope.range,
            benchmark: scope.benchmark,
            opens_on: figures.opens_on,
            since: figures.since,
            value: figures.value,
            positions: figures.positions,
            carried: figures.carried,
            day_change: figures.day_change,
            day_return: figures.day_return,
            benchmark_day_return: figures.benchmark_day_return,
            total_gain: figures.total_gain,
            time_weighted: figures.time_weighted,
            benchmark_return: figures.benchmark_return,
            excess_return: figures.excess_return,
            money_weighted: figures.money_weighted,
            money_weighted_is_annual: figures.money_weighted_is_annual,
            risk: figures.risk,
            bridge: figures.bridge,
            sectors: sectors
                .into_iter()
                .map(|row| SectorWeight { sector: row.sector, value: Money(row.value), weight: row.weight })
                .collect(),
            value_chart: charts::value_chart(&figures.days, &portfolio.currency),
            return_chart: charts::return_chart(&figures.days, scope.benchmark.label()),
            drawdown_chart: charts::drawdown_chart(&figures.days),
            days: charts::table_days(figures.days),
            months: figures.months,
            currency: portfolio.currency,
        }))
    }
}
