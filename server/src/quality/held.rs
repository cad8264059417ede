//! What an account holds after its entries, corporate actions among them: counted through the days as the ledger books them. Pure.

use super::{
    entries::{Entry, LEAST_SHARES, Splits, splits_of},
    verdict::{Split, growth},
};
use app::analytics::ledger::SAME_SPLIT_DAYS;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Shares by symbol that the entries of one account leave, splits up to `on` applied.
pub(super) fn positions<'a>(entries: impl IntoIterator<Item = &'a Entry>, splits: &Splits, on: NaiveDate) -> BTreeMap<&'a str, Decimal> {
    let mut entries: Vec<&Entry> = entries.into_iter().collect();
    entries.sort_by_key(|entry| (entry.on, !entry.is_action()));
    let mut held = Held { splits, shares: BTreeMap::new() };
    for entry in entries {
        if entry.is_action() {
            held.act(entry);
        } else if let Some((symbol, shares)) = entry.moved() {
            held.add(symbol, entry.on, shares);
        }
    }
    let symbols: Vec<&str> = held.shares.keys().copied().collect();
    symbols.into_iter().map(|symbol| (symbol, held.on(symbol, on))).collect()
}

/// Shares by symbol on their way through the days, each with the day up to which listed splits are in.
struct Held<'a, 's> {
    splits: &'s Splits,
    shares: BTreeMap<&'a str, (NaiveDate, Decimal)>,
}

impl<'a> Held<'a, '_> {
    /// What is held of a symbol in the shares of a day.
    fn on(&mut self, symbol: &'a str, day: NaiveDate) -> Decimal {
        let (through, shares) = self.shares.entry(symbol).or_insert((day, Decimal::ZERO));
        if *through < day {
            *shares = shares.checked_mul(growth(splits_of(self.splits, symbol), *through, day)).unwrap_or(*shares);
            *through = day;
        }
        *shares
    }

    fn add(&mut self, symbol: &'a str, day: NaiveDate, more: Decimal) {
        let shares = self.on(symbol, day);
        self.shares.insert(symbol, (day, shares.checked_add(more).unwrap_or(shares)));
    }

    /// What a corporate action does, as the ledger books it.
    fn act(&mut self, entry: &'a Entry) {
        let (Some(symbol), day) = (entry.symbol.as_deref(), entry.on) else { return };
        let shares = self.on(symbol, day);
        let times = |ratio: Option<Decimal>, shares: Decimal| ratio.and_then(|ratio| shares.checked_mul(ratio));
        let whole = |shares: Decimal| if entry.is_rounded { shares.trunc() } else { shares };
        match (entry.kind.as_deref(), entry.counter_symbol.as_deref()) {
            (Some("split"), _) if !self.is_listed(symbol, entry) => {
                let grown = times(entry.ratio, shares).map_or(shares, whole);
                self.add(symbol, day, grown - shares);
            }
            (Some("stock_dividend"), _) => {
                let came = entry.shares.or(times(entry.ratio, shares)).unwrap_or_default();
                self.add(symbol, day, whole(shares + came) - shares);
            }
            (Some("spin_off"), Some(other)) => {
                let came = entry.shares.or(times(entry.ratio, shares)).unwrap_or_default();
                self.add(other, day, whole(came));
            }
            (Some("merger"), other) => {
                let gone = entry.shares.unwrap_or(shares);
                self.add(symbol, day, -gone);
                if let (Some(other), Some(came)) = (other, times(entry.ratio, gone)) {
                    self.add(other, day, came);
                }
            }
            (Some("symbol_change"), Some(other)) => {
                self.add(symbol, day, -shares);
                self.add(other, day, times(entry.ratio, shares).unwrap_or(shares));
            }
            _ => {}
        }
    }

    /// A split that the vendor lists, too, is the same one.
    fn is_listed(&self, symbol: &str, entry: &Entry) -> bool {
        let same = |split: &Split| {
            (split.execution_date - entry.on).num_days().abs() <= SAME_SPLIT_DAYS
                && entry.ratio.and_then(|ratio| ratio.checked_mul(split.from)).is_some_and(|to| (to - split.to).abs() < LEAST_SHARES)
        };
        splits_of(self.splits, symbol).iter().any(same)
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::entries::tests::{day, dec, splits, trade},
        *,
    };

    fn action(kind: &str, on: &str, ratio: Option<&str>, other: Option<&str>) -> Entry {
        let (shares, price) = (None, None);
        let (ratio, counter_symbol) = (ratio.map(dec), other.map(str::to_owned));
        Entry {
            kind: Some(kind.into()),
            shares,
            price,
            cash: 0.into(),
            ratio,
            counter_symbol,
            source: "hand".into(),
            ..trade(kind, on, "1", "1")
        }
    }

    #[test]
    fn corporate_actions_move_shares_in_the_order_of_their_days() {
        let held = |actions: &[Entry]| {
            let mut entries = vec![trade("b", "2014-05-02", "10", "640"), trade("c", "2014-06-20", "-1", "90")];
            entries.extend_from_slice(actions);
            let found = positions(&entries, &splits(), day("2014-12-31"));
            found.into_iter().map(|(symbol, shares)| format!("{symbol} {}", shares.normalize())).collect::<Vec<_>>().join(", ")
        };
        assert_eq!(held(&[]), "AAPL 69");
        assert_eq!(held(&[action("split", "2014-06-06", Some("7"), None)]), "AAPL 69", "the listed one");
        assert_eq!(held(&[action("split", "2014-08-01", Some("2"), None)]), "AAPL 138");
        assert_eq!(held(&[action("stock_dividend", "2014-06-20", Some("0.1"), None)]), "AAPL 76", "before the day's trades");
        assert_eq!(held(&[action("spin_off", "2014-07-01", Some("0.5"), Some("NEW"))]), "AAPL 69, NEW 34.5");
        let paid = Entry { is_rounded: true, ..action("spin_off", "2014-07-01", Some("0.5"), Some("NEW")) };
        assert_eq!(held(&[paid]), "AAPL 69, NEW 34");
        assert_eq!(held(&[action("merger", "2014-07-01", Some("3"), Some("NEW"))]), "AAPL 0, NEW 207");
        assert_eq!(held(&[action("symbol_change", "2014-07-01", None, Some("NEW"))]), "AAPL 0, NEW 69");
    }
}
