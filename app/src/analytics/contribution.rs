//! What each holding contributed to a portfolio's return, linked over days by Carino (1999) so that the parts add up to the whole.

use super::sums::Sum;
use crate::domain::{Figure, Undefined};
use std::collections::BTreeMap;

/// Adds up days. A day's contribution of a holding is its gain / (value of the day before + inflows), a fraction.
#[derive(Debug, Clone)]
pub struct Linking<K> {
    sums: BTreeMap<K, Sum>,
    /// Π(1 + r) − 1 so far.
    growth: f64,
    is_lost: bool,
}

/// Contributions over a period.
#[derive(Debug, Clone, PartialEq)]
pub struct Contributions<K> {
    /// Fractions of the period's opening value, so to speak: they add up to `whole`.
    pub parts: BTreeMap<K, f64>,
    /// The period's time-weighted return.
    pub whole: f64,
}

impl<K> Contributions<K> {
    /// What the parts leave unexplained: rounding, or gains that no part was given.
    pub fn residual(&self) -> f64 {
        let mut sum = Sum::default();
        self.parts.values().for_each(|part| sum.add(*part));
        self.whole - sum.total()
    }
}

impl<K: Ord> Default for Linking<K> {
    fn default() -> Self {
        Self { sums: BTreeMap::new(), growth: 0.0, is_lost: false }
    }
}

impl<K: Ord> Linking<K> {
    /// A day with its return and the contributions that make it up. A day without a return is left out by not being added.
    pub fn add(&mut self, daily_return: f64, parts: impl IntoIterator<Item = (K, f64)>) {
        self.is_lost |= daily_return <= -1.0;
        let factor = coefficient(daily_return);
        for (key, part) in parts {
            self.sums.entry(key).or_default().add(part * factor);
        }
        self.growth += daily_return + self.growth * daily_return;
    }

    /// The days linked: each counts by k_t / k, k = ln(1 + R) / R.
    ///
    /// # Errors
    /// When everything was lost on a day: its logarithm doesn't exist.
    pub fn linked(self) -> Figure<Contributions<K>> {
        if self.is_lost {
            return Err(Undefined::because("everything was lost on a day: its logarithm doesn't exist, so days can't be linked"));
        }
        let whole = coefficient(self.growth);
        let parts = self.sums.into_iter().map(|(key, sum)| (key, sum.total() / whole)).collect();
        Ok(Contributions { parts, whole: self.growth })
    }
}

/// Carino's k: ln(1 + r) / r, and its limit 1 where nothing happened.
fn coefficient(r: f64) -> f64 {
    if r == 0.0 { 1.0 } else { libm::log1p(r) / r }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn one_day_is_its_own_parts() {
        let mut linking = Linking::default();
        linking.add(0.03, [("a", 0.05), ("b", -0.02)]);
        let found = linking.linked().unwrap();
        assert!((found.parts["a"] - 0.05).abs() < 1e-16 && (found.parts["b"] + 0.02).abs() < 1e-16);
    }

    #[test]
    fn after_a_loss_of_everything_nothing_links() {
        let mut linking = Linking::default();
        linking.add(-1.0, [("a", -1.0)]);
        assert!(linking.linked().unwrap_err().0.contains("everything was lost"));
    }

    proptest! {
        /// Parts that add up day by day add up over all days.
        #[test]
        fn parts_add_up_to_the_return(days in prop::collection::vec(prop::collection::vec(-0.09_f64..0.2, 5), 1..300)) {
            let mut linking = Linking::default();
            for parts in &days {
                linking.add(parts.iter().sum(), parts.iter().copied().enumerate());
            }
            let found = linking.linked().unwrap();
            prop_assert!(found.residual().abs() <= 1e-12 * (1.0 + found.whole.abs()), "{}", found.residual());
        }
    }
}
