//! Concentration of a portfolio, and how many returns a measure needs (NUMBERS.md, section 5).

use super::{metrics::Measured, sums::sum};
use crate::domain::{Figure, Money, Undefined};

/// Fewest returns for a ratio over a deviation on screen.
pub const FEWEST_ON_SCREEN: usize = 20;
/// Fewest returns for anything: a deviation needs two.
pub const FEWEST: usize = 2;

/// Keys of [`concentration_measures`], in its order.
pub const CONCENTRATION_KEYS: [&str; 5] = ["herfindahl_index", "effective_positions", "top_1_weight", "top_5_weight", "top_10_weight"];

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

/// Concentration of market values under the catalogue's keys.
pub fn concentration_measures(position_values: &[Money]) -> Vec<Measured> {
    let found = concentration(position_values)
        .map(|c| [c.herfindahl_index, c.effective_positions, c.top_1_weight, c.top_5_weight, c.top_10_weight]);
    CONCENTRATION_KEYS.iter().enumerate().map(|(at, key)| (*key, found.as_ref().map(|all| all[at]).map_err(Clone::clone))).collect()
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
