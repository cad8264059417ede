//! A portfolio beside its benchmark: the sessions on which both have a return.

use super::returns::cumulative_return;
use crate::domain::Figure;

/// Returns of portfolio, benchmark and risk-free rate of the same periods, one as long as the other.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Aligned {
    pub returns: Vec<f64>,
    pub benchmark: Vec<f64>,
    pub risk_free: Vec<f64>,
    /// Periods left out because one of the three is missing.
    pub left_out: usize,
}

/// Keeps the periods that have all three.
pub fn align(periods: impl IntoIterator<Item = (Option<f64>, Option<f64>, Option<f64>)>) -> Aligned {
    let mut aligned = Aligned::default();
    for period in periods {
        if let (Some(r), Some(b), Some(f)) = period {
            aligned.returns.push(r);
            aligned.benchmark.push(b);
            aligned.risk_free.push(f);
        } else {
            aligned.left_out += 1;
        }
    }
    aligned
}

/// The portfolio's TWR − the benchmark's, over the sessions that have both.
///
/// # Errors
/// Without a common session.
pub fn excess_return(sessions: impl IntoIterator<Item = (Option<f64>, Option<f64>)>) -> Figure<f64> {
    let common = align(sessions.into_iter().map(|(r, b)| (r, b, Some(0.0))));
    let portfolio = cumulative_return(common.returns.into_iter().map(Some))?;
    let benchmark = cumulative_return(common.benchmark.into_iter().map(Some))?;
    Ok(portfolio.cumulative - benchmark.cumulative)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compares_common_sessions_only() {
        let sessions = [(Some(0.1), Some(0.05)), (None, Some(0.5)), (Some(0.5), None), (Some(0.1), Some(0.05))];
        let excess = excess_return(sessions).unwrap();
        assert!((excess - (0.21 - 0.1025)).abs() < 1e-15);
        assert!(excess_return([(Some(0.1), None)]).is_err());
        assert_eq!(align(sessions.map(|(r, b)| (r, b, Some(0.0)))).left_out, 2);
    }
}
