//! The same transactions and prices as files, measured by `plumbline performance` without any database.

use super::{market, number, printed};
use crate::{
    market::{on, text},
    support::plumbline,
};
use app::domain::Range;
use rust_decimal::Decimal;
use serde_json::Value;
use server::calendar;
use sqlx::PgPool;
use std::{fs, path::Path};

/// `transactions.csv` and `prices.csv`. The command line knows no exchange: days without a session are those on which they count.
pub async fn write(pool: &PgPool, folder: &Path) {
    let rows: Vec<(chrono::NaiveDate, String)> = sqlx::query_as(
        "select traded_on, concat_ws(',', type, coalesce(symbol, ''), trim_scale(quantity)::text, trim_scale(price)::text, amount::text, fee::text, tax::text, currency, '')
         from staging.transactions order by traded_on, key",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    let mut lines = vec!["date,type,symbol,quantity,price,amount,fee,tax,currency,ratio".to_owned()];
    lines.push(format!("{},split,AMZN,,,,,,USD,{}", market::SPLIT.0, market::SPLIT.1));
    lines.extend(rows.into_iter().map(|(day, row)| format!("{},{row}", calendar::session_on_or_after(day))));
    fs::write(folder.join("transactions.csv"), lines.join("\n")).unwrap();
    let prices = "select string_agg(concat_ws(',', session_date, symbol, trim_scale(close)), E'\\n' order by session_date, symbol) from staging.prices";
    fs::write(folder.join("prices.csv"), format!("date,symbol,close\n{}", text(pool, prices).await)).unwrap();
}

fn measured(folder: &Path, more: &[&str]) -> Value {
    let files = ["performance", "--transactions", "transactions.csv", "--prices", "prices.csv", "--format", "json"];
    printed(plumbline(&files).args(more), folder)
}

fn amount(of: &Value) -> Decimal {
    of.as_str().unwrap_or_else(|| panic!("{of} is no amount")).parse().unwrap()
}

/// Positions, their cost and value, and every session's numbers as the mart has them.
pub async fn holdings(pool: &PgPool, folder: &Path) {
    let found = measured(folder, &["--to", market::LAST]);
    assert_eq!(found["findings"], serde_json::json!([]));
    let held: Vec<(String, Decimal, Decimal, Decimal)> =
        sqlx::query_as("select symbol, quantity, cost, value from marts.holdings order by symbol").fetch_all(pool).await.unwrap();
    let positions = found["positions"].as_array().unwrap();
    assert_eq!(positions.len(), held.len());
    for (position, (symbol, quantity, cost, value)) in positions.iter().zip(held) {
        assert_eq!(position["symbol"].as_str(), Some(symbol.as_str()));
        let same = [("quantity", quantity), ("cost_basis", cost), ("market_value", value), ("unrealized_gain", value - cost)];
        for (name, ours) in same {
            assert_eq!(amount(&position[name]), ours, "{symbol} {name}");
        }
    }
    let (realized, income): (Decimal, Decimal) =
        sqlx::query_as("select realized, income from marts.portfolio_daily order by session_date desc limit 1")
            .fetch_one(pool)
            .await
            .unwrap();
    assert_eq!((amount(&found["realized_gain"]), amount(&found["income"])), (realized, income));
    assert_eq!(amount(&found["residual"]), Decimal::ZERO);
}

/// What each holding contributed, to the last bit; files know no sectors.
fn contributions(ours: &Value, theirs: &Value, range: Range) {
    for key in ["total", "residual", "gain"] {
        assert_eq!(ours[key], theirs[key], "{range:?} {key}");
    }
    let (ours, theirs) = (ours["parts"].as_array().unwrap(), theirs["parts"].as_array().unwrap());
    assert_eq!(ours.len(), theirs.len(), "{range:?}");
    for (ours, theirs) in ours.iter().zip(theirs) {
        let mut ours = ours.clone();
        ours.as_object_mut().unwrap().remove("sector");
        assert_eq!(&ours, theirs, "{range:?}");
    }
}

/// Value, flows and return of every session, and the range's returns by every method.
pub fn api_and_ledger_of_files(api: &Value, folder: &Path, range: Range) {
    let opens_on = api["opens_on"].as_str().unwrap();
    let whole = ["--to", market::LAST];
    let part = ["--from", opens_on, "--to", market::LAST];
    let found = measured(folder, if range == Range::Max { &whole } else { &part });
    let (theirs, ours) = (found["daily"].as_array().unwrap(), api["daily"].as_array().unwrap());
    let inside = &ours[usize::from(range != Range::Max)..];
    assert_eq!(theirs.len(), inside.len(), "{range:?}");
    for (theirs, ours) in theirs.iter().zip(inside) {
        assert_eq!(
            (&theirs["date"], number(&theirs["return"]).map(f64::to_bits)),
            (&ours["date"], number(&ours["return"]).map(f64::to_bits))
        );
        for name in ["value", "inflow", "outflow"] {
            assert_eq!(amount(&theirs[name]), amount(&ours[name]), "{} {name}", ours["date"]);
        }
    }
    let same = |theirs: &str, ours: &Value| assert_eq!(found["returns"][theirs], ours["value"], "{range:?} {theirs}");
    same("time_weighted", &api["returns"]["time_weighted"]);
    same("modified_dietz", &api["returns"]["modified_dietz"]);
    if api["returns"]["money_weighted_is_annual"] == true {
        same("money_weighted", &api["returns"]["money_weighted"]);
    }
    same("annualized", &api["metrics"]["annualized_return"]);
    contributions(&api["contributions"], &found["contributions"], range);
    assert_eq!(amount(&found["value"]), amount(&api["value"]["value"]), "{range:?}");
    assert!(on(market::LAST) == on(found["to"].as_str().unwrap()));
}
