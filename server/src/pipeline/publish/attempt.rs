//! One try at a publication: ledgers, marts, their tests; and what the verdicts mean for whom.

use super::{
    BENCHMARK, Scope,
    book::{self, Booked},
    broken,
    record::{self, Last},
};
use crate::{
    orchestrator::{TaskContext, TaskError},
    warehouse::{Build, Project, Vars, Verdict},
};
use app::domain::PortfolioId;
use chrono::NaiveDate;
use sqlx::PgConnection;
use std::collections::BTreeSet;

/// What is to be published.
pub(super) struct Aim<'p> {
    pub project: &'p Project,
    pub scope: Scope,
    pub through: NaiveDate,
    /// Rows of ops.change up to this one are in.
    pub change_id: i64,
    pub last: Option<Last>,
}

/// What a try yields.
pub(super) struct Attempt<'p> {
    pub build: Build<'p>,
    pub booked: Booked,
    pub verdicts: Vec<Verdict>,
}

impl Attempt<'_> {
    /// What follows from the verdicts of this try.
    pub fn decide(&self, aim: &Aim<'_>, held_back: &BTreeSet<PortfolioId>) -> Decision {
        let shows_all_anew = self.build.has_rebuilt();
        let is_shown = |verdict: &Verdict| {
            let model = aim.project.models().iter().find(|model| Some(&model.name) == verdict.model.as_ref());
            shows_all_anew && model.is_none_or(|model| model.schema == "marts")
        };
        decide(&self.verdicts, held_back, aim.scope, is_shown)
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

/// What follows from the verdicts.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Publish,
    /// Try again without these: only their own rows fail.
    HoldBack(BTreeSet<PortfolioId>),
    /// Nothing may be published: the names of the tests that say so.
    Block(Vec<String>),
}

/// Books the ledgers of the scope but for those that are held back, builds the marts and tests them, all on the given savepoint.
pub(super) async fn run<'p>(
    ctx: &TaskContext,
    connection: &mut PgConnection,
    aim: &Aim<'p>,
    held_back: &BTreeSet<PortfolioId>,
) -> Result<Attempt<'p>, TaskError> {
    let vars = Vars::default().with("benchmark", BENCHMARK).map_err(broken)?;
    let mut build = Build::begin(aim.project, connection, false).await.map_err(broken)?;
    build.models(connection, "staging", &vars).await.map_err(broken)?;
    let mut booked = book::portfolios(ctx, connection, aim, held_back).await?;
    if let Some(day) = record::joined_data_changed_from(connection, aim.last, BENCHMARK).await? {
        booked.changed_for_all(connection, day, held_back).await?;
    }
    book::note_changed(connection, &booked).await?;
    build.models(connection, "marts", &vars).await.map_err(broken)?;
    let verdicts = build.test(connection, &vars).await.map_err(broken)?;
    Ok(Attempt { build, booked, verdicts })
}

/// A failing test whose rows all name their portfolio concerns these alone. One that is held back already may go on failing: what
/// is shown of it was published before, unless the tested rows would be shown anew.
fn decide(verdicts: &[Verdict], held_back: &BTreeSet<PortfolioId>, scope: Scope, is_shown: impl Fn(&Verdict) -> bool) -> Decision {
    let blocking: Vec<&Verdict> = verdicts.iter().filter(|verdict| verdict.blocks()).collect();
    let names = |of: &[&Verdict]| of.iter().map(|verdict| verdict.name.clone()).collect();
    let wider: Vec<&Verdict> = blocking.iter().copied().filter(|verdict| verdict.portfolios.is_none()).collect();
    if !wider.is_empty() {
        return Decision::Block(names(&wider));
    }
    let failing = blocking.iter().filter_map(|verdict| verdict.portfolios.as_ref()).flat_map(|of| of.keys().copied().map(PortfolioId));
    let newly: BTreeSet<PortfolioId> = failing.filter(|portfolio| !held_back.contains(portfolio)).collect();
    let shown: Vec<&Verdict> = blocking.iter().copied().filter(|verdict| is_shown(verdict)).collect();
    match scope {
        // Whoever edited this one waits for it: that it can't be published is their answer.
        Scope::Portfolio(only) if newly.contains(&only) => Decision::Block(names(&blocking)),
        _ if !newly.is_empty() => Decision::HoldBack(newly),
        _ if shown.is_empty() => Decision::Publish,
        _ => Decision::Block(names(&shown)),
    }
}

