//! Where a person's own SQL reaches Postgres: as a role that reads the warehouse and nothing else, one select, under a time limit, and
//! undone afterwards whatever it did.

use super::{
    check::Check,
    dataset::Batch,
    outcome::{MOST_SYMBOLS, Outcome},
    repairs, sql,
};
use sqlx::{Acquire, AssertSqlSafe, Executor, PgConnection, SqlSafeStr, error::DatabaseError};
use std::sync::Arc;

/// What limits the checks of a person that aren't SQL.
pub const LIMIT: &str = "set local statement_timeout = '10s'";
/// A query of a check may take so long.
const LONGEST: &str = "5s";

/// What a person's query selects: rows that must not exist.
pub async fn sql_failed(
    connection: &mut PgConnection,
    check: &Arc<Check>,
    query: &str,
    batch: &Batch,
) -> Result<Vec<Outcome>, sqlx::Error> {
    if let Err(why) = may_run(connection).await? {
        return Ok(vec![Outcome::broken(check, why)]);
    }
    let placed = placed(query, batch);
    let mut apart = connection.begin().await?;
    let read = readable(&mut apart, &placed).await;
    let found = if read.is_ok() { failing(&mut apart, &placed).await } else { Ok(Vec::new()) };
    apart.rollback().await?;
    // What a rollback leaves: locks that last as long as the connection.
    sqlx::query!("select pg_advisory_unlock_all() is null as done").fetch_one(connection).await?;
    if let Err(error) = read {
        return refused(check, error, |said| said.message().to_owned());
    }
    let groups = match found {
        Ok(groups) => groups,
        Err(error) => return refused(check, error, |said| fault(said, query)),
    };
    if groups.is_empty() {
        return Ok(vec![Outcome { query: Some(query.to_owned()), observed: "no row".into(), ..Outcome::passing(check, 0, 1) }]);
    }
    // As own_checks.failing groups them: by what a row calls itself, whatever the query's columns are.
    let rows = |group: &sql::Group| {
        let of = [("portfolio_id", group.portfolio_id.map(|portfolio| portfolio.to_string())), ("symbol", group.symbol.clone())];
        let of = of.map(|(column, value)| {
            let is = value.map_or_else(|| "is null".to_owned(), |value| format!("= {}", super::expression::text(&value)));
            format!("to_jsonb(failing) ->> '{column}' {is}")
        });
        format!("select * from (\n{query}\n) as failing where {}", of.join(" and "))
    };
    let outcome = |group: &sql::Group| {
        let failures = u64::try_from(group.failures).unwrap_or_default();
        Outcome {
            portfolio_id: group.portfolio_id.unwrap_or_default(),
            symbol: group.symbol.clone(),
            passed: false,
            observed: format!("{failures} rows"),
            elements: failures,
            failures,
            samples: group.samples.as_array().cloned().unwrap_or_default(),
            query: Some(if groups.len() == 1 { query.to_owned() } else { rows(group) }),
            repairs: vec![repairs::accept(&check.name)],
            message: format!("{failures} rows are there that must not be: expected is that {}. Look at the samples.", check.expected),
            ..Outcome::passing(check, 0, failures)
        }
    };
    Ok(groups.iter().take(MOST_SYMBOLS + 1).map(outcome).collect())
}

/// A fault of the query is the person's, told as `why` says it; anything else is ours.
pub fn refused(
    check: &Arc<Check>,
    error: sqlx::Error,
    why: impl FnOnce(&dyn DatabaseError) -> String,
) -> Result<Vec<Outcome>, sqlx::Error> {
    match error.as_database_error() {
        Some(said) if !crate::orchestrator::is_outage(&error) => {
            let why = if said.code().as_deref() == Some("57014") { format!("it took longer than {LONGEST}") } else { why(said) };
            Ok(vec![Outcome::broken(check, &why)])
        }
        _ => Err(error),
    }
}

/// What went wrong while the query read rows, in words of ours: Postgres' own quote values, which may be anybody's.
fn fault(said: &dyn DatabaseError, query: &str) -> String {
    let code = said.code().unwrap_or_default();
    // A relation that the query names itself is no secret.
    let denied = || said.message().rsplit(' ').next().filter(|name| query.contains(name)).map(|name| format!(" ({name})"));
    let what = match code.as_ref() {
        "42501" => return format!("it reads what checks may not read{}", denied().unwrap_or_default()),
        "25006" => "it would change something, and checks only read",
        "22012" => "it divides by zero",
        "22003" => "a number is too large for its type",
        "22P02" | "22007" | "22018" => "a text isn't of the form that its type has",
        "22008" => "a date is out of range",
        "21000" => "a query in parentheses yields more than one row",
        code if code.starts_with("53") || code.starts_with("54") => "it asks for too much",
        code if code.starts_with("42") => "it names what isn't there or can't be used so",
        _ => "a value doesn't fit what is asked of it",
    };
    format!("{what} (Postgres' code {code})")
}

