//! What companies announce: splits, and dividends from the ex-date until they are paid.

use super::{
    super::{
        courses::Moved,
        exchange::worth,
        fixed::cents,
        input::{Dividend, Split},
        yields::{Finding, LocalMoney, Receivable},
    },
    Booking,
};
use crate::domain::{Money, Symbol};
use chrono::NaiveDate;
use rust_decimal::{Decimal, prelude::ToPrimitive};

/// Splits smaller than 3 for 2 can't be told from a day's move of the price.
const TELLING_SPLIT: f64 = 1.5;

impl<'a> Booking<'a> {
    /// Splits of symbols that concern this portfolio, not booked yet, by day.
    pub(super) fn splits(&self) -> Vec<&'a Split> {
        let is_due = |split: &&Split| self.places.contains_key(&split.symbol) && Some(split.execution_date) > self.previous_session;
        let mut due: Vec<_> = self.input.splits.iter().filter(is_due).collect();
        due.sort_by_key(|split| (split.execution_date, &split.symbol));
        due
    }

    /// Dividends of symbols that concern this portfolio, not gone ex yet, by day.
    pub(super) fn dividends(&self) -> Vec<&'a Dividend> {
        let is_due = |dividend: &&Dividend| self.places.contains_key(&dividend.symbol) && Some(dividend.ex_date) > self.previous_session;
        let mut due: Vec<_> = self.input.dividends.iter().filter(is_due).collect();
        due.sort_by_key(|dividend| (dividend.ex_date, &dividend.symbol, dividend.pay_date, dividend.cash_amount));
        due
    }

    pub(super) fn split(&mut self, session: NaiveDate, split: &Split) {
        let Some(&place) = self.places.get(&split.symbol) else { return };
        let holders: Vec<usize> =
            self.by_place[place].iter().copied().filter(|number| !self.positions[*number].quantity.is_zero()).collect();
        if holders.is_empty() {
            return;
        }
        for number in holders {
            if !(is_possible(split.from, split.to) && self.positions[number].split(split.from, split.to)) {
                let message = format!(
                    "The split of {} on {} ({} for {}) can't be right and was not applied; correct it at its source.",
                    split.symbol, split.execution_date, split.to, split.from
                );
                self.yields.findings.push(Finding {
                    session_date: session,
                    account: Some(self.positions[number].account),
                    symbol: Some(split.symbol.clone()),
                    key: None,
                    code: "bad_split".into(),
                    message,
                });
            }
            self.touched.push(number);
        }
        self.count(place);
        self.doubt_prices(session, place, (split.from, split.to), &split.symbol);
    }

    /// A split must show in raw prices. Where the close goes on as if there were none, the prices hold it already, and counting
    /// it in the shares too would count it twice.
    pub(in super::super) fn doubt_prices(&mut self, session: NaiveDate, place: usize, (from, to): (Decimal, Decimal), symbol: &Symbol) {
        let Some((before, after)) = self.prices[place].around(session) else { return };
        if is_adjusted_already(before, after, from, to) {
            let message = format!(
                "The split of {symbol} on {session} ({} for {}) doesn't show in its prices ({} before, {} after): they are adjusted for it already, so shares and value would count it twice; load unadjusted prices, or leave the split out and enter quantities of today's shares.",
                to.normalize(),
                from.normalize(),
                before.normalize(),
                after.normalize(),
            );
            self.yields.findings.push(Finding {
                session_date: session,
                account: None,
                symbol: Some(symbol.clone()),
                key: None,
                code: "prices_already_adjusted".into(),
                message,
            });
        }
    }

    /// Who held at the last close is owed the dividend. Without a pay date nothing is booked: it would never be dropped. Nor is
    /// it without a rate: what it will be worth shows when it comes.
    pub(super) fn go_ex(&mut self, session: NaiveDate, dividend: &Dividend) {
        let (Some(&place), Some(pay_date)) = (self.places.get(&dividend.symbol), dividend.pay_date) else { return };
        let base = self.exchange.base;
        let quoted = dividend.currency.or(self.quotes[place].map(|quote| quote.currency)).unwrap_or(base);
        let currency = quoted.major();
        let Some(rate) = self.exchange.rate(currency, session) else { return };
        for number in self.by_place[place].clone() {
            let position = &self.positions[number];
            let per_share = if quoted.is_minor() { dividend.cash_amount / Decimal::ONE_HUNDRED } else { dividend.cash_amount };
            let Some(amount) = position.quantity.checked_mul(per_share).map(cents).filter(|amount| !amount.is_zero()) else { continue };
            let local = (currency != base).then_some(LocalMoney { currency, amount: amount.0 });
            let in_base = if local.is_some() { worth(amount.0, rate) } else { Some(amount) };
            let Some(amount) = in_base else { continue };
            let (account, symbol, ex_date) = (position.account, dividend.symbol.clone(), dividend.ex_date);
            self.totals.income += amount;
            self.moved.push((place, Moved::income(amount)));
            self.receivables.push(Receivable { account, symbol, ex_date, pay_date, amount, local });
        }
    }

    /// Takes an accrued dividend back.
    pub(in super::super) fn reverse(&mut self, receivable: &Receivable) {
        self.totals.income -= receivable.amount;
        if let Some(place) = self.place(&receivable.symbol) {
            self.moved.push((place, Moved::income(-receivable.amount)));
        }
    }

    /// A dividend that didn't arrive in the session of its pay date is no longer counted on, and said so.
    pub(super) fn drop_unpaid(&mut self, session: NaiveDate) {
        let (due, later) = std::mem::take(&mut self.receivables).into_iter().partition(|receivable| receivable.pay_date <= session);
        self.receivables = later;
        for receivable in due {
            self.reverse(&receivable);
            self.yields.findings.push(Finding {
                session_date: session,
                account: Some(receivable.account),
                symbol: Some(receivable.symbol.clone()),
                key: None,
                code: "dividend_not_received".into(),
                message: format!(
                    "The dividend of {} ({} went ex on {}) was payable on {} and no payment is on file; enter it when it comes.",
                    receivable.symbol,
                    receivable.local.map_or(receivable.amount.0, |local| local.amount).round_dp(2),
                    receivable.ex_date,
                    receivable.pay_date
                ),
            });
        }
    }

    /// What is owed, at the session's rates, and how much of it exchange rates brought.
    pub(super) fn owed(&mut self, session: NaiveDate) -> Option<(Money, Money)> {
        let (mut sum, mut effect) = (Money::ZERO, Money::ZERO);
        for receivable in &self.receivables {
            let now = match receivable.local {
                Some(local) => worth(local.amount, self.exchange.rate(local.currency, session)?)?,
                None => receivable.amount,
            };
            sum += now;
            effect += now - receivable.amount;
        }
        Some((sum, effect))
    }
}

