//! Which queued runs may begin, and what holds the others.

use super::{Overlap, request::hold_requests, run::advance_in};
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};

/// A live run, as far as admission looks at it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub run_id: i64,
    /// Else it is queued.
    pub is_running: bool,
    /// The backfill that it is part of, and how many of its runs may be under way at once.
    pub backfill: Option<(i64, usize)>,
    /// The scheduled run before it that hasn't succeeded, where the DAG waits for it: its number and state.
    pub past: Option<(i64, String)>,
}

/// For each queued run, in the order given: `None` where it may begin now, else why it waits, in one sentence.
///
/// Who waits holds no place that another needs: the run it waits for can always be cleared and go on.
pub fn verdicts(is_paused: bool, overlap: Overlap, runs: &[Candidate]) -> Vec<(i64, Option<String>)> {
    let mut running: Vec<&Candidate> = runs.iter().filter(|run| run.is_running).collect();
    let mut verdicts = Vec::new();
    for run in runs.iter().filter(|run| !run.is_running) {
        let id = run.backfill.map(|(id, _)| id);
        let is_kin = |other: &Candidate| id.is_some() && other.backfill.map(|(id, _)| id) == id;
        let stranger = running.iter().find(|other| !is_kin(other));
        let kin = running.iter().filter(|other| is_kin(other)).count();
        let held = if is_paused {
            Some("The DAG is paused; resume it to let the run begin.".to_owned())
        } else if let (true, Some(other)) = (overlap != Overlap::Allow, stranger) {
            Some(format!("Run {} is under way.", other.run_id))
        } else if let Some((_, most)) = run.backfill.filter(|(_, most)| kin >= *most) {
            Some(format!("Its backfill has {most} at a time."))
        } else {
            run.past.as_ref().map(|(run_id, state)| match state.as_str() {
                "failed" => format!("Run {run_id} before it failed; clear that one, or cancel it."),
                _ => format!("Run {run_id} before it hasn't ended."),
            })
        };
        if held.is_none() {
            running.push(run);
        }
        verdicts.push((run.run_id, held));
    }
    verdicts
}

