//! Exchange rates of every currency that portfolios, their transactions or their securities are in. What needs one that can't be had is
//! undefined, so its absence is a warning and no failure.

use super::{ALL_COUNTED, Ground, is_last_attempt};
use crate::{
    ingest::polygon,
    orchestrator::{Outcome, TaskContext, TaskError},
    pipeline::{
        coverage::{self, Kind, Span},
        dags::Deps,
        tracked,
    },
};
use chrono::{Days, NaiveDate};

/// Rates are corrected for some days.
const LOOK_BACK_DAYS: u64 = 7;

/// The task `extract_exchange_rates`.
pub(in crate::pipeline) async fn exchange_rates(deps: &Deps, ctx: &TaskContext) -> Result<Outcome, TaskError> {
    let currencies = tracked::currencies(&ctx.pool).await?;
    if currencies.is_empty() {
        return Ok(ALL_COUNTED);
    }
    let ground = Ground::of(deps, ctx).await?;
    let known = coverage::load(&ctx.pool, ground.connection_id(), Kind::ExchangeRates).await?;
    let first_day = ground.tracked.first_day;
    for currency in currencies {
        let span = span(ground.aim.anew, known.get(currency.as_str()).copied(), first_day, ground.aim.through());
        match polygon::land_rates(ctx, &deps.http, &ground.connection, currency, (span.from, span.to)).await {
            Ok(_) => {}
            Err(fenced @ TaskError::Fenced(_)) => return Err(fenced),
            // Another plan, or a better answer, may have them: the next run asks for all of them again.
            Err(error @ TaskError::Final(_)) => {
                tracing::warn!(%currency, %error, "no exchange rates");
                continue;
            }
            Err(error) if is_last_attempt(ctx).await? => {
                tracing::warn!(%currency, %error, "exchange rates couldn't be fetched; the next run asks again");
                continue;
            }
            Err(error) => return Err(error),
        }
        // Also where the vendor has none.
        coverage::note(&ctx.pool, ground.connection_id(), Kind::ExchangeRates, [currency.as_str()], span).await?;
    }
    Ok(ALL_COUNTED)
}

/// What a person wants anew; else all since the first day, or what came since the last time.
fn span(anew: Option<NaiveDate>, known: Option<Span>, first_day: NaiveDate, to: NaiveDate) -> Span {
    let from = match (anew, known) {
        (Some(anew), _) => anew,
        (None, Some(known)) if known.from <= first_day => known.to.min(to) - Days::new(LOOK_BACK_DAYS),
        _ => first_day,
    };
    Span { from, to }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_currency_brings_its_history() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let (first, to) = (day("2021-11-12"), day("2026-11-20"));
        let known = |from: &str, to: &str| Some(Span { from: day(from), to: day(to) });
        let from = |anew, known| span(anew, known, first, to).from;
        assert_eq!(from(None, None), first);
        assert_eq!(from(None, known("2021-11-12", "2026-11-19")), day("2026-11-12"));
        assert_eq!(from(None, known("2025-01-01", "2026-11-19")), first, "an older transaction");
        assert_eq!(from(Some(day("2024-01-02")), known("2021-11-12", "2026-11-19")), day("2024-01-02"));
    }
}
