//! Checks of single bars: the pass names what needs a second look, the rules judge those, and what can't be right is refused.

use super::{
    check::{Action, Check},
    compile::{Predicate, predicate},
    dataset::Batch,
    entries::Splits,
    expression::text,
    jumps,
    kind::Kind,
    outcome::{Failure, MOST_SAMPLES, MOST_SYMBOLS, Outcome, by_symbol},
    repairs,
    scan::{self, Looked, instant},
    sql,
    verdict::{Bar, compared, reason},
};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::{collections::BTreeMap, sync::Arc, time::Instant};

/// The check whose refusals wait for a split.
pub const JUMPS: &str = "jumps_are_explained";

/// What bars are to be judged.
#[derive(Debug, Clone)]
pub struct Window<'a> {
    pub symbols: &'a [String],
    /// The first day with a bar that wasn't judged; `None`: no bar is new.
    pub from: Option<NaiveDate>,
    pub batch: &'a Batch,
}

/// A row that is kept out of the numbers.
#[derive(Debug, Clone, PartialEq)]
pub struct Refusal {
    pub dataset: &'static str,
    pub symbol: String,
    pub session_date: NaiveDate,
    pub row_key: String,
    pub response_id: i64,
    pub check: String,
    pub reason: String,
    /// The row as it was refused.
    pub refused: Value,
    /// A person's word that lets it in until a day; then it waits.
    pub acceptance_id: Option<i64>,
}

/// What the checks of single bars found.
#[derive(Debug, Default)]
pub struct Judged {
    pub outcomes: Vec<Outcome>,
    pub refusals: Vec<Refusal>,
    /// Bars in quarantine for a jump that a split explains by now.
    pub explained: Vec<(String, NaiveDate)>,
    /// What the pass said of each symbol.
    pub looked: Vec<Looked>,
}

/// Judges the bars of the window, and once more those that wait for a split. `second`: another connection, where the batch is large and
/// committed.
pub async fn judged(
    connection: &mut PgConnection,
    second: Option<&mut PgConnection>,
    window: &Window<'_>,
    checks: &[Arc<Check>],
    splits: &Splits,
) -> Result<Judged, sqlx::Error> {
    let started = Instant::now();
    let from = window.from.unwrap_or(window.batch.session + chrono::Days::new(1));
    let looked = match window.from {
        Some(_) => scan::looked(connection, second, checks, window.symbols, from, window.batch).await?,
        None => Vec::new(),
    };
    let took_ms = started.elapsed().as_secs_f64() * 1000.0;
    let elements = looked.iter().map(|symbol| u64::try_from(symbol.rows).unwrap_or_default()).sum();
    let mut judged = Judged { looked, ..Judged::default() };
    odd(connection, &mut judged, from, window, checks, elements).await?;
    apart(connection, &mut judged, from, window, checks, splits, elements).await?;
    // One pass for all of them: each is told its share.
    #[expect(clippy::cast_precision_loss, reason = "some dozens of checks")]
    let share_ms = took_ms / checks.len().max(1) as f64;
    for outcome in &mut judged.outcomes {
        outcome.duration_ms += share_ms;
    }
    Ok(judged)
}

