//! A second vendor's closes of the last sessions: the checks hold them beside the first one's. Its absence is no failure.

use super::{ALL_COUNTED, Aim, is_last_attempt};
use crate::{
    calendar,
    ingest::alpaca,
    orchestrator::{Outcome, TaskContext, TaskError},
    pipeline::{connections, dags::Deps, tracked},
};
use app::domain::Symbol;
use chrono::NaiveDate;

/// Sessions that are compared: a vendor corrects a close within a week, hardly later.
const SESSIONS: usize = 5;

/// The task `extract_reference`.
pub(in crate::pipeline) async fn reference(deps: &Deps, ctx: &TaskContext) -> Result<Outcome, TaskError> {
    let Some(connection) = connections::reference(deps).await? else { return Ok(ALL_COUNTED) };
    let session = Aim::of(ctx)?.session;
    let symbols: Vec<Symbol> = tracked::tracked(&ctx.pool, session).await?.symbols.into_iter().collect();
    match alpaca::land_closes(ctx, &deps.http, &connection, &symbols, (first(session), session)).await {
        Ok(_) => Ok(ALL_COUNTED),
        Err(error @ (TaskError::Fenced(_) | TaskError::Cancelled | TaskError::Interrupted(_))) => Err(error),
        Err(error @ TaskError::Retryable(_)) if !is_last_attempt(ctx).await? => Err(error),
        // The same connection's account is what its owner is told about; here the run does without.
        Err(error) => {
            tracing::warn!(connection_id = connection.id.get(), %error, "closes to compare with couldn't be fetched");
            Ok(ALL_COUNTED)
        }
    }
}

fn first(session: NaiveDate) -> NaiveDate {
    (1..SESSIONS).fold(session, |day, _| calendar::session_before(day))
}
