//! A portfolio's published sessions, the stretch of them that a range shows, and the returns of that stretch.

use super::{
    benchmark::excess_return,
    cashflow::{Payment, money_weighted},
    contribution::{Contributions, Member, Step, Sums, Whose},
    drawdown::Descent,
    metrics::{Terms, is_chained},
    period::{Dietz, Period, Session},
    returns::{Linked, SESSIONS_A_YEAR, by_month, cumulative_return, link, per_period},
    series::{Measurement, Series},
};
use crate::domain::{Figure, Money, Range, Undefined};
use chrono::{Datelike, NaiveDate};

/// From this many days on a money-weighted rate is a year's.
const DAYS_OF_A_YEAR: i64 = 365;

/// One session of a portfolio: a row of `marts.portfolio_daily`, with the chosen benchmark's return.
#[derive(Debug, Clone, PartialEq)]
pub struct PortfolioSession {
    pub session_date: NaiveDate,
    /// At the close; `None`: a held symbol has no price yet.
    pub value: Option<Money>,
    pub inflow: Money,
    pub outflow: Money,
    /// Inflows minus outflows since the first session.
    pub net_contributions: Money,
    pub daily_return: Option<f64>,
    pub carried: u32,
    pub positions: u32,
    pub unrealized: Option<Money>,
    /// Sums since the first session, this one included:
    pub realized: Money,
    pub income: Money,
    pub costs: Money,
    pub brought_in: Money,
    /// What exchange rates brought to cash and receivables; `None`: a rate is missing.
    pub cash_currency: Option<Money>,
    /// The value before it is rounded to four decimals, of which returns are taken.
    pub exact_value: Option<Money>,
    pub benchmark_return: Option<f64>,
    /// A fraction per year.
    pub risk_free_rate: Option<f64>,
}

/// What is known of a session's return.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Work {
    Earned(f64),
    /// No capital was at work: there is nothing to know.
    Idle,
    /// A price or an exchange rate is missing.
    Unknown,
}

impl PortfolioSession {
    /// `before`: the value at the close before it.
    fn work(&self, before: Option<Money>) -> Work {
        match (self.daily_return, self.value, before) {
            (Some(r), ..) => Work::Earned(r),
            (None, Some(_), Some(before)) if before + self.inflow <= Money::ZERO => Work::Idle,
            _ => Work::Unknown,
        }
    }
}

/// The money-weighted return of a stretch: a year's, or the stretch's own where that is shorter than a year.
#[derive(Debug, Clone, PartialEq)]
pub struct MoneyWeightedReturn {
    pub rate: Figure<f64>,
    pub is_annual: bool,
}

/// The sessions of a range, and the one with whose close it opens.
#[derive(Debug, Clone, Copy)]
pub struct Stretch<'a> {
    /// `None` where the range reaches back to the portfolio's first session: before it there was nothing.
    pub opening: Option<&'a PortfolioSession>,
    /// Ascending; the last one of the portfolio is the last.
    pub sessions: &'a [PortfolioSession],
    /// The latest of them.
    pub last: &'a PortfolioSession,
}

/// How a stretch has gone until the close of a session.
#[derive(Debug, Clone, Copy)]
pub struct Point<'a> {
    pub session: &'a PortfolioSession,
    /// Since the opening; nothing before the first return, and nothing from the first unknown value on.
    pub cumulative: Option<f64>,
    pub benchmark_cumulative: Option<f64>,
    pub drawdown: Option<f64>,
}

impl<'a> Stretch<'a> {
    /// Of all sessions of a portfolio, ascending; `None` without one.
    pub fn of(all: &'a [PortfolioSession], range: Range) -> Option<Self> {
        let last = all.last()?;
        // The range's first return is that of the session after the one with whose close it opens.
        let start = match range {
            Range::OneDay => all.len() - 1,
            _ => range.opens_on(last.session_date).map_or(0, |opens_on| all.partition_point(|session| session.session_date <= opens_on)),
        };
        let opening = start.checked_sub(1).and_then(|before| all.get(before));
        Some(Self { opening, sessions: &all[start.min(all.len())..], last })
    }

    /// Everything since the first session.
    pub fn whole(all: &'a [PortfolioSession]) -> Option<Self> {
        Self::of(all, Range::Max)
    }

    /// The calendar months in which the portfolio has sessions, ascending, each with the session before it.
    pub fn months(all: &'a [PortfolioSession]) -> impl Iterator<Item = Self> {
        Self::runs(all, |day| (day.year(), day.month()))
    }

    /// The calendar years, as [`Self::months`].
    pub fn years(all: &'a [PortfolioSession]) -> impl Iterator<Item = Self> {
        Self::runs(all, |day| (day.year(), 0))
    }

    fn runs(all: &'a [PortfolioSession], of: fn(NaiveDate) -> (i32, u32)) -> impl Iterator<Item = Self> {
        let mut from = 0_usize;
        all.chunk_by(move |one, next| of(one.session_date) == of(next.session_date)).filter_map(move |sessions| {
            let opening = from.checked_sub(1).and_then(|before| all.get(before));
            from += sessions.len();
            Some(Self { opening, sessions, last: sessions.last()? })
        })
    }

