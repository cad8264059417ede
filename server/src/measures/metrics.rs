//! `plumbline metrics`: the catalogue of a column of returns.

use super::{
    Format,
    table::{Table, TableError},
};
use app::{
    analytics::{
        benchmark::{Aligned, align},
        metrics::{Input, KEYS, Measured, Terms, catalogue, falls},
        returns::{SESSIONS_A_YEAR, per_period},
    },
    domain::Figure,
};
use chrono::NaiveDate;
use clap::Args;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, path::PathBuf};

/// The measures of a series of period returns, from a file: first column the date, then named columns of fractions.
#[derive(Debug, Args)]
pub struct MetricsArgs {
    /// CSV of period returns
    #[arg(long, value_name = "FILE")]
    returns: PathBuf,
    /// Its column; without a word the first
    #[arg(long, value_name = "NAME")]
    column: Option<String>,
    /// CSV of the benchmark's returns; may be the same file
    #[arg(long, value_name = "FILE")]
    benchmark: Option<PathBuf>,
    #[arg(long, value_name = "NAME", requires = "benchmark")]
    benchmark_column: Option<String>,
    /// A constant risk-free rate, a fraction per year
    #[arg(long, value_name = "ANNUAL", default_value_t = 0.0, value_parser = rate, allow_hyphen_values = true)]
    risk_free: f64,
    /// CSV of risk-free returns per period
    #[arg(long, value_name = "FILE", conflicts_with = "risk_free")]
    risk_free_series: Option<PathBuf>,
    #[arg(long, value_name = "NAME", requires = "risk_free_series")]
    risk_free_column: Option<String>,
    /// Periods in a year: 252 for daily returns, 12 for monthly ones
    #[arg(long, value_name = "P", default_value_t = SESSIONS_A_YEAR, value_parser = positive)]
    periods_per_year: f64,
    /// The minimum acceptable return of one period, a fraction
    #[arg(long, value_name = "M", default_value_t = 0.0, value_parser = finite, allow_hyphen_values = true)]
    mar: f64,
    /// Of value at risk and expected shortfall
    #[arg(long, value_name = "C", default_value_t = 0.95, value_parser = between_0_and_1)]
    confidence: f64,
    /// The first day
    #[arg(long, value_name = "DATE")]
    from: Option<NaiveDate>,
    /// The last day
    #[arg(long, value_name = "DATE")]
    to: Option<NaiveDate>,
    /// Also over every window of this many periods
    #[arg(long, value_name = "W", value_parser = clap::value_parser!(u32).range(2..))]
    rolling: Option<u32>,
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

fn finite(text: &str) -> Result<f64, String> {
    text.parse().ok().filter(|number: &f64| number.is_finite()).ok_or_else(|| "write a number such as 0.05".into())
}

fn positive(text: &str) -> Result<f64, String> {
    finite(text).ok().filter(|number| *number > 0.0).ok_or_else(|| "write a number above zero, such as 252".into())
}

fn rate(text: &str) -> Result<f64, String> {
    finite(text).ok().filter(|rate| *rate > -1.0).ok_or_else(|| "write a fraction per year above −1, such as 0.05".into())
}

fn between_0_and_1(text: &str) -> Result<f64, String> {
    finite(text).ok().filter(|share| *share > 0.0 && *share < 1.0).ok_or_else(|| "write a share between 0 and 1, such as 0.95".into())
}

/// The periods that are measured, in order, and what was left out of them.
struct Periods {
    days: Vec<NaiveDate>,
    returns: Vec<f64>,
    risk_free: Vec<f64>,
    /// As long as `returns`; `None`: there is no benchmark at all.
    benchmark: Option<Vec<Option<f64>>>,
    /// Returns of days for which the risk-free series has none.
    without_risk_free: usize,
}

impl Periods {
    fn read(args: &MetricsArgs) -> Result<Self, TableError> {
        let column = |file: &PathBuf, name: Option<&str>| {
            let table = Table::read(file)?;
            let name = match name {
                Some(name) => name,
                None => table.first_column()?,
            };
            table.series(name)
        };
        let mut returns = column(&args.returns, args.column.as_deref())?;
        returns.retain(|day, _| args.from.is_none_or(|from| *day >= from) && args.to.is_none_or(|to| *day <= to));
        let benchmark = args.benchmark.as_ref().map(|file| column(file, args.benchmark_column.as_deref())).transpose()?;
        let series = args.risk_free_series.as_ref().map(|file| column(file, args.risk_free_column.as_deref())).transpose()?;
        let constant = per_period(args.risk_free, args.periods_per_year);
        let before = returns.len();
        let risk_free: BTreeMap<NaiveDate, f64> = match &series {
            Some(known) => returns.keys().filter_map(|day| Some((*day, *known.get(day)?))).collect(),
            None => returns.keys().map(|day| (*day, constant)).collect(),
        };
        returns.retain(|day, _| risk_free.contains_key(day));
        Ok(Self {
            benchmark: benchmark.map(|known| returns.keys().map(|day| known.get(day).copied()).collect()),
            without_risk_free: before - returns.len(),
            risk_free: risk_free.into_values().collect(),
            days: returns.keys().copied().collect(),
            returns: returns.into_values().collect(),
        })
    }

