//! One symbol in one account: its lots, and what trades and companies do to them.

use super::{
    exchange::{local_amount, worth},
    fixed::cents,
    input::CostBasis,
    parts::{dealt, share},
    yields::{LocalMoney, Lot, Realized},
};
use crate::domain::{AccountId, Currency, Money, Symbol};
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
    basis: CostBasis,
    /// Oldest first, all of one sign. Under average cost only the sums below hold until [`Position::spread`].
    lots: VecDeque<Lot>,
    pub quantity: Decimal,
    pub cost: Money,
    /// The cost of those lots whose local cost is known, and how many there are of the others.
    local_cost: (Decimal, usize),
    /// Lots whose cost no rate could tell.
    unconverted: usize,
    /// Quantity and cost at the last close, and since when: the open interval.
    pub shown: Option<(NaiveDate, Decimal, Money)>,
}

/// The currency of a symbol's prices where it isn't the base currency, and its rate now.
#[derive(Clone, Copy)]
pub(super) struct Abroad {
    pub currency: Currency,
    pub rate: Option<Decimal>,
}

/// What comes into a position or goes out of it.
#[derive(Clone, Copy)]
pub(super) struct Trade<'a> {
    pub day: NaiveDate,
    pub key: &'a str,
    /// Of the lot that is opened.
    pub opened_on: NaiveDate,
    /// Negative: a sale.
    pub quantity: Decimal,
    /// What a purchase cost with its fee; of a sale the proceeds after its fee, negated.
    pub cost: Money,
    /// No rate was there to tell the cost.
    pub is_unconverted: bool,
    /// The same in the currency of the symbol's prices, where that isn't the base currency and known.
    pub local_cost: Option<Decimal>,
    pub abroad: Option<Abroad>,
    /// The name of the lot that is opened.
    pub opens: Option<&'a str>,
    /// The name of the lots that are closed.
    pub closes: Option<&'a str>,
}

impl Position {
    pub fn new(account: AccountId, symbol: Symbol, place: usize, basis: CostBasis) -> Self {
        let (lots, quantity, cost) = (VecDeque::new(), Decimal::ZERO, Money::ZERO);
        Self { account, symbol, place, basis, lots, quantity, cost, local_cost: (Decimal::ZERO, 0), unconverted: 0, shown: None }
    }

    pub fn into_lots(mut self) -> impl Iterator<Item = Lot> {
        self.spread();
        self.lots.into_iter()
    }

    /// No rate could tell what a part of it cost.
    pub fn is_unconverted(&self) -> bool {
        self.unconverted > 0
    }

    /// The cost in the currency of the symbol's prices; `None`: unknown, or that is the base currency.
    pub fn local_cost(&self) -> Option<Decimal> {
        (self.local_cost.1 == 0).then_some(self.local_cost.0)
    }

    /// Closes lots of the other sign, by the account's cost basis, then opens one with what is left.
    pub fn trade(&mut self, trade: &Trade<'_>) -> Vec<Realized> {
        let (mut quantity, mut cost, mut local_cost) = (trade.quantity, trade.cost, trade.local_cost);
        let mut realized = Vec::new();
        if quantity.is_sign_negative() != self.quantity.is_sign_negative() {
            for part in self.take(quantity.abs(), trade.closes) {
                let of = |whole: Decimal| if part.quantity == -quantity { whole } else { share(whole, -part.quantity, quantity) };
                let cost_part = Money(of(cost.0));
                let local_part = local_cost.map(of);
                quantity += part.quantity;
                cost -= cost_part;
                local_cost = local_cost.zip(local_part).map(|(whole, part)| whole - part);
                let (now, then) = ((!trade.is_unconverted).then_some(cost_part), part.known_cost());
                // Of a short lot the sale came first: its negated cost are the proceeds.
                let (proceeds, cost) =
                    if part.quantity.is_sign_negative() { (then.map(|cost| -cost), now) } else { (now.map(|cost| -cost), then) };
                let quantity = part.quantity.abs();
                realized.push(part.realized(trade.day, trade.key, (quantity, proceeds, cost), trade.abroad));
            }
        }
        if !quantity.is_zero() {
            self.open(&Trade { quantity, cost, local_cost, ..*trade });
        }
        realized
    }

    /// Opens a lot.
    fn open(&mut self, trade: &Trade<'_>) {
        self.receive(Lot {
            account: self.account,
            symbol: self.symbol.clone(),
            opened_on: trade.opened_on,
            quantity: trade.quantity,
            cost: trade.cost,
            key: trade.key.into(),
            lot_id: trade.opens.map(str::to_owned),
            local_cost: trade.abroad.zip(trade.local_cost).map(|(abroad, amount)| LocalMoney { currency: abroad.currency, amount }),
            is_unconverted: trade.is_unconverted,
        });
    }

