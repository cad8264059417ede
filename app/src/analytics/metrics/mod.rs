//! The catalogue: every measure of a series of returns under its key, each a value or a reason. Definitions: NUMBERS.md, section 4.
//!
//! Each family reads the series once or twice with compensated sums and fills a [`Sheet`]; nothing is sorted or allocated per measure.
//! Functions are those of `libm` and the four basic operations, so that native and WASM agree to the last bit.

mod falls;
mod moments;
mod normal;
mod partial;
mod relative;
mod screen;
mod tail;

pub use falls::{Fall, falls};
pub use normal::{cumulative as normal_cumulative, quantile as normal_quantile};
pub use screen::{is_chained, on_screen};

use super::{benchmark::Aligned, returns};
use crate::domain::{Figure, Undefined};

/// What the measures are taken by. Defaults: 252 sessions a year, MAR 0, confidence 0.95, two returns at least.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Terms {
    /// `P`: 252 for daily returns, 12 for monthly ones.
    pub periods_a_year: f64,
    /// The minimum acceptable return of one period, a fraction.
    pub mar: f64,
    /// Of value at risk and expected shortfall, between 0 and 1.
    pub confidence: f64,
    /// Fewest returns that any measure is taken of; never less than 2.
    pub fewest: usize,
}

impl Default for Terms {
    fn default() -> Self {
        Self { periods_a_year: returns::SESSIONS_A_YEAR, mar: 0.0, confidence: 0.95, fewest: super::risk::FEWEST }
    }
}

impl Terms {
    /// [`Self::fewest`], at least 2: a deviation needs two.
    pub fn fewest(&self) -> usize {
        self.fewest.max(super::risk::FEWEST)
    }
}

/// A series of period returns, fractions, oldest first; `risk_free` of the same periods, as long.
#[derive(Debug, Clone, Copy)]
pub struct Input<'a> {
    pub returns: &'a [f64],
    pub risk_free: &'a [f64],
    /// The periods that the benchmark has too; `None`: there is no benchmark.
    pub aligned: Option<&'a Aligned>,
    pub terms: Terms,
}

