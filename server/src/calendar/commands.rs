//! `plumbline calendar`: the sessions of a stretch of days, for a person or as JSON. Needs no database.

use super::{FIRST_DAY, LAST_DAY, Session, session, sessions};
use chrono::{DateTime, NaiveDate, SecondsFormat, TimeDelta, Utc};
use chrono_tz::America::New_York;
use clap::Args;
use serde::Serialize;

#[derive(Debug, Args)]
pub struct CalendarArgs {
    /// First day, such as 2024-11-25
    #[arg(long, value_name = "DAY")]
    from: NaiveDate,
    /// Last day
    #[arg(long, value_name = "DAY")]
    to: NaiveDate,
    /// As JSON, in UTC
    #[arg(long)]
    json: bool,
}

/// Why sessions can't be listed; one sentence.
#[derive(Debug, thiserror::Error)]
pub enum CommandError {
    #[error("The first day, {from}, comes after the last, {to}; swap them.")]
    Backwards { from: NaiveDate, to: NaiveDate },
    #[error("The calendar holds {FIRST_DAY} to {LAST_DAY}; choose days between them.")]
    Unknown,
    #[error("The sessions can't be written as JSON: {0}.")]
    Json(#[from] serde_json::Error),
}

/// Prints the sessions of the days asked for.
///
/// # Errors
/// [`CommandError`] when the calendar doesn't hold those days.
pub fn run(args: &CalendarArgs) -> Result<(), CommandError> {
    let text = answer(args)?;
    say!("{}", text.trim_end());
    Ok(())
}

fn answer(args: &CalendarArgs) -> Result<String, CommandError> {
    let &CalendarArgs { from, to, json } = args;
    if from > to {
        return Err(CommandError::Backwards { from, to });
    }
    if from < FIRST_DAY || to > LAST_DAY {
        return Err(CommandError::Unknown);
    }
    let sessions: Vec<Session> = sessions(from, to).into_iter().map(session).collect();
    if json {
        let shown = Shown { sessions: sessions.iter().map(ShownSession::from).collect() };
        return Ok(serde_json::to_string(&shown)? + "\n");
    }
    Ok(table(&sessions))
}

#[derive(Serialize)]
struct Shown {
    sessions: Vec<ShownSession>,
}

/// Instants in UTC, to the second: `2024-11-29T14:30:00Z`.
#[derive(Serialize)]
struct ShownSession {
    session_date: NaiveDate,
    open_at: String,
    close_at: String,
}

impl From<&Session> for ShownSession {
    fn from(session: &Session) -> Self {
        let utc = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Secs, true);
        Self { session_date: session.session_date, open_at: utc(session.open_at), close_at: utc(session.close_at) }
    }
}

/// A full session, 09:30 to 16:00.
const FULL: TimeDelta = TimeDelta::minutes(390);

fn table(sessions: &[Session]) -> String {
    let mut text = "Session          New York       UTC\n".to_owned();
    let mut early = 0;
    for Session { session_date, open_at, close_at } in sessions {
        let (open, close) = (open_at.with_timezone(&New_York), close_at.with_timezone(&New_York));
        let is_early = *close_at - *open_at < FULL;
        early += usize::from(is_early);
        let note = if is_early { "  early close" } else { "" };
        text += &format!(
            "{}  {}–{}  {}–{}{note}\n",
            session_date.format("%Y-%m-%d %a"),
            open.format("%H:%M"),
            close.format("%H:%M"),
            open_at.format("%H:%M"),
            close_at.format("%H:%M"),
        );
    }
    text + &format!("Sessions: {}, of them with an early close: {early}.\n", sessions.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(from: &str, to: &str, json: bool) -> Result<String, CommandError> {
        answer(&CalendarArgs { from: from.parse().unwrap(), to: to.parse().unwrap(), json })
    }

    #[test]
    fn a_person_sees_the_early_close() {
        let text = asked("2024-11-27", "2024-12-01", false).unwrap();
        assert_eq!(
            text,
            "Session          New York       UTC\n\
             2024-11-27 Wed  09:30–16:00  14:30–21:00\n\
             2024-11-29 Fri  09:30–13:00  14:30–18:00  early close\n\
             Sessions: 2, of them with an early close: 1.\n"
        );
    }

    #[test]
    fn days_outside_of_the_calendar_are_refused() {
        assert!(matches!(asked("2024-02-02", "2024-02-01", true), Err(CommandError::Backwards { .. })));
        let unknown = asked("1999-12-31", "2000-01-05", true).unwrap_err();
        assert_eq!(unknown.to_string(), "The calendar holds 2000-01-01 to 2040-12-31; choose days between them.");
        assert!(matches!(asked("2040-12-31", "2041-01-01", false), Err(CommandError::Unknown)));
        assert_eq!(asked("2024-11-28", "2024-11-28", true).unwrap(), "{\"sessions\":[]}\n", "Thanksgiving");
    }
}
