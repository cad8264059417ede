//! Pages as known on an earlier day: the same figures as then, to the byte, whatever was corrected since and whatever was dropped.

use crate::{
    market::{bar, count, on, open, session, sql, task, text},
    visitor::{Remembering, store},
};
use app::{
    domain::{PortfolioId, Range, Scope, UserId},
    error::AppError,
    explain::model::Asked,
    ports::Ports,
};
use chrono::NaiveDate;
use server::{
    calendar,
    pipeline::publish::{self, publish},
};
use sqlx::PgPool;
use std::{collections::BTreeMap, sync::Arc};

pub const OWNER: UserId = UserId(1);
const SPLIT: &str = "2014-06-09";

pub fn ports(pool: &PgPool) -> Ports {
    store(pool, &Arc::new(Remembering::default())).ports(None)
}

pub fn of(portfolio: i64, as_known_on: Option<NaiveDate>) -> Scope {
    Scope { portfolio: Some(PortfolioId(portfolio)), range: Range::Max, as_known_on, ..Scope::default() }
}

/// Publishes up to a session, on that evening.
pub async fn publish_on(pool: &PgPool, day: NaiveDate, scope: publish::Scope) {
    publish(&task(pool).await, day, scope).await.unwrap_or_else(|error| panic!("{day}: {error}"));
    let dated = format!(
        "update ops.publication set published_at = '{day} 22:00+00' where publication_id = (select max(publication_id) from ops.publication)"
    );
    sql(pool, &dated).await;
}

/// What a person sees of a portfolio: every figure of its pages.
pub async fn pages(ports: &Ports, portfolio: i64, as_known_on: Option<NaiveDate>) -> String {
    let scope = of(portfolio, as_known_on);
    let overview = ports.portfolios.overview(OWNER, scope).await.unwrap();
    let holdings = ports.portfolios.holdings(OWNER, scope).await.unwrap();
    let shown = ports.portfolios.performance(OWNER, scope).await.unwrap();
    assert!(shown.iter().all(|shown| shown.contributions.is_ok()), "{scope:?}");
    format!("{} {:?}", serde_json::to_string(&(overview, holdings)).unwrap(), shown.map(|shown| (shown.contributions, shown.report)))
}

/// The same without the small charts, whose closes are those of now.
async fn figures(ports: &Ports, portfolio: i64, as_known_on: Option<NaiveDate>) -> String {
    let scope = of(portfolio, as_known_on);
    let mut overview = ports.portfolios.overview(OWNER, scope).await.unwrap().unwrap();
    let mut holdings = ports.portfolios.holdings(OWNER, scope).await.unwrap().unwrap();
    overview.top.iter_mut().for_each(|row| row.recent.clear());
    holdings.rows.iter_mut().for_each(|row| row.recent.clear());
    serde_json::to_string(&(overview, holdings)).unwrap()
}

