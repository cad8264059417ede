//! The one place where SQL that isn't checked at compile time reaches Postgres.
//!
//! Audited: with [`Rights::Installation`] the text comes from the project's files, which are compiled into the binary, and from
//! [`super::Vars`], which take letters, digits and `_ . : -` only. A person's own models come with [`Rights::Own`] alone: single
//! statements, run by functions that belong to a role without rights (migrations/20261123000003_keep_compiled_models.sql). Inside of
//! those Postgres refuses every change of the role.

use super::own;
use serde_json::Value;
use sqlx::{AssertSqlSafe, Executor, PgConnection, Row, SqlSafeStr, query};
use std::collections::BTreeMap;

/// By whose rights a statement runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rights {
    /// Those of the installation's own connection.
    Installation,
    /// Those of the role for people's own models.
    Own,
}

/// Runs one statement that holds a model's text; yields how many rows it wrote.
pub(super) async fn single(rights: Rights, connection: &mut PgConnection, text: String) -> Result<u64, sqlx::Error> {
    match rights {
        Rights::Installation => execute(rights, connection, text).await,
        Rights::Own => {
            one_statement(connection, &text).await?;
            own::run(connection, &text).await
        }
    }
}

/// Runs statements that we wrote ourselves, around names that were checked; yields how many rows the last one wrote.
pub(super) async fn execute(rights: Rights, connection: &mut PgConnection, text: String) -> Result<u64, sqlx::Error> {
    match rights {
        Rights::Installation => Ok(sqlx::raw_sql(AssertSqlSafe(text)).execute(connection).await?.rows_affected()),
        Rights::Own => own::run(connection, &text).await,
    }
}

/// The numbers of a statement that yields one JSON array of them.
pub(super) async fn counts(rights: Rights, connection: &mut PgConnection, text: String) -> Result<Vec<i64>, sqlx::Error> {
    let counted = json(rights, connection, text).await?;
    Ok(counted.as_array().into_iter().flatten().map(|count| count.as_i64().unwrap_or_default()).collect())
}

/// How many rows of a query belong to each portfolio; `None` when any row doesn't say whose it is.
pub(super) async fn portfolios(
    rights: Rights,
    connection: &mut PgConnection,
    test: &str,
) -> Result<Option<BTreeMap<i64, i64>>, sqlx::Error> {
    let text = format!(
        "select coalesce(jsonb_agg(jsonb_build_array(portfolio, failures)), '[]')
         from (select (to_jsonb(failing) ->> 'portfolio_id')::bigint as portfolio, count(*) as failures from (\n{test}\n) as failing group by 1) as whose"
    );
    let pairs: Vec<(Option<i64>, i64)> = serde_json::from_value(json(rights, connection, text).await?).unwrap_or_default();
    Ok(pairs.into_iter().map(|(portfolio, failures)| Some((portfolio?, failures))).collect())
}

/// The first rows that a query selects, as JSON.
pub(super) async fn samples(rights: Rights, connection: &mut PgConnection, test: &str, most: u32) -> Result<Value, sqlx::Error> {
    let text =
        format!("select coalesce(jsonb_agg(to_jsonb(failing)), '[]') from (select * from (\n{test}\n) as failing limit {most}) as failing");
    json(rights, connection, text).await
}

/// What a query that yields one JSON value yields.
pub(super) async fn json(rights: Rights, connection: &mut PgConnection, text: String) -> Result<Value, sqlx::Error> {
    match rights {
        // Not kept as a prepared statement: relations are renamed under it.
        Rights::Installation => query(AssertSqlSafe(text)).persistent(false).fetch_one(connection).await?.try_get(0),
        Rights::Own => {
            one_statement(connection, &text).await?;
            own::read(connection, &text).await
        }
    }
}

/// Postgres parses the text as one statement, or refuses it: what follows a semicolon never runs. Nothing is executed here.
async fn one_statement(connection: &mut PgConnection, text: &str) -> Result<(), sqlx::Error> {
    connection.prepare(AssertSqlSafe(text.to_owned()).into_sql_str()).await.map(drop)
}
