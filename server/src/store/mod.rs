//! `app::ports` with SQL, one file a slice. Every query names its owner: what is another person's isn't found.

mod accounts;
mod activities;
mod conductor;
mod csv_file;
mod csv_line;
mod doors;
mod entries;
mod error;
mod explain;
mod export;
mod import;
mod openings;
mod operations;
mod overview;
mod portfolios;
mod published;
mod quality;
mod scope;
mod settings;
mod steady;
mod track_record;
mod transaction_input;
mod typed;

pub use conductor::{BrokerKeys, BrokerSummary, Conductor, ConductorError, Failure, NextTicks};
pub use error::{Error, Result, reference};
pub use explain::{ExplainArgs, Question};
pub use export::{Exported, TABLES as EXPORTED_TABLES};
pub use operations::{LogQuestion, RunFilter};

use crate::{auth::AuthSession, clock::Clock};
use app::ports::Ports;
use sqlx::PgPool;
use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

/// What all slices share. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    pub pool: PgPool,
    pub clock: Clock,
    pub conductor: Arc<dyn Conductor>,
    /// The demo is on: its visitor may enter.
    pub has_demo: bool,
    is_published: Arc<AtomicBool>,
}

impl Store {
    pub fn new(pool: PgPool, clock: Clock, conductor: Arc<dyn Conductor>, has_demo: bool) -> Self {
        Self { pool, clock, conductor, has_demo, is_published: Arc::default() }
    }

    /// The ports of one request. `session` is its sign-in session: a changed password keeps this one and ends the others.
    pub fn ports(&self, session: Option<AuthSession>) -> Ports {
        Ports {
            portfolios: Arc::new(portfolios::PgPortfolios(self.clone())),
            activities: Arc::new(activities::PgActivities(self.clone())),
            operations: Arc::new(operations::PgOperations(self.clone())),
            quality: Arc::new(quality::PgQuality(self.clone())),
            explanations: Arc::new(explain::PgExplanations(self.clone())),
            settings: Arc::new(settings::PgSettings { store: self.clone(), session }),
            doors: Arc::new(doors::PgDoors(self.clone())),
        }
    }

    /// Was anything published yet, by this version? Before that the rebuilt schemas don't exist, or in an older shape, which the first
    /// publication replaces. Asked of Postgres until it is so.
    async fn is_published(&self) -> Result<bool> {
        if self.is_published.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let exists = crate::warehouse::is_of_this_version(&self.pool).await?;
        self.is_published.store(exists, Ordering::Relaxed);
        Ok(exists)
    }
}
