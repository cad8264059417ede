//! Asking for runs: checked at the door, joined where one is under way. And what a publishing task publishes.

use super::{
    dags::{daily, history, publication, refetch},
    error::Error,
    parameters::{Everything, Parameters, Refetch},
    publish::{self, Scope},
    tracked,
};
use crate::{
    calendar,
    clock::Clock,
    orchestrator::{Asked, Dag, Outcome, Repeat, Request, TaskContext, TaskError, Trigger, request},
};
use app::domain::{PortfolioId, Symbol, UserId};
use chrono::NaiveDate;
use sqlx::PgPool;

/// Asks for a daily run that brings everything up to `session`.
///
/// # Errors
/// [`Error::Refused`] when it is no session or hasn't closed yet.
pub async fn request_daily(pool: &PgPool, clock: Clock, session: NaiveDate, by: Option<UserId>, trigger: Trigger) -> Result<i64, Error> {
    check_session(session, clock)?;
    ask(pool, daily(), Parameters::Daily { session }, trigger, by, Repeat::JoinLive).await
}

/// Asks for the history of `from ..= to`; without `from`, from the first day that anything is known of.
///
/// # Errors
/// [`Error::Refused`] when the days are in the wrong order, `to` hasn't closed yet, or they lie outside the calendar.
pub async fn request_backfill(
    pool: &PgPool,
    clock: Clock,
    from: Option<NaiveDate>,
    to: NaiveDate,
    by: Option<UserId>,
) -> Result<i64, Error> {
    let to = check_range(from, to, clock)?;
    ask(pool, history(), Parameters::Backfill { from, to }, Trigger::Backfill, by, Repeat::JoinLive).await
}

/// Asks for a portfolio to be published anew, after an edit of its transactions has been committed; and for a daily run,
/// if the edit brought a symbol whose prices were never asked for.
///
/// # Errors
/// What Postgres says.
pub async fn request_publish(pool: &PgPool, portfolio: PortfolioId, by: Option<UserId>) -> Result<i64, Error> {
    let parameters = Parameters::Publish { portfolio: portfolio.get() };
    let run_id = ask(pool, publication(), parameters, Trigger::Person, by, Repeat::JoinQueued).await?;
    if let Some(session) = published_session(pool).await?
        && tracked::lacks_history(pool, portfolio).await?
    {
        ask(pool, daily(), Parameters::Daily { session }, Trigger::Person, by, Repeat::JoinLive).await?;
    }
    Ok(run_id)
}

/// Asks for all portfolios to be published anew, after a decision about prices has been committed.
///
/// # Errors
/// What Postgres says.
pub async fn request_publish_all(pool: &PgPool, by: Option<UserId>) -> Result<i64, Error> {
    ask(pool, publication(), Parameters::PublishAll { publish: Everything::All }, Trigger::Person, by, Repeat::JoinQueued).await
}

/// Asks for prices, splits and dividends of these symbols, or for a portfolio's activities at its broker, once more, whether they
/// were asked for before or not; what comes is checked and published.
///
/// # Errors
/// [`Error::Refused`] when the days are in the wrong order, haven't closed yet, lie outside the calendar, or are too many.
pub async fn request_refetch(
    pool: &PgPool,
    clock: Clock,
    symbols: Vec<Symbol>,
    portfolio: Option<PortfolioId>,
    span: (NaiveDate, NaiveDate),
    by: Option<UserId>,
) -> Result<i64, Error> {
    let (from, to) = span;
    let to = check_range(Some(from), to, clock)?;
    // What is published goes no further by it: a later session is a daily run's.
    let session = published_session(pool).await?.unwrap_or_else(|| clock.last_completed_session());
    let what = Refetch { refetch: symbols, portfolio: portfolio.map(PortfolioId::get), from: from.min(to), to, session };
    ask(pool, refetch(), Parameters::Refetch(what), Trigger::Person, by, Repeat::JoinLive).await
}

pub(super) async fn ask(
    pool: &PgPool,
    dag: Dag,
    parameters: Parameters,
    trigger: Trigger,
    by: Option<UserId>,
    repeat: Repeat,
) -> Result<i64, Error> {
    send(pool, &Request { trigger, requested_by: by.map(UserId::get), repeat, ..Request::new(dag, parameters.to_value()) }).await
}

