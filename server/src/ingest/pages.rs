//! Pagination that refuses foreign hosts, loops and endless lists.

use std::collections::HashSet;
use url::Url;

use super::{At, VendorError};

/// Pages of one question; Polygon's whole dividend history has about 300 of them.
const MAX_PAGES: usize = 1_000;
/// A vendor that sends a page twice names the same next page twice. That passes a few times; more is a loop.
const MAX_REVISITS: usize = 3;
/// Where Polygon's `next_url` may point besides the connection's own host: the old and the new name of the vendor.
const POLYGON_HOSTS: [&str; 2] = ["api.polygon.io", "api.massive.com"];
/// Names under which keys travel in a query; never kept, logged or followed.
pub(super) const KEY_PARAMETERS: [&str; 3] = ["apikey", "api_key", "key"];

/// The walk through one list.
pub(super) struct Pages {
    at: At,
    seen: HashSet<String>,
    read: usize,
    revisits: usize,
}

impl Pages {
    pub(super) fn new(at: At) -> Self {
        Self { at, seen: HashSet::new(), read: 0, revisits: 0 }
    }

    /// Counts a step to the page that `token` names (a cursor's address, or the id of the last item).
    ///
    /// # Errors
    /// [`VendorError::PageLoop`], [`VendorError::TooManyPages`].
    pub(super) fn step_to(&mut self, token: &str) -> Result<(), VendorError> {
        self.read += 1;
        if self.read >= MAX_PAGES {
            return Err(VendorError::TooManyPages { at: self.at, limit: MAX_PAGES });
        }
        if !self.seen.insert(token.to_owned()) {
            self.revisits += 1;
            if self.revisits > MAX_REVISITS {
                return Err(VendorError::PageLoop { at: self.at });
            }
        }
        Ok(())
    }
}

/// Polygon's next page, asked of the connection's own address: only path and query of `next_url` are used, without a key.
///
/// # Errors
/// [`VendorError::ForeignHost`], or [`VendorError::Malformed`] when it is no address.
pub(super) fn next_url(at: At, base: &Url, next_url: &str) -> Result<Url, VendorError> {
    let next = base.join(next_url).map_err(|_| VendorError::Malformed { at, reason: "next_url is no address".into() })?;
    let ours = next.host_str() == base.host_str() && next.port_or_known_default() == base.port_or_known_default();
    if !ours && !next.host_str().is_some_and(|host| POLYGON_HOSTS.contains(&host)) {
        return Err(VendorError::ForeignHost { at, host: next.host_str().unwrap_or("nothing").chars().take(80).collect() });
    }
    let prefix = base.path().trim_end_matches('/');
    let path = if next.path().starts_with(prefix) { next.path().to_owned() } else { format!("{prefix}{}", next.path()) };
    let mut url = base.clone();
    url.set_path(&path);
    url.set_query(next.query());
    Ok(without_key(url))
}

/// The address without parameters that hold a key, and without user, password and fragment.
pub(super) fn without_key(mut url: Url) -> Url {
    let is_key = |name: &str| KEY_PARAMETERS.contains(&name.to_ascii_lowercase().as_str());
    if url.query_pairs().any(|(name, _)| is_key(&name)) {
        let kept: Vec<(String, String)> =
            url.query_pairs().filter(|(name, _)| !is_key(name)).map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
        url.set_query(None);
        if !kept.is_empty() {
            url.query_pairs_mut().extend_pairs(kept);
        }
    }
    url.set_fragment(None);
    // Both refuse only addresses without a host, which no connection has.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::Vendor;
    use proptest::prelude::*;

    const AT: At = At { vendor: Vendor::Polygon, endpoint: "bars" };

    fn next(base: &str, next: &str) -> Result<String, VendorError> {
        next_url(AT, &base.parse().unwrap(), next).map(String::from)
    }

    #[test]
    fn follows_the_vendor_under_both_names_at_our_own_address() {
        assert_eq!(next("http://127.0.0.1:9", "https://api.polygon.io/v2/aggs?cursor=a").unwrap(), "http://127.0.0.1:9/v2/aggs?cursor=a");
        assert_eq!(next("http://h/polygon", "https://api.massive.com/v3/x?cursor=a").unwrap(), "http://h/polygon/v3/x?cursor=a");
        assert_eq!(next("http://h/polygon", "http://h/polygon/v3/x?cursor=a").unwrap(), "http://h/polygon/v3/x?cursor=a");
        assert_eq!(next("https://api.polygon.io", "/v3/x?cursor=a&apiKey=secret").unwrap(), "https://api.polygon.io/v3/x?cursor=a");
    }

    #[test]
    fn refuses_foreign_hosts() {
        for foreign in ["https://evil.example/v2", "https://api.polygon.io.evil.example/", "http://127.0.0.1:10/v2", "//evil.example/v2"] {
            assert!(matches!(next("http://127.0.0.1:9", foreign), Err(VendorError::ForeignHost { .. })), "{foreign}");
        }
    }

    #[test]
    fn a_repeated_page_passes_and_a_loop_does_not() {
        let mut pages = Pages::new(AT);
        pages.step_to("a").unwrap();
        pages.step_to("a").unwrap();
        pages.step_to("b").unwrap();
        assert!((0..5).any(|_| matches!(pages.step_to("b"), Err(VendorError::PageLoop { .. }))));
        let mut pages = Pages::new(AT);
        assert!((0..=MAX_PAGES).any(|n| matches!(pages.step_to(&n.to_string()), Err(VendorError::TooManyPages { .. }))));
    }

    proptest! {
        #[test]
        fn no_text_leads_elsewhere(text in ".{0,60}") {
            if let Ok(url) = next_url(AT, &"http://127.0.0.1:9/p".parse().unwrap(), &text) {
                prop_assert_eq!(url.host_str(), Some("127.0.0.1"));
                prop_assert_eq!(url.port(), Some(9));
            }
        }
    }
}
