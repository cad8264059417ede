//! From a portfolio's published sessions to what is said of its performance. Pure.

use super::model::{Daily, HoldingRecord, Month, Performance, Returns, Rolled, TrackRecord, Year};
use crate::{
    analytics::{
        contribution::Member,
        metrics::{KEYS, Terms, is_chained, on_screen},
        report::{Report, RiskFree, Rolling},
        returns::{SESSIONS_A_YEAR, per_period},
        risk::concentration_measures,
        series::WINDOWS,
        sessions::{MoneyWeightedReturn, Point, PortfolioSession, Stretch, no_price, series},
    },
    domain::{Figure, Money, Scope, Undefined},
};
use chrono::{Datelike, NaiveDate};

/// Where the published risk-free rate comes from.
const RISK_FREE: RiskFree = RiskFree::Series("DGS3MO");

/// Everything about the range of the scope; `None` without a session.
pub fn performance(record: &TrackRecord, scope: &Scope) -> Option<Performance> {
    let all = &record.sessions;
    let (first, last) = (all.first()?, all.last()?);
    let stretch = Stretch::of(all, scope.range)?;
    let priced: Vec<Money> = record.position_values.iter().flatten().copied().collect();
    let (in_range, terms) = (stretch.series(), Terms::default());
    let found = stretch.measured();
    let MoneyWeightedReturn { rate: money_weighted, is_annual: money_weighted_is_annual } = stretch.money_weighted();
    let time_weighted = stretch.time_weighted().map(|linked| linked.cumulative);
    let mut report = Report::of(&in_range, &found, terms, RISK_FREE);
    if time_weighted.is_err() {
        // A fall that nobody saw whole would have a wrong depth.
        report.drawdowns.clear();
    }
    Some(Performance {
        portfolio: record.portfolio,
        currency: record.currency.clone(),
        range: scope.range,
        benchmark: scope.benchmark,
        as_of: last.session_date,
        opens_on: stretch.opening.unwrap_or(first).session_date,
        since: first.session_date,
        value: last.value.ok_or_else(no_price),
        positions: last.positions,
        carried: last.carried,
        restated: record.restated.counted(stretch.opening.unwrap_or(first).session_date, last.session_date),
        returns: Returns {
            left_out: stretch.sessions.len() - in_range.returns.len(),
            time_weighted,
            benchmark: stretch.benchmark_return(),
            excess: stretch.excess_return(),
            money_weighted,
            money_weighted_is_annual,
            modified_dietz: stretch.modified_dietz(),
        },
        report,
        contributions: record.holdings.as_ref().map(|holdings| stretch.contributions(&members(holdings))).map_err(Clone::clone),
        names: record.holdings.iter().flatten().map(|held| (held.course.symbol.clone(), held.name.clone())).collect(),
        concentration: concentration_measures(&priced),
        daily: stretch.line().into_iter().map(|point| daily(point, stretch.opening)).collect(),
        years: years(all),
        months: months(all),
        sessions: stretch.sessions.len(),
        on_screen: KEYS.iter().map(|key| (*key, on_screen(&found, key, stretch.sessions.len()))).collect(),
        history: series(all),
        unknown: Stretch::whole(all)?.unknown(),
    })
}

/// Holdings are added up by sector.
pub fn members(holdings: &[HoldingRecord]) -> Vec<Member<'_>> {
    holdings.iter().map(|held| Member { course: &held.course, group: Some(&held.sector) }).collect()
}

/// Why a window that ends on `end` chains no return: between two of its `days`, those with a return, one is unknown.
pub fn chain_broken(key: &str, days: &[NaiveDate], end: NaiveDate, window: usize, unknown: &[NaiveDate]) -> Option<Undefined> {
    if unknown.is_empty() || !is_chained(key) {
        return None;
    }
    let from = days.partition_point(|day| *day <= end).checked_sub(window).and_then(|first| days.get(first))?;
    let gap = unknown.iter().find(|day| (*from..=end).contains(day))?;
    Some(Undefined::because(format!("the return of {gap} is unknown: a price or an exchange rate is missing")))
}

