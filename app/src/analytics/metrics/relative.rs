//! Beside a benchmark: regression, active risk, capture. Taken of the periods that both have.

use super::{Input, KEYS, Sheet, moments::spread, over};
use crate::{
    analytics::{
        benchmark::Aligned,
        returns::annualized,
        sums::{Sum, co_moment, mean},
    },
    domain::{Figure, Undefined},
};

pub(super) const FIRST_KEY: &str = "beta";

pub(super) fn put(sheet: &mut Sheet, input: &Input<'_>) {
    let fewest = input.terms.fewest();
    let refuse = |sheet: &mut Sheet, reason: String| {
        for key in KEYS.iter().skip_while(|key| **key != FIRST_KEY) {
            sheet.put(key, Err(Undefined::because(reason.clone())));
        }
    };
    match input.aligned {
        None => refuse(sheet, "needs a benchmark".into()),
        Some(aligned) if aligned.returns.len() < fewest => {
            refuse(sheet, format!("needs {fewest} periods that portfolio and benchmark both have, has {}", aligned.returns.len()));
        }
        Some(aligned) => {
            let yearly = Yearly::of(aligned, input.terms.periods_a_year);
            regression(sheet, aligned, &yearly);
            capture(sheet, aligned);
        }
    }
}

/// Annualized geometric returns of portfolio, benchmark, risk-free rate, and of the portfolio over the latter.
struct Yearly {
    periods: f64,
    portfolio: Figure<f64>,
    benchmark: Figure<f64>,
    risk_free: Figure<f64>,
    excess: Figure<f64>,
}

impl Yearly {
    fn of(aligned: &Aligned, periods: f64) -> Self {
        let of = |returns: &[f64]| annualized(returns, periods);
        Self {
            periods,
            portfolio: of(&aligned.returns),
            benchmark: of(&aligned.benchmark),
            risk_free: of(&aligned.risk_free),
            excess: of(&differences(&aligned.returns, &aligned.risk_free)),
        }
    }
}

