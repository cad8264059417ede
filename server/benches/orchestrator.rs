//! The engine alone, on a Postgres as durable as a server's own: from a parent's end to its child's start, tasks a second, the same
//! beside two million finished tasks, and from `kill -9` of a node to its tasks on the other.
//!
//! Prints medians of five against the aims. Run by `make bench`.

mod support;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::json;
use server::{
    clock::Clock,
    orchestrator::{
        Dag, Engine, Handler, Outcome, Plan, Planner, Registry, Repeat, Request, Role, Schedule, TaskContext, TaskError, TaskSpec, request,
    },
    pipeline::request_backfill,
};
use sqlx::{AssertSqlSafe, PgPool};
use std::{
    process::{Child, Command, Stdio},
    sync::Arc,
    time::{Duration, Instant},
};
use support::{REPETITIONS, database, number, print};

/// Runs one after the other, for the latency.
const STEPS: usize = 300;
/// Runs at once, of six tasks each, for the throughput.
const RUNS: usize = 300;
const FINISHED_RUNS: i64 = 333_334;
const CAPACITY: usize = 64;
const NOW: &str = "2026-11-20T23:00:00Z";

/// Nothing to do: what is measured is the engine.
struct Nothing;

#[async_trait]
impl Handler for Nothing {
    async fn perform(&self, _: TaskContext) -> Result<Outcome, TaskError> {
        Ok(Outcome::Done { rows: 0 })
    }
}

struct NoTicks;

#[async_trait]
impl Planner for NoTicks {
    async fn plan(&self, _: &Schedule, _: DateTime<Utc>, _: DateTime<Utc>) -> Result<Plan, sqlx::Error> {
        Ok(Plan::Skip { reason: "There are none.".into() })
    }
}

fn chain() -> Dag {
    Dag::new("chain", vec![TaskSpec::new("a", "First"), TaskSpec::new("b", "Second").after(&["a"])])
}

fn diamond() -> Dag {
    let middle = ["b", "c", "d", "e"].map(|name| TaskSpec::new(name, "Middle").after(&["a"]));
    let tasks = [TaskSpec::new("a", "First")].into_iter().chain(middle);
    Dag::new("diamond", tasks.chain([TaskSpec::new("f", "Last").after(&["b", "c", "d", "e"])]).collect())
}

fn engine(pool: &PgPool) -> Engine {
    let registry = ["a", "b", "c", "d", "e", "f"].into_iter().fold(Registry::default(), |known, name| known.handler(name, Nothing));
    Engine {
        pool: pool.clone(),
        registry: registry.dag(chain()).dag(diamond()),
        role: Role::Server,
        capacity: CAPACITY,
        drain: Duration::from_secs(1),
        retries: None,
        clock: Clock::Real,
        schedules: &[],
        planner: Arc::new(NoTicks),
        duty: None,
    }
}

async fn ask(pool: &PgPool, dag: Dag) -> i64 {
    let asked = request(pool, &Request { repeat: Repeat::Always, ..Request::new(dag, json!({})) }).await.expect("a request");
    asked.run_id().expect("it is never refused")
}

async fn until(pool: &PgPool, condition: &str, step: Duration) {
    while !number::<bool>(pool, &format!("select {condition}")).await {
        tokio::time::sleep(step).await;
    }
}

const NOTHING_LIVE: &str = "not exists (select from ops.run where state in ('queued', 'running'))";

/// Milliseconds from a parent's end to its child's start, one run after the other: median and 99th percentile.
async fn latency(pool: &PgPool) -> (f64, f64) {
    let node = engine(pool).spawn().expect("the engine");
    let first = ask(pool, chain()).await;
    until(pool, NOTHING_LIVE, Duration::from_millis(5)).await;
    for _ in 0..STEPS {
        ask(pool, chain()).await;
        until(pool, NOTHING_LIVE, Duration::from_millis(5)).await;
    }
    node.stop().await;
    let percentile = |of: f64| {
        format!(
            "select percentile_cont({of}) within group (order by extract(epoch from child.started_at - parent.ended_at)::float8 * 1000)
             from ops.task parent join ops.task task using (run_id) join ops.attempt child on child.task_id = task.task_id
             where parent.name = 'a' and task.name = 'b' and parent.run_id > {first}"
        )
    };
    (number(pool, &percentile(0.5)).await, number(pool, &percentile(0.99)).await)
}

/// Tasks a second through many diamonds at once.
async fn throughput(pool: &PgPool) -> f64 {
    for _ in 0..RUNS {
        ask(pool, diamond()).await;
    }
    let began = Instant::now();
    let node = engine(pool).spawn().expect("the engine");
    until(pool, NOTHING_LIVE, Duration::from_millis(20)).await;
    let seconds = began.elapsed().as_secs_f64();
    node.stop().await;
    // Runs that fail end quickly, too.
    let done = "select count(*) from ops.task join ops.run using (run_id) where run_id > (select max(run_id) from ops.run) - ";
    let done: i64 = number(pool, &format!("{done}{RUNS} and dag = 'diamond' and task.state = 'success' and task.attempts = 1")).await;
    assert_eq!(done, (RUNS * 6) as i64, "every task succeeded, at its first attempt");
    (RUNS * 6) as f64 / seconds
}

