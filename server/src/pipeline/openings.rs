//! Opening balances: what a broker reports and its history doesn't explain, at the first known day. Pure.
//!
//! A broker's history is often cut. Going back from today's report through every known transaction, splits divided out,
//! what is left must have been there before the first of them.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

/// What one transaction did to the account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Effect {
    pub(super) on: NaiveDate,
    /// In, positive; out, negative.
    pub(super) cash: Decimal,
    /// Shares of that day, signed; `None`: cash only.
    pub(super) shares: Option<(String, Decimal)>,
}

/// New shares per old, in force before the trades of its day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Split {
    pub(super) symbol: String,
    pub(super) on: NaiveDate,
    pub(super) factor: Decimal,
}

/// What the broker reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Report {
    pub(super) on: NaiveDate,
    pub(super) cash: Decimal,
    /// Symbol → shares and average price paid for one, where the broker says it.
    pub(super) positions: BTreeMap<String, (Decimal, Option<Decimal>)>,
}

/// One opening balance to propose. An empty symbol: cash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Opening {
    pub(super) symbol: String,
    pub(super) on: NaiveDate,
    pub(super) quantity: Option<Decimal>,
    /// Cash; or what was paid for the shares, `None` where the broker doesn't say.
    pub(super) amount: Option<Decimal>,
}

/// Half a cent may be rounded away on every transaction.
const ROUNDING: Decimal = Decimal::from_parts(5, 0, 0, false, 3);

/// Brokers keep up to nine decimals of a share; less than this is their rounding.
const LEAST_SHARES: Decimal = Decimal::from_parts(1, 0, 0, false, 6);

/// What must have been there at the first known day. A negative rest can't be owned: it is left to the reconciliation, which names it.
pub(super) fn openings(report: &Report, effects: &[Effect], splits: &[Split]) -> Vec<Opening> {
    let on = effects.iter().map(|effect| effect.on).min().unwrap_or(report.on).min(report.on);
    let mut openings = Vec::new();
    let rest = report.cash - effects.iter().map(|effect| effect.cash).sum::<Decimal>();
    let rounded_away = ROUNDING * Decimal::from(effects.len()) + ROUNDING;
    if rest > rounded_away {
        openings.push(Opening { symbol: String::new(), on, quantity: None, amount: Some(rest.round_dp(4)) });
    }
    let traded = effects.iter().filter_map(|effect| effect.shares.as_ref()).map(|(symbol, _)| symbol);
    let symbols: BTreeSet<&String> = report.positions.keys().chain(traded).collect();
    for symbol in symbols {
        let (reported, average) = report.positions.get(symbol).copied().unwrap_or_default();
        // In shares of the report's day.
        let explained: Decimal = effects
            .iter()
            .filter_map(|effect| Some((effect.on, effect.shares.as_ref().filter(|(of, _)| of == symbol)?.1)))
            .map(|(day, shares)| shares * growth(splits, symbol, day, report.on))
            .sum();
        let rest = reported - explained;
        let growth = growth(splits, symbol, on, report.on);
        let quantity = rest.checked_div(growth).unwrap_or(rest).round_dp(9);
        if quantity > LEAST_SHARES {
            let amount = average.map(|average| (average * rest).round_dp(4));
            openings.push(Opening { symbol: symbol.clone(), on, quantity: Some(quantity), amount });
        }
    }
    openings
}

/// Shares of `to` that one share of `from` (after its day's split) has become.
fn growth(splits: &[Split], symbol: &str, from: NaiveDate, to: NaiveDate) -> Decimal {
    splits.iter().filter(|split| split.symbol == symbol && split.on > from && split.on <= to).map(|split| split.factor).product()
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

    fn effect(on: &str, cash: &str, shares: Option<(&str, &str)>) -> Effect {
        Effect { on: day(on), cash: dec(cash), shares: shares.map(|(symbol, count)| (symbol.to_owned(), dec(count))) }
    }

    fn report(cash: &str, positions: &[(&str, &str, &str)]) -> Report {
        let positions = positions.iter().map(|(symbol, count, paid)| ((*symbol).to_owned(), (dec(count), paid.parse().ok()))).collect();
        Report { on: day("2014-12-31"), cash: dec(cash), positions }
    }

    /// 7:1, effective 2014-06-09.
    fn apple() -> Vec<Split> {
        vec![Split { symbol: "AAPL".into(), on: day("2014-06-09"), factor: dec("7") }]
    }

    #[test]
    fn a_whole_history_leaves_nothing_to_propose() {
        let effects = [effect("2014-01-02", "10000", None), effect("2014-01-03", "-5530", Some(("AAPL", "10")))];
        assert_eq!(openings(&report("4470", &[("AAPL", "70", "79")]), &effects, &apple()), []);
    }

    #[test]
    fn a_cut_history_is_explained_in_the_shares_of_its_first_day() {
        // Bought ten more before the split; the broker reports 140 after it: ten (of the old shares) were there before.
        let effects = [effect("2014-03-03", "-5300", Some(("AAPL", "10")))];
        let proposed = openings(&report("700", &[("AAPL", "140", "60")]), &effects, &apple());
        assert_eq!(proposed[0], Opening { symbol: String::new(), on: day("2014-03-03"), quantity: None, amount: Some(dec("6000")) });
        assert_eq!(proposed[1].quantity, Some(dec("10")));
        assert_eq!(proposed[1].amount, Some(dec("4200")), "70 of today's shares at the average price of 60");
    }

    #[test]
    fn shares_sold_without_a_purchase_were_there_before() {
        let effects = [effect("2014-07-01", "950", Some(("AAPL", "-10")))];
        let proposed = openings(&report("950", &[]), &effects, &apple());
        assert_eq!(
            proposed,
            [Opening { symbol: "AAPL".into(), on: day("2014-07-01"), quantity: Some(dec("10")), amount: None }]
                .map(|opening| Opening { amount: None, ..opening })
        );
    }

    #[test]
    fn without_any_history_the_report_is_the_opening() {
        let proposed = openings(&report("12.34", &[("BRK.A", "1", "")]), &[], &[]);
        assert_eq!(proposed.iter().map(|opening| opening.on).collect::<Vec<_>>(), [day("2014-12-31"); 2]);
        assert_eq!((proposed[0].amount, proposed[1].amount), (Some(dec("12.34")), None));
    }

    #[test]
    fn rounding_and_negative_rests_propose_nothing() {
        let effects = [effect("2014-01-02", "100", None), effect("2014-01-03", "-33.333", Some(("MSFT", "1")))];
        assert_eq!(openings(&report("66.67", &[("MSFT", "1.0000005", "")]), &effects, &[]), []);
        assert_eq!(openings(&report("10", &[("MSFT", "0.5", "")]), &effects, &[]), [], "less than explained");
    }
}
