//! Alpaca's JSON → our rows. Pure; numbers come as strings or numbers, and an activity of a type that we never saw is kept.

use app::domain::Symbol;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};

use super::AccountSummary;
use crate::{
    calendar,
    ingest::{
        At, Vendor, VendorError, answer,
        land::Oddities,
        number::{self, MONEY, Number, PRICE, Text},
    },
};

pub(super) const ACCOUNT: At = At { vendor: Vendor::Alpaca, endpoint: "account" };
pub(super) const POSITIONS: At = At { vendor: Vendor::Alpaca, endpoint: "positions" };
pub(super) const ACTIVITIES: At = At { vendor: Vendor::Alpaca, endpoint: "activities" };

/// The type of an activity that names none.
const UNNAMED_TYPE: &str = "UNKNOWN";

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Position {
    pub(super) symbol: String,
    /// Negative: short.
    pub(super) quantity: Decimal,
    pub(super) average_entry_price: Option<Decimal>,
    pub(super) market_value: Option<Decimal>,
    pub(super) current_price: Option<Decimal>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Activity {
    pub(super) activity_id: String,
    pub(super) activity_type: String,
    pub(super) activity_date: NaiveDate,
    pub(super) transacted_at: Option<DateTime<Utc>>,
    pub(super) symbol: Option<String>,
    pub(super) side: Option<String>,
    pub(super) quantity: Option<Decimal>,
    pub(super) price: Option<Decimal>,
    pub(super) per_share_amount: Option<Decimal>,
    pub(super) net_amount: Option<Decimal>,
    pub(super) status: Option<String>,
    pub(super) description: Option<String>,
    /// The element as it came, but for what Postgres can't hold.
    pub(super) body: Value,
}

/// One page of activities.
#[derive(Debug)]
pub(super) struct Page {
    pub(super) rows: Vec<Activity>,
    /// Elements in the answer, readable or not: a short page is the last one.
    pub(super) listed: usize,
    /// The last element's id, by which the next page is asked for.
    pub(super) last_id: Option<String>,
    pub(super) oddities: Oddities,
}

#[derive(Deserialize)]
struct WireAccount {
    #[serde(default)]
    id: Text,
    #[serde(default)]
    status: Text,
    #[serde(default)]
    currency: Text,
    #[serde(default)]
    cash: Number,
    #[serde(default)]
    equity: Number,
}

/// The broker's account; its id and its cash are indispensable.
pub(super) fn account(body: &[u8]) -> Result<AccountSummary, VendorError> {
    let wire: WireAccount = answer::json(ACCOUNT, body)?;
    let missing = |field: &str| VendorError::Malformed { at: ACCOUNT, reason: format!("the account has no {field}") };
    Ok(AccountSummary {
        external_id: wire.id.trimmed().ok_or_else(|| missing("id"))?,
        status: wire.status.trimmed(),
        currency: wire.currency.trimmed().unwrap_or_else(|| "USD".into()).to_uppercase(),
        cash: wire.cash.fit(MONEY).ok_or_else(|| missing("cash"))?,
        equity: wire.equity.fit(MONEY),
    })
}

#[derive(Deserialize)]
struct WirePosition {
    #[serde(default)]
    symbol: Text,
    #[serde(default)]
    qty: Number,
    #[serde(default)]
    side: Text,
    #[serde(default)]
    avg_entry_price: Number,
    #[serde(default)]
    market_value: Number,
    #[serde(default)]
    current_price: Number,
}

/// All positions, one a symbol.
pub(super) fn positions(body: &[u8]) -> Result<(Vec<Position>, Oddities), VendorError> {
    let elements = elements(POSITIONS, body)?;
    let (mut positions, mut oddities) = (Vec::new(), Oddities::default());
    for (number, element) in elements.into_iter().enumerate() {
        match position(element) {
            Ok(position) => positions.push(position),
            Err(why) => oddities.add(|| format!("position {number}: {why}")),
        }
    }
    oddities.agreed(&mut positions, |position| (position.symbol.clone(), position.clone()));
    Ok((positions, oddities))
}

fn position(element: &RawValue) -> Result<Position, &'static str> {
    let wire: WirePosition = serde_json::from_str(element.get()).map_err(|_| "it is no position")?;
    let quantity = wire.qty.fit(PRICE).ok_or("it has no quantity")?;
    // Short positions have a negative quantity; should one come without the sign, the side tells.
    let is_short = wire.side.0.as_deref() == Some("short");
    Ok(Position {
        symbol: symbol(wire.symbol).ok_or("it has no symbol")?,
        quantity: if is_short { -quantity.abs() } else { quantity },
        average_entry_price: wire.avg_entry_price.fit(PRICE),
        market_value: wire.market_value.fit(PRICE),
        current_price: wire.current_price.fit(PRICE),
    })
}

