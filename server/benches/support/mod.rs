//! What the benches share: a durable Postgres of their own, and how a measure is printed.
#![allow(dead_code, reason = "each bench uses its part")]

use server::db::{
    Access, MIGRATOR,
    embedded::{self, Opened, PrivatePostgres},
};
use sqlx::{AssertSqlSafe, PgPool, postgres::PgPoolOptions};
use std::os::unix::fs::PermissionsExt;

pub const REPETITIONS: usize = 5;

/// A folder that the account of a root's private Postgres can enter too.
pub fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o711)).expect("its rights");
    folder
}

/// As durable as a server's own.
pub async fn postgres(folder: &tempfile::TempDir) -> PrivatePostgres {
    let Ok(Opened::Started(private)) = embedded::open(&folder.path().join("data"), None, Access::Sole).await else {
        panic!("the private Postgres didn't start; its reason stands above")
    };
    private
}

/// A new database with all tables, and its address for other processes.
pub async fn database(private: &PrivatePostgres, name: &str) -> (PgPool, String) {
    let server = PgPool::connect_with(private.options.clone()).await.expect("its Postgres");
    sqlx::raw_sql(AssertSqlSafe(format!("create database {name}"))).execute(&server).await.expect("a database");
    server.close().await;
    let pool = PgPoolOptions::new().max_connections(8).connect_with(private.options.clone().database(name)).await.expect("the database");
    MIGRATOR.run(&pool).await.expect("its tables");
    let folder = private.options.get_socket().map(|folder| folder.display().to_string()).unwrap_or_default();
    let url = format!(
        "postgres://{}@localhost:{}/{name}?host={folder}&sslmode=disable",
        private.options.get_username(),
        private.options.get_port()
    );
    (pool, url)
}

pub async fn sql(pool: &PgPool, text: &str) {
    sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(pool).await.unwrap_or_else(|error| panic!("{text}: {error}"));
}

pub async fn number<T: for<'a> sqlx::Decode<'a, sqlx::Postgres> + sqlx::Type<sqlx::Postgres> + Send + Unpin>(
    pool: &PgPool,
    sql: &str,
) -> T {
    sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(pool).await.expect("a number")
}

/// Median, lowest and highest of a measure beside its aim.
pub fn print(what: &str, unit: &str, mut values: Vec<f64>, aim: &str) {
    values.sort_by(f64::total_cmp);
    let [low, median, high] = [0, values.len() / 2, values.len().saturating_sub(1)].map(|at| values.get(at).copied().unwrap_or(f64::NAN));
    println!("  {what:<68} {median:>9.2} {unit:<4} ({low:.2} to {high:.2}; aim {aim})");
}

/// The averages of 1, 5 and 15 minutes: the measures mean little on a busy machine.
pub fn load() -> String {
    let text = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').take(3).collect::<Vec<_>>().join(" ")
}
