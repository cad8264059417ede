//! Schedule → tick → run → task → attempt, in Postgres. Of markets it knows only the exchange's hours.
//!
//! Any number of nodes share a database: each claims ready tasks under a lease with a rising epoch and settles their attempts. A task's
//! effect, its completion and what may start after it commit together, so whoever is killed when, the others go on from the rows.
//! Locks are taken in one order everywhere: requests, then runs by number, then tasks.

mod admit;
mod advance;
mod alert;
mod backfill;
mod cancel;
mod choose;
mod clear;
mod context;
mod control;
mod dag;
mod deadline;
mod definitions;
mod engine;
mod lease;
mod log;
mod node;
mod registry;
mod request;
mod retry;
mod run;
mod schedule;
mod scheduler;
mod settle;
mod state;
mod sweep;
mod worker;

pub use admit::admit_all;
pub use advance::{Node, end, moves};
pub use backfill::{Backfill, backfill, cancel_backfill};
pub use cancel::cancel;
pub use clear::{Selection, clear};
pub use context::{Cancelled, Fenced, TaskContext, TaskError, is_outage};
pub use control::{ControlError, note, pause, resume};
pub use dag::{Dag, DagError, Overlap, Rule, TaskSpec};
pub use definitions::Definitions;
pub use engine::{Engine, Handle, StartDuty};
pub use lease::{Claimant, Claimed, LEASE_SECONDS, claim, extend, reap, release};
pub use log::{JournalLayer, MOST_LINES, forget_old_logs};
pub use node::{Role, is_served};
pub use registry::{Handler, Outcome, Part, Registry};
pub use request::{Asked, Repeat, Request, RunOutcome, Trigger, request, wait_for};
pub use retry::RetryPolicy;
pub use schedule::{CatchUp, Edge, Plan, Schedule, ScheduleError, Turn, When, turns};
pub use scheduler::{Planner, TickError, decide_ticks, reconcile, upsert};
pub use settle::{End, settle};
pub use state::TaskState;
pub use sweep::{advance_all, expire};
