//! What was checked and what failed.

pub mod model;
