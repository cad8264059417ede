//! Where a portfolio's excess over its benchmark comes from: Brinson and Fachler (1985) by segment, linked over periods by Carino (1999).

use crate::domain::{Figure, Undefined};
use std::collections::BTreeMap;

/// Weights of one period may miss 1 by a vendor's rounding.
const ROUNDING: f64 = 1e-6;

/// A segment in one period: its weights at the period's start and its returns, fractions.
#[derive(Debug, Clone, PartialEq)]
pub struct Segment {
    pub segment: String,
    pub portfolio_weight: f64,
    pub benchmark_weight: f64,
    pub portfolio_return: f64,
    pub benchmark_return: f64,
}

/// The parts of an excess return, fractions.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Effects {
    /// (w − W) · (b_i − b): more in what did better than the benchmark as a whole.
    pub allocation: f64,
    /// W · (r_i − b_i): better within the segment.
    pub selection: f64,
    /// (w − W) · (r_i − b_i): both at once.
    pub interaction: f64,
}

impl Effects {
    pub fn total(&self) -> f64 {
        self.allocation + self.selection + self.interaction
    }

    fn add(&mut self, other: &Self, factor: f64) {
        self.allocation += other.allocation * factor;
        self.selection += other.selection * factor;
        self.interaction += other.interaction * factor;
    }
}

/// One period, or all of them linked.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Attributed {
    /// Σ w · r, linked: Π(1 + r) − 1.
    pub portfolio_return: f64,
    pub benchmark_return: f64,
    pub segments: BTreeMap<String, Effects>,
    pub totals: Effects,
}

impl Attributed {
    pub fn excess_return(&self) -> f64 {
        self.portfolio_return - self.benchmark_return
    }

    /// Itself, where all of it are numbers.
    fn measurable(self) -> Figure<Self> {
        let all = self.segments.values().chain([&self.totals]).flat_map(|of| [of.allocation, of.selection, of.interaction, of.total()]);
        let is_finite = all.chain([self.excess_return(), self.residual()]).all(f64::is_finite);
        if is_finite { Ok(self) } else { Err(Undefined::because("the returns are too large to be measured")) }
    }

    /// What the effects leave unexplained: rounding, if anything.
    pub fn residual(&self) -> f64 {
        self.excess_return() - self.totals.total()
    }
}

/// One period.
///
/// # Errors
/// Without segments, with a segment twice, or when weights don't add up to 1.
pub fn attribute(segments: &[Segment]) -> Figure<Attributed> {
    if segments.is_empty() {
        return Err(Undefined::because("there are no segments"));
    }
    let sum = |of: fn(&Segment) -> f64| super::sums::sum(segments.iter().map(of));
    for (whose, weights) in [("portfolio", sum(|s| s.portfolio_weight)), ("benchmark", sum(|s| s.benchmark_weight))] {
        if (weights - 1.0).abs() > ROUNDING {
            return Err(Undefined::because(format!("the {whose}'s weights add up to {weights}, not to 1")));
        }
    }
    let mut attributed = Attributed {
        portfolio_return: sum(|s| s.portfolio_weight * s.portfolio_return),
        benchmark_return: sum(|s| s.benchmark_weight * s.benchmark_return),
        ..Attributed::default()
    };
    for of in segments {
        let (more, better) = (of.portfolio_weight - of.benchmark_weight, of.portfolio_return - of.benchmark_return);
        let effects = Effects {
            allocation: more * (of.benchmark_return - attributed.benchmark_return),
            selection: of.benchmark_weight * better,
            interaction: more * better,
        };
        attributed.totals.add(&effects, 1.0);
        if attributed.segments.insert(of.segment.clone(), effects).is_some() {
            return Err(Undefined::because(format!("the segment {} is there twice", of.segment)));
        }
    }
    attributed.measurable()
}

/// Periods linked so that their effects add up to the whole excess return: each counts by k_t / k, k = (ln(1+R) − ln(1+B)) / (R − B).
///
/// # Errors
/// Without periods, or when everything was lost in one.
pub fn link(periods: &[Attributed]) -> Figure<Attributed> {
    if periods.is_empty() {
        return Err(Undefined::because("there are no periods"));
    }
    let linked = |of: fn(&Attributed) -> f64| periods.iter().fold(0.0, |growth, period| growth + of(period) + growth * of(period));
    let mut whole = Attributed {
        portfolio_return: linked(|period| period.portfolio_return),
        benchmark_return: linked(|period| period.benchmark_return),
        ..Attributed::default()
    };
    let all = coefficient(whole.portfolio_return, whole.benchmark_return)?;
    for period in periods {
        let factor = coefficient(period.portfolio_return, period.benchmark_return)? / all;
        whole.totals.add(&period.totals, factor);
        for (segment, effects) in &period.segments {
            whole.segments.entry(segment.clone()).or_default().add(effects, factor);
        }
    }
    whole.measurable()
}

