//! Checks of what was fetched, on a real Postgres: what they find, keep, quarantine and free.

#![allow(clippy::unwrap_used)]

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use server::{
    calendar,
    db::partitions,
    orchestrator::TaskContext,
    quality::{Verdict, validate},
};
use sqlx::PgPool;

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// An installation with one portfolio (1) and account (1), and a run under way.
pub struct House {
    pub pool: PgPool,
    response_id: i64,
}

impl House {
    pub async fn new(pool: PgPool) -> Self {
        partitions::ensure(&pool, day("2014-01-01"), day("2014-12-31")).await.unwrap();
        sqlx::query!("insert into book.portfolio (owner_id, name) values (1, 'Mine')").execute(&pool).await.unwrap();
        sqlx::query!("insert into book.account (portfolio_id, name) values (1, 'Broker')").execute(&pool).await.unwrap();
        Self { pool, response_id: 0 }
    }

    /// A daily run whose task `validate` is at work.
    pub async fn run(&self) -> TaskContext {
        let run_id =
            sqlx::query_scalar!("insert into ops.run (dag, trigger, state) values ('daily', 'person', 'running') returning run_id")
                .fetch_one(&self.pool)
                .await
                .unwrap();
        let task_id = sqlx::query_scalar!(
            "insert into ops.task (run_id, position, name, state, lease_epoch) values ($1, 1, 'validate', 'running', 1) returning task_id",
            run_id
        )
        .fetch_one(&self.pool)
        .await
        .unwrap();
        TaskContext { parameters: json!({}), ..TaskContext::new(self.pool.clone(), run_id, task_id, 1) }
    }

    /// An answer with bars: symbol, session, open, high, low, close.
    pub async fn bars(&mut self, bars: &[(&str, &str, [&str; 4])]) {
        self.response_id = sqlx::query_scalar!(
            "insert into raw.vendor_response (vendor, connection_id, endpoint, request, status, body_zstd, body_bytes, body_sha256)
             values ('polygon', 1, 'polygon.bars', '/', 200, '', 0, '') returning response_id"
        )
        .fetch_one(&self.pool)
        .await
        .unwrap();
        for (symbol, on, prices) in bars {
            let [open, high, low, close] = prices.map(|price| price.parse::<Decimal>().ok());
            sqlx::query!(
                r#"insert into raw.market_data (symbol, "timestamp", session_date, open, high, low, close, volume, vendor, response_id)
                   values ($1, $2, $3, $4, $5, $6, $7, 1000, 'polygon', $8)"#,
                symbol,
                calendar::midnight(day(on)),
                day(on),
                open,
                high,
                low,
                close,
                self.response_id
            )
            .execute(&self.pool)
            .await
            .unwrap();
            sqlx::query!("insert into ops.change (symbol, kind, from_date) values ($1, 'bar', $2)", symbol, day(on))
                .execute(&self.pool)
                .await
                .unwrap();
        }
    }

    /// Closes of one symbol; open, high and low are the close.
    pub async fn closes(&mut self, symbol: &str, closes: &[(&str, &str)]) {
        let bars: Vec<_> = closes.iter().map(|(on, close)| (symbol, *on, [*close; 4])).collect();
        self.bars(&bars).await;
    }

    pub async fn split(&self, symbol: &str, on: &str, to: i64) {
        sqlx::query!(
            "insert into raw.split (symbol, execution_date, split_from, split_to, response_id) values ($1, $2, 1, $3, 1)",
            symbol,
            day(on),
            Decimal::from(to)
        )
        .execute(&self.pool)
        .await
        .unwrap();
    }

