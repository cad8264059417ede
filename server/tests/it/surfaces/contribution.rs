//! Contributions: the column is the return, the money the gain, on every surface alike.

use super::{Mart, between, number, text};
use crate::market::on;
use app::{
    domain::{Money, Range},
    format,
};
use rust_decimal::Decimal;
use serde_json::Value;

fn amount(of: &Value) -> Decimal {
    of.as_str().unwrap_or_else(|| panic!("{of} is no amount")).parse().unwrap()
}

/// The parts are the return and the gain of the mart's own rows; sectors are their holdings.
pub fn adds_up(mart: &[Mart], api: &Value, range: Range) {
    let found = &api["contributions"];
    let (parts, sectors) = (found["parts"].as_array().unwrap(), found["sectors"].as_array().unwrap());
    assert!(parts.len() > 5 && !sectors.is_empty(), "{found}");
    let sum = |rows: &[Value], of: &dyn Fn(&Value) -> f64| rows.iter().map(of).sum::<f64>();
    let contribution = |row: &Value| number(&row["contribution"]).unwrap();
    let whole = number(&api["returns"]["time_weighted"]["value"]).unwrap();
    assert!((sum(parts, &contribution) - whole).abs() < 1e-12, "{range:?}");
    let (rest, held) = parts.split_last().unwrap();
    assert!(rest["symbol"].is_null());
    assert!((sum(sectors, &contribution) + contribution(rest) - whole).abs() < 1e-12, "{range:?}");
    let made_of = |row: &Value| ["price", "income", "costs", "currency"].map(|part| number(&row[part]).unwrap()).iter().sum::<f64>();
    assert!(held.iter().all(|row| (made_of(row) - contribution(row)).abs() < 1e-15));
    let weight = |row: &Value| number(&row["average_weight"]).unwrap();
    assert!((sum(parts, &weight) - 1.0).abs() < 1e-12);
    // V_e − V_s − Σ inflows + Σ outflows.
    let opens_on = on(api["opens_on"].as_str().unwrap());
    let is_inside = |row: &&Mart| row.0 > opens_on || (range == Range::Max && row.0 == opens_on);
    let opening = mart.iter().find(|row| row.0 == opens_on && range != Range::Max).map_or(Decimal::ZERO, |row| row.1);
    let net: Decimal = mart.iter().filter(is_inside).map(|row| row.2 - row.3).sum();
    let gain = mart.last().unwrap().1 - opening - net;
    assert_eq!(amount(&found["gain"]), gain, "{range:?}");
    assert_eq!(parts.iter().map(|row| amount(&row["gain"]["total"])).sum::<Decimal>(), gain, "{range:?}");
    for row in held {
        let [total, realized, unrealized, income, costs] =
            ["total", "realized", "unrealized", "income", "costs"].map(|part| amount(&row["gain"][part]));
        assert_eq!(total, realized + unrealized + income - costs);
    }
    assert!(amount(&rest["gain"]["rounding"]).abs() < Decimal::new(10, 4), "{rest}");
}

/// Each row of the page with its digits.
pub fn api_and_page(api: &Value, page: &str) {
    let card = between(page, "id=\"contribution\"", "</section>");
    for row in api["contributions"]["parts"].as_array().unwrap() {
        let name = row["symbol"].as_str().unwrap_or_default();
        let said = text(between(card, &format!("data-contribution=\"{name}\""), "</tr>"));
        let contribution = format::signed_percent(number(&row["contribution"]).unwrap());
        let gain = format::signed_money(Money(amount(&row["gain"]["total"])));
        assert!(said.contains(&contribution) && said.contains(&gain), "{name}: {contribution}, {gain}: {said}");
    }
    assert!(text(card).contains(&format::signed_money(Money(amount(&api["contributions"]["gain"])))));
}

/// Lines of the range, in the order of the parts.
pub fn api_and_export(api: &Value, csv: &str, range: Range) {
    let mut lines = csv.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    let place = |column: &str| header.iter().position(|name| *name == column).unwrap();
    let rows: Vec<Vec<&str>> = lines.map(|line| line.split(',').collect()).collect();
    let rows: Vec<_> = rows.iter().filter(|row| row[0] == range.label()).collect();
    for part in api["contributions"]["parts"].as_array().unwrap().iter().filter(|part| !part["symbol"].is_null()) {
        let row = rows.iter().find(|row| row[place("symbol")] == part["symbol"].as_str().unwrap()).unwrap();
        let bits = |column: &str| row[place(column)].parse::<f64>().unwrap().to_bits();
        assert_eq!(bits("contribution"), number(&part["contribution"]).unwrap().to_bits());
        assert_eq!(row[place("gain")].parse::<Decimal>().unwrap(), amount(&part["gain"]["total"]));
    }
    let all = rows.last().unwrap();
    assert_eq!((all[place("of")], all[place("gain")].parse::<Decimal>().unwrap()), ("all", amount(&api["contributions"]["gain"])));
}
