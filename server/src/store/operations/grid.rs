//! Runs × tasks of a DAG, and how long its tasks take. Both look at the last runs only, however many there were.

use super::{
    Result, Store,
    runs::{PAGE, RunFilter},
};
use app::{
    domain::UserId,
    pipeline::model::{Grid, GridRow, TaskTimes},
};
use std::collections::BTreeMap;

/// Runs that durations are taken from.
const MEASURED: i64 = 100;

/// Of the line over time.
const RECENT: usize = 60;

impl Store {
    /// A page of the grid; the runs before `before`.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn grid(&self, user: UserId, dag: &str, before: Option<i64>) -> Result<Grid> {
        let looker = self.looker(user).await?;
        let filter = RunFilter { dag: Some(dag.to_owned()), state: None, before, limit: PAGE + 1 };
        let mut runs = self.stored_runs(&looker, &filter).await?;
        let is_more = runs.len() > usize::try_from(PAGE).unwrap_or(usize::MAX);
        runs.truncate(usize::try_from(PAGE).unwrap_or(usize::MAX));
        let ids: Vec<i64> = runs.iter().map(|run| run.run_id).collect();
        // The state that a person looks for first among the parts of a fan-out.
        let states = sqlx::query!(
            r#"select run_id, name, min(position) as "position!",
                   (array_agg(state order by array_position(array['failed', 'running', 'delayed', 'ready', 'upstream_failed', 'cancelled',
                       'waiting', 'success', 'skipped'], state)))[1] as "state!"
               from ops.task where run_id = any($1) group by run_id, name"#,
            &ids
        )
        .fetch_all(&self.pool)
        .await?;
        let mut places: BTreeMap<&str, i32> = BTreeMap::new();
        for row in &states {
            let place = places.entry(row.name.as_str()).or_insert(row.position);
            *place = (*place).max(row.position);
        }
        let mut tasks: Vec<String> = places.keys().map(|&name| name.to_owned()).collect();
        tasks.sort_by_key(|name| places.get(name.as_str()).copied());
        let cells: BTreeMap<(i64, &str), &str> = states.iter().map(|row| ((row.run_id, row.name.as_str()), row.state.as_str())).collect();
        let next_before = runs.last().map(|run| run.run_id).filter(|_| is_more);
        let rows = runs.into_iter().map(|run| GridRow {
            run_id: run.run_id,
            covers: self.conductor.covers(&run.parameters),
            state: run.state,
            cells: tasks.iter().map(|task| cells.get(&(run.run_id, task.as_str())).map(|&state| state.to_owned())).collect(),
        });
        let rows = rows.collect();
        Ok(Grid { dag: dag.to_owned(), rows, tasks, next_before })
    }

    /// Medians and 95 of 100 for each task of a DAG, over the successful attempts of its last runs.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn durations(&self, user: UserId, dag: &str) -> Result<Vec<TaskTimes>> {
        let looker = self.looker(user).await?;
        let runs = self.stored_runs(&looker, &RunFilter { dag: Some(dag.to_owned()), limit: MEASURED, ..RunFilter::default() }).await?;
        let ids: Vec<i64> = runs.iter().map(|run| run.run_id).collect();
        let rows = sqlx::query!(
            r#"select name as "name!", count(*) as "attempts!",
                   percentile_cont(0.5) within group (order by took) as "median!", percentile_cont(0.95) within group (order by took) as "p95!",
                   coalesce(percentile_cont(0.5) within group (order by waited), 0) as "queue_median!",
                   coalesce(percentile_cont(0.95) within group (order by waited), 0) as "queue_p95!",
                   array_agg(took order by started_at) as "recent!"
               from (select name, position, attempt.started_at,
                         extract(epoch from attempt.ended_at - attempt.started_at)::float8 as took,
                         extract(epoch from attempt.started_at - attempt.ready_at)::float8 as waited
                     from ops.task join ops.attempt using (task_id)
                     where run_id = any($1) and outcome = 'success' and attempt.ended_at is not null) as ended
               group by name order by min(position)"#,
            &ids
        )
        .fetch_all(&self.pool)
        .await?;
        let times = rows.into_iter().map(|row| TaskTimes {
            recent: row.recent.iter().skip(row.recent.len().saturating_sub(RECENT)).copied().collect(),
            task: row.name,
            attempts: row.attempts,
            median: row.median,
            p95: row.p95,
            queue_median: row.queue_median,
            queue_p95: row.queue_p95,
        });
        Ok(times.collect())
    }
}
