//! Every fall of the wealth index from a peak, and the measures of them.

use super::{Input, Sheet, moments::Moments, over};
use crate::analytics::{
    drawdown::{Descent, Drawdown},
    sums::Sum,
};

pub(super) const FIRST_KEY: &str = "max_drawdown";
/// One drawdown of the table.
pub type Fall = Drawdown;

/// Sterling's ratio in the form of PerformanceAnalytics adds ten percent to the deepest fall.
const STERLING_EXCESS: f64 = 0.10;

/// All falls from a peak in their order; an unfinished last one has no recovery. Positions are indexes of returns, `None` the start.
pub fn falls(returns: &[f64]) -> Vec<Fall> {
    walk(returns, |_| ())
}

/// Follows the wealth index, telling each D_t; yields the falls.
fn walk(returns: &[f64], mut tell: impl FnMut(f64)) -> Vec<Fall> {
    let (mut descent, mut peak, mut falls) = (Descent::default(), None, Vec::new());
    let mut open: Option<Fall> = None;
    for (index, r) in returns.iter().enumerate() {
        let depth = descent.step(*r);
        tell(depth);
        if depth == 0.0 {
            if let Some(fall) = open.take() {
                falls.push(Fall { recovery: Some(index), ..fall });
            }
            peak = Some(index);
            continue;
        }
        let fall = open.get_or_insert(Fall { depth: 0.0, peak, trough: None, recovery: None });
        if depth < fall.depth {
            (fall.depth, fall.trough) = (depth, Some(index));
        }
    }
    falls.extend(open);
    falls
}

pub(super) fn put(sheet: &mut Sheet, input: &Input<'_>, moments: &Moments) {
    let [mut squares, mut depths] = [Sum::default(); 2];
    let falls = walk(input.returns, |depth| {
        squares.add(depth * depth);
        depths.add(-depth);
    });
    let (n, count) = (moments.count, falls.len() as f64);
    let deepest = falls.iter().fold(0.0_f64, |deepest, fall| deepest.min(fall.depth));
    let [mut all, mut all_squares] = [Sum::default(); 2];
    for fall in &falls {
        all.add(fall.depth);
        all_squares.add(fall.depth * fall.depth);
    }
    let (ulcer, pain, burke) = ((squares.total() / n).sqrt(), depths.total() / n, all_squares.total().sqrt());
    let ratio = |denominator: f64| moments.annualized_return.clone().and_then(|yearly| over(yearly, denominator, "there was no drawdown"));
    sheet.put("max_drawdown", Ok(deepest));
    sheet.put("average_drawdown", over(all.total(), count, "there was no drawdown"));
    sheet.put("ulcer_index", Ok(ulcer));
    sheet.put("pain_index", Ok(pain));
    sheet.put("calmar_ratio", ratio(-deepest));
    sheet.put("sterling_ratio", ratio(STERLING_EXCESS - deepest));
    sheet.put("burke_ratio", ratio(burke));
    sheet.put("modified_burke_ratio", ratio(burke).map(|ratio| ratio * n.sqrt()));
    sheet.put("martin_ratio", ratio(ulcer));
    sheet.put("pain_ratio", ratio(pain));
}
