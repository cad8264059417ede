//! Money-weighted returns: XIRR with all its roots, and Modified Dietz.
//!
//! In x = ln(1 + r) the equation of value is Σ a·e^(−t·x) = 0. Its positive and its negative terms are each monotone in x, so
//! their values at the ends of an interval bound the sum within it: an interval is free of roots, or monotone with at most
//! one, or halved. That finds every root or proves that there is none, where Newton's method finds one of them at best.

#[cfg(test)]
mod tests;

use super::sums::{Sum, sum};
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
    /// The annual effective rate, in (−1, ∞); `None` when no number can hold it (of a gain, or of a loss of nearly all, within days).
    pub annual: Option<f64>,
    /// The same rate over the days from the first payment to the last.
    pub of_period: f64,
    pub days: i64,
}

impl MoneyWeighted {
    /// The annual effective rate.
    ///
    /// # Errors
    /// Where no number can hold it.
    pub fn yearly(&self) -> Figure<f64> {
        self.annual.ok_or_else(|| Undefined::because(format!("the yearly rate is {}", beyond(self.of_period > 0.0))))
    }
}

/// Of a rate that no number in (−1, ∞) can hold.
fn beyond(is_gain: bool) -> &'static str {
    if is_gain { "too large for a number" } else { "nearer to −100 % than a number can be" }
}

/// The yearly rate of x = ln(1 + r); never −0.
fn rate(x: f64) -> Option<f64> {
    Some(libm::expm1(x) + 0.0).filter(|rate| *rate > -1.0 && rate.is_finite())
}

/// XIRR: the annual effective rate r in (−1, ∞) with Σ a_i / (1 + r)^((d_i − d_0)/365) = 0.
///
/// # Errors
/// No root or several: the reason, with the roots.
pub fn money_weighted(payments: &[Payment]) -> Figure<MoneyWeighted> {
    let Exponents { all, years, days } = exponents(payments)?;
    match all[..] {
        [] => Err(Undefined::because("no root: no rate makes what came out worth what was put in")),
        [x] => Ok(MoneyWeighted { annual: rate(x), of_period: libm::expm1(x * years) + 0.0, days }),
        _ => {
            // Adding zero makes of −0 a 0.
            let percent = |rate: f64| format!("{:.2} %", (rate * 1e4).round() / 100.0 + 0.0);
            let found: Vec<String> = all.iter().map(|x| rate(*x).map_or_else(|| format!("one {}", beyond(*x > 0.0)), percent)).collect();
            Err(Undefined::because(format!("several roots: {}", found.join(", "))))
        }
    }
}

/// Every annual rate in (−1, ∞) that solves the equation of [`money_weighted`] and that a number can hold, ascending.
///
/// # Errors
/// Without payments on two days.
pub fn roots(payments: &[Payment]) -> Figure<Vec<f64>> {
    Ok(exponents(payments)?.all.into_iter().filter_map(rate).collect())
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

impl Term {
    /// Its worth at the start, at the rate x.
    fn at(&self, x: f64) -> f64 {
        self.amount * libm::exp(-self.after * x)
    }
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
    let mut search = Search { terms, roots: Vec::new(), intervals: 0 };
    let [low, high] = [0.0, furthest(terms)].map(|x| End { x, values: terms.iter().map(|term| term.at(x)).collect() });
    search.within(&low, &high)?;
    Ok(search.roots)
}

/// An end of an interval, with the value of every term there: two intervals share it.
struct End {
    x: f64,
    values: Vec<f64>,
}

struct Search<'a> {
    terms: &'a [Term],
    roots: Vec<f64>,
    intervals: usize,
}

