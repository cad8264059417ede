//! What happened in a portfolio.

pub mod model;
