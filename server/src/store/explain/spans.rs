//! Where in a vendor's body the field stands that was used: by walking the JSON as the parsers do. Pure.

use crate::calendar;
use chrono::{DateTime, NaiveDate};
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
}

type Fields<'a> = BTreeMap<Cow<'a, str>, &'a RawValue>;

#[derive(Deserialize)]
struct Envelope<'a> {
    #[serde(borrow, default)]
    results: Vec<&'a RawValue>,
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
        ("alpaca.activities", Wanted::Activity { id }) => {
            let elements: Vec<&RawValue> = serde_json::from_str(text).ok()?;
            let is_it = |element: &&&RawValue| string(&fields(element), "id").is_some_and(|known| known == *id);
            let element = elements.iter().rev().find(is_it)?;
            let mut within = fields(element);
            within.remove("net_amount").or_else(|| within.remove("price")).unwrap_or(element)
        }
        _ => return None,
    };
    // The parser lends slices of the body itself: where one begins says where the field does.
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

/// New York's day of a bar's stamp, which some send as text.
fn stamped_on(fields: &Fields<'_>) -> Option<NaiveDate> {
    let stamp = fields.get("t")?.get().trim_matches('"');
    let millis = stamp.parse::<i64>().ok().or_else(|| {
        let number = stamp.parse::<f64>().ok()?;
        #[expect(clippy::cast_possible_truncation, reason = "a stamp written with an exponent; what doesn't fit is no day")]
        Some(number as i64)
    })?;
    DateTime::from_timestamp_millis(millis).map(calendar::new_york_date)
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
    fn of_two_the_later_counts() {
        let twice = br#"{"results":[{"T":"A","c":1},{"T":" A","c":2.50},{"c":9},"x",{"T":"B","c":3}]}"#;
        let range = locate("polygon.grouped", twice, &Wanted::Close { symbol: "A", session: on("2024-03-11") }).unwrap();
        assert_eq!(&twice[range], b"2.50");
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            for endpoint in ["polygon.grouped", "polygon.bars", "alpaca.activities"] {
                let _ = locate(endpoint, &bytes, &Wanted::Close { symbol: "A", session: on("2024-03-11") });
                let _ = locate(endpoint, &bytes, &Wanted::Activity { id: "A" });
            }
        }
    }
}