/// Of the opening only the close belongs to the range: what came before it doesn't.
fn daily(point: Point<'_>, opening: Option<&PortfolioSession>) -> Daily {
    let Point { session, cumulative, benchmark_cumulative, drawdown } = point;
    let is_inside = opening.is_none_or(|opening| opening.session_date != session.session_date);
    Daily {
        date: session.session_date,
        value: session.value,
        inflow: if is_inside { session.inflow } else { Money::ZERO },
        outflow: if is_inside { session.outflow } else { Money::ZERO },
        net_contributions: session.net_contributions,
        own: session.daily_return.filter(|_| is_inside),
        benchmark: session.benchmark_return.filter(|_| is_inside),
        risk_free: session.risk_free_rate.filter(|_| is_inside).map(|rate| per_period(rate, SESSIONS_A_YEAR)),
        cumulative,
        benchmark_cumulative,
        drawdown,
    }
}

/// Those in which the portfolio was at work, ascending.
fn months(all: &[PortfolioSession]) -> Vec<Month> {
    let of = |stretch: Stretch<'_>| {
        let day = stretch.last.session_date;
        Month { year: day.year(), month: day.month(), own: stretch.linked_months() }
    };
    Stretch::months(all).filter(Stretch::was_at_work).map(of).collect()
}

/// As [`months`].
fn years(all: &[PortfolioSession]) -> Vec<Year> {
    let of = |stretch: Stretch<'_>| {
        let benchmark = stretch.benchmark_months().ok();
        Year { year: stretch.last.session_date.year(), own: stretch.linked_months(), benchmark }
    };
    Stretch::years(all).filter(Stretch::was_at_work).map(of).collect()
}

impl Performance {
    /// A measure as a page shows it.
    ///
    /// # Errors
    /// Why it isn't shown.
    pub fn shown(&self, key: &str) -> Figure<f64> {
        let all = if self.concentration.iter().any(|(known, _)| *known == key) { &self.concentration } else { &self.on_screen };
        crate::analytics::metrics::find(all, key)
    }

    /// One measure over the windows that end in the range; they reach back behind it where there is more.
    pub fn rolled(&self, Rolled { key, window }: Rolled) -> Vec<(NaiveDate, Figure<f64>)> {
        let mut all = self.history.rolling(key, Terms::default(), window);
        for (day, figure) in &mut all {
            if let Some(reason) = chain_broken(key, &self.history.days, *day, window, &self.unknown) {
                *figure = Err(reason);
            }
        }
        let first = self.report.from;
        all.drain(..all.partition_point(|(day, _)| first.is_none_or(|first| *day < first)));
        all
    }

    /// Every measure over those windows, into the report.
    pub fn roll(&mut self, window: usize) {
        let mut rolling = Rolling::of(&self.history, Terms::default(), window);
        for (key, column) in &mut rolling.metrics {
            for (day, number) in rolling.dates.iter().zip(column) {
                *number = number.filter(|_| chain_broken(key, &self.history.days, *day, window, &self.unknown).is_none());
            }
        }
        if let Some(day) = self.report.from.and_then(|first| first.pred_opt()) {
            rolling = rolling.after(day);
        }
        self.report.rolling = Some(rolling);
    }
}

impl Rolled {
    /// As they stand in an address; what isn't offered takes its default.
    pub fn parse(key: &str, window: &str) -> Self {
        Self { key: Self::measure(key).unwrap_or("volatility"), window: Self::sessions(window).unwrap_or(63) }
    }

