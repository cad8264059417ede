//! What a year of publications keeps, and how quickly a figure is explained: 500 symbols, 50 portfolios of 60 holdings, 250 sessions.
//!
//! Prints what the schema `ops` grew by, table by table, against the aim of 50 MB, and medians of explanations against 100 ms. Run by
//! `make bench`.

mod support;
#[path = "../tests/it/visitor.rs"]
#[allow(dead_code, unreachable_pub, clippy::unwrap_used, reason = "the tests' ports; a part of them is used here")]
mod visitor;

use app::{
    domain::{PortfolioId, Range, Scope, UserId},
    explain::model::Asked,
};
use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use serde_json::json;
use server::{
    calendar,
    db::partitions,
    ingest::{Bar, Row, copy_bars},
    orchestrator::TaskContext,
    pipeline::publish::{Scope as Published, publish},
};
use sqlx::{AssertSqlSafe, PgPool};
use std::{sync::Arc, time::Instant};
use support::{database, load, number, print, sql};

const SYMBOLS: usize = 500;
const PORTFOLIOS: usize = 50;
const HOLDINGS: usize = 60;
/// Sessions before the first of those that are published day by day.
const BEFORE: usize = 260;
const SESSIONS: usize = 250;
const FIRST: &str = "2024-10-01";
/// Bytes.
const MEGABYTE: f64 = 1_000_000.0;

fn symbol(number: usize) -> String {
    if number == 0 { "SPY".into() } else { format!("S{number:03}") }
}

fn bar(symbol: usize, session: usize, session_date: NaiveDate) -> Bar {
    let wave = ((symbol * 7 + session) as f64 / 40.0).sin();
    let close = Decimal::new((10_000.0 + 3_000.0 * wave + (session * 7 + symbol) as f64) as i64, 2);
    let (open, high, low) = (Some(close), Some(close), Some(close));
    Bar { session_date, open, high, low, close: Some(close), volume: Some(1_000.into()), vwap: None, trade_count: None }
}

async fn task(pool: &PgPool) -> TaskContext {
    let run_id: i64 =
        number(pool, "insert into ops.run (dag, trigger, state) values ('daily', 'person', 'running') returning run_id").await;
    let insert = format!(
        "with task as (insert into ops.task (run_id, position, name, state, attempts, lease_epoch) values ({run_id}, 1, 'publish', 'running', 1, 1) returning task_id)
         insert into ops.attempt (task_id, number, lease_epoch, worker) select task_id, 1, 1, 'bench' from task returning task_id"
    );
    TaskContext { parameters: json!({}), ..TaskContext::new(pool.clone(), run_id, number(pool, &insert).await, 1) }
}

/// One answer with the bars of these sessions, noted as the extract notes them.
async fn land(pool: &PgPool, sessions: &[(usize, NaiveDate)]) {
    let response_id: i64 = number(
        pool,
        "insert into raw.vendor_response (vendor, connection_id, endpoint, request, status, body_zstd, body_bytes, body_sha256)
         values ('polygon', 1, 'polygon.grouped', '/', 200, '', 0, '') returning response_id",
    )
    .await;
    let names: Vec<String> = (0..SYMBOLS).map(symbol).collect();
    let mut transaction = pool.begin().await.expect("a transaction");
    for (at, day) in sessions {
        let rows: Vec<Row> =
            names.iter().enumerate().map(|(number, name)| Row { symbol: name, bar: bar(number, *at, *day), response_id }).collect();
        copy_bars(&mut transaction, &rows, "polygon").await.expect("bars");
    }
    transaction.commit().await.expect("a commit");
    let from = sessions.first().map(|(_, day)| *day).expect("a session");
    sql(
        pool,
        &format!(
            "insert into ops.change (kind, from_date) values ('bar', '{from}'), ('rate', '{from}');
             insert into raw.economic_observation (series_id, observed_on, value, response_id) values ('DGS3MO', '{from}', 3.9, {response_id})"
        ),
    )
    .await;
}

