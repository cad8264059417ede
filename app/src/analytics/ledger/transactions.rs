//! What each kind of transaction does to cash, lots, flows and sums.

use super::{
    booking::Booking,
    fixed::cents,
    input::{AccountRules, Kind, Transaction},
    position::Trade,
};
use crate::domain::{Money, Symbol};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// Larger amounts are mistakes: 10¹⁵ is what NUMERIC(19,4) holds, 10¹² shares more than any company has.
const LARGEST_AMOUNT: i64 = 1_000_000_000_000_000;
const LARGEST_QUANTITY: i64 = 1_000_000_000_000;

impl Booking<'_> {
    /// Books one transaction, or says why not.
    pub(super) fn enter(&mut self, session: NaiveDate, transaction: &Transaction) {
        let Some(&rules) = self.input.accounts.get(&transaction.account) else {
            let message = format!("Account {} isn't one of this portfolio's; correct the transaction's account.", transaction.account);
            return self.finding(session, "unknown_account", Some(transaction), message);
        };
        let largest = Decimal::from(LARGEST_AMOUNT);
        let amounts = [transaction.amount, transaction.fee, transaction.tax, transaction.price];
        if amounts.iter().any(|amount| amount.abs() > largest) || transaction.quantity.abs() > Decimal::from(LARGEST_QUANTITY) {
            let message = format!("The transaction of {} has an amount too large to be true; correct it.", transaction.traded_on);
            return self.finding(session, "out_of_range", Some(transaction), message);
        }
        let amount = Money(transaction.amount);
        match (transaction.kind, &transaction.symbol) {
            (Kind::Opening | Kind::TransferIn, Some(symbol)) => self.securities_in(session, transaction, symbol, rules),
            (Kind::TransferOut, Some(symbol)) => self.securities_out(session, transaction, symbol),
            (Kind::Buy | Kind::Sell, Some(symbol)) => self.trade(session, transaction, symbol, rules),
            (Kind::Buy | Kind::Sell, None) => self.incomplete(session, transaction, "names no symbol"),
            (Kind::Opening | Kind::TransferIn | Kind::Deposit, _) => {
                self.net_flow += amount;
                self.pay(transaction, amount);
            }
            (Kind::TransferOut | Kind::Withdrawal, _) => {
                self.net_flow -= amount;
                self.pay(transaction, -amount);
            }
            (Kind::Dividend, symbol) => {
                self.totals.income += amount;
                if let Some(symbol) = symbol {
                    self.settle(transaction, symbol);
                }
                self.pay(transaction, amount);
            }
            (Kind::Interest, _) => {
                self.totals.income += amount;
                self.pay(transaction, amount);
            }
            (Kind::Fee | Kind::Tax, _) => {
                self.totals.costs += amount;
                self.pay(transaction, -amount);
            }
            _ => self.incomplete(session, transaction, "is of a kind that can't be booked"),
        }
    }

    fn cash_of(&mut self, transaction: &Transaction) -> &mut Money {
        self.cash.entry(transaction.account).or_default().entry(transaction.currency).or_default()
    }

    /// Moves cash, less the fee and tax that go with it, which are in no lot.
    fn pay(&mut self, transaction: &Transaction, amount: Money) {
        let costs = Money(transaction.fee + transaction.tax);
        self.totals.costs += costs;
        *self.cash_of(transaction) += amount - costs;
        self.cash_moved += amount - costs;
    }

    fn trade(&mut self, session: NaiveDate, transaction: &Transaction, symbol: &Symbol, rules: AccountRules) {
        if transaction.quantity <= Decimal::ZERO || transaction.amount.is_sign_negative() && !transaction.amount.is_zero() {
            return self.incomplete(session, transaction, "needs a quantity above zero and an amount that isn't negative");
        }
        let Some(number) = self.position(transaction.account, symbol) else { return };
        let is_sale = transaction.kind == Kind::Sell;
        let held = self.positions[number].quantity;
        if is_sale && !(rules.allows_short && rules.sells_short) && transaction.quantity > held {
            return self.oversold(session, transaction, symbol, held);
        }
        // The fee is in the lot's cost, or lessens the proceeds; the tax is in no lot.
        let (amount, fee) = (Money(transaction.amount), Money(transaction.fee));
        let (quantity, cost) = if is_sale { (-transaction.quantity, fee - amount) } else { (transaction.quantity, amount + fee) };
        let trade = Trade { day: session, key: &transaction.key, quantity, cost };
        let realized = self.change(number, |position| position.trade(&trade, rules.cost_basis));
        self.totals.realized += realized.iter().map(|part| part.proceeds - part.cost).sum();
        self.yields.realized.extend(realized);
        let tax = Money(transaction.tax);
        self.totals.costs += tax;
        *self.cash_of(transaction) += -cost - tax;
        self.cash_moved += -cost - tax;
    }

    /// Securities come in at the close's market value; the cost that comes along says how much of it is gain of before.
    fn securities_in(&mut self, session: NaiveDate, transaction: &Transaction, symbol: &Symbol, rules: AccountRules) {
        if transaction.quantity <= Decimal::ZERO {
            return self.incomplete(session, transaction, "needs a quantity above zero");
        }
        let Some(number) = self.position(transaction.account, symbol) else { return };
        let place = self.positions[number].place;
        let known_cost = Some(cents(transaction.amount)).filter(|cost| *cost > Money::ZERO);
        // Without a price the cost stands in for the flow; the missing price is reported at the close.
        let worth = self.worth(session, place, transaction.quantity).or(known_cost).unwrap_or_default();
        let cost = known_cost.unwrap_or(worth);
        let realized = if self.positions[number].quantity.is_sign_negative() {
            // Into a short position they come to close it.
            let trade = Trade { day: session, key: &transaction.key, quantity: transaction.quantity, cost };
            self.change(number, |position| position.trade(&trade, rules.cost_basis))
        } else {
            self.change(number, |position| position.open(session, &transaction.key, transaction.quantity, cost, rules.cost_basis));
            Vec::new()
        };
        self.totals.realized += realized.iter().map(|part| part.proceeds - part.cost).sum();
        self.yields.realized.extend(realized);
        self.net_flow += worth;
        self.totals.brought_in += worth - cost;
        self.pay(transaction, Money::ZERO);
    }

    /// Securities leave at the close's market value; no gain is realized, their unrealized one leaves with them.
    fn securities_out(&mut self, session: NaiveDate, transaction: &Transaction, symbol: &Symbol) {
        if transaction.quantity <= Decimal::ZERO {
            return self.incomplete(session, transaction, "needs a quantity above zero");
        }
        let Some(number) = self.position(transaction.account, symbol) else { return };
        let held = self.positions[number].quantity;
        if transaction.quantity > held {
            return self.oversold(session, transaction, symbol, held);
        }
        let place = self.positions[number].place;
        let cost: Money = self.change(number, |position| position.take(transaction.quantity)).iter().map(|lot| lot.cost).sum();
        let worth = self.worth(session, place, transaction.quantity).unwrap_or(cost);
        self.net_flow -= worth;
        self.totals.brought_in -= worth - cost;
        self.pay(transaction, Money::ZERO);
    }

    /// A dividend that arrives takes the place of what was owed: the one nearest in amount, of equals the one due first.
    fn settle(&mut self, transaction: &Transaction, symbol: &Symbol) {
        let amount = transaction.amount;
        let owed = self.receivables.iter().enumerate().filter(|(_, owed)| {
            owed.account == transaction.account
                && owed.symbol == *symbol
                && owed.amount.0.is_sign_negative() == amount.is_sign_negative()
                && owed.ex_date <= transaction.traded_on
        });
        if let Some(number) =
            owed.min_by_key(|(_, owed)| ((owed.amount.0 - amount).abs().round_dp(2), owed.pay_date)).map(|(number, _)| number)
        {
            self.totals.income -= self.receivables.remove(number).amount;
        }
    }

    fn incomplete(&mut self, session: NaiveDate, transaction: &Transaction, what: &str) {
        let message = format!("The transaction of {} {what}; correct it.", transaction.traded_on);
        self.finding(session, "incomplete", Some(transaction), message);
    }

    fn oversold(&mut self, session: NaiveDate, transaction: &Transaction, symbol: &Symbol, held: Decimal) {
        let message = format!(
            "{} {symbol} leave on {} but only {} are held; enter the missing purchase or opening balance, or correct the quantity.",
            transaction.quantity.normalize(),
            transaction.traded_on,
            held.max(Decimal::ZERO).normalize()
        );
        self.finding(session, "oversold", Some(transaction), message);
    }
}
