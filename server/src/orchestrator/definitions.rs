//! The DAG that a run began with, also when this program has a newer one.

use super::{Dag, Registry};
use sqlx::PgPool;
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

/// What is known of versions; read once each.
#[derive(Clone)]
pub struct Definitions {
    pool: PgPool,
    registry: Registry,
    known: Arc<Mutex<Known>>,
}

/// By DAG and version.
type Known = BTreeMap<(String, String), Arc<Dag>>;

impl Definitions {
    pub fn new(pool: PgPool, registry: Registry) -> Self {
        let known = registry.dags().map(|dag| ((dag.name.clone(), dag.version()), Arc::clone(dag))).collect();
        Self { pool, registry, known: Arc::new(Mutex::new(known)) }
    }

    /// The version as it was written down; where that can't be read any more, the DAG of that name as it is now.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn of(&self, dag: &str, version: &str) -> Result<Option<Arc<Dag>>, sqlx::Error> {
        let key = (dag.to_owned(), version.to_owned());
        if let Some(known) = self.known.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(Some(Arc::clone(known)));
        }
        let kept = sqlx::query_scalar!("select definition from ops.dag_version where dag = $1 and version = $2", dag, version)
            .fetch_optional(&self.pool)
            .await?;
        let found = match kept.and_then(|definition| serde_json::from_value::<Dag>(definition).ok()) {
            Some(dag) => Some(Arc::new(dag)),
            None => self.registry.find(dag).cloned(),
        };
        if let Some(dag) = &found {
            self.known.lock().unwrap_or_else(PoisonError::into_inner).insert(key, Arc::clone(dag));
        }
        Ok(found)
    }
}
