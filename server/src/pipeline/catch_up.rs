//! What is missing when the server starts, and why nothing can be done about it yet.

use super::{
    dags::{daily, history, publication},
    error::Error,
    ledger,
    parameters::{Everything, Parameters},
    requests::{ask, published_session},
};
use crate::{
    clock::Clock,
    orchestrator::{Dag, Repeat, StartDuty, Trigger},
    warehouse::is_of_this_version,
};
use async_trait::async_trait;
use chrono::NaiveDate;
use sqlx::PgPool;

/// Asks once for what is missing when the server starts.
pub(super) struct CatchUp {
    pub(super) pool: PgPool,
    pub(super) clock: Clock,
}

#[async_trait]
impl StartDuty for CatchUp {
    async fn on_start(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        match catch_up(&self.pool, self.clock).await? {
            Some(run_id) => tracing::info!(run_id, "what is missing since the last publication is being fetched"),
            None => {
                if let Some(sentence) = waiting_for(&self.pool).await? {
                    tracing::info!("{sentence}");
                }
            }
        }
        Ok(())
    }
}

/// Asks for a run when nothing was published yet, or not up to the last completed session. `None`: nothing to do, or
/// nobody to do it for (see [`waiting_for`]).
///
/// # Errors
/// What Postgres says.
pub async fn catch_up(pool: &PgPool, clock: Clock) -> Result<Option<i64>, Error> {
    if waiting_for(pool).await?.is_some() {
        return Ok(None);
    }
    match missing(published_session(pool).await?, clock.last_completed_session()) {
        Some((dag, parameters)) => Ok(Some(ask(pool, dag, parameters, Trigger::CatchUp, None, Repeat::JoinLive).await?)),
        None if !is_of_this_version(pool).await? || !ledger::is_of_this_shape(pool).await? => {
            // Nothing is missing, but what an older version published pages of this one can't read.
            let all = Parameters::PublishAll { publish: Everything::All };
            Ok(Some(ask(pool, publication(), all, Trigger::CatchUp, None, Repeat::JoinLive).await?))
        }
        None => Ok(None),
    }
}

fn missing(published: Option<NaiveDate>, completed: NaiveDate) -> Option<(Dag, Parameters)> {
    match published {
        None => Some((history(), Parameters::Backfill { from: None, to: completed })),
        Some(published) if published < completed => Some((daily(), Parameters::Daily { session: completed })),
        Some(_) => None,
    }
}

/// Why no run can begin, in one sentence; `None` when one can.
///
/// # Errors
/// What Postgres says.
pub async fn waiting_for(pool: &PgPool) -> Result<Option<String>, Error> {
    let found = sqlx::query!(
        r#"select exists (select from book.connection join auth."user" on user_id = owner_id
                          where vendor = 'polygon' and connection.disabled_at is null and role in ('administrator', 'demo')
                            and "user".disabled_at is null) as "prices!",
                  exists (select from auth."user" where role = 'administrator' and disabled_at is null) as "administrator!""#
    )
    .fetch_one(pool)
    .await?;
    Ok(match (found.prices, found.administrator) {
        (true, _) => None,
        (false, false) => Some(
            "Waiting for the first administrator: open the link that was printed at the start and create the account; the vendor keys \
             become that person's."
                .to_owned(),
        ),
        (false, true) => Some("Waiting for a source of prices: set POLYGON_API_KEY in .env and start the server again.".to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_for_what_is_missing_and_nothing_else() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let completed = day("2026-11-20");
        let first = missing(None, completed).unwrap();
        assert_eq!((first.0.name.as_str(), first.1), ("backfill", Parameters::Backfill { from: None, to: completed }));
        let later = missing(Some(day("2026-11-11")), completed).unwrap();
        assert_eq!((later.0.name.as_str(), later.1), ("daily", Parameters::Daily { session: completed }));
        assert!(missing(Some(completed), completed).is_none());
        assert!(missing(Some(day("2026-11-23")), completed).is_none(), "an older clock undoes nothing");
    }
}
