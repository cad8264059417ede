//! What the page of restatements says.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// The restatements of a portfolio, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Restatements {
    pub currency: String,
    pub rows: Vec<Restatement>,
    /// There are older ones.
    pub has_more: bool,
}

impl Restatements {
    /// Of one page.
    pub const SHOWN: usize = 20;
}

/// A publication that moved what was published before.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Restatement {
    pub publication_id: i64,
    pub published_at: DateTime<Utc>,
    pub run_id: i64,
    /// Of the portfolio; none where the benchmark alone moved.
    pub sessions: u32,
    /// Of the benchmark, on the portfolio's sessions.
    pub benchmark_sessions: u32,
    pub first: NaiveDate,
    pub last: NaiveDate,
    /// The days that moved most, in order.
    pub days: Vec<RestatedDay>,
    pub reasons: Vec<Reason>,
}

impl Restatement {
    /// Days that are shown of each.
    pub const DAYS: usize = 12;
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RestatedDay {
    pub session_date: NaiveDate,
    pub moved: Vec<Moved>,
}

/// A published number that is another now; empty: there was, or is, none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moved {
    pub figure: String,
    pub old: String,
    pub new: String,
}

/// An input that changed between the two publications and touches portfolio and days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reason {
    /// bar, split, dividend, event (more of these two), transaction, activity, account, instrument, exchange_rate, other (more of these four),
    /// price, quarantine, released, discarded, model, program, unknown.
    pub kind: String,
    pub said: String,
    pub symbol: Option<String>,
    /// The first day that it touches.
    pub from: Option<NaiveDate>,
    /// When we heard of it.
    pub at: Option<DateTime<Utc>>,
    pub run_id: Option<i64>,
    pub response_id: Option<i64>,
    /// Who did it, where it was a person.
    pub who: Option<String>,
}
