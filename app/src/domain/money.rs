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

/// All that f64 holds exactly.
const POWERS_OF_TEN: [f64; 23] =
    [1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22];

impl Money {
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// The share of this amount in `total`, as a fraction; `None` when the total is zero. With [`Money::ratio_base`] the
    /// place where money becomes `f64`.
    pub fn share_of(self, total: Self) -> Option<f64> {
        let total = total.ratio_base();
        (total != 0.0).then(|| self.ratio_base() / total)
    }

    /// The amount as the nearest `f64`, for ratios only: what reading its digits gives too, so a file of ours measured elsewhere leads to
    /// the same bits.
    pub fn ratio_base(self) -> f64 {
        // Two numbers that f64 holds exactly have the nearest quotient.
        match (i64::try_from(self.0.mantissa()), POWERS_OF_TEN.get(self.0.scale() as usize)) {
            (Ok(mantissa), Some(power)) if mantissa.unsigned_abs() <= 1 << f64::MANTISSA_DIGITS => mantissa as f64 / power,
            // Every Decimal's digits are those of a number within f64's range.
            _ => self.0.to_string().parse().unwrap_or(f64::NAN),
        }
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
