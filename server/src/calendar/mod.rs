//! The exchange's calendar: which days are sessions of XNYS, when they open and close. Pure; 2000 to 2040.
//!
//! It holds what the exchange plans: holidays, closures, early closes. Openings that were put off within a day, and halts,
//! aren't part of it (DECISIONS.md names those of 2000 to 2030).

pub mod commands;
mod holidays;

use holidays::{is_closed, is_early_close};

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeZone, Utc, Weekday};
use chrono_tz::America::New_York;

/// The days that are known here.
pub const FIRST_DAY: NaiveDate = day(2000, 1, 1);
pub const LAST_DAY: NaiveDate = day(2040, 12, 31);

const fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    match NaiveDate::from_ymd_opt(year, month, day) {
        Some(day) => day,
        None => NaiveDate::MIN,
    }
}

/// Opening and closing instant of one session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Session {
    pub session_date: NaiveDate,
    pub open_at: DateTime<Utc>,
    pub close_at: DateTime<Utc>,
}

/// Is `date` a session of XNYS?
pub fn is_session(date: NaiveDate) -> bool {
    !matches!(date.weekday(), Weekday::Sat | Weekday::Sun) && !is_closed(date)
}

/// All sessions of `from ..= to`, oldest first.
pub fn sessions(from: NaiveDate, to: NaiveDate) -> Vec<NaiveDate> {
    from.iter_days().take_while(|day| *day <= to).filter(|day| is_session(*day)).collect()
}

/// The session itself, or the first one after `date`.
pub fn session_on_or_after(date: NaiveDate) -> NaiveDate {
    date.iter_days().find(|day| is_session(*day)).unwrap_or(date)
}

/// The session itself, or the last one before `date`.
pub fn session_on_or_before(date: NaiveDate) -> NaiveDate {
    let mut day = date;
    while !is_session(day) {
        day = day - Days::new(1);
    }
    day
}

/// The last session before `date`.
pub fn session_before(date: NaiveDate) -> NaiveDate {
    session_on_or_before(date - Days::new(1))
}

/// The last session whose close lies at or before `now`.
pub fn last_completed_session(now: DateTime<Utc>) -> NaiveDate {
    let today = session_on_or_before(now.with_timezone(&New_York).date_naive());
    if session(today).close_at <= now { today } else { session_before(today) }
}

/// When the session on `date` opens and closes (09:30 to 16:00 New York, 13:00 on early closes).
pub fn session(date: NaiveDate) -> Session {
    let close = if is_early_close(date) { 13 } else { 16 };
    Session { session_date: date, open_at: new_york(date, 9, 30), close_at: new_york(date, close, 0) }
}

/// Midnight in New York at the start of `date`: the timestamp of a daily bar.
pub fn midnight(date: NaiveDate) -> DateTime<Utc> {
    new_york(date, 0, 0)
}

/// The day in New York at `instant`.
pub fn new_york_date(instant: DateTime<Utc>) -> NaiveDate {
    instant.with_timezone(&New_York).date_naive()
}

/// New York's clock is never ambiguous or skipped at the hours used here (changes happen at 02:00).
fn new_york(date: NaiveDate, hour: u32, minute: u32) -> DateTime<Utc> {
    let time = NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or(NaiveTime::MIN);
    New_York
        .from_local_datetime(&date.and_time(time))
        .earliest()
        .map_or_else(|| Utc.from_utc_datetime(&date.and_time(time)), |at| at.with_timezone(&Utc))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    #[test]
    fn early_closes_end_at_one() {
        let black_friday = session(on(2024, 11, 29));
        assert_eq!(black_friday.close_at.to_rfc3339(), "2024-11-29T18:00:00+00:00");
        assert_eq!(session(on(2024, 7, 3)).close_at.to_rfc3339(), "2024-07-03T17:00:00+00:00");
        assert_eq!(session(on(2024, 7, 5)).close_at.to_rfc3339(), "2024-07-05T20:00:00+00:00");
    }

    #[test]
    fn the_last_completed_session_waits_for_the_close() {
        let friday = on(2026, 11, 20);
        assert_eq!(last_completed_session(session(friday).close_at), friday);
        assert_eq!(last_completed_session(session(friday).close_at - chrono::TimeDelta::seconds(1)), on(2026, 11, 19));
        assert_eq!(last_completed_session("2026-11-22T12:00:00Z".parse().unwrap()), friday);
    }
}
