//! What is said of a series, as one document: the JSON of `plumbline metrics` and of `/api/performance.json`. Numbers are written so
//! that they read back to the same bits.

use super::{
    metrics::{Measured, Terms},
    series::{Columns, DatedFall, Measurement, Series},
};
use crate::domain::{Figure, Undefined};
use chrono::NaiveDate;
use serde::{Serialize, Serializer, ser::SerializeMap};

/// Measures, falls and, where asked for, rolling windows of a series.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Report {
    /// The first and the last day with a return.
    pub from: Option<NaiveDate>,
    pub to: Option<NaiveDate>,
    pub observations: usize,
    pub parameters: Parameters,
    #[serde(serialize_with = "by_key")]
    pub metrics: Vec<Measured>,
    /// The deepest first.
    pub drawdowns: Vec<Drawdown>,
    /// An empty object where none were asked for.
    #[serde(serialize_with = "or_nothing")]
    pub rolling: Option<Rolling>,
}

/// What the measures were taken by, and how many periods lack what some of them need.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Parameters {
    pub periods_per_year: f64,
    pub mar: f64,
    pub confidence: f64,
    pub risk_free: RiskFree,
    /// Periods that have a benchmark too, and those left out for want of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub benchmark_observations: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub without_benchmark: Option<usize>,
    pub without_risk_free: usize,
}

/// Where the risk-free rate comes from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(untagged)]
pub enum RiskFree {
    /// A fraction per year.
    Constant(f64),
    /// A name of the series: "series", "DGS3MO".
    Series(&'static str),
}

/// A row of the table of falls.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Drawdown {
    pub depth: f64,
    pub peak: Option<NaiveDate>,
    pub trough: Option<NaiveDate>,
    pub recovery: Option<NaiveDate>,
    pub periods_down: usize,
    pub periods_to_recovery: Option<usize>,
}

/// Every measure over every window, by its last day.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Rolling {
    /// Returns in a window.
    pub window: usize,
    pub dates: Vec<NaiveDate>,
    /// As long as `dates`; null where a measure is undefined.
    #[serde(serialize_with = "columns")]
    pub metrics: Columns,
}

impl Report {
    /// Of a whole series and its measures.
    pub fn of(series: &Series, found: &Measurement, terms: Terms, risk_free: RiskFree) -> Self {
        Self {
            from: series.days.first().copied(),
            to: series.days.last().copied(),
            observations: found.observations,
            parameters: Parameters {
                periods_per_year: terms.periods_a_year,
                mar: terms.mar,
                confidence: terms.confidence,
                risk_free,
                benchmark_observations: found.with_benchmark,
                without_benchmark: found.with_benchmark.map(|with| found.observations - with),
                without_risk_free: found.without_risk_free,
            },
            metrics: found.measures.clone(),
            drawdowns: series.falls().iter().map(Drawdown::of).collect(),
            rolling: None,
        }
    }
}

impl Rolling {
    pub fn of(series: &Series, terms: Terms, window: usize) -> Self {
        let (dates, metrics) = series.rolling_all(terms, window);
        Self { window, dates, metrics }
    }

    /// Only the windows that end after a day.
    #[must_use]
    pub fn after(mut self, day: NaiveDate) -> Self {
        let before = self.dates.partition_point(|date| *date <= day);
        self.dates.drain(..before);
        for (_, column) in &mut self.metrics {
            column.drain(..before);
        }
        self
    }
}

impl Drawdown {
    pub fn of(dated: &DatedFall) -> Self {
        let DatedFall { fall, peak, trough, recovery } = *dated;
        let (periods_down, periods_to_recovery) = (fall.periods_down(), fall.periods_to_recovery());
        Self { depth: fall.depth, peak, trough, recovery, periods_down, periods_to_recovery }
    }
}

/// A number, or null with the reason: `{"value": 0.75}`, `{"value": null, "reason": "…"}`.
#[derive(Debug, Serialize)]
pub struct Shown<'a, T> {
    value: Option<&'a T>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'a Undefined>,
}

