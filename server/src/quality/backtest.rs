//! "Would this rule have fired?": the rule on each of the last sessions, where its kind allows in one reading.

use super::{
    anomaly::usual,
    books,
    check::Check,
    compile::{failing, history, predicate},
    dataset::{Batch, day_of},
    entries::duplicates,
    examine::Error,
    expression::quoted,
    kind::Kind,
    load, own, scan,
    sql::{self, Numbered},
};
use crate::calendar;
use chrono::{Datelike, Days, NaiveDate};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::{Acquire, PgConnection};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// So long a person waits for it at most.
const LONGEST: &str = "set local statement_timeout = '20s'; set local jit = off; set local work_mem = '64MB'";

/// Weekdays are compared over so many weeks.
const WEEKS: usize = 20;

/// A session on which the rule would have failed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Fired {
    pub session: NaiveDate,
    pub failures: u64,
    /// The first failing row.
    pub sample: Option<Value>,
}

/// Of what a kind looks at, only the present is on file.
pub const UNTOLD: &str = "What this rule would have said before can't be told: it looks at how things are now, and nobody kept how they were. From its first run on its history tells.";

/// The last `sessions` sessions on file on which the rule would have failed, oldest first; `None` where that can't be told. Changes nothing.
///
/// # Errors
/// What Postgres says of the rule: a column that isn't there, a regular expression that it doesn't know, a time limit.
pub async fn backtest(connection: &mut PgConnection, check: &Check, sessions: u32) -> Result<Option<Vec<Fired>>, Error> {
    // What a table is now says nothing of what it was.
    if matches!(check.kind, Kind::Columns { .. } | Kind::Reconcile { .. }) {
        return Ok(None);
    }
    let mut apart = connection.begin().await?;
    let fired = fired(&mut apart, check, sessions).await;
    apart.rollback().await?;
    fired.map(Some)
}

async fn fired(connection: &mut PgConnection, check: &Check, sessions: u32) -> Result<Vec<Fired>, Error> {
    sql::execute(connection, LONGEST.to_owned()).await?;
    let last = super::load::last_session(&mut *connection).await?;
    let last = calendar::session_on_or_before(last.unwrap_or(calendar::FIRST_DAY));
    // A year has more days than 250 sessions have; the days between are cut below.
    let reach = Days::new(u64::from(sessions.max(1)) * 3 / 2 + 10);
    let known = calendar::sessions(last.checked_sub_days(reach).unwrap_or(calendar::FIRST_DAY), last);
    let from = known.len().checked_sub(sessions.max(1) as usize).and_then(|at| known.get(at)).or(known.first()).copied().unwrap_or(last);
    let mut batch = Batch {
        judged_response: 0,
        session: last,
        sessions: calendar::sessions(from - Days::new(scan::LEAD_DAYS), last),
        relations: BTreeMap::new(),
        dated: BTreeMap::new(),
    };
    let is_dated =
        check.is_of_models() && sql::columns(connection, &batch, &check.dataset).await?.iter().any(|(name, _)| name == "session_date");
    if is_dated {
        batch.dated.insert(check.dataset.clone(), from);
    }
    let mut fired = match &check.kind {
        Kind::Jump { most } => {
            let fired = by_day(connection, &jumps(from, *most)).await?;
            unborne(connection, check, fired, &bars(from)).await?
        }
        Kind::Stale { sessions } => {
            let fired = by_day(connection, &stale(from, *sessions)).await?;
            unborne(connection, check, fired, &bars(from)).await?
        }
        Kind::SessionGaps => by_day(connection, &gaps(from, last, &batch)).await?,
        Kind::Anomaly { minimum_history, threshold, direction, .. } => {
            unusual(connection, check, &batch, from, (*minimum_history, *threshold, *direction)).await?
        }
        Kind::RowCount { .. } | Kind::RowCountAgainstLast { .. } => counted(connection, check, &batch, from).await?,
        Kind::Fresh { column, sessions, .. } => fresh(connection, check, &batch, column, *sessions, from).await?,
        Kind::DuplicateTransactions => duplicated(connection, from).await?,
        Kind::Sql { sql } => own_sql(connection, check, sql, last).await?,
        Kind::Columns { .. } | Kind::Reconcile { .. } => Vec::new(),
        Kind::NotNull { .. }
        | Kind::Range { .. }
        | Kind::Set { .. }
        | Kind::Pattern { .. }
        | Kind::Unique { .. }
        | Kind::Referential { .. }
        | Kind::Balance { .. }
        | Kind::CrossSource { .. } => {
            let day = quoted(day_of(&check.dataset));
            let query = failing(check, &batch).unwrap_or_default();
            // Bars are cut by their instant, which is what the partitions and the index are of.
            let cut = if check.dataset == "bars" { format!("\"timestamp\" >= {} and ", scan::instant(from)) } else { String::new() };
            let dated = is_dated || !check.is_of_models();
            let and = if dated { format!("where {cut}{day} >= date '{from}'") } else { String::new() };
            let day = if dated { day } else { format!("date '{last}'") };
            let fired =
                by_day(connection, &format!("select {day} as day, to_jsonb(failing) as said from ({query}) as failing {and}")).await?;
            unborne(connection, check, fired, &format!("select {day} as day from ({}) as every {and}", valued(check, &batch))).await?
        }
    };
    fired.retain(|fired| fired.session >= from);
    fired.sort_by_key(|fired| fired.session);
    Ok(fired)
}

