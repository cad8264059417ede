//! What each holding contributed to a range's return and gain, linked over days by Carino (1999) so that the parts add up to the whole.

mod document;
mod frame;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod own;
mod steps;

use super::{
    ledger::{HoldingCourse, Moved},
    period::Period,
    sums::Sum,
};
use crate::domain::{Figure, Money, Symbol, Undefined};
use frame::{Day, Frame};
use std::collections::BTreeMap;

pub use document::REST;
pub use steps::{Step, average_weight, linked_over_days};

/// A holding's course, and the group (its sector) to which it is added too.
#[derive(Debug, Clone, Copy)]
pub struct Member<'a> {
    pub course: &'a HoldingCourse,
    pub group: Option<&'a str>,
}

/// What a row is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose<'a> {
    Holding(&'a str),
    Group(&'a str),
    Rest,
}

/// A range by holding.
#[derive(Debug, Clone, PartialEq)]
pub struct Contributions {
    /// By symbol; holdings that weren't held in the range and earned nothing aren't in it.
    pub parts: Vec<(Symbol, Part)>,
    /// The same by group, where members have one.
    pub groups: Vec<(String, Part)>,
    /// Whatever no holding earned, so that nothing is hidden.
    pub rest: Rest,
    /// The range's time-weighted return: the parts' contributions and the rest's.
    pub whole: Figure<f64>,
    /// The range's total gain: the parts' gains and the rest's.
    pub gain: Figure<Money>,
}

/// One holding, or some together.
#[derive(Debug, Clone, PartialEq)]
pub struct Part {
    /// Of a holding: the group that it belongs to.
    pub group: Option<String>,
    /// Mean over the sessions of its share of the portfolio's value at the close before.
    pub average_weight: Option<f64>,
    /// Time-weighted, its own: what went in was at work from the session's start, what came out until its end.
    pub own_return: Figure<f64>,
    /// `None` where the whole is undefined.
    pub contribution: Option<Contribution>,
    /// Undefined where its value at one of the two ends, or what moved in between, is unknown.
    pub gain: Figure<Gain>,
}

/// Parts of a return, fractions: `whole = price + income + costs + currency`.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Contribution {
    pub whole: f64,
    pub price: f64,
    pub income: f64,
    /// Fees and taxes that are in no lot: 0 or below.
    pub costs: f64,
    /// The value before × the change of the exchange rate.
    pub currency: f64,
}

/// Parts of a gain: `total = realized + unrealized + income − costs`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Gain {
    pub total: Money,
    pub realized: Money,
    /// Its change in the range, without what securities brought along.
    pub unrealized: Money,
    pub income: Money,
    pub costs: Money,
}

/// Cash, costs of no holding, exchange rates on cash, rounding.
#[derive(Debug, Clone, PartialEq)]
pub struct Rest {
    pub average_weight: Option<f64>,
    pub contribution: Option<f64>,
    pub gain: Figure<RestGain>,
}

/// `total = income − costs + currency + rounding`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct RestGain {
    pub total: Money,
    /// Interest, and dividends that name no symbol.
    pub income: Money,
    pub costs: Money,
    /// On cash and on dividends that are due.
    pub currency: Money,
    /// Of values to four decimals.
    pub rounding: Money,
}

/// What a portfolio's books say of the range as a whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sums {
    pub income: Money,
    pub costs: Money,
    pub cash_currency: Money,
}

