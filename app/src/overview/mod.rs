//! What a portfolio is worth and how it did.

pub mod figures;
pub mod model;
