//! Connections and people.

pub mod api;
pub mod model;
pub mod page;
