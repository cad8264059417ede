//! What every known entry did to shares and cash, and what follows: what is held, what agrees with the broker, what is
//! there twice. Pure.

use super::verdict::{Split, growth};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, BTreeSet};

/// An activity of the broker or a transaction that a person entered; see `entries.sql`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub portfolio_id: i64,
    pub account_id: i64,
    pub key: String,
    /// broker, hand, csv, opening.
    pub source: String,
    /// The broker's name of the type.
    pub named: String,
    /// Ours; `None`: not known, so it isn't booked.
    pub kind: Option<String>,
    pub on: NaiveDate,
    pub symbol: Option<String>,
    /// Of that day, signed.
    pub shares: Option<Decimal>,
    pub price: Option<Decimal>,
    /// Signed.
    pub cash: Decimal,
    pub currency: String,
    /// The broker's order and how much of it is filled: no two fills have the same.
    pub fill: Option<String>,
}

impl Entry {
    pub fn account(&self) -> (i64, i64) {
        (self.portfolio_id, self.account_id)
    }

    /// Shares of which symbol came or went, where any did.
    fn moved(&self) -> Option<(&str, Decimal)> {
        self.kind.as_ref()?;
        Some((self.symbol.as_deref()?, self.shares.filter(|shares| !shares.is_zero())?))
    }
}

/// Less is a broker's rounding of fractional shares.
const LEAST_SHARES: Decimal = Decimal::from_parts(1, 0, 0, false, 6);
/// "To the cent".
const CENT: Decimal = Decimal::from_parts(1, 0, 0, false, 2);
/// A broker may count a split some days before the session on which it is in force here.
const SPLIT_AHEAD_DAYS: u64 = 4;

/// Splits by symbol.
pub type Splits = BTreeMap<String, Vec<Split>>;

fn splits_of<'a>(splits: &'a Splits, symbol: &str) -> &'a [Split] {
    splits.get(symbol).map_or(&[], Vec::as_slice)
}

/// Shares by symbol that the entries of one account leave, splits up to `on` applied.
pub(super) fn positions<'a>(entries: impl IntoIterator<Item = &'a Entry>, splits: &Splits, on: NaiveDate) -> BTreeMap<&'a str, Decimal> {
    let mut positions: BTreeMap<&str, Decimal> = BTreeMap::new();
    for entry in entries {
        if let Some((symbol, shares)) = entry.moved() {
            let grown = shares.checked_mul(growth(splits_of(splits, symbol), entry.on, on)).unwrap_or(shares);
            let held = positions.entry(symbol).or_default();
            *held = held.checked_add(grown).unwrap_or(*held);
        }
    }
    positions
}

/// From the first to the last day on which any account held a symbol, up to `session`.
pub fn held_spans(entries: &[Entry], splits: &Splits, session: NaiveDate) -> BTreeMap<String, (NaiveDate, NaiveDate)> {
    let known: Vec<_> = entries.iter().filter(|entry| entry.on <= session).collect();
    let mut accounts: BTreeMap<(i64, i64), Vec<&Entry>> = BTreeMap::new();
    let mut spans: BTreeMap<String, (NaiveDate, NaiveDate)> = BTreeMap::new();
    for entry in known {
        accounts.entry(entry.account()).or_default().push(entry);
        if let Some((symbol, _)) = entry.moved() {
            let span = spans.entry(symbol.to_owned()).or_insert((entry.on, entry.on));
            *span = (span.0.min(entry.on), span.1.max(entry.on));
        }
    }
    for entries in accounts.values() {
        for (symbol, shares) in positions(entries.iter().copied(), splits, session) {
            if let Some(span) = spans.get_mut(symbol).filter(|_| shares.abs() > LEAST_SHARES) {
                span.1 = session;
            }
        }
    }
    spans
}

/// What a broker reported last of one account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    pub portfolio_id: i64,
    pub account_id: i64,
    /// The last completed session when it was asked.
    pub session_date: NaiveDate,
    /// The day on which it was asked: what came later isn't in the report.
    pub asked_on: NaiveDate,
    pub cash: Decimal,
    /// `None`: positions were never fetched.
    pub positions: Option<BTreeMap<String, Decimal>>,
}

