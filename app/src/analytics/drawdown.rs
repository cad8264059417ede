//! How far a wealth index falls below its peak, and how long it stays there.

use super::returns::link;
use crate::domain::{Figure, Undefined};

/// Falls from a peak; each position is an index of returns: `None` is the start, before the first.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Drawdown {
    /// ≤ 0, a fraction of the peak.
    pub depth: f64,
    /// The last at the height.
    pub peak: Option<usize>,
    pub trough: Option<usize>,
    /// The first return after which the peak is reached again; `None` while it isn't.
    pub recovery: Option<usize>,
}

impl Drawdown {
    /// Periods from the peak to the trough.
    pub fn periods_down(&self) -> usize {
        at(self.trough) - at(self.peak)
    }

    /// Periods from the trough to the recovery.
    pub fn periods_to_recovery(&self) -> Option<usize> {
        self.recovery.map(|recovery| recovery + 1 - at(self.trough))
    }
}

/// Periods that have passed after the return at an index.
fn at(index: Option<usize>) -> usize {
    index.map_or(0, |index| index + 1)
}

/// A wealth index on its way, and how far it is below its peak.
#[derive(Debug, Clone, Copy)]
pub(super) struct Descent {
    wealth: f64,
    peak: f64,
    depth: f64,
}

impl Default for Descent {
    fn default() -> Self {
        Self { wealth: 1.0, peak: 1.0, depth: 0.0 }
    }
}

impl Descent {
    /// D_t after the next return; 0 at a peak. The depth is linked like a return, so that small falls keep their digits; whether a peak is
    /// reached again the index itself says.
    pub fn step(&mut self, r: f64) -> f64 {
        self.wealth *= 1.0 + r;
        let linked = link(self.depth, r);
        self.depth = if self.wealth >= self.peak {
            self.peak = self.wealth;
            0.0
        } else if self.wealth == 0.0 {
            -1.0
        } else if linked < 0.0 {
            linked
        } else {
            self.wealth / self.peak - 1.0
        };
        self.depth
    }
}

/// D_t = W_t / max(W_0..W_t) − 1 after each return, with W_0 = 1.
pub fn drawdowns(returns: &[f64]) -> Vec<f64> {
    let mut descent = Descent::default();
    returns.iter().map(|r| descent.step(*r)).collect()
}

/// `max_drawdown`: the deepest fall, the first of several equally deep.
///
/// # Errors
/// Without a single return.
pub fn max_drawdown(returns: &[f64]) -> Figure<Drawdown> {
    if returns.is_empty() {
        return Err(Undefined::because("needs 1 return, has 0"));
    }
    let depths = drawdowns(returns);
    let mut deepest = Drawdown { depth: 0.0, peak: None, trough: None, recovery: None };
    let mut peak = None;
    for (index, &depth) in depths.iter().enumerate() {
        if depth >= 0.0 {
            peak = Some(index);
        } else if depth < deepest.depth {
            deepest = Drawdown { depth, peak, trough: Some(index), recovery: None };
        }
    }
    if let Some(trough) = deepest.trough {
        deepest.recovery = depths.iter().enumerate().skip(trough).find(|(_, depth)| **depth >= 0.0).map(|(index, _)| index);
    }
    Ok(deepest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fall_and_a_recovery() {
        let found = max_drawdown(&[0.1, -0.2, -0.5, 1.0, 0.5, -0.1]).unwrap();
        assert!((found.depth + 0.6).abs() < 1e-15);
        assert_eq!((found.peak, found.trough, found.recovery), (Some(0), Some(2), Some(4)));
        assert_eq!((found.periods_down(), found.periods_to_recovery()), (2, Some(2)));
    }

    #[test]
    fn a_fall_from_the_start_counts() {
        let found = max_drawdown(&[-0.1, 0.05]).unwrap();
        assert_eq!((found.peak, found.trough, found.recovery), (None, Some(0), None));
        assert_eq!((found.periods_down(), found.periods_to_recovery()), (1, None));
    }

    #[test]
    fn what_never_falls_has_none() {
        assert_eq!(max_drawdown(&[0.0, 0.1]).unwrap(), Drawdown { depth: 0.0, peak: None, trough: None, recovery: None });
        assert!(max_drawdown(&[]).is_err());
    }
}
