//! `kill -9` during the first backfill, at random moments, changes nothing; nor does a private Postgres that dies with the
//! server or under it.

use crate::support::{Process, Scratch, plumbline, rows};
use server::db::{
    Access,
    embedded::{self, Opened},
};
use sqlx::PgPool;
use std::{os::unix::fs::PermissionsExt, path::Path, time::Duration};

/// Enough of a market that the work lasts longer than the start.
const SERVE: [&str; 9] = ["serve", "--now", "2026-11-20T23:00:00Z", "--symbols", "60", "--years", "5", "--accounts", "2"];
const SMALL: [&str; 5] = ["serve", "--now", "2026-11-20T23:00:00Z", "--symbols", "20"];
const KILLS: u32 = 10;
const PATIENCE: Duration = Duration::from_secs(180);

/// Everything that a person sees, that numbers are made of, or that vendors said. Which response brought a row is left out:
/// a killed fetch asks once more.
const COMPARED: [&str; 17] = [
    "marts.portfolio_daily",
    "marts.holdings",
    "marts.allocation",
    "ledger.portfolio_day",
    "ledger.position",
    "ledger.lot",
    "ledger.realized",
    "(select * from ops.published_holding_quarter where replaced_by = 9223372036854775807)",
    "(select * from ops.published_holding_move where replaced_by = 9223372036854775807)",
    "(select portfolio_id, session_date, value, inflow, outflow, daily_return from ops.published_portfolio_day)",
    "(select symbol, session_date, open, high, low, close, volume, vwap, trade_count from raw.market_data)",
    "(select symbol, execution_date, split_from, split_to from raw.split)",
    "(select symbol, ex_dividend_date, pay_date, cash_amount from raw.dividend)",
    "(select symbol, name, primary_exchange, sic_code from raw.instrument)",
    "(select portfolio_id, account_id, activity_id, body from raw.broker_activity)",
    "(select series_id, observed_on, value from raw.economic_observation)",
    "(select state, dag, parameters from ops.run)",
];

/// Is the first publication out, and nothing under way?
pub async fn is_published(pool: &PgPool) -> bool {
    let found: Result<(bool,), _> = sqlx::query_as(
        "select exists (select from ops.publication) and not exists (select from ops.run where state in ('queued', 'running'))",
    )
    .fetch_one(pool)
    .await;
    // The tables come with the first migration, and a private Postgres may be on its way up.
    found.is_ok_and(|(found,)| found)
}

/// Does this very process perform a task?
async fn is_at_work(pool: &PgPool, process: u32) -> bool {
    let found: Result<(bool,), _> = sqlx::query_as(
        "select exists (select from ops.attempt join ops.task using (task_id)
                        where outcome is null and number = attempts and state = 'running' and worker like '%:' || $1)",
    )
    .bind(process.to_string())
    .fetch_one(pool)
    .await;
    found.is_ok_and(|(found,)| found)
}

