//! What the pipeline's pages say, and what its JSON holds.

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the pipeline page is asked for; empty where nothing was said.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Question {
    /// The DAG of the grid.
    pub dag: String,
    /// Only runs with a smaller number.
    pub before: Option<i64>,
    /// "Why did it (not) run at this time": a schedule, and a time as typed.
    pub schedule: String,
    pub at: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pipeline {
    /// Why nothing runs, when nothing can: "Waiting for the first administrator …".
    pub waiting_for: Option<String>,
    pub alerts: Vec<AlertRow>,
    pub dags: Vec<DagRow>,
    /// The newest first, without their tasks.
    pub runs: Vec<RunRow>,
    pub schedules: Vec<ScheduleRow>,
    pub asked: Option<Answer>,
    pub grid: Grid,
    pub durations: Vec<TaskTimes>,
    pub backfills: Vec<BackfillRow>,
    pub nodes: Vec<NodeRow>,
    pub audit: Vec<AuditRow>,
    /// May this person press "Run now"?
    pub may_run: bool,
    /// … and pause and resume?
    pub may_operate: bool,
    pub rendered_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DagRow {
    pub dag: String,
    pub paused_at: Option<DateTime<Utc>>,
    pub paused_by: Option<String>,
    pub running: i64,
    pub queued: i64,
    /// Of the last run that has ended.
    pub last_state: Option<String>,
    pub last_ended_at: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScheduleRow {
    pub name: String,
    pub dag: String,
    /// "0 9 * * Mon-Fri America/New_York".
    pub expression: String,
    /// In words: "weekdays at 09:00 New York, on exchange sessions".
    pub description: String,
    /// On sessions only.
    pub next: Vec<DateTime<Utc>>,
    /// What the last ones came to, the newest first.
    pub decided: Vec<TickRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TickRow {
    pub logical_at: DateTime<Utc>,
    /// run, skipped, paused
    pub outcome: String,
    pub reason: String,
    pub run_id: Option<i64>,
    pub decided_at: DateTime<Utc>,
}

/// Why a schedule did or didn't run at a time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    pub schedule: String,
    pub at: DateTime<Utc>,
    /// The answer in a sentence.
    pub sentence: String,
    pub tick: Option<TickRow>,
    pub before: Option<TickRow>,
    pub after: Option<TickRow>,
}

/// Runs × tasks of a DAG.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Grid {
    pub dag: String,
    /// Names of tasks, in their order.
    pub tasks: Vec<String>,
    /// The newest first.
    pub rows: Vec<GridRow>,
    /// Ask for the runs before this one; `None`: there are none.
    pub next_before: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct GridRow {
    pub run_id: i64,
    pub state: String,
    pub covers: String,
    /// For each of the grid's tasks: the state, and where it was spread out the worst of its parts; `None` where it has none.
    pub cells: Vec<Option<String>>,
}

/// A task over the last runs, in seconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskTimes {
    pub task: String,
    pub attempts: i64,
    pub median: f64,
    pub p95: f64,
    /// From being ready to being started.
    pub queue_median: f64,
    pub queue_p95: f64,
    /// Of the successful attempts, the oldest first.
    pub recent: Vec<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BackfillRow {
    pub backfill_id: i64,
    pub dag: String,
    pub from: NaiveDate,
    pub to: NaiveDate,
    pub runs: i64,
    pub ended: i64,
    pub failed: i64,
    pub most_at_once: i32,
    pub is_cancelled: bool,
    pub created_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NodeRow {
    pub node_id: i32,
    pub name: String,
    pub role: String,
    pub started_at: DateTime<Utc>,
    pub beat_at: DateTime<Utc>,
    pub is_draining: bool,
    pub running_tasks: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertRow {
    pub alert_id: i64,
    pub kind: String,
    pub subject: String,
    pub message: String,
    pub raised_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AuditRow {
    pub audit_id: i64,
    pub at: DateTime<Utc>,
    /// "the command line" where nobody was signed in.
    pub who: String,
    pub action: String,
    pub subject: String,
    pub details: Value,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunRow {
    pub run_id: i64,
    pub dag: String,
    pub trigger: String,
    /// "session 2026-11-20" or "2021-11-22 to 2026-11-20".
    pub covers: String,
    pub state: String,
    pub created_at: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    /// Why it waits.
    pub held_by: Option<String>,
    pub error: Option<String>,
}

impl RunRow {
    pub fn has_ended(&self) -> bool {
        !matches!(self.state.as_str(), "queued" | "running")
    }
}

/// A run with everything in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Run {
    pub run: RunRow,
    pub version: String,
    pub backfill_id: Option<i64>,
    pub deadline_at: Option<DateTime<Utc>>,
    pub is_cancelling: bool,
    pub tasks: Vec<TaskRow>,
    pub notes: Vec<NoteRow>,
    /// May this person see error chains and logs?
    pub sees_causes: bool,
    /// … cancel and clear?
    pub may_change: bool,
    /// … write notes?
    pub may_note: bool,
    pub rendered_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskRow {
    pub task_id: i64,
    pub name: String,
    /// Of a fan-out.
    pub part: String,
    /// What it does: "Fetching prices".
    pub purpose: String,
    /// Names of the tasks before it.
    pub after: Vec<String>,
    pub state: String,
    pub rows_written: u64,
    pub done: u64,
    pub total: Option<u64>,
    /// A delayed one is tried again then.
    pub not_before: DateTime<Utc>,
    pub started_at: Option<DateTime<Utc>>,
    pub ended_at: Option<DateTime<Utc>>,
    pub attempts: Vec<AttemptRow>,
    /// Lines that are stored of it.
    pub lines: i64,
    /// The last of them, where they were asked for or something went wrong.
    pub log: Vec<LogLine>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttemptRow {
    pub number: i32,
    pub worker: String,
    pub outcome: Option<String>,
    pub ready_at: Option<DateTime<Utc>>,
    pub started_at: DateTime<Utc>,
    pub ended_at: Option<DateTime<Utc>>,
    pub rows_written: u64,
    pub error_class: Option<String>,
    /// Outermost first.
    pub error_chain: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LogLine {
    pub attempt: i32,
    pub line: i32,
    pub at: DateTime<Utc>,
    pub level: String,
    pub message: String,
    pub fields: Value,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NoteRow {
    pub at: DateTime<Utc>,
    pub who: String,
    pub text: String,
}
