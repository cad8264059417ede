//! What attempts said is stored line by line, also of those that failed, and goes when it is old.

use super::*;
use server::orchestrator::{JournalLayer, forget_old_logs};
use tracing_subscriber::layer::SubscriberExt;

/// Says something, and fails the first time.
struct Talking(AtomicU32);

#[async_trait]
impl Handler for Talking {
    async fn perform(&self, _: TaskContext) -> Result<Outcome, TaskError> {
        tracing::info!(symbol = "AAPL", asked = 3, "asking the vendor");
        match self.0.fetch_add(1, Ordering::SeqCst) {
            0 => Err(TaskError::Retryable(trouble("the vendor hung up"))),
            _ => done(),
        }
    }
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn lines_of_every_attempt_are_stored_and_forgotten_in_time(pool: PgPool) {
    // With a single subscriber, tracing asks the thread that reaches a line first, which may be another test's without any.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(JournalLayer));
    tracing::info!("outside of every attempt");
    let registry = Registry::default().handler("first", Talking(AtomicU32::new(0))).handler("second", script(|_| done()));
    let ended = run(&pool, both(), registry).await;
    assert!(ended.succeeded, "{ended:?}");
    // The node has ended, so everything is written.
    let lines = sqlx::query!(
        "select name, number, line, level, message, fields from ops.log join ops.task using (task_id) where run_id = $1 order by position, number, line",
        ended.run_id
    )
    .fetch_all(&pool)
    .await
    .unwrap();
    let said: Vec<String> = lines.iter().map(|line| format!("{} {} {} {}", line.name, line.number, line.level, line.message)).collect();
    let expected = [
        "first 1 INFO task started",
        "first 1 INFO asking the vendor",
        "first 1 WARN task ended",
        "first 2 INFO task started",
        "first 2 INFO asking the vendor",
        "first 2 INFO task ended",
        "second 1 INFO task started",
        "second 1 INFO task ended",
    ];
    assert_eq!(said, expected);
    assert_eq!(lines[1].fields, json!({ "symbol": "AAPL", "asked": 3 }));
    assert_eq!(lines[2].fields["error"], "the vendor hung up");
    assert_eq!(lines.iter().map(|line| line.line).collect::<Vec<_>>(), [1, 2, 3, 1, 2, 3, 1, 2]);

    assert_eq!(forget_old_logs(&pool).await.unwrap(), 0);
    sqlx::query!("update ops.run set ended_at = ended_at - interval '91 days'").execute(&pool).await.unwrap();
    assert_eq!(forget_old_logs(&pool).await.unwrap(), 2, "two tasks");
    let left = sqlx::query_scalar!(r#"select count(*) as "count!" from ops.log"#).fetch_one(&pool).await.unwrap();
    assert_eq!(left, 0);
}
