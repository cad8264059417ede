//! The door of every vendor: which endpoint a path belongs to, whose key is good, and what each vendor says when it isn't.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use axum::middleware::Next;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::asked::Asked;
use super::exchange::Exchange;
use super::faults::Prankster;
use super::{misbehave, random};

/// Keys that begin like this are good, any other is refused.
const GOOD_KEYS: [&str; 2] = ["demo-", "test-"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Vendor {
    Polygon,
    AlpacaTrading,
    AlpacaData,
    Fred,
}

/// What the gate found out, for the handlers.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The key id; for the broker it chooses the account.
    pub key: String,
    pub request_id: String,
    /// "http://127.0.0.1:1234": where the caller reached us.
    pub origin: String,
}

/// What the gate needs.
#[derive(Clone)]
pub struct Keeper {
    pub exchange: Arc<Exchange>,
    pub prankster: Prankster,
}

/// The vendor of a path and the name under which its faults are counted.
pub fn endpoint(path: &str) -> (Vendor, &'static str) {
    let starts = |prefix: &str| path.starts_with(prefix);
    if starts("/v2/aggs/grouped/") {
        (Vendor::Polygon, "polygon.grouped")
    } else if starts("/v2/aggs/") {
        (Vendor::Polygon, "polygon.bars")
    } else if starts("/v3/reference/tickers/") {
        (Vendor::Polygon, "polygon.details")
    } else if starts("/v3/reference/tickers") {
        (Vendor::Polygon, "polygon.tickers")
    } else if starts("/v3/reference/splits") || starts("/stocks/v1/splits") {
        (Vendor::Polygon, "polygon.splits")
    } else if starts("/v3/reference/dividends") || starts("/stocks/v1/dividends") {
        (Vendor::Polygon, "polygon.dividends")
    } else if starts("/v2/stocks/") {
        (Vendor::AlpacaData, "alpaca.bars")
    } else if starts("/v2/account/activities") {
        (Vendor::AlpacaTrading, "alpaca.activities")
    } else if starts("/v2/account") {
        (Vendor::AlpacaTrading, "alpaca.account")
    } else if starts("/v2/positions") {
        (Vendor::AlpacaTrading, "alpaca.positions")
    } else if starts("/v2/") {
        (Vendor::AlpacaTrading, "alpaca.calendar")
    } else if starts("/series/") || starts("/fred/") {
        (Vendor::Fred, "fred.observations")
    } else {
        (Vendor::Polygon, "polygon.status")
    }
}

/// Checks the key, lets the handler answer, and spoils the answer where a fault is due.
pub async fn keep(State(keeper): State<Keeper>, mut request: Request, next: Next) -> Response<Body> {
    keeper.exchange.note_request();
    let (vendor, endpoint) = endpoint(request.uri().path());
    let request_id = request_id(&keeper.exchange, request.uri());
    let key = match vendor.key(request.headers(), request.uri().query()) {
        Key::Missing => return vendor.key_missing(&request_id),
        Key::Of(key) if GOOD_KEYS.iter().any(|good| key.starts_with(good)) => key,
        Key::Of(_) => return vendor.key_unknown(&request_id),
    };
    let mischief = keeper.prankster.next(endpoint);
    let origin = origin(request.headers());
    request.extensions_mut().insert(Caller { key, request_id: request_id.clone(), origin });
    request.extensions_mut().insert(mischief);
    let answer = next.run(request).await;
    let mut answer = misbehave::spoil(answer, mischief, vendor, &request_id).await;
    if matches!(vendor, Vendor::AlpacaTrading | Vendor::AlpacaData) {
        let reset = keeper.exchange.moment().now.timestamp() + 60;
        let headers = answer.headers_mut();
        headers.insert(HeaderName::from_static("x-ratelimit-limit"), HeaderValue::from_static("200"));
        headers.insert(HeaderName::from_static("x-ratelimit-remaining"), HeaderValue::from_static("199"));
        headers.insert(HeaderName::from_static("x-ratelimit-reset"), HeaderValue::from(reset));
    }
    answer
}

/// The same request in the same state of the market has the same id, so that its answer is the same byte for byte.
fn request_id(exchange: &Exchange, uri: &axum::http::Uri) -> String {
    let key = random::named(u64::from(exchange.moment().last), uri.path());
    let asked = Asked::read(uri.query()).unwrap_or_default();
    let key = random::named(key, &asked.cursor(asked.offset));
    format!("{:016x}{:016x}", random::at(key, 0), random::at(key, 1))
}

