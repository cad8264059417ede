//! A private Postgres in the data folder: made at the first start, ours alone, stopped with us.
//!
//! It listens on a unix socket in a folder that only its own account can enter, never on a port. Nothing here is `unsafe`:
//! `setpriv` of util-linux drops root and asks the kernel to stop Postgres when we die.

mod binaries;
mod child;
mod home;
mod lock;
mod predecessor;

use super::Access;
use binaries::Binaries;
use child::Supervisor;
use home::Home;
use lock::Lock;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, postgres::PgConnectOptions, postgres::PgSslMode};
use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

/// Role and database of the private Postgres.
const NAME: &str = "plumbline";
/// Part of the socket's file name only.
const PORT: u16 = 5432;
/// A predecessor that was killed may hold its shared memory a little longer.
const RETRY: Duration = Duration::from_secs(15);
/// Recovery after a crash reads the whole write-ahead log; we wait as long as Postgres lives and works on it.
const RECOVERY: Duration = Duration::from_secs(600);

/// Why the private Postgres isn't there. Each is one sentence that says what to do.
#[derive(Debug, thiserror::Error)]
pub enum EmbeddedError {
    #[error(
        "PostgreSQL's server programs weren't found: install them (Debian: apt-get install postgresql; macOS: brew install postgresql@17), or set PG_BIN_DIR or DATABASE_URL."
    )]
    NoBinaries,
    #[error("PostgreSQL {found} is too old: install 15 or newer, or set PG_BIN_DIR or DATABASE_URL.")]
    TooOld { found: u32 },
    #[error("{folder} was made by PostgreSQL {made}, but {installed} is installed: install PostgreSQL {made} or name it in PG_BIN_DIR.")]
    OtherVersion { folder: PathBuf, made: String, installed: u32 },
    #[error(
        "{data} is in use by another Plumbline (process {pid}): stop that one, or set PLUMBLINE_DATA and PLUMBLINE_LISTEN for a second."
    )]
    InUse { data: PathBuf, pid: String },
    #[error("{folder} belongs to the account {owner}: start as that account or as root, or choose another folder in PLUMBLINE_DATA.")]
    ForeignOwner { folder: PathBuf, owner: String },
    #[error(
        "As root, Plumbline starts its Postgres through setpriv as another account, and {0}: start as a normal user, or set DATABASE_URL."
    )]
    NoAccount(&'static str),
    #[error(
        "{folder} can't be entered by the account {account}, which runs the private Postgres: open it with chmod o+x on each folder above, or choose another in PLUMBLINE_DATA."
    )]
    Unreachable { folder: PathBuf, account: String },
    #[error("{path} can't be used ({source}): correct its rights, or choose another folder in PLUMBLINE_DATA.")]
    Io { path: PathBuf, source: io::Error },
    #[error("The private Postgres couldn't be made: {0}.")]
    Initdb(String),
    #[error("The private Postgres doesn't start: {reason}. All it said is in {log}.")]
    NotStarted { reason: String, log: PathBuf },
    #[error("The private Postgres doesn't answer: {0}.")]
    Sql(#[from] sqlx::Error),
}

impl EmbeddedError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| Self::Io { path: path.into(), source }
    }
}

/// Ours, or that of a server that runs already.
pub enum Opened {
    Started(PrivatePostgres),
    Joined(PgConnectOptions),
}

/// A running private Postgres. Stops when dropped.
pub struct PrivatePostgres {
    pub options: PgConnectOptions,
    // Fields drop in order: Postgres stops before the lock is free for another.
    _supervisor: Supervisor,
    _lock: Lock,
}

impl PrivatePostgres {
    /// Stops it and waits; its last writes are on disk then.
    pub async fn stop(self) {
        // Dropping waits for the process, so it belongs on a thread that may block.
        let _ = tokio::task::spawn_blocking(move || drop(self)).await;
    }
}

