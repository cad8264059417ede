//! What a ledger is made of: transactions, events, prices, and how accounts are kept.

use crate::domain::{AccountId, Symbol};
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

/// Raw closes: symbol → session → close. Only good ones: quarantined rows are not in. Those before the first booked session
/// serve to carry a price into it.
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
