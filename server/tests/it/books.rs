//! The wider books: corporate actions by form, ways to reckon what was sold, several currencies, files out and in again.

mod browser;
mod fetched;
mod foreign;
mod laws;
mod routes;

use crate::{
    market::{bar, count, on, open, session, sql, task, text},
    visitor::{Remembering, store},
};
use app::{
    activity::model::TransactionForm,
    domain::{AccountId, PortfolioId, Scope, UserId},
    error::AppError,
    ports::Ports,
};
use server::{
    auth::{Role, people::NewPerson},
    calendar,
    pipeline::publish::{Scope as Published, publish},
};
use sqlx::PgPool;
use std::sync::Arc;

const FIRST: &str = "2014-04-30";
const LAST: &str = "2014-06-27";

/// Ada, to whom the small market's two portfolios belong: 1 at a broker (account 1), 2 by hand (account 2).
pub struct Ada {
    pub ports: Ports,
    pub id: UserId,
}

impl Ada {
    /// All sessions have happened; nothing is published yet.
    pub async fn new(pool: &PgPool) -> Self {
        open(pool).await;
        for (number, day) in calendar::sessions(on(FIRST), on(LAST)).into_iter().enumerate() {
            session(pool, day, number).await;
        }
        let person =
            NewPerson { name: "ada".into(), display_name: "Ada".into(), role: Role::Member, password: "correct horse battery".into() };
        let id = person.prepare().await.unwrap().insert(&mut pool.acquire().await.unwrap(), None).await.unwrap();
        // Dividends that nobody enters by hand would be reported as missing.
        sql(pool, &format!("update book.portfolio set owner_id = {id}; delete from raw.dividend where symbol = 'MSFT'")).await;
        Self { ports: store(pool, &Arc::new(Remembering::default())).ports(None), id }
    }

    /// Enters a transaction by hand, as the form sends it.
    pub async fn enter(&self, portfolio: i64, account: i64, form: TransactionForm) -> Result<(), AppError> {
        let form = TransactionForm { account: account.to_string(), ..form };
        self.ports.activities.enter(self.id, of(portfolio), form).await.map(drop)
    }

    /// Keeps how the account is reckoned.
    pub async fn keep(&self, account: i64, basis: &str, allows_short: bool) {
        self.ports.settings.keep_account(self.id, AccountId(account), basis.into(), allows_short).await.unwrap();
    }
}

pub fn of(portfolio: i64) -> Scope {
    Scope { portfolio: Some(PortfolioId(portfolio)), ..Scope::default() }
}

/// A form: kind, day, symbol, quantity, price, amount.
pub fn form(kind: &str, day: &str, [symbol, quantity, price, amount]: [&str; 4]) -> TransactionForm {
    TransactionForm {
        kind: kind.into(),
        traded_on: day.into(),
        symbol: symbol.into(),
        quantity: quantity.into(),
        price: price.into(),
        amount: amount.into(),
        ..TransactionForm::default()
    }
}

pub async fn publish_all(pool: &PgPool) {
    publish(&task(pool).await, on(LAST), Published::All).await.unwrap_or_else(|error| panic!("{error}"));
    let held_back = "select string_agg(check_name || ' ' || message || ' ' || samples::text, ', ') from ops.check_result
                     where not passed and severity = 'error'";
    assert_eq!(text(pool, held_back).await, "null");
}

/// What is held, as "symbol quantity cost".
async fn held(pool: &PgPool, portfolio: i64) -> String {
    let held = "string_agg(symbol || ' ' || trim_scale(quantity) || ' ' || trim_scale(cost), ', ' order by symbol)";
    text(pool, &format!("select {held} from marts.holdings where portfolio_id = {portfolio}")).await
}

