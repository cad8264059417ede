//! How explanations and restatements are asked for.

use crate::{error::AppError, explain::model::Recomputable};
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// A figure's explanation as the server draws it. `asked`: what stands after the question mark of its page.
#[server(endpoint = "explanation/show", input = GetUrl)]
pub async fn draw_explanation(figure: String, #[server(default)] asked: String) -> Result<String, AppError> {
    use crate::{drawn, explain::model::Asked, ports};
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    let asked = Asked::parse(&figure, &asked);
    let scope = asked.scope;
    let mut html = drawn::explanation(&ports.explanations.explain(user, asked).await?, &scope);
    crate::ui::Options::put_aside(super::page::EXPLANATION, &mut html);
    Ok(html)
}

/// What the figure is worked out from, for the browser to do it again.
#[server(endpoint = "explanation/recompute", input = GetUrl)]
pub async fn ask_recomputable(figure: String, #[server(default)] asked: String) -> Result<Recomputable, AppError> {
    use crate::{explain::model::Asked, ports};
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    let explained = ports.explanations.explain(user, Asked::parse(&figure, &asked)).await?;
    Ok(Recomputable { value: explained.value, recipe: explained.recipe })
}

/// Restatements as the server draws them; pages count from 1.
#[server(endpoint = "explanation/restatements", input = GetUrl)]
pub async fn draw_restatements(#[server(default)] scope: String, #[server(default)] page: u32) -> Result<String, AppError> {
    use crate::{domain::Scope, drawn, ports};
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    let scope = Scope::parse(&scope);
    let mut html = drawn::restatements(&ports.explanations.restatements(user, scope, page).await?, &scope, page.max(1));
    crate::ui::Options::put_aside(super::page::RESTATEMENTS, &mut html);
    Ok(html)
}
