//! A random market of several currencies, and two portfolios in it, in dollars and in euros: rates with gaps, carried closes, splits,
//! dividends in foreign currencies, two accounts, short sales, corrections of the past.

use crate::market::{on, open, sql};
use chrono::NaiveDate;
use server::calendar;
use sqlx::PgPool;

/// Numbers that differ with their seed, and are the same with the same one.
pub struct Random(u64);

impl Random {
    pub fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % most
    }

    pub fn between(&mut self, from: f64, to: f64) -> f64 {
        from + (to - from) * self.below(1_000_000) as f64 / 1e6
    }

    pub fn one<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len() as u64) as usize]
    }
}

/// Each with the currency of its payments; Vodafone's closes are in pence.
pub const SYMBOLS: [(&str, &str); 6] =
    [("AAPL", "USD"), ("MSFT", "USD"), ("BRK.A", "USD"), ("SAP", "EUR"), ("VOD", "GBP"), ("NESN", "CHF")];
/// As the vendor quotes them: dollars for a euro and a pound, francs for a dollar.
const RATES: [(&str, &str, f64); 3] = [("EUR", "USD", 1.36), ("GBP", "USD", 1.64), ("USD", "CHF", 0.9)];
/// Bought before the vendor has its first close: the portfolio's value is unknown until then.
pub const LATE: &str = "LATE";
const BOUGHT_LATE: usize = 55;
const FIRST_CLOSE: usize = 61;
/// Portfolio 1, in dollars, has two accounts; portfolio 2 is in euros.
const ACCOUNTS: [(i64, i64); 3] = [(1, 1), (1, 3), (2, 2)];

pub struct World {
    pub random: Random,
    prices: [f64; 6],
    rates: [f64; 3],
    pub sessions: Vec<NaiveDate>,
}

impl World {
    pub async fn new(pool: &PgPool, seed: u64) -> Self {
        open(pool).await;
        sql(
            pool,
            "update book.portfolio set base_currency = 'EUR' where portfolio_id = 2;
             insert into book.account (portfolio_id, name) values (1, 'Second');
             update book.account set allows_short = true;
             insert into raw.instrument (symbol, name, type, currency, sic_code, response_id) values
                 ('SAP', 'SAP SE', 'CS', 'EUR', '7372', 1), ('VOD', 'Vodafone', 'CS', 'GBX', '4812', 1), ('NESN', 'Nestle', 'CS', 'CHF', '2000', 1);
             insert into raw.dividend (symbol, ex_dividend_date, vendor_id, pay_date, cash_amount, currency, response_id) values
                 ('SAP', '2014-12-15', 'd4', '2015-01-20', 1.1, 'EUR', 1), ('NESN', '2014-11-20', 'd5', '2014-12-10', 2.15, 'CHF', 1)",
        )
        .await;
        let sessions = calendar::sessions(on("2013-12-02"), on("2014-12-30"));
        Self { random: Random(seed), prices: [600.0, 40.0, 190_000.0, 57.0, 228.5, 66.0], rates: RATES.map(|(.., rate)| rate), sessions }
    }

    /// What the vendors say of a session: now and then a bar, a rate or a yield is missing.
    pub async fn session(&mut self, pool: &PgPool, number: usize) {
        let day = self.sessions[number];
        let mut bars = vec![("SPY", 188.0 * self.random.between(0.98, 1.02))];
        for (price, (symbol, _)) in self.prices.iter_mut().zip(SYMBOLS) {
            *price *= self.random.between(0.97, 1.033);
            if symbol == "AAPL" && day == on("2014-06-09") {
                *price /= 7.0;
            }
            if self.random.below(9) > 0 || number == 0 {
                bars.push((symbol, *price));
            }
        }
        if number >= FIRST_CLOSE {
            bars.push((LATE, 25.0 + number as f64 * 0.01));
        }
        let at = calendar::midnight(day).to_rfc3339();
        let bars: Vec<String> = bars.into_iter().map(|(symbol, close)| format!("('{symbol}', {close:.4})")).collect();
        let mut rates = Vec::new();
        for (rate, (currency, quote, _)) in self.rates.iter_mut().zip(RATES) {
            *rate *= self.random.between(0.995, 1.005);
            if self.random.below(4) > 0 || number == 0 {
                rates.push((currency, quote, *rate));
            }
        }
        let known: Vec<String> = rates.iter().map(|(currency, quote, rate)| format!("('{currency}', '{quote}', {rate:.5})")).collect();
        let known = if known.is_empty() {
            "select null, null, null::numeric where false".to_owned()
        } else {
            format!("values {}", known.join(", "))
        };
        let changed: Vec<String> = rates
            .iter()
            .map(|(currency, quote, _)| {
                let foreign = if *currency == "USD" { quote } else { currency };
                format!("insert into ops.change (symbol, kind, from_date) values ('{foreign}', 'exchange_rate', '{day}');")
            })
            .collect();
        let yielded = if number % 5 == 4 { "where false" } else { "" };
        let percent = format!("0.0{}", 1 + self.random.below(8));
        sql(
            pool,
            &format!(
                "with answer as (
                     insert into raw.vendor_response (vendor, connection_id, endpoint, request, status, body_zstd, body_bytes, body_sha256)
                     values ('polygon', 1, 'polygon.grouped', '/', 200, '', 0, '') returning response_id
                 ), bars as (
                     insert into raw.market_data (symbol, \"timestamp\", session_date, open, high, low, close, volume, vendor, response_id)
                     select symbol, '{at}', '{day}', close, close, close, close, 1000, 'polygon', response_id
                     from (values {}) as bar (symbol, close), answer
                 ), rates as (
                     insert into raw.exchange_rate (currency, quote, quoted_on, close, vendor, response_id)
                     select currency, quote, '{day}', close, 'polygon', response_id from ({known}) as rate (currency, quote, close), answer
                 )
                 insert into raw.economic_observation (series_id, observed_on, value, response_id)
                 select 'DGS3MO', '{day}', {percent}, response_id from answer {yielded};
                 insert into ops.change (kind, from_date) values ('bar', '{day}'), ('rate', '{day}');
                 {}",
                bars.join(", "),
                changed.join("\n")
            ),
        )
        .await;
    }

