//! The sessions of a range as all holdings share them: what capital each return was made of, and how much each day counts.

use super::{
    super::{
        ledger::{HoldingCourse, Moved},
        period::{self, Period},
        returns::cumulative_return,
        sums::Sum,
    },
    Contribution, Gain, NO_CAPITAL, Part, UNCONVERTED,
    steps::{Step, average_weight, coefficient, coefficient_of_all, linked_over_days},
};
use crate::domain::{Figure, Money, Undefined};
use std::ops::AddAssign;

/// A holding's session, in base currency. Only ratios are made of it.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Day {
    /// Value at the close before.
    before: f64,
    /// What went in, less what came out.
    net: f64,
    /// What went in, whatever came out.
    invested: f64,
    gain: f64,
    income: f64,
    costs: f64,
    currency: f64,
    /// The value at its close, or at the one before the first session, is unknown.
    is_unknown: bool,
    /// What moved is unknown.
    is_unconverted: bool,
    /// Shares were owed at the close or at the one before.
    is_short: bool,
}

impl AddAssign for Day {
    fn add_assign(&mut self, other: Self) {
        self.before += other.before;
        self.net += other.net;
        self.invested += other.invested;
        self.gain += other.gain;
        self.income += other.income;
        self.costs += other.costs;
        self.currency += other.currency;
        self.is_unknown |= other.is_unknown;
        self.is_unconverted |= other.is_unconverted;
        self.is_short |= other.is_short;
    }
}

/// A session of the portfolio.
struct Session {
    /// The value at the close before, where a share of it is one.
    before: Option<f64>,
    /// What was at work and how it did, where the session has a return.
    linked: Option<Linked>,
}

#[derive(Clone, Copy)]
struct Linked {
    base: f64,
    daily_return: f64,
    /// Carino's k of this day over that of all days.
    factor: f64,
}

pub(super) struct Frame<'a> {
    period: &'a Period<'a>,
    sessions: Vec<Session>,
    /// What the holdings counted so far explain of each session's return, and how much of the value before they were.
    explained: Vec<Sum>,
    held: Vec<Sum>,
    pub whole: Figure<f64>,
}

impl<'a> Frame<'a> {
    pub fn of(period: &'a Period<'a>) -> Self {
        let whole = period.time_weighted().map(|linked| linked.cumulative).and_then(|whole| {
            let is_lost = |r: f64| r <= -1.0;
            if is_lost(whole) || period.sessions.iter().filter_map(|session| session.daily_return).any(is_lost) {
                return Err(Undefined::because("everything was lost on a day: its logarithm doesn't exist, so days can't be linked"));
            }
            Ok(whole)
        });
        let returns = || period.sessions.iter().filter_map(|session| session.daily_return);
        let all = whole.as_ref().map_or(1.0, |whole| coefficient_of_all(*whole, returns()));
        let session = |(session, before): (&super::super::period::Session, Option<Money>)| Session {
            before: before.filter(|before| *before > Money::ZERO).map(Money::ratio_base),
            linked: session.daily_return.map(|daily_return| Linked {
                // A return of less than a value's last decimal is all rounding.
                base: session.base(before).map_or(f64::INFINITY, Money::ratio_base),
                daily_return,
                factor: coefficient(daily_return) / all,
            }),
        };
        let sessions: Vec<Session> = period.steps().map(session).collect();
        let (explained, held) = (vec![Sum::default(); sessions.len()], vec![Sum::default(); sessions.len()]);
        Self { period, sessions, explained, held, whole }
    }

