//! What a portfolio is worth and how it did.

pub mod api;
pub mod figures;
pub mod model;
pub mod page;
pub mod yesterday;
