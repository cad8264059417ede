//! When a DAG runs by itself: a cron expression in a time zone, or a session of the exchange. Pure; see docs/SCHEDULES.md.

mod cron;
mod turns;

pub use turns::{CatchUp, Turn, turns};

use crate::calendar;
use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde_json::Value;

/// A schedule, as written in code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    pub id: &'static str,
    pub dag: &'static str,
    pub when: When,
    /// What becomes of ticks that passed while nobody was there to decide them.
    pub catch_up: CatchUp,
    /// In words, for a person.
    pub description: &'static str,
}

/// The logical times of a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// Five fields (minute, hour, day of month, month, weekday) on the wall clock of an IANA zone.
    Cron { expression: &'static str, zone: &'static str },
    /// Every session of the exchange, so many minutes after (before, if negative) its open or close.
    Session { edge: Edge, minutes: i64 },
}

/// An end of a session. An early close is the close of its day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Edge {
    Open,
    Close,
}

/// A schedule whose times can't be found.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("schedule {id}: {reason}")]
pub struct ScheduleError {
    id: String,
    reason: String,
}

/// What the DAG's owner wants done at a tick.
#[derive(Debug, Clone, PartialEq)]
pub enum Plan {
    Run { parameters: Value },
    Skip { reason: String },
}

impl Schedule {
    /// The ticks strictly after `after`, strictly increasing. They depend on the schedule alone: those after a later instant are the
    /// rest of those after an earlier one. Sessions end with the calendar, cron expressions when they match no day any more.
    ///
    /// Where clocks change, `cron::Ticks` says what becomes of a wall time that is missing or comes twice.
    ///
    /// # Errors
    /// [`ScheduleError`] when the expression or its zone can't be read, or when the expression never fires.
    pub fn ticks(&self, after: DateTime<Utc>) -> Result<impl Iterator<Item = DateTime<Utc>> + use<>, ScheduleError> {
        let wrong = |reason: String| ScheduleError { id: self.id.to_owned(), reason };
        let ticks: Box<dyn Iterator<Item = DateTime<Utc>> + Send> = match self.when {
            When::Cron { expression, zone } => Box::new(cron::Ticks::after(expression, zone, after).map_err(wrong)?),
            When::Session { edge, minutes } => Box::new(session_ticks(edge, minutes, after).map_err(wrong)?),
        };
        Ok(ticks)
    }

    /// When it runs, as shown and stored: `0 9 * * Mon-Fri America/New_York`, `20 minutes after the close`.
    pub fn expression(&self) -> String {
        let (edge, minutes) = match self.when {
            When::Cron { expression, zone } => return format!("{expression} {zone}"),
            When::Session { edge: Edge::Open, minutes } => ("the open", minutes),
            When::Session { edge: Edge::Close, minutes } => ("the close", minutes),
        };
        let unit = if minutes.unsigned_abs() == 1 { "minute" } else { "minutes" };
        match minutes {
            0 => format!("at {edge}"),
            1.. => format!("{minutes} {unit} after {edge}"),
            ..0 => format!("{} {unit} before {edge}", minutes.unsigned_abs()),
        }
    }
}

/// More than this and a tick belongs to another session than the one that it names.
const MOST_MINUTES_FROM_SESSION: u64 = 24 * 60;

