//! Where a run stands, worked out from its tasks: who is ready next, and whether it has ended.

use sqlx::{PgConnection, PgPool};

/// What follows from the states of a run's tasks, in order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// The task at this place may start.
    Ready(usize),
    /// A task failed: what comes after it won't run.
    Failed,
    Succeeded,
    /// Something is under way or waits for its time.
    Nothing,
}

fn step(states: &[&str]) -> Step {
    for (place, state) in states.iter().enumerate() {
        match *state {
            "success" | "skipped" => {}
            "waiting" => return Step::Ready(place),
            "failed" | "upstream_failed" | "cancelled" => return Step::Failed,
            _ => return Step::Nothing,
        }
    }
    Step::Succeeded
}

/// Brings a run up to what its tasks say. Idempotent: it is called after each task, and for every live run at the start,
/// because a task that completes itself may be the last thing that a killed process did.
///
/// # Errors
/// What Postgres says.
pub async fn advance(pool: &PgPool, run_id: i64) -> Result<(), sqlx::Error> {
    let mut transaction = pool.begin().await?;
    advance_in(&mut transaction, run_id).await?;
    transaction.commit().await
}

pub(super) async fn advance_in(connection: &mut PgConnection, run_id: i64) -> Result<(), sqlx::Error> {
    let live = sqlx::query_scalar!("select run_id from ops.run where run_id = $1 and state in ('queued', 'running') for update", run_id)
        .fetch_optional(&mut *connection)
        .await?;
    if live.is_none() {
        return Ok(());
    }
    let tasks =
        sqlx::query!("select task_id, state from ops.task where run_id = $1 order by position", run_id).fetch_all(&mut *connection).await?;
    let states: Vec<&str> = tasks.iter().map(|task| task.state.as_str()).collect();
    match step(&states) {
        Step::Nothing => {}
        Step::Ready(place) => {
            sqlx::query!("update ops.task set state = 'ready', not_before = clock_timestamp() where task_id = $1", tasks[place].task_id)
                .execute(&mut *connection)
                .await?;
        }
        Step::Failed => {
            sqlx::query!(
                "update ops.task set state = 'upstream_failed', ended_at = clock_timestamp() where run_id = $1 and state = 'waiting'",
                run_id
            )
            .execute(&mut *connection)
            .await?;
            end(connection, run_id, "failed").await?;
        }
        Step::Succeeded => end(connection, run_id, "success").await?,
    }
    Ok(())
}

async fn end(connection: &mut PgConnection, run_id: i64, state: &str) -> Result<(), sqlx::Error> {
    sqlx::query!("update ops.run set state = $2, ended_at = clock_timestamp() where run_id = $1", run_id, state)
        .execute(connection)
        .await?;
    tracing::info!(run_id, state, "run ended");
    Ok(())
}

/// Every live run, for a new leader.
pub(super) async fn advance_all(pool: &PgPool) -> Result<(), sqlx::Error> {
    for run_id in
        sqlx::query_scalar!("select run_id from ops.run where state in ('queued', 'running') order by run_id").fetch_all(pool).await?
    {
        advance(pool, run_id).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_task_waits_for_the_one_before() {
        assert_eq!(step(&["running", "waiting"]), Step::Nothing);
        assert_eq!(step(&["delayed", "waiting"]), Step::Nothing);
        assert_eq!(step(&["success", "waiting", "waiting"]), Step::Ready(1));
        assert_eq!(step(&["success", "ready", "waiting"]), Step::Nothing);
        assert_eq!(step(&["success", "failed", "waiting"]), Step::Failed);
        assert_eq!(step(&["success", "success"]), Step::Succeeded);
        assert_eq!(step(&[]), Step::Succeeded);
    }
}
