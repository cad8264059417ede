//! Every way in which the simulator misbehaves ends in a completed run, or in a clear failed one with the last good numbers
//! still published.

use crate::support::{Process, Scratch, free_port, until};
use std::{process::Command, time::Duration};

/// Each kind once as it recovers and once as it never does.
const KINDS: [&str; 11] = [
    "rate_limit",
    "rate_limit_bare",
    "server_error",
    "slow_drip",
    "cut",
    "truncated_json",
    "html_200",
    "duplicate_pages",
    "loop_pages",
    "foreign_host",
    "late_correction",
];

const YESTERDAY: &str = "2026-11-19T23:00:00Z";
const TODAY: &str = "2026-11-20T23:00:00Z";

async fn simulator(database: &Scratch, port: u16, now: &str, faults: Option<&str>) -> Process {
    let mut command: Command = database.plumbline(&["simulate", "--port", &port.to_string(), "--now", now, "--years", "1"]);
    if let Some(faults) = faults {
        command.args(["--faults", faults]);
    }
    let process = Process::start(command, "faults-simulator");
    until("the simulator to listen", Duration::from_secs(10), async || tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_ok())
        .await;
    process
}

/// `plumbline …` with the vendors' keys in its environment, as the program is used for real.
fn with_keys(database: &Scratch, arguments: &[&str], port: u16) -> Command {
    let url = format!("http://127.0.0.1:{port}");
    let mut command = database.plumbline(arguments);
    for vendor in ["POLYGON_BASE_URL", "ALPACA_BASE_URL", "ALPACA_DATA_URL", "FRED_BASE_URL"] {
        command.env(vendor, &url);
    }
    command
        .env("POLYGON_API_KEY", "test-polygon")
        .env("POLYGON_CALLS_PER_MINUTE", "10000")
        .env("ALPACA_API_KEY", "test-alpaca")
        .env("ALPACA_SECRET_KEY", "test-alpaca-secret")
        .env("FRED_API_KEY", "test-fred")
        .env("PLUMBLINE_VENDOR_TIMEOUT_SECONDS", "2");
    command
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_ends_well_or_says_why() {
    for kind in KINDS {
        for faults in [kind.to_owned(), format!("{kind}:always")] {
            let database = Scratch::create(&faults.replace(':', "_")).await;
            let port = free_port();
            let healthy = simulator(&database, port, YESTERDAY, None).await;
            let output = with_keys(&database, &["user", "add", "ann", "--role", "administrator", "--password-stdin"], port)
                .stdin(std::process::Stdio::piped())
                .output();
            assert!(output.is_ok());
            let first = with_keys(&database, &["run", "daily", "--session", "2026-11-19", "--now", YESTERDAY], port).output().unwrap();
            assert!(first.status.success(), "{faults}: {}", String::from_utf8_lossy(&first.stderr));
            let good = database.rows("marts.portfolio_daily").await;
            assert!(!good.is_empty());
            drop(healthy);

            let _faulty = simulator(&database, port, TODAY, Some(&faults)).await;
            let second = with_keys(&database, &["run", "daily", "--session", "2026-11-20", "--now", TODAY], port).output().unwrap();
            let published = database.rows("marts.portfolio_daily").await;
            let text = String::from_utf8_lossy(&second.stderr);
            if second.status.success() {
                assert!(published.len() > good.len(), "{faults}: nothing was published: {text}");
            } else {
                assert_eq!(published, good, "{faults}: the last good numbers stay");
                assert!(!text.trim().is_empty(), "{faults}: the failure says nothing");
                assert_eq!(
                    database.count("select count(*) from ops.run where state = 'failed' and length(error) > 10").await,
                    1,
                    "{faults}: {text}"
                );
            }
            assert!(!text.contains("panicked"), "{faults}: {text}");
            assert!(!text.contains("test-polygon") && !text.contains("test-alpaca-secret"), "{faults}: a key was printed");
        }
    }
}
