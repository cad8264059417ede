//! How the performance page is asked for.

use crate::error::AppError;
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// The page as the server draws it. `rolling` and `window`: the measure and the sessions of the rolling windows.
#[server(endpoint = "performance/show", input = GetUrl)]
pub async fn draw_performance(
    #[server(default)] scope: String,
    #[server(default)] rolling: String,
    #[server(default)] window: String,
) -> Result<String, AppError> {
    use crate::{domain::Scope, drawn, performance::model::Rolled, ports};
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    let scope = Scope::parse(&scope);
    let shown = ports.portfolios.performance(user, scope).await?;
    let mut html = drawn::performance(shown.as_ref(), &scope, Rolled::parse(&rolling, &window));
    crate::ui::Options::put_aside(super::page::PERFORMANCE, &mut html);
    Ok(html)
}