    /// The time-weighted return of a month or a year: its months linked.
    ///
    /// # Errors
    /// Without a single return, or where a value in it is unknown.
    pub fn linked_months(&self) -> Figure<f64> {
        self.time_weighted()?;
        linked(by_month(self.sessions.iter().map(|session| (session.session_date, session.daily_return))))
    }

    /// The benchmark's of the same month or year, where the portfolio was at work.
    ///
    /// # Errors
    /// Without a single return.
    pub fn benchmark_months(&self) -> Figure<f64> {
        linked(by_month(self.at_work().map(|session| (session.session_date, session.benchmark_return))))
    }

    /// The sessions that have a return, as a series to be measured.
    pub fn series(&self) -> Series {
        series(self.sessions)
    }

    /// The catalogue. What chains the returns is unknown where the time-weighted return is: between two known ones a value is missing.
    pub fn measured(&self) -> Measurement {
        let series = self.series();
        let mut found = series.measured(Terms::default(), 0..series.returns.len());
        if let Err(reason) = self.time_weighted() {
            for (_, figure) in found.measures.iter_mut().filter(|(key, _)| is_chained(key)) {
                *figure = Err(reason.clone());
            }
        }
        found
    }

    /// The stretch holds at least one session that wasn't without capital.
    pub fn was_at_work(&self) -> bool {
        self.at_work().next().is_some()
    }

