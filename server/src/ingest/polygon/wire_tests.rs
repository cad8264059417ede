//! Polygon's wire, on our own fixtures and on the vendor's samples where they lie beside the project.

use chrono::NaiveDate;
use proptest::prelude::*;
use rust_decimal::Decimal;
use std::path::Path;

use super::wire::{bars, details, dividends, grouped, splits};
use crate::ingest::VendorError;

fn on(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}

fn number(text: &str) -> Option<Decimal> {
    Some(text.parse().unwrap())
}

macro_rules! fixture {
    ($name:literal) => {
        include_bytes!(concat!("../../../tests/fixtures/polygon/", $name, ".json"))
    };
}

#[test]
fn bars_come_in_every_dress_on_both_sides_of_summer_time() {
    let page = bars(fixture!("bars_ordinary")).unwrap();
    let days: Vec<_> = page.rows.iter().map(|bar| bar.session_date).collect();
    assert_eq!(days, [on(2024, 3, 8), on(2024, 3, 11), on(2024, 3, 12)], "05:00 UTC before 10 March, 04:00 after");
    assert_eq!(page.rows[0].volume, number("120000000"));
    assert_eq!(page.rows[1].open, number("102.30"));
    assert_eq!(page.rows[1].volume, number("98000000.5"));
    assert_eq!((page.rows[2].vwap, page.rows[2].trade_count), (None, None));
    assert_eq!(page.oddities.count(), 0);
}

#[test]
fn a_bad_row_costs_no_other() {
    let page = bars(fixture!("bars_odd")).unwrap();
    let days: Vec<_> = page.rows.iter().map(|bar| bar.session_date).collect();
    assert_eq!(days, [on(2024, 3, 8), on(2024, 3, 10), on(2024, 3, 11)], "the 12th comes twice, with different closes");
    assert_eq!(page.rows[0].close, number("-11"), "a negative price is for the checks to judge");
    let absurd = page.rows[2];
    assert_eq!((absurd.volume, absurd.open, absurd.close, absurd.high, absurd.trade_count), (None, None, None, None, Some(12)));
    assert_eq!(page.oddities.count(), 6);
}

