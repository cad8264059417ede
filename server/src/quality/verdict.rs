//! Says of a bar what is wrong with it, by itself, by the closes before it and by the splits on file. Pure.

use super::{check::Check, kind::Kind};
use chrono::NaiveDate;
use rust_decimal::{Decimal, prelude::ToPrimitive};

/// A ratio this near a whole number is probably a split's: prices move on the split's day too.
const SPLIT_LIKENESS: f64 = 0.12;
/// Splits up to this many for one are suggested.
const LARGEST_SUGGESTED_SPLIT: f64 = 50.0;

/// The latest version of a bar, with the closes before it and their days.
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

/// One sentence on a bar that a check of single rows refused: what is wrong and what to do.
pub fn reason(check: &Check, bar: &Bar) -> String {
    let name = format!("{} on {}", bar.symbol, bar.session_date);
    match check.name.as_str() {
        "bars_are_of_sessions" => format!("{name}: the exchange had no session on that day; the bar is left out."),
        "bars_are_of_the_past" => format!("{name}: that day is still to come; the bar is left out, ask the vendor about it."),
        "volume_is_possible" => format!("{name}: the volume is negative; ask the vendor about it."),
        "close_is_there" => format!("{name}: there is no close; the last good one is carried until the vendor sends one."),
        "bar_is_whole" => format!("{name}: open, high or low is missing; the close is used."),
        "prices_are_positive" => format!("{name}: a price isn't above zero; the last good close is carried."),
        "prices_are_in_range" => {
            let what = out_of_range(bar).unwrap_or_else(|| "its prices contradict each other".to_owned());
            format!("{name}: {what}; the last good close is carried until the vendor corrects it.")
        }
        _ if check.action == super::check::Action::Quarantine => {
            format!("{name}: expected is that {}; the last good close is carried.", check.expected)
        }
        _ => format!("{name}: expected is that {}.", check.expected),
    }
}

/// What a check that compares with earlier closes says of a bar; `splits` are those of its symbol.
pub fn compared(check: &Check, bar: &Bar, splits: &[Split]) -> Option<String> {
    match &check.kind {
        Kind::Jump { most } => unexplained_jump(bar, splits, *most),
        Kind::Stale { sessions } => stale(bar, *sessions),
        Kind::Unique { .. } => bar.before.first().filter(|(day, _)| *day == bar.session_date).map(|_| {
            format!("{} has more than one bar of {}; what came last is left out. Fetch that day again.", bar.symbol, bar.session_date)
        }),
        _ => None,
    }
}

/// The same close on so many sessions in a row, this one included.
fn stale(bar: &Bar, sessions: u32) -> Option<String> {
    let close = bar.close?;
    let alike = bar.before.iter().take_while(|(_, before)| *before == close).count();
    (alike + 1 >= sessions as usize).then(|| {
        let first = bar.before.get(alike.saturating_sub(1)).map_or(bar.session_date, |(day, _)| *day);
        let why = match bar.volume {
            Some(volume) if volume.is_zero() => "with no volume: it may be halted, or not be traded any more",
            None => "without any volume reported: look whether it is still traded",
            Some(_) => "though it was traded: the vendor may repeat an old price, so fetch these days again",
        };
        format!("{} has closed at {} since {first}, {why}.", bar.symbol, close.normalize())
    })
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
fn unexplained_jump(bar: &Bar, splits: &[Split], most: Decimal) -> Option<String> {
    let close = bar.close.filter(|close| *close > Decimal::ZERO)?;
    let known: Vec<_> = bar.before.iter().filter(|(_, before)| *before > Decimal::ZERO).take(2).collect();
    let (nearest_day, nearest) = **known.first()?;
    let expected = |day: NaiveDate, before: Decimal| before.checked_div(growth(splits, day, bar.session_date));
    let jumps =
        |(day, before): &&(NaiveDate, Decimal)| expected(*day, *before).is_none_or(|expected| (close - expected).abs() > most * expected);
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
    use super::{super::suite::named, *};

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
    fn jump(bar: &Bar, splits: &[Split]) -> Option<String> {
        compared(&named("jumps_are_explained").unwrap(), bar, splits)
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        let check = named("prices_are_in_range").unwrap();
        let table = [
            (["640", "630", "650", "645"], "the high 630 is below the low 650"),
            (["640", "650", "630", "651"], "the close 651 lies outside 630 to 650"),
            (["629", "650", "630", "645"], "the open 629 lies outside 630 to 650"),
        ];
        for (prices, expected) in table {
            assert!(reason(&check, &bar(prices)).contains(expected), "{prices:?}");
        }
    }

    #[test]
    fn the_same_close_on_many_sessions_is_stale() {
        let check = named("closes_move").unwrap();
        let mut still = bar(["645", "645", "645", "645"]);
        still.before = (2..=6).rev().map(|number| (day(&format!("2014-06-0{number}")), dec("645"))).collect();
        assert_eq!(
            compared(&check, &still, &[]).unwrap(),
            "AAPL has closed at 645 since 2014-06-02, though it was traded: the vendor may repeat an old price, so fetch these days again."
        );
        still.volume = Some(dec("0"));
        assert!(compared(&check, &still, &[]).unwrap().contains("halted"));
        still.before[3].1 = dec("644");
        assert_eq!(compared(&check, &still, &[]), None);
    }

    #[test]
    fn a_split_on_file_explains_a_jump() {
        assert_eq!(jump(&bar(["92", "94", "91", "93.70"]), &seven_for_one()), None);
        let reason = jump(&bar(["92", "94", "91", "93.70"]), &[]).unwrap();
        assert!(reason.contains("factor of 6.89") && reason.contains("a split of 7 for 1"), "{reason}");
    }

    #[test]
    fn prices_that_are_adjusted_already_give_themselves_away() {
        let reason = jump(&bar(["640", "650", "630", "645"]), &seven_for_one()).unwrap();
        assert!(reason.contains("split-adjusted already"), "{reason}");
    }

    #[test]
    fn a_reverse_split_is_suggested_too() {
        let reason = jump(&bar(["6400", "6500", "6400", "6460"]), &[]).unwrap();
        assert!(reason.contains("up by a factor of 10.01") && reason.contains("1 for 10"), "{reason}");
    }

    #[test]
    fn the_day_after_a_wrong_price_is_right() {
        let mut spike = bar(["640", "650", "630", "645"]);
        spike.before[0].1 = dec("6455.7");
        assert_eq!(jump(&spike, &[]), None, "the Friday was wrong, the Monday agrees with the Thursday");
        let mut crash = bar(["300", "310", "290", "300"]);
        crash.before[0].1 = dec("301");
        assert_eq!(jump(&crash, &[]), None, "the Friday fell, the Monday agrees with it");
        let mut gap = bar(["640", "650", "630", "645"]);
        gap.before[0].1 = dec("-1");
        assert_eq!(jump(&gap, &[]), None);
        gap.before.clear();
        assert_eq!(jump(&gap, &[]), None, "the first price has none to jump from");
    }
}
