//! Checks of transactions, and of what the broker reports against them: one result a portfolio, passing or not.

use super::{
    check::{Check, CheckError},
    entries::{Difference, Entry, Report, Splits, cash_difference, duplicates, position_differences},
    outcome::Outcome,
    suite::named,
};
use app::domain::Currency;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// The checks that are made here, one portfolio at a time.
pub const OF_BOOKS: [&str; 5] =
    ["activities_are_known", "currencies_agree", "transactions_are_unique", "positions_reconcile", "cash_reconciles"];

/// What is on file of all portfolios.
#[derive(Debug, Default)]
pub struct Books {
    pub entries: Vec<Entry>,
    pub reports: Vec<Report>,
    pub splits: Splits,
    /// The first day with a rate to the dollar, by currency.
    pub rates_since: BTreeMap<String, NaiveDate>,
    /// Base currency by portfolio.
    pub currencies: BTreeMap<i64, String>,
    /// Accounts whose opening balances wait for the person's decision.
    pub undecided: BTreeSet<(i64, i64)>,
    /// Since which session a difference is known: check, portfolio, account, symbol (empty: cash).
    pub known_since: BTreeMap<(String, i64, i64, String), NaiveDate>,
}

/// All checks of all portfolios that have entries or a broker.
///
/// # Errors
/// When the suite lacks one of the checks that are made here.
pub fn checked(books: &Books, session: NaiveDate) -> Result<Vec<Outcome>, CheckError> {
    let [known, agree, unique, positions, cash] = OF_BOOKS.map(named);
    let (known, agree, unique, reconcile) = (known?, agree?, unique?, [positions?, cash?]);
    let portfolios: BTreeSet<i64> =
        books.entries.iter().map(|entry| entry.portfolio_id).chain(books.reports.iter().map(|report| report.portfolio_id)).collect();
    let mut by_portfolio: BTreeMap<i64, Vec<Entry>> = BTreeMap::new();
    for entry in &books.entries {
        by_portfolio.entry(entry.portfolio_id).or_default().push(entry.clone());
    }
    let mut outcomes = Vec::new();
    for portfolio in portfolios {
        let entries = by_portfolio.remove(&portfolio).unwrap_or_default();
        outcomes.push(unknown(&known, portfolio, &entries));
        outcomes.push(foreign(&agree, portfolio, &entries, books));
        outcomes.push(twice(&unique, portfolio, &entries));
        let reports: Vec<&Report> = books.reports.iter().filter(|report| report.portfolio_id == portfolio).collect();
        if !reports.is_empty() {
            outcomes.extend(reconciled(&reconcile, books, portfolio, &entries, &reports, session));
        }
    }
    Ok(outcomes)
}

/// A person's own comparison with the broker, one result a portfolio that has one.
pub fn reconciled_by(check: &Arc<Check>, of_cash: bool, books: &Books, session: NaiveDate) -> Vec<Outcome> {
    let portfolios: BTreeSet<i64> = books.reports.iter().map(|report| report.portfolio_id).collect();
    let both = [Arc::clone(check), Arc::clone(check)];
    let of = |portfolio: i64| {
        let entries: Vec<Entry> = books.entries.iter().filter(|entry| entry.portfolio_id == portfolio).cloned().collect();
        let reports: Vec<&Report> = books.reports.iter().filter(|report| report.portfolio_id == portfolio).collect();
        let [positions, cash] = reconciled(&both, books, portfolio, &entries, &reports, session);
        if of_cash { cash } else { positions }
    };
    portfolios.into_iter().map(of).collect()
}

fn outcome(rule: &Arc<Check>, portfolio: i64, elements: usize, failures: &[(Value, String)]) -> Outcome {
    if failures.is_empty() {
        Outcome::passing(rule, portfolio, elements as u64)
    } else {
        Outcome::failing(rule, portfolio, elements as u64, failures)
    }
}

fn sample(entry: &Entry) -> Value {
    json!({ "account": entry.account_id, "key": entry.key, "type": entry.named, "date": entry.on, "symbol": entry.symbol })
}

