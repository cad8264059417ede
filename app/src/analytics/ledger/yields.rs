//! What a ledger yields, and the state from which it goes on.

use super::courses::HoldingCourse;
use crate::domain::{AccountId, Currency, Money, Symbol};
use chrono::{Months, NaiveDate};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a ledger stands after its last session: enough to go on without the past. Serialized into `ledger.state`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct State {
    pub session_date: Option<NaiveDate>,
    pub lots: Vec<Lot>,
    /// In each currency for itself.
    pub cash: BTreeMap<AccountId, BTreeMap<Currency, Money>>,
    /// What the foreign cash cost: its movements in base currency at the rates of their sessions, summed.
    pub foreign_cash_cost: Money,
    /// The last session in which something unknown came into the sums: an amount without a rate, or the gain of what was bought for
    /// one. Sums since the first session are unknown from then on, those since that session aren't.
    pub last_unconverted: Option<NaiveDate>,
    /// Dividends gone ex and not yet paid.
    pub receivables: Vec<Receivable>,
    /// The last good close of each held symbol and its session, in shares of `session_date` (splits applied) and in the
    /// currency of its prices.
    pub last_closes: BTreeMap<Symbol, (NaiveDate, Decimal)>,
    /// Since the first session.
    pub totals: Totals,
    /// Value at the last session's close before it is rounded to four decimals, for the next daily return.
    pub value: Option<Money>,
    /// Of the holdings alone, likewise.
    pub market_value: Option<Money>,
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
/// proceeds, negated). The cost is in base currency, at the rate of the session in which it was paid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lot {
    pub account: AccountId,
    pub symbol: Symbol,
    pub opened_on: NaiveDate,
    pub quantity: Decimal,
    pub cost: Money,
    /// The transaction that opened it.
    pub key: String,
    /// Its name, for sales that say which lot they close.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lot_id: Option<String>,
    /// The cost in the currency of the symbol's prices; `None`: that is the base currency, or there was no rate.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_cost: Option<LocalMoney>,
    /// No rate was there when it was bought: the cost in base currency is unknown and stands at 0.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_unconverted: bool,
}

/// An amount in a currency of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LocalMoney {
    pub currency: Currency,
    pub amount: Decimal,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receivable {
    pub account: AccountId,
    pub symbol: Symbol,
    pub ex_date: NaiveDate,
    pub pay_date: NaiveDate,
    /// What will come, in base currency at the rate of the ex-date's session: what was counted as income.
    pub amount: Money,
    /// The same in the dividend's currency, where that isn't the base currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local: Option<LocalMoney>,
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
    /// Of `costs`, the taxes.
    pub taxes: Money,
    /// Fees that are in lots: in the cost of purchases, and off the proceeds of sales.
    #[serde(default)]
    pub fees_in_lots: Money,
    /// Of `realized`, what exchange rates brought: each lot's cost in its own currency × the change of the rate.
    pub realized_currency: Money,
    /// Unrealized gain that came in with transferred or opening securities (market value − cost), less what left with
    /// those transferred out: none of ours.
    pub brought_in: Money,
}

/// One session's close of the whole portfolio.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PortfolioDay {
    pub session_date: NaiveDate,
    /// `None`: a held symbol has no price yet, or a currency no rate.
    pub value: Option<Money>,
    /// The value before it is rounded to four decimals, of which returns are taken; `None` where rounding changes nothing.
    pub exact_value: Option<Money>,
    /// Of all accounts and currencies, at the close's rates; `None`: without a rate.
    pub cash: Option<Money>,
    /// Like `cash`.
    pub receivable: Option<Money>,
    pub inflow: Money,
    pub outflow: Money,
    /// An amount of this session had no rate: its flows are incomplete.
    pub is_unconverted: bool,
    /// Of values before they are rounded to four decimals.
    pub daily_return: Option<f64>,
    /// Of the holdings alone: what they cost in this session came in, what they brought went out.
    pub holdings_return: Option<f64>,
    /// Held symbols whose close is carried from an earlier session.
    pub carried: u32,
    pub positions: u32,
    /// Of the holdings, at the close.
    pub market_value: Option<Money>,
    /// At the close; `None` also where a lot's cost is unknown for want of a rate.
    pub unrealized: Option<Money>,
    /// Of `unrealized`, what exchange rates brought.
    pub unrealized_currency: Option<Money>,
    /// What exchange rates brought to cash and receivables since the first session: their value less what they cost.
    pub cash_currency: Option<Money>,
    /// Cash that came into (+) or left (−) the accounts in this session, at its rates.
    pub cash_moved: Money,
    /// See [`State::last_unconverted`]: with a day here `totals` are incomplete and mustn't be shown.
    pub last_unconverted: Option<NaiveDate>,
    /// Since the first session, this one included.
    pub totals: Totals,
}

