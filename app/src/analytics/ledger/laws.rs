//! Laws that hold for every input: resuming changes nothing, and gains add up to the last decimal.

use super::*;
use crate::domain::{AccountId, Currency, Money, Symbol};
use chrono::NaiveDate;
use proptest::prelude::*;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

mod exact;
pub mod histories;

use histories::{History, day, histories, symbol};

fn landed(yields: &[&Yield]) -> BTreeMap<(AccountId, Symbol, NaiveDate), PositionInterval> {
    let intervals = yields.iter().flat_map(|yielded| yielded.positions.iter().cloned());
    intervals.map(|interval| ((interval.account, interval.symbol.clone(), interval.from), interval)).collect()
}

/// Courses of several bookings, one behind the other.
fn courses(yields: &[&Yield]) -> BTreeMap<Symbol, HoldingCourse> {
    let mut all: BTreeMap<Symbol, HoldingCourse> = BTreeMap::new();
    for course in yields.iter().flat_map(|yielded| &yielded.courses) {
        let known = all.entry(course.symbol.clone()).or_insert_with(|| HoldingCourse::new(course.symbol.clone()));
        known.closes.extend(&course.closes);
        known.currency.extend(&course.currency);
        known.owed.extend(&course.owed);
        known.moves.extend(&course.moves);
    }
    all
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
        prop_assert_eq!(courses(&[&first, &second]), courses(&[&whole]));
        if !after.is_empty() {
            prop_assert_eq!(second.holdings, whole.holdings);
        }
    }

    /// Total gain is realized and unrealized gain, income less costs, and what exchange rates brought to cash.
    #[test]
    fn gains_add_up(history in histories()) {
        let (state, yielded) = history.told();
        for day in &yielded.days {
            let totals = day.totals;
            if let (Some(value), Some(unrealized), Some(cash_currency)) = (day.value, day.unrealized, day.cash_currency) {
                let gain = value - totals.inflow + totals.outflow;
                let parts = totals.realized + unrealized - totals.brought_in + totals.income - totals.costs + cash_currency;
                prop_assert_eq!(gain, parts, "{}", day.session_date);
            }
        }
        let realized: Money = yielded.realized.iter().filter_map(Realized::gain).sum();
        prop_assert_eq!(realized, state.totals.realized);
        let effect: Money = yielded.realized.iter().filter_map(|part| part.currency_effect).sum();
        prop_assert_eq!(effect, state.totals.realized_currency);
    }

    /// Σ lots = position, in shares and in cost, and no position is short where the account doesn't allow it.
    #[test]
    fn lots_add_up_to_positions(history in histories()) {
        let (state, yielded) = history.told();
        let mut sums: BTreeMap<(AccountId, &Symbol), (Decimal, Money)> = BTreeMap::new();
        for lot in &state.lots {
            let sum = sums.entry((lot.account, &lot.symbol)).or_default();
            *sum = (sum.0 + lot.quantity, sum.1 + lot.cost);
            prop_assert!(!lot.quantity.is_zero());
            prop_assert!(history.accounts[&lot.account].allows_short || lot.quantity > Decimal::ZERO, "{lot:?}");
        }
        prop_assert_eq!(sums.len(), yielded.holdings.len());
        for held in &yielded.holdings {
            let sum = sums[&(held.account, &held.symbol)];
            prop_assert_eq!(sum.0, held.quantity);
            prop_assert!(held.cost.is_none_or(|cost| cost == sum.1));
        }
        if let Some(last) = yielded.days.last()
            && let (Some(value), Some(cash), Some(owed), true) = (last.value, last.cash, last.receivable, !yielded.holdings.is_empty())
        {
            let held: Option<Money> = yielded.holdings.iter().map(|held| held.market_value).sum::<Option<Money>>();
            let parts: Vec<Money> = yielded.holdings.iter().filter_map(|held| held.market_value).chain([cash, owed]).collect();
            let rounding = Money(Decimal::new(parts.len() as i64, 4));
            let apart = held.map(|held| held + cash + owed - value);
            prop_assert!(apart.is_some_and(|apart| apart <= rounding && -apart <= rounding), "{apart:?}");
            // Weights are 1 together, whatever the parts were rounded to.
            let whole: Money = parts.iter().copied().sum();
            let weights: Option<f64> = parts.iter().map(|part| part.share_of(whole)).sum();
            let scale = parts.iter().map(|part| part.ratio_base().abs()).sum::<f64>() / whole.ratio_base().abs().max(1e-4);
            prop_assert!(weights.is_none_or(|sum| (sum - 1.0).abs() < 1e-14 * scale.max(1.0) * 10.0), "{weights:?}");
        }
    }

    /// What is held at the end can be sold or bought back, to the last share.
    #[test]
    fn everything_can_be_sold(history in histories()) {
        let (state, yielded) = history.told();
        let after = [day(1000)];
        let all = |held: &Holding| {
            let kind = if held.quantity.is_sign_negative() { Kind::Cover } else { Kind::Sell };
            let (key, quantity) = (format!("{} {}", held.account, held.symbol), held.quantity.abs());
            Transaction { key, symbol: Some(held.symbol.clone()), quantity, ..Transaction::blank(kind, held.account, day(1000), Currency::USD) }
        };
        let all: Vec<Transaction> = yielded.holdings.iter().map(all).collect();
        let (state, yielded) = book(state, &Input { splits: &[], ..history.input(&after, &all) });
        prop_assert!(state.lots.is_empty() && yielded.holdings.is_empty(), "{:?}", yielded.findings);
    }

    #[test]
    fn intervals_of_a_position_neither_overlap_nor_repeat(history in histories()) {
        let (_, yielded) = history.told();
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
