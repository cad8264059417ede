//! `plumbline metrics`, `performance`, `xirr` and `attribution`: the measures of `app::analytics` on a person's own files, without any database.

mod flows;
mod metrics;
mod performance;
mod segments;
mod table;

pub use flows::{XirrArgs, xirr};
pub use metrics::{MetricsArgs, metrics};
pub use performance::{PerformanceArgs, performance};
pub use segments::{AttributionArgs, attribution};
pub use table::TableError;

use chrono::NaiveDate;
use clap::ValueEnum;

/// A date on the command line.
fn date(text: &str) -> Result<NaiveDate, String> {
    table::day(text).ok_or_else(|| "write a date as 2026-11-20".into())
}

/// Days in the wrong order select nothing.
fn in_order(from: Option<NaiveDate>, to: Option<NaiveDate>) -> Result<(), TableError> {
    match from.zip(to).filter(|(from, to)| from > to) {
        Some((from, to)) => Err(TableError::Refused(format!("--from {from} is after --to {to}; exchange the two."))),
        None => Ok(()),
    }
}

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// One JSON document; numbers read back to the same bits.
    Json,
    /// A line a measure.
    #[default]
    Table,
}