impl PortfolioDay {
    /// The value where the sums since the first session are complete too; a value beside incomplete sums would show a gain
    /// that nobody made.
    pub fn whole_value(&self) -> Option<Money> {
        self.value.filter(|_| self.last_unconverted.is_none())
    }
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
    /// Of the symbol's prices; `None`: the base currency.
    pub currency: Option<Currency>,
}

/// What a currency cost at a session's close at which something was held that is priced in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsedRate {
    pub session_date: NaiveDate,
    /// Never a minor unit: of pence the pound.
    pub currency: Currency,
    /// Units of the base currency for one unit of it.
    pub rate: Decimal,
}

/// One lot, or part of one, closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Realized {
    pub account: AccountId,
    pub symbol: Symbol,
    pub opened_on: NaiveDate,
    pub closed_on: NaiveDate,
    pub quantity: Decimal,
    /// `None`: a rate was missing when it was sold.
    pub proceeds: Option<Money>,
    /// `None`: a rate was missing when it was bought.
    pub cost: Option<Money>,
    /// The sale.
    pub key: String,
    /// Of the gain, what exchange rates brought; the rest is the price's. `None`: a rate was missing.
    pub currency_effect: Option<Money>,
}

/// How long a lot was held.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Term {
    Short,
    /// More than a year.
    Long,
}

impl Realized {
    /// `None`: one of the two is unknown.
    pub fn gain(&self) -> Option<Money> {
        Some(self.proceeds? - self.cost?)
    }

    /// Long where the lot was closed later than a year after it was opened: bought on 2023-03-01, from 2024-03-02 on.
    pub fn term(&self) -> Term {
        let is_long = self.opened_on.checked_add_months(Months::new(12)).is_some_and(|year| self.closed_on > year);
        if is_long { Term::Long } else { Term::Short }
    }
}

/// A position at the close of the last booked session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Holding {
    pub account: AccountId,
    pub symbol: Symbol,
    pub quantity: Decimal,
    /// In base currency; `None`: a rate was missing when it was bought.
    pub cost: Option<Money>,
    /// The close in the currency of the symbol's prices, and its session; `None`: there is none yet.
    pub price: Option<(NaiveDate, Decimal)>,
    /// Of the symbol's prices.
    pub currency: Currency,
    /// Units of base currency for one unit of `currency`; `None`: there is none yet.
    pub rate: Option<Decimal>,
    /// In base currency.
    pub market_value: Option<Money>,
    /// Market value − cost; `None` where one of the two is unknown.
    pub unrealized: Option<Money>,
    /// Of `unrealized`, what exchange rates brought.
    pub currency_effect: Option<Money>,
}

/// Something in the input that can't be booked as it stands: reported, never guessed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Finding {
    pub session_date: NaiveDate,
    pub account: Option<AccountId>,
    pub symbol: Option<Symbol>,
    /// The transaction, where there is one.
    pub key: Option<String>,
    /// Machine-readable: "before_state", "unknown_account", "incomplete", "out_of_range", "oversold", "short_not_allowed", "held_long",
    /// "not_held", "unknown_lot", "no_price", "no_rate", "dividend_not_received", "bad_split", "split_twice",
    /// "prices_already_adjusted".
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
    /// By session, ascending.
    pub rates: Vec<UsedRate>,
    pub realized: Vec<Realized>,
    /// What is held at the close of the last session, by account and symbol.
    pub holdings: Vec<Holding>,
    /// Of each symbol that was held or moved in the booked sessions, by symbol.
    pub courses: Vec<HoldingCourse>,
    pub findings: Vec<Finding>,
}
