//! What happens beside a publication: people read, and data arrives that nobody judged yet.

use super::{LAST, all_sessions, assert_same_from_scratch, publish_all};
use crate::market::{bar, on, open, sql, task, text};
use app::domain::{PortfolioId, Range, UserId};
use server::{
    pipeline::publish::{Scope, publish},
    quality::validate,
    warehouse::{Build, Project, Vars},
};
use sqlx::PgPool;
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

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

/// Nor do those who read views beside, though a new version replaces all of them, or everything is built anew by hand. Who joins both can't
/// wait for us while we wait for them.
#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn readers_of_views_never_wait_either(pool: PgPool) {
    open(&pool).await;
    all_sessions(&pool).await;
    publish_all(&pool, on(LAST)).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let reader = |pool: PgPool, query: &'static str| {
        let stopped = stopped.clone();
        async move {
            let (mut connection, mut longest, mut times) = (pool.acquire().await.unwrap(), Duration::ZERO, 0);
            sqlx::query!("set lock_timeout = '50ms'").execute(&mut *connection).await.unwrap();
            while !*stopped.borrow() {
                let begun = Instant::now();
                let rows: i64 = sqlx::query_scalar(query).fetch_one(&mut *connection).await.expect("a reader never waits for 50 ms");
                (longest, times) = (longest.max(begun.elapsed()), times + 1);
                assert!(rows > 0);
            }
            (longest, times)
        }
    };
    let readers = [
        "select count(*) from marts.holdings join staging.prices using (symbol, session_date) join staging.instruments using (symbol)",
        "select count(*) from staging.prices join marts.holdings using (symbol, session_date)",
        "select count(*) from staging.transactions join marts.portfolio_daily using (portfolio_id)",
    ];
    let reading: Vec<_> = readers.into_iter().map(|query| tokio::spawn(reader(pool.clone(), query))).collect();
    let fingerprints = "select string_agg(relname || obj_description(oid, 'pg_class'), ' ' order by relname) from pg_class
                        where relnamespace in ('staging'::regnamespace, 'marts'::regnamespace) and relkind in ('r', 'v')";
    let before = text(&pool, fingerprints).await;
    for round in 0..3 {
        sql(
            &pool,
            "do $$ declare this record; begin
                 for this in select oid::regclass as name, relkind from pg_class where relnamespace in ('staging'::regnamespace, 'marts'::regnamespace) and relkind in ('r', 'v') loop
                     execute format('comment on %s %s is %L', case this.relkind when 'v' then 'view' else 'table' end, this.name, 'of another version');
                 end loop;
             end $$",
        )
        .await;
        bar(&pool, "MSFT", on(LAST), 48.0, 960 + round).await;
        publish_all(&pool, on(LAST)).await;
        assert_eq!(text(&pool, fingerprints).await, before, "everybody is booked by them");
        let replaced = "select array_to_string(replaced_models, ' ') from ops.publication order by publication_id desc limit 1";
        assert!(text(&pool, replaced).await.contains("staging.prices"), "the publication says what it was booked by");
        let project = Project::embedded().unwrap();
        let mut tx = pool.begin().await.unwrap();
        let mut build = Build::begin(&project, &mut tx, true).await.unwrap();
        for schema in ["staging", "marts"] {
            build.models(&mut tx, schema, &Vars::default()).await.unwrap();
        }
        assert!(build.test(&mut tx, &Vars::default()).await.unwrap().iter().all(|verdict| verdict.passed));
        build.put_in_place(&mut tx).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(text(&pool, fingerprints).await, before, "built anew, and the same");
    }
    stop.send(true).unwrap();
    for reading in reading {
        let (longest, times) = reading.await.unwrap();
        println!("{times} readings, at most {longest:?}");
        assert!(times > 3);
    }
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

/// What a page says belongs to one publication, though it is read in many statements.
#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_page_is_of_one_publication(pool: PgPool) {
    open(&pool).await;
    all_sessions(&pool).await;
    publish_all(&pool, on(LAST)).await;
    let ports = crate::visitor::store(&pool, &Arc::default()).ports(None);
    let asked = app::domain::Scope { range: Range::Max, ..Default::default() };
    let pages = async || {
        let (ada, pages) = (UserId(1), &ports.portfolios);
        let told = [
            pages.overview(ada, asked).await.map(|page| serde_json::to_string(&page).unwrap()),
            pages.performance(ada, asked).await.map(|page| serde_json::to_string(&page).unwrap()),
            pages.holdings(ada, asked).await.map(|page| serde_json::to_string(&page).unwrap()),
        ];
        // A page that a publication came between too often says so, and shows nothing.
        told.into_iter().filter_map(|page| page.inspect_err(|error| assert!(error.to_string().contains("being published"))).ok())
    };
    let (mut seen, mut published) = (BTreeSet::new(), BTreeSet::new());
    published.extend(pages().await);
    let ended = AtomicBool::new(false);
    let read = async {
        while !ended.load(Ordering::Relaxed) {
            seen.extend(pages().await);
        }
    };
    let publish = async {
        for number in 1..=12 {
            bar(&pool, "AAPL", on("2014-05-12"), f64::from(600 + number), 900 + i64::from(number)).await;
            bar(&pool, "MSFT", on(LAST), f64::from(40 + number), 950 + i64::from(number)).await;
            publish_all(&pool, on(LAST)).await;
            published.extend(pages().await);
        }
        ended.store(true, Ordering::Relaxed);
    };
    tokio::join!(read, publish);
    assert!(published.len() == 3 * 13 && seen.len() > 3 * 6, "{} of {}", seen.len(), published.len());
    let mixed: Vec<_> = seen.difference(&published).collect();
    assert!(mixed.is_empty(), "{} of {} are of no publication: {}", mixed.len(), seen.len(), mixed[0]);
}
