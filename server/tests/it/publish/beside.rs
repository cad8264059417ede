//! What happens beside a publication: people read, and data arrives that nobody judged yet.

use super::{LAST, all_sessions, assert_same_from_scratch, publish_all};
use crate::market::{bar, on, open, sql, task, text};
use app::domain::PortfolioId;
use server::{
    pipeline::publish::{Scope, publish},
    quality::validate,
};
use sqlx::PgPool;

/// An edit is published between a bar's arrival and its checks: it shows what was judged, and the next run takes the bar up.
#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn what_was_not_judged_is_not_published(pool: PgPool) {
    open(&pool).await;
    all_sessions(&pool).await;
    let answer = |id: i64| {
        format!(
            "insert into raw.vendor_response (response_id, vendor, connection_id, endpoint, request, status, body_zstd, body_bytes, body_sha256)
             overriding system value values ({id}, 'polygon', 1, 'polygon.bars', '/', 200, '', 0, '')"
        )
    };
    sql(&pool, &answer(900)).await;
    validate(&task(&pool).await, on(LAST)).await.unwrap();
    publish_all(&pool, on(LAST)).await;
    let value = "select value::text from marts.portfolio_daily where portfolio_id = 1 and session_date = '2014-05-20'";
    let before = text(&pool, value).await;

    sql(&pool, &answer(950)).await;
    bar(&pool, "AAPL", on("2014-05-20"), 640.0, 950).await;
    sql(
        &pool,
        "insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, amount, source, entered_by)
         values (1, nextval('book.transaction_id'), 1, 1, '2014-06-20', 'deposit', 1000, 'hand', 1);
         insert into ops.change (portfolio_id, kind, from_date) values (1, 'transaction', '2014-06-20')",
    )
    .await;
    publish(&task(&pool).await, on(LAST), Scope::Portfolio(PortfolioId(1))).await.unwrap();
    assert_eq!(text(&pool, value).await, before, "the close that nobody judged isn't there");
    assert_eq!(
        text(&pool, "select net_contributions::text from marts.portfolio_daily where portfolio_id = 1 and session_date = '2014-06-27'")
            .await,
        "98500.0000"
    );

    let judged = validate(&task(&pool).await, on(LAST)).await.unwrap();
    assert_eq!(judged.blocks_installation, None);
    publish_all(&pool, on(LAST)).await;
    assert_ne!(text(&pool, value).await, before);
    assert_same_from_scratch(&pool).await;
}

/// Readers of a publication's marts never wait for it, and see the numbers of before or of after, never a mixture.
#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn readers_never_wait_for_a_publication(pool: PgPool) {
    open(&pool).await;
    all_sessions(&pool).await;
    publish_all(&pool, on(LAST)).await;
    let read =
        "select format('%s %s', (select sum(value) from marts.portfolio_daily), (select sum(value) + sum(cost) from marts.holdings))";
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let reader = |pool: PgPool| async move {
        let mut seen = Vec::<String>::new();
        let mut connection = pool.acquire().await.unwrap();
        // Postgres itself says when a reader waits for longer: what a stranger beside us takes from this machine is no wait.
        sqlx::query!("set lock_timeout = '50ms'").execute(&mut *connection).await.unwrap();
        while !*stopped.borrow() {
            let numbers: String = sqlx::query_scalar(read).fetch_one(&mut *connection).await.expect("a reader never waits for 50 ms");
            if seen.last() != Some(&numbers) {
                seen.push(numbers);
            }
        }
        seen
    };
    let reading = tokio::spawn(reader(pool.clone()));
    let mut published = vec![text(&pool, read).await];
    for (number, close) in [(1, 610.0), (2, 620.0), (3, 630.0)] {
        bar(&pool, "AAPL", on("2014-05-12"), close, 900 + number).await;
        bar(&pool, "MSFT", on(LAST), 40.0 + close / 100.0, 950 + number).await;
        publish_all(&pool, on(LAST)).await;
        published.push(text(&pool, read).await);
    }
    // Built anew, too: then tables are renamed.
    sql(&pool, "comment on table marts.portfolio_daily is 'of another version'; comment on table marts.holdings is 'of another version'")
        .await;
    bar(&pool, "MSFT", on(LAST), 48.0, 960).await;
    publish_all(&pool, on(LAST)).await;
    published.push(text(&pool, read).await);
    stop.send(true).unwrap();
    let seen = reading.await.unwrap();
    assert!(seen.len() > 1 && seen.iter().all(|numbers| published.contains(numbers)), "{seen:?} among {published:?}");
}
