//! The site's own files: compressed when they were built, kept by browsers for as long as they can be.

use axum::{Router, extract::Request, middleware::Next, response::Response};
use http::{HeaderValue, header};
use leptos::config::LeptosOptions;
use tower_http::services::ServeDir;

/// A name with a hash in it is another when the content is.
const FOREVER: &str = "public, max-age=31536000, immutable";
/// Asked again each time, answered 304 while it is the same.
const ASK_AGAIN: &str = "no-cache";

/// What lies in the site's package folder: WASM, JavaScript, CSS.
pub(super) fn package(options: &LeptosOptions) -> Router {
    let folder = format!("{}/{}", options.site_root, options.site_pkg_dir);
    let cache = if options.hash_files { FOREVER } else { ASK_AGAIN };
    Router::new()
        .fallback_service(ServeDir::new(folder).precompressed_br().precompressed_gzip())
        .layer(axum::middleware::from_fn(move |request: Request, next: Next| kept(cache, request, next)))
}

/// Icons, fonts and the manifest beside it, whose names stay.
pub(super) fn beside(options: &LeptosOptions) -> ServeDir {
    ServeDir::new(&*options.site_root).append_index_html_on_directories(false).precompressed_br().precompressed_gzip()
}

async fn kept(cache: &'static str, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    if response.status().is_success() || response.status() == http::StatusCode::NOT_MODIFIED {
        keep(&mut response, cache);
    }
    response
}

fn keep(response: &mut Response, cache: &'static str) {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
}

/// Marks a file that lies beside the package.
pub(super) fn asked_again(mut response: Response) -> Response {
    keep(&mut response, ASK_AGAIN);
    response
}
