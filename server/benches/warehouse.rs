//! Bulk landing, checks, models and publications on 500 symbols × 10 years and 50 portfolios, on a Postgres as durable as a server's own.
//!
//! Prints medians of five against the aims, and what Great Expectations and dbt took on such a machine. Run by `make bench`.

mod support;

use app::domain::PortfolioId;
use chrono::{Days, NaiveDate};
use futures::TryStreamExt;
use rust_decimal::Decimal;
use serde_json::json;
use server::{
    calendar,
    db::partitions,
    ingest::{Bar, Row, copy_bars},
    orchestrator::TaskContext,
    pipeline::publish::{Scope, publish},
    quality,
    warehouse::{Build, Project, Vars},
};
use sqlx::{AssertSqlSafe, PgPool};
use std::time::Instant;
use support::{REPETITIONS, database, load, number, print, sql};

const SYMBOLS: usize = 500;
const PORTFOLIOS: usize = 50;
/// As the pipeline lands a backfill.
const ANSWERS_AT_A_TIME: usize = 8;
/// Ten years of sessions up to this one, a Friday; days are added after it.
const LAST: &str = "2026-11-13";

fn last() -> NaiveDate {
    LAST.parse().expect("a day")
}

fn symbol(number: usize) -> String {
    if number == 0 { "SPY".into() } else { format!("S{number:03}") }
}

/// A close that wanders smoothly, so that nothing jumps.
fn close(symbol: usize, session: usize) -> Decimal {
    let wave = ((symbol * 7 + session) as f64 / 40.0).sin();
    Decimal::new((10_000.0 + 3_000.0 * wave + session as f64) as i64, 2)
}

fn bar(symbol: usize, session: usize, session_date: NaiveDate) -> Bar {
    let close = close(symbol, session);
    let tenth = Decimal::new(1, 1);
    Bar {
        session_date,
        open: Some(close),
        high: Some(close + tenth),
        low: Some(close - tenth),
        close: Some(close),
        volume: Some(Decimal::from(100_000 + (symbol * session) % 9_973)),
        vwap: Some(close),
        trade_count: Some(1_000),
    }
}

/// A run whose task of this name is at work.
async fn task(pool: &PgPool, name: &str) -> TaskContext {
    let run_id: i64 =
        number(pool, "insert into ops.run (dag, trigger, state) values ('daily', 'person', 'running') returning run_id").await;
    let insert = format!(
        "with task as (insert into ops.task (run_id, position, name, state, attempts, lease_epoch) values ({run_id}, 1, '{name}', 'running', 1, 1) returning task_id)
         insert into ops.attempt (task_id, number, lease_epoch, worker) select task_id, 1, 1, 'bench' from task returning task_id"
    );
    TaskContext { parameters: json!({}), ..TaskContext::new(pool.clone(), run_id, number(pool, &insert).await, 1) }
}

async fn response(pool: &PgPool) -> i64 {
    number(
        pool,
        "insert into raw.vendor_response (vendor, connection_id, endpoint, request, status, body_zstd, body_bytes, body_sha256)
         values ('polygon', 1, 'polygon.bars', '/', 200, '', 0, '') returning response_id",
    )
    .await
}

/// Seconds of landing all bars by the program's own writer, and of a bare COPY of the same text into a table without an index.
async fn landing(pool: &PgPool, sessions: &[NaiveDate]) -> (Vec<f64>, Vec<f64>) {
    let (mut ours, mut bare) = (Vec::new(), Vec::new());
    let response_id = response(pool).await;
    // As a backfill lands them: by name.
    let mut names: Vec<(usize, String)> = (0..SYMBOLS).map(|number| (number, symbol(number))).collect();
    names.sort_by(|one, other| one.1.cmp(&other.1));
    for _ in 0..REPETITIONS {
        sql(pool, "truncate raw.market_data; drop table if exists bare; create table bare (like raw.market_data); checkpoint").await;
        let mut transaction = pool.begin().await.expect("a transaction");
        let mut seconds = 0.0;
        for some in names.chunks(ANSWERS_AT_A_TIME) {
            let mut rows = Vec::new();
            for (number, symbol) in some {
                let bars = sessions.iter().enumerate().map(|(at, day)| bar(*number, at, *day));
                rows.extend(bars.map(|bar| Row { symbol, bar, response_id }));
            }
            let started = Instant::now();
            copy_bars(&mut transaction, &rows, "polygon").await.expect("bars");
            seconds += started.elapsed().as_secs_f64();
        }
        let started = Instant::now();
        transaction.commit().await.expect("a commit");
        ours.push(seconds + started.elapsed().as_secs_f64());

        let mut connection = pool.acquire().await.expect("a connection");
        let stream = connection.copy_out_raw("copy (table raw.market_data) to stdout").await.expect("a copy");
        let text: Vec<u8> = stream
            .try_fold(Vec::new(), |mut all, part| async move {
                all.extend_from_slice(&part);
                Ok(all)
            })
            .await
            .expect("its text");
        sql(pool, "checkpoint").await;
        let started = Instant::now();
        let mut into = connection.copy_in_raw("copy bare from stdin").await.expect("a copy");
        for part in text.chunks(256 * 1024) {
            into.send(part).await.expect("a part");
        }
        into.finish().await.expect("its end");
        bare.push(started.elapsed().as_secs_f64());
    }
    sql(pool, "drop table bare; analyze raw.market_data").await;
    (ours, bare)
}

