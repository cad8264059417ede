//! The pipeline from the command line: start runs, follow them, look at them, mend them. Exit code 0 means success.

mod backfill;
mod control;
mod follow;
mod runs;

pub use backfill::{BackfillArgs, backfill};
pub use control::{CancelArgs, ClearArgs, DagArgs, cancel, clear, pause, resume};
pub use runs::{RunsArgs, runs};

use super::{
    Deps, Error,
    dags::daily,
    parameters::Parameters,
    requests::{check_session, send},
};
use crate::orchestrator::Request;
use chrono::NaiveDate;
use follow::{Manner, perform};

#[derive(Debug, Clone, clap::Args)]
pub struct RunArgs {
    /// What to run.
    #[arg(value_parser = ["daily"])]
    pub dag: String,
    /// The session to bring everything up to; without it, the last completed one.
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub session: Option<NaiveDate>,
    /// Give up a task after so many attempts; without it, as patient as the server: hours for a vendor that has no prices yet
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=5))]
    pub tries: Option<u8>,
    #[command(flatten)]
    pub manner: Manner,
}

/// `plumbline run daily --session 2026-11-20`.
///
/// # Errors
/// [`Error::Refused`] for a session that can't be run, [`Error::Failed`] when the run failed.
pub async fn run(deps: Deps, args: RunArgs) -> Result<(), Error> {
    let session = args.session.unwrap_or_else(|| deps.clock.last_completed_session());
    check_session(session, deps.clock)?;
    let wanted = Request { most_tries: args.tries.map(i32::from), ..Request::new(daily(), Parameters::Daily { session }.to_value()) };
    let run_id = send(&deps.pool, &wanted).await?;
    perform(deps, run_id, args.manner).await
}
