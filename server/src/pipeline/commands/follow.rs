//! Performs what was asked for, here unless a server does, and says how it goes until it has ended.

use super::runs::show;
use crate::{
    orchestrator::wait_for,
    pipeline::{Deps, Error, start_for_requests},
};
use sqlx::PgPool;
use std::{collections::BTreeMap, time::Duration};

/// How often progress is looked at.
const LOOK: Duration = Duration::from_millis(250);

/// How a command answers.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct Manner {
    /// Print the result as JSON, and nothing else
    #[arg(long)]
    pub json: bool,
}

/// Waits for a run, performing it if no server does.
pub(super) async fn perform(deps: Deps, run_id: i64, manner: Manner) -> Result<(), Error> {
    let pool = deps.pool.clone();
    if !manner.json {
        say!("run {run_id}");
    }
    let node = start_for_requests(deps)?;
    let ended = match manner.json {
        true => wait_for(&pool, run_id).await.map_err(Error::from),
        false => follow(&pool, run_id).await,
    };
    node.stop().await;
    let ended = ended?;
    if manner.json {
        say!("{:#}", show(&pool, run_id).await?);
    }
    if !ended.succeeded {
        return Err(Error::Failed { run_id, sentence: ended.error.unwrap_or(ended.state) });
    }
    if !manner.json {
        say!("run {run_id} succeeded");
    }
    Ok(())
}

/// Prints a line whenever a task has come further, until the run has ended.
async fn follow(pool: &PgPool, run_id: i64) -> Result<crate::orchestrator::RunOutcome, Error> {
    let mut said: BTreeMap<i64, String> = BTreeMap::new();
    let mut said_held = None;
    let ended = wait_for(pool, run_id);
    tokio::pin!(ended);
    let mut wait = Duration::ZERO;
    loop {
        let ended = tokio::time::timeout(wait, &mut ended).await;
        wait = LOOK;
        let held = sqlx::query_scalar!("select held_by from ops.run where run_id = $1", run_id).fetch_one(pool).await?;
        if let (Some(reason), true) = (&held, held != said_held) {
            say!("  waiting: {reason}");
        }
        said_held = held;
        let tasks = sqlx::query!(
            "select task_id, name, part, state, attempts, rows_written, progress_done, progress_total from ops.task
             where run_id = $1 order by position, part",
            run_id
        )
        .fetch_all(pool)
        .await?;
        for task in tasks {
            let name = if task.part.is_empty() { task.name } else { format!("{} [{}]", task.name, task.part) };
            let line = line(&name, &task.state, task.attempts, task.rows_written, task.progress_done, task.progress_total);
            if !matches!(task.state.as_str(), "waiting" | "ready") && said.get(&task.task_id) != Some(&line) {
                say!("  {line}");
                said.insert(task.task_id, line);
            }
        }
        if let Ok(ended) = ended {
            return Ok(ended?);
        }
    }
}

fn line(name: &str, state: &str, attempts: i32, rows: i64, done: i64, total: Option<i64>) -> String {
    match (state, total) {
        ("running", Some(total)) => format!("{name}: {done} of {total}"),
        ("success", _) => format!("{name}: done, {rows} rows"),
        ("delayed", _) => format!("{name}: waiting to try again (attempt {attempts} failed)"),
        ("upstream_failed", _) => format!("{name}: not started"),
        _ => format!("{name}: {state}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_a_task_is() {
        assert_eq!(line("extract_prices", "running", 1, 0, 3, Some(25)), "extract_prices: 3 of 25");
        assert_eq!(line("extract_prices", "success", 1, 31_400, 25, Some(25)), "extract_prices: done, 31400 rows");
        assert_eq!(line("publish", "upstream_failed", 0, 0, 0, None), "publish: not started");
        assert_eq!(line("publish", "delayed", 2, 0, 0, None), "publish: waiting to try again (attempt 2 failed)");
    }
}
