//! A part's sessions: what its average weight, its contribution and its own return are worked out from, and can be again.

use super::super::sums::Sum;
use chrono::NaiveDate;

/// A session of a holding, of several together, or of what no holding earned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Step {
    pub session: NaiveDate,
    /// The portfolio's; `None`: it has none, and the session counts for no contribution.
    pub portfolio_return: Option<f64>,
    /// What it earned, of the capital of the portfolio's return (0 without one). Of the rest: its part of the return, of 1.
    pub gain: f64,
    pub capital: f64,
    /// Its value at the close before, and the portfolio's; `None`: there is none of which a share could be. Of the rest: its share, of 1.
    pub before: f64,
    pub portfolio_before: Option<f64>,
    /// Its own; `None`: no capital was at work in it, or it is the rest.
    pub own_return: Option<f64>,
}

/// Mean of the shares; `None` without one.
pub fn average_weight(shares: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut count) = (Sum::default(), 0_usize);
    shares.for_each(|share| {
        sum.add(share);
        count += 1;
    });
    (count > 0).then(|| sum.total() / count as f64)
}

/// Σ part · k(r) / k(whole) over days, each with the whole's return r and what of it is the part's: days' parts add up to `whole` where
/// their parts are the days' returns (Carino 1999).
pub fn linked_over_days(whole: f64, days: impl Iterator<Item = (f64, f64)>) -> f64 {
    let all = coefficient(whole);
    let mut sum = Sum::default();
    days.for_each(|(r, part)| sum.add(part * (coefficient(r) / all)));
    sum.total()
}

/// Carino's k: ln(1 + r) / r, and its limit 1 where nothing happened.
pub(super) fn coefficient(r: f64) -> f64 {
    if r == 0.0 { 1.0 } else { libm::log1p(r) / r }
}
