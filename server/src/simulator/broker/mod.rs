//! The broker's side: accounts whose cash and positions are, at any moment, what their activities and the splits add up to.

/// Activities from a file beside replayed bars.
pub mod activities_file;
/// One entry of an account's history.
pub mod activity;
/// Writes activities down while it keeps cash and shares.
pub mod book;
/// The demo accounts of a made-up market.
pub mod demo;
/// A small account for replayed history that brings none of its own.
pub mod small;
/// What activities and splits add up to.
pub mod statement;
