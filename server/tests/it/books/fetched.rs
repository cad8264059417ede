//! A portfolio in euros from nothing: prices and exchange rates are fetched, checked, booked and shown.

use super::{everything_adds_up, form};
use crate::{
    market::{count, text},
    pipeline::{FRIDAY, caught_up, clock, demo, deps, ended, simulate},
    visitor::{Remembering, Visitor, site, store},
};
use app::domain::{Scope, UserId};
use server::{
    auth::{Role, people::NewPerson},
    pipeline::{self, Trigger, request_backfill, request_daily},
};
use sqlx::PgPool;
use std::sync::Arc;

async fn person(pool: &PgPool) -> UserId {
    let person = NewPerson { name: "eva".into(), display_name: "Eva".into(), role: Role::Member, password: "correct horse battery".into() };
    person.prepare().await.unwrap().insert(&mut pool.acquire().await.unwrap(), None).await.unwrap()
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn euros_and_dollars_from_the_vendor_to_the_page(pool: PgPool) {
    let market = simulate(6, FRIDAY, "").await;
    demo(&pool).await;
    let handle = pipeline::start(deps(&pool, clock(FRIDAY), Some(&market))).await.unwrap();
    assert!(caught_up(&pool).await.succeeded);
    assert_eq!(count(&pool, "select from raw.exchange_rate").await, 0, "dollars alone need no rates");

    let eva = person(&pool).await;
    let ports = store(&pool, &Arc::new(Remembering::default())).ports(None);
    ports.activities.create_portfolio(eva, "In euros".into(), "eur".into()).await.unwrap();
    let scope = Scope::default();
    let account = ports.activities.list(eva, scope, 1).await.unwrap().accounts[0].id.to_string();
    let symbol = text(&pool, "select min(symbol) from raw.market_data where symbol <> 'SPY'").await;
    let mut deposit = form("deposit", "2026-01-05", ["", "", "", "20000"]);
    deposit.account = account.clone();
    let mut buy = form("buy", "2026-01-06", [&symbol, "10", "50", ""]);
    (buy.account, buy.currency) = (account, "USD".into());
    ports.activities.enter(eva, scope, deposit).await.unwrap();
    ports.activities.enter(eva, scope, buy).await.unwrap();
    // What an edit without known rates asks for.
    let run = request_backfill(&pool, clock(FRIDAY), None, "2026-11-20".parse().unwrap(), Some(eva)).await.unwrap();
    let run = ended(&pool, run).await;
    assert!(run.succeeded, "{run:?}");
    assert!(count(&pool, "select from raw.exchange_rate where currency = 'EUR' and quote = 'USD'").await > 400);
    assert_eq!(count(&pool, "select from ops.check_result where not passed and severity <> 'info'").await, 0);
    everything_adds_up(&pool).await;

    let holdings = ports.portfolios.holdings(eva, scope).await.unwrap().unwrap();
    assert_eq!((holdings.currency.as_str(), holdings.rows[0].price_currency.as_deref()), ("EUR", Some("USD")));
    let by_hand = "select round(10 * close / (select close from raw.exchange_rate where quoted_on = '2026-11-20'), 2)::text
                   from staging.prices where session_date = '2026-11-20' and symbol = (select min(symbol) from raw.market_data where symbol <> 'SPY')";
    assert_eq!(holdings.rows[0].value.clone().unwrap().0.round_dp(2).to_string(), text(&pool, by_hand).await);
    let overview = ports.portfolios.overview(eva, scope).await.unwrap().unwrap().overview.figures;
    assert_eq!(overview.value, holdings.value);
    assert!(overview.total_gain.unwrap().residual.is_zero());
    let mut visitor = Visitor::new(&site(&pool));
    visitor.sign_in("eva", "correct horse battery").await;
    let page = visitor.get("/holdings").await.body;
    assert!(page.contains("in EUR") && page.contains(" USD"), "{page}");
    let shown = app::format::money(holdings.value.unwrap());
    assert!(page.contains(&shown) && visitor.get("/").await.body.contains(&shown), "{shown}");

    // Once more: a day's rates are asked for again, and none is new.
    let rates = count(&pool, "select from raw.exchange_rate").await;
    let daily = request_daily(&pool, clock(FRIDAY), "2026-11-20".parse().unwrap(), None, Trigger::Person).await.unwrap();
    assert!(ended(&pool, daily).await.succeeded);
    assert_eq!(count(&pool, "select from raw.exchange_rate").await, rates);
    handle.stop().await;
}
