//! How the results of checks are asked for.

use crate::{error::AppError, quality::model::Quality};
use leptos::{prelude::*, server_fn::codec::GetUrl};

#[server(endpoint = "quality/show", input = GetUrl)]
pub async fn show_quality(scope: String) -> Result<Quality, AppError> {
    use crate::{domain::Scope, ports};
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.operations.quality(user, Scope::parse(&scope)).await
}
