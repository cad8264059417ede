//! The whole pipeline against the simulator: the first backfill, daily runs, and other people's broken keys.
//! Kills and faults are tried on the real binary, in `kills` and `faults`.

// Clippy allows it in test functions only, and these tests have helpers.
#![allow(clippy::unwrap_used)]

use app::domain::{ConnectionId, PortfolioId, UserId};
use chrono::{DateTime, NaiveDate, Utc};
use server::{
    clock::Clock,
    db::partitions,
    ingest::{Http, Limits},
    orchestrator::TaskError,
    pipeline::{
        self, Deps, RetryPolicy, RunOutcome, Trigger, catch_up,
        connections::{self, NewBroker},
        request_backfill, request_daily, request_publish, wait_for, waiting_for,
    },
    simulator::{self, Faults, Options, Source},
    vault::Vault,
};
use sqlx::{AssertSqlSafe, PgPool};
use std::{sync::Arc, time::Duration};

/// Friday, after the close.
pub const FRIDAY: &str = "2026-11-20T22:00:00Z";
const THURSDAY: &str = "2026-11-19T22:00:00Z";

pub fn clock(at: &str) -> Clock {
    Clock::Fixed(at.parse::<DateTime<Utc>>().unwrap())
}

fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn vault() -> Arc<Vault> {
    Arc::new(Vault::new(&[7; 32]))
}

/// Waits as short as they can be.
pub fn deps(pool: &PgPool, clock: Clock, market: Option<&simulator::Running>) -> Deps {
    let limits = Limits {
        total: Duration::from_secs(1),
        backoff: Duration::from_millis(5),
        longest_wait: Duration::from_millis(20),
        ..Limits::default()
    };
    let retries = RetryPolicy {
        base: Duration::from_millis(5),
        cap: Duration::from_millis(50),
        not_ready_wait: Duration::from_millis(20),
        not_ready_limit: 2,
        rate_limited_limit: 2,
        longest_put_off: Duration::from_millis(20),
        lost_limit: 5,
    };
    let http = Http::with_limits(pool.clone(), limits).unwrap();
    Deps {
        pool: pool.clone(),
        clock,
        vault: vault(),
        http,
        simulator: market.map(|market| market.url().clone()),
        models: None,
        retries: Some(retries),
    }
}

pub async fn simulate(symbols: usize, at: &str, faults: &str) -> simulator::Running {
    let source = Source::Seed { seed: 7, symbols, years: 2, accounts: 1 };
    let options = Options { source, clock: clock(at), faults: Faults::parse(faults).unwrap(), port: 0 };
    simulator::start(options).await.unwrap()
}

pub async fn demo(pool: &PgPool) -> UserId {
    connections::ensure_demo(pool, &vault(), 1).await.unwrap()
}

pub async fn ended(pool: &PgPool, run_id: i64) -> RunOutcome {
    tokio::time::timeout(Duration::from_secs(120), wait_for(pool, run_id)).await.unwrap().unwrap()
}

