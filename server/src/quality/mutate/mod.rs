//! Do the checks catch what goes wrong? Known defects, each alone in a good batch in a database of its own, and which check named each.

mod defects;
mod market;

use super::{
    audit::audited,
    examine::{Error, examine},
    outcome::Outcome,
    sql, suite,
    watermark::JudgedThrough,
};
use crate::db::{self, partitions};
use chrono::NaiveDate;
use defects::{DEFECTS, Defect};
use serde::Serialize;
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// One defect and what the checks said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Mutation {
    pub defect: String,
    pub description: String,
    /// Does a check name what is wrong?
    pub is_caught: bool,
    /// Checks that fail because of it.
    pub caught_by: Vec<String>,
    /// The sentence of the first that names it.
    pub message: Option<String>,
}

/// What came of all defects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Checks that fail on the good batch: there must be none.
    pub false_alarms: Vec<String>,
    pub checks: usize,
    pub mutations: Vec<Mutation>,
}

impl Report {
    /// Was every defect caught, and nothing else told?
    pub fn is_good(&self) -> bool {
        self.false_alarms.is_empty() && self.mutations.iter().all(|mutation| mutation.is_caught)
    }
}

/// Injects every defect into a good batch, in a database beside this one that is dropped in the end.
///
/// # Errors
/// What Postgres says: its user must be allowed to create databases.
pub async fn mutate(pool: &PgPool) -> Result<Report, Error> {
    let options = pool.connect_options();
    let mut beside = options.connect().await?;
    // Of this database alone: advisory locks are seen in one.
    let prefix = sqlx::query_scalar!(
        r#"select format('plumbline_mutation_%s_', oid) as "prefix!" from pg_database where datname = current_database()"#
    );
    let prefix = prefix.fetch_one(&mut beside).await?;
    drop_forsaken(&mut beside, &prefix).await?;
    let name = format!("{prefix}{:08x}", rand::random::<u32>());
    // Held as long as this connection lives: whose name is locked is at work.
    sqlx::query!("select pg_advisory_lock(hashtextextended($1, 0)) is null as locked", name).fetch_one(&mut beside).await?;
    sql::execute(&mut beside, format!("create database {}", super::expression::quoted(&name))).await?;
    let apart = sqlx::postgres::PgPoolOptions::new().max_connections(2).connect_with((*options).clone().database(&name)).await;
    let report = match apart {
        Ok(apart) => {
            let report = reported(&apart).await;
            apart.close().await;
            report
        }
        Err(error) => Err(error.into()),
    };
    // Whatever came of it: the database goes.
    let dropped = sql::execute(&mut beside, format!("drop database if exists {} with (force)", super::expression::quoted(&name))).await;
    beside.close().await?;
    let report = report?;
    dropped?;
    Ok(report)
}

/// Databases of runs that were killed.
async fn drop_forsaken(connection: &mut PgConnection, prefix: &str) -> Result<(), sqlx::Error> {
    let forsaken = sqlx::query_scalar!(
        r#"select datname::text as "name!" from pg_database
           where starts_with(datname::text, $1) and pg_try_advisory_lock(hashtextextended(datname::text, 0))"#,
        prefix
    );
    for name in forsaken.fetch_all(&mut *connection).await? {
        sql::execute(&mut *connection, format!("drop database if exists {} with (force)", super::expression::quoted(&name))).await?;
        sqlx::query!("select pg_advisory_unlock(hashtextextended($1, 0))", name).fetch_one(&mut *connection).await?;
    }
    Ok(())
}

async fn reported(pool: &PgPool) -> Result<Report, Error> {
    db::migrate(pool).await.map_err(|error| Error::Own(error.to_string()))?;
    partitions::ensure(pool, market::FIRST_DAY, market::SESSION + chrono::Days::new(400)).await?;
    let mut connection = pool.acquire().await?;
    market::fill(&mut connection).await?;
    let mut batch = Connection::begin(&mut *connection).await?;
    let clean = said(&mut batch).await?;
    batch.rollback().await?;
    let failing: BTreeSet<Alarm> = alarms(&clean);
    let told = |outcome: &&Outcome| !outcome.passed;
    let mut report = Report {
        false_alarms: clean.iter().filter(told).map(|outcome| format!("{}: {}", outcome.check.name, outcome.message)).collect(),
        checks: suite::suite()?.len(),
        mutations: Vec::new(),
    };
    for defect in DEFECTS {
        // A connection of its own: statements that were prepared before wouldn't bear a column of another type.
        let mut connection = pool.connect_options().connect().await?;
        let mut alone = Connection::begin(&mut connection).await?;
        sql::execute(&mut alone, defect.sql.to_owned()).await?;
        let outcomes = said(&mut alone).await?;
        alone.rollback().await?;
        connection.close().await?;
        report.mutations.push(judged(defect, &outcomes, &failing));
    }
    Ok(report)
}

/// Whatever makes two failures the same.
type Alarm = (String, i64, Option<String>);

fn alarms(outcomes: &[Outcome]) -> BTreeSet<Alarm> {
    outcomes.iter().filter(|outcome| !outcome.passed).map(alarm).collect()
}

fn alarm(outcome: &Outcome) -> Alarm {
    (outcome.check.name.clone(), outcome.portfolio_id, outcome.symbol.clone())
}

/// A defect is caught by a check that looks for it and whose failure shows it, not by one that fails somewhere else.
fn judged(defect: &Defect, outcomes: &[Outcome], before: &BTreeSet<Alarm>) -> Mutation {
    let new: Vec<&Outcome> = outcomes.iter().filter(|outcome| !outcome.passed && !before.contains(&alarm(outcome))).collect();
    let shows = |outcome: &Outcome| {
        let told = format!("{} {} {:?}", outcome.message, serde_json::Value::from(outcome.samples.clone()), outcome.symbol);
        defect.shown.is_empty() || told.contains(defect.shown)
    };
    let named = new.iter().find(|outcome| defect.caught_by.contains(&outcome.check.name.as_str()) && shows(outcome));
    let caught_by: BTreeSet<String> = new.iter().map(|outcome| outcome.check.name.clone()).collect();
    Mutation {
        defect: defect.name.into(),
        description: defect.description.into(),
        is_caught: named.is_some(),
        caught_by: caught_by.into_iter().collect(),
        message: named.map(|outcome| outcome.message.clone()),
    }
}

/// All checks, of the batch and of the models.
async fn said(connection: &mut PgConnection) -> Result<Vec<Outcome>, Error> {
    let session: NaiveDate = market::SESSION;
    let mut outcomes = examine(connection, None, 0, session, JudgedThrough::default(), Some(Vec::new())).await?.outcomes;
    let of_models: Vec<Arc<super::Check>> = suite::suite()?.iter().filter(|check| check.is_of_models()).cloned().collect();
    outcomes.extend(audited(connection, &of_models, &[], &BTreeMap::new(), session, session).await?);
    Ok(outcomes)
}
