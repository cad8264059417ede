//! What can't be booked is said, and changes nothing; what is listed and entered twice counts once.

use super::*;

fn other(transaction: Transaction, symbol: &str) -> Transaction {
    Transaction { counter_symbol: Some(Symbol::parse(symbol).unwrap()), ..transaction }
}
fn ratio(transaction: Transaction, ratio: &str) -> Transaction {
    Transaction { ratio: Some(number(ratio)), ..transaction }
}
fn held() -> [Transaction; 2] {
    [cash(Kind::Deposit, 2, "5000"), shares(Kind::Buy, 2, "10", "1000")]
}
fn story() -> Story {
    Story::closes(&[(2, "100"), (3, "100"), (4, "100")]).with(held())
}

/// Each transaction is refused with this code and leaves ten shares and 4,000 in cash.
fn refused(transactions: impl IntoIterator<Item = Transaction>, rules: AccountRules, code: &str) {
    for transaction in transactions {
        let mut story = story().with([transaction.clone()]);
        story.rules = rules;
        let (state, yielded) = story.told();
        assert_eq!(codes(&yielded), [code], "{transaction:?}");
        assert!(yielded.findings[0].message.ends_with('.') && yielded.findings[0].key.is_some());
        assert_eq!(
            state.lots.iter().map(|lot| (lot.quantity, lot.cost)).collect::<Vec<_>>(),
            [(number("10"), usd("1000"))],
            "{transaction:?}"
        );
        assert_eq!(state.cash[&ACCOUNT][&Currency::USD], usd("4000"), "{transaction:?}");
    }
}

#[test]
fn short_sales_need_leave_and_an_empty_position() {
    refused([shares(Kind::Short, 3, "5", "500")], AccountRules::default(), "short_not_allowed");
    let allowed = AccountRules { allows_short: true, ..AccountRules::default() };
    refused([shares(Kind::Short, 3, "5", "500")], allowed, "held_long");
    refused([shares(Kind::Cover, 3, "5", "500")], allowed, "not_held");
    refused([shares(Kind::Sell, 3, "11", "1100")], allowed, "oversold");
}

#[test]
fn a_lot_that_is_not_there_cannot_be_sold() {
    let specific = AccountRules { cost_basis: CostBasis::Specific, ..AccountRules::default() };
    let named = |kind, quantity| Transaction { lot_id: Some("nowhere".into()), ..shares(kind, 3, quantity, "100") };
    refused([named(Kind::Sell, "1"), named(Kind::TransferOut, "1")], specific, "unknown_lot");
}

#[test]
fn what_companies_do_needs_its_numbers() {
    let action = |kind| shares(kind, 3, "0", "0");
    let all = [
        action(Kind::Split),
        action(Kind::StockDividend),
        other(ratio(action(Kind::SpinOff), "0.5"), "KID"),
        Transaction { cost_share: Some(Decimal::TWO), ..other(ratio(action(Kind::SpinOff), "0.5"), "KID") },
        action(Kind::Merger),
        other(action(Kind::Merger), "NEW"),
        other(ratio(shares(Kind::Merger, 3, "0", "50"), "0.5"), "NEW"),
        action(Kind::SymbolChange),
        other(action(Kind::SymbolChange), "AAPL"),
        action(Kind::ReturnOfCapital),
        Transaction { symbol: None, ..action(Kind::Split) },
        Transaction { ratio: Some(Decimal::NEGATIVE_ONE), ..action(Kind::Split) },
        Transaction { opened_on: Some(on(9)), ..shares(Kind::TransferIn, 3, "1", "10") },
    ];
    refused(all, AccountRules::default(), "incomplete");
    refused([ratio(action(Kind::Split), "0.000000001"), ratio(action(Kind::Split), "10000000")], AccountRules::default(), "bad_split");
    let elsewhere = |kind, amount| Transaction { symbol: Some(Symbol::parse("KO").unwrap()), ..shares(kind, 3, "0", amount) };
    refused([elsewhere(Kind::Merger, "5"), elsewhere(Kind::ReturnOfCapital, "5")], AccountRules::default(), "not_held");
}

#[test]
fn a_split_of_nothing_is_harmless() {
    let (state, yielded) = Story::closes(&[(2, "700"), (3, "100")])
        .with([ratio(shares(Kind::Split, 2, "0", "0"), "7"), cash(Kind::Deposit, 3, "1000"), shares(Kind::Buy, 3, "10", "1000")])
        .told();
    assert!(codes(&yielded).is_empty());
    assert_eq!(state.lots[0].quantity, number("10"));
}

