//! What a run is made of: tasks, what each waits for, and how runs of the same DAG get along.

use super::RetryPolicy;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{collections::BTreeSet, time::Duration};

/// What has to have become of the tasks before one. A failed or cancelled task, and one that couldn't start for it, counts as failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// All succeeded; one that was skipped has this one skipped too.
    #[default]
    AllSuccess,
    /// All ended, however.
    AllDone,
    /// One failed, whatever the others still do; skipped when all ended and none did.
    OneFailed,
    /// All ended and none failed; skipped ones are fine.
    NoneFailed,
}

impl Rule {
    /// As in `ops.task.rule`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AllSuccess => "all_success",
            Self::AllDone => "all_done",
            Self::OneFailed => "one_failed",
            Self::NoneFailed => "none_failed",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::AllSuccess, Self::AllDone, Self::OneFailed, Self::NoneFailed].into_iter().find(|rule| rule.as_str() == text)
    }
}

/// One task of a DAG, as written in code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TaskSpec {
    /// The handler's name; the same name means the same work in every DAG.
    pub name: String,
    /// What it does, for the sentence that tells of its failure: "Fetching prices".
    pub purpose: String,
    /// Names of the tasks before it.
    pub after: Vec<String>,
    pub rule: Rule,
    /// The task before it whose output `[{"part", "input"}]` says how often, and on what, this one is performed.
    pub parts_of: Option<String>,
    /// One slot in each is held while it runs; a pool without a row in `ops.pool` has one slot.
    pub pools: Vec<String>,
    /// Higher ones start first.
    pub priority: i32,
    /// Attempts that may end in an error or a timeout; waiting and being killed have budgets of their own.
    pub max_attempts: i32,
    /// Of one attempt.
    pub timeout: Duration,
    /// Over all attempts, from the first start.
    pub total_timeout: Option<Duration>,
    /// From being ready to being started.
    pub queue_timeout: Option<Duration>,
}

impl TaskSpec {
    /// A task of three attempts of half an hour each, after nothing.
    #[must_use]
    pub fn new(name: &str, purpose: &str) -> Self {
        Self {
            name: name.to_owned(),
            purpose: purpose.to_owned(),
            after: Vec::new(),
            rule: Rule::default(),
            parts_of: None,
            pools: Vec::new(),
            priority: 0,
            max_attempts: 3,
            timeout: Duration::from_secs(30 * 60),
            total_timeout: None,
            queue_timeout: None,
        }
    }

    #[must_use]
    pub fn after(self, names: &[&str]) -> Self {
        Self { after: owned(names), ..self }
    }

    #[must_use]
    pub fn pools(self, names: &[&str]) -> Self {
        Self { pools: owned(names), ..self }
    }

    /// One task for each part that `parent` names in its output.
    #[must_use]
    pub fn for_each_of(self, parent: &str) -> Self {
        Self { parts_of: Some(parent.to_owned()), ..self.after(&[parent]) }
    }
}

fn owned(names: &[&str]) -> Vec<String> {
    names.iter().map(|&name| name.to_owned()).collect()
}

/// What happens to a run that is asked for while another of the DAG is under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Overlap {
    /// Both run; pools keep apart what must not meet.
    #[default]
    Allow,
    /// It isn't made.
    Skip,
    /// It waits; a further one isn't made.
    QueueOne,
    /// Each waits for the one before.
    QueueAll,
    /// The other is cancelled, and it starts when that has ended.
    CancelOther,
}

/// Tasks, and how runs of them get along.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dag {
    pub name: String,
    /// In the order in which they are shown.
    pub tasks: Vec<TaskSpec>,
    pub overlap: Overlap,
    /// A scheduled run waits until the one before it, by logical time, has succeeded.
    pub depends_on_past: bool,
    /// From a run's logical time (without one: from its request) to its end.
    pub deadline: Option<Duration>,
    /// From a run's admission to its end; then it is cancelled and has failed.
    pub timeout: Option<Duration>,
    pub retries: RetryPolicy,
}