/// Everything but the bars: events, instruments, yields, fifty portfolios of twenty purchases each, with dividends and a sale.
async fn furnish(pool: &PgPool, first: NaiveDate) {
    sql(
        pool,
        &format!(
            "insert into ops.change (symbol, kind, from_date) select distinct symbol, 'bar', '{first}'::date from raw.market_data;
             insert into raw.instrument (symbol, name, type, currency, sic_code, response_id)
                 select distinct symbol, 'Company ' || symbol, 'CS', 'USD', (3500 + length(symbol) * 10)::text, 1 from raw.market_data;
             insert into raw.dividend (symbol, ex_dividend_date, vendor_id, pay_date, cash_amount, response_id)
                 select distinct symbol, day::date, symbol || day::date, day::date + 14, 0.25, 1
                 from (select distinct symbol from raw.market_data) as known, generate_series('{first}'::date + 30, '{LAST}'::date, interval '91 days') as day;
             insert into raw.economic_observation (series_id, observed_on, value, response_id)
                 select 'DGS3MO', day::date, 3.9, 1 from generate_series('{first}'::date, '{LAST}'::date, interval '1 day') as day where extract(isodow from day) < 6;
             insert into book.portfolio (owner_id, name) select 1, 'Portfolio ' || n from generate_series(1, {PORTFOLIOS}) as n;
             insert into book.account (portfolio_id, name) select portfolio_id, 'Account' from book.portfolio;
             insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, price, amount, source, entered_by)
                 select portfolio_id, nextval('book.transaction_id'), 1, account_id, '{first}'::date + 3, 'deposit', null, null, null, 1000000, 'hand', 1 from book.account
                 union all
                 select portfolio_id, nextval('book.transaction_id'), 1, account_id, '{first}'::date + 5 + 120 * n, 'buy', 'S' || lpad(((portfolio_id * 17 + n * 23) % 499 + 1)::text, 3, '0'), 100, 100, 10000, 'hand', 1
                 from book.account, generate_series(1, 20) as n
                 union all
                 select portfolio_id, nextval('book.transaction_id'), 1, account_id, '{first}'::date + 2900, 'sell', 'S' || lpad(((portfolio_id * 17 + 23) % 499 + 1)::text, 3, '0'), 40, 120, 4800, 'hand', 1
                 from book.account;
             insert into ops.change (portfolio_id, kind, from_date) select portfolio_id, 'transaction', '{first}' from book.portfolio;
             analyze"
        ),
    )
    .await;
}

async fn checks(pool: &PgPool, session: NaiveDate) -> f64 {
    let ctx = task(pool, "validate").await;
    let started = Instant::now();
    let verdict = quality::validate(&ctx, session).await.expect("checks");
    let seconds = started.elapsed().as_secs_f64();
    assert_eq!(verdict.blocks_installation, None);
    seconds
}

async fn full_build(pool: &PgPool) -> f64 {
    let (project, vars) = (Project::embedded().expect("the project"), Vars::default());
    let mut transaction = pool.begin().await.expect("a transaction");
    sqlx::raw_sql("set local jit = off; set local work_mem = '64MB'; set local client_min_messages = warning")
        .execute(&mut *transaction)
        .await
        .expect("settings");
    let started = Instant::now();
    let mut build = Build::begin(&project, &mut transaction, true).await.expect("a build");
    for schema in ["staging", "marts"] {
        build.models(&mut transaction, schema, &vars).await.expect("models");
    }
    let verdicts = build.test(&mut transaction, &vars).await.expect("tests");
    assert!(verdicts.iter().all(|verdict| !verdict.blocks()), "{verdicts:?}");
    build.put_in_place(&mut transaction).await.expect("names");
    transaction.commit().await.expect("a commit");
    started.elapsed().as_secs_f64()
}

async fn publication(pool: &PgPool, session: NaiveDate, scope: Scope) -> f64 {
    let ctx = task(pool, "publish").await;
    let started = Instant::now();
    publish(&ctx, session, scope).await.expect("a publication");
    started.elapsed().as_secs_f64()
}

/// Seconds of the models and their tests in the last publication.
async fn models(pool: &PgPool) -> f64 {
    let text = "select (select sum((model ->> 'ms')::float8) from jsonb_array_elements(models) as model)
                     + (select sum(duration_ms) from ops.check_result where run_id = publication.run_id and dimension = 'model')
                from ops.publication order by publication_id desc limit 1";
    number::<f64>(pool, text).await / 1000.0
}

