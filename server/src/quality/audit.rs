//! Checks on what is about to be published, inside of the publication's transaction: only what changed is looked at.

use super::{
    check::Check,
    dataset::Batch,
    examine::{Error, by_dataset},
    generic,
    outcome::{self, Outcome},
    own, sql, suite,
};
use crate::calendar;
use chrono::NaiveDate;
use sqlx::{Acquire, PgConnection};
use std::{collections::BTreeMap, sync::Arc};

/// Makes the checks of models, people's too, and writes their results to the run. `relations`: where models are now
/// (`marts.holdings` → `marts.holdings__new`), those that aren't named stand under their own name; `from`: the first session that changed.
///
/// A failure blocks nothing by itself: who publishes reads [`Outcome::blocks`] with the check's scope.
///
/// # Errors
/// What Postgres says; what the suite has wrong.
pub async fn audit(
    connection: &mut PgConnection,
    relations: &BTreeMap<String, String>,
    run_id: i64,
    session: NaiveDate,
    from: NaiveDate,
) -> Result<Vec<Outcome>, Error> {
    let checks: Vec<Arc<Check>> = suite::suite()?.iter().filter(|check| check.is_of_models()).cloned().collect();
    let (own, _) = suite::own(connection).await?;
    let mut outcomes = audited(connection, &checks, &own, relations, session, from).await?;
    outcome::accept(&mut outcomes, &outcome::accepted(connection, session).await?);
    sqlx::query!("delete from ops.check_result where run_id = $1 and dataset like '%.%' and dimension <> 'model'", run_id)
        .execute(&mut *connection)
        .await?;
    outcome::keep(connection, run_id, &outcomes).await?;
    Ok(outcomes)
}

/// Makes these checks of models, a person's apart. Writes nothing.
pub async fn audited(
    connection: &mut PgConnection,
    checks: &[Arc<Check>],
    own: &[Arc<Check>],
    relations: &BTreeMap<String, String>,
    session: NaiveDate,
    from: NaiveDate,
) -> Result<Vec<Outcome>, Error> {
    let own: Vec<Arc<Check>> = own.iter().filter(|check| check.is_of_models()).cloned().collect();
    let mut batch = Batch {
        judged_response: 0,
        session,
        sessions: calendar::sessions(from.min(session), session),
        relations: relations.clone(),
        dated: BTreeMap::new(),
    };
    for dataset in by_dataset(checks).keys().chain(by_dataset(&own).keys()) {
        if sql::columns(connection, &batch, dataset).await?.iter().any(|(name, of)| name == "session_date" && of == "date") {
            batch.dated.insert((*dataset).to_owned(), from.min(session));
        }
    }
    let mut outcomes = Vec::new();
    for (dataset, checks) in by_dataset(checks) {
        outcomes.extend(generic::checked(connection, dataset, &checks, &batch).await?.outcomes);
    }
    for check in &own {
        let mut apart = connection.begin().await?;
        let found = match sql::execute(&mut apart, own::LIMIT.to_owned()).await {
            Ok(_) => generic::checked(&mut apart, &check.dataset, &[check], &batch).await,
            Err(error) => Err(error),
        };
        apart.rollback().await?;
        match found {
            Ok(found) => outcomes.extend(found.outcomes),
            Err(error) => outcomes.extend(own::refused(check, error, sql::reason)?),
        }
    }
    Ok(outcomes)
}
