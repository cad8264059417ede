//! Vendors' answers and refusals → `raw`, `ops.change` and the checkpoint, against a small vendor of our own.

use app::domain::{AccountId, ConnectionId, PortfolioId, Symbol};
use axum::{
    Router,
    extract::State,
    http::{HeaderMap, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use chrono::NaiveDate;
use server::{
    db::partitions,
    ingest::{Connection, Credentials, Http, Limits, Vendor, VendorError, alpaca, fred, polygon},
    orchestrator::{TaskContext, TaskError},
};
use sqlx::PgPool;
use std::{
    collections::{BTreeSet, VecDeque},
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

const KEY: &str = "s3cret-key";

macro_rules! fixture {
    ($name:literal) => {
        include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/", $name, ".json"))
    };
}

mod broker;

/// One scripted answer.
#[derive(Clone)]
struct Said {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: String,
}

fn said(status: u16, body: impl Into<String>) -> Said {
    Said { status, headers: vec![], body: body.into() }
}

fn ok(body: impl Into<String>) -> Said {
    said(200, body)
}

/// A vendor that answers from a script, in order, and repeats its last answer.
#[derive(Clone, Default)]
struct Script(Arc<Mutex<(VecDeque<Said>, Vec<String>)>>);

impl Script {
    fn asked(&self) -> Vec<String> {
        self.0.lock().unwrap().1.clone()
    }

    fn next_says(&self, answers: impl IntoIterator<Item = Said>) {
        self.0.lock().unwrap().0 = answers.into_iter().collect();
    }
}

async fn answer(State(script): State<Script>, headers: HeaderMap, uri: Uri) -> Response {
    let mut script = script.0.lock().unwrap();
    script.1.push(uri.to_string());
    if headers.get("authorization").is_some_and(|key| key != format!("Bearer {KEY}").as_str()) {
        return (StatusCode::UNAUTHORIZED, r#"{"status":"ERROR","error":"Unknown API Key"}"#).into_response();
    }
    let said = if script.0.len() > 1 { script.0.pop_front().unwrap() } else { script.0[0].clone() };
    let mut response = (StatusCode::from_u16(said.status).unwrap(), said.body).into_response();
    for (name, value) in said.headers {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

struct World {
    ctx: TaskContext,
    http: Http,
    script: Script,
    connection: Connection,
}

impl World {
    async fn new(pool: PgPool, vendor: Vendor, answers: impl IntoIterator<Item = Said>) -> Self {
        let script = Script::default();
        script.next_says(answers);
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = Router::new().fallback(answer).with_state(script.clone());
        tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let limits = Limits {
            connect: Duration::from_millis(500),
            total: Duration::from_millis(1500),
            backoff: Duration::from_millis(5),
            longest_wait: Duration::from_millis(2500),
            body_bytes: 100_000,
        };
        let http = Http::with_limits(pool.clone(), limits).unwrap();
        let credentials = match vendor {
            Vendor::Alpaca => Credentials::Pair { key_id: KEY.into(), secret_key: KEY.into() },
            Vendor::Polygon | Vendor::Fred => Credentials::Key(KEY.into()),
        };
        partitions::ensure(&pool, on(1), on(31)).await.unwrap();
        Self {
            ctx: running_task(pool).await,
            http,
            script,
            connection: Connection {
                id: ConnectionId(7),
                vendor,
                base_url: format!("http://{address}").parse().unwrap(),
                data_url: None,
                credentials,
                calls_per_minute: None,
            },
        }
    }

    async fn bars(&self) -> Result<u64, TaskError> {
        polygon::land_bars(&self.ctx, &self.http, &self.connection, &symbol("ACME"), on(1), on(31)).await
    }

    async fn count(&self, table: &'static str) -> i64 {
        sqlx::query_scalar(table).fetch_one(&self.ctx.pool).await.unwrap()
    }
}

async fn running_task(pool: PgPool) -> TaskContext {
    let run_id = sqlx::query_scalar("insert into ops.run (dag, trigger, state) values ('daily', 'person', 'running') returning run_id")
        .fetch_one(&pool)
        .await
        .unwrap();
    let task_id = sqlx::query_scalar(
        "insert into ops.task (run_id, position, name, state, lease_epoch) values ($1, 1, 'extract', 'running', 3) returning task_id",
    )
    .bind(run_id)
    .fetch_one(&pool)
    .await
    .unwrap();
    TaskContext::new(pool, run_id, task_id, 3)
}

fn symbol(text: &str) -> Symbol {
    Symbol::parse(text).unwrap()
}

fn on(day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(2024, 3, day).unwrap()
}

const RESPONSES: &str = "select count(*) from raw.vendor_response";
const BARS: &str = "select count(*) from raw.market_data";
const CHANGES: &str = "select count(*) from ops.change";

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_second_fetch_writes_only_what_changed(pool: PgPool) {
    let world = World::new(pool.clone(), Vendor::Polygon, [ok(fixture!("polygon/bars_ordinary"))]).await;
    assert_eq!(world.bars().await.unwrap(), 3);
    assert_eq!(world.bars().await.unwrap(), 0);
    assert_eq!((world.count(BARS).await, world.count(CHANGES).await, world.count(RESPONSES).await), (3, 1, 2));
    world.script.next_says([ok(fixture!("polygon/bars_ordinary").replace("\"c\":103.4,", "\"c\":103.5,"))]);
    assert_eq!(world.bars().await.unwrap(), 1, "a late correction of one close");
    let (from, rows): (NaiveDate, i64) =
        sqlx::query_as("select (select from_date from ops.change order by change_id desc limit 1), rows_written from ops.task")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!((from, rows), (on(11), 4));
    let (at, volume): (String, String) = sqlx::query_as(
        "select to_char(\"timestamp\" at time zone 'America/New_York', 'YYYY-MM-DD HH24:MI'), volume::text from raw.market_data order by \"timestamp\" limit 1",
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    assert_eq!((at.as_str(), volume.as_str()), ("2024-03-08 00:00", "120000000.0000"));
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn what_an_answer_contradicts_itself_about_does_not_land(pool: PgPool) {
    let day = |close: &str| format!(r#"{{"t":1710216000000,"o":10,"h":12,"l":9,"c":{close},"v":5}}"#);
    let says = |closes: &[&str]| {
        let days: Vec<String> = closes.iter().map(|close| day(close)).collect();
        ok(format!(r#"{{"results":[{{"t":1710129600000,"o":10,"h":12,"l":9,"c":10,"v":5}},{}]}}"#, days.join(",")))
    };
    let world = World::new(pool, Vendor::Polygon, [says(&["11", "11.5", "11"])]).await;
    assert_eq!(world.bars().await.unwrap(), 1, "the day before it");
    world.script.next_says([says(&["11.5", "11.5"])]);
    assert_eq!(world.bars().await.unwrap(), 1, "fetched again, the vendor knows which it is");
    world.script.next_says([says(&["11", "11.5"])]);
    assert_eq!((world.bars().await.unwrap(), world.count(BARS).await), (0, 2), "what is known stays");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn answers_are_kept_whole_and_without_keys(pool: PgPool) {
    let body = fixture!("polygon/bars_odd");
    let world = World::new(pool.clone(), Vendor::Polygon, [ok(body)]).await;
    assert_eq!(world.bars().await.unwrap(), 3);
    let (request, kept, bytes, run_id): (String, Vec<u8>, i32, i64) =
        sqlx::query_as("select request, body_zstd, body_bytes, run_id from raw.vendor_response").fetch_one(&pool).await.unwrap();
    assert_eq!(request, "/v2/aggs/ticker/ACME/range/1/day/2024-03-01/2024-03-31?adjusted=false&sort=asc&limit=50000");
    assert_eq!(zstd::bulk::decompress(&kept, 100_000).unwrap(), body.as_bytes());
    assert_eq!((usize::try_from(bytes).unwrap(), run_id), (body.len(), world.ctx.run_id));
    let fred = World::new(pool.clone(), Vendor::Fred, [ok(fixture!("fred/observations_ordinary"))]).await;
    assert_eq!(fred::land_series(&fred.ctx, &fred.http, &fred.connection, "DGS3MO", on(1)).await.unwrap(), 3);
    assert_eq!(fred::land_series(&fred.ctx, &fred.http, &fred.connection, "DGS3MO", on(1)).await.unwrap(), 0);
    assert!(fred.script.asked()[0].contains("api_key=s3cret-key"), "FRED takes its key in the query");
    let leaked: i64 =
        sqlx::query_scalar("select count(*) from raw.vendor_response where request like '%s3cret%' or headers::text like '%s3cret%'")
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(leaked, 0);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn passing_faults_are_tried_again_and_kept(pool: PgPool) {
    let limited =
        Said { status: 429, headers: vec![("retry-after", "1".into())], body: r#"{"status":"ERROR","error":"slow down"}"#.into() };
    let answers = [said(500, "{}"), ok("<html>maintenance</html>"), limited, ok(fixture!("polygon/bars_ordinary"))];
    let world = World::new(pool.clone(), Vendor::Polygon, answers).await;
    let started = Instant::now();
    assert_eq!(world.bars().await.unwrap(), 3);
    assert!(started.elapsed() >= Duration::from_secs(1), "Retry-After is honoured");
    assert_eq!(world.count(RESPONSES).await, 4);
    world.script.next_says([ok(fixture!("polygon/bars_truncated")), ok(fixture!("polygon/bars_ordinary"))]);
    assert_eq!(world.bars().await.unwrap(), 0);
    world.script.next_says([ok(fixture!("polygon/bars_truncated"))]);
    assert!(matches!(world.bars().await, Err(TaskError::Retryable(_))));
    let long = Said { status: 429, headers: vec![("retry-after", "900".into())], body: String::new() };
    world.script.next_says([long]);
    let Err(TaskError::RateLimited { wait, .. }) = world.bars().await else { panic!("limited") };
    assert_eq!(wait, Duration::from_secs(900));
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn lasting_refusals_end_at_once(pool: PgPool) {
    let mut world = World::new(pool.clone(), Vendor::Polygon, [said(400, r#"{"error":"bad"}"#)]).await;
    assert!(matches!(world.bars().await, Err(TaskError::Final(_))));
    assert_eq!(world.script.asked().len(), 1);
    world.script.next_says([ok(format!("\"{}\"", "x".repeat(100_001)))]);
    let error = world.bars().await.unwrap_err();
    assert!(matches!(&error, TaskError::Final(_)) && error.to_string().contains("more than 100000 bytes"), "{error}");
    world.connection.credentials = Credentials::Key("wrong".into());
    let error = polygon::test(&world.http, &world.connection).await.unwrap_err();
    assert!(matches!(error, VendorError::Unauthorized { .. }), "{error}");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_ticker_that_nobody_knows_costs_the_others_nothing(pool: PgPool) {
    let answers = [said(404, r#"{"status":"NOT_FOUND"}"#), ok(fixture!("polygon/bars_ordinary"))];
    let world = World::new(pool.clone(), Vendor::Polygon, answers).await;
    let symbols = [symbol("TYPO"), symbol("ACME")];
    let landed = polygon::land_bars_of(&world.ctx, &world.http, &world.connection, &symbols, on(1), on(31)).await.unwrap();
    assert_eq!((landed, world.count(RESPONSES).await), (3, 2), "the refusal is kept too");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn pages_are_followed_but_not_in_circles_nor_abroad(pool: PgPool) {
    let page = |next: &str| ok(fixture!("polygon/bars_ordinary").replacen('{', &format!("{{\"next_url\":\"{next}\","), 1));
    let world = World::new(
        pool.clone(),
        Vendor::Polygon,
        [page("https://api.polygon.io/v2/more?cursor=a&apiKey=k"), ok(fixture!("polygon/bars_empty"))],
    )
    .await;
    assert_eq!(world.bars().await.unwrap(), 3);
    assert_eq!(world.script.asked()[1], "/v2/more?cursor=a");
    world.script.next_says([page("/v2/more?cursor=a")]);
    assert!(world.bars().await.unwrap_err().to_string().contains("read before"));
    world.script.next_says([page("https://evil.example/v2/more")]);
    assert!(matches!(world.bars().await, Err(TaskError::Final(_))));
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_landing_goes_on_at_its_checkpoint_and_stops_when_fenced(pool: PgPool) {
    let symbols: Vec<_> = ["A", "B", "C", "D", "E"].map(symbol).into();
    // C's answer is broken for good: what lies before it is landed.
    let good = || ok(fixture!("polygon/bars_ordinary"));
    let mut world = World::new(pool.clone(), Vendor::Polygon, [good(), good(), said(400, "{}")]).await;
    // One at a time, so that the script's order is the symbols' order.
    world.connection.calls_per_minute = Some(1_000);
    let land = async |ctx: &TaskContext| polygon::land_bars_of(ctx, &world.http, &world.connection, &symbols, on(1), on(31)).await;
    assert!(land(&world.ctx).await.is_err());
    assert_eq!(world.count(BARS).await, 6);
    let mut ctx = world.ctx.clone();
    ctx.checkpoint = sqlx::query_scalar("select checkpoint from ops.task").fetch_one(&pool).await.unwrap();
    world.script.next_says([good()]);
    let before = world.script.asked().len();
    assert_eq!(land(&ctx).await.unwrap(), 9);
    assert!(world.script.asked()[before].contains("/ticker/C/"), "{:?}", world.script.asked());
    sqlx::query("update ops.task set lease_epoch = 4").execute(&pool).await.unwrap();
    world.script.next_says([ok(fixture!("polygon/bars_ordinary").replace("103.4", "99"))]);
    assert!(matches!(land(&world.ctx).await, Err(TaskError::Fenced(_))));
    assert_eq!(world.count(BARS).await, 15, "a fenced worker writes nothing");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_missing_partition_names_its_fix(pool: PgPool) {
    let world = World::new(pool.clone(), Vendor::Polygon, [ok(fixture!("polygon/bars_ordinary"))]).await;
    sqlx::query("drop table raw.market_data_2024").execute(&pool).await.unwrap();
    let error = world.bars().await.unwrap_err();
    assert!(matches!(&error, TaskError::Final(_)) && error.to_string().contains("db::partitions::ensure"), "{error}");
    assert_eq!(world.count(RESPONSES).await, 0, "answer and rows go together");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn the_grouped_day_lands_tracked_symbols(pool: PgPool) {
    let world = World::new(pool.clone(), Vendor::Polygon, [ok(fixture!("polygon/grouped_ordinary"))]).await;
    let tracked: BTreeSet<_> = ["ACME", "KIMpL", "LATE"].map(symbol).into();
    let land = async || polygon::land_grouped(&world.ctx, &world.http, &world.connection, on(11), &tracked).await;
    assert_eq!(land().await.unwrap(), 2);
    assert_eq!(land().await.unwrap(), 0);
    world.script.next_says([ok(fixture!("polygon/bars_ordinary"))]);
    assert_eq!(world.bars().await.unwrap(), 3, "the range's numbers for the 11th differ from the grouped ones");
    world.script.next_says([ok(fixture!("polygon/bars_empty"))]);
    assert!(matches!(land().await, Err(TaskError::NotReady(_))));
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn corporate_actions_come_once_whichever_path_names_them(pool: PgPool) {
    let world = World::new(pool.clone(), Vendor::Polygon, [ok(fixture!("polygon/dividends_ordinary"))]).await;
    let tracked: BTreeSet<_> = ["ACME", "BRK.A"].map(symbol).into();
    let dividends = async |ask| {
        polygon::land_actions::<polygon::Dividend>(&world.ctx, &world.http, &world.connection, on(1), on(31), &tracked, ask).await
    };
    let splits =
        async |ask| polygon::land_actions::<polygon::Split>(&world.ctx, &world.http, &world.connection, on(1), on(31), &tracked, ask).await;
    assert_eq!(dividends(polygon::Ask::AcrossMarket).await.unwrap(), 2);
    assert_eq!(dividends(polygon::Ask::PerTicker).await.unwrap(), 0);
    world.script.next_says([said(404, "{}"), ok(fixture!("polygon/dividends_old_path"))]);
    let before = world.script.asked().len();
    assert_eq!(dividends(polygon::Ask::AcrossMarket).await.unwrap(), 0, "the same dividend under another id");
    assert!(world.script.asked()[before + 1].starts_with("/v3/reference/dividends?ex_dividend_date.gte=2024-03-01"));
    world.script.next_says([ok(fixture!("polygon/dividends_ordinary").replace("0.24", "0.25"))]);
    assert_eq!(dividends(polygon::Ask::AcrossMarket).await.unwrap(), 1, "a correction is a new version");
    world.script.next_says([ok(fixture!("polygon/splits_ordinary"))]);
    assert_eq!(splits(polygon::Ask::AcrossMarket).await.unwrap(), 1, "others' splits are not landed");
    assert_eq!(splits(polygon::Ask::PerTicker).await.unwrap(), 0);
    world.script.next_says([ok(fixture!("polygon/details_ordinary"))]);
    let details = async || polygon::land_details(&world.ctx, &world.http, &world.connection, &[symbol("ACME")]).await;
    assert_eq!((details().await.unwrap(), details().await.unwrap()), (1, 0));
    world.script.next_says([said(404, r#"{"status":"NOT_FOUND","message":"Ticker not found."}"#)]);
    assert_eq!(details().await.unwrap(), 0);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_budget_survives_a_restart(pool: PgPool) {
    let mut world = World::new(pool.clone(), Vendor::Polygon, [ok(fixture!("polygon/bars_ordinary"))]).await;
    world.connection.calls_per_minute = Some(2);
    assert_eq!((world.bars().await.unwrap(), world.bars().await.unwrap()), (3, 0));
    let Err(TaskError::RateLimited { wait, .. }) = world.bars().await else { panic!("the third call waits") };
    assert!(wait > Duration::from_secs(50), "{wait:?}");
    assert_eq!(world.script.asked().len(), 2);
    // Another client, as after a restart: the budget is in Postgres.
    world.http = Http::with_limits(pool.clone(), Limits { longest_wait: Duration::ZERO, ..Limits::default() }).unwrap();
    assert!(matches!(world.bars().await, Err(TaskError::RateLimited { .. })));
    sqlx::query("update ops.call_budget set called_at = array[clock_timestamp() - interval '2 minutes']").execute(&pool).await.unwrap();
    assert_eq!(world.bars().await.unwrap(), 0);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn slow_and_cut_answers_end_in_time(pool: PgPool) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut world = World::new(pool.clone(), Vendor::Polygon, [ok("{}")]).await;
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    world.connection.base_url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"resu";
    let hangs = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let mode = Arc::clone(&hangs);
    tokio::spawn(async move {
        loop {
            let (mut socket, _) = listener.accept().await.unwrap();
            let mut request = [0; 2048];
            let _ = socket.read(&mut request).await;
            let _ = socket.write_all(head.as_bytes()).await;
            if mode.load(std::sync::atomic::Ordering::SeqCst) {
                tokio::spawn(async move {
                    tokio::time::sleep(Duration::from_secs(30)).await;
                    drop(socket)
                });
            }
        }
    });
    let error = world.bars().await.unwrap_err();
    assert!(matches!(&error, TaskError::Retryable(_)) && error.to_string().contains("broke off"), "{error}");
    hangs.store(true, std::sync::atomic::Ordering::SeqCst);
    let error = world.bars().await.unwrap_err();
    assert!(matches!(&error, TaskError::Retryable(_)) && error.to_string().contains("in time"), "{error}");
    world.connection.base_url = "http://127.0.0.1:1".parse().unwrap();
    // Landings move between the worker's threads.
    let error = tokio::spawn(async move { world.bars().await }).await.unwrap().unwrap_err();
    assert!(matches!(&error, TaskError::Retryable(_)) && error.to_string().contains("can't be reached"), "{error}");
}
