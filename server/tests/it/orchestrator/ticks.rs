//! What the scheduler decides of each tick, and why.

use super::*;
use chrono::TimeDelta;
use server::orchestrator::{CatchUp, When, decide_ticks, upsert};

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
    assert_eq!(decide_ticks(&pool, &HOURLY, DAG, &planner, start).await.unwrap(), None, "nothing is due before the first tick");
    let later = start + TimeDelta::hours(5);
    let run_id = decide_ticks(&pool, &HOURLY, DAG, &planner, later).await.unwrap().unwrap();
    let skipped = ("skipped".to_owned(), None);
    let ran = ("run".to_owned(), Some(run_id));
    assert_eq!(ticks(&pool).await, [skipped.clone(), skipped.clone(), skipped.clone(), skipped.clone(), ran]);
    assert_eq!(decide_ticks(&pool, &HOURLY, DAG, &planner, later).await.unwrap(), None, "a tick is decided once");
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
    assert_eq!(decide_ticks(&pool, &HOURLY, DAG, &planner, later).await.unwrap(), None);
    let reason = sqlx::query_scalar!("select reason from ops.tick order by logical_at desc limit 1").fetch_one(&pool).await.unwrap();
    assert_eq!(reason, "The exchange has no session on 2026-11-26.");
    let known = ticks(&pool).await.len();
    sqlx::query!("update ops.schedule set is_enabled = false").execute(&pool).await.unwrap();
    upsert(&pool, &[HOURLY]).await.unwrap();
    decide_ticks(&pool, &HOURLY, DAG, &planner, later + TimeDelta::hours(9)).await.unwrap();
    assert_eq!(ticks(&pool).await.len(), known, "who switched it off wants it off after the next start too");
}