    /// Of a stretch of the periods.
    fn measured(&self, terms: Terms, of: std::ops::Range<usize>) -> (Vec<Measured>, Option<Aligned>) {
        let (returns, risk_free) = (&self.returns[of.clone()], &self.risk_free[of.clone()]);
        let aligned = self.benchmark.as_ref().map(|benchmark| {
            let rows = returns.iter().zip(&benchmark[of]).zip(risk_free);
            align(rows.map(|((r, b), f)| (Some(*r), *b, Some(*f))))
        });
        (catalogue(&Input { returns, risk_free, aligned: aligned.as_ref(), terms }), aligned)
    }
}

/// Prints the measures.
///
/// # Errors
/// [`TableError`] with file and line.
pub fn metrics(args: &MetricsArgs) -> Result<(), TableError> {
    let periods = Periods::read(args)?;
    let terms = Terms { periods_a_year: args.periods_per_year, mar: args.mar, confidence: args.confidence, ..Terms::default() };
    let (measured, aligned) = periods.measured(terms, 0..periods.returns.len());
    if args.format == Format::Table {
        for (key, figure) in &measured {
            match figure {
                Ok(value) => println!("{key:<30} {value:>24}"),
                Err(reason) => println!("{key:<30} {:>24}  {reason}", "–"),
            }
        }
        return Ok(());
    }
    let mut parameters = json!({
        "periods_per_year": args.periods_per_year, "mar": args.mar, "confidence": args.confidence,
        "risk_free": if args.risk_free_series.is_some() { json!("series") } else { json!(args.risk_free) },
    });
    if let (Value::Object(parameters), Some(aligned)) = (&mut parameters, &aligned) {
        parameters.insert("benchmark_observations".into(), json!(aligned.returns.len()));
        parameters.insert("without_benchmark".into(), json!(aligned.left_out));
    }
    if let Value::Object(parameters) = &mut parameters {
        parameters.insert("without_risk_free".into(), json!(periods.without_risk_free));
    }
    let document = json!({
        "from": periods.days.first(), "to": periods.days.last(), "observations": periods.returns.len(), "parameters": parameters,
        "metrics": measured.iter().map(|(key, figure)| ((*key).to_owned(), value(figure))).collect::<Map<_, _>>(),
        "drawdowns": drawdowns(&periods),
        "rolling": args.rolling.map_or_else(|| json!({}), |window| rolling(&periods, terms, window as usize)),
    });
    println!("{document}");
    Ok(())
}

fn value(figure: &Figure<f64>) -> Value {
    match figure {
        Ok(value) => json!({ "value": value }),
        Err(reason) => json!({ "value": null, "reason": reason }),
    }
}

/// All falls from a peak, the deepest first; a peak before the first return has no date.
fn drawdowns(periods: &Periods) -> Vec<Value> {
    let mut all = falls(&periods.returns);
    all.sort_by(|a, b| a.depth.total_cmp(&b.depth));
    let day = |index: Option<usize>| index.and_then(|index| periods.days.get(index));
    let row = |fall: &app::analytics::metrics::Fall| {
        json!({
            "depth": fall.depth, "peak": day(fall.peak), "trough": day(fall.trough), "recovery": day(fall.recovery),
            "periods_down": fall.periods_down(), "periods_to_recovery": fall.periods_to_recovery(),
        })
    };
    all.iter().map(row).collect()
}

/// Every measure over every window, by its last day.
fn rolling(periods: &Periods, terms: Terms, window: usize) -> Value {
    let ends = window..=periods.returns.len();
    let mut columns: BTreeMap<&str, Vec<Option<f64>>> = KEYS.iter().map(|key| (*key, Vec::new())).collect();
    let mut dates = Vec::new();
    for end in ends {
        dates.push(periods.days[end - 1]);
        for (key, figure) in periods.measured(terms, end - window..end).0 {
            columns.entry(key).or_default().push(figure.ok());
        }
    }
    json!({ "window": window, "dates": dates, "metrics": columns })
}
