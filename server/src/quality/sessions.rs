//! Checks of what should be there: the session, the held symbols' closes, no gaps while a symbol is held.

use super::{
    bars::Window,
    check::{Check, CheckError},
    outcome::{Failure, Outcome, by_symbol},
    repairs,
    scan::Looked,
    suite::named,
};
use crate::calendar;
use chrono::{Days, NaiveDate};
use serde_json::json;
use sqlx::PgConnection;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Every portfolio is measured against it.
pub const BENCHMARK: &str = "SPY";
/// Gaps this old are looked for on every day, so that they stay in sight; older ones when bars of then arrive.
const GAP_DAYS: u64 = 45;

/// The checks that are made here.
pub const OF_SESSIONS: [&str; 4] = ["session_is_there", "held_are_fresh", "symbols_have_prices", "sessions_are_complete"];

/// The checks of what should be there, from the suite.
pub struct Expected {
    session: Arc<Check>,
    held: Arc<Check>,
    priced: Arc<Check>,
}

impl Expected {
    /// # Errors
    /// When the suite lacks one of them.
    pub fn of_suite() -> Result<Self, CheckError> {
        Ok(Self { session: named("session_is_there")?, held: named("held_are_fresh")?, priced: named("symbols_have_prices")? })
    }
}

/// Is the session there? Blocks the installation when neither the benchmark nor any held symbol has a close of it.
pub async fn freshness(
    connection: &mut PgConnection,
    window: &Window<'_>,
    expected: &Expected,
    held: &BTreeSet<&str>,
    refused: &BTreeSet<&str>,
) -> Result<Vec<Outcome>, sqlx::Error> {
    let (session, symbols) = (window.batch.session, window.symbols);
    let fresh: BTreeSet<String> = sqlx::query_scalar!(
        r#"select symbol as "symbol!" from raw.market_data as bar
           where symbol = any($1) and "timestamp" = $2 and close > 0 and symbol <> all ($4) and not exists (
               select from ops.quarantine as waiting
               where waiting.dataset = 'bars' and waiting.symbol = bar.symbol and waiting.session_date = bar.session_date
                 and waiting.response_id = bar.response_id and (waiting.released_at is null or waiting.discarded_at is not null))
           union
           select symbol from (
               select distinct on (symbol) symbol, is_deleted from book.price where symbol = any($1) and session_date = $3
               order by symbol, version desc) as entered
           where not is_deleted"#,
        symbols,
        calendar::midnight(session),
        session,
        &refused.iter().map(|symbol| (*symbol).to_owned()).collect::<Vec<_>>(),
    )
    .fetch_all(&mut *connection)
    .await?
    .into_iter()
    .collect();
    // Asked for those few only: any close of any time will do, and a join would read them all.
    let others: Vec<String> = symbols.iter().filter(|symbol| !fresh.contains(*symbol)).cloned().collect();
    let mut priced: BTreeSet<String> = sqlx::query_scalar!(
        r#"select symbol as "symbol!" from unnest($1::text[]) as symbol
           where (select true from raw.market_data as bar where bar.symbol = symbol.symbol and bar.close > 0 limit 1)"#,
        &others
    )
    .fetch_all(connection)
    .await?
    .into_iter()
    .collect();
    priced.extend(fresh.iter().cloned());
    let first = session_is_there(
        &expected.session,
        session,
        fresh.contains(BENCHMARK),
        held.len(),
        held.iter().filter(|s| fresh.contains(**s)).count(),
    );
    let mut outcomes = vec![first];
    let late = held.iter().filter(|symbol| priced.contains(**symbol) && !fresh.contains(**symbol)).map(|symbol| Failure {
        symbol: (*symbol).into(),
        sample: json!({ "symbol": symbol, "session_date": session }),
        reason: format!("{symbol} has no close of {session}; its last one is carried. Fetch again, or check whether it is still traded."),
    });
    outcomes.extend(by_symbol(&expected.held, held.len() as u64, late.collect()));
    let unpriced = symbols.iter().filter(|symbol| !priced.contains(*symbol)).map(|symbol| Failure {
        symbol: symbol.clone(),
        sample: json!({ "symbol": symbol }),
        reason: format!(
            "{symbol} has no prices at all, so what it is worth is unknown; check how it is written, or whether the vendor has it."
        ),
    });
    outcomes.extend(by_symbol(&expected.priced, symbols.len() as u64, unpriced.collect()));
    for outcome in outcomes.iter_mut().filter(|outcome| !outcome.passed) {
        outcome.repairs = match &outcome.symbol {
            Some(symbol) => vec![repairs::fetch(symbol, session, session), repairs::accept(&outcome.check.name)],
            None => vec![repairs::fetch(BENCHMARK, session, session)],
        };
    }
    Ok(outcomes)
}

