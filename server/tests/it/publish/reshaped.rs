//! An upgrade that changes the ledger's tables: what was published stays, everybody is booked anew, and nothing counts as moved.

use super::{LAST, all_sessions, publish_all};
use crate::{
    explain::{
        abroad::upgrade,
        known::{OWNER, of, pages, ports, publish_on},
        world::World,
    },
    market::{count, on, open, sql, task, text},
    pipeline::demo,
};
use app::{
    domain::PortfolioId,
    error::AppError,
    explain::{model::Asked, recipe::Recipe},
    ports::Ports,
};
use server::{
    clock::Clock,
    pipeline::{
        catch_up,
        publish::{Scope, publish},
    },
};
use sqlx::PgPool;

/// Published a fortnight ago and today; then the ledger's tables are those of the version before.
async fn installation(pool: &PgPool) -> Ports {
    open(pool).await;
    all_sessions(pool).await;
    for day in ["2014-06-13", LAST] {
        publish_all(pool, on(day)).await;
        sql(
            pool,
            &format!("update ops.publication set published_at = '{day} 22:00+00' where publication_id = (select max(publication_id) from ops.publication)"),
        )
        .await;
    }
    sql(
        pool,
        "drop table ledger.rate; alter table ledger.position drop column currency; comment on schema ledger is 'shape 3';
         update ops.published_position set currency = null; delete from ops.published_rate",
    )
    .await;
    ports(pool)
}

/// What both portfolios show, today and as it was known a fortnight ago.
async fn shown(ports: &Ports) -> [String; 4] {
    [
        pages(ports, 1, None).await,
        pages(ports, 2, None).await,
        pages(ports, 1, Some(on("2014-06-20"))).await,
        pages(ports, 2, Some(on("2014-06-20"))).await,
    ]
}

async fn nothing_moved(pool: &PgPool) {
    assert_eq!(count(pool, "select from ops.restatement").await, 0);
    assert_eq!(count(pool, "select from ops.published_portfolio_day where is_gone or is_restated").await, 0);
    assert_eq!(count(pool, "select from ops.published_position where is_gone").await, 0);
}

