//! Postgres: migrations and partitions. The private one lives in `embedded`.

pub mod partitions;

/// All migrations, in order; run at every start.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");
