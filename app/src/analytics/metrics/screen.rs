//! What a page shows of the catalogue: a ratio over a deviation needs 20 returns, and what is shorter than a year isn't annualized
//! (NUMBERS.md, sections 3 and 5).

use super::needs_benchmark;
use crate::{
    analytics::{risk::FEWEST_ON_SCREEN, series::Measurement},
    domain::{Figure, Undefined},
};

/// The exchange's years have 248 sessions and more; a shorter period isn't annualized (GIPS).
const SHORTEST_YEAR: usize = 248;

/// Measures that count, link or look for the deepest point: two returns are enough for them.
const NEED_FEW: &[&str] = &[
    "cumulative_return",
    "annualized_return",
    "annualized_mean_return",
    "upside_frequency",
    "downside_frequency",
    "max_drawdown",
    "average_drawdown",
    "ulcer_index",
    "pain_index",
    "active_premium",
    "up_capture",
    "down_capture",
    "up_number",
    "down_number",
    "up_percent",
    "down_percent",
];

/// A year's return is in them.
const ANNUAL: &[&str] = &[
    "annualized_return",
    "annualized_mean_return",
    "sharpe_ratio_geometric",
    "calmar_ratio",
    "sterling_ratio",
    "burke_ratio",
    "modified_burke_ratio",
    "martin_ratio",
    "pain_ratio",
    "annualized_alpha",
    "jensen_alpha",
    "active_premium",
    "information_ratio",
    "appraisal_ratio",
    "treynor_ratio",
    "modified_treynor_ratio",
    "m_squared",
    "m_squared_excess",
    "selectivity",
    "net_selectivity",
];

/// Of these it is the mean of single periods, made a year's.
const BY_MEAN: &[&str] = &["annualized_mean_return", "annualized_alpha"];

/// They tell of the whole course, without a year's return.
const OF_THE_COURSE: &[&str] = &["cumulative_return", "max_drawdown", "average_drawdown", "ulcer_index", "pain_index"];

/// Are the portfolio's returns chained in it, so that a return that isn't known leaves it unknown? The others describe single periods: those
/// that are known are enough.
pub fn is_chained(key: &str) -> bool {
    OF_THE_COURSE.contains(&key) || ANNUAL.contains(&key) && !BY_MEAN.contains(&key)
}

/// A measure as a page shows it. `sessions`: of the range, those without a return included.
///
/// # Errors
/// Why it isn't shown.
pub fn on_screen(found: &Measurement, key: &str, sessions: usize) -> Figure<f64> {
    if !NEED_FEW.contains(&key) {
        let (count, of) = match found.with_benchmark.filter(|_| needs_benchmark(key)) {
            Some(common) => (common, "periods that portfolio and benchmark both have"),
            None => (found.observations, "returns"),
        };
        if count < FEWEST_ON_SCREEN {
            return Err(Undefined::because(format!("needs {FEWEST_ON_SCREEN} {of}, has {count}")));
        }
    }
    if ANNUAL.contains(&key) && sessions < SHORTEST_YEAR {
        return Err(Undefined::because(format!("shorter than a year: needs {SHORTEST_YEAR} sessions, has {sessions}")));
    }
    super::find(&found.measures, key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::{metrics::KEYS, metrics::Terms, series::Series};
    use chrono::NaiveDate;

    fn found(count: usize) -> Measurement {
        let series = Series {
            days: NaiveDate::from_ymd_opt(2024, 1, 1).unwrap().iter_days().take(count).collect(),
            returns: (0..count).map(|at| [0.01, -0.02, 0.015][at % 3]).collect(),
            risk_free: vec![Some(1e-4); count],
            benchmark: Some((0..count).map(|at| Some([0.02, -0.01, 0.005, -0.003][at % 4])).collect()),
        };
        series.measured(Terms::default(), 0..count)
    }

    #[test]
    fn every_key_that_is_named_is_one() {
        assert!(NEED_FEW.iter().chain(ANNUAL).chain(BY_MEAN).chain(OF_THE_COURSE).all(|key| KEYS.contains(key)));
    }

    #[test]
    fn a_short_range_shows_what_it_can() {
        let days = found(5);
        assert!(on_screen(&days, "cumulative_return", 5).is_ok() && on_screen(&days, "max_drawdown", 5).is_ok());
        assert_eq!(on_screen(&days, "volatility", 5).unwrap_err().0, "needs 20 returns, has 5");
        assert_eq!(on_screen(&days, "beta", 5).unwrap_err().0, "needs 20 periods that portfolio and benchmark both have, has 5");
        let month = found(30);
        assert!(on_screen(&month, "sharpe_ratio", 30).is_ok());
        assert_eq!(on_screen(&month, "calmar_ratio", 30).unwrap_err().0, "shorter than a year: needs 248 sessions, has 30");
        assert!(KEYS.iter().all(|key| on_screen(&found(250), key, 250).is_ok()));
        assert!(on_screen(&month, "no such", 30).is_err());
    }
}
