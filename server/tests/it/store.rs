//! The ports on a real database: what people enter, and that nobody sees what is another's.

use crate::visitor::{Remembering, store};
use app::{
    activity::model::TransactionForm,
    domain::{AccountId, ConnectionId, PortfolioId, Scope, UserId},
    error::AppError,
    pipeline::model::Question,
    ports::Ports,
};
use server::auth::{Role, people::NewPerson};
use sqlx::PgPool;
use std::sync::Arc;

/// Two people, each with a portfolio and an account of their own.
struct House {
    ports: Ports,
    conductor: Arc<Remembering>,
    ada: UserId,
    bob: UserId,
    of_ada: Scope,
    account_of_ada: AccountId,
}

impl House {
    async fn new(pool: &PgPool) -> Self {
        let conductor = Arc::new(Remembering::default());
        let ports = store(pool, &conductor).ports(None);
        let mut people = Vec::new();
        for name in ["ada", "bob"] {
            let role = if name == "ada" { Role::Member } else { Role::Administrator };
            let person = NewPerson { name: name.into(), display_name: name.into(), role, password: "correct horse battery".into() };
            let id = person.prepare().await.unwrap().insert(&mut pool.acquire().await.unwrap(), None).await.unwrap();
            ports.activities.create_portfolio(id, format!("{name}'s"), String::new()).await.unwrap();
            people.push(id);
        }
        let (ada, bob) = (people[0], people[1]);
        let shown = ports.portfolios.frame(ada, Scope::default()).await.unwrap().shown;
        let of_ada = Scope { portfolio: shown, ..Scope::default() };
        let account_of_ada = ports.activities.list(ada, of_ada, 1).await.unwrap().accounts[0].id;
        Self { ports, conductor, ada, bob, of_ada, account_of_ada }
    }

    fn buy(&self) -> TransactionForm {
        TransactionForm {
            account: self.account_of_ada.to_string(),
            traded_on: "2026-03-09".into(),
            kind: "buy".into(),
            symbol: "AAPL".into(),
            quantity: "10".into(),
            price: "227.52".into(),
            ..TransactionForm::default()
        }
    }
}

