//! Two servers on one Postgres: killed at each named point and at random, stopped, their Postgres cut off. Once means once.

mod cluster;

use crate::{
    kills::{assert_same, is_published},
    support::{Process, Scratch, until},
};
use chrono::{DateTime, Utc};
use cluster::{Cluster, Nodes, TRAP};
use nix::sys::signal::Signal;
use server::{clock::Clock, orchestrator::is_outage, pipeline::request_backfill};
use sqlx::{AssertSqlSafe, PgPool};
use std::time::{Duration, Instant};

const NOW: &str = "2026-11-20T23:00:00Z";
const SERVE: [&str; 9] = ["serve", "--now", NOW, "--symbols", "40", "--years", "3", "--accounts", "2"];
/// With the real clock, for its ticks.
const TICKING: [&str; 5] = ["serve", "--symbols", "3", "--years", "1"];
/// Longer than any holiday: some tick of both schedules lies in it.
const MISSED: &str = "interval '6 days'";
const PATIENCE: Duration = Duration::from_secs(180);
/// A heartbeat is sent every 3.5 seconds: one is missed in this time, and the lease holds.
const ONE_HEARTBEAT: Duration = Duration::from_millis(4_500);
const RANDOM_KILLS: u32 = 6;

/// From which days history is asked for again while nodes and Postgres fall; every run fetches from the vendors anew.
const AGAIN: [&str; 3] = ["2026-01-02", "2025-11-20", "2026-06-01"];
const WHILE_STALLED: &str = "2025-09-02";
const WHILE_HELD_UP: &str = "2025-10-01";

async fn ask(pool: &PgPool, from: &str) -> i64 {
    let now: DateTime<Utc> = NOW.parse().unwrap();
    request_backfill(pool, Clock::Fixed(now), Some(from.parse().unwrap()), now.date_naive(), None).await.unwrap()
}

async fn is(pool: &PgPool, condition: &str) -> bool {
    // Postgres may be on its way up.
    sqlx::query_scalar(AssertSqlSafe(format!("select {condition}"))).fetch_one(pool).await.unwrap_or(false)
}

