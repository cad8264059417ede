//! How the frame and the overview are asked for.

use crate::{
    error::AppError,
    overview::model::{Frame, Shown},
};
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// What stands around every page.
#[server(endpoint = "overview/frame", input = GetUrl)]
pub async fn show_frame(scope: String) -> Result<Frame, AppError> {
    use crate::{domain::Scope, ports};
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.portfolios.frame(user, Scope::parse(&scope)).await
}

/// The overview, with what the server draws of it; `None` while nothing was published.
#[server(endpoint = "overview/show", input = GetUrl)]
pub async fn show_overview(scope: String) -> Result<Option<Shown>, AppError> {
    use crate::{domain::Scope, drawn, overview::model::OverviewPage, ports, ui::Options};
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    let scope = Scope::parse(&scope);
    let Some(page) = ports.portfolios.overview(user, scope).await? else { return Ok(None) };
    let mut below = drawn::overview(&page, &scope);
    Options::put_aside(super::page::BELOW, &mut below);
    let OverviewPage { mut overview, restated, since_yesterday, .. } = page;
    // What is drawn already isn't sent once more.
    overview.sectors.clear();
    overview.figures.months.clear();
    overview.figures.years.clear();
    Options::put_aside("value-chart", &mut overview.value_chart);
    Options::put_aside("return-chart", &mut overview.return_chart);
    Options::put_aside("drawdown-chart", &mut overview.drawdown_chart);
    Ok(Some(Shown { overview, restated, since_yesterday, below }))
}
