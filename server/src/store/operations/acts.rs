//! What people do to runs and DAGs. The engine does it, and leaves a row in the audit trail for each.

use super::{super::Error, Result, Store};
use crate::{
    auth::Role,
    orchestrator::{self, ControlError, Selection},
};
use app::{domain::UserId, error::AppError};
use serde_json::Value;

impl Store {
    pub(super) async fn pause(&self, user: UserId, dag: &str) -> Result<()> {
        self.operator(user).await?;
        self.known_dag(dag).await?;
        Ok(orchestrator::pause(&self.pool, dag, Some(user.get())).await?)
    }

    pub(super) async fn resume(&self, user: UserId, dag: &str) -> Result<()> {
        self.operator(user).await?;
        self.known_dag(dag).await?;
        Ok(orchestrator::resume(&self.pool, dag, Some(user.get())).await?)
    }

    pub(super) async fn cancel(&self, user: UserId, run_id: i64) -> Result<()> {
        self.changeable(user, run_id).await?;
        Ok(orchestrator::cancel(&self.pool, run_id, Some(user.get())).await?)
    }

    pub(super) async fn cancel_backfill(&self, user: UserId, backfill_id: i64) -> Result<()> {
        self.operator(user).await?;
        orchestrator::cancel_backfill(&self.pool, backfill_id, Some(user.get())).await?;
        Ok(())
    }

    pub(super) async fn clear(&self, user: UserId, run_id: i64, task: String, downstream: bool) -> Result<()> {
        self.changeable(user, run_id).await?;
        let selection = match task.is_empty() {
            true => Selection { tasks: Vec::new(), downstream: false, only_failed: true },
            false => Selection { tasks: vec![task], downstream, only_failed: false },
        };
        orchestrator::clear(&self.pool, run_id, &selection, Some(user.get())).await?;
        Ok(())
    }

    pub(super) async fn note(&self, user: UserId, run_id: i64, text: &str) -> Result<()> {
        self.operator(user).await?;
        self.parameters_of(user, run_id).await?;
        Ok(orchestrator::note(&self.pool, run_id, Some(user.get()), text).await?)
    }

    /// Administrators; the demo's visitor hears why not.
    async fn operator(&self, user: UserId) -> Result<()> {
        self.may_change(user).await?;
        self.administrator(user).await
    }

    /// A run that this person sees and may cancel and clear.
    async fn changeable(&self, user: UserId, run_id: i64) -> Result<()> {
        let parameters = self.parameters_of(user, run_id).await?;
        let looker = self.looker(user).await?;
        match looker.may_change(&parameters) {
            true => Ok(()),
            false if looker.role == Role::Demo => self.may_change(user).await,
            false => Err(AppError::NotAllowed.into()),
        }
    }

    /// Of a run that this person sees.
    pub(super) async fn parameters_of(&self, user: UserId, run_id: i64) -> Result<Value> {
        let mine = self.portfolios_of(user).await?;
        sqlx::query_scalar!(
            "select parameters from ops.run
             where run_id = $1 and (parameters ->> 'portfolio' is null or (parameters ->> 'portfolio')::bigint = any($2))",
            run_id,
            &mine
        )
        .fetch_optional(&self.pool)
        .await?
        .ok_or_else(|| AppError::NotFound.into())
    }

    async fn known_dag(&self, dag: &str) -> Result<()> {
        match self.dag_names().await?.iter().any(|known| known == dag) {
            true => Ok(()),
            false => Err(AppError::NotFound.into()),
        }
    }
}

/// A refusal of the engine's is a sentence for the person already.
impl From<ControlError> for Error {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::Refused(sentence) => Self::refused(sentence),
            ControlError::Database(error) => Self::Sql(error),
        }
    }
}
