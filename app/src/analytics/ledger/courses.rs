//! What each holding was worth at every close and what went in and out: enough to say what it earned in any range.

use crate::domain::{Money, Symbol};
use chrono::NaiveDate;
use std::ops::AddAssign;

/// One symbol over the booked sessions, all accounts together, in base currency.
#[derive(Debug, Clone, PartialEq)]
pub struct HoldingCourse {
    pub symbol: Symbol,
    /// What it was worth at each close at which it was held, and 0 at the first at which it no longer was; `None`: unknown.
    pub closes: Vec<(NaiveDate, Option<Money>)>,
    /// What the exchange rate brought in the sessions of `closes`: the value at the close before × the change of the rate.
    /// Empty where the symbol's prices are in base currency.
    pub currency: Vec<Money>,
    /// Closes at which some account owed shares, though all together were worth something: ascending.
    pub owed: Vec<NaiveDate>,
    /// Sessions in which something went in or out, ascending.
    pub moves: Vec<(NaiveDate, Moved)>,
}

/// What went into a holding in a session, and what it earned beside the change of its price.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Moved {
    /// What went in less what came out: purchases, costs; sales, income. The gain is the change of the value less this.
    pub net: Money,
    /// Capital that went in, whatever came out: purchases, shares that arrive. Costs and dividends taken back are none.
    pub invested: Money,
    /// Dividends, those that are due included.
    pub income: Money,
    /// Fees and taxes that are in no lot.
    pub costs: Money,
    pub realized: Money,
    /// An amount had no exchange rate and stands at 0 here, so all of these are unknown.
    pub is_unconverted: bool,
}

impl Moved {
    /// Capital: a purchase, shares that arrive.
    pub(super) fn invested(capital: Money) -> Self {
        Self { net: capital, invested: capital.max(Money::ZERO), ..Self::default() }
    }

    /// What goes in (out of it: negative) and is no capital of a return: proceeds, shares that leave, short sales and their cover.
    pub(super) fn net(net: Money) -> Self {
        Self { net, ..Self::default() }
    }

    /// Fees and taxes that are in no lot.
    pub(super) fn costs(costs: Money) -> Self {
        Self { net: costs, costs, ..Self::default() }
    }

    /// Income that leaves the holding for cash.
    pub(super) fn income(income: Money) -> Self {
        Self { net: -income, income, ..Self::default() }
    }

    pub(super) fn realized(realized: Money) -> Self {
        Self { realized, ..Self::default() }
    }
}

impl AddAssign for Moved {
    fn add_assign(&mut self, other: Self) {
        self.net += other.net;
        self.income += other.income;
        self.costs += other.costs;
        self.invested += other.invested;
        self.realized += other.realized;
        self.is_unconverted |= other.is_unconverted;
    }
}

impl HoldingCourse {
    pub(super) fn new(symbol: Symbol) -> Self {
        Self { symbol, closes: Vec::new(), currency: Vec::new(), owed: Vec::new(), moves: Vec::new() }
    }

    /// At the close of a day some account owed shares.
    pub fn is_owed_at(&self, day: NaiveDate) -> bool {
        self.owed.binary_search(&day).is_ok()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.closes.is_empty() && self.moves.is_empty()
    }

    /// At the close of a day: 0 where it wasn't held, `None` where its worth is unknown.
    pub fn value_at(&self, day: NaiveDate) -> Option<Money> {
        let before = self.closes.partition_point(|(close, _)| *close <= day);
        // While it is held every session has its close, and the last one is 0 once it no longer is.
        before.checked_sub(1).and_then(|at| self.closes.get(at)).map_or(Some(Money::ZERO), |(_, value)| *value)
    }
}
