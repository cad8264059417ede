//! What the scheduler decides of each tick, and why.

use super::*;
use chrono::TimeDelta;
use server::orchestrator::{CatchUp, When, decide_ticks, pause, reconcile, resume, upsert};

const HOURLY: Schedule = Schedule {
    id: "hourly",
    dag: "both",
    when: When::Cron { expression: "0 * * * *", zone: "UTC" },
    catch_up: CatchUp::Latest,
    description: "hourly",
};

async fn ticks(pool: &PgPool) -> Vec<(String, Option<i64>)> {
    sqlx::query!("select outcome, run_id from ops.tick order by logical_at")
        .map(|row| (row.outcome, row.run_id))
        .fetch_all(pool)
        .await
        .unwrap()
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn ticks_follow_their_ledger_and_only_the_latest_missed_one_runs(pool: PgPool) {
    upsert(&pool, &[HOURLY]).await.unwrap();
    let planner = Fixed(Plan::Run { parameters: json!({"n": 1}) });
    let start = Utc::now();
    assert_eq!(decide_ticks(&pool, &HOURLY, &both(), &planner, start).await.unwrap(), None, "nothing is due before the first tick");
    let later = start + TimeDelta::hours(5);
    let run_id = decide_ticks(&pool, &HOURLY, &both(), &planner, later).await.unwrap().unwrap();
    let skipped = ("skipped".to_owned(), None);
    let ran = ("run".to_owned(), Some(run_id));
    assert_eq!(ticks(&pool).await, [skipped.clone(), skipped.clone(), skipped.clone(), skipped.clone(), ran]);
    assert_eq!(decide_ticks(&pool, &HOURLY, &both(), &planner, later).await.unwrap(), None, "a tick is decided once");
    let reason = sqlx::query_scalar!("select reason from ops.tick order by logical_at desc limit 1").fetch_one(&pool).await.unwrap();
    assert!(reason.starts_with("On time.") || reason.starts_with("Caught up"), "{reason}");
    let run = sqlx::query!("select trigger, logical_at from ops.run where run_id = $1", run_id).fetch_one(&pool).await.unwrap();
    assert!(run.trigger == "schedule" && run.logical_at.is_some());
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_skipped_tick_says_why_and_a_disabled_schedule_has_none(pool: PgPool) {
    upsert(&pool, &[HOURLY]).await.unwrap();
    let planner = Fixed(Plan::Skip { reason: "The exchange has no session on 2026-11-26.".into() });
    let later = Utc::now() + TimeDelta::minutes(61);
    assert_eq!(decide_ticks(&pool, &HOURLY, &both(), &planner, later).await.unwrap(), None);
    let reason = sqlx::query_scalar!("select reason from ops.tick order by logical_at desc limit 1").fetch_one(&pool).await.unwrap();
    assert_eq!(reason, "The exchange has no session on 2026-11-26.");
    let known = ticks(&pool).await.len();
    sqlx::query!("update ops.schedule set is_enabled = false").execute(&pool).await.unwrap();
    upsert(&pool, &[HOURLY]).await.unwrap();
    decide_ticks(&pool, &HOURLY, &both(), &planner, later + TimeDelta::hours(9)).await.unwrap();
    assert_eq!(ticks(&pool).await.len(), known, "who switched it off wants it off after the next start too");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn ticks_of_a_pause_wait_for_its_end(pool: PgPool) {
    upsert(&pool, &[HOURLY]).await.unwrap();
    let planner = Fixed(Plan::Run { parameters: json!({}) });
    pause(&pool, "both", None).await.unwrap();
    let later = Utc::now() + TimeDelta::hours(3);
    assert_eq!(decide_ticks(&pool, &HOURLY, &both(), &planner, later).await.unwrap(), None);
    assert!(ticks(&pool).await.iter().all(|(outcome, run)| outcome == "paused" && run.is_none()));
    resume(&pool, "both", None).await.unwrap();
    let run_id = decide_ticks(&pool, &HOURLY, &both(), &planner, later).await.unwrap();
    let decided = ticks(&pool).await;
    assert_eq!(decided.last(), Some(&("run".to_owned(), run_id)));
    assert!(
        decided.len() == 3 && decided[..2].iter().all(|(outcome, _)| outcome == "skipped"),
        "as if the server had been off: {decided:?}"
    );
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_hole_in_the_ledger_is_found(pool: PgPool) {
    upsert(&pool, &[HOURLY]).await.unwrap();
    let planner = Fixed(Plan::Skip { reason: "Nothing to do.".into() });
    decide_ticks(&pool, &HOURLY, &both(), &planner, Utc::now() + TimeDelta::hours(4)).await.unwrap();
    assert!(reconcile(&pool, &HOURLY).await.unwrap().is_empty());
    let lost = sqlx::query_scalar!(
        "delete from ops.tick where logical_at = (select logical_at from ops.tick order by logical_at offset 1 limit 1) returning logical_at"
    );
    let lost = lost.fetch_one(&pool).await.unwrap();
    assert_eq!(reconcile(&pool, &HOURLY).await.unwrap(), [lost]);
    let alert = sqlx::query_scalar!("select message from ops.alert where kind = 'schedule_dead' and resolved_at is null");
    assert!(alert.fetch_one(&pool).await.unwrap().contains("missed 1"));
    assert!(reconcile(&pool, &HOURLY).await.unwrap().is_empty(), "it is written down now");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn eight_schedulers_make_one_tick_and_one_run(pool: PgPool) {
    upsert(&pool, &[HOURLY]).await.unwrap();
    let planner = Fixed(Plan::Run { parameters: json!({}) });
    let (dag, later) = (both(), Utc::now() + TimeDelta::minutes(61));
    let at_once = (0..8).map(|_| decide_ticks(&pool, &HOURLY, &dag, &planner, later));
    let runs: Vec<_> = futures::future::join_all(at_once).await.into_iter().filter_map(Result::unwrap).collect();
    assert_eq!(runs.len(), 1);
    let made = sqlx::query_scalar!(r#"select count(*) as "count!" from ops.run"#).fetch_one(&pool).await.unwrap();
    assert_eq!(made, 1);
}
