//! When the pipeline runs by itself, and on which days it doesn't.

use super::{catch_up::waiting_for, error::Error, parameters::Parameters};
use crate::{
    calendar,
    orchestrator::{CatchUp, Edge, Plan, Planner, Schedule, When},
};
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use sqlx::PgPool;

const SCHEDULES: &[Schedule] = &[
    Schedule {
        id: "daily_open",
        dag: "daily",
        when: When::Cron { expression: "0 9 * * Mon-Fri", zone: "America/New_York" },
        // One run covers every session that has closed.
        catch_up: CatchUp::Latest,
        description: "weekdays at 09:00 New York, on exchange sessions",
    },
    // Vendors that are later than this answer that the data isn't ready, and the run waits for them.
    Schedule {
        id: "daily_close",
        dag: "daily",
        when: When::Session { edge: Edge::Close, minutes: 20 },
        catch_up: CatchUp::Latest,
        description: "20 minutes after the close of every exchange session",
    },
];

/// The longest stretch of weekdays without a session that any calendar of an exchange holds, with room.
const MOST_TICKS_WITHOUT_SESSION: usize = 30;

/// All schedules, in the order in which a day meets them.
pub fn schedules() -> &'static [Schedule] {
    SCHEDULES
}

/// The next tick after `after` that falls on a session; `None` when the schedule never meets one.
pub fn next_tick(schedule: &Schedule, after: DateTime<Utc>) -> Option<DateTime<Utc>> {
    schedule.ticks(after).ok()?.take(MOST_TICKS_WITHOUT_SESSION).find(|tick| calendar::is_session(calendar::new_york_date(*tick)))
}

/// Runs on sessions, for whatever session has closed by now, as soon as there is somebody to run for.
pub(super) struct MarketPlanner(pub(super) PgPool);

#[async_trait]
impl Planner for MarketPlanner {
    async fn plan(&self, _: &Schedule, logical_at: DateTime<Utc>, now: DateTime<Utc>) -> Result<Plan, sqlx::Error> {
        let waiting = match waiting_for(&self.0).await {
            Ok(waiting) => waiting,
            Err(Error::Database(error)) => return Err(error),
            Err(other) => Some(other.to_string()),
        };
        Ok(plan(logical_at, now, waiting))
    }
}

fn plan(logical_at: DateTime<Utc>, now: DateTime<Utc>, waiting: Option<String>) -> Plan {
    let day = calendar::new_york_date(logical_at);
    if !calendar::is_session(day) {
        return Plan::Skip { reason: format!("The exchange has no session on {day}.") };
    }
    match waiting {
        Some(reason) => Plan::Skip { reason },
        // Of now, not of the tick: a missed tick covers everything that has closed since.
        None => Plan::Run { parameters: Parameters::Daily { session: calendar::last_completed_session(now) }.to_value() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    #[test]
    fn runs_on_sessions_for_what_has_closed() {
        let open = at("2026-11-20T14:00:00Z");
        assert_eq!(plan(open, open, None), Plan::Run { parameters: json!({ "session": "2026-11-19" }) });
        let close = at("2026-11-20T21:20:00Z");
        assert_eq!(plan(close, close, None), Plan::Run { parameters: json!({ "session": "2026-11-20" }) });
        let late = plan(open, at("2026-11-22T12:00:00Z"), None);
        assert_eq!(late, Plan::Run { parameters: json!({ "session": "2026-11-20" }) }, "a missed tick covers what has closed since");
    }

    #[test]
    fn skips_holidays_and_says_what_it_waits_for() {
        let thanksgiving = at("2026-11-26T14:00:00Z");
        let reason = "The exchange has no session on 2026-11-26.".to_owned();
        assert_eq!(plan(thanksgiving, thanksgiving, None), Plan::Skip { reason });
        let open = at("2026-11-20T14:00:00Z");
        assert_eq!(plan(open, open, Some("Waiting.".into())), Plan::Skip { reason: "Waiting.".into() });
    }

    #[test]
    fn the_next_tick_is_one_that_runs() {
        let next = next_tick(&SCHEDULES[0], at("2026-11-25T15:00:00Z"));
        assert_eq!(next, Some(at("2026-11-27T14:00:00Z")), "Thursday is Thanksgiving");
        assert_eq!(next_tick(&SCHEDULES[1], at("2026-11-22T15:00:00Z")), Some(at("2026-11-23T21:20:00Z")));
    }
}
