//! Splits, dividends, and who the companies are.

use super::{ALL_COUNTED, Ground};
use crate::{
    ingest::{
        Connection,
        polygon::{self, Ask, Dividend, Split},
    },
    orchestrator::{Outcome, TaskContext, TaskError},
    pipeline::{
        coverage::{self, Kind, Span},
        dags::Deps,
        plan::{self, Events},
    },
};
use app::domain::Symbol;

/// Asking for so few one by one is cheaper than reading the whole market's pages.
const FEW_SYMBOLS: usize = 10;

/// The task `extract_actions`.
pub(in crate::pipeline) async fn actions(deps: &Deps, ctx: &TaskContext) -> Result<Outcome, TaskError> {
    let ground = Ground::of(deps, ctx).await?;
    for kind in [Kind::Splits, Kind::Dividends] {
        let known = coverage::load(&ctx.pool, ground.connection_id(), kind).await?;
        if ground.tracked.symbols.is_empty() {
            continue;
        }
        let session = ground.aim.through();
        for events in plan::events(&ground.tracked.symbols, &known, ground.tracked.first_day, session, ground.aim.anew) {
            let Events { symbols, span, .. } = &events;
            let ask = ask(&ground.connection, &events);
            if kind == Kind::Splits {
                polygon::land_actions::<Split>(ctx, &deps.http, &ground.connection, span.from, span.to, symbols, ask).await?;
            } else {
                polygon::land_actions::<Dividend>(ctx, &deps.http, &ground.connection, span.from, span.to, symbols, ask).await?;
            }
            // What lies ahead may still be announced: it isn't known.
            let span = Span { from: span.from, to: session };
            coverage::note(&ctx.pool, ground.connection_id(), kind, symbols.iter().map(Symbol::as_str), span).await?;
        }
    }
    Ok(ALL_COUNTED)
}

/// The whole market's events of ten years are a million rows at a vendor, and a few pages in the simulator.
fn ask(connection: &Connection, events: &Events) -> Ask {
    if is_simulator(connection) {
        return Ask::AcrossMarket;
    }
    if events.is_history || events.symbols.len() <= FEW_SYMBOLS { Ask::PerTicker } else { Ask::AcrossMarket }
}

/// Nobody but our simulator serves a market on this machine without any limit.
fn is_simulator(connection: &Connection) -> bool {
    let is_local = match connection.base_url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    is_local && connection.calls_per_minute.is_none()
}

/// The task `extract_details`.
pub(in crate::pipeline) async fn details(deps: &Deps, ctx: &TaskContext) -> Result<Outcome, TaskError> {
    let ground = Ground::of(deps, ctx).await?;
    let known = coverage::load(&ctx.pool, ground.connection_id(), Kind::Details).await?;
    let symbols = plan::details(&ground.tracked.symbols, &known, ground.aim.session);
    if symbols.is_empty() {
        return Ok(ALL_COUNTED);
    }
    polygon::land_details(ctx, &deps.http, &ground.connection, &symbols).await?;
    let span = Span { from: ground.aim.session, to: ground.aim.session };
    let names = symbols.iter().map(Symbol::as_str);
    coverage::replace(&ctx.pool, ground.connection_id(), Kind::Details, names, span).await?;
    Ok(ALL_COUNTED)
}
