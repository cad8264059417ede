//! Alpaca: what the broker says of an account (snapshots of account and positions, the history of activities), and closes to compare with.

mod activities;
mod closes;
mod snapshots;
mod wire;
#[cfg(test)]
mod wire_tests;

pub use activities::land_activities;
pub use closes::land_closes;
pub use snapshots::{land_account, land_positions, test};

use rust_decimal::Decimal;
use url::Url;

use super::{At, Connection, VendorError, pages};

/// The broker's account, as it is right now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AccountSummary {
    /// The broker's own id.
    pub external_id: String,
    /// E.g. `ACTIVE`.
    pub status: Option<String>,
    pub currency: String,
    /// Negative on margin.
    pub cash: Decimal,
    pub equity: Option<Decimal>,
}

fn address(at: At, connection: &Connection, path: &[&str], query: &[(&str, &str)]) -> Result<Url, VendorError> {
    address_at(at, &connection.base_url, path, query)
}

fn address_at(at: At, base: &Url, path: &[&str], query: &[(&str, &str)]) -> Result<Url, VendorError> {
    let mut url = pages::without_key(base.clone());
    url.path_segments_mut().map_err(|()| VendorError::Address { at })?.pop_if_empty().push("v2").extend(path);
    url.set_query(None);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}
