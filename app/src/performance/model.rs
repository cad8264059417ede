//! What is said of a portfolio's performance; the page draws it, `/api/performance.json` sends it as it is.

use crate::{
    analytics::{
        contribution::Contributions,
        ledger::HoldingCourse,
        metrics::Measured,
        report::{Report, by_key, shown},
        series::Series,
        sessions::PortfolioSession,
    },
    domain::{Benchmark, Figure, Money, PortfolioId, Range, Symbol, Undefined},
    overview::model::{Restated, RestatedDays},
};
use chrono::NaiveDate;
use serde::Serialize;
use std::collections::BTreeMap;

/// A portfolio as it was published: what every number here is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct TrackRecord {
    pub portfolio: PortfolioId,
    pub currency: String,
    /// Since the first one, ascending.
    pub sessions: Vec<PortfolioSession>,
    /// Market values of the positions at the last session; `None`: no price yet.
    pub position_values: Vec<Option<Money>>,
    /// Those of the range that was asked for.
    pub holdings: Figure<Vec<HoldingRecord>>,
    /// Sessions that were published before with other numbers.
    pub restated: RestatedDays,
}

/// A holding over a range, with what it is called.
#[derive(Debug, Clone, PartialEq)]
pub struct HoldingRecord {
    pub course: HoldingCourse,
    pub name: String,
    pub sector: String,
}

/// A range of a portfolio's history. Fields of JSON are part of the documented interface (docs/API.md).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Performance {
    pub portfolio: PortfolioId,
    pub currency: String,
    #[serde(serialize_with = "label")]
    pub range: Range,
    #[serde(serialize_with = "key")]
    pub benchmark: Benchmark,
    /// The last session, with whose close the range ends.
    pub as_of: NaiveDate,
    /// The session with whose close the range opens; the first one where it reaches back to it.
    pub opens_on: NaiveDate,
    /// The portfolio's first session.
    pub since: NaiveDate,
    #[serde(serialize_with = "shown")]
    pub value: Figure<Money>,
    pub positions: u32,
    /// Prices carried from an earlier session.
    pub carried: u32,
    /// Sessions that were published before with other numbers.
    pub restated: Restated,
    pub returns: Returns,
    #[serde(flatten)]
    pub report: Report,
    /// What each holding, each sector and the rest contributed to the range.
    #[serde(serialize_with = "or_reason")]
    pub contributions: Figure<Contributions>,
    /// Names of the holdings in it.
    #[serde(skip)]
    pub names: BTreeMap<Symbol, String>,
    /// Of the positions at the last session.
    #[serde(serialize_with = "by_key")]
    pub concentration: Vec<Measured>,
    /// The sessions of the range.
    pub daily: Vec<Daily>,
    /// Of the whole history, oldest first; months without capital at work are left out.
    pub months: Vec<Month>,
    pub years: Vec<Year>,
    /// Sessions in the range, those without a return included.
    pub sessions: usize,
    /// The measures as a page shows them: short ranges aren't annualized, ratios need 20 returns.
    #[serde(skip)]
    pub on_screen: Vec<Measured>,
    /// Of the whole history, for rolling windows that end in the range.
    #[serde(skip)]
    pub history: Series,
    /// Days of the whole history whose return is unknown.
    #[serde(skip)]
    pub unknown: Vec<NaiveDate>,
}

/// Returns of the range.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Returns {
    #[serde(serialize_with = "shown")]
    pub time_weighted: Figure<f64>,
    /// Sessions without capital at work or without a value: they are in no product.
    pub left_out: usize,
    #[serde(serialize_with = "shown")]
    pub benchmark: Figure<f64>,
    #[serde(serialize_with = "shown")]
    pub excess: Figure<f64>,
    /// XIRR: a year's, or of the range where that is shorter than a year.
    #[serde(serialize_with = "shown")]
    pub money_weighted: Figure<f64>,
    pub money_weighted_is_annual: bool,
    #[serde(serialize_with = "shown")]
    pub modified_dietz: Figure<f64>,
}

/// One session.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Daily {
    pub date: NaiveDate,
    pub value: Option<Money>,
    pub inflow: Money,
    pub outflow: Money,
    /// Inflows minus outflows since the first session.
    pub net_contributions: Money,
    #[serde(rename = "return")]
    pub own: Option<f64>,
    #[serde(rename = "benchmark_return")]
    pub benchmark: Option<f64>,
    /// Of the session: (1 + y)^(1/252) − 1.
    #[serde(rename = "risk_free_return")]
    pub risk_free: Option<f64>,
    /// Since the range opened.
    pub cumulative: Option<f64>,
    pub benchmark_cumulative: Option<f64>,
    pub drawdown: Option<f64>,
}

/// Time-weighted.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Month {
    pub year: i32,
    pub month: u32,
    #[serde(flatten, serialize_with = "own")]
    pub own: Figure<f64>,
}

/// Time-weighted, beside the benchmark over the sessions with capital at work.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Year {
    pub year: i32,
    #[serde(flatten, serialize_with = "own")]
    pub own: Figure<f64>,
    pub benchmark: Option<f64>,
}

impl Year {
    /// What the portfolio is ahead of the benchmark; `None` where one of the two is unknown.
    pub fn excess(&self) -> Option<f64> {
        Some(self.own.as_ref().ok()? - self.benchmark?)
    }
}

/// Which rolling windows a page shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rolled {
    pub key: &'static str,
    /// Sessions.
    pub window: usize,
}

/// `return`, and where it is null the `reason`.
fn own<S: serde::Serializer>(of: &Figure<f64>, serializer: S) -> Result<S::Ok, S::Error> {
    #[derive(Serialize)]
    struct Own<'a> {
        #[serde(rename = "return")]
        own: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        reason: Option<&'a Undefined>,
    }
    Own { own: of.as_ref().ok().copied(), reason: of.as_ref().err() }.serialize(serializer)
}

/// A document of the same shape, empty but for the reason.
fn or_reason<S: serde::Serializer>(of: &Figure<Contributions>, serializer: S) -> Result<S::Ok, S::Error> {
    match of {
        Ok(found) => found.serialize(serializer),
        Err(reason) => Contributions::unknown(reason).serialize(serializer),
    }
}

fn label<S: serde::Serializer>(range: &Range, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(range.label())
}

fn key<S: serde::Serializer>(benchmark: &Benchmark, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(benchmark.key())
}
