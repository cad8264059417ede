//! The end of attempts: their outcome, what becomes of task and run, in one transaction.

use super::{
    Definitions, Outcome, Part, RetryPolicy, TaskError,
    clear::label,
    context::{Completion, complete_in, is_outage},
    lease::{Claimed, release},
    log::cut,
    retry::{Class, Tally},
    run::{advance_in, lock},
};
use sqlx::PgPool;
use std::time::Duration;

/// How the performing of a task ended.
#[derive(Debug)]
pub enum End {
    Success(Outcome),
    Error(TaskError),
    /// The attempt took longer than this.
    Timeout(Duration),
    /// All attempts together took longer than this.
    OutOfTime(Duration),
    Panic(String),
    /// Its process stops, or its run was cancelled.
    Dropped,
}

impl From<Result<Outcome, TaskError>> for End {
    fn from(result: Result<Outcome, TaskError>) -> Self {
        match result {
            Ok(outcome) => Self::Success(outcome),
            Err(error) => Self::Error(error),
        }
    }
}

/// A timeout or a panic, as a person reads it.
#[derive(Debug, thiserror::Error)]
enum Broken {
    #[error("it took longer than {}", minutes(*.0))]
    Slow(Duration),
    #[error("a fault of this program ended it: {0}")]
    Panic(String),
    #[error("what it ended with can't be written down")]
    Unwritable(#[source] sqlx::Error),
    #[error("it names two parts {0}, or one without a name; a fault of this program")]
    Parts(String),
}

fn minutes(limit: Duration) -> String {
    let seconds = limit.as_secs();
    if seconds < 120 { format!("{:.1} seconds", limit.as_secs_f64()) } else { format!("{} minutes", seconds / 60) }
}

/// Writes down how attempts ended, and lets their runs go on: all that ended well together, each of the others by itself. An attempt
/// whose lease was lost changes nothing but its own row.
///
/// # Errors
/// What Postgres says; then nothing was written of those that aren't settled, and settling again is harmless.
pub async fn settle(
    pool: &PgPool,
    definitions: &Definitions,
    retries: Option<RetryPolicy>,
    ended: &[(Claimed, End)],
) -> Result<(), sqlx::Error> {
    let mut done = Vec::new();
    for (claimed, end) in ended {
        let broken = |error: Broken| TaskError::Retryable(Box::new(error));
        match end {
            End::Success(Outcome::Completed) => {}
            End::Success(Outcome::Done { rows }) => done.push((claimed, *rows, None, false)),
            End::Success(Outcome::Skipped { reason }) => {
                tracing::info!(run_id = claimed.run_id, task = claimed.name, reason, "task skipped");
                done.push((claimed, 0, None, true));
            }
            End::Success(Outcome::Parts { rows, parts }) => match unnamed(parts) {
                None => done.push((claimed, *rows, serde_json::to_value(parts).ok(), false)),
                Some(part) => {
                    failed(pool, definitions, retries, claimed, "error", &TaskError::Final(Box::new(Broken::Parts(part)))).await?
                }
            },
            End::Dropped | End::Error(TaskError::Cancelled) => release(pool, claimed).await?,
            End::Error(error) => failed(pool, definitions, retries, claimed, "error", error).await?,
            End::Timeout(limit) => failed(pool, definitions, retries, claimed, "timeout", &broken(Broken::Slow(*limit))).await?,
            End::OutOfTime(limit) => {
                failed(pool, definitions, retries, claimed, "timeout", &TaskError::Final(Box::new(Broken::Slow(*limit)))).await?
            }
            End::Panic(message) => failed(pool, definitions, retries, claimed, "error", &broken(Broken::Panic(message.clone()))).await?,
        }
    }
    match succeeded(pool, &done).await {
        Err(error) if !is_passing(&error) => {
            // What Postgres will never take must not hold up what it would: one by one, and that one as a failure.
            for one in &done {
                match succeeded(pool, std::slice::from_ref(one)).await {
                    Err(error) if !is_passing(&error) => {
                        failed(pool, definitions, retries, one.0, "error", &TaskError::Final(Box::new(Broken::Unwritable(error)))).await?;
                    }
                    other => other?,
                }
            }
            Ok(())
        }
        other => other,
    }
}

/// May the same statement do better in a moment: after an outage, a deadlock, a lock or a serialization that failed?
fn is_passing(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    is_outage(error) || code.is_none_or(|code| code.starts_with("40") || code.starts_with("53") || code.starts_with("55"))
}

/// The first part whose name can't tell it from the others.
fn unnamed(parts: &[Part]) -> Option<String> {
    let mut names = std::collections::BTreeSet::new();
    parts.iter().find(|part| part.part.is_empty() || !names.insert(part.part.as_str())).map(|part| part.part.clone())
}

async fn succeeded(pool: &PgPool, done: &[(&Claimed, u64, Option<serde_json::Value>, bool)]) -> Result<(), sqlx::Error> {
    if done.is_empty() {
        return Ok(());
    }
    let mut runs: Vec<i64> = done.iter().map(|(claimed, ..)| claimed.run_id).collect();
    runs.sort_unstable();
    runs.dedup();
    let mut transaction = pool.begin().await?;
    lock(&mut transaction, &runs).await?;
    let completions: Vec<Completion> = done
        .iter()
        .map(|(claimed, rows, output, is_skipped)| Completion {
            held: (claimed.task_id, claimed.epoch),
            rows: *rows,
            output: output.clone(),
            is_skipped: *is_skipped,
        })
        .collect();
    let completed = complete_in(&mut transaction, &completions).await?;
    for (claimed, ..) in done.iter().filter(|(claimed, ..)| !completed.contains(&claimed.task_id)) {
        sqlx::query!(
            "update ops.attempt set outcome = 'fenced', ended_at = clock_timestamp() where task_id = $1 and number = $2 and outcome is null",
            claimed.task_id,
            claimed.number
        )
        .execute(&mut *transaction)
        .await?;
        tracing::warn!(run_id = claimed.run_id, task_id = claimed.task_id, "task was taken over by another worker");
    }
    // Of the others nothing changed; they may not even run any more.
    runs.retain(|run_id| done.iter().any(|(claimed, ..)| claimed.run_id == *run_id && completed.contains(&claimed.task_id)));
    advance_in(&mut transaction, &runs).await?;
    transaction.commit().await
}

async fn failed(
    pool: &PgPool,
    definitions: &Definitions,
    retries: Option<RetryPolicy>,
    claimed: &Claimed,
    outcome: &str,
    error: &TaskError,
) -> Result<(), sqlx::Error> {
    let chain = chain(error);
    let class = Class::of(error);
    let outcome = match class {
        None => "fenced",
        Some(Class::Lost) => "lost",
        Some(_) => outcome,
    };
    let dag = definitions.of(&claimed.dag, &claimed.version).await?;
    let policy = retries.or(dag.as_ref().map(|dag| dag.retries)).unwrap_or_default();
    let mut transaction = pool.begin().await?;
    let run = lock(&mut transaction, &[claimed.run_id]).await?.pop();
    // The attempt of a reaped lease says "lost" already, and keeps saying it.
    sqlx::query!(
        "update ops.attempt set outcome = $3, ended_at = clock_timestamp(), error_class = $4, error_chain = $5
         where task_id = $1 and number = $2 and outcome is null",
        claimed.task_id,
        claimed.number,
        outcome,
        class.and_then(Class::as_str),
        &chain,
    )
    .execute(&mut *transaction)
    .await?;
    let Some(class) = class else {
        transaction.commit().await?;
        tracing::warn!(chain = chain.join(": "), "task was taken over by another worker");
        return Ok(());
    };
    let tally = tally(&mut transaction, claimed.task_id).await?;
    let is_spent = claimed.most_tries.is_some_and(|tries| class != Class::Lost && tally.tries() >= tries.unsigned_abs());
    let wait = policy.wait(class, tally, u32::try_from(claimed.max_attempts).unwrap_or(1), rand::random()).filter(|_| !is_spent);
    let is_cancelled = run.is_some_and(|run| run.is_cancelled);
    let (state, seconds) = match wait {
        _ if is_cancelled => ("cancelled", 0.0),
        Some(wait) => ("delayed", wait.as_secs_f64()),
        None => ("failed", 0.0),
    };
    let changed = sqlx::query!(
        "update ops.task set state = $3, not_before = clock_timestamp() + make_interval(secs => $4), lease_owner = null, lease_until = null,
             ended_at = case when $3 <> 'delayed' then clock_timestamp() end, ready_at = null
         where task_id = $1 and lease_epoch = $2 and state = 'running'",
        claimed.task_id,
        claimed.epoch,
        state,
        seconds,
    )
    .execute(&mut *transaction)
    .await?
    .rows_affected();
    if changed > 0 && state == "failed" {
        let spec = dag.as_ref().and_then(|dag| dag.spec(&claimed.name));
        let purpose = spec.map_or(claimed.name.as_str(), |spec| spec.purpose.as_str());
        let purpose = label(purpose, &claimed.part);
        let sentence = format!("{purpose} failed: {}", chain.first().map_or("no reason was given", String::as_str));
        sqlx::query!("update ops.run set error = coalesce(error, $2) where run_id = $1", claimed.run_id, sentence)
            .execute(&mut *transaction)
            .await?;
        tracing::error!(class = class.as_str(), chain = chain.join(": "), "task failed");
    } else if changed > 0 && state == "delayed" {
        tracing::warn!(class = class.as_str(), wait_seconds = seconds, chain = chain.join(": "), "attempt failed; another follows");
    }
    if changed > 0 {
        advance_in(&mut transaction, &[claimed.run_id]).await?;
    }
    transaction.commit().await
}

/// What the attempts since the last clear came to.
async fn tally(connection: &mut sqlx::PgConnection, task_id: i64) -> Result<Tally, sqlx::Error> {
    let counts = sqlx::query!(
        r#"select count(*) filter (where error_class in ('retryable', 'final')) as "errors!",
                  count(*) filter (where error_class = 'rate_limited') as "rate_limited!",
                  count(*) filter (where error_class = 'not_ready') as "not_ready!",
                  count(*) filter (where outcome = 'lost') as "lost!"
           from ops.attempt join ops.task using (task_id) where task_id = $1 and number > cleared_at_attempt"#,
        task_id
    )
    .fetch_one(connection)
    .await?;
    let count = |count: i64| u32::try_from(count).unwrap_or(u32::MAX);
    Ok(Tally {
        errors: count(counts.errors),
        rate_limited: count(counts.rate_limited),
        not_ready: count(counts.not_ready),
        lost: count(counts.lost),
    })
}

/// The error and its causes, outermost first; wrappers that only repeat their cause are left out.
pub(super) fn chain(error: &dyn std::error::Error) -> Vec<String> {
    let mut texts = vec![cut(error.to_string())];
    let mut source = error.source();
    while let Some(cause) = source {
        let text = cut(cause.to_string());
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

    #[test]
    fn a_limit_is_said_in_fitting_units() {
        assert_eq!(minutes(Duration::from_millis(500)), "0.5 seconds");
        assert_eq!(minutes(Duration::from_secs(1800)), "30 minutes");
    }

    #[test]
    fn parts_need_names_of_their_own() {
        let part = |name: &str| Part { part: name.into(), input: serde_json::Value::Null };
        assert_eq!(unnamed(&[part("a"), part("b")]), None);
        assert_eq!(unnamed(&[part("a"), part("a")]).as_deref(), Some("a"));
        assert_eq!(unnamed(&[part("")]).as_deref(), Some(""));
    }
}
