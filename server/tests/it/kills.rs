//! `kill -9` during the first backfill, ten times at random moments, changes nothing.

use crate::support::{Process, Scratch, free_port, until};
use std::time::Duration;

const NOW: &str = "2026-11-20T23:00:00Z";
const KILLS: u32 = 10;

/// Everything that a person sees or that numbers are made of. Keys that count fetches (response_id) are left out.
const COMPARED: [&str; 9] = [
    "marts.portfolio_daily",
    "marts.holdings",
    "marts.allocation",
    "ledger.portfolio_day",
    "ledger.position",
    "ledger.lot",
    "ledger.realized",
    "(select symbol, session_date, open, high, low, close, volume from raw.market_data)",
    "(select portfolio_id, account_id, activity_id, body from raw.broker_activity)",
];

fn serve(database: &Scratch, name: &str) -> Process {
    let listen = format!("127.0.0.1:{}", free_port());
    let mut command = database.plumbline(&["serve", "--now", NOW]);
    command.env("PLUMBLINE_LISTEN", listen);
    Process::start(command, name)
}

async fn published(database: &Scratch) {
    until("the first publication", Duration::from_secs(180), async || {
        database.count("select count(*) from ops.publication").await > 0
            && database.count("select count(*) from ops.run where state in ('queued', 'running')").await == 0
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_kills_during_the_first_backfill_change_nothing() {
    let (undisturbed, killed) = (Scratch::create("undisturbed").await, Scratch::create("killed").await);
    let started = std::time::Instant::now();
    let server = serve(&undisturbed, "undisturbed");
    published(&undisturbed).await;
    let whole = started.elapsed();
    drop(server);

    // Moments spread at random over what an undisturbed run takes, the start of the process included.
    let mut died_at_work = 0;
    for kill in 0..KILLS {
        let mut server = serve(&killed, "killed");
        tokio::time::sleep(whole.mul_f64(rand::random_range(0.2..0.6))).await;
        assert!(!server.has_ended(), "the server ended by itself before kill {kill}: see target/test-logs/killed.log");
        died_at_work += i32::from(killed.count("select count(*) from ops.task where state = 'running'").await > 0);
        server.kill();
    }
    let _server = serve(&killed, "killed");
    published(&killed).await;

    assert!(died_at_work > 0, "no kill hit a running task: the test proves nothing, make its moments earlier");
    for table in COMPARED {
        let (expected, found) = (undisturbed.rows(table).await, killed.rows(table).await);
        assert!(!expected.is_empty(), "{table} is empty");
        assert_eq!(expected.len(), found.len(), "rows of {table}");
        assert!(expected == found, "{table} differs, first at {:?}", expected.iter().zip(&found).find(|(a, b)| a != b));
    }
    assert_eq!(killed.count("select count(*) from ops.run where state = 'failed'").await, 0);
}
