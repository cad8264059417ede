//! A holding's own return: of the capital that was in it, or none with the reason.

use super::{
    laws::{ACCOUNT, near, part, told, usd},
    *,
};
use crate::analytics::{
    ledger::{
        AccountRules, Closes, Dividend, Kind, Rates, Transaction, Yield,
        laws::histories::{History, currency, day, symbol},
    },
    period::{Scope, sessions},
};
use crate::domain::AccountId;
use proptest::prelude::*;
use rust_decimal::Decimal;

const APPLE: usize = 0;
const SAP: usize = 2;

fn deal(kind: Kind, on: u64, quantity: i64, amount: i64) -> Transaction {
    Transaction {
        key: format!("{on}"),
        symbol: Some(symbol(APPLE)),
        quantity: quantity.into(),
        amount: amount.into(),
        ..Transaction::blank(kind, ACCOUNT, day(on), currency(0))
    }
}

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}

/// 10,000 put in on the first of as many sessions as there are closes; an empty one is none.
fn story(deals: Vec<Transaction>, closes: &[&str]) -> History {
    let deposit = Transaction { symbol: None, key: "d".into(), ..deal(Kind::Deposit, 0, 0, 10_000) };
    let closes = closes.iter().zip(0..);
    History {
        sessions: closes.clone().map(|(_, on)| day(on)).collect(),
        accounts: [(ACCOUNT, AccountRules { allows_short: true, sells_short: true, ..AccountRules::default() })].into(),
        transactions: [vec![deposit], deals].concat(),
        splits: Vec::new(),
        dividends: Vec::new(),
        closes: Closes::from([(
            symbol(APPLE),
            closes.filter(|(close, _)| !close.is_empty()).map(|(close, on)| (day(on), number(close))).collect(),
        )]),
        currencies: Default::default(),
        rates: Rates::new(),
    }
}

fn whole(history: &History) -> (Yield, Contributions) {
    let (_, yielded) = history.told();
    let found = told(&yielded, Scope::Account, None, None).unwrap();
    (yielded, found)
}

fn bought_and_sold(more: Vec<Transaction>) -> Vec<Transaction> {
    [vec![deal(Kind::Buy, 0, 10, 1_000), deal(Kind::Sell, 1, 10, 1_200)], more].concat()
}

#[test]
fn what_is_paid_after_a_sale_has_no_capital_to_be_lost() {
    let tax = Transaction { amount: number("1.50"), ..deal(Kind::Tax, 2, 0, 0) };
    let (_, taxed) = whole(&story(bought_and_sold(vec![deal(Kind::Dividend, 1, 0, 10), tax]), &["100", "120", "120"]));
    near(part(&taxed, APPLE).own_return.clone().unwrap(), 0.21);
    near(part(&taxed, APPLE).contribution.unwrap().whole, 0.020_85);
    assert_eq!(part(&taxed, APPLE).gain.clone().unwrap().total, Money(number("208.50")));
    // A dividend of 10.00 was announced, and 9.99 came.
    let paid = Transaction { amount: number("9.99"), ..deal(Kind::Dividend, 2, 0, 0) };
    let announced = Dividend { symbol: symbol(APPLE), ex_date: day(1), pay_date: Some(day(2)), cash_amount: Decimal::ONE, currency: None };
    let history = History { dividends: vec![announced], ..story(bought_and_sold(vec![paid]), &["100", "120", "120"]) };
    near(part(&whole(&history).1, APPLE).own_return.clone().unwrap(), 0.21);
}

#[test]
fn a_losing_round_trip_loses_of_what_it_bought() {
    let again = vec![deal(Kind::Buy, 2, 10, 1_210), deal(Kind::Sell, 2, 10, 1_190)];
    let (yielded, found) = whole(&story(bought_and_sold(again), &["100", "120", "120"]));
    assert_eq!(part(&found, APPLE).gain.clone().unwrap().total, usd(180));
    near(part(&found, APPLE).own_return.clone().unwrap(), 1.2 * (1.0 - 20.0 / 1_210.0) - 1.0);
    // Holdings net within a session, so a day that begins and ends without any is left out.
    let all = sessions(&yielded.days, Scope::Holdings);
    let period = Period::of(&all, None, None).unwrap();
    let linked = period.time_weighted().unwrap();
    near(linked.cumulative, 0.2);
    assert_eq!((linked.returns, linked.undefined, period.total_gain().unwrap()), (2, 1, usd(180)));
}

