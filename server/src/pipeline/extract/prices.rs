//! Daily bars of everything tracked.

use super::{ALL_COUNTED, Ground};
use crate::{
    db::partitions,
    ingest::polygon,
    orchestrator::{Outcome, TaskContext, TaskError},
    pipeline::{
        coverage::{self, Kind, Span},
        dags::Deps,
        plan::{self, Bars},
        tracked::BENCHMARK,
    },
};
use app::domain::Symbol;
use chrono::{Days, NaiveDate};

/// Partitions are made this far ahead of the session.
const DAYS_AHEAD: u64 = 366;

#[derive(Debug, thiserror::Error)]
#[error("the prices of {session} aren't there yet: the vendor has no bar of {BENCHMARK} for it")]
struct NoBenchmark {
    session: NaiveDate,
}

/// The task `extract_prices`.
pub(in crate::pipeline) async fn prices(deps: &Deps, ctx: &TaskContext) -> Result<Outcome, TaskError> {
    let ground = Ground::of(deps, ctx).await?;
    let asks = asks(ctx, &ground).await?;
    if !asks.is_empty() {
        let told = land(deps, ctx, &ground, &asks).await;
        ground.note(ctx, &told).await?;
        told?;
    }
    Ok(ALL_COUNTED)
}

/// What isn't known yet, with partitions for it.
async fn asks(ctx: &TaskContext, ground: &Ground) -> Result<Vec<Bars>, TaskError> {
    let aim = &ground.aim;
    if ground.tracked.symbols.is_empty() {
        return Ok(Vec::new());
    }
    let first_day = ground.tracked.first_day;
    let first = aim.anew.map_or(first_day, |anew| anew.min(first_day));
    partitions::ensure(&ctx.pool, first, aim.session + Days::new(DAYS_AHEAD)).await?;
    let known = coverage::load(&ctx.pool, ground.connection_id(), Kind::Bars).await?;
    Ok(plan::bars(&ground.tracked.symbols, &known, first_day, aim.through(), aim.anew))
}

async fn land(deps: &Deps, ctx: &TaskContext, ground: &Ground, asks: &[Bars]) -> Result<(), TaskError> {
    let (connection, connection_id, aim) = (&ground.connection, ground.connection_id(), &ground.aim);
    let is_last_session = aim.only.is_none() && aim.session == deps.clock.last_completed_session();
    if is_last_session && asks.iter().any(|ask| matches!(ask, Bars::Symbols { .. })) && !has_benchmark(ctx, aim.session).await? {
        // One question instead of one a symbol, as long as the vendor hasn't got the session.
        let benchmark = Symbol::parse(BENCHMARK).map_err(|error| TaskError::Final(Box::new(error)))?;
        polygon::land_bars(ctx, &deps.http, connection, &benchmark, aim.session, aim.session).await?;
        if !has_benchmark(ctx, aim.session).await? {
            return Err(TaskError::NotReady(Box::new(NoBenchmark { session: aim.session })));
        }
    }
    for ask in asks {
        match ask {
            Bars::Symbols { symbols, span } => {
                polygon::land_bars_of(ctx, &deps.http, connection, symbols, span.from, span.to).await?;
                note(ctx, connection_id, symbols, *span).await?;
            }
            Bars::Market { session, symbols } => {
                polygon::land_grouped(ctx, &deps.http, connection, *session, &ground.tracked.symbols).await?;
                note(ctx, connection_id, symbols, Span { from: *session, to: *session }).await?;
            }
        }
    }
    Ok(())
}

async fn note(ctx: &TaskContext, connection_id: i64, symbols: &[Symbol], span: Span) -> Result<(), sqlx::Error> {
    coverage::note(&ctx.pool, connection_id, Kind::Bars, symbols.iter().map(Symbol::as_str), span).await
}

async fn has_benchmark(ctx: &TaskContext, session: NaiveDate) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from raw.market_data where symbol = $1 and "timestamp" = $2) as "has!""#,
        BENCHMARK,
        crate::calendar::midnight(session)
    )
    .fetch_one(&ctx.pool)
    .await
}
