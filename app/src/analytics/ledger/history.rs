//! A real year: AAPL through its 7-for-1 split of 2014, dividends on the way, and prices that hold the split already. Skipped, and
//! said, without `../shared/data`.

use super::*;
use crate::{
    analytics::{
        period::{Scope, sessions as sessions_of},
        returns::cumulative_return,
    },
    domain::{AccountId, Currency, Money, Symbol},
};
use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use std::{collections::BTreeMap, fs, path::Path};

fn rows(file: &str) -> Option<Vec<Vec<String>>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/us-2014").join(file);
    let Ok(text) = fs::read_to_string(&path) else {
        println!("skipped: {} isn't there", path.display());
        return None;
    };
    Some(text.lines().skip(1).map(|line| line.split(',').map(str::to_owned).collect()).collect())
}

#[test]
fn a_share_of_apple_through_2014() {
    let (Some(bars), Some(actions)) = (rows("bars.csv"), rows("corporate_actions.csv")) else { return };
    let aapl = Symbol::parse("AAPL").unwrap();
    let number = |text: &str| text.parse::<Decimal>().unwrap();
    let date = |text: &str| text.parse::<NaiveDate>().unwrap();
    let closes: Vec<_> = bars.iter().filter(|row| row[0] == "AAPL").map(|row| (date(&row[1]), number(&row[5]))).collect();
    let sessions: Vec<_> = closes.iter().map(|(day, _)| *day).collect();
    let of = |kind: &'static str| actions.iter().filter(move |row| row[0] == "AAPL" && row[2] == kind);
    let splits: Vec<_> = of("split")
        .map(|row| Split { symbol: aapl.clone(), execution_date: date(&row[1]), from: Decimal::ONE, to: number(&row[3]) })
        .collect();
    let pays = |ex: NaiveDate| ex + Days::new(7);
    let dividends: Vec<_> = of("cash_dividend")
        .map(|row| Dividend {
            symbol: aapl.clone(),
            ex_date: date(&row[1]),
            pay_date: Some(pays(date(&row[1]))),
            cash_amount: number(&row[3]),
            currency: None,
        })
        .collect();
    let base = Transaction {
        key: "deposit".into(),
        amount: number("55313"),
        ..Transaction::blank(Kind::Deposit, AccountId(1), sessions[0], Currency::USD)
    };
    let shares = Some(aapl.clone());
    let mut transactions = vec![
        base.clone(),
        Transaction { key: "buy".into(), kind: Kind::Buy, symbol: shares.clone(), quantity: number("100"), ..base.clone() },
    ];
    for dividend in &dividends {
        let held = if dividend.ex_date < splits[0].execution_date { "100" } else { "700" };
        let amount = dividend.cash_amount * number(held);
        let traded_on = dividend.pay_date.unwrap();
        transactions.push(Transaction {
            key: "paid".into(),
            kind: Kind::Dividend,
            symbol: shares.clone(),
            amount,
            traded_on,
            ..base.clone()
        });
    }
    let accounts = BTreeMap::from([(AccountId(1), AccountRules::default())]);
    let closes = Closes::from([(aapl, closes)]);
    let input = Input {
        sessions: &sessions,
        accounts: &accounts,
        transactions: &transactions,
        splits: &splits,
        dividends: &dividends,
        closes: &closes,
        base: Currency::USD,
        currencies: &BTreeMap::new(),
        rates: &Rates::new(),
    };
    let (state, yielded) = book(State::default(), &input);
    assert!(yielded.findings.is_empty(), "{:?}", yielded.findings);
    let split = yielded.days.iter().find(|day| day.session_date == splits[0].execution_date).unwrap();
    // 645.57 → 93.70: +1.6 %, no jump.
    assert!(split.daily_return.is_some_and(|r| (r - (7.0 * 93.70 / 645.57 - 1.0)).abs() < 1e-3), "{split:?}");
    assert_eq!(state.lots[0].quantity, number("700"));
    // 305 + 329 + 329 + 329.
    assert_eq!(state.totals.income, Money(number("1292")));
    let last = yielded.days.last().unwrap();
    let value = number("700") * closes.values().next().unwrap().last().unwrap().1 + number("1292");
    assert_eq!(last.value, Some(Money(value)));
    let linked = cumulative_return(yielded.days.iter().map(|day| day.daily_return)).unwrap();
    let whole = Money(value).share_of(Money(number("55313"))).unwrap() - 1.0;
    assert!((linked.cumulative - whole).abs() < 1e-12, "without flows the linked return is the whole one");
}