/// Without the days on which so few fail that the rule bears it. `rows`: those that are counted, with their `day`.
async fn unborne(connection: &mut PgConnection, check: &Check, mut fired: Vec<Fired>, rows: &str) -> Result<Vec<Fired>, sqlx::Error> {
    if check.mostly >= 1.0 || fired.is_empty() {
        return Ok(fired);
    }
    let text = format!(
        "select coalesce(jsonb_object_agg(day, counted), '{{}}') from (select day, count(*) as counted from ({rows}) as rows where day is not null group by day) as days"
    );
    let counted = sql::json(connection, text).await?;
    let of = |day: NaiveDate| counted.get(day.to_string()).and_then(Value::as_u64).unwrap_or_default();
    fired.retain(|fired| !check.bears(fired.failures, of(fired.session)));
    Ok(fired)
}

/// The rows that a check looks at and that have a value, as it counts them when it is made.
fn valued(check: &Check, batch: &Batch) -> String {
    let rows = batch.rows(&check.dataset);
    match (predicate(check, batch), &check.filter) {
        (Some(of), _) => format!("select * from ({rows}) as batch where {} and {} is not true", of.filter, of.missing),
        (None, Some(filter)) => format!("select * from ({rows}) as batch where ({})", filter.sql),
        (None, None) => rows,
    }
}

/// All bars from a day on.
fn bars(from: NaiveDate) -> String {
    format!("select distinct symbol, session_date as day from raw.market_data where \"timestamp\" >= {}", scan::instant(from))
}

/// Groups rows (`day`, `said`) by their day.
async fn by_day(connection: &mut PgConnection, rows: &str) -> Result<Vec<Fired>, sqlx::Error> {
    let text = format!(
        "select coalesce(jsonb_agg(jsonb_build_object('session', day, 'failures', failures, 'sample', said) order by day), '[]')
         from (select day, said, count(*) over (partition by day) as failures, row_number() over (partition by day) as place from ({rows}) as rows) as numbered
         where place = 1"
    );
    let found = sql::json(connection, text).await?;
    let read = |row: &Value| {
        let failures = row.get("failures")?.as_u64()?;
        Some(Fired { session: row.get("session")?.as_str()?.parse().ok()?, failures, sample: row.get("sample").cloned() })
    };
    Ok(found.as_array().map(|rows| rows.iter().filter_map(read).collect()).unwrap_or_default())
}

