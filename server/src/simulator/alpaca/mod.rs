//! Alpaca: the broker (`trading`) and its market data (`data`).

/// The account's history, paged by the last id.
pub mod activities;
/// Daily bars, paged by a token.
pub mod data;
/// Account, positions, clock, calendar.
pub mod trading;
