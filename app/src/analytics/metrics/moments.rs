//! Return, spread and shape: the measures of the first four moments, and the ratios over the risk-free rate.

use super::{Input, Sheet, over};
use crate::{
    analytics::{
        returns::{annualized, cumulative_return},
        sums::{Column, Sum, mean},
    },
    domain::{Figure, Undefined},
};

/// A deviation below this share of the numbers' size is rounding, not risk.
const ROUNDING: f64 = 1e-13;

/// What later families use again.
pub(super) struct Moments {
    pub count: f64,
    pub mean: f64,
    /// What the mean's last digit is off.
    pub rest: f64,
    /// Central moments over n.
    pub m2: f64,
    /// Standardized by the population deviation; undefined for a series that doesn't vary.
    pub skewness: Figure<f64>,
    /// Not in excess of the normal's 3.
    pub kurtosis: Figure<f64>,
    pub annualized_return: Figure<f64>,
}

/// The sample deviation, or `reason` when the numbers are all the same.
pub(super) fn spread(of: &Column<'_>, reason: &str) -> Figure<f64> {
    let spread = of.deviation();
    if spread > ROUNDING * of.size { Ok(spread) } else { Err(Undefined::because(reason)) }
}

pub(super) fn put(sheet: &mut Sheet, input: &Input<'_>) -> Moments {
    let (returns, periods) = (input.returns, input.terms.periods_a_year);
    let (count, mean) = (returns.len() as f64, mean(returns));
    let [mut rest, mut square, mut cube, mut fourth, mut absolute] = [Sum::default(); 5];
    let mut size = 0.0_f64;
    for r in returns {
        let d = r - mean;
        rest.add(d);
        square.add(d * d);
        cube.add(d * d * d);
        fourth.add(d * d * d * d);
        absolute.add(d.abs());
        size = size.max(r.abs());
    }
    // The mean is rounded; what its last digit is off (`rest`) shifts the moments of returns that hardly vary.
    let rest = rest.total() / count;
    let [d2, d3, d4] = [square, cube, fourth].map(|sum| sum.total() / count);
    let m2 = (d2 - rest * rest).max(0.0);
    let m3 = d3 - 3.0 * rest * d2 + 2.0 * rest * rest * rest;
    let m4 = d4 - 4.0 * rest * d3 + 6.0 * rest * rest * d2 - 3.0 * rest * rest * rest * rest;
    let sd = (m2 * count / (count - 1.0)).sqrt();
    let flat = Undefined::because("the returns don't vary");
    let varies = |value: f64| if sd > ROUNDING * size { Ok(value) } else { Err(flat.clone()) };
    let skewness = varies(m3 / (m2 * m2.sqrt()));
    let kurtosis = varies(m4 / (m2 * m2));
    let annualized_return = annualized(returns, periods);

    sheet.put("cumulative_return", cumulative_return(returns.iter().copied().map(Some)).map(|linked| linked.cumulative));
    sheet.put("annualized_return", annualized_return.clone());
    sheet.put("annualized_mean_return", Ok(mean * periods));
    sheet.put("volatility", Ok(sd * periods.sqrt()));
    sheet.put("mean_absolute_deviation", Ok(absolute.total() / count));
    sheet.put("skewness", skewness.clone());
    sheet.put("excess_kurtosis", kurtosis.clone().map(|kurtosis| kurtosis - 3.0));
    sheet.put("sample_skewness", enough(returns, 3).and_then(|()| Ok(skewness.clone()? * (count * (count - 1.0)).sqrt() / (count - 2.0))));
    let unbiased = |kurtosis: f64| (count - 1.0) / ((count - 2.0) * (count - 3.0)) * ((count + 1.0) * (kurtosis - 3.0) + 6.0);
    sheet.put("sample_excess_kurtosis", enough(returns, 4).and_then(|()| Ok(unbiased(kurtosis.clone()?))));
    excess(sheet, input);
    sheet.put("adjusted_sharpe_ratio", adjusted(mean * periods / (sd * periods.sqrt()), &skewness, &kurtosis));
    let shape = skewness.clone().and_then(|s| over(s, kurtosis.clone()?, "the kurtosis is zero"));
    sheet.put("skewness_kurtosis_ratio", shape);
    Moments { count, mean, rest, m2, skewness, kurtosis, annualized_return }
}

fn enough(returns: &[f64], fewest: usize) -> Figure<()> {
    let count = returns.len();
    if count < fewest { Err(Undefined::because(format!("needs {fewest} returns, has {count}"))) } else { Ok(()) }
}

/// The ratios of the returns over the risk-free rate's.
fn excess(sheet: &mut Sheet, input: &Input<'_>) {
    let periods = input.terms.periods_a_year;
    if input.risk_free.len() != input.returns.len() {
        let missing = Undefined::because("the risk-free rate of these periods isn't known");
        sheet.put("sharpe_ratio", Err(missing.clone()));
        sheet.put("sharpe_ratio_geometric", Err(missing));
        return;
    }
    let excess: Vec<f64> = input.returns.iter().zip(input.risk_free).map(|(r, f)| r - f).collect();
    let column = Column::of(&excess);
    let spread = spread(&column, "the returns over the risk-free rate don't vary");
    sheet.put("sharpe_ratio", spread.clone().map(|sd| column.mean / sd * periods.sqrt()));
    sheet.put("sharpe_ratio_geometric", spread.and_then(|sd| Ok(annualized(&excess, periods)? / (sd * periods.sqrt()))));
}

/// Pezier and White (2006): SR · (1 + S/6 · SR − (K − 3)/24 · SR²).
fn adjusted(ratio: f64, skewness: &Figure<f64>, kurtosis: &Figure<f64>) -> Figure<f64> {
    let (s, k) = (skewness.clone()?, kurtosis.clone()?);
    Ok(ratio * (1.0 + s / 6.0 * ratio - (k - 3.0) / 24.0 * ratio * ratio))
}
