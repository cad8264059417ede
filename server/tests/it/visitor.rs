//! A browser without a screen on the real router, and a conductor that only remembers what it was asked.

use app::domain::{ConnectionId, PortfolioId, Symbol, UserId};
use async_trait::async_trait;
use axum::{
    Router,
    body::{Body, to_bytes},
    http::{HeaderMap, Request, StatusCode, header},
};
use chrono::{DateTime, NaiveDate, Utc};
use leptos::config::LeptosOptions;
use serde_json::Value;
use server::{
    clock::Clock,
    http::{AppState, router},
    store::{BrokerKeys, BrokerSummary, Conductor, ConductorError, NextTicks, Store},
};
use sqlx::PgPool;
use std::sync::{Arc, Mutex};
use tower::ServiceExt;
use url::form_urlencoded;

/// Friday 2026-11-20 is the last completed session.
pub const NOW: &str = "2026-11-22T12:00:00Z";

pub fn store(pool: &PgPool, conductor: &Arc<Remembering>) -> Store {
    Store::new(pool.clone(), Clock::Fixed(NOW.parse().unwrap()), Arc::<Remembering>::clone(conductor), true)
}

pub fn site(pool: &PgPool) -> Router {
    let conductor = Arc::new(Remembering::default());
    let leptos = LeptosOptions::builder().output_name("plumbline").site_root("no-such-folder").build();
    router(AppState { leptos, store: store(pool, &conductor), is_https: true })
}

/// One browser: it keeps its cookie.
pub struct Visitor {
    site: Router,
    pub cookie: Option<String>,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: String,
}

impl Answer {
    pub fn location(&self) -> &str {
        self.headers.get(header::LOCATION).map_or("", |value| value.to_str().unwrap())
    }
}

impl Visitor {
    pub fn new(site: &Router) -> Self {
        Self { site: site.clone(), cookie: None }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path), String::new()).await
    }

    pub async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request =
            Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded").header("sec-fetch-site", "same-origin");
        self.send(request, body).await
    }

    pub async fn send(&mut self, mut request: axum::http::request::Builder, body: String) -> Answer {
        request = request.header(header::HOST, "plumbline.test");
        if let Some(cookie) = &self.cookie {
            request = request.header(header::COOKIE, cookie);
        }
        let response = self.site.clone().oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = String::from_utf8_lossy(&to_bytes(body, usize::MAX).await.unwrap()).into_owned();
        if let Some(set) = parts.headers.get(header::SET_COOKIE) {
            self.cookie = Some(set.to_str().unwrap().split(';').next().unwrap().to_owned());
        }
        Answer { status: parts.status, headers: parts.headers, body }
    }

    pub async fn sign_in(&mut self, name: &str, password: &str) -> Answer {
        self.post("/sign-in", &[("name", name), ("password", password)]).await
    }

    /// Does the site take this browser for somebody?
    ///
    /// # Panics
    /// When it answers neither with a page nor with the way to the door.
    pub async fn is_in(&mut self) -> bool {
        let Answer { status, body, .. } = self.get("/").await;
        assert!(status == StatusCode::OK || status == StatusCode::SEE_OTHER, "{status}: {body}");
        status == StatusCode::OK
    }
}

/// Does nothing, and remembers what it was asked.
#[derive(Default)]
pub struct Remembering {
    pub asked: Mutex<Vec<String>>,
}

impl Remembering {
    fn note(&self, what: String) {
        self.asked.lock().unwrap().push(what);
    }
}

#[async_trait]
impl Conductor for Remembering {
    async fn administrator_created(&self, administrator: UserId) -> Result<(), ConductorError> {
        self.note(format!("administrator {administrator}"));
        Ok(())
    }

    async fn request_daily(&self, by: UserId) -> Result<i64, ConductorError> {
        self.note(format!("daily {by}"));
        Ok(1)
    }

    async fn republish(&self, portfolio: PortfolioId, _: UserId) -> Result<(), ConductorError> {
        self.note(format!("republish {portfolio}"));
        Ok(())
    }

    async fn republish_all(&self, _: UserId) -> Result<(), ConductorError> {
        self.note("republish all".to_owned());
        Ok(())
    }

    async fn refetch(&self, symbol: &Symbol, from: NaiveDate, to: NaiveDate, _: UserId) -> Result<i64, ConductorError> {
        self.note(format!("refetch {symbol} {from} {to}"));
        Ok(1)
    }

    async fn refetch_activities(&self, portfolio: PortfolioId, from: NaiveDate, _: UserId) -> Result<i64, ConductorError> {
        self.note(format!("refetch activities {portfolio} {from}"));
        Ok(1)
    }

    async fn waiting_for(&self) -> Result<Option<String>, ConductorError> {
        Ok(None)
    }

    async fn try_broker(&self, _: &BrokerKeys) -> Result<BrokerSummary, ConductorError> {
        Err(ConductorError::Refused("Alpaca doesn't know this key. Copy it again.".into()))
    }

    async fn keep_broker(&self, _: UserId, _: &str, _: &BrokerKeys, _: &BrokerSummary) -> Result<(), ConductorError> {
        Ok(())
    }

    async fn try_connection(&self, _: ConnectionId) -> Result<(), ConductorError> {
        Ok(())
    }

    fn covers(&self, parameters: &Value) -> String {
        parameters.to_string()
    }

    fn schedules(&self, _: DateTime<Utc>) -> Vec<NextTicks> {
        Vec::new()
    }
}
