//! A stretch of a ledger's sessions, as the whole account or as its holdings alone: flows, gain and returns.

use super::{
    cashflow::{Flow, Payment, modified_dietz, money_weighted},
    ledger::PortfolioDay,
    returns::{Linked, annualized_return, bearable, cumulative_return},
};
use crate::domain::{Figure, Money, Undefined};
use chrono::NaiveDate;

/// What belongs to what is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// Cash counts; deposits, withdrawals and transfers are flows.
    #[default]
    Account,
    /// There is no cash: what purchases, fees and taxes cost comes in, what sales and income bring goes out.
    Holdings,
}

/// One session's close of a scope, in base currency.
#[derive(Debug, Clone, PartialEq)]
pub struct Session {
    pub date: NaiveDate,
    /// `None`: a price or a rate is missing.
    pub value: Option<Money>,
    pub inflow: Money,
    pub outflow: Money,
    /// An amount had no rate, so the flows are incomplete.
    pub is_unconverted: bool,
    pub daily_return: Option<f64>,
}

impl Session {
    /// What was at work: the value of the session before and what came in; `None` when nothing was.
    pub(super) fn base(&self, before: Option<Money>) -> Option<Money> {
        before.map(|before| before + self.inflow).filter(|base| *base > Money::ZERO && !self.is_unconverted)
    }
}

/// Each session of a ledger in a scope. Those of [`Scope::Holdings`] net within a session as those of an account do.
pub fn sessions(days: &[PortfolioDay], scope: Scope) -> Vec<Session> {
    let session = |day: &PortfolioDay| {
        let (date, is_unconverted) = (day.session_date, day.is_unconverted);
        if scope == Scope::Account {
            let PortfolioDay { value, inflow, outflow, daily_return, .. } = *day;
            return Session { date, value, inflow, outflow, is_unconverted, daily_return };
        }
        // What the owner put in and cash didn't get went into holdings.
        let net = day.inflow - day.outflow - day.cash_moved;
        let (inflow, outflow) = if net > Money::ZERO { (net, Money::ZERO) } else { (Money::ZERO, -net) };
        Session { date, value: day.market_value, inflow, outflow, is_unconverted, daily_return: day.holdings_return }
    };
    days.iter().map(session).collect()
}

/// A period's close before it and its sessions.
#[derive(Debug, Clone, Copy)]
pub struct Period<'a> {
    /// `None`: the period begins with the ledger itself, before which there was nothing.
    pub opening: Option<&'a Session>,
    pub sessions: &'a [Session],
}

/// The returns of a period, fractions.
#[derive(Debug, Clone, PartialEq)]
pub struct Returns {
    /// Π(1 + r) − 1 over the sessions with capital at work.
    pub time_weighted: Figure<f64>,
    /// XIRR, a yearly rate.
    pub money_weighted: Figure<f64>,
    /// Of the period.
    pub modified_dietz: Figure<f64>,
    /// The time-weighted one, by the year.
    pub annualized: Figure<f64>,
}

/// Both ends of a period with their days, and the net flows of the days between.
#[derive(Debug, Clone, PartialEq)]
pub struct Dietz {
    pub start: (NaiveDate, Money),
    pub end: (NaiveDate, Money),
    pub flows: Vec<Flow>,
}

impl<'a> Period<'a> {
    /// The sessions after the close of `from` up to `to`, both included as days, neither as sessions.
    ///
    /// # Errors
    /// When no session lies between.
    pub fn of(all: &'a [Session], from: Option<NaiveDate>, to: Option<NaiveDate>) -> Figure<Self> {
        let first = from.map_or(0, |from| all.partition_point(|session| session.date <= from));
        let end = to.map_or(all.len(), |to| all.partition_point(|session| session.date <= to));
        let sessions = all.get(first..end).filter(|sessions| !sessions.is_empty());
        let sessions = sessions.ok_or_else(|| Undefined::because("no session lies in the period"))?;
        Ok(Self { opening: first.checked_sub(1).and_then(|before| all.get(before)), sessions })
    }

    /// Value before the first session.
    pub fn opening_value(&self) -> Option<Money> {
        self.opening.map_or(Some(Money::ZERO), |session| session.value)
    }

    /// Each session with the value before it.
    pub fn steps(&self) -> impl Iterator<Item = (&'a Session, Option<Money>)> {
        let before = std::iter::once(self.opening_value()).chain(self.sessions.iter().map(|session| session.value));
        self.sessions.iter().zip(before)
    }

    /// V_e − V_s − Σ inflows + Σ outflows.
    ///
    /// # Errors
    /// When one of the two values or a flow is unknown.
    pub fn total_gain(&self) -> Figure<Money> {
        let (opening, closing) = self.ends()?;
        let net: Money = self.sessions.iter().map(|session| session.inflow - session.outflow).sum();
        Ok(closing - opening - net)
    }

    /// Values at both ends, where all flows between them are known.
    fn ends(&self) -> Figure<(Money, Money)> {
        if let Some(session) = self.sessions.iter().find(|session| session.is_unconverted) {
            return Err(Undefined::because(format!("what moved on {} is unknown for want of an exchange rate", session.date)));
        }
        let closing = self.sessions.last().map(|session| (session.date, session.value));
        let opening = self.opening.map(|session| (session.date, session.value));
        let unknown =
            |date| Undefined::because(format!("the value at the close of {date} is unknown: a price or an exchange rate is missing"));
        let of = |end: Option<(NaiveDate, Option<Money>)>| match end {
            Some((date, value)) => value.ok_or_else(|| unknown(date)),
            None => Ok(Money::ZERO),
        };
        Ok((of(opening)?, of(closing)?))
    }