/// The verdicts of the last try, with what the tries before it found of those that it left out.
pub(super) fn with_refused(verdicts: Vec<Verdict>, refused: &[Verdict]) -> Vec<Verdict> {
    let merged = |mut verdict: Verdict| {
        for earlier in refused.iter().filter(|earlier| earlier.name == verdict.name) {
            let portfolios = verdict.portfolios.get_or_insert_default();
            let new: Vec<_> = earlier.portfolios.iter().flatten().filter(|(portfolio, _)| !portfolios.contains_key(portfolio)).collect();
            verdict.failures += new.iter().map(|(_, failures)| **failures).sum::<i64>();
            portfolios.extend(new);
            if let (Some(all), Some(more)) = (verdict.samples.as_array_mut(), earlier.samples.as_array()) {
                all.extend(more.iter().cloned());
            }
        }
        verdict
    };
    verdicts.into_iter().map(merged).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::warehouse::Severity;
    use serde_json::Value;

    fn failing(name: &str, severity: Severity, portfolios: Option<&[i64]>) -> Verdict {
        let portfolios = portfolios.map(|of| of.iter().map(|id| (*id, 1)).collect());
        Verdict { name: name.into(), model: None, severity, failures: 1, samples: Value::Null, portfolios, duration_ms: 0.0 }
    }

    fn check(verdicts: &[Verdict], held_back: &[i64], expect: Decision) {
        let held_back = held_back.iter().copied().map(PortfolioId).collect();
        assert_eq!(decide(verdicts, &held_back, Scope::All, |_| false), expect);
    }

    #[test]
    fn a_failure_blocks_its_own_scope() {
        let passing = Verdict { failures: 0, ..failing("fine", Severity::Error, None) };
        check(&[passing], &[], Decision::Publish);
        check(&[failing("slight", Severity::Warn, None)], &[], Decision::Publish);
        let of_two = failing("sums", Severity::Error, Some(&[3, 7]));
        check(std::slice::from_ref(&of_two), &[], Decision::HoldBack([PortfolioId(3), PortfolioId(7)].into()));
        check(std::slice::from_ref(&of_two), &[3], Decision::HoldBack([PortfolioId(7)].into()));
        check(std::slice::from_ref(&of_two), &[3, 7], Decision::Publish);
        check(&[of_two, failing("all", Severity::Error, None)], &[], Decision::Block(vec!["all".into()]));
    }

    #[test]
    fn an_edit_that_cannot_be_published_says_so() {
        let verdicts = [failing("sums", Severity::Error, Some(&[3]))];
        let decided = |portfolio| decide(&verdicts, &BTreeSet::new(), Scope::Portfolio(PortfolioId(portfolio)), |_| false);
        assert_eq!(decided(3), Decision::Block(vec!["sums".into()]));
        assert_eq!(decided(4), Decision::HoldBack([PortfolioId(3)].into()));
    }

    #[test]
    fn what_would_be_shown_anew_must_not_fail() {
        let verdicts = [failing("sums", Severity::Error, Some(&[3]))];
        let decided = decide(&verdicts, &[PortfolioId(3)].into(), Scope::All, |_| true);
        assert_eq!(decided, Decision::Block(vec!["sums".into()]));
    }

    #[test]
    fn what_an_earlier_try_found_is_kept() {
        let passing = Verdict { failures: 0, samples: Value::Array(vec![]), ..failing("sums", Severity::Error, None) };
        let earlier = Verdict { samples: serde_json::json!([{ "portfolio_id": 3 }]), ..failing("sums", Severity::Error, Some(&[3])) };
        let merged = with_refused(vec![passing], &[earlier]);
        assert_eq!((merged[0].failures, merged[0].portfolios.as_ref().unwrap().len()), (1, 1));
        assert_eq!(merged[0].samples.as_array().unwrap().len(), 1);
    }
}
