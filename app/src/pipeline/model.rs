//! What the pipeline page says.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pipeline {
    pub runs: Vec<RunRow>,
    /// Why nothing runs, when nothing can: "Waiting for the first administrator …".
    pub waiting_for: Option<String>,
    pub schedules: Vec<ScheduleRow>,
    /// May this person press "Run now"?
    pub may_run: bool,
    pub rendered_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScheduleRow {
    pub name: String,
    /// In words: "weekdays at 09:00 New York, on exchange sessions".
    pub description: String,
    pub next_at: Option<DateTime<Utc>>,
    pub last_outcome: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRow {
    pub run_id: i64,
    pub dag: String,
    pub trigger: String,
    /// "session 2026-11-20" or "2021-11-22 to 2026-11-20".
    pub covers: String,
    pub state: String,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub error: Option<String>,
    pub tasks: Vec<TaskRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskRow {
    pub task_id: i64,
    pub name: String,
    pub state: String,
    pub rows_written: u64,
    pub done: u64,
    pub total: Option<u64>,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub attempts: Vec<AttemptRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptRow {
    pub number: i32,
    pub outcome: Option<String>,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    /// Outermost first.
    pub error_chain: Vec<String>,
}
