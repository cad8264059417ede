//! The overview of a portfolio: its days from `marts`, the figures from `app::overview`, the charts from `app::charts`.

use super::{Result, Store};
use app::{
    charts,
    domain::{Money, Scope, UserId},
    holdings::model::Holding,
    overview::{
        figures::overview_figures,
        model::{Overview, OverviewPage, SectorWeight, TopHolding},
    },
    performance::model::TrackRecord,
};

impl Store {
    pub(super) async fn overview(&self, user: UserId, scope: Scope) -> Result<Option<OverviewPage>> {
        let Some(record) = self.track_record(user, scope).await? else { return Ok(None) };
        let TrackRecord { portfolio, currency, sessions, position_values } = record;
        let priced: Vec<Money> = position_values.iter().flatten().copied().collect();
        let sectors = sqlx::query!(
            r#"select sector, value, weight as "weight!" from marts.allocation
               where portfolio_id = $1 and weight is not null order by sector = 'Cash', value desc, sector"#,
            portfolio.get()
        )
        .fetch_all(&self.pool)
        .await?;
        let Some(mut figures) = overview_figures(&sessions, &priced, scope.range) else { return Ok(None) };
        let top = self.lines(portfolio, figures.as_of, Some(TopHolding::SHOWN)).await?;
        Ok(Some(OverviewPage {
            top: top.into_iter().map(short).collect(),
            holdings: u32::try_from(position_values.len()).unwrap_or(u32::MAX),
            overview: Overview {
                range: scope.range,
                benchmark: scope.benchmark,
                sectors: sectors
                    .into_iter()
                    .map(|row| SectorWeight { sector: row.sector, value: Money(row.value), weight: row.weight })
                    .collect(),
                value_chart: charts::value_chart(&figures.days, &currency),
                return_chart: charts::return_chart(&figures.days, scope.benchmark.label()),
                drawdown_chart: charts::drawdown_chart(&figures.days),
                currency,
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
