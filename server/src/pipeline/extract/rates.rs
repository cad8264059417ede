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
use chrono::Days;

/// The yield of 3-month Treasury bills.
const SERIES: &str = "DGS3MO";

/// FRED publishes a day or two later, and revises.
const LOOK_BACK_DAYS: u64 = 14;

/// The task `extract_rates`.
pub(in crate::pipeline) async fn rates(deps: &Deps, ctx: &TaskContext) -> Result<Outcome, TaskError> {
    let Some(connection) = connections::rates(&ctx.pool, &deps.vault).await? else {
        let advice = "There is no FRED connection, so numbers that need a risk-free rate use the last known one or stay undefined. Set \
                      FRED_API_KEY in .env and start the server again.";
        return without(ctx, "no connection", advice).await;
    };
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

async fn give_up(ctx: &TaskContext, connection: app::domain::ConnectionId, reason: &str) -> Result<Outcome, TaskError> {
    tracing::warn!(reason, "interest rates couldn't be fetched");
    connections::note_error(&ctx.pool, connection, Some(reason)).await?;
    let message = format!("Interest rates couldn't be fetched, so the last known one is carried: {reason}. The next run tries again.");
    without(ctx, reason, &message).await
}

async fn without(ctx: &TaskContext, observed: &str, message: &str) -> Result<Outcome, TaskError> {
    let mut transaction = ctx.begin().await?;
    sqlx::query!(
        "insert into ops.check_result (run_id, check_name, dimension, scope, severity, passed, observed, expected, elements, failures, message)
         values ($1, 'rates_answer', 'freshness', 'installation', 'warn', false, $2, 'an answer', 1, 1, $3)",
        ctx.run_id,
        observed,
        message,
    )
    .execute(&mut *transaction)
    .await?;
    ctx.complete(&mut transaction, 0).await?;
    transaction.commit().await?;
    Ok(Outcome::Completed)
}