/// Starts the private Postgres of `data`, or joins the one of a running server when `access` allows that.
///
/// # Errors
/// One sentence that says what to do.
pub async fn open(data: &Path, bin_dir: Option<&Path>, access: Access) -> Result<Opened, EmbeddedError> {
    let home = Home::of(data)?;
    let lock = match Lock::take(&home)? {
        Ok(lock) => lock,
        Err(holder) if access == Access::Shared => return join(&home).await.map(Opened::Joined).map_err(|_| holder.into_error(data)),
        Err(holder) => return Err(holder.into_error(data)),
    };
    let binaries = Binaries::find(bin_dir, home.cluster_version().as_deref(), &home.cluster())?;
    if home.cluster_version().is_none() {
        make_cluster(&home, &binaries)?;
    }
    let options = options(&home.socket_folder()?);
    predecessor::wait_until_gone(&home.cluster(), RETRY).await;
    let log = home.open_log()?;
    let supervisor = Supervisor::start(home.command(&binaries.postgres), child::arguments(&home)?, log);
    // On an error the supervisor is dropped, and with it the process.
    let mut connection = until_ready(&supervisor, &options, &home).await?;
    make_database(&mut connection).await?;
    connection.close().await?;
    Ok(Opened::Started(PrivatePostgres { options: options.database(NAME), _supervisor: supervisor, _lock: lock }))
}

/// A server holds the lock; it may still be starting.
async fn join(home: &Home) -> Result<PgConnectOptions, EmbeddedError> {
    let options = options(&home.socket_folder()?).database(NAME);
    let began = Instant::now();
    loop {
        match options.connect().await {
            Ok(connection) => {
                connection.close().await?;
                return Ok(options);
            }
            Err(error) if began.elapsed() > RETRY => return Err(error.into()),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
    }
}

fn options(socket_folder: &Path) -> PgConnectOptions {
    // Everything that libpq's PG… variables could change is said.
    PgConnectOptions::new_without_pgpass().socket(socket_folder).port(PORT).username(NAME).database("postgres").ssl_mode(PgSslMode::Disable)
}

/// Makes the cluster aside and renames it: a killed initdb leaves no half of one.
///
/// initdb flushes what it wrote (no `--no-sync`): that costs a tenth of a second once, and a power cut right after the first
/// start must not lose the folder.
fn make_cluster(home: &Home, binaries: &Binaries) -> Result<(), EmbeddedError> {
    let aside = home.make_private_folder("postgres.new")?;
    tracing::info!(folder = %home.cluster().display(), version = binaries.major, "making the private Postgres");
    let output = home
        .command(&binaries.initdb)
        .arg("-D")
        .arg(&aside)
        // Texts compared byte by byte have the order of C.UTF-8, without asking the locale for each pair.
        .args(["-U", NAME, "-E", "UTF8", LOCALE, "--lc-collate=C", "--auth-local=trust", "--auth-host=reject"])
        .output()
        .map_err(EmbeddedError::io(&binaries.initdb))?;
    if !output.status.success() {
        return Err(EmbeddedError::Initdb(last_lines(&String::from_utf8_lossy(&output.stderr))));
    }
    std::fs::rename(&aside, home.cluster()).map_err(EmbeddedError::io(&home.cluster()))
}

/// macOS has no C.UTF-8.
const LOCALE: &str = if cfg!(target_os = "macos") { "--locale=C" } else { "--locale=C.UTF-8" };

/// Waits until Postgres takes connections.
async fn until_ready(supervisor: &Supervisor, options: &PgConnectOptions, home: &Home) -> Result<PgConnection, EmbeddedError> {
    let began = Instant::now();
    loop {
        let refused = match options.connect().await {
            Ok(connection) => return Ok(connection),
            Err(error) => error,
        };
        let failed = supervisor.last_failure();
        let patience = if failed.is_some() { RETRY } else { RECOVERY };
        if began.elapsed() > patience {
            let said = std::fs::read_to_string(home.log()).map(|text| last_lines(&text)).unwrap_or_default();
            let reason = failed.map_or_else(|| refused.to_string(), |failure| format!("{failure}; {said}"));
            return Err(EmbeddedError::NotStarted { reason, log: home.log() });
        }
        tokio::time::sleep(Duration::from_millis(15)).await;
    }
}

async fn make_database(connection: &mut PgConnection) -> Result<(), EmbeddedError> {
    let exists = sqlx::query_scalar!(r#"select exists(select from pg_database where datname = $1) as "exists!""#, NAME)
        .fetch_one(&mut *connection)
        .await?;
    if !exists {
        sqlx::raw_sql(AssertSqlSafe(format!("create database {NAME}"))).execute(connection).await?;
    }
    Ok(())
}

/// What a log ends with, on one line: the reason is there.
fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines[lines.len().saturating_sub(3)..].join(" ").trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_the_end_of_the_log_on_one_line() {
        assert_eq!(last_lines("one\ntwo\n\n three \nfour.\n"), "two three four");
        assert_eq!(last_lines(""), "");
    }
}
