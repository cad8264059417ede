//! A range of days cut into the runs of a backfill. Pure.

use crate::calendar;
use chrono::{Datelike, NaiveDate};

/// How much of the range one run takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum Per {
    /// One run for the whole range: the quickest.
    #[default]
    Range,
    Year,
    Quarter,
    Month,
    Week,
    Session,
}

/// First and last day of each run, oldest first. Each holds a session; the last day is one.
pub fn chunks(from: NaiveDate, to: NaiveDate, per: Per) -> Vec<(NaiveDate, NaiveDate)> {
    let of = |day: NaiveDate| match per {
        Per::Range => (0, 0),
        Per::Year => (day.year(), 0),
        Per::Quarter => (day.year(), day.month0() / 3),
        Per::Month => (day.year(), day.month()),
        Per::Week => (day.iso_week().year(), day.iso_week().week()),
        Per::Session => (day.year(), day.ordinal()),
    };
    let sessions = calendar::sessions(from, to);
    sessions.chunk_by(|one, next| of(*one) == of(*next)).filter_map(|chunk| Some((*chunk.first()?, *chunk.last()?))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn every_session_is_in_one_chunk() {
        let (from, to) = (day("2025-12-20"), day("2026-02-03"));
        for per in [Per::Range, Per::Year, Per::Quarter, Per::Month, Per::Week, Per::Session] {
            let all: Vec<_> = chunks(from, to, per).iter().flat_map(|&(from, to)| calendar::sessions(from, to)).collect();
            assert_eq!(all, calendar::sessions(from, to), "{per:?}");
        }
        assert_eq!(chunks(from, to, Per::Range), [(day("2025-12-22"), day("2026-02-03"))]);
        assert_eq!(chunks(from, to, Per::Month)[1], (day("2026-01-02"), day("2026-01-30")));
        assert!(chunks(day("2026-01-03"), day("2026-01-04"), Per::Week).is_empty(), "a weekend");
    }
}
