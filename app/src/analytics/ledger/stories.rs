//! Short stories with known ends.

use super::*;
use crate::domain::{AccountId, Currency, Money, Symbol};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

mod refusals;
mod unknown;

const ACCOUNT: AccountId = AccountId(1);
const OTHER: AccountId = AccountId(2);

fn number(text: &str) -> Decimal {
    text.parse().unwrap()
}
fn usd(text: &str) -> Money {
    Money(number(text))
}
/// Days of January 2024, from Tuesday the 2nd on.
fn on(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 1, day).unwrap()
}
fn aapl() -> Symbol {
    Symbol::parse("AAPL").unwrap()
}

fn cash(kind: Kind, day: u32, amount: &str) -> Transaction {
    let key = format!("{kind:?} {day}");
    Transaction { key, amount: number(amount), ..Transaction::blank(kind, ACCOUNT, on(day), Currency::USD) }
}
fn shares(kind: Kind, day: u32, quantity: &str, amount: &str) -> Transaction {
    Transaction { symbol: Some(aapl()), quantity: number(quantity), ..cash(kind, day, amount) }
}

/// A story about AAPL in one or two accounts.
#[derive(Default)]
struct Story {
    sessions: Vec<NaiveDate>,
    rules: AccountRules,
    transactions: Vec<Transaction>,
    splits: Vec<Split>,
    dividends: Vec<Dividend>,
    closes: Vec<(NaiveDate, Decimal)>,
}

impl Story {
    /// Closes of sessions from the 2nd on; "-" for none.
    fn closes(closes: &[(u32, &str)]) -> Self {
        Self {
            sessions: closes.iter().map(|(day, _)| on(*day)).collect(),
            closes: closes.iter().filter(|(_, close)| *close != "-").map(|(day, close)| (on(*day), number(close))).collect(),
            ..Self::default()
        }
    }
    fn with(mut self, transactions: impl IntoIterator<Item = Transaction>) -> Self {
        self.transactions.extend(transactions);
        self
    }
    fn split(mut self, day: u32, from: &str, to: &str) -> Self {
        self.splits.push(Split { symbol: aapl(), execution_date: on(day), from: number(from), to: number(to) });
        self
    }
    fn dividend(mut self, ex: u32, pay: Option<u32>, amount: &str) -> Self {
        self.dividends.push(Dividend {
            symbol: aapl(),
            ex_date: on(ex),
            pay_date: pay.map(on),
            cash_amount: number(amount),
            currency: None,
        });
        self
    }
    fn told(self) -> (State, Yield) {
        let accounts = BTreeMap::from([(ACCOUNT, self.rules), (OTHER, self.rules)]);
        let closes = Closes::from([(aapl(), self.closes)]);
        let input = Input {
            sessions: &self.sessions,
            accounts: &accounts,
            transactions: &self.transactions,
            splits: &self.splits,
            dividends: &self.dividends,
            closes: &closes,
            base: Currency::USD,
            currencies: &BTreeMap::new(),
            rates: &Rates::new(),
        };
        book(State::default(), &input)
    }
}

fn values(yielded: &Yield) -> Vec<String> {
    yielded.days.iter().map(|day| day.value.map_or("?".into(), |value| value.0.normalize().to_string())).collect()
}
fn returns(yielded: &Yield) -> Vec<Option<f64>> {
    yielded.days.iter().map(|day| day.daily_return.map(|r| (r * 1e9).round() / 1e9)).collect()
}
fn codes(yielded: &Yield) -> Vec<&str> {
    yielded.findings.iter().map(|finding| finding.code.as_str()).collect()
}

#[test]
fn ten_percent_from_one_investment_is_ten_percent() {
    let (state, yielded) =
        Story::closes(&[(2, "100"), (3, "110")]).with([cash(Kind::Deposit, 2, "1000"), shares(Kind::Buy, 2, "10", "1000")]).told();
    assert_eq!(values(&yielded), ["1000", "1100"]);
    assert_eq!(returns(&yielded), [Some(0.0), Some(0.1)]);
    assert_eq!(yielded.days[1].unrealized, Some(usd("100")));
    assert_eq!((state.totals.inflow, state.totals.realized), (usd("1000"), Money::ZERO));
}

