//! What the holdings page says.

use crate::domain::{Figure, Money, Symbol};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Holdings {
    pub as_of: NaiveDate,
    pub currency: String,
    pub rows: Vec<Holding>,
    /// Of all currencies.
    pub cash: Figure<Money>,
    pub receivable: Figure<Money>,
    pub value: Figure<Money>,
    /// The session was published before with other numbers.
    pub is_restated: bool,
}

/// One symbol at the close of the last published session, all accounts together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Holding {
    pub symbol: Symbol,
    pub name: String,
    pub sector: String,
    pub quantity: Decimal,
    /// The raw close that was used; `None` before a first price.
    pub price: Option<Decimal>,
    /// Of the price, where it isn't the portfolio's.
    pub price_currency: Option<String>,
    /// The session of that close: earlier than `as_of` when it was carried.
    pub priced_on: Option<NaiveDate>,
    pub value: Figure<Money>,
    /// Of the portfolio's value.
    pub weight: Figure<f64>,
    pub day_return: Figure<f64>,
    /// At the rates of the purchases.
    pub cost_basis: Figure<Money>,
    pub unrealized_gain: Figure<Money>,
    pub unrealized_return: Figure<f64>,
    /// Closes of the last 30 sessions, split-adjusted, oldest first.
    pub recent: Vec<f64>,
}
