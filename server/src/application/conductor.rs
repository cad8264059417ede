//! What pages ask of the pipeline and of vendors, answered by the real ones.

use crate::{
    ingest::{self, Connection, Credentials, Vendor, VendorError},
    pipeline::{
        self, Deps, Trigger,
        connections::{self, EnvironmentConnection, NewBroker},
    },
    store::{BrokerKeys, BrokerSummary, Conductor, ConductorError, NextTicks},
};
use app::domain::{ConnectionId, PortfolioId, Symbol, UserId};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use serde_json::Value;
use std::{iter::successors, time::Duration};

/// How long a form waits for the publication of what it changed; longer ones go on behind the page.
const PATIENCE: Duration = Duration::from_secs(5);

/// Ticks that are shown ahead.
const NEXT: usize = 5;

/// The pipeline, behind the store's seam.
pub struct PipelineConductor {
    pub deps: Deps,
    /// Keys of the environment, waiting for the first administrator.
    pub keys: Vec<EnvironmentConnection>,
}

impl PipelineConductor {
    async fn wait(&self, run_id: i64) -> Result<(), ConductorError> {
        match tokio::time::timeout(PATIENCE, pipeline::wait_for(&self.deps.pool, run_id)).await {
            // The page says that a run is under way; a failed one shows on the pipeline page, and the edit is kept in any case.
            Err(_) | Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(ConductorError::Failed(error.into())),
        }
    }
}

#[async_trait]
impl Conductor for PipelineConductor {
    async fn administrator_created(&self, administrator: UserId) -> Result<(), ConductorError> {
        if self.keys.is_empty() {
            return Ok(());
        }
        connections::ensure_environment_connections(&self.deps.pool, &self.deps.vault, administrator, &self.keys).await?;
        pipeline::catch_up(&self.deps.pool, self.deps.clock).await?;
        Ok(())
    }

    async fn request_daily(&self, by: UserId) -> Result<i64, ConductorError> {
        let session = self.deps.clock.last_completed_session();
        Ok(pipeline::request_daily(&self.deps.pool, self.deps.clock, session, Some(by), Trigger::Person).await?)
    }

    async fn republish(&self, portfolio: PortfolioId, by: UserId) -> Result<(), ConductorError> {
        let run_id = pipeline::request_publish(&self.deps.pool, portfolio, Some(by)).await?;
        self.wait(run_id).await
    }

    async fn republish_all(&self, by: UserId) -> Result<(), ConductorError> {
        let run_id = pipeline::request_publish_all(&self.deps.pool, Some(by)).await?;
        self.wait(run_id).await
    }

    async fn refetch(&self, symbol: &Symbol, from: NaiveDate, to: NaiveDate, by: UserId) -> Result<i64, ConductorError> {
        Ok(pipeline::request_refetch(&self.deps.pool, self.deps.clock, vec![symbol.clone()], None, (from, to), Some(by)).await?)
    }

    async fn refetch_activities(&self, portfolio: PortfolioId, from: NaiveDate, by: UserId) -> Result<i64, ConductorError> {
        let to = self.deps.clock.last_completed_session();
        let span = (from.min(to), to);
        Ok(pipeline::request_refetch(&self.deps.pool, self.deps.clock, Vec::new(), Some(portfolio), span, Some(by)).await?)
    }

    async fn waiting_for(&self) -> Result<Option<String>, ConductorError> {
        Ok(pipeline::waiting_for(&self.deps.pool).await?)
    }

    async fn try_broker(&self, keys: &BrokerKeys) -> Result<BrokerSummary, ConductorError> {
        let connection = Connection {
            id: ConnectionId(0),
            vendor: Vendor::Alpaca,
            base_url: keys.base_url.clone(),
            data_url: Some(keys.data_url.clone()),
            credentials: Credentials::Pair { key_id: keys.key_id.clone(), secret_key: keys.secret_key.clone() },
            calls_per_minute: None,
        };
        let summary = ingest::alpaca::test(&self.deps.http, &connection).await?;
        Ok(BrokerSummary { external_id: summary.external_id, currency: summary.currency })
    }

    async fn keep_broker(&self, owner: UserId, label: &str, keys: &BrokerKeys, summary: &BrokerSummary) -> Result<(), ConductorError> {
        let new = NewBroker {
            owner,
            label,
            base_url: &keys.base_url,
            data_url: Some(&keys.data_url),
            key_id: &keys.key_id,
            secret_key: &keys.secret_key,
            external_id: &summary.external_id,
            portfolio: None,
        };
        connections::create_broker_connection(&self.deps.pool, &self.deps.vault, new).await?;
        let to = self.deps.clock.last_completed_session();
        pipeline::request_backfill(&self.deps.pool, self.deps.clock, None, to, Some(owner)).await?;
        Ok(())
    }

    async fn try_connection(&self, connection: ConnectionId) -> Result<(), ConductorError> {
        let connection = connections::load(&self.deps, connection).await?;
        match connection.vendor {
            Vendor::Polygon => ingest::polygon::test(&self.deps.http, &connection).await?,
            Vendor::Fred => ingest::fred::test(&self.deps.http, &connection).await?,
            Vendor::Alpaca => {
                ingest::alpaca::test(&self.deps.http, &connection).await?;
            }
        }
        Ok(())
    }

    fn covers(&self, parameters: &Value) -> String {
        pipeline::covers(parameters)
    }

    fn schedules(&self, now: DateTime<Utc>) -> Vec<NextTicks> {
        pipeline::schedules()
            .iter()
            .map(|schedule| NextTicks {
                schedule_id: schedule.id.to_owned(),
                dag: schedule.dag.to_owned(),
                expression: schedule.expression(),
                description: schedule.description.to_owned(),
                next: successors(pipeline::next_tick(schedule, now), |tick| pipeline::next_tick(schedule, *tick)).take(NEXT).collect(),
            })
            .collect()
    }
}

/// A vendor's refusal is a sentence for the person already.
impl From<VendorError> for ConductorError {
    fn from(error: VendorError) -> Self {
        Self::Refused(error.to_string())
    }
}

impl From<pipeline::Error> for ConductorError {
    fn from(error: pipeline::Error) -> Self {
        match error {
            pipeline::Error::Refused(sentence) => Self::Refused(sentence),
            other => Self::Failed(other.into()),
        }
    }
}
