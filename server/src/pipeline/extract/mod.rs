//! The extracts: which vendor is asked for what, for whom. How an answer lands is `ingest`'s.

mod broker;
mod events;
mod exchange;
mod prices;
mod rates;
mod reference;

pub(super) use broker::{broker, list as brokers};
pub(super) use events::{actions, details};
pub(super) use exchange::exchange_rates;
pub(super) use prices::prices;
pub(super) use rates::rates;
pub(super) use reference::reference;

use super::{
    dags::Deps,
    parameters::{Parameters, Refetch},
    tracked,
};
use crate::{
    ingest::Connection,
    orchestrator::{Outcome, TaskContext, TaskError},
};
use chrono::NaiveDate;

/// Steps count their own rows as they commit.
const ALL_COUNTED: Outcome = Outcome::Done { rows: 0 };

/// What an extract is for.
#[derive(Debug, Clone)]
pub(super) struct Aim {
    /// The session that is checked afterwards; the last one to fetch, unless `only` says otherwise.
    pub(super) session: NaiveDate,
    /// The first day of what a person wants fetched once more, known or not.
    pub(super) anew: Option<NaiveDate>,
    /// This and nothing else.
    pub(super) only: Option<Refetch>,
}

#[derive(Debug, thiserror::Error)]
#[error("a publication after an edit extracts nothing; start a daily run instead")]
struct NothingToExtract;

impl Aim {
    pub(super) fn of(ctx: &TaskContext) -> Result<Self, TaskError> {
        match Parameters::read(&ctx.parameters).map_err(|error| TaskError::Final(Box::new(error)))? {
            Parameters::Daily { session } => Ok(Self { session, anew: None, only: None }),
            Parameters::Backfill { from, to } => Ok(Self { session: to, anew: from, only: None }),
            Parameters::Refetch(only) => Ok(Self { session: only.session, anew: Some(only.from), only: Some(only) }),
            Parameters::Publish { .. } | Parameters::PublishAll { .. } => Err(TaskError::Final(Box::new(NothingToExtract))),
        }
    }

    /// The last session to fetch.
    fn through(&self) -> NaiveDate {
        self.only.as_ref().map_or(self.session, |only| only.to)
    }
}

/// What all extracts of prices and events begin with.
struct Ground {
    aim: Aim,
    tracked: tracked::Tracked,
    connection: Connection,
}

impl Ground {
    async fn of(deps: &Deps, ctx: &TaskContext) -> Result<Self, TaskError> {
        let aim = Aim::of(ctx)?;
        let mut tracked = tracked::tracked(&ctx.pool, aim.session).await?;
        if let Some(only) = &aim.only {
            tracked.symbols = only.refetch.iter().cloned().collect();
        }
        let connection = super::connections::prices(deps).await?;
        Ok(Self { aim, tracked, connection })
    }

    fn connection_id(&self) -> i64 {
        self.connection.id.get()
    }

    /// Keeps what the connections page says of the source of prices. What passes by itself, and a close that isn't there yet, is no
    /// fault of the connection.
    async fn note(&self, ctx: &TaskContext, told: &Result<(), TaskError>) -> Result<(), sqlx::Error> {
        let reason = match told {
            Ok(()) => None,
            Err(error @ TaskError::Final(_)) => Some(error.to_string()),
            Err(error @ TaskError::Retryable(_)) if is_last_attempt(ctx).await? => Some(error.to_string()),
            Err(_) => return Ok(()),
        };
        super::connections::note_error(&ctx.pool, self.connection.id, reason.as_deref()).await
    }
}

/// Is this the task's last attempt? What can be done without is then done without.
async fn is_last_attempt(ctx: &TaskContext) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select (select count(*) from ops.attempt where attempt.task_id = task.task_id and number > cleared_at_attempt and error_class in ('retryable', 'final')) + 1
                  >= max_attempts as "is_last!"
           from ops.task where task_id = $1"#,
        ctx.task_id
    )
    .fetch_one(&ctx.pool)
    .await
}
