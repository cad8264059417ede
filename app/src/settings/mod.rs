//! Connections and people.

pub mod model;
