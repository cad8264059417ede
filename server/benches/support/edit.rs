//! An old transaction is corrected through the form's address, and the overview is asked for until it shows what that makes.

use crate::support::{REPETITIONS, number, sql};
use app::domain::Money;
use chrono::{Days, NaiveDate};
use reqwest::Client;
use rust_decimal::Decimal;
use sqlx::PgPool;
use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};
use url::form_urlencoded;

/// Purchases of the portfolio that is edited, one a session from its first on.
const PURCHASES: usize = 2_000;
const SYMBOLS: usize = 250;
/// What each correction adds to the first deposit.
const MORE: i64 = 1_000;
const NAME: &str = "ada";
const PASSWORD: &str = "correct horse battery staple";
const FORM: &str = "application/x-www-form-urlencoded";

struct Person<'a> {
    client: &'a Client,
    base: &'a str,
    cookie: &'a str,
}

impl Person<'_> {
    async fn post(&self, address: &str, fields: &[(&str, String)]) {
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = self.client.post(format!("{}/api/{address}", self.base)).header("Origin", self.base).header("Cookie", self.cookie);
        let answer = request.header("Content-Type", FORM).body(body).send().await.expect("an answer");
        let (status, location) = (answer.status(), answer.headers().get("location").cloned());
        let refused = location.iter().any(|location| location.to_str().is_ok_and(|location| location.contains("__err")));
        let is_done = (status.is_success() || status.is_redirection()) && !refused;
        assert!(is_done, "{address} answers {status}, {location:?}: {}", answer.text().await.unwrap_or_default());
    }

    /// Until the overview shows this text.
    async fn sees(&self, portfolio: i64, text: &str) {
        let url = format!("{}/?portfolio={portfolio}", self.base);
        let began = Instant::now();
        loop {
            let answer = self.client.get(&url).header("Cookie", self.cookie).send().await.expect("the overview");
            if answer.text().await.expect("its body").contains(text) {
                return;
            }
            assert!(began.elapsed() < Duration::from_secs(60), "the overview doesn't show {text}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// A deposit and purchases of many symbols over the years, as the import takes them.
async fn history(pool: &PgPool) -> String {
    let bars: Vec<(NaiveDate, String, Decimal)> = sqlx::query_as(
        "with session as (select session_date, row_number() over (order by session_date) as at from (select distinct session_date from raw.market_data) as of),
              known as (select symbol, row_number() over (order by symbol) - 1 as at from (select distinct symbol from raw.market_data) as of limit $2)
         select session_date, symbol, close
         from session join known on known.at = session.at % (select count(*) from known) join raw.market_data using (symbol, session_date)
         where close > 0 order by session_date limit $1",
    )
    .bind(PURCHASES as i64)
    .bind(SYMBOLS as i64)
    .fetch_all(pool)
    .await
    .expect("bars");
    let first = bars.first().expect("bars").0 - Days::new(1);
    let mut lines = vec!["date,type,symbol,quantity,price,amount".to_owned(), format!("{first},deposit,,,,100000000")];
    lines.extend(bars.iter().map(|(day, symbol, close)| format!("{day},buy,{symbol},10,{},", close.normalize())));
    lines.join("\n")
}

async fn value(pool: &PgPool, portfolio: i64) -> Decimal {
    let of = format!(
        "select coalesce((select value from marts.portfolio_daily where portfolio_id = {portfolio} order by session_date desc limit 1), 0)"
    );
    number(pool, &of).await
}

/// A person of their own: the demo's can't change anything.
async fn signed_in(client: &Client, base: &str, data: &Path) -> String {
    let mut added = Command::new(env!("CARGO_BIN_EXE_plumbline"))
        .args(["user", "add", NAME])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap_or_default())
        .env("PLUMBLINE_DATA", data)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the command starts");
    added.stdin.take().expect("its input").write_all(PASSWORD.as_bytes()).expect("a password");
    assert!(added.wait().expect("its end").success(), "the person wasn't added; the reason stands above");
    let form =
        form_urlencoded::Serializer::new(String::new()).extend_pairs([("name", NAME), ("password", PASSWORD), ("next", "/")]).finish();
    let request = client.post(format!("{base}/sign-in")).header("Origin", base);
    let answer = request.header("Content-Type", FORM).body(form).send().await.expect("the door");
    let cookie = answer.headers().get("set-cookie").and_then(|cookie| cookie.to_str().ok()).expect("a cookie");
    cookie.split(';').next().unwrap_or_default().to_owned()
}

/// Seconds of each correction, from the form being sent to the overview that shows it. `data` is the server's folder.
pub async fn seconds(client: &Client, base: &str, data: &Path, pool: &PgPool) -> Vec<f64> {
    let person = Person { client, base, cookie: &signed_in(client, base, data).await };
    person.post("activity/create-portfolio", &[("name", "By hand".into())]).await;
    let portfolio: i64 = number(pool, "select max(portfolio_id) from book.portfolio").await;
    let scope = format!("portfolio={portfolio}");
    person.post("activity/create-account", &[("scope", scope.clone()), ("name", "Account".into())]).await;
    let account: i64 = number(pool, &format!("select max(account_id) from book.account where portfolio_id = {portfolio}")).await;
    let fields = [
        ("scope", scope.clone()),
        ("account", account.to_string()),
        ("csv", history(pool).await),
        ("mode", "import".into()),
        ("is_plain", "true".into()),
    ];
    person.post("activity/import", &fields).await;
    let entered: i64 = number(pool, &format!("select count(*) from book.transaction where portfolio_id = {portfolio}")).await;
    assert!(entered as usize > PURCHASES / 2, "{entered} transactions were taken");
    let mut shown = value(pool, portfolio).await;
    while shown.is_zero() {
        tokio::time::sleep(Duration::from_millis(50)).await;
        shown = value(pool, portfolio).await;
    }
    sql(pool, "analyze").await;
    let deposit = format!("from book.transaction where portfolio_id = {portfolio} and type = 'deposit' order by version desc limit 1");
    let mut seconds = Vec::new();
    for _ in 0..REPETITIONS {
        let [transaction, day, amount] = {
            let mut read = Vec::new();
            for column in ["transaction_id::text", "traded_on::text", "amount::text"] {
                read.push(number::<String>(pool, &format!("select {column} {deposit}")).await);
            }
            read.try_into().expect("three columns")
        };
        let version: i32 = number(pool, &format!("select version {deposit}")).await;
        let amount = amount.parse::<Decimal>().expect("an amount") + Decimal::from(MORE);
        shown += Decimal::from(MORE);
        let fields = [
            ("scope", scope.clone()),
            ("transaction", transaction),
            ("version", version.to_string()),
            ("form[account]", account.to_string()),
            ("form[traded_on]", day),
            ("form[kind]", "deposit".into()),
            ("form[amount]", amount.to_string()),
        ];
        let began = Instant::now();
        person.post("activity/correct", &fields).await;
        person.sees(portfolio, &app::format::money(Money(shown))).await;
        seconds.push(began.elapsed().as_secs_f64());
    }
    seconds
}