impl Report {
    fn covers(&self, entry: &Entry) -> bool {
        entry.account() == (self.portfolio_id, self.account_id) && entry.on <= self.asked_on.max(self.session_date)
    }
}

/// Something that the broker reports otherwise than the transactions say. An empty symbol: cash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub account_id: i64,
    pub symbol: String,
    pub derived: Decimal,
    pub reported: Decimal,
}

/// Positions of an account that differ from the report, by symbol.
pub fn position_differences(entries: &[Entry], splits: &Splits, report: &Report) -> Vec<Difference> {
    let Some(reported) = &report.positions else { return Vec::new() };
    let of_account = || entries.iter().filter(|entry| report.covers(entry));
    let derived = positions(of_account(), splits, report.session_date);
    let ahead = positions(of_account(), splits, report.session_date + chrono::Days::new(SPLIT_AHEAD_DAYS));
    let symbols: BTreeSet<&str> = derived.keys().copied().chain(reported.keys().map(String::as_str)).collect();
    let differs = |symbol: &&str| {
        let reported = reported.get(*symbol).copied().unwrap_or_default();
        let off = |derived: &BTreeMap<&str, Decimal>| (derived.get(symbol).copied().unwrap_or_default() - reported).abs() > LEAST_SHARES;
        off(&derived) && off(&ahead)
    };
    let difference = |symbol: &str| Difference {
        account_id: report.account_id,
        symbol: symbol.to_owned(),
        derived: derived.get(symbol).copied().unwrap_or_default(),
        reported: reported.get(symbol).copied().unwrap_or_default(),
    };
    symbols.into_iter().filter(differs).map(difference).collect()
}

/// The account's cash, where it differs from the report by a cent or more.
pub fn cash_difference(entries: &[Entry], report: &Report) -> Option<Difference> {
    let of_account = entries.iter().filter(|entry| report.covers(entry));
    let derived = of_account.fold(Decimal::ZERO, |sum, entry| sum.checked_add(entry.cash).unwrap_or(sum));
    let (account_id, reported) = (report.account_id, report.cash);
    ((derived - reported).abs() >= CENT).then(|| Difference { account_id, symbol: String::new(), derived, reported })
}

