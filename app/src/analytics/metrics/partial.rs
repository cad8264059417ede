//! What lies above and below the minimum acceptable return: partial moments and the ratios of them (Bacon, chapter 4).

use super::{Input, Sheet, moments::Moments, over};
use crate::analytics::sums::Sum;

pub(super) const FIRST_KEY: &str = "downside_deviation";
/// How much more a loss weighs than a gain (Watanabe).
const LOSS_AVERSION: f64 = 2.25;

pub(super) fn put(sheet: &mut Sheet, input: &Input<'_>, moments: &Moments) {
    let mar = input.terms.mar;
    let [mut down, mut down_square, mut down_cube, mut up, mut up_square, mut gains, mut losses, mut below_mean] = [Sum::default(); 8];
    let [mut above, mut below, mut rising, mut falling] = [0.0_f64; 4];
    // Without branches: returns rise and fall as they like, and a guess that is wrong half of the time costs more than a sum of zero.
    let holds = |condition: bool| f64::from(u8::from(condition));
    for r in input.returns {
        let d = r - mar;
        let (short, more) = ((-d).max(0.0), d.max(0.0));
        above += holds(d > 0.0);
        below += holds(d < 0.0);
        rising += holds(*r > 0.0);
        falling += holds(*r < 0.0);
        up.add(more);
        up_square.add(more * more);
        down.add(short);
        down_square.add(short * short);
        down_cube.add(short * short * short);
        gains.add(r.max(0.0));
        losses.add((-r).max(0.0));
        let under = ((r - moments.mean) - moments.rest).min(0.0);
        below_mean.add(under * under);
    }
    let n = moments.count;
    let over_mar = moments.mean - mar;
    let (downside_potential, upside_potential) = (down.total() / n, up.total() / n);
    let (downside_variance, upside_variance) = (down_square.total() / n, up_square.total() / n);
    let (downside_deviation, upside_risk) = (downside_variance.sqrt(), upside_variance.sqrt());
    let (gains, losses) = (gains.total(), losses.total());

    const NO_SHORTFALL: &str = "no return lies below the minimum acceptable one";
    let over_downside = |numerator: f64, denominator: f64| over(numerator, denominator, NO_SHORTFALL);
    let sortino = over_downside(over_mar, downside_deviation);
    sheet.put("downside_deviation", Ok(downside_deviation));
    sheet.put("sortino_ratio", sortino.clone());
    sheet.put("annualized_sortino_ratio", sortino.map(|ratio| ratio * input.terms.periods_a_year.sqrt()));
    sheet.put("downside_potential", Ok(downside_potential));
    sheet.put("upside_potential", Ok(upside_potential));
    sheet.put("upside_risk", Ok(upside_risk));
    sheet.put("semi_deviation", Ok((below_mean.total() / n).sqrt()));
    sheet.put("omega_ratio", over_downside(upside_potential, downside_potential));
    sheet.put("omega_sharpe_ratio", over_downside(over_mar, downside_potential));
    sheet.put("kappa_ratio_2", over_downside(over_mar, downside_deviation));
    sheet.put("kappa_ratio_3", over_downside(over_mar, libm::cbrt(down_cube.total() / n)));
    sheet.put("upside_potential_ratio", over_downside(upside_potential, downside_deviation));
    sheet.put("bernardo_ledoit_ratio", over(gains, losses, "no return is negative"));
    sheet.put("d_ratio", over(falling * losses, rising * gains, "no return is positive"));
    let prospect = (gains - LOSS_AVERSION * losses) / n - mar;
    sheet.put("prospect_ratio", over_downside(prospect, downside_deviation));
    sheet.put("volatility_skewness", over_downside(upside_variance, downside_variance));
    sheet.put("variability_skewness", over_downside(upside_risk, downside_deviation));
    sheet.put("upside_frequency", Ok(above / n));
    sheet.put("downside_frequency", Ok(below / n));
}
