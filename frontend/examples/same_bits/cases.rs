//! Made-up inputs from a seed and what `app::analytics` finds in them, bit by bit: computed natively and in WASM, and compared.

use app::{
    analytics::{
        attribution::{Attributed, Effects, Segment, attribute, link},
        cashflow::{Flow, Payment, modified_dietz, money_weighted, roots},
        ledger::{AccountRules, Closes, CostBasis, Input, Kind, Rates, State, Transaction, book},
        metrics::Terms,
        series::Series,
    },
    domain::{AccountId, Currency, Figure, Money, Symbol, Undefined},
};
use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use std::{collections::BTreeMap, fmt::Write};

/// A line a case, every number as its bits and every reason as it reads.
pub fn lines(count: u32) -> String {
    let mut text = String::new();
    for seed in 0..count {
        let mut line = Line(format!("{seed}"));
        let mut random = Random(u64::from(seed) * 7_919 + 1);
        match seed % 5 {
            0 | 1 => measures(&mut line, &mut random),
            2 => payments(&mut line, &mut random),
            3 => segments(&mut line, &mut random),
            _ => ledger(&mut line, &mut random),
        }
        text.push_str(&line.0);
        text.push('\n');
    }
    text
}

/// SplitMix64: whole numbers and the four operations alone, so that the inputs are the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between −1 and 1.
    fn even(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }

    fn below(&mut self, most: u64) -> u64 {
        self.next() % most
    }
}

struct Line(String);

impl Line {
    fn bits(&mut self, number: f64) {
        let _ = write!(self.0, " {:016x}", number.to_bits());
    }

    fn text(&mut self, text: impl std::fmt::Display) {
        let _ = write!(self.0, " {text}");
    }

    fn figure(&mut self, figure: &Figure<f64>) {
        match figure {
            Ok(number) => self.bits(*number),
            Err(Undefined(reason)) => self.text(reason),
        }
    }
}

fn first() -> NaiveDate {
    NaiveDate::from_ymd_opt(2015, 1, 2).unwrap_or_default()
}

/// Returns of many kinds: ordinary ones, constant ones, hardly varying ones, alternating ones, wild ones, total losses.
fn one_return(random: &mut Random, kind: u64, at: usize) -> f64 {
    match kind {
        0..=3 => random.even() * random.even() * 0.03 + 3e-4,
        4 => 0.001,
        5 => 1.0 + random.even() * 1e-12,
        6 => [0.01, -0.01][at % 2],
        7 => random.even() * 3.0,
        8 if random.below(30) == 0 => -1.0,
        _ => random.even() * 0.2,
    }
}

fn measures(line: &mut Line, random: &mut Random) {
    let (count, kind) = (random.below(400) as usize, random.below(10));
    let is_known = |random: &mut Random| random.below(40) > 0;
    let market: Vec<f64> = (0..count).map(|_| random.even() * 0.02 + 2e-4).collect();
    let returns: Vec<f64> = (0..count).map(|at| one_return(random, kind, at) + market[at] * 0.5).collect();
    let has_every_rate = random.below(2) == 0;
    let series = Series {
        days: first().iter_days().take(count).collect(),
        risk_free: (0..count).map(|_| (has_every_rate || is_known(random)).then(|| random.even() * 1e-4)).collect(),
        benchmark: Some(market.iter().map(|b| is_known(random).then_some(*b)).collect()),
        returns,
    };
    let terms = Terms {
        periods_a_year: [252.0, 12.0, 52.0][random.below(3) as usize],
        mar: random.even() * 1e-3,
        confidence: [0.95, 0.99, 0.9][random.below(3) as usize],
        ..Terms::default()
    };
    let found = series.measured(terms, 0..count);
    for (_, figure) in &found.measures {
        line.figure(figure);
    }
    for fall in series.falls() {
        line.bits(fall.fall.depth);
        line.text(format_args!("{:?} {:?} {:?}", fall.peak, fall.trough, fall.recovery));
    }
    for (_, figure) in series.rolling("sharpe_ratio", terms, 63).iter().step_by(16) {
        line.figure(figure);
    }
}

fn payments(line: &mut Line, random: &mut Random) {
    let count = 2 + random.below(60);
    let mut payments: Vec<Payment> =
        (0..count).map(|_| Payment { on: first() + Days::new(random.below(3_000)), amount: random.even() * 1_000.0 - 300.0 }).collect();
    let paid: f64 = payments.iter().map(|payment| payment.amount).sum();
    payments.push(Payment { on: first() + Days::new(3_001), amount: -paid * (1.0 + random.even() * 0.9) });
    match money_weighted(&payments) {
        Ok(found) => {
            line.figure(&found.annual.ok_or_else(|| Undefined::because("too large")));
            line.bits(found.of_period);
        }
        Err(reason) => line.text(reason),
    }
    for root in roots(&payments).unwrap_or_default() {
        line.bits(root);
    }
    let money = |random: &mut Random| Money(any_amount(random));
    let mut flows: Vec<Flow> =
        (0..random.below(20)).map(|_| Flow { on: first() + Days::new(1 + random.below(300)), amount: money(random) }).collect();
    flows.sort_by_key(|flow| flow.on);
    let (start, end) = ((first(), money(random)), (first() + Days::new(301), money(random)));
    line.figure(&modified_dietz(start, end, &flows));
    line.bits(end.1.ratio_base());
}