/// Entries that are there twice: the same from two sources, or one fill under two ids.
pub fn duplicates(entries: &[Entry]) -> Vec<Vec<&Entry>> {
    let mut alike: BTreeMap<_, Vec<&Entry>> = BTreeMap::new();
    let mut fills: BTreeMap<_, Vec<&Entry>> = BTreeMap::new();
    for entry in entries.iter().filter(|entry| entry.kind.is_some()) {
        // Of trades the price must agree too; the fee may be missing in one of the two.
        let amount = if entry.moved().is_some() { entry.price } else { Some(entry.cash) };
        let what = (entry.account(), entry.on, &entry.kind, &entry.symbol, entry.shares, amount);
        alike.entry(what).or_default().push(entry);
        if let Some(fill) = &entry.fill {
            fills.entry((entry.account(), fill)).or_default().push(entry);
        }
    }
    let from_two_sources = alike.into_values().filter(|group| {
        let sources: BTreeSet<_> = group.iter().map(|entry| &entry.source).collect();
        sources.len() > 1
    });
    from_two_sources.chain(fills.into_values().filter(|group| group.len() > 1)).collect()
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
    fn trade(key: &str, on: &str, shares: &str, price: &str) -> Entry {
        let (shares, price) = (dec(shares), dec(price));
        Entry {
            portfolio_id: 1,
            account_id: 2,
            key: key.into(),
            source: "broker".into(),
            named: "FILL".into(),
            kind: Some(if shares > Decimal::ZERO { "buy" } else { "sell" }.into()),
            on: day(on),
            symbol: Some("AAPL".into()),
            shares: Some(shares),
            price: Some(price),
            cash: -shares * price,
            currency: "USD".into(),
            fill: None,
        }
    }
    fn splits() -> Splits {
        let split = Split { symbol: "AAPL".into(), execution_date: day("2014-06-09"), from: dec("1"), to: dec("7") };
        Splits::from([("AAPL".into(), vec![split])])
    }
    fn report(on: &str, cash: &str, shares: &str) -> Report {
        let positions = Some(BTreeMap::from([("AAPL".to_owned(), dec(shares))]));
        Report { portfolio_id: 1, account_id: 2, session_date: day(on), asked_on: day(on), cash: dec(cash), positions }
    }

    #[test]
    fn shares_grow_by_splits_after_their_purchase() {
        let entries = [trade("a", "2014-06-06", "10", "645.57"), trade("b", "2014-06-09", "-7", "93.70")];
        assert_eq!(position_differences(&entries, &splits(), &report("2014-12-31", "0", "63")), []);
        let found = position_differences(&entries, &splits(), &report("2014-12-31", "0", "3"));
        assert_eq!((found[0].derived, found[0].reported), (dec("63"), dec("3")));
    }

    #[test]
    fn a_split_that_the_broker_counts_before_its_session_is_no_difference() {
        let entries = [trade("a", "2014-06-03", "10", "640")];
        for shares in ["10", "70"] {
            assert_eq!(position_differences(&entries, &splits(), &report("2014-06-06", "0", shares)), [], "{shares}");
        }
        assert_eq!(position_differences(&entries, &splits(), &report("2014-06-04", "0", "70")).len(), 1);
    }

    #[test]
    fn a_position_that_only_one_side_knows_differs() {
        assert_eq!(position_differences(&[], &splits(), &report("2014-06-06", "0", "1"))[0].derived, Decimal::ZERO);
        let sold_out = Report { positions: Some(BTreeMap::new()), ..report("2014-06-06", "0", "1") };
        assert_eq!(position_differences(&[trade("a", "2014-06-03", "1", "1")], &splits(), &sold_out)[0].reported, Decimal::ZERO);
        let never_fetched = Report { positions: None, ..sold_out };
        assert_eq!(position_differences(&[trade("a", "2014-06-03", "1", "1")], &splits(), &never_fetched), []);
    }

    #[test]
    fn what_came_after_the_report_isnt_in_it() {
        let entries = [trade("a", "2014-06-03", "10", "1"), trade("b", "2014-06-10", "5", "1")];
        assert_eq!(position_differences(&entries, &Splits::new(), &report("2014-06-06", "-10", "10")), []);
        assert_eq!(cash_difference(&entries, &report("2014-06-06", "-10", "10")), None);
        assert!(cash_difference(&entries, &report("2014-06-10", "-10", "10")).is_some());
    }

    #[test]
    fn cash_agrees_to_the_cent() {
        let entries = [trade("a", "2014-06-03", "-3", "33.333")];
        assert_eq!(cash_difference(&entries, &report("2014-06-06", "100.00", "0")), None);
        assert_eq!(cash_difference(&entries, &report("2014-06-06", "100.01", "0")).unwrap().derived, dec("99.999"));
    }

    #[test]
    fn what_is_held_has_a_first_and_a_last_day() {
        let entries = [trade("a", "2014-06-03", "10", "640"), trade("b", "2014-06-10", "-70", "94")];
        let span = |session: &str| held_spans(&entries, &splits(), day(session)).get("AAPL").copied();
        assert_eq!(span("2014-06-09"), Some((day("2014-06-03"), day("2014-06-09"))));
        assert_eq!(span("2014-12-31"), Some((day("2014-06-03"), day("2014-06-10"))));
        assert_eq!(span("2014-06-02"), None);
    }

    #[test]
    fn the_same_trade_from_two_sources_is_twice_and_two_fills_are_not() {
        let by_hand = |price| Entry { source: "hand".into(), ..trade("book:1", "2014-06-03", "10", price) };
        let broker = trade("a", "2014-06-03", "10", "640");
        assert_eq!(duplicates(&[broker.clone(), by_hand("640")]).len(), 1);
        assert!(duplicates(&[broker.clone(), by_hand("641")]).is_empty());
        assert!(duplicates(&[broker.clone(), trade("b", "2014-06-03", "10", "640")]).is_empty(), "orders are filled in equal parts");
        let fill = |key, filled: &str| Entry { fill: Some(filled.into()), ..trade(key, "2014-06-03", "10", "640") };
        assert_eq!(duplicates(&[fill("a", "order 10"), fill("b", "order 10")]).len(), 1);
        assert!(duplicates(&[fill("a", "order 10"), fill("b", "order 20")]).is_empty());
    }
}
