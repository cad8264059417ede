//! A close by hand is a close: the checks of the next run take it for one.

use super::{House, refused};
use crate::market::{self, count, on, sql};
use app::quality::model::PriceForm;
use server::{db::partitions, quality};
use sqlx::PgPool;

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_price_by_hand_ends_what_is_missing_and_its_removal_brings_it_back(pool: PgPool) {
    partitions::ensure(&pool, on("2026-01-01"), on("2026-12-31")).await.unwrap();
    sql(
        &pool,
        r#"insert into book.portfolio (owner_id, name) values (1, 'Mine');
         insert into book.account (portfolio_id, name) values (1, 'Paper');
         insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, price, amount, source, entered_by)
         values (1, 1, 1, 1, '2026-11-16', 'buy', 'AAPL', 10, 50, 500, 'hand', 1);
         insert into raw.market_data (symbol, "timestamp", session_date, open, high, low, close, volume, vendor, response_id)
         select symbol, day::timestamp at time zone 'America/New_York', day, 50, 50, 50, 50 + extract(day from day), 100, 'polygon', 1
         from unnest(array['AAPL', 'SPY']) as symbol, unnest('{2026-11-16,2026-11-17,2026-11-18,2026-11-19,2026-11-20}'::date[]) as day
         where symbol = 'SPY' or day not in ('2026-11-18', '2026-11-20');"#,
    )
    .await;
    let failing = async |name: &str| {
        let task = market::task(&pool).await;
        quality::validate(&task, on("2026-11-20")).await.unwrap();
        let query = format!("select from ops.check_result where run_id = {} and check_name = '{name}' and not passed", task.run_id);
        count(&pool, &query).await
    };
    assert_eq!((failing("sessions_are_complete").await, failing("held_are_fresh").await), (1, 1));
    for day in ["2026-11-18", "2026-11-20"] {
        sql(
            &pool,
            &format!(
                "insert into book.price (symbol, session_date, version, close, note, entered_by) values ('AAPL', '{day}', 1, 60, 'n', 1)"
            ),
        )
        .await;
    }
    assert_eq!((failing("sessions_are_complete").await, failing("held_are_fresh").await), (0, 0));
    sql(
        &pool,
        "insert into book.price (symbol, session_date, version, close, is_deleted, note, entered_by)
         select symbol, session_date, 2, close, true, note, 1 from book.price",
    )
    .await;
    assert_eq!((failing("sessions_are_complete").await, failing("held_are_fresh").await), (1, 1));
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_price_in_pence_is_not_taken_for_dollars(pool: PgPool) {
    let house = House::new(&pool).await;
    let form = |symbol: &str| PriceForm {
        symbol: symbol.into(),
        session_date: "2026-11-20".into(),
        close: "250".into(),
        note: "from the exchange".into(),
        is_confirmed: true,
    };
    let trade = |symbol: &str, currency: &str| {
        format!(
            "insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, price, amount, currency, source, entered_by)
             select portfolio_id, nextval('book.transaction_id'), 1, account_id, '2026-11-02', 'buy', '{symbol}', 10, 100, 1000, '{currency}', 'hand', 1
             from book.account limit 1"
        )
    };
    sql(&pool, &trade("PENCE", "GBX")).await;
    let why = refused(house.ports.quality.enter_price(house.admin, form("PENCE")).await);
    assert!(why.starts_with("symbol: PENCE is traded in GBX in the books, and its price would be taken in USD"), "{why}");
    assert_eq!(count(&pool, "select from book.price").await, 0);
    // What the vendor knows is in the currency that it says; what is traded in dollars is in dollars.
    sql(&pool, "insert into raw.instrument (symbol, name, currency, response_id) values ('PENCE', 'Pence plc', 'GBX', 1)").await;
    sql(&pool, &trade("FUND", "USD")).await;
    for symbol in ["PENCE", "FUND"] {
        house.ports.quality.enter_price(house.admin, form(symbol)).await.unwrap();
    }
}