/// Asks; a DAG that doesn't want the run now says so in a sentence.
pub(super) async fn send(pool: &PgPool, wanted: &Request) -> Result<i64, Error> {
    match request(pool, wanted).await? {
        Asked::New(run_id) | Asked::Joined(run_id) => Ok(run_id),
        Asked::Refused(sentence) => Err(Error::refused(sentence)),
    }
}

pub(super) fn check_session(session: NaiveDate, clock: Clock) -> Result<(), Error> {
    let last = clock.last_completed_session();
    if session < calendar::FIRST_DAY || !calendar::is_session(session) {
        // One that has closed: the day may lie ahead.
        let before = calendar::session_on_or_before(session.max(calendar::FIRST_DAY)).min(last);
        return Err(Error::refused(format!("The exchange has no session on {session}. Use one of its sessions, e.g. {before}.")));
    }
    if session > last {
        return Err(Error::refused(format!("The session of {session} hasn't closed yet. The last one that has is {last}; use that.")));
    }
    Ok(())
}

/// The last session of the range, if the range can be asked for.
pub(super) fn check_range(from: Option<NaiveDate>, to: NaiveDate, clock: Clock) -> Result<NaiveDate, Error> {
    let last = clock.last_completed_session();
    if to > last {
        return Err(Error::refused(format!("{to} lies after the last completed session, {last}. Use {last} as the last day.")));
    }
    if from.is_some_and(|from| from > to) {
        return Err(Error::refused("The first day lies after the last one. Swap them."));
    }
    if from.unwrap_or(to) < calendar::FIRST_DAY {
        return Err(Error::refused(format!("The exchange's calendar begins on {}. Use a later day.", calendar::FIRST_DAY)));
    }
    Ok(calendar::session_on_or_before(to))
}

/// The last session that was published.
pub(super) async fn published_session(pool: &PgPool) -> Result<Option<NaiveDate>, sqlx::Error> {
    sqlx::query_scalar!("select max(session_date) from ops.publication").fetch_one(pool).await
}

/// The task `publish`. What is published never goes back to an earlier session, even when an older one was fetched again.
pub(super) async fn publish(ctx: &TaskContext) -> Result<Outcome, TaskError> {
    let published = published_session(&ctx.pool).await?;
    let (session, scope) = match Parameters::read(&ctx.parameters).map_err(|error| TaskError::Final(Box::new(error)))? {
        Parameters::Daily { session } | Parameters::Backfill { to: session, .. } | Parameters::Refetch(Refetch { session, .. }) => {
            (published.map_or(session, |published| published.max(session)), Scope::All)
        }
        Parameters::Publish { portfolio } => match published {
            Some(session) => (session, Scope::Portfolio(PortfolioId(portfolio))),
            // Before the first publication there is nothing to bring up to date; the first run publishes every portfolio.
            None => return Ok(Outcome::Done { rows: 0 }),
        },
        Parameters::PublishAll { .. } => match published {
            Some(session) => (session, Scope::All),
            None => return Ok(Outcome::Done { rows: 0 }),
        },
    };
    publish::publish(ctx, session, scope).await?;
    Ok(Outcome::Completed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    /// Sunday: the last completed session is Friday, 2026-11-20.
    fn sunday() -> Clock {
        Clock::Fixed("2026-11-22T12:00:00Z".parse().unwrap())
    }

    #[test]
    fn only_sessions_that_have_closed_can_be_run() {
        assert!(check_session(day("2026-11-20"), sunday()).is_ok());
        for (wrong, words) in [
            ("2026-11-23", "hasn't closed yet"),
            ("2026-11-21", "2026-11-20"),
            ("2026-11-28", "no session on 2026-11-28. Use one of its sessions, e.g. 2026-11-20"),
            ("0001-01-01", "no session"),
        ] {
            let error = check_session(day(wrong), sunday()).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }

    #[test]
    fn a_range_ends_on_a_session() {
        assert_eq!(check_range(None, day("2026-11-15"), sunday()).unwrap(), day("2026-11-13"));
        assert!(check_range(None, day("2026-11-22"), sunday()).is_err(), "the 22nd lies after the last completed session");
        assert!(check_range(Some(day("2026-11-02")), day("2026-11-01"), sunday()).is_err());
        assert!(check_range(Some(day("1999-01-01")), day("2026-11-01"), sunday()).is_err());
    }
}