/// Rows that break a rule of their own, counted exactly and read where a check fails.
async fn odd(
    connection: &mut PgConnection,
    judged: &mut Judged,
    from: NaiveDate,
    window: &Window<'_>,
    checks: &[Arc<Check>],
    elements: u64,
) -> Result<(), sqlx::Error> {
    let alone: Vec<(&Arc<Check>, Predicate)> =
        checks.iter().filter_map(|check| predicate(check, window.batch).map(|predicate| (check, predicate))).collect();
    let symbols: Vec<String> = judged.looked.iter().filter(|symbol| symbol.odd > 0).map(|symbol| text(&symbol.symbol)).collect();
    let rows = |symbols: &[String]| {
        format!(
            "select * from raw.market_data as bar where symbol = any (array[{}]::text[]) and \"timestamp\" >= {} and response_id > {}",
            symbols.join(", "),
            instant(from),
            window.batch.judged_response
        )
    };
    // A version that another replaced isn't used.
    let latest = "not exists (select from raw.market_data as newer where newer.symbol = bar.symbol
                              and newer.\"timestamp\" = bar.\"timestamp\" and newer.response_id > bar.response_id)";
    let mut counts = vec![0; alone.len() * 2];
    if !symbols.is_empty() && !alone.is_empty() {
        let any: Vec<String> = alone.iter().flat_map(|(_, of)| [of.missing.clone(), of.unexpected.clone()]).collect();
        let each: Vec<String> = alone
            .iter()
            .flat_map(|(_, of)| [&of.missing, &of.unexpected].map(|what| format!("count(*) filter (where {} and {what})", of.filter)))
            .collect();
        let text = format!("select array[{}] from ({}) as bar where ({}) and {latest}", each.join(", "), rows(&symbols), any.join(" or "));
        counts = sql::counts(connection, text).await?;
    }
    let narrowed: Vec<u64> = narrowed(connection, &alone, window, from, elements).await?;
    for (((check, of), counted), elements) in alone.iter().zip(counts.chunks(2)).zip(narrowed) {
        let started = Instant::now();
        let [missing, unexpected] = counted else { continue };
        let (missing, unexpected) = (u64::try_from(*missing).unwrap_or_default(), u64::try_from(*unexpected).unwrap_or_default());
        let passing = Outcome { missing, failures: unexpected, ..Outcome::passing(check, 0, elements) };
        if unexpected == 0 {
            judged.outcomes.push(passing);
            continue;
        }
        let failing = format!("select bar.* from ({}) as bar where {} and {} and {latest}", rows(&symbols), of.filter, of.unexpected);
        let bears = check.bears(unexpected, elements.saturating_sub(missing));
        let refuses = check.action == Action::Quarantine && !bears;
        let groups = sql::groups(connection, &failing, [false, true], if refuses { usize::MAX >> 1 } else { MOST_SAMPLES }).await?;
        let unexpected_values = values(connection, &failing, &of.value).await?;
        // Of those symbols alone, so that what is pasted is quick.
        let query = |groups: &[sql::Group]| {
            let failed: Vec<String> = groups.iter().filter_map(|group| group.symbol.as_deref()).map(text).collect();
            format!("select bar.* from ({}) as bar where {} and {} and {latest}", rows(&failed), of.filter, of.unexpected)
        };
        if bears {
            let samples = groups.iter().filter_map(|group| group.samples.as_array()).flatten().take(MOST_SAMPLES).map(short).collect();
            let observed = format!("{unexpected} of {elements} fail, which it bears");
            judged.outcomes.push(Outcome { observed, samples, unexpected: unexpected_values, query: Some(query(&groups)), ..passing });
            continue;
        }
        let mut outcomes: Vec<Outcome> = Vec::new();
        for (place, group) in groups.iter().enumerate() {
            let symbol = group.symbol.clone().unwrap_or_default();
            let samples = group.samples.as_array().map_or(&[][..], Vec::as_slice);
            let bars: Vec<(Bar, &Value)> = samples.iter().filter_map(|sample| Some((bar_of(sample)?, sample))).collect();
            if refuses {
                judged.refusals.extend(bars.iter().map(|(bar, sample)| refusal(check, bar, reason(check, bar), (*sample).clone())));
            }
            if place >= MOST_SYMBOLS {
                continue;
            }
            let failures = u64::try_from(group.failures).unwrap_or_default();
            let first = bars.first().map(|(bar, _)| reason(check, bar)).unwrap_or_default();
            let message = if failures > 1 { format!("{first} And {} more.", failures - 1) } else { first };
            let days: Vec<NaiveDate> = bars.iter().map(|(bar, _)| bar.session_date).collect();
            let query = query(std::slice::from_ref(group));
            outcomes.push(Outcome {
                unexpected: if groups.len() == 1 { unexpected_values.clone() } else { values(connection, &query, &of.value).await? },
                query: Some(query),
                symbol: Some(symbol.clone()),
                passed: false,
                observed: format!("{failures} of {elements} fail"),
                failures,
                samples: samples.iter().take(MOST_SAMPLES).map(short).collect(),
                repairs: repairs::of_bars(check, &symbol, &days, bars.first().map(|(bar, _)| bar.response_id)),
                message,
                ..passing.clone()
            });
        }
        if groups.len() > MOST_SYMBOLS {
            let rest = groups.iter().skip(MOST_SYMBOLS);
            let message = format!("More symbols fail: expected is that {}; the samples name them.", check.expected);
            outcomes.push(Outcome {
                unexpected: unexpected_values,
                query: Some(query(&groups[MOST_SYMBOLS..])),
                passed: false,
                failures: rest.clone().map(|group| u64::try_from(group.failures).unwrap_or_default()).sum(),
                samples: rest.filter_map(|group| group.samples.get(0)).take(MOST_SAMPLES).map(short).collect(),
                message,
                repairs: vec![repairs::accept(&check.name)],
                ..passing.clone()
            });
        }
        let duration_ms = started.elapsed().as_secs_f64() * 1000.0;
        for outcome in &mut outcomes {
            outcome.duration_ms = duration_ms;
        }
        judged.outcomes.append(&mut outcomes);
    }
    Ok(())
}