async fn count(pool: &PgPool, from: &str) -> i64 {
    let began = Instant::now();
    loop {
        match sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from {from}"))).fetch_one(pool).await {
            Ok(count) => return count,
            Err(error) => assert!(began.elapsed() < PATIENCE && is_outage(&error), "{from}: {error}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

const NOTHING_LIVE: &str = "not exists (select from ops.run where state in ('queued', 'running'))";

/// A row of the table.
struct Observed {
    point: &'static str,
    result: String,
}

/// Kills the first who comes to the point, lets him go, and sees how the other goes on. The next point is watched before. `begin` is what
/// leads somebody to the first one, which is watched by then.
async fn crash_at(nodes: &mut Nodes<'_>, points: &[usize], begin: impl AsyncFnOnce()) -> Vec<Observed> {
    let mut observed = Vec::new();
    let mut trap = Some(nodes.set(points[0]).await);
    begin().await;
    for (place, &point) in points.iter().enumerate() {
        let set = trap.take().unwrap();
        let caught = nodes.caught(&set).await;
        let killed_at: DateTime<Utc> = sqlx::query_scalar("select clock_timestamp()").fetch_one(&nodes.pool).await.unwrap();
        let began = Instant::now();
        nodes.kill(caught.node);
        if let Some(&next) = points.get(place + 1) {
            trap = Some(nodes.set(next).await);
        }
        set.release().await;
        let fate = nodes.fate(&caught).await;
        let pool = nodes.pool.clone();
        let goes_on = format!(
            "exists (select from ops.tick where decided_at > '{killed_at}') or exists (select from ops.run where created_at > '{killed_at}')
                or exists (select from ops.attempt where started_at > '{killed_at}') or {NOTHING_LIVE} and exists (select from ops.run)"
        );
        until("somebody goes on", PATIENCE, async || is(&pool, &goes_on).await).await;
        let seconds = began.elapsed().as_secs_f64();
        nodes.restart(caught.node);
        let lost = count(&nodes.pool, &format!("ops.attempt where outcome = 'lost' and ended_at > '{killed_at}'")).await;
        let work = match (fate.as_str(), lost) {
            ("committed", 0) => "it is committed, so nothing of it is done again".to_owned(),
            ("committed", _) => format!("it is committed; the dead node's {lost} attempt(s) are lost and start again"),
            (_, 0) => "it is rolled back and done again from the start".to_owned(),
            (_, _) => format!("it is rolled back; {lost} attempt(s) are lost, and begin again at their checkpoints"),
        };
        observed.push(Observed { point: TRAP[point].0, result: format!("{work}; the other node goes on after {seconds:.1} s") });
    }
    observed
}

/// Ticks come with the real clock only, and only missed ones are due at once.
async fn a_tick_is_decided_once(cluster: &Cluster) -> Vec<Observed> {
    let mut nodes = cluster.database("ticks", &TICKING).await;
    let pool = nodes.pool.clone();
    // What is missing is fetched first: no tick is due yet.
    until("the first publication", PATIENCE, async || is_published(&pool).await).await;
    let set_back = async || {
        let sql = format!("update ops.schedule set decided_until = decided_until - {MISSED}, created_at = created_at - {MISSED}");
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&pool).await.unwrap();
    };
    let observed = crash_at(&mut nodes, &[0], set_back).await;
    until("every tick is decided", PATIENCE, async || {
        is(&pool, "not exists (select from ops.schedule where decided_until < now() - interval '4 days')").await
            && is(&pool, NOTHING_LIVE).await
    })
    .await;
    for schedule in server::pipeline::schedules() {
        let (since, until): (DateTime<Utc>, DateTime<Utc>) =
            sqlx::query_as("select created_at, decided_until from ops.schedule where schedule_id = $1")
                .bind(schedule.id)
                .fetch_one(&pool)
                .await
                .unwrap();
        let due: Vec<DateTime<Utc>> = schedule.ticks(since).unwrap().take_while(|tick| *tick <= until).collect();
        let decided: Vec<DateTime<Utc>> = sqlx::query_scalar("select logical_at from ops.tick where schedule_id = $1 order by logical_at")
            .bind(schedule.id)
            .fetch_all(&pool)
            .await
            .unwrap();
        assert!(!due.is_empty() && due == decided, "{}: due {due:?}, decided {decided:?}", schedule.id);
    }
    let twice = "(select logical_at from ops.run where logical_at is not null group by dag, logical_at having count(*) > 1) as twice";
    assert_eq!(count(&pool, twice).await, 0, "no tick made two runs");
    no_trace_of_trouble(&pool).await;
    observed
}

/// Whatever happened: nothing stuck, nothing open, nobody before his parents, everything good in the end.
async fn no_trace_of_trouble(pool: &PgPool) {
    for (wrong, rows) in [
        ("a run didn't succeed", "ops.run where state <> 'success' or error is not null"),
        ("a task didn't end", "ops.task where state not in ('success', 'skipped')"),
        ("an attempt is open", "ops.attempt where outcome is null or ended_at is null"),
        (
            "an attempt has no higher epoch than the one before",
            "ops.attempt one join ops.attempt two using (task_id) where two.number > one.number and two.lease_epoch <= one.lease_epoch",
        ),
        ("a task succeeded twice", "(select from ops.attempt where outcome = 'success' group by task_id having count(*) > 1) as twice"),
        ("a run published twice", "(select from ops.publication group by run_id having count(*) > 1) as twice"),
        (
            "a task began before its parents had ended",
            "ops.task child join ops.task parent using (run_id) where parent.name = any (child.after) and child.started_at < parent.ended_at",
        ),
    ] {
        assert_eq!(count(pool, rows).await, 0, "{wrong}");
    }
}

/// What the same requests come to when nobody is in the way.
async fn undisturbed() -> Scratch {
    let scratch = Scratch::create("calm").await;
    let mut server = Process::start(scratch.plumbline(&SERVE), "calm");
    server.until("the first publication", PATIENCE, async || is_published(&scratch.pool).await).await;
    for from in AGAIN.into_iter().chain([WHILE_HELD_UP, WHILE_STALLED]) {
        ask(&scratch.pool, from).await;
        server.until("its end", PATIENCE, async || is(&scratch.pool, NOTHING_LIVE).await).await;
    }
    scratch
}

/// Nodes and Postgres fall while three runs wait for each other.
async fn random_falls(cluster: &Cluster, nodes: &mut Nodes<'_>) -> Observed {
    for from in AGAIN {
        ask(&nodes.pool, from).await;
    }
    let mut hit = 0;
    for fall in 0..RANDOM_KILLS {
        let pool = nodes.pool.clone();
        let at_work = format!("exists (select from ops.attempt where outcome is null) or {NOTHING_LIVE}");
        until("somebody is at work", PATIENCE, async || {
            nodes.revive();
            is(&pool, &at_work).await
        })
        .await;
        tokio::time::sleep(Duration::from_millis(rand::random_range(0..400))).await;
        hit += u32::from(is(&nodes.pool, "exists (select from ops.attempt where outcome is null)").await);
        if fall % 3 == 2 {
            cluster.restart();
        } else {
            let node = rand::random_range(0..2);
            nodes.kill(node);
            nodes.restart(node);
        }
    }
    let pool = nodes.pool.clone();
    until("all runs end", PATIENCE, async || {
        nodes.revive();
        is(&pool, NOTHING_LIVE).await && nodes.are_present().await
    })
    .await;
    let lost = count(&pool, "ops.attempt where outcome = 'lost'").await;
    let result = format!("{hit} of {RANDOM_KILLS} falls hit running tasks; {lost} attempts were lost up to here, and all runs succeeded");
    Observed { point: "at random: SIGKILL of a node, immediate shutdown of Postgres", result }
}

/// A node that stops in the middle of a write, and goes on after a while.
async fn stopped(nodes: &Nodes<'_>, from: &str, is_over: impl AsyncFn(&PgPool) -> bool) -> (String, i64, f64) {
    let pool = &nodes.pool;
    let before = count(pool, "ops.attempt where outcome = 'lost'").await;
    let trap = nodes.set(3).await;
    ask(pool, from).await;
    let caught = nodes.caught(&trap).await;
    nodes.signal(caught.node, Signal::SIGSTOP);
    trap.release().await;
    let began = Instant::now();
    until("it may go on", PATIENCE, async || is_over(pool).await).await;
    let seconds = began.elapsed().as_secs_f64();
    nodes.signal(caught.node, Signal::SIGCONT);
    until("its run ends", PATIENCE, async || is(pool, NOTHING_LIVE).await).await;
    // What it still wants to say, it says now.
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    (nodes.fate(&caught).await, count(pool, "ops.attempt where outcome = 'lost'").await - before, seconds)
}

/// A machine that itself stands still in the meantime proves nothing: then it is done again, a few times.
async fn held_up_for_a_heartbeat(nodes: &Nodes<'_>) {
    let is_over = async |_: &PgPool| {
        tokio::time::sleep(ONE_HEARTBEAT + Duration::from_secs(1)).await;
        true
    };
    for _ in 0..5 {
        let (fate, lost, stood) = stopped(nodes, WHILE_HELD_UP, is_over).await;
        if stood < 2.0 * ONE_HEARTBEAT.as_secs_f64() {
            return assert_eq!((fate.as_str(), lost), ("committed", 0), "one missed heartbeat kills nothing");
        }
    }
    panic!("the machine itself stood still five times");
}

#[tokio::test(flavor = "multi_thread")]
async fn once_means_once_whoever_falls_when() {
    let began = Instant::now();
    let cluster = Cluster::start().await;
    let mut observed = a_tick_is_decided_once(&cluster).await;
    let calm = undisturbed().await;

    let mut nodes = cluster.database("work", &SERVE).await;
    observed.extend(crash_at(&mut nodes, &[1, 2, 3, 4, 5, 6, 7, 8, 9], async || {}).await);
    let pool = nodes.pool.clone();
    until("the first run ends", PATIENCE, async || is_published(&pool).await).await;
    observed.push(random_falls(&cluster, &mut nodes).await);

    held_up_for_a_heartbeat(&nodes).await;
    observed.push(Observed { point: "a node stands still for one heartbeat", result: "no attempt is lost, and its step commits".into() });

    // It stays stopped until the other has done everything.
    let (fate, lost, seconds) = stopped(&nodes, WHILE_STALLED, async |pool| is(pool, NOTHING_LIVE).await).await;
    assert!(fate == "aborted" && lost > 0, "it is fenced, and its writes are gone: {fate}, {lost} lost");
    let result = format!(
        "its lease runs out, the other node ends the run after {seconds:.0} s; when it goes on it is fenced, and its open step is gone"
    );
    observed.push(Observed { point: "a node stands still for longer than its lease", result });

    no_trace_of_trouble(&nodes.pool).await;
    assert_same(&calm.pool, &nodes.pool).await;
    println!("| Crash point | Observed |\n|---|---|");
    for Observed { point, result } in observed {
        println!("| {point} | {result} |");
    }
    println!("in {:.0} s", began.elapsed().as_secs_f64());
    calm.drop().await;
}