#[test]
fn a_deposit_before_a_fall_is_no_gain() {
    let (_, yielded) = Story::closes(&[(2, "100"), (3, "50")])
        .with([cash(Kind::Deposit, 2, "1000"), shares(Kind::Buy, 2, "10", "1000"), cash(Kind::Deposit, 3, "1000")])
        .told();
    assert_eq!(values(&yielded), ["1000", "1500"]);
    assert_eq!(returns(&yielded), [Some(0.0), Some(-0.25)], "the deposit is at work from the start of its session");
}

#[test]
fn a_withdrawal_leaves_at_the_end_of_its_session() {
    let (_, yielded) = Story::closes(&[(2, "100"), (3, "120"), (4, "120")])
        .with([
            cash(Kind::Deposit, 2, "1000"),
            shares(Kind::Buy, 2, "10", "1000"),
            shares(Kind::Sell, 3, "10", "1200"),
            cash(Kind::Withdrawal, 3, "1200"),
        ])
        .told();
    assert_eq!(returns(&yielded), [Some(0.0), Some(0.2), None], "nothing is at work on the last day");
    assert_eq!(yielded.days[2].value, Some(Money::ZERO));
}

#[test]
fn a_seven_for_one_split_between_two_dividends() {
    let dividend = |day, amount| Transaction { symbol: Some(aapl()), ..cash(Kind::Dividend, day, amount) };
    let (state, yielded) = Story::closes(&[(2, "700"), (3, "700"), (4, "700"), (5, "100"), (8, "100"), (9, "100"), (10, "100")])
        .with([cash(Kind::Deposit, 2, "7000"), shares(Kind::Buy, 2, "10", "7000"), dividend(4, "30"), dividend(10, "28")])
        .dividend(3, Some(4), "3")
        .split(5, "1", "7")
        .dividend(8, Some(10), "0.4")
        .told();
    assert_eq!(values(&yielded), ["7000", "7030", "7030", "7030", "7058", "7058", "7058"]);
    assert_eq!(yielded.days[1].receivable, Some(usd("30")));
    assert_eq!((yielded.days[2].receivable, yielded.days[2].cash), (Some(Money::ZERO), Some(usd("30"))));
    assert_eq!(state.lots[0].quantity, number("70"));
    assert_eq!(state.lots[0].cost, usd("7000"), "a split keeps the cost");
    assert_eq!(state.totals.income, usd("58"));
    assert!(codes(&yielded).is_empty());
    assert_eq!(
        yielded.positions.iter().map(|p| (p.from, p.to, p.quantity)).collect::<Vec<_>>(),
        [(on(2), Some(on(4)), number("10")), (on(5), None, number("70"))]
    );
}

#[test]
fn who_buys_on_the_ex_date_is_owed_nothing() {
    let (state, _) = Story::closes(&[(2, "100"), (3, "100")]).with([shares(Kind::Buy, 3, "10", "1000")]).dividend(3, Some(20), "1").told();
    assert!(state.receivables.is_empty());
}

#[test]
fn who_sells_on_the_ex_date_is_still_owed() {
    let (state, _) = Story::closes(&[(2, "100"), (3, "99")])
        .with([shares(Kind::Buy, 2, "10", "1000"), shares(Kind::Sell, 3, "10", "990")])
        .dividend(3, Some(20), "1")
        .told();
    assert_eq!(state.receivables[0].amount, usd("10"));
}

#[test]
fn a_dividend_that_never_comes_is_dropped_and_said() {
    let (state, yielded) = Story::closes(&[(2, "100"), (3, "100"), (4, "100"), (5, "100")])
        .with([cash(Kind::Deposit, 2, "1000"), shares(Kind::Buy, 2, "10", "1000")])
        .dividend(3, Some(4), "1")
        .told();
    assert_eq!(values(&yielded), ["1000", "1010", "1000", "1000"]);
    assert_eq!(codes(&yielded), ["dividend_not_received"]);
    assert_eq!(state.totals.income, Money::ZERO);
}

