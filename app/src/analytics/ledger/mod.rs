//! The ledger: transactions, events and prices in; lots, positions, cash, daily values and findings out.
//!
//! Booked session by session from a [`State`] on, so that a day costs a day: booking sessions `1..n` in one go equals booking
//! `1..k` and then `k+1..n` from the state that the first yields. After each session, to the last decimal:
//! `value − Σ inflow + Σ outflow = realized + (unrealized − brought in) + income − costs + cash currency`.

mod booking;
mod courses;
#[cfg(test)]
mod examples;
mod exchange;
mod fixed;
#[cfg(test)]
mod history;
mod input;
#[cfg(test)]
pub(super) mod laws;
mod parts;
mod position;
mod prices;
#[cfg(test)]
mod stories;
mod transactions;
mod worth;
mod yields;

pub use booking::book;
pub use courses::{HoldingCourse, Moved};
pub use input::{AccountRules, Closes, CostBasis, Dividend, Input, Kind, Rates, Split, Transaction};
pub use transactions::SAME_SPLIT_DAYS;
pub use worth::{after_split, crossed, market_value, value_abroad};
pub use yields::{
    Finding, Holding, LocalMoney, Lot, OpenPosition, PortfolioDay, PositionInterval, Realized, Receivable, State, Term, Totals, UsedRate,
    Yield,
};
