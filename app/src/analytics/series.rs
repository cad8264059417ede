//! A dated series of returns and everything that is said of it: measures, falls, rolling windows. The command line, the API and the
//! pages show what is found here.

use super::{
    benchmark::{Aligned, align},
    metrics::{Fall, Input, KEYS, Measured, Terms, catalogue, falls, measure, needs_benchmark},
};
use crate::domain::{Figure, Undefined};
use chrono::NaiveDate;
use std::ops::Range;

/// The windows that pages offer, in sessions: a month, a quarter, half a year, a year.
pub const WINDOWS: [usize; 4] = [21, 63, 126, 252];

/// Returns of periods, fractions, oldest first; all columns are as long as `returns`.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    pub days: Vec<NaiveDate>,
    pub returns: Vec<f64>,
    /// Of the same periods; `None` where it isn't known.
    pub risk_free: Vec<Option<f64>>,
    /// `None`: there is no benchmark at all.
    pub benchmark: Option<Vec<Option<f64>>>,
}

/// The catalogue of a stretch, and on how many periods it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurement {
    pub measures: Vec<Measured>,
    pub observations: usize,
    /// Periods that have a benchmark and a risk-free rate too; `None` without a benchmark.
    pub with_benchmark: Option<usize>,
    pub without_risk_free: usize,
}

/// A fall with its days; a peak before the first return has none.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct DatedFall {
    pub fall: Fall,
    pub peak: Option<NaiveDate>,
    pub trough: Option<NaiveDate>,
    /// `None` while the peak isn't reached again.
    pub recovery: Option<NaiveDate>,
}

