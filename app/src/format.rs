//! Money, percent, date → text, and nowhere else. No locale of the machine: the server and the browser write the same.
//!
//! A true minus (U+2212), a comma between thousands, a narrow no-break space before the percent sign.

use crate::domain::Money;
use chrono::{DateTime, Datelike, Duration, NaiveDate, Timelike, Utc, Weekday};
use rust_decimal::{Decimal, RoundingStrategy};

const MINUS: char = '−';
/// Narrow no-break space, so that a number and its sign stay on one line.
const THIN: char = '\u{202f}';
const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

/// How a number leans: for the sign, the triangle and the color.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lean {
    Up,
    Flat,
    Down,
}

impl Lean {
    /// Of a fraction, as it is shown with two decimals of a percent: what reads 0.00 leans nowhere.
    pub fn of_fraction(fraction: f64) -> Self {
        let shown = (fraction * 10_000.0).round();
        if shown > 0.0 {
            Self::Up
        } else if shown < 0.0 {
            Self::Down
        } else {
            Self::Flat
        }
    }

    /// Of an amount, as it is shown with two decimals.
    pub fn of_money(money: Money) -> Self {
        let shown = to_cent(money.0);
        if shown.is_zero() {
            Self::Flat
        } else if shown.is_sign_positive() {
            Self::Up
        } else {
            Self::Down
        }
    }

    /// The triangle beside the number; nothing when it leans nowhere.
    pub fn triangle(self) -> &'static str {
        match self {
            Self::Up => "▲",
            Self::Flat => "",
            Self::Down => "▼",
        }
    }

    /// The role in `style/tokens.css`.
    pub fn class(self) -> &'static str {
        match self {
            Self::Up => "gain",
            Self::Flat => "flat",
            Self::Down => "loss",
        }
    }
}

/// `1,284.15`, `−1,284.15`: to the cent, half away from zero.
pub fn money(money: Money) -> String {
    grouped(to_cent(money.0), 2)
}

/// As it stands on screen: to the cent.
pub fn shown_money(money: Money) -> Money {
    Money(to_cent(money.0))
}

/// What amounts that add up to a total leave of it on screen, where each stands to the cent.
pub fn rounding(total: Money, parts: impl IntoIterator<Item = Money>) -> Money {
    shown_money(total) - parts.into_iter().map(shown_money).sum()
}

/// `+1,284.15`, `−1,284.15`, `0.00`.
pub fn signed_money(money_: Money) -> String {
    plus(Lean::of_money(money_), money(money_))
}

/// `1,284`: where cents would be noise.
pub fn whole_money(money: Money) -> String {
    grouped(money.0.round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero), 0)
}

/// `291.2k`, `1.25M`: for labels in pictures.
pub fn short_money(money: Money) -> String {
    let amount = money.ratio_base();
    let size = amount.abs();
    let text = if size >= 999_950_000.0 {
        format!("{:.2}B", size / 1e9)
    } else if size >= 999_950.0 {
        format!("{:.2}M", size / 1e6)
    } else if size >= 1_000.0 {
        format!("{:.1}k", size / 1e3)
    } else {
        format!("{size:.0}")
    };
    if amount < 0.0 && text != "0" { format!("{MINUS}{text}") } else { text }
}

/// `+36.0k`, `−0.3k`.
pub fn signed_short_money(money: Money) -> String {
    plus(Lean::of_money(money), short_money(money))
}

/// A quantity of shares: every decimal that it has, no idle zeros. It is a count: what is left out would be somebody's.
pub fn quantity(quantity: Decimal) -> String {
    let shown = quantity.normalize();
    grouped(shown, shown.scale() as usize)
}

/// A ratio of shares, such as a split's: up to six decimals.
pub fn shares_ratio(ratio: Decimal) -> String {
    quantity(ratio.round_dp_with_strategy(6, RoundingStrategy::MidpointAwayFromZero))
}

/// A price a share: at least two decimals, at most four.
pub fn price(price: Decimal) -> String {
    let shown = price.round_dp_with_strategy(4, RoundingStrategy::MidpointAwayFromZero).normalize();
    grouped(shown, (shown.scale() as usize).max(2))
}

/// `15.6 %` of a fraction.
pub fn share(fraction: f64) -> String {
    fixed(fraction * 100.0, 1) + &format!("{THIN}%")
}

/// `18.85 %` of a fraction.
pub fn percent(fraction: f64) -> String {
    fixed(fraction * 100.0, 2) + &format!("{THIN}%")
}

/// `+18.85 %`, `−4.20 %`, `0.00 %`.
pub fn signed_percent(fraction: f64) -> String {
    plus(Lean::of_fraction(fraction), percent(fraction))
}

/// Two numbers with as many decimals as it takes to tell them apart, at least two; those that no text tells apart read alike.
pub fn apart<T: Copy>(old: T, new: T, text: fn(T, usize) -> String) -> [String; 2] {
    let told = |decimals: usize| [old, new].map(|number| text(number, decimals));
    (2..=17).map(told).find(|[old, new]| old != new).unwrap_or_else(|| told(2))
}