/// One share of AAPL through 2014, told by raw closes and transactions: each dividend arrives, and buys shares, on its ex-date.
#[test]
fn every_day_of_apple_has_the_adjusted_return() {
    let (Some(bars), Some(actions)) = (rows("bars.csv"), rows("corporate_actions.csv")) else { return };
    let number = |text: &str| text.parse::<Decimal>().unwrap();
    let date = |text: &str| text.parse::<NaiveDate>().unwrap();
    let aapl = Symbol::parse("AAPL").unwrap();
    let closes: Vec<_> = bars.iter().filter(|row| row[0] == "AAPL").map(|row| (date(&row[1]), number(&row[5]))).collect();
    let sessions: Vec<_> = closes.iter().map(|(day, _)| *day).collect();
    let events: Vec<_> =
        actions.iter().filter(|row| row[0] == "AAPL").map(|row| (date(&row[1]), row[2].clone(), number(&row[3]))).collect();
    // The reference: a day's factor of adjustment is 1 / ratio for a split and 1 − dividend / (close before) for a dividend; a close
    // times the factors of all later days is the adjusted one.
    let factor = |index: usize| {
        let (day, before) = (closes[index].0, closes[index - 1].1);
        events.iter().filter(|(on, ..)| *on == day).fold(Decimal::ONE, |factor, (_, kind, value)| {
            factor * if kind == "split" { Decimal::ONE / value } else { Decimal::ONE - value / before }
        })
    };
    let f64_of = |number: Decimal| Money(number).ratio_base();
    let adjusted: Vec<f64> =
        (1..closes.len()).map(|index| f64_of(closes[index].1) / f64_of(closes[index - 1].1) / f64_of(factor(index)) - 1.0).collect();

    let splits: Vec<NaiveDate> = events.iter().filter(|(_, kind, _)| kind == "split").map(|(day, ..)| *day).collect();
    let mut total = adjusted.clone();
    // A thousand million shares, so that cents of a dividend aren't rounded away from the return.
    let (mut held, account) = (number("1000000000"), AccountId(1));
    let blank = |kind, day| Transaction { symbol: Some(aapl.clone()), ..Transaction::blank(kind, account, day, Currency::USD) };
    let mut transactions = vec![Transaction { quantity: held, key: "0".into(), ..blank(Kind::TransferIn, sessions[0]) }];
    let mut paid_out = transactions.clone();
    for (index, (day, close)) in closes.iter().enumerate().skip(1) {
        for (_, kind, value) in events.iter().filter(|(on, ..)| on == day) {
            if kind == "split" {
                held *= value;
                transactions.push(Transaction { ratio: Some(*value), key: index.to_string(), ..blank(Kind::Split, *day) });
                paid_out.extend(transactions.last().cloned());
            } else {
                // The method of adjustment buys at the close before, less the dividend: so many shares more make the same return.
                let amount = held * value;
                let before = closes[index - 1].1;
                let quantity = (held * value / (before - value)).round_dp(10);
                transactions.push(Transaction { quantity, amount, key: index.to_string(), ..blank(Kind::Reinvest, *day) });
                held += quantity;
                let held = transactions[0].quantity * if *day < splits[0] { Decimal::ONE } else { Decimal::from(7) };
                paid_out.push(Transaction { amount: held * value, key: index.to_string(), ..blank(Kind::Dividend, *day) });
                // (close + dividend) / close before − 1, of shares that are worth the same on both days.
                total[index - 1] = (f64_of(*close) + f64_of(*value)) / f64_of(before) - 1.0;
            }
        }
    }
    let accounts = BTreeMap::from([(account, AccountRules::default())]);
    let closes = Closes::from([(aapl, closes)]);
    let told = |transactions: &[Transaction]| {
        let input = Input {
            sessions: &sessions,
            accounts: &accounts,
            transactions,
            splits: &[],
            dividends: &[],
            closes: &closes,
            base: Currency::USD,
            currencies: &BTreeMap::new(),
            rates: &Rates::new(),
        };
        let (_, yielded) = book(State::default(), &input);
        assert!(yielded.findings.is_empty(), "{:?}", yielded.findings);
        yielded
    };
    let holdings = sessions_of(&told(&paid_out).days, Scope::Holdings);
    for (day, reference) in holdings.iter().skip(1).zip(&total) {
        let found = day.daily_return.unwrap();
        assert!((found - reference).abs() < 1e-12, "{}: {found} is not {reference}", day.date);
    }
    let yielded = told(&transactions);
    for (day, reference) in yielded.days.iter().skip(1).zip(&adjusted) {
        let found = day.daily_return.unwrap();
        assert!((found - reference).abs() < 1e-12, "{}: {found} is not {reference}", day.session_date);
    }
    let linked = cumulative_return(yielded.days.iter().map(|day| day.daily_return)).unwrap().cumulative;
    let whole = adjusted.iter().fold(1.0, |growth, r| growth * (1.0 + r)) - 1.0;
    assert!((linked - whole).abs() < 1e-11, "{linked} is not {whole}");
}

