//! One symbol's last known close, carried through days without one and through splits.

use super::fixed::{decimal, fixed};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::borrow::Cow;

/// Walks through a symbol's closes; asked for sessions in ascending order.
#[derive(Default)]
pub(super) struct Prices<'a> {
    closes: Cow<'a, [(NaiveDate, Decimal)]>,
    /// The first close not looked at yet.
    next: usize,
    /// The day of the last close, and the close in today's shares, in units of 10⁻¹⁰.
    last: Option<(NaiveDate, i128)>,
    /// Splits up to this day are in `last`.
    through: NaiveDate,
    /// Execution date, old shares, new shares; ascending.
    splits: Vec<(NaiveDate, Decimal, Decimal)>,
    /// The last close isn't one of this symbol's shares as they were then: a transaction split it, or another symbol left it.
    is_derived: bool,
}

/// A close this old says nothing about a jump.
const NEAR_DAYS: i64 = 10;

impl<'a> Prices<'a> {
    /// `known`: a close and its day, in shares of the day `through`, from which to go on.
    pub fn new(
        closes: &'a [(NaiveDate, Decimal)],
        splits: Vec<(NaiveDate, Decimal, Decimal)>,
        first_session: NaiveDate,
        known: Option<(NaiveDate, NaiveDate, Decimal)>,
    ) -> Self {
        let closes = if closes.is_sorted_by_key(|(day, _)| *day) {
            Cow::Borrowed(closes)
        } else {
            let mut sorted = closes.to_vec();
            sorted.sort_by_key(|(day, _)| *day);
            Cow::Owned(sorted)
        };
        let mut prices = Self { closes, splits, ..Self::default() };
        match known.and_then(|(through, day, close)| Some((through, (day, fixed(close)?)))) {
            Some((through, last)) => {
                prices.next = prices.closes.partition_point(|(day, _)| *day <= through);
                (prices.last, prices.through) = (Some(last), through);
            }
            // The last close before the first session can be carried into it; what is older can't matter.
            None => prices.next = prices.closes.partition_point(|(day, _)| *day < first_session).saturating_sub(1),
        }
        prices
    }

    /// The last close up to `session`, and its day, in that session's shares.
    pub fn at(&mut self, session: NaiveDate) -> Option<(NaiveDate, i128)> {
        while let Some((day, close)) = self.closes.get(self.next).filter(|(day, _)| *day <= session) {
            self.next += 1;
            if let Some(close) = fixed(*close).filter(|close| *close > 0) {
                (self.last, self.through, self.is_derived) = (Some((*day, close)), *day, false);
            }
        }
        if self.through < session {
            for (_, from, to) in self.splits.iter().filter(|(day, ..)| *day > self.through && *day <= session) {
                self.last = self.last.and_then(|(day, close)| Some((day, after_split(close, *from, *to)?)));
            }
            self.through = session;
        }
        self.last
    }

    /// A split that isn't among `splits`, in force from `session` on: a close from before it counts in new shares.
    pub fn split(&mut self, session: NaiveDate, from: Decimal, to: Decimal) {
        let Some(before) = session.pred_opt() else { return };
        self.at(before);
        if let Some((day, close)) = self.last {
            self.last = after_split(close, from, to).map(|close| (day, close));
            self.is_derived = true;
        }
    }

    /// Another symbol's last close stands in until there is one.
    pub fn inherit(&mut self, session: NaiveDate, close: (NaiveDate, Decimal)) {
        if self.at(session).is_none()
            && let Some(price) = fixed(close.1).filter(|price| *price > 0)
        {
            (self.last, self.is_derived) = (Some((close.0, price)), true);
        }
    }

    /// The last close before `session` and the one of that session, both as they came.
    pub fn around(&self, session: NaiveDate) -> Option<(Decimal, Decimal)> {
        let (day, before) = self.last?;
        let today = self.closes.get(self.next..)?.iter().take_while(|(day, _)| *day <= session).last()?;
        ((session - day).num_days() <= NEAR_DAYS).then_some((decimal(before)?, today.1))
    }

    /// Nobody holds the symbol any more: what only its holder knew is forgotten, as a ledger that goes on from a state would.
    pub fn forget(&mut self, session: NaiveDate) {
        if std::mem::take(&mut self.is_derived) {
            (self.last, self.through) = (None, NaiveDate::default());
            self.next = self.closes.partition_point(|(day, _)| *day <= session).saturating_sub(1);
        }
    }

    /// The last close, as it was asked for last.
    pub fn last(&self) -> Option<(NaiveDate, Decimal)> {
        self.last.and_then(|(day, close)| Some((day, decimal(close)?)))
    }
}

fn after_split(close: i128, from: Decimal, to: Decimal) -> Option<i128> {
    fixed(decimal(close)?.checked_mul(from)?.checked_div(to)?)
}