/// Carino's k; where both returns are the same, the limit 1 / (1 + R).
fn coefficient(portfolio: f64, benchmark: f64) -> Figure<f64> {
    if portfolio <= -1.0 || benchmark <= -1.0 {
        return Err(Undefined::because("everything was lost in a period: its logarithm doesn't exist, so periods can't be linked"));
    }
    // ln((1+R)/(1+B)) / (R − B), by log1p of the small quotient: near equality the difference of two logarithms loses its digits.
    let apart = (portfolio - benchmark) / (1.0 + benchmark);
    Ok(if apart == 0.0 { 1.0 / (1.0 + portfolio) } else { libm::log1p(apart) / (portfolio - benchmark) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn segment(name: &str, numbers: [f64; 4]) -> Segment {
        let [portfolio_weight, benchmark_weight, portfolio_return, benchmark_return] = numbers;
        Segment { segment: name.into(), portfolio_weight, benchmark_weight, portfolio_return, benchmark_return }
    }

    /// Bacon's example: UK, Japanese and US equities.
    fn bacon() -> Attributed {
        let rows = [segment("UK", [0.4, 0.4, 0.2, 0.1]), segment("Japan", [0.3, 0.2, -0.05, -0.04]), segment("US", [0.3, 0.4, 0.06, 0.08])];
        attribute(&rows).unwrap()
    }

    #[test]
    fn the_example_of_bacon() {
        let found = bacon();
        let near = |a: f64, b: f64| assert!((a - b).abs() < 1e-15, "{a} is not {b}");
        near(found.portfolio_return, 0.083);
        near(found.benchmark_return, 0.064);
        near(found.segments["Japan"].allocation, -0.0104);
        near(found.segments["UK"].selection, 0.04);
        near(found.segments["US"].interaction, 0.002);
        near(found.residual(), 0.0);
    }

    #[test]
    fn what_cannot_be_attributed_says_why() {
        assert!(attribute(&[]).is_err() && link(&[]).is_err());
        let off = attribute(&[segment("a", [0.5, 1.0, 0.0, 0.0])]).unwrap_err().0;
        assert_eq!(off, "the portfolio's weights add up to 0.5, not to 1");
        let twice = [segment("a", [0.5, 0.5, 0.0, 0.0]), segment("a", [0.5, 0.5, 0.0, 0.0])];
        assert!(attribute(&twice).unwrap_err().0.contains("twice"));
        let huge = [segment("a", [0.5, 0.5, 1e308, 0.0]), segment("b", [0.5, 0.5, 1e308, 0.0])];
        let linked = attribute(&huge).and_then(|one| link(&[one.clone(), one])).unwrap_err().0;
        assert_eq!(linked, "the returns are too large to be measured");
        let lost = attribute(&[segment("a", [1.0, 1.0, -1.0, 0.1])]).unwrap();
        assert!(link(&[bacon(), lost]).unwrap_err().0.contains("everything was lost"));
    }

    proptest! {
        /// Effects add up to the excess return, in each period and linked over all.
        #[test]
        fn nothing_is_left_over(periods in prop::collection::vec(prop::collection::vec((0.01_f64..1.0, 0.01_f64..1.0, -0.3_f64..0.3, -0.3_f64..0.3), 1..6), 1..12)) {
            let attributed: Vec<Attributed> = periods.iter().map(|rows| {
                let (own, market) = rows.iter().fold((0.0, 0.0), |(own, market), row| (own + row.0, market + row.1));
                let rows: Vec<Segment> = rows.iter().enumerate()
                    .map(|(n, row)| segment(&n.to_string(), [row.0 / own, row.1 / market, row.2, row.3])).collect();
                attribute(&rows).unwrap()
            }).collect();
            let whole = link(&attributed).unwrap();
            for part in attributed.iter().chain([&whole]) {
                prop_assert!(part.residual().abs() < 1e-12 * (1.0 + part.excess_return().abs()), "{}", part.residual());
            }
        }
    }
}
