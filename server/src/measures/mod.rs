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

use clap::ValueEnum;

/// How a result is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum Format {
    /// One JSON document; numbers read back to the same bits.
    Json,
    /// A line a measure.
    #[default]
    Table,
}