#[test]
fn of_what_contradicts_itself_nothing_is_taken() {
    let grouped = |closes: &[(&str, f64)]| {
        let rows: Vec<String> = closes.iter().map(|(symbol, close)| format!(r#"{{"T":"{symbol}","c":{close}}}"#)).collect();
        let body = format!(r#"{{"results":[{}]}}"#, rows.join(","));
        let (page, _) = grouped(body.as_bytes(), on(2024, 3, 11), |_| true).unwrap();
        (page.rows.into_iter().map(|row| row.symbol).collect::<Vec<_>>(), page.oddities.count())
    };
    assert_eq!(grouped(&[("B", 1.0), ("A", 2.0), ("B", 1.0)]), (vec!["A".to_owned(), "B".to_owned()], 0), "the same twice is harmless");
    assert_eq!(grouped(&[("B", 1.0), ("A", 2.0), ("B", 1.5), ("B", 1.0), ("C", 1.0)]), (vec!["A".to_owned(), "C".to_owned()], 1));

    let split = |to: u8, id: &str| format!(r#"{{"ticker":"A","execution_date":"2024-03-11","split_from":1,"split_to":{to},"id":"{id}"}}"#);
    let read = |rows: &[String]| {
        let page = splits(format!(r#"{{"results":[{}]}}"#, rows.join(",")).as_bytes()).unwrap();
        (page.rows.len(), page.oddities.count())
    };
    assert_eq!(read(&[split(2, "one"), split(2, "other")]), (1, 0), "an id is nothing that a split says");
    assert_eq!(read(&[split(2, "one"), split(3, "one"), split(2, "one")]), (0, 1));

    let dividend = |cash: &str, id: &str| format!(r#"{{"ticker":"A","ex_dividend_date":"2024-03-11","cash_amount":{cash},"id":"{id}"}}"#);
    let read = |rows: &[String]| {
        let page = dividends(format!(r#"{{"results":[{}]}}"#, rows.join(",")).as_bytes()).unwrap();
        (page.rows.len(), page.oddities.count())
    };
    assert_eq!(read(&[dividend("0.5", "one"), dividend("0.7", "other"), dividend("0.50", "one")]), (2, 0), "a regular and a special one");
    assert_eq!(read(&[dividend("0.5", "one"), dividend("0.7", "other"), dividend("0.6", "one")]), (1, 1));
}

#[test]
fn nothing_broken_and_refused_are_told_apart() {
    assert!(bars(fixture!("bars_empty")).unwrap().rows.is_empty());
    assert!(bars(br#"{"results":null}"#).unwrap().rows.is_empty());
    assert!(matches!(bars(fixture!("bars_truncated")), Err(VendorError::Malformed { .. })));
    assert!(matches!(bars(fixture!("bars_error_with_status_200")), Err(VendorError::Status { status: 200, .. })));
}

#[test]
fn the_grouped_day_keeps_who_is_wanted() {
    let (page, listed) = grouped(fixture!("grouped_ordinary"), on(2024, 3, 11), |symbol| symbol != "OTHER").unwrap();
    let symbols: Vec<_> = page.rows.iter().map(|row| row.symbol.as_str()).collect();
    assert_eq!((symbols, listed), (vec!["ACME", "KIMpL"], 4));
    assert_eq!(page.oddities.count(), 1, "one is stamped on another day");
}

#[test]
fn corporate_actions_read_alike_on_both_paths() {
    let page = splits(fixture!("splits_ordinary")).unwrap();
    assert_eq!((page.rows.len(), page.oddities.count()), (2, 2));
    assert_eq!((Some(page.rows[0].split_from), Some(page.rows[0].split_to)), (number("1"), number("7")));
    let page = dividends(fixture!("dividends_ordinary")).unwrap();
    assert_eq!((page.rows.len(), page.oddities.count()), (2, 1));
    assert_eq!(page.rows[0].pay_date, Some(on(2024, 4, 1)));
    assert_eq!((page.rows[1].pay_date, page.rows[1].frequency), (None, Some(0)));
    assert_eq!(dividends(fixture!("dividends_old_path")).unwrap().rows[0].distribution_type.as_deref(), Some("CD"));
}

#[test]
fn details_name_an_instrument() {
    let acme = details(fixture!("details_ordinary")).unwrap().unwrap();
    assert_eq!((acme.name.as_str(), acme.currency.as_str(), acme.sic_code.as_deref()), ("Acme Corp", "USD", Some("3571")));
    assert!(details(br#"{"status":"OK"}"#).unwrap().is_none());
    assert!(details(br#"{"results":{"name":"x"}}"#).is_err());
}

/// The `body` of a sample of the vendor's official client, or none where the samples aren't on this machine.
fn sample(name: &str) -> Option<Vec<u8>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data/vendor-samples/massive").join(name);
    let Ok(text) = std::fs::read(&path) else {
        eprintln!("skipped: no {}", path.display());
        return None;
    };
    let whole: serde_json::Value = serde_json::from_slice(&text).unwrap();
    Some(serde_json::to_vec(&whole["body"]).unwrap())
}

#[test]
fn the_vendors_own_samples_read() {
    if let Some(body) = sample("v2_aggs_ticker_AAPL_range_1_day_2005_04_01_2005_04_04.json") {
        let page = bars(&body).unwrap();
        assert_eq!(page.rows.iter().map(|bar| bar.session_date).collect::<Vec<_>>(), [on(2005, 4, 1), on(2005, 4, 4)]);
        assert_eq!(page.rows[0].close, number("1.4604"));
    }
    if let Some(body) = sample("v2_aggs_grouped_locale_us_market_stocks_2005_04_04_adjusted_true.json") {
        let (page, listed) = grouped(&body, on(2020, 10, 14), |_| true).unwrap();
        assert_eq!((page.rows.len(), listed), (1, 1));
    }
    if let Some(body) = sample("v3_reference_splits.json") {
        assert_eq!(splits(&body).unwrap().rows.len(), 10);
    }
    if let Some(body) = sample("v3_reference_dividends.json") {
        let page = dividends(&body).unwrap();
        assert!(!page.rows.is_empty() && page.oddities.count() == 0);
    }
    if let Some(body) = sample("v3_reference_tickers_AAPL.json") {
        assert_eq!(details(&body).unwrap().unwrap().sic_description.as_deref(), Some("ELECTRONIC COMPUTERS"));
    }
}

proptest! {
    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = (bars(&bytes), splits(&bytes), dividends(&bytes), details(&bytes), grouped(&bytes, on(2024, 3, 11), |_| true).is_ok());
    }

    #[test]
    fn any_change_of_a_byte_is_read_or_refused(at in 0_usize..600, byte in any::<u8>()) {
        let mut body = fixture!("bars_odd").to_vec();
        let last = body.len() - 1;
        body[at.min(last)] = byte;
        let _ = bars(&body);
        let mut body = fixture!("dividends_ordinary").to_vec();
        let last = body.len() - 1;
        body[at.min(last)] = byte;
        let _ = dividends(&body);
    }
}
