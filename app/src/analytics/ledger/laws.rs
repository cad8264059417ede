//! Laws that hold for every input: resuming changes nothing, and gains add up to the last decimal.

use super::*;
use crate::domain::{AccountId, Currency, Money, Symbol};
use chrono::{Days, NaiveDate};
use proptest::prelude::*;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

const SYMBOLS: [&str; 3] = ["AAPL", "BRK.A", "ZEN"];
const DAYS: u64 = 40;

/// A portfolio's whole history, owned.
#[derive(Debug, Clone)]
struct History {
    sessions: Vec<NaiveDate>,
    accounts: BTreeMap<AccountId, AccountRules>,
    transactions: Vec<Transaction>,
    splits: Vec<Split>,
    dividends: Vec<Dividend>,
    closes: Closes,
    currencies: BTreeMap<Symbol, Currency>,
    rates: Rates,
}

impl History {
    fn input<'a>(&'a self, sessions: &'a [NaiveDate], transactions: &'a [Transaction]) -> Input<'a> {
        Input {
            sessions,
            accounts: &self.accounts,
            transactions,
            splits: &self.splits,
            dividends: &self.dividends,
            closes: &self.closes,
            base: Currency::USD,
            currencies: &self.currencies,
            rates: &self.rates,
        }
    }
}

fn day(number: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 1, 1).unwrap() + Days::new(number)
}

fn symbol(number: usize) -> Symbol {
    Symbol::parse(SYMBOLS[number]).unwrap()
}

fn transactions() -> impl Strategy<Value = Vec<Transaction>> {
    let kinds = prop_oneof![
        1 => Just(Kind::Opening), 2 => Just(Kind::Deposit), 2 => Just(Kind::TransferIn), 6 => Just(Kind::Buy), 4 => Just(Kind::Sell),
        3 => Just(Kind::Dividend), 1 => Just(Kind::Interest), 1 => Just(Kind::Fee), 1 => Just(Kind::Tax), 2 => Just(Kind::TransferOut),
        1 => Just(Kind::Withdrawal)
    ];
    let one = (
        kinds,
        0..DAYS,
        0..3_i64,
        proptest::option::weighted(0.85, 0..SYMBOLS.len()),
        1..50_000_i64,
        0..900_000_i64,
        0..300_i64,
        0..200_i64,
    );
    proptest::collection::vec(one, 0..60).prop_map(|drawn| {
        drawn
            .into_iter()
            .enumerate()
            .map(|(number, (kind, on, account, place, quantity, amount, fee, tax))| Transaction {
                key: format!("k{number}"),
                // Account 2 isn't the portfolio's: a finding.
                account: AccountId(account),
                traded_on: day(on),
                kind,
                symbol: place.map(symbol),
                quantity: Decimal::new(quantity, 3),
                price: Decimal::ZERO,
                amount: Decimal::new(amount, 2),
                fee: Decimal::new(fee, 2),
                tax: Decimal::new(tax, 4),
                ..Transaction::blank(kind, AccountId(account), day(on), Currency::USD)
            })
            .collect()
    })
}

fn histories() -> impl Strategy<Value = History> {
    let splits = proptest::collection::vec((0..SYMBOLS.len(), 0..DAYS, 1..8_i64, 1..8_i64), 0..5);
    let dividends = proptest::collection::vec((0..SYMBOLS.len(), 0..DAYS, proptest::option::of(0..10_u64), 1..500_i64), 0..8);
    let closes = proptest::collection::vec((0..SYMBOLS.len(), 0..DAYS, 1..10_000_000_i64), 20..110);
    let sessions = proptest::collection::btree_set(0..DAYS, 2..30);
    let rules = (any::<bool>(), any::<bool>());
    (transactions(), splits, dividends, closes, sessions, rules).prop_map(|(transactions, splits, dividends, closes, sessions, rules)| {
        let mut by_symbol: BTreeMap<Symbol, BTreeMap<NaiveDate, Decimal>> = BTreeMap::new();
        for (place, on, close) in closes {
            by_symbol.entry(symbol(place)).or_default().insert(day(on), Decimal::new(close, 4));
        }
        let average = AccountRules { cost_basis: CostBasis::Average, allows_short: rules.0, sells_short: true };
        let fifo = AccountRules { cost_basis: CostBasis::Fifo, allows_short: rules.1, sells_short: true };
        let split = |(place, on, from, to): (usize, u64, i64, i64)| Split {
            symbol: symbol(place),
            execution_date: day(on),
            from: from.into(),
            to: to.into(),
        };
        let dividend = |(place, on, wait, cents): (usize, u64, Option<u64>, i64)| Dividend {
            symbol: symbol(place),
            ex_date: day(on),
            pay_date: wait.map(|wait| day(on + wait)),
            cash_amount: Decimal::new(cents, 2),
            currency: None,
        };
        let mut splits: Vec<Split> = splits.into_iter().map(split).collect();
        splits.sort_by_key(|split| (split.symbol.clone(), split.execution_date));
        splits.dedup_by_key(|split| (split.symbol.clone(), split.execution_date));
        History {
            sessions: sessions.into_iter().map(day).collect(),
            accounts: BTreeMap::from([(AccountId(0), fifo), (AccountId(1), average)]),
            transactions,
            splits,
            dividends: dividends.into_iter().map(dividend).collect(),
            closes: by_symbol.into_iter().map(|(symbol, closes)| (symbol, closes.into_iter().collect())).collect(),
            currencies: BTreeMap::new(),
            rates: Rates::new(),
        }
    })
}