impl Search<'_> {
    /// Finds all roots between two ends; it goes no deeper than halves of [`NARROWEST`].
    fn within(&mut self, low: &End, high: &End) -> Figure<()> {
        self.intervals += 1;
        if self.intervals > MOST_INTERVALS {
            return Err(Undefined::because("the payments change sign so often that no single rate describes them"));
        }
        let Bounds { value, slope } = bounds(self.terms, low, high);
        if !value {
            return Ok(());
        }
        let middle = low.x.midpoint(high.x);
        if !slope {
            self.roots.extend(close_in(self.terms, low.x, high.x));
        } else if high.x - low.x < NARROWEST || middle <= low.x || middle >= high.x {
            self.roots.push(middle);
        } else {
            let middle = End { x: middle, values: self.terms.iter().map(|term| term.at(middle)).collect() };
            self.within(low, &middle)?;
            self.within(&middle, high)?;
        }
        Ok(())
    }
}

/// Beyond it the first term outweighs all others together.
fn furthest(terms: &[Term]) -> f64 {
    let [first, second, ..] = terms else { return 0.0 };
    let others = sum(terms.iter().skip(1).map(|term| term.amount.abs()));
    (libm::log(others / first.amount.abs()).max(0.0) / second.after + NARROWEST).min(LARGEST_EXPONENT * DAYS_A_YEAR)
}

/// Can the sum, and can its slope, be zero anywhere in an interval?
struct Bounds {
    value: bool,
    slope: bool,
}

/// Every term, and every term's slope, is monotone and keeps its sign.
fn bounds(terms: &[Term], low: &End, high: &End) -> Bounds {
    let [mut value, mut slope] = [(0.0, 0.0); 2];
    let widen = |(least, most): (f64, f64), a: f64, b: f64| (least + a.min(b), most + a.max(b));
    for ((term, at_low), at_high) in terms.iter().zip(&low.values).zip(&high.values) {
        value = widen(value, *at_low, *at_high);
        slope = widen(slope, -term.after * at_low, -term.after * at_high);
    }
    let holds_zero = |(least, most): (f64, f64)| least <= 0.0 && most >= 0.0;
    Bounds { value: holds_zero(value), slope: holds_zero(slope) }
}

/// Newton's steps double the right digits; more than these mean that rounding leads them around.
const MOST_STEPS: usize = 40;
/// How near Newton's last step has to be, in units of the last digit, before the neighbours are looked at.
const NEAR: f64 = 4.0;

/// The root of a monotone stretch, if its ends differ in sign: Newton's steps within a bracket that always holds the change of sign, then
/// halves down to two neighbouring numbers.
fn close_in(terms: &[Term], mut low: f64, mut high: f64) -> Option<f64> {
    let value = |x: f64| sum(terms.iter().map(|term| term.at(x)));
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
    let is_low = |at: f64| (at < 0.0) == (at_low < 0.0);
    let mut x = low.midpoint(high);
    for _ in 0..MOST_STEPS {
        let (at, slope) = value_and_slope(terms, x);
        if at == 0.0 {
            return Some(x);
        }
        if is_low(at) {
            low = x
        } else {
            high = x
        }
        let next = Some(x - at / slope).filter(|next| *next > low && *next < high).unwrap_or_else(|| low.midpoint(high));
        let (step, digit) = ((next - x).abs(), NEAR * f64::EPSILON * x.abs());
        x = next;
        if step <= digit {
            let (below, above) = ((x - digit).max(low), (x + digit).min(high));
            if is_low(value(below)) {
                low = below;
            }
            if !is_low(value(above)) {
                high = above;
            }
            break;
        }
    }
    loop {
        let middle = low.midpoint(high);
        if middle <= low || middle >= high {
            return Some(middle);
        }
        if is_low(value(middle)) { low = middle } else { high = middle }
    }
}

fn value_and_slope(terms: &[Term], x: f64) -> (f64, f64) {
    let (mut value, mut slope) = (Sum::default(), 0.0);
    for term in terms {
        let at = term.at(x);
        value.add(at);
        slope -= term.after * at;
    }
    (value.total(), slope)
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
