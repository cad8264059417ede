//! Money: a decimal in the portfolio's base currency.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::{
    iter::Sum,
    ops::{Add, AddAssign, Neg, Sub, SubAssign},
};

/// An amount in the portfolio's base currency. Kept exact; rounded to the cent on screen only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(pub Decimal);

/// Powers of ten that f64 holds exactly, as far as amounts of few digits need them.
const EXACT: [f64; 11] = [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10];

/// The f64 nearest to a quotient; the divisor is at most 10²⁸. By whole numbers: the reading of floats brings its tables into the browser.
fn nearest(dividend: u128, divisor: u128) -> f64 {
    const DIGITS: u32 = 32;
    if dividend == 0 {
        return 0.0;
    }
    let (mut quotient, mut rest, mut exponent) = (dividend / divisor, dividend % divisor, 0_u32);
    // Two bits more than f64 has, so that what is left only decides whether a half is more than one.
    while quotient >> (f64::MANTISSA_DIGITS + 1) == 0 {
        rest <<= DIGITS;
        quotient = (quotient << DIGITS) | (rest / divisor);
        rest %= divisor;
        exponent += DIGITS;
    }
    let rounded = (quotient | u128::from(rest != 0)) as f64;
    (0..exponent / DIGITS).fold(rounded, |number, _| number / (1_u64 << DIGITS) as f64)
}

impl Money {
    pub const ZERO: Self = Self(Decimal::ZERO);

    #[must_use]
    pub fn abs(self) -> Self {
        Self(self.0.abs())
    }

    /// The share of this amount in `total`, as a fraction; `None` when the total is zero. With [`Money::ratio_base`] the
    /// place where money becomes `f64`.
    pub fn share_of(self, total: Self) -> Option<f64> {
        let total = total.ratio_base();
        (total != 0.0).then(|| self.ratio_base() / total)
    }

    /// The amount as the nearest `f64`, for ratios only: what reading its digits gives too, so a file of ours measured elsewhere leads to
    /// the same bits.
    pub fn ratio_base(self) -> f64 {
        let (mantissa, scale) = (self.0.mantissa(), self.0.scale());
        // Where both are whole numbers that f64 holds, one division rounds once.
        if let (Ok(whole), Some(divisor)) = (i64::try_from(mantissa), EXACT.get(scale as usize))
            && whole.unsigned_abs() <= 1 << f64::MANTISSA_DIGITS
        {
            return whole as f64 / divisor;
        }
        let divisor = 10_u128.pow(scale);
        let size = nearest(mantissa.unsigned_abs(), divisor);
        if mantissa < 0 { -size } else { size }
    }

    /// For programs: its digits, at least two decimals, more where there are more.
    pub fn plain(self) -> String {
        let mut shown = self.0.normalize();
        if shown.scale() < 2 {
            shown.rescale(2);
        }
        // Of −0.00 the sign says nothing.
        if shown.is_zero() { "0.00".into() } else { shown.to_string() }
    }

    pub fn is_zero(self) -> bool {
        self.0.is_zero()
    }
}

impl Add for Money {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(self.0 + other.0)
    }
}
impl Sub for Money {
    type Output = Self;
    fn sub(self, other: Self) -> Self {
        Self(self.0 - other.0)
    }
}
impl Neg for Money {
    type Output = Self;
    fn neg(self) -> Self {
        Self(-self.0)
    }
}
impl AddAssign for Money {
    fn add_assign(&mut self, other: Self) {
        self.0 += other.0;
    }
}
impl SubAssign for Money {
    fn sub_assign(&mut self, other: Self) {
        self.0 -= other.0;
    }
}
impl Sum for Money {
    fn sum<I: Iterator<Item = Self>>(amounts: I) -> Self {
        amounts.fold(Self::ZERO, Add::add)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// The nearest f64, large or small, with any number of decimals.
        #[test]
        fn an_amount_is_the_number_that_its_digits_are(mantissa in prop_oneof![any::<i64>().prop_map(i128::from), -(1_i128 << 95)..1 << 95], scale in 0_u32..=28) {
            let amount = Money(Decimal::from_i128_with_scale(mantissa, scale));
            prop_assert_eq!(amount.ratio_base().to_bits(), amount.0.to_string().parse::<f64>().unwrap().to_bits());
        }
    }
}
