//! The engine against a real Postgres: order, rules, retries, leases, ticks; whatever is killed when, once means once.

mod control;
mod logs;
mod model;
mod shape;
mod ticks;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use server::{
    clock::Clock,
    orchestrator::{
        Asked, Claimant, Claimed, Dag, Definitions, End, Engine, Handler, Outcome, Overlap, Plan, Planner, Registry, Repeat, Request,
        RetryPolicy, Role, RunOutcome, Schedule, TaskContext, TaskError, TaskSpec, claim, reap, request, settle, wait_for,
    },
};
use sqlx::PgPool;
use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

fn task(name: &str) -> TaskSpec {
    TaskSpec { timeout: Duration::from_millis(500), ..TaskSpec::new(name, "Trying") }
}

/// One after the other.
fn both() -> Dag {
    Dag::new("both", vec![task("first"), task("second").after(&["first"])])
}

/// Quick enough not to wait for.
const QUICK: RetryPolicy = RetryPolicy {
    base: Duration::from_millis(5),
    cap: Duration::from_millis(20),
    not_ready_wait: Duration::from_millis(5),
    not_ready_limit: 2,
    rate_limited_limit: 2,
    longest_put_off: Duration::from_millis(20),
    lost_limit: 5,
};

/// Answers by the number of the call, counted from 1.
struct Script<F>(AtomicU32, F);

fn script<F: Fn(u32) -> Result<Outcome, TaskError> + Send + Sync>(answer: F) -> Script<F> {
    Script(AtomicU32::new(0), answer)
}

#[async_trait]
impl<F: Fn(u32) -> Result<Outcome, TaskError> + Send + Sync> Handler for Script<F> {
    async fn perform(&self, _: TaskContext) -> Result<Outcome, TaskError> {
        (self.1)(self.0.fetch_add(1, Ordering::SeqCst) + 1)
    }
}

fn done() -> Result<Outcome, TaskError> {
    Ok(Outcome::Done { rows: 1 })
}

fn trouble(words: &str) -> Box<dyn std::error::Error + Send + Sync> {
    words.into()
}

/// Says what it was built with.
struct Fixed(Plan);

#[async_trait]
impl Planner for Fixed {
    async fn plan(&self, _: &Schedule, _: DateTime<Utc>, _: DateTime<Utc>) -> Result<Plan, sqlx::Error> {
        Ok(self.0.clone())
    }
}

fn engine(pool: &PgPool, registry: Registry) -> Engine {
    Engine {
        pool: pool.clone(),
        registry,
        role: Role::Server,
        capacity: 8,
        drain: Duration::from_millis(50),
        retries: Some(QUICK),
        clock: Clock::Real,
        schedules: &[],
        planner: Arc::new(Fixed(Plan::Skip { reason: "none".into() })),
        duty: None,
    }
}

async fn ask(pool: &PgPool) -> i64 {
    send(pool, Request::new(both(), json!({}))).await
}

async fn send(pool: &PgPool, wanted: Request) -> i64 {
    request(pool, &wanted).await.unwrap().run_id().unwrap()
}

async fn ended(pool: &PgPool, run_id: i64) -> RunOutcome {
    tokio::time::timeout(Duration::from_secs(20), wait_for(pool, run_id)).await.unwrap().unwrap()
}

/// Runs a DAG to its end on a node of its own.
async fn run(pool: &PgPool, dag: Dag, registry: Registry) -> RunOutcome {
    let run_id = send(pool, Request::new(dag.clone(), json!({}))).await;
    let handle = engine(pool, registry.dag(dag)).spawn().unwrap();
    let ended = ended(pool, run_id).await;
    handle.stop().await;
    ended
}

/// Somebody who claims by hand.
async fn claimant(pool: &PgPool, known: &[&str]) -> Claimant {
    let node_id =
        sqlx::query_scalar!("insert into ops.node (name, role) values ('by hand', 'server') returning node_id").fetch_one(pool).await;
    Claimant { node_id: node_id.unwrap(), worker: "by hand".into(), known: known.iter().map(|&name| name.to_owned()).collect() }
}

async fn claim_one(pool: &PgPool, claimant: &Claimant) -> Option<Claimed> {
    claim(pool, claimant, 1).await.unwrap().pop()
}

async fn settle_one(pool: &PgPool, claimed: &Claimed, end: Result<Outcome, TaskError>) {
    let definitions = Definitions::new(pool.clone(), Registry::default());
    settle(pool, &definitions, Some(QUICK), &[(claimed.clone(), End::from(end))]).await.unwrap();
}

