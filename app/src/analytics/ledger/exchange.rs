//! Exchange rates into the base currency, carried from day to day; never 1:1 for want of one.

use super::{
    fixed::{SCALE, cents, to_scale},
    input::Rates,
};
use crate::domain::{Currency, Money};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::borrow::Cow;

/// No currency is worth 10¹⁰ of another: beyond it a rate is a mistake, and isn't taken.
const LARGEST_RATE: i64 = 10_000_000_000;
/// What NUMERIC(19,4) holds; an amount that exceeds it after the exchange is unknown.
const LARGEST_AMOUNT: i64 = 1_000_000_000_000_000;
/// Decimals of an amount in a currency of its own.
const LOCAL_SCALE: u32 = 4;

/// Walks through the series of rates; asked for sessions in ascending order.
pub(super) struct Exchange<'a> {
    pub base: Currency,
    series: Vec<Series<'a>>,
}

struct Series<'a> {
    currency: Currency,
    rates: Cow<'a, [(NaiveDate, Decimal)]>,
    next: usize,
    last: Option<Decimal>,
}

impl<'a> Exchange<'a> {
    pub fn new(base: Currency, rates: &'a Rates) -> Self {
        let series = |(currency, rates): (&Currency, &'a Vec<(NaiveDate, Decimal)>)| {
            let rates = if rates.is_sorted_by_key(|(day, _)| *day) {
                Cow::Borrowed(&rates[..])
            } else {
                let mut sorted = rates.clone();
                sorted.sort_by_key(|(day, _)| *day);
                Cow::Owned(sorted)
            };
            Series { currency: *currency, rates, next: 0, last: None }
        };
        Self { base: base.major(), series: rates.iter().map(series).collect() }
    }

    /// Units of the base currency for one unit of `currency`, of a minor unit a hundredth of its major's; `None` before the first.
    pub fn rate(&mut self, currency: Currency, session: NaiveDate) -> Option<Decimal> {
        let major = currency.major();
        let rate = if major == self.base { Decimal::ONE } else { self.series.iter_mut().find(|one| one.currency == major)?.at(session)? };
        currency.of_major(rate)
    }

    /// An amount in base currency at the session's rate.
    pub fn convert(&mut self, amount: Decimal, currency: Currency, session: NaiveDate) -> Option<Money> {
        if currency == self.base || amount.is_zero() {
            return Some(cents(amount));
        }
        worth(amount, self.rate(currency, session)?)
    }

    /// What an amount of base currency is in another one, at the session's rate.
    pub fn local(&mut self, amount: Money, currency: Currency, session: NaiveDate) -> Option<Decimal> {
        let rate = self.rate(currency, session)?;
        amount.0.checked_div(rate).filter(|local| local.abs() <= Decimal::from(LARGEST_AMOUNT)).map(local_amount)
    }
}

impl Series<'_> {
    fn at(&mut self, session: NaiveDate) -> Option<Decimal> {
        while let Some((_, rate)) = self.rates.get(self.next).filter(|(day, _)| *day <= session) {
            self.next += 1;
            if *rate > Decimal::ZERO && *rate <= Decimal::from(LARGEST_RATE) {
                self.last = Some(*rate);
            }
        }
        self.last
    }
}

/// `amount × rate` as money; `None` when it is more than can be counted.
pub(super) fn worth(amount: Decimal, rate: Decimal) -> Option<Money> {
    unrounded(amount, rate).map(|worth| cents(worth.0))
}

/// The same with all decimals of a price, for ratios.
pub(super) fn unrounded(amount: Decimal, rate: Decimal) -> Option<Money> {
    amount.checked_mul(rate).filter(|worth| worth.abs() <= Decimal::from(LARGEST_AMOUNT)).map(|worth| Money(to_scale(worth, SCALE)))
}

/// Rounds to the decimals that amounts in their own currency are kept with.
pub(super) fn local_amount(amount: Decimal) -> Decimal {
    to_scale(amount, LOCAL_SCALE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2024, 1, day).unwrap()
    }

    #[test]
    fn a_rate_is_carried_and_never_guessed() {
        let [eur, gbp, gbx] = ["EUR", "GBP", "GBX"].map(|code| Currency::parse(code).unwrap());
        let number = |text: &str| text.parse::<Decimal>().unwrap();
        let rates = Rates::from([
            (eur, vec![(on(8), number("1.2")), (on(3), number("1.1")), (on(5), number("0"))]),
            (gbp, vec![(on(3), number("1.25"))]),
        ]);
        let mut exchange = Exchange::new(Currency::USD, &rates);
        assert_eq!(exchange.rate(eur, on(2)), None);
        assert_eq!(exchange.rate(eur, on(3)), Some(number("1.1")));
        assert_eq!(exchange.rate(eur, on(5)), Some(number("1.1")), "a rate of nothing is none");
        assert_eq!(exchange.rate(gbx, on(5)), Some(number("0.0125")));
        assert_eq!(exchange.convert(number("100"), eur, on(9)), Some(Money(number("120"))));
        assert_eq!(exchange.rate(Currency::parse("CHF").unwrap(), on(9)), None);
        assert_eq!(exchange.rate(Currency::USD, on(9)), Some(Decimal::ONE));
    }
}