/// A split by zero or less is a mistake, and so is one by more than a million.
pub(in super::super) fn is_possible(from: Decimal, to: Decimal) -> bool {
    let most = Decimal::from(1_000_000);
    let is_sane = |number: Decimal| number > Decimal::ZERO && number <= most * most;
    is_sane(from) && is_sane(to) && to <= from * most && from <= to * most
}

/// Whether the move of the close is nearer to none than to the split's.
fn is_adjusted_already(before: Decimal, after: Decimal, from: Decimal, to: Decimal) -> bool {
    let ratio = |a: Decimal, b: Decimal| a.checked_div(b).and_then(|ratio| ratio.to_f64()).filter(|ratio| *ratio > 0.0);
    let (Some(split), Some(fall)) = (ratio(to, from), ratio(before, after)) else { return false };
    let (split, fall) = (libm::log(split), libm::log(fall));
    split.abs() >= libm::log(TELLING_SPLIT) && (fall - split).abs() > fall.abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_split_shows_in_raw_prices_alone() {
        let number = |text: &str| text.parse::<Decimal>().unwrap();
        let check = |before, after, from, to| is_adjusted_already(number(before), number(after), number(from), number(to));
        assert!(!check("645.57", "93.70", "1", "7"));
        assert!(check("92.22", "93.70", "1", "7"));
        assert!(!check("5", "52", "10", "1"));
        assert!(check("50", "52", "10", "1"));
        assert!(!check("100", "98", "100", "105"), "too small to tell");
    }
}
