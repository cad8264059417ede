//! A transaction as typed → one that can be booked, or a sentence for each field. Pure; for the form and for CSV rows alike.

use super::typed::{Bounds, date, number, optional, signed, symbol};
use app::{
    activity::{
        kinds::{KINDS, Kind, Part},
        model::TransactionForm,
    },
    domain::{Currency, Symbol},
    error::FieldError,
};
use chrono::NaiveDate;
use rust_decimal::{Decimal, RoundingStrategy};

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
const LONGEST_LOT: usize = 80;

const fn shares(what: &'static str) -> Bounds {
    Bounds { what, places: PLACES, below: MOST }
}

const fn money(what: &'static str) -> Bounds {
    Bounds { what, places: MONEY_PLACES, below: MOST_MONEY }
}

/// A transaction that can be booked. Quantity and price are `None` for plain money.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransactionInput {
    pub traded_on: NaiveDate,
    pub kind: &'static str,
    pub symbol: Option<Symbol>,
    pub quantity: Option<Decimal>,
    pub price: Option<Decimal>,
    /// Negative where a dividend, interest, a fee or a tax is taken back.
    pub amount: Decimal,
    pub fee: Decimal,
    pub tax: Decimal,
    /// Of price, amount, fee and tax.
    pub currency: Currency,
    pub ratio: Option<Decimal>,
    pub counter_symbol: Option<Symbol>,
    pub cost_share: Option<Decimal>,
    pub lot_id: Option<String>,
    /// Of securities that came in: when they were bought.
    pub opened_on: Option<NaiveDate>,
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
    /// Money, perhaps on account of a security.
    Cash,
    /// Something that a company did with its shares.
    Event,
}

fn shape(kind: &str) -> Shape {
    match kind {
        "buy" | "sell" | "short" | "cover" | "reinvest" => Shape::Trade,
        "transfer_in" | "transfer_out" | "opening" => Shape::Move,
        "dividend" | "return_of_capital" => Shape::Income,
        "split" | "stock_dividend" | "spin_off" | "merger" | "symbol_change" => Shape::Event,
        _ => Shape::Cash,
    }
}

/// Kinds that a broker takes back by the same kind with a minus.
fn can_be_taken_back(kind: &str) -> bool {
    matches!(kind, "dividend" | "interest" | "fee" | "tax")
}

impl TransactionInput {
    /// Reads a form; `base` is the currency where none is typed, `today` the market's day. The account isn't looked at here: whose
    /// it is only the database knows.
    ///
    /// # Errors
    /// All that is wrong, field by field, each with what to do.
    pub fn parse(form: &TransactionForm, base: Currency, today: NaiveDate) -> Result<Self, Vec<FieldError>> {
        let mut wrong = Wrong(Vec::new());
        let traded_on = wrong.take("traded_on", date(&form.traded_on, today));
        let kind = wrong.take("kind", kind(&form.kind));
        let security = wrong.take("symbol", optional(&form.symbol, symbol)).flatten();
        let counter_symbol = wrong.take("counter_symbol", optional(&form.counter_symbol, symbol)).flatten();
        let quantity = wrong.take("quantity", optional(&form.quantity, |text| number(text, shares("quantity")))).flatten();
        let price = wrong.take("price", optional(&form.price, |text| number(text, shares("price")))).flatten();
        let ratio = wrong.take("ratio", optional(&form.ratio, |text| number(text, shares("ratio")))).flatten();
        let cost_share = wrong.take("cost_share", optional(&form.cost_share, |text| number(text, shares("share of the cost")))).flatten();
        let amount = wrong.take("amount", optional(&form.amount, |text| signed(text, money("amount")))).flatten();
        let fee = wrong.take("fee", optional(&form.fee, |text| number(text, money("fee")))).flatten();
        let tax = wrong.take("tax", optional(&form.tax, |text| number(text, money("tax")))).flatten();
        let currency = wrong.take("currency", optional(&form.currency, currency)).flatten();
        let lot_id = wrong.take("lot_id", optional(&form.lot_id, lot)).flatten();
        let opened_on = wrong.take("opened_on", optional(&form.opened_on, |text| date(text, traded_on.unwrap_or(today)))).flatten();
        // Browsers send line ends as two characters, files have them as one.
        let note = form.note.trim().replace("\r\n", "\n").replace('\r', "\n");
        if note.chars().count() > LONGEST_NOTE || note.contains('\0') {
            wrong.say("note", "Shorten the note to 500 characters.");
        }
        // What belongs together is judged only when each by itself could be read.
        let (Some(traded_on), Some(kind), true) = (traded_on, kind, wrong.0.is_empty()) else { return Err(wrong.0) };
        let mut input = Self {
            traded_on,
            kind: kind.key,
            symbol: security,
            quantity: quantity.filter(|quantity| !quantity.is_zero()),
            price: price.filter(|price| !price.is_zero()),
            amount: Decimal::ZERO,
            fee: fee.unwrap_or_default(),
            tax: tax.unwrap_or_default(),
            currency: currency.unwrap_or(base),
            ratio: ratio.filter(|ratio| !ratio.is_zero()),
            counter_symbol,
            cost_share,
            lot_id,
            opened_on,
            note,
        };
        input.leave_empty(kind, amount, &mut wrong);
        input.settle(amount, &mut wrong);
        if wrong.0.is_empty() { Ok(input) } else { Err(wrong.0) }
    }

