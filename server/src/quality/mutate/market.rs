//! A good batch: half a year of the simulator's market with a split and dividends in it, two portfolios, a broker that agrees, and the
//! marts that follow.

use crate::{
    calendar,
    quality::{examine::Error, sql},
    simulator::{market::Sessions, seed},
};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// Apple and Tesla split four weeks before; the sessions of 24 weeks lie behind.
pub const SESSION: NaiveDate = day(2020, 9, 30);
pub const FIRST_DAY: NaiveDate = day(2020, 4, 13);
/// On this session the portfolios buy what they hold.
const BOUGHT: NaiveDate = day(2020, 4, 16);
const SEED: u64 = 7;
const COMPANIES: usize = 24;
/// Quantities bought, by symbol.
const HELD: [(&str, i64); 5] = [("AAPL", 10), ("AMZN", 2), ("MSFT", 12), ("NVDA", 30), ("SPY", 20)];
const DEPOSIT: i64 = 1_000_000;

const fn day(year: i32, month: u32, day: u32) -> NaiveDate {
    match NaiveDate::from_ymd_opt(year, month, day) {
        Some(day) => day,
        None => NaiveDate::MIN,
    }
}

/// Fills an empty, migrated database.
pub async fn fill(connection: &mut PgConnection) -> Result<(), Error> {
    let market = seed::market(SEED, COMPANIES);
    let places = Sessions::all();
    let (first, last) = (places.place_of(FIRST_DAY), places.place_of(SESSION));
    let mut closes: BTreeMap<(String, NaiveDate), Decimal> = BTreeMap::new();
    let (mut bars, mut events) = (Vec::new(), Vec::new());
    for listing in &market.listings {
        let symbol = &listing.profile.symbol;
        let series = listing.series(last);
        for bar in series.between(first, last) {
            let on = places.date(bar.session);
            let [open, high, low, close] = [bar.open, bar.high, bar.low, bar.close].map(|units| listing.money(units));
            closes.insert((symbol.clone(), on), close);
            bars.push(format!("('{symbol}', date '{on}', {open}, {high}, {low}, {close}, {})", bar.volume));
        }
        for split in listing.splits_until(SESSION).iter().filter(|split| split.execution_date >= FIRST_DAY) {
            events.push(format!(
                "insert into raw.split (symbol, execution_date, split_from, split_to, response_id) values ('{symbol}', '{}', {}, {}, 1);",
                split.execution_date, split.from, split.to
            ));
        }
        for dividend in series.dividends.iter().filter(|dividend| dividend.ex_date > FIRST_DAY && dividend.ex_date <= SESSION) {
            events.push(format!(
                "insert into raw.dividend (symbol, ex_dividend_date, vendor_id, pay_date, cash_amount, response_id) values ('{symbol}', '{0}', 'd{0}', '{1}', {2}, 1);",
                dividend.ex_date, dividend.pay_date, dividend.amount
            ));
        }
    }
    let rates: Vec<String> = market
        .rates
        .iter()
        .filter(|rate| rate.date >= FIRST_DAY && rate.date <= SESSION && rate.percent != ".")
        .map(|rate| format!("('DGS3MO', date '{}', {}, 1)", rate.date, rate.percent))
        .collect();
    let followed: Vec<String> = HELD.iter().map(|(symbol, _)| format!("'{symbol}'")).collect();
    sql::execute(
        connection,
        format!(
            "insert into raw.market_data (symbol, \"timestamp\", session_date, open, high, low, close, volume, vendor, response_id)
             select symbol, on_date::timestamp at time zone 'America/New_York', on_date, open, high, low, close, volume, 'polygon', 1
             from (values {}) as bar (symbol, on_date, open, high, low, close, volume);
             insert into ops.change (symbol, kind, from_date) select distinct symbol, 'bar', date '{FIRST_DAY}' from raw.market_data;
             insert into raw.economic_observation (series_id, observed_on, value, response_id) values {};
             insert into raw.reference_close (symbol, session_date, close, vendor, response_id)
             select symbol, session_date, close, 'alpaca', 1 from raw.market_data where session_date = '{SESSION}' and symbol in ({});
             {}",
            bars.join(", "),
            rates.join(", "),
            followed.join(", "),
            events.join("\n"),
        ),
    )
    .await?;
    books(connection, &closes, &market).await
}

