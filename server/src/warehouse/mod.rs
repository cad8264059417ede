//! Reads `server/warehouse/`, a dbt project: renders, orders, builds and tests its SQL models inside a given transaction.
//!
//! The subset of dbt that is understood: `ref`, `source`, `config`, `var`, `this`, `is_incremental`, the project's macros and
//! `{% test %}` blocks, the four generic tests of dbt, singular tests. Anything else is an error that names file and line.

mod assertion;
mod build;
pub mod commands;
mod embedded;
mod error;
mod graph;
mod project;
mod properties;
mod render;
mod sql;

pub use assertion::{Assertion, Severity, Verdict};
pub use build::{Build, BuiltModel, has_marts};
pub use error::Error;
pub use project::{Materialized, Model, ModelConfig, Project, Vars};