/// A DAG that can't run. Found when the program starts.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DagError {
    #[error("DAG {dag}: two tasks are named {task}; give one another name")]
    Twice { dag: String, task: String },
    #[error("DAG {dag}: {task} comes after {missing}, which isn't one of its tasks")]
    Missing { dag: String, task: String, missing: String },
    #[error("DAG {dag}: {task} waits for itself, through the tasks before it; take one of them out of its `after`")]
    Circle { dag: String, task: String },
    #[error("DAG {dag}: nobody performs {task}; register a handler of that name")]
    NoHandler { dag: String, task: String },
}

impl Dag {
    /// A DAG whose runs may overlap, without a deadline.
    #[must_use]
    pub fn new(name: &str, tasks: Vec<TaskSpec>) -> Self {
        Self {
            name: name.to_owned(),
            tasks,
            overlap: Overlap::default(),
            depends_on_past: false,
            deadline: None,
            timeout: None,
            retries: RetryPolicy::default(),
        }
    }

    /// A hash of everything that it says, short enough to be read: a changed DAG is another version.
    pub fn version(&self) -> String {
        let text = serde_json::to_vec(self).unwrap_or_default();
        hex::encode(&Sha256::digest(text)[..6])
    }

    pub fn spec(&self, task: &str) -> Option<&TaskSpec> {
        self.tasks.iter().find(|spec| spec.name == task)
    }

    /// # Errors
    /// The first reason why it can't run.
    pub fn check(&self) -> Result<(), DagError> {
        let dag = || self.name.clone();
        let mut names = BTreeSet::new();
        for spec in &self.tasks {
            if !names.insert(spec.name.as_str()) {
                return Err(DagError::Twice { dag: dag(), task: spec.name.clone() });
            }
        }
        for spec in &self.tasks {
            let missing = spec.after.iter().chain(&spec.parts_of).find(|parent| !names.contains(parent.as_str()));
            if let Some(missing) = missing {
                return Err(DagError::Missing { dag: dag(), task: spec.name.clone(), missing: missing.clone() });
            }
        }
        // Whoever waits for nobody left can go; who is left over in the end waits for himself.
        let mut left: Vec<&TaskSpec> = self.tasks.iter().collect();
        loop {
            let names: BTreeSet<&str> = left.iter().map(|spec| spec.name.as_str()).collect();
            let before = left.len();
            left.retain(|spec| spec.after.iter().any(|parent| names.contains(parent.as_str())));
            match left.first() {
                None => return Ok(()),
                Some(spec) if left.len() == before => return Err(DagError::Circle { dag: dag(), task: spec.name.clone() }),
                Some(_) => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dag(edges: &[(&str, &[&str])]) -> Dag {
        Dag::new("trial", edges.iter().map(|(name, after)| TaskSpec::new(name, "Trying").after(after)).collect())
    }

    #[test]
    fn what_cannot_run_says_why() {
        assert_eq!(dag(&[("a", &[]), ("b", &["a"]), ("c", &["a", "b"])]).check(), Ok(()));
        let error = |edges| dag(edges).check().unwrap_err().to_string();
        assert!(error(&[("a", &[]), ("a", &[])]).contains("two tasks are named a"));
        assert!(error(&[("a", &["z"])]).contains("a comes after z"));
        assert!(error(&[("a", &[]), ("b", &["c"]), ("c", &["b"])]).contains("b waits for itself"));
    }

    #[test]
    fn a_change_is_another_version() {
        let one = dag(&[("a", &[])]);
        assert_eq!(one.version(), one.clone().version());
        assert_ne!(one.version(), dag(&[("b", &[])]).version());
        let longer = Dag { timeout: Some(Duration::from_secs(1)), ..one.clone() };
        assert_ne!(one.version(), longer.version());
        let kept: Dag = serde_json::from_value(serde_json::to_value(&longer).unwrap()).unwrap();
        assert_eq!(kept, longer);
    }
}
