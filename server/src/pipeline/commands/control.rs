//! `plumbline pause`, `resume`, `cancel` and `clear`.

use super::follow::{Manner, perform};
use crate::{
    orchestrator::{self, Selection},
    pipeline::{Deps, Error, dags},
};
use serde_json::json;
use sqlx::PgPool;

#[derive(Debug, Clone, clap::Args)]
pub struct DagArgs {
    /// daily, backfill or publish
    pub dag: String,
    #[command(flatten)]
    pub manner: Manner,
}

#[derive(Debug, Clone, clap::Args)]
pub struct CancelArgs {
    /// The run's number, as `plumbline runs` shows it
    #[arg(required_unless_present = "backfill")]
    pub run: Option<i64>,
    /// All runs of a backfill instead
    #[arg(long, value_name = "NUMBER", conflicts_with = "run")]
    pub backfill: Option<i64>,
    #[command(flatten)]
    pub manner: Manner,
}

#[derive(Debug, Clone, clap::Args)]
pub struct ClearArgs {
    /// The run's number, as `plumbline runs` shows it
    pub run: i64,
    /// A task to perform once more; may be repeated. Without it, every task of the run
    #[arg(long, value_name = "NAME")]
    pub task: Vec<String>,
    /// And everything that comes after
    #[arg(long)]
    pub downstream: bool,
    /// Only tasks that failed, were cancelled or couldn't start
    #[arg(long)]
    pub failed: bool,
    /// Don't wait for the run's end
    #[arg(long)]
    pub no_wait: bool,
    #[command(flatten)]
    pub manner: Manner,
}

fn known(dag: &str) -> Result<(), Error> {
    let names: Vec<String> = dags::all().into_iter().map(|dag| dag.name).collect();
    if names.iter().any(|name| name == dag) {
        return Ok(());
    }
    Err(Error::refused(format!("There is no DAG {dag}. There are: {}.", names.join(", "))))
}

/// # Errors
/// [`Error::Refused`] for a DAG that doesn't exist.
pub async fn pause(pool: &PgPool, args: DagArgs) -> Result<(), Error> {
    known(&args.dag)?;
    orchestrator::pause(pool, &args.dag, None).await?;
    say(
        args.manner,
        json!({ "dag": args.dag, "is_paused": true }),
        &format!("{} is paused: nothing of it starts until it is resumed.", args.dag),
    );
    Ok(())
}

/// # Errors
/// [`Error::Refused`] for a DAG that doesn't exist.
pub async fn resume(pool: &PgPool, args: DagArgs) -> Result<(), Error> {
    known(&args.dag)?;
    orchestrator::resume(pool, &args.dag, None).await?;
    say(args.manner, json!({ "dag": args.dag, "is_paused": false }), &format!("{} goes on.", args.dag));
    Ok(())
}

/// # Errors
/// [`Error::Refused`] for a run that has ended or doesn't exist.
pub async fn cancel(pool: &PgPool, args: CancelArgs) -> Result<(), Error> {
    if let Some(backfill_id) = args.backfill {
        let runs = orchestrator::cancel_backfill(pool, backfill_id, None).await?;
        say(
            args.manner,
            json!({ "backfill_id": backfill_id, "cancelled": runs }),
            &format!("{runs} runs of backfill {backfill_id} are cancelled."),
        );
    }
    if let Some(run_id) = args.run {
        orchestrator::cancel(pool, run_id, None).await?;
        say(
            args.manner,
            json!({ "run_id": run_id, "is_cancelled": true }),
            &format!("Run {run_id} is cancelled; what runs of it stops at its next step."),
        );
    }
    Ok(())
}

/// # Errors
/// [`Error::Refused`] when there is nothing to clear, [`Error::Failed`] when the run fails again.
pub async fn clear(deps: Deps, args: ClearArgs) -> Result<(), Error> {
    let selection = Selection { tasks: args.task, downstream: args.downstream, only_failed: args.failed };
    let cleared = orchestrator::clear(&deps.pool, args.run, &selection, None).await?;
    if args.no_wait {
        say(args.manner, json!({ "run_id": args.run, "cleared": cleared }), &format!("Cleared: {}.", cleared.join(", ")));
        return Ok(());
    }
    if !args.manner.json {
        say!("cleared: {}", cleared.join(", "));
    }
    perform(deps, args.run, args.manner).await
}

fn say(manner: Manner, json: serde_json::Value, sentence: &str) {
    if manner.json { say!("{json:#}") } else { say!("{sentence}") }
}
