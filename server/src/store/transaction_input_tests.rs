//! Forms as people type them.

use super::*;

fn on(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn form(kind: &str, symbol: &str, quantity: &str, price: &str, amount: &str) -> TransactionForm {
    TransactionForm {
        traded_on: "2026-03-09".into(),
        kind: kind.into(),
        symbol: symbol.into(),
        quantity: quantity.into(),
        price: price.into(),
        amount: amount.into(),
        ..TransactionForm::default()
    }
}

fn read(form: &TransactionForm) -> Result<TransactionInput, Vec<FieldError>> {
    TransactionInput::parse(form, Currency::USD, on("2026-11-20"))
}

fn fields(form: &TransactionForm) -> Vec<String> {
    read(form).unwrap_err().into_iter().map(|wrong| wrong.field).collect()
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn the_missing_one_of_price_and_amount_is_worked_out() {
    let bought = read(&form("Buy", "AAPL", "10", "227.52", "")).unwrap();
    assert_eq!((bought.kind, bought.amount), ("buy", decimal("2275.2")));
    let sold = read(&form("sell", "BRK.A", "3", "", "2,000,000.00")).unwrap();
    assert_eq!(sold.price, Some(decimal("666666.6666666667")));
}

#[test]
fn an_amount_that_contradicts_the_price_is_refused() {
    assert_eq!(fields(&form("buy", "AAPL", "10", "227.52", "22752")), ["amount"]);
    assert!(read(&form("buy", "AAPL", "10", "227.52", "2275.19")).is_ok(), "brokers round");
}

#[test]
fn what_columns_cant_hold_is_refused() {
    assert_eq!(fields(&form("buy", "AAPL", "0.0000000003", "", "999999999")), ["quantity"]);
    assert_eq!(fields(&form("transfer_in", "AAPL", "0.0000000003", "", "999999999")), ["quantity"]);
    assert_eq!(fields(&form("buy", "AAPL", "0.0001", "0.1", "")), ["quantity"]);
    assert!(read(&form("buy", "AAPL", "0.0005", "0.1", "")).is_ok(), "it rounds to a ten-thousandth");
    assert!(read(&form("buy", "AAPL", "0.0001", "0.1", "0")).is_ok(), "a zero that was typed is meant");
}

#[test]
fn each_kind_asks_for_what_it_needs() {
    assert_eq!(fields(&form("buy", "", "", "", "")), ["symbol", "quantity"]);
    assert_eq!(fields(&form("buy", "AAPL", "5", "", "")), ["price"]);
    assert_eq!(fields(&form("deposit", "", "", "", "")), ["amount"]);
    assert_eq!(fields(&form("deposit", "AAPL", "", "", "5")), ["symbol"]);
    assert_eq!(fields(&form("withdrawal", "", "5", "1", "5")), ["quantity", "price"]);
    assert_eq!(fields(&form("dividend", "", "", "", "5")), ["symbol"]);
    assert!(read(&form("transfer_in", "AAPL", "5", "", "")).is_ok(), "a cost that nobody knows");
    assert_eq!(fields(&form("swap", "AAPL", "5", "1", "")), ["kind"]);
    assert!(read(&form("transfer out", "AAPL", "5", "", "")).is_ok());
    assert!(read(&form("transfer_in", "", "", "", "500")).is_ok());
    assert!(read(&form("interest", "", "", "", "0.01")).is_ok());
    assert!(read(&form("dividend", "AAPL", "", "", "12.50")).is_ok());
}

#[test]
fn corporate_actions_say_what_became_of_the_shares() {
    let event = |kind: &str, fill: fn(&mut TransactionForm)| {
        let mut form = form(kind, "OLD", "", "", "");
        fill(&mut form);
        form
    };
    assert_eq!(fields(&event("split", |_| ())), ["ratio"]);
    assert!(read(&event("split", |form| form.ratio = "0.1".into())).is_ok());
    assert_eq!(fields(&event("split", |form| (form.ratio, form.quantity) = ("7".into(), "3".into()))), ["quantity"]);
    assert_eq!(fields(&event("stock_dividend", |_| ())), ["quantity"]);
    assert!(read(&event("stock_dividend", |form| form.quantity = "5".into())).is_ok());
    assert_eq!(fields(&event("spin_off", |_| ())), ["counter_symbol", "quantity", "cost_share"]);
    let spun = |form: &mut TransactionForm| {
        (form.counter_symbol, form.ratio, form.cost_share) = ("NEW".into(), "0.25".into(), "0.2".into());
    };
    assert_eq!(read(&event("Spin off", spun)).unwrap().cost_share, Some(decimal("0.2")));
    assert_eq!(fields(&event("merger", |_| ())), ["counter_symbol"]);
    assert_eq!(fields(&event("merger", |form| form.counter_symbol = "OLD".into())), ["counter_symbol", "ratio"]);
    assert!(read(&event("merger", |form| form.amount = "50".into())).is_ok());
    assert_eq!(fields(&event("symbol_change", |_| ())), ["counter_symbol"]);
    assert_eq!(fields(&event("return_of_capital", |_| ())), ["amount"]);
    assert_eq!(fields(&event("buy", |form| (form.quantity, form.price, form.ratio) = ("1".into(), "1".into(), "2".into()))), ["ratio"]);
}

#[test]
fn money_is_in_the_portfolios_currency_unless_another_is_named() {
    let mut paid = form("deposit", "", "", "", "5");
    assert_eq!(read(&paid).unwrap().currency, Currency::USD);
    paid.currency = "gbp".into();
    assert_eq!(read(&paid).unwrap().currency.as_str(), "GBP");
    paid.currency = "pounds".into();
    assert_eq!(fields(&paid), ["currency"]);
}

#[test]
fn what_is_taken_back_has_a_minus_and_other_amounts_never() {
    assert_eq!(read(&form("dividend", "AAPL", "", "", "-1.50")).unwrap().amount, decimal("-1.5"));
    assert_eq!(fields(&form("deposit", "", "", "", "-5")), ["amount"]);
    assert_eq!(fields(&form("buy", "AAPL", "1", "", "-5")), ["amount"]);
}

#[test]
fn zero_is_nothing() {
    assert_eq!(fields(&form("deposit", "", "", "", "0")), ["amount"]);
    assert_eq!(fields(&form("buy", "AAPL", "0", "5", "")), ["quantity"]);
    assert_eq!(read(&form("transfer_in", "AAPL", "5", "", "0")).unwrap().price, None, "a cost that nobody knows");
}

#[test]
fn numbers_are_read_strictly() {
    for good in ["1234.56", "1,234.56", "1,234,567", "0.0000000001", ".5", " 5 "] {
        assert!(read(&form("buy", "AAPL", good, "1000000", "")).is_ok(), "{good}");
    }
    for bad in [
        "1,5",
        "12,34.5",
        "1.234,56",
        "-5",
        "1e5",
        "abc",
        "5 shares",
        "0.00000000001",
        "1000000000",
        "NaN",
        "١",
        ".",
        "1.2.3",
        ",5",
        "99999999999999999999999999999999",
    ] {
        assert!(read(&form("buy", "AAPL", bad, "1", "")).is_err(), "{bad}");
    }
    assert!(read(&form("deposit", "", "", "", "0.00001")).is_err(), "money has four decimals");
    assert!(read(&form("buy", "AAPL", "999999999", "999999999", "")).is_err(), "the product doesn't fit");
}

#[test]
fn dates_are_past_sessions_of_our_time() {
    for bad in ["", "2026-11-21", "1979-12-31", "09.03.2026", "2026-02-30", "26-03-09", "+2026-03-9", "12026-03-09"] {
        let mut form = form("deposit", "", "", "", "5");
        form.traded_on = bad.into();
        assert_eq!(fields(&form), ["traded_on"], "{bad}");
    }
}

#[test]
fn everything_wrong_is_said_at_once() {
    let mut form = form("buy", "A B", "x", "", "");
    form.traded_on = "soon".into();
    form.note = "x".repeat(501);
    assert_eq!(fields(&form), ["traded_on", "symbol", "quantity", "note"]);
}
