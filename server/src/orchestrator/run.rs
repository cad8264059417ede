//! A run's rows brought up to what its tasks say. Whoever writes to the tasks of a run locks the run first.

use super::{
    Part, Rule, TaskState,
    advance::{Node, end, moves},
    alert,
    request::CHANNEL,
};
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// A run that is locked for the rest of the transaction.
#[derive(Debug, Clone)]
pub(super) struct Locked {
    pub(super) run_id: i64,
    pub(super) dag: String,
    /// As in `ops.run.state`.
    pub(super) state: String,
    pub(super) is_cancelled: bool,
}

/// Locks runs, in the order of their numbers: two that lock the same ones wait for each other.
pub(super) async fn lock(connection: &mut PgConnection, runs: &[i64]) -> Result<Vec<Locked>, sqlx::Error> {
    sqlx::query_as!(
        Locked,
        r#"select run_id, dag, state, cancel_requested_at is not null as "is_cancelled!" from ops.run
           where run_id = any($1) order by run_id for update"#,
        runs
    )
    .fetch_all(connection)
    .await
}

/// As [`lock`], but for those that somebody else has locked: they are left out.
pub(super) async fn lock_free(connection: &mut PgConnection, runs: &[i64]) -> Result<Vec<Locked>, sqlx::Error> {
    sqlx::query_as!(
        Locked,
        r#"select run_id, dag, state, cancel_requested_at is not null as "is_cancelled!" from ops.run
           where run_id = any($1) order by run_id for update skip locked"#,
        runs
    )
    .fetch_all(connection)
    .await
}

struct Row {
    task_id: i64,
    run_id: i64,
    name: String,
    after: Vec<String>,
    rule: String,
    parts_of: Option<String>,
    state: String,
}

/// Lets every task start whose turn has come, and ends the runs that are at their end. The runs are locked and running already.
/// Idempotent.
pub(super) async fn advance_in(connection: &mut PgConnection, runs: &[i64]) -> Result<(), sqlx::Error> {
    let mut is_news = false;
    loop {
        let rows = sqlx::query_as!(
            Row,
            "select task_id, run_id, name, after, rule, parts_of, state from ops.task where run_id = any($1) order by run_id, position, part",
            runs
        )
        .fetch_all(&mut *connection)
        .await?;
        let mut by_run: BTreeMap<i64, Vec<Row>> = runs.iter().map(|&run_id| (run_id, Vec::new())).collect();
        for row in rows {
            by_run.entry(row.run_id).or_default().push(row);
        }
        let (mut moved, mut spread) = (Vec::new(), Vec::new());
        for rows in by_run.values() {
            let nodes: Vec<Node> = rows.iter().map(node).collect();
            for (at, state) in moves(&nodes) {
                let row = &rows[at];
                match (&row.parts_of, state) {
                    (Some(parent), TaskState::Ready) => spread.push((row, parent)),
                    _ => moved.push((row.task_id, state)),
                }
            }
        }
        is_news |= !moved.is_empty() || !spread.is_empty();
        apply(connection, &moved).await?;
        if spread.is_empty() {
            let ended: Vec<(i64, TaskState)> =
                by_run.iter().filter_map(|(&run_id, rows)| Some((run_id, end(rows.iter().map(|row| after_moves(row, &moved)))?))).collect();
            finish(connection, &ended).await?;
            break;
        }
        // A fan-out of nothing is skipped, which decides about those after it: look again.
        let mut seen = Vec::new();
        for (row, parent) in spread {
            if !seen.contains(&(row.run_id, &row.name)) {
                seen.push((row.run_id, &row.name));
                spread_out(connection, row, parent).await?;
            }
        }
    }
    if is_news {
        wake(connection).await?;
    }
    Ok(())
}

/// Word to whoever waits for a task; it leaves with the commit.
pub(super) async fn wake(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!("select pg_notify($1, '')", CHANNEL).execute(connection).await?;
    Ok(())
}

fn node(row: &Row) -> Node {
    Node { name: row.name.clone(), after: row.after.clone(), rule: Rule::parse(&row.rule).unwrap_or_default(), state: state_of(row) }
}

fn state_of(row: &Row) -> TaskState {
    TaskState::parse(&row.state).unwrap_or(TaskState::Waiting)
}

fn after_moves(row: &Row, moved: &[(i64, TaskState)]) -> TaskState {
    moved.iter().find(|(task_id, _)| *task_id == row.task_id).map_or_else(|| state_of(row), |(_, state)| *state)
}

