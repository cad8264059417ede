//! What the tests of the whole program share: a database of their own and the real binary.

use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool, postgres::PgPoolOptions};
use std::{
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Any 32 bytes: the tests' databases live for seconds.
pub const SECRET_KEY: &str = "0101010101010101010101010101010101010101010101010101010101010101";

/// A database of its own on the tests' server, dropped at the end where the test passes.
pub struct Scratch {
    pub url: String,
    pub pool: PgPool,
    pub name: String,
}

impl Scratch {
    /// Creates it, empty: the binary migrates it at its start.
    pub async fn create(name: &str) -> Self {
        Self::make(name, "").await
    }

    /// A copy of another, which nobody may be connected to.
    pub async fn copy(name: &str, of: &str) -> Self {
        Self::make(name, &format!(" template {of}")).await
    }

    async fn make(name: &str, template: &str) -> Self {
        let mut connection = PgConnection::connect(&server()).await.unwrap();
        let name = format!("whole_{name}_{}", std::process::id());
        for sql in [format!("drop database if exists {name} with (force)"), format!("create database {name}{template}")] {
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        }
        let mut url = url::Url::parse(&server()).unwrap();
        url.set_path(&name);
        let pool = PgPoolOptions::new().max_connections(2).connect(url.as_str()).await.unwrap();
        Self { pool, url: url.into(), name }
    }

    /// Where the test passed; what failed stays to be looked at.
    pub async fn drop(self) {
        self.pool.close().await;
        let mut connection = PgConnection::connect(&server()).await.unwrap();
        let sql = format!("drop database {} with (force)", self.name);
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    }

    /// All rows of a table or a subquery as text, sorted: for comparing two databases row for row.
    pub async fn rows(&self, table: &str) -> Vec<String> {
        rows(&self.pool, table).await
    }

    /// What a query counts; none where its table isn't there yet, as before the binary's migrations.
    pub async fn count(&self, sql: &'static str) -> i64 {
        match sqlx::query_scalar(sql).fetch_one(&self.pool).await {
            Ok(count) => count,
            Err(error) if is_missing_table(&error) => 0,
            Err(error) => panic!("{sql}: {error}"),
        }
    }

    /// The binary on this database, with nothing of the surroundings' environment but the path.
    pub fn plumbline(&self, arguments: &[&str]) -> Command {
        let mut command = plumbline(arguments);
        command.env("DATABASE_URL", &self.url).env("PLUMBLINE_SECRET_KEY", SECRET_KEY);
        command
    }
}

fn server() -> String {
    std::env::var("DATABASE_URL").expect("DATABASE_URL names the tests' Postgres: use `make test`")
}

fn is_missing_table(error: &sqlx::Error) -> bool {
    error.as_database_error().is_some_and(|error| error.code().as_deref() == Some("42P01"))
}

/// As [`Scratch::rows`], of any database; a table that isn't there yet has none.
pub async fn rows(pool: &PgPool, table: &str) -> Vec<String> {
    let sql = format!("select t::text from {table} t order by 1");
    match sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(pool).await {
        Ok(rows) => rows,
        Err(error) if is_missing_table(&error) => Vec::new(),
        Err(error) => panic!("{table}: {error}"),
    }
}

/// The binary, with nothing of the surroundings' environment but the path. Where no page is asked for, any folder is a site.
pub fn plumbline(arguments: &[&str]) -> Command {
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/site");
    let site = if Path::new(built).exists() { built } else { env!("CARGO_TARGET_TMPDIR") };
    let mut command = Command::new(env!("CARGO_BIN_EXE_plumbline"));
    command
        .args(arguments)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("PLUMBLINE_SITE", site)
        .env("PLUMBLINE_LISTEN", "127.0.0.1:0")
        .current_dir(env!("CARGO_TARGET_TMPDIR"))
        .stdin(Stdio::null());
    command
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A process that ends with the test.
pub struct Process {
    child: Child,
    /// The file with all that it said.
    pub log: String,
}

impl Process {
    /// Its output goes to a file in `target/test-logs`, named for the test, so that a failure can be read.
    pub fn start(mut command: Command, name: &str) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/test-logs");
        std::fs::create_dir_all(folder).unwrap();
        let log = format!("{folder}/{name}.log");
        let file = std::fs::File::create(&log).unwrap();
        Self { child: command.stdout(file.try_clone().unwrap()).stderr(file).spawn().unwrap(), log }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks again until the answer is yes.
    ///
    /// # Panics
    /// After `at_most` or when the process has ended, naming what was waited for and what it said.
    pub async fn until<F: AsyncFnMut() -> bool>(&mut self, what: &str, at_most: Duration, mut holds: F) {
        let started = Instant::now();
        while !holds().await {
            let ended = self.child.try_wait().unwrap();
            let said = || std::fs::read_to_string(&self.log).unwrap_or_default();
            assert!(ended.is_none(), "it ended by itself ({ended:?}) before: {what}\n{}", said());
            assert!(started.elapsed() < at_most, "waited {at_most:?} for: {what}\n{}", said());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Asks again until the answer is yes.
///
/// # Panics
/// After `at_most`, naming what was waited for.
pub async fn until<F: AsyncFnMut() -> bool>(what: &str, at_most: Duration, mut holds: F) {
    let started = Instant::now();
    while !holds().await {
        assert!(started.elapsed() < at_most, "waited {at_most:?} for: {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
