//! Models of a person's own never hold up a publication, nor the server, however long they take.

use super::{
    own::{GOOD, built, of, package},
    published,
};
use crate::market::{count, on, sql, task, text};
use server::{
    pipeline::publish::{Scope, publish},
    warehouse::{Error, bring_up},
};
use sqlx::PgPool;
use std::time::{Duration, Instant};

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_publication_interrupts_whoever_reads_what_it_replaces(pool: PgPool) {
    published(&pool).await;
    // Whatever it calls itself.
    let slow = "-- One row per holding.\nselect set_config('application_name', 'x', false) as a, pg_sleep(50)::text as b, symbol from {{ ref('holdings') }}";
    let folder = package(&[("models/slow.sql", slow)]);
    let (theirs, path) = (pool.clone(), folder.path().to_owned());
    let building = tokio::spawn(async move { bring_up(&theirs, &path).await });
    let reading = "select from pg_locks where relation = to_regclass('marts.holdings') and pid <> pg_backend_pid()";
    while count(&pool, reading).await == 0 {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    sql(&pool, "comment on table marts.holdings is 'of another version'").await;
    let begun = Instant::now();
    publish(&task(&pool).await, on("2014-06-27"), Scope::All).await.unwrap();
    let said = building.await.unwrap().unwrap_err();
    assert!(matches!(said, Error::Interrupted { .. }) && said.to_string().contains("interrupted by a publication"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    let standings = built(&pool, &[GOOD]).await;
    assert!(standings.iter().all(|one| one.is_good), "{standings:#?}");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn advisory_locks_are_given_back_after_each_statement(pool: PgPool) {
    published(&pool).await;
    let files = [
        ("models/a.sql", "-- One row per thing.\nselect pg_advisory_lock(4711)::text as a"),
        (
            "models/b.sql",
            "-- One row per thing.\nselect (select count(*) from pg_locks where locktype = 'advisory' and objid = 4711) as locks from {{ ref('a') }}",
        ),
        ("models/c.sql", "-- One row per thing.\nselect pg_advisory_xact_lock(4711)::text as a"),
        ("models/d.sql", "-- One row per thing.\nselect pg_advisory_unlock_all()::text as a"),
    ];
    let standings = built(&pool, &files).await;
    assert_eq!(text(&pool, "select locks::text from own_ada.b").await, "0");
    assert!(!of(&standings, "own_ada.c").is_good && of(&standings, "own_ada.c").message.contains("advisory lock"), "{standings:#?}");
    assert!(of(&standings, "own_ada.d").is_good, "{standings:#?}");
    assert_eq!(count(&pool, "select from pg_locks where locktype = 'advisory' and objid = 4711").await, 0);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn endless_and_deep_templates_are_refused_while_others_work(pool: PgPool) {
    published(&pool).await;
    let endless = "-- One row per thing.\n{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}select 1 as a";
    let standings = built(&pool, &[GOOD, ("models/endless.sql", endless)]).await;
    assert!(standings[0].message.contains("/models/endless.sql:2: it takes more steps"), "{standings:#?}");
    let deep = format!("-- One row per thing.\nselect {{{{ {}1 }}}} as a", "1+".repeat(20_000));
    let standings = built(&pool, &[GOOD, ("models/deep.sql", &deep)]).await;
    assert!(standings[0].message.contains("/models/deep.sql:2: a tag is longer"), "{standings:#?}");
}

/// dbt says the same of a test that wants rows and finds none.
#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_threshold_can_hold_of_no_rows(pool: PgPool) {
    published(&pool).await;
    let test = |config: &str| format!("{{{{ config({config}) }}}}\n-- Rows: none.\nselect 1 as a where false");
    let files = [
        GOOD,
        ("tests/fails.sql", &test("error_if='=0'")),
        ("tests/warns.sql", &test("warn_if='<1', error_if='>5'")),
        ("tests/passes.sql", &test("warn_if='>0', error_if='>5'")),
    ];
    let standings = built(&pool, &files).await;
    let fails = of(&standings, "fails");
    assert!(!fails.is_good && fails.message.contains("yields no rows"), "{}", fails.message);
    assert!(of(&standings, "warns").is_good && of(&standings, "warns").message.contains("yields no rows"), "{standings:#?}");
    assert_eq!(of(&standings, "passes").message, "As it should be.");
}
