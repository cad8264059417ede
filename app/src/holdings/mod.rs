//! What a portfolio holds.

pub mod model;
