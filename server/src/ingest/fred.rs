//! FRED: the yield of the 3-month Treasury bill, percent per year, as printed.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;
use sqlx::PgConnection;
use url::Url;

use super::{
    At, Connection, Http, Vendor, VendorError,
    answer::{self, Answer},
    http::Caller,
    land::{self, Change, Oddities},
    number::{Number, PRICE, Text},
    pages::{self, Pages},
};
use crate::orchestrator::{TaskContext, TaskError};

const OBSERVATIONS: At = At { vendor: Vendor::Fred, endpoint: "observations" };
/// The most that FRED gives in one page: four centuries of days.
const PAGE_ROWS: usize = 100_000;
/// The series by which a key is tried.
const TRIAL_SERIES: &str = "DGS3MO";

#[derive(Debug, PartialEq, Eq)]
struct Observation {
    observed_on: NaiveDate,
    /// None where FRED prints "." (a bond holiday).
    value: Option<Decimal>,
    realtime_start: Option<NaiveDate>,
}

#[derive(Debug)]
struct Page {
    rows: Vec<Observation>,
    listed: usize,
    oddities: Oddities,
}

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    observations: Option<Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct WireObservation {
    #[serde(default)]
    date: Text,
    #[serde(default)]
    realtime_start: Text,
    #[serde(default)]
    value: Number,
}

/// Lands a series from a day on; returns how many observations are new or revised.
///
/// # Errors
/// [`VendorError`] by its class; [`TaskError::Fenced`]; what Postgres says.
pub async fn land_series(
    ctx: &TaskContext,
    http: &Http,
    connection: &Connection,
    series_id: &str,
    from: NaiveDate,
) -> Result<u64, TaskError> {
    let caller = Caller::from(ctx);
    let (mut walk, mut offset, mut written) = (Pages::new(OBSERVATIONS), 0, 0);
    loop {
        let start = from.to_string();
        let query = [("observation_start", start.as_str()), ("sort_order", "asc"), ("offset", &offset.to_string())];
        let (answer, page) = fetch(http, caller, connection, series_id, PAGE_ROWS, &query).await?;
        let mut step = ctx.begin().await?;
        let response_id = land::keep(&mut step, caller, &answer).await?;
        page.oddities.report(caller, OBSERVATIONS, response_id);
        let news = write(&mut step, series_id, &page.rows, response_id).await?;
        if let Some(earliest) = news.iter().min() {
            land::note(&mut step, caller, Change { kind: "rate", portfolio_id: 0, symbol: None, from_date: Some(*earliest) }).await?;
        }
        ctx.commit(step, &ctx.checkpoint, news.len() as u64).await?;
        written += news.len() as u64;
        if page.listed < PAGE_ROWS {
            return Ok(written);
        }
        offset += page.listed;
        walk.step_to(&offset.to_string())?;
    }
}

/// Asks for one observation, so that a key is known to work before it is kept.
///
/// # Errors
/// [`VendorError`], whose sentence tells the person what is wrong.
pub async fn test(http: &Http, connection: &Connection) -> Result<(), VendorError> {
    let caller = Caller::default();
    let (answer, _) = fetch(http, caller, connection, TRIAL_SERIES, 1, &[("sort_order", "desc")]).await?;
    http.keep(caller, &answer).await
}

async fn fetch(
    http: &Http,
    caller: Caller,
    connection: &Connection,
    series_id: &str,
    rows: usize,
    query: &[(&str, &str)],
) -> Result<(Answer, Page), VendorError> {
    let mut url = pages::without_key(connection.base_url.clone());
    url.path_segments_mut().map_err(|()| VendorError::Address { at: OBSERVATIONS })?.pop_if_empty().extend(["series", "observations"]);
    url.set_query(None);
    // FRED's default is XML.
    url.query_pairs_mut()
        .append_pair("series_id", series_id)
        .append_pair("file_type", "json")
        .append_pair("limit", &rows.to_string())
        .extend_pairs(query);
    ask(http, caller, connection, &url).await
}

async fn ask(http: &Http, caller: Caller, connection: &Connection, url: &Url) -> Result<(Answer, Page), VendorError> {
    http.ask(caller, connection, OBSERVATIONS, url, parse).await
}

fn parse(body: &[u8]) -> Result<Page, VendorError> {
    let envelope: Envelope<'_> = answer::json(OBSERVATIONS, body)?;
    let elements = envelope.observations.unwrap_or_default();
    let mut page = Page { rows: Vec::with_capacity(elements.len()), listed: elements.len(), oddities: Oddities::default() };
    for (number, element) in elements.into_iter().enumerate() {
        match serde_json::from_str::<WireObservation>(element.get()).ok().and_then(observation) {
            Some(row) => page.rows.push(row),
            None => page.oddities.add(|| format!("observation {number} has no day")),
        }
    }
    page.oddities.agreed(&mut page.rows, |row| (row.observed_on, row.value));
    Ok(page)
}

fn observation(wire: WireObservation) -> Option<Observation> {
    Some(Observation { observed_on: wire.date.date()?, value: wire.value.fit(PRICE), realtime_start: wire.realtime_start.date() })
}

/// Writes observations that are new or revised; returns their days. Every answer is dated anew (`realtime_start`), which is no revision.
async fn write(step: &mut PgConnection, series_id: &str, rows: &[Observation], response_id: i64) -> Result<Vec<NaiveDate>, sqlx::Error> {
    let days: Vec<_> = rows.iter().map(|row| row.observed_on).collect();
    let values: Vec<_> = rows.iter().map(|row| row.value).collect();
    let starts: Vec<_> = rows.iter().map(|row| row.realtime_start).collect();
    sqlx::query_scalar!(
        "insert into raw.economic_observation (series_id, observed_on, value, realtime_start, response_id)
         select $1, answer.observed_on, answer.value, answer.realtime_start, $2
         from unnest($3::date[], $4::numeric[], $5::date[]) as answer (observed_on, value, realtime_start)
         left join lateral (
            select value, true as is_known from raw.economic_observation
            where economic_observation.series_id = $1 and economic_observation.observed_on = answer.observed_on
            order by response_id desc limit 1) as known on true
         where known.is_known is null or known.value is distinct from answer.value
         returning observed_on",
        series_id,
        response_id,
        &days,
        &values as &[Option<Decimal>],
        &starts as &[Option<NaiveDate>],
    )
    .fetch_all(step)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ORDINARY: &[u8] = include_bytes!("../../tests/fixtures/fred/observations_ordinary.json");

    #[test]
    fn a_dot_is_a_bond_holiday() {
        let page = parse(ORDINARY).unwrap();
        let values: Vec<_> = page.rows.iter().map(|row| row.value).collect();
        assert_eq!(values, [None, Some("5.46".parse().unwrap()), Some("5.48".parse().unwrap())]);
        assert!(parse(br#"{"observations":null}"#).unwrap().rows.is_empty());
    }

    #[test]
    fn of_a_day_that_contradicts_itself_nothing_is_taken() {
        let row = |day: u8, value: &str| format!(r#"{{"date":"2024-03-{day}","value":"{value}"}}"#);
        let rows = [row(11, "5.4"), row(12, "5.5"), row(11, "."), row(12, "5.50")].join(",");
        let page = parse(format!(r#"{{"observations":[{rows}]}}"#).as_bytes()).unwrap();
        let days: Vec<_> = page.rows.iter().map(|row| row.observed_on.to_string()).collect();
        assert_eq!((days, page.oddities.count()), (vec!["2024-03-12".to_owned()], 1));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = parse(&bytes);
        }
    }
}
