//! What the machine did.

pub mod api;
pub mod model;
pub mod page;
