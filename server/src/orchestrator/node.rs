//! A process that performs tasks, as the others see it: a row, a heartbeat, and a session lock that goes when the process goes.

use super::lease;
use sqlx::{ConnectOptions, Connection, PgConnection, PgPool};
use std::time::Duration;

/// First half of the lock's key; the second is the node's number.
const PRESENCE: i32 = 0x706c_756e;

/// Between two heartbeats: one may be missed, and a second, before a lease runs out.
pub(super) const BEAT: Duration = Duration::from_millis(3_500);

/// Between two looks whether the connection still holds. With the time to open another it stays below the second between two looks of
/// the others.
const LOOK: Duration = Duration::from_millis(400);

/// What a node is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Performs whatever there is.
    Server,
    /// Of one command: performs only while no server does.
    Command,
}

impl Role {
    fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Command => "command",
        }
    }
}

/// The connection that says that the node is there.
pub(super) struct Presence {
    connection: PgConnection,
    pub(super) node_id: i32,
}

/// Writes the node down; answers its number.
pub(super) async fn register(pool: &PgPool, name: &str, role: Role) -> Result<i32, sqlx::Error> {
    sqlx::query_scalar!("insert into ops.node (name, role) values ($1, $2) returning node_id", name, role.as_str()).fetch_one(pool).await
}

impl Presence {
    /// Opens a connection of its own and takes the node's lock, waiting for an earlier connection of the same node to be closed.
    pub(super) async fn open(pool: &PgPool, node_id: i32) -> Result<Self, sqlx::Error> {
        let mut connection = pool.connect_options().connect().await?;
        sqlx::query!("select pg_advisory_lock($1, $2)", PRESENCE, node_id).execute(&mut connection).await?;
        Ok(Self { connection, node_id })
    }

    /// One heartbeat: the node is alive, and keeps the leases of what it performs.
    pub(super) async fn beat(&mut self, held: &[(i64, i64)]) -> Result<(), sqlx::Error> {
        sqlx::query!("update ops.node set beat_at = clock_timestamp(), stopped_at = null where node_id = $1", self.node_id)
            .execute(&mut self.connection)
            .await?;
        lease::extend(&mut self.connection, held).await
    }

    /// Keeps the connection for so long, and says at once when it breaks: with it goes the lock, and the others look for it every second.
    pub(super) async fn hold(&mut self, time: Duration) -> Result<(), sqlx::Error> {
        let mut left = time;
        while !left.is_zero() {
            let step = left.min(LOOK);
            tokio::time::sleep(step).await;
            left -= step;
            self.connection.ping().await?;
        }
        Ok(())
    }

    pub(super) async fn close(self) {
        if let Err(error) = self.connection.close().await {
            tracing::debug!(%error, "the node's connection didn't close well");
        }
    }
}

/// No new work from here on.
pub(super) async fn drain(pool: &PgPool, node_id: i32) -> Result<(), sqlx::Error> {
    sqlx::query!("update ops.node set is_draining = true where node_id = $1", node_id).execute(pool).await?;
    Ok(())
}

/// Ended as it should.
pub(super) async fn leave(pool: &PgPool, node_id: i32) -> Result<(), sqlx::Error> {
    sqlx::query!("update ops.node set stopped_at = clock_timestamp() where node_id = $1", node_id).execute(pool).await?;
    Ok(())
}

/// Nodes whose lock nobody holds: their process or its connection is gone. A living one takes its lock again within a moment, so one
/// look isn't enough to say so.
pub(super) async fn missing(pool: &PgPool) -> Result<Vec<i32>, sqlx::Error> {
    sqlx::query_scalar!(
        "select node_id from ops.node where stopped_at is null and not exists (
             select from pg_locks where locktype = 'advisory' and granted and objsubid = 2
                 and database = (select oid from pg_database where datname = current_database())
                 and classid = $1::int::oid and objid = node_id::oid)",
        PRESENCE
    )
    .fetch_all(pool)
    .await
}

/// They are gone for good; a living one that was only cut off says at its next beat that it isn't.
pub(super) async fn bury(pool: &PgPool, nodes: &[i32]) -> Result<(), sqlx::Error> {
    sqlx::query!("update ops.node set stopped_at = beat_at where node_id = any($1)", nodes).execute(pool).await?;
    Ok(())
}

/// Does a server work on this database now, in whatever process?
///
/// # Errors
/// What Postgres says.
pub async fn is_served(pool: &PgPool) -> Result<bool, sqlx::Error> {
    let missing = missing(pool).await?;
    sqlx::query_scalar!(
        r#"select exists (select from ops.node where role = 'server' and stopped_at is null and not is_draining
               and node_id <> all ($1) and beat_at > clock_timestamp() - make_interval(secs => $2)) as "is!""#,
        &missing,
        lease::LEASE_SECONDS,
    )
    .fetch_one(pool)
    .await
}
