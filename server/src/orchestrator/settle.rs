//! The end of an attempt: its outcome, what becomes of the task and the run, in one transaction.

use super::{
    Outcome, Registry, RetryPolicy, TaskContext, TaskError,
    advance::advance_in,
    lease::Claimed,
    retry::{Class, Tally},
};
use sqlx::PgPool;
use std::time::Duration;

/// How the performing of a task ended.
#[derive(Debug)]
pub(super) enum End {
    Success(Outcome),
    Error(TaskError),
    Timeout(Duration),
    Panic(String),
}

/// A timeout or a panic, as a person reads it.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("it took longer than {} minutes; it starts again where it was", .0.as_secs() / 60)]
    Slow(Duration),
    #[error("a fault of this program ended it: {0}")]
    Panic(String),
}

/// Writes down how the attempt ended and lets the run go on. An attempt whose lease was lost changes nothing but its own row.
///
/// # Errors
/// What Postgres says; then nothing was written, and the lease runs out.
pub async fn settle(
    pool: &PgPool,
    registry: &Registry,
    policy: &RetryPolicy,
    claimed: &Claimed,
    ctx: &TaskContext,
    result: Result<Outcome, TaskError>,
) -> Result<(), TaskError> {
    let end = match result {
        Ok(outcome) => End::Success(outcome),
        Err(error) => End::Error(error),
    };
    settle_end(pool, registry, policy, claimed, ctx, end).await
}

pub(super) async fn settle_end(
    pool: &PgPool,
    registry: &Registry,
    policy: &RetryPolicy,
    claimed: &Claimed,
    ctx: &TaskContext,
    end: End,
) -> Result<(), TaskError> {
    match end {
        End::Success(Outcome::Done { rows }) => {
            let mut transaction = ctx.begin().await?;
            if let Err(fenced @ TaskError::Fenced(_)) = ctx.complete(&mut transaction, rows).await {
                transaction.rollback().await?;
                return failed(pool, registry, policy, claimed, "fenced", &fenced).await;
            }
            advance_in(&mut transaction, claimed.run_id).await?;
            transaction.commit().await?;
            tracing::info!("task succeeded");
            Ok(())
        }
        End::Success(Outcome::Completed) => {
            super::advance(pool, claimed.run_id).await?;
            tracing::info!("task succeeded");
            Ok(())
        }
        End::Error(error) => failed(pool, registry, policy, claimed, "error", &error).await,
        End::Timeout(limit) => {
            failed(pool, registry, policy, claimed, "timeout", &TaskError::Retryable(Box::new(Broken::Slow(limit)))).await
        }
        End::Panic(message) => {
            failed(pool, registry, policy, claimed, "error", &TaskError::Retryable(Box::new(Broken::Panic(message)))).await
        }
    }
}

async fn failed(
    pool: &PgPool,
    registry: &Registry,
    policy: &RetryPolicy,
    claimed: &Claimed,
    outcome: &str,
    error: &TaskError,
) -> Result<(), TaskError> {
    let chain = chain(error);
    let class = Class::of(error);
    let outcome = if class.is_none() { "fenced" } else { outcome };
    let mut transaction = pool.begin().await?;
    // The attempt of a reaped lease says "lost" already, and keeps saying it.
    sqlx::query!(
        "update ops.attempt set outcome = $3, ended_at = clock_timestamp(), error_class = $4, error_chain = $5
         where task_id = $1 and number = $2 and outcome is null",
        claimed.task_id,
        claimed.number,
        outcome,
        class.map(Class::as_str),
        &chain,
    )
    .execute(&mut *transaction)
    .await?;
    let Some(class) = class else {
        transaction.commit().await?;
        tracing::warn!(chain = chain.join(": "), "task was taken over by another worker");
        return Ok(());
    };
    let counts = sqlx::query!(
        r#"select count(*) filter (where error_class in ('retryable', 'final')) as "errors!",
                  count(*) filter (where error_class = 'rate_limited') as "rate_limited!",
                  count(*) filter (where error_class = 'not_ready') as "not_ready!"
           from ops.attempt where task_id = $1"#,
        claimed.task_id
    )
    .fetch_one(&mut *transaction)
    .await?;
    let count = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    let tally = Tally { errors: count(counts.errors), rate_limited: count(counts.rate_limited), not_ready: count(counts.not_ready) };
    match policy.wait(class, tally, u32::try_from(claimed.max_attempts).unwrap_or(1), rand::random()) {
        Some(wait) => {
            sqlx::query!(
                "update ops.task set state = 'delayed', not_before = clock_timestamp() + make_interval(secs => $3), lease_owner = null, lease_until = null
                 where task_id = $1 and lease_epoch = $2 and state = 'running'",
                claimed.task_id,
                claimed.epoch,
                wait.as_secs_f64(),
            )
            .execute(&mut *transaction)
            .await?;
            transaction.commit().await?;
            tracing::warn!(class = class.as_str(), wait_ms = wait.as_millis(), chain = chain.join(": "), "attempt failed; another follows");
        }
        None => {
            let purpose = registry.spec(&claimed.dag, &claimed.name).map_or(claimed.name.as_str(), |spec| spec.purpose);
            let sentence = format!("{purpose} failed: {}", chain.first().map_or("no reason was given", String::as_str));
            let ended = sqlx::query!(
                "update ops.task set state = 'failed', ended_at = clock_timestamp(), lease_owner = null, lease_until = null
                 where task_id = $1 and lease_epoch = $2 and state = 'running'",
                claimed.task_id,
                claimed.epoch,
            )
            .execute(&mut *transaction)
            .await?
            .rows_affected();
            if ended > 0 {
                sqlx::query!("update ops.run set error = $2 where run_id = $1", claimed.run_id, sentence)
                    .execute(&mut *transaction)
                    .await?;
                advance_in(&mut transaction, claimed.run_id).await?;
            }
            transaction.commit().await?;
            tracing::error!(class = class.as_str(), chain = chain.join(": "), "task failed");
        }
    }
    Ok(())
}

/// The error and its causes, outermost first; wrappers that only repeat their cause are left out.
fn chain(error: &dyn std::error::Error) -> Vec<String> {
    let mut texts = vec![error.to_string()];
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cause.to_string();
        if texts.last() != Some(&text) {
            texts.push(text);
        }
        source = cause.source();
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chain_says_each_thing_once() {
        let cause = std::io::Error::other("connection cut");
        assert_eq!(chain(&TaskError::Retryable(Box::new(cause))), ["connection cut"]);
    }
}
