//! Time-weighted returns: linked, annualized, by month.

use crate::domain::{Figure, Undefined};
use chrono::{Datelike, NaiveDate};

/// Sessions in a year, for annualizing daily returns.
pub const SESSIONS_A_YEAR: f64 = 252.0;

/// A linked return, and how many days were left out because theirs is undefined.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Linked {
    pub cumulative: f64,
    /// Returns in the product.
    pub returns: usize,
    /// Days without capital at work, or without a value.
    pub undefined: usize,
}

/// (1 + so far) · (1 + r) − 1, kept as Π − 1, which doesn't lose the small returns' last digits to the 1.
pub fn link(so_far: f64, r: f64) -> f64 {
    so_far + r + so_far * r
}

/// `cumulative_return`: Π(1 + r) − 1 over the days that have a return.
///
/// # Errors
/// Without a single return.
pub fn cumulative_return(returns: impl IntoIterator<Item = Option<f64>>) -> Figure<Linked> {
    let mut linked = Linked { cumulative: 0.0, returns: 0, undefined: 0 };
    for daily in returns {
        match daily {
            Some(r) => (linked.cumulative, linked.returns) = (link(linked.cumulative, r), linked.returns + 1),
            None => linked.undefined += 1,
        }
    }
    if linked.returns == 0 { Err(Undefined::because("needs 1 return, has 0")) } else { Ok(linked) }
}

/// `annualized_return`: (1 + R)^(P/n) − 1.
///
/// # Errors
/// Without returns, or after a loss of everything and more.
pub fn annualized_return(cumulative: f64, returns: usize, periods_a_year: f64) -> Figure<f64> {
    if returns == 0 {
        return Err(Undefined::because("needs 1 return, has 0"));
    }
    if cumulative < -1.0 {
        return Err(Undefined::because(LOST_MORE));
    }
    Ok(libm::expm1(libm::log1p(cumulative) * periods_a_year / returns as f64))
}

const LOST_MORE: &str = "lost more than everything: no yearly rate leads there";

/// Losses of more than everything: two of them make a gain of the product, so that it doesn't show them.
///
/// # Errors
/// With such a loss.
pub fn bearable(returns: impl IntoIterator<Item = f64>) -> Figure<()> {
    if returns.into_iter().any(|r| r < -1.0) { Err(Undefined::because(LOST_MORE)) } else { Ok(()) }
}

/// The whole return of `returns`, annualized.
///
/// # Errors
/// See [`annualized_return`] and [`bearable`].
pub fn annualized(returns: &[f64], periods_a_year: f64) -> Figure<f64> {
    bearable(returns.iter().copied())?;
    let linked = cumulative_return(returns.iter().copied().map(Some))?;
    annualized_return(linked.cumulative, linked.returns, periods_a_year)
}

/// The return of one period of which `periods_a_year` make a year at the annual rate: (1 + y)^(1/P) − 1.
pub fn per_period(annual_rate: f64, periods_a_year: f64) -> f64 {
    libm::expm1(libm::log1p(annual_rate) / periods_a_year)
}

/// Linked returns by calendar month, oldest first; months without a return are left out.
pub fn by_month(returns: impl IntoIterator<Item = (NaiveDate, Option<f64>)>) -> Vec<(i32, u32, f64)> {
    let mut months: Vec<(i32, u32, f64)> = Vec::new();
    for (day, daily) in returns {
        let Some(r) = daily else { continue };
        match months.last_mut().filter(|(year, month, _)| (*year, *month) == (day.year(), day.month())) {
            Some((.., linked)) => *linked = link(*linked, r),
            None => months.push((day.year(), day.month(), r)),
        }
    }
    months
}

/// Linked months of each calendar year, oldest first.
pub fn by_year(months: &[(i32, u32, f64)]) -> Vec<(i32, f64)> {
    let mut years: Vec<(i32, f64)> = Vec::new();
    for (year, _, r) in months {
        match years.last_mut().filter(|(last, _)| last == year) {
            Some((_, linked)) => *linked = link(*linked, *r),
            None => years.push((*year, *r)),
        }
    }
    years
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_what_is_defined_and_counts_the_rest() {
        let linked = cumulative_return([Some(0.1), None, Some(-0.1)]).unwrap();
        assert!((linked.cumulative + 0.01).abs() < 1e-15);
        assert_eq!((linked.returns, linked.undefined), (2, 1));
        assert_eq!(cumulative_return([None]).unwrap_err().0, "needs 1 return, has 0");
    }

    #[test]
    fn a_loss_of_everything_stays_one() {
        assert_eq!(cumulative_return([Some(-1.0), Some(0.5)]).unwrap().cumulative, -1.0);
        assert_eq!(annualized_return(-1.0, 2, 252.0).unwrap(), -1.0);
        assert!(annualized_return(-1.2, 2, 252.0).is_err());
        assert!(annualized(&[-1.5, -1.5], 252.0).is_err(), "0.25 of nobody's money");
    }

    #[test]
    fn two_years_of_21_percent_are_10_a_year() {
        assert!((annualized_return(0.21, 24, 12.0).unwrap() - 0.1).abs() < 1e-14);
        assert!((per_period(0.1, 12.0) - 0.007974140428903764).abs() < 1e-16);
    }

    #[test]
    fn months_link_their_days() {
        let day = |month, day| NaiveDate::from_ymd_opt(2024, month, day).unwrap();
        let months = by_month([(day(1, 30), Some(0.1)), (day(1, 31), Some(0.1)), (day(2, 1), None), (day(3, 1), Some(0.2))]);
        assert_eq!(months.len(), 2);
        assert!((months[0].2 - 0.21).abs() < 1e-15 && months[1].1 == 3);
        let years = by_year(&[(2023, 12, 0.5), (2024, 1, 0.1), (2024, 3, 0.1)]);
        assert!(years[0] == (2023, 0.5) && years[1].0 == 2024 && (years[1].1 - 0.21).abs() < 1e-15);
    }
}