/// The run that the start itself asks for.
pub async fn caught_up(pool: &PgPool) -> RunOutcome {
    loop {
        if let Some(run_id) = sqlx::query_scalar!("select min(run_id) from ops.run").fetch_one(pool).await.unwrap() {
            return ended(pool, run_id).await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn number(pool: &PgPool, query: &'static str) -> i64 {
    sqlx::query_scalar(query).fetch_one(pool).await.unwrap()
}

async fn published(pool: &PgPool) -> Option<NaiveDate> {
    sqlx::query_scalar!("select max(session_date) from ops.publication").fetch_one(pool).await.unwrap()
}

/// Everything that is computed, row by row.
async fn numbers(pool: &PgPool) -> Vec<String> {
    let mut all = Vec::new();
    for table in [
        "marts.portfolio_daily",
        "marts.holdings",
        "marts.allocation",
        "ledger.portfolio_day",
        "ledger.position",
        "ledger.lot",
        "ledger.realized",
        "(select * from ops.published_holding_quarter where replaced_by = 9223372036854775807)",
        "(select * from ops.published_holding_move where replaced_by = 9223372036854775807)",
        "ledger.finding",
    ] {
        let query = format!("select '{table} ' || to_jsonb(t)::text from {table} as t order by 1");
        all.extend(sqlx::query_scalar::<_, String>(AssertSqlSafe(query)).fetch_all(pool).await.unwrap());
    }
    all
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_persons_models_follow_each_publication_and_hold_up_none(pool: PgPool) {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| std::fs::write(folder.path().join(path), text).unwrap();
    std::fs::create_dir(folder.path().join("models")).unwrap();
    write("dbt_project.yml", "name: ada");
    write("models/mine.sql", "-- One row per portfolio.\nselect portfolio_id, nothing from {{ ref('portfolio_daily') }}");
    let market = simulate(6, THURSDAY, "").await;
    demo(&pool).await;
    let own = Deps { models: Some(folder.path().into()), ..deps(&pool, clock(THURSDAY), Some(&market)) };
    let handle = pipeline::start(own).await.unwrap();
    assert!(caught_up(&pool).await.succeeded, "our numbers are out");
    let own_runs = async || number(&pool, "select count(*) from ops.run where dag = 'own_models' and state in ('success', 'failed')").await;
    crate::support::until("the person's run", Duration::from_secs(30), async || own_runs().await == 1).await;
    let error: String = sqlx::query_scalar("select error from ops.run where dag = 'own_models'").fetch_one(&pool).await.unwrap();
    assert!(error.contains("own_ada.mine") && error.contains("nothing"), "{error}");
    assert_eq!(published(&pool).await, Some(day("2026-11-19")));
    // Mended, and built with the next publication.
    write(
        "models/mine.sql",
        "-- One row per portfolio.\n{{ config(materialized='table') }}\nselect distinct portfolio_id from {{ ref('portfolio_daily') }}",
    );
    let portfolio = PortfolioId(number(&pool, "select min(portfolio_id) from book.portfolio").await);
    let run_id = request_publish(&pool, portfolio, None).await.unwrap();
    handle.wake();
    assert!(ended(&pool, run_id).await.succeeded);
    crate::support::until("the person's second run", Duration::from_secs(30), async || own_runs().await == 2).await;
    assert_eq!(number(&pool, "select count(*) from ops.run where dag = 'own_models' and state = 'success'").await, 1);
    assert_eq!(number(&pool, "select count(*) from own_ada.mine").await, 1);
    handle.stop().await;
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn from_nothing_to_published_then_day_by_day(pool: PgPool) {
    let market = simulate(12, THURSDAY, "").await;
    let visitor = demo(&pool).await;
    let handle = pipeline::start(deps(&pool, clock(THURSDAY), Some(&market))).await.unwrap();
    let first = caught_up(&pool).await;
    assert!(first.succeeded, "{first:?}");
    assert_eq!(published(&pool).await, Some(day("2026-11-19")));
    assert!(number(&pool, "select count(*) from marts.portfolio_daily").await > 400);
    assert_eq!(number(&pool, "select count(*) from book.opening_proposal").await, 0, "the simulator's history is whole");
    // Both vendors' closes of the last five sessions, of everything that is held and SPY.
    let compared = "select count(*) from raw.reference_close join raw.market_data using (symbol, session_date) where reference_close.close = market_data.close";
    let reference = number(&pool, "select count(*) from raw.reference_close").await;
    assert!(reference >= 25 && reference % 5 == 0, "{reference}");
    assert_eq!(number(&pool, compared).await, reference);
    assert_eq!(number(&pool, "select count(*) from ops.check_result where not passed and severity <> 'info'").await, 0);
    assert_eq!(catch_up(&pool, clock(THURSDAY)).await.unwrap(), None, "nothing is missing now");
    handle.stop().await;
    drop(market);

    // The next day, at another port.
    let market = simulate(12, FRIDAY, "").await;
    assert_eq!(demo(&pool).await, visitor);
    let handle = pipeline::start(deps(&pool, clock(FRIDAY), Some(&market))).await.unwrap();
    let run_id = request_daily(&pool, clock(FRIDAY), day("2026-11-20"), None, Trigger::Person).await.unwrap();
    let daily = ended(&pool, run_id).await;
    assert!(daily.succeeded, "{daily:?}");
    assert_eq!(published(&pool).await, Some(day("2026-11-20")));
    assert_eq!(number(&pool, "select count(*) from ops.run").await, 2, "the start's catch-up and the request are one run");
    let grouped = sqlx::query_scalar!(
        r#"select count(*) as "count!" from raw.vendor_response where run_id = $1 and endpoint like '%grouped%'"#,
        run_id
    );
    assert_eq!(grouped.fetch_one(&pool).await.unwrap(), 2, "the session, and the one before it for corrections");

    // An edit, and a backfill of the past: what is published never goes back.
    let portfolio = sqlx::query_scalar!("select portfolio_id from book.portfolio").fetch_one(&pool).await.unwrap();
    let edit = request_publish(&pool, app::domain::PortfolioId(portfolio), Some(visitor)).await.unwrap();
    assert!(ended(&pool, edit).await.succeeded);
    let before = numbers(&pool).await;
    let past = request_backfill(&pool, clock(FRIDAY), Some(day("2026-01-05")), day("2026-03-31"), None).await.unwrap();
    let past = ended(&pool, past).await;
    assert!(past.succeeded, "{past:?}");
    assert_eq!(published(&pool).await, Some(day("2026-11-20")));
    assert_eq!(numbers(&pool).await, before);
    handle.stop().await;
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn what_a_cut_history_does_not_explain_is_proposed_and_restores_the_value(pool: PgPool) {
    let market = simulate(12, THURSDAY, "").await;
    demo(&pool).await;
    let handle = pipeline::start(deps(&pool, clock(THURSDAY), Some(&market))).await.unwrap();
    assert!(caught_up(&pool).await.succeeded);
    let last = "select (value * 100)::bigint from marts.portfolio_daily order by session_date desc limit 1";
    let whole = number(&pool, last).await;

    // As if the broker had kept the last months only, and this were the account's first fetch.
    sqlx::raw_sql(
        "delete from raw.broker_activity where activity_date < '2026-05-01'; update book.account set openings_proposed_at = null;
         insert into ops.change (portfolio_id, kind, from_date) select portfolio_id, 'activity', '2020-01-01' from book.portfolio",
    )
    .execute(&pool)
    .await
    .unwrap();
    let again = request_daily(&pool, clock(THURSDAY), day("2026-11-19"), None, Trigger::Person).await.unwrap();
    assert!(ended(&pool, again).await.succeeded);
    assert!(number(&pool, "select count(*) from book.opening_proposal where symbol <> '' and amount > 0").await > 3);
    assert_eq!(number(&pool, "select count(distinct opened_on) from book.opening_proposal").await, 1, "all at the first known day");
    assert_ne!(number(&pool, last).await, whole, "a proposal alone is no transaction");

    // Confirmed, they make the portfolio whole.
    sqlx::raw_sql(
        "insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, amount, source, entered_by)
         select portfolio_id, nextval('book.transaction_id'), 1, account_id, opened_on, 'opening', nullif(symbol, ''), quantity, amount, 'opening', 1
         from book.opening_proposal;
         insert into ops.change (portfolio_id, kind, from_date) select portfolio_id, 'transaction', min(opened_on) from book.opening_proposal group by 1",
    )
    .execute(&pool)
    .await
    .unwrap();
    let portfolio = number(&pool, "select portfolio_id from book.portfolio").await;
    let confirmed = request_publish(&pool, app::domain::PortfolioId(portfolio), None).await.unwrap();
    assert!(ended(&pool, confirmed).await.succeeded);
    handle.stop().await;
    let restored = number(&pool, last).await;
    assert!((restored - whole).abs() <= 2, "{restored} cents instead of {whole}");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn each_server_asks_the_simulator_beside_it(pool: PgPool) {
    let (mine, others) = (simulate(3, FRIDAY, "").await, simulate(3, FRIDAY, "").await);
    let visitor = demo(&pool).await;
    // A second server on this database, which came later and is gone again.
    assert_eq!(demo(&pool).await, visitor);
    others.stop();
    let handle = pipeline::start(deps(&pool, clock(FRIDAY), Some(&mine))).await.unwrap();
    let first = caught_up(&pool).await;
    assert!(first.succeeded, "{first:?}");
    let connections = "select count(*) from book.connection where base_url is null and tested_at is not null and last_error is null";
    assert_eq!(number(&pool, connections).await, 3, "each has answered, and says so");
    handle.stop().await;
    // A process without a simulator leaves the demo to one that has it.
    let id = sqlx::query_scalar!("select min(connection_id) as \"id!\" from book.connection").fetch_one(&pool).await.unwrap();
    let refused = connections::load(&deps(&pool, clock(FRIDAY), None), ConnectionId(id)).await.unwrap_err();
    assert!(matches!(TaskError::from(refused), TaskError::Retryable(_)));
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn servers_may_start_at_the_same_moment(pool: PgPool) {
    let (from, to) = (day("2031-01-01"), day("2040-12-31"));
    let starts = (0..6).map(|_| async {
        partitions::ensure(&pool, from, to).await?;
        connections::ensure_demo(&pool, &vault(), 2).await
    });
    let visitors: Vec<_> = futures::future::join_all(starts).await.into_iter().map(Result::unwrap).collect();
    assert!(visitors.iter().all(|visitor| *visitor == visitors[0]));
    assert_eq!(number(&pool, "select count(*) from book.connection").await, 4);
    assert_eq!(number(&pool, "select count(*) from book.account").await, 2);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn one_brokers_bad_key_holds_up_nobody_else(pool: PgPool) {
    let market = simulate(5, FRIDAY, "").await;
    demo(&pool).await;
    let member =
        sqlx::query_scalar!(r#"insert into auth."user" (name, display_name, role) values ('ann', 'Ann', 'member') returning user_id"#);
    let member = UserId(member.fetch_one(&pool).await.unwrap());
    let (key_id, secret_key) = ("REFUSED-KEY-0001".into(), "wrong".into());
    let new = NewBroker {
        owner: member,
        label: "Ann's Alpaca",
        base_url: market.url(),
        data_url: None,
        key_id: &key_id,
        secret_key: &secret_key,
        external_id: "PA1",
        portfolio: None,
    };
    let created = connections::create_broker_connection(&pool, &vault(), new).await.unwrap();
    assert!(connections::create_broker_connection(&pool, &vault(), new).await.is_err(), "an account is connected once");
    let handle = pipeline::start(deps(&pool, clock(FRIDAY), Some(&market))).await.unwrap();
    let first = caught_up(&pool).await;
    handle.stop().await;
    assert!(first.succeeded, "{first:?}");
    let said = sqlx::query_scalar!("select last_error from book.connection where connection_id = $1", created.connection.get());
    let said = said.fetch_one(&pool).await.unwrap().unwrap();
    assert!(said.contains("refused the key") && !said.contains("REFUSED-KEY"), "{said}");
    let warned = sqlx::query_scalar!(
        r#"select count(*) as "count!" from ops.check_result where portfolio_id = $1 and check_name = 'broker_answers' and not passed"#,
        created.portfolio.get()
    );
    assert_eq!(warned.fetch_one(&pool).await.unwrap(), 1);
    assert!(number(&pool, "select count(*) from marts.portfolio_daily").await > 400, "the demo's is published");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn without_anybody_to_run_for_it_says_what_it_waits_for(pool: PgPool) {
    let sentence = waiting_for(&pool).await.unwrap().unwrap();
    assert!(sentence.contains("first administrator"), "{sentence}");
    assert_eq!(catch_up(&pool, clock(FRIDAY)).await.unwrap(), None);
    sqlx::query!(r#"insert into auth."user" (name, display_name, role) values ('root', 'Root', 'administrator')"#)
        .execute(&pool)
        .await
        .unwrap();
    let sentence = waiting_for(&pool).await.unwrap().unwrap();
    assert!(sentence.contains("POLYGON_API_KEY"), "{sentence}");
    // Asked for all the same, it fails with what to do.
    let run_id = request_daily(&pool, clock(FRIDAY), day("2026-11-20"), None, Trigger::Person).await.unwrap();
    let handle = pipeline::start(deps(&pool, clock(FRIDAY), None)).await.unwrap();
    let failed = ended(&pool, run_id).await;
    handle.stop().await;
    assert_eq!(
        failed.error.as_deref(),
        Some("Fetching prices failed: there is no source of prices; set POLYGON_API_KEY in .env and start the server again")
    );
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_symbol_is_fetched_once_more_although_it_is_known(pool: PgPool) {
    let market = simulate(8, FRIDAY, "").await;
    demo(&pool).await;
    let handle = pipeline::start(deps(&pool, clock(FRIDAY), Some(&market))).await.unwrap();
    assert!(caught_up(&pool).await.succeeded);
    let symbol =
        sqlx::query_scalar!("select min(symbol) as \"symbol!\" from raw.market_data where symbol <> 'SPY'").fetch_one(&pool).await.unwrap();
    let asked = async || {
        sqlx::query_scalar!(
            r#"select count(*) as "count!" from raw.vendor_response where endpoint = 'polygon.bars' and request like '%2026-11-16%'"#
        )
        .fetch_one(&pool)
        .await
        .unwrap()
    };
    assert_eq!(asked().await, 0);
    // What is on file has become wrong; the vendor's answer mends it.
    let wrong = sqlx::query!("update raw.market_data set close = close * 1.01 where symbol = $1 and session_date = '2026-11-18'", symbol);
    assert_eq!(wrong.execute(&pool).await.unwrap().rows_affected(), 1);
    let before = number(&pool, "select count(*) from raw.broker_account").await;
    let symbols = vec![app::domain::Symbol::parse(&symbol).unwrap()];
    let span = (day("2026-11-16"), day("2026-11-18"));
    let run_id = pipeline::request_refetch(&pool, clock(FRIDAY), symbols.clone(), None, span, None).await.unwrap();
    let run = ended(&pool, run_id).await;
    assert!(run.succeeded, "{run:?}");
    assert_eq!(asked().await, 1, "one symbol and nothing else");
    assert_eq!(number(&pool, "select count(*) from raw.broker_account").await, before, "no broker was asked");
    let versions = sqlx::query_scalar!(
        r#"select count(*) as "count!" from raw.market_data where symbol = $1 and session_date = '2026-11-18'"#,
        symbol
    );
    assert_eq!(versions.fetch_one(&pool).await.unwrap(), 2);
    assert_eq!(published(&pool).await, Some(day("2026-11-20")), "what is published never goes back");
    for (from, to) in [("2026-11-20", "2026-11-16"), ("2026-11-16", "2026-11-23"), ("1999-01-04", "1999-01-05")] {
        let refused = pipeline::request_refetch(&pool, clock(FRIDAY), symbols.clone(), None, (day(from), day(to)), None).await;
        assert!(matches!(refused, Err(pipeline::Error::Refused(_))), "{from} {to}");
    }
    // A portfolio's activities, and no price.
    let portfolio = sqlx::query_scalar!("select min(portfolio_id) as \"id!\" from book.account where connection_id is not null")
        .fetch_one(&pool)
        .await
        .unwrap();
    let span = (day("2026-11-16"), day("2026-11-20"));
    let run_id =
        pipeline::request_refetch(&pool, clock(FRIDAY), vec![], Some(app::domain::PortfolioId(portfolio)), span, None).await.unwrap();
    assert!(ended(&pool, run_id).await.succeeded);
    assert!(number(&pool, "select count(*) from raw.broker_account").await > before);
    let all = pipeline::request_publish_all(&pool, None).await.unwrap();
    assert!(ended(&pool, all).await.succeeded);
    handle.stop().await;
}
