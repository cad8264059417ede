//! Where data comes from: the simulator and its demo without keys, the first administrator's connections with them.

use super::StartError;
use crate::{
    clock::Clock,
    config::Config,
    db::Database,
    ingest,
    pipeline::{
        Deps,
        connections::{self, EnvironmentConnection},
    },
    simulator::{self, Faults, Running, Source},
    vault::Vault,
};
use app::domain::UserId;
use std::sync::Arc;

/// What the pipeline needs, with the vendors behind it.
pub struct Vendors {
    pub deps: Deps,
    pub keys: Vec<EnvironmentConnection>,
    /// Lives as long as this does.
    _simulator: Option<Running>,
}

impl Vendors {
    /// Starts the simulator where there are no keys, and makes the connections what the environment says.
    ///
    /// # Errors
    /// One sentence that says what to do.
    pub async fn open(config: &Config, clock: Clock, database: &Database, source: Source) -> Result<Self, StartError> {
        let deps = deps(config, clock, database)?;
        if config.is_demo() {
            let accounts = source.accounts();
            let simulator = simulator::start(simulator::Options { source, clock, faults: Faults::none(), port: 0 }).await?;
            connections::ensure_demo(&deps.pool, &deps.vault, accounts).await?;
            let deps = Deps { simulator: Some(simulator.url().clone()), ..deps };
            return Ok(Self { deps, keys: Vec::new(), _simulator: Some(simulator) });
        }
        connections::leave_demo(&deps.pool).await?;
        let keys: Vec<_> = config.vendors.iter().cloned().map(EnvironmentConnection::from).collect();
        if let Some(administrator) = first_administrator(&deps).await? {
            connections::ensure_environment_connections(&deps.pool, &deps.vault, administrator, &keys).await?;
        }
        Ok(Self { deps, keys, _simulator: None })
    }

    /// Beside a running server, whose vendors stay as they are.
    ///
    /// # Errors
    /// One sentence that says what to do.
    pub fn of_server(config: &Config, clock: Clock, database: &Database) -> Result<Self, StartError> {
        Ok(Self { deps: deps(config, clock, database)?, keys: Vec::new(), _simulator: None })
    }
}

fn deps(config: &Config, clock: Clock, database: &Database) -> Result<Deps, StartError> {
    let vault = Arc::new(Vault::new(config.secret_key()?.bytes()));
    let http = ingest::Http::with_limits(database.pool.clone(), config.vendor_limits())?;
    let pool = database.pool.clone();
    Ok(Deps { pool, clock, vault, http, simulator: None, models: config.models.clone(), retries: None })
}

async fn first_administrator(deps: &Deps) -> Result<Option<UserId>, sqlx::Error> {
    let id = sqlx::query_scalar!(
        r#"select user_id from auth."user" where role = 'administrator' and disabled_at is null order by user_id limit 1"#
    )
    .fetch_optional(&deps.pool)
    .await?;
    Ok(id.map(UserId))
}

impl From<crate::config::VendorAccess> for EnvironmentConnection {
    fn from(access: crate::config::VendorAccess) -> Self {
        let crate::config::VendorAccess { vendor, base_url, data_url, credentials, calls_per_minute } = access;
        Self { vendor, base_url, data_url, credentials, calls_per_minute }
    }
}