#[test]
fn a_dividend_that_comes_early_settles_what_was_owed() {
    let paid = Transaction { symbol: Some(aapl()), tax: number("1.5"), ..cash(Kind::Dividend, 4, "9.99") };
    let (state, yielded) = Story::closes(&[(2, "100"), (3, "100"), (4, "100"), (5, "100")])
        .with([cash(Kind::Deposit, 2, "1000"), shares(Kind::Buy, 2, "10", "1000"), paid])
        .dividend(3, Some(5), "1")
        .told();
    assert_eq!(values(&yielded), ["1000", "1010", "1008.49", "1008.49"]);
    assert_eq!((state.totals.income, state.totals.costs), (usd("9.99"), usd("1.5")));
    assert!(codes(&yielded).is_empty());
}

#[test]
fn without_a_pay_date_nothing_is_owed() {
    let (state, _) = Story::closes(&[(2, "100"), (3, "100")]).with([shares(Kind::Buy, 2, "10", "1000")]).dividend(3, None, "1").told();
    assert!(state.receivables.is_empty());
    assert_eq!(state.totals.income, Money::ZERO);
}

#[test]
fn fifo_closes_the_oldest_lot_first_and_average_all_alike() {
    let trades = || {
        let buy = Transaction { fee: number("2"), ..shares(Kind::Buy, 2, "10", "1000") };
        let sell = Transaction { fee: number("1"), ..shares(Kind::Sell, 4, "15", "2250") };
        [cash(Kind::Deposit, 2, "5000"), buy, shares(Kind::Buy, 3, "10", "1300"), sell]
    };
    let story = || Story::closes(&[(2, "100"), (3, "130"), (4, "150")]).with(trades());
    let (fifo, yielded) = story().told();
    // 2,249 proceeds − (1,002 + half of 1,300).
    assert_eq!(fifo.totals.realized, usd("597"));
    assert_eq!(
        yielded.realized.iter().map(|part| (part.quantity, part.cost)).collect::<Vec<_>>(),
        [(number("10"), Some(usd("1002"))), (number("5"), Some(usd("650")))]
    );
    let mut average = story();
    average.rules.cost_basis = CostBasis::Average;
    let (average, _) = average.told();
    // 2,249 − 15/20 of 2,302.
    assert_eq!(average.totals.realized, usd("522.5"));
    assert_eq!(average.lots.len(), 1);
    assert_eq!(average.lots[0].cost, usd("575.5"));
}

#[test]
fn selling_more_than_is_held_is_reported_and_not_booked() {
    let (state, yielded) = Story::closes(&[(2, "100"), (3, "100")])
        .with([cash(Kind::Deposit, 2, "1000"), shares(Kind::Buy, 2, "10", "1000"), shares(Kind::Sell, 3, "11", "1100")])
        .told();
    assert_eq!(codes(&yielded), ["oversold"]);
    assert_eq!(state.lots[0].quantity, number("10"));
    assert_eq!(state.cash[&ACCOUNT][&Currency::USD], Money::ZERO);
}

#[test]
fn a_short_sale_gains_when_the_price_falls() {
    let mut story = Story::closes(&[(2, "100"), (3, "90"), (4, "80")]).with([
        cash(Kind::Deposit, 2, "1000"),
        shares(Kind::Sell, 2, "10", "1000"),
        shares(Kind::Buy, 4, "4", "320"),
    ]);
    (story.rules.allows_short, story.rules.sells_short) = (true, true);
    let (state, yielded) = story.told();
    assert_eq!(values(&yielded), ["1000", "1100", "1200"]);
    assert_eq!(state.totals.realized, usd("80"));
    assert_eq!(yielded.days[2].unrealized, Some(usd("120")));
    assert_eq!(state.lots[0].quantity, number("-6"));
}

#[test]
fn securities_that_come_in_bring_their_gain_along() {
    let (state, yielded) = Story::closes(&[(2, "100"), (3, "110")]).with([shares(Kind::TransferIn, 2, "10", "400")]).told();
    assert_eq!(returns(&yielded), [Some(0.0), Some(0.1)]);
    assert_eq!((state.totals.inflow, state.totals.brought_in), (usd("1000"), usd("600")));
    assert_eq!(yielded.days[1].unrealized, Some(usd("700")));
    assert_eq!(state.lots[0].cost, usd("400"));
}

