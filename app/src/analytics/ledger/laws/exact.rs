//! Laws on histories made for them: returns don't depend on flows, splits change nothing, and all ways to choose lots realize the
//! same in the end.

use super::{
    super::*,
    histories::{History, currency, day, symbol},
};
use crate::{
    analytics::returns::cumulative_return,
    domain::{AccountId, Money},
};
use proptest::prelude::*;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

const ACCOUNT: AccountId = AccountId(1);

/// A history of AAPL alone, with these closes from the first day on.
fn history(rules: AccountRules, closes: &[i64], transactions: Vec<Transaction>) -> History {
    let days = 0..closes.len() as u64;
    History {
        sessions: days.clone().map(day).collect(),
        accounts: BTreeMap::from([(ACCOUNT, rules)]),
        transactions,
        splits: Vec::new(),
        dividends: Vec::new(),
        closes: Closes::from([(symbol(0), days.map(day).zip(closes.iter().map(|close| Decimal::from(*close))).collect())]),
        currencies: BTreeMap::new(),
        rates: Rates::new(),
    }
}

fn shares(kind: Kind, on: u64, quantity: i64, amount: i64) -> Transaction {
    Transaction {
        key: format!("{on:03}{kind:?}"),
        symbol: Some(symbol(0)),
        quantity: quantity.into(),
        amount: amount.into(),
        ..Transaction::blank(kind, ACCOUNT, day(on), currency(0))
    }
}

/// Numbers of a database pass from nine to ten; what was entered first is still booked first.
#[test]
fn the_tenth_entry_is_booked_after_the_ninth() {
    let named = |key: &str, transaction: Transaction| Transaction { key: key.into(), ..transaction };
    let of = |[first, second]: [&str; 2]| {
        let (buy, dearer) = (shares(Kind::Buy, 0, 1, 100), shares(Kind::Buy, 0, 1, 200));
        let entries = vec![named(second, dearer), named(first, buy), shares(Kind::Sell, 1, 1, 300)];
        history(AccountRules::default(), &[10, 10], entries).told().0.totals.realized
    };
    for keys in [["book:9", "book:10"], ["book:99", "book:100"], ["book:8", "book:9"], ["000000000009", "000000000010"]] {
        assert_eq!(of(keys), Money(200.into()), "{keys:?}");
    }
    // The broker's own ids are no numbers, and come before what a person entered.
    assert_eq!(of(["alpaca:20240304::b", "book:9"]), Money(200.into()));
}

#[test]
fn cash_of_a_merger_is_gain_where_the_shares_take_all_of_the_cost() {
    let merger = Transaction {
        ratio: Some(Decimal::TWO),
        counter_symbol: Some(symbol(1)),
        cost_share: Some(Decimal::ONE),
        fee: 3.into(),
        ..shares(Kind::Merger, 1, 0, 50)
    };
    let (state, _) = history(AccountRules::default(), &[10, 10], vec![shares(Kind::Buy, 0, 10, 100), merger]).told();
    assert_eq!(state.totals.realized, Money(47.into()));
    let lots: Vec<_> = state.lots.iter().map(|lot| (lot.symbol.clone(), lot.quantity, lot.cost)).collect();
    assert_eq!(lots, [(symbol(1), 20.into(), Money(100.into()))]);
}

