//! What the tests of the whole program share: a fresh database, the real binary, a free port, a plain HTTP client.

use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use std::{
    net::TcpListener,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// Any 32 bytes: the tests' databases live for seconds.
const SECRET_KEY: &str = "0101010101010101010101010101010101010101010101010101010101010101";

/// A database of its own on the tests' server, dropped at the end where the test passes.
pub struct Scratch {
    pub url: String,
    pub pool: PgPool,
}

impl Scratch {
    /// Creates it, empty: the binary migrates it at its start.
    pub async fn create(name: &str) -> Self {
        let server = std::env::var("DATABASE_URL").expect("DATABASE_URL names the tests' Postgres: use `make test`");
        let mut connection = PgConnection::connect(&server).await.unwrap();
        let name = format!("whole_{name}_{}", std::process::id());
        for sql in [format!("drop database if exists {name} with (force)"), format!("create database {name}")] {
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
        }
        let mut url = url::Url::parse(&server).unwrap();
        url.set_path(&name);
        Self { pool: PgPool::connect(url.as_str()).await.unwrap(), url: url.into() }
    }

    /// All rows of a table as text, sorted: for comparing two databases row for row.
    pub async fn rows(&self, table: &str) -> Vec<String> {
        let sql = format!("select t::text from {table} t order by 1");
        sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&self.pool).await.unwrap_or_default()
    }

    pub async fn count(&self, sql: &'static str) -> i64 {
        sqlx::query_scalar(sql).fetch_one(&self.pool).await.unwrap_or_default()
    }

    /// The binary on this database, with nothing of the surroundings' environment but the path.
    pub fn plumbline(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_plumbline"));
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("DATABASE_URL", &self.url)
            .env("PLUMBLINE_SECRET_KEY", SECRET_KEY)
            .env("PLUMBLINE_SITE", concat!(env!("CARGO_MANIFEST_DIR"), "/../target/site"))
            .current_dir(std::env::temp_dir())
            .stdin(Stdio::null());
        command
    }
}

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A process that ends with the test.
pub struct Process(Child);

impl Process {
    /// Its output goes to a file in `target/`, named for the test, so that a failure can be read.
    pub fn start(mut command: Command, name: &str) -> Self {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/test-logs");
        std::fs::create_dir_all(folder).unwrap();
        let log = std::fs::OpenOptions::new().create(true).append(true).open(format!("{folder}/{name}.log")).unwrap();
        Self(command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap())
    }

    /// SIGKILL.
    pub fn kill(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }

    pub fn has_ended(&mut self) -> bool {
        matches!(self.0.try_wait(), Ok(Some(_)))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Asks again until the answer is there.
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