fn differences(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

/// Of y on x.
fn slope(y: &[f64], x: &[f64], reason: &str) -> Figure<f64> {
    spread(x, reason)?;
    Ok(co_moment(y, x) / co_moment(x, x))
}

/// The slope over the periods in which the benchmark's excess return is as asked.
fn slope_where(y: &[f64], x: &[f64], is_asked: impl Fn(f64) -> bool, what: &str) -> Figure<f64> {
    let (y, x): (Vec<f64>, Vec<f64>) = y.iter().zip(x).filter(|(_, x)| is_asked(**x)).unzip();
    if x.len() < 2 {
        return Err(Undefined::because(format!("needs 2 periods with a {what} benchmark, has {}", x.len())));
    }
    slope(&y, &x, "benchmark variance is zero")
}

fn regression(sheet: &mut Sheet, aligned: &Aligned, yearly: &Yearly) {
    let Aligned { returns, benchmark, risk_free, .. } = aligned;
    let (y, x) = (differences(returns, risk_free), differences(benchmark, risk_free));
    let beta = slope(&y, &x, "benchmark variance is zero");
    let bull = slope_where(&y, &x, |x| x > 0.0, "rising");
    let bear = slope_where(&y, &x, |x| x < 0.0, "falling");
    let alpha = beta.clone().map(|beta| mean(&y) - beta * mean(&x));
    let jensen = beta.clone().and_then(|beta| {
        let (r, b, f) = (yearly.portfolio.clone()?, yearly.benchmark.clone()?, yearly.risk_free.clone()?);
        Ok(r - f - beta * (b - f))
    });
    let own = spread(returns, "the returns don't vary");
    let market = spread(benchmark, "the benchmark's returns don't vary");
    let correlation = own.clone().and_then(|_| market.clone()).map(|_| {
        let root = (co_moment(returns, returns) * co_moment(benchmark, benchmark)).sqrt();
        (co_moment(returns, benchmark) / root).clamp(-1.0, 1.0)
    });
    let root = yearly.periods.sqrt();
    sheet.put("beta", beta.clone());
    sheet.put("beta_bull", bull.clone());
    sheet.put("beta_bear", bear.clone());
    sheet.put("timing_ratio", bull.and_then(|bull| over(bull, bear?, "beta_bear is zero")));
    sheet.put("alpha", alpha.clone());
    let compounded = |alpha: f64| {
        if alpha <= -1.0 {
            Err(Undefined::because("alpha is a loss of everything"))
        } else {
            Ok(libm::expm1(libm::log1p(alpha) * yearly.periods))
        }
    };
    sheet.put("annualized_alpha", alpha.clone().and_then(compounded));
    sheet.put("jensen_alpha", jensen.clone());
    sheet.put("correlation", correlation.clone());
    sheet.put("r_squared", correlation.map(|correlation| correlation * correlation));

    let active = differences(returns, benchmark);
    let tracking = spread(&active, "portfolio and benchmark never differ, or always by the same");
    let premium = yearly.portfolio.clone().and_then(|r| Ok(r - yearly.benchmark.clone()?));
    sheet.put("tracking_error", Ok(tracking.clone().unwrap_or(0.0) * root));
    sheet.put("active_premium", premium.clone());
    sheet.put("information_ratio", premium.and_then(|premium| Ok(premium / (tracking.clone()? * root))));
    sheet.put("information_ratio_arithmetic", tracking.map(|sd| mean(&active) / sd * root));

    let systematic = beta.clone().and_then(|beta| Ok(beta.abs() * market.clone()? * root));
    let specific = beta.clone().and_then(|beta| Ok(residual(&y, &x, beta, alpha.clone()?) * root));
    sheet.put("systematic_risk", systematic.clone());
    sheet.put("specific_risk", specific.clone());
    let total = systematic.clone().and_then(|systematic| {
        let specific = specific.clone()?;
        Ok((systematic * systematic + specific * specific).sqrt())
    });
    sheet.put("total_risk", total);
    sheet.put("appraisal_ratio", jensen.clone().and_then(|jensen| over(jensen, specific?, "there is no specific risk")));
    let treynor = yearly.excess.clone();
    sheet.put("treynor_ratio", treynor.clone().and_then(|excess| over(excess, beta.clone()?, "beta is zero")));
    sheet.put("modified_treynor_ratio", treynor.and_then(|excess| over(excess, systematic?, "there is no systematic risk")));

    let m_squared = own.clone().and_then(|own| {
        let (r, f) = (yearly.portfolio.clone()?, yearly.risk_free.clone()?);
        Ok(f + (r - f) * market.clone()? / own)
    });
    sheet.put("m_squared", m_squared.clone());
    let beyond = m_squared.and_then(|m| over(1.0 + m, 1.0 + yearly.benchmark.clone()?, "the benchmark lost everything"));
    sheet.put("m_squared_excess", beyond.map(|ratio| ratio - 1.0));
    let fama = own.and_then(|own| Ok(own / market?));
    sheet.put("fama_beta", fama.clone());
    sheet.put("selectivity", jensen.clone());
    let net = jensen.and_then(|selectivity| {
        let (b, f) = (yearly.benchmark.clone()?, yearly.risk_free.clone()?);
        Ok(selectivity - (fama? - beta?) * (b - f))
    });
    sheet.put("net_selectivity", net);
}

/// The population deviation of the regression's residuals.
fn residual(y: &[f64], x: &[f64], beta: f64, alpha: f64) -> f64 {
    let mut squares = Sum::default();
    for (y, x) in y.iter().zip(x) {
        let left = y - alpha - beta * x;
        squares.add(left * left);
    }
    (squares.total() / y.len() as f64).sqrt()
}

/// What the portfolio does while the benchmark rises or falls (`b ≤ 0` counts as falling for the capture alone).
fn capture(sheet: &mut Sheet, aligned: &Aligned) {
    let pairs = || aligned.returns.iter().copied().zip(aligned.benchmark.iter().copied());
    let linked = |is_asked: fn(f64) -> bool, reason: &str| {
        let product = |growth: f64, r: f64| growth + r + growth * r;
        let chosen = pairs().filter(|(_, b)| is_asked(*b));
        let (r, b) = chosen.fold((0.0, 0.0), |(own, market), (r, b)| (product(own, r), product(market, b)));
        over(r, b, reason)
    };
    let share = |is_asked: fn(f64) -> bool, holds: fn(f64, f64) -> bool, reason: &str| {
        let (mut count, mut held) = (0.0, 0.0);
        for (r, b) in pairs().filter(|(_, b)| is_asked(*b)) {
            count += 1.0;
            held += f64::from(u8::from(holds(r, b)));
        }
        over(held, count, reason)
    };
    const NO_RISE: &str = "the benchmark never rises";
    const NO_FALL: &str = "the benchmark never falls";
    sheet.put("up_capture", linked(|b| b > 0.0, NO_RISE));
    sheet.put("down_capture", linked(|b| b <= 0.0, NO_FALL));
    sheet.put("up_number", share(|b| b > 0.0, |r, _| r > 0.0, NO_RISE));
    sheet.put("down_number", share(|b| b < 0.0, |r, _| r < 0.0, NO_FALL));
    sheet.put("up_percent", share(|b| b > 0.0, |r, b| r > b, NO_RISE));
    sheet.put("down_percent", share(|b| b < 0.0, |r, b| r > b, NO_FALL));
}
