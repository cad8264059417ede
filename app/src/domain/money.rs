//! Money: a decimal in the portfolio's base currency.

use rust_decimal::{Decimal, prelude::ToPrimitive};
use serde::{Deserialize, Serialize};
use std::{
    iter::Sum,
    ops::{Add, AddAssign, Neg, Sub, SubAssign},
};

/// An amount in the portfolio's base currency. Kept exact; rounded to the cent on screen only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Money(pub Decimal);

impl Money {
    pub const ZERO: Self = Self(Decimal::ZERO);

    /// The share of this amount in `total`, as a fraction; `None` when the total is zero. With [`Money::ratio_base`] the
    /// place where money becomes `f64`.
    pub fn share_of(self, total: Self) -> Option<f64> {
        let total = total.ratio_base();
        (total != 0.0).then(|| self.ratio_base() / total)
    }

    /// The amount as `f64`, for ratios only.
    pub fn ratio_base(self) -> f64 {
        // Every Decimal is within f64's range; the conversion can't fail.
        self.0.to_f64().unwrap_or(f64::NAN)
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
