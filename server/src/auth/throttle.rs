//! Slows down guessing: a name takes five failures in a quarter of an hour, known or not.

use sqlx::PgPool;

/// Failures after which a name has to wait.
const FAILURES: i64 = 5;

/// May this name be tried now? Counts the try as a failure beforehand, under a lock, so that a hundred tries at once
/// are five; [`forget`] takes it back when the password was right.
pub(super) async fn admits(pool: &PgPool, name: &str) -> sqlx::Result<bool> {
    let name: String = name.chars().take(64).collect();
    let mut tx = pool.begin().await?;
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended('sign-in:' || $1, 0))", name).execute(&mut *tx).await?;
    let failed = sqlx::query_scalar!(
        r#"select count(*) as "count!" from auth.sign_in_failure where name = $1 and failed_at > now() - interval '15 minutes'"#,
        name
    )
    .fetch_one(&mut *tx)
    .await?;
    let admits = failed < FAILURES;
    if admits {
        sqlx::query!("insert into auth.sign_in_failure (name) values ($1)", name).execute(&mut *tx).await?;
    }
    tx.commit().await?;
    Ok(admits)
}

/// The password was right, or reset: the name starts anew.
pub(super) async fn forget(pool: &PgPool, name: &str) -> sqlx::Result<()> {
    sqlx::query!("delete from auth.sign_in_failure where name = left($1, 64)", name).execute(pool).await?;
    Ok(())
}