/// Fifty portfolios that buy sixty symbols each, and go on depositing and buying once a month.
async fn furnish(pool: &PgPool) {
    sql(
        pool,
        &format!(
            "insert into raw.instrument (symbol, name, type, currency, sic_code, response_id)
                 select distinct symbol, 'Company ' || symbol, 'CS', 'USD', '3571', 1 from raw.market_data;
             insert into book.portfolio (owner_id, name) select 1, 'Portfolio ' || n from generate_series(1, {PORTFOLIOS}) as n;
             insert into book.account (portfolio_id, name) select portfolio_id, 'Account' from book.portfolio;
             insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, price, amount, source, entered_by)
                 select portfolio_id, nextval('book.transaction_id'), 1, account_id, '{FIRST}'::date, 'deposit', null, null, null, 1000000, 'hand', 1 from book.account
                 union all
                 select portfolio_id, nextval('book.transaction_id'), 1, account_id, '{FIRST}'::date + 1, 'buy', 'S' || lpad(((portfolio_id * 17 + n * 8) % 499 + 1)::text, 3, '0'), 10.5 + n, 100, 1050, 'hand', 1
                 from book.account, generate_series(1, {HOLDINGS}) as n
                 union all
                 select portfolio_id, nextval('book.transaction_id'), 1, account_id, '{FIRST}'::date + 30 * n, 'buy', 'S' || lpad(((portfolio_id * 17 + n * 8) % 499 + 1)::text, 3, '0'), 1.25, 100, 125, 'hand', 1
                 from book.account, generate_series(1, 24) as n;
             insert into ops.change (portfolio_id, kind, from_date) select portfolio_id, 'transaction', '{FIRST}' from book.portfolio;
             analyze"
        ),
    )
    .await;
}

/// Bytes of each table of the schema with its indexes.
async fn sizes(pool: &PgPool) -> Vec<(String, i64)> {
    sqlx::query_as(AssertSqlSafe(
        "select relname::text, pg_total_relation_size(oid) from pg_class where relnamespace = 'ops'::regnamespace and relkind = 'r' order by 1",
    ))
    .fetch_all(pool)
    .await
    .expect("sizes")
}

async fn published(pool: &PgPool, day: NaiveDate) -> f64 {
    let ctx = task(pool).await;
    let started = Instant::now();
    publish(&ctx, day, Published::All).await.expect("a publication");
    started.elapsed().as_secs_f64()
}

#[tokio::main]
async fn main() {
    let folder = support::folder();
    let private = support::postgres(&folder).await;
    let (pool, _) = database(&private, "explain").await;
    let first: NaiveDate = FIRST.parse().expect("a day");
    let sessions: Vec<NaiveDate> = calendar::sessions(first, first + Days::new(800)).into_iter().take(BEFORE + SESSIONS).collect();
    let last = *sessions.last().expect("sessions");
    partitions::ensure(&pool, first, last).await.expect("partitions");
    println!("{SYMBOLS} symbols, {PORTFOLIOS} portfolios of {HOLDINGS} holdings, {SESSIONS} publications; load of the machine {}", load());
    let numbered: Vec<(usize, NaiveDate)> = sessions.iter().copied().enumerate().collect();
    let (history, days) = numbered.split_at(BEFORE);
    land(&pool, history).await;
    furnish(&pool).await;
    published(&pool, sessions[BEFORE - 1]).await;
    sql(&pool, "vacuum analyze").await;
    let before = sizes(&pool).await;
    let mut seconds = Vec::new();
    for day in days {
        land(&pool, std::slice::from_ref(day)).await;
        seconds.push(published(&pool, day.1).await);
    }
    print("a day's publication", "s", seconds, "0.5 s");
    let grown: Vec<(String, i64)> =
        sizes(&pool).await.into_iter().zip(&before).map(|((table, now), (_, then))| (table, now - then)).collect();
    let total: i64 = grown.iter().map(|(_, bytes)| bytes).sum();
    print("ops grew by", "MB", vec![total as f64 / MEGABYTE], "50 MB");
    for (table, bytes) in grown.iter().filter(|(_, bytes)| *bytes > 200_000) {
        println!("    {table}: {:.1} MB", *bytes as f64 / MEGABYTE);
    }

    let ports = visitor::store(&pool, &Arc::new(visitor::Remembering::default())).ports(None);
    for (figure, as_known_on, session) in [
        ("time_weighted", None, None),
        ("sharpe_ratio", None, None),
        ("value", None, None),
        ("daily_return", None, Some(sessions[BEFORE + 100])),
        ("close", None, Some(sessions[BEFORE + 100])),
        ("holding_weight", None, None),
        ("contribution", None, None),
        ("time_weighted", Some(NaiveDate::MAX), None),
    ] {
        // Everything was published today.
        let as_known_on = as_known_on.map(|_| chrono::Utc::now().date_naive() + Days::new(1));
        let mut times = Vec::new();
        for portfolio in 1..=20 {
            let held: String = number(&pool, &format!("select min(symbol) from marts.holdings where portfolio_id = {portfolio}")).await;
            let scope = Scope { portfolio: Some(PortfolioId(portfolio)), range: Range::Max, as_known_on, ..Scope::default() };
            let asked = Asked { figure: figure.into(), scope, symbol: Some(held), session, ..Asked::default() };
            let started = Instant::now();
            ports.explanations.explain(UserId(1), asked).await.expect("an explanation");
            times.push(started.elapsed().as_secs_f64() * 1000.0);
        }
        let known = if as_known_on.is_some() { ", as known on a day" } else { "" };
        print(&format!("{figure} explained{known}"), "ms", times, "100 ms");
    }
    pool.close().await;
    private.stop().await;
}