    /// Takes in a lot that there was, behind those that were opened before it or on its day.
    pub fn receive(&mut self, mut lot: Lot) {
        if self.basis == CostBasis::Average && !self.lots.is_empty() {
            // In a pool one unknown cost makes all of it unknown.
            if lot.local_cost.is_none() && self.local_cost.1 == 0 {
                self.lots.iter_mut().for_each(|lot| lot.local_cost = None);
                self.local_cost = (Decimal::ZERO, self.lots.len());
            } else if self.local_cost.1 > 0 {
                lot.local_cost = None;
            }
            if lot.is_unconverted && self.unconverted == 0 {
                self.lots.iter_mut().for_each(|lot| lot.is_unconverted = true);
                self.unconverted = self.lots.len();
            }
            lot.is_unconverted |= self.unconverted > 0;
        }
        self.quantity += lot.quantity;
        self.cost += lot.cost;
        self.unconverted += usize::from(lot.is_unconverted);
        match lot.local_cost {
            Some(local) => self.local_cost.0 += local.amount,
            None => self.local_cost.1 += 1,
        }
        let behind = self.lots.iter().rposition(|there| there.opened_on <= lot.opened_on).map_or(0, |at| at + 1);
        self.lots.insert(behind, lot);
    }

    /// How many shares the lots hold that a sale names; of no name all. Lots answer to their name and to their key.
    pub fn available(&self, lot_id: Option<&str>) -> Decimal {
        match self.named(lot_id) {
            Some(name) => self.lots.iter().filter(|lot| lot.is_called(name)).map(|lot| lot.quantity.abs()).sum(),
            None => self.quantity.abs(),
        }
    }

