//! Money-weighted returns: XIRR with all its roots, and Modified Dietz.
//!
//! In x = ln(1 + r) the equation of value is Σ a·e^(−t·x) = 0. Its positive and its negative terms are each monotone in x, so
//! their values at the ends of an interval bound the sum within it: an interval is free of roots, or monotone with at most
//! one, or halved. That finds every root or proves that there is none, where Newton's method finds one of them at best.

use super::sums::sum;
use crate::domain::{Figure, Money, Undefined};
use chrono::NaiveDate;

/// Days in a year of XIRR, as in Excel.
const DAYS_A_YEAR: f64 = 365.0;
/// Beyond it the yearly factor e^x is no longer a number.
const LARGEST_EXPONENT: f64 = 700.0;
/// An interval of x this narrow that still can't be decided holds a root that only touches zero.
const NARROWEST: f64 = 1e-10;
/// Roots nearer than this are one: found from both sides, or one that touches zero and scatters by rounding.
const SAME: f64 = 1e-6;
/// More intervals than any portfolio has needed by far.
const MOST_INTERVALS: usize = 200_000;

/// A payment with the investor's sign: what was put in is negative, what came out is positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Payment {
    pub on: NaiveDate,
    pub amount: f64,
}

/// The money-weighted return of a series of payments.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct MoneyWeighted {
    /// The annual effective rate; `None` when it is too large for a number (a gain within days).
    pub annual: Option<f64>,
    /// The same rate over the days from the first payment to the last.
    pub of_period: f64,
    pub days: i64,
}

/// XIRR: the annual effective rate r in (−1, ∞) with Σ a_i / (1 + r)^((d_i − d_0)/365) = 0.
///
/// # Errors
/// No root or several: the reason, with the roots.
pub fn money_weighted(payments: &[Payment]) -> Figure<MoneyWeighted> {
    let Exponents { all, years, days } = exponents(payments)?;
    match all[..] {
        [] => Err(Undefined::because("no root: no rate makes what came out worth what was put in")),
        [x] => Ok(MoneyWeighted { annual: Some(libm::expm1(x)).filter(|rate| rate.is_finite()), of_period: libm::expm1(x * years), days }),
        _ => {
            // Adding zero makes of −0 a 0.
            let percent = |x: &f64| (libm::expm1(*x) * 1e4).round() / 100.0 + 0.0;
            let found: Vec<String> = all.iter().map(|x| format!("{:.2} %", percent(x))).collect();
            Err(Undefined::because(format!("several roots: {}", found.join(", "))))
        }
    }
}

/// Every annual rate in (−1, ∞) that solves the equation of [`money_weighted`], ascending; none is a proof that there is none.
///
/// # Errors
/// Without payments on two days.
pub fn roots(payments: &[Payment]) -> Figure<Vec<f64>> {
    Ok(exponents(payments)?.all.into_iter().map(libm::expm1).collect())
}

/// The roots as x = ln(1 + r), ascending.
struct Exponents {
    all: Vec<f64>,
    years: f64,
    days: i64,
}

fn exponents(payments: &[Payment]) -> Figure<Exponents> {
    let by_day = merged(payments);
    let (Some(first), Some(last)) = (by_day.first(), by_day.last()) else {
        return Err(Undefined::because("no root: there are no payments"));
    };
    let days = (last.on - first.on).num_days();
    if days == 0 {
        return Err(Undefined::because("needs payments on two days or more"));
    }
    let years = days as f64 / DAYS_A_YEAR;
    let terms: Vec<Term> = by_day
        .iter()
        .map(|payment| Term { after: (payment.on - first.on).num_days() as f64 / DAYS_A_YEAR, amount: payment.amount })
        .collect();
    // Going down, terms are counted from the last payment, which keeps every exponent negative.
    let downwards: Vec<Term> = terms.iter().rev().map(|term| Term { after: years - term.after, ..*term }).collect();
    let mut all: Vec<f64> = positive_roots(&downwards)?.into_iter().map(|x| -x).collect();
    all.extend(positive_roots(&terms)?);
    all.sort_by(f64::total_cmp);
    all.dedup_by(|a, b| (*a - *b).abs() < SAME);
    Ok(Exponents { all, years, days })
}

#[derive(Debug, Clone, Copy)]
struct Term {
    /// Years, ≥ 0, ascending.
    after: f64,
    amount: f64,
}