/// Years of work, done.
async fn finish_two_million(pool: &PgPool) {
    let sql = format!(
        "insert into ops.run (dag, trigger, state, created_at, started_at, ended_at)
             select 'past', 'schedule', 'success', now(), now(), now() from generate_series(1, {FINISHED_RUNS});
         insert into ops.task (run_id, position, name, state, attempts, lease_epoch, started_at, ended_at)
             select run_id, at, 'task ' || at, 'success', 1, 1, now(), now() from ops.run, generate_series(1, 6) as at where dag = 'past';
         insert into ops.attempt (task_id, number, lease_epoch, worker, ended_at, outcome)
             select task_id, 1, 1, 'past', now(), 'success' from ops.task where name like 'task %'"
    );
    sqlx::raw_sql(AssertSqlSafe(sql)).execute(pool).await.expect("the past");
}

/// As autovacuum does after a minute; a measure with it compares with one with it alone.
async fn vacuum(pool: &PgPool) {
    sqlx::raw_sql("vacuum analyze ops.run, ops.task, ops.attempt").execute(pool).await.expect("a vacuum");
}

struct Node(Child);

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn serve(url: &str) -> Node {
    let child = Command::new(env!("CARGO_BIN_EXE_plumbline"))
        .args(["serve", "--now", NOW, "--symbols", "100", "--years", "5", "--listen", "127.0.0.1:0"])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("DATABASE_URL", url)
        .env("PLUMBLINE_SECRET_KEY", "01".repeat(32))
        .env("PLUMBLINE_SITE", concat!(env!("CARGO_MANIFEST_DIR"), "/../target/site"))
        .env("PLUMBLINE_LOG", "error")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn();
    Node(child.expect("a node"))
}

/// Seconds from the SIGKILL of a node that performs a task until another performs it.
async fn takeover(pool: &PgPool, url: &str) -> Vec<f64> {
    let mut nodes = [serve(url), serve(url)];
    until(pool, &format!("exists (select from ops.publication) and {NOTHING_LIVE}"), Duration::from_millis(50)).await;
    let now: DateTime<Utc> = NOW.parse().expect("an instant");
    let mut seconds = Vec::new();
    while seconds.len() < REPETITIONS {
        until(pool, "(select count(*) from ops.node where stopped_at is null) = 2", Duration::from_millis(50)).await;
        request_backfill(pool, Clock::Fixed(now), Some("2025-01-02".parse().expect("a day")), now.date_naive(), None)
            .await
            .expect("a backfill");
        until(pool, "exists (select from ops.attempt where outcome is null)", Duration::from_millis(5)).await;
        let held: Option<(i64, i32, String)> =
            sqlx::query_as("select task_id, number, split_part(worker, ':', 2) from ops.attempt where outcome is null limit 1")
                .fetch_optional(pool)
                .await
                .expect("an attempt");
        let Some((task_id, attempt, process)) = held else { continue };
        let Some(node) = nodes.iter_mut().find(|node| node.0.id().to_string() == process) else { continue };
        let killed_at: DateTime<Utc> = number(pool, "select clock_timestamp()").await;
        let _ = node.0.kill();
        let _ = node.0.wait();
        let next = format!("select started_at from ops.attempt where task_id = {task_id} and number = {}", attempt + 1);
        until(pool, &format!("exists ({next}) or {NOTHING_LIVE}"), Duration::from_millis(10)).await;
        let started: Option<DateTime<Utc>> = sqlx::query_scalar(AssertSqlSafe(next)).fetch_optional(pool).await.expect("the next attempt");
        // It may have ended in the moment of the kill.
        seconds.extend(started.map(|at| (at - killed_at).as_seconds_f64()));
        *node = serve(url);
        until(pool, NOTHING_LIVE, Duration::from_millis(50)).await;
    }
    seconds
}

async fn measure(pool: &PgPool, beside: &str) {
    let (mut median, mut slowest, mut rate) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..REPETITIONS {
        let (p50, p99) = latency(pool).await;
        median.push(p50);
        slowest.push(p99);
        rate.push(throughput(pool).await);
    }
    print(&format!("parent's end to child's start, median{beside}"), "ms", median, "5 ms; replaced stack 500 to 1,100 ms");
    print(&format!("parent's end to child's start, 99 of 100{beside}"), "ms", slowest, "25 ms");
    print(&format!("tasks a second, six-task diamonds{beside}"), "/s", rate, "500");
}

#[tokio::main]
async fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = support::folder();
    let private = support::postgres(&folder).await;
    println!("The engine, with a durable Postgres; medians of {REPETITIONS}");
    let (pool, _) = database(&private, "engine").await;
    measure(&pool, ", fresh tables").await;
    vacuum(&pool).await;
    measure(&pool, ", vacuumed").await;
    finish_two_million(&pool).await;
    vacuum(&pool).await;
    let held: i64 = number(&pool, "select count(*) from ops.task where state = 'success'").await;
    assert!(held > 2_000_000, "{held} finished tasks");
    measure(&pool, ", 2 million tasks done").await;
    pool.close().await;
    let (pool, url) = database(&private, "nodes").await;
    print("kill -9 of a node to its task on the other", "s", takeover(&pool, &url).await, "16 s: lease + 1 s");
    pool.close().await;
    private.stop().await;
}