/// Days until the end of May, each published in its evening, with a split that the vendor doesn't tell in time.
async fn begin(pool: &PgPool) -> Vec<NaiveDate> {
    open(pool).await;
    sql(pool, "delete from raw.split").await;
    publish::prepare(pool).await.unwrap();
    // The model of dividends as an earlier version had it: each counted twice.
    sql(
        pool,
        "do $$ declare old text := pg_get_viewdef('staging.dividends'); said text := obj_description('staging.dividends'::regclass);
         begin
             execute 'create or replace view staging.dividends as select symbol, ex_dividend_date, vendor_id, pay_date,
                      (cash_amount * 2)::numeric(28, 10) as cash_amount, currency from (' || rtrim(old, ';') || ') as old';
             execute format('comment on view staging.dividends is %L', said);
         end $$",
    )
    .await;
    calendar::sessions(on("2014-04-30"), on("2014-06-20"))
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn an_earlier_day_gives_what_was_shown_then(pool: PgPool) {
    let sessions = begin(&pool).await;
    let ports = ports(&pool);
    let mut shown: BTreeMap<(i64, NaiveDate), String> = BTreeMap::new();
    for (number, day) in sessions.iter().copied().enumerate() {
        session(&pool, day, number).await;
        match day.to_string().as_str() {
            "2014-06-03" => bar(&pool, "AAPL", on("2014-05-20"), 700.0, 900).await,
            "2014-06-04" => bar(&pool, "SPY", on("2014-05-21"), 150.0, 901).await,
            // The 7:1 split of the 9th comes two days late.
            "2014-06-11" => {
                sql(
                    &pool,
                    &format!(
                        "insert into raw.split values ('AAPL', '{SPLIT}', 1, 7, 's1', 902);
                         insert into ops.change (symbol, kind, from_date) values ('AAPL', 'split', '{SPLIT}')"
                    ),
                )
                .await;
            }
            "2014-06-12" => version(&pool, 2, 7_000, false).await,
            "2014-06-13" => version(&pool, 3, 7_000, true).await,
            "2014-06-16" => sql(&pool, "comment on view staging.dividends is 'an earlier version'").await,
            "2014-06-17" => {
                sql(
                    &pool,
                    "insert into raw.instrument (symbol, name, type, currency, sic_code, response_id) values ('MSFT', 'Microsoft Corp', 'CS', 'USD', '6331', 903);
                     insert into ops.change (symbol, kind, from_date) values ('MSFT', 'instrument', '2014-06-17')",
                )
                .await;
            }
            // A bar of the day before is set aside, so that its close is carried.
            "2014-06-19" => {
                sql(
                    &pool,
                    "insert into ops.quarantine (symbol, session_date, check_name, reason, response_id, run_id)
                     select symbol, session_date, 'jumps', 'a jump', response_id, 1 from raw.market_data where symbol = 'BRK.A' and session_date = '2014-06-18'",
                )
                .await;
            }
            _ => {}
        }
        publish_on(&pool, day, publish::Scope::All).await;
        for portfolio in [1, 2] {
            let now = pages(&ports, portfolio, None).await;
            assert_eq!(now, pages(&ports, portfolio, Some(day)).await, "portfolio {portfolio} on {day}");
            shown.insert((portfolio, day), now);
        }
    }
    let last = *sessions.last().unwrap();
    let restated = "select string_agg(distinct publication.session_date::text, ' ' order by publication.session_date::text)
                    from ops.restatement join ops.publication using (publication_id) where portfolio_id = ";
    assert_eq!(text(&pool, &format!("{restated}1")).await, "2014-06-03 2014-06-11 2014-06-16");
    assert_eq!(text(&pool, &format!("{restated}2")).await, "2014-06-12 2014-06-13 2014-06-19");

    // An edit of one portfolio leaves the other's pages as they were, although a correction waits that touches both.
    bar(&pool, "SPY", last, 333.0, 950).await;
    bar(&pool, "AAPL", last, 77.0, 951).await;
    version(&pool, 4, 9_000, false).await;
    let before = pages(&ports, 1, None).await;
    publish_on(&pool, last, publish::Scope::Portfolio(PortfolioId(2))).await;
    for portfolio in [1, 2] {
        let now = figures(&ports, portfolio, None).await;
        assert_eq!(now, figures(&ports, portfolio, Some(last)).await, "portfolio {portfolio}");
        shown.insert((portfolio, last), pages(&ports, portfolio, Some(last)).await);
    }
    assert_ne!(before, shown[&(1, last)], "the benchmark's correction reaches both");
    assert!(shown[&(1, last)].contains("\"AAPL\"") && !shown[&(1, last)].contains("\"77\""));

    // All that is rebuilt is gone; what was shown stays.
    sql(&pool, "drop schema staging, ledger, marts cascade").await;
    for ((portfolio, day), then) in &shown {
        assert_eq!(then, &pages(&ports, *portfolio, Some(*day)).await, "portfolio {portfolio} on {day}");
    }
    // A day without a publication of its own shows the last one before it.
    assert_eq!(shown[&(1, on("2014-05-23"))], pages(&ports, 1, Some(on("2014-05-25"))).await);
    assert!(ports.portfolios.overview(OWNER, of(1, Some(on("2014-04-29")))).await.unwrap().is_none());
    // The rebuilt numbers are the same, and keep nothing new.
    let kept = "select from ops.published_portfolio_day union all select from ops.published_price union all select from ops.published_position
                union all select from ops.published_session union all select from ops.published_split union all select from ops.published_instrument
                union all select from ops.published_holding_quarter union all select from ops.published_holding_move";
    publish_on(&pool, last, publish::Scope::All).await;
    let everything = count(&pool, kept).await;
    sql(&pool, "drop schema staging, ledger, marts cascade").await;
    publish_on(&pool, last, publish::Scope::All).await;
    assert_eq!(count(&pool, kept).await, everything);
}

/// Another version of the second portfolio's deposit.
async fn version(pool: &PgPool, version: i32, amount: i64, is_deleted: bool) {
    sql(
        pool,
        &format!(
            "insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, amount, source, is_deleted, entered_by)
             select portfolio_id, transaction_id, {version}, account_id, traded_on, type, {amount}, source, {is_deleted}, 1
             from book.transaction where portfolio_id = 2 and type = 'deposit' and version = 1;
             insert into ops.change (portfolio_id, kind, from_date) values (2, 'transaction', '2014-05-11')"
        ),
    )
    .await;
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn what_an_older_version_did_not_keep_is_said(pool: PgPool) {
    open(&pool).await;
    for (number, day) in calendar::sessions(on("2014-04-30"), on("2014-05-09")).into_iter().enumerate() {
        session(&pool, day, number).await;
        publish_on(&pool, day, publish::Scope::All).await;
    }
    // As an installation was before: value, flows and return alone.
    sql(
        &pool,
        "update ops.publication set keeps_all = false, keeps_courses = false, portfolios = '{}';
         truncate ops.published_holding_quarter, ops.published_holding_move;
         update ops.published_portfolio_day set cash = null, receivable = null, net_contributions = null, carried = null, positions = null, unrealized = null,
             realized = null, income = null, costs = null, brought_in = null, is_gone = null;
         truncate ops.published_session, ops.published_position, ops.published_price, ops.published_split, ops.published_instrument",
    )
    .await;
    let (ports, next) = (ports(&pool), on("2014-05-12"));
    session(&pool, next, 8).await;
    publish_on(&pool, next, publish::Scope::Portfolio(PortfolioId(2))).await;
    for portfolio in [1, 2] {
        assert_eq!(pages(&ports, portfolio, None).await, pages(&ports, portfolio, Some(next)).await, "portfolio {portfolio}");
    }
    let refused = ports.portfolios.overview(OWNER, of(1, Some(on("2014-05-09")))).await.unwrap_err();
    let AppError::Refused(sentence) = refused else { panic!("{refused}") };
    assert_eq!(sentence, "What was shown on 9 May 2014 wasn't kept in full; ask for 12 May 2014 or later.");
    assert_eq!(count(&pool, "select from ops.restatement").await, 0, "to keep more of a day is no other number");
    // A version that kept everything but what holdings contributed.
    sql(&pool, "update ops.publication set keeps_courses = false").await;
    let scope = of(1, Some(next));
    let shown = ports.portfolios.performance(OWNER, scope).await.unwrap().unwrap();
    let asked = Asked { figure: "contribution".into(), scope, symbol: Some("AAPL".into()), ..Asked::default() };
    let explained = ports.explanations.explain(OWNER, asked).await.unwrap();
    for reason in [shown.contributions.unwrap_err(), explained.value.unwrap_err()] {
        assert!(reason.0.contains("wasn't kept by the version that published this"), "{reason}");
    }
}
