//! The pipeline page as a whole: DAGs, nodes, alerts, backfills, the audit trail.

use super::{
    Looker, Result, Store,
    runs::{PAGE, RunFilter},
    without_cause,
};
use crate::{auth::Role, store::Error};
use app::{
    domain::UserId,
    error::AppError,
    pipeline::model::{AlertRow, Answer, AuditRow, BackfillRow, DagRow, Grid, NodeRow, Pipeline, Question},
};
use chrono::Utc;
use serde_json::Value;

const ALERTS: i64 = 50;
const BACKFILLS: i64 = 10;
/// Lines of the audit trail on the page.
const AUDIT: i64 = 15;

impl Store {
    pub(super) async fn pipeline(&self, user: UserId, question: Question) -> Result<Pipeline> {
        let looker = self.looker(user).await?;
        let dags = self.dags(user).await?;
        // Without a word: the first DAG that has runs to show.
        let wanted = dags.iter().find(|dag| dag.dag == question.dag).or_else(|| dags.iter().find(|dag| dag.last_state.is_some()));
        let (grid, durations) = match wanted {
            Some(dag) => (self.grid(user, &dag.dag, question.before).await?, self.durations(user, &dag.dag).await?),
            None => (Grid::default(), Vec::new()),
        };
        let asked = match question.schedule.is_empty() {
            true => None,
            false => Some(match self.explain_tick(user, &question.schedule, &question.at).await {
                // Said beside the form; the rest of the page stays.
                Err(Error::App(AppError::Refused(sentence))) => {
                    Answer { schedule: question.schedule, at: Utc::now(), sentence, tick: None, before: None, after: None }
                }
                answer => answer?,
            }),
        };
        let runs = self.stored_runs(&looker, &RunFilter { limit: PAGE, ..RunFilter::default() }).await?;
        Ok(Pipeline {
            waiting_for: self.conductor.waiting_for().await?,
            alerts: self.alerts(user).await?,
            runs: runs.into_iter().map(|run| self.run_row(run)).collect(),
            schedules: self.schedules(user).await?,
            asked,
            grid,
            durations,
            backfills: self.backfills().await?,
            nodes: self.nodes(user).await?,
            audit: self.audit_trail(user, AUDIT, None).await?,
            may_run: looker.role != Role::Demo,
            may_operate: looker.is_administrator(),
            dags,
            rendered_at: Utc::now(),
        })
    }

    pub(super) async fn dag_names(&self) -> Result<Vec<String>> {
        let names = sqlx::query_scalar!(
            r#"select dag as "dag!" from (select dag from ops.dag_version union select dag from ops.schedule union select dag from ops.dag) as known
               order by (select min(created_at) from ops.schedule where schedule.dag = known.dag) nulls last, dag"#
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(names)
    }

    /// Every DAG that was ever heard of. Numbers of runs are of those that the person sees.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn dags(&self, user: UserId) -> Result<Vec<DagRow>> {
        let looker = self.looker(user).await?;
        let mut rows = Vec::new();
        for dag in self.dag_names().await? {
            let row = sqlx::query!(
                r#"select paused_at as "paused_at?", display_name as "display_name?", count(*) filter (where state = 'running') as "running!",
                       count(*) filter (where state = 'queued') as "queued!"
                   from (select $1::text as dag) as wanted left join ops.dag using (dag) left join auth."user" on user_id = paused_by
                       left join ops.run on run.dag = wanted.dag and state in ('queued', 'running')
                           and (parameters ->> 'portfolio' is null or (parameters ->> 'portfolio')::bigint = any($2))
                   group by paused_at, display_name"#,
                dag,
                &looker.mine
            )
            .fetch_one(&self.pool)
            .await?;
            let last = sqlx::query!(
                "select state, ended_at from ops.run where dag = $1 and ended_at is not null and state not in ('queued', 'running')
                   and (parameters ->> 'portfolio' is null or (parameters ->> 'portfolio')::bigint = any($2))
                 order by run_id desc limit 1",
                dag,
                &looker.mine
            )
            .fetch_optional(&self.pool)
            .await?;
            rows.push(DagRow {
                dag,
                paused_at: row.paused_at,
                paused_by: row.display_name,
                running: row.running,
                queued: row.queued,
                last_ended_at: last.as_ref().and_then(|last| last.ended_at),
                last_state: last.map(|last| last.state),
            });
        }
        Ok(rows)
    }

