//! A person, two years of a made-up market, and 2,000 random transactions, from a seed; written to `raw` and `book`.

use crate::market::{on, sql};
use app::{
    domain::{PortfolioId, Scope, UserId},
    ports::Ports,
};
use chrono::{Days, NaiveDate};
use server::{
    auth::{Role, people::NewPerson},
    calendar,
    db::partitions,
};
use sqlx::PgPool;
use std::{collections::BTreeMap, sync::Arc};

pub const NAME: &str = "ada";
pub const PASSWORD: &str = "correct horse battery";
pub const LAST: &str = "2026-11-20";
const FIRST: &str = "2024-11-01";
const TRANSACTIONS: usize = 2_000;
const SYMBOLS: [&str; 8] = ["AAPL", "AMZN", "BRK.A", "JNJ", "MSFT", "PFE", "TSLA", "XOM"];
/// New shares per old of AMZN, in force on this day.
pub const SPLIT: (&str, i64) = ("2025-08-18", 4);

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between 0 and 1.
    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    fn below(&mut self, most: usize) -> usize {
        (self.next() % most as u64) as usize
    }
}

/// A person with a portfolio and an account.
pub async fn person(pool: &PgPool, name: &str) -> PortfolioId {
    let ports: Ports = crate::visitor::store(pool, &Arc::default()).ports(None);
    let person = NewPerson { name: name.into(), display_name: name.into(), role: Role::Member, password: PASSWORD.into() };
    let id: UserId = person.prepare().await.unwrap().insert(&mut pool.acquire().await.unwrap(), None).await.unwrap();
    ports.activities.create_portfolio(id, format!("{name}'s"), "USD".into()).await.unwrap();
    ports.portfolios.frame(id, Scope::default()).await.unwrap().shown.unwrap()
}

/// Ada's portfolio in a market of eight symbols and SPY; all there is to publish.
pub async fn fill(pool: &PgPool) {
    let portfolio = person(pool, NAME).await;
    partitions::ensure(pool, on("2024-10-01"), on("2026-12-31")).await.unwrap();
    let sessions = calendar::sessions(on(FIRST), on(LAST));
    let mut random = Random(20_261_123);
    let closes = closes(pool, &sessions, &mut random).await;
    sql(
        pool,
        &format!(
            "insert into raw.split values ('AMZN', '{}', 1, {}, 's1', 1);
             insert into raw.dividend (symbol, ex_dividend_date, vendor_id, pay_date, cash_amount, response_id) values
                 ('SPY', '2025-06-20', 'd1', '2025-07-31', 1.76, 1), ('SPY', '2026-06-18', 'd2', '2026-07-31', 1.83, 1);
             insert into ops.change (kind, from_date) values ('rate', '{FIRST}')",
            SPLIT.0, SPLIT.1
        ),
    )
    .await;
    transactions(pool, portfolio, &sessions, &closes, &mut random).await;
}

/// Bars of every session, some missing; yields on most days. Closes by symbol, in the order of sessions.
async fn closes(pool: &PgPool, sessions: &[NaiveDate], random: &mut Random) -> BTreeMap<&'static str, Vec<f64>> {
    let mut closes = BTreeMap::new();
    let (mut bars, mut yields) = (Vec::new(), Vec::new());
    for symbol in SYMBOLS.into_iter().chain(["SPY"]) {
        sql(
            pool,
            &format!("insert into raw.instrument (symbol, name, type, currency, sic_code, response_id) values ('{symbol}', '{symbol}', 'CS', 'USD', '3571', 1)"),
        )
        .await;
        let mut close = 40.0 + 400.0 * random.share();
        let column: &mut Vec<f64> = closes.entry(symbol).or_default();
        for (at, day) in sessions.iter().enumerate() {
            if symbol == "AMZN" && *day == on(SPLIT.0) {
                close /= SPLIT.1 as f64;
            }
            close *= 1.0 + (random.share() + random.share() - 0.99) * 0.03;
            column.push(close);
            if symbol == "SPY" || at == 0 || random.below(100) > 0 {
                let midnight = calendar::midnight(*day).to_rfc3339();
                bars.push(format!(
                    "('{symbol}', '{midnight}', '{day}', {close:.4}, {close:.4}, {close:.4}, {close:.4}, 1000, 'polygon', {})",
                    at + 1
                ));
            }
        }
    }
    for (at, day) in sessions.iter().enumerate().filter(|(at, _)| at % 7 != 3) {
        yields.push(format!("('DGS3MO', '{day}', {:.4}, 1)", 0.04 + at as f64 / 1e5));
    }
    let columns = "symbol, \"timestamp\", session_date, open, high, low, close, volume, vendor, response_id";
    sql(pool, &format!("insert into raw.market_data ({columns}) values {}", bars.join(","))).await;
    sql(pool, &format!("insert into raw.economic_observation (series_id, observed_on, value, response_id) values {}", yields.join(",")))
        .await;
    closes
}