/// A column a measure, `None` where it is undefined.
pub type Columns = Vec<(&'static str, Vec<Option<f64>>)>;

/// The parts of a stretch that have what a measure needs.
struct Parts {
    /// As long as the stretch, or empty where a rate is missing.
    risk_free: Vec<f64>,
    with_rate: Aligned,
    aligned: Option<Aligned>,
}

impl Series {
    /// The catalogue of a stretch of the periods.
    pub fn measured(&self, terms: Terms, of: Range<usize>) -> Measurement {
        let parts = self.parts(of.clone());
        let returns = &self.returns[of];
        let mut measures = catalogue(&parts.input(returns, terms));
        for (key, figure) in &mut measures {
            if let Some(better) = parts.without_a_rate(key, returns.len(), terms) {
                *figure = better;
            }
        }
        Measurement {
            measures,
            observations: returns.len(),
            with_benchmark: parts.aligned.as_ref().map(|aligned| aligned.returns.len()),
            without_risk_free: parts.with_rate.left_out,
        }
    }

    /// One measure of a stretch: as [`Self::measured`], without the work of the others.
    ///
    /// # Errors
    /// Why it has no value.
    pub fn measure(&self, key: &str, terms: Terms, of: Range<usize>) -> Figure<f64> {
        let parts = self.parts(of.clone());
        let returns = &self.returns[of];
        parts.without_a_rate(key, returns.len(), terms).unwrap_or_else(|| measure(&parts.input(returns, terms), key))
    }

    fn parts(&self, of: Range<usize>) -> Parts {
        let (returns, rates) = (&self.returns[of.clone()], &self.risk_free[of.clone()]);
        let aligned = self.benchmark.as_ref().map(|benchmark| {
            let rows = returns.iter().zip(&benchmark[of]).zip(rates);
            align(rows.map(|((r, b), f)| (Some(*r), *b, *f)))
        });
        let risk_free: Vec<f64> = rates.iter().map_while(|rate| *rate).collect();
        if risk_free.len() == returns.len() {
            return Parts { risk_free, with_rate: Aligned::default(), aligned };
        }
        let with_rate = align(returns.iter().zip(rates).map(|(r, f)| (Some(*r), Some(0.0), *f)));
        Parts { risk_free: Vec::new(), with_rate, aligned }
    }

    /// One measure over every window of this many periods, by the window's last day. Each window is measured anew: the numbers are
    /// those that the window alone has, to the last bit, which running sums would miss, and 2,520 windows of 252 take milliseconds.
    pub fn rolling(&self, key: &str, terms: Terms, window: usize) -> Vec<(NaiveDate, Figure<f64>)> {
        self.windows(window).map(|of| (self.days[of.end - 1], self.measure(key, terms, of))).collect()
    }

    /// Every measure over every window: the windows' last days, and a column a measure with nothing where it is undefined.
    pub fn rolling_all(&self, terms: Terms, window: usize) -> (Vec<NaiveDate>, Columns) {
        let mut columns: Columns = KEYS.iter().map(|key| (*key, Vec::new())).collect();
        let mut days = Vec::new();
        for of in self.windows(window) {
            days.push(self.days[of.end - 1]);
            for ((_, column), (_, figure)) in columns.iter_mut().zip(self.measured(terms, of).measures) {
                column.push(figure.ok());
            }
        }
        (days, columns)
    }

    fn windows(&self, window: usize) -> impl Iterator<Item = Range<usize>> {
        let window = window.max(1);
        (window..=self.returns.len()).map(move |end| end - window..end)
    }

    /// All falls from a peak, the deepest first.
    pub fn falls(&self) -> Vec<DatedFall> {
        let day = |index: Option<usize>| index.and_then(|index| self.days.get(index).copied());
        let dated = |fall: Fall| DatedFall { fall, peak: day(fall.peak), trough: day(fall.trough), recovery: day(fall.recovery) };
        let mut all: Vec<DatedFall> = falls(&self.returns).into_iter().map(dated).collect();
        all.sort_by(|a, b| a.fall.depth.total_cmp(&b.fall.depth));
        all
    }
}

impl Parts {
    fn input<'a>(&'a self, returns: &'a [f64], terms: Terms) -> Input<'a> {
        Input { returns, risk_free: &self.risk_free, aligned: self.aligned.as_ref(), terms }
    }

    /// What a measure that needs the risk-free rate says where some periods have none: Sharpe's ratios leave those out.
    fn without_a_rate(&self, key: &str, observations: usize, terms: Terms) -> Option<Figure<f64>> {
        let (known, fewest) = (self.with_rate.returns.len(), terms.fewest());
        if self.with_rate.left_out == 0 || observations < fewest {
            return None;
        }
        let is_sharpe = matches!(key, "sharpe_ratio" | "sharpe_ratio_geometric");
        if known < fewest && (is_sharpe || (self.aligned.is_some() && needs_benchmark(key))) {
            return Some(Err(Undefined::because("the risk-free rate of these sessions isn't known")));
        }
        let Aligned { returns, risk_free, .. } = &self.with_rate;
        is_sharpe.then(|| measure(&Input { returns, risk_free, aligned: None, terms }, key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::analytics::metrics::find;
    use proptest::prelude::*;

    fn series(rows: &[(f64, Option<f64>, Option<f64>)]) -> Series {
        let first = NaiveDate::from_ymd_opt(2024, 1, 1).unwrap();
        Series {
            days: first.iter_days().take(rows.len()).collect(),
            returns: rows.iter().map(|row| row.0).collect(),
            risk_free: rows.iter().map(|row| row.1).collect(),
            benchmark: Some(rows.iter().map(|row| row.2).collect()),
        }
    }

    #[test]
    fn a_missing_rate_costs_only_what_needs_it() {
        let rows = [(0.01, Some(0.001), Some(0.02)), (0.5, None, Some(0.1)), (0.02, Some(0.001), Some(0.01)), (-0.01, Some(0.0), None)];
        let all = series(&rows);
        let found = all.measured(Terms::default(), 0..4);
        assert_eq!((found.observations, found.with_benchmark, found.without_risk_free), (4, Some(2), 1));
        let value = |key: &str| find(&found.measures, key);
        assert!((value("cumulative_return").unwrap() - (1.01 * 1.5 * 1.02 * 0.99 - 1.0)).abs() < 1e-15);
        let without = series(&[rows[0], rows[2], rows[3]]).measured(Terms::default(), 0..3);
        assert_eq!(value("sharpe_ratio"), find(&without.measures, "sharpe_ratio"));
        assert!(value("beta").is_ok());
        let none = series(&rows.map(|row| (row.0, None, row.2))).measured(Terms::default(), 0..4);
        for key in ["sharpe_ratio", "beta", "down_percent"] {
            assert_eq!(find(&none.measures, key).unwrap_err().0, "the risk-free rate of these sessions isn't known");
        }
        assert!(find(&none.measures, "volatility").is_ok());
    }

    #[test]
    fn falls_are_dated_and_the_deepest_comes_first() {
        let all = series(&[(-0.1, None, None), (0.2, None, None), (-0.5, None, None)]);
        let found = all.falls();
        assert_eq!(found.iter().map(|fall| fall.fall.depth).collect::<Vec<_>>(), [-0.5, -0.1]);
        assert_eq!((found[0].peak, found[0].trough, found[0].recovery), (Some(all.days[1]), Some(all.days[2]), None));
        assert_eq!((found[1].peak, found[1].recovery), (None, Some(all.days[1])));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(24))]

        /// A window's numbers are those of a series that holds nothing else, and one measure is what the whole catalogue says.
        #[test]
        fn a_window_is_a_series(
            rows in prop::collection::vec((-0.2_f64..0.2, prop::option::weighted(0.9, 0.0_f64..0.001), prop::option::weighted(0.9, -0.2_f64..0.2)), 0..40),
            window in 2_usize..12,
        ) {
            let all = series(&rows);
            let (days, columns) = all.rolling_all(Terms::default(), window);
            prop_assert_eq!(days.len(), (rows.len() + 1).saturating_sub(window));
            for (key, column) in columns {
                let single = all.rolling(key, Terms::default(), window);
                for (at, (day, figure)) in single.into_iter().enumerate() {
                    let alone = series(&rows[at..at + window]).measured(Terms::default(), 0..window);
                    prop_assert_eq!(day, days[at]);
                    prop_assert_eq!(&figure, &find(&alone.measures, key), "{}", key);
                    prop_assert_eq!(figure.ok().map(f64::to_bits), column[at].map(f64::to_bits), "{}", key);
                }
            }
        }
    }
}
