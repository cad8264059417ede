//! The one place of the checks where SQL that isn't checked at compile time reaches Postgres.
//!
//! Audited: the text is made in this folder from declared checks. Names in it are those of known columns or quoted, numbers were parsed,
//! texts are quoted, conditions went through [`super::expression`]. A person's own SQL doesn't come here but to [`super::own`].

use super::{dataset::Batch, expression};
use chrono::NaiveDate;
use serde_json::Value;
use sqlx::{AssertSqlSafe, FromRow, PgConnection, Row, postgres::PgRow, query};

/// Whole numbers of one row: an array of them is the statement's only column.
pub async fn counts(connection: &mut PgConnection, text: String) -> Result<Vec<i64>, sqlx::Error> {
    query(AssertSqlSafe(text)).persistent(false).fetch_one(connection).await?.try_get(0)
}

/// The first column of the first row, as JSON.
pub async fn json(connection: &mut PgConnection, text: String) -> Result<Value, sqlx::Error> {
    let value: Option<Value> = query(AssertSqlSafe(text)).persistent(false).fetch_one(connection).await?.try_get(0)?;
    Ok(value.unwrap_or_default())
}

/// Failing rows that belong together.
#[derive(Debug, Clone, FromRow)]
pub struct Group {
    pub portfolio_id: Option<i64>,
    pub symbol: Option<String>,
    pub failures: i64,
    pub samples: Value,
}

/// Groups what a query selects by the columns that say whose it is; up to `most` rows of each.
pub async fn groups(connection: &mut PgConnection, failing: &str, by: [bool; 2], most: usize) -> Result<Vec<Group>, sqlx::Error> {
    let [portfolio, symbol] = by;
    let of = |is_there: bool, column: &str, of: &str| if is_there { format!("failing.{column}::{of}") } else { format!("null::{of}") };
    let (portfolio, symbol) = (of(portfolio, "portfolio_id", "bigint"), of(symbol, "symbol", "text"));
    let text = format!(
        "select portfolio_id, symbol, max(failures) as failures, jsonb_agg(said order by place) as samples
         from (select {portfolio} as portfolio_id, {symbol} as symbol, to_jsonb(failing) as said,
                      count(*) over same as failures, row_number() over same_in_order as place
               from (\n{failing}\n) as failing
               window same as (partition by {portfolio}, {symbol}), same_in_order as (partition by {portfolio}, {symbol})) as numbered
         where place <= {most} group by portfolio_id, symbol order by max(failures) desc, portfolio_id, symbol"
    );
    sqlx::query_as(AssertSqlSafe(text)).persistent(false).fetch_all(connection).await
}

impl Group {
    /// Its rows among those that fail, as a query of their own. `by`: as they were grouped.
    pub fn rows(&self, failing: &str, [by_portfolio, by_symbol]: [bool; 2]) -> String {
        let portfolio = self.portfolio_id.map_or_else(|| "is null".to_owned(), |portfolio| format!("= {portfolio}"));
        let symbol = self.symbol.as_deref().map_or_else(|| "is null".to_owned(), |symbol| format!("= {}", expression::text(symbol)));
        let whose = [(by_portfolio, "portfolio_id", portfolio), (by_symbol, "symbol", symbol)];
        let whose: Vec<String> =
            whose.into_iter().filter(|(is_by, _, _)| *is_by).map(|(_, column, is)| format!("failing.{column} {is}")).collect();
        if whose.is_empty() {
            failing.to_owned()
        } else {
            format!("select * from (\n{failing}\n) as failing where {}", whose.join(" and "))
        }
    }
}

/// One number of a day.
#[derive(Debug, Clone, FromRow)]
pub struct Numbered {
    pub of: Value,
    pub day: NaiveDate,
    pub number: Option<f64>,
}

/// Numbers by day.
pub async fn numbers(connection: &mut PgConnection, text: String) -> Result<Vec<Numbered>, sqlx::Error> {
    sqlx::query_as(AssertSqlSafe(text)).persistent(false).fetch_all(connection).await
}

/// Rows of a shape that the caller knows.
pub async fn rows<T: for<'r> FromRow<'r, PgRow> + Send + Unpin>(
    connection: &mut PgConnection,
    text: String,
) -> Result<Vec<T>, sqlx::Error> {
    sqlx::query_as(AssertSqlSafe(text)).persistent(false).fetch_all(connection).await
}

/// Statements without a result; yields how many rows they wrote.
pub async fn execute(connection: &mut PgConnection, text: String) -> Result<u64, sqlx::Error> {
    Ok(sqlx::raw_sql(AssertSqlSafe(text)).execute(connection).await?.rows_affected())
}

/// The columns of a relation with their types; none where it isn't there.
pub async fn columns(connection: &mut PgConnection, batch: &Batch, dataset: &str) -> Result<Vec<(String, String)>, sqlx::Error> {
    let relation = super::dataset::table_of(dataset).map_or_else(|| batch.relation(dataset), str::to_owned);
    let rows = sqlx::query!(
        r#"select attname::text as "name!", format_type(atttypid, null) as "of!" from pg_attribute
           where attrelid = to_regclass($1) and attnum > 0 and not attisdropped order by attnum"#,
        relation
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| (row.name, row.of)).collect())
}

/// Why Postgres refused a query of a person's, without a value of anybody's row: a wrong word is quoted, what doesn't convert is not.
pub fn reason(said: &dyn sqlx::error::DatabaseError) -> String {
    let code = said.code().unwrap_or_default();
    match code.as_ref() {
        "57014" => "it takes too long".into(),
        "22012" => said.message().to_owned(),
        code if code.starts_with("42") || code.starts_with("0A") || code.starts_with("25") => said.message().to_owned(),
        code => format!("a value doesn't fit what is asked of it (Postgres' code {code})"),
    }
}