/// Nothing is left unexplained on any day, and holdings and cash make up the value of the last.
pub async fn everything_adds_up(pool: &PgPool) {
    let unexplained = "select from marts.portfolio_daily
        where abs(value - net_contributions - (realized + unrealized - brought_in + income - costs + cash_currency)) > 0.01";
    assert_eq!(count(pool, unexplained).await, 0);
    let apart = "select from (select days.portfolio_id, days.value - days.cash - days.receivable - coalesce(sum(held.value), 0) as gap
                 from marts.portfolio_daily as days left join marts.holdings as held using (portfolio_id, session_date)
                 where session_date = (select max(session_date) from marts.portfolio_daily) group by days.portfolio_id, 1, days.value, days.cash, days.receivable) as last
                 where abs(gap) > 0.01";
    assert_eq!(count(pool, apart).await, 0);
    let failed =
        "select string_agg(check_name || ' ' || samples::text, ', ') from ops.check_result where not passed and dimension = 'model'";
    assert_eq!(text(pool, failed).await, "null");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn what_companies_do_with_their_shares_is_entered_by_form(pool: PgPool) {
    let ada = Ada::new(&pool).await;
    for (number, day) in calendar::sessions(on("2014-05-20"), on(LAST)).into_iter().enumerate() {
        bar(&pool, "SPUN", day, 16.0, 500 + number as i64).await;
        bar(&pool, "NEW", day, if day < on("2014-06-03") { 7.0 } else { 14.0 }, 600 + number as i64).await;
    }
    let deposit = form("deposit", "2014-05-01", ["", "", "", "10000"]);
    ada.enter(2, 2, deposit).await.unwrap();
    ada.enter(2, 2, form("buy", "2014-05-05", ["MSFT", "101", "40", ""])).await.unwrap();
    let wrong = ada.enter(2, 2, form("spin_off", "2014-05-20", ["MSFT", "", "", ""])).await.unwrap_err();
    assert!(matches!(&wrong, AppError::Invalid(fields) if fields.len() == 3), "{wrong:?}");
    let spun = TransactionForm {
        counter_symbol: "SPUN".into(),
        ratio: "0.5".into(),
        cost_share: "0.25".into(),
        ..form("spin_off", "2014-05-20", ["MSFT", "", "", "8"])
    };
    ada.enter(2, 2, spun).await.unwrap();
    let renamed = TransactionForm { counter_symbol: "NEW".into(), ..form("symbol_change", "2014-06-02", ["SPUN", "", "", ""]) };
    ada.enter(2, 2, renamed).await.unwrap();
    let split = TransactionForm { ratio: "0.5".into(), ..form("split", "2014-06-03", ["NEW", "", "", ""]) };
    ada.enter(2, 2, split).await.unwrap();
    ada.enter(2, 2, form("return_of_capital", "2014-06-10", ["NEW", "", "", "25"])).await.unwrap();
    // Berkshire is taken over for cash.
    ada.enter(2, 2, form("merger", "2014-06-20", ["BRK.A", "", "", "200000"])).await.unwrap();
    publish_all(&pool).await;
    assert_eq!(text(&pool, "select string_agg(code, ',') from ledger.finding where portfolio_id = 2").await, "null");
    // 101 shares for 4,040; a quarter of it, 1,010, goes to 50.5 shares, of which half a one is sold for 8.
    let spun = "select trim_scale(quantity) || ' ' || trim_scale(cost) from ledger.realized where portfolio_id = 2 and symbol = 'SPUN'";
    assert_eq!(text(&pool, spun).await, "0.5 10");
    assert_eq!(held(&pool, 2).await, "MSFT 101 3030, NEW 25 975");
    let merged = "select trim_scale(proceeds) || ' ' || term from ledger.realized where portfolio_id = 2 and symbol = 'BRK.A'";
    assert_eq!(text(&pool, merged).await, "200000 short");
    everything_adds_up(&pool).await;
    // The list says what happened.
    let list = ada.ports.activities.list(ada.id, of(2), 1).await.unwrap();
    let spin_off = list.rows.iter().find(|row| row.kind == "spin_off").unwrap();
    assert_eq!(spin_off.counter_symbol.as_ref().map(ToString::to_string).as_deref(), Some("SPUN"));
    assert_eq!(spin_off.as_form().cost_share, "0.25");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn how_an_account_is_kept_decides_what_a_sale_earned(pool: PgPool) {
    let ada = Ada::new(&pool).await;
    ada.enter(2, 2, form("deposit", "2014-05-01", ["", "", "", "10000"])).await.unwrap();
    for (day, price, lot) in [("2014-05-05", "30", "a"), ("2014-05-06", "50", "b"), ("2014-05-07", "40", "c")] {
        let buy = TransactionForm { lot_id: lot.into(), ..form("buy", day, ["MSFT", "10", price, ""]) };
        ada.enter(2, 2, buy).await.unwrap();
    }
    let sell = TransactionForm { lot_id: "c".into(), ..form("sell", "2014-05-20", ["MSFT", "10", "45", ""]) };
    ada.enter(2, 2, sell).await.unwrap();
    let gain = "select trim_scale(sum(proceeds - cost))::text from ledger.realized where portfolio_id = 2";
    for (basis, expected) in [("fifo", "150"), ("lifo", "50"), ("hifo", "-50"), ("average", "50"), ("specific", "50")] {
        ada.keep(2, basis, false).await;
        publish_all(&pool).await;
        assert_eq!(text(&pool, gain).await, expected, "{basis}");
        everything_adds_up(&pool).await;
    }
    let lots = "select string_agg(lot_id, ',' order by number) from ledger.lot where portfolio_id = 2 and symbol = 'MSFT'";
    assert_eq!(text(&pool, lots).await, "a,b");
    let refused = ada.ports.settings.keep_account(ada.id, AccountId(2), "cheapest".into(), false).await;
    assert!(matches!(refused, Err(AppError::Invalid(_))));
    assert_eq!(ada.ports.settings.keep_account(UserId(999), AccountId(2), "fifo".into(), false).await, Err(AppError::SignInRequired));
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_short_sale_needs_the_accounts_leave(pool: PgPool) {
    let ada = Ada::new(&pool).await;
    ada.enter(2, 2, form("deposit", "2014-05-01", ["", "", "", "10000"])).await.unwrap();
    ada.enter(2, 2, form("short", "2014-05-05", ["MSFT", "100", "41", ""])).await.unwrap();
    ada.enter(2, 2, form("cover", "2014-05-20", ["MSFT", "40", "39", ""])).await.unwrap();
    publish_all(&pool).await;
    assert_eq!(count(&pool, "select from ledger.finding where portfolio_id = 2 and code = 'short_not_allowed'").await, 1);
    ada.keep(2, "fifo", true).await;
    publish_all(&pool).await;
    assert_eq!(count(&pool, "select from ledger.finding where portfolio_id = 2").await, 0);
    assert_eq!(held(&pool, 2).await, "BRK.A 1 150000, MSFT -60 -2460");
    assert_eq!(text(&pool, "select trim_scale(sum(proceeds - cost))::text from ledger.realized where portfolio_id = 2").await, "80");
    everything_adds_up(&pool).await;
    let weights = "select round(sum(weight)::numeric, 6)::text from marts.allocation where portfolio_id = 2";
    assert_eq!(text(&pool, weights).await, "1.000000");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn what_an_older_version_booked_is_booked_anew(pool: PgPool) {
    let ada = Ada::new(&pool).await;
    publish_all(&pool).await;
    let before =
        text(&pool, "select string_agg(to_jsonb(days)::text, ',' order by portfolio_id, session_date) from marts.portfolio_daily as days")
            .await;
    // As the version before left it: tables of another shape, and a state that this one can't read.
    sql(
        &pool,
        "comment on schema ledger is null;
         drop table ledger.holding, ledger.cash;
         alter table ledger.portfolio_day drop column cash_currency;
         alter table ledger.lot drop column lot_id;
         alter table marts.holdings drop column currency_effect;
         comment on table marts.holdings is 'old'; comment on table marts.portfolio_daily is 'old';
         update ledger.state set state = '{\"session_date\": \"2014-06-27\", \"cash\": {\"2\": \"5.00\"}}'",
    )
    .await;
    // Until it has published, pages are as before the first publication.
    let fresh = store(&pool, &Arc::new(Remembering::default())).ports(None);
    assert!(fresh.portfolios.holdings(ada.id, of(2)).await.unwrap().is_none());
    publish_all(&pool).await;
    assert_eq!(
        text(&pool, "select string_agg(to_jsonb(days)::text, ',' order by portfolio_id, session_date) from marts.portfolio_daily as days")
            .await,
        before
    );
    assert!(fresh.portfolios.holdings(ada.id, of(2)).await.unwrap().is_some());
}
