//! What a client meets on the wire: keys, pages, errors, faults. The official clients check the rest (`make conformance`).

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;

use super::{Faults, Options, Running, Source, start};
use crate::clock::Clock;

const NOW: &str = "2026-11-20T22:00:00Z";

async fn serving(faults: &str) -> Running {
    let options = Options { clock: Clock::Fixed(NOW.parse().unwrap()), faults: Faults::parse(faults).unwrap(), ..Options::default() };
    start(options).await.unwrap()
}

/// Status, `Retry-After` and body; an error where the connection broke.
async fn ask(running: &Running, path: &str, key: &str) -> Result<(u16, Option<String>, String), reqwest::Error> {
    let url = running.url().join(path).unwrap();
    // A second test finds the provider installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.get(url).header("APCA-API-KEY-ID", key).header("APCA-API-SECRET-KEY", "demo-secret").bearer_auth(key);
    let response = request.timeout(std::time::Duration::from_millis(1_500)).send().await?;
    let retry_after = response.headers().get("retry-after").map(|value| value.to_str().unwrap().to_owned());
    Ok((response.status().as_u16(), retry_after, response.text().await?))
}

async fn json(running: &Running, path: &str) -> Value {
    let (status, _, body) = ask(running, path, "demo-1").await.unwrap();
    assert_eq!(status, 200, "{path}: {body}");
    serde_json::from_str(&body).unwrap()
}

const BARS: &str = "/v2/aggs/ticker/COST/range/1/day/2026-01-01/2026-11-20";

#[tokio::test]
async fn each_vendor_refuses_in_its_own_words() {
    let running = serving("").await;
    let status = async |path, key| ask(&running, path, key).await.unwrap();
    assert_eq!(status(BARS, "real-key").await.0, 401);
    assert!(status(BARS, "real-key").await.2.contains("Unknown API Key"));
    assert_eq!(status("/v2/account", "real-key").await.0, 403);
    assert!(status("/v2/account", "real-key").await.2.contains("forbidden."));
    assert_eq!(status("/fred/series/observations?series_id=DGS3MO&api_key=x", "").await.0, 400);
    assert_eq!(status("/fred/series/observations?series_id=DGS3MO&api_key=test-1", "").await.0, 200);
    assert_eq!(status("/v3/reference/tickers/NOSUCH", "test-1").await.0, 404);
    assert_eq!(status("/v2/aggs/grouped/locale/us/market/stocks/2026-11-23", "test-1").await.0, 403);
    assert_eq!(status("/v2/aggs/ticker/COST/range/1/day/2026-02-01/2026-01-01", "test-1").await.0, 400);
    assert_eq!(status("/v3/reference/splits?cursor=@@@", "test-1").await.0, 400);
    assert_eq!(status("/v3/reference/splits?limit=1001", "test-1").await.0, 400);
    assert_eq!(status("/v2/positions/NOSUCH", "test-1").await.0, 404);
    assert_eq!(status("/v2/stocks/bars?symbols=COST&timeframe=1Day&adjustment=none", "test-1").await.0, 400);
    assert_eq!(status("/v2/account/activities?page_size=101", "test-1").await.0, 422);
}

#[tokio::test]
async fn results_are_absent_when_there_are_none() {
    let running = serving("").await;
    let empty = json(&running, "/v2/aggs/ticker/NOSUCH/range/1/day/2026-01-01/2026-11-20").await;
    assert_eq!((empty.get("results"), &empty["status"]), (None, &Value::from("OK")));
    let holiday = json(&running, "/v2/aggs/grouped/locale/us/market/stocks/2026-07-03").await;
    assert_eq!(holiday.get("results"), None);
}

#[tokio::test]
async fn pages_end_and_say_each_row_once() {
    let running = serving("").await;
    for first in [&format!("{BARS}?limit=50&adjusted=false"), "/v3/reference/dividends?ticker=AAPL", "/stocks/v1/dividends?limit=7"] {
        let (mut url, mut rows, mut pages) = (Some(first.to_owned()), Vec::new(), 0);
        while let Some(next) = url {
            let page = json(&running, &next).await;
            rows.extend(page["results"].as_array().unwrap().iter().map(Value::to_string));
            url = page.get("next_url").map(|next| next.as_str().unwrap().to_owned());
            assert!(url.iter().all(|next| next.starts_with(running.url().as_str()) && !next.contains("demo-1")));
            pages += 1;
        }
        assert!(pages > 2, "{first}");
        assert_eq!(rows.iter().collect::<BTreeSet<_>>().len(), rows.len(), "{first}");
    }
}

#[tokio::test]
async fn the_same_request_has_the_same_answer_byte_for_byte() {
    let (one, other) = (serving("").await, serving("").await);
    for path in [BARS, "/v2/positions", "/v2/account", "/v2/account/activities", "/v3/reference/tickers/COST"] {
        let (a, b) = (ask(&one, path, "demo-1").await.unwrap().2, ask(&other, path, "demo-1").await.unwrap().2);
        assert_eq!(a, b, "{path}");
    }
}

#[tokio::test]
async fn stamps_are_the_vendors() {
    let running = serving("").await;
    let bars = json(&running, "/v2/aggs/ticker/COST/range/1/day/2026-03-06/2026-03-09?adjusted=false").await;
    // Friday in winter time, Monday in summer time: 00:00 in New York.
    assert_eq!((&bars["results"][0]["t"], &bars["results"][1]["t"]), (&1_772_773_200_000_i64.into(), &1_773_028_800_000_i64.into()));
    let grouped = json(&running, "/v2/aggs/grouped/locale/us/market/stocks/2026-03-09").await;
    assert_eq!(grouped["results"][0]["t"], 1_773_028_800_000_i64 + 16 * 3_600_000);
}

