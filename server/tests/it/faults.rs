//! Every way in which the simulator misbehaves ends in a completed run, or in a clear failed one with the last good numbers
//! still published.

use crate::support::{Scratch, plumbline};
use futures::{StreamExt, stream};
use server::{
    clock::Clock,
    simulator::{self, Faults, Options, Running, Source, faults::Kind},
};
use std::{
    io::Write,
    process::{Command, Output, Stdio},
};

const YESTERDAY: &str = "2026-11-19T23:00:00Z";
const TODAY: &str = "2026-11-20T23:00:00Z";
/// Most of a case is waiting.
const AT_A_TIME: usize = 6;
const KEYS: [&str; 4] = ["test-polygon", "test-alpaca", "test-alpaca-secret", "test-fred"];

async fn vendors(now: &str, faults: &str) -> Running {
    let source = Source::Seed { seed: 1, symbols: 8, years: 1, accounts: 1 };
    let clock = Clock::Fixed(now.parse().unwrap());
    simulator::start(Options { source, clock, faults: Faults::parse(faults).unwrap(), port: 0 }).await.unwrap()
}

/// `plumbline …` with keys in its environment, as it is used for real, with little patience.
async fn with_keys(database: &Scratch, vendors: &Running, arguments: &[&str]) -> Output {
    let mut command = database.plumbline(arguments);
    for vendor in ["POLYGON_BASE_URL", "ALPACA_BASE_URL", "ALPACA_DATA_URL"] {
        command.env(vendor, vendors.url().as_str());
    }
    command
        .env("FRED_BASE_URL", vendors.url().join("/fred").unwrap().as_str())
        .env("POLYGON_API_KEY", KEYS[0])
        .env("POLYGON_CALLS_PER_MINUTE", "10000")
        .env("ALPACA_API_KEY", KEYS[1])
        .env("ALPACA_SECRET_KEY", KEYS[2])
        .env("FRED_API_KEY", KEYS[3])
        .env("PLUMBLINE_VENDOR_TIMEOUT_SECONDS", "1");
    output(command).await
}

async fn output(mut command: Command) -> Output {
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

async fn daily(database: &Scratch, vendors: &Running, session: &str, now: &str, tries: &str) -> Output {
    with_keys(database, vendors, &["run", "daily", "--session", session, "--now", now, "--tries", tries]).await
}

fn text(output: &Output) -> String {
    String::from_utf8_lossy(&[output.stdout.as_slice(), output.stderr.as_slice()].concat()).into_owned()
}

/// An installation that published yesterday's session, with nobody connected: the template of all cases.
async fn published_yesterday() -> Scratch {
    let database = Scratch::create("good").await;
    let mut add = database.plumbline(&["user", "add", "ann", "--role", "administrator"]);
    let mut child = add.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"a long enough password\n").unwrap();
    assert!(child.wait().unwrap().success());
    let run = daily(&database, &vendors(YESTERDAY, "").await, "2026-11-19", YESTERDAY, "1").await;
    assert!(run.status.success(), "{}", text(&run));
    database.pool.close().await;
    database
}

const NUMBERS: [&str; 3] = ["marts.portfolio_daily", "marts.holdings", "marts.allocation"];

async fn numbers(database: &Scratch) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    for table in NUMBERS {
        all.push(database.rows(table).await);
    }
    all
}

/// What the simulator is told, and what has to come of it.
async fn check(good: &str, kind: &'static str, often: &'static str, today: &[Vec<String>]) {
    let faults = format!("{kind}:{often}");
    let database = Scratch::copy(&format!("faults_{kind}_{often}"), good).await;
    let before = numbers(&database).await;
    let vendors = vendors(TODAY, &faults).await;
    let run = daily(&database, &vendors, "2026-11-20", TODAY, if often == "always" { "1" } else { "5" }).await;
    let (said, after) = (text(&run), numbers(&database).await);
    if run.status.success() {
        if !faults.starts_with("late_correction") {
            assert!(after == today, "{faults}: it published other numbers than an honest vendor's\n{said}");
        }
        assert_eq!(database.count("select count(*) from ops.run where state = 'success' and error is null").await, 2, "{faults}");
    } else {
        assert!(after == before, "{faults}: the last good numbers stay\n{said}");
        let stderr = String::from_utf8_lossy(&run.stderr);
        let sentence = stderr.lines().last().unwrap_or_default();
        assert!(sentence.starts_with("run 2 failed: Fetching ") && sentence.len() > 40, "{faults}: {sentence:?} says what failed");
        let stored = database.rows("(select error from ops.run where state = 'failed')").await;
        assert_eq!(stored.len(), 1, "{faults}: {stored:?}");
        assert_eq!(run.status.code(), Some(1), "{faults}");
    }
    let is_mended = matches!(kind, "duplicate_pages" | "late_correction") || (often != "always" && kind != "foreign_host");
    assert_eq!(run.status.success(), is_mended, "{faults}\n{said}");
    assert!(!said.contains("panicked"), "{faults}: {said}");
    let kept = database.rows("(select request, headers from raw.vendor_response)").await.concat()
        + &database.rows("(select error_chain from ops.attempt)").await.concat()
        + &database.rows("(select last_error from book.connection)").await.concat();
    for key in KEYS {
        assert!(!said.contains(key) && !kept.contains(key), "{faults}: a key was printed or kept");
    }
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_ends_well_or_says_why() {
    let good = published_yesterday().await;
    let honest = Scratch::copy("honest", &good.name).await;
    let market = vendors(TODAY, "").await;
    let run = daily(&honest, &market, "2026-11-20", TODAY, "1").await;
    assert!(run.status.success(), "{}", text(&run));
    let today = numbers(&honest).await;
    assert!(today[0].len() > 200, "{} days", today[0].len());
    honest.drop().await;

    a_corrected_close_replaces_the_wrong_one(&good.name, &market, &today).await;
    let cases = Kind::ALL.iter().flat_map(|(kind, _)| [(*kind, "2"), (*kind, "always")]);
    stream::iter(cases).for_each_concurrent(AT_A_TIME, |(kind, often)| check(&good.name, kind, often, &today)).await;
    good.drop().await;
}

/// A close that the vendor corrects later is published corrected by the next run, as a new version beside the wrong one.
async fn a_corrected_close_replaces_the_wrong_one(good: &str, honest: &Running, today: &[Vec<String>]) {
    let database = Scratch::copy("corrected", good).await;
    let hasty = vendors(TODAY, "late_correction:always").await;
    let run = daily(&database, &hasty, "2026-11-20", TODAY, "1").await;
    assert!(run.status.success(), "{}", text(&run));
    assert!(numbers(&database).await[0] != today[0], "the close was told wrong");
    let versions = "select count(*) from raw.market_data where session_date = '2026-11-20' and symbol = 'SPY'";
    assert_eq!(database.count(versions).await, 1);

    let run = daily(&database, honest, "2026-11-20", TODAY, "1").await;
    assert!(run.status.success(), "{}", text(&run));
    assert!(numbers(&database).await == today, "the corrected closes are the published ones");
    assert_eq!(database.count(versions).await, 2, "a correction is a new row");
    assert!(
        database.count("select count(*) from ops.published_portfolio_day where session_date = '2026-11-20'").await == 2,
        "both were shown"
    );
    database.drop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unknown_faults_are_refused_with_the_choice() {
    let refused = output(plumbline(&["simulate", "--faults", "explode:always"])).await;
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused).contains("late_correction"), "{}", text(&refused));
}