    /// A purchase or sale that a person entered, paid from a deposit of the same amount on the same day.
    pub async fn buy(&self, symbol: &str, on: &str, quantity: i64, amount: i64) {
        for (kind, symbol, quantity) in [("deposit", None, None), ("buy", Some(symbol), Some(Decimal::from(quantity)))] {
            sqlx::query!(
                "insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, price, amount, source, entered_by)
                 values (1, nextval('book.transaction_id'), 1, 1, $1, $2, $3, $4, $5, $6, 'hand', 1)",
                day(on),
                kind,
                symbol,
                quantity,
                quantity.map(|quantity| Decimal::from(amount) / quantity),
                Decimal::from(amount)
            )
            .execute(&self.pool)
            .await
            .unwrap();
        }
    }

    pub async fn activity(&self, id: &str, kind: &str, on: &str, body: Value) {
        sqlx::query!(
            "insert into raw.broker_activity (portfolio_id, account_id, activity_id, activity_type, activity_date, symbol, side, quantity, price, net_amount, body, response_id)
             values (1, 1, $1, $2, $3, $4::jsonb ->> 'symbol', $4::jsonb ->> 'side', ($4::jsonb ->> 'qty')::numeric, ($4::jsonb ->> 'price')::numeric, ($4::jsonb ->> 'net_amount')::numeric, $4, 1)",
            id,
            kind,
            day(on),
            body
        )
        .execute(&self.pool)
        .await
        .unwrap();
    }

    pub async fn report(&self, response_id: i64, on: &str, cash: &str, positions: &[(&str, i64)]) {
        sqlx::query!(
            "insert into raw.broker_account (portfolio_id, account_id, external_id, currency, cash, fetched_at, session_date, response_id)
             values (1, 1, 'x', 'USD', $1, now(), $2, $3)",
            cash.parse::<Decimal>().unwrap(),
            day(on),
            response_id
        )
        .execute(&self.pool)
        .await
        .unwrap();
        sqlx::query!(
            "insert into raw.broker_position_fetch (portfolio_id, account_id, session_date, fetched_at, response_id) values (1, 1, $1, now(), $2)",
            day(on),
            response_id
        )
        .execute(&self.pool)
        .await
        .unwrap();
        for (symbol, quantity) in positions {
            sqlx::query!(
                "insert into raw.broker_position (portfolio_id, account_id, symbol, quantity, session_date, response_id) values (1, 1, $1, $2, $3, $4)",
                symbol,
                Decimal::from(*quantity),
                day(on),
                response_id
            )
            .execute(&self.pool)
            .await
            .unwrap();
        }
    }

    /// Failing checks of a run: name and symbol.
    pub async fn failing(&self, ctx: &TaskContext) -> Vec<(String, Option<String>)> {
        let rows = sqlx::query!(
            "select check_name, symbol from ops.check_result where run_id = $1 and not passed order by check_name, symbol",
            ctx.run_id
        )
        .fetch_all(&self.pool)
        .await
        .unwrap();
        rows.into_iter().map(|row| (row.check_name, row.symbol)).collect()
    }

    pub async fn message(&self, ctx: &TaskContext, check: &str) -> String {
        sqlx::query_scalar!("select message from ops.check_result where run_id = $1 and check_name = $2 and not passed", ctx.run_id, check)
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }

    pub async fn quarantined(&self) -> Vec<(String, NaiveDate, String)> {
        let rows = sqlx::query!("select symbol, session_date, check_name from ops.quarantine where released_at is null and discarded_at is null order by 1, 2, 3")
            .fetch_all(&self.pool)
            .await
            .unwrap();
        rows.into_iter().map(|row| (row.symbol, row.session_date, row.check_name)).collect()
    }
}

pub async fn verdict(ctx: &TaskContext, session: &str) -> Verdict {
    validate(ctx, day(session)).await.unwrap()
}

