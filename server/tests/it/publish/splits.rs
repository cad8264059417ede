//! A split that was entered too early, and listed only after it was published: it counts once.

use super::{FIRST, LAST, assert_same_from_scratch, publish_all};
use crate::market::{on, open, session, sql, text};
use server::calendar;
use sqlx::PgPool;

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_split_that_was_entered_before_it_was_listed_counts_once(pool: PgPool) {
    open(&pool).await;
    // Entered for Friday; in force on Monday, which the vendor says on Monday.
    sql(
        &pool,
        "create table public.listed as select * from raw.split where symbol = 'AAPL';
         delete from raw.split where symbol = 'AAPL';
         insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, ratio, amount, source, entered_by)
         values (1, nextval('book.transaction_id'), 1, 1, '2014-06-06', 'split', 'AAPL', 7, 0, 'hand', 1);
         insert into ops.change (portfolio_id, kind, from_date) values (1, 'transaction', '2014-06-06')",
    )
    .await;
    let held = "select trim_scale(quantity)::text from marts.holdings where portfolio_id = 1 and symbol = 'AAPL'";
    for (number, day) in calendar::sessions(on(FIRST), on(LAST)).into_iter().enumerate() {
        session(&pool, day, number).await;
        if day == on("2014-06-09") {
            assert_eq!(text(&pool, held).await, "350", "the entered one, as long as there is no other");
            sql(
                &pool,
                "insert into raw.split select * from public.listed; drop table public.listed;
                 insert into ops.change (symbol, kind, from_date) values ('AAPL', 'split', '2014-06-09')",
            )
            .await;
        }
        publish_all(&pool, day).await;
        if day == on("2014-06-09") {
            assert_eq!(text(&pool, held).await, "350", "once");
            let jump = "select max(abs(daily_return))::numeric(9, 4)::text from marts.portfolio_daily where portfolio_id = 1 and session_date > '2014-06-04'";
            assert!(text(&pool, jump).await.parse::<f64>().unwrap() < 0.05, "no day holds shares of after it at a close of before it");
        }
    }
    let said = text(&pool, "select string_agg(code || ' ' || message, ',') from ledger.finding where portfolio_id = 1").await;
    assert!(said.starts_with("split_twice ") && said.contains("entered on 2014-06-06 is the one that is listed on 2014-06-09"), "{said}");
    assert_same_from_scratch(&pool).await;
}
