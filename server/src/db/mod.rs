//! Postgres: the person's own or a private one, migrated and with its partitions, behind one pool.

pub mod embedded;
pub mod partitions;

use crate::config::{Config, Storage};
use chrono::{Days, Months, NaiveDate};
use embedded::{EmbeddedError, PrivatePostgres};
use sqlx::{
    ConnectOptions, Connection, PgPool,
    migrate::MigrateError,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use std::time::Duration;

/// All migrations, in order; run at every start.
pub static MIGRATOR: sqlx::migrate::Migrator = sqlx::migrate!("../migrations");

/// The private Postgres allows 40; a server and a command line beside it stay below together.
const POOL_CONNECTIONS: u32 = 16;
/// A process that stands still in the middle of a transaction holds its locks; this long, and Postgres ends it. Longer than a lease, so
/// that who only stumbles isn't hurt.
const LONGEST_STANDSTILL: &str = "20s";
/// `nulls not distinct` and what else the migrations use came with it.
const OLDEST_POSTGRES: i32 = 150_000;
/// Partitions made ahead: a backfill's usual reach and the coming year.
const YEARS_BEHIND: u32 = 12;

/// Who opens the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// A server: the private Postgres is its own, a second server is refused.
    Sole,
    /// A command: uses a running server's private Postgres, or starts it for the time of the command.
    Shared,
}

/// Why there is no database. Each is one sentence for the person at the terminal.
#[derive(Debug, thiserror::Error)]
pub enum DatabaseError {
    #[error("DATABASE_URL names a database that can't be reached ({0}): start it, or correct the address.")]
    Unreachable(#[source] sqlx::Error),
    #[error("DATABASE_URL names PostgreSQL {}, which is too old: 15 or newer is needed.", .0 / 10_000)]
    TooOld(i32),
    #[error("The database was made by a newer Plumbline (migration {0}): start that version, or restore an older backup.")]
    Newer(i64),
    #[error("The database couldn't be brought up to date: {0}.")]
    Migration(#[source] MigrateError),
    #[error(transparent)]
    Embedded(#[from] EmbeddedError),
    #[error("The database failed at the start: {0}.")]
    Failed(#[from] sqlx::Error),
}

/// An open database; a private Postgres stops when this is closed or dropped.
pub struct Database {
    pub pool: PgPool,
    private: Option<PrivatePostgres>,
}

impl Database {
    /// Connects (starting the private Postgres where none is named), migrates, and makes partitions around `today`.
    ///
    /// # Errors
    /// One sentence that says what to do.
    pub async fn open(config: &Config, access: Access, today: NaiveDate) -> Result<Self, DatabaseError> {
        let (options, private) = match &config.storage {
            Storage::External { options, .. } => ((**options).clone(), None),
            Storage::Embedded { bin_dir, .. } => match embedded::open(&config.data, bin_dir.as_deref(), access).await? {
                embedded::Opened::Started(private) => (private.options.clone(), Some(private)),
                embedded::Opened::Joined(options) => (options, None),
            },
        };
        let pool = connect(options).await?;
        migrate(&pool).await?;
        let (from, to) = (today - Months::new(12 * YEARS_BEHIND), today + Days::new(366));
        partitions::ensure(&pool, from, to).await?;
        Ok(Self { pool, private })
    }

    /// Closes the pool and stops the private Postgres, waiting for both.
    pub async fn close(mut self) {
        self.pool.close().await;
        if let Some(private) = self.private.take() {
            private.stop().await;
        }
    }
}

async fn connect(options: PgConnectOptions) -> Result<PgPool, DatabaseError> {
    // A statement that took long would be logged whole, with all that it lists and what people wrote; runs keep their own times.
    let options = options.disable_statement_logging();
    let options = options.application_name("plumbline").options([("idle_in_transaction_session_timeout", LONGEST_STANDSTILL)]);
    // One connection by itself first: a pool would try for its whole patience before it says that nobody is there.
    let mut first = options.connect().await.map_err(DatabaseError::Unreachable)?;
    let version = sqlx::query_scalar!(r#"select current_setting('server_version_num')::int as "version!""#).fetch_one(&mut first).await?;
    first.close().await?;
    if version < OLDEST_POSTGRES {
        return Err(DatabaseError::TooOld(version));
    }
    let pool = PgPoolOptions::new().max_connections(POOL_CONNECTIONS).acquire_timeout(Duration::from_secs(10));
    Ok(pool.connect_lazy_with(options))
}

/// Brings the schema up to date. Safe beside another process that does the same: the migrator takes a lock in the database.
///
/// # Errors
/// [`DatabaseError::Newer`] for a database of a later version, else what went wrong.
pub async fn migrate(pool: &PgPool) -> Result<(), DatabaseError> {
    MIGRATOR.run(pool).await.map_err(|error| match error {
        MigrateError::VersionMissing(version) => DatabaseError::Newer(version),
        error => DatabaseError::Migration(error),
    })
}