fn landed(yields: &[&Yield]) -> BTreeMap<(AccountId, Symbol, NaiveDate), PositionInterval> {
    let intervals = yields.iter().flat_map(|yielded| yielded.positions.iter().cloned());
    intervals.map(|interval| ((interval.account, interval.symbol.clone(), interval.from), interval)).collect()
}

proptest! {
    #[test]
    fn resuming_changes_nothing(history in histories(), cut in 0.0..1.0_f64) {
        let cut = ((history.sessions.len() as f64) * cut) as usize;
        let (before, after) = history.sessions.split_at(cut);
        let (whole_state, whole) = book(State::default(), &history.input(&history.sessions, &history.transactions));
        let (state, first) = book(State::default(), &history.input(before, &history.transactions));
        let state: State = serde_json::from_value(serde_json::to_value(&state).unwrap()).unwrap();
        let booked = state.session_date;
        let rest: Vec<_> = history.transactions.iter().filter(|t| Some(t.traded_on) > booked).cloned().collect();
        let (state, second) = book(state, &history.input(after, &rest));
        prop_assert_eq!(&state, &whole_state);
        prop_assert_eq!([first.days.clone(), second.days.clone()].concat(), whole.days.clone());
        prop_assert_eq!([first.realized.clone(), second.realized.clone()].concat(), whole.realized.clone());
        prop_assert_eq!([first.findings.clone(), second.findings.clone()].concat(), whole.findings.clone());
        prop_assert_eq!(landed(&[&first, &second]), landed(&[&whole]));
    }

    #[test]
    fn gains_add_up(history in histories()) {
        let (state, yielded) = book(State::default(), &history.input(&history.sessions, &history.transactions));
        for day in &yielded.days {
            let totals = day.totals;
            if let (Some(value), Some(unrealized)) = (day.value, day.unrealized) {
                let gain = value - totals.inflow + totals.outflow;
                let parts = totals.realized + unrealized - totals.brought_in + totals.income - totals.costs;
                prop_assert_eq!(gain, parts, "{}", day.session_date);
            }
        }
        let realized: Money = yielded.realized.iter().map(|part| part.proceeds - part.cost).sum();
        prop_assert_eq!(realized, state.totals.realized);
        let cash: Money = state.cash.values().flat_map(BTreeMap::values).copied().sum();
        prop_assert_eq!(Some(Some(cash)), yielded.days.last().map(|day| day.cash));
        for lot in &state.lots {
            let allows_short = history.accounts[&lot.account].allows_short;
            prop_assert!(!lot.quantity.is_zero() && (allows_short || lot.quantity > Decimal::ZERO));
        }
    }

    #[test]
    fn intervals_of_a_position_neither_overlap_nor_repeat(history in histories()) {
        let (_, yielded) = book(State::default(), &history.input(&history.sessions, &history.transactions));
        let landed = landed(&[&yielded]);
        prop_assert_eq!(landed.len(), yielded.positions.len());
        for (a, b) in landed.values().zip(landed.values().skip(1)).filter(|(a, b)| (a.account, &a.symbol) == (b.account, &b.symbol)) {
            prop_assert!(a.to.is_some_and(|to| a.from <= to && to < b.from), "{a:?} {b:?}");
        }
    }
}

#[test]
fn numbers_beyond_measure_are_findings_not_panics() {
    let account = AccountId(1);
    let huge = |kind, key: &str| Transaction {
        key: key.into(),
        account,
        traded_on: day(0),
        kind,
        symbol: Some(symbol(0)),
        quantity: Decimal::MAX,
        price: Decimal::ONE,
        amount: Decimal::MAX,
        fee: Decimal::MAX,
        tax: Decimal::MIN,
        ..Transaction::blank(kind, account, day(0), Currency::USD)
    };
    let large = Transaction {
        quantity: Decimal::from(900_000_000_000_i64),
        amount: Decimal::ONE,
        fee: Decimal::ZERO,
        tax: Decimal::ZERO,
        ..huge(Kind::Buy, "c")
    };
    let history = History {
        sessions: vec![day(0), day(1), day(2)],
        accounts: BTreeMap::from([(account, AccountRules::default())]),
        transactions: vec![huge(Kind::Buy, "a"), huge(Kind::Deposit, "b"), large],
        splits: [(1, Decimal::MAX, Decimal::ONE), (2, Decimal::ONE, Decimal::from(1_000_000))]
            .map(|(on, from, to)| Split { symbol: symbol(0), execution_date: day(on), from, to })
            .to_vec(),
        dividends: vec![Dividend { symbol: symbol(0), ex_date: day(1), pay_date: Some(day(9)), cash_amount: Decimal::MAX, currency: None }],
        closes: Closes::from([(symbol(0), vec![(day(0), Decimal::MAX), (day(1), Decimal::from(900_000_000))])]),
        currencies: BTreeMap::new(),
        rates: Rates::new(),
    };
    let (_, yielded) = book(State::default(), &history.input(&history.sessions, &history.transactions));
    let codes: Vec<_> = yielded.findings.iter().map(|finding| finding.code.as_str()).collect();
    assert_eq!(codes, ["out_of_range", "out_of_range", "no_price", "bad_split", "bad_split"]);
    assert_eq!(yielded.days[1].value, None, "more than can be counted is unknown");
}
