//! Checks of any dataset by their declaration: the counts of all in one reading, failing rows only where a check fails.

use super::{
    anomaly::usual,
    bars::{Refusal, values},
    check::{Action, Check, Scope},
    compile::{failing, history, predicate},
    dataset::{Batch, can_quarantine, day_of, has_column},
    expression::quoted,
    kind::Kind,
    outcome::{MOST_SAMPLES, MOST_SYMBOLS, Outcome, capitalized},
    own, repairs, sql,
    words::sentence,
};
use crate::calendar;
use chrono::{Datelike, Days, NaiveDate};
use serde_json::{Value, json};
use sqlx::PgConnection;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Instant,
};

/// Weekdays are compared over so many weeks.
const WEEKS: u64 = 20;

/// What checks found, with the rows that they keep out.
#[derive(Debug, Default)]
pub struct Found {
    pub outcomes: Vec<Outcome>,
    pub refusals: Vec<Refusal>,
}

/// Makes all `checks` of one dataset.
pub async fn checked(connection: &mut PgConnection, dataset: &str, checks: &[&Arc<Check>], batch: &Batch) -> Result<Found, sqlx::Error> {
    let mut found = Found::default();
    if dataset.contains('.') && sql::columns(connection, batch, dataset).await?.is_empty() {
        let missing = |check: &&Arc<Check>| Outcome::broken(check, &format!("there is no {dataset}"));
        found.outcomes = checks.iter().map(missing).collect();
        return Ok(found);
    }
    let started = Instant::now();
    let rows = batch.rows(dataset);
    let alone: Vec<_> = checks.iter().filter_map(|check| Some((*check, predicate(check, batch)?))).collect();
    if !alone.is_empty() {
        let each: Vec<String> = alone
            .iter()
            .flat_map(|(_, of)| {
                ["true", &of.missing, &of.unexpected].map(|what| format!("count(*) filter (where {} and {what})", of.filter))
            })
            .collect();
        let counts = sql::counts(connection, format!("select array[{}] from ({rows}) as batch", each.join(", "))).await?;
        #[expect(clippy::cast_precision_loss, reason = "some dozens of checks")]
        let share_ms = started.elapsed().as_secs_f64() * 1000.0 / alone.len() as f64;
        for ((check, of), counted) in alone.iter().zip(counts.chunks(3)) {
            let [elements, missing, unexpected] =
                [0, 1, 2].map(|at| counted.get(at).and_then(|count| u64::try_from(*count).ok()).unwrap_or_default());
            let passing = Outcome { missing, failures: unexpected, duration_ms: share_ms, ..Outcome::passing(check, 0, elements) };
            if unexpected == 0 {
                found.outcomes.push(passing);
            } else {
                rows_failed(connection, check, batch, passing, Some(&of.value), &mut found).await?;
            }
        }
    }
    for check in checks.iter().filter(|check| !check.kind.is_predicate()) {
        let started = Instant::now();
        let before = found.outcomes.len();
        match &check.kind {
            Kind::Unique { .. } | Kind::Referential { .. } | Kind::Balance { .. } | Kind::CrossSource { .. } => {
                let Some(query) = failing(check, batch) else { continue };
                let filter = check.filter.as_ref().map_or("true", |filter| &filter.sql);
                let text = format!(
                    "select array[(select count(*) from ({rows}) as batch where {filter}), (select count(*) from ({query}) as failing)]"
                );
                let counts = sql::counts(connection, text).await?;
                let [elements, failures] = [0, 1].map(|at| counts.get(at).and_then(|count| u64::try_from(*count).ok()).unwrap_or_default());
                let passing = Outcome { failures, ..Outcome::passing(check, 0, elements) };
                if failures == 0 {
                    found.outcomes.push(passing);
                } else {
                    rows_failed(connection, check, batch, passing, None, &mut found).await?;
                }
            }
            Kind::Columns { columns } => found.outcomes.push(columns_are_there(connection, check, batch, columns).await?),
            Kind::RowCount { minimum, maximum } => {
                let count = sql::counts(connection, format!("select array[count(*)] from ({rows}) as batch{}", filtered(check))).await?;
                let count = count.first().copied().unwrap_or_default();
                let is_fine = minimum.is_none_or(|least| count >= least) && maximum.is_none_or(|most| count <= most);
                found.outcomes.push(number_said(check, json!(count), is_fine, || format!("there are {count} rows")));
            }
            Kind::RowCountAgainstLast { least, most } => found.outcomes.push(against_last(connection, check, batch, *least, *most).await?),
            Kind::Fresh { column, sessions, by } => found.outcomes.extend(fresh(connection, check, batch, column, *sessions, by).await?),
            Kind::Anomaly { minimum_history, threshold, direction, .. } => {
                found.outcomes.extend(unusual(connection, check, batch, *minimum_history, *threshold, *direction).await?);
            }
            Kind::Sql { sql } => found.outcomes.extend(own::sql_failed(connection, check, sql, batch).await?),
            _ => found.outcomes.push(Outcome::broken(check, &format!("{} isn't made on {dataset} here", check.kind.name()))),
        }
        let took_ms = started.elapsed().as_secs_f64() * 1000.0;
        for outcome in found.outcomes.iter_mut().skip(before) {
            outcome.duration_ms = took_ms;
        }
    }
    Ok(found)
}