#[tokio::main]
async fn main() {
    let folder = support::folder();
    let private = support::postgres(&folder).await;
    let (pool, _) = database(&private, "warehouse").await;
    let first = last() - Days::new(3_653);
    let sessions = calendar::sessions(first, last());
    partitions::ensure(&pool, first, last() + Days::new(400)).await.expect("partitions");
    println!(
        "{SYMBOLS} symbols, {} sessions, {PORTFOLIOS} portfolios; medians of {REPETITIONS}; load of the machine {}",
        sessions.len(),
        load()
    );

    let bars = (SYMBOLS * sessions.len()) as f64;
    let (ours, bare) = landing(&pool, &sessions).await;
    let share: Vec<f64> = ours.iter().zip(&bare).map(|(ours, bare)| 100.0 * bare / ours).collect();
    print("bars landed, partitioned and indexed", "/s", ours.iter().map(|seconds| bars / seconds).collect(), "as many as it takes");
    print("share of a bare COPY", "%", share, "60 %");

    furnish(&pool, first).await;
    let mut seconds = Vec::new();
    for _ in 0..REPETITIONS {
        sql(&pool, "delete from ops.task; delete from ops.check_result").await;
        seconds.push(checks(&pool, last()).await);
    }
    print(&format!("all checks, {bars} new bars"), "s", seconds, "1 s; Great Expectations 8.6 s for five, after 3.7 s of import");

    print("first publication: fifty ledgers, models, tests", "s", vec![publication(&pool, last(), Scope::All).await], "as fast as it can");
    let mut seconds = Vec::new();
    for _ in 0..REPETITIONS {
        seconds.push(full_build(&pool).await);
    }
    print("full build of the models, with their tests", "s", seconds, "10 s; dbt 13 s with one portfolio");

    let (mut checked, mut published, mut built) = (Vec::new(), Vec::new(), Vec::new());
    let mut session = last();
    for day in 0..REPETITIONS {
        session = calendar::session_on_or_after(session + Days::new(1));
        let response_id = response(&pool).await;
        let names: Vec<String> = (0..SYMBOLS).map(symbol).collect();
        let rows: Vec<Row> = names
            .iter()
            .enumerate()
            .map(|(number, name)| Row { symbol: name, bar: bar(number, sessions.len() + day, session), response_id })
            .collect();
        let mut transaction = pool.begin().await.expect("a transaction");
        copy_bars(&mut transaction, &rows, "polygon").await.expect("bars");
        transaction.commit().await.expect("a commit");
        let change =
            "insert into ops.change (symbol, kind, from_date) select symbol, 'bar', session_date from raw.market_data where response_id = ";
        sql(&pool, &format!("{change}{response_id}; insert into raw.economic_observation (series_id, observed_on, value, response_id) values ('DGS3MO', '{session}', 3.9, {response_id}); insert into ops.change (kind, from_date) values ('rate', '{session}')")).await;
        checked.push(checks(&pool, session).await);
        published.push(publication(&pool, session, Scope::All).await);
        built.push(models(&pool).await);
    }
    print("checks of a day's bars", "s", checked, "as fast as it can");
    print("a day's increment of the models, with their tests", "s", built, "0.5 s; dbt 6 s with one portfolio");
    print("a day's publication, fifty ledgers included", "s", published, "0.5 s");

    let mut edited = Vec::new();
    for n in 0..REPETITIONS {
        let portfolio = PortfolioId(7 + n as i64);
        let id = portfolio.get();
        sql(
            &pool,
            &format!(
                "insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, price, amount, source, entered_by)
                 select {id}, nextval('book.transaction_id'), 1, account_id, '{first}'::date + 400, 'buy', 'S001', 1, 100, 100, 'hand', 1 from book.account where portfolio_id = {id};
                 insert into ops.change (portfolio_id, kind, from_date) values ({id}, 'transaction', '{first}'::date + 400)"
            ),
        )
        .await;
        edited.push(publication(&pool, session, Scope::Portfolio(portfolio)).await);
    }
    print("one portfolio's edit of nine years ago, published alone", "s", edited, "1 s");
    let models: Vec<(String, f64, i64)> = sqlx::query_as(AssertSqlSafe(
        "select model ->> 'model', (model ->> 'ms')::float8, (model ->> 'rows')::bigint from ops.publication, jsonb_array_elements(models) as model where publication_id = 1",
    ))
    .fetch_all(&pool)
    .await
    .expect("its models");
    for (model, ms, rows) in models.into_iter().filter(|(_, ms, _)| *ms > 10.0) {
        println!("    {model}: {ms:.0} ms, {rows} rows");
    }
    pool.close().await;
    private.stop().await;
}
