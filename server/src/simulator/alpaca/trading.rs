//! The broker's account, positions, clock and calendar. Decimal numbers are JSON strings here.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{Response, StatusCode};
use chrono::{Days, NaiveDate, SecondsFormat};
use chrono_tz::America::New_York;
use rust_decimal::Decimal;
use serde_json::{Value, json};

use crate::calendar;
use crate::simulator::asked::Asked;
use crate::simulator::broker::statement::{Position, Statement, statement, visible};
use crate::simulator::exchange::{Exchange, Moment};
use crate::simulator::gate::{self, Caller};
use crate::simulator::market::Listing;
use crate::simulator::random;

/// GET /v2/account
pub async fn account(State(exchange): State<Arc<Exchange>>, Extension(caller): Extension<Caller>) -> Response<Body> {
    let moment = exchange.moment();
    let number = exchange.account_of(&caller.key);
    let activities = exchange.activities(number, moment);
    let shown = visible(&activities, moment.last_date, moment.now);
    let stands = statement(&shown, &exchange.market, moment.last_date);
    let (mut long, mut long_before) = (Decimal::ZERO, Decimal::ZERO);
    for (symbol, position) in &stands.positions {
        if let Some((price, before)) = exchange.market.listing(symbol).and_then(|listing| prices(listing, moment)) {
            long += position.quantity * price;
            long_before += position.quantity * before;
        }
    }
    let (equity, cash) = (stands.cash + long, stands.cash);
    let opened = activities.first().map_or(moment.now, |activity| activity.created_at);
    let text = |amount: Decimal| amount.normalize().to_string();
    let body = json!({
        "id": random::uuid(random::named(4, "account"), number as u64),
        "account_number": format!("PA{:010}", 3_000_000_000_u64 + number as u64),
        "status": "ACTIVE",
        "crypto_status": "ACTIVE",
        "currency": "USD",
        "cash": text(cash),
        "equity": text(equity),
        "portfolio_value": text(equity),
        "last_equity": text(cash + long_before),
        "long_market_value": text(long),
        "short_market_value": "0",
        "position_market_value": text(long),
        "buying_power": text(cash),
        "regt_buying_power": text(cash),
        "non_marginable_buying_power": text(cash),
        "options_buying_power": text(cash),
        "initial_margin": "0",
        "maintenance_margin": "0",
        "last_maintenance_margin": "0",
        "sma": "0",
        "accrued_fees": "0",
        "multiplier": "1",
        "bod_dtbp": 0,
        "crypto_tier": 1,
        "shorting_enabled": false,
        "trading_blocked": false,
        "transfers_blocked": false,
        "account_blocked": false,
        "trade_suspended_by_user": false,
        "balance_asof": moment.last_date,
        "created_at": opened.to_rfc3339_opts(SecondsFormat::Micros, true),
    });
    gate::answer(StatusCode::OK, &body)
}

/// GET /v2/positions
pub async fn positions(State(exchange): State<Arc<Exchange>>, Extension(caller): Extension<Caller>) -> Response<Body> {
    let moment = exchange.moment();
    let stands = stands(&exchange, &caller, moment);
    let rows: Vec<Value> = stands.positions.iter().filter_map(|(symbol, held)| position(&exchange, symbol, held, moment)).collect();
    gate::answer(StatusCode::OK, &Value::Array(rows))
}

/// GET /v2/positions/{symbol or asset id}
pub async fn one_position(
    State(exchange): State<Arc<Exchange>>,
    Path(asked): Path<String>,
    Extension(caller): Extension<Caller>,
) -> Response<Body> {
    let moment = exchange.moment();
    let stands = stands(&exchange, &caller, moment);
    let found = stands.positions.iter().find(|(symbol, _)| **symbol == asked || asset_id(symbol) == asked);
    match found.and_then(|(symbol, held)| position(&exchange, symbol, held, moment)) {
        Some(position) => gate::answer(StatusCode::OK, &position),
        None => gate::answer(StatusCode::NOT_FOUND, &json!({"code": 40_410_000, "message": "position does not exist"})),
    }
}