/// Two portfolios that hold the same, each with a broker's account that agrees.
async fn books(
    connection: &mut PgConnection,
    closes: &BTreeMap<(String, NaiveDate), Decimal>,
    market: &crate::simulator::market::Market,
) -> Result<(), Error> {
    let close = |symbol: &str, on| closes.get(&(symbol.to_owned(), on)).copied().unwrap_or_default();
    let mut text = String::from(include_str!("../../../warehouse/contract.sql"));
    for portfolio in [1, 2] {
        text.push_str(&format!(
            "insert into book.portfolio (owner_id, name) values (1, 'Portfolio {portfolio}');
             insert into book.account (portfolio_id, name) values ({portfolio}, 'Broker');
             insert into raw.broker_activity (portfolio_id, account_id, activity_id, activity_type, activity_date, net_amount, status, body, response_id)
             values ({portfolio}, {portfolio}, 'deposit', 'CSD', '{FIRST_DAY}', {DEPOSIT}, 'executed', '{{}}', 1);\n"
        ));
        let (mut cash, mut invested) = (Decimal::from(DEPOSIT), Decimal::ZERO);
        let mut positions = Vec::new();
        for (symbol, quantity) in HELD {
            let price = close(symbol, BOUGHT);
            cash -= price * Decimal::from(quantity);
            let splits = market.listing(symbol).map_or(&[][..], |listing| listing.splits_until(SESSION));
            let grown = splits
                .iter()
                .filter(|split| split.execution_date > BOUGHT)
                .fold(quantity, |held, split| held * i64::from(split.to) / i64::from(split.from));
            invested += close(symbol, SESSION) * Decimal::from(grown);
            positions.push((symbol, grown));
            text.push_str(&format!(
                "insert into raw.broker_activity (portfolio_id, account_id, activity_id, activity_type, activity_date, symbol, side, quantity, price, status, body, response_id)
                 values ({portfolio}, {portfolio}, 'fill-{symbol}', 'FILL', '{BOUGHT}', '{symbol}', 'buy', {quantity}, {price}, 'filled',
                         '{{\"order_id\": \"{symbol}\", \"cum_qty\": \"{quantity}\"}}', 1);\n"
            ));
        }
        text.push_str(&format!(
            "insert into raw.broker_account (portfolio_id, account_id, external_id, currency, cash, fetched_at, session_date, response_id)
             values ({portfolio}, {portfolio}, 'x{portfolio}', 'USD', {cash}, '{SESSION} 22:00+00', '{SESSION}', 1);
             insert into raw.broker_position_fetch (portfolio_id, account_id, session_date, fetched_at, response_id)
             values ({portfolio}, {portfolio}, '{SESSION}', '{SESSION} 22:00+00', 1);\n"
        ));
        let before = calendar::session_before(SESSION);
        for (on, value) in [(before, cash + invested), (SESSION, cash + invested)] {
            text.push_str(&format!(
                "insert into marts.portfolio_daily (portfolio_id, session_date, value, cash, receivable, inflow, outflow, net_contributions, daily_return,
                                                    carried, positions, realized, income, costs, brought_in)
                 values ({portfolio}, '{on}', {value}, {cash}, 0, 0, 0, {DEPOSIT}, 0.001, 0, 5, 0, 0, 0, 0);\n"
            ));
        }
        for (symbol, quantity) in positions {
            let price = close(symbol, SESSION);
            text.push_str(&format!(
                "insert into raw.broker_position (portfolio_id, account_id, symbol, quantity, session_date, response_id)
                 values ({portfolio}, {portfolio}, '{symbol}', {quantity}, '{SESSION}', 1);
                 insert into marts.holdings (portfolio_id, symbol, session_date, name, sector, quantity, cost, close, priced_on, value)
                 values ({portfolio}, '{symbol}', '{SESSION}', '{symbol}', 'Other', {quantity}, 1, {price}, '{SESSION}', {price} * {quantity});\n"
            ));
        }
    }
    sql::execute(connection, text).await?;
    Ok(())
}
