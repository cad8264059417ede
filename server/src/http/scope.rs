//! The scope of a program's request. Unlike a page's address, it is refused where it can't be read: no other portfolio, range or day answers.

use super::pipeline::{Asked, Problem};
use crate::{calendar, clock::Clock};
use app::{
    domain::{Benchmark, KNOWABLE, PortfolioId, Range, Scope},
    error::AppError,
};
use chrono::NaiveDate;

/// `portfolio`, `range`, `against`, `as_known_on`; each has its default where it isn't there.
pub(super) fn scope(asked: &Asked) -> Result<Scope, Problem> {
    let mut scope = Scope { benchmark: benchmark(asked)?, as_known_on: as_known_on(asked)?, ..Scope::default() };
    if let Some(portfolio) = asked.text("portfolio") {
        scope.portfolio = Some(PortfolioId(portfolio.parse().map_err(|_| Problem::App(AppError::NotFound))?));
    }
    if let Some(range) = asked.text("range") {
        let known = Range::ALL.map(Range::label).join(", ");
        scope.range = Range::parse(&range).ok_or_else(|| Problem::Parameter(format!("range must be one of {known}.")))?;
    }
    Ok(scope)
}

/// `against`; without it the usual one.
pub(super) fn benchmark(asked: &Asked) -> Result<Benchmark, Problem> {
    let Some(against) = asked.text("against") else { return Ok(Benchmark::default()) };
    let known = Benchmark::ALL.map(Benchmark::key).join(", ");
    Benchmark::parse(&against).ok_or_else(|| Problem::Parameter(format!("against must be one of {known}.")))
}

fn as_known_on(asked: &Asked) -> Result<Option<NaiveDate>, Problem> {
    let Some(text) = asked.text("as_known_on") else { return Ok(None) };
    // Publications bear the real time: with a clock that stands still the day of one may lie after the clock's.
    let today = calendar::new_york_date(asked.store.clock.now().max(Clock::Real.now()));
    match text.parse().ok().filter(|day| KNOWABLE.contains(day)) {
        Some(day) if day <= today => Ok(Some(day)),
        Some(_) => {
            Err(Problem::Parameter(format!("as_known_on must not lie after today, {today} in New York: nobody knows that day yet.")))
        }
        None => Err(Problem::Parameter("as_known_on must be a day such as 2026-11-20.".to_owned())),
    }
}

/// For what is told only as it is known today.
pub(super) fn today_alone(asked: &Asked) -> Result<(), Problem> {
    match asked.text("as_known_on") {
        Some(_) => Err(Problem::Parameter("This is told as it is known today; leave as_known_on out.".to_owned())),
        None => Ok(()),
    }
}