/// What a broker's activity is that isn't booked, and what to enter instead: it doesn't say enough by itself.
fn unknown_type(entry: &Entry) -> String {
    let symbol = entry.symbol.as_deref().unwrap_or("the symbol");
    let (what, enter) = match entry.named.as_str() {
        "SPLIT" | "SSP" => (
            "a split that no vendor lists",
            format!("enter a split of {symbol} with its ratio (new shares for one old), on the first day of trading in new shares"),
        ),
        "SPIN" | "SSO" => (
            "a spin-off",
            format!(
                "enter a spin-off: the parent as the symbol, {symbol} as the other symbol, the shares that came, and the part of the cost that goes along (the company's Form 8937 says it)"
            ),
        ),
        "MA" | "REORG" => (
            "a merger or reorganization",
            format!("enter a merger of {symbol}: the other symbol with its ratio, the cash as the amount, or both"),
        ),
        "NC" | "SC" => (
            "a new name, of which this is one half",
            format!("enter a symbol change from the old symbol to the new one ({symbol} is one of the two)"),
        ),
        "CIL" => (
            "cash for a fraction of a share",
            format!("enter it as the amount of the split, spin-off or merger of {symbol} from which the fraction came"),
        ),
        named if named.starts_with("OP") => (
            "an option's",
            "options aren't kept here; enter a deposit or withdrawal for the cash that it moved, and trades for the shares".to_owned(),
        ),
        "FXTRD" | "FXCNV" => {
            ("an exchange of currencies", "enter a withdrawal of the one currency and a deposit of the other, on the same day".to_owned())
        }
        _ => ("not known here", "enter by hand what it did, if it moved cash or shares".to_owned()),
    };
    format!("The broker's activity of {} is of the type {} ({what}), which isn't booked; {enter}.", entry.on, entry.named)
}

fn unknown(check: &Arc<Check>, portfolio: i64, entries: &[Entry]) -> Outcome {
    let failures: Vec<_> = entries.iter().filter(|entry| entry.kind.is_none()).map(|entry| (sample(entry), unknown_type(entry))).collect();
    outcome(check, portfolio, entries.len(), &failures)
}

/// Amounts in a currency that can't be exchanged on their day: what they are worth is unknown.
fn foreign(check: &Arc<Check>, portfolio: i64, entries: &[Entry], books: &Books) -> Outcome {
    let base = books.currencies.get(&portfolio).map_or("USD", String::as_str);
    let has_rate = |currency: &str, on: NaiveDate| currency == "USD" || books.rates_since.get(currency).is_some_and(|since| *since <= on);
    let failures: Vec<_> = entries
        .iter()
        .filter(|entry| entry.kind.is_some())
        .filter_map(|entry| {
            let currency =
                Currency::parse(&entry.currency).map_or_else(|_| entry.currency.clone(), |currency| currency.major().to_string());
            let is_known = currency == base || (has_rate(&currency, entry.on) && has_rate(base, entry.on));
            let reason = format!(
                "The entry of {} is in {}, and there is no rate {currency}/{base} before that day: what it is worth isn't known. Fetch the \
                 prices again, or correct the currency.",
                entry.on, entry.currency
            );
            (!is_known).then(|| (sample(entry), reason))
        })
        .collect();
    outcome(check, portfolio, entries.len(), &failures)
}

pub fn twice(check: &Arc<Check>, portfolio: i64, entries: &[Entry]) -> Outcome {
    let groups = duplicates(entries);
    let failures: Vec<_> = groups
        .iter()
        .filter_map(|group| {
            let first = group.first()?;
            let keys: Vec<&str> = group.iter().map(|entry| entry.key.as_str()).collect();
            let what = first.symbol.as_deref().map_or_else(String::new, |symbol| format!(" of {symbol}"));
            let kind = first.kind.as_deref().unwrap_or("entry").replace('_', " ");
            let reason = format!(
                "The {kind}{what} on {} is on file {} times ({}); delete the one that is too many.",
                first.on,
                group.len(),
                keys.join(", ")
            );
            let sample = json!({ "account": first.account_id, "keys": keys, "date": first.on, "symbol": first.symbol });
            Some((sample, reason))
        })
        .collect();
    outcome(check, portfolio, entries.len(), &failures)
}