fn filtered(check: &Check) -> String {
    check.filter.as_ref().map_or_else(String::new, |filter| format!(" where ({})", filter.sql))
}

/// One result for each portfolio or symbol that fails, as wide as the check's scope.
async fn rows_failed(
    connection: &mut PgConnection,
    check: &Arc<Check>,
    batch: &Batch,
    passing: Outcome,
    value: Option<&str>,
    found: &mut Found,
) -> Result<(), sqlx::Error> {
    let Some(query) = failing(check, batch) else { return Ok(()) };
    let unexpected = match value {
        Some(value) => values(connection, &query, value).await?,
        None => Vec::new(),
    };
    if check.bears(passing.failures, passing.elements.saturating_sub(passing.missing)) {
        let observed = format!("{} of {} fail, which it bears", passing.failures, passing.elements);
        found.outcomes.push(Outcome { observed, unexpected, query: Some(query), ..passing });
        return Ok(());
    }
    let refuses = check.action == Action::Quarantine && can_quarantine(&check.dataset);
    let by = said_by(connection, check, batch).await?;
    let groups = sql::groups(connection, &query, by, if refuses { usize::MAX >> 1 } else { MOST_SAMPLES }).await?;
    for (place, group) in groups.iter().enumerate() {
        let samples = group.samples.as_array().map_or(&[][..], Vec::as_slice);
        if refuses {
            found.refusals.extend(samples.iter().filter_map(|sample| refusal(check, sample)));
        }
        if place >= MOST_SYMBOLS {
            continue;
        }
        let failures = u64::try_from(group.failures).unwrap_or_default();
        let whose = group.symbol.as_deref().filter(|_| group.portfolio_id.is_none());
        let mut repairs: Vec<Value> = whose.and_then(|symbol| fetched_again(check, symbol, samples)).into_iter().collect();
        repairs.extend(samples.iter().take(1).filter(|_| refuses).filter_map(|sample| refusal(check, sample)).flat_map(|refused| {
            repairs::decide(refused.dataset, &refused.symbol, refused.session_date, &refused.row_key, &refused.check, refused.response_id)
        }));
        repairs.push(repairs::accept(&check.name));
        found.outcomes.push(Outcome {
            portfolio_id: group.portfolio_id.unwrap_or_default(),
            symbol: group.symbol.clone(),
            passed: false,
            observed: format!("{failures} of {} fail", passing.elements),
            failures,
            samples: samples.iter().take(MOST_SAMPLES).cloned().collect(),
            // The list is of all; of one among several its own samples tell.
            unexpected: if groups.len() == 1 { unexpected.clone() } else { of_samples(samples, value) },
            query: Some(if groups.len() == 1 { query.clone() } else { group.rows(&query, by) }),
            repairs,
            message: sentence(check, whose, failures, samples.first().filter(|_| by != [false, false])),
            ..passing.clone()
        });
    }
    Ok(())
}

/// The unexpected values that stand in samples, where the value is a column of theirs.
fn of_samples(samples: &[Value], value: Option<&str>) -> Vec<Value> {
    let column = value.map(|value| value.trim_matches('"')).unwrap_or_default();
    samples.iter().filter_map(|sample| sample.get(column).cloned()).take(MOST_SAMPLES).collect()
}

/// By portfolio, by symbol, or as one: the narrowest that the check's scope and the columns allow.
async fn said_by(connection: &mut PgConnection, check: &Check, batch: &Batch) -> Result<[bool; 2], sqlx::Error> {
    let known = sql::columns(connection, batch, &check.dataset).await?;
    let has = |column: &str| match super::dataset::columns(&check.dataset) {
        Some(_) => has_column(&check.dataset, column),
        None => known.iter().any(|(name, _)| name == column),
    };
    Ok(match check.scope {
        Scope::Installation => [false, false],
        Scope::Portfolio => [has("portfolio_id"), false],
        Scope::Symbol => [has("portfolio_id"), has("symbol")],
        Scope::Row => [has("portfolio_id"), !has("portfolio_id") && has("symbol")],
    })
}