/// A symbol in our spelling where it is one ("AAPL " is AAPL), else as it came.
fn symbol(text: Text) -> Option<String> {
    text.trimmed().map(|text| Symbol::parse(&text).map_or(text, String::from))
}

/// One page of activities. Each element is read by itself; one without an id or any day can't be kept as a row.
pub(super) fn activities(body: &[u8]) -> Result<Page, VendorError> {
    let elements = elements(ACTIVITIES, body)?;
    let mut page = Page { rows: Vec::new(), listed: elements.len(), last_id: None, oddities: Oddities::default() };
    for (number, element) in elements.into_iter().enumerate() {
        let read = serde_json::from_str::<Value>(element.get());
        page.last_id = read.as_ref().ok().and_then(|body| body.get("id")?.as_str().map(str::to_owned));
        match read.map_err(|_| "it can't be read").and_then(activity) {
            Ok(row) => page.rows.push(row),
            Err(why) => page.oddities.add(|| format!("activity {number}: {why}")),
        }
    }
    page.oddities.agreed(&mut page.rows, |row| (row.activity_id.clone(), row.body.clone()));
    Ok(page)
}

fn activity(mut body: Value) -> Result<Activity, &'static str> {
    make_storable(&mut body);
    let text = |name: &str| body.get(name).and_then(Value::as_str).map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
    let number = |name: &str| match body.get(name)? {
        Value::String(text) => number::parse(text),
        Value::Number(number) => number::parse(&number.to_string()),
        _ => None,
    };
    let activity_id = text("id").ok_or("it has no id")?;
    let transacted_at = text("transaction_time").and_then(|time| DateTime::parse_from_rfc3339(&time).ok()).map(|at| at.with_timezone(&Utc));
    let day = |text: String| text.get(..10).and_then(|day| day.parse().ok());
    let activity_date = transacted_at
        .map(calendar::new_york_date)
        .or_else(|| text("date").and_then(day))
        .or_else(|| text("created_at").and_then(day))
        .or_else(|| day_in_id(&activity_id))
        .ok_or("it has no day")?;
    Ok(Activity {
        activity_type: text("activity_type").unwrap_or_else(|| UNNAMED_TYPE.into()),
        activity_date,
        transacted_at,
        symbol: symbol(Text(text("symbol"))),
        side: text("side"),
        quantity: number("qty").and_then(|number| PRICE.fit(number)),
        price: number("price").and_then(|number| PRICE.fit(number)),
        per_share_amount: number("per_share_amount").and_then(|number| PRICE.fit(number)),
        net_amount: number("net_amount").and_then(|number| MONEY.fit(number)),
        status: text("status"),
        description: text("description"),
        activity_id,
        body,
    })
}

/// Alpaca's ids begin with the moment: `20190801011955195::…`.
fn day_in_id(id: &str) -> Option<NaiveDate> {
    let (moment, _) = id.split_once("::")?;
    NaiveDate::parse_from_str(moment.get(..8)?, "%Y%m%d").ok()
}

/// `null` is an empty list.
fn elements(at: At, body: &[u8]) -> Result<Vec<&RawValue>, VendorError> {
    Ok(answer::json::<Option<Vec<&RawValue>>>(at, body)?.unwrap_or_default())
}

/// Replaces what `jsonb` can't hold: NUL in a text, a number beyond any decimal.
fn make_storable(value: &mut Value) {
    match value {
        Value::String(text) if text.contains('\0') => *text = text.replace('\0', ""),
        Value::Number(number) if number::parse(&number.to_string()).is_none() => *value = Value::String(number.to_string()),
        Value::Array(items) => items.iter_mut().for_each(make_storable),
        Value::Object(fields) => {
            if fields.keys().any(|name| name.contains('\0')) {
                *fields = std::mem::take(fields).into_iter().map(|(name, value)| (name.replace('\0', ""), value)).collect::<Map<_, _>>();
            }
            fields.values_mut().for_each(make_storable);
        }
        _ => {}
    }
}
