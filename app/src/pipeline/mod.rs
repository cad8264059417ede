//! What the machine did.

pub mod model;