/// How many elements each check looks at: all, but for a person's that leaves some out.
async fn narrowed(
    connection: &mut PgConnection,
    alone: &[(&Arc<Check>, Predicate)],
    window: &Window<'_>,
    from: NaiveDate,
    elements: u64,
) -> Result<Vec<u64>, sqlx::Error> {
    let with_filter = |check: &Check| check.is_own && check.filter.is_some();
    let filters: Vec<String> =
        alone.iter().filter(|(check, _)| with_filter(check)).map(|(_, of)| format!("count(*) filter (where {})", of.filter)).collect();
    let mut counted = Vec::new();
    if !filters.is_empty() && elements > 0 {
        let symbols: Vec<String> = window.symbols.iter().map(|symbol| text(symbol)).collect();
        let text = format!(
            "select array[{}] from raw.market_data where symbol = any (array[{}]::text[]) and \"timestamp\" >= {} and response_id > {}",
            filters.join(", "),
            symbols.join(", "),
            instant(from),
            window.batch.judged_response
        );
        counted = sql::counts(connection, text).await?;
    }
    let mut counted = counted.into_iter();
    let of = |check: &Check, next: &mut dyn Iterator<Item = i64>| {
        if with_filter(check) { next.next().map_or(0, |count| u64::try_from(count).unwrap_or_default()) } else { elements }
    };
    Ok(alone.iter().map(|(check, _)| of(check, &mut counted)).collect())
}

/// The first unexpected values.
pub async fn values(connection: &mut PgConnection, failing: &str, value: &str) -> Result<Vec<Value>, sqlx::Error> {
    let text = format!(
        "select coalesce(jsonb_agg(to_jsonb(value)), '[]') from (select {value} as value from (\n{failing}\n) as failing limit {MOST_SAMPLES}) as first"
    );
    Ok(match sql::json(connection, text).await? {
        Value::Array(values) => values,
        _ => Vec::new(),
    })
}

