//! Stories of amounts without an exchange rate: what is unknown stays so, and never stands at 0.

use super::*;
use crate::domain::Currency;

fn euro() -> Currency {
    Currency::parse("EUR").unwrap()
}
fn abroad(kind: Kind, day: u32, quantity: &str, amount: &str) -> Transaction {
    Transaction { currency: euro(), ..shares(kind, day, quantity, amount) }
}

/// AAPL closes at 100 on six days, in the currency `quoted`; euros have a rate from the 4th on, pounds none.
fn told(quoted: Currency, transactions: &[Transaction]) -> (State, Yield) {
    let sessions: Vec<NaiveDate> = (2..8).map(on).collect();
    let accounts = BTreeMap::from([(ACCOUNT, AccountRules::default())]);
    let closes = Closes::from([(aapl(), sessions.iter().map(|day| (*day, number("100"))).collect())]);
    let input = Input {
        sessions: &sessions,
        accounts: &accounts,
        transactions,
        splits: &[],
        dividends: &[],
        closes: &closes,
        base: Currency::USD,
        currencies: &BTreeMap::from([(aapl(), quoted)]),
        rates: &Rates::from([(euro(), vec![(on(4), number("1.1"))])]),
    };
    book(State::default(), &input)
}

fn missed(yielded: &Yield) -> Vec<Option<u32>> {
    use chrono::Datelike;
    yielded.days.iter().map(|day| day.last_unconverted.map(|day| day.day())).collect()
}

#[test]
fn the_gain_of_what_was_bought_without_a_rate_is_unknown() {
    let (state, yielded) = told(euro(), &[abroad(Kind::Buy, 2, "10", "1000"), abroad(Kind::Sell, 5, "4", "480")]);
    let sale = &yielded.realized[0];
    assert_eq!((sale.proceeds, sale.cost, sale.gain()), (Some(usd("528")), None, None));
    assert_eq!(state.totals.realized, Money::ZERO);
    assert_eq!(missed(&yielded), [Some(2), Some(2), Some(2), Some(5), Some(5), Some(5)], "the sale is unknown, too");
    assert!(yielded.days[3].holdings_return.is_some_and(|r| (r - 0.08).abs() < 1e-12), "its return isn't: 660 + 528 of 1100");
    assert!(yielded.courses[0].moves[1].1.is_unconverted);
    assert_eq!(yielded.holdings[0].unrealized, None);
}

#[test]
fn the_proceeds_of_what_was_sold_without_a_rate_are_unknown() {
    let pounds = Transaction { currency: Currency::parse("GBP").unwrap(), ..shares(Kind::Sell, 5, "10", "900") };
    let (_, yielded) = told(Currency::USD, &[shares(Kind::Buy, 2, "10", "1000"), pounds]);
    let sale = &yielded.realized[0];
    assert_eq!((sale.proceeds, sale.cost, sale.gain()), (None, Some(usd("1000")), None));
    assert_eq!(missed(&yielded), [None, None, None, Some(5), Some(5), Some(5)]);
}

#[test]
fn a_second_unknown_amount_does_not_hide_behind_the_first() {
    let (_, yielded) = told(Currency::USD, &[Transaction { currency: euro(), ..cash(Kind::Deposit, 2, "1") }]);
    assert_eq!(missed(&yielded)[5], Some(2));
    let pounds = Transaction { currency: Currency::parse("GBP").unwrap(), ..cash(Kind::Interest, 6, "1") };
    let (_, yielded) = told(Currency::USD, &[Transaction { currency: euro(), ..cash(Kind::Deposit, 2, "1") }, pounds]);
    assert_eq!(missed(&yielded)[3..], [Some(2), Some(6), Some(6)]);
}

#[test]
fn a_lot_that_leaves_takes_its_unknown_gain_along() {
    let (_, yielded) = told(euro(), &[abroad(Kind::Buy, 2, "10", "1000"), shares(Kind::TransferOut, 5, "10", "0")]);
    assert_eq!(missed(&yielded)[4], Some(5));
    assert_eq!((yielded.days[3].outflow, yielded.days[3].is_unconverted), (usd("1100"), false));
}

#[test]
fn capital_that_came_back_without_a_rate_leaves_an_unknown_cost() {
    let back = abroad(Kind::ReturnOfCapital, 3, "0", "100");
    let (state, yielded) = told(Currency::USD, &[shares(Kind::Buy, 2, "10", "1000"), back, shares(Kind::Sell, 5, "4", "400")]);
    assert!(state.lots[0].is_unconverted);
    assert_eq!((yielded.realized[0].cost, yielded.days[5].unrealized), (None, None));
}

#[test]
fn securities_that_come_in_without_a_price_cost_nobody_knows_what() {
    let (state, yielded) = told(euro(), &[shares(Kind::TransferIn, 2, "10", "0")]);
    assert!(state.lots[0].is_unconverted && yielded.days[0].is_unconverted);
    assert_eq!((yielded.days[5].unrealized, yielded.days[5].value), (None, Some(usd("1100"))));
}
