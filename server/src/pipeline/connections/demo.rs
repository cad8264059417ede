//! The demo: a visitor without a password, a portfolio, and connections to our own simulator.
//!
//! Several servers may share a database, each with a simulator on a port of its own. So the rows name no address: who performs a task
//! asks the simulator beside it, and all of them serve the same market.

use super::{Error, broker, secret};
use crate::{
    ingest::{Credentials, Vendor},
    vault::Vault,
};
use app::domain::{ConnectionId, UserId};
use sqlx::{PgConnection, PgPool};
use url::Url;

/// The simulator takes any key that begins with "demo-".
const KEY: &str = "demo-key";
const SECRET_KEY: &str = "demo-secret";
const LABEL: &str = "Simulator";

/// Makes the demo ready, with that many of the simulator's accounts. Answers the visitor.
///
/// # Errors
/// [`Error::Refused`] when the database holds real prices: simulated ones must not mix with them.
pub async fn ensure_demo(pool: &PgPool, vault: &Vault, accounts: usize) -> Result<UserId, Error> {
    if fetched(pool, false).await? {
        return Err(Error::refused(
            "This database holds real prices, and the demo's simulated ones must not mix with them. Set the vendor keys in .env, or \
             let the demo use another database (DATABASE_URL).",
        ));
    }
    let mut transaction = pool.begin().await?;
    let user = sqlx::query_scalar!(
        r#"insert into auth."user" (name, display_name, role) values ('demo', 'Demo visitor', 'demo')
           on conflict (name) do update set disabled_at = null where "user".role = 'demo' returning user_id"#
    )
    .fetch_optional(&mut *transaction)
    .await?
    .map(UserId)
    .ok_or_else(|| Error::refused("A person is named “demo”, so the demo can't be offered. Set the vendor keys in .env."))?;
    let portfolio = broker::portfolio(&mut transaction, user, "Demo portfolio", true).await?;
    for vendor in [Vendor::Polygon, Vendor::Fred] {
        let id = ensure(&mut transaction, user, vendor, LABEL).await?;
        secret::keep(&mut transaction, vault, id, &Credentials::Key(KEY.into())).await?;
    }
    for number in 1..=accounts {
        // The simulator opens its second account for the key demo-2.
        let key_id = format!("demo-{number}");
        let (label, name) = match number {
            1 => (LABEL.to_owned(), "Simulated broker".to_owned()),
            _ => (format!("{LABEL} {number}"), format!("Simulated broker {number}")),
        };
        let id = ensure(&mut transaction, user, Vendor::Alpaca, &label).await?;
        let pair = Credentials::Pair { key_id: key_id.into(), secret_key: SECRET_KEY.into() };
        secret::keep(&mut transaction, vault, id, &pair).await?;
        broker::account(&mut transaction, portfolio, id, &name, None).await?;
    }
    transaction.commit().await?;
    Ok(user)
}

async fn ensure(connection: &mut PgConnection, user: UserId, vendor: Vendor, label: &str) -> Result<ConnectionId, Error> {
    let kept = sqlx::query_scalar!(
        "update book.connection set disabled_at = null
         where connection_id = (select max(connection_id) from book.connection where owner_id = $1 and vendor = $2 and origin = 'demo' and label = $3)
         returning connection_id",
        user.get(),
        vendor.as_str(),
        label,
    )
    .fetch_optional(&mut *connection)
    .await?;
    match kept {
        Some(kept) => Ok(ConnectionId(kept)),
        None => Ok(broker::insert(connection, user, vendor.as_str(), label, None, None, "demo", None).await?),
    }
}

/// Where a simulator serves a vendor, and Alpaca's market data. FRED's paths begin with /fred, as at the vendor.
pub(super) fn addresses(vendor: Vendor, simulator: &Url) -> Result<(Url, Option<Url>), Error> {
    Ok(match vendor {
        Vendor::Fred => (simulator.join("/fred").map_err(|_| Error::refused("The simulator's address can't be used."))?, None),
        Vendor::Polygon => (simulator.clone(), None),
        Vendor::Alpaca => (simulator.clone(), Some(simulator.clone())),
    })
}

/// Switches the demo off where real keys are set.
///
/// # Errors
/// [`Error::Refused`] when the database holds the demo's prices: real ones must not mix with them.
pub async fn leave_demo(pool: &PgPool) -> Result<(), Error> {
    if fetched(pool, true).await? {
        return Err(Error::refused(
            "This database holds the demo's simulated prices, and real ones must not mix with them. Use another database \
             (DATABASE_URL), or remove the data folder, and start again.",
        ));
    }
    let mut transaction = pool.begin().await?;
    sqlx::query!(r#"update auth."user" set disabled_at = coalesce(disabled_at, now()) where role = 'demo'"#)
        .execute(&mut *transaction)
        .await?;
    sqlx::query!("update book.connection set disabled_at = coalesce(disabled_at, now()) where origin = 'demo'")
        .execute(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(())
}

/// Were prices fetched through the demo's connections, or through others?
async fn fetched(pool: &PgPool, by_demo: bool) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (select from ops.coverage join book.connection using (connection_id)
                          where kind = 'bars' and (origin = 'demo') = $1) as "fetched!""#,
        by_demo
    )
    .fetch_one(pool)
    .await
}
