//! `activities.csv` beside replayed bars, with Alpaca's words as columns:
//!
//! `activity_type,date,created_at,symbol,side,qty,price,net_amount,per_share_amount`
//!
//! A FILL needs symbol, side (buy or sell), qty and price; any other type (CSD, CSW, DIV, FEE, INT, …) needs net_amount,
//! signed. `created_at` (RFC 3339) may be empty: fills were then made half an hour after the open, all else at 01:00 in New
//! York. Columns that a row doesn't need may be empty or absent.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};
use rust_decimal::Decimal;

use super::activity::{Activity, Detail, Side};
use crate::calendar;
use crate::simulator::SimulatorError;
use crate::simulator::market::Market;
use crate::simulator::random;
use crate::simulator::replay::{Line, read_lines};

/// All activities, oldest first; `None` where the folder has no such file.
///
/// # Errors
/// The first line that can't be understood.
pub fn read(folder: &Path, market: &Market) -> Result<Option<Vec<Activity>>, SimulatorError> {
    let path = folder.join("activities.csv");
    if !path.exists() {
        return Ok(None);
    }
    let mut activities = Vec::new();
    read_lines(&path, |line| {
        let number = activities.len() as u64;
        activities.push(activity(line, market, number)?);
        Ok(())
    })?;
    activities.sort_by(|a: &Activity, b| a.id.cmp(&b.id));
    Ok(Some(activities))
}

fn activity(line: &Line, market: &Market, number: u64) -> Result<Activity, SimulatorError> {
    let key = random::named(0, "activities.csv");
    let (kind, date) = (line.text("activity_type")?.to_owned(), line.date("date")?);
    let optional = |column| line.optional(column).map(|_| line.number(column)).transpose();
    let symbol = line.optional("symbol").map(str::to_owned);
    if let Some(symbol) = symbol.as_ref().filter(|symbol| market.listing(symbol).is_none()) {
        return Err(line.wrong(format!("{symbol} has no bars in bars.csv")));
    }
    let (usual_time, detail) = if kind == "FILL" {
        let side = match line.text("side")? {
            "buy" => Side::Buy,
            "sell" => Side::Sell,
            other => return Err(line.wrong(format!("side is {other:?}: use buy or sell"))),
        };
        let (quantity, price) = (line.number("qty")?, line.number("price")?);
        if quantity <= Decimal::ZERO || price < Decimal::ZERO {
            return Err(line.wrong("qty must be positive and price not negative"));
        }
        let detail = Detail::Fill {
            symbol: line.text("symbol")?.to_owned(),
            side,
            quantity,
            price,
            cumulative: quantity,
            left: Decimal::ZERO,
            order_id: random::uuid(!key, number),
        };
        (calendar::session(date).open_at + TimeDelta::minutes(30), detail)
    } else {
        let (amount, quantity, per_share) = (line.number("net_amount")?, optional("qty")?, optional("per_share_amount")?);
        (calendar::midnight(date) + TimeDelta::hours(1), Detail::Money { amount, symbol, quantity, per_share, description: "" })
    };
    let created_at = match line.optional("created_at") {
        None => usual_time + TimeDelta::milliseconds((number % 1_000) as i64),
        Some(text) => DateTime::parse_from_rfc3339(text)
            .map_err(|_| line.wrong(format!("created_at is {text:?}, not an instant like 2014-06-09T14:30:00Z")))?
            .with_timezone(&Utc),
    };
    Ok(Activity::new(key, number, &kind, date, created_at, detail))
}