async fn apply(connection: &mut PgConnection, moved: &[(i64, TaskState)]) -> Result<(), sqlx::Error> {
    if moved.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = moved.iter().map(|(task_id, _)| *task_id).collect();
    let states: Vec<String> = moved.iter().map(|(_, state)| state.as_str().to_owned()).collect();
    sqlx::query!(
        "update ops.task set state = moved.state, not_before = clock_timestamp(),
             ready_at = case moved.state when 'ready' then clock_timestamp() end,
             ended_at = case when moved.state <> 'ready' then clock_timestamp() end
         from unnest($1::bigint[], $2::text[]) as moved (task_id, state)
         where task.task_id = moved.task_id and task.state = 'waiting'",
        &ids,
        &states,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Puts the tasks of a fan-out's parts in the place of the one row that stood for them. After a clear some of them exist already,
/// with their attempts: those that wait are used again, what wasn't cleared stays as it is, and what isn't named any more is skipped.
async fn spread_out(connection: &mut PgConnection, row: &Row, parent: &str) -> Result<(), sqlx::Error> {
    let output = sqlx::query_scalar!("select output from ops.task where run_id = $1 and name = $2 and part = ''", row.run_id, parent)
        .fetch_optional(&mut *connection)
        .await?
        .flatten();
    let parts: Vec<Part> = output.and_then(|output| serde_json::from_value(output).ok()).unwrap_or_default();
    let names: Vec<String> = parts.iter().map(|part| part.part.clone()).collect();
    let inputs: Vec<serde_json::Value> = parts.into_iter().map(|part| part.input).collect();
    sqlx::query!(
        "insert into ops.task (run_id, position, name, part, after, rule, parts_of, input, pools, priority, queue_seconds, max_attempts, state,
             ready_at)
         select run_id, position, name, given.part, after, rule, parts_of, given.input, pools, priority, queue_seconds, max_attempts, 'ready',
             clock_timestamp()
         from ops.task, unnest($2::text[], $3::jsonb[]) as given (part, input) where task_id = $1
         on conflict (run_id, name, part) do update set state = 'ready', input = excluded.input, not_before = clock_timestamp(),
             ready_at = clock_timestamp(), ended_at = null
             where task.state = 'waiting'",
        row.task_id,
        &names,
        &inputs,
    )
    .execute(&mut *connection)
    .await?;
    // The stand-in goes once it has parts; without any it stays, skipped.
    sqlx::query!(
        "delete from ops.task where run_id = $1 and name = $2 and part = '' and cardinality($3::text[]) > 0",
        row.run_id,
        row.name,
        &names
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "update ops.task set state = 'skipped', ended_at = clock_timestamp()
         where run_id = $1 and name = $2 and state = 'waiting' and part <> all ($3)",
        row.run_id,
        row.name,
        &names,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Ends runs. One that was cancelled for a reason of the engine's own (a timeout) has failed for that reason.
async fn finish(connection: &mut PgConnection, ended: &[(i64, TaskState)]) -> Result<(), sqlx::Error> {
    if ended.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = ended.iter().map(|(run_id, _)| *run_id).collect();
    let states: Vec<String> = ended.iter().map(|(_, state)| state.as_str().to_owned()).collect();
    let rows = sqlx::query!(
        r#"update ops.run set ended_at = clock_timestamp(), held_by = null,
               state = case when ended.state = 'cancelled' and error is not null then 'failed' else ended.state end,
               error = case when ended.state = 'failed'
                   then coalesce(error, 'A task couldn''t start, because one before it had failed. Clear it too.') else error end
           from unnest($1::bigint[], $2::text[]) as ended (run_id, state)
           where run.run_id = ended.run_id and run.state in ('queued', 'running')
           returning run.run_id, run.dag, run.state, run.error"#,
        &ids,
        &states,
    )
    .fetch_all(&mut *connection)
    .await?;
    let ended: Vec<i64> = rows.iter().map(|row| row.run_id).collect();
    alert::resolve_ended(connection, &ended).await?;
    for row in rows {
        if row.state == "failed" {
            let reason = row.error.as_deref().unwrap_or("No reason was given.");
            let message = format!("Run {} of {} failed. {reason}", row.run_id, row.dag);
            alert::raise(connection, alert::Kind::RunFailed, &row.run_id.to_string(), &message).await?;
        }
        tracing::info!(run_id = row.run_id, dag = row.dag, state = row.state, "run ended");
    }
    Ok(())
}
