//! A person's own models: built after ours, on a connection of their own, by a role that reads what is published and writes its own schemas.
//!
//! Each model stands or falls by itself: one transaction for its unit tests, the model and its tests. So a broken one costs nobody else
//! anything, and what it reads of ours is never held longer than [`PATIENCE`].

use super::{
    Build, Error, Project, Vars, limits,
    sql::{self, Rights},
    walk::{Outcome, Step, Steps, steps},
};
use crate::orchestrator::is_outage;
use serde_json::Value;
use sqlx::{Connection, PgConnection, PgPool};
use std::collections::BTreeSet;

/// Seconds that one statement of a person's model may take.
const PATIENCE: &str =
    "set local statement_timeout = '60s'; set local lock_timeout = '5s'; set local idle_in_transaction_session_timeout = '2min'";

/// So Postgres' list of connections calls ours.
const NAME: &str = "plumbline own models";

/// Runs statements by the role's rights; yields the rows that the last one wrote.
pub(super) async fn run(connection: &mut PgConnection, text: &str) -> Result<u64, sqlx::Error> {
    shut(connection).await?;
    let done = sqlx::query_scalar!(r#"select ops.run_own($1) as "rows!""#, text).fetch_one(&mut *connection).await?;
    let_go(connection).await?;
    Ok(done.unsigned_abs())
}

/// Reads one JSON value by the role's rights.
pub(super) async fn read(connection: &mut PgConnection, text: &str) -> Result<Value, sqlx::Error> {
    shut(connection).await?;
    let said = sqlx::query_scalar!("select ops.read_own($1)", text).fetch_one(&mut *connection).await?.unwrap_or_default();
    let_go(connection).await?;
    Ok(said)
}

/// The engine waits for advisory locks of its own, and anybody may take them: those of the connection are given back after each statement. Those
/// of a transaction can't be, so whoever takes one loses it with what was built.
async fn let_go(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(UNLOCK).execute(&mut *connection).await?;
    let held = sqlx::query_scalar!(
        r#"select count(*) > 1 as "more!" from pg_catalog.pg_locks where pid = pg_catalog.pg_backend_pid() and locktype = 'advisory'"#
    );
    if held.fetch_one(connection).await? {
        return Err(sqlx::Error::Protocol(
            "it takes an advisory lock until its transaction ends, and others wait for that: leave it out".into(),
        ));
    }
    Ok(())
}

/// Those of [`at_work`] last as long as the transaction, and stay.
const UNLOCK: &str = "select pg_catalog.pg_advisory_unlock_all()";

/// Until the end of the transaction a publication sees whose connection this is, whatever a model calls it.
async fn at_work(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_advisory_xact_lock_shared(hashtextextended('plumbline.own_models.at_work', 0)) is null as locked")
        .fetch_one(connection)
        .await?;
    Ok(())
}

/// Ends the connections of own models, of any node, that read one of these relations: nothing of ours waits for them. They are built again.
pub(super) async fn interrupt(connection: &mut PgConnection, relations: &[String]) -> Result<(), sqlx::Error> {
    let ended = sqlx::query_scalar!(
        r#"select count(pg_terminate_backend(pid)) as "ended!"
           from (select distinct pid from pg_locks as reading
                 where locktype = 'relation' and database = (select oid from pg_database where datname = current_database())
                   and relation in (select to_regclass(name)::oid from unnest($1::text[]) as name)
                   and exists (select from pg_locks as own
                               where own.pid = reading.pid and own.locktype = 'advisory' and own.database = reading.database and own.objsubid = 1
                                 and (own.classid::bigint << 32 | own.objid::bigint) = hashtextextended('plumbline.own_models.at_work', 0))
                ) as theirs"#,
        relations
    );
    let ended = ended.fetch_one(connection).await?;
    if ended > 0 {
        tracing::info!(ended, "models of your own read what is replaced: they were interrupted, and run again");
    }
    Ok(())
}

/// Before each statement: whatever settings and locks the one before it left are undone, and the way in is still the one that can't be left.
async fn shut(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(UNLOCK).execute(&mut *connection).await?;
    sqlx::raw_sql("reset all").execute(&mut *connection).await?;
    sqlx::raw_sql(PATIENCE).execute(&mut *connection).await?;
    let is_shut = sqlx::query_scalar!(
        r#"select pg_catalog.count(*) = 2 and not pg_catalog.bool_or(r.rolsuper or r.rolcreaterole or r.rolcreatedb or r.rolbypassrls or r.rolreplication)
                  and not exists (select from pg_catalog.pg_auth_members m where m.member = any (pg_catalog.array_agg(r.oid))) as "is_shut!"
           from pg_catalog.pg_proc p
           join pg_catalog.pg_namespace n on n.oid = p.pronamespace
           join pg_catalog.pg_roles r on r.oid = p.proowner
           where n.nspname = 'ops' and p.proname in ('run_own', 'read_own') and p.prosecdef and r.rolname = 'plumbline_own_models'"#
    )
    .fetch_one(&mut *connection)
    .await?;
    if is_shut {
        Ok(())
    } else {
        Err(sqlx::Error::Protocol(
            "the role plumbline_own_models has rights that it must not have: take them away, or drop the role (it is made anew)".into(),
        ))
    }
}

/// Builds and tests a person's models among `chosen` (positions in [`steps`]), or tests them as they stand.
///
/// # Errors
/// When the role can't be prepared. What is wrong with a model is its outcome.
pub(super) async fn carry_out(
    project: &Project,
    pool: &PgPool,
    chosen: &BTreeSet<Step>,
    full_refresh: bool,
) -> Result<Vec<Outcome>, Error> {
    let mine: Vec<Steps> = steps(project, chosen).into_iter().filter(|steps| steps.is_own).collect();
    if mine.is_empty() {
        return Ok(Vec::new());
    }
    // A connection that nobody gets afterwards: settings of a session could outlive a transaction.
    let options = pool.connect_options().as_ref().clone().application_name(NAME);
    let mut connection = PgConnection::connect_with(&options).await?;
    let outcomes = on(project, &mut connection, mine, full_refresh).await.map_err(|error| match error {
        // Which of the two it was, a connection that is gone doesn't say.
        Error::Database(source) if is_outage(&source) => Error::Interrupted { source },
        other => other,
    })?;
    connection.close().await?;
    Ok(outcomes)
}

async fn on(project: &Project, connection: &mut PgConnection, mine: Vec<Steps<'_>>, full_refresh: bool) -> Result<Vec<Outcome>, Error> {
    prepare(project, connection).await?;
    let (mut outcomes, mut failed) = (Vec::new(), BTreeSet::new());
    for steps in mine {
        sqlx::raw_sql(UNLOCK).execute(&mut *connection).await?;
        let mut tx = connection.begin().await?;
        at_work(&mut tx).await?;
        let done = match Build::look(project, &mut tx, Rights::Own, full_refresh).await {
            Ok(mut build) => {
                let (mut done, is_good) = steps.carry_out(&mut build, &mut tx, &Vars::default(), &mut failed).await;
                let kept = if is_good { build.put_in_place(&mut tx).await } else { Ok(()) };
                match kept {
                    Ok(()) if is_good => tx.commit().await.map_err(Error::from).map(|()| done),
                    Ok(()) => tx.rollback().await.map_err(Error::from).map(|()| done),
                    Err(error) => {
                        tx.rollback().await?;
                        failed.extend(steps.model.map(|model| model.name.clone()));
                        done.push(Outcome::broken(steps.name(), &error));
                        Ok(done)
                    }
                }
            }
            Err(error) => Err(error),
        }?;
        outcomes.extend(done);
    }
    Ok(outcomes)
}

/// The role, what it may read, and its schemas.
async fn prepare(project: &Project, connection: &mut PgConnection) -> Result<(), Error> {
    let mut tx = connection.begin().await?;
    sqlx::raw_sql("set local client_min_messages = warning").execute(&mut *tx).await?;
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('plumbline.own_models', 0)) is null as locked").fetch_one(&mut *tx).await?;
    sqlx::raw_sql(include_str!("role.sql")).execute(&mut *tx).await.map_err(|error| match error.as_database_error() {
        Some(refusal) if refusal.code().as_deref() == Some("42501") => Error::Unknown(format!(
            "PLUMBLINE_MODELS needs a role for models of your own, and the database's user may not make it ({refusal}). Have an administrator run: create role plumbline_own_models nologin; grant plumbline_own_models to <the user of DATABASE_URL>;"
        )),
        _ => error.into(),
    })?;
    let schemas: BTreeSet<&str> =
        project.models().iter().filter(|model| project.is_own(model)).map(|model| model.schema.as_str()).collect();
    for schema in schemas {
        let owner = sqlx::query_scalar!(
            r#"select pg_catalog.pg_get_userbyid(nspowner)::text as "owner!" from pg_catalog.pg_namespace where nspname = $1"#,
            schema
        )
        .fetch_optional(&mut *tx)
        .await?;
        match owner.as_deref() {
            Some("plumbline_own_models") => {}
            Some(owner) => {
                return Err(Error::Unknown(format!(
                    "the schema {schema} belongs to {owner} already, so models of your own can't be built there: choose another by config(schema=…)"
                )));
            }
            None => {
                let create = format!("create schema {schema} authorization plumbline_own_models");
                sql::execute(Rights::Installation, &mut tx, create).await?;
            }
        }
    }
    tx.commit().await?;
    Ok(())
}

