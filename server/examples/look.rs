//! Serves the pages with fixed answers, to look at them without a database: `cargo run -p server --example look -- fresh 3210`.
//! The first argument is the state (fresh, stale, empty, failed), the second the port.

#[path = "../tests/it/fixed_ports.rs"]
mod fixed_ports;

use app::{
    domain::UserId,
    ports::Visitor,
    shell::{App, shell},
    ui::{PageStatus, Theme},
};
use axum::{Router, extract::Request, http::StatusCode, routing::any};
use fixed_ports::{State, ports};
use leptos::{config::LeptosOptions, prelude::*};
use leptos_axum::{LeptosRoutes, ResponseOptions, generate_route_list, handle_server_fns_with_context};
use tower_http::services::ServeDir;

fn contexts(state: State) {
    provide_context(ports(state));
    provide_context(Visitor(Some(UserId(1))));
    let options = expect_context::<ResponseOptions>();
    provide_context(PageStatus::new(move |code| {
        if let Ok(code) = StatusCode::from_u16(code) {
            options.set_status(code);
        }
    }));
    let cookies = use_context::<axum::http::request::Parts>()
        .and_then(|parts| parts.headers.get("cookie").and_then(|value| value.to_str().ok().map(String::from)));
    provide_context(Theme::from_cookies(cookies.as_deref().unwrap_or_default()));
}

#[tokio::main]
async fn main() -> Result<(), std::io::Error> {
    let mut arguments = std::env::args().skip(1);
    let state = match arguments.next().as_deref() {
        Some("stale") => State::Stale,
        Some("empty") => State::Empty,
        Some("failed") => State::Failed,
        _ => State::Fresh,
    };
    let port = arguments.next().unwrap_or_else(|| "3210".into());
    let options = LeptosOptions::builder().output_name("plumbline").site_root("target/site").site_pkg_dir("pkg").build();
    let document = options.clone();
    let site = Router::new()
        .route("/api/{*rest}", any(move |request: Request| handle_server_fns_with_context(move || contexts(state), request)))
        .leptos_routes_with_context(&options, generate_route_list(App), move || contexts(state), move || shell(document.clone()))
        .fallback_service(ServeDir::new("target/site"))
        .with_state(options);
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    axum::serve(listener, site).await
}
