//! Cron expressions on the wall clock of a zone, also where the clock jumps. Pure.
//!
//! Croner reads the expression and lists its wall times as a clock without zone shows them; which instants those are is decided
//! here. Croner's own rules for zones would drop the wall times of `0 */2 * * *` that a jump swallows.

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::{GapInfo, Tz};
use croner::Cron;
use std::{collections::BTreeSet, iter::Peekable, ops::RangeInclusive, str::FromStr};

/// Further than any clock was ever put back since 1970.
const FURTHEST_BACK: TimeDelta = TimeDelta::hours(6);

/// What fires at all fires within this: 29 February on a given weekday comes every 28 years, or every 40 around a year without leap day.
const LONGEST_WAIT: TimeDelta = TimeDelta::days(41 * 366);

/// The years in which ticks are looked for.
const YEARS: RangeInclusive<i32> = 1900..=4000;

/// The instants of an expression, strictly increasing.
///
/// Where the clock goes forward, a wall time that doesn't exist runs once at the first instant after the gap, together with whatever is due
/// there anyway. Where it goes back, a wall time that comes twice runs once, at the first.
///
/// An expression of every hour (its hour field holds all 24) is an interval instead: it runs at each instant at which the clock
/// shows one of its minutes. Nothing is missing in a gap, and of a repeated hour both run, so the real distance stays the same.
pub(super) struct Ticks {
    walls: Peekable<Walls>,
    zone: Tz,
    is_interval: bool,
    after: DateTime<Utc>,
    /// Known already, but a wall time to come may still lie before: the second half of a repeated hour.
    pending: BTreeSet<DateTime<Utc>>,
}

impl Ticks {
    /// The instants of `expression` in `zone`, strictly after `after`; or one sentence on what is wrong with it.
    pub(super) fn after(expression: &str, zone: &str, after: DateTime<Utc>) -> Result<Self, String> {
        let cron = read(expression)?;
        let zone: Tz = zone.parse().map_err(|_| format!("“{zone}” isn't a time zone; give an IANA name such as America/New_York."))?;
        let is_interval = is_of_every_hour(expression);
        if !YEARS.contains(&after.year()) {
            return Err(format!("{after} is outside of the years {} to {}.", YEARS.start(), YEARS.end()));
        }
        let from = after.with_timezone(&zone).naive_local() - FURTHEST_BACK;
        let mut walls = Walls { cron, last: from }.peekable();
        if walls.peek().is_none_or(|first| *first - from > LONGEST_WAIT) {
            return Err(format!("“{expression}” never fires: no such day exists."));
        }
        Ok(Self { walls, zone, is_interval, after, pending: BTreeSet::new() })
    }

    /// The instants that a wall time stands for.
    fn instants(&self, wall: NaiveDateTime) -> Vec<DateTime<Utc>> {
        let local = self.zone.from_local_datetime(&wall);
        let instants = match (self.is_interval, local.earliest(), local.latest()) {
            (true, first, last) => [first, last],
            (false, _, _) => [self.reached(wall), None],
        };
        instants.into_iter().flatten().map(|at| at.with_timezone(&Utc)).collect()
    }

    /// The first instant at which the clock shows `wall` or more. Never decreases from one wall time to the next, which is what
    /// keeps ticks in order.
    fn reached(&self, wall: NaiveDateTime) -> Option<DateTime<Tz>> {
        let shown = self.zone.from_local_datetime(&wall).earliest();
        shown.or_else(|| GapInfo::new(&wall, &self.zone)?.end)
    }
}

impl Iterator for Ticks {
    type Item = DateTime<Utc>;

    fn next(&mut self) -> Option<DateTime<Utc>> {
        loop {
            let wall = self.walls.peek().copied();
            let reached = wall.and_then(|wall| self.reached(wall));
            match self.pending.first() {
                Some(first) if reached.is_none_or(|reached| *first < reached) => {
                    return self.pending.pop_first();
                }
                _ => {}
            }
            let wall = self.walls.next()?;
            let after = self.after;
            let instants = self.instants(wall);
            self.pending.extend(instants.into_iter().filter(|at| *at > after));
        }
    }
}