    /// A holding's days in the range; `false`: nothing of it is in there.
    pub fn fill(&self, course: &HoldingCourse, days: &mut [Day]) -> bool {
        days.fill(Day::default());
        let opening = self.period.opening.map(|session| session.date);
        let after = |date| opening.is_some_and(|opening| date <= opening);
        let first = course.closes.partition_point(|(date, _)| after(*date));
        // A value that is unknown is passed over: the gain of such sessions comes with the next one.
        let opened = opening.map_or(Some(Money::ZERO), |opening| course.value_at(opening));
        let mut before = opened.map_or(0.0, Money::ratio_base);
        let mut was_owed = opening.is_some_and(|opening| course.is_owed_at(opening));
        let (mut closes, mut currency) = (course.closes[first..].iter().peekable(), course.currency.iter().skip(first));
        let mut moves = course.moves[course.moves.partition_point(|(date, _)| after(*date))..].iter().peekable();
        let is_there = opened != Some(Money::ZERO) || closes.peek().is_some() || moves.peek().is_some();
        if !is_there {
            return false;
        }
        let mut is_any = false;
        for (session, day) in self.period.sessions.iter().zip(days.iter_mut()) {
            day.before = before;
            if let Some((_, moved)) = moves.next_if(|(date, _)| *date <= session.date) {
                (day.net, day.income, day.costs) = (moved.net.ratio_base(), moved.income.ratio_base(), moved.costs.ratio_base());
                (day.invested, day.is_unconverted) = (moved.invested.ratio_base(), moved.is_unconverted);
                is_any = true;
            }
            let mut now = before;
            if let Some((_, value)) = closes.next_if(|(date, _)| *date <= session.date) {
                day.currency = currency.next().map_or(0.0, |effect| effect.ratio_base());
                (now, day.is_unknown) = (value.map_or(before, Money::ratio_base), value.is_none());
                is_any = true;
            }
            let is_owed = course.is_owed_at(session.date);
            (day.gain, day.is_short) = (now - before - day.net, before < 0.0 || now < 0.0 || was_owed || is_owed);
            (before, was_owed) = (now, is_owed);
        }
        if let (None, Some(first)) = (opened, days.first_mut()) {
            (first.is_unknown, is_any) = (true, true);
        }
        is_any
    }

    /// Counts a holding towards what the rest isn't.
    pub fn count(&mut self, days: &[Day]) {
        for (((session, day), explained), held) in self.sessions.iter().zip(days).zip(&mut self.explained).zip(&mut self.held) {
            if let Some(before) = session.before {
                held.add(day.before / before);
            }
            if let Some(linked) = &session.linked {
                explained.add(day.gain / linked.base);
            }
        }
    }

    pub fn part(&self, days: &[Day], gain: Figure<Gain>) -> Part {
        Part { group: None, average_weight: self.weight(days), own_return: own_return(days), contribution: self.contribution(days), gain }
    }

    fn contribution(&self, days: &[Day]) -> Option<Contribution> {
        self.whole.as_ref().ok()?;
        let [mut whole, mut income, mut costs, mut currency] = [Sum::default(); 4];
        for (session, day) in self.sessions.iter().zip(days) {
            let Some(Linked { base, factor, .. }) = session.linked else { continue };
            let of = |amount: f64| amount / base * factor;
            whole.add(of(day.gain));
            income.add(of(day.income));
            costs.add(of(-day.costs));
            currency.add(of(day.currency));
        }
        let [whole, income, costs, currency] = [whole, income, costs, currency].map(Sum::total);
        Some(Contribution { whole, price: whole - income - costs - currency, income, costs, currency })
    }

    fn weight(&self, days: &[Day]) -> Option<f64> {
        average_weight(self.sessions.iter().zip(days).filter_map(|(session, day)| Some(day.before / session.before?)))
    }

    /// What of the value before wasn't in holdings, on average.
    pub fn rest_weight(&self) -> Option<f64> {
        let weighed = self.sessions.iter().zip(&self.held).filter(|(session, _)| session.before.is_some());
        average_weight(weighed.map(|(_, held)| 1.0 - held.total()))
    }

    /// What the holdings leave of the return.
    pub fn rest(&self) -> Option<f64> {
        let whole = *self.whole.as_ref().ok()?;
        let parts =
            self.sessions.iter().zip(&self.explained).filter_map(|(session, explained)| {
                session.linked.map(|linked| (linked.daily_return, linked.daily_return - explained.total()))
            });
        Some(linked_over_days(whole, parts))
    }

