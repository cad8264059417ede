//! Measures of risk, by NUMBERS.md section 4, under the same names.

use super::{
    benchmark::Aligned,
    returns::annualized,
    sums::{co_moment, deviation, mean, sum},
};
use crate::domain::{Figure, Money, Undefined};

/// Fewest returns for a ratio over a deviation on screen.
pub const FEWEST_ON_SCREEN: usize = 20;
/// Fewest returns for anything: a deviation needs two.
pub const FEWEST: usize = 2;

/// A deviation below this share of the numbers' size is rounding, not risk.
const ROUNDING: f64 = 1e-13;

fn need(returns: &[f64], fewest: usize) -> Figure<()> {
    let (fewest, count) = (fewest.max(FEWEST), returns.len());
    if count < fewest { Err(Undefined::because(format!("needs {fewest} returns, has {count}"))) } else { Ok(()) }
}

/// The sample deviation, or `reason` when all are the same.
fn spread(numbers: &[f64], reason: &str) -> Figure<f64> {
    let spread = deviation(numbers);
    let size = numbers.iter().fold(0.0_f64, |size, number| size.max(number.abs()));
    if spread > ROUNDING * size { Ok(spread) } else { Err(Undefined::because(reason)) }
}

/// `volatility`: sd(r) · √P.
///
/// # Errors
/// With fewer than `fewest` returns (at least 2).
pub fn volatility(returns: &[f64], periods_a_year: f64, fewest: usize) -> Figure<f64> {
    need(returns, fewest)?;
    Ok(deviation(returns) * periods_a_year.sqrt())
}

/// `sharpe_ratio`: mean(e) / sd(e) · √P, with e = r − f.
///
/// # Errors
/// With fewer than `fewest` returns, or when the excess returns don't vary.
pub fn sharpe_ratio(returns: &[f64], risk_free: &[f64], periods_a_year: f64, fewest: usize) -> Figure<f64> {
    need(returns, fewest)?;
    let excess = differences(returns, risk_free);
    let spread = spread(&excess, "the returns over the risk-free rate don't vary")?;
    Ok(mean(&excess) / spread * periods_a_year.sqrt())
}

/// `beta`: the slope of r − f on b − f.
///
/// # Errors
/// With fewer than `fewest` returns, or when the benchmark's don't vary.
pub fn beta(aligned: &Aligned, fewest: usize) -> Figure<f64> {
    need(&aligned.returns, fewest)?;
    let portfolio = differences(&aligned.returns, &aligned.risk_free);
    let benchmark = differences(&aligned.benchmark, &aligned.risk_free);
    spread(&benchmark, "benchmark variance is zero")?;
    Ok(co_moment(&portfolio, &benchmark) / co_moment(&benchmark, &benchmark))
}

/// `jensen_alpha`: R − F − beta · (B − F) on annualized geometric returns (Bacon).
///
/// # Errors
/// Those of [`beta`], or when everything was lost.
pub fn jensen_alpha(aligned: &Aligned, periods_a_year: f64, fewest: usize) -> Figure<f64> {
    let beta = beta(aligned, fewest)?;
    let portfolio = annualized(&aligned.returns, periods_a_year)?;
    let benchmark = annualized(&aligned.benchmark, periods_a_year)?;
    let risk_free = annualized(&aligned.risk_free, periods_a_year)?;
    Ok(portfolio - risk_free - beta * (benchmark - risk_free))
}

/// How much of the positions lies in few of them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Concentration {
    /// Σ w².
    pub herfindahl_index: f64,
    /// 1/Σ w².
    pub effective_positions: f64,
    pub top_1_weight: f64,
    pub top_5_weight: f64,
    pub top_10_weight: f64,
}

/// Concentration of market values; cash is no position.
///
/// # Errors
/// Without positions, and with short ones: shares of a difference mean nothing.
pub fn concentration(position_values: &[Money]) -> Figure<Concentration> {
    if position_values.iter().any(|value| *value < Money::ZERO) {
        return Err(Undefined::because("some positions are short: weights of a difference say nothing"));
    }
    let total: Money = position_values.iter().copied().sum();
    let weights: Option<Vec<f64>> = position_values.iter().map(|value| value.share_of(total)).collect();
    let Some(mut weights) = weights.filter(|weights| !weights.is_empty()) else {
        return Err(Undefined::because("there are no positions with a value"));
    };
    weights.sort_by(|a, b| b.total_cmp(a));
    let herfindahl_index = sum(weights.iter().map(|weight| weight * weight));
    let top = |count| sum(weights.iter().copied().take(count));
    Ok(Concentration {
        herfindahl_index,
        effective_positions: 1.0 / herfindahl_index,
        top_1_weight: top(1),
        top_5_weight: top(5),
        top_10_weight: top(10),
    })
}

fn differences(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}
