//! How long a ledger takes: lots and daily values of a large book, and what each holding contributed, in one currency and in several. Each is printed beside its aim.

use app::{
    analytics::{
        contribution::{Contributions, Member},
        ledger::{AccountRules, Closes, CostBasis, Input, Kind, Rates, State, Transaction, book},
        period::{Period, Scope, sessions},
    },
    domain::{AccountId, Currency, Symbol},
};
use chrono::{Datelike, NaiveDate, Weekday};
use criterion::{Criterion, criterion_group, criterion_main};
use rust_decimal::Decimal;
use std::{collections::BTreeMap, hint::black_box, time::Duration};

const YEARS: i32 = 12;
const SYMBOLS: usize = 250;
const TRANSACTIONS: usize = 15_000;

/// SplitMix64.
struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % limit
    }
}

struct Book {
    sessions: Vec<NaiveDate>,
    transactions: Vec<Transaction>,
    closes: Closes,
    currencies: BTreeMap<Symbol, Currency>,
    rates: Rates,
}

/// `abroad`: every third symbol is quoted and traded in euros.
fn large_book(abroad: bool) -> Book {
    let mut random = Random(7);
    let first = NaiveDate::from_ymd_opt(2014, 1, 2).expect("a day");
    let sessions: Vec<NaiveDate> = first
        .iter_days()
        .take_while(|day| day.year() < 2014 + YEARS)
        .filter(|day| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun))
        .collect();
    let symbols: Vec<Symbol> = (0..SYMBOLS).map(|number| Symbol::parse(&format!("S{number}")).expect("a symbol")).collect();
    let euro = Currency::parse("EUR").expect("a currency");
    let currency = |number: usize| if abroad && number.is_multiple_of(3) { euro } else { Currency::USD };
    let mut closes = Closes::new();
    for symbol in &symbols {
        let mut close = 2_000 + random.below(20_000);
        let series = sessions.iter().map(|day| {
            close = (close * (9_800 + random.below(405)) / 10_000).max(100);
            (*day, Decimal::new(close.cast_signed(), 2))
        });
        closes.insert(symbol.clone(), series.collect());
    }
    let account = AccountId(1);
    let cash = |currency, amount: i64| Transaction { amount: amount.into(), ..Transaction::blank(Kind::Deposit, account, first, currency) };
    let mut transactions = vec![cash(Currency::USD, 50_000_000), cash(euro, 50_000_000)];
    transactions.truncate(if abroad { 2 } else { 1 });
    let mut held = vec![0_u64; SYMBOLS];
    for number in transactions.len()..TRANSACTIONS {
        let day = sessions[number * sessions.len() / TRANSACTIONS];
        let at = random.below(SYMBOLS as u64) as usize;
        let quantity = 1 + random.below(100);
        let is_sale = held[at] > quantity && random.below(5) < 2;
        held[at] = if is_sale { held[at] - quantity } else { held[at] + quantity };
        transactions.push(Transaction {
            key: format!("{number:06}"),
            symbol: Some(symbols[at].clone()),
            quantity: quantity.into(),
            amount: Decimal::new((quantity * (2_000 + random.below(20_000))).cast_signed(), 2),
            fee: Decimal::ONE,
            ..Transaction::blank(if is_sale { Kind::Sell } else { Kind::Buy }, account, day, currency(at))
        });
    }
    let currencies = symbols.into_iter().enumerate().map(|(number, symbol)| (symbol, currency(number))).collect();
    let rates =
        Rates::from([(euro, sessions.iter().map(|day| (*day, Decimal::new(10_500 + random.below(1_000).cast_signed(), 4))).collect())]);
    Book { sessions, transactions, closes, currencies, rates }
}

fn ledger(criterion: &mut Criterion) {
    for (abroad, words) in [(false, "one currency"), (true, "two currencies")] {
        let large = large_book(abroad);
        for cost_basis in [CostBasis::Fifo, CostBasis::Hifo, CostBasis::Average] {
            let accounts = BTreeMap::from([(AccountId(1), AccountRules { cost_basis, ..AccountRules::default() })]);
            let input = Input {
                sessions: &large.sessions,
                accounts: &accounts,
                transactions: &large.transactions,
                splits: &[],
                dividends: &[],
                closes: &large.closes,
                base: Currency::USD,
                currencies: &large.currencies,
                rates: &large.rates,
            };
            let (_, yielded) = book(State::default(), &input);
            assert!(yielded.findings.is_empty() && yielded.days.last().is_some_and(|day| day.value.is_some()));
            let name = format!("15,000 transactions, 12 years, 250 symbols, {words}, {cost_basis:?} (aim: under 250 ms)");
            criterion.bench_function(&name, |bencher| bencher.iter(|| book(State::default(), black_box(&input))));
        }
    }
}

/// The same book by holding, over all of its years.
fn contributions(criterion: &mut Criterion) {
    for (abroad, words) in [(false, "one currency"), (true, "two currencies")] {
        let large = large_book(abroad);
        let input = Input {
            sessions: &large.sessions,
            accounts: &BTreeMap::from([(AccountId(1), AccountRules::default())]),
            transactions: &large.transactions,
            splits: &[],
            dividends: &[],
            closes: &large.closes,
            base: Currency::USD,
            currencies: &large.currencies,
            rates: &large.rates,
        };
        let (_, yielded) = book(State::default(), &input);
        let sessions = sessions(&yielded.days, Scope::Account);
        let members: Vec<Member<'_>> = yielded.courses.iter().map(|course| Member { course, group: Some("Technology") }).collect();
        let measured = || Period::of(&sessions, None, None).map(|period| Contributions::of(&period, black_box(&members), None));
        assert!(measured().is_ok_and(|found| found.whole.is_ok() && found.parts.len() == SYMBOLS));
        let name = format!("contributions of 250 symbols over 12 years, {words} (aim: under 250 ms)");
        criterion.bench_function(&name, |bencher| bencher.iter(measured));
    }
}

criterion_group! {
    name = benches;
    config = Criterion::default().sample_size(10).warm_up_time(Duration::from_secs(1)).measurement_time(Duration::from_secs(3));
    targets = ledger, contributions
}
criterion_main!(benches);
