//! What the tables say and what the model says, line by line; and what has to hold whatever happened.

use super::{Claim, Model, Trial};
use server::orchestrator::Rule;
use sqlx::AssertSqlSafe;

/// Runs: number, DAG, state, whether a reason stands beside it.
const RUNS: &str =
    "select format('run %s %s %s%s', run_id, dag, state, case when error is not null then ' error' end) from ops.run order by run_id";

/// Tasks: what they are, and who holds them.
const TASKS: &str = "
    select format('%s %s[%s] %s attempts %s%s', run_id, name, part, state, attempts,
        case when state = 'running' then format(' by %s%s', lease_owner, case when lease_until < now() then ' (over)' end) end)
    from ops.task order by run_id, position, part";

const ATTEMPTS: &str = "
    select format('%s %s[%s] %s: %s %s', run_id, name, part, number, coalesce(outcome, 'open'), coalesce(error_class, '-'))
    from ops.attempt join ops.task using (task_id) order by run_id, position, part, number";

/// Who may start next, in order, as the claim looks for them.
const NEXT: &str = "
    select format('%s %s[%s]', run_id, name, part) from ops.task join ops.run using (run_id)
    where task.state in ('ready', 'delayed') and not_before <= clock_timestamp()
      and not exists (select from ops.dag where dag.dag = run.dag and paused_at is not null)
    order by task.priority desc, run_id, position, part";

const SLOTS: &str = "
    select format('%s %s', pool, count(*)) from ops.task, unnest(pools) as pool
    where state = 'running' and lease_until > clock_timestamp() group by pool order by pool";

/// What must not be: each row a sentence.
const WRONG: &str = "
    select format('attempt %s of task %s has no higher epoch', number, task_id) from (
        select task_id, number, lease_epoch, lag(lease_epoch) over (partition by task_id order by number) as before from ops.attempt) as attempt
    where lease_epoch <= before
    union all
    select format('task %s is at epoch %s and its last attempt at another', task_id, lease_epoch) from ops.task
    where attempts > 0 and lease_epoch is distinct from (select lease_epoch from ops.attempt where task_id = task.task_id and number = attempts)
    union all
    select format('task %s of the run %s is %s, the run is %s', task_id, run_id, task.state, run.state)
    from ops.task join ops.run using (run_id)
    where run.state = 'queued' and task.state in ('ready', 'delayed', 'running')
       or run.state not in ('queued', 'running') and task.state in ('waiting', 'ready', 'delayed', 'running')
    union all
    select format('run %s stands still', run_id) from ops.run
    where state = 'running' and not exists (select from ops.task where task.run_id = run.run_id and task.state in ('ready', 'delayed', 'running'))
    union all
    select format('pool %s has %s of %s slots', pool, used, slots) from (
        select pool, count(*) as used, coalesce((select slots from ops.pool where pool.pool = held.pool), 1) as slots
        from ops.task, unnest(pools) as held (pool) where state = 'running' and lease_until > clock_timestamp() group by pool) as held
    where used > slots";

/// Closed attempts in full: none of them may ever change or go.
const CLOSED: &str = "select attempt::text from ops.attempt where outcome is not null order by task_id, number";

/// # Errors
/// The two sides, where they differ.
pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, model: &T, engine: &T) -> Result<(), String> {
    if model == engine { Ok(()) } else { Err(format!("{what}:\n  model  {model:?}\n  engine {engine:?}")) }
}

/// # Errors
/// The lines that only one of the sides has.
fn same_lines(what: &str, model: &[String], engine: &[String]) -> Result<(), String> {
    let only = |some: &[String], others: &[String]| -> Vec<String> {
        some.iter().filter(|line| !others.contains(line)).map(|line| format!("    {line}")).collect()
    };
    if model == engine {
        return Ok(());
    }
    let (left, right) = (only(model, engine), only(engine, model));
    let order = if left.is_empty() && right.is_empty() { format!("\n  another order: {model:?}, {engine:?}") } else { String::new() };
    Err(format!("{what}{order}\n  only the model:\n{}\n  only the engine:\n{}", left.join("\n"), right.join("\n")))
}