/// Closes divided by the split long before it happened, while the split is listed too.
#[test]
fn prices_that_hold_the_split_already_are_reported() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/split_adjusted_with_events_2012_2014.csv.gz");
    let Ok(unpacked) = std::process::Command::new("gzip").arg("-dc").arg(&path).output() else { return println!("skipped: no gzip") };
    if !unpacked.status.success() {
        return println!("skipped: {} isn't there", path.display());
    }
    let text = String::from_utf8(unpacked.stdout).unwrap();
    let rows: Vec<Vec<&str>> =
        text.lines().skip(1).map(|line| line.split(',').collect()).filter(|row: &Vec<&str>| row[0] == "AAPL").collect();
    let aapl = Symbol::parse("AAPL").unwrap();
    let closes: Vec<(NaiveDate, Decimal)> = rows.iter().map(|row| (row[1].parse().unwrap(), row[5].parse().unwrap())).collect();
    let listed: Vec<(NaiveDate, Decimal)> = rows
        .iter()
        .map(|row| (row[1].parse().unwrap(), row[8].parse::<Decimal>().unwrap().normalize()))
        .filter(|(_, ratio)| *ratio > Decimal::ONE)
        .collect();
    let splits: Vec<Split> =
        listed.iter().map(|(day, to)| Split { symbol: aapl.clone(), execution_date: *day, from: Decimal::ONE, to: *to }).collect();
    assert_eq!(splits.len(), 1);
    let sessions: Vec<_> = closes.iter().map(|(day, _)| *day).collect();
    let accounts = BTreeMap::from([(AccountId(1), AccountRules::default())]);
    let bought = Transaction {
        symbol: Some(aapl.clone()),
        quantity: Decimal::TEN,
        ..Transaction::blank(Kind::TransferIn, AccountId(1), sessions[0], Currency::USD)
    };
    let transactions = [bought];
    let closes = Closes::from([(aapl.clone(), closes)]);
    let input = Input {
        sessions: &sessions,
        accounts: &accounts,
        transactions: &transactions,
        splits: &splits,
        dividends: &[],
        closes: &closes,
        base: Currency::USD,
        currencies: &BTreeMap::new(),
        rates: &Rates::new(),
    };
    let (_, yielded) = book(State::default(), &input);
    let [finding] = &yielded.findings[..] else { panic!("{:?}", yielded.findings) };
    assert_eq!(
        (finding.code.as_str(), finding.symbol.as_ref(), finding.session_date),
        ("prices_already_adjusted", Some(&aapl), listed[0].0)
    );
}