/// One payment a day, none of zero, by day.
fn merged(payments: &[Payment]) -> Vec<Payment> {
    let mut sorted = payments.to_vec();
    sorted.sort_by_key(|payment| payment.on);
    let mut by_day: Vec<Payment> = Vec::with_capacity(sorted.len());
    for payment in sorted {
        match by_day.last_mut().filter(|last| last.on == payment.on) {
            Some(last) => last.amount += payment.amount,
            None => by_day.push(payment),
        }
    }
    by_day.retain(|payment| payment.amount != 0.0);
    by_day
}

/// All x ≥ 0 with Σ amount·e^(−after·x) = 0, where the first term has after = 0.
fn positive_roots(terms: &[Term]) -> Figure<Vec<f64>> {
    let mut roots = Vec::new();
    let mut pending = vec![(0.0, furthest(terms))];
    let mut intervals = 0;
    while let Some((low, high)) = pending.pop() {
        intervals += 1;
        if intervals > MOST_INTERVALS {
            return Err(Undefined::because("the payments change sign so often that no single rate describes them"));
        }
        let value = |term: &Term, x: f64| term.amount * libm::exp(-term.after * x);
        if !may_be_zero(terms, low, high, value) {
            continue;
        }
        let slope = |term: &Term, x: f64| -term.after * term.amount * libm::exp(-term.after * x);
        if !may_be_zero(terms, low, high, slope) {
            roots.extend(bisect(terms, low, high));
        } else if high - low < NARROWEST {
            roots.push(low.midpoint(high));
        } else {
            let middle = low.midpoint(high);
            pending.extend([(low, middle), (middle, high)]);
        }
    }
    Ok(roots)
}

/// Beyond it the first term outweighs all others together.
fn furthest(terms: &[Term]) -> f64 {
    let [first, second, ..] = terms else { return 0.0 };
    let others = sum(terms.iter().skip(1).map(|term| term.amount.abs()));
    (libm::log(others / first.amount.abs()).max(0.0) / second.after + NARROWEST).min(LARGEST_EXPONENT * DAYS_A_YEAR)
}

/// Can the sum be zero anywhere in the interval? Every term is monotone and keeps its sign.
fn may_be_zero(terms: &[Term], low: f64, high: f64, of: impl Fn(&Term, f64) -> f64) -> bool {
    let (mut least, mut most) = (0.0, 0.0);
    for term in terms {
        let (a, b) = (of(term, low), of(term, high));
        least += a.min(b);
        most += a.max(b);
    }
    least <= 0.0 && most >= 0.0
}

/// The root of a monotone stretch, if its ends differ in sign.
fn bisect(terms: &[Term], mut low: f64, mut high: f64) -> Option<f64> {
    let value = |x: f64| sum(terms.iter().map(|term| term.amount * libm::exp(-term.after * x)));
    let (at_low, at_high) = (value(low), value(high));
    if at_low == 0.0 {
        return Some(low);
    }
    if at_high == 0.0 {
        return Some(high);
    }
    if (at_low < 0.0) == (at_high < 0.0) {
        return None;
    }
    loop {
        let middle = low.midpoint(high);
        if middle <= low || middle >= high {
            return Some(middle);
        }
        if (value(middle) < 0.0) == (at_low < 0.0) { low = middle } else { high = middle }
    }
}

/// An external flow at the end of a day: positive into the portfolio.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Flow {
    pub on: NaiveDate,
    pub amount: Money,
}