/// Rows that differ from those before them.
async fn apart(
    connection: &mut PgConnection,
    judged: &mut Judged,
    from: NaiveDate,
    window: &Window<'_>,
    checks: &[Arc<Check>],
    splits: &Splits,
    elements: u64,
) -> Result<(), sqlx::Error> {
    let started = Instant::now();
    let compared_with: Vec<&Arc<Check>> = checks.iter().filter(|check| scan::is_compared(check)).collect();
    if compared_with.is_empty() {
        return Ok(());
    }
    let back = compared_with.iter().map(|check| if let Kind::Stale { sessions } = check.kind { i64::from(sessions) } else { 2 }).max();
    let (symbols, instants): (Vec<String>, Vec<_>) =
        judged.looked.iter().flat_map(|looked| looked.apart.iter().map(|at| (looked.symbol.clone(), *at))).unzip();
    let bars: Vec<Bar> = sqlx::query_file!(
        "src/quality/suspicious_bars.sql",
        &symbols,
        &instants,
        window.symbols,
        crate::calendar::midnight(from),
        window.batch.judged_response,
        back.unwrap_or(2),
        from
    )
    .map(|row| Bar {
        before: row.days.into_iter().zip(row.closes).filter_map(|(day, close): (NaiveDate, Option<Decimal>)| Some((day, close?))).collect(),
        symbol: row.symbol,
        session_date: row.session_date,
        response_id: row.response_id,
        open: row.open,
        high: row.high,
        low: row.low,
        close: row.close,
        volume: row.volume,
    })
    .fetch_all(&mut *connection)
    .await?;
    for check in compared_with {
        let of = |bar: &Bar| compared(check, bar, splits.get(&bar.symbol).map_or(&[], Vec::as_slice));
        let mut failures: Vec<(Bar, String)> = bars.iter().filter_map(|bar| Some((bar.clone(), of(bar)?))).collect();
        if jumps::holds(check) {
            let waiting = jumps::waiting(connection).await?;
            let batch = (window.batch, from);
            let held = jumps::judged(connection, check, &failures, window.symbols, &waiting, batch, splits, &judged.refusals).await?;
            judged.explained.extend(held.explained);
            failures = held.refused;
        }
        if check.bears(failures.len() as u64, elements) {
            judged.outcomes.push(Outcome { failures: failures.len() as u64, ..Outcome::passing(check, 0, elements) });
            continue;
        }
        if check.action == Action::Quarantine {
            judged.refusals.extend(failures.iter().map(|(bar, reason)| refusal(check, bar, reason.clone(), said(bar))));
        }
        let mut days: BTreeMap<String, (Vec<NaiveDate>, i64)> = BTreeMap::new();
        for (bar, _) in &failures {
            days.entry(bar.symbol.clone()).or_insert((Vec::new(), bar.response_id)).0.push(bar.session_date);
        }
        let told = failures.into_iter().map(|(bar, reason)| Failure { symbol: bar.symbol.clone(), sample: said(&bar), reason }).collect();
        let mut outcomes = by_symbol(check, elements, told);
        for outcome in outcomes.iter_mut().filter(|outcome| !outcome.passed) {
            outcome.unexpected = outcome.samples.iter().filter_map(|sample| sample.get("close")).cloned().collect();
            if let Some((symbol, (days, response_id))) = outcome.symbol.as_deref().and_then(|symbol| days.get_key_value(symbol)) {
                outcome.repairs = repairs::of_bars(check, symbol, days, Some(*response_id));
                outcome.query = Some(paste(symbol, days));
            } else {
                outcome.repairs = vec![repairs::accept(&check.name)];
            }
            outcome.duration_ms = started.elapsed().as_secs_f64() * 1000.0;
        }
        judged.outcomes.append(&mut outcomes);
    }
    Ok(())
}

fn paste(symbol: &str, days: &[NaiveDate]) -> String {
    let days: Vec<String> = days.iter().map(ToString::to_string).collect();
    format!(
        "select distinct on (\"timestamp\") * from raw.market_data where symbol = {} and session_date = any ('{{{}}}'::date[])\norder by \"timestamp\", response_id desc",
        text(symbol),
        days.join(",")
    )
}

fn said(bar: &Bar) -> Value {
    json!({ "symbol": bar.symbol, "session_date": bar.session_date, "close": bar.close, "response_id": bar.response_id,
            "open": bar.open, "high": bar.high, "low": bar.low, "volume": bar.volume })
}

fn short(sample: &Value) -> Value {
    bar_of(sample).map_or_else(|| sample.clone(), |bar| said(&bar))
}

fn refusal(check: &Check, bar: &Bar, reason: String, refused: Value) -> Refusal {
    Refusal {
        acceptance_id: None,
        dataset: "bars",
        symbol: bar.symbol.clone(),
        session_date: bar.session_date,
        row_key: String::new(),
        response_id: bar.response_id,
        check: check.name.clone(),
        reason,
        refused,
    }
}

fn bar_of(row: &Value) -> Option<Bar> {
    let number = |field: &str| row.get(field).and_then(|value| value.to_string().trim_matches('"').parse::<Decimal>().ok());
    Some(Bar {
        symbol: row.get("symbol")?.as_str()?.to_owned(),
        session_date: row.get("session_date")?.as_str()?.parse().ok()?,
        response_id: row.get("response_id")?.as_i64()?,
        open: number("open"),
        high: number("high"),
        low: number("low"),
        close: number("close"),
        volume: number("volume"),
        before: Vec::new(),
    })
}
