//! Judges one bar by itself, by the closes before it and by the splits on file. Pure.

use super::rules::{
    BAR_IS_WHOLE, BARS_ARE_OF_SESSIONS, CLOSE_IS_THERE, JUMPS_ARE_EXPLAINED, PRICES_ARE_IN_RANGE, PRICES_ARE_POSITIVE, Rule,
    VOLUME_IS_POSSIBLE,
};
use crate::calendar;
use chrono::NaiveDate;
use rust_decimal::{Decimal, prelude::ToPrimitive};

/// Large caps move by a fifth on their worst days; by two fifths it is a split that we don't know more often than a crash, and
/// the smallest usual split (3 for 2) moves the price by a third, which a split on file makes no jump.
pub const LARGEST_JUMP: Decimal = Decimal::from_parts(40, 0, 0, false, 2);
/// A ratio this near a whole number is probably a split's: prices move on the split's day too.
const SPLIT_LIKENESS: f64 = 0.12;
/// Splits up to this many for one are suggested.
const LARGEST_SUGGESTED_SPLIT: f64 = 50.0;

/// The latest version of a bar, with the two closes before it and their days.
#[derive(Debug, Clone, PartialEq)]
pub struct Bar {
    pub symbol: String,
    pub session_date: NaiveDate,
    pub response_id: i64,
    pub open: Option<Decimal>,
    pub high: Option<Decimal>,
    pub low: Option<Decimal>,
    pub close: Option<Decimal>,
    pub volume: Option<Decimal>,
    /// Nearest first.
    pub before: Vec<(NaiveDate, Decimal)>,
}

/// New shares per old, in force before the trades of its day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Split {
    pub symbol: String,
    pub execution_date: NaiveDate,
    pub from: Decimal,
    pub to: Decimal,
}

/// What is wrong with a bar.
#[derive(Debug, Clone, PartialEq)]
pub struct Fault {
    pub rule: &'static Rule,
    /// One sentence: what is wrong and what to do.
    pub reason: String,
    /// Is the price kept out of the numbers, and the last good one carried?
    pub is_refused: bool,
}

/// Everything that is wrong with a bar; `splits` are those of its symbol.
pub fn judge(bar: &Bar, splits: &[Split]) -> Vec<Fault> {
    let name = format!("{} on {}", bar.symbol, bar.session_date);
    let mut faults = Vec::new();
    let mut fault = |rule, is_refused, reason| faults.push(Fault { rule, reason, is_refused });
    if !calendar::is_session(bar.session_date) {
        fault(&BARS_ARE_OF_SESSIONS, true, format!("{name}: the exchange had no session on that day; the bar is left out."));
    }
    if bar.volume.is_some_and(|volume| volume < Decimal::ZERO) {
        fault(&VOLUME_IS_POSSIBLE, false, format!("{name}: the volume is negative; ask the vendor about it."));
    }
    if bar.close.is_none() {
        fault(&CLOSE_IS_THERE, true, format!("{name}: there is no close; the last good one is carried until the vendor sends one."));
    }
    if [bar.open, bar.high, bar.low].iter().any(Option::is_none) {
        fault(&BAR_IS_WHOLE, false, format!("{name}: open, high or low is missing; the close is used."));
    }
    let prices = [bar.open, bar.high, bar.low, bar.close];
    if prices.iter().flatten().any(|price| *price <= Decimal::ZERO) {
        fault(&PRICES_ARE_POSITIVE, true, format!("{name}: a price isn't above zero; the last good close is carried."));
        return faults;
    }
    if let Some(what) = out_of_range(bar) {
        fault(&PRICES_ARE_IN_RANGE, true, format!("{name}: {what}; the last good close is carried until the vendor corrects it."));
    }
    if let Some(reason) = unexplained_jump(bar, splits) {
        fault(&JUMPS_ARE_EXPLAINED, true, reason);
    }
    faults
}

fn out_of_range(bar: &Bar) -> Option<String> {
    let (high, low) = bar.high.zip(bar.low)?;
    if high < low {
        return Some(format!("the high {} is below the low {}", high.normalize(), low.normalize()));
    }
    let outside = |price: &Option<Decimal>| price.filter(|price| *price < low || *price > high);
    let named = [("open", outside(&bar.open)), ("close", outside(&bar.close))];
    let (which, price) = named.into_iter().find_map(|(which, price)| Some((which, price?)))?;
    Some(format!("the {which} {} lies outside {} to {}", price.normalize(), low.normalize(), high.normalize()))
}

/// A jump against both closes before it: one that only the nearest shows is that one's fault and was judged there.
fn unexplained_jump(bar: &Bar, splits: &[Split]) -> Option<String> {
    let close = bar.close?;
    let known: Vec<_> = bar.before.iter().filter(|(_, before)| *before > Decimal::ZERO).collect();
    let (nearest_day, nearest) = **known.first()?;
    let expected = |day: NaiveDate, before: Decimal| before.checked_div(growth(splits, day, bar.session_date));
    let jumps = |(day, before): &&(NaiveDate, Decimal)| {
        expected(*day, *before).is_none_or(|expected| (close - expected).abs() > LARGEST_JUMP * expected)
    };
    if !known.iter().all(jumps) {
        return None;
    }
    let has_split = growth(splits, nearest_day, bar.session_date) != Decimal::ONE;
    let ratio = nearest.checked_div(close).and_then(|ratio| ratio.to_f64()).unwrap_or(f64::INFINITY);
    let name =
        format!("{} closed at {} on {} after {} on {nearest_day}", bar.symbol, close.normalize(), bar.session_date, nearest.normalize());
    let why = if has_split {
        "a split is on file that doesn't explain it: check whether these prices are split-adjusted already".to_owned()
    } else {
        match likely_split(ratio) {
            Some(split) => format!("check for a split of {split} that isn't on file, then fetch again"),
            None => "no split is on file: check for one, and release the price when it is right".to_owned(),
        }
    };
    let (larger, direction) = if ratio >= 1.0 { (ratio, "down") } else { (1.0 / ratio, "up") };
    Some(format!("{name} ({direction} by a factor of {larger:.2}); {why}."))
}

