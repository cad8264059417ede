//! Leadership: one engine works a database at a time. A lock on a connection of its own says who, and the same connection
//! carries the heartbeat: when it breaks, the lead is over and whatever ran is dropped.

use super::lease;
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// The engine's session lock. Any number that nothing else uses.
const LEAD_LOCK: i64 = 0x706c_756d_0002;

/// Between two heartbeats: three fit into a lease.
const BEAT: Duration = Duration::from_secs(4);

/// The tasks that this engine performs: id → epoch.
#[derive(Debug, Clone, Default)]
pub(super) struct Held(Arc<Mutex<BTreeMap<i64, i64>>>);

impl Held {
    pub(super) fn insert(&self, task_id: i64, epoch: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(task_id, epoch);
    }

    pub(super) fn remove(&self, task_id: i64) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&task_id);
    }

    pub(super) fn all(&self) -> Vec<(i64, i64)> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().map(|(&task_id, &epoch)| (task_id, epoch)).collect()
    }
}

/// Does an engine lead this database now, in whatever process?
///
/// # Errors
/// What Postgres says.
pub async fn is_led(pool: &PgPool) -> Result<bool, sqlx::Error> {
    // A 64-bit key shows as its two halves.
    sqlx::query_scalar!(
        r#"select exists (select from pg_locks where locktype = 'advisory' and objsubid = 1 and granted
                          and database = (select oid from pg_database where datname = current_database())
                          and (classid::bigint << 32) | objid::bigint = $1) as "is_led!""#,
        LEAD_LOCK
    )
    .fetch_one(pool)
    .await
}

/// The connection that holds the lock. Closing it, also by dying, gives the lead away.
pub(super) struct Lead(PgConnection);

impl Lead {
    /// `None` while another engine leads.
    pub(super) async fn take(pool: &PgPool) -> Result<Option<Self>, sqlx::Error> {
        let mut connection = pool.connect_options().connect().await?;
        let is_ours = sqlx::query_scalar!(r#"select pg_try_advisory_lock($1) as "is_ours!""#, LEAD_LOCK).fetch_one(&mut connection).await?;
        if is_ours {
            return Ok(Some(Self(connection)));
        }
        connection.close().await?;
        Ok(None)
    }

    /// Beats until the connection breaks; answers why it did.
    pub(super) async fn beat(&mut self, held: &Held) -> sqlx::Error {
        loop {
            tokio::time::sleep(BEAT).await;
            if let Err(error) = lease::extend(&mut self.0, &held.all()).await {
                return error;
            }
        }
    }

    pub(super) async fn give_up(self) {
        // The lock goes with the connection, closed well or not.
        if let Err(error) = self.0.close().await {
            tracing::debug!(%error, "the leader's connection didn't close well");
        }
    }
}
