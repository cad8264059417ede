//! When a DAG runs by itself: a cron expression in a time zone. Pure.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use croner::Cron;
use serde_json::Value;
use std::str::FromStr;

/// A schedule, as written in code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    pub id: &'static str,
    pub dag: &'static str,
    /// Five fields: minute, hour, day of month, month, weekday.
    pub cron: &'static str,
    pub zone: &'static str,
    /// In words, for a person.
    pub description: &'static str,
}

/// A schedule whose expression or zone can't be read.
#[derive(Debug, thiserror::Error)]
#[error("schedule {id}: {reason}")]
pub struct ScheduleError {
    id: String,
    reason: String,
}

impl Schedule {
    /// The ticks after `after`, oldest first, without end.
    ///
    /// # Errors
    /// [`ScheduleError`] when cron or zone can't be read.
    pub fn ticks(&self, after: DateTime<Utc>) -> Result<impl Iterator<Item = DateTime<Utc>> + use<>, ScheduleError> {
        let wrong = |reason: String| ScheduleError { id: self.id.to_owned(), reason };
        let cron = Cron::from_str(self.cron).map_err(|error| wrong(error.to_string()))?;
        let zone: Tz = self.zone.parse().map_err(|error: chrono_tz::ParseError| wrong(error.to_string()))?;
        Ok(std::iter::successors(Some(after.with_timezone(&zone)), move |last| cron.find_next_occurrence(last, false).ok())
            .skip(1)
            .map(|at| at.with_timezone(&Utc)))
    }
}

/// What the DAG's owner wants done at a tick.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    Run { parameters: Value },
    Skip { reason: String },
}

/// What the scheduler makes of one tick.
#[derive(Debug, Clone, PartialEq)]
pub struct Decision {
    pub logical_at: DateTime<Utc>,
    pub plan: Plan,
    /// One sentence.
    pub reason: String,
}

/// A tick that is decided later than this was missed, and the reason says so.
const LATE_SECONDS: i64 = 120;

/// All `due` ticks (oldest first) decided: only the latest can run, since one run covers everything that is missing.
/// `plan` is what its owner wants done at that latest one.
pub(super) fn decide(due: &[DateTime<Utc>], now: DateTime<Utc>, plan: Plan) -> Vec<Decision> {
    let Some((&latest, missed)) = due.split_last() else { return Vec::new() };
    let mut decisions: Vec<Decision> = missed
        .iter()
        .map(|&logical_at| {
            let reason = format!("Missed while the server was off; the tick of {} covers it.", latest.format("%Y-%m-%d %H:%M UTC"));
            Decision { logical_at, plan: Plan::Skip { reason: reason.clone() }, reason }
        })
        .collect();
    let is_late = (now - latest).num_seconds() > LATE_SECONDS;
    let reason = match &plan {
        Plan::Skip { reason } => reason.clone(),
        Plan::Run { .. } if is_late => {
            format!("Caught up at {}: it was missed, and it is the latest of {}.", now.format("%Y-%m-%d %H:%M UTC"), due.len())
        }
        Plan::Run { .. } => "On time.".to_owned(),
    };
    decisions.push(Decision { logical_at: latest, plan, reason });
    decisions
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN: Schedule =
        Schedule { id: "open", dag: "daily", cron: "0 9 * * Mon-Fri", zone: "America/New_York", description: "weekdays at 09:00" };

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn run() -> Plan {
        Plan::Run { parameters: Value::Null }
    }

    #[test]
    fn ticks_keep_to_the_wall_clock_of_their_zone() {
        let ticks: Vec<_> = OPEN.ticks(at("2026-10-30T13:00:00Z")).unwrap().take(3).collect();
        // Summer time ends on Sunday, November 1st; a tick isn't its own successor.
        assert_eq!(ticks, [at("2026-11-02T14:00:00Z"), at("2026-11-03T14:00:00Z"), at("2026-11-04T14:00:00Z")]);
    }

    #[test]
    fn what_cannot_be_read_says_whose_it_is() {
        for broken in [Schedule { cron: "nonsense", ..OPEN }, Schedule { zone: "Mars/Olympus", ..OPEN }] {
            let error = broken.ticks(at("2026-10-30T13:00:00Z")).map(|_| ()).unwrap_err();
            assert!(error.to_string().starts_with("schedule open: "), "{error}");
        }
    }

    #[test]
    fn only_the_latest_missed_tick_runs() {
        let due = [at("2026-11-18T14:00:00Z"), at("2026-11-19T14:00:00Z"), at("2026-11-20T14:00:00Z")];
        let decisions = decide(&due, at("2026-11-22T12:00:00Z"), run());
        assert!(matches!(decisions[0].plan, Plan::Skip { .. }) && matches!(decisions[1].plan, Plan::Skip { .. }));
        assert_eq!(decisions[2].plan, run());
        assert_eq!(decisions[2].reason, "Caught up at 2026-11-22 12:00 UTC: it was missed, and it is the latest of 3.");
        assert_eq!(decisions[0].reason, "Missed while the server was off; the tick of 2026-11-20 14:00 UTC covers it.");
    }

    #[test]
    fn a_tick_on_time_says_so_and_a_skipped_one_why() {
        let due = [at("2026-11-20T14:00:00Z")];
        assert_eq!(decide(&due, at("2026-11-20T14:00:01Z"), run())[0].reason, "On time.");
        let skip = Plan::Skip { reason: "No session.".into() };
        assert_eq!(decide(&due, at("2026-11-22T12:00:00Z"), skip)[0].reason, "No session.");
        assert!(decide(&[], at("2026-11-22T12:00:00Z"), run()).is_empty());
    }
}
