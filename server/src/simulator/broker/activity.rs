//! One entry of an account's history, as Alpaca tells it: a fill, or money that moved without a trade.

use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::America::New_York;
use rust_decimal::Decimal;

use crate::simulator::random;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Buy,
    Sell,
}

impl Side {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Detail {
    /// One execution of an order; `cumulative` and `left` are the order's after it.
    Fill { symbol: String, side: Side, quantity: Decimal, price: Decimal, cumulative: Decimal, left: Decimal, order_id: String },
    /// `amount` is signed: positive comes in.
    Money { amount: Decimal, symbol: Option<String>, quantity: Option<Decimal>, per_share: Option<Decimal>, description: &'static str },
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Activity {
    /// "20190801011955195::5f596936-…": New York's time of creation, then a UUID. Sorts by time.
    pub id: String,
    /// FILL, DIV, FEE, INT, CSD, CSW.
    pub kind: String,
    /// The day it counts on; a fee is created a day later.
    pub date: NaiveDate,
    pub created_at: DateTime<Utc>,
    pub detail: Detail,
}

impl Activity {
    /// `key` names the account, `number` the entry: together they make the id's second half.
    pub fn new(key: u64, number: u64, kind: &str, date: NaiveDate, created_at: DateTime<Utc>, detail: Detail) -> Self {
        let stamp = created_at.with_timezone(&New_York).format("%Y%m%d%H%M%S%3f");
        Self { id: format!("{stamp}::{}", random::uuid(key, number)), kind: kind.to_owned(), date, created_at, detail }
    }

    /// What the entry does to cash, to the cent.
    pub fn cash(&self) -> Decimal {
        match &self.detail {
            Detail::Fill { side: Side::Buy, quantity, price, .. } => -(quantity * price),
            Detail::Fill { side: Side::Sell, quantity, price, .. } => quantity * price,
            Detail::Money { amount, .. } => *amount,
        }
    }
}
