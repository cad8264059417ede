//! `plumbline performance` on a person's own files: the real binary, without a database.
#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use serde_json::Value;
use std::{fs, path::Path, process::Output};

const BOOK: &str = "date,type,symbol,quantity,price,amount,fee,tax,currency,ratio\n\
    2024-01-02,deposit,,,,10000,,,USD,\n\
    2024-01-02,buy,AAPL,10,100,,5,,USD,\n\
    2024-01-02,deposit,,,,1000,,,EUR,\n\
    2024-01-03,buy,SAP,5,120,,1,,EUR,\n\
    2024-01-04,dividend,AAPL,,,20,,3,USD,\n\
    2024-01-05,split,AAPL,,,,,,,2:1\n\
    2024-01-08,sell,AAPL,5,60,,1,,USD,\n";
const PRICES: &str = "date,symbol,close,currency\n\
    2024-01-02,AAPL,100,USD\n2024-01-03,AAPL,104,USD\n2024-01-04,AAPL,110,USD\n2024-01-05,AAPL,56,USD\n2024-01-08,AAPL,60,USD\n\
    2024-01-02,SAP,119,EUR\n2024-01-03,SAP,121,EUR\n2024-01-08,SAP,125,EUR\n";
const RATES: &str = "date,currency,rate\n2024-01-02,EUR,1.10\n2024-01-04,EUR,1.12\n";

fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        fs::write(folder.path().join(name), text).unwrap();
    }
    folder
}

fn performance(folder: &Path, arguments: &[&str]) -> Output {
    let files = ["performance", "--transactions", "book.csv", "--prices", "prices.csv"];
    std::process::Command::new(env!("CARGO_BIN_EXE_plumbline"))
        .args(files)
        .args(arguments)
        .env_clear()
        .current_dir(folder)
        .output()
        .unwrap()
}

