//! Serving: pages, server functions, the forms at the door, health, files. It inserts requests for runs, and never runs them.

mod alone;
mod answer;
mod assets;
mod explain;
mod export;
mod guard;
mod headers;
mod health;
mod live;
mod pages;
mod performance;
mod pipeline;
mod quality;
mod scope;

pub use alone::alone;
pub use pages::FOR_STRANGERS;

use crate::{
    auth::{self, door},
    store::Store,
};
use app::{error::AppError, routes};
use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, FromRef},
    middleware,
    response::Response,
    routing::{get, post},
};
use axum_login::AuthManagerLayerBuilder;
use http::{HeaderName, Request, StatusCode, header};
use leptos::config::LeptosOptions;
use leptos_axum::LeptosRoutes;
use std::time::Duration;
use tower::ServiceBuilder;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::CompressionLayer,
    limit::RequestBodyLimitLayer,
    request_id::{MakeRequestUuid, PropagateRequestIdLayer, RequestId, SetRequestIdLayer},
    timeout::TimeoutLayer,
    trace::TraceLayer,
};

/// A form or a server function's arguments.
const BODY_BYTES: usize = 2 * 1024 * 1024;
/// A CSV of a hundred thousand rows, as a form sends it.
const IMPORT_MEGABYTES: usize = 32;
const IMPORT_BYTES: usize = IMPORT_MEGABYTES * 1024 * 1024;
/// Where the import's server function lies.
const IMPORT: &str = "/api/activity/import";
/// The longest that a person waits for an answer: testing a broker's keys takes the longest.
const PATIENCE: Duration = Duration::from_secs(60);
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What every handler may use. Cheap to clone.
#[derive(Clone)]
pub struct AppState {
    pub leptos: LeptosOptions,
    pub store: Store,
    /// The public address begins with https: cookies are for it alone.
    pub is_https: bool,
}

impl FromRef<AppState> for LeptosOptions {
    fn from_ref(state: &AppState) -> Self {
        state.leptos.clone()
    }
}

/// The whole site.
pub fn router(state: AppState) -> Router {
    let sessions = auth::layer(state.store.pool.clone(), state.is_https);
    let sign_in = AuthManagerLayerBuilder::new(auth::Backend(state.store.pool.clone()), sessions).build();
    alone::prepare();
    let paths = leptos_axum::generate_route_list(app::shell::App);

    let server_functions = Router::new()
        .route(
            IMPORT,
            post(pages::server_function).layer(
                ServiceBuilder::new()
                    .layer(middleware::from_fn(short_enough))
                    .layer(RequestBodyLimitLayer::new(IMPORT_BYTES))
                    // Server functions read bodies by axum's own limit too, which is 2 MiB where nobody says another.
                    .layer(DefaultBodyLimit::max(IMPORT_BYTES)),
            ),
        )
        .route("/api/{*name}", get(pages::server_function).post(pages::server_function).layer(RequestBodyLimitLayer::new(BODY_BYTES)))
        .layer(middleware::from_fn(answer::with_status));
    let doors = Router::new()
        .route(routes::SIGN_IN, post(door::sign_in))
        .route(routes::SIGN_OUT, post(door::sign_out))
        .route(routes::SETUP, post(door::set_up))
        .route(routes::ENTER_DEMO, post(door::enter_demo))
        .layer(DefaultBodyLimit::max(BODY_BYTES));
    let visited = Router::new()
        .leptos_routes_with_handler(paths, get(pages::page))
        // Of these alone: what doesn't exist is not found for everybody, and files are for everybody.
        .route_layer(middleware::from_fn_with_state(state.clone(), pages::at_the_door))
        .merge(doors)
        .nest("/api/pipeline", pipeline::routes())
        .nest("/api/export", export::routes())
        .merge(performance::routes())
        .merge(quality::routes())
        .merge(explain::routes())
        .merge(server_functions)
        .fallback(pages::file_or_not_found)
        .layer(middleware::from_fn(pages::slide))
        .layer(sign_in);

    // From outside to inside. The request id comes first, so that every line of the log has it.
    let layers = ServiceBuilder::new()
        .layer(SetRequestIdLayer::new(REQUEST_ID, MakeRequestUuid))
        .layer(TraceLayer::new_for_http().make_span_with(span))
        .layer(PropagateRequestIdLayer::new(REQUEST_ID))
        .layer(middleware::from_fn(headers::secure))
        .layer(CatchPanicLayer::custom(answer::panicked))
        .layer(CompressionLayer::new())
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, PATIENCE))
        .layer(middleware::from_fn(guard::same_origin));
    let package = format!("/{}", state.leptos.site_pkg_dir.trim_matches('/'));
    Router::new()
        .route("/health", get(health::alive))
        .route("/ready", get(health::ready))
        .nest_service(&package, assets::package(&state.leptos))
        .merge(visited)
        .layer(layers)
        .with_state(state)
}

/// Says how large a file may be, before it is sent in vain. Browsers say beforehand how much they send.
async fn short_enough(request: Request<Body>, next: middleware::Next) -> Response {
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if length.is_none_or(|length| length <= IMPORT_BYTES) {
        return next.run(request).await;
    }
    let sentence = format!("The file is too large: it may have {IMPORT_MEGABYTES} MB, as a form sends it. Split it, by year for example.");
    answer::refusal(&AppError::Refused(sentence))
}

/// Method, path without its query (which may name things), and the request's id.
fn span<B>(request: &Request<B>) -> tracing::Span {
    let id = request.extensions().get::<RequestId>().and_then(|id| id.header_value().to_str().ok()).unwrap_or_default();
    tracing::info_span!("request", method = %request.method(), path = request.uri().path(), id)
}