/// A measure's key, as in JSON, on screen and in NUMBERS.md, and its value or why it has none.
pub type Measured = (&'static str, Figure<f64>);

/// Measures as they are found.
#[derive(Debug, Default)]
struct Sheet(Vec<Measured>);

impl Sheet {
    /// A number that isn't finite is none.
    fn put(&mut self, key: &'static str, figure: Figure<f64>) {
        let finite = |value: f64| {
            if value.is_finite() { Ok(value) } else { Err(Undefined::because("the numbers are too large for this measure")) }
        };
        self.0.push((key, figure.and_then(finite)));
    }
}

/// `numerator / denominator`, or the reason where that is nothing to divide by.
fn over(numerator: f64, denominator: f64, reason: &str) -> Figure<f64> {
    if denominator == 0.0 { Err(Undefined::because(reason)) } else { Ok(numerator / denominator) }
}

/// Every measure of the catalogue that is taken of returns, in its order. With too few returns all of them say so; without a
/// benchmark those that need one do; numbers that aren't finite are refused.
pub fn catalogue(input: &Input<'_>) -> Vec<Measured> {
    if let Err(reason) = checked(input) {
        return KEYS.iter().map(|key| (*key, Err(reason.clone()))).collect();
    }
    let mut sheet = Sheet(Vec::with_capacity(KEYS.len()));
    let moments = moments::put(&mut sheet, input);
    partial::put(&mut sheet, input, &moments);
    falls::put(&mut sheet, input, &moments);
    tail::put(&mut sheet, input, &moments);
    relative::put(&mut sheet, input);
    sheet.0
}

/// One measure, as the whole catalogue has it: only its family is computed, and the moments that most rest on.
///
/// # Errors
/// Why it has no value; also where no measure has this key.
pub fn measure(input: &Input<'_>, key: &str) -> Figure<f64> {
    checked(input)?;
    let mut sheet = Sheet::default();
    let place = |key: &str| KEYS.iter().position(|known| *known == key);
    let at = place(key);
    if at >= place(relative::FIRST_KEY) {
        relative::put(&mut sheet, input);
    } else {
        let moments = moments::put(&mut sheet, input);
        if at >= place(tail::FIRST_KEY) {
            tail::put(&mut sheet, input, &moments);
        } else if at >= place(falls::FIRST_KEY) {
            falls::put(&mut sheet, input, &moments);
        } else if at >= place(partial::FIRST_KEY) {
            partial::put(&mut sheet, input, &moments);
        }
    }
    find(&sheet.0, key)
}

/// Is the measure taken beside a benchmark?
pub fn needs_benchmark(key: &str) -> bool {
    KEYS.iter().skip_while(|known| **known != relative::FIRST_KEY).any(|known| *known == key)
}

/// Enough returns, all of them numbers.
fn checked(input: &Input<'_>) -> Figure<()> {
    let (fewest, count) = (input.terms.fewest(), input.returns.len());
    if count < fewest {
        return Err(Undefined::because(format!("needs {fewest} returns, has {count}")));
    }
    let of_benchmark = input.aligned.map(|aligned| [&aligned.returns[..], &aligned.benchmark, &aligned.risk_free]).unwrap_or_default();
    let series = [input.returns, input.risk_free].into_iter().chain(of_benchmark);
    if series.flatten().any(|number| !number.is_finite()) {
        return Err(Undefined::because("a return isn't a finite number"));
    }
    Ok(())
}

/// One of the measures, by its key.
///
/// # Errors
/// Why it has no value; also where no measure has this key.
pub fn find(measured: &[Measured], key: &str) -> Figure<f64> {
    let found = measured.iter().find(|(known, _)| *known == key);
    found.map_or_else(|| Err(Undefined::because(format!("there is no measure {key}"))), |(_, figure)| figure.clone())
}

/// Keys in the order of [`catalogue`].
pub const KEYS: &[&str] = &[
    "cumulative_return",
    "annualized_return",
    "annualized_mean_return",
    "volatility",
    "mean_absolute_deviation",
    "skewness",
    "excess_kurtosis",
    "sample_skewness",
    "sample_excess_kurtosis",
    "sharpe_ratio",
    "sharpe_ratio_geometric",
    "adjusted_sharpe_ratio",
    "skewness_kurtosis_ratio",
    "downside_deviation",
    "sortino_ratio",
    "annualized_sortino_ratio",
    "downside_potential",
    "upside_potential",
    "upside_risk",
    "semi_deviation",
    "omega_ratio",
    "omega_sharpe_ratio",
    "kappa_ratio_2",
    "kappa_ratio_3",
    "upside_potential_ratio",
    "bernardo_ledoit_ratio",
    "d_ratio",
    "prospect_ratio",
    "volatility_skewness",
    "variability_skewness",
    "upside_frequency",
    "downside_frequency",
    "max_drawdown",
    "average_drawdown",
    "ulcer_index",
    "pain_index",
    "calmar_ratio",
    "sterling_ratio",
    "burke_ratio",
    "modified_burke_ratio",
    "martin_ratio",
    "pain_ratio",
    "value_at_risk",
    "value_at_risk_gaussian",
    "value_at_risk_modified",
    "expected_shortfall",
    "expected_shortfall_gaussian",
    "expected_shortfall_modified",
    "beta",
    "beta_bull",
    "beta_bear",
    "timing_ratio",
    "alpha",
    "annualized_alpha",
    "jensen_alpha",
    "correlation",
    "r_squared",
    "tracking_error",
    "active_premium",
    "information_ratio",
    "information_ratio_arithmetic",
    "systematic_risk",
    "specific_risk",
    "total_risk",
    "appraisal_ratio",
    "treynor_ratio",
    "modified_treynor_ratio",
    "m_squared",
    "m_squared_excess",
    "fama_beta",
    "selectivity",
    "net_selectivity",
    "up_capture",
    "down_capture",
    "up_number",
    "down_number",
    "up_percent",
    "down_percent",
];

#[cfg(test)]
mod tests;
