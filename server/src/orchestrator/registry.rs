//! What this program can perform: its DAGs, and the handler behind each task's name.

use super::{Dag, DagError, TaskContext, TaskError};
use async_trait::async_trait;
use serde_json::Value;
use std::{collections::BTreeMap, sync::Arc};

/// How a task ended well.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Its steps are committed; the engine completes it. `rows` were written beside those that the steps counted.
    Done { rows: u64 },
    /// As `Done`, and the tasks that are performed for each part of it begin on these.
    Parts { rows: u64, parts: Vec<Part> },
    /// There is nothing to do this time, and with it nothing for those that need it.
    Skipped { reason: String },
    /// It called [`TaskContext::complete`] in the transaction of its effect.
    Completed,
}

/// One part of a fan-out.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Part {
    /// Unique within the output, and not empty: "connection 3", "AAPL … MSFT".
    pub part: String,
    /// What the part's task finds in [`TaskContext::input`].
    pub input: Value,
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
    dags: BTreeMap<String, Arc<Dag>>,
    handlers: BTreeMap<&'static str, Arc<dyn Handler>>,
}

impl Registry {
    #[must_use]
    pub fn dag(mut self, dag: Dag) -> Self {
        self.dags.insert(dag.name.clone(), Arc::new(dag));
        self
    }

    #[must_use]
    pub fn handler(mut self, name: &'static str, handler: impl Handler + 'static) -> Self {
        self.handlers.insert(name, Arc::new(handler));
        self
    }

    /// # Errors
    /// The first DAG that can't run, or task that nobody performs.
    pub fn check(&self) -> Result<(), DagError> {
        for dag in self.dags.values() {
            dag.check()?;
            if let Some(spec) = dag.tasks.iter().find(|spec| !self.handlers.contains_key(spec.name.as_str())) {
                return Err(DagError::NoHandler { dag: dag.name.clone(), task: spec.name.clone() });
            }
        }
        Ok(())
    }

    pub(super) fn find(&self, dag: &str) -> Option<&Arc<Dag>> {
        self.dags.get(dag)
    }

    pub(super) fn performer(&self, task: &str) -> Option<Arc<dyn Handler>> {
        self.handlers.get(task).cloned()
    }

    pub(super) fn dags(&self) -> impl Iterator<Item = &Arc<Dag>> {
        self.dags.values()
    }

    /// The names of the tasks that it can perform.
    pub(super) fn known(&self) -> Vec<String> {
        self.handlers.keys().map(|&name| name.to_owned()).collect()
    }
}