#[test]
fn what_moved_without_a_rate_is_unknown() {
    let francs = Transaction { currency: currency(4), ..deal(Kind::Buy, 1, 10, 1_100) };
    let rates = Rates::from([(currency(4), vec![(day(2), number("1.1"))])]);
    let history = History { rates, ..story(vec![deal(Kind::Buy, 0, 10, 1_000), francs], &["100", "120", "120", "120"]) };
    let (yielded, found) = whole(&history);
    assert!(found.gain.is_err() && found.rest.gain.is_err());
    for held in [part(&found, APPLE), &found.groups[0].1] {
        assert_eq!(held.own_return.as_ref().unwrap_err().0, UNCONVERTED);
        assert_eq!(held.gain.as_ref().unwrap_err().0, UNCONVERTED);
    }
    let text = serde_json::to_value(&found).unwrap();
    assert_eq!((&text["parts"][0]["gain"], &text["parts"][0]["gain_reason"]), (&serde_json::Value::Null, &UNCONVERTED.into()));
    // Of the days after it all is known.
    let later = told(&yielded, Scope::Account, Some(day(1)), None).unwrap();
    assert!(part(&later, APPLE).own_return.is_ok() && part(&later, APPLE).gain.is_ok());
}

#[test]
fn an_unknown_opening_value_is_not_zero() {
    let (_, yielded) = story(vec![deal(Kind::Buy, 0, 10, 1_000)], &["", "110", "120"]).told();
    let found = told(&yielded, Scope::Account, Some(day(0)), None).unwrap();
    for held in [part(&found, APPLE), &found.groups[0].1] {
        assert!(held.own_return.as_ref().unwrap_err().0.starts_with("its value is unknown in some sessions"), "{held:?}");
        assert!(held.gain.as_ref().unwrap_err().0.starts_with("its value at the close of 2024-01-01 is unknown"), "{held:?}");
    }
    let later = told(&yielded, Scope::Account, Some(day(1)), None).unwrap();
    near(part(&later, APPLE).own_return.clone().unwrap(), 12.0 / 11.0 - 1.0);
}

#[test]
fn what_is_owed_has_no_return() {
    let (_, found) = whole(&story(vec![deal(Kind::Buy, 0, 10, 1_000), deal(Kind::Sell, 1, 20, 2_000)], &["100", "100", "180"]));
    for held in [part(&found, APPLE), &found.groups[0].1] {
        assert!(held.own_return.as_ref().unwrap_err().0.contains("sold short"), "{held:?}");
    }
    assert_eq!(part(&found, APPLE).gain.clone().unwrap().total, usd(-800));
    // Owed in one account, while another holds more.
    let other = AccountId(2);
    let short = Transaction { account: other, key: "short".into(), ..deal(Kind::Short, 0, 4, 400) };
    let mut two = story(vec![deal(Kind::Buy, 0, 10, 1_000), short], &["100", "100", "180"]);
    two.accounts.insert(other, two.accounts[&ACCOUNT]);
    assert!(part(&whole(&two).1, APPLE).own_return.as_ref().unwrap_err().0.contains("sold short"));
    // Costs beyond what it is worth.
    let (_, found) = whole(&story(vec![deal(Kind::Buy, 0, 1, 100), deal(Kind::Tax, 1, 0, 250)], &["100", "100"]));
    assert!(part(&found, APPLE).own_return.as_ref().unwrap_err().0.contains("lost more"));
}

/// A session's close of each symbol in cents, and its rate in ten-thousandths.
type Quotes = (i64, i64, i64);

/// Closes, rates, and at most one deal of each symbol a session: how many shares more or fewer.
fn plain() -> impl Strategy<Value = (Vec<Quotes>, Vec<(i64, i64)>)> {
    let sessions = 2..12_usize;
    sessions.prop_flat_map(|count| {
        let closes = proptest::collection::vec((100..20_000_i64, 100..20_000_i64, 5_000..20_000_i64), count);
        (closes, proptest::collection::vec((-9..10_i64, -9..10_i64), count))
    })
}