/// What can be made again may be dropped while people are at work: whoever asks first, everybody is booked.
#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn the_first_edit_after_a_drop_books_everybody(pool: PgPool) {
    let ports = installation(&pool).await;
    publish_all(&pool, on(LAST)).await;
    let (before, days) = (shown(&ports).await, count(&pool, "select from ops.published_portfolio_day").await);
    sql(&pool, "drop schema staging, ledger, marts cascade").await;
    publish(&task(&pool).await, on(LAST), Scope::Portfolio(PortfolioId(2))).await.unwrap();
    assert_eq!(shown(&ports).await, before);
    assert_eq!(count(&pool, "select from ops.published_portfolio_day").await, days, "the same numbers are no change");
    nothing_moved(&pool).await;
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn the_first_edit_after_an_upgrade_books_everybody(pool: PgPool) {
    let ports = installation(&pool).await;
    let before = shown(&ports).await;
    let days = count(&pool, "select from ops.published_portfolio_day").await;
    publish(&task(&pool).await, on(LAST), Scope::Portfolio(PortfolioId(2))).await.unwrap();
    assert_eq!(shown(&ports).await, before);
    assert_eq!(count(&pool, "select from ops.published_portfolio_day").await, days, "the same numbers are no change");
    nothing_moved(&pool).await;
    assert_eq!(
        text(&pool, "select string_agg(portfolio_id || ' ' || session_date, ', ' order by 1) from ledger.state").await,
        "1 2014-06-27, 2 2014-06-27"
    );
    assert_eq!(
        count(&pool, "select from ledger.position where portfolio_id = 1").await,
        count(&pool, "select distinct account_id, symbol, from_date from ops.published_position where portfolio_id = 1").await
    );
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn until_then_the_start_asks_for_it_and_explanations_say_so(pool: PgPool) {
    let ports = installation(&pool).await;
    let before = shown(&ports).await;
    let asked = |figure: &str, known| Asked { figure: figure.into(), scope: of(1, known), ..Asked::default() };
    for figure in ["value", "time_weighted", "day_change", "close"] {
        let said = ports.explanations.explain(OWNER, Asked { symbol: Some("AAPL".into()), ..asked(figure, None) }).await.unwrap_err();
        assert!(matches!(&said, AppError::Refused(said) if said.starts_with("After an update")), "{figure}: {said:?}");
    }
    let known = ports.explanations.explain(OWNER, asked("value", Some(on("2014-06-20")))).await.unwrap();
    assert_eq!(known.value, known.recipe.work_out(), "what was kept is there all the same");
    demo(&pool).await;
    let clock = Clock::Fixed(format!("{LAST}T22:00:00Z").parse().unwrap());
    assert!(catch_up(&pool, clock).await.unwrap().is_some(), "a publication is asked for");
    publish_all(&pool, on(LAST)).await;
    assert_eq!(shown(&ports).await, before);
    for known in [None, Some(on("2014-06-20"))] {
        let found = ports.explanations.explain(OWNER, asked("value", known)).await.unwrap();
        assert_eq!(found.value, found.recipe.work_out(), "{known:?}");
    }
    sql(&pool, "delete from ops.run where dag = 'publish'").await;
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn rates_are_kept_from_the_upgrade_on_and_nothing_counts_as_moved(pool: PgPool) {
    let mut world = World::new(&pool, 11).await;
    for number in 0..50 {
        world.session(&pool, number).await;
        world.act(&pool, number).await;
        if matches!(number, 39 | 49) {
            publish_on(&pool, world.sessions[number], Scope::All).await;
        }
    }
    let (then, last) = (world.sessions[39], world.sessions[49]);
    let (ports, rates) = (ports(&pool), count(&pool, "select from ledger.rate").await);
    let all = || [1, 2].map(|portfolio| (portfolio, None)).into_iter().chain([1, 2].map(|portfolio| (portfolio, Some(then))));
    let mut before = Vec::new();
    for (portfolio, known) in all() {
        before.push(pages(&ports, portfolio, known).await);
    }
    let moved = count(&pool, "select from ops.restatement").await;
    sql(&pool, "drop table ledger.rate; alter table ledger.position drop column currency; comment on schema ledger is 'shape 3'").await;
    upgrade(&pool).await;
    publish_all(&pool, last).await;
    assert_eq!(count(&pool, "select from ops.restatement").await, moved, "rates that are kept now are no change");
    assert_eq!(
        count(
            &pool,
            "select from ops.published_position where is_gone and publication_id = (select max(publication_id) from ops.publication)"
        )
        .await,
        0
    );
    assert!(rates > 50, "{rates}");
    assert_eq!(count(&pool, "select from ledger.rate").await, rates);
    assert_eq!(count(&pool, "select from ops.published_rate").await, rates, "of all sessions that were ever valued with one");
    for ((portfolio, known), before) in all().zip(before) {
        assert_eq!(pages(&ports, portfolio, known).await, before, "{portfolio} {known:?}");
        let asked = |figure: &str, symbol: &str| Asked {
            figure: figure.into(),
            symbol: Some(symbol.into()),
            scope: of(portfolio, known),
            ..Asked::default()
        };
        for symbol in ["SAP", "VOD", "NESN"] {
            let Ok(found) = ports.explanations.explain(OWNER, asked("holding_value", symbol)).await else { continue };
            let is_open = matches!(&found.recipe, Recipe::Nothing { reason } if known.is_some() && reason.contains("older version"));
            assert!(is_open || found.recipe.work_out() == found.value, "{found:?}");
        }
        let found = ports.explanations.explain(OWNER, asked("value", "SAP")).await.unwrap();
        let is_open = matches!(&found.recipe, Recipe::Nothing { reason } if known.is_some() && reason.contains("older version"));
        assert!(is_open || found.recipe.work_out() == found.value, "{found:?}");
    }
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn one_that_is_held_back_meanwhile_has_lost_nothing(pool: PgPool) {
    let ports = installation(&pool).await;
    let before = shown(&ports).await;
    let run = task(&pool).await.run_id;
    sql(
        &pool,
        &format!(
            "insert into ops.check_result (run_id, portfolio_id, check_name, dimension, scope, severity, action, passed, observed, expected, elements, failures, message)
             values ({run}, 1, 'cash_agrees', 'consistency', 'portfolio', 'error', 'block', false, '1', '2', 1, 1, 'It differs.')"
        ),
    )
    .await;
    publish_all(&pool, on(LAST)).await;
    nothing_moved(&pool).await;
    assert_eq!(text(&pool, "select string_agg(portfolio_id::text, ',') from ledger.state").await, "2", "the first has to wait");
    let meanwhile = shown(&ports).await;
    assert_eq!((&meanwhile[1], &meanwhile[2], &meanwhile[3]), (&before[1], &before[2], &before[3]));
    // The broker agrees again.
    sql(&pool, "update ops.check_result set passed = true where check_name = 'cash_agrees'").await;
    publish_all(&pool, on(LAST)).await;
    assert_eq!(shown(&ports).await, before);
    nothing_moved(&pool).await;
}
