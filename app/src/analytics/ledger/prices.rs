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
}

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
                (self.last, self.through) = (Some((*day, close)), *day);
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

    /// The last close, as it was asked for last.
    pub fn last(&self) -> Option<(NaiveDate, Decimal)> {
        self.last.and_then(|(day, close)| Some((day, decimal(close)?)))
    }
}

fn after_split(close: i128, from: Decimal, to: Decimal) -> Option<i128> {
    fixed(decimal(close)?.checked_mul(from)?.checked_div(to)?)
}
