//! Partitions of `raw.market_data`, one a year, created ahead.

use chrono::{Datelike, NaiveDate};
use sqlx::{AssertSqlSafe, PgPool};

/// Creates the missing partitions for every year of `from ..= to`. Idempotent, and safe beside another that does the same.
///
/// # Errors
/// What Postgres says.
pub async fn ensure(pool: &PgPool, from: NaiveDate, to: NaiveDate) -> Result<(), sqlx::Error> {
    for year in from.year()..=to.year() {
        // The year's bounds lie at 00:00 UTC: every daily bar is stamped 04:00 or 05:00 UTC of its own day, so none is near one.
        // The text holds two integers and nothing else.
        sqlx::raw_sql(AssertSqlSafe(format!(
            r#"create table if not exists raw.market_data_{year} partition of raw.market_data
               for values from ('{year}-01-01 00:00:00+00') to ('{next}-01-01 00:00:00+00')"#,
            next = year + 1
        )))
        .execute(pool)
        .await?;
    }
    Ok(())
}