/// Postgres parses the query and executes nothing of it, so that what it says quotes the person's text alone and can be told as it is.
/// Names are looked up as where it runs.
async fn readable(connection: &mut PgConnection, query: &str) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "select set_config('statement_timeout', $1, true) as limited, set_config('search_path', 'pg_catalog, pg_temp', true) as path",
        LONGEST
    )
    .fetch_one(&mut *connection)
    .await?;
    let text = AssertSqlSafe(format!("select to_jsonb(failing) as said from ({query}\n) as failing"));
    connection.prepare(text.into_sql_str()).await.map(drop)
}

async fn failing(connection: &mut PgConnection, query: &str) -> Result<Vec<sql::Group>, sqlx::Error> {
    sqlx::query!(
        "select set_config('statement_timeout', $1, true) as limited, set_config('transaction_read_only', 'on', true) as reading",
        LONGEST
    )
    .fetch_one(&mut *connection)
    .await?;
    let rows =
        sqlx::query!(r#"select portfolio_id, symbol, failures as "failures!", samples as "samples!" from own_checks.failing($1)"#, query)
            .fetch_all(connection)
            .await?;
    Ok(rows
        .into_iter()
        .map(|row| sql::Group { portfolio_id: row.portfolio_id, symbol: row.symbol, failures: row.failures, samples: row.samples })
        .collect())
}

/// Lets the role read models that were built since.
async fn may_run(connection: &mut PgConnection) -> Result<Result<(), &'static str>, sqlx::Error> {
    let is_there = sqlx::query_scalar!(r#"select to_regprocedure('own_checks.failing(text)') is not null as "there!""#)
        .fetch_one(&mut *connection)
        .await?;
    if !is_there {
        return Ok(Err(
            "the database's user may not make the role plumbline_checks; let an administrator of the database allow it (createrole)",
        ));
    }
    sqlx::query!(
        "do $grant$
         declare this record;
         begin
             for this in select oid::regnamespace::text as name from pg_namespace
                 where nspname in ('staging', 'ledger', 'marts') and not has_schema_privilege('plumbline_checks', oid, 'usage') loop
                 execute format('grant usage on schema %s to plumbline_checks', this.name);
             end loop;
             for this in select relation.oid::regclass::text as name from pg_class as relation join pg_namespace on pg_namespace.oid = relnamespace
                 where nspname in ('staging', 'ledger', 'marts') and relkind in ('r', 'v', 'm', 'p') and not has_table_privilege('plumbline_checks', relation.oid, 'select') loop
                 execute format('grant select on %s to plumbline_checks', this.name);
             end loop;
         end $grant$"
    )
    .execute(connection)
    .await?;
    Ok(Ok(()))
}

/// The query with models' names replaced by where they are now. It stays the person's text, and runs as such.
fn placed(query: &str, batch: &Batch) -> String {
    let mut placed = query.to_owned();
    for (model, now) in batch.relations.iter().filter(|(model, now)| model != now) {
        let mut from = 0;
        while let Some(at) = placed.get(from..).and_then(|rest| rest.find(model.as_str())).map(|at| at + from) {
            let ends = at + model.len();
            let is_part =
                |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_alphanumeric() || letter == '_' || letter == '.');
            let stands_alone = !is_part(placed.get(..at).and_then(|before| before.chars().next_back()))
                && !placed
                    .get(ends..)
                    .and_then(|after| after.chars().next())
                    .is_some_and(|letter| letter.is_ascii_alphanumeric() || letter == '_');
            if stands_alone {
                placed.replace_range(at..ends, now);
            }
            from = if stands_alone { at + now.len() } else { ends };
        }
    }
    placed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_read_where_they_are_now() {
        let batch = Batch {
            judged_response: 0,
            session: chrono::NaiveDate::MIN,
            sessions: Vec::new(),
            relations: [("marts.holdings".to_owned(), "marts.holdings__new".to_owned())].into(),
            dated: [].into(),
        };
        assert_eq!(
            placed("select * from marts.holdings h, marts.holdings_old, xmarts.holdings where marts.holdings.symbol = h.symbol", &batch),
            "select * from marts.holdings__new h, marts.holdings_old, xmarts.holdings where marts.holdings__new.symbol = h.symbol"
        );
    }
}
