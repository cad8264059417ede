//! Performing tasks of a run once more. Their attempts are kept; only the budgets begin anew.

use super::{
    TaskState,
    admit::admit_in,
    alert,
    control::{ControlError, audit},
    request::hold_requests,
    run::{advance_in, lock},
    state::run_has_ended,
};
use serde_json::json;
use sqlx::PgPool;
use std::collections::BTreeSet;

/// What to clear.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// Names of tasks, all parts of each; empty: every task of the run.
    pub tasks: Vec<String>,
    /// And everything that comes after them.
    pub downstream: bool,
    /// Of the named ones, only those that failed, were cancelled or couldn't start.
    pub only_failed: bool,
}

/// A row of the run, as far as clearing looks at it.
#[derive(Debug, Clone)]
pub struct Cleared {
    pub name: String,
    pub part: String,
    pub after: Vec<String>,
    pub state: TaskState,
}

/// The places of the rows that a selection means. Pure.
///
/// # Errors
/// One sentence, where a name is unknown, nothing is meant, or something of it is under way.
pub fn targets(rows: &[Cleared], selection: &Selection) -> Result<Vec<usize>, String> {
    if let Some(unknown) = selection.tasks.iter().find(|name| !rows.iter().any(|row| row.name == **name)) {
        let mut names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        names.dedup();
        return Err(format!("The run has no task {unknown}. Its tasks: {}.", names.join(", ")));
    }
    let is_named = |row: &Cleared| selection.tasks.is_empty() || selection.tasks.contains(&row.name);
    let mut found: BTreeSet<usize> =
        (0..rows.len()).filter(|&at| is_named(&rows[at]) && (!selection.only_failed || rows[at].state.is_bad())).collect();
    if selection.downstream {
        let mut names: BTreeSet<&str> = found.iter().map(|&at| rows[at].name.as_str()).collect();
        loop {
            let more: Vec<&str> = rows
                .iter()
                .filter(|row| !names.contains(row.name.as_str()) && row.after.iter().any(|parent| names.contains(parent.as_str())))
                .map(|row| row.name.as_str())
                .collect();
            if more.is_empty() {
                break;
            }
            found.extend((0..rows.len()).filter(|&at| more.contains(&rows[at].name.as_str())));
            names.extend(more);
        }
    }
    if let Some(&live) = found.iter().find(|&&at| matches!(rows[at].state, TaskState::Ready | TaskState::Delayed | TaskState::Running)) {
        return Err(format!("{} is under way. Wait for its end, or cancel the run first.", rows[live].name));
    }
    let found: Vec<usize> = found.into_iter().filter(|&at| rows[at].state != TaskState::Waiting).collect();
    if found.is_empty() {
        return Err(if selection.only_failed { "No task of the run failed." } else { "No task of the run has ended yet." }.to_owned());
    }
    Ok(found)
}

