//! Checks of prices: gathers what is suspicious by SQL, lets the pure rules judge it.

use super::{
    entries::Splits,
    outcome::{Failure, Outcome, by_symbol},
    rules::{
        BAR_IS_WHOLE, BARS_ARE_OF_SESSIONS, CLOSE_IS_THERE, HELD_ARE_FRESH, JUMPS_ARE_EXPLAINED, PRICES_ARE_IN_RANGE, PRICES_ARE_POSITIVE,
        Rule, SESSION_IS_THERE, SESSIONS_ARE_COMPLETE, SYMBOLS_HAVE_PRICES, VOLUME_IS_POSSIBLE,
    },
    verdict::{Bar, Fault, LARGEST_JUMP, judge},
};
use crate::calendar;
use chrono::{Days, NaiveDate};
use serde_json::json;
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};

/// Every portfolio is measured against it.
pub const BENCHMARK: &str = "SPY";
/// Two closes before a bar lie within these days, unless the symbol wasn't traded for weeks.
const LEAD_DAYS: u64 = 30;
/// So many symbols' bars of ten years are looked at within half a second.
const SYMBOLS_AT_A_TIME: usize = 100;
/// Gaps this old are looked for on every day, so that they stay in sight; older ones when bars of then arrive.
const GAP_DAYS: u64 = 45;

/// Checks of single bars, in the order of the page.
const OF_BARS: [&Rule; 7] = [
    &CLOSE_IS_THERE,
    &BAR_IS_WHOLE,
    &PRICES_ARE_POSITIVE,
    &PRICES_ARE_IN_RANGE,
    &JUMPS_ARE_EXPLAINED,
    &VOLUME_IS_POSSIBLE,
    &BARS_ARE_OF_SESSIONS,
];

/// What bars are to be judged.
#[derive(Debug, Clone)]
pub struct Window<'a> {
    pub symbols: &'a [String],
    /// The first day with a bar that wasn't judged; `None`: no bar is new.
    pub from: Option<NaiveDate>,
    /// Answers up to this one were judged.
    pub judged_response: i64,
    pub session: NaiveDate,
}

/// A bar and a fault of it that keeps it out of the numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    pub bar: Bar,
    pub fault: Fault,
}

/// What the checks of single bars found.
#[derive(Debug, Default)]
pub struct Judged {
    pub outcomes: Vec<Outcome>,
    pub refusals: Vec<Refusal>,
    /// Bars in quarantine for a jump that a split explains by now.
    pub explained: Vec<(String, NaiveDate)>,
}

/// Judges the bars of the window, and once more those that wait for a split.
pub async fn judged(connection: &mut PgConnection, window: &Window<'_>, splits: &Splits) -> Result<Judged, sqlx::Error> {
    let from = window.from.unwrap_or(window.session + Days::new(1));
    let waiting = sqlx::query!(
        "select symbol, session_date from ops.quarantine where check_name = $1 and released_at is null",
        JUMPS_ARE_EXPLAINED.name
    )
    .fetch_all(&mut *connection)
    .await?;
    let earliest = waiting.iter().map(|row| row.session_date).min().map_or(from, |earliest| earliest.min(from));
    let elements = sqlx::query_scalar!(
        r#"select count(*) as "count!" from raw.market_data where symbol = any($1) and "timestamp" >= $2 and response_id > $3"#,
        window.symbols,
        calendar::midnight(from),
        window.judged_response
    )
    .fetch_one(&mut *connection)
    .await?;
    let mut bars = Vec::new();
    for symbols in window.symbols.chunks(SYMBOLS_AT_A_TIME) {
        let suspicious = sqlx::query_file!(
            "src/quality/suspicious_bars.sql",
            symbols,
            calendar::midnight(earliest - Days::new(LEAD_DAYS)),
            calendar::midnight(from),
            window.judged_response,
            LARGEST_JUMP
        )
        .map(|row| Bar {
            before: [row.previous_date.zip(row.previous_close), row.older_date.zip(row.older_close)].into_iter().flatten().collect(),
            symbol: row.symbol,
            session_date: row.session_date,
            response_id: row.response_id,
            open: row.open,
            high: row.high,
            low: row.low,
            close: row.close,
            volume: row.volume,
        });
        bars.extend(suspicious.fetch_all(&mut *connection).await?);
    }
    let waiting: BTreeSet<(String, NaiveDate)> = waiting.into_iter().map(|row| (row.symbol, row.session_date)).collect();
    Ok(sort(bars, &waiting, splits, u64::try_from(elements).unwrap_or_default()))
}

fn sort(bars: Vec<Bar>, waiting: &BTreeSet<(String, NaiveDate)>, splits: &Splits, elements: u64) -> Judged {
    let mut judged = Judged::default();
    let mut failures: BTreeMap<&str, Vec<Failure>> = BTreeMap::new();
    for bar in bars {
        let faults = judge(&bar, splits.get(&bar.symbol).map_or(&[], Vec::as_slice));
        let key = (bar.symbol.clone(), bar.session_date);
        if waiting.contains(&key) && !faults.iter().any(|fault| fault.rule == &JUMPS_ARE_EXPLAINED) {
            judged.explained.push(key);
        }
        for fault in faults {
            let sample =
                json!({ "symbol": bar.symbol, "session_date": bar.session_date, "close": bar.close, "response_id": bar.response_id });
            let failure = Failure { symbol: bar.symbol.clone(), sample, reason: fault.reason.clone() };
            failures.entry(fault.rule.name).or_default().push(failure);
            if fault.is_refused {
                judged.refusals.push(Refusal { bar: bar.clone(), fault });
            }
        }
    }
    for rule in OF_BARS {
        judged.outcomes.extend(by_symbol(rule, elements, failures.remove(rule.name).unwrap_or_default()));
    }
    judged
}

