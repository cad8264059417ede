//! The engine of the checks on a real Postgres: each kind clean and dirty, people's own SQL, actions; long because the kinds are a table.

use crate::quality::{House, day, verdict};
use chrono::NaiveDate;
use serde_json::{Value, json};
use server::{
    calendar,
    db::partitions,
    quality::{Action, Check, Outcome, attempt, audit, backtest, kinds, mutate},
};
use sqlx::{AssertSqlSafe, Connection, PgConnection, PgPool};
use std::collections::{BTreeMap, BTreeSet};

const SESSION: &str = "2014-06-30";

/// Three symbols over two months, one portfolio, a broker that agrees, and marts.
async fn filled(pool: &PgPool) {
    partitions::ensure(pool, day("2014-01-01"), day("2014-12-31")).await.unwrap();
    let sessions: Vec<NaiveDate> = calendar::sessions(day("2014-04-01"), day(SESSION));
    let days: Vec<String> = sessions.iter().map(|day| format!("'{day}'")).collect();
    let text = format!(
        r#"insert into raw.market_data (symbol, "timestamp", session_date, open, high, low, close, volume, vendor, response_id)
           select symbol, on_date::date::timestamp at time zone 'America/New_York', on_date::date, 100 + n % 3, 104, 99, 100 + n % 4, 1000 + n % 5, 'polygon', 1
           from unnest(array[{}]) with ordinality as on_day (on_date, n), unnest(array['AAPL', 'MSFT', 'SPY']) as symbol;
           insert into ops.change (symbol, kind, from_date) select distinct symbol, 'bar', date '2014-04-01' from raw.market_data;
           insert into raw.split (symbol, execution_date, split_from, split_to, response_id) values ('IBM', '2014-06-09', 1, 2, 1);
           insert into raw.dividend (symbol, ex_dividend_date, vendor_id, cash_amount, response_id) values ('AAPL', '2014-05-08', 'd', 0.5, 1);
           insert into raw.economic_observation (series_id, observed_on, value, response_id) values ('DGS3MO', '2014-06-27', 0.04, 1);
           insert into raw.reference_close (symbol, session_date, close, vendor, response_id)
           select symbol, session_date, close, 'alpaca', 1 from raw.market_data where session_date = '{SESSION}';
           insert into book.portfolio (owner_id, name) values (1, 'Mine');
           insert into book.account (portfolio_id, name) values (1, 'Broker');
           insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, price, amount, source, entered_by)
           values (1, 1, 1, 1, '2014-04-01', 'deposit', null, null, null, 1000, 'hand', 1), (1, 2, 1, 1, '2014-04-01', 'buy', 'AAPL', 1, 100, 100, 'hand', 1),
                  (1, 3, 1, 1, '2014-04-01', 'buy', 'MSFT', 1, 100, 100, 'hand', 1);
           insert into raw.broker_account (portfolio_id, account_id, external_id, currency, cash, fetched_at, session_date, response_id)
           values (1, 1, 'x', 'USD', 800, '{SESSION} 22:00+00', '{SESSION}', 1);
           {};
           insert into marts.portfolio_daily (portfolio_id, session_date, value, cash, receivable, inflow, outflow, net_contributions, daily_return, carried, positions,
                                              realized, income, costs, brought_in)
           select 1, session_date, 1000, 800, 0, 0, 0, 1000, 0.01, 0, 2, 0, 0, 0, 0 from raw.market_data where symbol = 'SPY';
           insert into marts.holdings (portfolio_id, symbol, session_date, name, sector, quantity, cost, close, value)
           values (1, 'AAPL', '{SESSION}', 'Apple', 'Other', 1, 100, 100, 100), (1, 'MSFT', '{SESSION}', 'Microsoft', 'Other', 1, 100, 100, 100)"#,
        days.join(", "),
        include_str!("../../warehouse/contract.sql")
    );
    sqlx::raw_sql(AssertSqlSafe(text)).execute(pool).await.unwrap();
}

fn check(declared: &Value) -> Check {
    let mut named = declared.clone();
    named["name"] = json!("mine");
    Check::parse(&named).unwrap_or_else(|error| panic!("{error}"))
}

