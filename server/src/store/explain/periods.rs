//! Returns of months and years, falls and rolling windows: what each is worked out from. Pure.

use super::{
    address::rolled,
    overall::{Ground, returns},
};
use app::{
    analytics::{
        metrics::Terms,
        returns::by_month,
        sessions::{PortfolioSession, Stretch, series},
    },
    domain::{Figure, Range, Undefined},
    explain::{
        model::{Asked, Input},
        recipe::{Answer, DatedReturn, Exact, Recipe, exact},
    },
    format,
    performance::{figures, model::Rolled},
};
use chrono::{Datelike, NaiveDate};

/// A figure of a stretch of sessions.
pub(super) struct OfPeriod {
    pub value: Figure<f64>,
    pub recipe: Recipe,
    /// The close with which it opens.
    pub opens_on: Option<NaiveDate>,
    pub as_of: NaiveDate,
    pub inputs: Vec<Input>,
}

/// One of them, by its key; `None`: no such figure, or no session that is meant.
pub(super) fn of_period(asked: &Asked, ground: &Ground<'_>) -> Option<OfPeriod> {
    let all = ground.sessions;
    let day = asked.session.or(all.last().map(|last| last.session_date))?;
    match asked.figure.as_str() {
        "month_return" => month(all, day, ground),
        "year_return" | "benchmark_year_return" | "year_excess_return" => year(&asked.figure, all, day),
        "drawdown" => fall(all, day, asked.scope.range, ground),
        "rolling" => window(all, day, rolled(asked), ground),
        _ => None,
    }
}

fn own(session: &PortfolioSession) -> Option<f64> {
    session.daily_return
}

fn no_return() -> Undefined {
    Undefined::because("no session of it has a return")
}

fn month(all: &[PortfolioSession], day: NaiveDate, ground: &Ground<'_>) -> Option<OfPeriod> {
    let of = Stretch::months(all).find(|of| of.last.session_date.with_day(1) == day.with_day(1))?;
    let sessions = of.sessions;
    Some(OfPeriod {
        value: if of.was_at_work() { of.linked_months() } else { Err(no_return()) },
        recipe: Recipe::Linked { returns: returns(sessions, own) },
        opens_on: of.opening.map(|opening| opening.session_date),
        as_of: sessions.last()?.session_date,
        inputs: ground.movers(sessions, false),
    })
}

/// The months of a year with a return, each on its last session.
fn months<'a>(
    sessions: &[PortfolioSession],
    counted: impl Iterator<Item = &'a PortfolioSession>,
    of: fn(&PortfolioSession) -> Option<f64>,
) -> Vec<DatedReturn> {
    let months = by_month(counted.map(|session| (session.session_date, of(session))));
    let last = |month: u32| sessions.iter().rev().find(|session| session.session_date.month() == month).map(|session| session.session_date);
    months.into_iter().filter_map(|(_, month, r)| Some(DatedReturn { session: last(month)?, r: Some(Exact(r)) })).collect()
}

fn year(figure: &str, all: &[PortfolioSession], day: NaiveDate) -> Option<OfPeriod> {
    let of = Stretch::years(all).find(|of| of.last.session_date.year() == day.year())?;
    let sessions = of.sessions;
    let (own_months, benchmark_months) =
        (months(sessions, sessions.iter(), own), months(sessions, of.at_work(), |session| session.benchmark_return));
    let own_return = || if of.was_at_work() { of.linked_months() } else { Err(no_return()) };
    let benchmark_return = || of.benchmark_months().map_err(|_| no_return());
    let mut inputs = Vec::new();
    let name = |month: &DatedReturn| format!("{} {}", format::month(month.session.month()), month.session.year());
    let said = |month: &DatedReturn| month.r.map_or_else(|| "–".into(), |r| format::signed_percent(r.0));
    if figure != "benchmark_year_return" {
        inputs.extend(own_months.iter().map(|month| Input::new(name(month), said(month)).to("month_return", None, month.session)));
    }
    if figure != "year_return" {
        inputs.extend(benchmark_months.iter().map(|month| Input::new(format!("{}, SPY", name(month)), said(month))));
    }
    let (value, recipe) = match figure {
        "year_return" => (own_return(), Recipe::Linked { returns: own_months }),
        "benchmark_year_return" => (benchmark_return(), Recipe::Linked { returns: benchmark_months }),
        _ => {
            let value = own_return().and_then(|own| Ok(own - benchmark_return()?));
            (value, Recipe::Ahead { returns: own_months, benchmark: benchmark_months })
        }
    };
    let opens_on = of.opening.map(|opening| opening.session_date);
    Some(OfPeriod { value, recipe, opens_on, as_of: sessions.last()?.session_date, inputs })
}

