//! One run with its tasks, attempts, logs and notes.

use super::{Result, Store, runs::Stored};
use crate::orchestrator::{Dag, MOST_LINES};
use app::{
    domain::UserId,
    error::AppError,
    pipeline::model::{AttemptRow, LogLine, NoteRow, Run, TaskRow},
};
use chrono::Utc;
use std::collections::BTreeMap;

/// Lines of a task that are shown without being asked for.
const LAST_LINES: i64 = 200;

/// Tasks in trouble whose logs are shown without being asked for.
const MOST_LOGS: usize = 20;

/// Lines of one attempt, or of all attempts of a task.
#[derive(Debug, Clone, Copy)]
pub struct LogQuestion {
    pub task: i64,
    pub attempt: Option<i32>,
    /// Only lines after this one. Each attempt counts anew, so this needs `attempt` or 0.
    pub after: i32,
    pub limit: i64,
}

impl Store {
    /// A run; with `task` the whole log of that one.
    ///
    /// # Errors
    /// [`AppError::NotFound`] for one that isn't there or is another person's.
    pub async fn run(&self, user: UserId, run_id: i64, task: Option<i64>) -> Result<Run> {
        let looker = self.looker(user).await?;
        let row = sqlx::query!(
            r#"select run_id, dag, trigger, parameters, run.state, created_at, started_at, ended_at, held_by, error, version, backfill_id,
                   deadline_at, cancel_requested_at is not null as "is_cancelling!", definition as "definition?"
               from ops.run left join ops.dag_version using (dag, version)
               where run_id = $1 and (parameters ->> 'portfolio' is null or (parameters ->> 'portfolio')::bigint = any($2))"#,
            run_id,
            &looker.mine
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(AppError::NotFound)?;
        let (sees_causes, may_change) = (looker.sees_causes(&row.parameters), looker.may_change(&row.parameters));
        let dag = row.definition.and_then(|definition| serde_json::from_value::<Dag>(definition).ok());
        let mut tasks = self.tasks(run_id, dag.as_ref(), sees_causes).await?;
        if sees_causes {
            self.add_logs(&mut tasks, task).await?;
        }
        let mut run = Stored {
            run_id: row.run_id,
            dag: row.dag,
            trigger: row.trigger,
            parameters: row.parameters,
            state: row.state,
            created_at: row.created_at,
            started_at: row.started_at,
            ended_at: row.ended_at,
            held_by: row.held_by,
            error: row.error,
        };
        run.hide_cause(&looker);
        Ok(Run {
            run: self.run_row(run),
            version: row.version,
            backfill_id: row.backfill_id,
            deadline_at: row.deadline_at,
            is_cancelling: row.is_cancelling,
            tasks,
            notes: if looker.sees_all() { self.notes(run_id).await? } else { Vec::new() },
            sees_causes,
            may_change,
            may_note: looker.is_administrator(),
            rendered_at: Utc::now(),
        })
    }

    /// The tasks in order, with all their attempts.
    async fn tasks(&self, run_id: i64, dag: Option<&Dag>, sees_causes: bool) -> Result<Vec<TaskRow>> {
        let found = sqlx::query!(
            r#"select task_id, name, part, after, state, rows_written, progress_done, progress_total, not_before, started_at, ended_at
               from ops.task where run_id = $1 order by position, part"#,
            run_id
        )
        .fetch_all(&self.pool)
        .await?;
        let ids: Vec<i64> = found.iter().map(|task| task.task_id).collect();
        let mut attempts = self.attempts(&ids, sees_causes).await?;
        let tasks = found.into_iter().map(|task| TaskRow {
            purpose: dag.and_then(|dag| dag.spec(&task.name)).map(|spec| spec.purpose.clone()).unwrap_or_default(),
            attempts: attempts.remove(&task.task_id).unwrap_or_default(),
            task_id: task.task_id,
            name: task.name,
            part: task.part,
            after: task.after,
            state: task.state,
            rows_written: u64::try_from(task.rows_written).unwrap_or_default(),
            done: u64::try_from(task.progress_done).unwrap_or_default(),
            total: task.progress_total.and_then(|total| u64::try_from(total).ok()),
            not_before: task.not_before,
            started_at: task.started_at,
            ended_at: task.ended_at,
            lines: 0,
            log: Vec::new(),
        });
        Ok(tasks.collect())
    }

    async fn attempts(&self, tasks: &[i64], sees_causes: bool) -> Result<BTreeMap<i64, Vec<AttemptRow>>> {
        let found = sqlx::query!(
            "select task_id, number, worker, outcome, ready_at, started_at, ended_at, rows_written, error_class, error_chain
             from ops.attempt where task_id = any($1) order by task_id, number",
            tasks
        )
        .fetch_all(&self.pool)
        .await?;
        let mut attempts: BTreeMap<i64, Vec<AttemptRow>> = BTreeMap::new();
        for row in found {
            attempts.entry(row.task_id).or_default().push(AttemptRow {
                number: row.number,
                worker: row.worker,
                outcome: row.outcome,
                ready_at: row.ready_at,
                started_at: row.started_at,
                ended_at: row.ended_at,
                rows_written: u64::try_from(row.rows_written).unwrap_or_default(),
                error_class: row.error_class,
                error_chain: row.error_chain.filter(|_| sees_causes).unwrap_or_default(),
            });
        }
        Ok(attempts)
    }

    /// How many lines each task has; the last ones of those in trouble or under way; all of the wanted one.
    async fn add_logs(&self, tasks: &mut [TaskRow], wanted: Option<i64>) -> Result<()> {
        let ids: Vec<i64> = tasks.iter().map(|task| task.task_id).collect();
        let counts: BTreeMap<i64, i64> =
            sqlx::query!(r#"select task_id, count(*) as "lines!" from ops.log where task_id = any($1) group by task_id"#, &ids)
                .fetch_all(&self.pool)
                .await?
                .into_iter()
                .map(|row| (row.task_id, row.lines))
                .collect();
        let mut logs = 0;
        for task in tasks {
            task.lines = counts.get(&task.task_id).copied().unwrap_or_default();
            let is_shown = matches!(task.state.as_str(), "failed" | "running" | "delayed") && logs < MOST_LOGS;
            let limit = match wanted == Some(task.task_id) {
                true => i64::from(MOST_LINES) * 10,
                false if is_shown => LAST_LINES,
                false => continue,
            };
            if task.lines > 0 {
                logs += 1;
                task.log = self.last_lines(task.task_id, limit).await?;
            }
        }
        Ok(())
    }

    async fn last_lines(&self, task: i64, limit: i64) -> Result<Vec<LogLine>> {
        let mut lines = sqlx::query_as!(
            LogLine,
            "select number as attempt, line, at, level, message, fields from ops.log where task_id = $1
             order by number desc, line desc limit $2",
            task,
            limit
        )
        .fetch_all(&self.pool)
        .await?;
        lines.reverse();
        Ok(lines)
    }

    /// Lines of a task of a run, in their order.
    ///
    /// # Errors
    /// [`AppError::NotFound`] for a run or task that isn't there or is another person's, [`AppError::NotAllowed`] where its causes
    /// aren't for this person.
    pub async fn log(&self, user: UserId, run_id: i64, question: LogQuestion) -> Result<Vec<LogLine>> {
        let parameters = self.parameters_of(user, run_id).await?;
        if !self.looker(user).await?.sees_causes(&parameters) {
            return Err(AppError::NotAllowed.into());
        }
        let is_there = sqlx::query_scalar!(
            r#"select exists (select from ops.task where task_id = $1 and run_id = $2) as "is!""#,
            question.task,
            run_id
        )
        .fetch_one(&self.pool)
        .await?;
        if !is_there {
            return Err(AppError::NotFound.into());
        }
        Ok(sqlx::query_as!(
            LogLine,
            "select number as attempt, line, at, level, message, fields from ops.log
             where task_id = $1 and ($2::int is null or number = $2) and line > $3 order by number, line limit $4",
            question.task,
            question.attempt,
            question.after,
            question.limit
        )
        .fetch_all(&self.pool)
        .await?)
    }

    async fn notes(&self, run_id: i64) -> Result<Vec<NoteRow>> {
        Ok(sqlx::query_as!(
            NoteRow,
            r#"select at, coalesce(display_name, 'the command line') as "who!", text
               from ops.note left join auth."user" using (user_id) where run_id = $1 order by note_id limit 100"#,
            run_id
        )
        .fetch_all(&self.pool)
        .await?)
    }
}