    /// A measure that is offered.
    ///
    /// # Errors
    /// A sentence that names those that are.
    pub fn measure(text: &str) -> Result<&'static str, String> {
        let known = super::words::ROLLING.iter().find(|known| **known == text);
        known.copied().ok_or_else(|| format!("rolling must be one of {}.", super::words::ROLLING.join(", ")))
    }

    /// A window that is offered.
    ///
    /// # Errors
    /// A sentence that names those that are.
    pub fn sessions(text: &str) -> Result<usize, String> {
        let known = text.parse().ok().filter(|window| WINDOWS.contains(window));
        known.ok_or_else(|| format!("window must be one of {}.", WINDOWS.map(|window| window.to_string()).join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{PortfolioId, Range};
    use crate::overview::model::RestatedDays;
    use chrono::Days;

    fn usd(amount: i64) -> Money {
        Money(amount.into())
    }

    /// 1,000 put in on the first day, which then earns a little each day; the benchmark earns half of it.
    fn record(days: u64) -> TrackRecord {
        let mut value = 1000.0;
        let session = |at: u64| {
            let r = [0.01, -0.008, 0.004][at as usize % 3];
            value *= 1.0 + r;
            let worth = Money(rust_decimal::Decimal::try_from(value).unwrap().round_dp(4));
            PortfolioSession {
                session_date: NaiveDate::from_ymd_opt(2023, 1, 2).unwrap() + Days::new(at),
                value: Some(worth),
                inflow: usd(if at == 0 { 1000 } else { 0 }),
                outflow: Money::ZERO,
                net_contributions: usd(1000),
                daily_return: Some(r),
                carried: 0,
                positions: 1,
                unrealized: Some(worth - usd(1000)),
                realized: Money::ZERO,
                income: Money::ZERO,
                costs: Money::ZERO,
                brought_in: Money::ZERO,
                cash_currency: Some(Money::ZERO),
                exact_value: None,
                benchmark_return: Some(r / 2.0),
                risk_free_rate: Some(0.05),
            }
        };
        TrackRecord {
            portfolio: PortfolioId(1),
            currency: "USD".into(),
            sessions: (0..days).map(session).collect(),
            position_values: vec![Some(usd(300)), Some(usd(700)), None],
            holdings: Ok(Vec::new()),
            restated: RestatedDays::default(),
        }
    }

    fn of(days: u64, range: Range) -> Performance {
        performance(&record(days), &Scope { range, ..Scope::default() }).unwrap()
    }

    #[test]
    fn a_range_opens_with_a_close_and_holds_only_its_own_returns() {
        let week = of(40, Range::OneWeek);
        assert_eq!((week.daily.len(), week.report.observations, week.sessions), (8, 7, 7));
        assert_eq!((week.daily[0].cumulative, week.daily[0].own, week.daily[0].date), (Some(0.0), None, week.opens_on));
        assert_eq!(week.daily[7].cumulative, week.returns.time_weighted.clone().ok());
        assert_eq!(week.shown("volatility").unwrap_err().0, "needs 20 returns, has 7");
        assert!(crate::analytics::metrics::find(&week.report.metrics, "volatility").is_ok(), "the document has all there is");
        assert_eq!(week.shown("top_1_weight"), Ok(0.7));
        let near = (week.returns.modified_dietz.clone().unwrap() - week.daily[7].cumulative.unwrap()).abs();
        assert!(near < 1e-6 && !week.returns.money_weighted_is_annual, "one investment: all methods agree up to the cents");
    }

    #[test]
    fn all_there_is_begins_with_the_first_inflow() {
        let whole = of(400, Range::Max);
        assert_eq!((whole.daily.len(), whole.report.observations), (400, 400));
        assert!((whole.returns.modified_dietz.clone().unwrap() - whole.returns.time_weighted.clone().unwrap()).abs() < 1e-6);
        assert!(whole.shown("jensen_alpha").is_ok() && whole.returns.money_weighted_is_annual);
        assert_eq!(whole.years.iter().map(|year| year.year).collect::<Vec<_>>(), [2023, 2024]);
        assert_eq!(whole.months.len(), 14);
    }

    #[test]
    fn rolling_windows_reach_back_behind_the_range() {
        let mut week = of(40, Range::OneWeek);
        let rolled = week.rolled(Rolled { key: "volatility", window: 21 });
        assert_eq!(rolled.iter().map(|(day, _)| *day).collect::<Vec<_>>(), week.daily[1..].iter().map(|day| day.date).collect::<Vec<_>>());
        week.roll(21);
        let rolling = week.report.rolling.unwrap();
        let column = &rolling.metrics.iter().find(|(key, _)| *key == "volatility").unwrap().1;
        assert_eq!(column.iter().copied().collect::<Option<Vec<_>>>(), rolled.into_iter().map(|(_, figure)| figure.ok()).collect());
        assert_eq!(Rolled::parse("beta", "126"), Rolled { key: "beta", window: 126 });
        assert_eq!(Rolled::parse("alphabet", "7"), Rolled { key: "volatility", window: 63 });
    }

    #[test]
    fn a_value_that_is_missing_in_between_leaves_the_linked_return_unknown() {
        let mut gap = record(40);
        (gap.sessions[38].value, gap.sessions[38].daily_return, gap.sessions[39].daily_return) = (None, None, None);
        let found = performance(&gap, &Scope { range: Range::OneMonth, ..Scope::default() }).unwrap();
        for figure in [&found.returns.time_weighted, &found.returns.excess, &found.shown("cumulative_return")] {
            assert!(figure.as_ref().unwrap_err().0.starts_with("the value is unknown on 1 of 31 sessions"), "{figure:?}");
        }
        assert!(found.returns.modified_dietz.is_ok() && found.shown("volatility").is_ok() && found.returns.left_out == 2);
        let all_there_is = |key: &str| crate::analytics::metrics::find(&found.report.metrics, key);
        for key in ["cumulative_return", "annualized_return", "max_drawdown", "jensen_alpha"] {
            assert_eq!(all_there_is(key).unwrap_err(), found.returns.time_weighted.clone().unwrap_err(), "{key}");
        }
        assert!(all_there_is("beta").is_ok() && found.report.drawdowns.is_empty());
    }

    #[test]
    fn a_line_ends_where_the_value_is_unknown_and_the_benchmarks_goes_on() {
        let mut gap = record(40);
        (gap.sessions[20].value, gap.sessions[20].daily_return, gap.sessions[21].daily_return) = (None, None, None);
        let found = performance(&gap, &Scope { range: Range::Max, ..Scope::default() }).unwrap();
        assert!(found.daily[..20].iter().all(|day| day.cumulative.is_some() && day.drawdown.is_some()));
        assert!(found.daily[20..].iter().all(|day| day.cumulative.is_none() && day.drawdown.is_none()));
        assert_eq!(found.daily.iter().rev().take(1).map(|day| day.benchmark_cumulative).next(), Some(found.returns.benchmark.clone().ok()));
        assert_ne!(found.daily[20].benchmark_cumulative, found.daily[19].benchmark_cumulative);
        // A range that opens with the unknown close knows nothing from its first day on.
        gap.sessions.truncate(28);
        let week = performance(&gap, &Scope { range: Range::OneWeek, ..Scope::default() }).unwrap();
        assert_eq!((week.daily[0].value, week.daily[0].cumulative, week.daily[0].benchmark_cumulative), (None, None, Some(0.0)));
        assert!(week.daily.iter().all(|day| day.cumulative.is_none()) && week.returns.benchmark.is_ok());
    }

    #[test]
    fn a_day_without_capital_carries_the_line_and_keeps_the_benchmark_waiting() {
        let mut idle = record(40);
        for session in &mut idle.sessions[20..] {
            (session.value, session.daily_return) = (Some(Money::ZERO), None);
        }
        // What was held leaves at the close before.
        (idle.sessions[19].value, idle.sessions[19].outflow) = (Some(Money::ZERO), idle.sessions[19].value.unwrap());
        let found = performance(&idle, &Scope { range: Range::Max, ..Scope::default() }).unwrap();
        let [before, last] = [&found.daily[19], &found.daily[39]];
        assert_eq!((last.cumulative, last.benchmark_cumulative), (before.cumulative, before.benchmark_cumulative));
        assert_eq!(last.cumulative, found.returns.time_weighted.ok());
        assert_eq!(found.months.len(), 1, "a month without capital isn't one");
    }

    #[test]
    fn months_and_years_with_an_unknown_day_have_a_reason_and_the_benchmarks_own_period() {
        let whole = of(400, Range::Max);
        let mut gap = record(400);
        for session in &mut gap.sessions[40..300] {
            (session.value, session.daily_return) = (None, None);
        }
        gap.sessions[300].daily_return = None;
        let found = performance(&gap, &Scope { range: Range::Max, ..Scope::default() }).unwrap();
        assert_eq!((found.months.len(), found.years.len()), (14, 2));
        assert!(found.months[0].own.is_ok() && found.months[1..10].iter().all(|month| month.own.is_err()) && found.months[11].own.is_ok());
        let [unknown, known] = &found.years[..] else { panic!("two years") };
        assert!(unknown.own.as_ref().unwrap_err().0.starts_with("the value is unknown on 260 of 364 sessions"));
        assert_eq!((unknown.benchmark, unknown.excess()), (whole.years[0].benchmark, None));
        assert_eq!(known, &whole.years[1]);
        let json = serde_json::to_value(&found.months[1]).unwrap();
        assert!(json["return"].is_null() && json["reason"].is_string(), "{json}");
        assert_eq!(serde_json::to_value(&found.months[0]).unwrap().as_object().unwrap().len(), 3);
    }

    #[test]
    fn what_moved_without_a_rate_leaves_returns_and_gains_unknown() {
        let mut unconverted = record(40);
        (unconverted.sessions[38].daily_return, unconverted.sessions[39].cash_currency) = (None, None);
        let found = performance(&unconverted, &Scope { range: Range::OneMonth, ..Scope::default() }).unwrap();
        let day = unconverted.sessions[38].session_date;
        let contributions = found.contributions.unwrap();
        for reason in [found.returns.time_weighted.unwrap_err(), contributions.whole.unwrap_err(), contributions.gain.unwrap_err()] {
            assert_eq!(reason.0, format!("what moved on {day} is unknown for want of an exchange rate"));
        }
        assert!(contributions.rest.gain.is_err());
    }

    #[test]
    fn a_window_over_an_unknown_return_chains_nothing() {
        let mut gap = record(60);
        (gap.sessions[30].value, gap.sessions[30].daily_return, gap.sessions[31].daily_return) = (None, None, None);
        let mut found = performance(&gap, &Scope { range: Range::Max, ..Scope::default() }).unwrap();
        let fallen = found.rolled(Rolled { key: "max_drawdown", window: 21 });
        let unknown: Vec<NaiveDate> = fallen.iter().filter(|(_, figure)| figure.is_err()).map(|(day, _)| *day).collect();
        assert_eq!((unknown.len(), unknown[0], fallen.len()), (20, gap.sessions[32].session_date, 38));
        assert!(found.rolled(Rolled { key: "volatility", window: 21 }).iter().all(|(_, figure)| figure.is_ok()));
        found.roll(21);
        let rolling = found.report.rolling.unwrap();
        let column = &rolling.metrics.iter().find(|(key, _)| *key == "max_drawdown").unwrap().1;
        assert_eq!(column.iter().filter(|number| number.is_none()).count(), 20);
    }

    #[test]
    fn without_a_session_there_is_nothing() {
        assert_eq!(performance(&record(0), &Scope::default()), None);
    }
}