fn origin(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    format!("http://{host}")
}

enum Key {
    Missing,
    Of(String),
}

impl Vendor {
    fn key(self, headers: &HeaderMap, query: Option<&str>) -> Key {
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty());
        let bearer = || text("authorization").and_then(|value| value.strip_prefix("Bearer "));
        let param = |name: &str| {
            url::form_urlencoded::parse(query.unwrap_or_default().as_bytes())
                .find(|(known, value)| known == name && !value.is_empty())
                .map(|(_, value)| value.into_owned())
        };
        let key = match self {
            Self::Polygon => bearer().map(str::to_owned).or_else(|| param("apiKey")),
            // A key id without its secret is no key.
            Self::AlpacaTrading | Self::AlpacaData => {
                text("apca-api-key-id").filter(|_| text("apca-api-secret-key").is_some()).or_else(bearer).map(str::to_owned)
            }
            Self::Fred => param("api_key"),
        };
        key.map_or(Key::Missing, Key::Of)
    }

    fn key_missing(self, request_id: &str) -> Response<Body> {
        match self {
            Self::Polygon => polygon_error(StatusCode::UNAUTHORIZED, request_id, "API Key was not provided"),
            Self::AlpacaTrading => answer(StatusCode::UNAUTHORIZED, &json!({"code": 40_110_000, "message": "request is not authorized"})),
            Self::AlpacaData => answer(StatusCode::UNAUTHORIZED, &json!({"message": "unauthorized"})),
            Self::Fred => fred_error(
                StatusCode::BAD_REQUEST,
                "Bad Request.  Variable api_key is not set.  Read https://fred.stlouisfed.org/docs/api/api_key.html for more information.",
            ),
        }
    }

    fn key_unknown(self, request_id: &str) -> Response<Body> {
        match self {
            Self::Polygon => polygon_error(StatusCode::UNAUTHORIZED, request_id, "Unknown API Key"),
            Self::AlpacaTrading | Self::AlpacaData => answer(StatusCode::FORBIDDEN, &json!({"message": "forbidden."})),
            Self::Fred => fred_error(StatusCode::BAD_REQUEST, "Bad Request.  The value for variable api_key is not registered."),
        }
    }

    pub fn rate_limited(self, request_id: &str) -> Response<Body> {
        let status = StatusCode::TOO_MANY_REQUESTS;
        match self {
            Self::Polygon => polygon_error(
                status,
                request_id,
                "You've exceeded the maximum requests per minute, please wait or upgrade your subscription to continue. https://polygon.io/pricing",
            ),
            Self::AlpacaTrading => answer(status, &json!({"code": 42_910_000, "message": "rate limit exceeded"})),
            Self::AlpacaData => answer(status, &json!({"message": "too many requests."})),
            Self::Fred => fred_error(status, "Too Many Requests.  Exceeded Rate Limit"),
        }
    }

    pub fn server_error(self, request_id: &str) -> Response<Body> {
        let status = StatusCode::INTERNAL_SERVER_ERROR;
        match self {
            Self::Polygon => polygon_error(status, request_id, "internal server error"),
            Self::AlpacaTrading => answer(status, &json!({"code": 50_010_000, "message": "internal server error occurred"})),
            Self::AlpacaData => answer(status, &json!({"message": "internal server error"})),
            Self::Fred => fred_error(status, "Internal Server Error"),
        }
    }
}

pub fn polygon_error(status: StatusCode, request_id: &str, error: &str) -> Response<Body> {
    answer(status, &json!({"status": "ERROR", "request_id": request_id, "error": error}))
}

pub fn fred_error(status: StatusCode, message: &str) -> Response<Body> {
    answer(status, &json!({"error_code": status.as_u16(), "error_message": message}))
}

pub fn answer(status: StatusCode, body: &Value) -> Response<Body> {
    json_text(status, body.to_string())
}

pub fn json_text(status: StatusCode, body: String) -> Response<Body> {
    (status, [(header::CONTENT_TYPE, "application/json")], body).into_response()
}

/// What each vendor says to a path that it doesn't have.
pub async fn no_such_path(uri: axum::http::Uri) -> Response<Body> {
    match endpoint(uri.path()).0 {
        Vendor::Polygon => (StatusCode::NOT_FOUND, "404 page not found").into_response(),
        Vendor::AlpacaTrading | Vendor::AlpacaData => answer(StatusCode::NOT_FOUND, &json!({"message": "Not Found"})),
        Vendor::Fred => fred_error(StatusCode::NOT_FOUND, "Not Found"),
    }
}
