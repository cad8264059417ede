//! What happened in a portfolio.

pub mod api;
pub mod kinds;
pub mod model;
pub mod page;
