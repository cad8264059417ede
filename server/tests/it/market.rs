//! A small market and two portfolios, written to `raw` and `book` by SQL as the extracts would leave them.
#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use app::domain::PortfolioId;
use chrono::NaiveDate;
use server::{calendar, db::partitions, orchestrator::TaskContext};
use sqlx::{AssertSqlSafe, PgPool};

pub fn on(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

pub async fn sql(pool: &PgPool, text: &str) {
    sqlx::raw_sql(AssertSqlSafe(text.to_owned())).execute(pool).await.unwrap_or_else(|error| panic!("{text}: {error}"));
}

pub async fn count(pool: &PgPool, query: &str) -> i64 {
    sqlx::query_scalar(AssertSqlSafe(format!("select count(*) from ({query}) as counted"))).fetch_one(pool).await.unwrap()
}

pub async fn text(pool: &PgPool, query: &str) -> String {
    sqlx::query_scalar::<_, Option<String>>(AssertSqlSafe(query.to_owned())).fetch_one(pool).await.unwrap().unwrap_or_else(|| "null".into())
}

/// A run with one running task, as the engine hands it out.
pub async fn task(pool: &PgPool) -> TaskContext {
    let run_id: i64 =
        sqlx::query_scalar("insert into ops.run (dag, trigger, state) values ('daily', 'person', 'running') returning run_id")
            .fetch_one(pool)
            .await
            .unwrap();
    let task_id: i64 = sqlx::query_scalar(
        "insert into ops.task (run_id, position, name, state, attempts, lease_epoch) values ($1, 1, 'publish', 'running', 1, 1) returning task_id",
    )
    .bind(run_id)
    .fetch_one(pool)
    .await
    .unwrap();
    sqlx::query("insert into ops.attempt (task_id, number, lease_epoch, worker) values ($1, 1, 1, 'test')")
        .bind(task_id)
        .execute(pool)
        .await
        .unwrap();
    TaskContext::new(pool.clone(), run_id, task_id, 1)
}

/// Two portfolios: 1 at a broker (account 1), 2 by hand (account 2). Instruments, partitions, splits and dividends are there; bars come
/// day by day.
pub async fn open(pool: &PgPool) -> [PortfolioId; 2] {
    partitions::ensure(pool, on("2013-12-01"), on("2014-12-31")).await.unwrap();
    sql(
        pool,
        "insert into book.portfolio (owner_id, name) values (1, 'Broker'), (1, 'By hand');
         insert into book.account (portfolio_id, name) values (1, 'Alpaca'), (2, 'Paper');
         insert into raw.instrument (symbol, name, type, currency, sic_code, response_id) values
             ('AAPL', 'Apple Inc.', 'CS', 'USD', '3571', 1), ('MSFT', 'Microsoft', 'CS', 'USD', '7372', 1),
             ('BRK.A', 'Berkshire Hathaway', 'CS', 'USD', '6331', 1), ('SPY', 'SPDR S&P 500', 'ETF', 'USD', null, 1);
         insert into raw.split values ('AAPL', '2014-06-09', 1, 7, 's1', 1);
         insert into raw.dividend (symbol, ex_dividend_date, vendor_id, pay_date, cash_amount, response_id) values
             ('AAPL', '2014-05-08', 'd1', '2014-05-15', 3.29, 1), ('MSFT', '2014-05-13', 'd2', '2014-06-12', 0.28, 1),
             ('SPY', '2014-06-20', 'd3', '2014-07-31', 0.9371, 1);",
    )
    .await;
    [PortfolioId(1), PortfolioId(2)]
}

/// What happened in one session: bars of four symbols, yields, and what the broker and the person noted.
pub async fn session(pool: &PgPool, day: NaiveDate, number: usize) {
    let split = if day < on("2014-06-09") { 1.0 } else { 7.0 };
    let wave = (number as f64 * 0.7).sin();
    let closes = [
        ("AAPL", (600.0 + 12.0 * wave + number as f64) / split),
        ("MSFT", 40.0 + wave),
        ("BRK.A", 190_000.0 + 1500.0 * wave),
        ("SPY", 188.0 + 0.3 * number as f64 - wave),
    ];
    for (symbol, close) in closes {
        // Berkshire misses a day: its close is carried.
        if symbol != "BRK.A" || number % 9 != 4 {
            bar(pool, symbol, day, close, 10 + number as i64).await;
        }
    }
    if !number.is_multiple_of(5) {
        sql(
            pool,
            &format!(
                "insert into raw.economic_observation (series_id, observed_on, value, response_id) values ('DGS3MO', '{day}', 0.0{}, {number});
                 insert into ops.change (kind, from_date) values ('rate', '{day}')",
                3 + number % 4
            ),
        )
        .await;
    }
    let broker = match day.to_string().as_str() {
        "2014-05-01" => "('c1', 'CSD', null, null, null, null, 100000)",
        "2014-05-02" => "('f1', 'FILL', 'AAPL', 'buy', 40, 595.5, null), ('f2', 'FILL', 'AAPL', 'buy', 10, 596, null)",
        "2014-05-05" => "('f3', 'FILL', 'MSFT', 'buy', 500, 39.6, null)",
        "2014-05-15" => "('v1', 'DIV', 'AAPL', null, 50, null, 164.5), ('t1', 'DIVNRA', 'AAPL', null, null, null, -24.68)",
        "2014-06-10" => "('f4', 'FILL', 'AAPL', 'sell', 100, 93.7, null)",
        "2014-06-11" => "('e1', 'FEE', null, null, null, null, -0.57)",
        "2014-06-12" => "('v2', 'DIV', 'MSFT', null, 500, null, 140)",
        "2014-06-16" => "('w1', 'CSW', null, null, null, null, -2500), ('x1', 'SPIN', 'MSFT', null, 3, null, null)",
        "2014-06-18" => "('f5', 'FILL', 'MSFT', 'sell', 500, 41, null)",
        "2014-06-23" => "('f6', 'FILL', 'MSFT', 'buy', 20, 41.5, null)",
        _ => "",
    };
    if !broker.is_empty() {
        sql(
            pool,
            &format!(
                "insert into raw.broker_activity (portfolio_id, account_id, activity_id, activity_type, activity_date, symbol, side, quantity, price,
                                                  net_amount, body, response_id)
                 select 1, 1, id, type, '{day}', symbol, side, quantity::numeric, price::numeric, net::numeric, '{{}}', {number}
                 from (values {broker}) as a (id, type, symbol, side, quantity, price, net);
                 insert into ops.change (portfolio_id, kind, from_date) values (1, 'activity', '{day}')"
            ),
        )
        .await;
    }
    let hand = match day.to_string().as_str() {
        "2014-05-09" => Some(("'opening'", "'BRK.A'", "1", "150000")),
        // Entered for a Sunday: counts on Monday.
        "2014-05-12" => Some(("'deposit'", "null", "null", "5000")),
        _ => None,
    };
    if let Some((kind, symbol, quantity, amount)) = hand {
        let traded_on = if day == on("2014-05-12") { on("2014-05-11") } else { day };
        sql(
            pool,
            &format!(
                "insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, amount, source, entered_by)
                 values (2, nextval('book.transaction_id'), 1, 2, '{traded_on}', {kind}, {symbol}, {quantity}, {amount}, 'hand', 1);
                 insert into ops.change (portfolio_id, kind, from_date) values (2, 'transaction', '{traded_on}')"
            ),
        )
        .await;
    }
}

