//! Each cause by a story of its own, and that none is said where none fits.

use super::cause::{Cause, Evidence, Opening, Payout, Suspicion, Unbooked, likely};
use crate::quality::{
    entries::{Difference, Entry},
    verdict::Split,
};
use app::quality::model::Repair;
use chrono::NaiveDate;
use rust_decimal::Decimal;

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

fn shares(derived: &str, reported: &str) -> Difference {
    Difference { account_id: 2, symbol: "AAPL".into(), derived: dec(derived), reported: dec(reported) }
}

fn cash(derived: &str, reported: &str) -> Difference {
    Difference { symbol: String::new(), ..shares(derived, reported) }
}

fn trade(key: &str, source: &str, on: &str, quantity: &str, price: &str) -> Entry {
    let (quantity, price) = (dec(quantity), dec(price));
    Entry {
        portfolio_id: 1,
        account_id: 2,
        key: key.into(),
        source: source.into(),
        named: "FILL".into(),
        kind: Some(if quantity > Decimal::ZERO { "buy" } else { "sell" }.into()),
        on: day(on),
        symbol: Some("AAPL".into()),
        shares: Some(quantity),
        price: Some(price),
        cash: -quantity * price,
        currency: "USD".into(),
        fill: None,
        ratio: None,
        counter_symbol: None,
        is_rounded: false,
    }
}

fn money(key: &str, source: &str, kind: &str, on: &str, amount: &str) -> Entry {
    Entry { kind: Some(kind.into()), shares: None, price: None, cash: dec(amount), ..trade(key, source, on, "1", "1") }
}

fn split(on: &str, to: i64, from: i64) -> Split {
    Split { symbol: "AAPL".into(), execution_date: day(on), from: from.into(), to: to.into() }
}

fn evidence<'a>(entries: &'a [Entry]) -> Evidence<'a> {
    Evidence { portfolio: 1, account: 2, session: day("2026-11-20"), entries: entries.iter().collect(), ..Evidence::default() }
}

fn said(difference: &Difference, evidence: &Evidence<'_>) -> (Cause, String) {
    let Suspicion { cause, explanation, .. } = likely(difference, evidence);
    (cause, explanation)
}

#[test]
fn no_cause_fits() {
    let entries = [trade("book:1", "hand", "2026-03-09", "10", "200"), trade("a", "broker", "2026-05-04", "25", "210")];
    for difference in [shares("35", "48"), shares("0", "6"), cash("1000", "1234.56"), cash("1000", "-17.35")] {
        let found = likely(&difference, &evidence(&entries));
        assert_eq!((found.cause, found.weight, found.repair), (Cause::Unknown, 0, None), "{difference:?}: {}", found.explanation);
        assert!(found.explanation.contains("explains it"));
    }
}

#[test]
fn a_split_that_the_broker_has_and_we_have_not() {
    let entries = [trade("a", "broker", "2026-03-09", "10", "200")];
    let near = split("2026-11-18", 4, 1);
    let mut known = evidence(&entries);
    // The ratio is usual, and nothing is on file.
    let (cause, words) = said(&shares("10", "40"), &known);
    assert_eq!(cause, Cause::SplitNotApplied);
    assert!(words.contains("4 for each 1"), "{words}");
    assert!(matches!(likely(&shares("10", "40"), &known).repair, Some(Repair::Fetch { .. })));
    known.splits = std::slice::from_ref(&near);
    // On file, and the entries before it are in new shares already; the broker holds what was entered.
    let (cause, words) = said(&shares("40", "10"), &known);
    assert_eq!(cause, Cause::SplitNotApplied);
    assert!(words.contains("hasn't applied the split of 4 for 1 on 2026-11-18"), "{words}");
    known.session = day("2027-03-01");
    assert!(said(&shares("40", "10"), &known).1.contains("counted twice"));
    known.session = day("2026-11-20");
    let (_, words) = said(&shares("10", "30"), &known);
    assert!(words.contains("3 for 1; on file is 4 for 1"), "{words}");
    assert_eq!(said(&shares("10", "0"), &known).0, Cause::Unknown, "a ratio of nothing is none");
    assert_eq!(said(&shares("10", "15"), &evidence(&entries)).0, Cause::Unknown, "five more were bought more likely than split off");
}