/// Is the session there? Blocks the installation when neither the benchmark nor any held symbol has a close of it.
pub async fn freshness(
    connection: &mut PgConnection,
    window: &Window<'_>,
    held: &BTreeSet<&str>,
) -> Result<(Vec<Outcome>, Option<String>), sqlx::Error> {
    let (session, symbols) = (window.session, window.symbols);
    let fresh: BTreeSet<String> = sqlx::query_scalar!(
        r#"select distinct symbol from raw.market_data where symbol = any($1) and "timestamp" = $2 and close > 0"#,
        symbols,
        calendar::midnight(session)
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
    let (first, block) =
        session_is_there(session, fresh.contains(BENCHMARK), held.len(), held.iter().filter(|s| fresh.contains(**s)).count());
    let mut outcomes = vec![first];
    let late = held.iter().filter(|symbol| priced.contains(**symbol) && !fresh.contains(**symbol)).map(|symbol| Failure {
        symbol: (*symbol).into(),
        sample: json!({ "symbol": symbol, "session_date": session }),
        reason: format!("{symbol} has no close of {session}; its last one is carried. Fetch again, or check whether it is still traded."),
    });
    outcomes.extend(by_symbol(&HELD_ARE_FRESH, held.len() as u64, late.collect()));
    let unpriced = symbols.iter().filter(|symbol| !priced.contains(*symbol)).map(|symbol| Failure {
        symbol: symbol.clone(),
        sample: json!({ "symbol": symbol }),
        reason: format!(
            "{symbol} has no prices at all, so what it is worth is unknown; check how it is written, or whether the vendor has it."
        ),
    });
    outcomes.extend(by_symbol(&SYMBOLS_HAVE_PRICES, symbols.len() as u64, unpriced.collect()));
    Ok((outcomes, block))
}

/// The verdict on the session, and the sentence that blocks, where it does.
fn session_is_there(session: NaiveDate, has_benchmark: bool, held: usize, held_there: usize) -> (Outcome, Option<String>) {
    let elements = held as u64 + 1;
    if has_benchmark && (held == 0 || held_there > 0) {
        return (Outcome::passing(&SESSION_IS_THERE, 0, elements), None);
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
    let outcome = Outcome {
        passed: false,
        observed: format!("{BENCHMARK} {}, {held_there} of {held} held symbols there", if has_benchmark { "there" } else { "missing" }),
        failures: elements - held_there as u64 - u64::from(has_benchmark),
        message: message.clone(),
        ..Outcome::passing(&SESSION_IS_THERE, 0, elements)
    };
    (outcome, blocks.then_some(message))
}

/// Sessions without a close while a symbol was held: of the last weeks, and back to the first new bar.
pub async fn gaps(
    connection: &mut PgConnection,
    window: &Window<'_>,
    spans: &BTreeMap<String, (NaiveDate, NaiveDate)>,
) -> Result<Vec<Outcome>, sqlx::Error> {
    let recent = window.session - Days::new(GAP_DAYS);
    let from = window.from.map_or(recent, |from| from.min(recent));
    // The session itself is a matter of freshness.
    let sessions = calendar::sessions(from, calendar::session_before(window.session));
    let in_window: Vec<_> = spans.iter().filter(|(_, (_, to))| *to >= from).collect();
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
    Ok(by_symbol(&SESSIONS_ARE_COMPLETE, (symbols.len() * sessions.len()) as u64, failures.collect()))
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
            let (outcome, block) = session_is_there(day("2026-11-20"), benchmark, held, there);
            assert_eq!((outcome.passed, block.is_some()), (passes, blocks), "{benchmark} {there} of {held}");
        }
    }

    #[test]
    fn a_long_list_of_days_is_cut() {
        let days: Vec<_> = (1..=8).map(|number| day(&format!("2026-01-0{number}"))).collect();
        assert_eq!(listed(&days[..2]), "2026-01-01, 2026-01-02");
        assert!(listed(&days).ends_with("2026-01-05 and 3 more sessions"));
    }

    #[test]
    fn what_a_split_explains_by_now_is_set_free() {
        let close = |text: &str| text.parse().ok();
        let bar = Bar {
            symbol: "AAPL".into(),
            session_date: day("2014-06-09"),
            response_id: 1,
            open: close("92"),
            high: close("94"),
            low: close("91"),
            close: close("93.70"),
            volume: None,
            before: vec![(day("2014-06-06"), "645.57".parse().unwrap())],
        };
        let waiting = BTreeSet::from([("AAPL".to_owned(), day("2014-06-09"))]);
        let refused = sort(vec![bar.clone()], &waiting, &Splits::new(), 1);
        assert_eq!((refused.refusals.len(), refused.explained.len()), (1, 0));
        let split =
            crate::quality::verdict::Split { symbol: "AAPL".into(), execution_date: day("2014-06-09"), from: 1.into(), to: 7.into() };
        let judged = sort(vec![bar], &waiting, &Splits::from([("AAPL".into(), vec![split])]), 1);
        assert_eq!((judged.refusals.len(), judged.explained.len()), (0, 1));
        assert!(judged.outcomes.iter().all(|outcome| outcome.passed));
    }
}