/// Lets the DAG's queued runs begin that may. Requests are held already.
pub(super) async fn admit_in(connection: &mut PgConnection, dag: &str) -> Result<(), sqlx::Error> {
    let rows = sqlx::query!(
        r#"select run_id, run.state, logical_at, run.backfill_id, most_at_once as "most_at_once?", held_by,
                  coalesce((definition ->> 'depends_on_past')::boolean, false) as "waits_for_past!",
                  coalesce(definition ->> 'overlap', 'allow') as "overlap!",
                  exists (select from ops.dag where dag.dag = run.dag and paused_at is not null) as "is_paused!"
           from ops.run left join ops.dag_version using (dag, version) left join ops.backfill using (backfill_id)
           where run.dag = $1 and run.state in ('queued', 'running')
           order by backfill_id nulls first, place, run_id"#,
        dag
    )
    .fetch_all(&mut *connection)
    .await?;
    let Some(newest) = rows.iter().max_by_key(|row| row.run_id) else { return Ok(()) };
    // Of the newest version: policies are the DAG's, not the run's.
    let (is_paused, overlap) = (newest.is_paused, overlap_of(&newest.overlap));
    let mut candidates = Vec::new();
    for row in &rows {
        let past = match row.logical_at.filter(|_| row.waits_for_past && row.state == "queued") {
            Some(logical_at) => past(connection, dag, logical_at).await?,
            None => None,
        };
        candidates.push(Candidate {
            run_id: row.run_id,
            is_running: row.state == "running",
            backfill: row.backfill_id.map(|id| (id, usize::try_from(row.most_at_once.unwrap_or(1)).unwrap_or(1))),
            past,
        });
    }
    let mut admitted = Vec::new();
    for (run_id, held) in verdicts(is_paused, overlap, &candidates) {
        match held {
            None => admitted.push(run_id),
            Some(reason) if rows.iter().any(|row| row.run_id == run_id && row.held_by.as_deref() == Some(&reason)) => {}
            Some(reason) => {
                sqlx::query!("update ops.run set held_by = $2 where run_id = $1 and state = 'queued'", run_id, reason)
                    .execute(&mut *connection)
                    .await?;
            }
        }
    }
    if admitted.is_empty() {
        return Ok(());
    }
    // One that was cancelled in this moment isn't queued any more.
    let begun = sqlx::query_scalar!(
        "update ops.run set state = 'running', held_by = null, started_at = coalesce(started_at, clock_timestamp()),
             timeout_at = clock_timestamp() + make_interval(secs => (
                 select (definition #>> '{timeout,secs}')::float8 from ops.dag_version where dag_version.dag = run.dag and dag_version.version = run.version))
         where run_id = any($1) and state = 'queued' returning run_id",
        &admitted
    )
    .fetch_all(&mut *connection)
    .await?;
    advance_in(connection, &begun).await
}

fn overlap_of(text: &str) -> Overlap {
    serde_json::from_value(serde_json::Value::String(text.to_owned())).unwrap_or_default()
}

/// The run before, by logical time, unless it succeeded. A cancelled one counts as never asked for.
async fn past(connection: &mut PgConnection, dag: &str, logical_at: DateTime<Utc>) -> Result<Option<(i64, String)>, sqlx::Error> {
    let before = sqlx::query!(
        "select run_id, state from ops.run where dag = $1 and logical_at < $2 and state <> 'cancelled' order by logical_at desc, run_id desc limit 1",
        dag,
        logical_at
    )
    .fetch_optional(connection)
    .await?;
    Ok(before.filter(|run| run.state != "success").map(|run| (run.run_id, run.state)))
}

/// Lets every queued run begin that may, of all DAGs. Called when a run has ended and, in case somebody was killed before he could,
/// by the sweep.
///
/// # Errors
/// What Postgres says.
pub async fn admit_all(pool: &PgPool) -> Result<(), sqlx::Error> {
    let dags = sqlx::query_scalar!("select distinct dag from ops.run where state = 'queued'").fetch_all(pool).await?;
    for dag in dags {
        let mut transaction = pool.begin().await?;
        hold_requests(&mut transaction).await?;
        admit_in(&mut transaction, &dag).await?;
        transaction.commit().await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(run_id: i64, is_running: bool) -> Candidate {
        Candidate { run_id, is_running, backfill: None, past: None }
    }

    fn free(is_paused: bool, overlap: Overlap, runs: &[Candidate]) -> Vec<i64> {
        verdicts(is_paused, overlap, runs).into_iter().filter(|(_, held)| held.is_none()).map(|(run_id, _)| run_id).collect()
    }

    #[test]
    fn one_after_the_other_unless_they_may_meet() {
        let runs = [run(1, true), run(2, false), run(3, false)];
        assert_eq!(free(false, Overlap::Allow, &runs), [2, 3]);
        assert!(free(false, Overlap::QueueAll, &runs).is_empty());
        assert_eq!(free(false, Overlap::QueueAll, &runs[1..]), [2], "the first takes the place");
        assert!(free(true, Overlap::Allow, &runs).is_empty());
        assert_eq!(verdicts(false, Overlap::QueueAll, &runs)[0].1.as_deref(), Some("Run 1 is under way."));
    }

    #[test]
    fn a_backfill_keeps_its_limit() {
        let part = |run_id, is_running| Candidate { backfill: Some((9, 2)), ..run(run_id, is_running) };
        let runs = [part(1, true), part(2, false), part(3, false)];
        assert_eq!(free(false, Overlap::QueueAll, &runs), [2], "its own runs aren't in each other's way");
        let other = [run(7, true), part(2, false)];
        assert!(free(false, Overlap::QueueAll, &other).is_empty());
    }

    #[test]
    fn who_waits_for_the_past_holds_no_place() {
        let waiting = Candidate { past: Some((1, "failed".into())), ..run(2, false) };
        let runs = [waiting, run(3, false)];
        assert_eq!(free(false, Overlap::QueueAll, &runs), [3], "the cleared run before it would get the place as this one does");
        assert!(verdicts(false, Overlap::QueueAll, &runs)[0].1.as_ref().unwrap().contains("clear that one"));
    }
}
