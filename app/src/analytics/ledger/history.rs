//! A real year: AAPL through its 7-for-1 split of 2014, dividends on the way. Skipped, and said, without `../shared/data`.

use super::*;
use crate::{
    analytics::returns::cumulative_return,
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
