//! What quantities are worth at given prices, by the ledger's own arithmetic: for whoever works one of its values out again.

use super::{
    exchange,
    fixed::{SCALE, cents, fixed, money, to_scale},
};
use crate::domain::Money;
use rust_decimal::Decimal;

/// Decimals of an exchange rate.
const RATE_PLACES: u32 = 10;

/// Σ quantity × price to four decimals; `None` where the sum is more than a number can hold.
pub fn market_value(positions: impl IntoIterator<Item = (Decimal, Decimal)>) -> Option<Money> {
    let sum =
        positions.into_iter().try_fold(0_i128, |sum, (quantity, price)| sum.checked_add(fixed(quantity)?.checked_mul(fixed(price)?)?));
    money(sum?)
}

/// Quantity × price × rate to four decimals, for a price in another currency: `rate` is what one unit of it costs.
pub fn value_abroad(quantity: Decimal, price: Decimal, rate: Decimal) -> Option<Money> {
    unrounded_abroad(fixed(quantity)?.checked_mul(fixed(price)?)?, rate).map(|worth| cents(worth.0))
}

/// The same of quantity × price in units of 10⁻²⁰, before it is rounded.
pub(super) fn unrounded_abroad(units: i128, rate: Decimal) -> Option<Money> {
    let local = Decimal::try_from_i128_with_scale(units / 10_i128.pow(SCALE), SCALE).ok()?;
    exchange::unrounded(local, rate)
}

/// What one unit of a currency costs in another one, from the dollars for each, with the decimals of a rate.
pub fn crossed(of: Decimal, base: Decimal) -> Option<Decimal> {
    of.checked_div(base).map(|rate| rate.round_dp(RATE_PLACES).normalize())
}

/// A close in the shares after a split of `from` old into `to` new ones.
pub fn after_split(close: Decimal, from: Decimal, to: Decimal) -> Option<Decimal> {
    Some(to_scale(close.checked_mul(from)?.checked_div(to)?, SCALE).normalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn is_rounded_once_at_the_end() {
        let number = |text: &str| text.parse::<Decimal>().unwrap();
        let thirds = [(number("1"), number("0.00005")), (number("1"), number("0.00004"))];
        assert_eq!(market_value(thirds).unwrap().0.to_string(), "0.0001");
        assert_eq!(after_split(number("645.57"), number("1"), number("7")).unwrap().to_string(), "92.2242857143");
        assert_eq!(market_value([(Decimal::MAX, Decimal::MAX)]), None);
    }
}
