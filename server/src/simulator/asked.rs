//! What a request asks for: its parameters, and where it left off on the page before.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use url::form_urlencoded;

use crate::calendar;

/// The query's parameters in order, or those that its cursor holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    params: Vec<(String, String)>,
    /// Rows served on earlier pages.
    pub offset: usize,
}

/// The keys that identify the caller: never written into a cursor or an answer.
const KEYS: [&str; 2] = ["apiKey", "api_key"];

impl Asked {
    /// `None` where the query's cursor is none of ours.
    pub fn read(query: Option<&str>) -> Option<Self> {
        let params = parse(query.unwrap_or_default());
        match params.iter().find(|(name, _)| name == "cursor") {
            None => Some(Self { params, offset: 0 }),
            Some((_, cursor)) => Self::from_cursor(cursor),
        }
    }

    fn from_cursor(cursor: &str) -> Option<Self> {
        let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (offset, query) = std::str::from_utf8(&bytes).ok()?.split_once('|')?;
        Some(Self { params: parse(query), offset: offset.parse().ok()? })
    }

    /// The cursor that asks for the same from `offset` on.
    pub fn cursor(&self, offset: usize) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(self.params.iter().filter(|(name, _)| !KEYS.contains(&name.as_str())));
        URL_SAFE_NO_PAD.encode(format!("{offset}|{}", query.finish()))
    }

    pub fn get(&self, name: &str) -> Option<&str> {
        self.params.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// A comma list; empty where it isn't asked for.
    pub fn list(&self, name: &str) -> Vec<&str> {
        self.get(name).map(|value| value.split(',').map(str::trim).filter(|part| !part.is_empty()).collect()).unwrap_or_default()
    }

    /// A number within bounds, or the default where it isn't asked for. `None`: asked for, and not such a number.
    pub fn limit(&self, name: &str, default: usize, most: usize) -> Option<usize> {
        match self.get(name) {
            None => Some(default),
            Some(text) => text.parse().ok().filter(|limit| (1..=most).contains(limit)),
        }
    }

    /// Does a value satisfy `name`, `name.gt`, `name.gte`, `name.lt`, `name.lte` and `name.any_of`? Dates as YYYY-MM-DD
    /// compare like text.
    pub fn allows(&self, name: &str, value: &str) -> bool {
        self.params.iter().filter(|(_, bound)| !bound.is_empty()).all(|(param, bound)| match param.strip_prefix(name) {
            Some("") => value == bound,
            Some(".gt") => value > bound.as_str(),
            Some(".gte") => value >= bound.as_str(),
            Some(".lt") => value < bound.as_str(),
            Some(".lte") => value <= bound.as_str(),
            Some(".any_of") => bound.split(',').any(|each| each == value),
            _ => true,
        })
    }
}

fn parse(query: &str) -> Vec<(String, String)> {
    form_urlencoded::parse(query.as_bytes()).into_owned().collect()
}

/// An instant as vendors take it: RFC 3339, the same without a zone (UTC), or a day (its beginning in New York).
pub fn instant(text: &str) -> Option<DateTime<Utc>> {
    if let Ok(date) = text.parse::<NaiveDate>() {
        return Some(calendar::midnight(date));
    }
    if let Ok(at) = DateTime::parse_from_rfc3339(text) {
        return Some(at.with_timezone(&Utc));
    }
    text.parse::<NaiveDateTime>().ok().map(|at| at.and_utc())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_remembers_everything_but_the_key() {
        let asked = Asked::read(Some("ticker=BRK.B&limit=2&apiKey=demo-secret")).unwrap();
        let cursor = asked.cursor(2);
        let next = Asked::read(Some(&format!("cursor={cursor}&apiKey=demo-secret"))).unwrap();
        assert_eq!((next.get("ticker"), next.offset), (Some("BRK.B"), 2));
        assert_eq!(next.get("apiKey"), None);
        assert_eq!(Asked::read(Some("cursor=%7B")), None);
    }

    #[test]
    fn bounds_are_read_from_the_names() {
        let asked = Asked::read(Some("execution_date.gte=2014-01-01&execution_date.lt=2015-01-01&ticker=AAPL")).unwrap();
        assert!(asked.allows("execution_date", "2014-06-09"));
        assert!(!asked.allows("execution_date", "2015-01-01"));
        assert!(asked.allows("ticker", "AAPL") && !asked.allows("ticker", "AAP"));
        assert_eq!(asked.limit("limit", 10, 1_000), Some(10));
    }
}
