//! The risk-free rate. Numbers that need it are undefined without it, so its absence is a warning and no failure.

use super::{ALL_COUNTED, Aim, is_last_attempt};
use crate::{
    ingest::fred,
    orchestrator::{Outcome, TaskContext, TaskError},
    pipeline::{
        connections,
        coverage::{self, Kind, Span},
        dags::Deps,
        tracked,
    },
};
use app::domain::ConnectionId;
use chrono::Days;

/// The yield of 3-month Treasury bills.
const SERIES: &str = "DGS3MO";

/// FRED publishes a day or two later, and revises.
const LOOK_BACK_DAYS: u64 = 14;

/// The task `extract_rates`.
pub(in crate::pipeline) async fn rates(deps: &Deps, ctx: &TaskContext) -> Result<Outcome, TaskError> {
    // Without one, and where it doesn't answer, the checks say so.
    let Some(connection) = connections::rates(deps).await? else { return Ok(ALL_COUNTED) };
    let aim = Aim::of(ctx)?;
    let first_day = tracked::tracked(&ctx.pool, aim.session).await?.first_day;
    let known = coverage::load(&ctx.pool, connection.id.get(), Kind::Rates).await?;
    let from = match (aim.anew, known.get(SERIES)) {
        (Some(anew), _) => anew,
        (None, Some(span)) if span.from <= first_day => span.to.min(aim.session) - Days::new(LOOK_BACK_DAYS),
        _ => first_day,
    };
    match fred::land_series(ctx, &deps.http, &connection, SERIES, from).await {
        Ok(_) => {
            let span = Span { from, to: aim.session };
            coverage::note(&ctx.pool, connection.id.get(), Kind::Rates, [SERIES], span).await?;
            connections::note_error(&ctx.pool, connection.id, None).await?;
            Ok(ALL_COUNTED)
        }
        Err(fenced @ TaskError::Fenced(_)) => Err(fenced),
        Err(TaskError::Final(error)) => give_up(ctx, connection.id, &error.to_string()).await,
        Err(error) if is_last_attempt(ctx).await? => give_up(ctx, connection.id, &error.to_string()).await,
        Err(error) => Err(error),
    }
}

async fn give_up(ctx: &TaskContext, connection: ConnectionId, reason: &str) -> Result<Outcome, TaskError> {
    tracing::warn!(reason, "interest rates couldn't be fetched");
    connections::note_error(&ctx.pool, connection, Some(reason)).await?;
    Ok(ALL_COUNTED)
}
