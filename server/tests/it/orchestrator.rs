//! The engine against a real Postgres: order, retries, leases, ticks; whatever is killed when, once means once.

mod ticks;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use server::{
    clock::Clock,
    orchestrator::{
        Claimed, Dag, Engine, Handler, LeaderDuty, Outcome, Plan, Planner, Reap, Registry, Repeat, Request, RetryPolicy, RunOutcome,
        Schedule, TaskContext, TaskError, TaskSpec, Trigger, claim, reap, request, settle, wait_for,
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

const fn task(name: &'static str, lines: &'static [&'static str]) -> TaskSpec {
    TaskSpec { name, purpose: "Trying", max_attempts: 3, timeout: Duration::from_millis(500), lines }
}

const DAG: Dag = Dag { name: "both", tasks: &[task("first", &["a"]), task("second", &["a"])] };

/// Quick enough not to wait for.
const QUICK: RetryPolicy = RetryPolicy {
    base: Duration::from_millis(5),
    cap: Duration::from_millis(20),
    not_ready_wait: Duration::from_millis(5),
    not_ready_limit: 2,
    rate_limited_limit: 2,
    longest_put_off: Duration::from_millis(20),
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
        retries: QUICK,
        clock: Clock::Real,
        schedules: &[],
        planner: Arc::new(Fixed(Plan::Skip { reason: "none".into() })),
        duty: None,
    }
}

fn wanted(parameters: Value, repeat: Repeat) -> Request {
    Request { dag: DAG, parameters, trigger: Trigger::Person, requested_by: None, logical_at: None, repeat }
}

async fn ask(pool: &PgPool) -> i64 {
    request(pool, &wanted(json!({}), Repeat::JoinLive)).await.unwrap()
}

/// Runs the DAG to its end on an engine of its own.
async fn run(pool: &PgPool, registry: Registry) -> RunOutcome {
    let run_id = ask(pool).await;
    let handle = engine(pool, registry).spawn();
    let ended = tokio::time::timeout(Duration::from_secs(20), wait_for(pool, run_id)).await.unwrap().unwrap();
    handle.stop().await;
    ended
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
    TaskContext {
        pool: pool.clone(),
        run_id: claimed.run_id,
        task_id: claimed.task_id,
        epoch: claimed.epoch,
        parameters: claimed.parameters.clone(),
        checkpoint: claimed.checkpoint.clone(),
    }
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn tasks_run_in_order_and_the_run_succeeds(pool: PgPool) {
    let registry = Registry::default().dag(DAG).handler("first", script(|_| done())).handler("second", script(|_| done()));
    let ended = run(&pool, registry).await;
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
        .dag(DAG)
        .handler("first", script(|_| Err(TaskError::Final(trouble("the key was refused")))))
        .handler("second", script(|_| done()));
    let ended = run(&pool, registry).await;
    assert_eq!((ended.state.as_str(), ended.error.as_deref()), ("failed", Some("Trying failed: the key was refused")));
    assert_eq!(tasks(&pool, ended.run_id).await, ["first failed", "second upstream_failed"]);
    assert_eq!(attempts(&pool, ended.run_id).await, ["error final"]);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn each_class_is_retried_in_its_own_way(pool: PgPool) {
    let registry = Registry::default()
        .dag(DAG)
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
    let ended = run(&pool, registry).await;
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
    let registry = Registry::default().dag(DAG).handler("first", Endless).handler("second", script(|_| done()));
    let ended = run(&pool, registry).await;
    assert_eq!(attempts(&pool, ended.run_id).await, ["timeout retryable"; 3]);
    assert!(ended.error.unwrap().contains("took longer"));
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_step_of_a_worker_that_lost_its_lease_rolls_back(pool: PgPool) {
    let run_id = ask(&pool).await;
    let lost = claim(&pool, "killed", &[]).await.unwrap().unwrap();
    assert!(claim(&pool, "other", &[]).await.unwrap().is_none(), "a task has one worker");
    let ctx = context(&pool, &lost);
    let mut step = ctx.begin().await.unwrap();
    sqlx::query!("insert into book.portfolio (owner_id, name) values (1, 'half')").execute(&mut *step).await.unwrap();
    sqlx::query!("update ops.task set lease_until = now() - interval '1 second' where task_id = $1", lost.task_id)
        .execute(&pool)
        .await
        .unwrap();
    assert_eq!(reap(&pool, Reap::Expired, &[]).await.unwrap(), 1);
    let next = claim(&pool, "next", &[]).await.unwrap().unwrap();
    assert_eq!((next.task_id, next.epoch, next.number), (lost.task_id, lost.epoch + 1, 2));
    assert!(matches!(ctx.commit(step, &json!({"page": 1}), 1).await, Err(TaskError::Fenced(_))));
    let mut late = ctx.begin().await.unwrap();
    assert!(matches!(ctx.complete(&mut late, 1).await, Err(TaskError::Fenced(_))));
    drop(late);
    let registry = Registry::default().dag(DAG);
    settle(&pool, &registry, &QUICK, &lost, &ctx, done()).await.unwrap();
    assert_eq!(tasks(&pool, run_id).await, ["first running", "second waiting"], "the late one changes nothing");
    settle(&pool, &registry, &QUICK, &next, &context(&pool, &next), done()).await.unwrap();
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
    const PATIENT: Dag = Dag {
        name: "patient",
        tasks: &[TaskSpec { name: "steps", purpose: "Stepping", max_attempts: 1, timeout: Duration::from_secs(60), lines: &["a"] }],
    };
    let run_id = request(&pool, &Request { dag: PATIENT, ..wanted(json!({}), Repeat::JoinLive) }).await.unwrap();
    let steps = Arc::new(Steps { deaths: AtomicU32::new(3) });
    struct Shared(Arc<Steps>);
    #[async_trait]
    impl Handler for Shared {
        async fn perform(&self, ctx: TaskContext) -> Result<Outcome, TaskError> {
            self.0.perform(ctx).await
        }
    }
    let registry = Registry::default().dag(PATIENT).handler("steps", Shared(Arc::clone(&steps)));
    for _ in 0..3 {
        // As a killed process: the claim and a half-done step are left behind, nothing is settled.
        let claimed = claim(&pool, "killed", &[]).await.unwrap().unwrap();
        let work = tokio::time::timeout(Duration::from_millis(400), steps.perform(context(&pool, &claimed))).await;
        assert!(work.is_err(), "it hangs where it is killed");
        assert_eq!(reap(&pool, Reap::All, &[]).await.unwrap(), 1);
    }
    let handle = engine(&pool, registry).spawn();
    let ended = tokio::time::timeout(Duration::from_secs(20), wait_for(&pool, run_id)).await.unwrap().unwrap();
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
async fn a_run_whose_last_task_completed_itself_ends_at_the_next_start(pool: PgPool) {
    const ONE: Dag = Dag { name: "one", tasks: &[task("last", &["a"])] };
    let run_id = request(&pool, &Request { dag: ONE, ..wanted(json!({}), Repeat::JoinLive) }).await.unwrap();
    let claimed = claim(&pool, "killed", &[]).await.unwrap().unwrap();
    let ctx = context(&pool, &claimed);
    let mut effect = ctx.begin().await.unwrap();
    ctx.complete(&mut effect, 1).await.unwrap();
    effect.commit().await.unwrap();
    // Killed here: nobody told the run.
    let handle = engine(&pool, Registry::default().dag(ONE).handler("last", Endless)).spawn();
    let ended = tokio::time::timeout(Duration::from_secs(20), wait_for(&pool, run_id)).await.unwrap().unwrap();
    handle.stop().await;
    assert!(ended.succeeded);
    assert_eq!(attempts(&pool, run_id).await, ["success"]);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn stopping_gives_tasks_back_and_a_second_engine_waits_its_turn(pool: PgPool) {
    let run_id = ask(&pool).await;
    let slow = Registry::default().dag(DAG).handler("first", Endless).handler("second", Endless);
    let leader = engine(&pool, slow).spawn();
    let first = async || tasks(&pool, run_id).await[0].clone();
    while first().await != "first running" {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let quick = Registry::default().dag(DAG).handler("first", script(|_| done())).handler("second", script(|_| done()));
    let second = engine(&pool, quick).spawn();
    leader.stop().await;
    let ended = tokio::time::timeout(Duration::from_secs(20), wait_for(&pool, run_id)).await.unwrap().unwrap();
    second.stop().await;
    assert!(ended.succeeded, "{ended:?}");
    let last = attempts(&pool, run_id).await;
    assert_eq!((last.first().map(String::as_str), last.last().map(String::as_str)), (Some("cancelled"), Some("success")));
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_request_joins_the_run_that_is_under_way(pool: PgPool) {
    let first = ask(&pool).await;
    assert_eq!(ask(&pool).await, first);
    assert_ne!(request(&pool, &wanted(json!({"other": 1}), Repeat::JoinLive)).await.unwrap(), first);
    let queued = request(&pool, &wanted(json!({}), Repeat::JoinQueued)).await.unwrap();
    assert_eq!(queued, first, "it hasn't read anything yet");
    claim(&pool, "worker", &[]).await.unwrap().unwrap();
    assert_eq!(ask(&pool).await, first);
    let after_an_edit = request(&pool, &wanted(json!({}), Repeat::JoinQueued)).await.unwrap();
    assert_ne!(after_an_edit, first, "a running one may have read before the edit");
    let twin = wanted(json!({"n": 1}), Repeat::JoinLive);
    let at_once = futures::future::join_all((0..8).map(|_| request(&pool, &twin))).await;
    let mut ids: Vec<i64> = at_once.into_iter().map(Result::unwrap).collect();
    ids.dedup();
    assert_eq!(ids.len(), 1, "eight at once make one run");
}

/// Counts how often an engine began to lead.
struct Duty(AtomicU32);

#[async_trait]
impl LeaderDuty for Duty {
    async fn on_lead(&self) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_lead_whose_connection_breaks_is_taken_up_again(pool: PgPool) {
    let run_id = ask(&pool).await;
    let duty = Arc::new(Duty(AtomicU32::new(0)));
    let registry = Registry::default().dag(DAG).handler("first", script(|_| done())).handler("second", script(|_| done()));
    let handle = Engine { duty: Some(duty.clone()), ..engine(&pool, registry) }.spawn();
    wait_for(&pool, run_id).await.unwrap();
    let broken = sqlx::query_scalar!(
        r#"select count(pg_terminate_backend(pid)) as "count!" from pg_locks
           where locktype = 'advisory' and database = (select oid from pg_database where datname = current_database())"#
    );
    assert_eq!(broken.fetch_one(&pool).await.unwrap(), 1);
    let again = async {
        while duty.0.load(Ordering::SeqCst) < 2 {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), again).await.unwrap();
    let next = ask(&pool).await;
    assert!(tokio::time::timeout(Duration::from_secs(20), wait_for(&pool, next)).await.unwrap().unwrap().succeeded);
    handle.stop().await;
}