fn reconciled(
    [of_positions, of_cash]: &[Arc<Check>; 2],
    books: &Books,
    portfolio: i64,
    entries: &[Entry],
    reports: &[&Report],
    session: NaiveDate,
) -> [Outcome; 2] {
    let mut repairs = [Vec::new(), Vec::new()];
    let (mut positions, mut cash) = (Vec::new(), Vec::new());
    let mut compared = 0;
    for report in reports {
        compared += report.positions.as_ref().map_or(0, BTreeMap::len);
        let differences = position_differences(entries, &books.splits, report);
        positions.extend(differences.iter().map(|found| said(books, of_positions, portfolio, found, session)));
        let difference = cash_difference(entries, report);
        repairs[0].extend(differences.iter().map(|found| transaction(portfolio, found, report.session_date)));
        repairs[1].extend(difference.iter().map(|found| transaction(portfolio, found, report.session_date)));
        cash.extend(difference.iter().map(|found| said(books, of_cash, portfolio, found, session)));
    }
    let [repair_positions, repair_cash] = repairs;
    [
        Outcome { repairs: repair_positions, ..outcome(of_positions, portfolio, compared, &positions) },
        Outcome { repairs: repair_cash, ..outcome(of_cash, portfolio, reports.len(), &cash) },
    ]
}

/// A difference in words, with the session on which it was seen first.
fn said(books: &Books, rule: &Check, portfolio: i64, found: &Difference, session: NaiveDate) -> (Value, String) {
    let key = (rule.name.clone(), portfolio, found.account_id, found.symbol.clone());
    let since = books.known_since.get(&key).copied().unwrap_or(session);
    let (reported, derived, difference) =
        (money_or_shares(found, found.reported), money_or_shares(found, found.derived), found.reported - found.derived);
    let what = if found.symbol.is_empty() { "cash" } else { "shares" };
    let name = if found.symbol.is_empty() { String::new() } else { format!("{}: ", found.symbol) };
    let advice = if books.undecided.contains(&(portfolio, found.account_id)) {
        "confirm the proposed opening balances"
    } else {
        "enter what is missing, or correct what is wrong"
    };
    let reason = format!(
        "{name}The broker reports {reported} {what}, the transactions explain {derived} (difference {}, since {since}); {advice}.",
        money_or_shares(found, difference)
    );
    let sample = json!({
        "account": found.account_id, "symbol": found.symbol, "reported": found.reported, "derived": found.derived,
        "difference": difference, "since": since,
    });
    (sample, reason)
}

/// The entry that would close a difference, to be looked at and completed by the person.
fn transaction(portfolio: i64, found: &Difference, on: NaiveDate) -> Value {
    let missing = found.reported - found.derived;
    let kind = match (found.symbol.is_empty(), missing.is_sign_negative()) {
        (true, false) => "deposit",
        (true, true) => "withdrawal",
        (false, false) => "transfer_in",
        (false, true) => "transfer_out",
    };
    let symbol = (!found.symbol.is_empty()).then_some(&found.symbol);
    let (quantity, amount) = if symbol.is_some() { (Some(missing.abs()), None) } else { (None, Some(missing.abs())) };
    json!({
        "kind": "transaction", "portfolio": portfolio, "account": found.account_id, "type": kind, "symbol": symbol,
        "quantity": quantity, "amount": amount, "traded_on": on,
    })
}

