//! What each kind of transaction does to cash, lots, flows and sums.

mod companies;
mod securities;

pub use companies::SAME_SPLIT_DAYS;

use super::{
    booking::Booking,
    courses::Moved,
    exchange::local_amount,
    input::{Kind, Transaction},
};
use crate::domain::{Currency, Money, Symbol};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// Larger amounts are mistakes: 10¹⁵ is what NUMERIC(19,4) holds, 10¹² shares more than any company has.
const LARGEST_AMOUNT: i64 = 1_000_000_000_000_000;
const LARGEST_QUANTITY: i64 = 1_000_000_000_000;

/// A transaction's money: in its own (major) currency, and in base currency at the session's rate.
#[derive(Clone, Copy)]
struct Sums {
    currency: Currency,
    amount: Decimal,
    fee: Decimal,
    tax: Decimal,
    base_amount: Money,
    base_fee: Money,
    base_tax: Money,
    /// One of them had no rate and stands at 0 in base currency.
    is_unconverted: bool,
}

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
        match (transaction.kind, &transaction.symbol) {
            (
                Kind::Split | Kind::StockDividend | Kind::SpinOff | Kind::Merger | Kind::SymbolChange | Kind::ReturnOfCapital,
                Some(symbol),
            ) => {
                self.act(session, transaction, symbol);
            }
            (Kind::Opening | Kind::TransferIn, Some(symbol)) => self.securities_in(session, transaction, symbol),
            (Kind::TransferOut, Some(symbol)) => self.securities_out(session, transaction, symbol),
            (Kind::Buy | Kind::Sell, Some(symbol)) => self.trade(session, transaction, symbol, rules),
            (Kind::Short | Kind::Cover, Some(symbol)) => self.trade_short(session, transaction, symbol, rules),
            (Kind::Reinvest, Some(symbol)) => self.reinvest(session, transaction, symbol),
            (Kind::Opening | Kind::TransferIn | Kind::Deposit, _) => {
                let sums = self.sums(session, transaction);
                self.net_flow += sums.base_amount;
                self.pay(transaction, &sums, sums.amount, sums.base_amount);
            }
            (Kind::TransferOut | Kind::Withdrawal, _) => {
                let sums = self.sums(session, transaction);
                self.net_flow -= sums.base_amount;
                self.pay(transaction, &sums, -sums.amount, -sums.base_amount);
            }
            (Kind::Dividend | Kind::Interest, symbol) => {
                let sums = self.sums(session, transaction);
                self.totals.income += sums.base_amount;
                if let (Kind::Dividend, Some(symbol)) = (transaction.kind, symbol) {
                    self.settle(transaction, &sums, symbol);
                }
                self.pay(transaction, &sums, sums.amount, sums.base_amount);
                self.moves(symbol.as_ref(), Moved::income(sums.base_amount));
                self.moves(symbol.as_ref(), Moved::costs(sums.base_fee + sums.base_tax));
            }
            (Kind::Fee | Kind::Tax, symbol) => {
                let sums = self.sums(session, transaction);
                self.totals.costs += sums.base_amount;
                if transaction.kind == Kind::Tax {
                    self.totals.taxes += sums.base_amount;
                }
                self.pay(transaction, &sums, -sums.amount, -sums.base_amount);
                self.moves(symbol.as_ref(), Moved::costs(sums.base_amount + sums.base_fee + sums.base_tax));
            }
            (_, None) => self.incomplete(session, transaction, "names no symbol"),
        }
    }

    /// The transaction's money at the session's rate.
    fn sums(&mut self, session: NaiveDate, transaction: &Transaction) -> Sums {
        let part = if transaction.currency.is_minor() { Decimal::ONE_HUNDRED } else { Decimal::ONE };
        let [amount, fee, tax] = [transaction.amount, transaction.fee, transaction.tax].map(|amount| local_amount(amount / part));
        let known = [amount, fee, tax].map(|amount| self.convert(session, transaction, amount));
        let [base_amount, base_fee, base_tax] = known.map(Option::unwrap_or_default);
        let is_unconverted = known.contains(&None);
        Sums { currency: transaction.currency.major(), amount, fee, tax, base_amount, base_fee, base_tax, is_unconverted }
    }

    /// Moves cash, less the fee and tax that go with it, which are in no lot.
    fn pay(&mut self, transaction: &Transaction, sums: &Sums, amount: Decimal, base: Money) {
        self.totals.costs += sums.base_fee + sums.base_tax;
        self.totals.taxes += sums.base_tax;
        self.move_cash(transaction, sums.currency, amount - sums.fee - sums.tax, base - sums.base_fee - sums.base_tax);
    }

    fn move_cash(&mut self, transaction: &Transaction, currency: Currency, amount: Decimal, base: Money) {
        if amount.is_zero() && base.is_zero() {
            return;
        }
        *self.cash.entry(transaction.account).or_default().entry(currency).or_default() += Money(amount);
        self.cash_moved += base;
        if currency != self.exchange.base {
            self.foreign_cash_cost += base;
        }
    }

    /// What a holding takes in or gives.
    fn moves(&mut self, symbol: Option<&Symbol>, moved: Moved) {
        if let Some(place) = symbol.and_then(|symbol| self.place(symbol)) {
            self.moved.push((place, moved));
        }
    }

    /// A dividend that arrives takes the place of what was owed: the one nearest in amount, of equals the one due first.
    fn settle(&mut self, transaction: &Transaction, sums: &Sums, symbol: &Symbol) {
        let base = self.exchange.base;
        let owed = self.receivables.iter().enumerate().filter_map(|(number, owed)| {
            let (currency, amount) = owed.local.map_or((base, owed.amount.0), |local| (local.currency, local.amount));
            // What comes in another currency is compared by what it is worth.
            let (expected, came) = if currency == sums.currency { (amount, sums.amount) } else { (owed.amount.0, sums.base_amount.0) };
            let fits = owed.account == transaction.account
                && owed.symbol == *symbol
                && expected.is_sign_negative() == came.is_sign_negative()
                && owed.ex_date <= transaction.traded_on;
            fits.then(|| (((expected - came).abs().round_dp(2), owed.pay_date), number))
        });
        if let Some((_, number)) = owed.min() {
            let receivable = self.receivables.remove(number);
            self.reverse(&receivable);
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