#[test]
fn between_own_accounts_nothing_flows() {
    let into = Transaction { account: OTHER, ..shares(Kind::TransferIn, 3, "10", "1000") };
    let cash_into = Transaction { account: OTHER, ..cash(Kind::TransferIn, 3, "500") };
    let (state, yielded) = Story::closes(&[(2, "100"), (3, "120")])
        .with([
            cash(Kind::Deposit, 2, "1500"),
            shares(Kind::Buy, 2, "10", "1000"),
            into,
            shares(Kind::TransferOut, 3, "10", "0"),
            cash_into,
            Transaction { key: "cash out".into(), ..cash(Kind::TransferOut, 3, "500") },
        ])
        .told();
    assert_eq!((yielded.days[1].inflow, yielded.days[1].outflow), (Money::ZERO, Money::ZERO));
    assert_eq!(values(&yielded), ["1500", "1700"]);
    assert_eq!((state.totals.realized, state.totals.brought_in), (Money::ZERO, Money::ZERO));
    assert_eq!(yielded.days[1].unrealized, Some(usd("200")));
}

#[test]
fn a_missing_close_is_carried_and_counted_also_through_a_split() {
    let (_, yielded) = Story::closes(&[(2, "700"), (3, "-"), (4, "-"), (5, "101")])
        .with([cash(Kind::Deposit, 2, "7000"), shares(Kind::Buy, 2, "10", "7000")])
        .split(4, "1", "7")
        .told();
    assert_eq!(values(&yielded), ["7000", "7000", "7000", "7070"]);
    assert_eq!(yielded.days.iter().map(|day| day.carried).collect::<Vec<_>>(), [0, 1, 1, 0]);
}

#[test]
fn what_never_had_a_price_makes_the_value_unknown() {
    let (_, yielded) = Story::closes(&[(2, "-"), (3, "-"), (4, "90"), (5, "99")])
        .with([cash(Kind::Deposit, 2, "1000"), shares(Kind::Buy, 2, "10", "1000")])
        .told();
    assert_eq!(values(&yielded), ["?", "?", "900", "990"]);
    assert_eq!(codes(&yielded), ["no_price"], "once");
    assert_eq!(returns(&yielded), [None, None, None, Some(0.1)]);
}

#[test]
fn a_weekend_counts_on_the_next_session() {
    let (_, yielded) = Story::closes(&[(5, "100"), (8, "100")])
        .with([cash(Kind::Deposit, 5, "1000"), cash(Kind::Deposit, 6, "500"), shares(Kind::Buy, 5, "1", "100")])
        .split(7, "1", "2")
        .told();
    assert_eq!(yielded.days[1].inflow, usd("500"));
    assert_eq!(values(&yielded), ["1000", "1600"], "two shares at 100 now");
}

#[test]
fn what_was_booked_already_is_refused() {
    let (state, _) = Story::closes(&[(2, "100")]).with([cash(Kind::Deposit, 2, "1000")]).told();
    let accounts = BTreeMap::from([(ACCOUNT, AccountRules::default())]);
    let late = [cash(Kind::Deposit, 2, "5")];
    let closes = Closes::new();
    let (currencies, rates) = (BTreeMap::new(), Rates::new());
    let input = Input {
        sessions: &[on(3)],
        accounts: &accounts,
        transactions: &late,
        splits: &[],
        dividends: &[],
        closes: &closes,
        base: Currency::USD,
        currencies: &currencies,
        rates: &rates,
    };
    let (state, yielded) = book(state, &input);
    assert_eq!(codes(&yielded), ["before_state"]);
    assert_eq!(state.value, Some(usd("1000")));
}

#[test]
fn another_portfolios_account_and_a_purchase_of_nothing_are_findings() {
    let stranger = Transaction { account: AccountId(9), ..cash(Kind::Deposit, 2, "1") };
    let (state, yielded) = Story::closes(&[(2, "100")]).with([stranger, cash(Kind::Buy, 2, "10"), shares(Kind::Sell, 2, "0", "10")]).told();
    assert_eq!(codes(&yielded), ["unknown_account", "incomplete", "incomplete"]);
    assert_eq!(state.cash.values().flat_map(BTreeMap::values).copied().sum::<Money>(), Money::ZERO);
}
