//! Transactions, events and prices → lots, positions, daily values, flows, returns, and every measure. Pure; by NUMBERS.md.

pub mod attribution;
pub mod benchmark;
pub mod cashflow;
pub mod contribution;
pub mod drawdown;
#[cfg(test)]
mod facts;
pub mod ledger;
pub mod metrics;
pub mod period;
pub mod report;
pub mod returns;
pub mod risk;
pub mod series;
pub mod sessions;
mod sums;