    /// Fields that this kind doesn't know.
    fn leave_empty(&self, kind: &Kind, amount: Option<Decimal>, wrong: &mut Wrong) {
        let is_cash = shape(kind.key) == Shape::Move && self.symbol.is_none();
        let mut empty = |part: Part, field: &str, is_there: bool| {
            let is_known = kind.has(part) && !(is_cash && matches!(part, Part::Quantity | Part::Price | Part::LotId | Part::OpenedOn));
            if is_there && !is_known {
                wrong.say(field, format!("Leave this empty: a {} has no such thing.", kind.words.to_lowercase()));
            }
        };
        empty(Part::Symbol, "symbol", self.symbol.is_some());
        empty(Part::Quantity, "quantity", self.quantity.is_some());
        empty(Part::Price, "price", self.price.is_some());
        empty(Part::Amount, "amount", amount.is_some_and(|amount| !amount.is_zero()));
        empty(Part::Fee, "fee", !self.fee.is_zero());
        empty(Part::Tax, "tax", !self.tax.is_zero());
        empty(Part::Ratio, "ratio", self.ratio.is_some());
        empty(Part::CounterSymbol, "counter_symbol", self.counter_symbol.is_some());
        empty(Part::CostShare, "cost_share", self.cost_share.is_some());
        empty(Part::LotId, "lot_id", self.lot_id.is_some());
        empty(Part::OpenedOn, "opened_on", self.opened_on.is_some());
    }

    /// Checks what the kind needs, and works out of quantity, price and amount the one that is missing.
    fn settle(&mut self, amount: Option<Decimal>, wrong: &mut Wrong) {
        let shape = shape(self.kind);
        let moves_shares = shape == Shape::Trade || (shape == Shape::Move && self.symbol.is_some());
        if self.symbol.is_none() && matches!(shape, Shape::Trade | Shape::Event) {
            wrong.say("symbol", "Enter the ticker symbol, e.g. AAPL.");
        }
        if self.symbol.is_none() && shape == Shape::Income {
            wrong.say("symbol", "Enter the ticker symbol of what paid.");
        }
        if moves_shares && self.quantity.is_none() {
            wrong.say("quantity", "Enter how many shares, more than zero.");
        }
        if amount.is_some_and(|amount| amount.is_sign_negative()) && !can_be_taken_back(self.kind) {
            wrong.say("amount", "Enter the amount without a minus sign; the type gives the direction.");
        }
        if !wrong.0.is_empty() {
            return;
        }
        if shape == Shape::Event {
            self.amount = amount.unwrap_or_default();
            return self.settle_event(wrong);
        }
        self.settle_amount(amount, moves_shares, wrong);
    }