fn session_ticks(edge: Edge, minutes: i64, after: DateTime<Utc>) -> Result<impl Iterator<Item = DateTime<Utc>> + Send, String> {
    if minutes.unsigned_abs() > MOST_MINUTES_FROM_SESSION {
        return Err(format!("{minutes} minutes are more than a day from the session; a day is the most."));
    }
    let shift = TimeDelta::minutes(minutes);
    // A session's edges lie on its own date in UTC, so two days before cover every shift.
    let from = (after.date_naive().max(calendar::FIRST_DAY) - TimeDelta::days(2)).max(calendar::FIRST_DAY);
    let days = NaiveDate::iter_days(&from).take_while(|day| *day <= calendar::LAST_DAY);
    let ticks = days.filter(|day| calendar::is_session(*day)).map(move |day| {
        let session = calendar::session(day);
        let edge_at = match edge {
            Edge::Open => session.open_at,
            Edge::Close => session.close_at,
        };
        edge_at + shift
    });
    Ok(ticks.skip_while(move |tick| *tick <= after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OPEN: Schedule = Schedule {
        id: "open",
        dag: "daily",
        when: When::Cron { expression: "0 9 * * Mon-Fri", zone: "America/New_York" },
        catch_up: CatchUp::Latest,
        description: "weekdays at 09:00",
    };
    const CLOSE: Schedule = at_session(Edge::Close, 20);

    const fn at_session(edge: Edge, minutes: i64) -> Schedule {
        Schedule { when: When::Session { edge, minutes }, ..OPEN }
    }

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    fn next(schedule: &Schedule, after: &str, count: usize) -> Vec<DateTime<Utc>> {
        schedule.ticks(at(after)).unwrap().take(count).collect()
    }

    #[test]
    fn ticks_keep_to_the_wall_clock_of_their_zone() {
        let expected = [at("2026-11-02T14:00:00Z"), at("2026-11-03T14:00:00Z"), at("2026-11-04T14:00:00Z")];
        assert_eq!(next(&OPEN, "2026-10-30T13:00:00Z", 3), expected, "summer time ends on Sunday; a tick isn't its own successor");
    }

    #[test]
    fn what_cannot_be_read_says_whose_it_is() {
        let cron = |expression, zone| Schedule { when: When::Cron { expression, zone }, ..OPEN };
        for broken in
            [cron("nonsense", "UTC"), cron("0 9 * * *", "Mars/Olympus"), at_session(Edge::Open, 1441), at_session(Edge::Open, i64::MIN)]
        {
            let error = broken.ticks(at("2026-10-30T13:00:00Z")).map(|_| ()).unwrap_err();
            assert!(error.to_string().starts_with("schedule open: "), "{error}");
        }
    }

    #[test]
    fn a_session_keeps_its_holidays_and_its_early_close() {
        let expected = [at("2026-11-25T21:20:00Z"), at("2026-11-27T18:20:00Z"), at("2026-11-30T21:20:00Z")];
        assert_eq!(next(&CLOSE, "2026-11-24T21:20:00Z", 3), expected, "Thursday is Thanksgiving, Friday ends at 13:00");
        assert_eq!(next(&at_session(Edge::Open, -30), "2026-11-25T14:00:00Z", 1), [at("2026-11-27T14:00:00Z")]);
    }

    #[test]
    fn sessions_end_with_the_calendar() {
        assert_eq!(next(&CLOSE, "1990-01-01T00:00:00Z", 1), [at("2000-01-03T21:20:00Z")]);
        assert_eq!(next(&CLOSE, "2040-12-30T23:00:00Z", 9), [at("2040-12-31T21:20:00Z")]);
        assert!(next(&CLOSE, "2041-01-01T12:00:00Z", 1).is_empty());
    }

    #[test]
    fn expressions_read_like_a_sentence() {
        assert_eq!(OPEN.expression(), "0 9 * * Mon-Fri America/New_York");
        assert_eq!(CLOSE.expression(), "20 minutes after the close");
        assert_eq!(at_session(Edge::Open, -1).expression(), "1 minute before the open");
        assert_eq!(at_session(Edge::Open, 0).expression(), "at the open");
    }

    proptest! {
        #[test]
        fn session_ticks_after_any_instant_are_the_rest_of_all(edge in prop_oneof![Just(Edge::Open), Just(Edge::Close)], minutes in -1440i64..=1440, hours in 0i64..24 * 365) {
            let schedule = at_session(edge, minutes);
            let start = at("2024-01-01T00:00:00Z");
            let after = start + TimeDelta::hours(hours);
            let all: Vec<_> = schedule.ticks(start).unwrap().skip_while(|tick| *tick <= after).take(5).collect();
            prop_assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
            prop_assert_eq!(all, schedule.ticks(after).unwrap().take(5).collect::<Vec<_>>());
        }
    }
}