fn fetched_again(check: &Check, symbol: &str, samples: &[Value]) -> Option<Value> {
    let days: Vec<NaiveDate> = samples.iter().filter_map(|sample| sample.get(day_of(&check.dataset))?.as_str()?.parse().ok()).collect();
    Some(repairs::fetch(symbol, *days.iter().min()?, *days.iter().max()?))
}

fn refusal(check: &Check, sample: &Value) -> Option<Refusal> {
    let dataset = ["splits", "dividends"].into_iter().find(|dataset| *dataset == check.dataset)?;
    let symbol = sample.get("symbol")?.as_str()?.to_owned();
    Some(Refusal {
        acceptance_id: None,
        dataset,
        session_date: sample.get(day_of(dataset))?.as_str()?.parse().ok()?,
        row_key: if dataset == "dividends" { sample.get("vendor_id")?.as_str()?.to_owned() } else { String::new() },
        response_id: sample.get("response_id")?.as_i64()?,
        check: check.name.clone(),
        reason: sentence(check, Some(&symbol), 1, Some(sample)),
        refused: sample.clone(),
        symbol,
    })
}

async fn columns_are_there(
    connection: &mut PgConnection,
    check: &Arc<Check>,
    batch: &Batch,
    columns: &BTreeMap<String, String>,
) -> Result<Outcome, sqlx::Error> {
    let there: BTreeMap<String, String> = sql::columns(connection, batch, &check.dataset).await?.into_iter().collect();
    let wrong: Vec<String> = columns
        .iter()
        .filter_map(|(name, of)| match there.get(name) {
            None => Some(format!("{name} is missing")),
            Some(now) if now != of => Some(format!("{name} is {now}, not {of}")),
            Some(_) => None,
        })
        .collect();
    let elements = columns.len() as u64;
    if wrong.is_empty() {
        return Ok(Outcome::passing(check, 0, elements));
    }
    let message = format!("{} has other columns than those that are read: {}. Run `plumbline migrate`.", check.dataset, wrong.join(", "));
    Ok(Outcome { elements, failures: wrong.len() as u64, ..Outcome::off(check, wrong.join(", "), json!(there), message) })
}

/// A number of the whole, passing or not.
fn number_said(check: &Arc<Check>, value: Value, is_fine: bool, observed: impl Fn() -> String) -> Outcome {
    let said = observed();
    if is_fine {
        return Outcome { observed: said, observed_value: Some(value), ..Outcome::passing(check, 0, 1) };
    }
    let message = format!("{}, but expected is that {}. Fetch again, or look at what the source sent.", capitalized(&said), check.expected);
    Outcome { repairs: vec![repairs::accept(&check.name)], ..Outcome::off(check, said, value, message) }
}

async fn against_last(
    connection: &mut PgConnection,
    check: &Arc<Check>,
    batch: &Batch,
    least: f64,
    most: Option<f64>,
) -> Result<Outcome, sqlx::Error> {
    let before = calendar::session_before(batch.session);
    let day = quoted(day_of(&check.dataset));
    // Versions of a bar count once. Its instant finds it, its day doesn't.
    let (rows, what) = match check.dataset.as_str() {
        "bars" => (
            format!(
                "select * from raw.market_data where \"timestamp\" in ({}, {})",
                super::scan::instant(before),
                super::scan::instant(batch.session)
            ),
            "distinct symbol",
        ),
        _ => (
            format!(
                "select * from ({}) as every where {day} in (date '{}', date '{before}')",
                batch.all_rows(&check.dataset),
                batch.session
            ),
            "*",
        ),
    };
    let and = check.filter.as_ref().map_or_else(String::new, |filter| format!(" and ({})", filter.sql));
    let of = |on: NaiveDate| format!("count({what}) filter (where {day} = date '{on}'{and})");
    let counts = sql::counts(connection, format!("select array[{}, {}] from ({rows}) as every", of(batch.session), of(before))).await?;
    let [now, last] = [0, 1].map(|at| counts.get(at).copied().unwrap_or_default());
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
    let share = if last == 0 { None } else { Some(now as f64 / last as f64) };
    // Nothing of the session at all is a matter of freshness; what goes on without it is carried.
    let is_fine = now == 0 || share.is_none_or(|share| share >= least && most.is_none_or(|most| share <= most));
    Ok(number_said(check, json!({ "rows": now, "last": last }), is_fine, || {
        format!("{} has {now} rows, {before} has {last}", batch.session)
    }))
}

