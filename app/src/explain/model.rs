//! What an explanation says: the figure, how it is made, and each thing that it was made from with its way back to the bytes.

use super::recipe::{Answer, Recipe};
use crate::domain::{Figure, KNOWABLE, PortfolioId, Scope};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// Which figure, of what.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Asked {
    pub figure: String,
    pub scope: Scope,
    /// Of a holding or a close; of an exchange rate the currency.
    pub symbol: Option<String>,
    /// Of one day, or of the month or year in which it lies; else of the last.
    pub session: Option<NaiveDate>,
    /// Of a weight in the allocation.
    pub sector: Option<String>,
    /// Of a rolling window: its measure, and its sessions.
    pub rolling: Option<String>,
    pub window: Option<String>,
}

impl Asked {
    /// Reads what stands after the question mark.
    pub fn parse(figure: &str, query: &str) -> Self {
        let mut asked = Self { figure: figure.to_owned(), scope: Scope::parse(query), ..Self::default() };
        for (key, value) in query.trim_start_matches('?').split('&').filter_map(|pair| pair.split_once('=')) {
            match key {
                "symbol" => asked.symbol = Some(unescaped(value)),
                "session" => asked.session = value.parse().ok().filter(|day| KNOWABLE.contains(day)),
                "sector" => asked.sector = Some(unescaped(value)),
                "rolling" => asked.rolling = Some(value.to_owned()),
                "window" => asked.window = Some(value.to_owned()),
                _ => {}
            }
        }
        asked
    }
}

/// What [`crate::routes::explain`] escapes, and a form's spaces.
fn unescaped(value: &str) -> String {
    let value = value.replace('+', " ");
    [("%2F", "/"), ("%2f", "/"), ("%20", " "), ("%26", "&"), ("%25", "%")]
        .iter()
        .fold(value, |value, (code, sign)| value.replace(code, sign))
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// Its key, as in the address.
    pub figure: String,
    pub name: String,
    pub portfolio: PortfolioId,
    pub currency: String,
    pub symbol: Option<String>,
    /// What else stands in its address, beside the scope.
    pub about: Vec<(String, String)>,
    /// The close with which its period opens; none for what is of one day.
    pub opens_on: Option<NaiveDate>,
    pub as_of: NaiveDate,
    pub as_known_on: Option<NaiveDate>,
    pub value: Figure<Answer>,
    /// As it stands on the page.
    pub shown: String,
    /// In words, and in symbols.
    pub method: String,
    pub formula: String,
    pub conventions: Vec<String>,
    /// Enough to work it out again.
    pub recipe: Recipe,
    pub inputs: Vec<Input>,
    pub rows: Vec<Row>,
    /// What vendors answered, shown at the field that was used.
    pub quotes: Vec<Quote>,
    pub publication: Option<Trail>,
}

/// Something that the figure was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Input {
    pub name: String,
    pub said: String,
    /// Carried, restated, entered by hand.
    pub notes: Vec<String>,
    /// Its own explanation.
    pub leads_to: Option<Link>,
}

impl Input {
    pub fn new(name: impl Into<String>, said: impl Into<String>) -> Self {
        Self { name: name.into(), said: said.into(), notes: Vec::new(), leads_to: None }
    }

    #[must_use]
    pub fn to(mut self, figure: &str, symbol: Option<&str>, session: NaiveDate) -> Self {
        self.leads_to = Some(Link { figure: figure.to_owned(), symbol: symbol.map(str::to_owned), session });
        self
    }

    #[must_use]
    pub fn noting(mut self, note: Option<String>) -> Self {
        self.notes.extend(note);
        self
    }
}

/// Another figure of the same portfolio, known on the same day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Link {
    pub figure: String,
    pub symbol: Option<String>,
    pub session: NaiveDate,
}

/// A row on the way, under its table's name: marts, ledger, staging, raw, book, or what a publication kept (ops).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
    pub table: String,
    pub columns: Vec<(String, String)>,
}

/// An answer of a vendor. The request is kept without any key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quote {
    pub response_id: i64,
    pub vendor: String,
    pub endpoint: String,
    pub request: String,
    pub status: i32,
    pub fetched_at: DateTime<Utc>,
    pub run_id: Option<i64>,
    pub task: Option<String>,
    /// Of the whole body, as hex digits, as it was when it came.
    pub sha256: String,
    /// The body as it is kept now has this hash.
    pub is_intact: bool,
    pub body_bytes: usize,
    /// The field that was used: first byte and the one after the last.
    pub field: Option<(usize, usize)>,
    /// Where the part that is shown begins in the body; the body's bytes before, at and after the field.
    pub shown_from: usize,
    pub before: String,
    pub marked: String,
    pub after: String,
    /// Where the bytes are: an address of this site. None where the answer tells of others' holdings too: then only one's own part is shown.
    pub bytes_at: Option<String>,
}

/// The publication that showed the figure, and what it went through.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trail {
    pub publication_id: i64,
    pub published_at: DateTime<Utc>,
    /// Its day in New York.
    pub published_on: NaiveDate,
    pub program: String,
    pub run_id: i64,
    pub dag: String,
    pub task: Option<String>,
    pub checks_passed: i32,
    pub checks_total: i32,
    /// Checks of the run that failed or were borne, by name.
    pub failed: Vec<String>,
}

/// What the browser works out again.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recomputable {
    pub value: Figure<Answer>,
    pub recipe: Recipe,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_stands_in_the_address() {
        let asked = Asked::parse("close", "?portfolio=3&symbol=BRK%2FA&session=2026-11-10&as_known_on=2026-11-12");
        assert_eq!((asked.symbol.as_deref(), asked.session.unwrap().to_string()), (Some("BRK/A"), "2026-11-10".into()));
        assert_eq!(asked.scope.as_known_on.unwrap().to_string(), "2026-11-12");
        let sector = Asked::parse("sector_weight", "sector=Real%20Estate%20%26%20Land&window=63&rolling=beta");
        assert_eq!(sector.sector.as_deref(), Some("Real Estate & Land"));
        assert_eq!((sector.rolling.as_deref(), sector.window.as_deref()), (Some("beta"), Some("63")));
        assert_eq!(Asked::parse("value", "session=-262143-01-01"), Asked { figure: "value".into(), ..Asked::default() });
        assert_eq!(Asked::parse("value", "session=x"), Asked { figure: "value".into(), ..Asked::default() });
    }
}