/// "name state" of each task, in order.
async fn tasks(pool: &PgPool, run_id: i64) -> Vec<String> {
    sqlx::query!("select name, state from ops.task where run_id = $1 order by position", run_id)
        .map(|row| format!("{} {}", row.name, row.state))
        .fetch_all(pool)
        .await
        .unwrap()
}

/// "outcome class" of each attempt of the run's first task.
async fn attempts(pool: &PgPool, run_id: i64) -> Vec<String> {
    sqlx::query!(
        "select outcome, error_class from ops.attempt join ops.task using (task_id) where run_id = $1 and position = 1 order by number",
        run_id
    )
    .map(|row| format!("{} {}", row.outcome.unwrap_or_default(), row.error_class.unwrap_or_default()).trim().to_owned())
    .fetch_all(pool)
    .await
    .unwrap()
}

fn context(pool: &PgPool, claimed: &Claimed) -> TaskContext {
    let ctx = TaskContext::new(pool.clone(), claimed.run_id, claimed.task_id, claimed.epoch);
    TaskContext { parameters: claimed.parameters.clone(), checkpoint: claimed.checkpoint.clone(), input: claimed.input.clone(), ..ctx }
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn tasks_run_in_order_and_the_run_succeeds(pool: PgPool) {
    let registry = Registry::default().handler("first", script(|_| done())).handler("second", script(|_| done()));
    let ended = run(&pool, both(), registry).await;
    assert!(ended.succeeded, "{ended:?}");
    assert_eq!(tasks(&pool, ended.run_id).await, ["first success", "second success"]);
    let ordered = sqlx::query_scalar!(
        r#"select bool_and(later.started_at >= earlier.ended_at) as "ordered!" from ops.task earlier join ops.task later using (run_id)
           where earlier.position = 1 and later.position = 2"#
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert!(ordered);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn what_comes_after_a_failure_is_not_started(pool: PgPool) {
    let registry = Registry::default()
        .handler("first", script(|_| Err(TaskError::Final(trouble("the key was refused")))))
        .handler("second", script(|_| done()));
    let ended = run(&pool, both(), registry).await;
    assert_eq!((ended.state.as_str(), ended.error.as_deref()), ("failed", Some("Trying failed: the key was refused")));
    assert_eq!(tasks(&pool, ended.run_id).await, ["first failed", "second upstream_failed"]);
    assert_eq!(attempts(&pool, ended.run_id).await, ["error final"]);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn each_class_is_retried_in_its_own_way(pool: PgPool) {
    let registry = Registry::default()
        .handler(
            "first",
            script(|call| match call {
                1 => Err(TaskError::Retryable(trouble("cut"))),
                2 => Err(TaskError::RateLimited { wait: Duration::from_millis(5), source: trouble("slow down") }),
                3 => Err(TaskError::NotReady(trouble("not yet"))),
                4 => panic!("a fault"),
                _ => done(),
            }),
        )
        .handler("second", script(|_| Err(TaskError::Retryable(trouble("always")))));
    let ended = run(&pool, both(), registry).await;
    let expected = ["error retryable", "error rate_limited", "error not_ready", "error retryable", "success"];
    assert_eq!(attempts(&pool, ended.run_id).await, expected);
    assert_eq!(ended.error.as_deref(), Some("Trying failed: always"), "three attempts, then no more");
    let second = sqlx::query_scalar!("select attempts from ops.task where run_id = $1 and position = 2", ended.run_id);
    assert_eq!(second.fetch_one(&pool).await.unwrap(), 3);
}

/// Never comes to an end.
struct Endless;

#[async_trait]
impl Handler for Endless {
    async fn perform(&self, _: TaskContext) -> Result<Outcome, TaskError> {
        std::future::pending().await
    }
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn an_attempt_that_takes_too_long_is_ended(pool: PgPool) {
    let registry = Registry::default().handler("first", Endless).handler("second", script(|_| done()));
    let ended = run(&pool, both(), registry).await;
    assert_eq!(attempts(&pool, ended.run_id).await, ["timeout retryable"; 3]);
    assert!(ended.error.unwrap().contains("took longer"));
}

/// As if time had passed: whatever is claimed isn't any more.
async fn expire_leases(pool: &PgPool) {
    sqlx::query!("update ops.task set lease_until = now() - interval '1 second' where state = 'running'").execute(pool).await.unwrap();
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_worker_that_lost_its_lease_is_fenced_and_its_writes_are_gone(pool: PgPool) {
    let run_id = ask(&pool).await;
    let (stalled, other) = (claimant(&pool, &["first", "second"]).await, claimant(&pool, &["first", "second"]).await);
    let lost = claim_one(&pool, &stalled).await.unwrap();
    assert!(claim_one(&pool, &other).await.is_none(), "a task has one worker");
    let ctx = context(&pool, &lost);
    let mut step = ctx.begin().await.unwrap();
    sqlx::query!("insert into book.portfolio (owner_id, name) values (1, 'half')").execute(&mut *step).await.unwrap();
    assert_eq!(reap(&pool, &[], 5).await.unwrap(), 0, "a lease that holds is nobody else's");
    expire_leases(&pool).await;
    assert_eq!(reap(&pool, &[], 5).await.unwrap(), 1);
    let next = claim_one(&pool, &other).await.unwrap();
    assert_eq!((next.task_id, next.epoch, next.number), (lost.task_id, lost.epoch + 1, 2));
    assert!(matches!(ctx.commit(step, &json!({"page": 1}), 1).await, Err(TaskError::Fenced(_))));
    let mut late = ctx.begin().await.unwrap();
    assert!(matches!(ctx.complete(&mut late, 1).await, Err(TaskError::Fenced(_))));
    drop(late);
    settle_one(&pool, &lost, done()).await;
    settle_one(&pool, &lost, Err(TaskError::Final(trouble("late")))).await;
    assert_eq!(tasks(&pool, run_id).await, ["first running", "second waiting"], "the late one changes nothing");
    settle_one(&pool, &next, done()).await;
    assert_eq!(attempts(&pool, run_id).await, ["lost", "success"]);
    assert_eq!(tasks(&pool, run_id).await, ["first success", "second ready"]);
    let halves = sqlx::query_scalar!(r#"select count(*) as "count!" from book.portfolio"#).fetch_one(&pool).await.unwrap();
    assert_eq!(halves, 0);
}

/// Writes one row a step, and its process "dies" (never goes on) after the third, as long as `deaths` are left.
struct Steps {
    deaths: AtomicU32,
}

#[async_trait]
impl Handler for Steps {
    async fn perform(&self, ctx: TaskContext) -> Result<Outcome, TaskError> {
        let first: u32 = ctx.checkpoint().unwrap_or(0);
        for page in first..12 {
            let mut step = ctx.begin().await?;
            sqlx::query!("insert into book.portfolio (owner_id, name) values (1, $1)", format!("page {page}")).execute(&mut *step).await?;
            if page % 4 == 3 && self.deaths.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
                std::future::pending::<()>().await;
            }
            ctx.commit(step, &(page + 1), 1).await?;
        }
        Ok(Outcome::Done { rows: 0 })
    }
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn killed_again_and_again_it_ends_once_with_every_row_once(pool: PgPool) {
    let patient = Dag::new("patient", vec![TaskSpec { max_attempts: 1, ..TaskSpec::new("steps", "Stepping") }]);
    let run_id = send(&pool, Request::new(patient.clone(), json!({}))).await;
    let steps = Arc::new(Steps { deaths: AtomicU32::new(3) });
    struct Shared(Arc<Steps>);
    #[async_trait]
    impl Handler for Shared {
        async fn perform(&self, ctx: TaskContext) -> Result<Outcome, TaskError> {
            self.0.perform(ctx).await
        }
    }
    let killed = claimant(&pool, &["steps"]).await;
    for _ in 0..3 {
        // As a killed process: the claim and a half-done step are left behind, nothing is settled.
        let claimed = claim_one(&pool, &killed).await.unwrap();
        let work = tokio::time::timeout(Duration::from_millis(400), steps.perform(context(&pool, &claimed))).await;
        assert!(work.is_err(), "it hangs where it is killed");
        assert_eq!(reap(&pool, &[killed.node_id], 5).await.unwrap(), 1, "who is known to be gone needn't be waited for");
    }
    let registry = Registry::default().dag(patient).handler("steps", Shared(Arc::clone(&steps)));
    let handle = engine(&pool, registry).spawn().unwrap();
    let ended = ended(&pool, run_id).await;
    handle.stop().await;
    assert!(ended.succeeded, "being killed doesn't count against the limit of one attempt: {ended:?}");
    assert_eq!(attempts(&pool, run_id).await, ["lost", "lost", "lost", "success"]);
    let rows = sqlx::query!(r#"select count(*) as "rows!", count(distinct name) as "pages!" from book.portfolio"#);
    let rows = rows.fetch_one(&pool).await.unwrap();
    assert_eq!((rows.rows, rows.pages), (12, 12));
    let counted = sqlx::query_scalar!("select rows_written from ops.task where run_id = $1", run_id).fetch_one(&pool).await.unwrap();
    assert_eq!(counted, 12);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_task_that_is_lost_too_often_fails(pool: PgPool) {
    let run_id = ask(&pool).await;
    let killed = claimant(&pool, &["first"]).await;
    for lost in 1..=3 {
        claim_one(&pool, &killed).await.unwrap();
        expire_leases(&pool).await;
        reap(&pool, &[], 3).await.unwrap();
        assert_eq!(tasks(&pool, run_id).await[0], if lost < 3 { "first ready" } else { "first failed" });
    }
    let ended = ended(&pool, run_id).await;
    assert!(ended.error.unwrap().contains("3 times"));
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_task_that_completes_itself_takes_its_run_along(pool: PgPool) {
    let run_id = ask(&pool).await;
    let worker = claimant(&pool, &["first", "second"]).await;
    for left in ["second ready", "second success"] {
        let claimed = claim_one(&pool, &worker).await.unwrap();
        let ctx = context(&pool, &claimed);
        let mut effect = ctx.begin().await.unwrap();
        ctx.complete(&mut effect, 1).await.unwrap();
        effect.commit().await.unwrap();
        // Killed here: nobody is told, and nothing has to be.
        assert_eq!(tasks(&pool, run_id).await[1], left);
    }
    assert!(ended(&pool, run_id).await.succeeded);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn stopping_gives_tasks_back_to_another_node(pool: PgPool) {
    let run_id = ask(&pool).await;
    let slow = Registry::default().dag(both()).handler("first", Endless).handler("second", Endless);
    let stopped = engine(&pool, slow).spawn().unwrap();
    while tasks(&pool, run_id).await[0] != "first running" {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let quick = Registry::default().dag(both()).handler("first", script(|_| done())).handler("second", script(|_| done()));
    let other = engine(&pool, quick).spawn().unwrap();
    stopped.stop().await;
    let ended = ended(&pool, run_id).await;
    other.stop().await;
    assert!(ended.succeeded, "{ended:?}");
    let last = attempts(&pool, run_id).await;
    assert_eq!((last.first().map(String::as_str), last.last().map(String::as_str)), (Some("cancelled"), Some("success")));
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_request_joins_the_run_that_is_under_way(pool: PgPool) {
    let first = ask(&pool).await;
    assert_eq!(ask(&pool).await, first);
    let wanted = |parameters: Value, repeat| Request { repeat, ..Request::new(both(), parameters) };
    assert_ne!(send(&pool, wanted(json!({"other": 1}), Repeat::JoinLive)).await, first);
    assert_eq!(send(&pool, wanted(json!({}), Repeat::JoinQueued)).await, first, "it hasn't read anything yet");
    assert_ne!(send(&pool, wanted(json!({"other": 1}), Repeat::Always)).await, first);
    claim_one(&pool, &claimant(&pool, &["first"]).await).await.unwrap();
    assert_eq!(ask(&pool).await, first);
    let after_an_edit = send(&pool, wanted(json!({}), Repeat::JoinQueued)).await;
    assert_ne!(after_an_edit, first, "a running one may have read before the edit");
    let twin = wanted(json!({"n": 1}), Repeat::JoinLive);
    let at_once = futures::future::join_all((0..8).map(|_| request(&pool, &twin))).await;
    let mut ids: Vec<i64> = at_once.into_iter().map(|asked| asked.unwrap().run_id().unwrap()).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1, "eight at once make one run");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_node_whose_connections_break_goes_on(pool: PgPool) {
    let registry = Registry::default().dag(both()).handler("first", script(|_| done())).handler("second", script(|_| done()));
    let handle = engine(&pool, registry).spawn().unwrap();
    assert!(ended(&pool, ask(&pool).await).await.succeeded);
    let broken = sqlx::query_scalar!(
        r#"select count(pg_terminate_backend(pid)) as "count!" from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"#
    );
    assert!(broken.fetch_one(&pool).await.unwrap() >= 2, "the heartbeat's, the listener's, the pool's");
    let next = loop {
        // The pool may hand out a broken connection once.
        match request(&pool, &Request::new(both(), json!({}))).await {
            Ok(asked) => break asked.run_id().unwrap(),
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    assert!(ended(&pool, next).await.succeeded);
    let is_present = sqlx::query_scalar!(r#"select stopped_at is null as "is!" from ops.node"#).fetch_one(&pool).await.unwrap();
    assert!(is_present, "one that comes back isn't given up");
    handle.stop().await;
}
