//! What the store asks of the pipeline: runs, and brokers to try. A seam, so that pages can be tested without vendors.

use app::domain::{ConnectionId, PortfolioId, Symbol, UserId};
use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, Utc};
use secrecy::SecretString;
use serde_json::Value;
use url::Url;

/// Something for the log.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub enum ConductorError {
    /// A sentence for the person, with what to do next.
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Failed(#[from] Failure),
}

/// Alpaca's keys and hosts, as typed.
pub struct BrokerKeys {
    pub base_url: Url,
    pub data_url: Url,
    pub key_id: SecretString,
    pub secret_key: SecretString,
}

/// What a broker said of the account behind the keys.
#[derive(Debug, Clone)]
pub struct BrokerSummary {
    /// The broker's own id of the account.
    pub external_id: String,
    pub currency: String,
}

/// A schedule in words, and when it runs next.
#[derive(Debug, Clone)]
pub struct NextTicks {
    pub schedule_id: String,
    pub dag: String,
    pub expression: String,
    pub description: String,
    /// Five, where there are as many.
    pub next: Vec<DateTime<Utc>>,
}

#[async_trait]
pub trait Conductor: Send + Sync {
    /// The first administrator is there: keys of the environment become this person's connections, and what waited starts.
    async fn administrator_created(&self, administrator: UserId) -> Result<(), ConductorError>;

    /// Requests a daily run of the last completed session; answers its number, or the live one's.
    async fn request_daily(&self, by: UserId) -> Result<i64, ConductorError>;

    /// Publishes a portfolio anew after a committed edit; waits for it, at most a few seconds. A publication that takes
    /// longer is no error.
    async fn republish(&self, portfolio: PortfolioId, by: UserId) -> Result<(), ConductorError>;

    /// Publishes all portfolios anew after a committed decision about prices; waits as [`Self::republish`] does.
    async fn republish_all(&self, by: UserId) -> Result<(), ConductorError>;

    /// Asks for prices and events of a symbol once more; answers the run's number.
    async fn refetch(&self, symbol: &Symbol, from: NaiveDate, to: NaiveDate, by: UserId) -> Result<i64, ConductorError>;

    /// Asks the portfolio's brokers for activities since `from` once more; answers the run's number.
    async fn refetch_activities(&self, portfolio: PortfolioId, from: NaiveDate, by: UserId) -> Result<i64, ConductorError>;

    /// Why nothing can run, in a sentence; `None` when it can.
    async fn waiting_for(&self) -> Result<Option<String>, ConductorError>;

    /// Asks the broker about the account; nothing is kept.
    async fn try_broker(&self, keys: &BrokerKeys) -> Result<BrokerSummary, ConductorError>;

    /// Keeps the keys sealed, makes portfolio and account, requests the first backfill.
    async fn keep_broker(&self, owner: UserId, label: &str, keys: &BrokerKeys, summary: &BrokerSummary) -> Result<(), ConductorError>;

    /// Asks the vendor of a connection that is kept already. Refused with the vendor's reason in a sentence.
    async fn try_connection(&self, connection: ConnectionId) -> Result<(), ConductorError>;

    /// What a run covers, from its parameters: "session 2026-11-20".
    fn covers(&self, parameters: &Value) -> String;

    /// The schedules, in order.
    fn schedules(&self, now: DateTime<Utc>) -> Vec<NextTicks>;
}
