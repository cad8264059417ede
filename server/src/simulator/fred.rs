//! FRED's series observations: JSON where asked for, else XML, as FRED does.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{Response, StatusCode, header};
use axum::response::IntoResponse;
use chrono::NaiveDate;
use serde_json::json;

use super::asked::Asked;
use super::exchange::Exchange;
use super::gate::{self, fred_error};
use super::market::Rate;

/// The one series that is served: the 3-month Treasury constant-maturity yield.
const SERIES: &str = "DGS3MO";
const LARGEST_LIMIT: usize = 100_000;

/// GET /series/observations, also under /fred.
pub async fn observations(State(exchange): State<Arc<Exchange>>, RawQuery(query): RawQuery) -> Response<Body> {
    let bad = |message: &str| fred_error(StatusCode::BAD_REQUEST, message);
    let asked = Asked::read(query.as_deref()).unwrap_or_default();
    match asked.get("series_id") {
        None => return bad("Bad Request.  Variable series_id is not set."),
        Some(SERIES) => {}
        Some(_) => return bad("Bad Request.  The series does not exist."),
    }
    let day = |name: &str, otherwise: &str| asked.get(name).unwrap_or(otherwise).parse::<NaiveDate>();
    let (Ok(start), Ok(end)) = (day("observation_start", "1776-07-04"), day("observation_end", "9999-12-31")) else {
        return bad("Bad Request.  Variable observation_start or observation_end is not a YYYY-MM-DD formatted date.");
    };
    let offset = asked.get("offset").map_or(Ok(0), str::parse::<usize>);
    let (Some(limit), Ok(offset)) = (asked.limit("limit", LARGEST_LIMIT, LARGEST_LIMIT), offset) else {
        return bad("Bad Request.  The value for variable limit is not between 1 and 100000.");
    };
    let moment = exchange.moment();
    let mut found: Vec<&Rate> =
        exchange.market.rates.iter().filter(|rate| rate.date >= start && rate.date <= end && rate.date <= moment.last_date).collect();
    let newest_first = asked.get("sort_order") == Some("desc");
    if newest_first {
        found.reverse();
    }
    let page = Page { count: found.len(), offset, limit, start, end, newest_first, today: moment.today };
    let rows: Vec<&Rate> = found.into_iter().skip(offset).take(limit).collect();
    match asked.get("file_type").unwrap_or("xml") {
        "json" => in_json(&page, &rows),
        "xml" => in_xml(&page, &rows),
        _ => bad("Bad Request.  The value for variable file_type is not one of xml, json."),
    }
}

struct Page {
    count: usize,
    offset: usize,
    limit: usize,
    start: NaiveDate,
    end: NaiveDate,
    newest_first: bool,
    today: NaiveDate,
}

impl Page {
    fn order(&self) -> &'static str {
        if self.newest_first { "desc" } else { "asc" }
    }
}

fn in_json(page: &Page, rows: &[&Rate]) -> Response<Body> {
    let observations: Vec<_> = rows
        .iter()
        .map(|rate| json!({"realtime_start": page.today, "realtime_end": page.today, "date": rate.date, "value": rate.percent}))
        .collect();
    let body = json!({
        "realtime_start": page.today,
        "realtime_end": page.today,
        "observation_start": page.start,
        "observation_end": page.end,
        "units": "lin",
        "output_type": 1,
        "file_type": "json",
        "order_by": "observation_date",
        "sort_order": page.order(),
        "count": page.count,
        "offset": page.offset,
        "limit": page.limit,
        "observations": observations,
    });
    gate::answer(StatusCode::OK, &body)
}

fn in_xml(page: &Page, rows: &[&Rate]) -> Response<Body> {
    let today = page.today;
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\" ?>\n<observations realtime_start=\"{today}\" realtime_end=\"{today}\" observation_start=\"{}\" \
         observation_end=\"{}\" units=\"lin\" output_type=\"1\" file_type=\"xml\" order_by=\"observation_date\" sort_order=\"{}\" count=\"{}\" \
         offset=\"{}\" limit=\"{}\">\n",
        page.start,
        page.end,
        page.order(),
        page.count,
        page.offset,
        page.limit
    );
    for rate in rows {
        text.push_str(&format!(
            "  <observation realtime_start=\"{today}\" realtime_end=\"{today}\" date=\"{}\" value=\"{}\"/>\n",
            rate.date, rate.percent
        ));
    }
    text.push_str("</observations>\n");
    ([(header::CONTENT_TYPE, "text/xml; charset=UTF-8")], text).into_response()
}
