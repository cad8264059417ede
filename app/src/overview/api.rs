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
    use crate::{domain::Scope, ports, ui::Options};
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    let Some(mut page) = ports.portfolios.overview(user, Scope::parse(&scope)).await? else { return Ok(None) };
    let overview = &mut page.overview;
    Options::put_aside("value-chart", &mut overview.value_chart);
    Options::put_aside("return-chart", &mut overview.return_chart);
    Options::put_aside("drawdown-chart", &mut overview.drawdown_chart);
    Ok(Some(page))
}
