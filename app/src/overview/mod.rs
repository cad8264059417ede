//! What a portfolio is worth and how it did.

pub mod api;
pub mod model;
pub mod page;
