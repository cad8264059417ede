//! Pages and server functions. Both get their contexts from one closure, so that the first rendering and the browser agree.

use super::{
    AppState,
    alone::alone,
    answer::{self, Problem},
    assets, headers,
};
use crate::{auth::AuthSession, store::reference};
use app::{
    error::AppError,
    ports::{Ports, Visitor},
    routes,
    ui::{PageStatus, Theme},
};
use axum::{
    body::{self, Body},
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use chrono::Utc;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use leptos::{
    nonce::use_nonce,
    prelude::{provide_context, use_context},
    server_fn,
};
use leptos_axum::ResponseOptions;
use tower::ServiceExt;
use tower_sessions::Session;
use url::form_urlencoded;

/// What a visitor may ask before signing in.
pub const FOR_STRANGERS: [&str; 1] = ["/api/account/door"];

/// In the session: the day on which it was prolonged last.
const SLID_ON: &str = "slid_on";

/// What pages and server functions find as contexts: the ports, who asks, how the page answers, the theme.
fn contexts(state: &AppState, session: AuthSession, headers: &HeaderMap) -> impl Fn() + Clone + Send + Sync + 'static {
    let visitor = Visitor(session.user.as_ref().map(|person| person.id));
    let ports: Ports = state.store.ports(Some(session));
    let cookies = headers.get(header::COOKIE).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    move || {
        provide_context(ports.clone());
        provide_context(visitor);
        provide_context(Theme::from_cookies(&cookies));
        let Some(options) = use_context::<ResponseOptions>() else { return };
        // Pages have a nonce; server functions answer no HTML.
        if let Some(policy) = use_nonce().and_then(|nonce| HeaderValue::from_str(&headers::policy(&nonce)).ok()) {
            options.insert_header(header::CONTENT_SECURITY_POLICY, policy);
        }
        provide_context(PageStatus::new(move |code: u16| {
            if let Ok(code) = StatusCode::from_u16(code) {
                options.set_status(code);
            }
        }));
    }
}

/// A page of ours, sent when it is whole: it reads without scripts, and its status is right.
pub(super) async fn page(State(state): State<AppState>, session: AuthSession, request: Request) -> Response {
    let contexts = contexts(&state, session, request.headers());
    let options = state.leptos;
    let (parts, _) = request.into_parts();
    let render = leptos_axum::render_app_async_with_context(contexts, move || app::shell::shell(options.clone()));
    let whole = async move {
        let (head, body) = render(Request::from_parts(parts, Body::empty())).await.into_parts();
        body::to_bytes(body, usize::MAX).await.map(|body| Response::from_parts(head, Body::from(body)))
    };
    alone(whole).await.unwrap_or_else(|error| Problem(AppError::Internal { reference: reference(&error) }).into_response())
}

/// A server function; its body has been limited already. A stranger is refused here, before arguments are read, and once more
/// by each function itself.
pub(super) async fn server_function(State(state): State<AppState>, session: AuthSession, request: Request) -> Response {
    if session.user.is_none() && !FOR_STRANGERS.contains(&request.uri().path()) {
        let is_form =
            request.headers().get(header::ACCEPT).is_some_and(|accept| accept.to_str().is_ok_and(|accept| accept.contains("text/html")));
        return if is_form { Redirect::to(routes::SIGN_IN).into_response() } else { answer::refusal(&AppError::SignInRequired) };
    }
    if server_fn::axum::get_server_fn_service(request.uri().path(), request.method().clone()).is_none() {
        return answer::refusal(&AppError::NotFound);
    }
    let contexts = contexts(&state, session, request.headers());
    leptos_axum::handle_server_fns_with_context(contexts, request.map(Body::new)).await.into_response()
}

/// A file of the site, else the page that says that there is nothing.
pub(super) async fn file_or_not_found(State(state): State<AppState>, session: AuthSession, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return Problem(AppError::NotFound).into_response();
    }
    let mut asked = Request::new(Body::empty());
    *asked.uri_mut() = request.uri().clone();
    *asked.method_mut() = request.method().clone();
    *asked.headers_mut() = request.headers().clone();
    match assets::beside(&state.leptos).oneshot(asked).await {
        Ok(file) if file.status().is_success() || file.status() == StatusCode::NOT_MODIFIED => {
            assets::asked_again(file.map(Body::new).into_response())
        }
        Ok(_) => {
            let mut response = page(State(state), session, request).await;
            if response.status() == StatusCode::OK {
                *response.status_mut() = StatusCode::NOT_FOUND;
            }
            response
        }
        Err(never) => match never {},
    }
}

/// Strangers are led to the door, and come back to where they wanted to go; who is in needs no door.
pub(super) async fn at_the_door(State(state): State<AppState>, session: AuthSession, request: Request, next: Next) -> Response {
    // A page is read. What else is asked of it is no way in either, and the route itself says what it takes.
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return next.run(request).await;
    }
    let path = request.uri().path();
    let needs_setup = match session.user {
        Some(_) if path == routes::SIGN_IN || path == routes::SETUP => return Redirect::to(routes::OVERVIEW).into_response(),
        Some(_) => return next.run(request).await,
        None => match state.store.door(None).await {
            Ok(door) => door.needs_setup,
            Err(error) => return Problem(AppError::Internal { reference: reference(&error) }).into_response(),
        },
    };
    match path {
        routes::SETUP if !needs_setup => Redirect::to(routes::SIGN_IN).into_response(),
        routes::SETUP | routes::SIGN_IN => next.run(request).await,
        _ if needs_setup && !state.store.has_demo => Redirect::to(routes::SETUP).into_response(),
        _ => {
            let wanted = request.uri().path_and_query().map_or("/", |wanted| wanted.as_str());
            let query = form_urlencoded::Serializer::new(String::new()).append_pair("next", wanted).finish();
            let door = if wanted == "/" { routes::SIGN_IN.to_owned() } else { format!("{}?{query}", routes::SIGN_IN) };
            Redirect::to(&door).into_response()
        }
    }
}

/// Prolongs a session that is in use, once a day: writing at every request would cost each page a round trip.
pub(super) async fn slide(session: AuthSession, request: Request, next: Next) -> Response {
    if session.user.is_some()
        && let Err(error) = prolong(&session.session).await
    {
        reference(&error);
    }
    next.run(request).await
}

async fn prolong(session: &Session) -> Result<(), tower_sessions::session::Error> {
    let today = Utc::now().date_naive();
    if session.get(SLID_ON).await? != Some(today) {
        session.insert(SLID_ON, today).await?;
    }
    Ok(())
}
