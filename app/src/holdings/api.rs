//! How holdings are asked for.

use crate::{error::AppError, holdings::model::Holdings};
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// `None` while nothing was published.
#[server(endpoint = "holdings/list", input = GetUrl)]
pub async fn list_holdings(scope: String) -> Result<Option<Holdings>, AppError> {
    use crate::{domain::Scope, ports};
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.portfolios.holdings(user, Scope::parse(&scope)).await
}
