//! Our DAGs: extract → validate → publish. The only conductor: it knows both the engine and the market.

mod catch_up;
mod chunks;
pub mod commands;
pub mod connections;
mod coverage;
mod dags;
mod error;
mod extract;
pub mod ledger;
mod openings;
mod own_models;
mod parameters;
mod plan;
mod propose;
pub mod publish;
mod requests;
mod ticks;
mod tracked;
mod validate;

pub use crate::orchestrator::{RetryPolicy, RunOutcome, Schedule, Trigger, wait_for};
pub use catch_up::{catch_up, waiting_for};
pub use dags::{Deps, Handle, start, start_for_requests};
pub use error::Error;
pub use parameters::covers;
pub use requests::{request_backfill, request_daily, request_publish, request_publish_all, request_refetch};
pub use ticks::{next_tick, schedules};
