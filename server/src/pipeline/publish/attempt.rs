//! One try at a publication: ledgers, marts, their tests and checks.

use super::{
    BENCHMARK, Scope,
    book::{self, Booked},
    broken,
    decision::{Decision, Finding, decide},
    record::{self, Accepted, Last},
};
use crate::{
    orchestrator::{TaskContext, TaskError},
    quality,
    warehouse::{Build, Project, Vars, Verdict},
};
use app::domain::PortfolioId;
use chrono::NaiveDate;
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};

/// What is to be published.
pub(super) struct Aim<'p> {
    /// Its number, by which what it replaces is kept.
    pub publication_id: i64,
    pub project: &'p Project,
    pub scope: Scope,
    pub through: NaiveDate,
    /// Rows of ops.change up to this one are in.
    pub change_id: i64,
    pub last: Option<Last>,
    pub accepted: Accepted,
}

/// What a try yields.
pub(super) struct Attempt<'p> {
    pub build: Build<'p>,
    pub booked: Booked,
    /// Of the models' own tests.
    pub verdicts: Vec<Verdict>,
    /// Of the suite's and people's checks of models.
    pub outcomes: Vec<quality::Outcome>,
}

impl Attempt<'_> {
    /// What follows from the findings of this try.
    pub fn decide(&self, aim: &Aim<'_>, held_back: &BTreeSet<PortfolioId>) -> Decision {
        let shows_all_anew = self.build.has_rebuilt();
        let of_verdict = |verdict: &Verdict| {
            let model = aim.project.models().iter().find(|model| Some(&model.name) == verdict.model.as_ref());
            let is_borne = |portfolio: i64| aim.accepted.contains_key(&(verdict.name.clone(), portfolio));
            let unborne =
                |of: &BTreeMap<i64, i64>| of.keys().copied().filter(|id| !is_borne(*id)).map(PortfolioId).collect::<BTreeSet<_>>();
            let portfolios = verdict.portfolios.as_ref().map(unborne);
            let is_shown = shows_all_anew && model.is_none_or(|model| model.schema == "marts");
            let is_over = is_borne(0) || portfolios.as_ref().is_some_and(BTreeSet::is_empty);
            (!is_over).then(|| Finding { name: verdict.name.clone(), portfolios, is_shown })
        };
        let of_outcome = |outcome: &quality::Outcome| Finding {
            name: outcome.check.name.clone(),
            portfolios: (outcome.portfolio_id > 0).then(|| [PortfolioId(outcome.portfolio_id)].into()),
            is_shown: shows_all_anew,
        };
        let verdicts = self.verdicts.iter().filter(|verdict| verdict.blocks()).filter_map(of_verdict);
        let findings: Vec<Finding> = verdicts.chain(self.outcomes.iter().filter(|outcome| outcome.blocks()).map(of_outcome)).collect();
        decide(&findings, held_back, aim.scope)
    }

    /// Tests and checks that were made.
    pub fn total(&self) -> usize {
        self.verdicts.len() + self.outcomes.len()
    }
}

/// The publication that did not happen, in a sentence for a person.
#[derive(Debug, thiserror::Error)]
#[error(
    "Nothing was published for {session}: {failed} of {total} tests of the models failed ({names}). The last good numbers stay; see the samples on the data quality page."
)]
pub(super) struct Blocked {
    pub session: NaiveDate,
    pub failed: usize,
    pub total: usize,
    pub names: String,
}

/// Books the ledgers of the scope but for those that are held back, builds the marts, tests and checks them, all on the given savepoint.
pub(super) async fn run<'p>(
    ctx: &TaskContext,
    connection: &mut PgConnection,
    aim: &Aim<'p>,
    held_back: &BTreeSet<PortfolioId>,
) -> Result<Attempt<'p>, TaskError> {
    let vars = Vars::default().with("benchmark", BENCHMARK).map_err(broken)?;
    let mut build = Build::begin(aim.project, connection, false).await.map_err(broken)?;
    build.models(connection, "staging", &vars).await.map_err(broken)?;
    let joined_from = record::joined_data_changed_from(connection, aim.last, held_back, BENCHMARK).await?;
    let mut booked = book::portfolios(ctx, connection, aim, held_back, !build.replaced().is_empty()).await?;
    if let Some(day) = joined_from {
        booked.changed_for_all(connection, day, held_back).await?;
    }
    book::note_changed(connection, &booked).await?;
    build.models(connection, "marts", &vars).await.map_err(broken)?;
    let verdicts = build.test(connection, &vars).await.map_err(broken)?;
    let from = booked.changed.values().copied().min().unwrap_or(aim.through);
    let outcomes = quality::audit(connection, &build.standing(), ctx.run_id, aim.through, from).await?;
    Ok(Attempt { build, booked, verdicts, outcomes })
}