/// How a person's model stands after an attempt to bring it up.
#[derive(Debug, Clone)]
pub struct Standing {
    /// Schema and name of the model, or the name of the test.
    pub name: String,
    /// A warning is good enough.
    pub is_good: bool,
    /// Written.
    pub rows: u64,
    pub ms: f64,
    /// What is wrong, in a sentence.
    pub message: String,
}

/// Builds and tests a person's models, all of them. What is wrong with the folder, too, is said of it and stops nothing.
///
/// # Errors
/// What Postgres says when it is out of reach; [`Error::Interrupted`] when a publication couldn't wait.
pub async fn bring_up(pool: &PgPool, folder: &std::path::Path) -> Result<Vec<Standing>, Error> {
    let (pool, folder) = (pool.clone(), folder.to_owned());
    match limits::apart(async move || bring_up_here(&pool, &folder).await).await {
        Ok(standings) => standings,
        Err(error) => Ok(whole(&error)),
    }
}

/// The folder as one.
fn whole(error: &impl std::fmt::Display) -> Vec<Standing> {
    vec![Standing { name: "own models".into(), is_good: false, rows: 0, ms: 0.0, message: error.to_string() }]
}

async fn bring_up_here(pool: &PgPool, folder: &std::path::Path) -> Result<Vec<Standing>, Error> {
    let project = match Project::with_own(Some(folder)) {
        Ok(project) => project,
        Err(error) => return Ok(whole(&error)),
    };
    let all = match super::select::chosen(&project, &[], &[]) {
        Ok(all) => all,
        Err(error) => return Ok(whole(&error)),
    };
    let outcomes = match carry_out(&project, pool, &all, false).await {
        Ok(outcomes) => outcomes,
        Err(error @ (Error::Database(_) | Error::Interrupted { .. })) => return Err(error),
        Err(error) => return Ok(whole(&error)),
    };
    let standing = |outcome: Outcome| Standing {
        is_good: matches!(outcome.status, "built" | "pass" | "warn"),
        rows: if outcome.kind == "model" { outcome.rows } else { 0 },
        message: outcome.message.unwrap_or_else(|| match outcome.status {
            "built" | "pass" => "As it should be.".into(),
            "skip" => "It was skipped, because what it reads failed.".into(),
            _ => format!("{} rows should not exist. Look at them with `plumbline models test`.", outcome.rows),
        }),
        name: outcome.name,
        ms: outcome.ms,
    };
    Ok(outcomes.into_iter().map(standing).collect())
}
