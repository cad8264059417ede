//! From a close to the vendor's bytes: the hash, the field, and who may see them. Restatements with their reasons.

use super::known::{OWNER, of, ports, publish_on};
use crate::{
    market::{on, open, sql, task, text},
    visitor::{Visitor, site},
};
use app::{
    domain::UserId,
    error::AppError,
    explain::{model::Asked, recipe::Answer},
};
use axum::http::StatusCode;
use chrono::NaiveDate;
use server::{
    auth::{Role, people::NewPerson},
    calendar,
    pipeline::publish,
};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

pub const PASSWORD: &str = "correct horse battery";

/// A vendor's answer, kept by a run of its own.
pub async fn kept(pool: &PgPool, endpoint: &str, body: &str) -> (i64, i64) {
    let run_id = task(pool).await.run_id;
    let response_id = sqlx::query_scalar(
        "insert into raw.vendor_response (vendor, connection_id, endpoint, request, status, body_zstd, body_bytes, body_sha256, run_id)
         values (split_part($1, '.', 1), 1, $1, '/v2/aggs/grouped?adjusted=false', 200, $2, $3, $4, $5) returning response_id",
    )
    .bind(endpoint)
    .bind(zstd::bulk::compress(body.as_bytes(), 1).unwrap())
    .bind(i32::try_from(body.len()).unwrap())
    .bind(Sha256::digest(body.as_bytes()).to_vec())
    .bind(run_id)
    .fetch_one(pool)
    .await
    .unwrap();
    (response_id, run_id)
}

