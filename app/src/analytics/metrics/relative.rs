//! Beside a benchmark: regression, active risk, capture. Taken of the periods that both have.

use super::{Input, KEYS, Sheet, moments::spread, over};
use crate::{
    analytics::{
        benchmark::Aligned,
        returns::{annualized_return, bearable, link},
        sums::{Column, Sum},
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
    /// The four are linked in one walk: each link waits for the one before it, and four chains wait no longer than one.
    fn of(aligned: &Aligned, periods: f64) -> Self {
        let rows = aligned.returns.iter().zip(&aligned.benchmark).zip(&aligned.risk_free);
        let linked = rows
            .fold([0.0; 4], |[own, market, free, over], ((r, b), f)| [link(own, *r), link(market, *b), link(free, *f), link(over, r - f)]);
        let yearly = |cumulative: f64, lost: Figure<()>| lost.and_then(|()| annualized_return(cumulative, aligned.returns.len(), periods));
        let [portfolio, benchmark, risk_free, excess] = linked;
        let [own, market, free] = [&aligned.returns, &aligned.benchmark, &aligned.risk_free];
        let over = own.iter().zip(free).map(|(r, f)| r - f);
        let [portfolio, benchmark, risk_free, excess] = [
            yearly(portfolio, bearable(own.iter().copied())),
            yearly(benchmark, bearable(market.iter().copied())),
            yearly(risk_free, bearable(free.iter().copied())),
            yearly(excess, bearable(over)),
        ];
        Self { periods, portfolio, benchmark, risk_free, excess }
    }
}

fn differences(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a - b).collect()
}

/// Of y on x.
fn slope(y: &Column<'_>, x: &Column<'_>) -> Figure<f64> {
    spread(x, "benchmark variance is zero")?;
    Ok(y.co_moment(x) / x.moment)
}

/// The slope over the periods in which the benchmark's excess return is as asked.
fn slope_where(y: &[f64], x: &[f64], is_asked: impl Fn(f64) -> bool, what: &str) -> Figure<f64> {
    let (y, x): (Vec<f64>, Vec<f64>) = y.iter().zip(x).filter(|(_, x)| is_asked(**x)).unzip();
    if x.len() < 2 {
        return Err(Undefined::because(format!("needs 2 periods with a {what} benchmark, has {}", x.len())));
    }
    slope(&Column::of(&y), &Column::of(&x))
}

fn regression(sheet: &mut Sheet, aligned: &Aligned, yearly: &Yearly) {
    let Aligned { returns, benchmark, risk_free, .. } = aligned;
    let (y, x, active) = (differences(returns, risk_free), differences(benchmark, risk_free), differences(returns, benchmark));
    let [excess_own, excess_market, own, market, apart] = [&y, &x, returns, benchmark, &active].map(|numbers| Column::of(numbers));
    let beta = slope(&excess_own, &excess_market);
    let bull = slope_where(&y, &x, |x| x > 0.0, "rising");
    let bear = slope_where(&y, &x, |x| x < 0.0, "falling");
    let alpha = beta.clone().map(|beta| excess_own.mean - beta * excess_market.mean);
    let jensen = beta.clone().and_then(|beta| {
        let (r, b, f) = (yearly.portfolio.clone()?, yearly.benchmark.clone()?, yearly.risk_free.clone()?);
        Ok(r - f - beta * (b - f))
    });
    let own_spread = spread(&own, "the returns don't vary");
    let market_spread = spread(&market, "the benchmark's returns don't vary");
    let correlation = own_spread
        .clone()
        .and(market_spread.clone())
        .map(|_| (own.co_moment(&market) / (own.moment * market.moment).sqrt()).clamp(-1.0, 1.0));
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

    let tracking = spread(&apart, "portfolio and benchmark never differ, or always by the same");
    let premium = yearly.portfolio.clone().and_then(|r| Ok(r - yearly.benchmark.clone()?));
    sheet.put("tracking_error", Ok(tracking.clone().unwrap_or(0.0) * root));
    sheet.put("active_premium", premium.clone());
    sheet.put("information_ratio", premium.and_then(|premium| Ok(premium / (tracking.clone()? * root))));
    sheet.put("information_ratio_arithmetic", tracking.map(|sd| apart.mean / sd * root));

    let systematic = beta.clone().and_then(|beta| Ok(beta.abs() * market_spread.clone()? * root));
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

    let m_squared = own_spread.clone().and_then(|own| {
        let (r, f) = (yearly.portfolio.clone()?, yearly.risk_free.clone()?);
        Ok(f + (r - f) * market_spread.clone()? / own)
    });
    sheet.put("m_squared", m_squared.clone());
    let beyond = m_squared.and_then(|m| over(1.0 + m, 1.0 + yearly.benchmark.clone()?, "the benchmark lost everything"));
    sheet.put("m_squared_excess", beyond.map(|ratio| ratio - 1.0));
    let fama = own_spread.and_then(|own| Ok(own / market_spread?));
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

/// What the portfolio does while the benchmark rises or falls.
#[derive(Debug, Clone, Copy, Default)]
struct Side {
    own: f64,
    market: f64,
    periods: f64,
    /// In which the portfolio goes the same way.
    along: f64,
    /// In which it does better than the benchmark.
    ahead: f64,
}

impl Side {
    /// Counts a period where it `is_asked`, without a branch: which way the benchmark goes can't be guessed.
    fn add(&mut self, is_linked: bool, is_counted: bool, (r, b): (f64, f64), goes_along: bool) {
        let chosen = |number: f64| if is_linked { number } else { 0.0 };
        let holds = |condition: bool| f64::from(u8::from(is_counted && condition));
        (self.own, self.market) = (link(self.own, chosen(r)), link(self.market, chosen(b)));
        self.periods += holds(true);
        self.along += holds(goes_along);
        self.ahead += holds(r > b);
    }
}

/// `b ≤ 0` counts as falling for the capture alone.
fn capture(sheet: &mut Sheet, aligned: &Aligned) {
    let [mut up, mut down] = [Side::default(); 2];
    for (r, b) in aligned.returns.iter().copied().zip(aligned.benchmark.iter().copied()) {
        up.add(b > 0.0, b > 0.0, (r, b), r > 0.0);
        down.add(b <= 0.0, b < 0.0, (r, b), r < 0.0);
    }
    const NO_RISE: &str = "the benchmark never rises";
    const NO_FALL: &str = "the benchmark never falls";
    sheet.put("up_capture", over(up.own, up.market, NO_RISE));
    sheet.put("down_capture", over(down.own, down.market, NO_FALL));
    sheet.put("up_number", over(up.along, up.periods, NO_RISE));
    sheet.put("down_number", over(down.along, down.periods, NO_FALL));
    sheet.put("up_percent", over(up.ahead, up.periods, NO_RISE));
    sheet.put("down_percent", over(down.ahead, down.periods, NO_FALL));
}
