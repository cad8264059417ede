//! One symbol in one account: its lots, and what trades and splits do to them.

use super::{
    fixed::{SCALE, cents, to_scale},
    input::CostBasis,
    yields::{Lot, Realized},
};
use crate::domain::{AccountId, Money, Symbol};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::VecDeque;

/// 10¹⁷, more shares than any company has: what is beyond is a mistake, and would overflow NUMERIC(28,10).
pub(super) const MOST_SHARES: Decimal = Decimal::from_parts(0x5d8a_0000, 0x0163_4578, 0, false, 0);

pub(super) struct Position {
    pub account: AccountId,
    pub symbol: Symbol,
    /// The symbol's place in the booking.
    pub place: usize,
    /// Oldest first; one lot only under average cost. All of one sign.
    lots: VecDeque<Lot>,
    pub quantity: Decimal,
    pub cost: Money,
    /// Quantity and cost at the last close, and since when: the open interval.
    pub shown: Option<(NaiveDate, Decimal, Money)>,
}

/// A purchase (positive) or sale (negative) of one symbol.
pub(super) struct Trade<'a> {
    pub day: NaiveDate,
    pub key: &'a str,
    pub quantity: Decimal,
    /// What a purchase cost with its fee; of a sale the proceeds after its fee, negated.
    pub cost: Money,
}

impl Position {
    pub fn new(account: AccountId, symbol: Symbol, place: usize) -> Self {
        Self { account, symbol, place, lots: VecDeque::new(), quantity: Decimal::ZERO, cost: Money::ZERO, shown: None }
    }

    /// Takes a lot back from a state.
    pub fn restore(&mut self, lot: Lot) {
        self.quantity += lot.quantity;
        self.cost += lot.cost;
        self.lots.push_back(lot);
    }

    pub fn into_lots(self) -> impl Iterator<Item = Lot> {
        self.lots.into_iter()
    }

    /// Closes lots of the other sign, first in first out, then opens one with what is left.
    pub fn trade(&mut self, trade: &Trade<'_>, basis: CostBasis) -> Vec<Realized> {
        let (mut quantity, mut cost) = (trade.quantity, trade.cost);
        let mut realized = Vec::new();
        if (quantity.is_sign_negative()) != self.quantity.is_sign_negative() {
            for part in self.take(quantity.abs()) {
                let cost_part = if part.quantity == -quantity { cost } else { share(cost, -part.quantity, quantity) };
                quantity += part.quantity;
                cost -= cost_part;
                // Of a short lot the sale came first: its negated cost are the proceeds.
                let (proceeds, cost) = if part.quantity.is_sign_negative() { (-part.cost, cost_part) } else { (-cost_part, part.cost) };
                realized.push(Realized {
                    account: part.account,
                    symbol: part.symbol,
                    opened_on: part.opened_on,
                    closed_on: trade.day,
                    quantity: part.quantity.abs(),
                    proceeds,
                    cost,
                    key: trade.key.into(),
                    currency_effect: Some(Money::ZERO),
                });
            }
        }
        if !quantity.is_zero() {
            self.open(trade.day, trade.key, quantity, cost, basis);
        }
        realized
    }

    /// Opens a lot; under average cost it joins the one that is there.
    pub fn open(&mut self, day: NaiveDate, key: &str, quantity: Decimal, cost: Money, basis: CostBasis) {
        self.quantity += quantity;
        self.cost += cost;
        match self.lots.front_mut() {
            Some(lot) if basis == CostBasis::Average => {
                lot.quantity += quantity;
                lot.cost += cost;
            }
            _ => self.lots.push_back(Lot {
                account: self.account,
                symbol: self.symbol.clone(),
                opened_on: day,
                quantity,
                cost,
                key: key.into(),
                lot_id: None,
                local_cost: None,
            }),
        }
    }

    /// Removes up to `quantity` shares (positive) from the front: the parts of lots that were removed, with their cost.
    pub fn take(&mut self, mut quantity: Decimal) -> Vec<Lot> {
        let mut parts = Vec::new();
        while !quantity.is_zero()
            && let Some(lot) = self.lots.front_mut()
        {
            let part = if lot.quantity.abs() <= quantity {
                match self.lots.pop_front() {
                    Some(lot) => lot,
                    None => break,
                }
            } else {
                let taken = if lot.quantity.is_sign_negative() { -quantity } else { quantity };
                let part = Lot { quantity: taken, cost: share(lot.cost, taken, lot.quantity), ..lot.clone() };
                lot.quantity -= part.quantity;
                lot.cost -= part.cost;
                part
            };
            quantity -= part.quantity.abs();
            self.quantity -= part.quantity;
            self.cost -= part.cost;
            parts.push(part);
        }
        parts
    }

    /// New shares per old; the cost stays. `false`, and nothing changed, when it would yield more shares than there can be.
    pub fn split(&mut self, from: Decimal, to: Decimal) -> bool {
        let grown: Option<Vec<Decimal>> = self
            .lots
            .iter()
            .map(|lot| Some(to_scale(lot.quantity.checked_mul(to)?.checked_div(from)?, SCALE)).filter(|n| n.abs() <= MOST_SHARES))
            .collect();
        let Some(grown) = grown else { return false };
        self.quantity = grown.iter().sum();
        for (lot, quantity) in self.lots.iter_mut().zip(grown) {
            lot.quantity = quantity.normalize();
        }
        true
    }
}

/// `amount × part / whole`, rounded to four decimals. The ratio is at most 1, so nothing overflows.
fn share(amount: Money, part: Decimal, whole: Decimal) -> Money {
    cents(amount.0 * (part / whole))
}