async fn fresh(
    connection: &mut PgConnection,
    check: &Arc<Check>,
    batch: &Batch,
    column: &str,
    sessions: u32,
    by: &[String],
) -> Result<Vec<Outcome>, sqlx::Error> {
    let mut oldest = calendar::session_on_or_before(batch.session);
    for _ in 0..sessions {
        oldest = calendar::session_before(oldest);
    }
    let groups: String = by.iter().map(|column| format!(", {}", quoted(column))).collect();
    let keys: String =
        by.iter().map(|column| format!("{}, {}", super::expression::text(column), quoted(column))).collect::<Vec<_>>().join(", ");
    let grouped = if by.is_empty() { String::new() } else { format!(" group by {}", groups.trim_start_matches(", ")) };
    let text = format!(
        "select jsonb_build_object({keys}) as of, coalesce(max({column})::date, date '0001-01-01') as day, null::float8 as number from ({}) as every{}{grouped}",
        batch.all_rows(&check.dataset),
        filtered(check),
        column = quoted(column)
    );
    let latest = sql::numbers(connection, text).await?;
    let mut outcomes = Vec::new();
    let elements = latest.len() as u64;
    for group in latest.iter().filter(|group| group.day < oldest) {
        let named: Vec<String> = group
            .of
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| format!("{} {}", name.trim_end_matches("_id"), value.to_string().trim_matches('"')))
            .collect();
        let whose = if named.is_empty() { check.dataset.clone() } else { named.join(", ") };
        let since = if group.day.year() == 1 { "has no day at all".to_owned() } else { format!("ends on {}", group.day) };
        let message =
            format!("{} {since}, though expected is that {}. Test the connection, then run again.", capitalized(&whose), check.expected);
        outcomes.push(Outcome {
            portfolio_id: group.of.get("portfolio_id").and_then(Value::as_i64).unwrap_or_default(),
            symbol: group.of.get("symbol").and_then(Value::as_str).map(str::to_owned),
            elements,
            samples: vec![json!({ "of": group.of, "latest": group.day })],
            repairs: vec![repairs::accept(&check.name)],
            ..Outcome::off(check, format!("latest {}", group.day), json!(group.day), message)
        });
    }
    if outcomes.is_empty() {
        outcomes.push(Outcome::passing(check, 0, elements));
    }
    Ok(outcomes)
}

async fn unusual(
    connection: &mut PgConnection,
    check: &Arc<Check>,
    batch: &Batch,
    minimum: u32,
    threshold: f64,
    direction: super::kind::Direction,
) -> Result<Vec<Outcome>, sqlx::Error> {
    let weeks = WEEKS.max(u64::from(minimum) + 2);
    let Some(text) = history(check, batch, batch.session - Days::new(weeks * 7), false) else { return Ok(Vec::new()) };
    let mut series: BTreeMap<String, (Value, Option<f64>, Vec<f64>)> = BTreeMap::new();
    for row in sql::numbers(connection, text).await? {
        let Some(number) = row.number else { continue };
        let of = series.entry(row.of.to_string()).or_insert_with(|| (row.of.clone(), None, Vec::new()));
        if row.day == batch.session { of.1 = Some(number) } else { of.2.push(number) }
    }
    let (mut elements, mut outcomes) = (0, Vec::new());
    for (of, now, before) in series.into_values() {
        // Nothing on that day is a matter of freshness.
        let Some((number, usual)) = now.and_then(|now| Some((now, usual(now, &before, minimum)?))) else { continue };
        elements += 1;
        if !usual.is_unusual(threshold, direction) {
            continue;
        }
        let whose = of
            .get("symbol")
            .or_else(|| of.get("portfolio_id"))
            .map_or_else(String::new, |name| format!("{}: ", name.to_string().trim_matches('"')));
        let message = format!(
            "{whose}{} is {number:.0} where {:.0} is usual on that weekday ({:.1} usual deviations off); look at what the source sent, or accept it.",
            batch.session, usual.median, usual.off
        );
        outcomes.push(Outcome {
            portfolio_id: of.get("portfolio_id").and_then(|id| id.as_str()?.parse().ok()).unwrap_or_default(),
            symbol: of.get("symbol").and_then(Value::as_str).map(str::to_owned),
            samples: vec![
                json!({ "of": of, "number": number, "median": usual.median, "deviation": usual.deviation, "before": before.len() }),
            ],
            repairs: vec![repairs::accept(&check.name)],
            ..Outcome::off(check, format!("{number:.0}, usual is {:.0}", usual.median), json!(number), message)
        });
    }
    let told: BTreeSet<Option<String>> = outcomes.iter().map(|outcome| outcome.symbol.clone()).collect();
    if told.is_empty() {
        outcomes.push(Outcome::passing(check, 0, elements));
    }
    outcomes.truncate(MOST_SYMBOLS);
    for outcome in &mut outcomes {
        outcome.elements = elements;
    }
    Ok(outcomes)
}