fn json(folder: &Path, arguments: &[&str]) -> Value {
    let output = performance(folder, &[arguments, &["--format", "json"]].concat());
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

fn near(found: &Value, expected: f64) {
    let number = found.as_f64().unwrap_or_else(|| panic!("{found}"));
    assert!((number - expected).abs() < 1e-12, "{number} is not {expected}");
}

#[test]
fn a_file_is_worth_what_can_be_worked_out_by_hand() {
    let folder = folder(&[("book.csv", BOOK), ("prices.csv", PRICES), ("rates.csv", RATES)]);
    let found = json(folder.path(), &["--fx", "rates.csv"]);
    // 15 × 60 + 5 × 125 × 1.12 + dollars + 399 × 1.12.
    let dollars = 10_000.0 - 1_005.0 + 17.0 + 299.0;
    assert_eq!((&found["cash"]["USD"], &found["cash"]["EUR"]), (&Value::from("9311.00"), &Value::from("399.00")));
    let value = 900.0 + 700.0 + dollars + 399.0 * 1.12;
    assert_eq!(found["value"], format!("{value:.2}"));
    assert_eq!(found["total_gain"], format!("{:.2}", value - 11_100.0));
    assert_eq!(found["realized"][0]["gain"], "47.75");
    assert_eq!(found["realized"][0]["term"], "short");
    assert_eq!((&found["income"], &found["fees"], &found["taxes"]), (&Value::from("20.00"), &Value::from("0.00"), &Value::from("3.00")));
    // The file's column of fees: 5 and 1 in dollars, 1 euro at 1.10. Those of trades are in cost and proceeds.
    assert_eq!((&found["fees_in_lots"], &found["fees_paid"]), (&Value::from("7.10"), &Value::from("7.10")));
    assert_eq!((&found["residual"], &found["findings"]), (&Value::from("0.00"), &Value::from(Vec::<Value>::new())));
    let position = &found["positions"][1];
    assert_eq!(
        [
            &position["symbol"],
            &position["cost_basis"],
            &position["market_value"],
            &position["unrealized_gain"],
            &position["currency_effect"]
        ],
        ["SAP", "661.10", "700.00", "38.90", "12.02"]
    );
    near(&found["returns"]["time_weighted"], value / 11_100.0 - 1.0);
    near(&found["returns"]["modified_dietz"], value / 11_100.0 - 1.0);
    let parts = found["contributions"]["parts"].as_array().unwrap();
    let sum: f64 = parts.iter().map(|part| part["contribution"].as_f64().unwrap()).sum();
    assert!((sum - value / 11_100.0 + 1.0).abs() < 1e-12);
    assert_eq!(found["daily"].as_array().unwrap().len(), 5);
    assert!(performance(folder.path(), &["--fx", "rates.csv"]).status.success(), "as a table too");
}

#[test]
fn holdings_have_no_cash_and_the_same_gain() {
    let book = "date,type,symbol,quantity,price,amount,fee,tax,currency\n\
        2024-01-02,buy,AAPL,10,,1000,10,,\n2024-01-03,sell,AAPL,5,110,,,,\n2024-01-03,dividend,AAPL,,,20,,,\n";
    let prices = "date,symbol,close\n2024-01-02,AAPL,100\n2024-01-03,AAPL,110\n2024-01-04,AAPL,121\n";
    let folder = folder(&[("book.csv", book), ("prices.csv", prices)]);
    let (account, holdings) = (json(folder.path(), &[]), json(folder.path(), &["--scope", "holdings"]));
    assert_eq!(account["total_gain"], holdings["total_gain"]);
    assert_eq!(holdings["cash"], serde_json::json!({}));
    near(&holdings["returns"]["time_weighted"], 1000.0 / 1010.0 * 1120.0 / 1000.0 * 605.0 / 550.0 - 1.0);
    assert_eq!((&holdings["daily"][1]["inflow"], &holdings["daily"][1]["outflow"]), (&Value::from("0.00"), &Value::from("570.00")));
    // A range opens with the close of its first day.
    let later = json(folder.path(), &["--scope", "holdings", "--from", "2024-01-03"]);
    near(&later["returns"]["time_weighted"], 605.0 / 550.0 - 1.0);
    assert_eq!(
        (&later["opening_value"], &later["total_gain"], &later["residual"]),
        (&Value::from("550.00"), &Value::from("55.00"), &Value::from("0.00"))
    );
    // Nothing was put into the account, so no money has a rate of return; it says so.
    assert!(account["returns"]["money_weighted"].is_null() && account["returns"]["reasons"]["money_weighted"].is_string(), "{account}");
}

#[test]
fn a_missing_rate_is_never_one() {
    let folder = folder(&[("book.csv", BOOK), ("prices.csv", PRICES), ("late.csv", "date,EURUSD\n2024-01-04,1.1\n")]);
    let none = json(folder.path(), &[]);
    assert!(none["value"].is_null() && none["reasons"]["value"].is_string());
    assert!(none["returns"]["time_weighted"].is_null() && none["total_gain"].is_null() && none["residual"].is_null());
    assert_eq!(none["findings"][0]["code"], "no_rate");
    assert_eq!(none["findings"][0]["line"], 4);
    let late = json(folder.path(), &["--fx", "late.csv"]);
    assert!(late["daily"][0]["value"].is_null() && late["daily"][4]["value"].is_string());
    assert!(late["returns"]["time_weighted"].is_null(), "the first days' value is unknown");
    let measured = json(folder.path(), &["--fx", "late.csv", "--from", "2024-01-04"]);
    assert!(measured["returns"]["time_weighted"].is_f64() && measured["total_gain"].is_string());
}

/// A lot that was bought before the first rate has no known cost: neither it nor what it gains is 0.
#[test]
fn an_unknown_cost_is_never_nothing() {
    let book = "date,type,symbol,quantity,price,amount,currency\n2024-01-02,deposit,,,,1000,EUR\n2024-01-02,buy,SAP,10,100,,EUR\n2024-01-05,sell,SAP,5,150,,EUR\n";
    let prices =
        "date,symbol,close,currency\n2024-01-02,SAP,100,EUR\n2024-01-03,SAP,120,EUR\n2024-01-05,SAP,150,EUR\n2024-01-08,SAP,160,EUR\n";
    let folder = folder(&[("book.csv", book), ("prices.csv", prices), ("rates.csv", "date,currency,rate\n2024-01-03,EUR,1.04\n")]);
    let found = json(folder.path(), &["--fx", "rates.csv", "--from", "2024-01-03"]);
    assert_eq!((&found["realized"][0]["proceeds"], &found["total_gain"]), (&Value::from("780.00"), &Value::from("364.00")));
    let nulls = [
        (&found, "realized_gain"),
        (&found, "unrealized_gain"),
        (&found, "income"),
        (&found, "residual"),
        (&found["currency_effect"], "realized"),
        (&found["currency_effect"], "unrealized"),
        (&found["currency_effect"], "cash"),
        (&found["realized"][0], "cost"),
        (&found["realized"][0], "gain"),
        (&found["positions"][0], "cost_basis"),
        (&found["positions"][0], "unrealized_gain"),
        (&found["lots"][0], "cost"),
    ];
    for (part, key) in nulls {
        assert!(part[key].is_null() && part["reasons"][key].is_string(), "{key}: {part}");
    }
    assert!(found["returns"]["time_weighted"].is_f64(), "what it was worth is known: {found}");
    assert!(found["contributions"]["parts"][0]["gain"].is_null(), "{found}");
    // From the sale's close on, sums are known again.
    let later = json(folder.path(), &["--fx", "rates.csv", "--from", "2024-01-05"]);
    assert_eq!((&later["realized_gain"], &later["income"]), (&Value::from("0.00"), &Value::from("0.00")));
}

#[test]
fn lots_go_by_the_cost_basis() {
    let book = "date,type,symbol,quantity,amount,lot_id\n2022-01-03,deposit,,,5000,\n2022-01-03,buy,AAPL,10,1000,first\n2022-06-01,buy,AAPL,10,1400,second\n\
        2022-09-01,buy,AAPL,10,1200,third\n2022-10-03,buy,AAPL,10,1100,\n2023-01-04,sell,AAPL,10,1300,third\n";
    let folder = folder(&[("book.csv", book), ("prices.csv", "date,symbol,close\n2022-01-03,AAPL,100\n2023-01-04,AAPL,130\n")]);
    for (basis, gain, term) in [
        ("fifo", "300.00", "long"),
        ("lifo", "200.00", "short"),
        ("hifo", "-100.00", "short"),
        ("average", "125.00", "long"),
        ("specific", "100.00", "short"),
    ] {
        let found = json(folder.path(), &["--cost-basis", basis]);
        assert_eq!((&found["realized"][0]["gain"], &found["realized"][0]["term"]), (&Value::from(gain), &Value::from(term)), "{basis}");
        assert_eq!((&found["total_gain"], &found["residual"]), (&Value::from("500.00"), &Value::from("0.00")), "{basis}");
    }
}

#[test]
fn every_wrong_row_is_named_with_what_to_do() {
    let book = "date,type,symbol,quantity,price,amount,fee,tax,currency,cost_share\n\
        2024-01-02,deposit,,,,1000,,,USD,\n2024-13-02,deposit,,,,1,,,USD,\n2024-01-03,purchase,AAPL,1,1,,,,USD,\n2024-01-03,buy,AAPL,-1,1,,,,USD,\n\
        2024-01-03,buy,AAPL,1,,,,,USD,\n2024-01-03,buy,,1,1,,,,USD,\n2024-01-03,buy,AAPL,1,\"1,000\",,,,USD,\n2024-01-03,deposit,,,,5,,,US$,\n\
        2024-01-03,spin_off,AAPL,,,,,,USD,2\n2024-01-03,deposit,,,,5,,,USD,,,\n2024-01-03,buy,SAP,1,100,,,,,\n";
    let prices = "date,symbol,close,currency\n2024-01-02,AAPL,0,USD\n2024-01-02,SAP,100,EUR\n2024-01-02,SAP,101,EUR\n";
    let folder =
        folder(&[("book.csv", book), ("prices.csv", prices), ("empty.csv", ""), ("rates.csv", "date,currency,rate\n2024-01-02,EUR,-1\n")]);
    let output = performance(folder.path(), &["--fx", "rates.csv"]);
    assert_eq!(output.status.code(), Some(2));
    let said = String::from_utf8_lossy(&output.stderr);
    for words in [
        "book.csv:3: “2024-13-02” is no date",
        "book.csv:4: “purchase” is no type; use buy",
        "book.csv:5: the quantity -1 is below zero",
        "book.csv:6: a buy needs a price or an amount",
        "book.csv:7: a buy needs a symbol",
        "book.csv:8: “1,000” is no price",
        "book.csv:9: “US$” is not a currency",
        "book.csv:10: the cost_share 2 isn't between 0 and 1",
        "book.csv:11: it has 12 fields, the header 10",
        "book.csv:12: it names no currency",
        "prices.csv:2: the close 0 isn't above zero",
        "prices.csv:4: SAP has two closes on 2024-01-02",
        "rates.csv:2: “-1” is no rate",
    ] {
        assert!(said.contains(words), "{words} is missing in {said}");
    }
    for arguments in [&["--fx", "empty.csv"][..], &["--fx", "nowhere.csv"], &["--base", "GBX"], &["--cost-basis", "best"]] {
        let output = performance(folder.path(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
}

#[test]
fn what_companies_do_keeps_value_and_cost() {
    let book = "date,type,symbol,quantity,price,amount,fee,tax,currency,ratio,counter_symbol,cost_share\n\
        2024-01-02,deposit,,,,12000,,,USD,,,\n2024-01-02,buy,PARENT,100,100,,,,USD,,,\n2024-01-02,buy,OLD,100,20,,,,USD,,,\n\
        2024-01-03,spin_off,PARENT,,,,,,USD,0.25,CHILD,0.2\n2024-01-03,merger,OLD,,,1000,,,USD,0.5,NEW,\n2024-01-04,symbol_change,CHILD,,,,,,USD,,KID,\n\
        2024-01-04,return_of_capital,PARENT,,,100,,,USD,,,\n2024-01-05,short,KO,10,50,,,,USD,,,\n2024-01-08,cover,KO,10,45,,,,USD,,,\n";
    let prices = "date,symbol,close\n2024-01-02,PARENT,100\n2024-01-02,OLD,20\n2024-01-03,PARENT,84\n2024-01-03,CHILD,64\n2024-01-03,NEW,30\n\
        2024-01-05,KO,50\n2024-01-08,KO,45\n";
    let folder = folder(&[("book.csv", book), ("prices.csv", prices)]);
    let found = json(folder.path(), &[]);
    assert_eq!(found["findings"], serde_json::json!([]), "{found}");
    let position = |symbol: &str| found["positions"].as_array().unwrap().iter().find(|row| row["symbol"] == symbol).unwrap().clone();
    assert_eq!((&position("KID")["quantity"], &position("KID")["cost_basis"]), (&Value::from("25"), &Value::from("2000.00")));
    // The new symbol has no close yet: the old one's stands in.
    assert_eq!(position("KID")["market_value"], "1600.00");
    assert_eq!((&position("NEW")["cost_basis"], &position("PARENT")["cost_basis"]), (&Value::from("1200.00"), &Value::from("7900.00")));
    let gains: Vec<_> = found["realized"].as_array().unwrap().iter().map(|part| part["gain"].as_str().unwrap()).collect();
    assert_eq!(gains, ["200.00", "50.00"]);
    assert_eq!(found["residual"], "0.00");
}
