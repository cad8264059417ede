//! Schedule → tick → run → task → attempt, in Postgres. Knows nothing of markets.
//!
//! One engine leads a database at a time: it holds an advisory lock, claims tasks under a lease, and settles each attempt.
//! A task's effect and its completion commit together, so whoever is killed when, the next leader goes on from the rows.

mod advance;
mod context;
mod dag;
mod engine;
mod lead;
mod lease;
mod request;
mod retry;
mod schedule;
mod scheduler;
mod settle;

pub use advance::advance;
pub use context::{Fenced, TaskContext, TaskError};
pub use dag::{Dag, Handler, Outcome, Registry, TaskSpec};
pub use engine::{Engine, Handle, LeaderDuty};
pub use lead::is_led;
pub use lease::{Claimed, Reap, claim, extend, reap, release};
pub use request::{Repeat, Request, RunOutcome, Trigger, request, wait_for};
pub use retry::RetryPolicy;
pub use schedule::{CatchUp, Edge, Plan, Schedule, ScheduleError, Turn, When, turns};
pub use scheduler::{Planner, decide_ticks, upsert};
pub use settle::settle;