/// GET /v2/clock
pub async fn clock(State(exchange): State<Arc<Exchange>>) -> Response<Body> {
    let moment = exchange.moment();
    let mut session = calendar::session(calendar::session_on_or_after(moment.today));
    if session.close_at <= moment.now {
        session = calendar::session(calendar::session_on_or_after(session.session_date + Days::new(1)));
    }
    let is_open = session.open_at <= moment.now;
    let next_open = if is_open {
        calendar::session(calendar::session_on_or_after(session.session_date + Days::new(1))).open_at
    } else {
        session.open_at
    };
    let local = |at: chrono::DateTime<chrono::Utc>, digits| at.with_timezone(&New_York).to_rfc3339_opts(digits, false);
    let body = json!({
        "timestamp": local(moment.now, SecondsFormat::Nanos),
        "is_open": is_open,
        "next_open": local(next_open, SecondsFormat::Secs),
        "next_close": local(session.close_at, SecondsFormat::Secs),
    });
    gate::answer(StatusCode::OK, &body)
}

/// GET /v2/calendar?start=&end=
pub async fn calendar_days(RawQuery(query): RawQuery) -> Response<Body> {
    let asked = Asked::read(query.as_deref()).unwrap_or_default();
    let day = |name: &str, otherwise: Option<NaiveDate>| match asked.get(name) {
        None => otherwise,
        Some(text) => text.get(..10).and_then(|day| day.parse().ok()),
    };
    let (start, end) = (day("start", NaiveDate::from_ymd_opt(2000, 1, 1)), day("end", NaiveDate::from_ymd_opt(2029, 12, 31)));
    let (Some(start), Some(end)) = (start, end) else {
        return gate::answer(StatusCode::UNPROCESSABLE_ENTITY, &json!({"code": 42_210_000, "message": "invalid date: use YYYY-MM-DD"}));
    };
    let first_known = NaiveDate::from_ymd_opt(2000, 1, 1).unwrap_or(start);
    let last_known = NaiveDate::from_ymd_opt(2040, 12, 31).unwrap_or(end);
    let days = calendar::sessions(start.max(first_known), end.min(last_known));
    let rows: Vec<Value> = days
        .into_iter()
        .map(|date| {
            let session = calendar::session(date);
            let hour = |at: chrono::DateTime<chrono::Utc>| at.with_timezone(&New_York).format("%H:%M").to_string();
            json!({
                "date": date, "open": hour(session.open_at), "close": hour(session.close_at),
                "session_open": "0400", "session_close": "2000", "settlement_date": date,
            })
        })
        .collect();
    gate::answer(StatusCode::OK, &Value::Array(rows))
}

fn stands(exchange: &Exchange, caller: &Caller, moment: Moment) -> Statement {
    let activities = exchange.activities(exchange.account_of(&caller.key), moment);
    statement(&visible(&activities, moment.last_date, moment.now), &exchange.market, moment.last_date)
}

/// The last close and the one before it, the latter in today's shares.
fn prices(listing: &Listing, moment: Moment) -> Option<(Decimal, Decimal)> {
    let series = listing.series(moment.last);
    let last = series.latest(moment.last)?;
    let before = last.session.checked_sub(1).and_then(|before| series.latest(before)).unwrap_or(last);
    let (old, new) = crate::simulator::polygon::bars::later_splits(listing, before.session, moment);
    Some((listing.money(last.close), listing.money(before.close) * Decimal::from(old) / Decimal::from(new)))
}

fn position(exchange: &Exchange, symbol: &str, held: &Position, moment: Moment) -> Option<Value> {
    let listing = exchange.market.listing(symbol)?;
    let (price, before) = prices(listing, moment)?;
    let value = held.quantity * price;
    let gain = value - held.cost;
    let day_gain = held.quantity * (price - before);
    let share = |part: Decimal, whole: Decimal| if whole.is_zero() { Decimal::ZERO } else { part / whole };
    let text = |amount: Decimal| amount.round_dp(10).normalize().to_string();
    let exchange_name = match listing.profile.exchange {
        "XNAS" => "NASDAQ",
        "ARCX" => "ARCA",
        _ => "NYSE",
    };
    Some(json!({
        "asset_id": asset_id(symbol),
        "symbol": symbol,
        "exchange": exchange_name,
        "asset_class": "us_equity",
        "asset_marginable": true,
        "qty": text(held.quantity),
        "qty_available": text(held.quantity),
        "avg_entry_price": text(share(held.cost, held.quantity)),
        "side": "long",
        "market_value": text(value),
        "cost_basis": text(held.cost),
        "unrealized_pl": text(gain),
        "unrealized_plpc": text(share(gain, held.cost)),
        "unrealized_intraday_pl": text(day_gain),
        "unrealized_intraday_plpc": text(share(price - before, before)),
        "current_price": text(price),
        "lastday_price": text(before),
        "change_today": text(share(price - before, before)),
    }))
}

fn asset_id(symbol: &str) -> String {
    random::uuid(random::named(5, symbol), 0)
}
