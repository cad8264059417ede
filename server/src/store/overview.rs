//! The overview of a portfolio: its days as they are or were published, the figures from `app::overview`, the charts from `app::charts`.

use super::{Result, Store};
use app::{
    charts,
    domain::{Money, Scope, UserId},
    holdings::model::Holding,
    overview::{
        figures::overview_figures,
        model::{Overview, OverviewPage, TopHolding},
        yesterday::since_yesterday,
    },
    performance::model::TrackRecord,
};

impl Store {
    pub(super) async fn overview(&self, user: UserId, scope: Scope) -> Result<Option<OverviewPage>> {
        let Some((as_of, record)) = self.recorded(user, scope).await? else { return Ok(None) };
        let TrackRecord { portfolio, currency, sessions, position_values, restated, .. } = record;
        let priced: Vec<Money> = position_values.iter().flatten().copied().collect();
        let sectors = self.sectors(portfolio, as_of).await?;
        let Some(mut figures) = overview_figures(&sessions, &priced, scope.range) else { return Ok(None) };
        if figures.value.is_err() {
            figures.value = Err(self.unknown(portfolio, as_of).await?);
        }
        let close = (figures.as_of, figures.value.clone().ok());
        let (top, shown) = tokio::try_join!(
            self.lines((portfolio, &currency), as_of, close, Some(TopHolding::SHOWN)),
            self.shown_before(portfolio, as_of, &sessions),
        )?;
        Ok(Some(OverviewPage {
            top: top.into_iter().map(short).collect(),
            holdings: u32::try_from(position_values.len()).unwrap_or(u32::MAX),
            restated: restated.counted(figures.opens_on, figures.as_of),
            since_yesterday: since_yesterday(&sessions, shown),
            overview: Overview {
                range: scope.range,
                benchmark: scope.benchmark,
                sectors,
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
