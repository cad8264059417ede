//! What becomes of ticks that are due: those of now run, of missed ones the schedule's policy says which. Pure.

use chrono::{DateTime, TimeDelta, Utc};
use std::time::Duration;

/// A tick that is decided later than this was missed, and the reason says so.
const LATE: TimeDelta = TimeDelta::seconds(120);

/// Which missed ticks are made up for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatchUp {
    /// Each, oldest first.
    All,
    /// The latest due; one run covers everything that is missing.
    Latest,
    None,
    /// Those that aren't older than this when they are decided.
    Within(Duration),
}

/// What becomes of a due tick before its owner is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    Run {
        /// One sentence.
        reason: String,
    },
    Skip {
        /// One sentence.
        reason: String,
    },
}

/// All `due` ticks (oldest first), each with what becomes of it at `now`. One that is on time always runs.
pub fn turns(due: &[DateTime<Utc>], now: DateTime<Utc>, catch_up: CatchUp) -> Vec<(DateTime<Utc>, Turn)> {
    let Some(&latest) = due.last() else { return Vec::new() };
    due.iter().map(|&tick| (tick, turn(tick, latest, due.len(), now, catch_up))).collect()
}

fn turn(tick: DateTime<Utc>, latest: DateTime<Utc>, count: usize, now: DateTime<Utc>, catch_up: CatchUp) -> Turn {
    let age = now - tick;
    if age <= LATE {
        return Turn::Run { reason: "On time.".to_owned() };
    }
    let run = |why: &str| Turn::Run { reason: format!("Caught up at {}: it was missed, {why}.", shown(now)) };
    match catch_up {
        CatchUp::All => run("and every missed tick runs"),
        CatchUp::Latest if tick == latest && count == 1 => run("and no later one is due"),
        CatchUp::Latest if tick == latest => run(&format!("and it is the latest of {count}")),
        CatchUp::Latest => skip(format!("Missed while the server was off; the tick of {} covers it.", shown(latest))),
        CatchUp::None => skip("Missed while the server was off; missed ticks aren't made up for.".to_owned()),
        // A window too long for the calendar holds everything.
        CatchUp::Within(window) if TimeDelta::from_std(window).is_ok_and(|window| age > window) => {
            skip(format!("Missed while the server was off, and older than {} by then.", length(window)))
        }
        CatchUp::Within(window) => run(&format!("and it isn't older than {}", length(window))),
    }
}

fn skip(reason: String) -> Turn {
    Turn::Skip { reason }
}

fn shown(instant: DateTime<Utc>) -> String {
    instant.format("%Y-%m-%d %H:%M UTC").to_string()
}

/// A window in the largest unit that tells it without a rest: `3 days`, `90 minutes`.
fn length(window: Duration) -> String {
    let seconds = window.as_secs();
    let (count, unit) = [(86_400, "day"), (3_600, "hour"), (60, "minute")]
        .into_iter()
        .find(|(size, _)| seconds > 0 && seconds.is_multiple_of(*size))
        .map_or((seconds, "second"), |(size, unit)| (seconds / size, unit));
    format!("{count} {unit}{}", if count == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> DateTime<Utc> {
        text.parse().unwrap()
    }

    /// Three ticks, the last of which is `seconds` old: each one's first letter (Run, Skip) and its reason.
    fn decided(seconds: i64, catch_up: CatchUp) -> Vec<(char, String)> {
        let due = [at("2026-11-18T14:00:00Z"), at("2026-11-19T14:00:00Z"), at("2026-11-20T14:00:00Z")];
        let decided = turns(&due, due[2] + TimeDelta::seconds(seconds), catch_up);
        assert_eq!(decided.iter().map(|(tick, _)| *tick).collect::<Vec<_>>(), due, "each tick once, in order");
        let turns = decided.into_iter().map(|(_, turn)| match turn {
            Turn::Run { reason } => ('R', reason),
            Turn::Skip { reason } => ('S', reason),
        });
        turns.collect()
    }

    fn letters(seconds: i64, catch_up: CatchUp) -> String {
        decided(seconds, catch_up).into_iter().map(|(letter, _)| letter).collect()
    }

    const DAY: Duration = Duration::from_secs(86_400);

    #[test]
    fn each_policy_decides_missed_ticks_in_its_way() {
        let late = 121;
        assert_eq!(letters(late, CatchUp::All), "RRR");
        assert_eq!(letters(late, CatchUp::Latest), "SSR");
        assert_eq!(letters(late, CatchUp::None), "SSS");
        assert_eq!(letters(late, CatchUp::Within(DAY)), "SSR");
        assert_eq!(letters(0, CatchUp::Within(DAY)), "SRR", "a window's end belongs to it");
        assert_eq!(letters(late, CatchUp::Within(Duration::MAX)), "RRR");
        assert_eq!(letters(late, CatchUp::Within(Duration::ZERO)), "SSS");
    }

    #[test]
    fn a_tick_on_time_runs_whatever_the_policy() {
        for policy in [CatchUp::All, CatchUp::Latest, CatchUp::None, CatchUp::Within(Duration::ZERO)] {
            let (letter, reason) = decided(120, policy).pop().unwrap();
            assert_eq!((letter, &*reason), ('R', "On time."));
        }
        let minutes = [at("2026-11-20T14:00:00Z"), at("2026-11-20T14:01:00Z")];
        let both = turns(&minutes, at("2026-11-20T14:01:30Z"), CatchUp::Latest);
        assert!(both.iter().all(|(_, turn)| *turn == Turn::Run { reason: "On time.".into() }));
        assert!(turns(&[], at("2026-11-20T14:01:30Z"), CatchUp::All).is_empty());
    }

    #[test]
    fn reasons_tell_a_person_why() {
        let reasons: Vec<_> = decided(7200, CatchUp::Latest).into_iter().map(|(_, reason)| reason).collect();
        assert_eq!(reasons[0], "Missed while the server was off; the tick of 2026-11-20 14:00 UTC covers it.");
        assert_eq!(reasons[2], "Caught up at 2026-11-20 16:00 UTC: it was missed, and it is the latest of 3.");
        let window = decided(7200, CatchUp::Within(Duration::from_secs(5400)));
        assert_eq!(window[2].1, "Missed while the server was off, and older than 90 minutes by then.");
        assert_eq!(
            decided(7200, CatchUp::Within(DAY))[2].1,
            "Caught up at 2026-11-20 16:00 UTC: it was missed, and it isn't older than 1 day."
        );
        assert_eq!(decided(7200, CatchUp::None)[1].1, "Missed while the server was off; missed ticks aren't made up for.");
        assert_eq!(decided(7200, CatchUp::All)[1].1, "Caught up at 2026-11-20 16:00 UTC: it was missed, and every missed tick runs.");
    }
}