#[test]
fn an_activity_that_was_not_booked() {
    let entries = [trade("a", "broker", "2026-03-09", "10", "200")];
    let told = |is_cancelled| Unbooked {
        key: "x1".into(),
        on: day("2026-11-17"),
        named: "SPIN".into(),
        symbol: Some("AAPL".into()),
        quantity: Some(dec("3")),
        amount: Some(dec("612.30")),
        is_cancelled,
    };
    for (is_cancelled, words) in [(false, "of a type that isn't booked"), (true, "was cancelled")] {
        let told = [told(is_cancelled)];
        let known = Evidence { unbooked: &told, ..evidence(&entries) };
        let found = likely(&shares("10", "13"), &known);
        assert_eq!(found.cause, Cause::MissingTransaction);
        assert!(found.explanation.contains(words), "{}", found.explanation);
        let Some(Repair::Transaction(proposed)) = found.repair else { panic!("a transaction is proposed") };
        assert_eq!((proposed.what.as_str(), proposed.quantity, proposed.price), ("buy", Some(dec("3")), Some(dec("204.1"))));
        assert_eq!(said(&cash("0", "612.30"), &known).0, Cause::MissingTransaction);
        assert_eq!(said(&shares("10", "14"), &known).0, Cause::Unknown);
    }
}

#[test]
fn a_fill_whose_counterpart_is_missing() {
    let fill = |key: &str, quantity: &str, filled: &str| Entry {
        fill: Some(format!("order-7 {filled}")),
        ..trade(key, "broker", "2026-11-10", quantity, "200")
    };
    let entries = [fill("a", "4", "4"), fill("c", "3", "10")];
    let (cause, words) = said(&shares("7", "10"), &evidence(&entries));
    assert_eq!(cause, Cause::MissingTransaction);
    assert!(words.contains("filled 10, the fills on file add up to 7"), "{words}");
}

#[test]
fn one_trade_explains_shares_and_cash() {
    let entries = [trade("a", "broker", "2026-11-02", "10", "200")];
    let (of_shares, of_cash) = (shares("10", "13"), cash("5000", "4370"));
    let found = likely(&of_shares, &Evidence { others: vec![&of_cash], ..evidence(&entries) });
    assert!(found.explanation.contains("a purchase of 3 AAPL at about 210"), "{}", found.explanation);
    let Some(Repair::Transaction(proposed)) = found.repair else { panic!("a transaction is proposed") };
    assert_eq!((proposed.what.as_str(), proposed.price), ("buy", Some(dec("210"))));
    let (cause, words) = said(&of_cash, &Evidence { others: vec![&of_shares], ..evidence(&entries) });
    assert_eq!(cause, Cause::MissingTransaction);
    assert!(words.contains("shares of AAPL differ as well"), "{words}");
    let far = cash("5000", "3000");
    assert_eq!(said(&of_shares, &Evidence { others: vec![&far], ..evidence(&entries) }).0, Cause::Unknown, "nobody paid 667 for it");
}

#[test]
fn an_entry_too_many() {
    let twice = [trade("a", "broker", "2026-03-09", "10", "200"), trade("book:5", "hand", "2026-03-09", "10", "200")];
    let found = likely(&shares("20", "10"), &evidence(&twice));
    assert_eq!(found.cause, Cause::DoubledTransaction);
    assert!(found.explanation.contains("on file twice"), "{}", found.explanation);
    assert_eq!(found.repair, Some(Repair::Correct { portfolio: 1, transaction: 5 }), "the one by hand is the one to delete");
    assert_eq!(said(&cash("-4000", "-2000"), &evidence(&twice)).0, Cause::DoubledTransaction);
    let alone = [trade("a", "broker", "2026-03-09", "10", "200"), trade("book:5", "hand", "2026-04-09", "7", "200")];
    assert!(said(&shares("17", "10"), &evidence(&alone)).1.contains("which was entered by hand"));
    let grown = Evidence { splits: &[split("2026-06-01", 2, 1)], ..evidence(&alone) };
    assert!(said(&shares("34", "20"), &grown).1.contains("purchase of 14 AAPL"), "in today's shares");
}

#[test]
fn a_slip_of_the_hand() {
    let entries = [trade("a", "broker", "2026-03-02", "5", "200"), trade("book:6", "hand", "2026-03-09", "132", "200")];
    let (cause, words) = said(&shares("137", "128"), &evidence(&entries));
    assert_eq!(cause, Cause::QuantityOff);
    assert!(words.contains("was probably 123: two digits"), "{words}");
    let tenfold = [trade("book:6", "hand", "2026-03-09", "100", "200"), trade("a", "broker", "2026-03-02", "5", "200")];
    assert!(said(&shares("105", "15"), &evidence(&tenfold)).1.contains("a factor of 10"));
    let deposit = [money("book:7", "hand", "deposit", "2026-03-09", "5400")];
    assert_eq!(said(&cash("5400", "4500"), &evidence(&deposit)).0, Cause::QuantityOff);
    let brokers = [trade("a", "broker", "2026-03-09", "132", "200")];
    assert_eq!(said(&shares("132", "123"), &evidence(&brokers)).0, Cause::Unknown, "brokers don't mistype");
}

