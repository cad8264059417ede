//! Publishing: day by day equals from scratch, nothing half, nothing lost.
#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

mod beside;
mod reshaped;
mod splits;

use crate::market::{bar, count, everything, no_phantom, on, open, phantom, session, sql, task, text};
use app::domain::PortfolioId;
use chrono::NaiveDate;
use server::{
    calendar,
    orchestrator::{TaskContext, TaskError},
    pipeline::publish::{Scope, prepare, publish},
};
use sqlx::PgPool;

const FIRST: &str = "2014-04-30";
const LAST: &str = "2014-06-27";

async fn publish_all(pool: &PgPool, day: NaiveDate) {
    publish(&task(pool).await, day, Scope::All).await.unwrap_or_else(|error| panic!("{day}: {error}"));
}

async fn all_sessions(pool: &PgPool) {
    for (number, day) in calendar::sessions(on(FIRST), on(LAST)).into_iter().enumerate() {
        session(pool, day, number).await;
    }
}

async fn assert_same_from_scratch(pool: &PgPool) {
    let before = everything(pool).await;
    let shown = count(pool, "select from ops.published_portfolio_day").await;
    sql(pool, "drop schema staging, ledger, marts cascade").await;
    publish_all(pool, on(LAST)).await;
    for ((table, before), (_, after)) in before.iter().zip(everything(pool).await) {
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(before, after, "{table}");
        }
        assert_eq!(before.len(), after.len(), "{table}");
    }
    assert_eq!(count(pool, "select from ops.published_portfolio_day").await, shown, "the same numbers are no change");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn day_by_day_equals_from_scratch(pool: PgPool) {
    open(&pool).await;
    for (number, day) in calendar::sessions(on(FIRST), on(LAST)).into_iter().enumerate() {
        session(&pool, day, number).await;
        publish_all(&pool, day).await;
    }
    assert_eq!(text(&pool, "select string_agg(code, ',') from ledger.finding").await, "null");
    assert_eq!(count(&pool, "select from ops.publication").await, 42);
    // Each day was published once, none again.
    let days = count(&pool, "select from ledger.portfolio_day").await;
    assert_eq!(count(&pool, "select from ops.published_portfolio_day").await, days);
    assert_eq!(count(&pool, "select from marts.portfolio_daily where value is null or risk_free_rate is null").await, 0);
    assert_eq!(count(&pool, "select from marts.portfolio_daily where benchmark_total_return is null").await, 0);
    assert_same_from_scratch(&pool).await;
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_correction_of_the_past_is_as_if_it_had_always_been_known(pool: PgPool) {
    open(&pool).await;
    all_sessions(&pool).await;
    publish_all(&pool, on(LAST)).await;
    let before = text(&pool, "select value::text from marts.portfolio_daily where portfolio_id = 1 and session_date = '2014-05-20'").await;
    bar(&pool, "AAPL", on("2014-05-20"), 700.0, 900).await;
    bar(&pool, "SPY", on("2014-05-20"), 200.0, 900).await;
    publish_all(&pool, on(LAST)).await;
    let after = text(&pool, "select value::text from marts.portfolio_daily where portfolio_id = 1 and session_date = '2014-05-20'").await;
    assert_ne!(before, after);
    // What was shown before stays on record; the value changed on one day, the return on two.
    assert_eq!(count(&pool, "select from ops.published_portfolio_day where portfolio_id = 1 and session_date = '2014-05-20'").await, 2);
    assert_eq!(count(&pool, "select from ops.published_portfolio_day where publication_id = 2").await, 2);
    assert_same_from_scratch(&pool).await;

    // A transaction is taken back, for one portfolio only.
    sql(
        &pool,
        "insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, amount, source, is_deleted, entered_by)
         select portfolio_id, transaction_id, 2, account_id, traded_on, type, amount, source, true, 1 from book.transaction;
         insert into ops.change (portfolio_id, kind, from_date) values (2, 'transaction', '2014-05-09')",
    )
    .await;
    publish(&task(&pool).await, on("2014-06-02"), Scope::Portfolio(PortfolioId(2))).await.unwrap();
    assert_eq!(count(&pool, "select from marts.portfolio_daily where portfolio_id = 2").await, 0, "its days are gone");
    assert_eq!(text(&pool, "select max(session_date)::text from marts.portfolio_daily").await, LAST, "no publication goes back");
    assert_eq!(
        text(
            &pool,
            "select value::text from ops.published_portfolio_day where portfolio_id = 2 order by publication_id desc, session_date limit 1"
        )
        .await,
        "null"
    );
    assert_same_from_scratch(&pool).await;
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn of_what_a_correction_says_was_never_held_nothing_is_left(pool: PgPool) {
    open(&pool).await;
    all_sessions(&pool).await;
    publish_all(&pool, on(LAST)).await;
    let quarters = "select string_agg(symbol, ' ' order by symbol) from ops.published_holding_quarter where replaced_by = 9223372036854775807 and portfolio_id = 2";
    assert_eq!(text(&pool, quarters).await, "BRK.A");
    sql(
        &pool,
        "insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, amount, source, entered_by)
         select portfolio_id, transaction_id, 2, account_id, traded_on, type, 'AAPL', quantity, amount, source, 1 from book.transaction where symbol = 'BRK.A';
         insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, price, amount, source, entered_by)
         select 2, 901, 1, min(account_id), '2014-05-20', 'buy', 'MSFT', 10, 40, 400, 'hand', 1 from book.transaction where portfolio_id = 2;
         insert into ops.change (portfolio_id, kind, from_date) values (2, 'transaction', '2014-05-09')",
    )
    .await;
    publish(&task(&pool).await, on(LAST), Scope::Portfolio(PortfolioId(2))).await.unwrap();
    assert_eq!(text(&pool, quarters).await, "AAPL MSFT");
    assert_same_from_scratch(&pool).await;
    // Nor is anything written that stands there already.
    let written = "select string_agg(distinct xmin::text, ' ') from ops.published_holding_quarter where replaced_by = 9223372036854775807 and portfolio_id = 2 and symbol = 'AAPL'";
    let before = text(&pool, written).await;
    sql(
        &pool,
        "insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, price, amount, source, is_deleted, entered_by)
         select portfolio_id, transaction_id, 2, account_id, traded_on, type, symbol, quantity, price, amount, source, true, 1 from book.transaction where transaction_id = 901;
         insert into ops.change (portfolio_id, kind, from_date) values (2, 'transaction', '2014-05-20')",
    )
    .await;
    publish(&task(&pool).await, on(LAST), Scope::Portfolio(PortfolioId(2))).await.unwrap();
    assert_eq!((text(&pool, quarters).await.as_str(), text(&pool, written).await), ("AAPL", before));
    assert_same_from_scratch(&pool).await;
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_failing_test_keeps_the_last_good_numbers(pool: PgPool) {
    open(&pool).await;
    all_sessions(&pool).await;
    publish_all(&pool, on(LAST)).await;
    let next = calendar::session_on_or_after(on("2014-06-28"));
    session(&pool, next, 41).await;
    bar(&pool, "AAPL", next, -1.0, 901).await;
    // Something went wrong in a ledger, five shares that no value holds, while the holdings of all are built anew.
    phantom(&pool).await;
    let stored =
        "update ledger.holding set quantity = quantity + 5, market_value = market_value + 900 where portfolio_id = 1 and symbol = 'AAPL'";
    sql(&pool, stored).await;
    sql(&pool, "comment on table marts.holdings is 'old'").await;
    let good = everything(&pool).await;
    let ctx = task(&pool).await;
    let error = publish(&ctx, next, Scope::All).await.unwrap_err();
    assert!(matches!(error, TaskError::Final(_)), "{error}");
    assert!(error.to_string().contains("holdings_add_up_to_the_value"), "{error}");
    let marts = |all: Vec<(String, Vec<String>)>| all.into_iter().filter(|(table, _)| !table.starts_with("staging")).collect::<Vec<_>>();
    assert_eq!(marts(good), marts(everything(&pool).await));
    assert_eq!(count(&pool, "select from ops.publication").await, 1);
    let failed =
        format!("select from ops.check_result where run_id = {} and dimension = 'model' and not passed and severity = 'error'", ctx.run_id);
    assert!(count(&pool, &failed).await > 0);
    assert_eq!(text(&pool, &format!("select state from ops.task where task_id = {}", ctx.task_id)).await, "running", "the engine decides");

    assert_eq!(text(&pool, &format!("select checkpoint::text from ops.task where task_id = {}", ctx.task_id)).await, "null");

    // A worker that lost its lease leaves no verdicts, and a second attempt leaves each once.
    let verdicts = format!("select from ops.check_result where run_id = {} and dimension = 'model'", ctx.run_id);
    let (once, lost) = (count(&pool, &verdicts).await, TaskContext { epoch: 0, ..ctx.clone() });
    let error = publish(&lost, next, Scope::All).await.unwrap_err();
    assert!(matches!(error, TaskError::Fenced(_)), "{error}");
    assert_eq!(count(&pool, &verdicts).await, once);
    publish(&ctx, next, Scope::All).await.unwrap_err();
    assert_eq!(count(&pool, &verdicts).await, once);

    // Mended, the same run goes on, and its publication counts each test once; a close below zero never counts.
    no_phantom(&pool).await;
    publish(&ctx, next, Scope::All).await.unwrap();
    assert_eq!(count(&pool, &verdicts).await, once);
    assert_eq!(
        count(
            &pool,
            &format!(
                "select from ops.publication as published where run_id = {} and checks_passed = checks_total and checks_total =
                     (select count(*) from ops.check_result as result where result.run_id = published.run_id)",
                ctx.run_id
            )
        )
        .await,
        1
    );
    assert_eq!(text(&pool, "select max(session_date)::text from marts.holdings").await, next.to_string());

    // A bar of the past goes into quarantine without any change of raw: the past is booked anew, its price carried.
    sql(
        &pool,
        "insert into ops.quarantine (symbol, session_date, check_name, reason, response_id, run_id)
         select symbol, session_date, 'jump', 'x', response_id, 1 from raw.market_data where symbol in ('AAPL', 'SPY') and session_date = '2014-06-25'",
    )
    .await;
    publish_all(&pool, next).await;
    assert_eq!(
        text(&pool, "select carried::text from marts.portfolio_daily where portfolio_id = 1 and session_date = '2014-06-25'").await,
        "1"
    );
    assert_eq!(
        count(&pool, "select from marts.portfolio_daily where benchmark_price_return is null").await,
        4,
        "SPY has no bar on that day"
    );
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_portfolio_whose_numbers_fail_is_held_back_alone(pool: PgPool) {
    open(&pool).await;
    all_sessions(&pool).await;
    publish_all(&pool, on(LAST)).await;
    let of_first = "select string_agg(to_jsonb(d)::text, ',' order by session_date) from marts.portfolio_daily as d where portfolio_id = 1";
    let before = text(&pool, of_first).await;
    let next = calendar::session_on_or_after(on("2014-06-28"));
    session(&pool, next, 41).await;
    // Something went wrong in its ledger: five shares that no value holds.
    phantom(&pool).await;
    let ctx = task(&pool).await;
    publish(&ctx, next, Scope::All).await.unwrap();
    assert_eq!(text(&pool, of_first).await, before, "the last good numbers stay");
    let last = "select string_agg(last::text, ',' order by portfolio_id) from (select portfolio_id, max(session_date) as last from marts.portfolio_daily group by 1) as days";
    assert_eq!(text(&pool, last).await, format!("{LAST},{next}"));
    let failed = format!(
        "select string_agg(format('%s %s %s %s', check_name, portfolio_id, scope, action), ',' order by check_name) from ops.check_result where run_id = {} and not passed and severity = 'error'",
        ctx.run_id
    );
    assert_eq!(text(&pool, &failed).await, "holdings_add_up_to_the_value 1 portfolio block,value_is_positions_and_cash 1 portfolio block");
    let alerts = "select string_agg(subject || ' ' || message, ',') from ops.alert where kind = 'held_back' and resolved_at is null";
    assert!(text(&pool, alerts).await.contains(&format!(
        "portfolio 1 A portfolio's new numbers failed their checks, so it keeps its last good ones. They are of {LAST}"
    )));

    // Meanwhile a close of the benchmark is corrected, which the ledger doesn't read and the marts join.
    bar(&pool, "SPY", on("2014-05-20"), 191.5, 970).await;
    publish_all(&pool, next).await;

    // Who waits for this one portfolio is told; the others' publications go on.
    let error = publish(&task(&pool).await, next, Scope::Portfolio(PortfolioId(1))).await.unwrap_err();
    assert!(error.to_string().contains("holdings_add_up_to_the_value"), "{error}");
    publish(&task(&pool).await, next, Scope::Portfolio(PortfolioId(2))).await.unwrap();

    no_phantom(&pool).await;
    publish_all(&pool, next).await;
    assert_eq!(text(&pool, last).await, format!("{next},{next}"));
    assert_eq!(text(&pool, alerts).await, "null");

    // The checks of the data may hold a portfolio back too, unless somebody accepted what they found.
    let after = calendar::session_on_or_after(next.succ_opt().unwrap());
    session(&pool, after, 42).await;
    let ctx = task(&pool).await;
    let finding = |run_id: i64, accepted: &str| {
        format!(
            "insert into ops.check_result (run_id, portfolio_id, check_name, dimension, scope, severity, action, passed, observed, expected, message, acceptance_id)
             values ({}, 2, 'own', 'accuracy', 'portfolio', 'error', 'block', false, '', '', '', {accepted})",
            run_id
        )
    };
    sql(&pool, &finding(ctx.run_id, "null")).await;
    publish(&ctx, after, Scope::All).await.unwrap();
    assert_eq!(text(&pool, last).await, format!("{after},{next}"));
    // A word counts by the market's day, whatever day it is here.
    let word = |until: &str| {
        format!(
            "insert into book.acceptance (check_name, portfolio_id, note, expires_on, accepted_by) values ('own', 2, 'known', '{until}', 1)"
        )
    };
    sql(&pool, &word("2014-06-30")).await;
    publish_all(&pool, after).await;
    assert_eq!(text(&pool, last).await, format!("{after},{next}"), "it has run out");
    sql(&pool, &word("2014-12-31")).await;
    publish_all(&pool, after).await;
    assert_eq!(text(&pool, last).await, format!("{after},{after}"));
    sql(&pool, "delete from book.acceptance").await;
    let ctx = task(&pool).await;
    sql(&pool, &finding(ctx.run_id, "1")).await;
    publish(&ctx, after, Scope::All).await.unwrap();
    assert_eq!(text(&pool, last).await, format!("{after},{after}"));
    assert_same_from_scratch(&pool).await;
}

/// Which rows a publication wrote: Postgres notes the transaction on each.
#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn only_what_changed_is_written(pool: PgPool) {
    open(&pool).await;
    all_sessions(&pool).await;
    publish_all(&pool, on(LAST)).await;
    let written = |of: &'static str| format!("select max(xmin::text::bigint)::text from {of}");
    let (others, past) = ("marts.portfolio_daily where portfolio_id = 1", "marts.portfolio_daily where session_date <= '2014-06-26'");
    let (holdings, ledger) = ("marts.holdings where portfolio_id = 1", "ledger.portfolio_day where portfolio_id = 1");
    let stamps = async |of: &[&'static str]| {
        let mut all = Vec::new();
        for relation in of {
            all.push(text(&pool, &written(relation)).await);
        }
        all
    };

    // An edit of one portfolio, long ago.
    let before = stamps(&[others, holdings, ledger, "marts.allocation where portfolio_id = 1"]).await;
    sql(
        &pool,
        "insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, amount, source, entered_by)
         values (2, nextval('book.transaction_id'), 1, 2, '2014-05-20', 'deposit', 1000, 'hand', 1);
         insert into ops.change (portfolio_id, kind, from_date) values (2, 'transaction', '2014-05-20')",
    )
    .await;
    publish(&task(&pool).await, on(LAST), Scope::Portfolio(PortfolioId(2))).await.unwrap();
    assert_eq!(stamps(&[others, holdings, ledger, "marts.allocation where portfolio_id = 1"]).await, before);
    assert_eq!(text(&pool, "select string_agg(portfolio_id::text || ' ' || from_date, ',') from ledger.changed").await, "2 2014-05-20");

    // The next session of all.
    let before = stamps(&[past]).await;
    let next = calendar::session_on_or_after(on("2014-06-28"));
    session(&pool, next, 41).await;
    publish_all(&pool, next).await;
    assert_eq!(stamps(&[past]).await, before);
    assert_eq!(count(&pool, &format!("select from marts.portfolio_daily where session_date = '{next}'")).await, 2);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_worker_that_lost_its_lease_publishes_nothing(pool: PgPool) {
    open(&pool).await;
    all_sessions(&pool).await;
    prepare(&pool).await.unwrap();
    prepare(&pool).await.unwrap();
    assert_eq!(count(&pool, "select from marts.portfolio_daily").await, 0, "prepared, and empty");
    let ctx = task(&pool).await;
    sql(&pool, "update ops.task set lease_epoch = 2").await;
    let error = publish(&ctx, on(LAST), Scope::All).await.unwrap_err();
    assert!(matches!(error, TaskError::Fenced(_)), "{error}");
    assert_eq!(count(&pool, "select from marts.portfolio_daily").await + count(&pool, "select from ops.publication").await, 0);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn publications_queue_up(pool: PgPool) {
    open(&pool).await;
    all_sessions(&pool).await;
    let (one, two, three) = (task(&pool).await, task(&pool).await, task(&pool).await);
    let (a, b, c) = tokio::join!(
        publish(&one, on(LAST), Scope::All),
        publish(&two, on(LAST), Scope::All),
        publish(&three, on(LAST), Scope::Portfolio(PortfolioId(1)))
    );
    assert!(a.is_ok() && b.is_ok() && c.is_ok(), "{a:?} {b:?} {c:?}");
    assert_eq!(count(&pool, "select from ops.publication").await, 3);
    assert_eq!(count(&pool, "select from ops.published_portfolio_day").await, count(&pool, "select from ledger.portfolio_day").await);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn numbers_that_no_column_holds_cost_only_their_own_portfolio(pool: PgPool) {
    open(&pool).await;
    all_sessions(&pool).await;
    // A broker's absurd fill, and each deposit fits while their sum doesn't.
    sql(
        &pool,
        "insert into book.portfolio (owner_id, name) values (2, 'Sums'), (2, 'One holding'), (2, 'No price');
         insert into book.account (portfolio_id, name) values (3, 'Sums'), (4, 'One holding'), (5, 'No price');
         insert into raw.broker_activity (portfolio_id, account_id, activity_id, activity_type, activity_date, symbol, side, quantity, price, body, response_id)
             values (1, 1, 'absurd', 'FILL', '2014-05-06', 'MSFT', 'buy', 99999999999999999, 99999999999999999, '{}', 1);
         insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, price, amount, source, entered_by)
         select portfolio_id, nextval('book.transaction_id') + 1000, 1, account_id, '2014-05-06', type, symbol, quantity, 1, amount, 'hand', 2
         from (values (3, 3, 'deposit', null, null, 900000000000000), (3, 3, 'deposit', null, null, 900000000000000),
                      (4, 4, 'buy', 'BRK.A', 6000000000, 900000000000000),
                      (5, 5, 'buy', 'BRK.A', 4000000000, 1), (5, 5, 'buy', 'AAPL', 3000000000, 1), (5, 5, 'buy', 'MSFT', 30000000000000, 1),
                      (5, 5, 'buy', 'NOSUCH', 1, 1))
              as entry (portfolio_id, account_id, type, symbol, quantity, amount)",
    )
    .await;
    publish_all(&pool, on(LAST)).await;
    assert_eq!(text(&pool, "select max(session_date)::text from marts.portfolio_daily where portfolio_id = 1").await, LAST);
    assert_eq!(count(&pool, "select from marts.portfolio_daily where portfolio_id = 3").await, 0);
    let failed =
        "select string_agg(portfolio_id::text, ',' order by portfolio_id) from ops.check_result where check_name = 'ledger_booked'";
    assert_eq!(text(&pool, failed).await, "3");
    assert_eq!(count(&pool, "select from marts.holdings where portfolio_id = 4 and close is not null and value is null").await, 1);
    assert_eq!(count(&pool, "select from marts.portfolio_daily where portfolio_id = 5 and value is null").await, 38);
}
