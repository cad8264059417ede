//! What companies do with their shares: splits, stock dividends, spin-offs, mergers, new symbols, returned capital.

use super::{
    super::{
        booking::{Booking, is_possible},
        courses::Moved,
        exchange::{local_amount, worth},
        fixed::{SCALE, cents, to_scale},
        input::{Kind, Split, Transaction},
        parts::{dealt, share},
        position::{Abroad, MOST_SHARES},
        yields::{LocalMoney, Lot},
    },
    Sums,
};
use crate::domain::{Money, Symbol};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// A split that was entered and one that is listed at most this many days before or after it, with the same ratio, are one. Who enters one
/// by hand takes the day of record or of payment for the first session in new shares: these lie up to ten sessions apart (Alphabet, 2022:
/// 17 days). No company splits twice alike as soon as that.
pub const SAME_SPLIT_DAYS: i64 = 18;

impl Booking<'_> {
    pub(super) fn act(&mut self, session: NaiveDate, transaction: &Transaction, symbol: &Symbol) {
        if transaction.amount < Decimal::ZERO
            || transaction.quantity < Decimal::ZERO
            || transaction.ratio.is_some_and(|ratio| ratio <= Decimal::ZERO)
        {
            return self.incomplete(
                session,
                transaction,
                "needs an amount, a quantity and a ratio that aren't negative, and a ratio above zero",
            );
        }
        let Some(number) = self.position(transaction.account, symbol) else { return };
        if self.positions[number].quantity.is_zero() {
            // A split of what isn't held changes nothing; whatever else brings shares, cash or cost misses something.
            let is_harmless = transaction.kind == Kind::Split && transaction.amount.is_zero();
            if !is_harmless {
                let message = format!(
                    "{symbol} isn't held on {}, so nothing comes of this transaction; enter the missing purchase or opening balance, or remove it.",
                    transaction.traded_on
                );
                self.finding(session, "not_held", Some(transaction), message);
            }
            return;
        }
        match transaction.kind {
            Kind::Split | Kind::StockDividend => self.multiply(session, transaction, symbol, number),
            Kind::SpinOff => self.spin_off(session, transaction, symbol, number),
            Kind::ReturnOfCapital => self.return_capital(session, transaction, number),
            _ => self.merge(session, transaction, symbol, number),
        }
    }

    /// More or fewer shares for the same cost.
    fn multiply(&mut self, session: NaiveDate, transaction: &Transaction, symbol: &Symbol, number: usize) {
        let (held, place) = (self.positions[number].quantity.abs(), self.positions[number].place);
        let (from, to) = match (transaction.kind, transaction.ratio) {
            (Kind::StockDividend, _) if transaction.quantity > Decimal::ZERO => (held, held + transaction.quantity),
            (Kind::StockDividend, Some(ratio)) => (Decimal::ONE, Decimal::ONE + ratio),
            (Kind::StockDividend, None) => {
                return self.incomplete(session, transaction, "needs a ratio (new shares for each held) or a quantity");
            }
            (_, Some(ratio)) => (Decimal::ONE, ratio),
            (_, None) => return self.incomplete(session, transaction, "needs a ratio (new shares for one old)"),
        };
        let days = |split: &Split| (transaction.traded_on - split.execution_date).num_days().abs();
        let same =
            self.input.splits.iter().filter(|split| {
                split.symbol == *symbol && days(split) <= SAME_SPLIT_DAYS && is_same_ratio((split.from, split.to), (from, to))
            });
        // The listed one counts, on its day: the prices are the vendor's, too.
        if let Some(listed) = same.min_by_key(|split| (days(split), split.execution_date)) {
            if listed.execution_date != transaction.traded_on {
                let message = format!(
                    "The split of {symbol} that was entered on {} is the one that is listed on {}: it counts once, on the listed day; remove the entered one, or move it there if it brought cash.",
                    transaction.traded_on, listed.execution_date
                );
                self.finding(session, "split_twice", Some(transaction), message);
            }
            if listed.execution_date > session {
                return;
            }
        } else if self.split_today.contains(&(transaction.account, place)) {
            let message = format!("{symbol} is split twice on {}; the second was not applied, remove it.", transaction.traded_on);
            return self.finding(session, "split_twice", Some(transaction), message);
        } else {
            let is_first = !self.split_today.iter().any(|(_, split)| *split == place);
            if !(is_possible(from, to) && self.change(number, |position| position.split(from, to))) {
                let message = format!(
                    "The split of {symbol} on {} ({} for {}) can't be right and was not applied; correct its ratio.",
                    transaction.traded_on,
                    to.normalize(),
                    from.normalize()
                );
                return self.finding(session, "bad_split", Some(transaction), message);
            }
            self.split_today.push((transaction.account, place));
            if is_first {
                self.doubt_prices(session, place, (from, to), symbol);
                self.prices[place].split(session, from, to);
            }
        }
        self.settle_fraction(session, transaction, number, self.positions[number].quantity);
    }

    /// Cash in lieu: the fraction of a share that is left over of `quantity` is sold for the amount. Without one, fee and tax alone are
    /// paid.
    fn settle_fraction(&mut self, session: NaiveDate, transaction: &Transaction, number: usize, quantity: Decimal) {
        let (sums, place) = (self.sums(session, transaction), self.positions[number].place);
        if sums.amount.is_zero() {
            return self.pay_costs(transaction, &sums, place);
        }
        let fraction = quantity - quantity.trunc();
        if fraction <= Decimal::ZERO {
            return self.incomplete(session, transaction, "brings cash for a fraction of a share, but no fraction is left over");
        }
        let trade = self.traded(session, transaction, number, &sums, (-fraction, sums.fee - sums.amount, sums.base_fee - sums.base_amount));
        let realized = self.change(number, |position| position.trade(&trade));
        self.realize(realized);
        self.receive_cash(transaction, &sums, place);
    }

    fn pay_costs(&mut self, transaction: &Transaction, sums: &Sums, place: usize) {
        self.pay(transaction, sums, Decimal::ZERO, Money::ZERO);
        self.moved.push((place, Moved::costs(sums.base_fee + sums.base_tax)));
    }

    /// Proceeds whose fee is in the realized gain, and whose tax is in no lot.
    fn receive_cash(&mut self, transaction: &Transaction, sums: &Sums, place: usize) {
        self.totals.fees_in_lots += sums.base_fee;
        self.totals.costs += sums.base_tax;
        self.totals.taxes += sums.base_tax;
        let base = sums.base_amount - sums.base_fee - sums.base_tax;
        let gets = Moved::net(sums.base_fee - sums.base_amount);
        self.move_cash(transaction, sums.currency, sums.amount - sums.fee - sums.tax, base);
        self.moved.extend([(place, gets), (place, Moved::costs(sums.base_tax))]);
    }

    fn spin_off(&mut self, session: NaiveDate, transaction: &Transaction, symbol: &Symbol, number: usize) {
        let held = self.positions[number].quantity;
        let Some(child) = self.other(session, transaction, symbol, held) else { return };
        let Some(part) = transaction.cost_share.filter(|part| (Decimal::ZERO..=Decimal::ONE).contains(part)) else {
            return self.incomplete(
                session,
                transaction,
                "needs a cost_share: the part of the cost, from 0 to 1, that goes to the new shares",
            );
        };
        let named = Some(transaction.quantity).filter(|quantity| *quantity > Decimal::ZERO).map(|quantity| (held.abs(), quantity));
        let Some(ratio) = named.or(transaction.ratio.map(|ratio| (Decimal::ONE, ratio))) else {
            return self.incomplete(session, transaction, "needs a ratio (new shares for each held) or a quantity");
        };
        let Some(lots) = self.change(number, |position| position.spin_off(ratio, part)) else {
            return self.incomplete(session, transaction, "has a ratio too large to be true");
        };
        let new = lots.iter().map(|lot| lot.quantity).sum();
        self.hand_over(session, number, child, lots);
        self.settle_fraction(session, transaction, child, new);
    }

    /// The position of the other symbol that a transaction names, if it can take lots of this one.
    fn other(&mut self, session: NaiveDate, transaction: &Transaction, symbol: &Symbol, held: Decimal) -> Option<usize> {
        let Some(other) = transaction.counter_symbol.as_ref().filter(|other| *other != symbol) else {
            self.incomplete(session, transaction, "needs a counter_symbol, another one than its symbol");
            return None;
        };
        let number = self.position(transaction.account, other)?;
        let there = self.positions[number].quantity;
        if !there.is_zero() && there.is_sign_negative() != held.is_sign_negative() {
            let what = format!("turns {symbol} into {other}, of which the account holds the opposite; close one of the two first");
            self.incomplete(session, transaction, &what);
            return None;
        }
        Some(number)
    }

    /// Lots that were one symbol's become another's; what they are worth at the close leaves the one and enters the other.
    fn hand_over(&mut self, session: NaiveDate, from: usize, to: usize, lots: Vec<Lot>) {
        let (old, new) = (self.positions[from].place, self.positions[to].place);
        let (before, after) = (self.abroad(session, old), self.abroad(session, new));
        let symbol = self.positions[to].symbol.clone();
        let quantity: Decimal = lots.iter().map(|lot| lot.quantity).sum();
        let cost: Money = lots.iter().map(|lot| lot.cost).sum();
        self.change(to, |position| {
            for lot in lots {
                let local_cost = relocated(lot.local_cost, before, after);
                position.receive(Lot { symbol: symbol.clone(), local_cost, ..lot });
            }
        });
        let worth = self.worth(session, new, quantity).unwrap_or(cost);
        self.moved.extend([(old, Moved::net(-worth)), (new, Moved::invested(worth))]);
    }

    /// Mergers and new symbols: shares go, and shares of another symbol, cash, or both come.
    fn merge(&mut self, session: NaiveDate, transaction: &Transaction, symbol: &Symbol, number: usize) {
        let (held, place) = (self.positions[number].quantity, self.positions[number].place);
        let quantity = if transaction.quantity.is_zero() { held.abs() } else { transaction.quantity };
        if quantity > held.abs() {
            return self.oversold(session, transaction, symbol, held.abs());
        }
        let is_change = transaction.kind == Kind::SymbolChange;
        let (for_cash, for_shares) = (transaction.amount > Decimal::ZERO, is_change || transaction.counter_symbol.is_some());
        if for_cash && (is_change || held.is_sign_negative()) {
            let what =
                if is_change { "is a new symbol, for which nobody pays" } else { "pays for shares that are owed; enter a cover instead" };
            return self.incomplete(session, transaction, what);
        }
        if !for_cash && !for_shares {
            return self.incomplete(session, transaction, "needs a counter_symbol with a ratio, an amount, or both");
        }
        let other = if for_shares { self.other(session, transaction, symbol, held) } else { None };
        let ratio = if for_shares { transaction.ratio.or(is_change.then_some(Decimal::ONE)) } else { Some(Decimal::ONE) };
        if !self.lot_is_known(session, transaction, number, quantity) {
            return;
        }
        let Some(ratio) = ratio.filter(|ratio| is_possible(Decimal::ONE, *ratio) && quantity * *ratio <= MOST_SHARES) else {
            return self.incomplete(session, transaction, "needs a ratio (new shares for one old)");
        };
        if for_shares && other.is_none() {
            return;
        }
        let sums = self.sums(session, transaction);
        if let (true, Some(other)) = (is_change, other) {
            self.keep_price(session, place, self.positions[other].place, ratio);
        }
        let sold = match other {
            None => Decimal::ONE,
            Some(_) if !for_cash => Decimal::ZERO,
            Some(other) => match self.sold_part(session, transaction, &sums, other, quantity * ratio) {
                Some(sold) => sold,
                None => {
                    let what =
                        "needs the price of its counter_symbol on that day, or a cost_share, to divide the cost between shares and cash";
                    return self.incomplete(session, transaction, what);
                }
            },
        };
        let (abroad, is_unknown) = (self.abroad(session, place), for_cash && sums.is_unconverted);
        let parts = self.change(number, |position| position.take(quantity, transaction.lot_id.as_deref()));
        let (mut proceeds, mut left) = (sums.base_amount - sums.base_fee, parts.iter().map(|part| part.quantity).sum::<Decimal>());
        let (mut realized, mut lots) = (Vec::new(), Vec::new());
        let shares = dealt(parts.iter().map(|part| part.quantity), Decimal::ONE, ratio).filter(|_| other.is_some());
        for (at, part) in parts.into_iter().enumerate() {
            let shares = shares.as_ref().and_then(|shares| shares.get(at)).copied().unwrap_or_default();
            // What is too small to become a share is gone.
            let sold = if shares.is_zero() { Decimal::ONE } else { sold };
            // Cash for which no cost goes is all gain.
            if for_cash || !sold.is_zero() {
                let brings = if for_cash { Money(share(proceeds.0, part.quantity, left)) } else { Money::ZERO };
                proceeds -= brings;
                let brings = (!is_unknown).then_some(brings);
                let gone = portion(&part, sold);
                realized.push(gone.realized(session, &transaction.key, (gone.quantity.abs(), brings, gone.known_cost()), abroad));
            }
            left -= part.quantity;
            if !shares.is_zero() {
                let gone = portion(&part, sold);
                let local_cost =
                    part.local_cost.zip(gone.local_cost).map(|(all, gone)| LocalMoney { amount: all.amount - gone.amount, ..all });
                // Cash of which nobody knows the worth takes an unknown part of the cost.
                let is_unconverted = part.is_unconverted || is_unknown && transaction.cost_share.is_none();
                lots.push(Lot { quantity: shares, cost: part.cost - gone.cost, local_cost, is_unconverted, ..part });
            }
        }
        self.realize(realized);
        if let Some(other) = other {
            self.hand_over(session, number, other, lots);
        }
        if for_cash { self.receive_cash(transaction, &sums, place) } else { self.pay_costs(transaction, &sums, place) }
    }

    /// Of a merger for shares and cash, the part that is sold: a part disposal, A / (A + B), of the cash A and the market value
    /// B of the new shares at the close (United Kingdom, Taxation of Chargeable Gains Act 1992, sections 42 and 128).
    fn sold_part(&mut self, session: NaiveDate, transaction: &Transaction, sums: &Sums, other: usize, shares: Decimal) -> Option<Decimal> {
        if let Some(part) = transaction.cost_share {
            return Some(Decimal::ONE - part).filter(|sold| (Decimal::ZERO..=Decimal::ONE).contains(sold));
        }
        let worth = self.worth(session, self.positions[other].place, shares)?;
        sums.base_amount.0.checked_div((sums.base_amount + worth).0)
    }

    /// A share that is only called differently keeps its last price until there is one under the new symbol.
    fn keep_price(&mut self, session: NaiveDate, old: usize, new: usize, ratio: Decimal) {
        if let Some((day, _)) = self.prices[old].at(session)
            && let Some((_, close)) = self.prices[old].last()
            && let Some(close) = close.checked_div(ratio)
        {
            self.prices[new].inherit(session, (day, close));
        }
    }

    fn return_capital(&mut self, session: NaiveDate, transaction: &Transaction, number: usize) {
        let (held, place) = (self.positions[number].quantity, self.positions[number].place);
        if transaction.amount.is_zero() || held.is_sign_negative() {
            return self.incomplete(session, transaction, "needs an amount above zero and shares that are held");
        }
        let sums = self.sums(session, transaction);
        let trade = self.traded(session, transaction, number, &sums, (Decimal::ZERO, -sums.amount, -sums.base_amount));
        let realized = self.change(number, |position| position.return_capital(&trade));
        self.realize(realized);
        self.pay(transaction, &sums, sums.amount, sums.base_amount);
        self.moved.extend([(place, Moved::net(-sums.base_amount)), (place, Moved::costs(sums.base_fee + sums.base_tax))]);
    }
}

fn is_same_ratio((a, b): (Decimal, Decimal), (c, d): (Decimal, Decimal)) -> bool {
    a.checked_mul(d)
        .zip(b.checked_mul(c))
        .and_then(|(left, right)| left.checked_sub(right))
        .is_some_and(|apart| to_scale(apart, SCALE / 2).is_zero())
}

/// A part of a lot, from 0 to 1.
fn portion(lot: &Lot, part: Decimal) -> Lot {
    let local_cost = lot.local_cost.map(|local| LocalMoney { amount: local_amount(local.amount * part), ..local });
    Lot { quantity: to_scale(lot.quantity * part, SCALE).normalize(), cost: cents(lot.cost.0 * part), local_cost, ..lot.clone() }
}

/// A lot's own cost in the currency of another symbol, so that what exchange rates brought up to now stays what it is.
fn relocated(cost: Option<LocalMoney>, before: Option<Abroad>, after: Option<Abroad>) -> Option<LocalMoney> {
    let (cost, before, after) = (cost?, before?, after?);
    if before.currency == after.currency {
        return Some(cost);
    }
    let amount = worth(cost.amount, before.rate?)?.0.checked_div(after.rate?)?;
    Some(LocalMoney { currency: after.currency, amount: local_amount(amount) })
}
