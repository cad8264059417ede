//! The pipeline from the command line alone: runs, clear, pause, resume, cancel, backfill, their JSON and their exit codes.

use crate::{
    faults::{add_administrator, give_keys, vendors_at},
    support::{Scratch, until},
};
use serde_json::Value;
use server::simulator::Running;
use std::{process::Output, time::Duration};

const NOW: &str = "2026-11-20T23:00:00Z";

async fn plumbline(database: &Scratch, vendors: &Running, arguments: &[&str]) -> Output {
    let mut command = database.plumbline(arguments);
    give_keys(&mut command, vendors);
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// The JSON that a command printed, and nothing else on stdout.
fn json(output: &Output) -> Value {
    let text = String::from_utf8_lossy(&output.stdout);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error} in {text:?} {}", String::from_utf8_lossy(&output.stderr)))
}

fn last_line(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or_default().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_run_is_started_read_mended_and_held_from_the_command_line() {
    let database = Scratch::create("commands").await;
    add_administrator(&database, "ann", "a long enough password");
    let broken = vendors_at(NOW, "foreign_host:always", 0).await.unwrap();
    let failed = plumbline(&database, &broken, &["run", "daily", "--now", NOW, "--tries", "1", "--json"]).await;
    assert_eq!(failed.status.code(), Some(1));
    let run = json(&failed);
    assert_eq!((run["state"].as_str(), run["run_id"].as_i64()), (Some("failed"), Some(1)));
    assert!(last_line(&failed).starts_with("run 1 failed: Fetching "), "{}", last_line(&failed));

    let honest = vendors_at(NOW, "", 0).await.unwrap();
    let ask = async |arguments: &[&str]| plumbline(&database, &honest, arguments).await;
    let listed = json(&ask(&["runs", "--state", "failed", "--json"]).await);
    assert_eq!(listed["runs"].as_array().map(Vec::len), Some(1));
    let shown = ask(&["runs", "1"]).await;
    assert!(String::from_utf8_lossy(&shown.stdout).contains("attempt 1: error"), "{shown:?}");

    let unknown = ask(&["clear", "1", "--task", "extract_dreams"]).await;
    assert!(unknown.status.code() == Some(1) && last_line(&unknown).contains("Its tasks: list_brokers"), "{}", last_line(&unknown));
    let cleared = ask(&["clear", "1", "--failed", "--now", NOW, "--json"]).await;
    assert!(cleared.status.success(), "{}", last_line(&cleared));
    let run = json(&cleared);
    assert_eq!(run["state"], "success");
    let attempts: Vec<usize> = run["tasks"].as_array().unwrap().iter().map(|task| task["attempts"].as_array().unwrap().len()).collect();
    assert!(attempts.contains(&2), "the failed attempt is kept: {attempts:?}");
    assert!(last_line(&ask(&["clear", "1", "--failed"]).await).contains("No task of the run failed"));
    assert!(last_line(&ask(&["cancel", "1"]).await).contains("has ended already"));
    assert!(last_line(&ask(&["runs", "77"]).await).contains("no run 77"));

    assert_eq!(json(&ask(&["pause", "daily", "--json"]).await)["is_paused"], true);
    let known = ask(&["pause", "nightly"]).await;
    assert!(known.status.code() == Some(1) && last_line(&known).contains("daily, backfill, refetch, publish"));
    // A run that is held says so, waits, and can be cancelled from another terminal.
    let held = async { ask(&["run", "daily", "--now", NOW]).await };
    let other = async {
        until("the held run", Duration::from_secs(30), async || {
            database.count("select count(*) from ops.run where run_id = 2 and held_by like '%paused%'").await == 1
        })
        .await;
        ask(&["cancel", "2", "--json"]).await
    };
    let (held, cancelled) = tokio::join!(held, other);
    assert!(cancelled.status.success() && json(&cancelled)["is_cancelled"] == true);
    assert!(held.status.code() == Some(1) && last_line(&held) == "run 2 failed: cancelled", "{}", last_line(&held));
    assert!(String::from_utf8_lossy(&held.stdout).contains("waiting: The DAG is paused"));
    assert!(ask(&["resume", "daily"]).await.status.success());

    let plan = json(
        &ask(&[
            "backfill",
            "--from",
            "2026-08-03",
            "--to",
            "2026-10-30",
            "--per",
            "month",
            "--newest-first",
            "--dry-run",
            "--json",
            "--now",
            NOW,
        ])
        .await,
    );
    let plan: Vec<&str> = plan["runs"].as_array().unwrap().iter().filter_map(|run| run["from"].as_str()).collect();
    assert_eq!(plan, ["2026-10-01", "2026-09-01", "2026-08-03"]);
    assert_eq!(database.count("select count(*) from ops.run where dag = 'backfill'").await, 0, "a dry run starts nothing");
    let backfill =
        ask(&["backfill", "--from", "2026-09-01", "--to", "2026-10-30", "--per", "month", "--limit", "2", "--json", "--now", NOW]).await;
    assert!(backfill.status.success(), "{}", last_line(&backfill));
    assert_eq!((json(&backfill)["runs"].as_i64(), json(&backfill)["succeeded"].as_i64()), (Some(2), Some(2)));
    let weekend = ask(&["backfill", "--from", "2026-11-14", "--to", "2026-11-15", "--now", NOW]).await;
    assert_eq!(weekend.status.code(), Some(1), "{}", last_line(&weekend));
    assert!(last_line(&weekend).contains("no session"), "{}", last_line(&weekend));
    database.drop().await;
}
