//! What a ledger yields, and the state from which it goes on.

use crate::domain::{AccountId, Money, Symbol};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a ledger stands after its last session: enough to go on without the past. Serialized into `ledger.state`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    pub session_date: Option<NaiveDate>,
    pub lots: Vec<Lot>,
    pub cash: BTreeMap<AccountId, Money>,
    /// Dividends gone ex and not yet paid.
    pub receivables: Vec<Receivable>,
    /// The last good close of each held symbol and its session, in shares of `session_date` (splits applied).
    pub last_closes: BTreeMap<Symbol, (NaiveDate, Decimal)>,
    /// Since the first session.
    pub totals: Totals,
    /// Value at the last session's close, for the next daily return.
    pub value: Option<Money>,
    /// Since which session each held quantity and cost stand unchanged.
    #[serde(default)]
    pub positions: Vec<OpenPosition>,
}

/// A position whose interval goes on after the state's session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenPosition {
    pub account: AccountId,
    pub symbol: Symbol,
    pub since: NaiveDate,
}

/// An open lot. `quantity` and `cost` are what is left of it, both negative when it was sold short (the cost is then the
/// proceeds, negated).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lot {
    pub account: AccountId,
    pub symbol: Symbol,
    pub opened_on: NaiveDate,
    pub quantity: Decimal,
    pub cost: Money,
    /// The transaction that opened it.
    pub key: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receivable {
    pub account: AccountId,
    pub symbol: Symbol,
    pub ex_date: NaiveDate,
    pub pay_date: NaiveDate,
    pub amount: Money,
}

/// Sums since the first session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Totals {
    pub inflow: Money,
    pub outflow: Money,
    pub realized: Money,
    /// Dividends and interest, receivables included.
    pub income: Money,
    /// Fees and taxes that are in no lot.
    pub costs: Money,
    /// Unrealized gain that came in with transferred or opening securities (market value − cost), less what left with
    /// those transferred out: none of ours.
    pub brought_in: Money,
}

/// One session's close of the whole portfolio.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PortfolioDay {
    pub session_date: NaiveDate,
    /// `None`: a held symbol has no price yet.
    pub value: Option<Money>,
    pub cash: Money,
    pub receivable: Money,
    pub inflow: Money,
    pub outflow: Money,
    pub daily_return: Option<f64>,
    /// Held symbols whose close is carried from an earlier session.
    pub carried: u32,
    pub positions: u32,
    /// At the close.
    pub unrealized: Option<Money>,
    /// Since the first session, this one included.
    pub totals: Totals,
}

/// A held quantity that stayed the same over sessions `from ..= to` (`None`: still held).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PositionInterval {
    pub account: AccountId,
    pub symbol: Symbol,
    pub from: NaiveDate,
    pub to: Option<NaiveDate>,
    pub quantity: Decimal,
    pub cost: Money,
}

/// One lot, or part of one, closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Realized {
    pub account: AccountId,
    pub symbol: Symbol,
    pub opened_on: NaiveDate,
    pub closed_on: NaiveDate,
    pub quantity: Decimal,
    pub proceeds: Money,
    pub cost: Money,
    /// The sale.
    pub key: String,
}

/// Something in the input that can't be booked as it stands: reported, never guessed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub session_date: NaiveDate,
    pub account: Option<AccountId>,
    pub symbol: Option<Symbol>,
    /// The transaction, where there is one.
    pub key: Option<String>,
    /// Machine-readable: "before_state", "unknown_account", "incomplete", "out_of_range", "oversold", "no_price",
    /// "dividend_not_received", "bad_split".
    pub code: String,
    /// One sentence: what is wrong and what to do.
    pub message: String,
}

/// What a ledger yields for the booked sessions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Yield {
    pub days: Vec<PortfolioDay>,
    /// Intervals that began in the booked sessions, and those that went on into them, each with the session on which it
    /// began: to land them is to upsert by account, symbol and `from`.
    pub positions: Vec<PositionInterval>,
    pub realized: Vec<Realized>,
    pub findings: Vec<Finding>,
}