/// `+18.8512 %`: with as many decimals as are asked for.
pub fn signed_percent_to(fraction: f64, decimals: usize) -> String {
    let text = fixed(fraction * 100.0, decimals) + &format!("{THIN}%");
    if text.starts_with(MINUS) || !text.contains(|c| matches!(c, '1'..='9')) { text } else { format!("+{text}") }
}

/// `1,284.1512`: as [`signed_percent_to`].
pub fn money_to(amount: Decimal, decimals: usize) -> String {
    grouped(amount.round_dp_with_strategy(decimals as u32, RoundingStrategy::MidpointAwayFromZero), decimals)
}

/// `+4.5`, `−6.3`: percent without its sign, for a table that says percent in its head.
pub fn signed_percent_number(fraction: f64) -> String {
    let text = fixed(fraction * 100.0, 1);
    if text == "0.0" || text.starts_with(MINUS) { text } else { format!("+{text}") }
}

/// A ratio such as Sharpe's or beta.
pub fn ratio(ratio: f64) -> String {
    fixed(ratio, 2)
}

/// An index between 0 and 1, such as Herfindahl's.
pub fn index(index: f64) -> String {
    fixed(index, 3)
}

/// `1,260`.
pub fn count(count: u64) -> String {
    grouped(Decimal::from(count), 0)
}

/// `1 position`, `26 positions`.
pub fn plural(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// `20 Nov 2026`.
pub fn date(date: NaiveDate) -> String {
    format!("{} {} {}", date.day(), month(date.month()), date.year())
}

/// `20 Nov`.
pub fn day(date: NaiveDate) -> String {
    format!("{} {}", date.day(), month(date.month()))
}

/// `Fri 20 Nov`.
pub fn weekday(date: NaiveDate) -> String {
    let name = match date.weekday() {
        Weekday::Mon => "Mon",
        Weekday::Tue => "Tue",
        Weekday::Wed => "Wed",
        Weekday::Thu => "Thu",
        Weekday::Fri => "Fri",
        Weekday::Sat => "Sat",
        Weekday::Sun => "Sun",
    };
    format!("{name} {}", day(date))
}

/// `Nov`, of 1 to 12.
pub fn month(month: u32) -> &'static str {
    MONTHS.get(month.wrapping_sub(1) as usize).copied().unwrap_or("?")
}

/// `20 Nov, 22:04 UTC`; with the year when it isn't the year of `now`.
pub fn instant(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let day = if at.year() == now.year() { day(at.date_naive()) } else { date(at.date_naive()) };
    format!("{day}, {:02}:{:02} UTC", at.hour(), at.minute())
}

/// `just now`, `3 minutes ago`, `2 days ago`, counted from the instant that the server sent along.
pub fn ago(at: DateTime<Utc>, now: DateTime<Utc>) -> String {
    let seconds = (now - at).num_seconds();
    match seconds {
        ..45 => "just now".into(),
        45..5_400 => format!("{} ago", plural(((seconds + 30) / 60).unsigned_abs(), "minute", "minutes")),
        5_400..129_600 => format!("{} ago", plural(((seconds + 1_800) / 3_600).unsigned_abs(), "hour", "hours")),
        _ => format!("{} ago", plural(((seconds + 43_200) / 86_400).unsigned_abs(), "day", "days")),
    }
}

/// A name of the machine's in words: `extract_prices` → "Extract prices".
pub fn identifier(name: &str) -> String {
    let words = name.replace('_', " ");
    let mut letters = words.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// `0.4 s`, `12 s`, `3 min 20 s`, `1 h 5 min`.
pub fn duration(duration: Duration) -> String {
    let millis = duration.num_milliseconds().max(0);
    let seconds = millis / 1_000;
    match seconds {
        0..10 => format!("{}.{}{THIN}s", seconds, millis % 1_000 / 100),
        10..60 => format!("{seconds}{THIN}s"),
        60..3_600 => format!("{}{THIN}min {}{THIN}s", seconds / 60, seconds % 60),
        _ => format!("{}{THIN}h {}{THIN}min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

fn to_cent(amount: Decimal) -> Decimal {
    amount.round_dp_with_strategy(2, RoundingStrategy::MidpointAwayFromZero)
}

fn plus(lean: Lean, text: String) -> String {
    if lean == Lean::Up { format!("+{text}") } else { text }
}

/// A float with fixed decimals and a true minus; what rounds to zero has no sign.
fn fixed(number: f64, decimals: usize) -> String {
    if !number.is_finite() {
        return "–".into();
    }
    let text = format!("{:.decimals$}", number.abs());
    let is_zero = text.chars().all(|c| matches!(c, '0' | '.'));
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let sign = if number < 0.0 && !is_zero { MINUS.to_string() } else { String::new() };
    format!("{sign}{}{rest}", thousands(whole))
}

fn grouped(amount: Decimal, decimals: usize) -> String {
    let text = format!("{:.decimals$}", amount.abs());
    let (whole, rest) = text.split_at(text.find('.').unwrap_or(text.len()));
    let sign = if amount.is_sign_negative() && !amount.is_zero() { MINUS.to_string() } else { String::new() };
    format!("{sign}{}{rest}", thousands(whole))
}

fn thousands(digits: &str) -> String {
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
#[path = "format_tests.rs"]
mod tests;