fn money_or_shares(found: &Difference, number: Decimal) -> String {
    if found.symbol.is_empty() { format!("{:.2}", number) } else { number.normalize().to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }
    fn deposit(key: &str, source: &str, kind: Option<&str>) -> Entry {
        Entry {
            portfolio_id: 1,
            account_id: 2,
            key: key.into(),
            source: source.into(),
            named: "CSD".into(),
            kind: kind.map(str::to_owned),
            on: day("2026-11-19"),
            symbol: None,
            shares: None,
            price: None,
            cash: 100.into(),
            currency: "USD".into(),
            fill: None,
            ratio: None,
            counter_symbol: None,
            is_rounded: false,
        }
    }
    fn failing(books: &Books) -> Vec<(String, String)> {
        let failing = checked(books, day("2026-11-20")).unwrap().into_iter().filter(|outcome| !outcome.passed);
        failing.map(|outcome| (outcome.check.name.clone(), outcome.message)).collect()
    }
    fn broker(cash: i64) -> Report {
        Report {
            portfolio_id: 1,
            account_id: 2,
            session_date: day("2026-11-20"),
            asked_on: day("2026-11-20"),
            cash: cash.into(),
            currency: "USD".into(),
            positions: Some(BTreeMap::new()),
        }
    }

    #[test]
    fn clean_books_pass_every_check() {
        let books = Books { entries: vec![deposit("a", "broker", Some("deposit"))], reports: vec![broker(100)], ..Books::default() };
        let outcomes = checked(&books, day("2026-11-20")).unwrap();
        assert_eq!(outcomes.len(), 5);
        assert!(outcomes.iter().all(|outcome| outcome.passed && outcome.portfolio_id == 1));
        assert_eq!(checked(&Books::default(), day("2026-11-20")).unwrap(), []);
    }

    #[test]
    fn an_unknown_type_is_listed_and_not_dropped() {
        let entries = vec![Entry { cash: 0.into(), named: "SPIN".into(), ..deposit("a", "broker", None) }];
        let found = failing(&Books { entries, ..Books::default() });
        assert_eq!(found[0].0, "activities_are_known");
        assert!(found[0].1.contains("SPIN"));
    }

    #[test]
    fn what_is_not_booked_says_what_to_enter() {
        let said = |named: &str| unknown_type(&Entry { named: named.into(), symbol: Some("GE".into()), ..deposit("a", "broker", None) });
        for (named, words) in [
            ("SPLIT", "enter a split of GE with its ratio"),
            ("SPIN", "the part of the cost that goes along"),
            ("MA", "enter a merger of GE"),
            ("NC", "from the old symbol to the new one (GE is one of the two)"),
            ("CIL", "as the amount of the split, spin-off or merger of GE"),
            ("OPEXP", "options aren't kept here"),
            ("FXCNV", "a deposit of the other"),
            ("CORR", "enter by hand what it did"),
        ] {
            assert!(said(named).contains(words), "{}", said(named));
        }
    }

    #[test]
    fn a_deposit_from_the_broker_and_by_hand_is_twice() {
        let entries = vec![deposit("a", "broker", Some("deposit")), deposit("book:1", "hand", Some("deposit"))];
        let found = failing(&Books { entries, ..Books::default() });
        assert_eq!(found[0].1, "The deposit on 2026-11-19 is on file 2 times (a, book:1); delete the one that is too many.");
    }

    #[test]
    fn another_currency_is_said() {
        let entries = vec![Entry { currency: "EUR".into(), ..deposit("a", "broker", Some("deposit")) }];
        assert_eq!(failing(&Books { entries: entries.clone(), ..Books::default() })[0].0, "currencies_agree");
        let rates_since = BTreeMap::from([("EUR".to_owned(), day("2026-01-02"))]);
        assert_eq!(failing(&Books { entries, rates_since, ..Books::default() }), []);
    }

    #[test]
    fn a_difference_in_cash_keeps_its_first_day() {
        let mut books = Books { entries: vec![deposit("a", "broker", Some("deposit"))], reports: vec![broker(90)], ..Books::default() };
        assert!(failing(&books)[0].1.contains("reports 90.00 cash, the transactions explain 100.00 (difference -10.00, since 2026-11-20)"));
        books.known_since.insert(("cash_reconciles".into(), 1, 2, String::new()), day("2026-11-17"));
        books.undecided.insert((1, 2));
        assert!(failing(&books)[0].1.contains("since 2026-11-17); confirm the proposed opening balances"));
    }
}
