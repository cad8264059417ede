//! Checks made on everything on file without keeping anything: by hand, or a rule before it is saved.

use super::{
    audit::audited,
    check::Check,
    examine::{Error, examine},
    load,
    outcome::Outcome,
    suite,
    watermark::JudgedThrough,
};
use crate::calendar;
use chrono::NaiveDate;
use sqlx::{Acquire, PgConnection, PgPool};
use std::{collections::BTreeMap, sync::Arc};

/// What one check says of what is on file now, as a rule of a person: apart, and under a time limit.
///
/// # Errors
/// What Postgres says; a rule that can't run is an [`Outcome`] that says why.
pub async fn attempt(connection: &mut PgConnection, check: &Check) -> Result<Vec<Outcome>, Error> {
    let own = Arc::new(Check { is_own: true, ..check.clone() });
    let outcomes = all(connection, None, None, Some(vec![own])).await?;
    Ok(outcomes.into_iter().filter(|outcome| outcome.check.is_own).collect())
}

/// All checks on everything on file, in a transaction that is undone. `instead`: of people's rules.
pub async fn all(
    connection: &mut PgConnection,
    beside: Option<&PgPool>,
    session: Option<NaiveDate>,
    instead: Option<Vec<Arc<Check>>>,
) -> Result<Vec<Outcome>, Error> {
    let mut apart = connection.begin().await?;
    let last = load::last_session(&mut apart).await?;
    let session = calendar::session_on_or_before(session.or(last).unwrap_or(calendar::FIRST_DAY));
    let own = match &instead {
        Some(checks) => checks.clone(),
        None => suite::own(&mut apart).await?.0,
    };
    let mut outcomes = examine(&mut apart, beside, 0, session, JudgedThrough::default(), instead).await?.outcomes;
    let of_models: Vec<Arc<Check>> = suite::suite()?.iter().filter(|check| check.is_of_models()).cloned().collect();
    outcomes.extend(audited(&mut apart, &of_models, &own, &BTreeMap::new(), session, session).await?);
    apart.rollback().await?;
    Ok(outcomes)
}