    /// What somebody does on a day; sales may come to nothing.
    pub async fn act(&mut self, pool: &PgPool, number: usize) {
        let day = self.sessions[number];
        if number == BOUGHT_LATE {
            sql(
                pool,
                &format!(
                    "insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, price, amount, currency,
                                                   source, entered_by)
                     values (2, nextval('book.transaction_id'), 1, 2, '{day}', 'buy', '{LATE}', 10, 25, 250, 'USD', 'hand', 1);
                     insert into ops.change (portfolio_id, kind, from_date) values (2, 'transaction', '{day}')"
                ),
            )
            .await;
        }
        for (portfolio, account) in ACCOUNTS {
            let random = &mut self.random;
            let (symbol, currency) = *random.one(&SYMBOLS);
            let price = random.between(30.0, 700.0);
            let trade = |kind: &str, quantity: f64| {
                format!("'{kind}', '{symbol}', {quantity:.6}, {price:.4}, {:.4}, '{currency}'", quantity * price)
            };
            let base = if portfolio == 1 { "USD" } else { "EUR" };
            let entry = match (number, random.below(14)) {
                (0, _) => format!("'deposit', null, null, null, {}, '{base}'", 50_000 + random.below(100_000)),
                (_, 0) => format!("'deposit', null, null, null, {:.2}, '{}'", random.between(100.0, 9_000.0), random.one(&["USD", "EUR"])),
                (_, 1) => format!("'withdrawal', null, null, null, {:.2}, '{base}'", random.between(10.0, 900.0)),
                (_, 2..=5) => trade("buy", random.between(0.001, 30.0)),
                (_, 6) => trade("sell", random.between(0.001, 3.0)),
                (_, 7) => format!("'fee', null, null, null, {:.2}, '{base}'", random.between(0.01, 9.0)),
                (_, 8) => format!("'interest', null, null, null, {:.2}, 'GBP'", random.between(0.01, 30.0)),
                (_, 9) => trade("short", random.between(0.001, 5.0)),
                (_, 10) => trade("cover", random.between(0.001, 2.0)),
                _ => continue,
            };
            sql(
                pool,
                &format!(
                    "insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, price, amount, currency,
                                                   source, entered_by)
                     values ({portfolio}, nextval('book.transaction_id'), 1, {account}, '{day}', {entry}, 'hand', 1);
                     insert into ops.change (portfolio_id, kind, from_date) values ({portfolio}, 'transaction', '{day}')"
                ),
            )
            .await;
        }
    }

    /// A close, a rate, a dividend of the benchmark and a transaction of the past are others than they were.
    pub async fn correct(&self, pool: &PgPool, number: usize) {
        let day = self.sessions[number - 30];
        let at = calendar::midnight(day).to_rfc3339();
        sql(
            pool,
            &format!(
                "with answer as (
                     insert into raw.vendor_response (vendor, connection_id, endpoint, request, status, body_zstd, body_bytes, body_sha256)
                     values ('polygon', 1, 'polygon.bars', '/', 200, '', 0, '') returning response_id
                 ), bar as (
                     insert into raw.market_data (symbol, \"timestamp\", session_date, open, high, low, close, volume, vendor, response_id)
                     select 'SAP', '{at}', '{day}', 55.5, 55.5, 55.5, 55.5, 1000, 'polygon', response_id from answer
                 ), rate as (
                     insert into raw.exchange_rate (currency, quote, quoted_on, close, vendor, response_id)
                     select 'EUR', 'USD', '{day}', 1.3579, 'polygon', response_id from answer
                 )
                 insert into raw.dividend (symbol, ex_dividend_date, vendor_id, pay_date, cash_amount, response_id)
                 select 'SPY', '2014-06-20', 'd3', '2014-07-31', 0.9 + response_id * 0.0001, response_id from answer;
                 insert into ops.change (symbol, kind, from_date) values
                     ('SAP', 'bar', '{day}'), ('EUR', 'exchange_rate', '{day}'), ('SPY', 'dividend', '2014-06-20');
                 insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, price, amount, currency, source,
                                               is_deleted, entered_by)
                 select portfolio_id, transaction_id, version + 1, account_id, traded_on, type, symbol, quantity, price, amount, currency, source, true, 1
                 from book.transaction as entry
                 where type = 'buy' and traded_on < '{day}' and not exists (
                     select from book.transaction as later where later.transaction_id = entry.transaction_id and later.version > entry.version)
                 order by traded_on desc limit 1;
                 insert into ops.change (portfolio_id, kind, from_date) values (1, 'transaction', '2013-12-02'), (2, 'transaction', '2013-12-02')"
            ),
        )
        .await;
    }
}