/// A declaration, and what makes it fail.
type Case = (Value, &'static str);

fn cases() -> Vec<Case> {
    vec![
        (
            json!({"dataset": "bars", "kind": "not_null", "column": "volume"}),
            "update raw.market_data set volume = null where symbol = 'AAPL' and session_date = '2014-06-30'",
        ),
        (
            json!({"dataset": "activities", "kind": "not_null", "columns": ["activity_type", "net_amount"]}),
            "insert into raw.broker_activity (portfolio_id, account_id, activity_id, activity_type, activity_date, body, response_id) values (1, 1, 'a', 'FEE', '2014-06-30', '{}', 1)",
        ),
        (
            json!({"dataset": "bars", "kind": "unique", "columns": ["symbol", "session_date"]}),
            "insert into raw.market_data select symbol, \"timestamp\" + interval '3 hours', session_date, open, high, low, close, volume, vwap, trade_count, vendor, response_id from raw.market_data where symbol = 'AAPL' and session_date = '2014-06-30'",
        ),
        (
            json!({"dataset": "dividends", "kind": "unique", "columns": ["symbol", "ex_dividend_date"]}),
            "insert into raw.dividend (symbol, ex_dividend_date, vendor_id, cash_amount, response_id) values ('AAPL', '2014-05-08', 'e', 0.5, 1)",
        ),
        (
            json!({"dataset": "bars", "kind": "range", "column": "close", "min": 1, "max": "high", "where": "symbol = 'AAPL'"}),
            "update raw.market_data set close = 0.5 where symbol = 'AAPL' and session_date = '2014-06-30'",
        ),
        (
            json!({"dataset": "rates", "kind": "range", "column": "value", "max": 20, "strict": true}),
            "update raw.economic_observation set value = 20",
        ),
        (
            json!({"dataset": "entries", "kind": "set", "column": "type", "values": ["buy", "deposit"]}),
            "update book.transaction set type = 'transfer_in' where transaction_id = 2",
        ),
        (
            json!({"dataset": "bars", "kind": "set", "column": "session_date", "values": "sessions"}),
            "update raw.market_data set session_date = '2014-06-29', \"timestamp\" = \"timestamp\" - interval '1 day' where symbol = 'AAPL' and session_date = '2014-06-30'",
        ),
        (
            json!({"dataset": "bars", "kind": "pattern", "column": "vendor", "regex": "^[a-z]+$"}),
            "update raw.market_data set vendor = 'Poly gon' where symbol = 'AAPL' and session_date = '2014-06-30'",
        ),
        (
            json!({"dataset": "bars", "kind": "columns", "columns": {"vwap": "numeric", "symbol": "text"}}),
            "alter table raw.market_data rename column vwap to average",
        ),
        (json!({"dataset": "splits", "kind": "row_count", "min": 1, "max": 1}), "delete from raw.split"),
        (
            json!({"dataset": "bars", "kind": "row_count_against_last", "min": 0.9}),
            "delete from raw.market_data where symbol = 'AAPL' and session_date = '2014-06-30'",
        ),
        (
            json!({"dataset": "rates", "kind": "fresh", "column": "observed_on", "sessions": 3}),
            "update raw.economic_observation set observed_on = '2014-06-02'",
        ),
        (
            json!({"dataset": "marts.holdings", "kind": "referential", "column": "portfolio_id", "to": "marts.portfolio_daily"}),
            "update marts.holdings set portfolio_id = 7 where symbol = 'AAPL'",
        ),
        (
            json!({"dataset": "marts.portfolio_daily", "kind": "balance", "total": "value", "parts": ["cash"], "of": "marts.holdings", "by": ["portfolio_id", "session_date"]}),
            "update marts.holdings set quantity = 2 where symbol = 'AAPL'",
        ),
        (json!({"dataset": "broker_reports", "kind": "reconcile", "of": "cash"}), "update raw.broker_account set cash = cash + 0.01"),
        (
            json!({"dataset": "bars", "kind": "session_gaps"}),
            "delete from raw.market_data where symbol = 'AAPL' and session_date = '2014-06-11'",
        ),
        (
            json!({"dataset": "entries", "kind": "duplicate_transactions"}),
            "insert into raw.broker_activity (portfolio_id, account_id, activity_id, activity_type, activity_date, symbol, side, quantity, price, body, response_id) values (1, 1, 'f', 'FILL', '2014-04-01', 'AAPL', 'buy', 1, 100, '{}', 1)",
        ),
        (
            json!({"dataset": "bars", "kind": "stale", "sessions": 3}),
            "update raw.market_data set close = 100 where symbol = 'AAPL' and session_date >= '2014-06-25'",
        ),
        (
            json!({"dataset": "bars", "kind": "jump", "max": 0.3}),
            "update raw.market_data set open = 50, high = 50, low = 50, close = 50 where symbol = 'AAPL' and session_date = '2014-06-30'",
        ),
        (
            json!({"dataset": "reference_closes", "kind": "cross_source", "tolerance": 0.01}),
            "update raw.reference_close set close = close * 1.02 where symbol = 'AAPL'",
        ),
        (
            json!({"dataset": "bars", "kind": "anomaly", "value": "sum(volume)", "minimum_history": 5, "direction": "up"}),
            "update raw.market_data set volume = 900000 where session_date = '2014-06-30'",
        ),
        (
            json!({"dataset": "marts.portfolio_daily", "kind": "anomaly", "value": "sum(value)", "by": "portfolio_id", "minimum_history": 5, "direction": "down"}),
            "update marts.portfolio_daily set value = 10 where session_date = '2014-06-30'",
        ),
        (
            json!({"dataset": "marts.holdings", "kind": "sql", "sql": "select portfolio_id, symbol from marts.holdings where quantity > 5;"}),
            "update marts.holdings set quantity = 6 where symbol = 'AAPL'",
        ),
    ]
}

async fn says(connection: &mut PgConnection, check: &Check) -> Vec<Outcome> {
    attempt(connection, check).await.unwrap()
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn every_kind_passes_what_is_clean_and_tells_what_isnt(pool: PgPool) {
    filled(&pool).await;
    let mut seen = BTreeSet::new();
    // Each with one symbol that fails, and with two: every result tells its own.
    let with_two = cases().into_iter().map(|(declared, dirt)| (declared, dirt.replace("symbol = 'AAPL'", "symbol in ('AAPL', 'MSFT')")));
    for (declared, dirt) in cases().into_iter().map(|(declared, dirt)| (declared, dirt.to_owned())).chain(with_two) {
        let check = check(&declared);
        seen.insert(check.kind.name());
        // Each on a connection of its own: some change the table's columns.
        let mut connection = PgConnection::connect_with(&pool.connect_options()).await.unwrap();
        let clean = says(&mut connection, &check).await;
        assert!(
            !clean.is_empty() && clean.iter().all(|outcome| outcome.passed),
            "{declared}: {:?}",
            clean.iter().map(|o| &o.message).collect::<Vec<_>>()
        );
        connection.close().await.unwrap();
        let mut connection = PgConnection::connect_with(&pool.connect_options()).await.unwrap();
        let mut dirty = Connection::begin(&mut connection).await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(dirt.clone())).execute(&mut *dirty).await.unwrap();
        let told = says(&mut dirty, &check).await;
        let failing: Vec<&Outcome> = told.iter().filter(|outcome| !outcome.passed).collect();
        assert!(!failing.is_empty(), "{declared} doesn't tell: {dirt}");
        for outcome in failing {
            assert!(outcome.failures > 0 && !outcome.message.contains("couldn't be made"), "{declared}: {}", outcome.message);
            // The query that finds all of them runs as it would be pasted.
            if let Some(query) = &outcome.query {
                let found = sqlx::raw_sql(AssertSqlSafe(query.clone()))
                    .fetch_all(&mut *dirty)
                    .await
                    .unwrap_or_else(|error| panic!("{declared}: {error}\n{query}"));
                // Of a bar that is there twice both are shown; one is too many.
                let beside = u64::from(declared["kind"] == "unique" && declared["dataset"] == "bars");
                assert_eq!(found.len() as u64, outcome.failures + beside, "{declared}: {query}");
            }
        }
        dirty.rollback().await.unwrap();
    }
    let known: BTreeSet<&str> = kinds().iter().map(|kind| kind.name).collect();
    assert_eq!(seen, known, "every kind has a case");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn counts_mean_what_great_expectations_means(pool: PgPool) {
    filled(&pool).await;
    sqlx::raw_sql("update raw.market_data set volume = null where symbol = 'MSFT'; update raw.market_data set volume = -1 where symbol = 'SPY' and session_date >= '2014-06-26'").execute(&pool).await.unwrap();
    let mut connection = pool.acquire().await.unwrap();
    let sessions = calendar::sessions(day("2014-04-01"), day(SESSION)).len() as u64;
    let range = |mostly: f64| check(&json!({"dataset": "bars", "kind": "range", "column": "volume", "min": 0, "mostly": mostly}));
    let told = says(&mut connection, &range(1.0)).await;
    // Missing values are elements, and aren't unexpected.
    assert_eq!((told[0].elements, told[0].missing, told[0].failures, told[0].symbol.as_deref()), (3 * sessions, sessions, 3, Some("SPY")));
    assert_eq!(told[0].unexpected.len(), 3);
    let share = 3.0 / (2.0 * sessions as f64);
    assert!((told[0].said().unexpected_percent.unwrap() - share * 100.0).abs() < 1e-9);
    let bearable = says(&mut connection, &range(1.0 - share)).await;
    assert!(bearable[0].passed && bearable[0].failures == 3, "{}", bearable[0].message);
    assert!(!says(&mut connection, &range(1.0 - share + 0.001)).await[0].passed);
    let null = check(&json!({"dataset": "bars", "kind": "not_null", "column": "volume"}));
    let told = says(&mut connection, &null).await;
    assert_eq!((told[0].missing, told[0].failures), (0, sessions));
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_persons_sql_reads_the_warehouse_and_does_nothing_else(pool: PgPool) {
    filled(&pool).await;
    sqlx::raw_sql("create table auth.secret (word text); insert into auth.secret values ('hidden')").execute(&pool).await.unwrap();
    let mut connection = pool.acquire().await.unwrap();
    let hostile = [
        "select 1; drop table raw.market_data",
        "select 1) as x; drop table raw.market_data; --",
        "select 1) as failing) as told) as numbered; delete from raw.market_data --",
        "reset role",
        "drop table raw.market_data",
        "select * from auth.secret",
        "select * from book.transaction",
        "select * from raw.vendor_response",
        "select set_config('role', 'none', false), query_to_xml('select * from auth.secret', true, false, '')",
        "select set_config('session_authorization', 'postgres', false), query_to_xml('select * from auth.secret', true, false, '')",
        "select query_to_xml('select * from auth.secret', true, false, '')",
        "select pg_read_file('/etc/passwd')",
        "select lo_import('/etc/passwd')",
        "select * from pg_ls_dir('/')",
        "copy raw.split to program 'true'",
        "insert into raw.split values ('X', now(), 1, 1, null, 1) returning *",
        "with gone as (delete from marts.holdings returning *) select * from gone",
        "select pg_terminate_backend(pid) from pg_stat_activity where pid = pg_backend_pid() - 1 and pg_read_file('x') is null",
        "select nextval('book.transaction_id')",
        "select dblink('dbname=postgres', 'select 1')",
    ];
    let before = sqlx::query_scalar!("select count(*) from raw.market_data").fetch_one(&pool).await.unwrap();
    for sql in hostile {
        let told = says(&mut connection, &check(&json!({"dataset": "marts.holdings", "kind": "sql", "sql": sql}))).await;
        assert!(told[0].message.contains("couldn't be made"), "{sql}: {:?}", told[0]);
        assert!(!format!("{told:?}").contains("hidden"), "{sql}");
    }
    // What Postgres quotes of a row is nobody's to read; what it says of the text itself helps.
    let held = "(select string_agg(symbol || ' v' || quantity, '') from marts.holdings)";
    let quoting = [
        (format!("select cast({held} as int)"), "of the form that its type has (Postgres' code 22P02)"),
        (format!("select {held}::regclass"), "it names what isn't there"),
        (format!("select query_to_xml('select ' || quote_ident({held}), true, false, '')"), "it names what isn't there"),
        (format!("select current_setting({held})"), "it names what isn't there"),
        (format!("select json_object({held}::text[])"), "Postgres' code 22"),
        (format!("select 1 / (length({held}) - length({held}))"), "it divides by zero"),
        ("select nowhere from marts.holdings".to_owned(), "column \"nowhere\" does not exist"),
        ("select * from auth.secret".to_owned(), "may not read (auth)"),
    ];
    for (sql, said) in quoting {
        let check = check(&json!({"dataset": "marts.holdings", "kind": "sql", "sql": &sql}));
        let told = says(&mut connection, &check).await;
        assert!(told[0].message.contains(said) && !told[0].message.contains(" v"), "{sql}: {}", told[0].message);
        let message = server::quality::backtest(&mut connection, &check, 5).await.unwrap_err().to_string();
        assert!(message.contains(said) && !message.contains(" v"), "{sql}: {message}");
    }
    let slow = std::time::Instant::now();
    let told = says(&mut connection, &check(&json!({"dataset": "marts.holdings", "kind": "sql", "sql": "select pg_sleep(60)"}))).await;
    assert!(told[0].message.contains("took longer than") && slow.elapsed().as_secs() < 20, "{}", told[0].message);
    let lasting =
        "select set_config('search_path', 'nowhere', false), pg_advisory_lock(4711), set_config('statement_timeout', '1ms', false)";
    says(&mut connection, &check(&json!({"dataset": "marts.holdings", "kind": "sql", "sql": lasting}))).await;
    let left = sqlx::query!(
        "select current_user = session_user as same, current_setting('search_path') as path, current_setting('statement_timeout') as limited,
                (select count(*) from pg_locks where locktype = 'advisory' and objid = 4711) as locks"
    )
    .fetch_one(&mut *connection)
    .await
    .unwrap();
    assert_eq!((left.same, left.locks), (Some(true), Some(0)));
    assert!(left.path != Some("nowhere".into()) && left.limited == Some("0".into()));
    assert_eq!(sqlx::query_scalar!("select count(*) from raw.market_data").fetch_one(&pool).await.unwrap(), before);
    let allowed = check(
        &json!({"dataset": "marts.holdings", "kind": "sql", "sql": "select h.symbol, h.portfolio_id from marts.holdings h join raw.market_data b using (symbol) where b.session_date = '2014-06-30'"}),
    );
    let told = says(&mut connection, &allowed).await;
    assert_eq!(
        told.iter().map(|outcome| (outcome.portfolio_id, outcome.symbol.as_deref())).collect::<Vec<_>>(),
        [(1, Some("AAPL")), (1, Some("MSFT"))]
    );
}

/// Saves a rule as the rules' page does.
async fn saved(house: &House, name: &str, definition: Value) {
    sqlx::query!(
        "insert into book.check_rule (rule_id, version, name, definition, entered_by) values (nextval('book.rule_id'), 1, $1, $2, 1)",
        name,
        definition
    )
    .execute(&house.pool)
    .await
    .unwrap();
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_symbol_is_blocked_alone_and_accepted_where_a_person_says_so(pool: PgPool) {
    let mut house = House::new(pool).await;
    house.buy("AAPL", "2014-06-05", 10, 6473).await;
    house.buy("MSFT", "2014-06-05", 10, 400).await;
    house.closes("SPY", &[("2014-06-05", "194"), ("2014-06-06", "195")]).await;
    house.closes("MSFT", &[("2014-06-05", "40"), ("2014-06-06", "41")]).await;
    house.closes("AAPL", &[("2014-06-05", "647.35"), ("2014-06-06", "645.57")]).await;
    saved(&house, "not_so_dear", json!({"dataset": "bars", "kind": "range", "column": "close", "max": 646, "scope": "symbol", "action": "block", "severity": "error"})).await;
    saved(&house, "unreadable", json!({"dataset": "bars", "kind": "range", "column": "clsoe", "max": 646})).await;
    saved(
        &house,
        "divides_by_nothing",
        json!({"dataset": "bars", "kind": "range", "column": "close", "max": 1, "where": "close / (close - close) > 1"}),
    )
    .await;
    let ctx = house.run().await;
    let first = verdict(&ctx, "2014-06-06").await;
    assert_eq!(first.blocks_installation, None);
    let blocked: Vec<_> = house.quarantined().await;
    assert_eq!(
        blocked.iter().map(|(symbol, ..)| symbol.as_str()).collect::<Vec<_>>(),
        ["AAPL", "AAPL"],
        "both of its new bars, and nobody else's"
    );
    assert!(house.message(&ctx, "unreadable").await.contains("clsoe"));
    assert!(house.message(&ctx, "divides_by_nothing").await.contains("division by zero"));
    let repairs = sqlx::query_scalar!(
        "select repairs from ops.check_result where run_id = $1 and check_name = 'not_so_dear' and not passed",
        ctx.run_id
    )
    .fetch_one(&house.pool)
    .await
    .unwrap();
    let kinds: Vec<&str> = repairs.as_array().unwrap().iter().filter_map(|repair| repair["kind"].as_str()).collect();
    assert_eq!(kinds, ["fetch", "price", "release", "discard", "accept"]);
    sqlx::query!("insert into book.acceptance (check_name, symbol, note, expires_on, accepted_by) values ('not_so_dear', 'AAPL', 'known', '2014-12-31', 1)")
        .execute(&house.pool)
        .await
        .unwrap();
    sqlx::query!("delete from ops.quarantine").execute(&house.pool).await.unwrap();
    verdict(&ctx, "2014-06-06").await;
    assert_eq!(house.quarantined().await, [], "told, and blocks nothing");
    let accepted = sqlx::query_scalar!(
        "select acceptance_id from ops.check_result where run_id = $1 and check_name = 'not_so_dear' and not passed",
        ctx.run_id
    )
    .fetch_one(&house.pool)
    .await
    .unwrap();
    assert!(accepted.is_some());
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_wrong_dividend_is_kept_out_until_a_person_decides(pool: PgPool) {
    let mut house = House::new(pool).await;
    house.buy("AAPL", "2014-06-05", 10, 6473).await;
    house.closes("SPY", &[("2014-06-05", "194"), ("2014-06-06", "195")]).await;
    house.closes("AAPL", &[("2014-06-05", "647.35"), ("2014-06-06", "645.57")]).await;
    sqlx::query!("insert into raw.dividend (symbol, ex_dividend_date, vendor_id, cash_amount, response_id) values ('AAPL', '2014-06-06', 'd', 329, 4)")
        .execute(&house.pool)
        .await
        .unwrap();
    let ctx = house.run().await;
    verdict(&ctx, "2014-06-06").await;
    let kept =
        sqlx::query!("select dataset, symbol, row_key, check_name, refused from ops.quarantine").fetch_one(&house.pool).await.unwrap();
    assert_eq!((kept.dataset.as_str(), kept.row_key.as_str(), kept.check_name.as_str()), ("dividends", "d", "dividends_are_plausible"));
    assert_eq!(kept.refused["cash_amount"].to_string(), "329.0000000000");
    let change = sqlx::query_scalar!("select kind from ops.change where run_id = $1", ctx.run_id).fetch_one(&house.pool).await.unwrap();
    assert_eq!(change, "dividend");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn an_audit_blocks_one_portfolio_and_looks_where_the_models_are_now(pool: PgPool) {
    filled(&pool).await;
    sqlx::raw_sql(
        "create table marts.holdings__new as select * from marts.holdings; update marts.holdings__new set quantity = 3 where symbol = 'AAPL';
         insert into book.check_rule (rule_id, version, name, definition, entered_by)
         values (nextval('book.rule_id'), 1, 'few_of_each', '{\"dataset\": \"marts.holdings\", \"kind\": \"sql\", \"sql\": \"select * from marts.holdings where quantity > 2\"}', 1)",
    )
    .execute(&pool)
    .await
    .unwrap();
    let relations = BTreeMap::from([("marts.holdings".to_owned(), "marts.holdings__new".to_owned())]);
    let mut tx = pool.begin().await.unwrap();
    let told = audit(&mut tx, &relations, 9, day(SESSION), day(SESSION)).await.unwrap();
    let failing: Vec<_> =
        told.iter().filter(|outcome| !outcome.passed).map(|outcome| (outcome.check.name.as_str(), outcome.portfolio_id)).collect();
    assert_eq!(failing, [("value_is_positions_and_cash", 1), ("few_of_each", 1)]);
    assert!(told.iter().any(|outcome| outcome.blocks() && outcome.check.action == Action::Block));
    let held_back = sqlx::query_scalar!(
        "select portfolio_id from ops.check_result where run_id = 9 and scope = 'portfolio' and action in ('block', 'fail') and not passed and acceptance_id is null"
    )
    .fetch_all(&mut *tx)
    .await
    .unwrap();
    assert_eq!(held_back, [1]);
    let clean = audit(&mut tx, &BTreeMap::new(), 9, day(SESSION), day(SESSION)).await.unwrap();
    assert!(clean.iter().all(|outcome| outcome.passed), "{:?}", clean.iter().filter(|outcome| !outcome.passed).collect::<Vec<_>>());
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_backtest_says_when_a_rule_would_have_fired(pool: PgPool) {
    filled(&pool).await;
    let mut connection = pool.acquire().await.unwrap();
    for (declared, dirt) in cases() {
        backtest(&mut connection, &check(&declared), 250).await.unwrap_or_else(|error| panic!("{declared}: {error}"));
        let _ = dirt;
    }
    sqlx::raw_sql("update raw.market_data set open = 50, high = 50, low = 50, close = 50 where symbol = 'AAPL' and session_date in ('2014-05-15', '2014-06-18')").execute(&pool).await.unwrap();
    let mut said = async |declared: Value, sessions| backtest(&mut connection, &check(&declared), sessions).await;
    let mut fired_on = async |declared: Value, sessions| said(declared, sessions).await.unwrap().unwrap();
    let jump = json!({"dataset": "bars", "kind": "jump"});
    let fired = fired_on(jump.clone(), 250).await;
    assert_eq!(fired.iter().map(|fired| fired.session).collect::<Vec<_>>(), [day("2014-05-15"), day("2014-06-18")]);
    assert_eq!(fired[0].sample.as_ref().unwrap()["symbol"], "AAPL");
    assert_eq!(fired_on(jump, 10).await.len(), 1, "the last ten sessions alone");
    // One of three symbols fails on those days.
    for (mostly, expect) in [(1.0, 2), (0.67, 2), (0.66, 0)] {
        for declared in [
            json!({"dataset": "bars", "kind": "range", "column": "close", "min": 60, "mostly": mostly}),
            json!({"dataset": "bars", "kind": "jump", "mostly": mostly}),
        ] {
            assert_eq!(fired_on(declared.clone(), 250).await.len(), expect, "{declared}");
        }
    }
    // Of one alone, all.
    let alone = json!({"dataset": "bars", "kind": "range", "column": "close", "min": 60, "mostly": 0.66, "where": "symbol = 'AAPL'"});
    assert_eq!(fired_on(alone, 250).await.len(), 2);
    let sql = json!({"dataset": "bars", "kind": "sql", "sql": "select symbol, session_date from raw.market_data where close < 60"});
    assert_eq!(fired_on(sql, 250).await.len(), 2);
    let broken = json!({"dataset": "bars", "kind": "sql", "sql": "select nothing"});
    assert!(said(broken, 250).await.unwrap_err().to_string().contains("couldn't be made"));
    // What isn't kept isn't told as if it were.
    let columns = json!({"dataset": "bars", "kind": "columns", "columns": {"nothing": "text"}});
    assert_eq!(said(columns, 250).await.unwrap(), None);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn every_known_defect_is_caught_and_a_good_batch_raises_no_alarm(pool: PgPool) {
    // A run before this one was killed.
    let forsaken: String =
        sqlx::query_scalar("select format('plumbline_mutation_%s_00000001', oid) from pg_database where datname = current_database()")
            .fetch_one(&pool)
            .await
            .unwrap();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!("create database {forsaken}"))).execute(&pool).await.unwrap();
    let report = mutate(&pool).await.unwrap();
    let is_left: bool =
        sqlx::query_scalar("select exists (select from pg_database where datname = $1)").bind(&forsaken).fetch_one(&pool).await.unwrap();
    assert!(!is_left, "the database of a run that was killed is dropped by the next");
    assert_eq!(report.false_alarms, Vec::<String>::new());
    let missed: Vec<_> = report.mutations.iter().filter(|mutation| !mutation.is_caught).collect();
    assert!(missed.is_empty(), "{missed:#?}");
    assert!(report.mutations.len() >= 24);
}