proptest! {
    /// What comes in while the price stands still, and what leaves at any close, doesn't move the time-weighted return.
    #[test]
    fn returns_do_not_depend_on_flows(
        moves in prop::collection::vec(1..500_i64, 2..20),
        flows in prop::collection::vec((0..20_usize, any::<bool>(), 1..1000_i64), 0..25),
    ) {
        // Each price stands for two sessions.
        let closes: Vec<i64> = moves.iter().flat_map(|close| [*close, *close]).collect();
        let mut transactions = vec![shares(Kind::TransferIn, 0, 1_000_000, 0)];
        for (number, (at, is_in, quantity)) in flows.into_iter().enumerate() {
            let at = (at % moves.len()) as u64 * 2 + u64::from(is_in);
            let kind = if is_in { Kind::TransferIn } else { Kind::TransferOut };
            transactions.push(Transaction { key: number.to_string(), ..shares(kind, at, quantity, 0) });
        }
        let (_, yielded) = history(AccountRules::default(), &closes, transactions).told();
        let linked = cumulative_return(yielded.days.iter().map(|day| day.daily_return)).unwrap();
        let whole = moves[moves.len() - 1] as f64 / moves[0] as f64 - 1.0;
        prop_assert!((linked.cumulative - whole).abs() <= 1e-12 * (1.0 + whole.abs()), "{} is not {whole}", linked.cumulative);
    }

    /// The same history without a split, with one that is listed, and with one that was entered: value, cost and returns are equal.
    #[test]
    fn splits_change_nothing(
        closes in prop::collection::vec(1..500_i64, 4..20),
        ratio in 2..8_i64,
        at in 0.0..1.0_f64,
        trades in prop::collection::vec((0..20_u64, any::<bool>(), 1..100_i64), 0..15),
        basis in 0..4_usize,
    ) {
        let at = 1 + ((closes.len() - 2) as f64 * at) as u64;
        let cost_basis = [CostBasis::Fifo, CostBasis::Lifo, CostBasis::Hifo, CostBasis::Average][basis];
        let rules = AccountRules { cost_basis, ..AccountRules::default() };
        // In shares of before the split; `closes` are those of after it.
        let told = |is_split: bool, is_listed: bool| {
            let before = |on: u64| if is_split && on < at { 1 } else { ratio };
            let mut transactions = vec![shares(Kind::Deposit, 0, 0, 1_000_000), shares(Kind::Buy, 0, 1000 * before(0), 1000 * ratio * closes[0])];
            transactions[0].symbol = None;
            for (number, (on, is_purchase, quantity)) in trades.iter().enumerate() {
                let on = on % closes.len() as u64;
                let kind = if *is_purchase { Kind::Buy } else { Kind::Sell };
                let trade = shares(kind, on, quantity * before(on), quantity * ratio * closes[on as usize]);
                transactions.push(Transaction { key: format!("{number:03}"), ..trade });
            }
            let split = Transaction { ratio: Some(ratio.into()), ..shares(Kind::Split, at, 0, 0) };
            let raw: Vec<i64> = closes.iter().zip(0..).map(|(close, on)| close * ratio / before(on)).collect();
            let mut history = history(rules, &raw, transactions);
            match (is_split, is_listed) {
                (true, true) => history.splits.push(Split { symbol: symbol(0), execution_date: day(at), from: 1.into(), to: ratio.into() }),
                (true, false) => history.transactions.push(split),
                (false, _) => {}
            }
            let (state, yielded) = history.told();
            let days: Vec<_> = yielded.days.iter().map(|day| (day.value, day.unrealized, day.daily_return, day.totals)).collect();
            let lots: Vec<_> = state.lots.iter().map(|lot| (lot.quantity, lot.cost)).collect();
            (days, lots, yielded.realized.iter().map(|part| (part.proceeds, part.cost)).collect::<Vec<_>>())
        };
        let whole = told(false, false);
        prop_assert_eq!(&told(true, true), &whole);
        prop_assert_eq!(&told(true, false), &whole);
    }

    /// Once everything is sold, the choice of lots has moved gains in time only.
    #[test]
    fn every_cost_basis_realizes_the_same_in_the_end(trades in prop::collection::vec((1..200_i64, 1..90_000_i64, 0.0..1.0_f64), 1..25)) {
        let mut realized = Vec::new();
        for cost_basis in [CostBasis::Fifo, CostBasis::Lifo, CostBasis::Hifo, CostBasis::Average, CostBasis::Specific] {
            let (mut transactions, mut held) = (Vec::new(), 0);
            for (on, (quantity, amount, part)) in (0..).zip(&trades) {
                transactions.push(shares(Kind::Buy, on, *quantity, *amount));
                held += quantity;
                let sold = (held as f64 * part) as i64;
                if sold > 0 {
                    transactions.push(shares(Kind::Sell, on, sold, sold * 7));
                    held -= sold;
                }
            }
            if held > 0 {
                transactions.push(shares(Kind::Sell, trades.len() as u64, held, held * 11));
            }
            let closes = vec![10; trades.len() + 1];
            let (state, yielded) = history(AccountRules { cost_basis, ..AccountRules::default() }, &closes, transactions).told();
            prop_assert!(state.lots.is_empty() && yielded.findings.is_empty(), "{:?}", yielded.findings);
            realized.push(state.totals.realized);
        }
        let first: Money = realized[0];
        prop_assert!(realized.iter().all(|total| *total == first), "{realized:?}");
    }

    /// Whatever a company does, lots add up to what is held, all of it is rounded once, and all of it can be sold.
    #[test]
    fn companies_leave_no_shares_that_cannot_be_sold(
        bought in prop::collection::vec(1..9_999_i64, 1..9),
        (ratio, named, part) in (prop_oneof![Just(1), 2..3_000_i64], prop::option::of(1..90_000_i64), 1..999_i64),
        (act, basis) in (0..5_usize, 0..5_usize),
    ) {
        let cost_basis = [CostBasis::Fifo, CostBasis::Lifo, CostBasis::Hifo, CostBasis::Average, CostBasis::Specific][basis];
        let kind = [Kind::Split, Kind::StockDividend, Kind::SpinOff, Kind::Merger, Kind::Merger][act];
        let held: Decimal = bought.iter().map(|lot| Decimal::new(*lot, 1)).sum();
        let (ratio, named) = (Decimal::from(1000) / Decimal::from(ratio), named.filter(|_| act == 1 || act == 2).map(|named| Decimal::new(named, 4)));
        let buys = (0..).zip(&bought).map(|(at, lot)| Transaction { quantity: Decimal::new(*lot, 1), key: format!("{at}"), ..shares(Kind::Buy, 0, 0, 100) });
        let going = if act == 4 { held * Decimal::new(part, 3) } else { held };
        let action = Transaction {
            quantity: named.unwrap_or(if act == 4 { going } else { Decimal::ZERO }),
            ratio: Some(ratio),
            counter_symbol: Some(symbol(1)),
            cost_share: Some(Decimal::new(part, 3)),
            ..shares(kind, 1, 0, 0)
        };
        let whole = |shares: Decimal| shares.round_dp_with_strategy(10, rust_decimal::RoundingStrategy::MidpointAwayFromZero);
        let (old, new) = match act {
            0 => (whole(held * ratio), Decimal::ZERO),
            1 => (named.map_or(whole(held * (Decimal::ONE + ratio)), |named| held + named), Decimal::ZERO),
            2 => (held, named.unwrap_or(whole(held * ratio))),
            _ => (held - going, whole(going * ratio)),
        };
        let sales = [(0, old), (1, new)].map(|(of, quantity)| Transaction { symbol: Some(symbol(of)), quantity, key: format!("sale {of}"), ..shares(Kind::Sell, 2, 0, 50) });
        let sales = sales.into_iter().filter(|sale| !sale.quantity.is_zero());
        let history = history(AccountRules { cost_basis, ..AccountRules::default() }, &[10, 10, 10], buys.chain([action]).chain(sales).collect());
        let (before, _) = book(State::default(), &history.input(&history.sessions[..2], &history.transactions));
        for (of, quantity) in [(0, old), (1, new)] {
            let lots = before.lots.iter().filter(|lot| lot.symbol == symbol(of)).map(|lot| lot.quantity);
            prop_assert_eq!(lots.sum::<Decimal>(), quantity);
        }
        let (state, yielded) = history.told();
        let oversold: Vec<_> = yielded.findings.iter().filter(|finding| ["oversold", "incomplete", "bad_split"].contains(&finding.code.as_str())).collect();
        prop_assert!(state.lots.is_empty() && oversold.is_empty(), "{:?} {:?}", state.lots, oversold);
    }
}
