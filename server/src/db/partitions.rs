//! Partitions of `raw.market_data`, one a year, created ahead.

use chrono::{Datelike, NaiveDate};
use sqlx::{AssertSqlSafe, PgPool};

/// Postgres looks whether a table exists before it waits for another that creates it, and then fails: so one after the other.
const LOCK: &str = "plumbline.partitions";

/// Creates the missing partitions for every year of `from ..= to`. Idempotent, and safe beside another that does the same.
///
/// # Errors
/// What Postgres says.
pub async fn ensure(pool: &PgPool, from: NaiveDate, to: NaiveDate) -> Result<(), sqlx::Error> {
    let missing = sqlx::query_scalar!(
        r#"select year as "year!" from generate_series($1::int, $2::int) as year where to_regclass('raw.market_data_' || year) is null"#,
        from.year(),
        to.year()
    )
    .fetch_all(pool)
    .await?;
    if missing.is_empty() {
        return Ok(());
    }
    let mut transaction = pool.begin().await?;
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 0))", LOCK).execute(&mut *transaction).await?;
    for year in missing {
        // The year's bounds lie at 00:00 UTC: every daily bar is stamped 04:00 or 05:00 UTC of its own day, so none is near one.
        // The text holds two integers and nothing else.
        sqlx::raw_sql(AssertSqlSafe(format!(
            r#"create table if not exists raw.market_data_{year} partition of raw.market_data
               for values from ('{year}-01-01 00:00:00+00') to ('{next}-01-01 00:00:00+00')"#,
            next = year + 1
        )))
        .execute(&mut *transaction)
        .await?;
    }
    transaction.commit().await
}
