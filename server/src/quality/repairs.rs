//! What would mend a failure, as buttons: fetch again, enter a price, decide over what is refused, accept until a day.

use super::check::{Action, Check};
use chrono::NaiveDate;
use serde_json::{Value, json};

/// Prices are entered by hand for so many days at most; more are fetched.
const MOST_PRICES: usize = 3;

/// "It is known and bearable."
pub fn accept(check: &str) -> Value {
    json!({ "kind": "accept", "check": check })
}

/// Fetch these days of a symbol again.
pub fn fetch(symbol: &str, from: NaiveDate, to: NaiveDate) -> Value {
    json!({ "kind": "fetch", "symbol": symbol, "from": from, "to": to })
}

/// Of bars that a check refused or told.
pub fn of_bars(check: &Check, symbol: &str, days: &[NaiveDate], response_id: Option<i64>) -> Vec<Value> {
    let mut repairs = Vec::new();
    if let (Some(first), Some(last)) = (days.iter().min(), days.iter().max()) {
        repairs.push(fetch(symbol, *first, *last));
    }
    if check.action != Action::Record {
        repairs.extend(days.iter().take(MOST_PRICES).map(|day| json!({ "kind": "price", "symbol": symbol, "session": day })));
        if let (Some(day), Some(response_id)) = (days.first(), response_id) {
            repairs.extend(decide("bars", symbol, *day, "", &check.name, response_id));
        }
    }
    repairs.push(accept(&check.name));
    repairs
}

/// Let a refused row in, or leave it out for good.
pub fn decide(dataset: &str, symbol: &str, day: NaiveDate, row_key: &str, check: &str, response_id: i64) -> [Value; 2] {
    ["release", "discard"].map(|kind| {
        json!({ "kind": kind, "dataset": dataset, "symbol": symbol, "session": day, "row_key": row_key, "check": check, "response_id": response_id })
    })
}