impl Model {
    fn run_lines(&self) -> Vec<String> {
        let line = |(id, run): (&i64, &super::reference::Run)| {
            format!("run {id} {} {}{}", run.dag.name, run.state, if run.has_error { " error" } else { "" })
        };
        self.runs.iter().map(line).collect()
    }

    fn task_lines(&self) -> Vec<String> {
        let line = |task: &super::reference::Task| {
            let held = match task.lease {
                Some((who, true)) => format!(" by {}", who + 1),
                Some((who, false)) => format!(" by {} (over)", who + 1),
                None => String::new(),
            };
            format!("{} {}[{}] {} attempts {}{held}", task.run, task.name, task.part, task.state, task.attempts.len())
        };
        self.tasks.iter().map(line).collect()
    }

    fn attempt_lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for task in &self.tasks {
            for (number, (outcome, class)) in (1..).zip(&task.attempts) {
                let (outcome, class) = (outcome.unwrap_or("open"), class.unwrap_or("-"));
                lines.push(format!("{} {}[{}] {number}: {outcome} {class}", task.run, task.name, task.part));
            }
        }
        lines
    }

    fn next_lines(&self) -> Vec<String> {
        self.next().iter().map(|task| format!("{} {}[{}]", task.run, task.name, task.part)).collect()
    }

    fn slot_lines(&self) -> Vec<String> {
        self.used().iter().map(|(pool, used)| format!("{pool} {used}")).collect()
    }
}

impl Trial {
    async fn lines(&self, sql: &'static str) -> Vec<String> {
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&self.pool).await.unwrap()
    }

    /// # Errors
    /// What differs between the two, or mustn't be.
    pub async fn compare(&mut self) -> Result<(), String> {
        same_lines("runs", &self.model.run_lines(), &self.lines(RUNS).await)?;
        same_lines("tasks", &self.model.task_lines(), &self.lines(TASKS).await)?;
        same_lines("attempts", &self.model.attempt_lines(), &self.lines(ATTEMPTS).await)?;
        same_lines("who is next", &self.model.next_lines(), &self.lines(NEXT).await)?;
        same_lines("slots", &self.model.slot_lines(), &self.lines(SLOTS).await)?;
        let wrong = self.lines(WRONG).await;
        if !wrong.is_empty() {
            return Err(wrong.join("\n"));
        }
        let closed = self.lines(CLOSED).await;
        if let Some(changed) = self.closed.iter().find(|attempt| !closed.contains(attempt)) {
            return Err(format!("an attempt that had ended was changed: {changed}"));
        }
        self.closed = closed;
        self.parents_allow().await
    }

    /// Whoever waited when it was last looked and may start now has parents that allow it, by the tables alone.
    async fn parents_allow(&mut self) -> Result<(), String> {
        let rows: Vec<(i64, String, String, Vec<String>, String, i64)> = sqlx::query_as(
            "select task_id, name, state, array(select coalesce(parent.state, '') from ops.task parent
                 where parent.run_id = task.run_id and parent.name = any(task.after)
                   and (parent.state <> 'skipped' or not exists (select from ops.task other where other.run_id = parent.run_id
                        and other.name = parent.name and other.state <> 'skipped'))), rule, run_id
             from ops.task",
        )
        .fetch_all(&self.pool)
        .await
        .unwrap();
        for (task_id, name, state, parents, rule, run_id) in &rows {
            let parents: Vec<&str> = parents.iter().map(String::as_str).collect();
            let may = || Model::fate(Rule::parse(rule).unwrap(), &parents) == "ready";
            if self.waiting.contains(task_id) && state == "ready" && !may() {
                return Err(format!("{name} of run {run_id} may start, and its parents ({parents:?}) don't allow it"));
            }
        }
        self.waiting = rows.iter().filter(|(_, _, state, ..)| state == "waiting").map(|(task_id, ..)| *task_id).collect();
        Ok(())
    }
}

/// A task by its run, name and part.
pub fn named(task: &super::reference::Task) -> Claim {
    Claim { run: task.run, name: task.name.clone(), part: task.part.clone(), number: task.attempts.len() }
}
