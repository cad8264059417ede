//! What every known entry did to shares and cash, and what follows: what is held, what agrees with the broker, what is
//! there twice. Pure.

use super::{held::positions, verdict::Split};
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
    /// Of a corporate action: shares for one share.
    pub ratio: Option<Decimal>,
    /// What it leads to.
    pub counter_symbol: Option<String>,
    /// Its fraction of a share was paid out.
    pub is_rounded: bool,
}

impl Entry {
    pub fn account(&self) -> (i64, i64) {
        (self.portfolio_id, self.account_id)
    }

    /// Something that a company did with its shares; the ledger books these before the session's trades.
    pub(super) fn is_action(&self) -> bool {
        matches!(self.kind.as_deref(), Some("split" | "stock_dividend" | "spin_off" | "merger" | "symbol_change"))
    }

    /// Shares of which symbol came or went, where any did by themselves.
    pub(super) fn moved(&self) -> Option<(&str, Decimal)> {
        self.kind.as_ref().filter(|_| !self.is_action())?;
        Some((self.symbol.as_deref()?, self.shares.filter(|shares| !shares.is_zero())?))
    }

    /// The symbols whose holding it changes.
    fn touched(&self) -> impl Iterator<Item = &str> {
        let own = self.symbol.as_deref().filter(|_| self.is_action() || self.moved().is_some());
        own.into_iter().chain(self.counter_symbol.as_deref().filter(|_| self.is_action()))
    }
}

/// Less is a broker's rounding of fractional shares.
pub(super) const LEAST_SHARES: Decimal = Decimal::from_parts(1, 0, 0, false, 6);
/// "To the cent".
const CENT: Decimal = Decimal::from_parts(1, 0, 0, false, 2);
/// A broker may count a split some days before the session on which it is in force here.
const SPLIT_AHEAD_DAYS: u64 = 4;

/// Splits by symbol.
pub type Splits = BTreeMap<String, Vec<Split>>;

pub(super) fn splits_of<'a>(splits: &'a Splits, symbol: &str) -> &'a [Split] {
    splits.get(symbol).map_or(&[], Vec::as_slice)
}

/// From the first to the last day on which any account held a symbol, up to `session`.
pub fn held_spans(entries: &[Entry], splits: &Splits, session: NaiveDate) -> BTreeMap<String, (NaiveDate, NaiveDate)> {
    let known: Vec<_> = entries.iter().filter(|entry| entry.on <= session).collect();
    let mut accounts: BTreeMap<(i64, i64), Vec<&Entry>> = BTreeMap::new();
    let mut spans: BTreeMap<String, (NaiveDate, NaiveDate)> = BTreeMap::new();
    for entry in known {
        accounts.entry(entry.account()).or_default().push(entry);
        for symbol in entry.touched() {
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
    /// Of the cash.
    pub currency: String,
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

/// The account's cash, where it differs from the report by a cent or more. What is in another currency isn't in the reported cash.
pub fn cash_difference(entries: &[Entry], report: &Report) -> Option<Difference> {
    let of_account = entries.iter().filter(|entry| report.covers(entry) && entry.currency.eq_ignore_ascii_case(&report.currency));
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
pub(super) mod tests {
    use super::*;

    pub(in crate::quality) fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }
    pub(in crate::quality) fn dec(text: &str) -> Decimal {
        text.parse().unwrap()
    }
    pub(in crate::quality) fn trade(key: &str, on: &str, shares: &str, price: &str) -> Entry {
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
            ratio: None,
            counter_symbol: None,
            is_rounded: false,
        }
    }
    pub(in crate::quality) fn splits() -> Splits {
        let split = Split { symbol: "AAPL".into(), execution_date: day("2014-06-09"), from: dec("1"), to: dec("7") };
        Splits::from([("AAPL".into(), vec![split])])
    }
    fn report(on: &str, cash: &str, shares: &str) -> Report {
        let positions = Some(BTreeMap::from([("AAPL".to_owned(), dec(shares))]));
        Report {
            portfolio_id: 1,
            account_id: 2,
            session_date: day(on),
            asked_on: day(on),
            cash: dec(cash),
            currency: "USD".into(),
            positions,
        }
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
    fn cash_in_another_currency_is_not_in_the_report() {
        let euros = Entry { currency: "EUR".into(), ..trade("b", "2014-06-03", "-3", "33") };
        let entries = [trade("a", "2014-06-03", "-3", "33"), euros];
        assert_eq!(cash_difference(&entries, &report("2014-06-06", "99", "0")), None);
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