fn fall(all: &[PortfolioSession], day: NaiveDate, range: Range, ground: &Ground<'_>) -> Option<OfPeriod> {
    let stretch = Stretch::of(all, range)?;
    let until = stretch.sessions.partition_point(|session| session.session_date <= day);
    let sessions = &stretch.sessions[..until];
    let as_of = sessions.last()?.session_date;
    let line = stretch.line();
    let depths: Vec<(NaiveDate, f64)> = line
        .iter()
        .filter(|point| point.session.session_date <= as_of)
        .filter_map(|point| Some((point.session.session_date, point.drawdown?)))
        .collect();
    // Before the first return nothing could fall; from an unknown value on nobody knows.
    let has_return = sessions.iter().any(|session| session.daily_return.is_some());
    let depth = line.iter().find(|point| point.session.session_date == as_of).and_then(|point| point.drawdown);
    let value = match depth {
        Some(depth) if has_return => Ok(depth),
        None => Err(stretch.time_weighted().err().unwrap_or_else(no_return)),
        Some(_) => Err(no_return()),
    };
    let peak = depths.iter().rposition(|(_, depth)| *depth >= 0.0);
    let mut inputs = Vec::new();
    if let Some((on, _)) = peak.and_then(|at| depths.get(at)) {
        inputs.push(Input::new("Last peak", format::date(*on)).to("session_value", None, *on));
    }
    let since = peak.map_or(0, |at| sessions.partition_point(|session| session.session_date <= depths[at].0));
    inputs.extend(ground.movers(&sessions[since..], false));
    Some(OfPeriod {
        value,
        recipe: Recipe::Fall { returns: returns(sessions, own) },
        opens_on: stretch.opening.map(|opening| opening.session_date),
        as_of,
        inputs,
    })
}

fn window(all: &[PortfolioSession], day: NaiveDate, rolled: Rolled, ground: &Ground<'_>) -> Option<OfPeriod> {
    let series = series(all);
    let end = series.days.partition_point(|known| *known <= day);
    let as_of = end.checked_sub(1).map_or(day, |last| series.days[last]);
    let Some(from) = end.checked_sub(rolled.window) else {
        let value = Err(Undefined::because(format!("needs {} returns, has {end}", rolled.window)));
        return Some(OfPeriod { value, recipe: Recipe::Linked { returns: Vec::new() }, opens_on: None, as_of, inputs: Vec::new() });
    };
    let known = |numbers: &[Option<f64>]| numbers.iter().map(|number| number.map(Exact)).collect();
    let benchmark = series.benchmark.clone().unwrap_or_default();
    let unknown = Stretch::whole(all)?.unknown();
    let sessions = &all[all.partition_point(|session| session.session_date < series.days[from])
        ..all.partition_point(|session| session.session_date <= as_of)];
    Some(OfPeriod {
        value: figures::chain_broken(rolled.key, &series.days, as_of, rolled.window, &unknown)
            .map_or_else(|| series.measure(rolled.key, Terms::default(), from..end), Err),
        recipe: Recipe::Window {
            key: rolled.key.into(),
            returns: exact(&series.returns[from..end]),
            risk_free: known(&series.risk_free[from..end]),
            benchmark: known(&benchmark[from..end]),
        },
        opens_on: from.checked_sub(1).map(|before| series.days[before]),
        as_of,
        inputs: ground.movers(sessions, false),
    })
}

impl From<OfPeriod> for super::Made {
    fn from(of: OfPeriod) -> Self {
        let recipe = match &of.value {
            Ok(_) => of.recipe,
            Err(reason) => super::overall::nothing(reason),
        };
        Self {
            value: of.value.map(|number| Answer::Number(Exact(number))),
            recipe,
            opens_on: of.opens_on,
            as_of: of.as_of,
            inputs: of.inputs,
            rows: Vec::new(),
            quotes: Vec::new(),
        }
    }
}
