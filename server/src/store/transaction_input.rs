//! A transaction as typed → one that can be booked, or a sentence for each field. Pure; for the form and for CSV rows alike.

use app::{activity::model::TransactionForm, domain::Symbol, error::FieldError};
use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};

/// No exchange of ours has older prices.
const EARLIEST: NaiveDate = NaiveDate::from_ymd_opt(1980, 1, 1).expect("a date");
/// Decimals of quantities and prices, as in the database.
const PLACES: u32 = 10;
/// Decimals of money, as in the database.
const MONEY_PLACES: u32 = 4;
/// Beyond it there is a slip of the finger: numeric(28, 10) ends there, and the product of two still fits a `Decimal`.
const MOST: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);
/// Money beyond it doesn't fit numeric(19, 4).
const MOST_MONEY: Decimal = Decimal::from_parts(0xA4C6_8000, 0x0003_8D7E, 0, false, 0);
/// How far a typed amount may be from quantity × price: brokers print rounded prices.
const TOLERANCE: Decimal = Decimal::from_parts(1, 0, 0, false, 2);
const LONGEST_NOTE: usize = 500;

/// The types that a person may enter, as in `book.transaction`.
const KINDS: [&str; 11] =
    ["buy", "sell", "deposit", "withdrawal", "dividend", "interest", "fee", "tax", "transfer_in", "transfer_out", "opening"];

/// A transaction that can be booked. Quantity and price are `None` for plain money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionInput {
    pub traded_on: NaiveDate,
    pub kind: &'static str,
    pub symbol: Option<Symbol>,
    pub quantity: Option<Decimal>,
    pub price: Option<Decimal>,
    pub amount: Decimal,
    pub fee: Decimal,
    pub tax: Decimal,
    pub note: String,
}

/// What a kind needs beside its date.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// Shares for money: symbol, quantity, and price or amount.
    Trade,
    /// Securities with what they cost, or money alone.
    Move,
    /// Money that a security paid.
    Income,
    /// Money alone.
    Cash,
    /// Money, perhaps on account of a security.
    Charge,
}

fn shape(kind: &str) -> Shape {
    match kind {
        "buy" | "sell" => Shape::Trade,
        "transfer_in" | "transfer_out" | "opening" => Shape::Move,
        "dividend" => Shape::Income,
        "deposit" | "withdrawal" => Shape::Cash,
        _ => Shape::Charge,
    }
}

impl TransactionInput {
    /// Reads a form; `today` is the market's day. The account isn't looked at here: whose it is only the database knows.
    ///
    /// # Errors
    /// All that is wrong, field by field, each with what to do.
    pub fn parse(form: &TransactionForm, today: NaiveDate) -> Result<Self, Vec<FieldError>> {
        let mut wrong = Wrong(Vec::new());
        let traded_on = wrong.take("traded_on", date(&form.traded_on, today));
        let kind = wrong.take("kind", kind(&form.kind));
        let symbol =
            wrong.take("symbol", optional(&form.symbol, |text| Symbol::parse(text).map_err(|error| format!("{error}.")))).flatten();
        let quantity = wrong.take("quantity", optional(&form.quantity, |text| number(text, "quantity", PLACES, MOST))).flatten();
        let price = wrong.take("price", optional(&form.price, |text| number(text, "price", PLACES, MOST))).flatten();
        let amount = wrong.take("amount", optional(&form.amount, |text| number(text, "amount", MONEY_PLACES, MOST_MONEY))).flatten();
        let fee = wrong.take("fee", optional(&form.fee, |text| number(text, "fee", MONEY_PLACES, MOST_MONEY))).flatten();
        let tax = wrong.take("tax", optional(&form.tax, |text| number(text, "tax", MONEY_PLACES, MOST_MONEY))).flatten();
        let note = form.note.trim().to_owned();
        if note.chars().count() > LONGEST_NOTE || note.contains('\0') {
            wrong.say("note", "Shorten the note to 500 characters.");
        }
        // What belongs together is judged only when each by itself could be read.
        let (Some(traded_on), Some(kind), true) = (traded_on, kind, wrong.0.is_empty()) else { return Err(wrong.0) };
        let mut input = Self {
            traded_on,
            kind,
            symbol,
            quantity: quantity.filter(|quantity| !quantity.is_zero()),
            price: price.filter(|price| !price.is_zero()),
            amount: Decimal::ZERO,
            fee: fee.unwrap_or_default(),
            tax: tax.unwrap_or_default(),
            note,
        };
        input.settle(amount.filter(|amount| !amount.is_zero()), &mut wrong);
        if wrong.0.is_empty() { Ok(input) } else { Err(wrong.0) }
    }