/// Shares that one share held at the close of `from` has become by `to`.
pub(super) fn growth(splits: &[Split], from: NaiveDate, to: NaiveDate) -> Decimal {
    splits
        .iter()
        .filter(|split| split.execution_date > from && split.execution_date <= to && split.from > Decimal::ZERO && split.to > Decimal::ZERO)
        .fold(Decimal::ONE, |growth, split| growth.checked_mul(split.to).and_then(|g| g.checked_div(split.from)).unwrap_or(growth))
}

fn likely_split(ratio: f64) -> Option<String> {
    let (larger, is_reverse) = if ratio >= 1.0 { (ratio, false) } else { (1.0 / ratio, true) };
    let whole = larger.round();
    let is_like = (2.0..=LARGEST_SUGGESTED_SPLIT).contains(&whole) && (larger / whole - 1.0).abs() < SPLIT_LIKENESS;
    is_like.then(|| if is_reverse { format!("1 for {whole}") } else { format!("{whole} for 1") })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }
    fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }
    /// Open, high, low, close of 2014-06-09 (a Monday), after a close of 645.57 on the Friday and 647.35 on the Thursday.
    fn bar(prices: [&str; 4]) -> Bar {
        let [open, high, low, close] = prices.map(|price| price.parse().ok());
        let before = vec![(day("2014-06-06"), dec("645.57")), (day("2014-06-05"), dec("647.35"))];
        let volume = Some(dec("100"));
        Bar { symbol: "AAPL".into(), session_date: day("2014-06-09"), response_id: 1, open, high, low, close, volume, before }
    }
    fn seven_for_one() -> Vec<Split> {
        vec![Split { symbol: "AAPL".into(), execution_date: day("2014-06-09"), from: dec("1"), to: dec("7") }]
    }
    fn faults(bar: &Bar, splits: &[Split]) -> Vec<(&'static str, bool)> {
        judge(bar, splits).into_iter().map(|fault| (fault.rule.name, fault.is_refused)).collect()
    }

    #[test]
    fn a_bar_by_itself() {
        type Row<'a> = ([&'a str; 4], &'a [(&'a str, bool)]);
        let table: &[Row<'_>] = &[
            (["640", "650", "630", "645"], &[]),
            (["640", "640", "640", "640"], &[]),
            (["640", "650", "630", ""], &[("close_is_there", true)]),
            (["", "650", "630", "645"], &[("bar_is_whole", false)]),
            (["640", "650", "0", "645"], &[("prices_are_positive", true)]),
            (["640", "650", "630", "-645"], &[("prices_are_positive", true)]),
            (["640", "630", "650", "645"], &[("prices_are_in_range", true)]),
            (["640", "650", "630", "651"], &[("prices_are_in_range", true)]),
            (["629", "650", "630", "645"], &[("prices_are_in_range", true)]),
            (["95", "96", "90", "93.70"], &[("jumps_are_explained", true)]),
        ];
        for (prices, expected) in table {
            assert_eq!(faults(&bar(*prices), &[]), *expected, "{prices:?}");
        }
    }

    #[test]
    fn a_split_on_file_explains_a_jump() {
        assert_eq!(faults(&bar(["92", "94", "91", "93.70"]), &seven_for_one()), []);
        let reason = judge(&bar(["92", "94", "91", "93.70"]), &[]).remove(0).reason;
        assert!(reason.contains("factor of 6.89") && reason.contains("a split of 7 for 1"), "{reason}");
    }

    #[test]
    fn prices_that_are_adjusted_already_give_themselves_away() {
        let reason = judge(&bar(["640", "650", "630", "645"]), &seven_for_one()).remove(0).reason;
        assert!(reason.contains("split-adjusted already"), "{reason}");
    }

    #[test]
    fn a_reverse_split_is_suggested_too() {
        let reason = judge(&bar(["6400", "6500", "6400", "6460"]), &[]).remove(0).reason;
        assert!(reason.contains("up by a factor of 10.01") && reason.contains("1 for 10"), "{reason}");
    }

    #[test]
    fn the_day_after_a_wrong_price_is_right() {
        let mut spike = bar(["640", "650", "630", "645"]);
        spike.before[0].1 = dec("6455.7");
        assert_eq!(faults(&spike, &[]), [], "the Friday was wrong, the Monday agrees with the Thursday");
        let mut crash = bar(["300", "310", "290", "300"]);
        crash.before[0].1 = dec("301");
        assert_eq!(faults(&crash, &[]), [], "the Friday fell, the Monday agrees with it");
        let mut gap = bar(["640", "650", "630", "645"]);
        gap.before[0].1 = dec("-1");
        assert_eq!(faults(&gap, &[]), []);
        gap.before.clear();
        assert_eq!(faults(&gap, &[]), [], "the first price has none to jump from");
    }

    #[test]
    fn a_bar_of_a_holiday_and_a_negative_volume() {
        let holiday = Bar { session_date: day("2014-07-04"), ..bar(["640", "650", "630", "645"]) };
        assert_eq!(faults(&holiday, &[]), [("bars_are_of_sessions", true)]);
        let negative = Bar { volume: Some(dec("-1")), ..bar(["640", "650", "630", "645"]) };
        assert_eq!(faults(&negative, &[]), [("volume_is_possible", false)]);
    }
}
