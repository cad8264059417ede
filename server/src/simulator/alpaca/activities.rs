//! The account's history: newest first unless asked otherwise, paged by the id of the last entry; a page shorter than
//! asked for is the last one.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{Response, StatusCode};
use chrono::SecondsFormat;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::calendar;
use crate::simulator::asked::{self, Asked};
use crate::simulator::broker::activity::{Activity, Detail};
use crate::simulator::broker::statement::visible;
use crate::simulator::exchange::Exchange;
use crate::simulator::faults::{Kind, Mischief};
use crate::simulator::gate::{self, Caller};

const LARGEST_PAGE: usize = 100;

/// GET /v2/account/activities
pub async fn all(
    State(exchange): State<Arc<Exchange>>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Caller>,
    Extension(mischief): Extension<Mischief>,
) -> Response<Body> {
    let asked = Asked::read(query.as_deref()).unwrap_or_default();
    let types: Vec<String> = asked.list("activity_types").into_iter().map(str::to_owned).collect();
    if !types.is_empty() && asked.get("category").is_some() {
        return unprocessable("category and activity_types can't be used together");
    }
    answer(&exchange, &asked, &types, &caller, mischief)
}

/// GET /v2/account/activities/{activity_type}
pub async fn of_type(
    State(exchange): State<Arc<Exchange>>,
    Path(activity_type): Path<String>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Caller>,
    Extension(mischief): Extension<Mischief>,
) -> Response<Body> {
    let asked = Asked::read(query.as_deref()).unwrap_or_default();
    answer(&exchange, &asked, &[activity_type], &caller, mischief)
}

fn answer(exchange: &Exchange, asked: &Asked, types: &[String], caller: &Caller, mischief: Mischief) -> Response<Body> {
    let Some(page_size) = asked.limit("page_size", LARGEST_PAGE, LARGEST_PAGE) else {
        return unprocessable("page_size must be a number between 1 and 100");
    };
    let mut bounds = [None; 2];
    for (bound, name) in bounds.iter_mut().zip(["after", "until"]) {
        if let Some(text) = asked.get(name) {
            let Some(at) = asked::instant(text) else { return unprocessable("invalid time: use RFC 3339 or YYYY-MM-DD") };
            *bound = Some(at);
        }
    }
    let [after, until] = bounds;
    let moment = exchange.moment();
    let activities = exchange.activities(exchange.account_of(&caller.key), moment);
    let oldest_first = asked.get("direction") == Some("asc");
    let mut rows: Vec<&Activity> = visible(&activities, moment.last_date, moment.now);
    rows.retain(|row| types.is_empty() || types.contains(&row.kind));
    rows.retain(|row| match asked.get("category") {
        Some("trade_activity") => row.kind == "FILL",
        Some("non_trade_activity") => row.kind != "FILL",
        _ => true,
    });
    rows.retain(|row| after.is_none_or(|after| row.created_at > after) && until.is_none_or(|until| row.created_at <= until));
    if let Some(date) = asked.get("date") {
        rows.retain(|row| calendar::new_york_date(row.created_at).to_string() == date.get(..10).unwrap_or(date));
    }
    if !oldest_first {
        rows.reverse();
    }
    let overlaps = mischief.is(Kind::DuplicatePages) && page_size > 1;
    if let Some(token) = asked.get("page_token").filter(|_| !mischief.is(Kind::LoopPages)) {
        rows.retain(|row| {
            let is_next = if oldest_first { row.id.as_str() > token } else { row.id.as_str() < token };
            is_next || (overlaps && row.id == token)
        });
    }
    rows.truncate(page_size);
    if overlaps && let Some(first) = rows.first().copied() {
        // Said twice at the front: the last id stays the one from which paging goes on.
        rows.insert(0, first);
    }
    gate::answer(StatusCode::OK, &Value::Array(rows.into_iter().map(say).collect()))
}

fn unprocessable(message: &str) -> Response<Body> {
    gate::answer(StatusCode::UNPROCESSABLE_ENTITY, &json!({"code": 42_210_000, "message": message}))
}

fn say(activity: &Activity) -> Value {
    let text = |amount: &Decimal| amount.normalize().to_string();
    match &activity.detail {
        Detail::Fill { symbol, side, quantity, price, cumulative, left, order_id } => {
            let (kind, status) = if left.is_zero() { ("fill", "filled") } else { ("partial_fill", "partially_filled") };
            json!({
                "id": activity.id,
                "activity_type": activity.kind,
                "transaction_time": activity.created_at.to_rfc3339_opts(SecondsFormat::Millis, true),
                "type": kind,
                "order_status": status,
                "price": text(price),
                "qty": text(quantity),
                "cum_qty": text(cumulative),
                "leaves_qty": text(left),
                "side": side.as_str(),
                "symbol": symbol,
                "order_id": order_id,
            })
        }
        Detail::Money { amount, symbol, quantity, per_share, description } => {
            let mut row = json!({
                "id": activity.id,
                "activity_type": activity.kind,
                "date": activity.date,
                "created_at": activity.created_at.to_rfc3339_opts(SecondsFormat::Micros, true),
                "net_amount": text(amount),
                "description": description,
                "status": "executed",
            });
            if let Value::Object(fields) = &mut row {
                if let Some(symbol) = symbol {
                    fields.insert("symbol".to_owned(), json!(symbol));
                }
                for (name, value) in [("qty", quantity), ("per_share_amount", per_share)] {
                    if let Some(value) = value {
                        fields.insert(name.to_owned(), json!(text(value)));
                    }
                }
            }
            row
        }
    }
}
