//! Where in a vendor's body the field stands that was used: by walking the JSON as the parsers do. Pure.

use crate::calendar;
use chrono::{DateTime, NaiveDate, Utc};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, collections::BTreeMap, ops::Range};

/// What is looked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Wanted<'a> {
    /// A bar's close.
    Close { symbol: &'a str, session: NaiveDate },
    /// A broker's activity: the money or the price in it, else all of it.
    Activity { id: &'a str },
    /// A yield of FRED's.
    Yield { observed_on: NaiveDate },
    /// The close of a pair of currencies, on a day of UTC.
    Rate { currency: &'a str, quoted_on: NaiveDate },
}

type Fields<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    results: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct Observations<'a> {
    #[serde(borrow, default)]
    observations: Vec<&'a RawValue>,
}

#[derive(Deserialize)]
struct BarsBySymbol<'a> {
    #[serde(borrow, default)]
    bars: BTreeMap<Cow<'a, str>, Vec<&'a RawValue>>,
}

#[derive(Deserialize)]
struct PartsBySymbol<'a> {
    #[serde(borrow, default)]
    bars: BTreeMap<Cow<'a, str>, &'a RawValue>,
}

/// First byte of the field, and the one after its last; `None` where the body holds no such field.
pub(super) fn locate(endpoint: &str, body: &[u8], wanted: &Wanted<'_>) -> Option<Range<usize>> {
    let text = std::str::from_utf8(body).ok()?;
    let found = match (endpoint, wanted) {
        ("polygon.grouped", Wanted::Close { symbol, .. }) => {
            let envelope: Envelope<'_> = serde_json::from_str(text).ok()?;
            // Of two for a symbol the later in the answer counts.
            let is_it = |fields: &Fields<'_>| string(fields, "T").is_some_and(|ticker| ticker.trim() == *symbol);
            envelope.results.iter().rev().map(|element| fields(element)).find(is_it)?.remove("c")?
        }
        ("polygon.bars", Wanted::Close { session, .. }) => {
            let envelope: Envelope<'_> = serde_json::from_str(text).ok()?;
            let is_it = |fields: &Fields<'_>| stamped_on(fields) == Some(*session);
            envelope.results.iter().rev().map(|element| fields(element)).find(is_it)?.remove("c")?
        }
        ("polygon.exchange", Wanted::Rate { quoted_on, .. }) => {
            let envelope: Envelope<'_> = serde_json::from_str(text).ok()?;
            let is_it = |fields: &Fields<'_>| stamped_at(fields).is_some_and(|at| at.date_naive() == *quoted_on);
            envelope.results.iter().rev().map(|element| fields(element)).find(is_it)?.remove("c")?
        }
        ("fred.observations", Wanted::Yield { observed_on }) => {
            let envelope: Observations<'_> = serde_json::from_str(text).ok()?;
            let is_it = |fields: &Fields<'_>| string(fields, "date").is_some_and(|date| date.trim().parse() == Ok(*observed_on));
            envelope.observations.iter().rev().map(|element| fields(element)).find(is_it)?.remove("value")?
        }
        ("alpaca.bars", Wanted::Close { symbol, session }) => {
            let envelope: BarsBySymbol<'_> = serde_json::from_str(text).ok()?;
            let is_it = |fields: &Fields<'_>| {
                let stamp = string(fields, "t").and_then(|stamp| stamp.parse::<DateTime<Utc>>().ok());
                stamp.map(calendar::new_york_date) == Some(*session)
            };
            envelope.bars.get(*symbol)?.iter().rev().map(|element| fields(element)).find(is_it)?.remove("c")?
        }
        ("alpaca.activities", Wanted::Activity { id }) => {
            let elements: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            let is_it = |element: &&&RawValue| string(&fields(element), "id").is_some_and(|known| known == *id);
            let element = elements.iter().rev().find(is_it)?;
            let mut within = fields(element);
            within.remove("net_amount").or_else(|| within.remove("price")).unwrap_or(element)
        }
        _ => return None,
    };
    place(text, found)
}