/// The rebuilt schemas, as after a first publication.
async fn publish(pool: &PgPool) {
    server::pipeline::ledger::ensure_tables(&mut pool.acquire().await.unwrap()).await.unwrap();
    sqlx::raw_sql(include_str!("../../warehouse/contract.sql")).execute(pool).await.unwrap();
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn before_the_first_publication_pages_are_empty_and_entries_are_seen(pool: PgPool) {
    let house = House::new(&pool).await;
    let (ports, ada) = (&house.ports, house.ada);
    assert!(ports.portfolios.overview(ada, house.of_ada).await.unwrap().is_none());
    assert!(ports.portfolios.holdings(ada, house.of_ada).await.unwrap().is_none());
    let frame = ports.portfolios.frame(ada, Scope::default()).await.unwrap();
    assert_eq!((frame.portfolios.len(), frame.publication, frame.open_findings), (1, None, 0));
    let id = ports.activities.enter(ada, house.of_ada, house.buy()).await.unwrap();
    let list = ports.activities.list(ada, house.of_ada, 1).await.unwrap();
    assert_eq!((list.total, list.rows[0].transaction, list.rows[0].version), (1, Some(id), 1));
    assert_eq!(list.rows[0].amount.0.to_string(), "2275.2000");
    let beyond = ports.activities.list(ada, house.of_ada, 999).await.unwrap();
    assert_eq!((beyond.total, beyond.page, beyond.rows.len()), (1, 1, 1), "beyond the last page is the last");
    publish(&pool).await;
    assert!(ports.portfolios.overview(ada, house.of_ada).await.unwrap().is_none());
    assert!(ports.portfolios.holdings(ada, house.of_ada).await.unwrap().is_none());
    assert_eq!(ports.activities.list(ada, house.of_ada, 1).await.unwrap().total, 0);
    assert!(ports.quality.quality(ada, house.of_ada).await.unwrap().checks.is_empty());
    assert!(ports.operations.pipeline(ada, Question::default()).await.unwrap().runs.is_empty());
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn names_can_be_read(pool: PgPool) {
    let house = House::new(&pool).await;
    let create = |name: &str| house.ports.activities.create_portfolio(house.ada, name.into(), String::new());
    for unreadable in ["\u{200b}\u{2060}", "\u{3164}", "mine\u{202e}txt", "\u{2067}x", "\u{e0020}", "x\u{200f}"] {
        assert!(matches!(create(unreadable).await, Err(AppError::Invalid(_))), "{unreadable:?}");
    }
    for name in ["Père & fils", "貯金", "قرض", "👩\u{200d}🌾 farm"] {
        create(name).await.unwrap();
    }
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn who_has_no_portfolio_yet_sees_empty_pages(pool: PgPool) {
    let house = House::new(&pool).await;
    sqlx::query!("delete from book.portfolio where owner_id = $1", house.bob.get()).execute(&pool).await.unwrap();
    let (ports, bob, none) = (&house.ports, house.bob, Scope::default());
    assert!(ports.portfolios.overview(bob, none).await.unwrap().is_none());
    assert!(ports.portfolios.holdings(bob, none).await.unwrap().is_none());
    assert_eq!(ports.activities.list(bob, none, 1).await.unwrap().total, 0);
    assert_eq!(ports.portfolios.frame(bob, none).await.unwrap().shown, None);
    assert!(ports.quality.quality(bob, none).await.unwrap().checks.is_empty());
    assert!(matches!(ports.activities.enter(bob, none, house.buy()).await, Err(AppError::Refused(_))));
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_correction_is_a_version_and_the_slower_of_two_is_refused(pool: PgPool) {
    let house = House::new(&pool).await;
    let (activities, ada, scope) = (&house.ports.activities, house.ada, house.of_ada);
    let id = activities.enter(ada, scope, house.buy()).await.unwrap();
    let twice = activities.enter(ada, scope, house.buy()).await.unwrap();
    assert_ne!(id, twice, "the same trade twice a day is no mistake of ours");

    let corrected = TransactionForm { quantity: "11".into(), ..house.buy() };
    activities.correct(ada, scope, id, 1, corrected.clone()).await.unwrap();
    assert!(matches!(activities.correct(ada, scope, id, 1, corrected.clone()).await, Err(AppError::Refused(_))));
    let race = futures::future::join_all((0..4).map(|_| activities.correct(ada, scope, id, 2, corrected.clone()))).await;
    assert_eq!(race.iter().filter(|result| result.is_ok()).count(), 1);
    activities.delete(ada, scope, id, 3).await.unwrap();
    assert!(matches!(activities.delete(ada, scope, id, 4).await, Err(AppError::Refused(_))));
    assert_eq!(activities.list(ada, scope, 1).await.unwrap().total, 1);

    let versions = sqlx::query_scalar!(r#"select count(*) as "count!" from book.transaction where transaction_id = $1"#, id.get());
    assert_eq!(versions.fetch_one(&pool).await.unwrap(), 4, "nothing is overwritten");
    let changes = sqlx::query_scalar!(r#"select count(*) as "count!" from ops.change where kind = 'transaction'"#);
    assert_eq!(changes.fetch_one(&pool).await.unwrap(), 5);
    assert_eq!(house.conductor.asked.lock().unwrap().iter().filter(|asked| asked.starts_with("republish")).count(), 5);
    let wrong = TransactionForm { symbol: String::new(), account: "999".into(), ..house.buy() };
    let AppError::Invalid(fields) = activities.enter(ada, scope, wrong).await.unwrap_err() else { panic!("fields are wrong") };
    assert_eq!(fields[0].field, "symbol");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn an_import_is_tried_first_and_counts_once(pool: PgPool) {
    let house = House::new(&pool).await;
    let (activities, ada, scope, account) = (&house.ports.activities, house.ada, house.of_ada, house.account_of_ada);
    let csv = "date,type,symbol,quantity,price,amount,fee,tax,currency,note\n2026-03-09,deposit,,,,5000,,,USD,\n\
               2026-03-09,buy,AAPL,1,227.52,,,,USD,\n2026-03-09,buy,AAPL,1,227.52,,,,USD,\n2026-03-09,gift,AAPL,1,227.52,,,,USD,\n";
    let count = || async { sqlx::query_scalar!(r#"select count(*) as "count!" from book.transaction"#).fetch_one(&pool).await.unwrap() };
    let tried = activities.import(ada, scope, account, csv.into(), true).await.unwrap();
    assert_eq!((tried.new, tried.already_there, tried.refused.len(), tried.preview.len()), (3, 0, 1, 3));
    assert_eq!((tried.refused[0].line, count().await), (5, 0));
    let done = activities.import(ada, scope, account, csv.into(), false).await.unwrap();
    assert_eq!((done.new, done.already_there, count().await), (3, 0, 3));
    let again = activities.import(ada, scope, account, csv.into(), false).await.unwrap();
    assert_eq!((again.new, again.already_there, count().await), (0, 3, 3));
    // What was deleted on purpose doesn't come back with the same file.
    let entry = activities.list(ada, scope, 1).await.unwrap().rows.remove(0);
    activities.delete(ada, scope, entry.transaction.unwrap(), 1).await.unwrap();
    assert_eq!(activities.import(ada, scope, account, csv.into(), false).await.unwrap().new, 0);
    let both = tokio::join!(
        activities.import(ada, scope, account, csv.replace("227.52", "228"), false),
        activities.import(ada, scope, account, csv.replace("227.52", "228"), false)
    );
    assert_eq!(both.0.unwrap().new + both.1.unwrap().new, 2, "two imports at once are one");
    assert!(matches!(activities.import(ada, scope, account, "a;b".into(), true).await, Err(AppError::Invalid(_))));
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn proposed_openings_are_confirmed_once(pool: PgPool) {
    let house = House::new(&pool).await;
    let (activities, ada, scope, account) = (&house.ports.activities, house.ada, house.of_ada, house.account_of_ada);
    let portfolio = scope.portfolio.unwrap();
    for (symbol, quantity, amount) in [("AAPL", Some("10"), "1500"), ("", None, "250.25"), ("ZEN", None, "0")] {
        sqlx::query!(
            "insert into book.opening_proposal (portfolio_id, account_id, symbol, opened_on, quantity, amount)
             values ($1, $2, $3, '2025-01-02', $4::text::numeric, $5::text::numeric)",
            portfolio.get(),
            account.get(),
            symbol,
            quantity,
            amount
        )
        .execute(&pool)
        .await
        .unwrap();
    }
    assert_eq!(activities.list(ada, scope, 1).await.unwrap().proposals.len(), 3);
    activities.decide_openings(ada, scope, account, true).await.unwrap();
    let list = activities.list(ada, scope, 1).await.unwrap();
    assert!(list.proposals.is_empty());
    assert!(list.rows.iter().all(|row| row.kind == "opening" && row.source == "opening"));
    assert_eq!(list.total, 2, "nothing at all needs no transaction");
    assert!(activities.decide_openings(ada, scope, account, true).await.is_err());
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn nobody_reaches_what_is_anothers(pool: PgPool) {
    let house = House::new(&pool).await;
    publish(&pool).await;
    let id = house.ports.activities.enter(house.ada, house.of_ada, house.buy()).await.unwrap();
    // Bob is an administrator: that is about people, not about their money.
    let (ports, bob, foreign, account) = (&house.ports, house.bob, house.of_ada, house.account_of_ada);
    let connection = sqlx::query_scalar!(
        "insert into book.connection (owner_id, vendor, label, base_url, secret, key_hint, origin)
         values ($1, 'alpaca', 'hers', 'https://paper-api.alpaca.markets', '', 'WXYZ', 'person') returning connection_id",
        house.ada.get()
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    let run = sqlx::query_scalar!(
        "insert into ops.run (dag, trigger, parameters) values ('publish', 'person', jsonb_build_object('portfolio', $1::bigint)) returning run_id",
        foreign.portfolio.map(PortfolioId::get)
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    let answers: Vec<(&str, Result<(), AppError>)> = vec![
        ("overview", ports.portfolios.overview(bob, foreign).await.map(drop)),
        ("holdings", ports.portfolios.holdings(bob, foreign).await.map(drop)),
        ("list", ports.activities.list(bob, foreign, 1).await.map(drop)),
        ("enter", ports.activities.enter(bob, foreign, house.buy()).await.map(drop)),
        ("correct", ports.activities.correct(bob, foreign, id, 1, house.buy()).await),
        ("delete", ports.activities.delete(bob, foreign, id, 1).await),
        ("import", ports.activities.import(bob, foreign, account, String::new(), true).await.map(drop)),
        ("openings", ports.activities.decide_openings(bob, foreign, account, true).await),
        ("account", ports.activities.create_account(bob, foreign, "x".into()).await),
        ("quality", ports.quality.quality(bob, foreign).await.map(drop)),
        ("run", ports.operations.run(bob, run, None).await.map(drop)),
        ("test", ports.settings.test_connection(bob, ConnectionId(connection)).await),
        ("remove", ports.settings.remove_connection(bob, ConnectionId(connection)).await),
    ];
    for (what, answer) in answers {
        assert_eq!(answer, Err(AppError::NotFound), "{what}");
    }
    // In his own portfolio her transaction and her account aren't found either.
    let own = Scope::default();
    assert_eq!(ports.activities.delete(bob, own, id, 1).await, Err(AppError::NotFound));
    assert!(matches!(ports.activities.enter(bob, own, house.buy()).await, Err(AppError::Invalid(_))));
    assert!(matches!(ports.activities.import(bob, own, account, "date,type\n".into(), true).await, Err(AppError::Invalid(_))));
    let frame = ports.portfolios.frame(bob, foreign).await.unwrap();
    assert_eq!((frame.shown, frame.portfolios.len(), frame.running.is_none()), (None, 1, true));
    assert!(ports.operations.pipeline(bob, Question::default()).await.unwrap().runs.is_empty());
    assert!(ports.settings.connections(bob).await.unwrap().rows.is_empty());
    assert_eq!(ports.settings.people(house.ada).await.map(drop), Err(AppError::NotAllowed));
    // And hers is hers.
    assert_eq!(ports.operations.run(house.ada, run, None).await.unwrap().run.run_id, run);
    assert_eq!(ports.settings.connections(house.ada).await.unwrap().rows.len(), 1);
    ports.settings.remove_connection(house.ada, ConnectionId(connection)).await.unwrap();
    assert!(ports.settings.connections(house.ada).await.unwrap().rows.is_empty());
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn checks_and_quarantine_name_only_ones_own_symbols(pool: PgPool) {
    let house = House::new(&pool).await;
    house.ports.activities.enter(house.ada, house.of_ada, house.buy()).await.unwrap();
    sqlx::raw_sql(
        "insert into ops.check_result (run_id, portfolio_id, symbol, check_name, dimension, scope, severity, passed, observed, expected, samples, message)
         values (7, 0, null, 'freshness', 'freshness', 'installation', 'fatal', true, '', '', '[]', ''),
                (7, 0, 'AAPL', 'positive', 'accuracy', 'row', 'error', false, '', '', '[{\"symbol\": \"AAPL\"}, {\"symbol\": \"TSLA\"}]', ''),
                (7, 0, 'TSLA', 'positive', 'accuracy', 'row', 'error', false, '', '', '[]', ''),
                (7, 999, null, 'positions', 'consistency', 'portfolio', 'warn', false, '', '', '[]', '');
         insert into ops.quarantine (symbol, session_date, check_name, reason, response_id, run_id)
         values ('AAPL', '2026-11-20', 'positive', 'r', 1, 7), ('TSLA', '2026-11-20', 'positive', 'r', 1, 7);",
    )
    .execute(&pool)
    .await
    .unwrap();
    let quality = house.ports.quality.quality(house.ada, Scope::default()).await.unwrap();
    assert_eq!((quality.passed, quality.total, quality.quarantine.len()), (1, 2, 1));
    assert!(!quality.checks[0].passed, "failing ones first");
    assert_eq!(quality.checks[0].samples.iter().flatten().collect::<Vec<_>>(), [(&"symbol".to_owned(), &"AAPL".to_owned())]);
    assert_eq!(house.ports.portfolios.frame(house.ada, Scope::default()).await.unwrap().open_findings, 1);
    assert_eq!(house.ports.portfolios.frame(house.bob, Scope::default()).await.unwrap().open_findings, 0);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn what_could_not_be_booked_is_shown_to_its_owner(pool: PgPool) {
    let house = House::new(&pool).await;
    let quality = &house.ports.quality;
    assert!(quality.quality(house.ada, house.of_ada).await.unwrap().unbooked.is_empty(), "nothing is published");
    publish(&pool).await;
    sqlx::query!(
        "insert into ledger.finding (portfolio_id, number, session_date, symbol, code, message)
         values ($1, 1, '2026-03-09', 'AAPL', 'oversold', 'sold'), ($1, 2, '2026-03-10', null, 'unreadable', 'read'),
                (999, 1, '2026-03-10', 'AAPL', 'oversold', 'of nobody')",
        house.of_ada.portfolio.map(PortfolioId::get)
    )
    .execute(&pool)
    .await
    .unwrap();
    let shown = quality.quality(house.ada, house.of_ada).await.unwrap().unbooked;
    let shown: Vec<_> = shown.iter().map(|row| (row.symbol.as_deref(), row.message.as_str())).collect();
    assert_eq!(shown, [(None, "read"), (Some("AAPL"), "sold")]);
    assert!(quality.quality(house.bob, Scope::default()).await.unwrap().unbooked.is_empty());
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn holdings_are_those_of_the_last_session(pool: PgPool) {
    let house = House::new(&pool).await;
    publish(&pool).await;
    let portfolio = house.of_ada.portfolio.unwrap().get();
    sqlx::raw_sql(sqlx::AssertSqlSafe(format!(
        "insert into marts.portfolio_daily values
            ({portfolio}, '2026-11-20', 1275.20, 100, 0, 0, 0, 1000, 0.01, 0, 2, 175.2, 0, 0, 0, 0, 0.002, 0.002, 0.04);
         insert into marts.holdings values
            ({portfolio}, 'AAPL', '2026-11-20', 'Apple', 'Technology', 10, 1000, 117.52, '2026-11-20', 1175.20, 0.92, 115),
            ({portfolio}, 'ZEN', '2026-11-20', 'Zendesk', 'Technology', 1, 20, null, null, null, null, null);
         insert into ops.publication (run_id, session_date, change_id, checks_passed, checks_total) values (1, '2026-11-20', 0, 11, 12);
         insert into ops.published_price (symbol, session_date, publication_id, close, priced_on)
            select 'AAPL', day::date, (select max(publication_id) from ops.publication), close, day::date
            from (values ('2026-11-18', 230), ('2026-11-19', 115), ('2026-11-20', 117.52)) as bar (day, close);
         insert into ops.published_split (symbol, execution_date, publication_id, split_from, split_to)
            values ('AAPL', '2026-11-19', (select max(publication_id) from ops.publication), 1, 2);"
    )))
    .execute(&pool)
    .await
    .unwrap();
    let holdings = house.ports.portfolios.holdings(house.ada, house.of_ada).await.unwrap().unwrap();
    let (apple, zendesk) = (&holdings.rows[0], &holdings.rows[1]);
    assert_eq!(apple.recent, [115.0, 115.0, 117.52], "in today's shares");
    assert!((apple.day_return.clone().unwrap() - 0.021_913).abs() < 1e-5);
    assert_eq!(apple.unrealized_gain.clone().unwrap().0.to_string(), "175.2000");
    assert!(zendesk.value.is_err() && zendesk.weight.is_err() && zendesk.unrealized_gain.is_err());
    let note = house.ports.portfolios.frame(house.ada, Scope::default()).await.unwrap().publication.unwrap();
    assert_eq!((note.checks_passed, note.checks_total, note.is_stale), (11, 12, false));
}
