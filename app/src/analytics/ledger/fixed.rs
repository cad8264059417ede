//! Quantities and prices as integers of 10⁻¹⁰, the scale of NUMERIC(28,10): a multiplication of them takes nanoseconds,
//! and a portfolio's value is the sum of hundreds, thousands of times.

use crate::domain::Money;
use rust_decimal::{Decimal, RoundingStrategy};

/// Decimals of a quantity or price.
pub(super) const SCALE: u32 = 10;
/// Decimals of money, as in NUMERIC(19,4).
const MONEY_SCALE: u32 = 4;

/// In units of 10⁻¹⁰; more decimals are rounded. `None` where it doesn't fit.
pub(super) fn fixed(number: Decimal) -> Option<i128> {
    let number = if number.scale() > SCALE { to_scale(number, SCALE) } else { number };
    number.mantissa().checked_mul(10_i128.pow(SCALE - number.scale()))
}

/// Back from units of 10⁻¹⁰. `None` where a [`Decimal`] can't hold it.
pub(super) fn decimal(fixed: i128) -> Option<Decimal> {
    Decimal::try_from_i128_with_scale(fixed, SCALE).ok().map(|number| number.normalize())
}

/// A sum of quantity × price (units of 10⁻²⁰) as money of four decimals.
pub(super) fn money(units: i128) -> Option<Money> {
    let unit = 10_i128.pow(2 * SCALE - MONEY_SCALE);
    let half = unit / 2 * units.signum();
    Decimal::try_from_i128_with_scale(units.checked_add(half)? / unit, MONEY_SCALE).ok().map(Money)
}

/// The same with all ten decimals of a price, for ratios.
pub(super) fn unrounded(units: i128) -> Option<Money> {
    decimal(units / 10_i128.pow(SCALE)).map(Money)
}

/// Rounds to four decimals, halves away from zero, as Postgres does.
pub(super) fn cents(number: Decimal) -> Money {
    Money(to_scale(number, MONEY_SCALE))
}

/// Rounds, halves away from zero.
pub(super) fn to_scale(number: Decimal, scale: u32) -> Decimal {
    number.round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn goes_there_and_back() {
        for text in ["0", "1", "-2.5", "645.57", "0.0000000001", "12345678901.25"] {
            let number: Decimal = text.parse().unwrap();
            assert_eq!(decimal(fixed(number).unwrap()), Some(number), "{text}");
        }
        assert_eq!(fixed(Decimal::MAX), None);
    }

    #[test]
    fn money_rounds_halves_away_from_zero() {
        let units = |quantity: &str, price: &str| fixed(quantity.parse().unwrap()).unwrap() * fixed(price.parse().unwrap()).unwrap();
        assert_eq!(money(units("1", "0.00005")).unwrap().0.to_string(), "0.0001");
        assert_eq!(money(units("-1", "0.00005")).unwrap().0.to_string(), "-0.0001");
        assert_eq!(money(units("3", "93.7")).unwrap().0.to_string(), "281.1000");
    }
}
