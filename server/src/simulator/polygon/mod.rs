//! Polygon.io, now Massive: the paths of both names, old and new.

/// Daily bars of one ticker, of all on one day, and the last one.
pub mod bars;
/// Pairs of currencies.
pub mod exchange;
/// Splits and dividends under their old and new paths.
pub mod events;
/// Pages with `next_url`.
pub mod page;
/// Ticker details and the list of tickers.
pub mod reference;
/// Is the market open, and when is it closed next?
pub mod status;
