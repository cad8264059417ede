//! Transactions, events and prices → lots, positions, daily values, flows, returns, and every measure. Pure; by NUMBERS.md.

pub mod ledger;