impl<'a, T> From<&'a Figure<T>> for Shown<'a, T> {
    fn from(figure: &'a Figure<T>) -> Self {
        Self { value: figure.as_ref().ok(), reason: figure.as_ref().err() }
    }
}

/// For fields that hold a figure.
///
/// # Errors
/// The serializer's.
pub fn shown<T: Serialize, S: Serializer>(figure: &Figure<T>, serializer: S) -> Result<S::Ok, S::Error> {
    Shown::from(figure).serialize(serializer)
}

/// For fields that hold measures: an object by key.
///
/// # Errors
/// The serializer's.
pub fn by_key<S: Serializer>(measures: &[Measured], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(measures.len()))?;
    for (key, figure) in measures {
        map.serialize_entry(key, &Shown::from(figure))?;
    }
    map.end()
}

fn or_nothing<S: Serializer>(rolling: &Option<Rolling>, serializer: S) -> Result<S::Ok, S::Error> {
    match rolling {
        Some(rolling) => rolling.serialize(serializer),
        None => serializer.serialize_map(Some(0))?.end(),
    }
}

fn columns<S: Serializer>(columns: &Columns, serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(columns.len()))?;
    for (key, column) in columns {
        map.serialize_entry(key, column)?;
    }
    map.end()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::Value;

    fn series(returns: &[f64]) -> Series {
        Series {
            days: NaiveDate::from_ymd_opt(2024, 1, 1).unwrap().iter_days().take(returns.len()).collect(),
            returns: returns.to_vec(),
            risk_free: vec![Some(1e-4); returns.len()],
            benchmark: Some(returns.iter().rev().map(|r| Some(*r)).collect()),
        }
    }

    fn report(returns: &[f64], risk_free: RiskFree) -> Report {
        let series = series(returns);
        Report::of(&series, &series.measured(Terms::default(), 0..returns.len()), Terms::default(), risk_free)
    }

    #[test]
    fn the_document_has_its_fields_and_reasons() {
        let mut report = report(&[0.1, -0.2, 0.3], RiskFree::Constant(0.02));
        let read = |report: &Report| serde_json::from_str::<Value>(&serde_json::to_string(report).unwrap()).unwrap();
        let document = read(&report);
        assert_eq!((document["from"].as_str(), document["observations"].as_u64()), (Some("2024-01-01"), Some(3)));
        assert_eq!(document["parameters"]["risk_free"], 0.02);
        assert_eq!(document["metrics"]["beta_bear"]["reason"], "needs 2 periods with a falling benchmark, has 1");
        assert_eq!(document["rolling"], serde_json::json!({}));
        assert_eq!(document["drawdowns"][0]["periods_to_recovery"], 1);
        report.rolling = Some(Rolling::of(&series(&[0.1, -0.2, 0.3]), Terms::default(), 2).after("2024-01-02".parse().unwrap()));
        let rolling = &read(&report)["rolling"];
        assert_eq!(rolling["dates"], serde_json::json!(["2024-01-03"]));
        assert_eq!(rolling["metrics"]["volatility"].as_array().map(Vec::len), Some(1));
        report.rolling = Some(Rolling::of(&series(&[0.1]), Terms::default(), 2));
        let none = &read(&report)["rolling"];
        assert_eq!((&none["dates"], &none["metrics"]["beta"]), (&serde_json::json!([]), &serde_json::json!([])));
    }

    proptest! {
        /// What is written reads back to the same bits.
        #[test]
        fn numbers_survive_the_document(returns in prop::collection::vec(-0.9_f64..0.9, 2..40)) {
            let report = report(&returns, RiskFree::Series("series"));
            let text = serde_json::to_string(&report).unwrap();
            for (key, figure) in &report.metrics {
                let Ok(value) = figure else { continue };
                let entry = text.split(&format!("\"{key}\":{{\"value\":")).nth(1).unwrap();
                let number = entry.split('}').next().unwrap();
                prop_assert_eq!(number.parse::<f64>().unwrap().to_bits(), value.to_bits(), "{}: {}", key, number);
            }
        }
    }
}