    pub fn returns(&self, periods_a_year: f64) -> Returns {
        let linked = self.time_weighted();
        let annualized = linked.clone().and_then(|linked| {
            bearable(self.sessions.iter().filter_map(|session| session.daily_return))?;
            annualized_return(linked.cumulative, linked.returns, periods_a_year)
        });
        Returns {
            time_weighted: linked.map(|linked| linked.cumulative),
            money_weighted: self.money_weighted(),
            modified_dietz: self.modified_dietz(),
            annualized,
        }
    }

    /// Π(1 + r) − 1, with the sessions that it leaves out.
    ///
    /// # Errors
    /// Without a single return, or where a value is unknown.
    pub fn time_weighted(&self) -> Figure<Linked> {
        self.unknown().map_or_else(|| cumulative_return(self.sessions.iter().map(|session| session.daily_return)), Err)
    }

    /// A return needs the values in between too: a gap isn't a day without capital.
    fn unknown(&self) -> Option<Undefined> {
        if let Err(reason) = self.ends() {
            return Some(reason);
        }
        let gaps: Vec<_> = self.sessions.iter().filter(|session| session.value.is_none()).collect();
        let first = gaps.first()?;
        Some(Undefined::because(format!(
            "the value is unknown on {} of {} sessions, the first on {}: a price or an exchange rate is missing",
            gaps.len(),
            self.sessions.len(),
            first.date
        )))
    }

    fn money_weighted(&self) -> Figure<f64> {
        let (opening, closing) = self.ends()?;
        let flow = |session: &Session| Payment { on: session.date, amount: (session.outflow - session.inflow).ratio_base() };
        let opened = self.opening.map(|session| Payment { on: session.date, amount: (-opening).ratio_base() });
        let closed = self.sessions.last().map(|session| Payment { on: session.date, amount: closing.ratio_base() });
        let payments: Vec<Payment> = opened.into_iter().chain(self.sessions.iter().map(flow)).chain(closed).collect();
        money_weighted(&payments)?.yearly()
    }

    /// Where the period begins with the ledger itself, what came in on its first day is the opening value: it worked all the time.
    ///
    /// # Errors
    /// When one of the two values or a flow is unknown, within one day, or when no capital was at work.
    pub fn modified_dietz(&self) -> Figure<f64> {
        let Dietz { start, end, flows } = self.dietz()?;
        modified_dietz(start, end, &flows)
    }

    /// What it is worked out from.
    ///
    /// # Errors
    /// When one of the two values or a flow is unknown.
    pub fn dietz(&self) -> Figure<Dietz> {
        let (opening, closing) = self.ends()?;
        let flow = |session: &Session| Flow { on: session.date, amount: session.inflow - session.outflow };
        let mut flows: Vec<Flow> = self.sessions.iter().map(flow).collect();
        let Some(last) = flows.last().map(|flow| flow.on) else { return Err(Undefined::because("no session lies in the period")) };
        let start = match self.opening {
            Some(session) => (session.date, opening),
            None => {
                let first = flows.remove(0);
                (first.on, first.amount)
            }
        };
        flows.retain(|flow| !flow.amount.is_zero());
        Ok(Dietz { start, end: (last, closing), flows })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(day: u32, value: Option<i64>, inflow: i64, outflow: i64, daily_return: Option<f64>) -> Session {
        let [inflow, outflow] = [inflow, outflow].map(|amount| Money(amount.into()));
        let date = NaiveDate::from_ymd_opt(2024, 1, day).unwrap();
        Session { date, value: value.map(|value| Money(value.into())), inflow, outflow, is_unconverted: false, daily_return }
    }

    #[test]
    fn a_range_opens_with_the_close_of_its_first_day() {
        let all =
            [session(2, Some(1000), 1000, 0, Some(0.0)), session(3, Some(1100), 0, 0, Some(0.1)), session(4, Some(1210), 0, 0, Some(0.1))];
        let whole = Period::of(&all, None, None).unwrap();
        assert!(whole.opening.is_none());
        assert_eq!(whole.total_gain().unwrap(), Money(210.into()));
        assert!((whole.returns(252.0).modified_dietz.unwrap() - 0.21).abs() < 1e-15);
        let on = |day| NaiveDate::from_ymd_opt(2024, 1, day);
        let part = Period::of(&all, on(3), on(4)).unwrap();
        assert_eq!((part.opening_value(), part.sessions.len()), (Some(Money(1100.into())), 1));
        assert!((part.returns(252.0).time_weighted.unwrap() - 0.1).abs() < 1e-15);
        assert!(Period::of(&all, on(4), on(5)).is_err());
    }

    #[test]
    fn a_gap_makes_the_time_weighted_return_unknown_and_no_other() {
        let all = [session(2, Some(1000), 1000, 0, Some(0.0)), session(3, None, 0, 0, None), session(4, Some(1100), 0, 0, None)];
        let returns = Period::of(&all, None, None).unwrap().returns(252.0);
        assert!(returns.time_weighted.unwrap_err().0.starts_with("the value is unknown on 1 of 3 sessions"));
        assert!((returns.modified_dietz.unwrap() - 0.1).abs() < 1e-15 && returns.money_weighted.is_ok());
    }
}