/// Shares come and go at prices beside the closes, without costs; all money is in dollars, and SAP is quoted in euros.
fn history_of(closes: &[Quotes], deals: &[(i64, i64)]) -> History {
    let cents = |close: i64| Decimal::new(close, 2);
    let on = |of: fn(&Quotes) -> Decimal| closes.iter().zip(0..).map(|(close, on)| (day(on), of(close))).collect::<Vec<_>>();
    let mut held = [0, 0];
    let mut transactions = Vec::new();
    for ((wanted, close), at) in deals.iter().zip(closes).zip(0..) {
        for (place, quantity, price) in [(0, wanted.0, close.0), (1, wanted.1, close.1)] {
            let quantity = quantity.max(-held[place]);
            held[place] += quantity;
            let kind = if quantity > 0 { Kind::Buy } else { Kind::Sell };
            let of = symbol([APPLE, SAP][place]);
            let amount = cents(price + 7) * Decimal::from(quantity.abs());
            let made = Transaction { key: format!("{at} {of}"), symbol: Some(of), amount, ..deal(kind, at, quantity.abs(), 0) };
            transactions.extend((quantity != 0).then_some(made));
        }
    }
    let days: Vec<&str> = closes.iter().map(|_| "1").collect();
    let deposit = Transaction { symbol: None, key: "more".into(), ..deal(Kind::Deposit, 0, 0, 90_000) };
    History {
        closes: Closes::from([
            (symbol(APPLE), on(|(apple, ..)| Decimal::new(*apple, 2))),
            (symbol(SAP), on(|(_, sap, _)| Decimal::new(*sap, 2))),
        ]),
        currencies: [(symbol(SAP), currency(1))].into(),
        rates: Rates::from([(currency(1), on(|(.., rate)| Decimal::new(*rate, 4)))]),
        ..story([vec![deposit], transactions].concat(), &days)
    }
}

proptest! {
    /// Where one holding is all there is, its return is that of the holdings, worked out by the ledger from other numbers.
    #[test]
    fn a_sole_holding_has_the_return_of_the_holdings((closes, deals) in plain()) {
        let deals: Vec<_> = deals.into_iter().map(|(apple, _)| (apple, 0)).collect();
        let (yielded, found) = whole(&history_of(&closes, &deals));
        let all = sessions(&yielded.days, Scope::Holdings);
        let Ok(holdings) = Period::of(&all, None, None).unwrap().time_weighted() else { return Ok(()) };
        let own = part(&found, APPLE).own_return.clone().unwrap();
        prop_assert!(own >= -1.0);
        prop_assert!((own - holdings.cumulative).abs() <= 1e-12 * (1.0 + own.abs()), "{own} {holdings:?}");
    }

    /// Without interest, costs and money in other currencies the holdings earn all there is; what the rate did is shares × close × change.
    #[test]
    fn without_costs_nothing_is_left_for_the_rest((closes, deals) in plain()) {
        let history = history_of(&closes, &deals);
        let (yielded, found) = whole(&history);
        prop_assert!(found.rest.contribution.unwrap().abs() < 1e-7, "{:?}", found.rest);
        prop_assert_eq!(found.rest.gain.clone().unwrap().total.0.round_dp(2), Decimal::ZERO);
        let mut shares = 0;
        for (at, pair) in closes.windows(2).enumerate() {
            shares = (shares + deals[at].1).max(0);
            let from = u64::try_from(at).unwrap();
            let step = told(&yielded, Scope::Account, Some(day(from)), Some(day(from + 1))).unwrap();
            let before = yielded.days[at].value.unwrap().ratio_base();
            let expected = (shares * pair[0].1) as f64 / 100.0 * (pair[1].2 - pair[0].2) as f64 / 10_000.0 / before;
            let found = step.parts.iter().find(|(name, _)| *name == symbol(SAP)).map_or(0.0, |(_, part)| part.contribution.unwrap().currency);
            prop_assert!((found - expected).abs() < 1e-8, "{found} {expected}");
        }
    }
}
