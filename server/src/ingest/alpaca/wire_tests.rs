//! Alpaca's wire, on our own fixtures and on the vendor's samples where they lie beside the project.

use chrono::NaiveDate;
use proptest::prelude::*;
use std::path::Path;

use super::wire::{account, activities, positions};

fn on(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 3, day).unwrap()
}

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/fixtures/alpaca/", $name, ".json"))
    };
}

#[test]
fn an_account_needs_id_and_cash() {
    let summary = account(fixture!("account_ordinary")).unwrap();
    assert_eq!(summary.cash, "-122086.5".parse().unwrap());
    assert_eq!(summary.equity, Some("123346.11".parse().unwrap()));
    assert!(account(br#"{"id":"x"}"#).is_err());
    assert!(account(br#"[]"#).is_err());
}

#[test]
fn positions_have_a_sign_and_a_clean_symbol() {
    let (rows, oddities) = positions(fixture!("positions_ordinary")).unwrap();
    let read: Vec<_> = rows.iter().map(|row| (row.symbol.as_str(), row.quantity.to_string())).collect();
    assert_eq!(read, [("AAPL", "5".into()), ("BRK.B", "1.5".into()), ("TSLA", "-3".to_string())]);
    assert_eq!(oddities.count(), 1);
    assert!(positions(b"null").unwrap().0.is_empty());
}

#[test]
fn every_activity_with_an_id_and_a_day_is_kept() {
    let page = activities(fixture!("activities_ordinary")).unwrap();
    assert_eq!((page.rows.len(), page.listed, page.oddities.count()), (4, 6, 2));
    let fill = &page.rows[0];
    assert_eq!(fill.activity_date, on(11), "03:34 UTC is still the evening before in New York");
    assert_eq!(page.rows[1].symbol.as_deref(), Some("T"));
    let unknown = &page.rows[2];
    assert_eq!((unknown.activity_type.as_str(), unknown.activity_date), ("ZZTOP", on(13)), "the id tells the day");
    assert_eq!(unknown.body["extra"]["deep"][1].to_string(), "2.50");
    assert_eq!(page.rows[3].net_amount, Some("1000".parse().unwrap()));
}

#[test]
fn of_what_contradicts_itself_nothing_is_taken() {
    let trade = |id: &str, quantity: u8| format!(r#"{{"id":"{id}","date":"2024-03-11","qty":"{quantity}"}}"#);
    let read = |rows: &[String]| {
        let page = activities(format!("[{}]", rows.join(",")).as_bytes()).unwrap();
        (page.rows.into_iter().map(|row| row.activity_id).collect::<Vec<_>>(), page.oddities.count())
    };
    assert_eq!(read(&[trade("2", 5), trade("1", 5), trade("2", 5)]), (vec!["1".to_owned(), "2".to_owned()], 0));
    assert_eq!(read(&[trade("2", 5), trade("1", 5), trade("2", 1)]), (vec!["1".to_owned()], 1));
    let (held, oddities) = positions(br#"[{"symbol":"A","qty":"5"},{"symbol":"B","qty":"1"},{"symbol":"A","qty":"6"}]"#).unwrap();
    assert_eq!((held.len(), held[0].symbol.as_str(), oddities.count()), (1, "B", 1));
}

#[test]
fn what_postgres_cannot_hold_is_replaced() {
    let page = activities(br#"[{"id":"1","date":"2024-03-11","description":"a\u0000b","x":1e400000}]"#).unwrap();
    assert_eq!(page.rows[0].description.as_deref(), Some("ab"));
    assert!(page.rows[0].body["x"].is_string());
}

#[test]
fn the_vendors_own_samples_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/vendor-samples/alpaca");
    for (file, test) in [("test_account_routes.json", "test_get_account"), ("test_position_routes.json", "test_get_all_positions")] {
        let Ok(text) = std::fs::read(folder.join(file)) else {
            eprintln!("skipped: no {file} in {}", folder.display());
            continue;
        };
        let whole: serde_json::Value = serde_json::from_slice(&text).unwrap();
        let case = whole["cases"].as_array().unwrap().iter().find(|case| case["test"] == test).unwrap();
        let body = serde_json::to_vec(&case["body"]).unwrap();
        if test == "test_get_account" {
            assert_eq!(account(&body).unwrap().cash, "-23140.2".parse().unwrap());
        } else {
            assert_eq!(positions(&body).unwrap().0[0].quantity, 5.into());
        }
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = (account(&bytes).is_ok(), positions(&bytes).is_ok(), activities(&bytes).is_ok());
    }

    #[test]
    fn any_change_of_a_byte_is_read_or_refused(at in 0_usize..1200, byte in any::<u8>()) {
        let mut body = fixture!("activities_ordinary").to_vec();
        let last = body.len() - 1;
        body[at.min(last)] = byte;
        let _ = activities(&body);
    }
}
