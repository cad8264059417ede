//! The pipeline page: runs, tasks, attempts, schedules. What concerns only another person's portfolio isn't shown.

use super::{Result, Store};
use crate::auth::Role;
use app::{
    domain::{Scope, UserId},
    error::AppError,
    pipeline::model::{AttemptRow, Pipeline, RunRow, ScheduleRow, TaskRow},
    ports::Operations,
    quality::model::Quality,
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::Value;
use std::collections::BTreeMap;

/// Runs on the pipeline page.
const RUNS: i64 = 25;

pub(super) struct PgOperations(pub Store);

#[async_trait]
impl Operations for PgOperations {
    async fn pipeline(&self, user: UserId) -> Result<Pipeline, AppError> {
        Ok(self.0.pipeline(user).await?)
    }

    async fn run(&self, user: UserId, run_id: i64) -> Result<RunRow, AppError> {
        Ok(self.0.run(user, run_id).await?)
    }

    async fn run_now(&self, user: UserId) -> Result<i64, AppError> {
        Ok(self.0.run_now(user).await?)
    }

    async fn quality(&self, user: UserId, scope: Scope) -> Result<Quality, AppError> {
        Ok(self.0.quality(user, scope).await?)
    }
}

/// A row of `ops.run`.
struct Run {
    run_id: i64,
    dag: String,
    trigger: String,
    parameters: Value,
    state: String,
    started_at: Option<DateTime<Utc>>,
    ended_at: Option<DateTime<Utc>>,
    error: Option<String>,
}

impl Store {
    async fn pipeline(&self, user: UserId) -> Result<Pipeline> {
        let mine = self.portfolios_of(user).await?;
        let runs = sqlx::query_as!(
            Run,
            "select run_id, dag, trigger, parameters, state, started_at, ended_at, error from ops.run
             where parameters ->> 'portfolio' is null or (parameters ->> 'portfolio')::bigint = any($1)
             order by run_id desc limit $2",
            &mine,
            RUNS
        )
        .fetch_all(&self.pool)
        .await?;
        let ids: Vec<i64> = runs.iter().map(|run| run.run_id).collect();
        // The list tells what went wrong; the run's own page tells everything.
        let mut tasks = self.tasks(&ids, true).await?;
        let now = self.clock.now();
        let mut schedules = Vec::new();
        for tick in self.conductor.schedules(now) {
            let last_outcome = sqlx::query_scalar!(
                "select outcome || ': ' || reason from ops.tick where schedule_id = $1 order by logical_at desc limit 1",
                tick.schedule_id
            )
            .fetch_optional(&self.pool)
            .await?
            .flatten();
            schedules.push(ScheduleRow { name: tick.schedule_id, description: tick.description, next_at: tick.next_at, last_outcome });
        }
        Ok(Pipeline {
            runs: runs.into_iter().map(|run| self.row(run, &mut tasks)).collect(),
            waiting_for: self.conductor.waiting_for().await?,
            schedules,
            may_run: self.role(user).await? != Role::Demo,
            rendered_at: Utc::now(),
        })
    }

    async fn run(&self, user: UserId, run_id: i64) -> Result<RunRow> {
        let mine = self.portfolios_of(user).await?;
        let run = sqlx::query_as!(
            Run,
            "select run_id, dag, trigger, parameters, state, started_at, ended_at, error from ops.run
             where run_id = $1 and (parameters ->> 'portfolio' is null or (parameters ->> 'portfolio')::bigint = any($2))",
            run_id,
            &mine
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or(AppError::NotFound)?;
        let mut tasks = self.tasks(&[run_id], false).await?;
        Ok(self.row(run, &mut tasks))
    }

    async fn run_now(&self, user: UserId) -> Result<i64> {
        self.may_change(user).await?;
        Ok(self.conductor.request_daily(user).await?)
    }

    fn row(&self, run: Run, tasks: &mut BTreeMap<i64, Vec<TaskRow>>) -> RunRow {
        RunRow {
            run_id: run.run_id,
            dag: run.dag,
            trigger: run.trigger,
            covers: self.conductor.covers(&run.parameters),
            state: run.state,
            started_at: run.started_at,
            ended_at: run.ended_at,
            error: run.error,
            tasks: tasks.remove(&run.run_id).unwrap_or_default(),
        }
    }

    /// The tasks of each run in order, with all their attempts, or those that didn't succeed.
    async fn tasks(&self, runs: &[i64], only_troubled: bool) -> Result<BTreeMap<i64, Vec<TaskRow>>> {
        let tasks = sqlx::query!(
            "select run_id, task_id, name, state, rows_written, progress_done, progress_total, started_at, ended_at from ops.task
             where run_id = any($1) order by run_id, position, task_id",
            runs
        )
        .fetch_all(&self.pool)
        .await?;
        let ids: Vec<i64> = tasks.iter().map(|task| task.task_id).collect();
        let found = sqlx::query!(
            "select task_id, number, outcome, started_at, ended_at, error_chain from ops.attempt
             where task_id = any($1) and not ($2 and coalesce(outcome, '') = 'success') order by task_id, number",
            &ids,
            only_troubled
        )
        .fetch_all(&self.pool)
        .await?;
        let mut attempts: BTreeMap<i64, Vec<AttemptRow>> = BTreeMap::new();
        for row in found {
            attempts.entry(row.task_id).or_default().push(AttemptRow {
                number: row.number,
                outcome: row.outcome,
                started_at: row.started_at,
                ended_at: row.ended_at,
                error_chain: row.error_chain.unwrap_or_default(),
            });
        }
        let mut by_run: BTreeMap<i64, Vec<TaskRow>> = BTreeMap::new();
        for task in tasks {
            by_run.entry(task.run_id).or_default().push(TaskRow {
                attempts: attempts.remove(&task.task_id).unwrap_or_default(),
                task_id: task.task_id,
                name: task.name,
                state: task.state,
                rows_written: u64::try_from(task.rows_written).unwrap_or_default(),
                done: u64::try_from(task.progress_done).unwrap_or_default(),
                total: task.progress_total.and_then(|total| u64::try_from(total).ok()),
                started_at: task.started_at,
                ended_at: task.ended_at,
            });
        }
        Ok(by_run)
    }
}