/// The verdict on the session. It blocks the installation when neither the benchmark nor any held symbol has a close of it; anything
/// less warns.
fn session_is_there(check: &Arc<Check>, session: NaiveDate, has_benchmark: bool, held: usize, held_there: usize) -> Outcome {
    let elements = held as u64 + 1;
    if has_benchmark && (held == 0 || held_there > 0) {
        return Outcome::passing(check, 0, elements);
    }
    let (message, blocks) = match (has_benchmark, held_there) {
        (false, 0) => (
            format!(
                "The vendor has no close of {session} yet, neither of {BENCHMARK} nor of what is held; nothing new is published. Run it again when it has."
            ),
            true,
        ),
        (false, _) => (format!("{BENCHMARK} has no close of {session}, so that day has no benchmark; fetch again."), false),
        (true, _) => (format!("None of the held symbols has a close of {session}; their last ones are carried. Fetch again."), false),
    };
    let check = if blocks { Arc::clone(check) } else { Arc::new(Check { action: super::check::Action::Record, ..Check::clone(check) }) };
    Outcome {
        passed: false,
        observed: format!("{BENCHMARK} {}, {held_there} of {held} held symbols there", if has_benchmark { "there" } else { "missing" }),
        failures: elements - held_there as u64 - u64::from(has_benchmark),
        message,
        ..Outcome::passing(&check, 0, elements)
    }
}

/// Sessions without a close while a symbol was held: of the last weeks, and back to the first new bar.
pub async fn gaps(
    connection: &mut PgConnection,
    window: &Window<'_>,
    check: &Arc<Check>,
    spans: &BTreeMap<String, (NaiveDate, NaiveDate)>,
    looked: &[Looked],
) -> Result<Vec<Outcome>, sqlx::Error> {
    let recent = window.batch.session - Days::new(GAP_DAYS);
    let from = window.from.map_or(recent, |from| from.min(recent));
    // The session itself is a matter of freshness.
    let sessions = calendar::sessions(from, calendar::session_before(window.batch.session));
    let whole = whole(looked);
    let of_window = spans.iter().filter(|(_, (_, to))| *to >= from);
    let in_window: Vec<_> = of_window
        .clone()
        // The pass has counted these: a bar for each session, from before the symbol was held until after it.
        .filter(|(symbol, (held_from, held_to))| {
            !whole.get(symbol.as_str()).is_some_and(|(first, last)| {
                *first <= calendar::session_on_or_after((*held_from).max(from))
                    && *last >= calendar::session_on_or_before(*held_to).min(calendar::session_before(window.batch.session))
            })
        })
        .collect();
    let held = of_window.count();
    let symbols: Vec<String> = in_window.iter().map(|(symbol, _)| (*symbol).clone()).collect();
    let missing = sqlx::query_file!(
        "src/quality/missing_sessions.sql",
        &symbols,
        &in_window.iter().map(|(_, (from, _))| *from).collect::<Vec<_>>(),
        &in_window.iter().map(|(_, (_, to))| *to).collect::<Vec<_>>(),
        &sessions,
        calendar::midnight(from)
    )
    .fetch_all(connection)
    .await?;
    let mut by_name: BTreeMap<String, Vec<NaiveDate>> = BTreeMap::new();
    for row in missing {
        by_name.entry(row.symbol).or_default().push(row.session_date);
    }
    let failures = by_name.into_iter().map(|(symbol, days)| Failure {
        reason: format!(
            "{symbol} has no close on {}; the last one is carried. Backfill these days, or check whether it was halted.",
            listed(&days)
        ),
        sample: json!({ "symbol": symbol, "sessions": days.len(), "first": days.first(), "last": days.last() }),
        symbol,
    });
    let mut outcomes = by_symbol(check, (held * sessions.len()) as u64, failures.collect());
    for outcome in outcomes.iter_mut().filter(|outcome| !outcome.passed) {
        let days = |field: &str| outcome.samples.first().and_then(|sample| sample.get(field)?.as_str()?.parse().ok());
        outcome.repairs = vec![repairs::accept(&check.name)];
        if let (Some(symbol), Some(first), Some(last)) = (&outcome.symbol, days("first"), days("last")) {
            outcome.repairs.insert(0, repairs::fetch(symbol, first, last));
        }
    }
    Ok(outcomes)
}

