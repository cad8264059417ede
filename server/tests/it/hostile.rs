//! Files that people really have, and files meant to hurt, for `metrics`, `performance`, `xirr` and `attribution`: the right number, or
//! an end with code 2 and a sentence that names the line and says what to do. Nothing panics.
#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use std::{fmt::Write, fs, path::Path, process::Output};

fn run(folder: &Path, arguments: &[&str]) -> Output {
    let output =
        std::process::Command::new(env!("CARGO_BIN_EXE_plumbline")).args(arguments).env_clear().current_dir(folder).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    output
}

fn folder(files: &[(&str, &[u8])]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, bytes) in files {
        fs::write(folder.path().join(name), bytes).unwrap();
    }
    folder
}

/// What is refused: the sentence on stderr.
fn refused(folder: &Path, arguments: &[&str], expect: &str) {
    let output = run(folder, arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{arguments:?}: {said}{}", String::from_utf8_lossy(&output.stdout));
    assert!(said.contains(expect), "{expect} is missing in {said}");
}

fn json(folder: &Path, arguments: &[&str]) -> serde_json::Value {
    let output = run(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

const METRICS: [&str; 5] = ["metrics", "--returns", "r.csv", "--format", "json"];

#[test]
fn returns_as_spreadsheets_save_them() {
    for (bytes, value) in [
        (&b"\xef\xbb\xbfdate,r\r\n2026-01-05,0.1\r\n2026-01-02,-0.1\r\n"[..], Some(-0.01)),
        (b"date,\"the, fund\"\n2026-01-02,\"0.25\"\n\n2026-01-05,NA\n2026-01-06,0\n", Some(0.25)),
        (b"date,r\n2026-01-02,0.5\n2026-01-05,-1\n2026-01-06,0.5\n", Some(-1.0)),
        (b"date,r\n2026-01-02,1e308\n2026-01-05,1e308\n", None),
    ] {
        let found = json(folder(&[("r.csv", bytes)]).path(), &METRICS);
        match value {
            Some(value) => assert!((found["metrics"]["cumulative_return"]["value"].as_f64().unwrap() - value).abs() < 1e-15, "{found}"),
            None => assert!(found["metrics"]["cumulative_return"]["reason"].is_string(), "{}", found["metrics"]["cumulative_return"]),
        }
    }
    for (bytes, words) in [
        (&b"date;r\n2026-01-02;0,1\n"[..], "r.csv:1: the header is all one column. Separate the columns by commas"),
        (b"date,r\n2026-01-02,\"1,000\"\n", "r.csv:2: “1,000” is no number"),
        (b"date,r\n2026-01-02,1%\n", "r.csv:2: "),
        (b"date,r\n02.01.2026,0.1\n", "is no date; write it as 2026-11-20"),
        (b"date,r\n2026-01-02,0.1\n2026-01-02,0.1\n", "r.csv:3: 2026-01-02 is there twice"),
        (b"date,r\n2026-01-02,inf\n", "r.csv:2: "),
        (b"date,r\n2026-01-02,1e400\n", "r.csv:2: "),
        (b"date,r\n2026-02-30,0.1\n", "r.csv:2: "),
        (b"date,r\n2026-01-02,0.1,0.2\n", "r.csv:2: it has 3 fields, the header 2"),
        (b"date,r\n2026-01-02,\xff\n", "r.csv:2: it isn't UTF-8"),
        (b"\xff\xfed\0a\0t\0e\0", "r.csv:1: it isn't UTF-8"),
        (b"", "r.csv:1: it needs a date column"),
        (b"date,r\n", "r.csv: there are no returns"),
        (b"date,r,r\n2026-01-02,1,2\n", "r.csv:1: the column r is there twice"),
        (b"2026-01-02,0.1\n2026-01-05,0.2\n", "r.csv:1: “2026-01-02” is no name of a column; put a line"),
        (b"date,r\n2026-1-2,0.1\n", "is no date; write it as 2026-11-20"),
    ] {
        refused(folder(&[("r.csv", bytes)]).path(), &METRICS, words);
    }
    let folder = folder(&[("r.csv", b"date,r\n2026-01-02,0.1\n")]);
    refused(folder.path(), &["metrics", "--returns", "r.csv", "--column", "x"], "there is no column x; there are: r");
    refused(folder.path(), &["metrics", "--returns", "r.csv", "--from", "2027-01-01"], "choose another --from or --to");
    refused(folder.path(), &["metrics", "--returns", "r.csv", "--from", "2027-1-1"], "write a date as 2026-11-20");
    let backwards = ["metrics", "--returns", "r.csv", "--from", "2027-01-02", "--to", "2027-01-01"];
    refused(folder.path(), &backwards, "--from 2027-01-02 is after --to 2027-01-01; exchange the two");
    refused(folder.path(), &["metrics", "--returns", "r.csv", "--periods-per-year", "nan"], "write a number above zero");
    refused(folder.path(), &["metrics", "--returns", "r.csv", "--confidence", "1"], "between 0 and 1");
    refused(folder.path(), &["metrics", "--returns", "."], "it can't be read");
}

#[test]
fn payments_in_any_order_and_none_at_all() {
    let flows = ["xirr", "--flows", "f.csv", "--format", "json"];
    let shuffled = folder(&[("f.csv", b"date,amount\n2027-01-01,110\n2026-01-01,-50\n2026-01-01,-50\n")]);
    assert!((json(shuffled.path(), &flows)["value"].as_f64().unwrap() - 0.1).abs() < 1e-12);
    let turned = folder(&[("f.csv", b"Amount,DATE\n-100,2026-01-01\n110,2027-01-01\n")]);
    assert!((json(turned.path(), &flows)["value"].as_f64().unwrap() - 0.1).abs() < 1e-12);
    let one_way = folder(&[("f.csv", b"date,amount\n2026-01-01,100\n2027-01-01,110\n")]);
    let found = json(one_way.path(), &flows);
    assert!(found["value"].is_null() && found["reason"].is_string() && found["roots"] == serde_json::json!([]), "{found}");
    for (bytes, words) in [
        (&b"date,amount\n"[..], "there are no payments"),
        (b"date,amount\n2026-01-01,1.000,5\n", ":2: it has 3 fields"),
        (b"date,amount\n2026-01-01,NaN\n", ":2: "),
        (b"date,amount\n2026-01-01,\n", ":2: the amount is empty; fill it in"),
        (b"date,balance\n2026-01-01,5\n", ":1: there is no column amount; it needs date,amount."),
        (b"date,amount,currency\n2026-01-01,5,EUR\n", ":1: the column “currency” isn't read; remove it"),
        (b"date,amount,Amount\n2026-01-01,5,6\n", ":1: the column Amount is there twice"),
        (
            b"2026-01-01,-5\n2027-01-01,6\n",
            ":1: “2026-01-01” is no name of a column; put a line with the names of the columns first, such as date,amount.",
        ),
        (b"date;amount\n2026-01-01;5\n", "Separate the columns by commas"),
    ] {
        refused(folder(&[("f.csv", bytes)]).path(), &flows, words);
    }
    let many = (0..20_000).fold(String::from("date,amount\n"), |mut text, at| {
        writeln!(text, "{},{}", chrono::NaiveDate::default() + chrono::Days::new(at), if at % 2 == 0 { -100 } else { 101 }).unwrap();
        text
    });
    assert!(json(folder(&[("f.csv", many.as_bytes())]).path(), &flows)["value"].is_f64());
}

#[test]
fn segments_with_faults_name_line_or_period() {
    let arguments = ["attribution", "--segments", "s.csv", "--format", "json"];
    let header = "period,segment,portfolio_weight,benchmark_weight,portfolio_return,benchmark_return\n";
    for (rows, words) in [
        ("", "there are no periods"),
        ("1,a,0.5,1,0.1,0.1\n", "s.csv, 1: the portfolio's weights add up to 0.5, not to 1"),
        ("1,a,1,1,x,0.1\n", "s.csv:2: “x” is no number"),
        ("1,a,1,1,,0.1\n", "s.csv:2: the portfolio_return is empty"),
        ("1,a,0.5,0.5,0,0\n1,a,0.5,0.5,0,0\n", "the segment a is there twice"),
        ("1,a,1,1,-1,0\n2,a,1,1,0.1,0.1\n", "everything was lost"),
    ] {
        refused(folder(&[("s.csv", [header, rows].concat().as_bytes())]).path(), &arguments, words);
    }
    refused(folder(&[("s.csv", header.replace(',', ";").as_bytes())]).path(), &arguments, "Separate the columns by commas");
    let twice = header.replace("benchmark_return", "benchmark_return,Segment");
    refused(folder(&[("s.csv", twice.as_bytes())]).path(), &arguments, "s.csv:1: the column Segment is there twice");
    let blank = [header, "1,a,0.5,1,0.2,0.1\n1,b,0.5,0,0.04,\n1,c,0,0,,\n2,a,1,0.5,0.1,0.1\n2,b,0,0.5,,0.3\n"].concat();
    let found = json(folder(&[("s.csv", blank.as_bytes())]).path(), &arguments);
    let near = |of: &serde_json::Value, expected: f64| assert!((of.as_f64().unwrap() - expected).abs() < 1e-15, "{of} is not {expected}");
    near(&found["periods"][0]["segments"][1]["allocation"], 0.5 * (0.04 - 0.1));
    near(&found["periods"][1]["segments"][1]["allocation"], -0.5 * (0.3 - 0.2));
    near(&found["periods"][1]["totals"]["total"], 0.1 - 0.2);
    let huge = [header, "1,a,1,1,1e308,0\n2,a,1,1,1e308,0\n"].concat();
    refused(folder(&[("s.csv", huge.as_bytes())]).path(), &arguments, "all periods: the returns are too large to be measured");
    // A period for each of many rows takes no square of them.
    let many = (0..30_000).fold(header.to_owned(), |mut text, at| {
        writeln!(text, "{at},all,1,1,0.0001,0.0002").unwrap();
        text
    });
    assert!(json(folder(&[("s.csv", many.as_bytes())]).path(), &arguments)["linked"]["residual"].is_f64());
}

#[test]
fn books_with_faults_name_every_line_and_book_nothing() {
    let arguments = ["performance", "--transactions", "t.csv", "--prices", "p.csv", "--format", "json"];
    let prices = b"\xef\xbb\xbfdate,symbol,close\r\n2026-01-02,AAPL,100\r\n2026-01-05,AAPL,110\r\n";
    let header = "date,type,symbol,quantity,price,amount,fee,tax,currency\n";
    for (rows, words) in [
        ("2026-01-02,deposit,,,,NaN,,,\n", "t.csv:2: “NaN” is no amount"),
        ("2026-01-02,deposit,,,,1e400,,,\n", "t.csv:2: "),
        ("2026-01-02,deposit,,,,inf,,,\n", "t.csv:2: "),
        ("2026-01-02,deposit,,,,-5,,,\n", "t.csv:2: the amount -5 is below zero"),
        ("2026-01-02,deposit,,,,\"1,000.00\",,,\n", "t.csv:2: "),
        ("2026-01-02,deposit,,,,1.000.000,,,\n", "t.csv:2: "),
        ("01/02/2026,deposit,,,,5,,,\n", "t.csv:2: "),
        ("2026-01-02,deposit,,,,5,,,EURO\n", "t.csv:2: "),
        ("2026-01-02,buy,=1+1,1,1,,,,\n", "t.csv:2: "),
        ("2026-01-02,buy,AAPL,1,99999999999999999999999999999999999999,,,,\n", "t.csv:2: "),
        ("2026-01-02,buy,AAPL,1.12345678901,1,,,,\n", "t.csv:2: the quantity 1.12345678901 has more than 10 decimals; round it"),
        ("2026-1-2,deposit,,,,5,,,\n", "t.csv:2: “2026-1-2” is no date"),
        ("", "there are no transactions"),
    ] {
        let folder = folder(&[("t.csv", [header, rows].concat().as_bytes()), ("p.csv", prices)]);
        refused(folder.path(), &arguments, words);
    }
    let twice = header.replace("fee", "Amount");
    let wrong = folder(&[("t.csv", twice.as_bytes()), ("p.csv", prices)]);
    refused(wrong.path(), &arguments, "t.csv:1: the column amount is there twice; rename or remove one of the two");
    let backwards = [&arguments[..], &["--from", "2026-01-05", "--to", "2026-01-02"]].concat();
    refused(wrong.path(), &backwards, "--from 2026-01-05 is after --to 2026-01-02");
    let bought = |rows: &str| {
        let folder = folder(&[("t.csv", [header, rows].concat().as_bytes()), ("p.csv", prices)]);
        json(folder.path(), &arguments)
    };
    // Out of order, on a Saturday, with spaces and capitals.
    let found = bought("2026-01-03, BUY ,aapl,1,100,,,,\n2026-01-02,Deposit,,,,1000,,,usd\n");
    assert!(found["findings"].as_array().unwrap().is_empty() || found["findings"][0]["code"] == "no_price", "{found}");
    for (rows, code) in [
        ("2026-01-02,deposit,,,,1000,,,\n2026-01-02,buy,NOPRICE,1,100,,,,\n", "no_price"),
        ("2026-01-02,deposit,,,,1000,,,CHF\n", "no_rate"),
        ("2026-01-02,sell,AAPL,5,100,,,,\n", "oversold"),
        ("2026-01-02,deposit,,,,900000000000000000,,,\n", "out_of_range"),
        ("2026-01-02,deposit,,,,1000,-79228162514264337593543950335,,\n", "out_of_range"),
    ] {
        let found = bought(rows);
        assert_eq!(found["findings"][0]["code"], code, "{found}");
        assert_eq!(found["findings"][0]["line"].is_null(), code == "no_price", "{found}");
    }
}

/// Nothing that fits into a field makes the ledger panic.
#[test]
fn numbers_at_the_edges_are_refused_or_booked() {
    let numbers = ["0", "-0", "0.0000000001", "79228162514264337593543950335", "1e15", "999999999999", "1e-10", "3", "-7"];
    let kinds = [
        "buy",
        "sell",
        "short",
        "cover",
        "deposit",
        "withdrawal",
        "dividend",
        "reinvest",
        "interest",
        "fee",
        "tax",
        "transfer_in",
        "transfer_out",
        "opening",
        "split",
        "stock_dividend",
        "spin_off",
        "merger",
        "symbol_change",
        "return_of_capital",
    ];
    let mut seed = 7_usize;
    let mut pick = |from: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (seed >> 33) % from
    };
    for basis in ["fifo", "hifo", "average"] {
        for _ in 0..12 {
            let mut rows = String::from("date,type,symbol,quantity,price,amount,fee,tax,currency,ratio,counter_symbol,cost_share\n");
            rows.push_str("2026-01-02,deposit,,,,1000000,,,USD,,,\n2026-01-02,buy,A,10,100,,,,USD,,,\n");
            for _ in 0..25 {
                let mut number = || numbers[pick(numbers.len())].trim_start_matches('-').to_owned();
                let [quantity, amount, ratio] = [number(), number(), number()];
                let ratio = if ratio.starts_with('0') { "2".into() } else { ratio };
                let (fee, kind) = (numbers[pick(numbers.len())], kinds[pick(kinds.len())]);
                let (symbol, other) = (["A", "B"][pick(2)], ["B", "C"][pick(2)]);
                let symbol = if matches!(kind, "deposit" | "withdrawal") { "" } else { symbol };
                let (day, currency) = (["02", "05", "06"][pick(3)], ["USD", "EUR"][pick(2)]);
                writeln!(rows, "2026-01-{day},{kind},{symbol},{quantity},,{amount},{fee},0,{currency},{ratio},{other},0.5").unwrap();
            }
            let prices = "date,symbol,close,currency\n2026-01-02,A,100,USD\n2026-01-05,B,1e15,EUR\n2026-01-05,A,0.0000000001,USD\n2026-01-06,C,3,USD\n";
            let rates = "date,currency,rate\n2026-01-02,EUR,9999999999\n2026-01-06,EUR,0.0000000001\n";
            let folder = folder(&[("t.csv", rows.as_bytes()), ("p.csv", prices.as_bytes()), ("x.csv", rates.as_bytes())]);
            let files = ["performance", "--transactions", "t.csv", "--prices", "p.csv", "--fx", "x.csv", "--format", "json"];
            let output = run(folder.path(), &[&files[..], &["--cost-basis", basis]].concat());
            assert!(matches!(output.status.code(), Some(0 | 2)), "{rows}{}", String::from_utf8_lossy(&output.stderr));
        }
    }
}

/// Whoever reads has read enough, or the disk is full: no panic, and a sentence where something is lost.
#[test]
fn what_cannot_be_written_is_said() {
    let many = (0..3000).fold(String::from("date,r\n"), |mut text, at| {
        writeln!(text, "{},0.01", chrono::NaiveDate::default() + chrono::Days::new(at)).unwrap();
        text
    });
    let folder = folder(&[("r.csv", many.as_bytes()), ("f.csv", b"date,amount\n2026-01-01,-100\n2027-01-01,110\n")]);
    let plumbline = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_plumbline"));
        command.args(arguments).env_clear().current_dir(folder.path()).stderr(std::process::Stdio::piped());
        command
    };
    let metrics = [&METRICS[..], &["--rolling", "20"]].concat();
    for arguments in [
        &metrics[..],
        &["metrics", "--returns", "r.csv"],
        &["xirr", "--flows", "f.csv"],
        &["calendar", "--from", "2024-01-02", "--to", "2024-12-31"],
        &["environment"],
    ] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = plumbline(arguments).stdout(writer).output().unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        let Ok(full) = fs::File::options().write(true).open("/dev/full") else { continue };
        let output = plumbline(arguments).stdout(full).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.code() == Some(1) && said.starts_with("The result couldn't be written"), "{arguments:?}: {said}");
    }
}
