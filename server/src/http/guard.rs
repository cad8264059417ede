//! What changes something comes from our own pages: no other site can send a person's browser here with a form.

use axum::{
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, StatusCode, header};
use url::Url;

/// Refuses every request that isn't a read and comes from another origin.
pub(super) async fn same_origin(request: Request, next: Next) -> Response {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS);
    let host = request.uri().authority().map(|authority| authority.as_str().to_owned());
    if is_read || is_same_origin(request.headers(), host.as_deref()) {
        return next.run(request).await;
    }
    tracing::warn!(origin = ?request.headers().get(header::ORIGIN), "refused a request from another site");
    (StatusCode::FORBIDDEN, "This form came from another site. Open Plumbline and try again there.").into_response()
}

/// Browsers say where a request comes from: by `Sec-Fetch-Site`, the older ones by `Origin`. A client that says neither is no
/// browser, and nobody's cookies are in it that it doesn't own itself.
fn is_same_origin(headers: &HeaderMap, authority: Option<&str>) -> bool {
    let text = |name| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
    if let Some(site) = text(header::HeaderName::from_static("sec-fetch-site")) {
        return matches!(site, "same-origin" | "none");
    }
    let Some(origin) = text(header::ORIGIN) else { return true };
    let Some(host) = text(header::HOST).or(authority) else { return false };
    // Compared without the scheme: behind a proxy that ends TLS we can't know it.
    Url::parse(origin).is_ok_and(|url| {
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        url.host_str().is_some_and(|name| format!("{name}{port}").eq_ignore_ascii_case(host))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(pairs: &[(&'static str, &'static str)]) -> bool {
        let headers = pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect();
        is_same_origin(&headers, None)
    }

    #[test]
    fn only_our_own_pages_may_post() {
        assert!(says(&[("sec-fetch-site", "same-origin"), ("host", "a.test")]));
        assert!(says(&[("origin", "http://a.test:3000"), ("host", "a.test:3000")]));
        assert!(says(&[("origin", "https://a.test"), ("host", "a.test")]));
        assert!(says(&[("host", "a.test")]), "curl");
        for other in [
            [("sec-fetch-site", "cross-site"), ("host", "a.test")],
            [("sec-fetch-site", "same-site"), ("host", "a.test")],
            [("origin", "https://evil.test"), ("host", "a.test")],
            [("origin", "https://a.test.evil.test"), ("host", "a.test")],
            [("origin", "http://a.test:8080"), ("host", "a.test")],
            [("origin", "null"), ("host", "a.test")],
        ] {
            assert!(!says(&other), "{other:?}");
        }
    }
}
