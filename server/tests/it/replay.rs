//! The real year 2014, where `../shared/data` exists: a 7:1 split, dividends, a late listing, a withdrawal.

use crate::support::{Process, Scratch, free_port, until};
use std::{path::Path, time::Duration};

const HISTORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../shared/data/us-2014");

#[tokio::test(flavor = "multi_thread")]
async fn a_real_year_passes_through_a_split_without_a_jump() {
    if !Path::new(HISTORY).exists() {
        println!("skipped: ../shared/data isn't here");
        return;
    }
    let database = Scratch::create("replay").await;
    let mut command = database.plumbline(&["serve", "--replay", HISTORY, "--now", "2014-12-31T22:00:00Z"]);
    command.env("PLUMBLINE_LISTEN", format!("127.0.0.1:{}", free_port()));
    let _server = Process::start(command, "replay");
    until("the publication of 2014", Duration::from_secs(120), async || database.count("select count(*) from ops.publication").await > 0)
        .await;

    let days = sqlx::query_as::<_, (chrono::NaiveDate, f64, Option<f64>, Option<f64>)>(
        "select session_date, value::float8, daily_return, benchmark_total_return from marts.portfolio_daily where value is not null order by session_date",
    )
    .fetch_all(&database.pool)
    .await
    .unwrap();
    assert_eq!(days.last().map(|day| day.0.to_string()).as_deref(), Some("2014-12-31"));
    assert!(days.len() > 200, "{} sessions", days.len());
    let split = days.iter().find(|day| day.0.to_string() == "2014-06-09").expect("the session of the split");
    assert!(split.2.is_some_and(|r| r.abs() < 0.03), "AAPL's 7:1 split moved the value: {:?}", split.2);
    // AAPL closed at 645.57 before it and at 93.70 after it: without the split the return would be near −85 % of its weight.
    assert!(days.iter().filter_map(|day| day.2).all(|r| r.abs() < 0.06), "a daily return is out of any market of 2014");
    assert!(days.iter().skip(1).all(|day| day.3.is_some()), "SPY's total return is beside each session");

    let product = |returns: Vec<f64>| returns.iter().map(|r| 1.0 + r).product::<f64>() - 1.0;
    let spy = product(days.iter().skip(1).filter_map(|day| day.3).collect());
    assert!((0.05..0.20).contains(&spy), "SPY's total return since the first session of 2014 was {spy}");
    assert!(product(days.iter().filter_map(|day| day.2).collect()).is_finite());

    let held = database.rows("(select symbol from marts.holdings)").await;
    for symbol in ["AAPL", "MSFT", "BRK.A", "ZEN"] {
        assert!(held.contains(&format!("({symbol})")), "{symbol} is held at the end: {held:?}");
    }
    assert!(database.count("select count(*) from staging.transactions where type = 'dividend' and symbol in ('AAPL', 'MSFT')").await >= 4);
    assert_eq!(database.count("select count(*) from ledger.finding").await, 0, "{:?}", database.rows("ledger.finding").await);
}
