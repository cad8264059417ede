//! Lists of runs, as far as a person sees them.

use super::{Looker, Result, Store, without_cause};
use app::{domain::UserId, pipeline::model::RunRow};
use chrono::{DateTime, Utc};
use serde_json::Value;

/// Runs in one list.
pub(super) const PAGE: i64 = 25;

/// Which runs are wanted, the newest first.
#[derive(Debug, Clone, Default)]
pub struct RunFilter {
    pub dag: Option<String>,
    pub state: Option<String>,
    /// Only those with a smaller number.
    pub before: Option<i64>,
    pub limit: i64,
}

/// A row of `ops.run`.
pub(super) struct Stored {
    pub(super) run_id: i64,
    pub(super) dag: String,
    pub(super) trigger: String,
    pub(super) parameters: Value,
    pub(super) state: String,
    pub(super) created_at: DateTime<Utc>,
    pub(super) started_at: Option<DateTime<Utc>>,
    pub(super) ended_at: Option<DateTime<Utc>>,
    pub(super) held_by: Option<String>,
    pub(super) error: Option<String>,
}

impl Stored {
    /// From who doesn't see causes.
    pub(super) fn hide_cause(&mut self, looker: &Looker) {
        if !looker.sees_causes(&self.parameters) {
            self.error = self.error.as_deref().map(without_cause);
        }
    }
}

impl Store {
    /// The runs that a person sees.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn list_runs(&self, user: UserId, filter: RunFilter) -> Result<Vec<RunRow>> {
        let looker = self.looker(user).await?;
        let runs = self.stored_runs(&looker, &filter).await?;
        Ok(runs.into_iter().map(|run| self.run_row(run)).collect())
    }

    /// One index scan backwards, along the number or along a DAG's numbers, that ends with the last row it needs.
    pub(super) async fn stored_runs(&self, looker: &Looker, filter: &RunFilter) -> Result<Vec<Stored>> {
        let before = filter.before.unwrap_or(i64::MAX);
        let mut found = match &filter.dag {
            Some(dag) => {
                sqlx::query_as!(
                    Stored,
                    "select run_id, dag, trigger, parameters, state, created_at, started_at, ended_at, held_by, error from ops.run
                     where dag = $1 and run_id < $2 and ($3::text is null or state = $3)
                       and (parameters ->> 'portfolio' is null or (parameters ->> 'portfolio')::bigint = any($4))
                     order by run_id desc limit $5",
                    dag,
                    before,
                    filter.state,
                    &looker.mine,
                    filter.limit
                )
                .fetch_all(&self.pool)
                .await?
            }
            None => {
                sqlx::query_as!(
                    Stored,
                    "select run_id, dag, trigger, parameters, state, created_at, started_at, ended_at, held_by, error from ops.run
                     where run_id < $1 and ($2::text is null or state = $2)
                       and (parameters ->> 'portfolio' is null or (parameters ->> 'portfolio')::bigint = any($3))
                     order by run_id desc limit $4",
                    before,
                    filter.state,
                    &looker.mine,
                    filter.limit
                )
                .fetch_all(&self.pool)
                .await?
            }
        };
        for run in &mut found {
            run.hide_cause(looker);
        }
        Ok(found)
    }

    pub(super) fn run_row(&self, run: Stored) -> RunRow {
        RunRow {
            run_id: run.run_id,
            dag: run.dag,
            trigger: run.trigger,
            covers: self.conductor.covers(&run.parameters),
            state: run.state,
            created_at: run.created_at,
            started_at: run.started_at,
            ended_at: run.ended_at,
            held_by: run.held_by,
            error: run.error,
        }
    }
}
