//! Polygon.io, now Massive: what is asked, page by page, and how an answer is landed.

mod actions;
mod details;
mod exchange;
mod prices;
mod wire;
#[cfg(test)]
mod wire_tests;

pub use actions::{Action, Ask, land_actions};
pub use details::{land_details, test};
pub use exchange::land_rates;
pub use prices::{land_bars, land_bars_of, land_grouped};
pub use wire::{Dividend, Split};

use url::Url;

use super::{At, Connection, VendorError, pages};

/// Rows asked for in one page of a list; the old paths give ten when they aren't asked for more.
const PAGE_ROWS: &str = "1000";

/// The connection's address with these path segments (escaped) and parameters.
fn address(at: At, connection: &Connection, path: &[&str], query: &[(&str, &str)]) -> Result<Url, VendorError> {
    let mut url = pages::without_key(connection.base_url.clone());
    url.path_segments_mut().map_err(|()| VendorError::Address { at })?.pop_if_empty().extend(path);
    url.set_query(None);
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}