/// The wall times of an expression, as a clock without zone shows them.
struct Walls {
    cron: Cron,
    last: NaiveDateTime,
}

impl Iterator for Walls {
    type Item = NaiveDateTime;

    fn next(&mut self) -> Option<NaiveDateTime> {
        self.last = self.cron.find_next_occurrence(&self.last.and_utc(), false).ok()?.naive_utc();
        Some(self.last)
    }
}

fn read(expression: &str) -> Result<Cron, String> {
    let fields = expression.split_whitespace().count();
    if fields != 5 {
        return Err(format!("“{expression}” has {fields} fields; five are needed: minute, hour, day of month, month, weekday."));
    }
    Cron::from_str(expression).map_err(|error| format!("“{expression}” can't be read: {error}."))
}

/// Does the hour field hold all 24 hours?
fn is_of_every_hour(expression: &str) -> bool {
    let Some(hours) = expression.split_whitespace().nth(1) else { return false };
    let Ok(cron) = Cron::from_str(&format!("0 {hours} * * *")) else { return false };
    let midnight = NaiveDateTime::default();
    let walls = Walls { cron, last: midnight - TimeDelta::seconds(1) };
    walls.take_while(|wall| wall.date() == midnight.date()).count() == 24
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{NaiveDate, Timelike};
    use proptest::prelude::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// The ticks of `day` in `zone`, as its clock shows them with the offset: `01:30-04:00`.
    fn on(expression: &str, zone: &str, day: &str) -> Vec<String> {
        let day: NaiveDate = day.parse().unwrap();
        let zone_read: Tz = zone.parse().unwrap();
        let start = at(&format!("{day}T00:00:00Z")) - TimeDelta::hours(20);
        let ticks = Ticks::after(expression, zone, start).unwrap().map(|tick| tick.with_timezone(&zone_read));
        let of_day = ticks.skip_while(|tick| tick.date_naive() < day).take_while(|tick| tick.date_naive() == day);
        of_day.map(|tick| tick.format("%H:%M%:z").to_string()).collect()
    }

    #[test]
    fn a_fixed_time_that_does_not_exist_runs_once_after_the_gap() {
        assert_eq!(on("30 2 * * *", "America/New_York", "2026-03-08"), ["03:00-04:00"]);
        assert_eq!(on("30 2 * * *", "Europe/Berlin", "2026-03-29"), ["03:00+02:00"]);
        assert_eq!(on("15 2 * * *", "Australia/Lord_Howe", "2026-10-04"), ["02:30+11:00"]);
        assert_eq!(on("30 2 * * *", "Asia/Kolkata", "2026-03-29"), ["02:30+05:30"]);
        assert_eq!(on("*/15 2 * * *", "America/New_York", "2026-03-08"), ["03:00-04:00"], "all four together");
        assert_eq!(on("0,30 2,3 * * *", "America/New_York", "2026-03-08"), ["03:00-04:00", "03:30-04:00"], "with what is due there anyway");
        assert_eq!(on("0 0 * * *", "America/Sao_Paulo", "2018-11-04"), ["01:00-02:00"], "a day that begins at 01:00 has its tick too");
        assert_eq!(on("0 12 30 * *", "Pacific/Apia", "2011-12-31"), ["00:00+14:00"], "a day that was left out altogether");
    }

    #[test]
    fn a_fixed_time_that_comes_twice_runs_at_the_first() {
        assert_eq!(on("30 1 * * *", "America/New_York", "2026-11-01"), ["01:30-04:00"]);
        assert_eq!(on("30 2 * * *", "Europe/Berlin", "2026-10-25"), ["02:30+02:00"]);
        assert_eq!(on("45 1 * * *", "Australia/Lord_Howe", "2026-04-05"), ["01:45+11:00"]);
        assert_eq!(on("*/30 1 * * *", "America/New_York", "2026-11-01"), ["01:00-04:00", "01:30-04:00"]);
    }

    #[test]
    fn some_hours_of_a_day_are_as_many_on_the_days_of_a_change() {
        let even = |day| on("0 */2 * * *", "Europe/Berlin", day);
        assert_eq!(even("2026-03-29")[..3], ["00:00+01:00", "03:00+02:00", "04:00+02:00"]);
        assert_eq!(even("2026-10-25")[..3], ["00:00+02:00", "02:00+02:00", "04:00+01:00"]);
        assert_eq!([even("2026-03-29").len(), even("2026-10-25").len()], [12, 12]);
    }

    #[test]
    fn an_interval_keeps_its_distance_through_every_change() {
        let zones = ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Asia/Kolkata", "UTC"];
        // Two weeks around each change of 2026 (Lord Howe's are on April 5th and October 4th), and a quiet time.
        let starts = ["2026-03-01", "2026-03-25", "2026-10-01", "2026-10-20", "2040-01-01"].map(|day| at(&format!("{day}T00:00:00Z")));
        for (zone, start) in zones.into_iter().flat_map(|zone| starts.map(|start| (zone, start))) {
            for (expression, minutes) in [("*/5 * * * *", 5), ("*/15 * * * *", 15), ("*/30 0-23 * * *", 30)] {
                let ticks: Vec<_> = Ticks::after(expression, zone, start).unwrap().take(14 * 1440 / minutes).collect();
                let step = TimeDelta::minutes(minutes as i64);
                assert!(ticks.windows(2).all(|pair| pair[1] - pair[0] == step), "{expression} {zone} {start}");
            }
        }
        for zone in ["America/New_York", "Europe/Berlin", "Asia/Kolkata"] {
            let ticks: Vec<_> = Ticks::after("5 * * * *", zone, at("2026-01-01T00:00:00Z")).unwrap().take(9000).collect();
            assert!(ticks.windows(2).all(|pair| pair[1] - pair[0] == TimeDelta::hours(1)), "{zone}");
        }
    }

    #[test]
    fn the_clock_of_lord_howe_shows_whole_hours_ninety_minutes_apart() {
        let hours = |day| on("0 * * * *", "Australia/Lord_Howe", day);
        assert_eq!(hours("2026-10-04")[1..3], ["01:00+10:30", "03:00+11:00"]);
        assert_eq!(hours("2026-04-05")[1..3], ["01:00+11:00", "02:00+10:30"]);
        let halves = on("45 * * * *", "Australia/Lord_Howe", "2026-04-05");
        assert_eq!(halves[1..3], ["01:45+11:00", "01:45+10:30"]);
    }

    #[test]
    fn a_clock_put_back_over_midnight_keeps_ticks_in_order() {
        // St. John's went from 00:01 back to 23:01 of the day before.
        let ticks: Vec<_> = Ticks::after("*/30 * * * *", "America/St_Johns", at("2010-11-07T00:00:00Z")).unwrap().take(20).collect();
        assert!(ticks.windows(2).all(|pair| pair[1] - pair[0] == TimeDelta::minutes(30)), "{ticks:?}");
        let midnight = Ticks::after("0 0 * * *", "America/St_Johns", at("2010-11-06T12:00:00Z")).unwrap().take(2).collect::<Vec<_>>();
        assert_eq!(midnight, [at("2010-11-07T02:30:00Z"), at("2010-11-08T03:30:00Z")]);
    }

    #[test]
    fn what_cannot_be_read_or_never_fires_is_an_error() {
        let after = at("2026-11-20T00:00:00Z");
        let broken = [
            "",
            "@daily",
            "* * * *",
            "0 0 9 * * *",
            "*/5 * * * * * *",
            "60 * * * *",
            "0 24 * * *",
            "0 0 32 * *",
            "0 0 * 13 *",
            "0 0 * * 8",
            "0 9 * * Weekday",
            "5-1 * * * *",
            "*/0 * * * *",
            "-1 * * * *",
            "0 0 31 2 *",
            "0 0 30 Feb *",
            "0 0 31 4,6,9,11 *",
            "é * * * *",
        ];
        for expression in broken {
            let error = Ticks::after(expression, "UTC", after).map(|_| ()).expect_err(expression);
            assert!(error.ends_with('.') && error.contains(expression), "{error}");
        }
        assert!(Ticks::after("0 0 * * *", "New York", after).is_err());
        assert!(
            Ticks::after("0 0 * * *", "UTC", DateTime::<Utc>::MIN_UTC).is_err()
                && Ticks::after("0 0 * * *", "UTC", DateTime::<Utc>::MAX_UTC).is_err()
        );
        let leap = Ticks::after("0 0 29 2 *", "UTC", at("2096-03-01T00:00:00Z")).unwrap().next();
        assert_eq!(leap, Some(at("2104-02-29T00:00:00Z")), "2100 is no leap year");
    }

    #[test]
    fn day_of_month_and_weekday_are_one_or_the_other() {
        let ticks: Vec<_> = Ticks::after("0 0 13 * Fri", "UTC", at("2026-11-05T12:00:00Z")).unwrap().take(3).collect();
        assert_eq!(ticks, [at("2026-11-06T00:00:00Z"), at("2026-11-13T00:00:00Z"), at("2026-11-20T00:00:00Z")]);
    }

    fn expressions() -> impl Strategy<Value = String> {
        let minutes = prop_oneof![Just("*"), Just("*/15"), Just("0"), Just("7,37"), Just("10-20/5")];
        let hours = prop_oneof![Just("*"), Just("*/2"), Just("0-23"), Just("0"), Just("1-3"), Just("9-17/4")];
        let days = prop_oneof![Just("* * *"), Just("* * Mon-Fri"), Just("1,15 * *"), Just("* 3,10,11 Sun")];
        (minutes, hours, days).prop_map(|(minute, hour, day)| format!("{minute} {hour} {day}"))
    }

    const ZONES: [&str; 6] =
        ["America/New_York", "Europe/Berlin", "Australia/Lord_Howe", "America/St_Johns", "Asia/Tokyo", "Antarctica/Troll"];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn ticks_increase_and_none_is_lost_from_any_instant(expression in expressions(), zone in 0..ZONES.len(), minutes in 0i64..366 * 1440, later in 0i64..3 * 1440) {
            let start = at("2026-01-01T00:00:00Z") + TimeDelta::minutes(minutes);
            let after = start + TimeDelta::minutes(later);
            let end = after + TimeDelta::days(40);
            let from = |instant| Ticks::after(&expression, ZONES[zone], instant).unwrap().take_while(|tick| *tick <= end).collect::<Vec<_>>();
            let all = from(start);
            prop_assert!(all.windows(2).all(|pair| pair[0] < pair[1]));
            let rest: Vec<_> = all.into_iter().filter(|tick| *tick > after).collect();
            prop_assert_eq!(rest, from(after));
        }

        #[test]
        fn wall_times_match_except_at_a_change(expression in expressions(), zone in 0..ZONES.len(), days in 0i64..366) {
            let zone_read: Tz = ZONES[zone].parse().unwrap();
            let day = NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + TimeDelta::days(days);
            let offset = |day: NaiveDate| chrono::Offset::fix(&zone_read.offset_from_utc_datetime(&day.and_hms_opt(0, 0, 0).unwrap())).local_minus_utc();
            prop_assume!((-1..=2).all(|near| offset(day + TimeDelta::days(near)) == offset(day)));
            let cron = Cron::from_str(&expression).unwrap();
            let minutes = (0..1440).map(|minute| day.and_hms_opt(minute / 60, minute % 60, 0).unwrap());
            let expected: Vec<_> = minutes.filter(|wall| cron.is_time_matching(&wall.and_utc()).unwrap()).collect();
            let start = day.and_hms_opt(0, 0, 0).unwrap().and_utc() - TimeDelta::seconds(i64::from(offset(day)) + 1);
            let walls = Ticks::after(&expression, ZONES[zone], start).unwrap().map(|tick| tick.with_timezone(&zone_read).naive_local());
            let ticked: Vec<_> = walls.take_while(|wall| wall.date() == day).collect();
            prop_assert!(ticked.iter().all(|wall| wall.second() == 0));
            prop_assert_eq!(ticked, expected);
        }
    }
}
