//! What people do to runs: cancel, clear, pause, backfill, note; and what a DAG's policies do to them.

use super::*;
use chrono::TimeDelta;
use server::orchestrator::{
    Backfill, ControlError, Selection, Trigger, backfill, cancel, cancel_backfill, clear, expire, note, pause, resume,
};

fn quick() -> Registry {
    Registry::default().handler("first", script(|_| done())).handler("second", script(|_| done()))
}

async fn state(pool: &PgPool, run_id: i64) -> String {
    sqlx::query_scalar!("select state from ops.run where run_id = $1", run_id).fetch_one(pool).await.unwrap()
}

async fn until(what: &str, mut is: impl AsyncFnMut() -> bool) {
    let seen = async {
        while !is().await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), seen).await.unwrap_or_else(|_| panic!("{what} never came"));
}

/// What the trail says of a subject, with the engine's reasons.
async fn audited(pool: &PgPool, subject: &str) -> Vec<String> {
    sqlx::query_scalar!(
        r#"select concat_ws(': ', action, details ->> 'reason') as "act!" from ops.audit where subject = $1 order by audit_id"#,
        subject
    )
    .fetch_all(pool)
    .await
    .unwrap()
}

fn refused<T: std::fmt::Debug>(result: Result<T, ControlError>) -> String {
    match result {
        Err(ControlError::Refused(sentence)) => sentence,
        other => panic!("{other:?} isn't a refusal"),
    }
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_failed_task_is_cleared_and_the_run_goes_on_with_all_its_attempts(pool: PgPool) {
    let registry = Registry::default()
        .handler("first", script(|_| done()))
        .handler("second", script(|call| if call <= 3 { Err(TaskError::Retryable(trouble("down"))) } else { done() }));
    let node = engine(&pool, registry.dag(both())).spawn().unwrap();
    let run_id = ask(&pool).await;
    assert_eq!(ended(&pool, run_id).await.state, "failed");
    let alerts = async || {
        sqlx::query_scalar!(r#"select count(*) as "count!" from ops.alert where resolved_at is null"#).fetch_one(&pool).await.unwrap()
    };
    assert_eq!(alerts().await, 1);
    let only_failed = Selection { only_failed: true, ..Selection::default() };
    assert_eq!(clear(&pool, run_id, &only_failed, Some(7)).await.unwrap(), ["second"]);
    let ended = ended(&pool, run_id).await;
    assert!(ended.succeeded && ended.error.is_none(), "{ended:?}");
    node.stop().await;
    let kept = sqlx::query_scalar!(r#"select count(*) as "count!" from ops.attempt"#).fetch_one(&pool).await.unwrap();
    assert_eq!(kept, 5, "one of the first task, three and one of the second");
    assert_eq!(alerts().await, 0);
    let audited = sqlx::query!("select user_id, subject from ops.audit where action = 'clear_tasks'").fetch_one(&pool).await.unwrap();
    assert_eq!((audited.user_id, audited.subject), (Some(7), format!("run {run_id}")));
    assert!(refused(clear(&pool, run_id, &only_failed, None).await).contains("No task of the run failed"));
    assert!(refused(clear(&pool, 999, &only_failed, None).await).contains("no run 999"));
}

/// Commits step after step, and never ends by itself.
struct Stepping;

#[async_trait]
impl Handler for Stepping {
    async fn perform(&self, ctx: TaskContext) -> Result<Outcome, TaskError> {
        for step in 0.. {
            let transaction = ctx.begin().await?;
            ctx.commit(transaction, &step, 1).await?;
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        done()
    }
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_cancelled_run_stops_between_two_steps(pool: PgPool) {
    let long = Dag::new("both", vec![TaskSpec::new("first", "Stepping"), task("second").after(&["first"])]);
    let run_id = send(&pool, Request::new(long.clone(), json!({}))).await;
    let node =
        engine(&pool, Registry::default().dag(long).handler("first", Stepping).handler("second", script(|_| done()))).spawn().unwrap();
    until("a step", async || {
        sqlx::query_scalar!(r#"select coalesce(max(rows_written), 0) > 2 as "is!" from ops.task"#).fetch_one(&pool).await.unwrap()
    })
    .await;
    cancel(&pool, run_id, None).await.unwrap();
    assert_eq!(ended(&pool, run_id).await.state, "cancelled");
    assert_eq!(tasks(&pool, run_id).await, ["first cancelled", "second cancelled"]);
    assert_eq!(attempts(&pool, run_id).await, ["cancelled"]);
    assert!(refused(cancel(&pool, run_id, None).await).contains("has ended already"));
    node.stop().await;

    // A worker that died with it can't keep it from its end.
    let next = ask(&pool).await;
    let dead = claimant(&pool, &["first"]).await;
    claim_one(&pool, &dead).await.unwrap();
    cancel(&pool, next, None).await.unwrap();
    assert_eq!(state(&pool, next).await, "running", "somebody may still be at it");
    reap(&pool, &[dead.node_id], 5).await.unwrap();
    assert_eq!(state(&pool, next).await, "cancelled");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_paused_dag_starts_nothing(pool: PgPool) {
    let under_way = ask(&pool).await;
    pause(&pool, "both", None).await.unwrap();
    let worker = claimant(&pool, &["first", "second"]).await;
    assert!(claim_one(&pool, &worker).await.is_none(), "not even of a run under way");
    let queued = send(&pool, Request::new(both(), json!({"n": 2}))).await;
    let held = sqlx::query_scalar!("select held_by from ops.run where run_id = $1", queued).fetch_one(&pool).await.unwrap();
    assert!(held.unwrap().contains("paused"));
    resume(&pool, "both", None).await.unwrap();
    let node = engine(&pool, quick().dag(both())).spawn().unwrap();
    assert!(ended(&pool, under_way).await.succeeded && ended(&pool, queued).await.succeeded);
    node.stop().await;
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn each_overlap_policy_does_what_it_says(pool: PgPool) {
    let ask = async |overlap, n: i32| request(&pool, &Request::new(Dag { overlap, ..both() }, json!({ "n": n }))).await.unwrap();
    let first = ask(Overlap::QueueAll, 1).await.run_id().unwrap();
    let second = ask(Overlap::QueueAll, 2).await.run_id().unwrap();
    assert_eq!((state(&pool, first).await.as_str(), state(&pool, second).await.as_str()), ("running", "queued"));
    assert!(matches!(ask(Overlap::QueueOne, 3).await, Asked::Refused(reason) if reason.contains(&format!("Run {second}"))));
    assert!(matches!(ask(Overlap::Skip, 3).await, Asked::Refused(reason) if reason.contains(&format!("Run {first}"))));
    let last = ask(Overlap::CancelOther, 4).await.run_id().unwrap();
    for other in [first, second] {
        assert_eq!(state(&pool, other).await, "cancelled");
        assert_eq!(audited(&pool, &format!("run {other}")).await, ["request_run", "cancel_run: A newer run took its place."]);
    }
    assert_eq!(state(&pool, last).await, "running");
    assert_eq!(audited(&pool, &format!("run {last}")).await, ["request_run"]);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn who_waits_for_the_past_waits_without_a_deadlock(pool: PgPool) {
    let dag = Dag { depends_on_past: true, overlap: Overlap::QueueAll, ..both() };
    let at = |hours| Some(Utc::now() + TimeDelta::hours(hours));
    let ask = async |hours| {
        send(
            &pool,
            Request { logical_at: at(hours), trigger: Trigger::Schedule, repeat: Repeat::Always, ..Request::new(dag.clone(), json!({})) },
        )
        .await
    };
    let (first, second) = (ask(0).await, ask(1).await);
    let registry = Registry::default()
        .handler("first", script(|call| if call == 1 { Err(TaskError::Final(trouble("broken"))) } else { done() }))
        .handler("second", script(|_| done()));
    let node = engine(&pool, registry.dag(dag.clone())).spawn().unwrap();
    assert_eq!(ended(&pool, first).await.state, "failed");
    until("the reason", async || {
        let held = sqlx::query_scalar!("select held_by from ops.run where run_id = $1", second).fetch_one(&pool).await.unwrap();
        held.is_some_and(|reason| reason.contains("clear that one"))
    })
    .await;
    let third = ask(2).await;
    clear(&pool, first, &Selection { only_failed: true, ..Selection::default() }, None).await.unwrap();
    for run_id in [first, second, third] {
        assert!(ended(&pool, run_id).await.succeeded);
    }
    node.stop().await;
    let broken = ask(4).await;
    let next = ask(5).await;
    let dead = claimant(&pool, &["first"]).await;
    let claimed = claim_one(&pool, &dead).await.unwrap();
    settle_one(&pool, &claimed, Err(TaskError::Final(trouble("broken")))).await;
    assert_eq!((state(&pool, broken).await.as_str(), state(&pool, next).await.as_str()), ("failed", "queued"));
    cancel(&pool, broken, None).await.unwrap();
    assert_eq!(state(&pool, next).await, "running", "who gives a failed run up lets the others go on");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_backfill_runs_so_many_at_a_time_in_its_order(pool: PgPool) {
    let day = |text: &str| text.parse().unwrap();
    let dag = Dag { overlap: Overlap::QueueAll, ..both() };
    let runs = (0..5).map(|n| json!({ "n": n })).collect();
    let wanted = Backfill { dag: dag.clone(), from: day("2026-01-02"), to: day("2026-11-20"), runs, most_at_once: 2, requested_by: None };
    let (backfill_id, runs) = backfill(&pool, &wanted).await.unwrap();
    assert_eq!(state(&pool, runs[1]).await, "running");
    assert_eq!(state(&pool, runs[2]).await, "queued");
    let node = engine(&pool, quick().dag(dag)).spawn().unwrap();
    for &run_id in &runs {
        assert!(ended(&pool, run_id).await.succeeded);
    }
    node.stop().await;
    let ordered = sqlx::query_scalar!(
        r#"select bool_and(started_at >= before) as "ordered!" from (
               select started_at, lag(started_at) over (order by place) as before from ops.run where backfill_id = $1) as run where before is not null"#,
        backfill_id
    );
    assert!(ordered.fetch_one(&pool).await.unwrap());
    let (cancelled, runs) = backfill(&pool, &wanted).await.unwrap();
    assert_eq!(cancel_backfill(&pool, cancelled, None).await.unwrap(), 5);
    assert_eq!(state(&pool, runs[4]).await, "cancelled");
    assert!(refused(cancel_backfill(&pool, cancelled, None).await).contains("no run left"));
    assert!(refused(backfill(&pool, &Backfill { runs: Vec::new(), ..wanted }).await).contains("nothing to run"));
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn limits_of_time_end_what_is_over_them(pool: PgPool) {
    let spec = TaskSpec { queue_timeout: Some(Duration::from_secs(60)), ..task("first") };
    let dag = Dag { timeout: Some(Duration::from_secs(60)), ..Dag::new("both", vec![spec, task("second").after(&["first"])]) };
    let queued = send(&pool, Request::new(dag.clone(), json!({}))).await;
    let slow = send(&pool, Request::new(dag, json!({"n": 2}))).await;
    expire(&pool).await.unwrap();
    assert_eq!(tasks(&pool, queued).await, ["first ready", "second waiting"], "in time");
    let past = "update ops.task set ready_at = now() - interval '2 minutes', not_before = now() - interval '2 minutes' where run_id = $1";
    sqlx::query(past).bind(queued).execute(&pool).await.unwrap();
    sqlx::query!("update ops.run set timeout_at = now() - interval '1 second' where run_id = $1", slow).execute(&pool).await.unwrap();
    expire(&pool).await.unwrap();
    assert_eq!(tasks(&pool, queued).await, ["first failed", "second upstream_failed"]);
    assert_eq!(ended(&pool, queued).await.error.as_deref(), Some("first waited longer than 60 seconds for a worker."));
    let late = ended(&pool, slow).await;
    assert!(late.state == "failed" && late.error.unwrap().contains("longer than its DAG allows"));
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_task_has_a_limit_over_all_its_attempts(pool: PgPool) {
    let spec = TaskSpec {
        timeout: Duration::from_millis(100),
        total_timeout: Some(Duration::from_millis(250)),
        max_attempts: 50,
        ..task("first")
    };
    let dag = Dag::new("both", vec![spec, task("second").after(&["first"])]);
    let ended = run(&pool, dag, Registry::default().handler("first", Endless).handler("second", script(|_| done()))).await;
    assert_eq!(ended.state, "failed");
    let tried = attempts(&pool, ended.run_id).await;
    assert!((2..6).contains(&tried.len()) && tried.last().unwrap() == "timeout final", "{tried:?}");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn few_tries_hold_for_every_reason(pool: PgPool) {
    for (n, error) in [
        (1, (|| TaskError::NotReady(trouble("not yet"))) as fn() -> TaskError),
        (2, || TaskError::RateLimited { wait: Duration::ZERO, source: trouble("later") }),
        (3, || TaskError::Retryable(trouble("down"))),
    ] {
        let run_id = send(&pool, Request { most_tries: Some(1), ..Request::new(both(), json!({ "n": n })) }).await;
        let registry = Registry::default().handler("first", script(move |_| Err(error()))).handler("second", script(|_| done()));
        let node = engine(&pool, registry.dag(both())).spawn().unwrap();
        assert_eq!(ended(&pool, run_id).await.state, "failed");
        assert_eq!(attempts(&pool, run_id).await.len(), 1);
        node.stop().await;
    }
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_good_run_closes_what_was_said_of_those_before_it(pool: PgPool) {
    let registry = Registry::default()
        .handler("first", script(|call| if call <= 2 { Err(TaskError::Final(trouble("broken"))) } else { done() }))
        .handler("second", script(|_| done()));
    let node = engine(&pool, registry.dag(both())).spawn().unwrap();
    let open = async || {
        sqlx::query_scalar!(r#"select kind || ' ' || subject as "said!" from ops.alert where resolved_at is null order by 1"#)
            .fetch_all(&pool)
            .await
            .unwrap()
    };
    // Two fail: one of everything, one of a single portfolio. The first was to be late, and is.
    let first = ask(&pool).await;
    sqlx::query!(
        "insert into ops.alert (kind, subject, message) select kind, $1, 'x' from unnest('{deadline_missed,deadline_predicted}'::text[]) kind
         union all select 'schedule_dead', 'nightly', 'x' union all select 'deadline_missed', '999', 'of another DAG'",
        first.to_string()
    )
    .execute(&pool)
    .await
    .unwrap();
    assert_eq!(ended(&pool, first).await.state, "failed");
    let of_portfolio = |portfolio: i64| Request::new(both(), json!({ "portfolio": portfolio }));
    let second = send(&pool, of_portfolio(7)).await;
    assert_eq!(ended(&pool, second).await.state, "failed");
    let others = ["deadline_missed 999".to_owned(), "schedule_dead nightly".to_owned()];
    let (missed, failed) = (format!("deadline_missed {first}"), [format!("run_failed {first}"), format!("run_failed {second}")]);
    let mut expected = vec![missed, failed[0].clone(), failed[1].clone(), others[0].clone(), others[1].clone()];
    expected.sort();
    assert_eq!(open().await, expected, "nothing is predicted of a run that has ended");

    let another = send(&pool, of_portfolio(8)).await;
    assert!(ended(&pool, another).await.succeeded);
    assert_eq!(open().await, expected, "another portfolio's run mends nothing here");
    let good = ask(&pool).await;
    assert!(ended(&pool, good).await.succeeded);
    assert_eq!(open().await, [others[0].clone(), failed[1].clone(), others[1].clone()]);
    let mended = send(&pool, of_portfolio(7)).await;
    assert!(ended(&pool, mended).await.succeeded);
    assert_eq!(open().await, others);
    node.stop().await;
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_note_stays_beside_its_run(pool: PgPool) {
    let run_id = ask(&pool).await;
    note(&pool, run_id, Some(7), "  The vendor was down.  ").await.unwrap();
    let kept = sqlx::query!("select text, user_id from ops.note where run_id = $1", run_id).fetch_one(&pool).await.unwrap();
    assert_eq!((kept.text.as_str(), kept.user_id), ("The vendor was down.", Some(7)));
    note(&pool, run_id, None, "One line\r\n\tand another").await.unwrap();
    assert_eq!(audited(&pool, &format!("run {run_id}")).await, ["request_run", "note_run", "note_run"]);
    assert!(refused(note(&pool, run_id, None, "  ").await).contains("empty"));
    for hidden in ["a\0b", "a\u{1b}[31mb"] {
        assert!(refused(note(&pool, run_id, None, hidden).await).contains("can't be shown"));
    }
    assert!(refused(note(&pool, 999, None, "x").await).contains("no run 999"));
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn nothing_of_a_queued_run_starts_whoever_answers_late(pool: PgPool) {
    let run_id = ask(&pool).await;
    let worker = claimant(&pool, &["first", "second"]).await;
    let late = claim_one(&pool, &worker).await.unwrap();
    expire_leases(&pool).await;
    reap(&pool, &[], 5).await.unwrap();
    settle_one(&pool, &claim_one(&pool, &worker).await.unwrap(), done()).await;
    settle_one(&pool, &claim_one(&pool, &worker).await.unwrap(), done()).await;
    pause(&pool, "both", None).await.unwrap();
    let only = |task: &str| Selection { tasks: vec![task.into()], ..Selection::default() };
    clear(&pool, run_id, &only("second"), None).await.unwrap();
    let queued = ["first success", "second waiting"];
    for end in [done(), Err(TaskError::Retryable(trouble("late"))), Err(TaskError::Cancelled)] {
        settle_one(&pool, &late, end).await;
        assert_eq!((state(&pool, run_id).await.as_str(), tasks(&pool, run_id).await), ("queued", queued.map(String::from).to_vec()));
    }
    clear(&pool, run_id, &only("first"), None).await.unwrap();
    assert_eq!(tasks(&pool, run_id).await, ["first waiting", "second waiting"], "it is still the DAG that is paused");
    resume(&pool, "both", None).await.unwrap();
    assert_eq!(tasks(&pool, run_id).await, ["first ready", "second waiting"]);
}
