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
pub fn linked_over_days(whole: f64, days: impl Iterator<Item = (f64, f64)> + Clone) -> f64 {
    let all = coefficient_of_all(whole, days.clone().map(|(r, _)| r));
    let mut sum = Sum::default();
    days.for_each(|(r, part)| sum.add(part * (coefficient(r) / all)));
    sum.total()
}

/// Carino's k: ln(1 + r) / r, and its limit 1 where nothing happened.
pub(super) fn coefficient(r: f64) -> f64 {
    if r == 0.0 { 1.0 } else { libm::log1p(r) / r }
}

/// The same of what returns make together. Its logarithm is the sum of theirs: that of the rounded product would lack their digits where nearly
/// everything was lost.
pub(super) fn coefficient_of_all(whole: f64, returns: impl Iterator<Item = f64>) -> f64 {
    if whole == 0.0 {
        return 1.0;
    }
    let mut grown = Sum::default();
    returns.for_each(|r| grown.add(libm::log1p(r)));
    grown.total() / whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::returns::cumulative_return;

    #[test]
    fn days_add_up_where_nearly_everything_was_lost() {
        for returns in [vec![-0.999_999_999_970_746_5], vec![-0.999_999, -0.999_99, 0.5], vec![1e-9, -1e-9]] {
            let whole = cumulative_return(returns.iter().copied().map(Some)).unwrap().cumulative;
            let linked = linked_over_days(whole, returns.iter().map(|r| (*r, *r)));
            assert!((linked - whole).abs() <= 1e-15, "{returns:?}: {linked} {whole}");
        }
    }
}
