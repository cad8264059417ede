//! How the frame and the overview are asked for.

use crate::{
    error::AppError,
    overview::model::{Frame, OverviewPage},
};
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// What stands around every page.
#[server(endpoint = "overview/frame", input = GetUrl)]
pub async fn show_frame(scope: String) -> Result<Frame, AppError> {
    use crate::{domain::Scope, ports};
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.portfolios.frame(user, Scope::parse(&scope)).await
}

/// The overview with its largest holdings; `None` while nothing was published.
#[server(endpoint = "overview/show", input = GetUrl)]
pub async fn show_overview(scope: String) -> Result<Option<OverviewPage>, AppError> {
    use crate::{domain::Scope, overview::model::TopHolding, ports, ui::Options};
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    let scope = Scope::parse(&scope);
    let Some(mut overview) = ports.portfolios.overview(user, scope).await? else { return Ok(None) };
    let holdings = ports.portfolios.holdings(user, scope).await?;
    let count = holdings.as_ref().map_or(0, |holdings| holdings.rows.len());
    let rows = holdings.map(|holdings| holdings.rows).unwrap_or_default();
    let top = rows.into_iter().take(TopHolding::SHOWN).map(|row| TopHolding {
        symbol: row.symbol,
        name: row.name,
        value: row.value,
        weight: row.weight,
        day_return: row.day_return,
        unrealized_return: row.unrealized_return,
        recent: row.recent,
    });
    let top = top.collect();
    Options::put_aside("value-chart", &mut overview.value_chart);
    Options::put_aside("return-chart", &mut overview.return_chart);
    Options::put_aside("drawdown-chart", &mut overview.drawdown_chart);
    Ok(Some(OverviewPage { overview, top, holdings: u32::try_from(count).unwrap_or(u32::MAX) }))
}
