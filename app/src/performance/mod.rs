//! How a portfolio did: returns beside the benchmark, every measure, falls, rolling windows, months and years.

pub mod api;
pub mod figures;
pub mod model;
pub mod page;
pub mod words;
