//! What failing tests and checks mean for whom: a failure blocks its own scope and nothing wider. Pure.

use super::Scope;
use crate::warehouse::Verdict;
use app::domain::PortfolioId;
use std::collections::BTreeSet;

/// A failure that blocks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Finding {
    /// The test's or the check's.
    pub name: String,
    /// Whose rows fail; `None`: of more than portfolios.
    pub portfolios: Option<BTreeSet<PortfolioId>>,
    /// Would its rows be shown anew even of who is held back?
    pub is_shown: bool,
}

/// What follows.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Decision {
    Publish,
    /// Try again without these: only their own rows fail.
    HoldBack(BTreeSet<PortfolioId>),
    /// Nothing may be published: the names of what says so.
    Block(Vec<String>),
}

/// A finding whose rows all name their portfolio concerns these alone. One that is held back already may go on failing: what is shown of
/// it was published before, unless its rows would be shown anew.
pub(super) fn decide(findings: &[Finding], held_back: &BTreeSet<PortfolioId>, scope: Scope) -> Decision {
    let names = |is_meant: fn(&Finding) -> bool| {
        let mut names: Vec<String> = findings.iter().filter(|finding| is_meant(finding)).map(|finding| finding.name.clone()).collect();
        names.dedup();
        names
    };
    let wider = names(|finding| finding.portfolios.is_none());
    if !wider.is_empty() {
        return Decision::Block(wider);
    }
    let failing = findings.iter().filter_map(|finding| finding.portfolios.as_ref()).flatten();
    let newly: BTreeSet<PortfolioId> = failing.filter(|portfolio| !held_back.contains(portfolio)).copied().collect();
    let shown = names(|finding| finding.is_shown);
    match scope {
        // Whoever edited this one waits for it: that it can't be published is their answer.
        Scope::Portfolio(only) if newly.contains(&only) => Decision::Block(names(|_| true)),
        _ if !newly.is_empty() => Decision::HoldBack(newly),
        _ if shown.is_empty() => Decision::Publish,
        _ => Decision::Block(shown),
    }
}

/// The verdicts of the last try, with what the tries before it found of those that it left out.
pub(super) fn with_refused(verdicts: Vec<Verdict>, refused: &[Verdict]) -> Vec<Verdict> {
    let merged = |mut verdict: Verdict| {
        for earlier in refused.iter().filter(|earlier| earlier.name == verdict.name) {
            let portfolios = verdict.portfolios.get_or_insert_default();
            let new: Vec<_> = earlier.portfolios.iter().flatten().filter(|(portfolio, _)| !portfolios.contains_key(portfolio)).collect();
            verdict.passed &= earlier.passed;
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

    fn of(name: &str, portfolios: Option<&[i64]>) -> Finding {
        let portfolios = portfolios.map(|of| of.iter().copied().map(PortfolioId).collect());
        Finding { name: name.into(), portfolios, is_shown: false }
    }

    fn check(findings: &[Finding], held_back: &[i64], expect: Decision) {
        let held_back = held_back.iter().copied().map(PortfolioId).collect();
        assert_eq!(decide(findings, &held_back, Scope::All), expect);
    }

    #[test]
    fn a_failure_blocks_its_own_scope() {
        check(&[], &[], Decision::Publish);
        let of_two = of("sums", Some(&[3, 7]));
        check(std::slice::from_ref(&of_two), &[], Decision::HoldBack([PortfolioId(3), PortfolioId(7)].into()));
        check(std::slice::from_ref(&of_two), &[3], Decision::HoldBack([PortfolioId(7)].into()));
        check(std::slice::from_ref(&of_two), &[3, 7], Decision::Publish);
        check(&[of_two, of("all", None)], &[], Decision::Block(vec!["all".into()]));
    }

    #[test]
    fn an_edit_that_cannot_be_published_says_so() {
        let findings = [of("sums", Some(&[3]))];
        let decided = |portfolio| decide(&findings, &BTreeSet::new(), Scope::Portfolio(PortfolioId(portfolio)));
        assert_eq!(decided(3), Decision::Block(vec!["sums".into()]));
        assert_eq!(decided(4), Decision::HoldBack([PortfolioId(3)].into()));
    }

    #[test]
    fn what_would_be_shown_anew_must_not_fail() {
        let shown = Finding { is_shown: true, ..of("sums", Some(&[3])) };
        check(&[shown], &[3], Decision::Block(vec!["sums".into()]));
    }

    #[test]
    fn what_an_earlier_try_found_is_kept() {
        let verdict = |failures, portfolios: Option<&[i64]>, samples| Verdict {
            name: "sums".into(),
            model: None,
            severity: Severity::Error,
            passed: failures == 0,
            failures,
            samples,
            portfolios: portfolios.map(|of| of.iter().map(|id| (*id, 1)).collect()),
            duration_ms: 0.0,
        };
        let earlier = verdict(1, Some(&[3]), serde_json::json!([{ "portfolio_id": 3 }]));
        let merged = with_refused(vec![verdict(0, None, Value::Array(vec![]))], &[earlier]);
        assert!(!merged[0].passed);
        assert_eq!((merged[0].failures, merged[0].portfolios.as_ref().unwrap().len()), (1, 1));
        assert_eq!(merged[0].samples.as_array().unwrap().len(), 1);
    }
}
