//! Yields, exchange rates and a second vendor's closes lead to their bytes: to those that were read, and to nobody else's.

use super::{
    bytes::{PASSWORD, answer, begin, kept},
    known::{OWNER, of, ports, publish_on},
};
use crate::{
    market::{bar, on, sql},
    visitor::{Visitor, site},
};
use app::{
    domain::{Benchmark, Scope},
    explain::model::{Asked, Explanation},
};
use axum::http::StatusCode;
use server::{calendar, pipeline::publish};
use sha2::{Digest, Sha256};
use sqlx::PgPool;

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn yields_and_exchange_rates_lead_to_their_bytes(pool: PgPool) {
    let sessions = begin(&pool).await;
    let (ports, day) = (ports(&pool), *sessions.last().unwrap());
    let (yields, _) =
        kept(&pool, "fred.observations", r#"{"observations":[{"date":"2014-05-14","value":"0.03"},{"date":"2014-05-15","value":"."}]}"#)
            .await;
    let noon = format!("{day}T12:00:00Z").parse::<chrono::DateTime<chrono::Utc>>().unwrap().timestamp_millis();
    let (rates, _) = kept(&pool, "polygon.exchange", &format!(r#"{{"results":[{{"t":{noon},"c":1.3705}}]}}"#)).await;
    sql(
        &pool,
        &format!(
            "insert into raw.economic_observation (series_id, observed_on, value, response_id) values
                 ('DGS3MO', '2014-05-14', 0.03, {yields}), ('DGS3MO', '2014-05-15', null, {yields});
             insert into raw.exchange_rate (currency, quote, quoted_on, close, vendor, response_id) values ('EUR', 'USD', '{day}', 1.3705, 'polygon', {rates});
             update book.portfolio set base_currency = 'EUR' where portfolio_id = 1;
             update book.transaction set traded_on = '{day}' where portfolio_id = 1;
             insert into ops.change (kind, from_date) values ('rate', '2014-05-14');
             insert into ops.change (symbol, kind, from_date) values ('EUR', 'exchange_rate', '{day}');
             insert into ops.change (portfolio_id, kind, from_date) values (1, 'account', '2014-05-01')"
        ),
    )
    .await;
    publish_on(&pool, day, publish::Scope::All).await;
    let explained = async |figure: &str, symbol: Option<&str>| {
        let asked =
            Asked { figure: figure.into(), scope: of(1, None), symbol: symbol.map(Into::into), session: Some(day), ..Asked::default() };
        ports.explanations.explain(OWNER, asked).await.unwrap()
    };
    let (yielded, rate) = (explained("risk_free_rate", None).await, explained("exchange_rate", Some("USD")).await);
    assert_eq!((yielded.quotes[0].marked.as_str(), yielded.shown.as_str()), ("\"0.03\"", "0.03\u{202f}%"));
    assert_eq!(yielded.inputs[0].notes, ["carried from 14 May 2014"]);
    assert_eq!((rate.quotes[0].marked.as_str(), rate.recipe.work_out()), ("1.3705", rate.value.clone()));
    let site = site(&pool);
    let mut ada = Visitor::new(&site);
    ada.sign_in("ada", PASSWORD).await;
    for quote in [&yielded.quotes[0], &rate.quotes[0]] {
        let bytes_at = quote.bytes_at.as_deref().unwrap();
        let body = ada.get(bytes_at).await;
        assert_eq!((body.status, hex::encode(Sha256::digest(body.body.as_bytes()))), (StatusCode::OK, quote.sha256.clone()), "{bytes_at}");
        let elsewhere = bytes_at.replace(&format!("/{}?", quote.response_id), "/1?");
        assert_eq!(ada.get(&elsewhere).await.status, StatusCode::NOT_FOUND, "{elsewhere}");
    }
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_second_vendors_close_stands_beside_the_one_that_is_used(pool: PgPool) {
    let sessions = begin(&pool).await;
    let (ports, day) = (ports(&pool), sessions[5]);
    let at = calendar::midnight(day).to_rfc3339();
    // One answer for what Ada and Bob hold; the token names Bob's next symbol.
    let body = format!(
        r#"{{"bars":{{"AAL":[{{"t":"{at}","c":9.5}}],"AAPL":[{{"t":"{at}","c":605.31}}],"MSFT":[{{"t":"{at}","c":41.77}}]}},"next_page_token":"TVNGVHxE"}}"#
    );
    let (response, _) = kept(&pool, "alpaca.bars", &body).await;
    sql(
        &pool,
        &format!(
            "update raw.vendor_response set request = '/v2/stocks/bars?symbols=AAL%2CAAPL%2CMSFT&timeframe=1Day&start={day}&page_token=TVNGVHxE' where response_id = {response};
             insert into raw.reference_close values ('AAPL', '{day}', 605.31, 'alpaca', {response}), ('MSFT', '{day}', 41.77, 'alpaca', {response})"
        ),
    )
    .await;
    let asked =
        |known| Asked { figure: "close".into(), scope: of(1, known), symbol: Some("AAPL".into()), session: Some(day), ..Asked::default() };
    let explained = ports.explanations.explain(OWNER, asked(None)).await.unwrap();
    let marked: Vec<&str> = explained.quotes.iter().map(|quote| quote.marked.as_str()).collect();
    assert_eq!((marked, &explained.value), (vec!["605.25", "605.31"], &explained.recipe.work_out()));
    assert!(explained.rows.iter().any(|row| row.table == "raw.reference_close"));
    let beside = &explained.quotes[1];
    assert_eq!(
        (beside.request.as_str(), beside.bytes_at.as_deref()),
        (&*format!("/v2/stocks/bars?symbols=AAPL&timeframe=1Day&start={day}"), None)
    );
    assert_eq!(format!("{}{}{}", beside.before, beside.marked, beside.after), format!(r#"[{{"t":"{at}","c":605.31}}]"#));
    let (from, to) = beside.field.unwrap();
    assert_eq!((&body[from..to], beside.is_intact, beside.body_bytes), ("605.31", true, body.len()));
    let site = site(&pool);
    let mut ada = Visitor::new(&site);
    ada.sign_in("ada", PASSWORD).await;
    // Nowhere does Ada read what Bob holds: not in the JSON, not on the page, not in the bytes. Polygon's answer is everybody's market.
    for path in [format!("/api/explain/close.json?symbol=AAPL&session={day}"), format!("/explain/close?symbol=AAPL&session={day}")] {
        let page = ada.get(&path).await;
        assert_eq!(page.status, StatusCode::OK);
        for others in ["AAL%2C", "TVNGVHxE", "41.77", "AAL&quot;", r#"AAL\""#, "MSFT%2C", "%2CMSFT"] {
            assert!(!page.body.contains(others), "{path}: {others}");
        }
        assert!(page.body.contains("605.31"));
    }
    for path in [
        format!("/api/explain/response/{response}?symbol=AAPL&session={day}"),
        format!("/api/explain/response/{response}?portfolio=1&symbol=AAPL&session={day}"),
        format!("/api/explain/response/{response}?symbol=MSFT&session={day}"),
    ] {
        assert_eq!(ada.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    // It came after that evening.
    let then = ports.explanations.explain(OWNER, asked(Some(day))).await.unwrap();
    assert_eq!(then.quotes.len(), 1);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn cash_is_worked_out_from_its_accounts(pool: PgPool) {
    begin(&pool).await;
    let asked = Asked { figure: "cash".into(), scope: of(1, None), ..Asked::default() };
    let explained = async || ports(&pool).explanations.explain(OWNER, asked.clone()).await.unwrap();
    let found = explained().await;
    assert_eq!((found.recipe.work_out(), found.shown.as_str()), (found.value.clone(), "14,000.00 USD"));
    assert!(found.inputs.iter().any(|input| input.name == "Alpaca, USD" && input.said == "14,000.00"), "{:?}", found.inputs);
    // It doesn't follow from the value: where accounts and value differ, the explanation shows it.
    sql(&pool, "update ledger.cash set amount = amount + 1 where portfolio_id = 1").await;
    let found = explained().await;
    assert_ne!(found.recipe.work_out(), found.value);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_yield_as_known_is_the_one_that_was_read_then(pool: PgPool) {
    let sessions = begin(&pool).await;
    let (ports, last) = (ports(&pool), *sessions.last().unwrap());
    let before = sessions[sessions.len() - 2];
    let land = async |day: &str, value: &str| {
        let (response, _) =
            kept(&pool, "fred.observations", &format!(r#"{{"observations":[{{"date":"{day}","value":"{value}"}}]}}"#)).await;
        sql(
            &pool,
            &format!(
                "insert into raw.economic_observation (series_id, observed_on, value, response_id) values ('DGS3MO', '{day}', {value}, {response});
                 insert into ops.change (kind, from_date) values ('rate', '{day}')"
            ),
        )
        .await;
        response
    };
    let first = land("2014-05-13", "0.03").await;
    publish_on(&pool, before, publish::Scope::All).await;
    // The same value of a nearer day comes the day after, and a day's value is said twice.
    let second = land("2014-05-15", "0.03").await;
    let again = land("2014-05-15", "0.03").await;
    publish_on(&pool, last, publish::Scope::All).await;
    let asked = async |known| {
        let asked = Asked { figure: "risk_free_rate".into(), scope: of(1, known), session: Some(before), ..Asked::default() };
        let explained: Explanation = ports.explanations.explain(OWNER, asked).await.unwrap();
        assert_eq!(explained.value, explained.recipe.work_out());
        (explained.quotes[0].response_id, explained.inputs[0].notes.join(""))
    };
    assert_eq!(asked(Some(before)).await, (first, "carried from 13 May 2014".into()), "nothing that came later");
    let later = asked(None).await;
    assert!(later.0 == again && later.1.is_empty(), "{later:?}: the nearest day's last version, not {second}");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_portfolio_has_no_restatements_from_before_it_was_shown(pool: PgPool) {
    let sessions = begin(&pool).await;
    let (ports, last) = (ports(&pool), *sessions.last().unwrap());
    answer(&pool, sessions[3], &[("SPY", "190.5")]).await;
    publish_on(&pool, last, publish::Scope::All).await;
    sql(
        &pool,
        "insert into book.portfolio (owner_id, name) values (1, 'Late');
         insert into book.account (portfolio_id, name) values (3, 'Late');
         insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, amount, source, entered_by)
         values (3, 1005, 1, (select account_id from book.account where portfolio_id = 3), '2014-05-01', 'deposit', 20000, 'hand', 1);
         insert into ops.change (portfolio_id, kind, from_date) values (3, 'transaction', '2014-05-01')",
    )
    .await;
    publish_on(&pool, last, publish::Scope::All).await;
    let rows = async |scope: Scope| ports.explanations.restatements(OWNER, scope, 1).await.unwrap().rows;
    assert_eq!(rows(of(1, None)).await.len(), 1);
    assert!(rows(of(3, None)).await.is_empty(), "it never showed the old return");
    assert_eq!(ports.portfolios.overview(OWNER, of(3, None)).await.unwrap().unwrap().restated.benchmark_in_range, 0);
    // What it did show moves now: the close, and in the total return alone a dividend.
    answer(&pool, sessions[3], &[("SPY", "190.25")]).await;
    publish_on(&pool, last, publish::Scope::All).await;
    let moved = rows(of(3, None)).await;
    assert_eq!((moved.len(), moved[0].benchmark_sessions, moved[0].sessions), (1, 2, 0));
    assert_eq!(
        moved[0].reasons.iter().map(|reason| reason.said.as_str()).collect::<Vec<_>>(),
        ["SPY closed at 190.25 on 6 May 2014, not at 190.50."]
    );
    let (dividend, _) = kept(&pool, "polygon.dividends", "{}").await;
    sql(
        &pool,
        &format!(
            "insert into raw.dividend (symbol, ex_dividend_date, vendor_id, pay_date, cash_amount, response_id) values ('SPY', '2014-05-12', 'd9', '2014-06-30', 0.9, {dividend});
             insert into ops.change (symbol, kind, from_date) values ('SPY', 'dividend', '2014-05-12')"
        ),
    )
    .await;
    publish_on(&pool, last, publish::Scope::All).await;
    let total = rows(of(3, None)).await;
    assert_eq!((total.len(), total[0].benchmark_sessions, total[0].first), (2, 1, on("2014-05-12")));
    assert!(total[0].days[0].moved.iter().all(|moved| moved.old != moved.new), "{total:?}");
    let price = Scope { benchmark: Benchmark::SpyPriceReturn, ..of(3, None) };
    assert_eq!(rows(price).await.len(), 1, "the price return didn't move");
    assert_eq!(ports.portfolios.overview(OWNER, price).await.unwrap().unwrap().restated.benchmark_in_range, 2);
    assert_eq!(ports.portfolios.overview(OWNER, of(3, None)).await.unwrap().unwrap().restated.benchmark_in_range, 3);
}

/// A bar that was judged and isn't published, as while a publication holds the portfolio back.
#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn what_waits_to_be_published_changes_no_explanation(pool: PgPool) {
    let day = *begin(&pool).await.last().unwrap();
    let ports = ports(&pool);
    let asked = async |figure: &str, symbol: Option<&str>| {
        let asked =
            Asked { figure: figure.into(), scope: of(1, None), symbol: symbol.map(Into::into), session: Some(day), ..Asked::default() };
        ports.explanations.explain(OWNER, asked).await.unwrap()
    };
    let all = async || {
        let told = [
            asked("close", Some("AAPL")).await,
            asked("session_value", None).await,
            asked("daily_return", None).await,
            asked("holding_value", Some("AAPL")).await,
        ];
        told.map(|told| (told.value.clone(), told.recipe.work_out(), told.shown))
    };
    let page = async || serde_json::to_string(&ports.portfolios.holdings(OWNER, of(1, None)).await.unwrap()).unwrap();
    let before = (all().await, page().await);
    let (answer, _) = kept(&pool, "polygon.bars", r#"{"results":[]}"#).await;
    bar(&pool, "AAPL", day, 777.0, answer).await;
    assert_eq!((all().await, page().await), before);
    publish_on(&pool, day, publish::Scope::All).await;
    let after = (all().await, page().await);
    assert!(after.0.iter().zip(&before.0).all(|(after, before)| after.0 != before.0) && after.1 != before.1);
    assert!(after.0.iter().all(|(value, worked, _)| value == worked));
}
