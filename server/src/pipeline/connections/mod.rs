//! Vendors' credentials: whose they are, sealed at rest, opened for a run.

mod broker;
mod demo;
mod environment;
mod secret;

pub use broker::{CreatedBroker, NewBroker, create_broker_connection};
pub use demo::{ensure_demo, leave_demo};
pub use environment::{EnvironmentConnection, ensure_environment_connections};

use super::{dags::Deps, error::Error};
use crate::ingest::{Connection, Vendor};
use app::domain::ConnectionId;
use sqlx::PgPool;
use url::Url;

/// A connection, opened for use.
///
/// # Errors
/// [`Error::Refused`] when it was removed or can't be read; [`Error::Vault`] when the key is another one; [`Error::NoSimulator`] when it
/// is the demo's and this process has no simulator.
pub async fn load(deps: &Deps, id: ConnectionId) -> Result<Connection, Error> {
    let row = sqlx::query!(
        "select vendor, label, base_url, data_url, secret, calls_per_minute from book.connection
         where connection_id = $1 and disabled_at is null",
        id.get()
    )
    .fetch_optional(&deps.pool)
    .await?
    .ok_or_else(|| Error::refused("This connection was removed. Choose another from the list."))?;
    let broken = |what: &str| Error::refused(format!("The connection “{}” has no valid {what}. Remove it and add it again.", row.label));
    let address = |text: &str| Url::parse(text).map_err(|_| broken("address"));
    let vendor = Vendor::parse(&row.vendor).ok_or_else(|| broken("vendor"))?;
    let (base_url, data_url) = match &row.base_url {
        Some(base_url) => (address(base_url)?, row.data_url.as_deref().map(address).transpose()?),
        None => demo::addresses(vendor, deps.simulator.as_ref().ok_or(Error::NoSimulator)?)?,
    };
    Ok(Connection {
        id,
        vendor,
        base_url,
        data_url,
        credentials: secret::open(&deps.vault, id, &row.secret)?.ok_or_else(|| broken("keys"))?,
        calls_per_minute: row.calls_per_minute.and_then(|calls| u32::try_from(calls).ok()),
    })
}

/// Where prices come from: the first administrator's Polygon, else the demo's.
pub(super) async fn prices(deps: &Deps) -> Result<Connection, Error> {
    shared(deps, Vendor::Polygon)
        .await?
        .ok_or_else(|| Error::refused("there is no source of prices; set POLYGON_API_KEY in .env and start the server again"))
}

/// Where the risk-free rate comes from, if from anywhere.
pub(super) async fn rates(deps: &Deps) -> Result<Option<Connection>, Error> {
    shared(deps, Vendor::Fred).await
}

/// Where closes to compare with come from, if from anywhere.
pub(super) async fn reference(deps: &Deps) -> Result<Option<Connection>, Error> {
    shared(deps, Vendor::Alpaca).await
}

/// What one person's connection fetches for everybody.
async fn shared(deps: &Deps, vendor: Vendor) -> Result<Option<Connection>, Error> {
    let id = sqlx::query_scalar!(
        r#"select connection_id from book.connection join auth."user" on user_id = owner_id
           where vendor = $1 and connection.disabled_at is null and "user".disabled_at is null and role in ('administrator', 'demo')
           order by role = 'demo', connection_id limit 1"#,
        vendor.as_str()
    )
    .fetch_optional(&deps.pool)
    .await?;
    match id {
        Some(id) => Ok(Some(load(deps, ConnectionId(id)).await?)),
        None => Ok(None),
    }
}

/// What the connections page says of the last try; `None`: it went well.
pub(super) async fn note_error(pool: &PgPool, id: ConnectionId, error: Option<&str>) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "update book.connection set last_error = $2, tested_at = case when $2::text is null then now() else tested_at end where connection_id = $1",
        id.get(),
        error
    )
    .execute(pool)
    .await?;
    Ok(())
}
