//! Value at risk and expected shortfall: historical, gaussian, and modified for skewness and kurtosis. All are returns: a loss is negative.

use super::{
    Input, Sheet,
    moments::Moments,
    normal::{cumulative, density, quantile},
};
use crate::{analytics::sums::Sum, domain::Figure};

pub(super) const FIRST_KEY: &str = "value_at_risk";

pub(super) fn put(sheet: &mut Sheet, input: &Input<'_>, moments: &Moments) {
    let alpha = 1.0 - input.terms.confidence;
    let (historical, shortfall) = historical(input.returns, alpha);
    let (mean, sd) = (moments.mean, moments.m2.sqrt());
    let z = quantile(alpha);
    let modified = modified_quantile(z, &moments.skewness, &moments.kurtosis);
    sheet.put("value_at_risk", Ok(historical));
    sheet.put("value_at_risk_gaussian", Ok(mean + z * sd));
    sheet.put("value_at_risk_modified", modified.clone().map(|h| mean + h * sd));
    sheet.put("expected_shortfall", Ok(shortfall));
    sheet.put("expected_shortfall_gaussian", Ok(mean - sd * density(z) / alpha));
    let modified_shortfall = modified.and_then(|h| {
        let (s, k) = (moments.skewness.clone()?, moments.kurtosis.clone()? - 3.0);
        Ok(mean + sd * modified_tail(h, s, k, alpha))
    });
    sheet.put("expected_shortfall_modified", modified_shortfall);
}

/// The alpha quantile by linear interpolation (type 7), and the mean of all returns at or below it.
fn historical(returns: &[f64], alpha: f64) -> (f64, f64) {
    let mut sorted = returns.to_vec();
    let place = (returns.len() - 1) as f64 * alpha;
    let low = (place as usize).min(returns.len() - 1);
    let (_, at_low, rest) = sorted.select_nth_unstable_by(low, f64::total_cmp);
    let at_low = *at_low;
    let next = rest.iter().copied().fold(f64::INFINITY, f64::min);
    let share = place - low as f64;
    let value_at_risk = if share > 0.0 && next.is_finite() { at_low + share * (next - at_low) } else { at_low };
    let (mut sum, mut count) = (Sum::default(), 0.0);
    for r in returns.iter().filter(|r| **r <= value_at_risk) {
        sum.add(*r);
        count += 1.0;
    }
    (value_at_risk, sum.total() / count)
}

/// Cornish and Fisher's expansion of the quantile to the fourth moment.
fn modified_quantile(z: f64, skewness: &Figure<f64>, kurtosis: &Figure<f64>) -> Figure<f64> {
    let (s, k) = (skewness.clone()?, kurtosis.clone()? - 3.0);
    let (z2, z3) = (z * z, z * z * z);
    Ok(z + (z2 - 1.0) * s / 6.0 + (z3 - 3.0 * z) * k / 24.0 - (2.0 * z3 - 5.0 * z) * s * s / 36.0)
}

/// The standardized shortfall below `h` by the second-order Edgeworth expansion (Boudt, Peterson and Croux 2008, equations 16 to 18), in
/// its operational form: never better than the quantile itself.
fn modified_tail(h: f64, s: f64, k: f64, alpha: f64) -> f64 {
    let phi = density(h);
    let [i1, i2, i3, i4, i6] = [1, 2, 3, 4, 6].map(|power| integral(power, h));
    let expected =
        phi + (i4 - 6.0 * i2 + 3.0 * phi) * k / 24.0 + (i3 - 3.0 * i1) * s / 6.0 + (i6 - 15.0 * i4 + 45.0 * i2 - 15.0 * phi) * s * s / 72.0;
    (-expected / alpha).min(h)
}

/// I^q of the paper: for even q `Σ (q!!/(2i)!!) h^(2i) φ(h) + q!! φ(h)`, for odd q `Σ (q!!/(2i+1)!!) h^(2i+1) φ(h) − q!! Φ(h)`.
fn integral(power: u32, h: f64) -> f64 {
    let double_factorial = |n: u32| (1..=n).rev().step_by(2).map(f64::from).product::<f64>();
    let whole = double_factorial(power);
    let terms = (1..=power).filter(|i| i % 2 == power % 2);
    let sum: f64 = terms.map(|i| whole / double_factorial(i) * libm::pow(h, f64::from(i)) * density(h)).sum();
    if power.is_multiple_of(2) { sum + whole * density(h) } else { sum - whole * cumulative(h) }
}