fn failure(name: &str, symbol: Option<&str>) -> (String, Option<String>) {
    (name.to_owned(), symbol.map(str::to_owned))
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn clean_data_passes_everything(pool: PgPool) {
    let mut house = House::new(pool).await;
    house.buy("AAPL", "2014-06-05", 10, 6473).await;
    house.closes("SPY", &[("2014-06-05", "194"), ("2014-06-06", "195"), ("2014-06-09", "195.5")]).await;
    house.closes("AAPL", &[("2014-06-05", "647.35"), ("2014-06-06", "645.57"), ("2014-06-09", "93.70")]).await;
    house.split("AAPL", "2014-06-09", 7).await;
    house.report(1, "2014-06-09", "0", &[("AAPL", 70)]).await;
    let ctx = house.run().await;
    let verdict = verdict(&ctx, "2014-06-09").await;
    assert_eq!(house.failing(&ctx).await, []);
    assert_eq!(verdict.blocks_installation, None);
    assert_eq!(verdict.passed, verdict.total);
    assert_eq!(house.quarantined().await, []);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_session_that_nobody_has_blocks_and_a_single_gap_warns(pool: PgPool) {
    let mut house = House::new(pool).await;
    house.buy("AAPL", "2014-06-05", 10, 6473).await;
    house.closes("SPY", &[("2014-06-05", "194"), ("2014-06-06", "195")]).await;
    house.closes("AAPL", &[("2014-06-05", "647.35")]).await;
    let ctx = house.run().await;
    assert_eq!(verdict(&ctx, "2014-06-06").await.blocks_installation, None);
    let expected = [failure("bars_are_as_many_as_usual", None), failure("held_are_fresh", Some("AAPL")), failure("session_is_there", None)];
    assert_eq!(house.failing(&ctx).await, expected);
    let ctx = house.run().await;
    let sentence = verdict(&ctx, "2014-06-09").await.blocks_installation.unwrap();
    assert!(sentence.contains("no close of 2014-06-09"), "{sentence}");
    assert!(house.message(&ctx, "sessions_are_complete").await.starts_with("AAPL has no close on 2014-06-06;"));
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn wrong_bars_go_into_quarantine_once_and_change_what_is_published(pool: PgPool) {
    let mut house = House::new(pool).await;
    house.buy("AAPL", "2014-06-05", 10, 6473).await;
    house.closes("SPY", &[("2014-06-05", "194"), ("2014-06-06", "195")]).await;
    house
        .bars(&[
            ("AAPL", "2014-06-04", ["640", "650", "630", ""]),
            ("AAPL", "2014-06-05", ["640", "650", "630", "651"]),
            ("AAPL", "2014-06-06", ["640", "650", "-1", "645"]),
            ("AAPL", "2014-06-07", ["640", "650", "630", "645"]),
            ("MSFT", "2014-06-06", ["-1", "-1", "-1", "-1"]),
        ])
        .await;
    let ctx = house.run().await;
    verdict(&ctx, "2014-06-06").await;
    let expected = [
        ("AAPL".to_owned(), day("2014-06-04"), "close_is_there".to_owned()),
        ("AAPL".to_owned(), day("2014-06-05"), "prices_are_in_range".to_owned()),
        ("AAPL".to_owned(), day("2014-06-06"), "prices_are_positive".to_owned()),
        ("AAPL".to_owned(), day("2014-06-07"), "bars_are_of_sessions".to_owned()),
        ("AAPL".to_owned(), day("2014-06-07"), "bars_are_of_the_past".to_owned()),
    ];
    assert_eq!(house.quarantined().await, expected, "of MSFT, which nobody holds, nothing is judged");
    let changes =
        sqlx::query_scalar!("select from_date from ops.change where run_id = $1", ctx.run_id).fetch_all(&house.pool).await.unwrap();
    assert_eq!(changes, [day("2014-06-04")]);
    let results = house.failing(&ctx).await;
    verdict(&ctx, "2014-06-06").await;
    assert_eq!(house.failing(&ctx).await, results, "a second attempt replaces the results of the first");
    assert_eq!(house.quarantined().await.len(), 5);
    let next = house.run().await;
    verdict(&next, "2014-06-06").await;
    assert!(!house.failing(&next).await.iter().any(|(check, _)| check == "prices_are_positive"), "judged is judged");
    assert_eq!(house.quarantined().await.len(), 5);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_jump_waits_in_quarantine_until_its_split_is_known(pool: PgPool) {
    let mut house = House::new(pool).await;
    house.buy("AAPL", "2014-06-05", 10, 6473).await;
    house.closes("SPY", &[("2014-06-05", "194"), ("2014-06-06", "195"), ("2014-06-09", "195.5"), ("2014-06-10", "195.6")]).await;
    house.closes("AAPL", &[("2014-06-05", "647.35"), ("2014-06-06", "645.57"), ("2014-06-09", "93.70"), ("2014-06-10", "94.25")]).await;
    let ctx = house.run().await;
    verdict(&ctx, "2014-06-10").await;
    let waits = |on: &str| ("AAPL".to_owned(), day(on), "jumps_are_explained".to_owned());
    assert_eq!(house.quarantined().await, [waits("2014-06-09"), waits("2014-06-10")], "the day after agrees with its neighbour alone");
    let message = house.message(&ctx, "jumps_are_explained").await;
    assert!(message.contains("factor of 6.89") && message.contains("7 for 1"), "{message}");
    house.closes("SPY", &[("2014-06-11", "195.7")]).await;
    house.closes("AAPL", &[("2014-06-11", "93.86")]).await;
    verdict(&house.run().await, "2014-06-11").await;
    assert_eq!(house.quarantined().await, [waits("2014-06-09"), waits("2014-06-10"), waits("2014-06-11")], "the symbol stays held");
    house.split("AAPL", "2014-06-09", 7).await;
    let ctx = house.run().await;
    verdict(&ctx, "2014-06-11").await;
    assert_eq!(house.quarantined().await, []);
    let changed =
        sqlx::query_scalar!("select count(*) from ops.change where run_id = $1", ctx.run_id).fetch_one(&house.pool).await.unwrap();
    assert_eq!(changed, Some(1), "the publication takes the price up again");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn who_lets_a_jump_in_lets_in_the_days_that_waited_with_it(pool: PgPool) {
    let mut house = House::new(pool).await;
    house.buy("AAPL", "2014-06-05", 10, 6473).await;
    let sessions = ["2014-06-05", "2014-06-06", "2014-06-09", "2014-06-10", "2014-06-11"];
    house.closes("SPY", &sessions.map(|on| (on, "195"))).await;
    let closes = ["647.35", "645.57", "293.70", "294.25", "901"];
    house.closes("AAPL", &std::array::from_fn::<_, 5, _>(|at| (sessions[at], closes[at]))).await;
    verdict(&house.run().await, "2014-06-11").await;
    assert_eq!(house.quarantined().await.len(), 2, "901 is no jump from 645.57");
    house.closes("AAPL", &[("2014-06-11", "290")]).await;
    verdict(&house.run().await, "2014-06-11").await;
    assert_eq!(house.quarantined().await.len(), 3);
    let mut connection = house.pool.acquire().await.unwrap();
    assert_eq!(server::quality::follow(&mut connection, "AAPL", 1, "a crash", None).await.unwrap(), 0, "nothing was let in");
    sqlx::query!("update ops.quarantine set released_at = clock_timestamp() where session_date = '2014-06-09'")
        .execute(&house.pool)
        .await
        .unwrap();
    assert_eq!(server::quality::follow(&mut connection, "AAPL", 1, "a crash", None).await.unwrap(), 2);
    assert_eq!(house.quarantined().await, []);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_corrected_bar_is_judged_anew(pool: PgPool) {
    let mut house = House::new(pool).await;
    house.buy("AAPL", "2014-06-05", 10, 6473).await;
    house.closes("SPY", &[("2014-06-05", "194"), ("2014-06-06", "195")]).await;
    house.bars(&[("AAPL", "2014-06-05", ["647", "640", "650", "647.35"])]).await;
    house.closes("AAPL", &[("2014-06-06", "64.557")]).await;
    verdict(&house.run().await, "2014-06-06").await;
    assert_eq!(house.quarantined().await.len(), 2);
    house.closes("AAPL", &[("2014-06-05", "647.35"), ("2014-06-06", "645.57")]).await;
    let ctx = house.run().await;
    verdict(&ctx, "2014-06-06").await;
    assert_eq!(house.failing(&ctx).await, []);
    assert_eq!(house.quarantined().await, [], "the wrong versions aren't the latest any more");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn differences_to_the_broker_warn_their_portfolio_and_keep_their_first_day(pool: PgPool) {
    let mut house = House::new(pool).await;
    house.buy("AAPL", "2014-06-05", 10, 6473).await;
    house.closes("SPY", &[("2014-06-05", "194"), ("2014-06-06", "195"), ("2014-06-09", "195.5")]).await;
    house.closes("AAPL", &[("2014-06-05", "647.35"), ("2014-06-06", "645.57"), ("2014-06-09", "650")]).await;
    house.report(1, "2014-06-06", "5.01", &[("AAPL", 10), ("ZEN", 3)]).await;
    let ctx = house.run().await;
    let first = verdict(&ctx, "2014-06-06").await;
    assert_eq!(first.blocks_installation, None);
    assert!(house.message(&ctx, "cash_reconciles").await.contains("reports 5.01 cash, the transactions explain 0.00"));
    house.report(2, "2014-06-09", "0", &[("AAPL", 10), ("ZEN", 3)]).await;
    let ctx = house.run().await;
    verdict(&ctx, "2014-06-09").await;
    let message = house.message(&ctx, "positions_reconcile").await;
    assert!(message.contains("ZEN") && message.contains("since 2014-06-06"), "{message}");
    assert!(!house.failing(&ctx).await.iter().any(|(check, _)| check == "cash_reconciles"));
    let portfolio = sqlx::query_scalar!(
        "select portfolio_id from ops.check_result where run_id = $1 and check_name = 'positions_reconcile'",
        ctx.run_id
    )
    .fetch_one(&house.pool)
    .await
    .unwrap();
    assert_eq!(portfolio, 1);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn doubled_and_unknown_activities_are_listed(pool: PgPool) {
    let mut house = House::new(pool).await;
    house.closes("SPY", &[("2014-06-05", "194")]).await;
    house.closes("AAPL", &[("2014-06-05", "647.35")]).await;
    house.buy("AAPL", "2014-06-05", 10, 6470).await;
    let fill = json!({ "symbol": "AAPL", "side": "buy", "qty": "10", "price": "647", "order_id": "o", "cum_qty": "10" });
    house.activity("a", "FILL", "2014-06-05", fill.clone()).await;
    house.activity("b", "FILL", "2014-06-05", fill).await;
    house.activity("c", "SPIN", "2014-06-05", json!({ "net_amount": "7" })).await;
    let ctx = house.run().await;
    verdict(&ctx, "2014-06-05").await;
    assert_eq!(house.failing(&ctx).await, [failure("activities_are_known", None), failure("transactions_are_unique", None)]);
    assert!(house.message(&ctx, "activities_are_known").await.contains("SPIN"));
    let failures = sqlx::query_scalar!(
        "select failures from ops.check_result where run_id = $1 and check_name = 'transactions_are_unique'",
        ctx.run_id
    )
    .fetch_one(&house.pool)
    .await
    .unwrap();
    assert_eq!(failures, 2, "the same trade by hand and by the broker, and one fill under two ids");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn an_empty_installation_and_a_lost_lease(pool: PgPool) {
    let mut house = House::new(pool).await;
    house.closes("SPY", &[("2014-06-05", "194")]).await;
    let ctx = house.run().await;
    assert_eq!(verdict(&ctx, "2014-06-05").await.blocks_installation, None);
    let ctx = TaskContext { epoch: 2, ..house.run().await };
    assert!(validate(&ctx, day("2014-06-05")).await.is_err(), "another worker has the task");
    assert_eq!(house.failing(&ctx).await, []);
}
