//! Is the market open, and when is it closed next?

use std::sync::Arc;

use axum::body::Body;
use axum::extract::State;
use axum::http::{Response, StatusCode};
use chrono::{Datelike, SecondsFormat, Weekday};
use chrono_tz::America::New_York;
use serde_json::{Value, json};

use crate::calendar;
use crate::simulator::exchange::Exchange;
use crate::simulator::gate;

/// How far ahead closed days are told.
const DAYS_AHEAD: usize = 365;

/// GET /v1/marketstatus/now
pub async fn now(State(exchange): State<Arc<Exchange>>) -> Response<Body> {
    let moment = exchange.moment();
    let is_open = calendar::is_session(moment.today) && {
        let session = calendar::session(moment.today);
        session.open_at <= moment.now && moment.now < session.close_at
    };
    let state = if is_open { "open" } else { "closed" };
    let body = json!({
        "market": state,
        "earlyHours": false,
        "afterHours": false,
        "serverTime": moment.now.with_timezone(&New_York).to_rfc3339_opts(SecondsFormat::Secs, false),
        "exchanges": {"nyse": state, "nasdaq": state, "otc": state},
        "currencies": {"fx": "open", "crypto": "open"},
    });
    gate::answer(StatusCode::OK, &body)
}

/// GET /v1/marketstatus/upcoming: an array, one row for each exchange.
pub async fn upcoming(State(exchange): State<Arc<Exchange>>) -> Response<Body> {
    let today = exchange.moment().today;
    let mut rows = Vec::new();
    for date in today.iter_days().take(DAYS_AHEAD).filter(|date| !matches!(date.weekday(), Weekday::Sat | Weekday::Sun)) {
        let session = calendar::session(date);
        let times = (session.close_at - session.open_at).num_minutes();
        for exchange in ["NYSE", "NASDAQ"] {
            let row: Value = if !calendar::is_session(date) {
                json!({"exchange": exchange, "name": "Market holiday", "date": date, "status": "closed"})
            } else if times < 390 {
                let stamp = |at: chrono::DateTime<chrono::Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
                json!({
                    "exchange": exchange, "name": "Early close", "date": date, "status": "early-close",
                    "open": stamp(session.open_at), "close": stamp(session.close_at),
                })
            } else {
                continue;
            };
            rows.push(row);
        }
    }
    gate::answer(StatusCode::OK, &Value::Array(rows))
}
