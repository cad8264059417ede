//! The call budget of a connection: a sliding window in Postgres, by its clock, so that it survives restarts and holds
//! across processes.

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use std::time::Duration;

use super::Connection;

/// The vendor's minute and a second more, since its clock sees our calls later than ours does.
const WINDOW: TimeDelta = TimeDelta::seconds(61);

/// How long until the next call may go: zero when now. `recent` are the calls of the last window, oldest first.
fn wait(recent: &[DateTime<Utc>], blocked_until: Option<DateTime<Utc>>, calls_per_minute: u32, now: DateTime<Utc>) -> Duration {
    let limit = usize::try_from(calls_per_minute).unwrap_or(usize::MAX).max(1);
    let free_at = recent.len().checked_sub(limit).and_then(|over| recent.get(over)).map(|oldest| *oldest + WINDOW);
    let until = [free_at, blocked_until].into_iter().flatten().max();
    until.and_then(|until| (until - now).to_std().ok()).unwrap_or(Duration::ZERO)
}

/// Takes one call if the budget has one; otherwise says how long until it has. Unlimited connections ask nothing.
///
/// # Errors
/// What Postgres says.
pub(super) async fn take(pool: &PgPool, connection: &Connection) -> Result<Duration, sqlx::Error> {
    let Some(calls_per_minute) = limit(connection) else { return Ok(Duration::ZERO) };
    let id = connection.id.get();
    let mut step = pool.begin().await?;
    sqlx::query!("insert into ops.call_budget (connection_id) values ($1) on conflict do nothing", id).execute(&mut *step).await?;
    let budget = sqlx::query!(
        r#"select called_at, blocked_until, clock_timestamp() as "now!" from ops.call_budget where connection_id = $1 for update"#,
        id
    )
    .fetch_one(&mut *step)
    .await?;
    // The statement's clock may have been read before the lock was ours; calls from later than "now" still count.
    let mut recent: Vec<_> = budget.called_at.into_iter().filter(|at| *at + WINDOW > budget.now).collect();
    recent.sort_unstable();
    let wait = wait(&recent, budget.blocked_until, calls_per_minute, budget.now);
    if wait.is_zero() {
        recent.push(budget.now);
        sqlx::query!("update ops.call_budget set called_at = $2 where connection_id = $1", id, &recent).execute(&mut *step).await?;
    }
    step.commit().await?;
    Ok(wait)
}

/// Keeps everybody off for as long as the vendor said.
///
/// # Errors
/// What Postgres says.
pub(super) async fn block(pool: &PgPool, connection: &Connection, wait: Duration) -> Result<(), sqlx::Error> {
    if limit(connection).is_none() {
        return Ok(());
    }
    sqlx::query!(
        "insert into ops.call_budget (connection_id, blocked_until) values ($1, clock_timestamp() + make_interval(secs => $2))
         on conflict (connection_id) do update set blocked_until = greatest(call_budget.blocked_until, excluded.blocked_until)",
        connection.id.get(),
        wait.as_secs_f64(),
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// A connection that isn't kept yet (id 0) is tried once, outside any budget.
fn limit(connection: &Connection) -> Option<u32> {
    connection.calls_per_minute.filter(|_| connection.id.get() != 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_700_000_000 + second, 0).unwrap()
    }

    #[test]
    fn the_sixth_call_waits_for_the_first_to_leave_the_window() {
        let calls: Vec<_> = (0..5).map(at).collect();
        assert_eq!(wait(&calls[..4], None, 5, at(10)), Duration::ZERO);
        assert_eq!(wait(&calls, None, 5, at(10)), Duration::from_secs(51));
        assert_eq!(wait(&calls, None, 4, at(10)), Duration::from_secs(52));
        assert_eq!(wait(&[], Some(at(30)), 5, at(10)), Duration::from_secs(20));
        assert_eq!(wait(&[], Some(at(5)), 5, at(10)), Duration::ZERO);
    }
}
