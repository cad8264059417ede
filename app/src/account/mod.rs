//! Signing in and out, the first administrator.

pub mod model;
