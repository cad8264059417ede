//! Several currencies: what a portfolio in euros is worth, and what nobody can know without a rate.

use super::{Ada, everything_adds_up, form, of, publish_all};
use crate::market::{count, on, sql, text};
use app::activity::model::TransactionForm;
use server::calendar;
use sqlx::PgPool;

/// A rate for each session: 1.25 dollars a euro, rising by a tenth of a cent.
async fn euros(pool: &PgPool, from: &str) {
    for (number, day) in calendar::sessions(on(from), on(super::LAST)).into_iter().enumerate() {
        let rate = 1.25 + number as f64 * 0.001;
        sql(
            pool,
            &format!(
                "insert into raw.exchange_rate values ('EUR', 'USD', '{day}', {rate:.4}, 'polygon', {number});
                 insert into ops.change (symbol, kind, from_date) values ('EUR', 'exchange_rate', '{day}')"
            ),
        )
        .await;
    }
}

fn in_currency(currency: &str, form: TransactionForm) -> TransactionForm {
    TransactionForm { currency: currency.into(), ..form }
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_portfolio_in_euros_holds_shares_in_dollars(pool: PgPool) {
    let ada = Ada::new(&pool).await;
    euros(&pool, "2014-04-30").await;
    sql(&pool, "update book.portfolio set base_currency = 'EUR' where portfolio_id = 2; delete from book.transaction").await;
    ada.enter(2, 2, form("deposit", "2014-05-01", ["", "", "", "10000"])).await.unwrap();
    ada.enter(2, 2, in_currency("USD", form("buy", "2014-05-05", ["MSFT", "100", "40", ""]))).await.unwrap();
    publish_all(&pool).await;
    assert_eq!(text(&pool, "select string_agg(message, ',') from ledger.finding where portfolio_id = 2").await, "null");
    everything_adds_up(&pool).await;
    let holdings = ada.ports.portfolios.holdings(ada.id, of(2)).await.unwrap().unwrap();
    let microsoft = &holdings.rows[0];
    assert_eq!((holdings.currency.as_str(), microsoft.price_currency.as_deref()), ("EUR", Some("USD")));
    // The value is the close times the rate, to the cent; the cost is at the rate of the purchase: 4,000 / 1.253.
    let by_hand = text(
        &pool,
        "select round(held.quantity * held.close / rate.close, 2)::text from marts.holdings as held
         join raw.exchange_rate as rate on rate.quoted_on = held.session_date where portfolio_id = 2",
    );
    assert_eq!(microsoft.value.clone().unwrap().0.round_dp(2).to_string(), by_hand.await);
    assert_eq!(microsoft.cost_basis.clone().unwrap().0.round_dp(2).to_string(), "3192.34");
    let cash = "select string_agg(currency || ' ' || trim_scale(amount), ', ' order by currency) from ledger.cash where portfolio_id = 2";
    assert_eq!(text(&pool, cash).await, "EUR 10000, USD -4000");
    let overview = ada.ports.portfolios.overview(ada.id, of(2)).await.unwrap().unwrap().overview;
    assert_eq!((overview.currency.as_str(), overview.figures.value.clone().unwrap()), ("EUR", holdings.value.clone().unwrap()));
    assert!(overview.figures.total_gain.unwrap().residual.is_zero());
    // A corrected rate of the past books the portfolio anew.
    sql(
        &pool,
        "insert into raw.exchange_rate values ('EUR', 'USD', '2014-05-05', 1.25, 'polygon', 900);
         insert into ops.change (symbol, kind, from_date) values ('EUR', 'exchange_rate', '2014-05-05')",
    )
    .await;
    publish_all(&pool).await;
    assert_eq!(text(&pool, "select trim_scale(cost)::text from ledger.lot where portfolio_id = 2").await, "3200");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn without_a_rate_nothing_is_one_to_one(pool: PgPool) {
    let ada = Ada::new(&pool).await;
    ada.enter(2, 2, in_currency("EUR", form("deposit", "2014-05-01", ["", "", "", "1000"]))).await.unwrap();
    publish_all(&pool).await;
    let holdings = ada.ports.portfolios.holdings(ada.id, of(2)).await.unwrap().unwrap();
    let reason = holdings.value.unwrap_err().0;
    assert!(reason.contains("EUR"), "{reason}");
    assert!(holdings.cash.is_err());
    let overview = ada.ports.portfolios.overview(ada.id, of(2)).await.unwrap().unwrap().overview;
    assert!(overview.figures.value.is_err() && overview.figures.total_gain.is_err());
    assert!(count(&pool, "select from ledger.finding where portfolio_id = 2 and code = 'no_rate'").await > 0);
    assert_eq!(count(&pool, "select from marts.portfolio_daily where portfolio_id = 1 and value is null").await, 0, "nobody else's");
    // The rates come: all is there.
    euros(&pool, "2014-04-30").await;
    publish_all(&pool).await;
    assert_eq!(count(&pool, "select from marts.portfolio_daily where portfolio_id = 2 and value is null").await, 0);
    everything_adds_up(&pool).await;
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_slip_in_a_rate_is_not_used(pool: PgPool) {
    Ada::new(&pool).await;
    euros(&pool, "2014-04-30").await;
    sql(&pool, "insert into raw.exchange_rate values ('EUR', 'USD', '2014-06-10', 12.79, 'polygon', 900)").await;
    publish_all(&pool).await;
    assert_eq!(count(&pool, "select from staging.exchange_rates where quoted_on = '2014-06-10'").await, 0);
    let sessions = calendar::sessions(on("2014-04-30"), on(super::LAST)).len();
    assert_eq!(count(&pool, "select from staging.exchange_rates").await, sessions as i64 - 1);
}
