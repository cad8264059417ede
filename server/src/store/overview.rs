//! The overview of a portfolio: its days from `marts`, the figures from `app::overview`, the charts from `app::charts`.

use super::{Result, Store, portfolios::count};
use app::{
    charts,
    domain::{Benchmark, Money, Scope, UserId},
    holdings::model::Holding,
    overview::{
        figures::{PortfolioSession, overview_figures},
        model::{Overview, OverviewPage, SectorWeight, TopHolding},
    },
};

impl Store {
    pub(super) async fn overview(&self, user: UserId, scope: Scope) -> Result<Option<OverviewPage>> {
        let Some(portfolio) = self.shown(user, scope).await? else { return Ok(None) };
        if !self.is_published().await? {
            return Ok(None);
        }
        let id = portfolio.id.get();
        let (rows, positions, sectors) = tokio::try_join!(
            sqlx::query!(
                "select session_date, value, inflow, outflow, net_contributions, daily_return, carried, positions, unrealized, realized, income,
                        costs, brought_in, cash_currency, benchmark_price_return, benchmark_total_return, risk_free_rate
                 from marts.portfolio_daily where portfolio_id = $1 order by session_date",
                id
            )
            .fetch_all(&self.pool),
            sqlx::query_scalar!("select value from marts.holdings where portfolio_id = $1", id)
                .fetch_all(&self.pool),
            sqlx::query!(
                r#"select sector, value as "value!", weight as "weight!" from marts.allocation
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
                cash_currency: Money(row.cash_currency.unwrap_or_default()),
                benchmark_return: match scope.benchmark {
                    Benchmark::SpyTotalReturn => row.benchmark_total_return,
                    Benchmark::SpyPriceReturn => row.benchmark_price_return,
                },
                risk_free_rate: row.risk_free_rate,
            })
            .collect();
        let values: Vec<Money> = positions.iter().flatten().copied().map(Money).collect();
        let Some(mut figures) = overview_figures(&sessions, &values, scope.range) else { return Ok(None) };
        if figures.value.is_err() {
            figures.value = Err(self.unknown(portfolio.id).await?);
        }
        let top = self.lines(portfolio.id, figures.as_of, Some(TopHolding::SHOWN)).await?;
        Ok(Some(OverviewPage {
            top: top.into_iter().map(short).collect(),
            holdings: u32::try_from(positions.len()).unwrap_or(u32::MAX),
            overview: Overview {
                range: scope.range,
                benchmark: scope.benchmark,
                sectors: sectors
                    .into_iter()
                    .map(|row| SectorWeight { sector: row.sector, value: Money(row.value), weight: row.weight })
                    .collect(),
                value_chart: charts::value_chart(&figures.days, &portfolio.currency),
                return_chart: charts::return_chart(&figures.days, scope.benchmark.label()),
                drawdown_chart: charts::drawdown_chart(&figures.days),
                currency: portfolio.currency,
                figures: {
                    figures.days = charts::table_days(figures.days);
                    figures
                },
            },
        }))
    }
}

fn short(line: Holding) -> TopHolding {
    let Holding { symbol, name, value, weight, day_return, unrealized_return, recent, .. } = line;
    TopHolding { symbol, name, value, weight, day_return, unrealized_return, recent }
}
