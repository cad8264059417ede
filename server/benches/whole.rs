//! The whole program, measured as a person meets it: start, first backfill, a day's run, the overview page, idle memory.
//!
//! Prints medians of five against the aims of the project and what the replaced stack (Airflow 3, dbt, Great Expectations,
//! Streamlit) took on such a machine. `make bench`; a size alone: `make bench SIZE=25`.

#[path = "support/edit.rs"]
mod edit;
mod support;

use reqwest::{Client, redirect::Policy};
use server::{
    config::{Config, Environment},
    db::{Access, Database},
};
use std::{
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use support::{REPETITIONS, folder, load, print};

/// A Thursday and the Friday after it.
const FIRST: &str = "2026-11-19T23:00:00Z";
const NEXT: &str = "2026-11-20T23:00:00Z";
const PAGE_REQUESTS: usize = 200;
const LOAD: Duration = Duration::from_secs(3);
const CONNECTIONS: usize = 8;
/// How long a server is left alone before its memory is read.
const IDLE: Duration = Duration::from_secs(5);

struct Size {
    symbols: u32,
    years: u32,
    accounts: u32,
    aim_backfill: &'static str,
    aim_daily: &'static str,
}

const SIZES: [Size; 2] = [
    Size { symbols: 25, years: 5, accounts: 1, aim_backfill: "2 s; replaced stack 15 s", aim_daily: "0.5 s; replaced stack 17 s" },
    Size { symbols: 500, years: 10, accounts: 3, aim_backfill: "15 s; replaced stack 47 s", aim_daily: "1 s; replaced stack 17 s" },
];

struct Server {
    child: Child,
    base: String,
}

impl Server {
    fn start(data: &Path, size: &Size, now: &str) -> Self {
        let port = std::net::TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr()).expect("a free port").port();
        let child = Command::new(env!("CARGO_BIN_EXE_plumbline"))
            .args(["serve", "--now", now, "--symbols", &size.symbols.to_string(), "--years", &size.years.to_string()])
            .args(["--accounts", &size.accounts.to_string()])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("PLUMBLINE_DATA", data)
            .env("PLUMBLINE_LISTEN", format!("127.0.0.1:{port}"))
            .env("PLUMBLINE_SITE", concat!(env!("CARGO_MANIFEST_DIR"), "/../target/site"))
            .env("PLUMBLINE_LOG", "warn")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .expect("the server starts");
        Self { child, base: format!("http://127.0.0.1:{port}") }
    }

    async fn first_page(&mut self, client: &Client) {
        let url = format!("{}/sign-in", self.base);
        while !client.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
            assert!(matches!(self.child.try_wait(), Ok(None)), "the server ended; its reason stands above");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    fn memory_mb(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB")?.parse::<f64>().ok());
        kilobytes.map_or(f64::NAN, |kilobytes| kilobytes / 1024.0)
    }

    fn stop(mut self) {
        let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

/// A measurement that failed leaves no server behind.
impl Drop for Server {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = self.child.kill();
            let _ = self.child.wait();
        }
    }
}

/// Beside the running server, on its private Postgres.
async fn database(data: &Path) -> Database {
    let environment = Environment::of([("PLUMBLINE_DATA", data.to_string_lossy().as_ref())]);
    let config = Config::parse(&environment).expect("the configuration");
    Database::open(&config, Access::Shared, chrono::Utc::now().date_naive()).await.expect("the server's database")
}

/// Seconds from the request of the newest run to its end, once `publications` are there.
async fn run_seconds(database: &Database, publications: i64) -> f64 {
    loop {
        let seconds: Option<f64> = sqlx::query_scalar(
            "select extract(epoch from ended_at - created_at)::float8 from ops.run
             where (select count(*) from ops.publication) >= $1 and ended_at is not null
               and not exists (select from ops.run where state in ('queued', 'running'))
             order by run_id desc limit 1",
        )
        .bind(publications)
        .fetch_optional(&database.pool)
        .await
        .expect("ops.run");
        match seconds {
            Some(seconds) => return seconds,
            None => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

async fn signed_in(client: &Client, base: &str) -> String {
    let answer = client.post(format!("{base}/enter-demo")).header("Origin", base).send().await.expect("the demo's door");
    let cookie = answer.headers().get("set-cookie").and_then(|cookie| cookie.to_str().ok()).expect("a cookie");
    cookie.split(';').next().unwrap_or_default().to_owned()
}

/// Median milliseconds to the first byte, and requests a second over several connections.
async fn overview(client: &Client, base: &str, cookie: &str) -> (f64, f64, f64) {
    let url = format!("{base}/");
    let get = || client.get(&url).header("Cookie", cookie).send();
    let mut first_byte = Vec::new();
    let mut bytes = 0;
    for _ in 0..PAGE_REQUESTS {
        let started = Instant::now();
        let answer = get().await.expect("the overview");
        first_byte.push(started.elapsed().as_secs_f64() * 1000.0);
        assert!(answer.status().is_success(), "the overview answers {}", answer.status());
        bytes = answer.bytes().await.expect("its body").len();
    }
    let started = Instant::now();
    let workers: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let (client, url, cookie) = (client.clone(), url.clone(), cookie.to_owned());
            tokio::spawn(async move {
                let mut served = 0_u32;
                while started.elapsed() < LOAD {
                    let answer = client.get(&url).header("Cookie", &cookie).send().await.expect("the overview");
                    answer.bytes().await.expect("its body");
                    served += 1;
                }
                served
            })
        })
        .collect();
    let mut served = 0;
    for worker in workers {
        served += worker.await.expect("a worker");
    }
    first_byte.sort_by(f64::total_cmp);
    (first_byte[first_byte.len() / 2], f64::from(served) / started.elapsed().as_secs_f64(), bytes as f64 / 1000.0)
}

async fn measure(size: &Size) {
    let client = Client::builder().redirect(Policy::none()).no_proxy().build().expect("a client");
    let [mut start, mut backfill, mut daily, mut first_byte, mut rate, mut memory, mut kilobytes, mut edited] = <[Vec<f64>; 8]>::default();
    let mut bars = 0_i64;
    for _ in 0..REPETITIONS {
        let folder = folder();
        let data = folder.path().join("data");
        let began = Instant::now();
        let mut server = Server::start(&data, size, FIRST);
        server.first_page(&client).await;
        start.push(began.elapsed().as_secs_f64());
        let beside = database(&data).await;
        backfill.push(run_seconds(&beside, 1).await);
        bars = sqlx::query_scalar("select count(*) from raw.market_data").fetch_one(&beside.pool).await.expect("raw.market_data");
        beside.close().await;
        server.stop();

        let mut server = Server::start(&data, size, NEXT);
        server.first_page(&client).await;
        let beside = database(&data).await;
        daily.push(run_seconds(&beside, 2).await);
        tokio::time::sleep(IDLE).await;
        memory.push(server.memory_mb());
        let cookie = signed_in(&client, &server.base).await;
        let (milliseconds, requests, size) = overview(&client, &server.base, &cookie).await;
        edited.extend(edit::seconds(&client, &server.base, &data, &beside.pool).await);
        beside.close().await;
        first_byte.push(milliseconds);
        rate.push(requests);
        kilobytes.push(size);
        server.stop();
    }
    println!(
        "{} symbols, {} years, {} account(s), {bars} bars in the first backfill; medians of {REPETITIONS}; load of the machine {}",
        size.symbols,
        size.years,
        size.accounts,
        load()
    );
    print("start to first page on an empty folder", "s", start, "5 s; replaced stack 10 s");
    print("first backfill, requested to published", "s", backfill, size.aim_backfill);
    print("the daily run", "s", daily, size.aim_daily);
    print("overview, time to first byte", "ms", first_byte, "30 ms; replaced stack 3 to 4 s");
    print("overview, 8 connections", "/s", rate, "as many as it takes");
    print("overview, document", "kB", kilobytes, "small; replaced stack 9,000 kB");
    print("an edit of the first transaction of 2,000, to the overview", "s", edited, "1 s");
    print("idle memory, with the demo's simulator", "MB", memory, "100 MB without Postgres; replaced stack 1,000 MB");
}

#[tokio::main]
async fn main() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let only: Option<u32> = std::env::args().find_map(|argument| argument.parse().ok());
    for size in SIZES.iter().filter(|size| only.is_none_or(|symbols| size.symbols == symbols)) {
        measure(size).await;
    }
}