/// # Panics
/// Where the tables of the two differ, naming the first row that does.
pub async fn assert_same(undisturbed: &PgPool, disturbed: &PgPool) {
    for table in COMPARED {
        let (expected, found) = (rows(undisturbed, table).await, rows(disturbed, table).await);
        assert!(!expected.is_empty() || table == "ledger.realized", "{table} is empty");
        assert_eq!(expected.len(), found.len(), "rows of {table}");
        assert!(expected == found, "{table} differs, first at {:?}", expected.iter().zip(&found).find(|(a, b)| a != b));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_kills_during_the_first_backfill_change_nothing() {
    let (undisturbed, killed) = (Scratch::create("undisturbed").await, Scratch::create("killed").await);
    let mut server = Process::start(undisturbed.plumbline(&SERVE), "undisturbed");
    server.until("the first publication", PATIENCE, async || is_published(&undisturbed.pool).await).await;
    drop(server);
    let seconds: (f64,) = sqlx::query_as("select extract(epoch from ended_at - started_at)::float8 from ops.run where run_id = 1")
        .fetch_one(&undisturbed.pool)
        .await
        .unwrap();
    let work = Duration::from_secs_f64(seconds.0);

    let mut died_at_work = 0;
    for kill in 0..KILLS {
        let mut server = Process::start(killed.plumbline(&SERVE), "killed");
        let process = server.id();
        if kill % 4 != 3 {
            let has_begun = async || is_at_work(&killed.pool, process).await || is_published(&killed.pool).await;
            server.until("it takes up the work", PATIENCE, has_begun).await;
        }
        // So that ten of them spread over the work, whatever this machine's speed; every fourth may hit the start.
        tokio::time::sleep(work.mul_f64(rand::random_range(0.0..2.0) / f64::from(KILLS))).await;
        server.kill();
        // What it had sent already is done by then; a task that is still open is lost.
        tokio::time::sleep(Duration::from_millis(200)).await;
        died_at_work += u32::from(is_at_work(&killed.pool, process).await);
    }
    assert!(died_at_work >= KILLS / 2, "only {died_at_work} kills hit a running task: the test proves little");

    let mut server = Process::start(killed.plumbline(&SERVE), "killed");
    server.until("the publication after all", PATIENCE, async || is_published(&killed.pool).await).await;
    drop(server);
    assert_same(&undisturbed.pool, &killed.pool).await;
    assert_eq!(killed.count("select count(*) from ops.publication").await, 1);
    assert!(killed.count("select count(*) from ops.attempt where outcome = 'lost'").await >= i64::from(died_at_work));
    undisturbed.drop().await;
    killed.drop().await;
}

/// Its first process, from the file that it keeps in its folder.
fn postgres_of(data: &Path) -> i32 {
    let file = std::fs::read_to_string(data.join("postgres/postmaster.pid")).unwrap();
    file.lines().next().unwrap().parse().unwrap()
}

/// The private Postgres of a server that has started. Before that it would be this test that starts it.
async fn joined(server: &mut Process, data: &Path) -> PgPool {
    let log = server.log.clone();
    server.until("its address", PATIENCE, async || std::fs::read_to_string(&log).unwrap().contains("Plumbline is at")).await;
    match embedded::open(data, None, Access::Shared).await.unwrap() {
        Opened::Joined(options) => PgPool::connect_with(options).await.unwrap(),
        Opened::Started(_) => panic!("the server has its own Postgres"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_private_postgres_may_die_with_the_server_or_under_it() {
    let undisturbed = Scratch::create("private_undisturbed").await;
    let mut server = Process::start(undisturbed.plumbline(&SMALL), "private-undisturbed");
    server.until("the first publication", PATIENCE, async || is_published(&undisturbed.pool).await).await;
    drop(server);

    let folder = tempfile::tempdir().unwrap();
    // As root, Postgres runs as an account of its own, which has to get there.
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let data = folder.path().join("data");
    let start = || {
        let mut command = plumbline(&SMALL);
        command.env("PLUMBLINE_DATA", &data);
        Process::start(command, "private")
    };
    for kill in 0..3 {
        let mut server = start();
        let pool = joined(&mut server, &data).await;
        let process = server.id();
        server.until("it takes up the work", PATIENCE, async || is_at_work(&pool, process).await || is_published(&pool).await).await;
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..600))).await;
        let postgres = postgres_of(&data);
        if kill == 0 {
            // Under it: the server stays, starts another, and goes on.
            signal(postgres);
            server.until("another Postgres", PATIENCE, async || sqlx::query("select 1").execute(&pool).await.is_ok()).await;
            server
                .until("it takes up the work again", PATIENCE, async || is_at_work(&pool, process).await || is_published(&pool).await)
                .await;
        } else if kill == 1 {
            signal(postgres);
        }
        server.kill();
        pool.close().await;
    }
    let mut server = start();
    let pool = joined(&mut server, &data).await;
    server.until("the publication after all", PATIENCE, async || is_published(&pool).await).await;
    assert_same(&undisturbed.pool, &pool).await;
    pool.close().await;
    drop(server);
    undisturbed.drop().await;
}

fn signal(process: i32) {
    nix::sys::signal::kill(nix::unistd::Pid::from_raw(process), nix::sys::signal::Signal::SIGKILL).unwrap();
}
