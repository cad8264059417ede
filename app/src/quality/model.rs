//! What the data quality page says.

use crate::domain::Symbol;
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// Checks of the latest run that concern this person, failing ones first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    pub run_id: Option<i64>,
    pub checked_at: Option<DateTime<Utc>>,
    pub passed: u32,
    pub total: u32,
    pub checks: Vec<CheckRow>,
    pub quarantine: Vec<QuarantineRow>,
    /// Newest first.
    pub unbooked: Vec<UnbookedRow>,
    pub freshness: Vec<FreshnessRow>,
    pub rendered_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckRow {
    pub name: String,
    pub dimension: String,
    pub scope: String,
    pub severity: String,
    pub passed: bool,
    pub observed: String,
    pub expected: String,
    pub elements: u64,
    pub failures: u64,
    /// One sentence: what is wrong and what to do.
    pub message: String,
    /// Failing rows by key, as text.
    pub samples: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuarantineRow {
    pub symbol: Symbol,
    pub session_date: NaiveDate,
    pub check: String,
    pub reason: String,
    pub quarantined_at: DateTime<Utc>,
}

/// What the ledger couldn't book as it stands: the numbers are right without it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnbookedRow {
    pub session_date: NaiveDate,
    pub symbol: Option<String>,
    /// One sentence: what is wrong and what to do.
    pub message: String,
}

/// How old each source is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FreshnessRow {
    /// "Prices (Polygon)", "Broker (Alpaca)", "Risk-free rate (FRED)".
    pub source: String,
    pub latest: Option<NaiveDate>,
    pub expected: NaiveDate,
    pub fetched_at: Option<DateTime<Utc>>,
    pub is_fresh: bool,
}