    /// The nodes that are there.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn nodes(&self, user: UserId) -> Result<Vec<NodeRow>> {
        self.role(user).await?;
        Ok(sqlx::query_as!(
            NodeRow,
            r#"select node_id, name, role, started_at, beat_at, is_draining,
                   (select count(*) from ops.task where state = 'running' and lease_owner = node_id) as "running_tasks!"
               from ops.node where stopped_at is null and beat_at > clock_timestamp() - interval '1 minute' order by node_id limit 100"#
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// What somebody should look at, as far as the person sees it.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn alerts(&self, user: UserId) -> Result<Vec<AlertRow>> {
        let looker = self.looker(user).await?;
        let found = sqlx::query!(
            r#"select alert_id, kind, subject, message, raised_at, coalesce(parameters, '{}') as "parameters!"
               from ops.alert left join ops.run on run_id = substring(subject from '^\d{1,18}$')::bigint
               where resolved_at is null and (parameters ->> 'portfolio' is null or (parameters ->> 'portfolio')::bigint = any($1))
                 and (kind <> 'held_back' or $3 or substring(subject from '^portfolio (\d{1,18})$')::bigint = any($1))
               order by raised_at desc limit $2"#,
            &looker.mine,
            ALERTS,
            looker.is_administrator()
        )
        .fetch_all(&self.pool)
        .await?;
        // The others have no cause: they say what comes, when.
        let hides_cause = |kind: &str, parameters: &Value| kind == "run_failed" && !looker.sees_causes(parameters);
        let alerts = found.into_iter().map(|alert| AlertRow {
            message: if hides_cause(&alert.kind, &alert.parameters) { without_cause(&alert.message) } else { alert.message },
            alert_id: alert.alert_id,
            kind: alert.kind,
            subject: alert.subject,
            raised_at: alert.raised_at,
        });
        Ok(alerts.collect())
    }

    async fn backfills(&self) -> Result<Vec<BackfillRow>> {
        Ok(sqlx::query_as!(
            BackfillRow,
            r#"select backfill_id, dag, from_date as "from", to_date as "to", runs::bigint as "runs!",
                   (select count(*) from ops.run where run.backfill_id = backfill.backfill_id and state not in ('queued', 'running')) as "ended!",
                   (select count(*) from ops.run where run.backfill_id = backfill.backfill_id and state = 'failed') as "failed!",
                   most_at_once, cancelled_at is not null as "is_cancelled!", created_at
               from ops.backfill order by backfill_id desc limit $1"#,
            BACKFILLS
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// Who pressed what, the newest first. Members see their own lines; nobody sees those of another person's portfolio.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn audit_trail(&self, user: UserId, limit: i64, before: Option<i64>) -> Result<Vec<AuditRow>> {
        let looker: Looker = self.looker(user).await?;
        Ok(sqlx::query_as!(
            AuditRow,
            r#"select audit_id, at,
                   coalesce(display_name, case when details ->> 'reason' is null then 'the command line' else 'the engine' end) as "who!",
                   action, subject, details
               from ops.audit left join auth."user" using (user_id)
               where audit_id < $1 and (audit.user_id = $2 or $3)
                 and subject ~ '^(run|dag|backfill) '
                 and not exists (
                     select from ops.run where run_id = substring(subject from '^run (\d{1,18})$')::bigint and parameters ->> 'portfolio' is not null
                         and (parameters ->> 'portfolio')::bigint <> all($4))
               order by audit_id desc limit $5"#,
            before.unwrap_or(i64::MAX),
            user.get(),
            looker.sees_all(),
            &looker.mine,
            limit
        )
        .fetch_all(&self.pool)
        .await?)
    }
}