/// From now on something goes wrong in the ledger of portfolio 1: five shares of Apple that no value holds.
pub async fn phantom(pool: &PgPool) {
    sql(
        pool,
        "create function public.phantom() returns trigger language plpgsql as $$
         begin
             if new.portfolio_id = 1 and new.symbol = 'AAPL' then
                 new.quantity := new.quantity + 5;
                 new.market_value := new.market_value + 900;
             end if;
             return new;
         end $$;
         create trigger phantom before insert on ledger.holding for each row execute function public.phantom()",
    )
    .await;
}

/// It is mended.
pub async fn no_phantom(pool: &PgPool) {
    sql(pool, "drop trigger phantom on ledger.holding; drop function public.phantom()").await;
}

/// One version of a bar, and the note that it came.
pub async fn bar(pool: &PgPool, symbol: &str, day: NaiveDate, close: f64, response_id: i64) {
    sql(
        pool,
        &format!(
            "insert into raw.market_data (symbol, \"timestamp\", session_date, open, high, low, close, volume, vendor, response_id)
             values ('{symbol}', '{}', '{day}', {close:.4}, {close:.4}, {close:.4}, {close:.4}, 1000, 'polygon', {response_id});
             insert into ops.change (symbol, kind, from_date) values ('{symbol}', 'bar', '{day}')",
            calendar::midnight(day).to_rfc3339()
        ),
    )
    .await;
}

/// Every row of the rebuilt schemas, as text, without the watermark of what was read.
pub async fn everything(pool: &PgPool) -> Vec<(String, Vec<String>)> {
    let mut all = Vec::new();
    for table in [
        "ledger.portfolio_day",
        "ledger.position",
        "ledger.rate",
        "ledger.lot",
        "ledger.holding",
        "ledger.cash",
        "ledger.realized",
        "(select * from ops.published_holding_quarter where replaced_by = 9223372036854775807)",
        "(select * from ops.published_holding_move where replaced_by = 9223372036854775807)",
        "ledger.finding",
        "ledger.state",
        "ledger.session",
        "marts.portfolio_daily",
        "marts.holdings",
        "marts.allocation",
        "staging.transactions",
        "staging.prices",
    ] {
        let query = format!("select row::text from (select to_jsonb(t) - 'change_id' as row from {table} as t) as rows order by 1");
        all.push((table.to_owned(), sqlx::query_scalar(AssertSqlSafe(query)).fetch_all(pool).await.unwrap()));
    }
    all
}
