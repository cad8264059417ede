//! Models of a person's own: what they may, and that they may nothing else, whatever their text says.

use super::published;
use crate::market::{count, on, sql, task, text};
use server::{
    pipeline::publish::{Scope, publish},
    warehouse::{Standing, bring_up},
};
use sqlx::PgPool;
use std::fs;
use tempfile::TempDir;

pub fn package(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let project = ("dbt_project.yml", "name: ada\nmodels:\n  ada:\n    +materialized: table\n");
    for (path, text) in [project].iter().chain(files) {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

pub async fn built(pool: &PgPool, files: &[(&str, &str)]) -> Vec<Standing> {
    bring_up(pool, package(files).path()).await.unwrap()
}

pub fn of<'s>(standings: &'s [Standing], name: &str) -> &'s Standing {
    standings.iter().find(|one| one.name == name).unwrap_or_else(|| panic!("{name} in {standings:?}"))
}

pub const GOOD: (&str, &str) =
    ("models/good.sql", "-- One row per holding.\nselect portfolio_id, symbol, value from {{ ref('holdings') }}");

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn they_read_what_is_published_and_build_their_own(pool: PgPool) {
    published(&pool).await;
    let files = [
        GOOD,
        (
            "models/sum.sql",
            "-- One row per portfolio.\n{{ config(materialized='incremental', incremental_strategy='merge', unique_key='portfolio_id') }}\nselect portfolio_id, sum(value)::numeric(19, 4) as value, {{ 2 if is_incremental() else 1 }} as build from {{ ref('good') }} group by portfolio_id",
        ),
        (
            "models/days.sql",
            "-- One row per portfolio.\n{{ config(materialized='view', schema='ada_views') }}\nselect portfolio_id, count(*) as days from {{ ref('plumbline', 'portfolio_daily') }} group by portfolio_id",
        ),
        (
            "models/x.yml",
            "models:\n  - name: good\n    columns: [{name: symbol, data_tests: [not_null, {relationships: {arguments: {to: ref('instruments'), field: symbol}}}]}]\n  - name: days\n    columns: [{name: days, data_tests: [{plumbline.positive: {config: {where: days > 0}}}]}]\nunit_tests:\n  - {name: adds, model: sum, overrides: {macros: {is_incremental: false}}, given: [{input: ref('good'), rows: [{portfolio_id: 1, value: 1}, {portfolio_id: 1, value: 2}]}], expect: {rows: [{portfolio_id: 1, value: 3}]}}\n",
        ),
        (
            "tests/t.sql",
            "-- Rows: sums without a holding.\nselect * from {{ ref('sum') }} where portfolio_id not in (select portfolio_id from {{ ref('good') }})",
        ),
    ];
    let first = built(&pool, &files).await;
    assert!(first.iter().all(|one| one.is_good), "{first:#?}");
    assert_eq!(first.len(), 8, "{first:#?}");
    assert_eq!(text(&pool, "select string_agg(distinct build::text, '') from own_ada.sum").await, "1");
    let owner = "select pg_get_userbyid(relowner)::text from pg_class where oid = 'ada_views.days'::regclass";
    assert_eq!(text(&pool, owner).await, "plumbline_own_models");
    // The next publication replaces what a view of theirs reads; the next build brings it back, and goes on with the increment.
    publish(&task(&pool).await, on("2014-06-27"), Scope::All).await.unwrap();
    let second = built(&pool, &files).await;
    assert!(second.iter().all(|one| one.is_good), "{second:#?}");
    assert_eq!(text(&pool, "select string_agg(distinct build::text, '') from own_ada.sum").await, "2");
    assert_eq!(count(&pool, "select from ada_views.days").await, 2);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn one_that_fails_costs_only_what_reads_it(pool: PgPool) {
    published(&pool).await;
    let below = ("models/below.sql", "-- One row per holding.\nselect * from {{ ref('broken') }}");
    let files = [GOOD, ("models/broken.sql", "-- One row per thing.\nselect 1 as a"), below];
    assert!(built(&pool, &files).await.iter().all(|one| one.is_good));
    let tested = (
        "models/x.yml",
        "models: [{name: broken, columns: [{name: a, data_tests: [{accepted_values: {arguments: {values: [1], quote: false}}}]}]}]",
    );
    let standings = built(&pool, &[GOOD, ("models/broken.sql", "-- One row per thing.\nselect 2 as a"), below, tested]).await;
    assert!(
        !of(&standings, "accepted_values_broken_a").is_good
            && !of(&standings, "own_ada.below").is_good
            && of(&standings, "own_ada.good").is_good
    );
    assert_eq!(text(&pool, "select a::text from own_ada.broken").await, "1", "what stood stays");
    let standings = built(&pool, &[GOOD, ("models/broken.sql", "-- One row per thing.\nselect 1 / 0 as a"), below]).await;
    let said = of(&standings, "own_ada.broken");
    assert!(!said.is_good && said.message.contains("division by zero"), "{}", said.message);
    assert_eq!(of(&standings, "own_ada.below").message, "broken failed");
    let unreadable = built(&pool, &[("models/x.yml", "models: [")]).await;
    assert!(unreadable[0].message.contains("/models/x.yml:"), "{}", unreadable[0].message);
}

/// What hostile models try, each as the text of a table, a view and a test; and what is said of it.
const HOSTILE: &[(&str, &str)] = &[
    ("select * from auth.\"user\"", "permission denied"),
    ("select * from raw.market_data", "permission denied"),
    ("select * from book.transaction", "permission denied"),
    ("select * from ops.run", "permission denied"),
    ("select rolpassword from pg_catalog.pg_authid", "permission denied"),
    ("select 1 as a); drop schema raw cascade; select (1", "cannot insert multiple commands"),
    ("select 1 as a); reset role; drop schema raw cascade; create table public.x as (select 1", "cannot insert multiple commands"),
    ("select 1 as a;", ""),
    ("reset role", "syntax error"),
    ("drop schema raw cascade", "syntax error"),
    ("copy (select 1) to program 'touch /tmp/plumbline-owned'", "syntax error"),
    ("with gone as (delete from raw.split returning *) select * from gone", ""),
    ("select set_config('role', 'none', false) as a", "cannot set parameter \"role\""),
    ("select set_config('role', session_user, true) as a from (select 1) as x", "cannot set parameter \"role\""),
    ("select set_config('session_authorization', session_user, false) as a", "cannot set parameter"),
    ("select pg_read_file('/etc/passwd') as a", "permission denied"),
    ("select pg_ls_dir('/') as a", "permission denied"),
    ("select lo_import('/etc/passwd') as a", "permission denied"),
    ("select pg_reload_conf() as a", "permission denied"),
    ("select nextval('book.rule_id') as a", "permission denied"),
    ("select query_to_xml('delete from raw.split', true, true, '')::text as a", ""),
    ("select query_to_xml('alter function ops.run_own(text) security invoker', true, true, '')::text as a", ""),
    ("select query_to_xml('select * from auth.\"user\"', true, true, '')::text as a", "permission denied"),
    ("select ops.run_own('drop schema raw cascade') as a", "permission denied"),
    ("select table_to_xml('raw.split', true, true, '')::text as a", "permission denied"),
];

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn hostile_texts_reach_nothing(pool: PgPool) {
    published(&pool).await;
    sql(&pool, "create function pg_temp.none() returns int language sql as 'select 1'").await;
    let untouched = async || {
        (
            count(&pool, "select from raw.split").await,
            count(&pool, "select from raw.market_data").await,
            count(&pool, "select from marts.portfolio_daily").await,
            text(
                &pool,
                "select string_agg(proname || prosecdef, ' ' order by proname) from pg_proc where pronamespace = 'ops'::regnamespace",
            )
            .await,
        )
    };
    let before = untouched().await;
    for (hostile, says) in HOSTILE {
        let model = format!("-- One row per thing.\n{hostile}");
        let view = format!("-- One row per thing.\n{{{{ config(materialized='view') }}}}\n{hostile}");
        let reader = "-- One row per thing.\nselect * from {{ ref('bad_view') }}";
        let test = format!("-- Rows: none.\n{hostile}");
        let files = [
            GOOD,
            ("models/bad.sql", model.as_str()),
            ("models/bad_view.sql", &view),
            ("models/reader.sql", reader),
            ("tests/bad_test.sql", &test),
        ];
        let standings = built(&pool, &files).await;
        let one = of(&standings, "own_ada.bad");
        assert!(!one.is_good && one.message.contains(says), "{hostile}: {}", one.message);
        assert!(!of(&standings, "bad_test").is_good, "{hostile}");
        // A view may stand: who reads it has no more rights than it has.
        assert!(!of(&standings, "own_ada.reader").is_good, "{hostile}");
        assert!(of(&standings, "own_ada.good").is_good, "{hostile}: the others are built all the same");
        assert_eq!(untouched().await, before, "{hostile}");
    }
    assert!(!std::path::Path::new("/tmp/plumbline-owned").exists());
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn what_a_model_leaves_in_the_session_does_not_reach_the_next_statement(pool: PgPool) {
    published(&pool).await;
    // Shadowing names of the catalog, and switching limits off.
    let poison = "-- One row per thing.\nselect set_config('search_path', 'own_ada, pg_catalog', false) as a, set_config('statement_timeout', '0', false) as b";
    let shadow = "-- One row per thing.\nselect 'x' as attname, 1 as attnum, * from {{ ref('poison') }}";
    let seen = "-- One row per thing.\nselect current_setting('search_path') as path, current_setting('statement_timeout') as patience, current_user::text as me, * from {{ ref('pg_attribute') }}";
    let files = [GOOD, ("models/poison.sql", poison), ("models/pg_attribute.sql", shadow), ("models/seen.sql", seen)];
    let standings = built(&pool, &files).await;
    assert!(standings.iter().all(|one| one.is_good), "{standings:#?}");
    assert_eq!(
        text(&pool, "select path || ' ' || patience || ' ' || me from own_ada.seen").await,
        "pg_catalog, pg_temp 1min plumbline_own_models"
    );
    assert_eq!(text(&pool, "select current_setting('search_path')").await, "\"$user\", public");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn others_schemas_are_left_alone_and_the_way_in_stays_shut(pool: PgPool) {
    published(&pool).await;
    assert!(built(&pool, &[GOOD]).await.iter().all(|one| one.is_good));
    // Somebody else's schema isn't written to.
    sql(&pool, "create schema theirs").await;
    let elsewhere = ("models/good.sql", "-- One row per thing.\n{{ config(schema='theirs') }}\nselect 1 as a");
    let standings = built(&pool, &[elsewhere]).await;
    assert!(standings[0].message.contains("the schema theirs belongs to"), "{}", standings[0].message);
    // A way in that somebody opened is closed again before anything runs.
    sql(&pool, "alter function ops.run_own(text) security invoker").await;
    let reaching = ("models/bad.sql", "-- One row per thing.\nselect * from raw.split");
    let standings = built(&pool, &[GOOD, reaching]).await;
    assert!(
        of(&standings, "own_ada.good").is_good && of(&standings, "own_ada.bad").message.contains("permission denied"),
        "{standings:#?}"
    );
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn without_the_right_to_make_roles_a_sentence_says_what_to_do(pool: PgPool) {
    published(&pool).await;
    assert!(built(&pool, &[GOOD]).await.iter().all(|one| one.is_good));
    // Someone who owns the database's schemas, and is no superuser.
    let name = text(&pool, "select 'plumbline_test_' || left(md5(current_database()), 16)").await;
    let owns = "raw, book, ops, auth, staging, ledger, marts";
    sql(
        &pool,
        &format!(
            "create role {name} login; grant create on database \"{database}\" to {name};
             do $$ begin
                 execute (select string_agg(format('alter schema %I owner to {name}', nspname), ';') from pg_namespace where nspname = any (string_to_array('{owns}', ', ')));
                 execute (select string_agg(format('alter table %s owner to {name}', c.oid::regclass), ';') from pg_class c
                          where relnamespace = any (string_to_array('{owns}', ', ')::regnamespace[]) and relkind in ('r', 'v', 'p'));
             end $$;
             drop schema own_ada cascade; alter function ops.run_own(text) owner to {name}; alter function ops.read_own(text) owner to {name}",
            database = text(&pool, "select current_database()::text").await
        ),
    )
    .await;
    let options = pool.connect_options().as_ref().clone().username(&name);
    let theirs = sqlx::postgres::PgPoolOptions::new().max_connections(1).connect_with(options).await.unwrap();
    let standings = built(&theirs, &[GOOD]).await;
    assert!(standings[0].message.contains("create role plumbline_own_models nologin"), "{standings:#?}");
    // As that sentence says.
    sql(&pool, &format!("grant plumbline_own_models to {name}")).await;
    let standings =
        built(&theirs, &[GOOD, ("models/bad.sql", "-- One row per thing.\nselect set_config('role', 'none', false) from raw.split")]).await;
    assert!(of(&standings, "own_ada.good").is_good && !of(&standings, "own_ada.bad").is_good, "{standings:#?}");
    theirs.close().await;
    sql(&pool, &format!("reassign owned by {name} to current_user; drop owned by {name}; drop role {name}")).await;
}
