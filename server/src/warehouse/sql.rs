//! The one place where SQL that isn't checked at compile time reaches Postgres.
//!
//! Audited: the text comes from the project's files, which are compiled into the binary, and from [`super::Vars`], which take
//! letters, digits and `_ . : -` only. Nothing that a person or a vendor wrote gets here.

use serde_json::Value;
use sqlx::{AssertSqlSafe, PgConnection, Row, query};
use std::collections::BTreeMap;

/// Runs statements; yields how many rows they wrote.
pub(super) async fn execute(connection: &mut PgConnection, text: String) -> Result<u64, sqlx::Error> {
    Ok(sqlx::raw_sql(AssertSqlSafe(text)).execute(connection).await?.rows_affected())
}

/// How many rows each of these queries selects. `once`: a common table expression that they share.
pub(super) async fn counts(connection: &mut PgConnection, once: Option<&str>, queries: &[String]) -> Result<Vec<i64>, sqlx::Error> {
    let counts: Vec<String> = queries.iter().map(|query| format!("(select count(*) from (\n{query}\n) as failing)")).collect();
    let with = once.map_or_else(String::new, |once| format!("with {once} "));
    // Not kept as a prepared statement, here and below: relations are renamed under it.
    let text = format!("{with}select array[{}]", counts.join(", "));
    query(AssertSqlSafe(text)).persistent(false).fetch_one(connection).await?.try_get(0)
}

/// How many rows of a query belong to each portfolio; `None` when any row doesn't say whose it is.
pub(super) async fn portfolios(connection: &mut PgConnection, test: &str) -> Result<Option<BTreeMap<i64, i64>>, sqlx::Error> {
    let text = format!(
        "select (to_jsonb(failing) ->> 'portfolio_id')::bigint as portfolio, count(*) as failures from (\n{test}\n) as failing group by 1"
    );
    let rows = query(AssertSqlSafe(text)).persistent(false).fetch_all(connection).await?;
    let pairs = rows.iter().map(|row| Ok((row.try_get::<Option<i64>, _>(0)?, row.try_get::<i64, _>(1)?)));
    let pairs = pairs.collect::<Result<Vec<_>, sqlx::Error>>()?;
    Ok(pairs.into_iter().map(|(portfolio, failures)| Some((portfolio?, failures))).collect())
}

/// The first rows that a query selects, as JSON.
pub(super) async fn samples(connection: &mut PgConnection, test: &str, most: u32) -> Result<Value, sqlx::Error> {
    let text =
        format!("select coalesce(jsonb_agg(to_jsonb(failing)), '[]') from (select * from (\n{test}\n) as failing limit {most}) as failing");
    query(AssertSqlSafe(text)).persistent(false).fetch_one(connection).await?.try_get(0)
}
