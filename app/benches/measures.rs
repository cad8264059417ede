//! How long the measures take: the catalogue of one portfolio and of a thousand, XIRR, attribution, rolling windows. Each is printed beside
//! its aim.

use app::analytics::{
    attribution::{Segment, attribute, link},
    cashflow::{Payment, money_weighted},
    metrics::Terms,
    series::Series,
};
use chrono::{Days, NaiveDate};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use std::{hint::black_box, time::Duration};

/// Ten years of sessions.
const SESSIONS: usize = 2_520;

/// SplitMix64, between −1 and 1.
struct Random(u64);

impl Random {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

fn first() -> NaiveDate {
    NaiveDate::from_ymd_opt(2016, 11, 21).expect("a day")
}

fn series(seed: u64) -> Series {
    let mut random = Random(seed);
    let market: Vec<f64> = (0..SESSIONS).map(|_| random.next() * 0.02 + 0.0004).collect();
    Series {
        days: first().iter_days().take(SESSIONS).collect(),
        returns: market.iter().map(|r| 0.9 * r + random.next() * 0.01).collect(),
        risk_free: vec![Some(1.6e-4); SESSIONS],
        benchmark: Some(market.into_iter().map(Some).collect()),
    }
}

fn catalogue(criterion: &mut Criterion) {
    let one = series(1);
    criterion.bench_function("full catalogue, 2,520 daily returns with a benchmark (aim: under 1 ms)", |bencher| {
        bencher.iter(|| black_box(&one).measured(Terms::default(), 0..SESSIONS));
    });
    let thousand: Vec<Series> = (0..1_000).map(series).collect();
    criterion.bench_function("full catalogue of 1,000 portfolios, one after the other (aim: under 300 ms)", |bencher| {
        bencher.iter(|| thousand.iter().map(|one| one.measured(Terms::default(), 0..SESSIONS).measures.len()).sum::<usize>());
    });
}

fn rolling(criterion: &mut Criterion) {
    let one = series(2);
    for key in ["volatility", "sharpe_ratio", "beta"] {
        let name = format!("rolling {key}, 2,269 windows of 252 sessions (aim: under 50 ms)");
        criterion.bench_function(&name, |bencher| bencher.iter(|| black_box(&one).rolling(key, Terms::default(), 252)));
    }
    criterion.bench_function("all measures over 2,269 windows of 252 sessions (aim: under 300 ms)", |bencher| {
        bencher.iter(|| black_box(&one).rolling_all(Terms::default(), 252));
    });
}

fn money(criterion: &mut Criterion) {
    let mut random = Random(3);
    let mut flows: Vec<Payment> =
        (0..999).map(|at| Payment { on: first() + Days::new(at * 3), amount: -100.0 + 60.0 * random.next() }).collect();
    flows.push(Payment { on: first() + Days::new(3_000), amount: 140_000.0 });
    criterion.bench_function("XIRR of 1,000 flows (aim: under 1 ms)", |bencher| bencher.iter(|| money_weighted(black_box(&flows))));
    // Deposits and withdrawals that change sign every few days: the search has to look closer.
    let mixed: Vec<Payment> = flows[..999]
        .iter()
        .enumerate()
        .map(|(at, flow)| Payment { amount: if at % 5 == 4 { 380.0 } else { flow.amount }, ..*flow })
        .chain(flows.last().copied())
        .collect();
    criterion.bench_function("XIRR of 1,000 flows of both signs", |bencher| bencher.iter(|| money_weighted(black_box(&mixed))));
}

fn attribution(criterion: &mut Criterion) {
    let mut random = Random(4);
    let period = |random: &mut Random| -> Vec<Segment> {
        let segment = |number: u32| Segment {
            segment: format!("segment {number}"),
            portfolio_weight: 0.1,
            benchmark_weight: 0.1,
            portfolio_return: random.next() * 0.05,
            benchmark_return: random.next() * 0.05,
        };
        (0..10).map(segment).collect()
    };
    let periods: Vec<Vec<Segment>> = (0..120).map(|_| period(&mut random)).collect();
    criterion.bench_function("attribution, 10 segments over 120 months, linked (aim: under 1 ms)", |bencher| {
        bencher.iter_batched(
            || periods.clone(),
            |periods| {
                let parts: Vec<_> = periods.iter().filter_map(|period| attribute(period).ok()).collect();
                link(&parts)
            },
            BatchSize::SmallInput,
        );
    });
}

criterion_group! {
    name = measures;
    config = Criterion::default().warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(3)).sample_size(20);
    targets = catalogue, rolling, money, attribution
}
criterion_main!(measures);
