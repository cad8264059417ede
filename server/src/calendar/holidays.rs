//! What keeps the exchange closed, and what ends a session early: rules for every year, and single days.
//!
//! Source: NYSE Rule 7.2 and the exchange's published holiday lists. A holiday on a Saturday is kept on the Friday before, one on
//! a Sunday on the Monday after, except New Year's Day on a Saturday, which isn't kept.

use chrono::{Datelike, Days, NaiveDate, Weekday};

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

/// Is this weekday a holiday, or one of the single days?
pub(super) fn is_closed(date: NaiveDate) -> bool {
    is_holiday(date) || CLOSED.contains(&(date.year(), date.month(), date.day()))
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
/// Around an Independence Day on a Thursday, the Wednesday before is the short day since 2013; until then the Friday after was.
/// The Friday after Christmas was short in 2003 only.
pub(super) fn is_early_close(date: NaiveDate) -> bool {
    let (year, month, day, weekday) = (date.year(), date.month(), date.day(), date.weekday());
    match (month, day) {
        (11, 23..=29) => weekday == Weekday::Fri,
        // On a Friday it is Christmas Day's holiday.
        (12, 24) => matches!(weekday, Weekday::Mon | Weekday::Tue | Weekday::Wed | Weekday::Thu),
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
    use crate::calendar::{FIRST_DAY, is_session, session, sessions};
    use chrono::{Datelike, NaiveDate, NaiveTime, Weekday};
    use chrono_tz::America::New_York;
    use std::collections::BTreeSet;

    /// Weekdays without a session, 2000 to 2030: month and day, as the exchange published them or its rules give them.
    const CLOSED: [(i32, &str); 31] = [
        (2000, "01-17 02-21 04-21 05-29 07-04 09-04 11-23 12-25"),
        (2001, "01-01 01-15 02-19 04-13 05-28 07-04 09-03 09-11 09-12 09-13 09-14 11-22 12-25"),
        (2002, "01-01 01-21 02-18 03-29 05-27 07-04 09-02 11-28 12-25"),
        (2003, "01-01 01-20 02-17 04-18 05-26 07-04 09-01 11-27 12-25"),
        (2004, "01-01 01-19 02-16 04-09 05-31 06-11 07-05 09-06 11-25 12-24"),
        (2005, "01-17 02-21 03-25 05-30 07-04 09-05 11-24 12-26"),
        (2006, "01-02 01-16 02-20 04-14 05-29 07-04 09-04 11-23 12-25"),
        (2007, "01-01 01-02 01-15 02-19 04-06 05-28 07-04 09-03 11-22 12-25"),
        (2008, "01-01 01-21 02-18 03-21 05-26 07-04 09-01 11-27 12-25"),
        (2009, "01-01 01-19 02-16 04-10 05-25 07-03 09-07 11-26 12-25"),
        (2010, "01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24"),
        (2011, "01-17 02-21 04-22 05-30 07-04 09-05 11-24 12-26"),
        (2012, "01-02 01-16 02-20 04-06 05-28 07-04 09-03 10-29 10-30 11-22 12-25"),
        (2013, "01-01 01-21 02-18 03-29 05-27 07-04 09-02 11-28 12-25"),
        (2014, "01-01 01-20 02-17 04-18 05-26 07-04 09-01 11-27 12-25"),
        (2015, "01-01 01-19 02-16 04-03 05-25 07-03 09-07 11-26 12-25"),
        (2016, "01-01 01-18 02-15 03-25 05-30 07-04 09-05 11-24 12-26"),
        (2017, "01-02 01-16 02-20 04-14 05-29 07-04 09-04 11-23 12-25"),
        (2018, "01-01 01-15 02-19 03-30 05-28 07-04 09-03 11-22 12-05 12-25"),
        (2019, "01-01 01-21 02-18 04-19 05-27 07-04 09-02 11-28 12-25"),
        (2020, "01-01 01-20 02-17 04-10 05-25 07-03 09-07 11-26 12-25"),
        (2021, "01-01 01-18 02-15 04-02 05-31 07-05 09-06 11-25 12-24"),
        (2022, "01-17 02-21 04-15 05-30 06-20 07-04 09-05 11-24 12-26"),
        (2023, "01-02 01-16 02-20 04-07 05-29 06-19 07-04 09-04 11-23 12-25"),
        (2024, "01-01 01-15 02-19 03-29 05-27 06-19 07-04 09-02 11-28 12-25"),
        (2025, "01-01 01-09 01-20 02-17 04-18 05-26 06-19 07-04 09-01 11-27 12-25"),
        (2026, "01-01 01-19 02-16 04-03 05-25 06-19 07-03 09-07 11-26 12-25"),
        (2027, "01-01 01-18 02-15 03-26 05-31 06-18 07-05 09-06 11-25 12-24"),
        (2028, "01-17 02-21 04-14 05-29 06-19 07-04 09-04 11-23 12-25"),
        (2029, "01-01 01-15 02-19 03-30 05-28 06-19 07-04 09-03 11-22 12-25"),
        (2030, "01-01 01-21 02-18 04-19 05-27 06-19 07-04 09-02 11-28 12-25"),
    ];

    /// Sessions that end at 13:00, 2000 to 2030.
    const EARLY: [(i32, &str); 31] = [
        (2000, "07-03 11-24"),
        (2001, "07-03 11-23 12-24"),
        (2002, "07-05 11-29 12-24"),
        (2003, "07-03 11-28 12-24 12-26"),
        (2004, "11-26"),
        (2005, "11-25"),
        (2006, "07-03 11-24"),
        (2007, "07-03 11-23 12-24"),
        (2008, "07-03 11-28 12-24"),
        (2009, "11-27 12-24"),
        (2010, "11-26"),
        (2011, "11-25"),
        (2012, "07-03 11-23 12-24"),
        (2013, "07-03 11-29 12-24"),
        (2014, "07-03 11-28 12-24"),
        (2015, "11-27 12-24"),
        (2016, "11-25"),
        (2017, "07-03 11-24"),
        (2018, "07-03 11-23 12-24"),
        (2019, "07-03 11-29 12-24"),
        (2020, "11-27 12-24"),
        (2021, "11-26"),
        (2022, "11-25"),
        (2023, "07-03 11-24"),
        (2024, "07-03 11-29 12-24"),
        (2025, "07-03 11-28 12-24"),
        (2026, "11-27 12-24"),
        (2027, "11-26"),
        (2028, "07-03 11-24"),
        (2029, "07-03 11-23 12-24"),
        (2030, "07-03 11-29 12-24"),
    ];

    /// Sessions in each year from 2000 to 2030.
    const COUNTS: [usize; 31] = [
        252, 248, 252, 252, 252, 252, 251, 251, 253, 252, 252, 252, 250, 252, 252, 252, 252, 251, 251, 252, 253, 252, 251, 250, 252, 250,
        251, 251, 251, 251, 251,
    ];

    fn days(listed: &[(i32, &str)]) -> BTreeSet<NaiveDate> {
        let days = listed.iter().flat_map(|(year, days)| days.split_whitespace().map(move |day| format!("{year}-{day}")));
        days.map(|day| day.parse().unwrap()).collect()
    }

    fn every_day() -> impl Iterator<Item = NaiveDate> {
        FIRST_DAY.iter_days().take_while(|day| day.year() <= 2030)
    }

    #[test]
    fn every_day_of_thirty_one_years_is_open_or_closed_as_the_exchange_was() {
        let closed = days(&CLOSED);
        for day in every_day() {
            let weekend = matches!(day.weekday(), Weekday::Sat | Weekday::Sun);
            assert!(!(weekend && closed.contains(&day)), "{day} needs no mention");
            assert_eq!(is_session(day), !weekend && !closed.contains(&day), "{day}");
        }
        for (year, count) in (2000..).zip(COUNTS) {
            let day = |month, day| NaiveDate::from_ymd_opt(year, month, day).unwrap();
            assert_eq!(sessions(day(1, 1), day(12, 31)).len(), count, "{year}");
        }
    }

    #[test]
    fn every_session_of_thirty_one_years_opens_and_ends_when_the_exchange_did() {
        let (early, time) = (days(&EARLY), |hour, minute| NaiveTime::from_hms_opt(hour, minute, 0).unwrap());
        for day in every_day().filter(|day| is_session(*day)) {
            let session = session(day);
            let (open, close) = (session.open_at.with_timezone(&New_York), session.close_at.with_timezone(&New_York));
            assert_eq!((open.date_naive(), open.time()), (day, time(9, 30)));
            let ends = if early.contains(&day) { time(13, 0) } else { time(16, 0) };
            assert_eq!((close.date_naive(), close.time()), (day, ends), "{day}");
        }
        assert!(early.iter().all(|day| is_session(*day)));
    }
}
