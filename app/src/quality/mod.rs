//! What was checked and what failed.

pub mod api;
pub mod model;
pub mod page;