    /// A holding's sessions, or those of several together, as its figures are worked out from them.
    pub fn steps(&self, days: &[Day]) -> Vec<Step> {
        let step = |((session, of), day): ((&Session, &period::Session), &Day)| Step {
            session: of.date,
            portfolio_return: session.linked.map(|linked| linked.daily_return),
            gain: day.gain,
            capital: session.linked.map_or(0.0, |linked| linked.base),
            before: day.before,
            portfolio_before: session.before,
            own_return: day.own_return(),
        };
        self.sessions.iter().zip(self.period.sessions).zip(days).map(step).collect()
    }

    /// The same of what the holdings that were counted leave: of a return, and of one whole.
    pub fn rest_steps(&self) -> Vec<Step> {
        let step = |((session, of), (explained, held)): ((&Session, &period::Session), (&Sum, &Sum))| Step {
            session: of.date,
            portfolio_return: session.linked.map(|linked| linked.daily_return),
            gain: session.linked.map_or(0.0, |linked| linked.daily_return - explained.total()),
            capital: 1.0,
            before: 1.0 - held.total(),
            portfolio_before: session.before.map(|_| 1.0),
            own_return: None,
        };
        let counted = self.explained.iter().zip(&self.held);
        self.sessions.iter().zip(self.period.sessions).zip(counted).map(step).collect()
    }

    /// In money, exact: the change of the value less what went in.
    ///
    /// # Errors
    /// Where its value at one of the two ends, or what moved in between, is unknown.
    pub fn gain(&self, course: &HoldingCourse) -> Figure<Gain> {
        let opening = self.period.opening.map(|session| session.date);
        let value_at = |day| {
            let unknown =
                || Undefined::because(format!("its value at the close of {day} is unknown: a price or an exchange rate is missing"));
            course.value_at(day).ok_or_else(unknown)
        };
        let closing = self.period.sessions.last().ok_or_else(|| Undefined::because("no session lies in the period"))?.date;
        let (opened, closed) = (opening.map_or(Ok(Money::ZERO), value_at)?, value_at(closing)?);
        let mut moved = Moved::default();
        let inside = course.moves.iter().filter(|(day, _)| opening.is_none_or(|opening| *day > opening) && *day <= closing);
        inside.for_each(|(_, one)| moved += *one);
        if moved.is_unconverted {
            return Err(Undefined::because(UNCONVERTED));
        }
        Ok(Gain::of(closed - opened - moved.net, moved))
    }
}

/// Of sums of ratios: a loss of all may come out this much larger.
const ROUNDING: f64 = 1e-12;

/// Π(1 + r) − 1 over the sessions in which capital was at work in it.
fn own_return(days: &[Day]) -> Figure<f64> {
    if days.iter().any(|day| day.is_unknown) {
        return Err(Undefined::because("its value is unknown in some sessions: a price or an exchange rate is missing"));
    }
    if days.iter().any(|day| day.is_unconverted) {
        return Err(Undefined::because(UNCONVERTED));
    }
    if days.iter().any(|day| day.is_short) {
        return Err(Undefined::because("shares were sold short: what is owed is no capital that could have a return"));
    }
    if days.iter().filter_map(Day::unclamped).any(|r| r < -1.0 - ROUNDING) {
        return Err(Undefined::because("it lost more on a day than the capital that was at work in it, by costs or income taken back"));
    }
    let linked = cumulative_return(days.iter().map(Day::own_return)).map_err(|_| Undefined::because(NO_CAPITAL))?.cumulative;
    if linked.is_finite() { Ok(linked) } else { Err(Undefined::because("it is too large for a number")) }
}

impl Day {
    /// What was earned on the capital that was at work in it: nothing more than all of it can be lost but by rounding.
    fn own_return(&self) -> Option<f64> {
        self.unclamped().map(|r| r.max(-1.0))
    }

    fn unclamped(&self) -> Option<f64> {
        let base = self.before + self.invested;
        (base > 0.0).then(|| self.gain / base)
    }
}
