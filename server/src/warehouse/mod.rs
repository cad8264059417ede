//! Reads `server/warehouse/`, a dbt project: renders, orders, builds and tests its SQL models inside a given transaction.
//!
//! The subset of dbt that is understood: `ref`, `source`, `var`, `this`, `is_incremental`, `config` (views, tables, increments by
//! delete+insert or merge, schema, tags, indexes), if, for and set, the packages' macros and `{% test %}` blocks, the four generic tests
//! of dbt, singular tests, severity, thresholds and `where`, unit tests. Anything else is an error that names file and line.

mod assertion;
mod build;
pub mod commands;
mod config;
mod docs;
mod embedded;
mod error;
mod fixture;
mod functions;
mod graph;
mod jinja;
mod keep;
mod limits;
mod methods;
mod own;
mod package;
mod project;
mod properties;
mod render;
mod select;
mod sql;
mod syntax;
mod threshold;
mod together;
mod unit;
mod walk;
mod write;
mod yaml;

pub use assertion::{Assertion, Severity, Verdict};
pub use build::{Build, BuiltModel, has_marts};
pub use config::{IncrementalStrategy, Index, Materialized, ModelConfig};
pub use error::Error;
pub use keep::keep;
pub use own::{Standing, bring_up};
pub use package::Package;
pub use project::{Column, Model, Project, Vars};
pub use unit::UnitTest;

/// Are the ledger and the marts there, in the shape that this version reads? An older version's are built anew by the next publication.
///
/// # Errors
/// What Postgres says.
pub async fn is_of_this_version(pool: &sqlx::PgPool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select to_regclass('marts.portfolio_daily') is not null and to_regclass('ledger.holding') is not null
                  and exists (select from pg_catalog.pg_attribute
                              where attrelid = to_regclass('marts.holdings') and attname = 'currency_effect' and not attisdropped) as "is!""#
    )
    .fetch_one(pool)
    .await
}
