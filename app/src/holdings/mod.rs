//! What a portfolio holds.

pub mod api;
pub mod model;
pub mod page;
