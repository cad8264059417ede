//! The shapes of DAGs: branches, rules, skips, fan-outs, pools, priorities.

use super::*;
use server::orchestrator::{Part, Rule};
use std::sync::Mutex;

/// Writes down who performed, in order.
#[derive(Clone, Default)]
struct Book(Arc<Mutex<Vec<String>>>);

struct Writes(Book, Option<&'static str>);

#[async_trait]
impl Handler for Writes {
    async fn perform(&self, ctx: TaskContext) -> Result<Outcome, TaskError> {
        let word = ctx.input.as_str().or(self.1).unwrap_or("?").to_owned();
        self.0.0.lock().unwrap().push(word);
        done()
    }
}

fn part(name: &str) -> Part {
    Part { part: name.into(), input: json!(name) }
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn rules_decide_over_branches(pool: PgPool) {
    let dag = Dag::new(
        "rules",
        vec![
            task("bad"),
            task("empty"),
            task("needs_both").after(&["bad", "empty"]),
            task("after_empty").after(&["empty"]),
            TaskSpec { rule: Rule::OneFailed, ..task("mend").after(&["bad", "needs_both"]) },
            TaskSpec { rule: Rule::AllDone, ..task("tidy").after(&["mend", "after_empty"]) },
        ],
    );
    let mut registry = Registry::default()
        .handler("bad", script(|_| Err(TaskError::Final(trouble("broken")))))
        .handler("empty", script(|_| Ok(Outcome::Skipped { reason: "Nothing today.".into() })));
    for name in ["needs_both", "after_empty", "mend", "tidy"] {
        registry = registry.handler(name, script(|_| done()));
    }
    let ended = run(&pool, dag, registry).await;
    let expected = ["bad failed", "empty skipped", "needs_both upstream_failed", "after_empty skipped", "mend success", "tidy success"];
    assert_eq!(tasks(&pool, ended.run_id).await, expected);
    assert_eq!(ended.state, "failed", "who tidies up hides no failure");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_fan_out_has_a_task_for_each_part_and_what_follows_waits_for_all(pool: PgPool) {
    let dag = Dag::new("fan", vec![task("list"), task("each").for_each_of("list"), task("last").after(&["each"])]);
    let book = Book::default();
    let lists = script(|call| {
        let names: &[&str] = if call == 1 { &["a", "b", "c"] } else { &["b", "d"] };
        Ok(Outcome::Parts { rows: 0, parts: names.iter().map(|name| part(name)).collect() })
    });
    let registry = Registry::default()
        .handler("list", lists)
        .handler("each", Writes(book.clone(), None))
        .handler("last", Writes(book.clone(), Some("last")));
    let run_id = send(&pool, Request::new(dag.clone(), json!({}))).await;
    let node = engine(&pool, registry.dag(dag)).spawn().unwrap();
    assert!(ended(&pool, run_id).await.succeeded);
    let first = std::mem::take(&mut *book.0.lock().unwrap());
    assert!(first.len() == 4 && first[3] == "last", "{first:?}");

    // Cleared with everything after it, the list names other parts now.
    server::orchestrator::clear(&pool, run_id, &Default::default(), None).await.unwrap();
    assert!(ended(&pool, run_id).await.succeeded);
    node.stop().await;
    let mut second = book.0.lock().unwrap().clone();
    assert_eq!(second.pop().as_deref(), Some("last"));
    second.sort();
    assert_eq!(second, ["b", "d"]);
    let parts = sqlx::query_scalar!(r#"select part || ' ' || state as "part!" from ops.task where name = 'each' order by part"#);
    assert_eq!(parts.fetch_all(&pool).await.unwrap(), ["a skipped", "b success", "c skipped", "d success"]);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_fan_out_of_nothing_is_skipped_and_one_with_twins_fails(pool: PgPool) {
    let dag = || Dag::new("fan", vec![task("list"), task("each").for_each_of("list"), task("last").after(&["each"])]);
    let registry = |parts: &'static [&'static str]| {
        let list = script(move |_| Ok(Outcome::Parts { rows: 0, parts: parts.iter().map(|name| part(name)).collect() }));
        Registry::default().handler("list", list).handler("each", script(|_| done())).handler("last", script(|_| done()))
    };
    let nothing = run(&pool, dag(), registry(&[])).await;
    assert_eq!(tasks(&pool, nothing.run_id).await, ["list success", "each skipped", "last skipped"]);
    let twins = run(&pool, dag(), registry(&["a", "a"])).await;
    assert_eq!(tasks(&pool, twins.run_id).await, ["list failed", "each upstream_failed", "last upstream_failed"]);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn pools_hold_live_leases_and_priority_goes_first(pool: PgPool) {
    let spec = |name: &str, priority| TaskSpec { priority, ..task(name).pools(&["vendor"]) };
    let dag = Dag::new("pools", vec![spec("low", 0), spec("high", 5), spec("middle", 1), task("free")]);
    send(&pool, Request::new(dag, json!({}))).await;
    let worker = claimant(&pool, &["low", "high", "middle", "free"]).await;
    let names = async || claim(&pool, &worker, 9).await.unwrap().into_iter().map(|claimed| claimed.name).collect::<Vec<_>>();
    assert_eq!(names().await, ["high", "free"]);
    assert!(names().await.is_empty(), "the slot is held");
    sqlx::query!("insert into ops.pool (pool, slots) values ('vendor', 2)").execute(&pool).await.unwrap();
    assert_eq!(names().await, ["middle"]);
    // Nobody has reaped it yet; its slot is free all the same.
    sqlx::query!("update ops.task set lease_until = now() - interval '1 second' where name = 'high'").execute(&pool).await.unwrap();
    assert_eq!(names().await, ["low"]);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn what_a_node_does_not_know_is_left_to_another(pool: PgPool) {
    ask(&pool).await;
    assert!(claim_one(&pool, &claimant(&pool, &["other"]).await).await.is_none());
    assert!(claim_one(&pool, &claimant(&pool, &["first"]).await).await.is_some());
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_run_keeps_to_the_version_that_it_began_with(pool: PgPool) {
    let old = both();
    let run_id = send(&pool, Request::new(old, json!({}))).await;
    let new = Dag::new("both", vec![task("first"), task("between").after(&["first"]), task("second").after(&["between"])]);
    let registry = || {
        Registry::default()
            .handler("first", script(|_| done()))
            .handler("between", script(|_| done()))
            .handler("second", script(|_| done()))
    };
    let node = engine(&pool, registry().dag(new.clone())).spawn().unwrap();
    assert!(ended(&pool, run_id).await.succeeded);
    assert_eq!(tasks(&pool, run_id).await, ["first success", "second success"]);
    let next = send(&pool, Request::new(new, json!({}))).await;
    assert!(ended(&pool, next).await.succeeded);
    assert_eq!(tasks(&pool, next).await.len(), 3);
    node.stop().await;
    let versions = sqlx::query_scalar!(r#"select count(distinct version) as "count!" from ops.run"#).fetch_one(&pool).await.unwrap();
    assert_eq!(versions, 2);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn one_part_is_cleared_without_its_siblings(pool: PgPool) {
    let dag = Dag::new("fan", vec![task("list"), task("each").for_each_of("list")]);
    let run_id = send(&pool, Request::new(dag, json!({}))).await;
    let worker = claimant(&pool, &["list", "each"]).await;
    let list = claim_one(&pool, &worker).await.unwrap();
    settle_one(&pool, &list, Ok(Outcome::Parts { rows: 0, parts: vec![part("a"), part("b"), part("c")] })).await;
    let mut parts = claim(&pool, &worker, 3).await.unwrap().into_iter();
    let mut next = || parts.next().unwrap();
    settle_one(&pool, &next(), Err(TaskError::Final(trouble("broken")))).await;
    settle_one(&pool, &next(), done()).await;
    let only_failed = server::orchestrator::Selection { only_failed: true, ..Default::default() };
    assert_eq!(server::orchestrator::clear(&pool, run_id, &only_failed, None).await.unwrap(), ["each [a]"]);
    let states = sqlx::query_scalar!(r#"select part || ' ' || state as "part!" from ops.task where name = 'each' order by part"#);
    assert_eq!(states.fetch_all(&pool).await.unwrap(), ["a ready", "b success", "c running"]);
    settle_one(&pool, &next(), done()).await;
    settle_one(&pool, &claim_one(&pool, &worker).await.unwrap(), done()).await;
    let ended = ended(&pool, run_id).await;
    assert!(ended.succeeded && ended.error.is_none(), "what was said of the cleared part is over: {ended:?}");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_lease_is_kept_only_for_what_is_performed_and_never_revived(pool: PgPool) {
    let dag = Dag::new("pools", vec![task("one").pools(&["vendor"]), task("two").pools(&["vendor"])]);
    send(&pool, Request::new(dag, json!({}))).await;
    let (stalled, other) = (claimant(&pool, &["one"]).await, claimant(&pool, &["two"]).await);
    let held = claim_one(&pool, &stalled).await.unwrap();
    let left = async || {
        sqlx::query_scalar!(
            r#"select extract(epoch from lease_until - now())::float8 as "left!" from ops.task where task_id = $1"#,
            held.task_id
        )
        .fetch_one(&pool)
        .await
        .unwrap()
    };
    let shorten = "update ops.task set lease_until = now() + interval '3 seconds' where task_id = $1";
    sqlx::query(shorten).bind(held.task_id).execute(&pool).await.unwrap();
    let mut connection = pool.acquire().await.unwrap();
    server::orchestrator::extend(&mut connection, &[]).await.unwrap();
    assert!(left().await < 4.0, "what nobody performs isn't kept");
    server::orchestrator::extend(&mut connection, &[(held.task_id, held.epoch)]).await.unwrap();
    assert!(left().await > 10.0);
    expire_leases(&pool).await;
    assert!(claim_one(&pool, &other).await.is_some(), "its slot is free");
    server::orchestrator::extend(&mut connection, &[(held.task_id, held.epoch)]).await.unwrap();
    assert!(left().await < 0.0, "the slot is another's now");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn what_postgres_never_takes_fails_alone(pool: PgPool) {
    let dag = Dag::new("nul", vec![task("parts"), task("each").for_each_of("parts"), task("words"), task("good")]);
    let registry = Registry::default()
        .handler("parts", script(|_| Ok(Outcome::Parts { rows: 0, parts: vec![part("a\0b")] })))
        .handler("each", script(|_| done()))
        .handler("words", script(|_| Err(TaskError::Final(trouble("a\0b")))))
        .handler("good", script(|_| done()));
    let ended = run(&pool, dag, registry).await;
    assert_eq!(tasks(&pool, ended.run_id).await, ["parts failed", "each upstream_failed", "words failed", "good success"]);
}