/// Bars of the sessions with those before them; a split on file changes what was before.
fn compared(from: NaiveDate, columns: &str) -> String {
    format!(
        "select bar.*, split.ratio from (
             select symbol, session_date, \"timestamp\", close, volume, {columns}
             from raw.market_data where \"timestamp\" >= {} and close > 0
             window earlier as (partition by symbol order by \"timestamp\", response_id)) as bar
         left join lateral (select split_to / nullif(split_from, 0) as ratio from raw.split
                            where split.symbol = bar.symbol and split.execution_date = bar.session_date order by response_id desc limit 1) as split on true
         where bar.\"timestamp\" >= {}",
        scan::instant(from - Days::new(scan::LEAD_DAYS)),
        scan::instant(from)
    )
}

fn jumps(from: NaiveDate, most: Decimal) -> String {
    let rows = compared(from, "lag(close) over earlier as before, lag(close, 2) over earlier as older");
    let off = |column: &str| format!("abs(close - {column} / coalesce(ratio, 1)) > {most} * {column} / coalesce(ratio, 1)");
    format!(
        "select session_date as day, jsonb_build_object('symbol', symbol, 'session_date', session_date, 'close', close, 'before', before) as said
         from ({rows}) as bar where {} and (older is null or {})",
        off("before"),
        off("older")
    )
}

fn stale(from: NaiveDate, sessions: u32) -> String {
    let back = sessions - 1;
    let rows = compared(
        from,
        &format!("count(*) over every as known, min(close) over every as least, max(close) over every as most, {back} as back"),
    );
    // A named window can't be given a frame where others use it without one.
    let rows = rows.replace(
        "window earlier as (partition by symbol order by \"timestamp\", response_id)",
        &format!("window every as (partition by symbol order by \"timestamp\", response_id rows between {back} preceding and current row)"),
    );
    format!(
        "select session_date as day, jsonb_build_object('symbol', symbol, 'session_date', session_date, 'close', close) as said
         from ({rows}) as bar where known > back and least = most"
    )
}

fn gaps(from: NaiveDate, to: NaiveDate, batch: &Batch) -> String {
    format!(
        "with bars as (select distinct symbol, session_date from raw.market_data where \"timestamp\" >= {} and close > 0),
              spans as (select symbol, min(session_date) as first, max(session_date) as last from bars group by symbol)
         select day, jsonb_build_object('symbol', symbol, 'session_date', day) as said
         from spans cross join unnest({}) as day
         where day > first and day < last and day between date '{from}' and date '{to}'
           and not exists (select from bars where bars.symbol = spans.symbol and bars.session_date = day)",
        scan::instant(from),
        batch.sessions_sql()
    )
}

async fn unusual(
    connection: &mut PgConnection,
    check: &Check,
    batch: &Batch,
    from: NaiveDate,
    (minimum, threshold, direction): (u32, f64, super::kind::Direction),
) -> Result<Vec<Fired>, sqlx::Error> {
    let weeks = Days::new(7 * u64::from(minimum.max(18) + 2));
    let Some(text) = history(check, batch, from - weeks, true) else { return Ok(Vec::new()) };
    let mut series: BTreeMap<(String, u32), Vec<Numbered>> = BTreeMap::new();
    for row in sql::numbers(connection, text).await? {
        if row.number.is_some() {
            series.entry((row.of.to_string(), row.day.weekday().num_days_from_monday())).or_default().push(row);
        }
    }
    let mut fired: BTreeMap<NaiveDate, Fired> = BTreeMap::new();
    for numbers in series.values_mut() {
        numbers.sort_by_key(|number| number.day);
        let values: Vec<f64> = numbers.iter().filter_map(|number| number.number).collect();
        for (at, (row, number)) in numbers.iter().zip(&values).enumerate().filter(|(_, (row, _))| row.day >= from) {
            let before = values.get(at.saturating_sub(WEEKS)..at).unwrap_or_default();
            if let Some(usual) = usual(*number, before, minimum).filter(|usual| usual.is_unusual(threshold, direction)) {
                let sample = json!({ "of": row.of, "number": number, "median": usual.median });
                fired.entry(row.day).or_insert(Fired { session: row.day, failures: 0, sample: Some(sample) }).failures += 1;
            }
        }
    }
    Ok(fired.into_values().collect())
}

async fn counted(connection: &mut PgConnection, check: &Check, batch: &Batch, from: NaiveDate) -> Result<Vec<Fired>, sqlx::Error> {
    let day = quoted(day_of(&check.dataset));
    let filter = check.filter.as_ref().map_or_else(String::new, |filter| format!(" and ({})", filter.sql));
    let (rows, what) = match check.dataset.as_str() {
        "bars" => (
            format!("select * from raw.market_data where \"timestamp\" >= {}", scan::instant(from - Days::new(scan::LEAD_DAYS))),
            "distinct symbol",
        ),
        _ => (batch.all_rows(&check.dataset), "*"),
    };
    let text = format!(
        "select '{{}}'::jsonb as of, {day} as day, count({what})::float8 as number from ({rows}) as every where {day} is not null{filter} group by {day} order by {day}"
    );
    let days = sql::numbers(connection, text).await?;
    let mut last: Option<f64> = None;
    let mut fired = Vec::new();
    for row in days {
        let Some(number) = row.number else { continue };
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        let off = match &check.kind {
            Kind::RowCount { minimum, maximum } => {
                minimum.is_some_and(|least| number < least as f64) || maximum.is_some_and(|most| number > most as f64)
            }
            Kind::RowCountAgainstLast { least, most } => {
                last.is_some_and(|last| number < least * last || most.is_some_and(|most| number > most * last))
            }
            _ => false,
        };
        if off {
            fired.push(Fired { session: row.day, failures: 1, sample: Some(json!({ "rows": number, "last": last })) });
        }
        last = Some(number);
    }
    Ok(fired)
}

async fn fresh(
    connection: &mut PgConnection,
    check: &Check,
    batch: &Batch,
    column: &str,
    sessions: u32,
    from: NaiveDate,
) -> Result<Vec<Fired>, sqlx::Error> {
    let rows = match check.dataset.as_str() {
        "bars" => format!("select * from raw.market_data where \"timestamp\" >= {}", scan::instant(from - Days::new(scan::LEAD_DAYS))),
        _ => batch.all_rows(&check.dataset),
    };
    let column = quoted(column);
    let text = format!(
        "select '{{}}'::jsonb as of, {column}::date as day, null::float8 as number from ({rows}) as every where {column} is not null group by 2"
    );
    let days: BTreeSet<NaiveDate> = sql::numbers(connection, text).await?.into_iter().map(|row| row.day).collect();
    let mut fired = Vec::new();
    for session in calendar::sessions(from, batch.session) {
        let mut oldest = session;
        for _ in 0..sessions {
            oldest = calendar::session_before(oldest);
        }
        let latest = days.range(..=session).next_back();
        if latest.is_none_or(|latest| *latest < oldest) {
            fired.push(Fired { session, failures: 1, sample: Some(json!({ "latest": latest })) });
        }
    }
    Ok(fired)
}

async fn duplicated(connection: &mut PgConnection, from: NaiveDate) -> Result<Vec<Fired>, sqlx::Error> {
    let books::Books { entries, .. } = load::books(connection, 0).await?;
    let mut fired: BTreeMap<NaiveDate, Fired> = BTreeMap::new();
    for group in duplicates(&entries) {
        let Some(first) = group.first().filter(|entry| entry.on >= from) else { continue };
        let session = calendar::session_on_or_after(first.on);
        let sample = json!({ "keys": group.iter().map(|entry| &entry.key).collect::<Vec<_>>(), "symbol": first.symbol });
        fired.entry(session).or_insert(Fired { session, failures: 0, sample: Some(sample) }).failures += 1;
    }
    Ok(fired.into_values().collect())
}

/// A person's query is asked once; rows without a session_date count for the last session.
async fn own_sql(connection: &mut PgConnection, check: &Check, query: &str, last: NaiveDate) -> Result<Vec<Fired>, Error> {
    let batch = Batch::whole(last);
    let by_day = format!("select to_jsonb(theirs) ->> 'session_date' as symbol, to_jsonb(theirs) as said from ({query}\n) as theirs");
    let outcomes = own::sql_failed(connection, &Arc::new(check.clone()), &by_day, &batch).await?;
    let mut fired = Vec::new();
    for outcome in outcomes.into_iter().filter(|outcome| !outcome.passed) {
        if outcome.elements <= 1 && outcome.observed == "not made" {
            return Err(Error::Own(outcome.message));
        }
        let session = outcome.symbol.and_then(|day| day.parse().ok()).unwrap_or(last);
        let sample = outcome.samples.first().and_then(|sample| sample.get("said")).cloned();
        fired.push(Fired { session, failures: outcome.failures, sample });
    }
    Ok(fired)
}
