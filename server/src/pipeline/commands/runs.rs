//! `plumbline runs`: the latest runs, or one with all its tasks and attempts.

use super::follow::Manner;
use crate::pipeline::{Error, covers};
use serde_json::{Value, json};
use sqlx::PgPool;

#[derive(Debug, Clone, clap::Args)]
pub struct RunsArgs {
    /// One run, with its tasks and their attempts
    pub run: Option<i64>,
    /// Only of this DAG
    #[arg(long)]
    pub dag: Option<String>,
    /// Only in this state
    #[arg(long, value_parser = ["queued", "running", "success", "failed", "cancelled"])]
    pub state: Option<String>,
    /// Only of this backfill
    #[arg(long, value_name = "NUMBER")]
    pub backfill: Option<i64>,
    /// How many
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=1000))]
    pub limit: i64,
    #[command(flatten)]
    pub manner: Manner,
}

/// # Errors
/// [`Error::Refused`] for a run that doesn't exist.
pub async fn runs(pool: &PgPool, args: RunsArgs) -> Result<(), Error> {
    if let Some(run_id) = args.run {
        let run = show(pool, run_id).await?;
        if args.manner.json {
            say!("{run:#}");
        } else {
            tell(&run);
        }
        return Ok(());
    }
    let rows = sqlx::query!(
        "select run_id, dag, trigger, parameters, state, created_at, started_at, ended_at, error, held_by from ops.run
         where ($1::text is null or dag = $1) and ($2::text is null or state = $2) and ($3::bigint is null or backfill_id = $3)
         order by run_id desc limit $4",
        args.dag,
        args.state,
        args.backfill,
        args.limit,
    )
    .fetch_all(pool)
    .await?;
    if args.manner.json {
        let runs: Vec<Value> = rows
            .iter()
            .map(|row| {
                json!({
                    "run_id": row.run_id, "dag": row.dag, "trigger": row.trigger, "parameters": row.parameters, "state": row.state,
                    "created_at": row.created_at, "started_at": row.started_at, "ended_at": row.ended_at, "error": row.error,
                    "held_by": row.held_by,
                })
            })
            .collect();
        say!("{:#}", json!({ "runs": runs }));
        return Ok(());
    }
    for row in rows {
        let said = row.error.or(row.held_by).unwrap_or_default();
        say!("{:>6}  {:<9} {:<9} {:<26} {said}", row.run_id, row.state, row.dag, covers(&row.parameters));
    }
    Ok(())
}

/// One run as JSON, with its tasks and their attempts.
pub(super) async fn show(pool: &PgPool, run_id: i64) -> Result<Value, Error> {
    let run = sqlx::query!(
        "select dag, version, trigger, parameters, state, held_by, created_at, started_at, ended_at, error from ops.run where run_id = $1",
        run_id
    )
    .fetch_optional(pool)
    .await?
    .ok_or_else(|| Error::refused(format!("There is no run {run_id}. `plumbline runs` lists the latest.")))?;
    let tasks = sqlx::query_scalar!(
        r#"select jsonb_build_object('name', name, 'part', part, 'state', state, 'rows_written', rows_written, 'started_at', started_at,
               'ended_at', ended_at, 'attempts', coalesce((
                   select jsonb_agg(jsonb_build_object('number', number, 'outcome', outcome, 'worker', worker, 'lease_epoch', lease_epoch,
                       'ready_at', ready_at, 'started_at', started_at, 'ended_at', ended_at, 'error_class', error_class,
                       'error_chain', error_chain) order by number)
                   from ops.attempt where attempt.task_id = task.task_id), '[]')) as "task!"
           from ops.task where run_id = $1 order by position, part"#,
        run_id
    )
    .fetch_all(pool)
    .await?;
    Ok(json!({
        "run_id": run_id, "dag": run.dag, "version": run.version, "trigger": run.trigger, "parameters": run.parameters,
        "state": run.state, "held_by": run.held_by, "created_at": run.created_at, "started_at": run.started_at,
        "ended_at": run.ended_at, "error": run.error, "tasks": tasks,
    }))
}

fn tell(run: &Value) {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    say!("run {} of {}: {}, {}", run["run_id"], text(&run["dag"]), text(&run["state"]), covers(&run["parameters"]));
    for key in ["error", "held_by"] {
        if let Some(sentence) = run[key].as_str() {
            say!("  {sentence}");
        }
    }
    for task in run["tasks"].as_array().into_iter().flatten() {
        say!("  {:<18} {:<16} {} rows", text(&task["name"]) + &text(&task["part"]), text(&task["state"]), task["rows_written"]);
        for attempt in task["attempts"].as_array().into_iter().flatten().filter(|attempt| attempt["outcome"] != "success") {
            let chain: Vec<&str> = attempt["error_chain"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            say!("    attempt {}: {} {}", attempt["number"], attempt["outcome"].as_str().unwrap_or("running"), chain.join(": "));
        }
    }
}
