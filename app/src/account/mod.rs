//! Signing in and out, the first administrator.

pub mod api;
pub mod model;
pub mod page;
