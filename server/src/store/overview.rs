//! The overview of a portfolio: its days as they are or were published, the figures from `app::overview`, the charts from `app::charts`.

use super::{Result, Store};
use app::{
    charts,
    domain::{Money, Scope, UserId},
    holdings::model::Holding,
    overview::{
        figures::overview_figures,
        model::{Overview, OverviewPage, Restated, TopHolding},
        yesterday::since_yesterday,
    },
};

impl Store {
    pub(super) async fn overview(&self, user: UserId, scope: Scope) -> Result<Option<OverviewPage>> {
        let Some(portfolio) = self.shown(user, scope).await? else { return Ok(None) };
        let Some(as_of) = self.as_of(portfolio.id, scope.as_known_on).await? else { return Ok(None) };
        let (sessions, positions, sectors, restated) = tokio::try_join!(
            self.sessions(portfolio.id, as_of, scope.benchmark),
            self.position_values(portfolio.id, as_of),
            self.sectors(portfolio.id, as_of),
            self.restated(portfolio.id, as_of),
        )?;
        let values: Vec<Money> = positions.iter().flatten().copied().collect();
        let Some(mut figures) = overview_figures(&sessions, &values, scope.range) else { return Ok(None) };
        let (top, shown) = tokio::try_join!(
            self.lines(portfolio.id, as_of, (figures.as_of, figures.value.clone().ok()), Some(TopHolding::SHOWN)),
            self.shown_before(portfolio.id, as_of, &sessions),
        )?;
        Ok(Some(OverviewPage {
            top: top.into_iter().map(short).collect(),
            holdings: u32::try_from(positions.len()).unwrap_or(u32::MAX),
            restated: Restated {
                is_last: restated.contains(&figures.as_of),
                in_range: restated.iter().filter(|day| **day >= figures.opens_on).count() as u32,
                ever: restated.len() as u32,
            },
            since_yesterday: since_yesterday(&sessions, shown),
            overview: Overview {
                range: scope.range,
                benchmark: scope.benchmark,
                sectors,
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