#[test]
fn openings_wait_for_a_decision() {
    let openings = [Opening { symbol: "AAPL".into(), quantity: Some(dec("12")), amount: dec("2400") }];
    let known = Evidence { openings: &openings, ..evidence(&[]) };
    let exact = likely(&shares("0", "12"), &known);
    assert_eq!((exact.cause, exact.repair), (Cause::OpeningsNotConfirmed, Some(Repair::Openings { portfolio: 1 })));
    assert!(exact.explanation.contains("exactly this difference"));
    assert!(said(&cash("0", "812"), &known).1.contains("its beginning is missing"));
}

#[test]
fn a_dividend_on_its_way_and_one_that_is_missing() {
    let entries = [trade("a", "broker", "2026-03-09", "10", "200"), money("book:8", "hand", "dividend", "2026-11-18", "2.60")];
    assert_eq!(said(&cash("2.60", "0"), &evidence(&entries)).0, Cause::NotCreditedYet);
    let payouts = [Payout { symbol: "AAPL".into(), paid_on: day("2026-11-12"), amount: dec("2.60") }];
    let found = likely(&cash("0", "2.60"), &Evidence { payouts: &payouts, ..evidence(&entries[..1]) });
    assert_eq!(found.cause, Cause::MissingTransaction);
    let Some(Repair::Transaction(proposed)) = found.repair else { panic!("a transaction is proposed") };
    assert_eq!((proposed.what.as_str(), proposed.amount, proposed.traded_on), ("dividend", Some(dec("2.6")), day("2026-11-12")));
}

#[test]
fn a_fee_as_before() {
    let entries = [money("a", "broker", "fee", "2026-10-20", "-9.99"), money("b", "broker", "deposit", "2026-10-01", "1000")];
    let (cause, words) = said(&cash("990.01", "980.02"), &evidence(&entries));
    assert_eq!(cause, Cause::MissingTransaction);
    assert!(words.contains("fee of 9.99 was booked on 2026-10-20"), "{words}");
}

#[test]
fn what_is_fresh_settles() {
    let entries = [trade("a", "broker", "2026-11-20", "10", "200"), trade("b", "broker", "2026-11-19", "5", "300")];
    assert_eq!(said(&shares("15", "5"), &evidence(&entries)).0, Cause::PendingSettlement);
    assert_eq!(said(&cash("-3500", "0"), &evidence(&entries)).0, Cause::PendingSettlement, "both together");
}

#[test]
fn rounding_is_said_and_may_be_accepted() {
    assert_eq!(likely(&shares("1.0003", "1.0001"), &evidence(&[])).repair, Some(Repair::Accept));
    assert_eq!(said(&cash("100.00", "100.02"), &evidence(&[])).0, Cause::Rounding);
}

#[test]
fn a_new_name_says_which_change_to_enter() {
    let half = |key: &str, symbol: &str, quantity: &str| Unbooked {
        key: key.into(),
        on: day("2026-11-09"),
        named: "NC".into(),
        symbol: Some(symbol.into()),
        quantity: Some(dec(quantity)),
        amount: None,
        is_cancelled: false,
    };
    let both = [half("old", "AAPL", "-12"), half("new", "APLE", "12"), half("other", "MSFT", "3")];
    let entries = [trade("a", "broker", "2026-03-09", "12", "200")];
    for difference in [shares("12", "0"), Difference { symbol: "APLE".into(), ..shares("0", "12") }] {
        let found = likely(&difference, &Evidence { unbooked: &both, ..evidence(&entries) });
        assert_eq!((found.cause, &found.repair), (Cause::MissingTransaction, &None), "a transfer would lose the cost");
        assert!(found.explanation.contains("Enter a symbol change from AAPL to APLE on 2026-11-09"), "{}", found.explanation);
    }
    // With a second one that fits, or a short position that comes back, a person decides.
    let more = [&both[..], &[half("twin", "APPL", "12")]].concat();
    let found = likely(&shares("12", "0"), &Evidence { unbooked: &more, ..evidence(&entries) });
    assert!(found.explanation.contains("isn't certain") && found.repair.is_none(), "{}", found.explanation);
}
