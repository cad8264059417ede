//! Keys in the environment: they are the first administrator's, and follow what the environment says at each start.

use super::{Error, broker, secret};
use crate::{
    ingest::{Credentials, Vendor},
    vault::Vault,
};
use app::domain::{ConnectionId, UserId};
use sqlx::{PgConnection, PgPool};
use url::Url;

/// One vendor's keys as the environment gives them.
#[derive(Debug, Clone)]
pub struct EnvironmentConnection {
    pub vendor: Vendor,
    pub base_url: Url,
    pub data_url: Option<Url>,
    pub credentials: Credentials,
    pub calls_per_minute: Option<u32>,
}

/// Makes the administrator's connections what the environment says: new keys are kept, changed ones sealed anew, and a vendor
/// without a key is switched off. A broker's keys also get a portfolio and an account.
///
/// # Errors
/// What Postgres or the vault say.
pub async fn ensure_environment_connections(
    pool: &PgPool,
    vault: &Vault,
    administrator: UserId,
    keys: &[EnvironmentConnection],
) -> Result<(), Error> {
    let mut transaction = pool.begin().await?;
    let vendors: Vec<String> = keys.iter().map(|key| key.vendor.as_str().to_owned()).collect();
    sqlx::query!(
        "update book.connection set disabled_at = now() where origin = 'environment' and disabled_at is null and vendor <> all ($1)",
        &vendors
    )
    .execute(&mut *transaction)
    .await?;
    for key in keys {
        let id = ensure(&mut transaction, administrator, key).await?;
        secret::keep(&mut transaction, vault, id, &key.credentials).await?;
        if key.vendor == Vendor::Alpaca {
            let portfolio = broker::first_portfolio(&mut transaction, administrator).await?;
            broker::account(&mut transaction, portfolio, id, "Alpaca", None).await?;
        }
    }
    transaction.commit().await?;
    Ok(())
}

/// The vendor's row. Its number stays, whatever changes: what was fetched through it is known by that. Another owner's becomes the
/// administrator's only by being switched off there and made here.
async fn ensure(connection: &mut PgConnection, administrator: UserId, key: &EnvironmentConnection) -> Result<ConnectionId, sqlx::Error> {
    let calls = key.calls_per_minute.and_then(|calls| i32::try_from(calls).ok());
    let kept = sqlx::query_scalar!(
        "update book.connection set base_url = $3, data_url = $4, calls_per_minute = $5, disabled_at = null
         where connection_id = (select max(connection_id) from book.connection
                                where owner_id = $1 and vendor = $2 and origin = 'environment')
         returning connection_id",
        administrator.get(),
        key.vendor.as_str(),
        key.base_url.as_str(),
        key.data_url.as_ref().map(Url::as_str),
        calls,
    )
    .fetch_optional(&mut *connection)
    .await?;
    if let Some(kept) = kept {
        return Ok(ConnectionId(kept));
    }
    let label = match key.vendor {
        Vendor::Polygon => "Polygon (from the environment)",
        Vendor::Alpaca => "Alpaca (from the environment)",
        Vendor::Fred => "FRED (from the environment)",
    };
    let (vendor, url, data_url) = (key.vendor.as_str(), Some(&key.base_url), key.data_url.as_ref());
    broker::insert(connection, administrator, vendor, label, url, data_url, "environment", key.calls_per_minute).await
}
