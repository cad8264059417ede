//! The ledger: what it takes and what it yields.

use crate::domain::{AccountId, Money, Symbol};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What kind of thing happened. The names are those of the CSV and of `staging.transactions`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    Opening,
    Deposit,
    TransferIn,
    Buy,
    Sell,
    Dividend,
    Interest,
    Fee,
    Tax,
    TransferOut,
    Withdrawal,
}

/// One transaction, cleaned by staging.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Transaction {
    /// The broker's activity id, or "book:" and our transaction's number.
    pub key: String,
    pub account: AccountId,
    /// The day as entered; one without a session counts on the next session.
    pub traded_on: NaiveDate,
    pub kind: Kind,
    /// `None`: cash.
    pub symbol: Option<Symbol>,
    pub quantity: Decimal,
    /// Per share, raw.
    pub price: Decimal,
    /// The money before fee and tax, positive; the kind gives the direction. For dividends and interest a negative amount is
    /// a reversal. Of a transfer or opening of securities: the cost that comes along.
    pub amount: Decimal,
    pub fee: Decimal,
    pub tax: Decimal,
}

/// New shares per old: `to / from`, in force before the session's trades.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Split {
    pub symbol: Symbol,
    pub execution_date: NaiveDate,
    pub from: Decimal,
    pub to: Decimal,
}

/// A cash dividend: receivable by who held at the close before the ex-date, from the ex-date to the pay date.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dividend {
    pub symbol: Symbol,
    pub ex_date: NaiveDate,
    pub pay_date: Option<NaiveDate>,
    pub cash_amount: Decimal,
}

/// Raw closes: symbol → session → close. Only good ones: quarantined rows are not in.
pub type Closes = BTreeMap<Symbol, Vec<(NaiveDate, Decimal)>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CostBasis {
    #[default]
    Fifo,
    Average,
}

/// How an account is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct AccountRules {
    pub cost_basis: CostBasis,
    pub allows_short: bool,
}

/// What a ledger is made of, for one portfolio. Nothing needs to be sorted, except that `sessions` ascend.
#[derive(Debug, Clone)]
pub struct Input<'a> {
    /// The sessions to book, ascending; all after the state's last one.
    pub sessions: &'a [NaiveDate],
    pub accounts: &'a BTreeMap<AccountId, AccountRules>,
    /// Those whose session is among `sessions`; earlier ones are in the state already and are refused as findings.
    pub transactions: &'a [Transaction],
    pub splits: &'a [Split],
    pub dividends: &'a [Dividend],
    pub closes: &'a Closes,
}

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
}

/// An open lot. `quantity` and `cost` are what is left of it.
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
    /// Unrealized gain that came in with transferred or opening securities (market value − cost): none of ours.
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
    /// Machine-readable: "oversold", "no_price", "before_state", "unknown_account" …
    pub code: String,
    /// One sentence: what is wrong and what to do.
    pub message: String,
}

/// What a ledger yields for the booked sessions.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Yield {
    pub days: Vec<PortfolioDay>,
    /// Intervals that began in the booked sessions, and those that went on into them (from the state's session on).
    pub positions: Vec<PositionInterval>,
    pub realized: Vec<Realized>,
    pub findings: Vec<Finding>,
}
