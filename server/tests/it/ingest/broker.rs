//! The broker's account, positions and history.

use super::*;

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn the_brokers_snapshots_and_history_land(pool: PgPool) {
    let world = World::new(pool.clone(), Vendor::Alpaca, [ok(fixture!("alpaca/account_ordinary"))]).await;
    let (portfolio, account) = (PortfolioId(1), AccountId(2));
    let World { ctx, http, connection, script } = &world;
    assert_eq!(alpaca::test(http, connection).await.unwrap().currency, "USD");
    for _ in 0..2 {
        alpaca::land_account(ctx, http, connection, portfolio, account, on(15)).await.unwrap();
    }
    script.next_says([ok(fixture!("alpaca/positions_ordinary"))]);
    for _ in 0..2 {
        assert_eq!(alpaca::land_positions(ctx, http, connection, portfolio, account, on(15)).await.unwrap(), 3);
    }
    script.next_says([ok("[]")]);
    assert_eq!(alpaca::land_positions(ctx, http, connection, portfolio, account, on(15)).await.unwrap(), 0);
    assert_eq!(world.count("select count(*) from raw.broker_position_fetch").await, 3);
    let kinds: Vec<String> = sqlx::query_scalar("select kind from ops.change order by change_id").fetch_all(&pool).await.unwrap();
    assert_eq!(kinds, ["account", "position", "position"], "noted once each, and when everything was sold");
    let land = async || alpaca::land_activities(ctx, http, connection, portfolio, account, None).await;
    script.next_says([ok(fixture!("alpaca/activities_ordinary"))]);
    assert_eq!(land().await.unwrap(), 4);
    assert_eq!(land().await.unwrap(), 0, "1e3 and 1000 are the same number");
    assert!(script.asked().last().unwrap().contains("after=2024-03-07"), "{:?}", script.asked().last());
    script.next_says([ok(fixture!("alpaca/activities_ordinary").replace("executed", "canceled"))]);
    assert_eq!(land().await.unwrap(), 1, "a correction of an activity is a new version");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_history_is_read_page_by_page(pool: PgPool) {
    let page = |numbers: std::ops::Range<u32>| {
        let rows: Vec<_> = numbers
            .map(|n| format!(r#"{{"activity_type":"CSD","id":"20240311000000000::{n}","date":"2024-03-11","net_amount":"{n}"}}"#))
            .collect();
        ok(format!("[{}]", rows.join(",")))
    };
    // The second page comes twice, the third overlaps it.
    let world = World::new(pool.clone(), Vendor::Alpaca, [page(0..100), page(100..200), page(100..200), page(150..210)]).await;
    let World { ctx, http, connection, script } = &world;
    assert_eq!(alpaca::land_activities(ctx, http, connection, PortfolioId(1), AccountId(2), None).await.unwrap(), 210);
    assert!(script.asked()[1].contains("page_token=20240311000000000%3A%3A99"), "{:?}", script.asked());
    script.next_says([page(0..100)]);
    let error = alpaca::land_activities(ctx, http, connection, PortfolioId(1), AccountId(2), Some(on(1))).await.unwrap_err();
    assert!(matches!(error, TaskError::Retryable(_)) && script.asked().len() < 20);
}