impl Contributions {
    /// A range by holding. `sums`: `None` where they are unknown.
    pub fn of(period: &Period<'_>, members: &[Member<'_>], sums: Option<Sums>) -> Self {
        let mut frame = Frame::of(period);
        let mut groups: BTreeMap<&str, (Vec<Day>, Part)> = BTreeMap::new();
        let mut parts = Vec::new();
        let mut days = vec![Day::default(); period.sessions.len()];
        for member in members {
            if !frame.fill(member.course, &mut days) {
                continue;
            }
            frame.count(&days);
            let part = Part { group: member.group.map(str::to_owned), ..frame.part(&days, frame.gain(member.course)) };
            if let Some(group) = member.group {
                let (sum, together) = groups.entry(group).or_insert_with(|| (vec![Day::default(); days.len()], Part::nothing()));
                sum.iter_mut().zip(&days).for_each(|(sum, day)| *sum += *day);
                together.gain = together.gain.clone().and_then(|sum| Ok(sum.and(part.gain.clone()?)));
            }
            parts.push((member.course.symbol.clone(), part));
        }
        parts.sort_by(|a, b| a.0.cmp(&b.0));
        let groups = groups.into_iter().map(|(group, (days, together))| (group.to_owned(), frame.part(&days, together.gain))).collect();
        let gain = period.total_gain();
        let rest = Rest {
            average_weight: frame.rest_weight(),
            contribution: frame.rest(),
            gain: gain.clone().and_then(|whole| RestGain::of(whole, sums, &parts)),
        };
        Self { parts, groups, rest, whole: frame.whole, gain }
    }

    /// What a row of [`Self::of`] is worked out from.
    pub fn steps(period: &Period<'_>, members: &[Member<'_>], whose: Whose<'_>) -> Vec<Step> {
        let mut frame = Frame::of(period);
        let mut days = vec![Day::default(); period.sessions.len()];
        let mut together = days.clone();
        for member in members.iter().filter(|member| whose.counts(member)) {
            if frame.fill(member.course, &mut days) {
                frame.count(&days);
                together.iter_mut().zip(&days).for_each(|(sum, day)| *sum += *day);
            }
        }
        if whose == Whose::Rest { frame.rest_steps() } else { frame.steps(&together) }
    }

    /// Of a range whose holdings nobody knows.
    pub fn unknown(reason: &Undefined) -> Self {
        let rest = Rest { average_weight: None, contribution: None, gain: Err(reason.clone()) };
        Self { parts: Vec::new(), groups: Vec::new(), rest, whole: Err(reason.clone()), gain: Err(reason.clone()) }
    }

    /// What the column leaves unexplained: the last bits of the sum.
    pub fn residual(&self) -> Option<f64> {
        let mut sum = Sum::default();
        self.parts.iter().try_for_each(|(_, part)| part.contribution.map(|part| sum.add(part.whole)))?;
        sum.add(self.rest.contribution?);
        Some(self.whole.as_ref().ok()? - sum.total())
    }
}

impl Whose<'_> {
    fn counts(self, member: &Member<'_>) -> bool {
        match self {
            Self::Holding(symbol) => member.course.symbol.as_str() == symbol,
            Self::Group(group) => member.group == Some(group),
            Self::Rest => true,
        }
    }
}

impl Part {
    fn nothing() -> Self {
        let own_return = Err(Undefined::because(NO_CAPITAL));
        Self { group: None, average_weight: None, own_return, contribution: None, gain: Ok(Gain::default()) }
    }
}

/// Why a holding has no return of its own.
const NO_CAPITAL: &str = "no capital was at work in it at the start of a session: nothing was held, nor bought";

/// Why what moved in a holding is unknown.
const UNCONVERTED: &str = "what moved in it is unknown for want of an exchange rate";

impl Gain {
    /// `whole`: its value's change less what went in.
    fn of(whole: Money, moved: Moved) -> Self {
        let Moved { income, costs, realized, .. } = moved;
        Self { total: whole, realized, unrealized: whole - realized - income + costs, income, costs }
    }

    fn and(self, other: Self) -> Self {
        Self {
            total: self.total + other.total,
            realized: self.realized + other.realized,
            unrealized: self.unrealized + other.unrealized,
            income: self.income + other.income,
            costs: self.costs + other.costs,
        }
    }
}

impl RestGain {
    fn of(whole: Money, sums: Option<Sums>, parts: &[(Symbol, Part)]) -> Figure<Self> {
        let sums = sums.ok_or_else(|| Undefined::because("what exchange rates brought to cash is unknown: a rate is missing"))?;
        let unknown = |symbol: &Symbol, why: &Undefined| Undefined::because(format!("the gain of {symbol} is unknown: {why}"));
        let held = parts.iter().try_fold(Gain::default(), |sum, (symbol, part)| match &part.gain {
            Ok(gain) => Ok(sum.and(*gain)),
            Err(why) => Err(unknown(symbol, why)),
        })?;
        let (total, income, costs) = (whole - held.total, sums.income - held.income, sums.costs - held.costs);
        let currency = sums.cash_currency;
        Ok(Self { total, income, costs, currency, rounding: total - income + costs - currency })
    }
}
