//! `plumbline metrics`: the catalogue of a column of returns.

use super::{
    Format, date, in_order,
    table::{Table, TableError},
};
use app::analytics::{
    metrics::Terms,
    report::{Report, RiskFree, Rolling},
    returns::{SESSIONS_A_YEAR, per_period},
    series::Series,
};
use chrono::NaiveDate;
use clap::Args;
use std::path::PathBuf;

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
    #[arg(long, value_name = "DATE", value_parser = date)]
    from: Option<NaiveDate>,
    /// The last day
    #[arg(long, value_name = "DATE", value_parser = date)]
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

/// The periods of the files, in order, and how many returns were left out because the risk-free series has none for their day.
fn read(args: &MetricsArgs) -> Result<(Series, usize), TableError> {
    let column = |file: &PathBuf, name: Option<&str>| {
        let table = Table::read(file, "date,fund")?;
        let name = match name {
            Some(name) => name,
            None => table.first_column()?,
        };
        table.series(name)
    };
    let mut returns = column(&args.returns, args.column.as_deref())?;
    returns.retain(|day, _| args.from.is_none_or(|from| *day >= from) && args.to.is_none_or(|to| *day <= to));
    let benchmark = args.benchmark.as_ref().map(|file| column(file, args.benchmark_column.as_deref())).transpose()?;
    let rates = args.risk_free_series.as_ref().map(|file| column(file, args.risk_free_column.as_deref())).transpose()?;
    let constant = per_period(args.risk_free, args.periods_per_year);
    let rate = |day: &NaiveDate| rates.as_ref().map_or(Some(constant), |known| known.get(day).copied());
    if returns.is_empty() {
        return Err(TableError::Refused(format!(
            "{}: there are no returns{}.",
            args.returns.display(),
            if args.from.or(args.to).is_some() { " in these days; choose another --from or --to" } else { " in this column" }
        )));
    }
    let before = returns.len();
    returns.retain(|day, _| rate(day).is_some());
    let series = Series {
        benchmark: benchmark.map(|known| returns.keys().map(|day| known.get(day).copied()).collect()),
        risk_free: returns.keys().map(rate).collect(),
        days: returns.keys().copied().collect(),
        returns: returns.into_values().collect(),
    };
    let left_out = before - series.returns.len();
    Ok((series, left_out))
}

/// Prints the measures.
///
/// # Errors
/// [`TableError`] with file and line.
pub fn metrics(args: &MetricsArgs) -> Result<(), TableError> {
    in_order(args.from, args.to)?;
    let (series, without_risk_free) = read(args)?;
    let terms = Terms { periods_a_year: args.periods_per_year, mar: args.mar, confidence: args.confidence, ..Terms::default() };
    let risk_free = if args.risk_free_series.is_some() { RiskFree::Series("series") } else { RiskFree::Constant(args.risk_free) };
    let found = series.measured(terms, 0..series.returns.len());
    let mut report = Report::of(&series, &found, terms, risk_free);
    report.parameters.without_risk_free = without_risk_free;
    if args.format == Format::Json {
        if let Some(window) = args.rolling {
            report.rolling = Some(Rolling::of(&series, terms, window as usize));
        }
        say!("{}", serde_json::to_string(&report).map_err(|error| TableError::Refused(error.to_string()))?);
        return Ok(());
    }
    for (key, figure) in &report.metrics {
        match figure {
            Ok(value) => say!("{key:<30} {value:>24}"),
            Err(reason) => say!("{key:<30} {:>24}  {reason}", "–"),
        }
    }
    Ok(())
}
