//! Will a run be ready in time? Said before it is late, from how long its tasks usually take.

use super::{TaskState, alert};
use chrono::{DateTime, TimeDelta, Utc};
use sqlx::PgPool;
use std::collections::BTreeMap;

/// A task of a run under way.
#[derive(Debug, Clone)]
pub struct Ahead {
    pub name: String,
    pub after: Vec<String>,
    pub state: TaskState,
    /// Seconds since its start, where it runs.
    pub elapsed: f64,
    /// Seconds that it usually takes; 0 where nothing is known.
    pub usual: f64,
    /// Pools in which it needs a slot, with the slots that each has.
    pub pools: Vec<(String, i64)>,
}

/// Seconds until the run ends, if every task takes what it usually takes, and the task that takes most of it: the longest way through the
/// DAG, or the work that has to pass through one pool, whichever is longer.
pub fn remaining(tasks: &[Ahead]) -> (f64, Option<&str>) {
    let own = |task: &Ahead| match task.state {
        state if state.has_ended() => 0.0,
        TaskState::Running => (task.usual - task.elapsed).max(0.0),
        _ => task.usual,
    };
    let mut ends: BTreeMap<&str, f64> = BTreeMap::new();
    // As often as the longest path can be: parents may stand behind their children.
    for _ in tasks {
        for task in tasks {
            let parents = task.after.iter().filter_map(|parent| ends.get(parent.as_str())).copied().fold(0.0, f64::max);
            let end = ends.entry(&task.name).or_default();
            *end = end.max(parents + own(task));
        }
    }
    let longest = tasks.iter().filter(|task| !task.state.has_ended()).max_by(|one, other| own(one).total_cmp(&own(other)));
    let mut passing: BTreeMap<&str, f64> = BTreeMap::new();
    for task in tasks {
        for (pool, slots) in &task.pools {
            *passing.entry(pool).or_default() += own(task) / (*slots).max(1) as f64;
        }
    }
    (ends.values().chain(passing.values()).copied().fold(0.0, f64::max), longest.map(|task| task.name.as_str()))
}

/// Runs that "usually" is taken from.
const RUNS_BEFORE: i64 = 20;

/// Raises an alert for each live run that is late, or will be.
pub(super) async fn watch(pool: &PgPool) -> Result<(), sqlx::Error> {
    let runs = sqlx::query!(
        r#"select run_id, dag, deadline_at as "deadline_at!", clock_timestamp() as "now!" from ops.run
           where state in ('queued', 'running') and deadline_at is not null"#
    )
    .fetch_all(pool)
    .await?;
    for run in runs {
        let mut connection = pool.acquire().await?;
        let subject = run.run_id.to_string();
        if run.now > run.deadline_at {
            let message = format!("Run {} of {} isn't ready, and its deadline was {}.", run.run_id, run.dag, shown(run.deadline_at));
            alert::raise(&mut connection, alert::Kind::DeadlineMissed, &subject, &message).await?;
            continue;
        }
        let tasks = ahead(pool, run.run_id, &run.dag).await?;
        let (seconds, slowest) = remaining(&tasks);
        let end = run.now + TimeDelta::milliseconds((seconds * 1e3) as i64);
        if let (true, Some(slowest)) = (end > run.deadline_at, slowest) {
            let message = format!(
                "Run {} of {} is expected to end at {}, after its deadline of {}: {slowest} usually takes the longest of what is left.",
                run.run_id,
                run.dag,
                shown(end),
                shown(run.deadline_at)
            );
            alert::raise(&mut connection, alert::Kind::DeadlinePredicted, &subject, &message).await?;
        }
    }
    Ok(())
}

fn shown(at: DateTime<Utc>) -> impl std::fmt::Display {
    at.format("%Y-%m-%d %H:%M:%S UTC")
}

/// The run's tasks with the medians of those of the last good runs.
async fn ahead(pool: &PgPool, run_id: i64, dag: &str) -> Result<Vec<Ahead>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"with usual as (
               select name, percentile_cont(0.5) within group (order by extract(epoch from ended_at - started_at)::float8) as seconds
               from ops.task where state = 'success'
                 and run_id in (select run_id from ops.run where dag = $2 and state = 'success' order by run_id desc limit $3)
               group by name)
           select name, after, state, coalesce(extract(epoch from clock_timestamp() - started_at), 0)::float8 as "elapsed!",
                  coalesce(usual.seconds, 0) as "usual!", pools,
                  array(select coalesce((select slots from ops.pool where pool.pool = needed.pool), 1)::bigint
                        from unnest(task.pools) with ordinality as needed (pool, place) order by place) as "slots!"
           from ops.task left join usual using (name) where run_id = $1 order by position"#,
        run_id,
        dag,
        RUNS_BEFORE,
    )
    .fetch_all(pool)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| Ahead {
            state: TaskState::parse(&row.state).unwrap_or(TaskState::Waiting),
            name: row.name,
            after: row.after,
            elapsed: row.elapsed,
            usual: row.usual,
            pools: row.pools.into_iter().zip(row.slots).collect(),
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(name: &str, after: &[&str], state: TaskState, elapsed: f64, usual: f64) -> Ahead {
        Ahead { name: name.into(), after: after.iter().map(|&name| name.into()).collect(), state, elapsed, usual, pools: Vec::new() }
    }

    #[test]
    fn what_is_left_is_the_longest_way_to_the_end() {
        let tasks = [
            task("last", &["slow", "quick"], TaskState::Waiting, 0.0, 5.0),
            task("first", &[], TaskState::Success, 9.0, 9.0),
            task("slow", &["first"], TaskState::Running, 20.0, 60.0),
            task("quick", &["first"], TaskState::Ready, 0.0, 10.0),
        ];
        assert_eq!(remaining(&tasks), (45.0, Some("slow")));
        assert_eq!(remaining(&[task("a", &[], TaskState::Running, 30.0, 10.0)]), (0.0, Some("a")), "overdue already, it may end now");
        assert_eq!(remaining(&[]), (0.0, None));
        let pooled =
            |slots| [1, 2, 3].map(|_| Ahead { pools: vec![("vendor".into(), slots)], ..task("a", &[], TaskState::Ready, 0.0, 10.0) });
        assert_eq!((remaining(&pooled(1)).0, remaining(&pooled(2)).0), (30.0, 15.0), "one after the other through the pool");
    }
}
