//! What people type → dates, numbers, currencies, or a sentence that says how to write it. Pure.

use app::domain::Symbol;
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// No exchange of ours has older prices.
const EARLIEST: NaiveDate = NaiveDate::from_ymd_opt(1980, 1, 1).expect("a date");

/// What a number may be: its name in sentences, decimals, and what it stays below.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bounds {
    pub what: &'static str,
    pub places: u32,
    pub below: Decimal,
}

/// Nothing typed is nothing said.
pub(super) fn optional<T>(text: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    let text = text.trim();
    if text.is_empty() { Ok(None) } else { read(text).map(Some) }
}

/// A day from 1980 to `today`.
pub(super) fn date(text: &str, today: NaiveDate) -> Result<NaiveDate, String> {
    let text = text.trim();
    // chrono also reads signs and single digits, which may be slips.
    let is_plain = text.len() == 10 && text.chars().all(|c| c.is_ascii_digit() || c == '-');
    let date = Some(text)
        .filter(|_| is_plain)
        .and_then(|text| NaiveDate::parse_from_str(text, "%Y-%m-%d").ok())
        .ok_or("Enter the date as year-month-day, e.g. 2026-03-09.")?;
    if date > today {
        return Err(format!("{date} is in the future. Enter what has happened."));
    }
    if date < EARLIEST { Err(format!("{date} is before 1980, where our prices begin.")) } else { Ok(date) }
}

pub(super) fn symbol(text: &str) -> Result<Symbol, String> {
    Symbol::parse(text).map_err(|error| format!("{error}."))
}

/// A decimal that isn't negative; `1,234.56` is read where the commas stand between thousands.
pub(super) fn number(text: &str, bounds: Bounds) -> Result<Decimal, String> {
    if text.starts_with('-') {
        return Err(format!("Enter the {} without a minus sign; the type gives the direction.", bounds.what));
    }
    let Bounds { what, places, below } = bounds;
    let unreadable = || format!("Enter the {what} as a number with a point, e.g. 1234.56.");
    let digits = without_thousands(text).ok_or_else(unreadable)?;
    if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return Err(unreadable());
    }
    let number: Decimal = digits.parse().map_err(|_| unreadable())?;
    let number = number.normalize();
    if number.scale() > places {
        return Err(format!("Use at most {places} decimals for the {what}."));
    }
    if number >= below { Err(format!("The {what} is too large. Check it.")) } else { Ok(number) }
}

/// As [`number`], perhaps with a minus before it.
pub(super) fn signed(text: &str, bounds: Bounds) -> Result<Decimal, String> {
    match text.strip_prefix('-') {
        Some(rest) => number(rest, bounds).map(|number| -number),
        None => number(text, bounds),
    }
}

/// `None` where commas stand elsewhere than between thousands: `1,5` means one and a half to some.
fn without_thousands(text: &str) -> Option<String> {
    let (whole, fraction) = text.split_once('.').map_or((text, None), |(whole, fraction)| (whole, Some(fraction)));
    if fraction.is_some_and(|fraction| fraction.contains(',')) {
        return None;
    }
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let has_groups = whole.contains(',');
    if (has_groups && !(1..=3).contains(&first.len())) || groups.any(|group| group.len() != 3) {
        return None;
    }
    Some(text.replace(',', ""))
}