/// An answer of Polygon's with the closes of a session, landed as the pipeline does.
pub async fn answer(pool: &PgPool, day: NaiveDate, closes: &[(&str, &str)]) -> i64 {
    let rows: Vec<String> = closes
        .iter()
        .map(|(symbol, close)| {
            format!(
                r#"{{"T":"{symbol}","v":1.1e+06,"o":{close},"c":{close},"h":{close},"l":{close},"t":{}}}"#,
                calendar::midnight(day).timestamp_millis()
            )
        })
        .collect();
    let body = format!(r#"{{"adjusted":false,"results":[{}],"status":"OK"}}"#, rows.join(","));
    let (response_id, run_id) = kept(pool, "polygon.grouped", &body).await;
    for (symbol, close) in closes {
        sql(
            pool,
            &format!(
                "insert into raw.market_data (symbol, \"timestamp\", session_date, open, high, low, close, volume, vendor, response_id)
                 values ('{symbol}', '{}', '{day}', {close}, {close}, {close}, {close}, 1000, 'polygon', {response_id});
                 insert into ops.change (symbol, kind, from_date, run_id) values ('{symbol}', 'bar', '{day}', {run_id})",
                calendar::midnight(day).to_rfc3339()
            ),
        )
        .await;
    }
    response_id
}

pub async fn person(pool: &PgPool, name: &str) -> UserId {
    let person = NewPerson { name: name.into(), display_name: name.into(), role: Role::Member, password: PASSWORD.into() };
    person.prepare().await.unwrap().insert(&mut pool.acquire().await.unwrap(), None).await.unwrap()
}

/// Ada's portfolio holds Apple, Bob's Microsoft.
pub async fn begin(pool: &PgPool) -> Vec<NaiveDate> {
    open(pool).await;
    assert_eq!(person(pool, "ada").await, OWNER);
    person(pool, "bob").await;
    sql(
        pool,
        "delete from raw.split; delete from raw.dividend;
         update book.portfolio set owner_id = 2 where portfolio_id = 2;
         insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, price, amount, source, entered_by) values
             (1, 1001, 1, 1, '2014-05-01', 'deposit', null, null, null, 20000, 'hand', 1), (1, 1002, 1, 1, '2014-05-02', 'buy', 'AAPL', 10, 600, 6000, 'hand', 1),
             (2, 1003, 1, 2, '2014-05-01', 'deposit', null, null, null, 9000, 'hand', 2), (2, 1004, 1, 2, '2014-05-02', 'buy', 'MSFT', 100, 40, 4000, 'hand', 2);
         insert into ops.change (portfolio_id, kind, from_date) values (1, 'transaction', '2014-05-01'), (2, 'transaction', '2014-05-01')",
    )
    .await;
    let sessions = calendar::sessions(on("2014-05-01"), on("2014-05-16"));
    for (number, day) in sessions.iter().enumerate() {
        let (apple, microsoft, spy) = (format!("{}.25", 600 + number), format!("{}.5", 40 + number), format!("{}.125", 188 + number));
        answer(pool, *day, &[("AAPL", &apple), ("MSFT", &microsoft), ("SPY", &spy)]).await;
        publish_on(pool, *day, publish::Scope::All).await;
    }
    sessions
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_close_leads_to_its_bytes_and_to_nobody_elses(pool: PgPool) {
    let sessions = begin(&pool).await;
    let (ports, day) = (ports(&pool), sessions[5]);
    let asked = Asked { figure: "close".into(), scope: of(1, None), symbol: Some("AAPL".into()), session: Some(day), ..Asked::default() };
    let explained = ports.explanations.explain(OWNER, asked.clone()).await.unwrap();
    let quote = &explained.quotes[0];
    assert_eq!((quote.marked.as_str(), &explained.value), ("605.25", &Ok(Answer::Price("605.25".parse().unwrap()))));
    assert!(quote.is_intact && quote.request.starts_with("/v2/aggs/grouped") && quote.run_id.is_some());

    let site = site(&pool);
    let mut ada = Visitor::new(&site);
    ada.sign_in("ada", PASSWORD).await;
    let bytes_at = quote.bytes_at.as_deref().unwrap();
    let body = ada.get(bytes_at).await;
    assert_eq!(body.status, StatusCode::OK);
    assert_eq!(hex::encode(Sha256::digest(body.body.as_bytes())), quote.sha256);
    let (from, to) = quote.field.unwrap();
    assert_eq!(&body.body[from..to], "605.25");
    for page in ["/explain/close?symbol=AAPL&session=2014-05-08", "/explain/time_weighted?range=Max", "/restatements"] {
        assert_eq!(ada.get(page).await.status, StatusCode::OK, "{page}");
    }
    let page = ada.get("/explain/close?symbol=AAPL&session=2014-05-08").await.body;
    let mark = page.find("<mark").map_or("no mark", |at| &page[at..(at + 80).min(page.len())]);
    assert!(page.contains(&quote.sha256) && mark.contains("605.25"), "{mark}");
    let json = ada.get("/api/explain/time_weighted.json?range=Max").await;
    let read: app::explain::model::Explanation = serde_json::from_str(&json.body).unwrap();
    assert_eq!(read.value, read.recipe.work_out());
    for (path, status) in [
        ("/api/explain/time_weighted.json?portfolio=2", StatusCode::NOT_FOUND),
        ("/api/explain/time_weighted.json?portfolio=x", StatusCode::NOT_FOUND),
        ("/api/explain/time_weighted.json?as_known_on=yesterday", StatusCode::BAD_REQUEST),
        ("/api/explain/time_weighted.json?as_known_on=2999-01-01", StatusCode::BAD_REQUEST),
        ("/api/explain/time_weighted.json?range=2Y", StatusCode::BAD_REQUEST),
        ("/api/explain/time_weighted.json?against=gold", StatusCode::BAD_REQUEST),
        ("/api/explain/rolling.json?rolling=volatility&window=100", StatusCode::BAD_REQUEST),
        ("/api/explain/rolling.json?rolling=luck&window=63", StatusCode::BAD_REQUEST),
        ("/api/performance.json?as_known_on=2014-02-30", StatusCode::BAD_REQUEST),
        ("/api/explain/response/1?activity=%00", StatusCode::BAD_REQUEST),
        ("/api/explain/close.json?symbol=AAPL&session=2200-01-01", StatusCode::NOT_FOUND),
        ("/explain/close?symbol=AAPL&session=-262143-01-01", StatusCode::OK),
        ("/api/explain/close.json?symbol=AAPL&session=then", StatusCode::BAD_REQUEST),
        ("/api/explain/close.json?symbol=MSFT&session=2014-05-08", StatusCode::NOT_FOUND),
        ("/api/explain/close.json?symbol=%27%3B--", StatusCode::NOT_FOUND),
        ("/api/explain/wealth.json", StatusCode::NOT_FOUND),
        ("/api/explain/value", StatusCode::NOT_FOUND),
        ("/explain/wealth", StatusCode::NOT_FOUND),
        ("/explain/value?portfolio=2", StatusCode::NOT_FOUND),
        ("/api/explain/response/1?symbol=MSFT&session=2014-05-01", StatusCode::NOT_FOUND),
        ("/api/explain/response/1?symbol=AAPL&session=2014-05-02", StatusCode::NOT_FOUND),
        ("/api/explain/response/1?portfolio=2&symbol=MSFT&session=2014-05-01", StatusCode::NOT_FOUND),
        ("/api/explain/response/1", StatusCode::NOT_FOUND),
        ("/api/explain/response/999999?symbol=AAPL&session=2014-05-01", StatusCode::NOT_FOUND),
        ("/api/restatements.json?portfolio=2", StatusCode::NOT_FOUND),
        ("/api/restatements.json", StatusCode::OK),
    ] {
        assert_eq!(ada.get(path).await.status, status, "{path}");
    }
    for path in [bytes_at, "/api/explain/value.json", "/api/restatements.json"] {
        assert_eq!(Visitor::new(&site).get(path).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }

    // Bytes that are no longer what came say so.
    sql(&pool, &format!("update raw.vendor_response set body_sha256 = '\\x00' where response_id = {}", quote.response_id)).await;
    assert!(!ports.explanations.explain(OWNER, asked).await.unwrap().quotes[0].is_intact);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_restatement_says_what_moved_and_why(pool: PgPool) {
    let sessions = begin(&pool).await;
    let (ports, last) = (ports(&pool), *sessions.last().unwrap());
    let kinds = async || {
        let page = ports.explanations.restatements(OWNER, of(1, None), 1).await.unwrap();
        page.rows.iter().map(|row| row.reasons.iter().map(|reason| reason.kind.clone()).collect::<Vec<_>>().join(" ")).collect::<Vec<_>>()
    };
    assert_eq!(kinds().await, Vec::<String>::new());
    assert_eq!(ports.portfolios.overview(OWNER, of(1, None)).await.unwrap().unwrap().restated.ever, 0);

    // A corrected close, by a run that we can name.
    let correction = answer(&pool, sessions[3], &[("AAPL", "590.75")]).await;
    publish_on(&pool, last, publish::Scope::All).await;
    let page = ports.explanations.restatements(OWNER, of(1, None), 1).await.unwrap();
    let row = &page.rows[0];
    assert_eq!((row.sessions, row.first, row.last), (2, sessions[3], sessions[4]), "its value, and the return after it");
    let moved = &row.days[0].moved[0];
    assert_eq!((moved.figure.as_str(), moved.old.as_str(), moved.new.as_str()), ("Value", "20,032.50", "19,907.50"));
    assert_eq!(row.reasons.len(), 1);
    let why = &row.reasons[0];
    assert_eq!(why.said, "AAPL closed at 590.75 on 6 May 2014, not at 603.25.");
    assert_eq!((why.response_id, why.symbol.as_deref()), (Some(correction), Some("AAPL")));
    assert_eq!(
        text(&pool, &format!("select run_id::text from raw.vendor_response where response_id = {correction}")).await,
        why.run_id.unwrap().to_string()
    );
    let shown = ports.portfolios.overview(OWNER, of(1, None)).await.unwrap().unwrap().restated;
    assert_eq!((shown.is_last, shown.in_range, shown.ever), (false, 2, 2));
    assert_eq!(ports.portfolios.performance(OWNER, of(1, None)).await.unwrap().unwrap().restated, shown);
    assert!(!ports.portfolios.holdings(OWNER, of(1, None)).await.unwrap().unwrap().is_restated);

    // A late split, an edited and a deleted transaction, a changed model.
    sql(
        &pool,
        &format!(
            "insert into raw.vendor_response (vendor, connection_id, endpoint, request, status, body_zstd, body_bytes, body_sha256)
             values ('polygon', 1, 'polygon.splits', '/', 200, '', 0, '');
             insert into raw.split select 'AAPL', '{}', 1, 7, 's1', max(response_id) from raw.vendor_response;
             insert into ops.change (symbol, kind, from_date) values ('AAPL', 'split', '{}')",
            sessions[6], sessions[6]
        ),
    )
    .await;
    publish_on(&pool, last, publish::Scope::All).await;
    for (version, amount, is_deleted) in [(2, 21_000, false), (3, 21_000, true)] {
        sql(
            &pool,
            &format!(
                "insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, amount, source, is_deleted, entered_by)
                 values (1, 1001, {version}, 1, '2014-05-01', 'deposit', {amount}, 'hand', {is_deleted}, 1);
                 insert into ops.change (portfolio_id, kind, from_date) values (1, 'transaction', '2014-05-01')"
            ),
        )
        .await;
        publish_on(&pool, last, publish::Scope::All).await;
    }
    sql(
        &pool,
        "insert into ops.quarantine (symbol, session_date, check_name, reason, response_id, run_id)
         select symbol, session_date, 'jumps', 'It jumped.', response_id, (select max(run_id) + 1 from ops.run) from raw.market_data
         where symbol = 'AAPL' and session_date = '2014-05-14'",
    )
    .await;
    publish_on(&pool, last, publish::Scope::All).await;
    assert_eq!(kinds().await, ["quarantine", "transaction", "transaction", "split", "bar"]);
    let page = ports.explanations.restatements(OWNER, of(1, None), 1).await.unwrap();
    assert_eq!(page.rows[1].reasons[0].said, "Deposit on 1 May 2014, 21,000.00: deleted.");
    assert_eq!(page.rows[1].reasons[0].who.as_deref(), Some("ada"));
    assert_eq!(page.rows[2].reasons[0].said, "Deposit on 1 May 2014, 21,000.00: corrected; before: Deposit on 1 May 2014, 20,000.00.");
    assert_eq!(page.rows[3].reasons[0].said, format!("AAPL split 7 for 1 on {}.", app::format::date(sessions[6])));
    let known = ports.explanations.restatements(OWNER, of(1, Some(sessions[3])), 1).await.unwrap();
    assert!(known.rows.is_empty(), "on that day nothing had been restated");

    // Bob's portfolio holds none of it.
    let theirs = ports.explanations.restatements(UserId(2), of(2, None), 1).await.unwrap();
    assert!(theirs.rows.is_empty(), "{theirs:?}");
    let refused = ports.explanations.restatements(UserId(2), of(1, None), 1).await.unwrap_err();
    assert!(matches!(refused, AppError::NotFound));

    // A model that was another before.
    sql(&pool, "comment on view staging.transactions is 'an earlier version'; update ops.published_portfolio_day set value = value + 1 where portfolio_id = 1").await;
    publish_on(&pool, last, publish::Scope::All).await;
    let page = ports.explanations.restatements(OWNER, of(1, None), 1).await.unwrap();
    assert_eq!(page.rows[0].reasons[0].said, "The model staging.transactions became another version.");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn the_benchmarks_restatements_are_listed_and_marked_too(pool: PgPool) {
    let sessions = begin(&pool).await;
    let (ports, last) = (ports(&pool), *sessions.last().unwrap());
    let correction = answer(&pool, sessions[3], &[("SPY", "190.5")]).await;
    publish_on(&pool, last, publish::Scope::All).await;
    let page = ports.explanations.restatements(OWNER, of(1, None), 1).await.unwrap();
    let row = &page.rows[0];
    assert_eq!(
        (row.sessions, row.benchmark_sessions, row.first, row.last),
        (0, 2, sessions[3], sessions[4]),
        "its return, and the one after it"
    );
    let moved = &row.days[0].moved[0];
    assert_eq!((moved.figure.as_str(), moved.old.as_str(), moved.new.as_str()), ("Return of SPY", "+0.53\u{202f}%", "+0.20\u{202f}%"));
    assert_eq!(row.reasons.len(), 1);
    assert_eq!(
        (row.reasons[0].said.as_str(), row.reasons[0].response_id),
        ("SPY closed at 190.50 on 6 May 2014, not at 191.125.", Some(correction))
    );
    let shown = ports.portfolios.overview(OWNER, of(1, None)).await.unwrap().unwrap().restated;
    assert_eq!((shown.ever, shown.benchmark_in_range), (0, 2));
    let asked = Asked { figure: "benchmark_return".into(), scope: of(1, None), ..Asked::default() };
    let explained = ports.explanations.explain(OWNER, asked).await.unwrap();
    assert_eq!(
        explained.inputs.iter().filter(|input| input.notes.contains(&"restated".to_owned())).count(),
        1,
        "of the ten that moved it most"
    );
    let known = ports.explanations.restatements(OWNER, of(1, Some(sessions[5])), 1).await.unwrap();
    assert!(known.rows.is_empty(), "on that day nothing had been restated");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn what_was_booked_is_shown_as_it_was_known(pool: PgPool) {
    let sessions = begin(&pool).await;
    let ports = ports(&pool);
    sql(
        &pool,
        "insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, amount, source, is_deleted, entered_by)
         values (1, 1001, 2, 1, '2014-05-01', 'deposit', 21000, 'hand', false, 1);
         insert into ops.change (portfolio_id, kind, from_date) values (1, 'transaction', '2014-05-01')",
    )
    .await;
    publish_on(&pool, *sessions.last().unwrap(), publish::Scope::All).await;
    let rows = async |figure: &str, symbol: Option<&str>, known: Option<NaiveDate>| {
        let asked = Asked {
            figure: figure.into(),
            scope: of(1, known),
            symbol: symbol.map(Into::into),
            session: Some(sessions[0]),
            ..Asked::default()
        };
        let rows = ports.explanations.explain(OWNER, asked).await.unwrap().rows;
        rows.into_iter().map(|row| (row.table, row.columns)).collect::<Vec<_>>()
    };
    let column = |rows: &[(String, Vec<(String, String)>)], table: &str, name: &str| {
        let row = rows.iter().find(|(of, _)| of == table).unwrap_or_else(|| panic!("{table}: {rows:?}"));
        row.1.iter().find(|(of, _)| of == name).map(|(_, value)| value.clone()).unwrap_or_default()
    };
    let now = rows("daily_return", None, None).await;
    assert_eq!(
        (column(&now, "staging.transactions", "version"), column(&now, "staging.transactions", "amount")),
        ("2".into(), "21000".into())
    );
    assert_eq!(column(&now, "ledger.portfolio_day", "total_inflow"), "21000");
    let then = rows("daily_return", None, Some(sessions[5])).await;
    assert_eq!((column(&then, "book.transaction", "version"), column(&then, "book.transaction", "amount")), ("1".into(), "20000".into()));
    let of_holding = rows("holding_value", Some("AAPL"), Some(sessions[5])).await;
    assert_eq!(
        (column(&of_holding, "book.transaction", "type"), column(&of_holding, "book.transaction", "quantity")),
        ("buy".into(), "10".into())
    );
    assert_eq!(of_holding.iter().filter(|(table, _)| table == "book.transaction").count(), 1, "of this symbol alone");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_later_decision_is_no_reason_for_what_moved_before(pool: PgPool) {
    let sessions = begin(&pool).await;
    let (ports, last, day) = (ports(&pool), *sessions.last().unwrap(), sessions[3]);
    let reasons = async |publication: usize| {
        let page = ports.explanations.restatements(OWNER, of(1, None), 1).await.unwrap();
        let newest_last: Vec<_> = page.rows.into_iter().rev().collect();
        newest_last[publication].reasons.iter().map(|reason| format!("{}: {}", reason.kind, reason.said)).collect::<Vec<_>>()
    };
    let decided = async |what: &str| {
        let change = format!("insert into ops.change (symbol, kind, from_date) values ('AAPL', 'bar', '{day}')");
        sql(&pool, &format!("{change}; {what}")).await;
        publish_on(&pool, last, publish::Scope::All).await;
    };
    // The bar is set aside, and a person enters what was in the paper.
    decided(&format!(
        "insert into ops.quarantine (symbol, session_date, check_name, reason, response_id, run_id)
         select symbol, session_date, 'jumps', 'It jumped.', response_id, (select max(run_id) + 1 from ops.run) from raw.market_data
         where symbol = 'AAPL' and session_date = '{day}';
         insert into book.price (symbol, session_date, version, close, note, entered_by) values ('AAPL', '{day}', 1, 600, 'from the paper', 1)"
    ))
    .await;
    let before = reasons(0).await;
    assert_eq!(
        before,
        ["quarantine: AAPL, close of 6 May 2014: set aside. It jumped.", "price: AAPL, close of 6 May 2014: entered by hand, 600."]
    );
    decided("update ops.quarantine set released_at = clock_timestamp(), decided_by = 1 where symbol = 'AAPL'").await;
    assert_eq!(reasons(0).await, before, "what was told of it stays");
    assert_eq!(reasons(1).await, ["released: AAPL, close of 6 May 2014: released."]);
    // Set aside again, the person's close counts; the next bar is measured by that.
    decided("update ops.quarantine set released_at = null, decided_by = null where symbol = 'AAPL'").await;
    answer(&pool, day, &[("AAPL", "601.5")]).await;
    publish_on(&pool, last, publish::Scope::All).await;
    assert_eq!(reasons(3).await, ["bar: AAPL closed at 601.50 on 6 May 2014, not at 600.00."]);
}
