//! See `lib.rs`.

pub mod ledger;
pub mod publish;
