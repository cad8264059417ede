//! The pipeline's pages and their JSON. What concerns only another person's portfolio isn't shown, to administrators neither.

mod acts;
mod detail;
mod grid;
mod ledger;
mod overall;
mod runs;

pub use detail::LogQuestion;
pub use runs::RunFilter;

use super::{Result, Store};
use crate::auth::Role;
use app::{
    domain::UserId,
    error::AppError,
    pipeline::model::{Pipeline, Question, Run},
    ports::Operations,
};
use async_trait::async_trait;
use serde_json::Value;

pub(super) struct PgOperations(pub Store);

#[async_trait]
impl Operations for PgOperations {
    async fn pipeline(&self, user: UserId, question: Question) -> Result<Pipeline, AppError> {
        Ok(self.0.pipeline(user, question).await?)
    }

    async fn run(&self, user: UserId, run_id: i64, task: Option<i64>) -> Result<Run, AppError> {
        Ok(self.0.run(user, run_id, task).await?)
    }

    async fn run_now(&self, user: UserId) -> Result<i64, AppError> {
        self.0.may_change(user).await?;
        Ok(self.0.conductor.request_daily(user).await.map_err(super::Error::from)?)
    }

    async fn pause(&self, user: UserId, dag: String) -> Result<(), AppError> {
        Ok(self.0.pause(user, &dag).await?)
    }

    async fn resume(&self, user: UserId, dag: String) -> Result<(), AppError> {
        Ok(self.0.resume(user, &dag).await?)
    }

    async fn cancel(&self, user: UserId, run_id: i64) -> Result<(), AppError> {
        Ok(self.0.cancel(user, run_id).await?)
    }

    async fn cancel_backfill(&self, user: UserId, backfill_id: i64) -> Result<(), AppError> {
        Ok(self.0.cancel_backfill(user, backfill_id).await?)
    }

    async fn clear(&self, user: UserId, run_id: i64, task: String, downstream: bool) -> Result<(), AppError> {
        Ok(self.0.clear(user, run_id, task, downstream).await?)
    }

    async fn note(&self, user: UserId, run_id: i64, text: String) -> Result<(), AppError> {
        Ok(self.0.note(user, run_id, &text).await?)
    }
}

/// Who looks at runs, and how far.
pub(super) struct Looker {
    role: Role,
    /// Numbers of own portfolios.
    mine: Vec<i64>,
    /// The installation is a demo: its brokers are nobody's.
    is_demo: bool,
}

impl Looker {
    /// An administrator, or the demo's visitor: everything that isn't another person's.
    fn sees_all(&self) -> bool {
        matches!(self.role, Role::Administrator | Role::Demo)
    }

    fn is_administrator(&self) -> bool {
        self.role == Role::Administrator
    }

    /// Is the run about a portfolio of this person?
    fn owns(&self, parameters: &Value) -> bool {
        parameters.get("portfolio").and_then(Value::as_i64).is_some_and(|portfolio| self.mine.contains(&portfolio))
    }

    /// Why a run that is seen went wrong, its error chains and logs: they may tell of another person's broker.
    fn sees_causes(&self, parameters: &Value) -> bool {
        self.is_administrator() || (self.role == Role::Demo && self.is_demo) || self.owns(parameters)
    }

    /// Cancelling and clearing a run that is seen.
    fn may_change(&self, parameters: &Value) -> bool {
        self.is_administrator() || (self.role == Role::Member && self.owns(parameters))
    }
}

/// A sentence without what stands behind its first colon: which task failed, not why.
fn without_cause(sentence: &str) -> String {
    sentence.split_once(": ").map_or_else(|| sentence.to_owned(), |(what, _)| format!("{what}."))
}

impl Store {
    async fn looker(&self, user: UserId) -> Result<Looker> {
        Ok(Looker { role: self.role(user).await?, mine: self.portfolios_of(user).await?, is_demo: self.has_demo })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_role_reaches_as_far_as_it_should() {
        let looker = |role| Looker { role, mine: vec![7], is_demo: true };
        let (shared, own) = (json!({ "session": "2026-11-20" }), json!({ "portfolio": 7 }));
        assert!(looker(Role::Administrator).may_change(&shared) && looker(Role::Administrator).sees_causes(&shared));
        assert!(!looker(Role::Member).sees_causes(&shared) && !looker(Role::Member).may_change(&shared));
        assert!(looker(Role::Member).sees_causes(&own) && looker(Role::Member).may_change(&own));
        assert!(looker(Role::Demo).sees_causes(&shared) && !looker(Role::Demo).may_change(&own));
        assert!(!looker(Role::Member).may_change(&json!({ "portfolio": 8 })));
        let left_over = Looker { is_demo: false, ..looker(Role::Demo) };
        assert!(!left_over.sees_causes(&shared), "where real accounts are, the demo's visitor is a stranger");
    }

    #[test]
    fn a_cause_is_left_out() {
        assert_eq!(
            without_cause("Fetching activity [account 3] failed: Alpaca refused the key: 403"),
            "Fetching activity [account 3] failed."
        );
        assert_eq!(without_cause("It ended at 14:00:05."), "It ended at 14:00:05.");
    }
}