/// Symbols with exactly one good bar for each session between their first and their last.
fn whole(looked: &[Looked]) -> BTreeMap<&str, (NaiveDate, NaiveDate)> {
    let spans = looked.iter().filter(|symbol| symbol.is_whole()).filter_map(|symbol| Some((symbol, symbol.first?, symbol.last?)));
    let (Some(first), Some(last)) = (spans.clone().map(|(_, first, _)| first).min(), spans.clone().map(|(_, _, last)| last).max()) else {
        return BTreeMap::new();
    };
    let sessions = calendar::sessions(first, last);
    let counted = |day: NaiveDate| sessions.partition_point(|session| *session <= day);
    spans
        .filter(|(symbol, first, last)| {
            usize::try_from(symbol.rows).is_ok_and(|rows| rows == counted(*last) + 1 - counted(*first)) && calendar::is_session(*first)
        })
        .map(|(symbol, first, last)| (symbol.symbol.as_str(), (first, last)))
        .collect()
}

/// The first few days, and how many more.
fn listed(days: &[NaiveDate]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = days.iter().take(SHOWN).map(ToString::to_string).collect();
    match days.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more sessions", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn only_a_session_that_nobody_has_blocks() {
        let table = [
            (true, 3, 3, true, false),
            (true, 3, 1, true, false),
            (true, 0, 0, true, false),
            (false, 3, 2, false, false),
            (true, 3, 0, false, false),
            (false, 3, 0, false, true),
            (false, 0, 0, false, true),
        ];
        for (benchmark, held, there, passes, blocks) in table {
            let outcome = session_is_there(&named("session_is_there").unwrap(), day("2026-11-20"), benchmark, held, there);
            assert_eq!((outcome.passed, outcome.blocks()), (passes, blocks), "{benchmark} {there} of {held}");
        }
    }

    #[test]
    fn a_symbol_with_a_bar_for_each_session_has_no_gaps() {
        let looked = |rows, odd| Looked {
            symbol: "A".into(),
            rows,
            odd,
            apart: Vec::new(),
            first: Some(day("2026-11-16")),
            last: Some(day("2026-11-20")),
        };
        assert_eq!(whole(&[looked(5, 0)]).len(), 1);
        assert!(whole(&[looked(4, 0)]).is_empty() && whole(&[looked(5, 1)]).is_empty() && whole(&[]).is_empty());
    }

    #[test]
    fn a_long_list_of_days_is_cut() {
        let days: Vec<_> = (1..=8).map(|number| day(&format!("2026-01-0{number}"))).collect();
        assert_eq!(listed(&days[..2]), "2026-01-01, 2026-01-02");
        assert!(listed(&days).ends_with("2026-01-05 and 3 more sessions"));
    }
}