/// What of a body is one's own to see: of an answer that tells of several portfolios' symbols at once only the part of the one that is
/// wanted, nothing where there is none; `None`: all of it.
pub(super) fn own_part(endpoint: &str, body: &[u8], wanted: &Wanted<'_>) -> Option<Range<usize>> {
    if !is_shared(endpoint) {
        return None;
    }
    let part = std::str::from_utf8(body).ok().and_then(|text| {
        let Wanted::Close { symbol, .. } = wanted else { return None };
        let envelope: PartsBySymbol<'_> = serde_json::from_str(text).ok()?;
        place(text, envelope.bars.get(*symbol)?)
    });
    Some(part.unwrap_or(0..0))
}

/// Is one answer for what all portfolios hold together? Its request lists their symbols.
pub(super) fn is_shared(endpoint: &str) -> bool {
    endpoint == "alpaca.bars"
}

/// The request of such an answer as if it had been for one symbol alone: a token of its next page names another one.
pub(super) fn own_request(request: &str, wanted: &Wanted<'_>) -> String {
    let Wanted::Close { symbol, .. } = wanted else { return String::new() };
    let (path, query) = request.split_once('?').unwrap_or((request, ""));
    let pairs = query.split('&').filter_map(|pair| match pair.split_once('=') {
        Some(("symbols", _)) => Some(format!("symbols={}", symbol.replace('/', "%2F"))),
        Some(("timeframe" | "start" | "end" | "adjustment" | "limit", _)) => Some(pair.to_owned()),
        _ => None,
    });
    let query = pairs.collect::<Vec<_>>().join("&");
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

/// The parser lends slices of the body itself: where one begins says where the field does.
fn place(text: &str, found: &RawValue) -> Option<Range<usize>> {
    let from = (found.get().as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    let range = from..from + found.get().len();
    (text.get(range.clone()) == Some(found.get())).then_some(range)
}

fn fields(element: &RawValue) -> Fields<'_> {
    serde_json::from_str(element.get()).unwrap_or_default()
}

fn string(fields: &Fields<'_>, name: &str) -> Option<String> {
    serde_json::from_str(fields.get(name)?.get()).ok()
}

/// New York's day of a bar's stamp.
fn stamped_on(fields: &Fields<'_>) -> Option<NaiveDate> {
    stamped_at(fields).map(calendar::new_york_date)
}

/// A bar's stamp, which some send as text.
fn stamped_at(fields: &Fields<'_>) -> Option<DateTime<Utc>> {
    let stamp = fields.get("t")?.get().trim_matches('"');
    let millis = stamp.parse::<i64>().ok().or_else(|| {
        let number = stamp.parse::<f64>().ok()?;
        #[expect(clippy::cast_possible_truncation, reason = "a stamp written with an exponent; what doesn't fit is no day")]
        Some(number as i64)
    })?;
    DateTime::from_timestamp_millis(millis)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const GROUPED: &[u8] = include_bytes!("../../../tests/fixtures/polygon/grouped_ordinary.json");
    const BARS: &[u8] = include_bytes!("../../../tests/fixtures/polygon/bars_ordinary.json");
    const ACTIVITIES: &[u8] = include_bytes!("../../../tests/fixtures/alpaca/activities_ordinary.json");

    fn on(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn found(endpoint: &str, body: &[u8], wanted: &Wanted<'_>) -> Option<String> {
        locate(endpoint, body, wanted).map(|range| String::from_utf8(body[range].to_vec()).unwrap())
    }

    #[test]
    fn the_field_is_the_one_that_the_parser_reads() {
        let close = |symbol, day| Wanted::Close { symbol, session: on(day) };
        assert_eq!(found("polygon.grouped", GROUPED, &close("ACME", "2024-03-11")).as_deref(), Some("10.2"));
        assert_eq!(found("polygon.grouped", GROUPED, &close("KIMpL", "2024-03-11")).as_deref(), Some("24.2"));
        assert_eq!(found("polygon.grouped", GROUPED, &close("NOBODY", "2024-03-11")), None);
        assert_eq!(found("polygon.bars", BARS, &close("ACME", "2024-03-08")).as_deref(), Some("102.25"));
        assert_eq!(found("polygon.bars", BARS, &close("ACME", "2024-03-12")).as_deref(), Some("102.0"));
        assert_eq!(found("polygon.bars", BARS, &close("ACME", "2024-03-10")), None);
        let activity = |id| found("alpaca.activities", ACTIVITIES, &Wanted::Activity { id });
        assert_eq!(activity("20240312011955195::5f596936").as_deref(), Some("\"1.02\""));
        assert_eq!(activity("20240311150406977::8efc7b9a").as_deref(), Some("\"1.63\""));
        assert_eq!(activity("nobody"), None);
        assert_eq!(found("polygon.details", GROUPED, &close("ACME", "2024-03-11")), None);
    }

    #[test]
    fn yields_rates_and_a_second_vendors_closes_are_found_too() {
        const FRED: &[u8] = include_bytes!("../../../tests/fixtures/fred/observations_ordinary.json");
        let yielded = |day| found("fred.observations", FRED, &Wanted::Yield { observed_on: on(day) });
        assert_eq!(yielded("2024-01-03").as_deref(), Some("\"5.48\""));
        assert_eq!(yielded("2024-01-04"), None);
        // Days of currencies are those of UTC: 23:00 of the 11th is the 11th, though New York calls 01:00 of the 12th so too.
        let rates = br#"{"results":[{"t":1710198000000,"c":1.0932},{"t":1710205200000,"c":1.0940}]}"#;
        let rate = |day| found("polygon.exchange", rates, &Wanted::Rate { currency: "EUR", quoted_on: on(day) });
        assert_eq!((rate("2024-03-11").as_deref(), rate("2024-03-12").as_deref()), (Some("1.0932"), Some("1.0940")));
        let bars = br#"{"bars":{"ACME":[{"t":"2024-03-11T04:00:00Z","c":10.21}]},"next_page_token":null}"#;
        let close = |symbol| found("alpaca.bars", bars, &Wanted::Close { symbol, session: on("2024-03-11") });
        assert_eq!((close("ACME").as_deref(), close("AAPL")), (Some("10.21"), None));
    }

    #[test]
    fn of_an_answer_for_everybody_one_symbols_part_is_shown() {
        let bars = br#"{"bars":{"ACME":[{"t":"2024-03-11T04:00:00Z","c":10.21}],"BOBS":[{"t":"2024-03-11T04:00:00Z","c":7}]},"next_page_token":"Qk9C"}"#;
        let close = |symbol| Wanted::Close { symbol, session: on("2024-03-11") };
        let part = |symbol| own_part("alpaca.bars", bars, &close(symbol)).map(|range| std::str::from_utf8(&bars[range]).unwrap());
        assert_eq!(part("ACME"), Some(r#"[{"t":"2024-03-11T04:00:00Z","c":10.21}]"#));
        assert_eq!(part("AAPL"), Some(""), "nothing of others");
        assert_eq!(own_part("alpaca.bars", b"<html>", &close("ACME")), Some(0..0));
        assert_eq!(own_part("polygon.grouped", bars, &close("ACME")), None);
        let request = "/v2/stocks/bars?symbols=ACME%2CBOBS&timeframe=1Day&start=2024-03-05&page_token=Qk9C";
        assert_eq!(own_request(request, &close("ACME")), "/v2/stocks/bars?symbols=ACME&timeframe=1Day&start=2024-03-05");
        assert_eq!(own_request("/v2/stocks/bars", &close("ACME")), "/v2/stocks/bars");
    }

    #[test]
    fn of_two_the_later_counts() {
        let twice = br#"{"results":[{"T":"A","c":1},{"T":" A","c":2.50},{"c":9},"x",{"T":"B","c":3}]}"#;
        let range = locate("polygon.grouped", twice, &Wanted::Close { symbol: "A", session: on("2024-03-11") }).unwrap();
        assert_eq!(&twice[range], b"2.50");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let day = on("2024-03-11");
            for endpoint in ["polygon.grouped", "polygon.bars", "polygon.exchange", "alpaca.activities", "alpaca.bars", "fred.observations"] {
                let _ = locate(endpoint, &bytes, &Wanted::Close { symbol: "A", session: day });
                let _ = own_part(endpoint, &bytes, &Wanted::Close { symbol: "A", session: day });
                let _ = locate(endpoint, &bytes, &Wanted::Activity { id: "A" });
                let _ = locate(endpoint, &bytes, &Wanted::Yield { observed_on: day });
                let _ = locate(endpoint, &bytes, &Wanted::Rate { currency: "EUR", quoted_on: day });
            }
        }
    }
}
