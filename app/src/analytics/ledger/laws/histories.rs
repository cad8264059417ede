//! Random histories: every kind of transaction, several currencies, closes and rates with gaps.

use super::super::*;
use crate::domain::{AccountId, Currency, Symbol};
use chrono::{Days, NaiveDate};
use proptest::prelude::*;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

const SYMBOLS: [&str; 4] = ["AAPL", "BRK.A", "SAP", "VOD"];
const CURRENCIES: [&str; 5] = ["USD", "EUR", "GBP", "GBX", "CHF"];
const DAYS: u64 = 40;

/// A portfolio's whole history, owned.
#[derive(Debug, Clone)]
pub struct History {
    pub sessions: Vec<NaiveDate>,
    pub accounts: BTreeMap<AccountId, AccountRules>,
    pub transactions: Vec<Transaction>,
    pub splits: Vec<Split>,
    pub dividends: Vec<Dividend>,
    pub closes: Closes,
    pub currencies: BTreeMap<Symbol, Currency>,
    pub rates: Rates,
}

impl History {
    pub fn input<'a>(&'a self, sessions: &'a [NaiveDate], transactions: &'a [Transaction]) -> Input<'a> {
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
    pub fn told(&self) -> (State, Yield) {
        book(State::default(), &self.input(&self.sessions, &self.transactions))
    }
}

pub fn day(number: u64) -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 1, 1).unwrap() + Days::new(number)
}

pub fn symbol(number: usize) -> Symbol {
    Symbol::parse(SYMBOLS[number]).unwrap()
}

pub fn currency(number: usize) -> Currency {
    Currency::parse(CURRENCIES[number]).unwrap()
}

fn transactions() -> impl Strategy<Value = Vec<Transaction>> {
    let kinds = prop_oneof![
        1 => Just(Kind::Opening), 2 => Just(Kind::Deposit), 2 => Just(Kind::TransferIn), 8 => Just(Kind::Buy), 4 => Just(Kind::Sell),
        2 => Just(Kind::Short), 2 => Just(Kind::Cover), 1 => Just(Kind::Reinvest), 3 => Just(Kind::Dividend), 1 => Just(Kind::Interest),
        1 => Just(Kind::Fee), 1 => Just(Kind::Tax), 2 => Just(Kind::TransferOut), 1 => Just(Kind::Withdrawal), 2 => Just(Kind::Split),
        1 => Just(Kind::StockDividend), 2 => Just(Kind::SpinOff), 2 => Just(Kind::Merger), 1 => Just(Kind::SymbolChange),
        2 => Just(Kind::ReturnOfCapital),
    ];
    let one = (
        (kinds, 0..DAYS, 0..3_i64),
        (proptest::option::weighted(0.85, 0..SYMBOLS.len()), proptest::option::weighted(0.8, 0..SYMBOLS.len())),
        (prop_oneof![1 => Just(0_i64), 5 => 1..50_000_i64], prop_oneof![1 => Just(0_i64), 3 => 0..900_000_i64], 0..300_i64, 0..200_i64),
        prop_oneof![40 => Just(0_usize), 20 => 1..4_usize, 1 => Just(4_usize)],
        (proptest::option::weighted(0.8, 1..4000_i64), proptest::option::weighted(0.7, 0..120_i64)),
        (proptest::option::weighted(0.3, 0..3_u8), proptest::option::weighted(0.3, 0..800_u64)),
    );
    proptest::collection::vec(one, 0..60).prop_map(|drawn| drawn.into_iter().enumerate().map(transaction).collect())
}

type Drawn =
    ((Kind, u64, i64), (Option<usize>, Option<usize>), (i64, i64, i64, i64), usize, (Option<i64>, Option<i64>), (Option<u8>, Option<u64>));

fn transaction((number, drawn): (usize, Drawn)) -> Transaction {
    let ((kind, on, account), (place, other), (quantity, amount, fee, tax), code, (ratio, share), (lot, before)) = drawn;
    Transaction {
        key: format!("k{number}"),
        symbol: place.map(symbol),
        quantity: Decimal::new(quantity, 3),
        amount: Decimal::new(amount, 2),
        fee: Decimal::new(fee, 2),
        tax: Decimal::new(tax, 4),
        ratio: ratio.map(|ratio| Decimal::new(ratio, 3)),
        counter_symbol: other.map(symbol),
        cost_share: share.map(|share| Decimal::new(share, 2)),
        lot_id: lot.map(|lot| format!("lot {lot}")),
        opened_on: before.map(|before| day(on) - Days::new(before)),
        // Account 2 isn't the portfolio's: a finding.
        ..Transaction::blank(kind, AccountId(account), day(on), currency(code))
    }
}

fn series() -> impl Strategy<Value = Vec<(NaiveDate, Decimal)>> {
    let one = (0..DAYS, 5_000..20_000_i64).prop_map(|(on, rate)| (on, Decimal::new(rate, 4)));
    // Mostly from the first day on: what has no rate is unknown for ever after.
    (5_000..20_000_i64, prop::bool::weighted(0.8), proptest::collection::btree_map(0..DAYS, one.prop_map(|(_, rate)| rate), 0..15))
        .prop_map(|(first, is_early, mut rates)| {
            if is_early {
                rates.insert(0, Decimal::new(first, 4));
            }
            rates.into_iter().map(|(on, rate)| (day(on), rate)).collect()
        })
}

fn rules() -> impl Strategy<Value = AccountRules> {
    let bases = [CostBasis::Fifo, CostBasis::Lifo, CostBasis::Hifo, CostBasis::Average, CostBasis::Specific];
    (prop::sample::select(bases.to_vec()), any::<bool>(), any::<bool>()).prop_map(|(cost_basis, allows_short, sells_short)| AccountRules {
        cost_basis,
        allows_short,
        sells_short,
    })
}

pub fn histories() -> impl Strategy<Value = History> {
    let splits = proptest::collection::vec((0..SYMBOLS.len(), 0..DAYS, 1..8_i64, 1..8_i64), 0..5);
    let dividends = proptest::collection::vec((0..SYMBOLS.len(), 0..DAYS, proptest::option::of(0..10_u64), 1..500_i64), 0..8);
    let closes = proptest::collection::vec((0..SYMBOLS.len(), 0..DAYS, 1..10_000_000_i64), 20..110);
    let sessions = proptest::collection::btree_set(0..DAYS, 2..30);
    (transactions(), splits, dividends, closes, sessions, (rules(), rules()), (series(), series())).prop_map(
        |(transactions, splits, dividends, closes, sessions, (one, other), (eur, gbp))| {
            let mut by_symbol: BTreeMap<Symbol, BTreeMap<NaiveDate, Decimal>> = BTreeMap::new();
            for (place, on, close) in closes {
                by_symbol.entry(symbol(place)).or_default().insert(day(on), Decimal::new(close, 4));
            }
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
                accounts: BTreeMap::from([(AccountId(0), one), (AccountId(1), other)]),
                transactions,
                splits,
                dividends: dividends.into_iter().map(dividend).collect(),
                closes: by_symbol.into_iter().map(|(symbol, closes)| (symbol, closes.into_iter().collect())).collect(),
                currencies: [(symbol(2), currency(1)), (symbol(3), currency(3))].into(),
                rates: Rates::from([(currency(1), eur), (currency(2), gbp)]),
            }
        },
    )
}