/// An amount of any number of decimals.
fn any_amount(random: &mut Random) -> Decimal {
    Decimal::new((random.next() >> random.below(40)) as i64, random.below(19) as u32)
}

fn segments(line: &mut Line, random: &mut Random) {
    let effects = |line: &mut Line, of: &Effects| [of.allocation, of.selection, of.interaction, of.total()].map(|effect| line.bits(effect));
    let mut periods: Vec<Attributed> = Vec::new();
    for _ in 0..1 + random.below(12) {
        let weights: Vec<[f64; 2]> = (0..1 + random.below(8)).map(|_| [random.even() + 1.1, random.even() + 1.1]).collect();
        let sum = |side: usize| weights.iter().map(|weights| weights[side]).sum::<f64>();
        let segments: Vec<Segment> = weights
            .iter()
            .enumerate()
            .map(|(number, weights)| Segment {
                segment: number.to_string(),
                portfolio_weight: weights[0] / sum(0),
                benchmark_weight: weights[1] / sum(1),
                portfolio_return: random.even() * 0.2,
                benchmark_return: random.even() * 0.2,
            })
            .collect();
        match attribute(&segments) {
            Ok(found) => {
                effects(line, &found.totals);
                periods.push(found);
            }
            Err(reason) => line.text(reason),
        }
    }
    match link(&periods) {
        Ok(whole) => {
            line.bits(whole.residual());
            whole.segments.values().for_each(|of| {
                effects(line, of);
            });
        }
        Err(reason) => line.text(reason),
    }
}

/// Every day of a ledger, in two currencies, with short sales and by every way of choosing lots.
fn ledger(line: &mut Line, random: &mut Random) {
    let symbols: Vec<Symbol> = ["AAA", "BBB", "CCC"].iter().filter_map(|symbol| Symbol::parse(symbol).ok()).collect();
    let (Ok(euro), account) = (Currency::parse("EUR"), AccountId(1)) else { return };
    let sessions: Vec<NaiveDate> = first().iter_days().take(60).collect();
    let cents = |random: &mut Random, most: u64| Decimal::new(1 + random.below(most) as i64, 2);
    let closes: Closes = symbols
        .iter()
        .map(|symbol| {
            let traded: Vec<NaiveDate> = sessions.iter().filter(|_| random.below(9) > 0).copied().collect();
            (symbol.clone(), traded.into_iter().map(|day| (day, cents(random, 50_000))).collect())
        })
        .collect();
    let rates = Rates::from([(euro, sessions.iter().map(|day| (*day, Decimal::new(10_000 + random.below(2_000) as i64, 4))).collect())]);
    let kinds = [
        Kind::Buy,
        Kind::Buy,
        Kind::Sell,
        Kind::Short,
        Kind::Cover,
        Kind::Deposit,
        Kind::Withdrawal,
        Kind::Dividend,
        Kind::Fee,
        Kind::Split,
    ];
    let transactions: Vec<Transaction> = (0..80)
        .map(|number| {
            let (kind, day) = (kinds[random.below(10) as usize], sessions[random.below(60) as usize]);
            let currency = if random.below(3) == 0 { euro } else { Currency::USD };
            let (quantity, price) = (Decimal::new(1 + random.below(5_000) as i64, random.below(4) as u32), cents(random, 50_000));
            Transaction {
                key: number.to_string(),
                symbol: symbols.get(random.below(3) as usize).cloned(),
                quantity,
                price,
                amount: (quantity * price).round_dp(2),
                fee: cents(random, 300),
                ratio: (kind == Kind::Split).then(|| Decimal::new(1 + random.below(40) as i64, 1)),
                ..Transaction::blank(kind, account, day, currency)
            }
        })
        .collect();
    let cost_basis = [CostBasis::Fifo, CostBasis::Lifo, CostBasis::Hifo, CostBasis::Average][random.below(4) as usize];
    let accounts = BTreeMap::from([(account, AccountRules { cost_basis, allows_short: true, sells_short: random.below(2) == 0 })]);
    let (state, yielded) = book(
        State::default(),
        &Input {
            sessions: &sessions,
            accounts: &accounts,
            transactions: &transactions,
            splits: &[],
            dividends: &[],
            closes: &closes,
            base: Currency::USD,
            currencies: &BTreeMap::from([(symbols[0].clone(), euro)]),
            rates: &rates,
        },
    );
    for day in &yielded.days {
        line.text(day.value.map_or(Decimal::ZERO, |value| value.0));
        line.figure(&day.daily_return.ok_or_else(|| Undefined::because("–")));
        line.text(format_args!("{:?} {:?}", day.unrealized, day.totals));
    }
    line.text(format_args!("{:?} {:?} {}", state.lots, yielded.realized, yielded.findings.len()));
}
