//! The exchange's calendar: which days are sessions of XNYS, when they open and close. Rules for the holidays of every
//! year, one-off closures and early closes as data. Pure; 2000 to 2040.
//!
//! Source: NYSE Rule 7.2 and the exchange's published holiday lists. A holiday on a Saturday is kept on the Friday
//! before, one on a Sunday on the Monday after, except New Year's Day on a Saturday, which isn't kept.

use chrono::{DateTime, Datelike, Days, NaiveDate, NaiveTime, TimeZone, Utc, Weekday};
use chrono_tz::America::New_York;

/// Days on which the exchange stayed closed outside its rules: the attacks of 2001, mourning for presidents, Hurricane Sandy.
const CLOSED: &[(i32, u32, u32)] = &[
    (2001, 9, 11),
    (2001, 9, 12),
    (2001, 9, 13),
    (2001, 9, 14),
    (2004, 6, 11),
    (2007, 1, 2),
    (2012, 10, 29),
    (2012, 10, 30),
    (2018, 12, 5),
    (2025, 1, 9),
];

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
    !matches!(date.weekday(), Weekday::Sat | Weekday::Sun)
        && !is_holiday(date)
        && !CLOSED.contains(&(date.year(), date.month(), date.day()))
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

fn is_holiday(date: NaiveDate) -> bool {
    let (year, month, day, weekday) = (date.year(), date.month(), date.day(), date.weekday());
    let nth = |n: u32| (day - 1) / 7 + 1 == n;
    let monday = weekday == Weekday::Mon;
    match month {
        // New Year's Day: on the Monday after a Sunday, never on the Friday before a Saturday.
        1 if day == 1 || (day == 2 && monday) => true,
        // Martin Luther King's birthday, Washington's birthday.
        1 | 2 if monday && nth(3) => true,
        // Memorial Day: the last Monday of May.
        5 => monday && day >= 25,
        // Juneteenth, since 2022.
        6 => year >= 2022 && observed(date, 19),
        7 => observed(date, 4),
        9 => monday && nth(1),
        11 => weekday == Weekday::Thu && nth(4),
        12 => observed(date, 25),
        3 | 4 => date == easter(year) - Days::new(2),
        _ => false,
    }
}

/// Is `date` the day on which the holiday of that `day` of the month is kept?
fn observed(date: NaiveDate, day: u32) -> bool {
    match date.weekday() {
        Weekday::Fri => date.day() == day || date.day() + 1 == day,
        Weekday::Mon => date.day() == day || date.day() == day + 1,
        _ => date.day() == day,
    }
}

/// 13:00 on the day after Thanksgiving, on Christmas Eve and on the eve of Independence Day where they are sessions.
///
/// Before 2013 the eve of a Thursday's Independence Day was a full day and the Friday after it a short one; Christmas Eve
/// of 1999–2000 and the days after 2001-12-24 follow the lists of the exchange.
fn is_early_close(date: NaiveDate) -> bool {
    let (year, month, day, weekday) = (date.year(), date.month(), date.day(), date.weekday());
    match (month, day) {
        (11, 23..=29) => weekday == Weekday::Fri,
        (12, 24) => is_session(date) && weekday != Weekday::Fri,
        (12, 26) => weekday == Weekday::Fri && year == 2003,
        (7, 3) if year >= 2013 => matches!(weekday, Weekday::Mon | Weekday::Tue | Weekday::Wed | Weekday::Thu),
        (7, 3) => matches!(weekday, Weekday::Mon | Weekday::Tue | Weekday::Thu),
        (7, 5) => weekday == Weekday::Fri && year < 2013,
        _ => false,
    }
}

/// Easter Sunday (Gregorian, Meeus/Jones/Butcher).
fn easter(year: i32) -> NaiveDate {
    let (a, b, c) = (year % 19, year / 100, year % 100);
    let (d, e, f) = (b / 4, b % 4, (b + 8) / 25);
    let g = (b - f + 1) / 3;
    let h = (19 * a + b - d - g + 15) % 30;
    let (i, k) = (c / 4, c % 4);
    let l = (32 + 2 * e + 2 * i - h - k) % 7;
    let m = (a + 11 * h + 22 * l) / 451;
    let (month, day) = ((h + l - 7 * m + 114) / 31, (h + l - 7 * m + 114) % 31 + 1);
    NaiveDate::from_ymd_opt(year, month as u32, day as u32).unwrap_or(NaiveDate::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }

    #[test]
    fn counts_of_sessions_agree_with_the_exchange() {
        for (year, sessions_in_it) in
            [(2001, 248), (2012, 250), (2014, 252), (2018, 251), (2020, 253), (2022, 251), (2024, 252), (2025, 250)]
        {
            assert_eq!(sessions(on(year, 1, 1), on(year, 12, 31)).len(), sessions_in_it, "{year}");
        }
    }

    #[test]
    fn holidays_on_weekends_move_except_new_year() {
        assert!(is_session(on(2021, 12, 31)), "New Year 2022 fell on a Saturday");
        assert!(!is_session(on(2023, 1, 2)));
        assert!(!is_session(on(2020, 7, 3)));
        assert!(!is_session(on(2021, 12, 24)));
        assert!(!is_session(on(2022, 6, 20)));
        assert!(is_session(on(2021, 6, 18)), "Juneteenth was no holiday of the exchange in 2021");
        assert!(!is_session(on(2024, 3, 29)), "Good Friday");
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