    /// Checks what the kind needs, and works out of quantity, price and amount the one that is missing.
    fn settle(&mut self, amount: Option<Decimal>, wrong: &mut Wrong) {
        let shape = shape(self.kind);
        let moves_shares = shape == Shape::Trade || (shape == Shape::Move && self.symbol.is_some());
        if moves_shares {
            if self.symbol.is_none() {
                wrong.say("symbol", "Enter the ticker symbol, e.g. AAPL.");
            }
            if self.quantity.is_none() {
                wrong.say("quantity", "Enter how many shares, more than zero.");
            }
        }
        if shape == Shape::Income && self.symbol.is_none() {
            wrong.say("symbol", "Enter the ticker symbol of what paid the dividend.");
        }
        if shape == Shape::Cash && self.symbol.is_some() {
            wrong.say("symbol", "Leave the symbol empty; for securities choose a transfer.");
        }
        let holds_shares = moves_shares || shape == Shape::Income;
        if !holds_shares && (self.quantity.is_some() || self.price.is_some()) {
            wrong.say("quantity", "Leave quantity and price empty here; enter the amount.");
        }
        if !wrong.0.is_empty() {
            return;
        }
        let product = self
            .quantity
            .zip(self.price)
            .and_then(|(quantity, price)| quantity.checked_mul(price))
            .map(|product| product.round_dp_with_strategy(MONEY_PLACES, RoundingStrategy::MidpointAwayFromZero));
        match (amount, product) {
            (Some(amount), Some(product)) if (amount - product).abs() > product.abs() * TOLERANCE + Decimal::ONE => wrong.say(
                "amount",
                format!("Quantity × price is {product}, but the amount says {amount}. Correct one, or leave the amount empty."),
            ),
            (Some(amount), _) => self.amount = amount,
            (None, Some(product)) if product > MOST_MONEY => wrong.say("quantity", "Quantity × price is too large. Check both."),
            (None, Some(product)) => self.amount = product,
            // Shares can leave without a price: what they cost is known.
            (None, None) if self.kind == "transfer_out" && moves_shares => {}
            (None, None) if shape == Shape::Trade => wrong.say("price", "Enter the price of a share, or the amount."),
            (None, None) if moves_shares => wrong.say("amount", "Enter what they cost, in all or as a price of a share."),
            (None, None) => wrong.say("amount", "Enter the amount, more than zero."),
        }
        if moves_shares && self.price.is_none() {
            self.price = self.quantity.and_then(|quantity| self.amount.checked_div(quantity)).map(|price| price.round_dp(PLACES));
        }
    }
}

struct Wrong(Vec<FieldError>);

impl Wrong {
    fn say(&mut self, field: &str, sentence: impl Into<String>) {
        self.0.push(FieldError::new(field, sentence));
    }

    fn take<T>(&mut self, field: &str, read: Result<T, String>) -> Option<T> {
        read.map_err(|sentence| self.say(field, sentence)).ok()
    }
}

fn optional<T>(text: &str, read: impl FnOnce(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    let text = text.trim();
    if text.is_empty() { Ok(None) } else { read(text).map(Some) }
}

fn date(text: &str, today: NaiveDate) -> Result<NaiveDate, String> {
    let date = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d")
        .ok()
        .filter(|date| text.trim().len() == 10 && *date >= NaiveDate::MIN)
        .ok_or("Enter the date as year-month-day, e.g. 2026-03-09.")?;
    if date > today {
        return Err(format!("{date} is in the future. Enter what has happened."));
    }
    if date < EARLIEST { Err(format!("{date} is before 1980, where our prices begin.")) } else { Ok(date) }
}

fn kind(text: &str) -> Result<&'static str, String> {
    let text = text.trim().to_lowercase().replace([' ', '-'], "_");
    KINDS.into_iter().find(|kind| *kind == text).ok_or_else(|| format!("Choose a type: {}.", KINDS.join(", ")))
}

/// A decimal that isn't negative; `1,234.56` is read where the commas stand between thousands.
fn number(text: &str, what: &str, places: u32, most: Decimal) -> Result<Decimal, String> {
    let unreadable = || format!("Enter the {what} as a number with a point, e.g. 1234.56.");
    let digits = without_thousands(text).ok_or_else(unreadable)?;
    if digits.starts_with('-') {
        return Err(format!("Enter the {what} without a minus sign; the type gives the direction."));
    }
    if digits.is_empty() || !digits.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return Err(unreadable());
    }
    let number: Decimal = digits.parse().map_err(|_| unreadable())?;
    let number = number.normalize();
    if number.scale() > places {
        return Err(format!("Use at most {places} decimals for the {what}."));
    }
    if number >= most { Err(format!("The {what} is too large. Check it.")) } else { Ok(number) }
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
    if (has_groups && !(1..=3).contains(&first.trim_start_matches('-').len())) || groups.any(|group| group.len() != 3) {
        return None;
    }
    Some(text.replace(',', ""))
}

#[cfg(test)]
#[path = "transaction_input_tests.rs"]
mod tests;
