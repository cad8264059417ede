//! What a run is made of: tasks in order, and the handlers that perform them.

use super::{TaskContext, TaskError};
use async_trait::async_trait;
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// One task of a DAG, as written in code.
#[derive(Debug, Clone, Copy)]
pub struct TaskSpec {
    /// The handler's name; the same name means the same work in every DAG.
    pub name: &'static str,
    /// What it does, for the sentence that tells of its failure: "Fetching prices".
    pub purpose: &'static str,
    /// Attempts that may end in an error or a timeout; waiting and being killed don't count.
    pub max_attempts: i32,
    /// Of one attempt.
    pub timeout: Duration,
    /// Tracks on which one task runs at a time, over all runs.
    pub lines: &'static [&'static str],
}

/// Tasks in order: each is ready when the one before it succeeded.
#[derive(Debug, Clone, Copy)]
pub struct Dag {
    pub name: &'static str,
    pub tasks: &'static [TaskSpec],
}

/// How a task ended well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Its steps are committed; the engine completes it. `rows` were written beside those that the steps counted.
    Done { rows: u64 },
    /// It called [`TaskContext::complete`] in the transaction of its effect.
    Completed,
}

/// The work behind a task's name.
#[async_trait]
pub trait Handler: Send + Sync {
    /// Performs one attempt. Repeatable: an earlier attempt may have got anywhere.
    async fn perform(&self, ctx: TaskContext) -> Result<Outcome, TaskError>;
}

/// All DAGs and handlers that this program knows.
#[derive(Clone, Default)]
pub struct Registry {
    dags: BTreeMap<&'static str, Dag>,
    handlers: BTreeMap<&'static str, Arc<dyn Handler>>,
}

impl Registry {
    #[must_use]
    pub fn dag(mut self, dag: Dag) -> Self {
        self.dags.insert(dag.name, dag);
        self
    }

    #[must_use]
    pub fn handler(mut self, name: &'static str, handler: impl Handler + 'static) -> Self {
        self.handlers.insert(name, Arc::new(handler));
        self
    }

    pub(super) fn find(&self, dag: &str) -> Option<&Dag> {
        self.dags.get(dag)
    }

    pub(super) fn spec(&self, dag: &str, task: &str) -> Option<&TaskSpec> {
        self.dags.get(dag)?.tasks.iter().find(|spec| spec.name == task)
    }

    pub(super) fn performer(&self, task: &str) -> Option<Arc<dyn Handler>> {
        self.handlers.get(task).cloned()
    }

    /// The names of all tasks that share a line with one of `running`: those can't start now.
    pub(super) fn held_back_by(&self, running: &[TaskSpec]) -> Vec<String> {
        let shares = |spec: &TaskSpec| running.iter().any(|other| other.lines.iter().any(|line| spec.lines.contains(line)));
        let mut names: Vec<String> =
            self.dags.values().flat_map(|dag| dag.tasks).filter(|spec| shares(spec)).map(|spec| spec.name.to_owned()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn task(name: &'static str, lines: &'static [&'static str]) -> TaskSpec {
        TaskSpec { name, purpose: "Trying", max_attempts: 1, timeout: Duration::from_secs(1), lines }
    }

    #[test]
    fn a_line_takes_one_task_at_a_time() {
        const TASKS: &[TaskSpec] = &[task("broker", &["extract", "publish"]), task("prices", &["extract"]), task("publish", &["publish"])];
        let registry = Registry::default().dag(Dag { name: "daily", tasks: TASKS });
        assert!(registry.held_back_by(&[]).is_empty());
        assert_eq!(registry.held_back_by(&[TASKS[1]]), ["broker", "prices"]);
        assert_eq!(registry.held_back_by(&[TASKS[2]]), ["broker", "publish"]);
        assert_eq!(registry.held_back_by(&[TASKS[0]]), ["broker", "prices", "publish"]);
    }
}