#[tokio::test]
async fn faults_spoil_the_first_answers_and_a_retry_gets_through() {
    let clean = ask(&serving("").await, BARS, "demo-1").await.unwrap().2;
    for (faults, status, retry_after) in
        [("rate_limit:1", 429, Some("1")), ("rate_limit_bare:1", 429, None), ("server_error:1", 500, None), ("html_200:1", 200, None)]
    {
        let running = serving(faults).await;
        let spoilt = ask(&running, BARS, "demo-1").await.unwrap();
        assert_eq!((spoilt.0, spoilt.1.as_deref()), (status, retry_after), "{faults}");
        assert_eq!(faults.starts_with("html"), spoilt.2.contains("<html>"));
        assert_eq!(ask(&running, BARS, "demo-1").await.unwrap().2, clean, "{faults}");
    }
    let running = serving("truncated_json:1").await;
    let (_, _, body) = ask(&running, BARS, "demo-1").await.unwrap();
    assert!(clean.starts_with(&body) && body.len() == clean.len() / 2);
    for faults in ["cut:1", "slow_drip@60:1"] {
        let running = serving(faults).await;
        assert!(ask(&running, BARS, "demo-1").await.is_err(), "{faults}");
        assert_eq!(ask(&running, BARS, "demo-1").await.unwrap().2, clean, "{faults}");
    }
    let running = serving("slow_drip@0.5:1").await;
    assert_eq!(ask(&running, BARS, "demo-1").await.unwrap().2, clean, "slow is not wrong");
    let running = serving("cut:always").await;
    for _ in 0..4 {
        assert!(ask(&running, BARS, "demo-1").await.is_err());
    }
}

#[tokio::test]
async fn faults_of_pages_are_seen_by_who_looks() {
    let paged = format!("{BARS}?limit=50");
    let running = serving("loop_pages:1").await;
    let page = json(&running, &paged).await;
    let again = json(&running, page["next_url"].as_str().unwrap()).await;
    assert_eq!(page["results"], again["results"]);
    let page = json(&serving("foreign_host:1").await, &paged).await;
    assert!(page["next_url"].as_str().unwrap().starts_with("https://pages.invalid/"));
    let page = json(&serving("duplicate_pages:1").await, &paged).await;
    let rows = page["results"].as_array().unwrap();
    assert_eq!((rows.len(), &rows[49]), (51, &rows[50]));
    let activities = json(&serving("duplicate_pages:1").await, "/v2/account/activities?page_size=10").await;
    assert_eq!((activities.as_array().unwrap().len(), &activities[0]), (11, &activities[1]));
}

#[tokio::test]
async fn a_late_correction_changes_the_last_close_only() {
    let running = serving("late_correction:1").await;
    let (early, late) = (json(&running, BARS).await, json(&running, BARS).await);
    let (early, late) = (early["results"].as_array().unwrap(), late["results"].as_array().unwrap());
    let last = late.len() - 1;
    assert_eq!(early[..last], late[..last]);
    assert_ne!(early[last]["c"], late[last]["c"]);
}

#[tokio::test]
async fn accounts_differ_by_key() {
    let source = Source::Seed { seed: 1, symbols: 25, years: 5, accounts: 2 };
    let running = start(Options { source, clock: Clock::Fixed(NOW.parse().unwrap()), ..Options::default() }).await.unwrap();
    let account = async |key| ask(&running, "/v2/account", key).await.unwrap().2;
    assert_ne!(account("demo-1").await, account("demo-2").await);
    assert_eq!(account("demo-1").await, account("test-anything").await);
    assert_eq!(account("demo-1").await, account("demo-3").await);
}

#[tokio::test]
async fn real_history_replays() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/us-2014");
    if !folder.exists() {
        eprintln!("skipped: {} is not here", folder.display());
        return;
    }
    let at = async |now: &str| {
        let clock = Clock::Fixed(now.parse().unwrap());
        start(Options { source: Source::Replay(folder.clone()), clock, ..Options::default() }).await.unwrap()
    };
    let running = at("2014-12-31T22:00:00Z").await;
    let apple = json(&running, "/v2/aggs/ticker/AAPL/range/1/day/2014-06-06/2014-06-09?adjusted=false").await;
    assert_eq!((apple["results"][0]["c"].as_f64(), apple["results"][1]["c"].as_f64()), (Some(645.57), Some(93.7)));
    let quantity = |positions: &Value, symbol: &str| {
        let row = positions.as_array().unwrap().iter().find(|row| row["symbol"] == symbol).cloned();
        row.map(|row| row["qty"].as_str().unwrap().parse::<u32>().unwrap())
    };
    let held = json(&running, "/v2/positions").await;
    let before = json(&at("2014-06-08T12:00:00Z").await, "/v2/positions").await;
    assert_eq!(quantity(&held, "AAPL"), quantity(&before, "AAPL").map(|shares| shares * 7));
    for symbol in ["MSFT", "BRK.A", "ZEN"] {
        assert!(quantity(&held, symbol).is_some(), "{symbol}");
    }
    let kinds: BTreeSet<String> = json(&running, "/v2/account/activities")
        .await
        .as_array()
        .unwrap()
        .iter()
        .map(|row| format!("{} {}", row["activity_type"].as_str().unwrap(), row["side"].as_str().unwrap_or_default()))
        .collect();
    assert_eq!(kinds.iter().map(|kind| kind.trim()).collect::<Vec<_>>(), ["CSD", "CSW", "DIV", "FEE", "FILL buy", "FILL sell"]);
    let yields = json(&running, "/series/observations?series_id=DGS3MO&api_key=demo-1&file_type=json&observation_start=2014-01-02").await;
    assert_eq!(yields["observations"][0]["value"], "0.07");
}
