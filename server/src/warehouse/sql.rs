//! The one place where SQL that isn't checked at compile time reaches Postgres.
//!
//! Audited: the text comes from the project's files, which are compiled into the binary, and from [`super::Vars`], which take
//! letters, digits and `_ . : -` only. Nothing that a person or a vendor wrote gets here.

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, Row, query};

/// Runs statements; yields how many rows they wrote.
pub(super) async fn execute(connection: &mut PgConnection, text: String) -> Result<u64, sqlx::Error> {
    Ok(sqlx::raw_sql(AssertSqlSafe(text)).execute(connection).await?.rows_affected())
}

/// How many rows a test's query selects, and the first of them.
pub(super) async fn failing(connection: &mut PgConnection, test: &str, samples: u32) -> Result<(i64, Value), sqlx::Error> {
    let text = format!(
        "select count(*), coalesce(jsonb_agg(row) filter (where number <= {samples}), '[]')
         from (select to_jsonb(failing) as row, row_number() over () as number from (\n{test}\n) as failing) as numbered"
    );
    // Not kept as a prepared statement: relations are renamed under it.
    let row = query(AssertSqlSafe(text)).persistent(false).fetch_one(connection).await?;
    Ok((row.try_get(0)?, row.try_get(1)?))
}