    /// The sessions beside which the benchmark counts. One whose own return is unknown is among them: what is unknown of the portfolio
    /// doesn't shorten the benchmark's period.
    pub fn at_work(&self) -> impl Iterator<Item = &'a PortfolioSession> {
        self.steps().filter(|(session, before)| session.work(*before) != Work::Idle).map(|(session, _)| session)
    }

    /// Days whose return is unknown, ascending.
    pub fn unknown(&self) -> Vec<NaiveDate> {
        self.steps().filter(|(session, before)| session.work(*before) == Work::Unknown).map(|(session, _)| session.session_date).collect()
    }

    /// Each session with the value before it.
    fn steps(&self) -> impl Iterator<Item = (&'a PortfolioSession, Option<Money>)> {
        let opening = self.opening.map_or(Some(Money::ZERO), |session| session.value);
        self.sessions.iter().zip(std::iter::once(opening).chain(self.sessions.iter().map(|session| session.value)))
    }

    /// TWR: Π(1 + r) − 1, with the days that it leaves out.
    ///
    /// # Errors
    /// Without a single return, or where a value in between is unknown.
    pub fn time_weighted(&self) -> Figure<Linked> {
        self.with_period(|period| period.time_weighted())
    }

    /// As the ledger's files are measured too.
    fn with_period<T>(&self, measure: impl FnOnce(&Period<'_>) -> T) -> T {
        let session = |of: &PortfolioSession| Session {
            date: of.session_date,
            value: of.value,
            inflow: of.inflow,
            outflow: of.outflow,
            is_unconverted: false,
            daily_return: of.daily_return,
        };
        let (opening, mut sessions) = (self.opening.map(session), self.sessions.iter().map(session).collect::<Vec<_>>());
        let mut before = self.opening.map_or(Some(Money::ZERO), |session| session.value);
        for session in &mut sessions {
            // With both values known and capital at work, a return is missing only where an amount had no exchange rate.
            session.is_unconverted = session.daily_return.is_none() && session.value.is_some() && session.base(before).is_some();
            before = session.value;
        }
        measure(&Period { opening: opening.as_ref(), sessions: &sessions })
    }

    /// The range by holding and, where members have one, by group.
    pub fn contributions(&self, members: &[Member<'_>]) -> Contributions {
        let since = |of: fn(&PortfolioSession) -> Money| of(self.last) - self.opening.map_or(Money::ZERO, of);
        let cash_currency = self.opening.map_or(Some(Money::ZERO), |session| session.cash_currency);
        let sums = self.last.cash_currency.zip(cash_currency).map(|(last, before)| Sums {
            income: since(|session| session.income),
            costs: since(|session| session.costs),
            cash_currency: last - before,
        });
        self.with_period(|period| Contributions::of(period, members, sums))
    }

    /// What a row of [`Self::contributions`] is worked out from.
    pub fn contribution_steps(&self, members: &[Member<'_>], whose: Whose<'_>) -> Vec<Step> {
        self.with_period(|period| Contributions::steps(period, members, whose))
    }

    /// V_e − V_s − Σ inflows + Σ outflows.
    ///
    /// # Errors
    /// When one of the two values or a flow is unknown.
    pub fn total_gain(&self) -> Figure<Money> {
        self.with_period(|period| period.total_gain())
    }

    /// The benchmark's return over the sessions on which the portfolio was at work.
    ///
    /// # Errors
    /// Without such a session.
    pub fn benchmark_return(&self) -> Figure<f64> {
        cumulative_return(self.at_work().map(|session| session.benchmark_return)).map(|linked| linked.cumulative)
    }

    /// TWR − the benchmark's, over the sessions that have both.
    ///
    /// # Errors
    /// Without a common session, or where the TWR is unknown.
    pub fn excess_return(&self) -> Figure<f64> {
        self.time_weighted()?;
        excess_return(self.common())
    }

    fn common(&self) -> impl Iterator<Item = (Option<f64>, Option<f64>)> {
        let with_return = self.sessions.iter().filter(|session| session.daily_return.is_some());
        with_return.map(|session| (session.daily_return, session.benchmark_return))
    }

    /// The opening, where there is one, and every session. Cumulative numbers go on unchanged through a day without capital; from an unknown
    /// value on they are unknown themselves, while the benchmark's go on.
    pub fn line(&self) -> Vec<Point<'a>> {
        let mut line = Vec::with_capacity(self.sessions.len() + 1);
        let (mut cumulative, mut benchmark_cumulative, mut drawdown) = (None, None, None);
        let mut is_known = self.opening.is_none_or(|session| session.value.is_some());
        if let Some(session) = self.opening {
            let start = is_known.then_some(0.0);
            (cumulative, benchmark_cumulative, drawdown) = (start, Some(0.0), start);
            line.push(Point { session, cumulative, benchmark_cumulative, drawdown });
        }
        let mut descent = Descent::default();
        let on = |so_far: Option<f64>, r: f64| Some(so_far.map_or(r, |linked| link(linked, r)));
        for (session, before) in self.steps() {
            let work = session.work(before);
            is_known &= work != Work::Unknown;
            match work {
                Work::Earned(r) if is_known => (cumulative, drawdown) = (on(cumulative, r), Some(descent.step(r))),
                _ if !is_known => (cumulative, drawdown) = (None, None),
                _ => {}
            }
            if let (false, Some(b)) = (work == Work::Idle, session.benchmark_return) {
                benchmark_cumulative = on(benchmark_cumulative, b);
            }
            line.push(Point { session, cumulative, benchmark_cumulative, drawdown });
        }
        line
    }

    /// XIRR: the opening value and what came in are paid, what went out and the closing value are received.
    pub fn money_weighted(&self) -> MoneyWeightedReturn {
        let Some(payments) = self.payments() else { return MoneyWeightedReturn { rate: Err(no_price()), is_annual: false } };
        let days = payments.first().map_or(0, |(first, _)| (self.last.session_date - *first).num_days());
        let is_annual = days >= DAYS_OF_A_YEAR;
        let payments: Vec<Payment> = payments.into_iter().map(|(on, amount)| Payment { on, amount: amount.ratio_base() }).collect();
        let rate = money_weighted(&payments).and_then(|found| if is_annual { found.yearly() } else { Ok(found.of_period) });
        MoneyWeightedReturn { rate, is_annual }
    }

    /// What was paid (negative) and received, by day, with the investor's sign; `None` without a value at either end.
    pub fn payments(&self) -> Option<Vec<(NaiveDate, Money)>> {
        let mut payments = Vec::new();
        if let Some(opening) = self.opening {
            payments.push((opening.session_date, -opening.value?));
        }
        let flows = self.sessions.iter().filter(|session| session.inflow != session.outflow);
        payments.extend(flows.map(|session| (session.session_date, session.outflow - session.inflow)));
        payments.push((self.last.session_date, self.last.value?));
        Some(payments)
    }

    /// Modified Dietz. Without an opening the first session's net inflow is the opening value: it was at work from that day on.
    ///
    /// # Errors
    /// Without a value at either end, within one day, or when no capital was at work.
    pub fn modified_dietz(&self) -> Figure<f64> {
        self.with_period(|period| period.modified_dietz())
    }

    /// What it is worked out from.
    ///
    /// # Errors
    /// As [`Self::modified_dietz`].
    pub fn dietz(&self) -> Figure<Dietz> {
        self.with_period(|period| period.dietz())
    }
}

fn linked(months: Vec<(i32, u32, f64)>) -> Figure<f64> {
    cumulative_return(months.into_iter().map(|(.., r)| Some(r))).map(|linked| linked.cumulative)
}

/// The sessions that have a return, as a series to be measured.
pub fn series(sessions: &[PortfolioSession]) -> Series {
    let mut series = Series { benchmark: Some(Vec::new()), ..Series::default() };
    for session in sessions {
        let Some(r) = session.daily_return else { continue };
        series.days.push(session.session_date);
        series.returns.push(r);
        series.risk_free.push(session.risk_free_rate.map(|rate| per_period(rate, SESSIONS_A_YEAR)));
        series.benchmark.get_or_insert_default().push(session.benchmark_return);
    }
    series
}

/// The reason where what moved is unknown in the portfolio's currency.
pub fn no_rate() -> Undefined {
    Undefined::because("an exchange rate is missing")
}

/// The reason where a value is missing.
pub fn no_price() -> Undefined {
    Undefined::because("a held symbol has no price yet")
}