#[test]
fn a_split_that_is_listed_and_entered_counts_once() {
    let entered = |day| ratio(shares(Kind::Split, day, "0", "0"), "7");
    let closes = [(2, "700"), (3, "100"), (4, "100")];
    let buy = || [cash(Kind::Deposit, 2, "7000"), shares(Kind::Buy, 2, "10", "7000")];
    let (state, yielded) = Story::closes(&closes).with(buy()).with([entered(3)]).split(3, "1", "7").told();
    assert_eq!((codes(&yielded), state.lots[0].quantity), (vec![], number("70")));
    let (state, yielded) = Story::closes(&closes).with(buy()).with([entered(4)]).split(3, "1", "7").told();
    assert_eq!((codes(&yielded), state.lots[0].quantity), (vec!["split_twice"], number("70")));
    // Entered before it is listed: the listed day counts, so that no close of before it meets shares of after it.
    let late = [(2, "700"), (3, "700"), (4, "100")];
    let (state, yielded) = Story::closes(&late).with(buy()).with([entered(3)]).split(4, "1", "7").told();
    assert_eq!((codes(&yielded), state.lots[0].quantity), (vec!["split_twice"], number("70")));
    assert_eq!(yielded.days.iter().map(|day| day.value).collect::<Vec<_>>(), vec![Some(usd("7000")); 3]);
    let twice = [entered(3), Transaction { key: "again".into(), ..entered(3) }];
    let (state, yielded) = Story::closes(&closes).with(buy()).with(twice).told();
    assert_eq!((codes(&yielded), state.lots[0].quantity), (vec!["split_twice"], number("70")));
}

#[test]
fn the_day_of_opening_comes_along() {
    let opened_on = NaiveDate::from_ymd_opt(2023, 1, 3);
    let old = Transaction { opened_on, ..shares(Kind::TransferIn, 3, "10", "400") };
    let (_, yielded) = story().with([old, shares(Kind::Sell, 4, "10", "1000")]).told();
    // Opened before the other lot, so it is sold first, a year and a day later.
    assert_eq!((yielded.realized[0].gain(), yielded.realized[0].term()), (Some(usd("600")), Term::Long));
    let mut on_the_day = yielded.realized[0].clone();
    on_the_day.closed_on = on(3);
    assert_eq!(on_the_day.term(), Term::Short, "a year to the day is not more than a year");
}

#[test]
fn the_day_of_opening_comes_along_into_a_short_position() {
    let mut story = Story::closes(&[(2, "100"), (3, "100"), (4, "100")]);
    story.rules.allows_short = true;
    let opened_on = NaiveDate::from_ymd_opt(2020, 1, 1);
    let old = Transaction { opened_on, ..shares(Kind::TransferIn, 3, "10", "400") };
    let (state, yielded) = story.with([shares(Kind::Short, 2, "4", "400"), old, shares(Kind::Sell, 4, "5", "500")]).told();
    assert_eq!((yielded.realized[0].closed_on, yielded.realized[0].quantity), (on(3), number("4")));
    assert_eq!((Some(yielded.realized[1].opened_on), yielded.realized[1].term()), (opened_on, Term::Long));
    assert_eq!((state.lots[0].quantity, Some(state.lots[0].opened_on)), (number("1"), opened_on));
}

#[test]
fn securities_that_came_for_nothing_cost_nothing() {
    let given = |costs_nothing| Transaction { costs_nothing, ..shares(Kind::TransferIn, 2, "10", "0") };
    let cost = |given| Story::closes(&[(2, "100"), (3, "110")]).with([given]).told().0.lots[0].cost;
    assert_eq!((cost(given(true)), cost(given(false))), (Money::ZERO, usd("1000")));
}

#[test]
fn cash_for_a_fraction_sells_that_of_the_new_shares_alone() {
    let child = Symbol::parse("KO").unwrap();
    let of_child = |kind, day, quantity| Transaction { symbol: Some(child.clone()), ..shares(kind, day, quantity, "30") };
    let spin_off = Transaction {
        ratio: Some(number("0.25")),
        counter_symbol: Some(child.clone()),
        cost_share: Some(number("0.2")),
        ..shares(Kind::SpinOff, 3, "0", "7")
    };
    let trades = [shares(Kind::Buy, 2, "10", "1000"), of_child(Kind::Buy, 2, "0.7"), spin_off];
    let (state, yielded) = Story::closes(&[(2, "100"), (3, "100")]).with(trades).told();
    // Of 2.5 new shares the half is paid out: of the 3.2 that are held then, 2.7 stay.
    assert_eq!(yielded.realized.iter().map(|part| part.quantity).collect::<Vec<_>>(), [number("0.5")]);
    assert_eq!(state.lots.iter().filter(|lot| lot.symbol == child).map(|lot| lot.quantity).sum::<Decimal>(), number("2.7"));
}
