//! Differences to the broker through several sessions: kept, resolved, and back again.

use crate::market::{self, count, on, sql, text};
use server::{db::partitions, quality};
use sqlx::PgPool;

/// What the broker holds of AAPL on a session, and its cash.
async fn report(pool: &PgPool, response: i64, session: &str, shares: i64, cash: &str) {
    sql(
        pool,
        &format!(
            "insert into raw.broker_account (portfolio_id, account_id, external_id, currency, cash, fetched_at, session_date, response_id)
             values (1, 1, 'x', 'USD', {cash}, now(), '{session}', {response});
             insert into raw.broker_position_fetch (portfolio_id, account_id, session_date, fetched_at, response_id)
             values (1, 1, '{session}', now(), {response});
             insert into raw.broker_position (portfolio_id, account_id, symbol, quantity, session_date, response_id)
             values (1, 1, 'AAPL', {shares}, '{session}', {response});"
        ),
    )
    .await;
    quality::validate(&market::task(pool).await, on(session)).await.unwrap();
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_difference_is_kept_from_its_first_session_until_it_is_gone(pool: PgPool) {
    partitions::ensure(&pool, on("2026-01-01"), on("2026-12-31")).await.unwrap();
    sql(
        &pool,
        "insert into book.portfolio (owner_id, name) values (1, 'Mine');
         insert into book.account (portfolio_id, name) values (1, 'Broker');
         insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, price, amount, source, entered_by)
         values (1, 1, 1, 1, '2026-11-02', 'deposit', null, null, null, 6600, 'hand', 1), (1, 2, 1, 1, '2026-11-02', 'buy', 'AAPL', 132, 50, 6600, 'hand', 1)",
    )
    .await;
    let kept = async || {
        text(
            &pool,
            "select string_agg(concat_ws(' ', symbol, since, session_date, cause, 'resolved ' || resolved_on), '; ' order by since, symbol) from ops.reconciliation",
        )
        .await
    };
    report(&pool, 1, "2026-11-12", 123, "0").await;
    assert_eq!(kept().await, "AAPL 2026-11-12 2026-11-12 quantity_off");
    assert_eq!(
        text(&pool, "select repair::text from ops.reconciliation").await,
        r#"{"kind": "correct", "portfolio": 1, "transaction": 2}"#
    );
    // The next day it is the same one.
    report(&pool, 2, "2026-11-13", 123, "0").await;
    assert_eq!(kept().await, "AAPL 2026-11-12 2026-11-13 quantity_off");
    // Gone; and another one later is another.
    report(&pool, 3, "2026-11-16", 132, "0").await;
    assert_eq!(kept().await, "AAPL 2026-11-12 2026-11-13 quantity_off resolved 2026-11-16");
    sql(
        &pool,
        r#"insert into raw.broker_activity (portfolio_id, account_id, activity_id, activity_type, activity_date, symbol, quantity, body, response_id)
           values (1, 1, 'x1', 'SPIN', '2026-11-17', 'AAPL', 5, '{}', 4)"#,
    )
    .await;
    report(&pool, 4, "2026-11-17", 137, "17.5").await;
    assert_eq!(
        kept().await,
        "AAPL 2026-11-12 2026-11-13 quantity_off resolved 2026-11-16;  2026-11-17 2026-11-17 unknown; AAPL 2026-11-17 2026-11-17 missing_transaction"
    );
    // The same session again, with nothing of it left: both are resolved, and come back as themselves.
    report(&pool, 5, "2026-11-17", 132, "0").await;
    report(&pool, 6, "2026-11-17", 137, "17.5").await;
    assert_eq!(count(&pool, "select from ops.reconciliation where resolved_on is null").await, 2);
    assert_eq!(count(&pool, "select from ops.reconciliation").await, 3);
}