/// Modified Dietz over (start, end]: (V_e − V_s − F) / (V_s + Σ w·F), w the share of the days that were left.
///
/// # Errors
/// When no day lies between, a flow lies outside, or no capital was at work.
pub fn modified_dietz(start: (NaiveDate, Money), end: (NaiveDate, Money), flows: &[Flow]) -> Figure<f64> {
    let days = (end.0 - start.0).num_days();
    if days <= 0 {
        return Err(Undefined::because("needs a day or more"));
    }
    if flows.iter().any(|flow| flow.on <= start.0 || flow.on > end.0) {
        return Err(Undefined::because("a flow lies outside the period"));
    }
    let net: Money = flows.iter().map(|flow| flow.amount).sum();
    let weighted = sum(flows.iter().map(|flow| (end.0 - flow.on).num_days() as f64 / days as f64 * flow.amount.ratio_base()));
    let base = start.1.ratio_base() + weighted;
    if base <= 0.0 {
        return Err(Undefined::because("no capital was at work"));
    }
    Ok((end.1 - start.1 - net).ratio_base() / base)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn on(year: i32, month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(year, month, day).unwrap()
    }
    fn paid(payments: &[(NaiveDate, f64)]) -> Figure<MoneyWeighted> {
        money_weighted(&payments.iter().map(|(on, amount)| Payment { on: *on, amount: *amount }).collect::<Vec<_>>())
    }
    /// A year apart each, 365 days.
    fn yearly(amounts: &[f64]) -> Figure<MoneyWeighted> {
        let payments: Vec<_> = amounts.iter().enumerate().map(|(n, a)| (on(2001, 1, 1) + chrono::Days::new(365 * n as u64), *a)).collect();
        paid(&payments)
    }

    #[test]
    fn ten_percent_from_one_investment_is_ten_percent() {
        let found = yearly(&[-1000.0, 1100.0]).unwrap();
        assert!((found.annual.unwrap() - 0.1).abs() < 1e-14);
        assert!((found.of_period - 0.1).abs() < 1e-14);
    }

    #[test]
    fn agrees_with_the_example_of_excel() {
        let found = paid(&[
            (on(2008, 1, 1), -10_000.0),
            (on(2008, 3, 1), 2_750.0),
            (on(2008, 10, 30), 4_250.0),
            (on(2009, 2, 15), 3_250.0),
            (on(2009, 4, 1), 2_750.0),
        ])
        .unwrap();
        assert!((found.annual.unwrap() - 0.373362535).abs() < 1e-8);
    }

    #[test]
    fn a_deposit_before_a_fall_weighs_more_than_time_says() {
        // +50 % on 100, then −20 % on 250: time-weighted +20 %, money-weighted below.
        let found = yearly(&[-100.0, -100.0, 200.0]).unwrap();
        assert!(found.annual.unwrap().abs() < 1e-12);
    }

    #[test]
    fn two_roots_are_both_named() {
        // (1 + r) of 1.1 and 1.2.
        let reason = yearly(&[-100.0, 230.0, -132.0]).unwrap_err().0;
        assert_eq!(reason, "several roots: 10.00 %, 20.00 %");
    }

    #[test]
    fn three_roots_on_both_sides_of_zero() {
        // (y − 0.5)(y − 1)(y − 2) with y = 1 + r.
        let reason = yearly(&[1.0, -3.5, 3.5, -1.0]).unwrap_err().0;
        assert_eq!(reason, "several roots: -50.00 %, 0.00 %, 100.00 %");
    }

    #[test]
    fn a_root_that_touches_zero_is_one() {
        let found = yearly(&[1.0, -2.2, 1.21]).unwrap();
        assert!((found.annual.unwrap() - 0.1).abs() < 1e-6);
    }

    #[test]
    fn no_root_is_proven() {
        assert!(yearly(&[-100.0, 210.0, -132.0]).unwrap_err().0.starts_with("no root"));
        assert!(yearly(&[-100.0, -5.0]).unwrap_err().0.starts_with("no root"), "everything lost");
        assert!(yearly(&[]).is_err());
        assert!(paid(&[(on(2024, 1, 2), -1.0), (on(2024, 1, 2), 2.0)]).is_err());
    }

    #[test]
    fn a_gain_in_a_day_has_a_rate_of_the_period() {
        let found = paid(&[(on(2024, 1, 2), -1.0), (on(2024, 1, 3), 100.0)]).unwrap();
        assert!((found.of_period - 99.0).abs() < 1e-9);
        assert_eq!(found.annual, None);
    }

    #[test]
    fn weighs_flows_by_the_days_left() {
        let usd = |amount: i64| Money(amount.into());
        let flows = [Flow { on: on(2024, 1, 11), amount: usd(100) }];
        let found = modified_dietz((on(2024, 1, 1), usd(1000)), (on(2024, 1, 21), usd(1155)), &flows).unwrap();
        assert!((found - 55.0 / 1050.0).abs() < 1e-15);
        assert!(modified_dietz((on(2024, 1, 1), usd(0)), (on(2024, 1, 21), usd(0)), &[]).is_err());
        assert!(modified_dietz((on(2024, 1, 11), usd(1)), (on(2024, 1, 21), usd(1)), &flows).is_err());
    }
}