/// Puts the selected tasks back to waiting and lets the run go on. One that didn't succeed goes on from its checkpoint, one that did
/// begins anew. Answers their names.
///
/// # Errors
/// [`ControlError::Refused`] as [`targets`] says.
pub async fn clear(pool: &PgPool, run_id: i64, selection: &Selection, by: Option<i64>) -> Result<Vec<String>, ControlError> {
    let mut transaction = pool.begin().await?;
    hold_requests(&mut transaction).await?;
    let run = lock(&mut transaction, &[run_id]).await?.pop();
    let run = run.ok_or_else(|| ControlError::refused(format!("There is no run {run_id}.")))?;
    if run.is_cancelled && !run_has_ended(&run.state) {
        return Err(ControlError::refused(format!("Run {run_id} is being cancelled. Wait for its end.")));
    }
    let rows = sqlx::query!("select task_id, name, part, after, state from ops.task where run_id = $1 order by position, part", run_id)
        .fetch_all(&mut *transaction)
        .await?;
    let all: Vec<Cleared> = rows
        .iter()
        .map(|row| Cleared {
            name: row.name.clone(),
            part: row.part.clone(),
            after: row.after.clone(),
            state: TaskState::parse(&row.state).unwrap_or(TaskState::Running),
        })
        .collect();
    let chosen = targets(&all, selection).map_err(ControlError::Refused)?;
    let ids: Vec<i64> = chosen.iter().map(|&at| rows[at].task_id).collect();
    let names: Vec<String> = chosen.iter().map(|&at| label(&all[at].name, &all[at].part)).collect();
    sqlx::query!(
        "update ops.task set state = 'waiting', cleared_at_attempt = attempts, ready_at = null, started_at = null, ended_at = null,
             output = null, progress_done = 0, progress_total = null,
             checkpoint = case when state in ('success', 'skipped') then null else checkpoint end,
             rows_written = case when state in ('success', 'skipped') then 0 else rows_written end
         where task_id = any($1)",
        &ids
    )
    .execute(&mut *transaction)
    .await?;
    audit(&mut transaction, by, "clear_tasks", &format!("run {run_id}"), json!({ "tasks": names })).await?;
    if run_has_ended(&run.state) {
        sqlx::query!(
            "update ops.run set state = 'queued', error = null, ended_at = null, cancel_requested_at = null, deadline_at = null where run_id = $1",
            run_id
        )
        .execute(&mut *transaction)
        .await?;
        alert::resolve_runs(&mut transaction, &[run_id]).await?;
        admit_in(&mut transaction, &run.dag).await?;
    } else {
        // What was said of the cleared task is over; what is said of another that failed stays.
        sqlx::query!(
            "update ops.run set error = null
             where run_id = $1 and not exists (select from ops.task where task.run_id = run.run_id and task.state = 'failed')",
            run_id
        )
        .execute(&mut *transaction)
        .await?;
        // One that waits to be admitted, after an earlier clear, goes on when it is.
        if run.state == "running" {
            advance_in(&mut transaction, &[run_id]).await?;
        }
    }
    transaction.commit().await?;
    Ok(names)
}

/// A task's name as people read it: with its part.
pub(super) fn label(name: &str, part: &str) -> String {
    if part.is_empty() { name.to_owned() } else { format!("{name} [{part}]") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(states: [TaskState; 4]) -> Vec<Cleared> {
        let row = |name: &str, after: &[&str], state| Cleared {
            name: name.into(),
            part: String::new(),
            after: after.iter().map(|&name| name.into()).collect(),
            state,
        };
        vec![row("a", &[], states[0]), row("b", &["a"], states[1]), row("c", &["b"], states[2]), row("d", &["a"], states[3])]
    }

    fn chosen(rows: &[Cleared], tasks: &[&str], downstream: bool, only_failed: bool) -> Result<Vec<usize>, String> {
        targets(rows, &Selection { tasks: tasks.iter().map(|&name| name.into()).collect(), downstream, only_failed })
    }

    #[test]
    fn a_selection_means_what_it_says() {
        use TaskState::*;
        let failed = rows([Success, Failed, UpstreamFailed, Success]);
        assert_eq!(chosen(&failed, &["b"], false, false).unwrap(), [1]);
        assert_eq!(chosen(&failed, &["b"], true, false).unwrap(), [1, 2]);
        assert_eq!(chosen(&failed, &[], false, true).unwrap(), [1, 2]);
        assert_eq!(chosen(&failed, &[], false, false).unwrap(), [0, 1, 2, 3]);
        assert!(chosen(&failed, &["z"], false, false).unwrap_err().contains("Its tasks: a, b, c, d."));
        assert!(chosen(&failed, &["a"], false, true).unwrap_err().contains("No task of the run failed"));
        let live = rows([Success, Failed, UpstreamFailed, Running]);
        assert_eq!(chosen(&live, &["b"], true, false).unwrap(), [1, 2], "another branch may go on");
        assert!(chosen(&live, &["a"], true, false).unwrap_err().contains("d is under way"));
    }
}