    fn settle_amount(&mut self, amount: Option<Decimal>, moves_shares: bool, wrong: &mut Wrong) {
        let product = self
            .quantity
            .zip(self.price)
            .and_then(|(quantity, price)| quantity.checked_mul(price))
            .map(|product| product.round_dp_with_strategy(MONEY_PLACES, RoundingStrategy::MidpointAwayFromZero));
        match (amount.filter(|amount| !amount.is_zero()), product) {
            (Some(amount), Some(product)) if (amount.abs() - product).abs() > product.abs() * TOLERANCE + Decimal::ONE => wrong.say(
                "amount",
                format!("Quantity × price is {product}, but the amount says {amount}. Correct one, or leave the amount empty."),
            ),
            (Some(amount), _) => self.amount = amount,
            (None, Some(product)) if product > MOST_MONEY => wrong.say("quantity", "Quantity × price is too large. Check both."),
            // A zero that was typed is meant.
            (None, Some(product)) if product.is_zero() && shape(self.kind) == Shape::Trade && amount.is_none() => {
                wrong.say("quantity", "Quantity × price is less than money is kept with, a ten-thousandth. Check both.");
            }
            (None, Some(product)) => self.amount = product,
            // A zero that was typed is meant: shares for nothing.
            (None, None) if shape(self.kind) == Shape::Trade && amount.is_none() => {
                wrong.say("price", "Enter the price of a share, or the amount.");
            }
            // Shares can leave without a price, and come without a cost that somebody knows.
            (None, None) if moves_shares => {}
            (None, None) => wrong.say("amount", "Enter the amount, more than zero."),
        }
        if moves_shares && self.price.is_none() && !self.amount.is_zero() {
            let price = self.quantity.and_then(|quantity| self.amount.checked_div(quantity));
            if price.is_some_and(|price| price.abs() >= MOST) {
                wrong.say("quantity", "By quantity and amount a share costs a billion or more. Check both.");
            }
            self.price = price.map(|price| price.round_dp(PLACES)).filter(|price| !price.is_zero());
        }
    }

    fn settle_event(&self, wrong: &mut Wrong) {
        if self.counter_symbol.is_some() && self.counter_symbol == self.symbol {
            wrong.say("counter_symbol", "Enter the other symbol: it can't be the same.");
        }
        let needs_other = matches!(self.kind, "spin_off" | "symbol_change") || (self.kind == "merger" && self.ratio.is_some());
        if needs_other && self.counter_symbol.is_none() {
            wrong.say("counter_symbol", "Enter the symbol of the shares that came.");
        }
        let needs_ratio = self.kind == "split" || (self.kind == "merger" && self.counter_symbol.is_some());
        if needs_ratio && self.ratio.is_none() {
            wrong.say("ratio", "Enter how many new shares for one share, e.g. 7 or 0.1.");
        }
        if matches!(self.kind, "stock_dividend" | "spin_off") && self.ratio.is_some() == self.quantity.is_some() {
            wrong.say("quantity", "Enter how many shares came, or the ratio for one share: one of the two.");
        }
        if self.kind == "spin_off" && self.cost_share.is_none_or(|part| part > Decimal::ONE) {
            wrong.say("cost_share", "Enter which part of the cost went along, from 0 to 1; 0.2 is a fifth.");
        }
        if self.kind == "merger" && self.counter_symbol.is_none() && self.ratio.is_none() && self.amount.is_zero() {
            wrong.say("counter_symbol", "Enter which shares came and at which ratio, or the amount that was paid, or both.");
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

fn kind(text: &str) -> Result<&'static Kind, String> {
    let text = text.trim().to_lowercase().replace([' ', '-'], "_");
    Kind::find(&text).ok_or_else(|| {
        let keys: Vec<&str> = KINDS.iter().map(|kind| kind.key).collect();
        format!("Choose a type: {}.", keys.join(", "))
    })
}

fn currency(text: &str) -> Result<Currency, String> {
    Currency::parse(text).map_err(|error| format!("{error}."))
}

/// A lot's name: what the broker or the person calls it.
fn lot(text: &str) -> Result<String, String> {
    let fits = text.chars().count() <= LONGEST_LOT && !text.chars().any(char::is_control);
    if fits { Ok(text.to_owned()) } else { Err("Use at most 80 characters for the name of a lot, in one line.".into()) }
}

#[cfg(test)]
#[path = "transaction_input_tests.rs"]
mod tests;