/// A large deposit, then whatever comes: never more sold than was held the day before.
async fn transactions(
    pool: &PgPool,
    portfolio: PortfolioId,
    sessions: &[NaiveDate],
    closes: &BTreeMap<&str, Vec<f64>>,
    random: &mut Random,
) {
    let mut days: Vec<usize> = (1..TRANSACTIONS).map(|_| random.below(sessions.len() - 1) + 1).collect();
    days.sort_unstable();
    let mut rows = vec![row(sessions[0], "deposit", None, "5000000", random)];
    let mut held: BTreeMap<&str, i64> = BTreeMap::new();
    let mut bought: BTreeMap<&str, i64> = BTreeMap::new();
    let (mut today, mut has_split) = (0, false);
    for at in days {
        if at != today {
            today = at;
            for (symbol, quantity) in std::mem::take(&mut bought) {
                *held.entry(symbol).or_default() += quantity;
            }
            if !has_split && sessions[at] >= on(SPLIT.0) {
                has_split = true;
                held.entry("AMZN").and_modify(|quantity| *quantity *= SPLIT.1);
            }
        }
        let symbol = SYMBOLS[random.below(SYMBOLS.len())];
        let price = closes[symbol][at] * (0.99 + 0.02 * random.share());
        let of_held = |random: &mut Random| held.get(symbol).map_or(0, |held| (*held as f64 * random.share() * 0.5) as i64);
        // Some are entered for the day before the session, which may be none: they count on the next one.
        let day = if random.below(20) == 0 { sessions[at - 1] + Days::new(1) } else { sessions[at] };
        let money = format!("{:.2}", random.share() * 4_000.0);
        let kind = random.below(100);
        if kind < 60 {
            let quantity = 1 + random.below(40) as i64;
            *bought.entry(symbol).or_default() += quantity;
            rows.push(row(sessions[at], "buy", Some((symbol, quantity, price)), &amount(quantity, price), random));
        } else if kind < 80 {
            let quantity = of_held(random);
            if quantity > 0 {
                *held.entry(symbol).or_default() -= quantity;
                rows.push(row(sessions[at], "sell", Some((symbol, quantity, price)), &amount(quantity, price), random));
                continue;
            }
            rows.push(row(day, "interest", None, &money, random));
        } else if kind < 83 {
            let quantity = 1 + random.below(10) as i64;
            *bought.entry(symbol).or_default() += quantity;
            rows.push(row(sessions[at], "transfer_in", Some((symbol, quantity, price)), &amount(quantity, price), random));
        } else if kind < 85 && of_held(random) > 0 {
            *held.entry(symbol).or_default() -= 1;
            rows.push(row(sessions[at], "transfer_out", Some((symbol, 1, price)), &amount(1, price), random));
        } else {
            let kind = ["deposit", "withdrawal", "dividend", "interest", "fee", "tax"][random.below(6)];
            rows.push(row(day, kind, None, &money, random));
        }
    }
    let columns =
        "portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, price, amount, fee, tax, source, entered_by";
    sql(
        pool,
        &format!(
            "insert into book.transaction ({columns})
             select {portfolio}, nextval('book.transaction_id'), 1, account_id, traded_on::date, type, symbol, quantity, price, amount, fee, tax, 'hand', 1
             from book.account, (values {}) as entered (traded_on, type, symbol, quantity, price, amount, fee, tax)
             where account.portfolio_id = {portfolio};
             insert into ops.change (portfolio_id, kind, from_date) values ({portfolio}, 'transaction', '{FIRST}')",
            rows.join(",")
        ),
    )
    .await;
}

fn amount(quantity: i64, price: f64) -> String {
    format!("{:.2}", quantity as f64 * price)
}

/// One transaction as a row of values; a trade has a fee, some have a tax.
fn row(day: NaiveDate, kind: &str, trade: Option<(&str, i64, f64)>, amount: &str, random: &mut Random) -> String {
    let is_trade = matches!(kind, "buy" | "sell");
    let fee = if is_trade { format!("{:.2}", random.share() * 3.0) } else { "0".into() };
    let tax = if is_trade && random.below(10) == 0 { "0.35" } else { "0" };
    let (symbol, quantity, price) = match trade {
        Some((symbol, quantity, price)) => (format!("'{symbol}'"), quantity.to_string(), format!("{price:.4}")),
        None => ("null".into(), "null::numeric".into(), "null::numeric".into()),
    };
    format!("('{day}', '{kind}', {symbol}, {quantity}, {price}, {amount}, {fee}, {tax})")
}