    fn named<'n>(&self, lot_id: Option<&'n str>) -> Option<&'n str> {
        lot_id.filter(|_| self.basis == CostBasis::Specific)
    }

    fn next(&self, name: Option<&str>) -> Option<usize> {
        match (self.basis, name) {
            (CostBasis::Lifo, _) => self.lots.len().checked_sub(1),
            (CostBasis::Hifo, _) => {
                let dearness = |lot: &Lot| lot.cost.0.checked_div(lot.quantity).unwrap_or_default();
                // Of equals the last in reverse order, which is the oldest.
                (0..self.lots.len()).rev().max_by_key(|at| dearness(&self.lots[*at]))
            }
            (CostBasis::Specific, Some(name)) => self.lots.iter().position(|lot| lot.is_called(name)),
            _ => (!self.lots.is_empty()).then_some(0),
        }
    }

    /// Removes up to `quantity` shares (positive), by the account's cost basis: the parts of lots that were removed, with their cost.
    pub fn take(&mut self, mut quantity: Decimal, lot_id: Option<&str>) -> Vec<Lot> {
        let name = self.named(lot_id);
        let pooled = self.basis == CostBasis::Average;
        let mut parts = Vec::new();
        while !quantity.is_zero()
            && let Some(at) = self.next(name)
            && let Some(lot) = self.lots.get_mut(at)
        {
            let whole = lot.quantity.abs() <= quantity;
            let taken = if whole {
                lot.quantity
            } else if lot.quantity.is_sign_negative() {
                -quantity
            } else {
                quantity
            };
            let (cost, local) = if pooled {
                (share(self.cost.0, taken, self.quantity), share(self.local_cost.0, taken, self.quantity))
            } else {
                let of = |amount: Decimal| if whole { amount } else { share(amount, taken, lot.quantity) };
                (of(lot.cost.0), lot.local_cost.map_or(Decimal::ZERO, |local| of(local.amount)))
            };
            let part = Lot {
                quantity: taken,
                cost: Money(cost),
                local_cost: lot.local_cost.map(|there| LocalMoney { amount: local, ..there }),
                ..lot.clone()
            };
            quantity -= taken.abs();
            self.quantity -= taken;
            self.cost -= part.cost;
            self.local_cost.0 -= local;
            if whole {
                self.local_cost.1 -= usize::from(part.local_cost.is_none());
                self.unconverted -= usize::from(part.is_unconverted);
                self.lots.remove(at);
            } else {
                lot.quantity -= taken;
                lot.cost -= part.cost;
                lot.local_cost = lot.local_cost.map(|there| LocalMoney { amount: there.amount - local, ..there });
            }
            parts.push(part);
        }
        parts
    }

    /// New shares per old; the cost stays. `false`, and nothing changed, when it would yield more shares than there can be, or
    /// leave a lot without any.
    pub fn split(&mut self, from: Decimal, to: Decimal) -> bool {
        let Some(grown) = dealt(self.lots.iter().map(|lot| lot.quantity), from, to).filter(|all| !all.iter().any(Decimal::is_zero)) else {
            return false;
        };
        self.quantity = grown.iter().sum();
        for (lot, quantity) in self.lots.iter_mut().zip(grown) {
            lot.quantity = quantity;
        }
        true
    }

    /// A lot each of a new company: `to` shares for `from` held, with `part` of the cost and the day of opening. A lot too
    /// small for any keeps its cost. `None`, and nothing changed, when there would be more shares than there can be.
    pub fn spin_off(&mut self, (from, to): (Decimal, Decimal), part: Decimal) -> Option<Vec<Lot>> {
        let quantities = dealt(self.lots.iter().map(|lot| lot.quantity), from, to)?;
        self.spread();
        let mut children = Vec::with_capacity(self.lots.len());
        for (lot, quantity) in self.lots.iter().zip(quantities) {
            let part = if quantity.is_zero() { Decimal::ZERO } else { part };
            let local_cost = lot.local_cost.map(|local| LocalMoney { amount: local_amount(local.amount * part), ..local });
            children.push(Lot { quantity, cost: cents(lot.cost.0 * part), local_cost, ..lot.clone() });
        }
        for (lot, child) in self.lots.iter_mut().zip(&children) {
            lot.cost -= child.cost;
            lot.local_cost = lot.local_cost.zip(child.local_cost).map(|(own, gone)| LocalMoney { amount: own.amount - gone.amount, ..own });
        }
        self.sum_up();
        children.retain(|child| !child.quantity.is_zero());
        Some(children)
    }

    /// Spreads `amount` over the shares and lessens each lot's cost by its part; what a lot's cost can't bear is realized.
    pub fn return_capital(&mut self, trade: &Trade<'_>) -> Vec<Realized> {
        self.spread();
        if trade.is_unconverted {
            // Nobody knows how much of the cost is left.
            self.lots.iter_mut().for_each(|lot| lot.is_unconverted = true);
            self.unconverted = self.lots.len();
        }
        let (mut amount, mut local, mut quantity) = (-trade.cost, trade.local_cost.map(|local| -local), self.quantity);
        let mut realized = Vec::new();
        for lot in &mut self.lots {
            let of = |whole: Decimal| share(whole, lot.quantity, quantity);
            let (part, local_part) = (Money(of(amount.0)), local.map(of));
            quantity -= lot.quantity;
            amount -= part;
            local = local.zip(local_part).map(|(whole, part)| whole - part);
            if part <= lot.cost {
                lot.cost -= part;
                lot.local_cost = lot.local_cost.zip(local_part).map(|(there, part)| LocalMoney { amount: there.amount - part, ..there });
            } else {
                let gain = lot.known_cost().map(|cost| part - cost);
                let nothing = lot.known_cost().map(|_| Money::ZERO);
                realized.push(lot.realized(trade.day, trade.key, (Decimal::ZERO, gain, nothing), trade.abroad));
                lot.cost = Money::ZERO;
                lot.local_cost = lot.local_cost.map(|there| LocalMoney { amount: Decimal::ZERO, ..there });
            }
        }
        self.sum_up();
        realized
    }

    /// Under average cost: gives each lot its shares' part of the whole cost.
    fn spread(&mut self) {
        if self.basis != CostBasis::Average {
            return;
        }
        let (mut cost, mut local, mut quantity) = (self.cost, self.local_cost.0, self.quantity);
        for lot in &mut self.lots {
            lot.cost = Money(share(cost.0, lot.quantity, quantity));
            let part = share(local, lot.quantity, quantity);
            lot.local_cost = lot.local_cost.map(|there| LocalMoney { amount: part, ..there });
            quantity -= lot.quantity;
            cost -= lot.cost;
            local -= part;
        }
    }

    fn sum_up(&mut self) {
        self.cost = self.lots.iter().map(|lot| lot.cost).sum();
        self.local_cost.0 = self.lots.iter().filter_map(|lot| lot.local_cost).map(|local| local.amount).sum();
    }
}

impl Lot {
    fn is_called(&self, name: &str) -> bool {
        self.lot_id.as_deref().unwrap_or(&self.key) == name
    }

    /// `None`: no rate was there when it was bought.
    pub(super) fn known_cost(&self) -> Option<Money> {
        (!self.is_unconverted).then_some(self.cost)
    }

    /// This lot, or part of one, as closed: quantity, proceeds and cost.
    pub(super) fn realized(
        &self,
        closed_on: NaiveDate,
        key: &str,
        (quantity, proceeds, cost): (Decimal, Option<Money>, Option<Money>),
        abroad: Option<Abroad>,
    ) -> Realized {
        let effect = |abroad: Abroad| Some(worth(self.local_cost?.amount, abroad.rate?)? - self.cost).filter(|_| !self.is_unconverted);
        Realized {
            account: self.account,
            symbol: self.symbol.clone(),
            opened_on: self.opened_on,
            closed_on,
            quantity,
            proceeds,
            cost,
            key: key.into(),
            currency_effect: abroad.map_or(Some(Money::ZERO), effect),
        }
    }
}
