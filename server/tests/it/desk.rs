//! What people decide about data quality, on a real database and site: quarantine, prices by hand, acceptances, and who sees what.

mod browser;
mod closes;
mod reconciliation;
mod rules;

use crate::{
    market::{count, on, sql, text},
    visitor::{Remembering, Visitor, site, store},
};
use app::{
    domain::{PortfolioId, Scope, UserId},
    error::AppError,
    ports::Ports,
    quality::model::{AcceptanceForm, PriceForm, QuarantineKey, Word},
};
use axum::http::StatusCode;
use server::{
    auth::{Role, people::NewPerson},
    db::partitions,
    quality,
};
use sqlx::PgPool;
use std::sync::Arc;

const PASSWORD: &str = "correct horse battery";

/// An administrator who holds AAPL, a member who holds AAPL and TSLA, another who holds nothing; AAPL fell to a seventh on Friday.
struct House {
    ports: Ports,
    conductor: Arc<Remembering>,
    admin: UserId,
    ada: UserId,
    bob: UserId,
    of_ada: PortfolioId,
}

impl House {
    async fn new(pool: &PgPool) -> Self {
        partitions::ensure(pool, on("2026-01-01"), on("2026-12-31")).await.unwrap();
        let conductor = Arc::new(Remembering::default());
        let ports = store(pool, &conductor).ports(None);
        let mut people = Vec::new();
        for (name, role) in [("root", Role::Administrator), ("ada", Role::Member), ("bob", Role::Member)] {
            let person = NewPerson { name: name.into(), display_name: name.into(), role, password: PASSWORD.into() };
            let id = person.prepare().await.unwrap().insert(&mut pool.acquire().await.unwrap(), None).await.unwrap();
            ports.activities.create_portfolio(id, format!("{name}'s"), String::new()).await.unwrap();
            people.push(id);
        }
        sql(
            pool,
            r#"insert into book.transaction (portfolio_id, transaction_id, version, account_id, traded_on, type, symbol, quantity, price, amount, source, entered_by)
               select portfolio_id, nextval('book.transaction_id'), 1, account_id, '2026-11-02', 'buy', symbol, 10, 100, 1000, 'hand', 1
               from book.portfolio join book.account using (portfolio_id) cross join unnest(array['AAPL', 'TSLA']) as symbol
               where (portfolio.name = 'root''s' and symbol = 'AAPL') or portfolio.name = 'ada''s';
               insert into raw.vendor_response (vendor, connection_id, endpoint, request, status, body_zstd, body_bytes, body_sha256)
               values ('polygon', 1, 'polygon.bars', '/', 200, '', 0, '');
               insert into raw.market_data (symbol, "timestamp", session_date, open, high, low, close, volume, vendor, response_id)
               select symbol, day::timestamp at time zone 'America/New_York', day, close, close, close, close, 100, 'polygon', 1
               from (values ('AAPL', '2026-11-18'::date, 700), ('AAPL', '2026-11-19', 707), ('AAPL', '2026-11-20', 101), ('TSLA', '2026-11-20', -3))
                   as bar (symbol, day, close);
               insert into ops.quarantine (symbol, session_date, check_name, reason, response_id, run_id) values
                   ('AAPL', '2026-11-20', 'jumps_are_explained', 'AAPL fell to a seventh.', 1, 4),
                   ('TSLA', '2026-11-20', 'prices_are_positive', 'TSLA is below zero.', 1, 4);
               insert into ops.check_result (run_id, portfolio_id, symbol, check_name, dataset, dimension, scope, severity, passed, observed, expected, elements,
                                             failures, samples, message, query, repairs)
               select 4, 0, 'AAPL', 'jumps_are_explained', 'bars', 'accuracy', 'symbol', 'error', false, '1 of 3 fail', 'none', 3, 1,
                      '[{"symbol": "AAPL", "close": 101, "session_date": "2026-11-20"}, {"symbol": "TSLA", "close": -3}]'::jsonb, 'AAPL fell to a seventh.', 'select secret',
                      '[{"kind": "fetch", "symbol": "AAPL", "from": "2026-11-20", "to": "2026-11-20"}, {"kind": "price", "symbol": "TSLA", "session": "2026-11-20"}]'::jsonb
               union all select 4, 0, 'TSLA', 'prices_are_positive', 'bars', 'accuracy', 'row', 'error', false, '', 'none', 3, 1, '[]', 'TSLA is below zero.', null, '[]'
               union all select 4, 0, null, 'session_is_there', 'bars', 'freshness', 'installation', 'fatal', true, '', 'there', 1, 0, '[]', 'There.', null, '[]'
               union all select 4, portfolio_id, null, 'cash_reconciles', 'entries', 'consistency', 'portfolio', 'warn', false, '', 'equal', 1, 1, '[]',
                                '=cmd()', 'select 1', '[]'
                         from book.portfolio where name = 'ada''s';"#,
        )
        .await;
        let (admin, ada, bob) = (people[0], people[1], people[2]);
        let of_ada = ports.portfolios.frame(ada, Scope::default()).await.unwrap().shown.unwrap();
        Self { ports, conductor, admin, ada, bob, of_ada }
    }

    fn asked(&self, what: &str) -> usize {
        self.conductor.asked.lock().unwrap().iter().filter(|asked| asked.contains(what)).count()
    }
}

fn key(symbol: &str) -> QuarantineKey {
    QuarantineKey { dataset: "bars".into(), symbol: symbol.into(), session_date: on("2026-11-20"), row_key: String::new(), response_id: 1 }
}

fn word(note: &str, until: &str) -> Word {
    Word { note: note.into(), expires_on: until.into() }
}

fn refused(answer: Result<(), AppError>) -> String {
    match answer {
        Err(AppError::Refused(sentence)) => sentence,
        Err(AppError::Invalid(fields)) => fields.into_iter().map(|field| format!("{}: {}", field.field, field.message)).collect(),
        other => panic!("not refused: {other:?}"),
    }
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_bar_is_released_when_a_split_explains_it_and_only_once(pool: PgPool) {
    let house = House::new(&pool).await;
    let quality = &house.ports.quality;
    for member in [house.ada, house.bob] {
        assert!(matches!(quality.release(member, key("AAPL"), Word::default()).await, Err(AppError::NotAllowed)));
        assert!(matches!(quality.discard(member, key("AAPL"), Word::default()).await, Err(AppError::NotAllowed)));
    }
    let why = refused(quality.release(house.admin, key("AAPL"), Word::default()).await);
    assert!(why.starts_with("It still fails. AAPL closed at 101 on 2026-11-20 after 707") && why.contains("say why in a note"), "{why}");
    assert_eq!(count(&pool, "select from ops.quarantine where released_at is not null").await, 0);
    sql(&pool, "insert into raw.split (symbol, execution_date, split_from, split_to, response_id) values ('AAPL', '2026-11-20', 1, 7, 1)")
        .await;
    quality.release(house.admin, key("AAPL"), Word::default()).await.unwrap();
    assert_eq!(house.asked("republish all"), 1);
    assert_eq!(
        text(&pool, "select string_agg(concat_ws(' ', symbol, kind, from_date), ', ') from ops.change where kind = 'bar'").await,
        "AAPL bar 2026-11-20"
    );
    assert_eq!(
        text(&pool, "select concat_ws(' ', user_id, action, details -> 'row' ->> 'symbol') from ops.audit where action like '%row'").await,
        format!("{} release_row AAPL", house.admin)
    );
    assert!(refused(quality.discard(house.admin, key("AAPL"), Word::default()).await).contains("This was released by root already"));
    let nothing = refused(quality.discard(house.admin, key("NONE"), Word::default()).await);
    assert!(nothing.contains("Nothing of that symbol and day"), "{nothing}");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_bar_that_still_fails_is_used_on_somebodys_word_and_waits_again_afterwards(pool: PgPool) {
    let house = House::new(&pool).await;
    let quality = &house.ports.quality;
    for (note, until, field) in [
        ("right", "2027-01-04", "note"),
        ("the exchange says so", "2028-11-22", "expires_on"),
        ("the exchange says so", "2026-11-21", "expires_on"),
        ("the exchange says so", "soon", "expires_on"),
    ] {
        let said = refused(quality.release(house.admin, key("AAPL"), word(note, until)).await);
        assert!(said.starts_with(field), "{said}");
    }
    // Two people at once, the second of whom names no answer: one decides, the other is told.
    let any = QuarantineKey { response_id: 0, ..key("AAPL") };
    let both = [word("the exchange says so", "2026-12-31"), word("a newspaper says so", "2026-12-31")];
    let [first, second] = both;
    let answers = tokio::join!(quality.release(house.admin, key("AAPL"), first), quality.release(house.admin, any, second));
    let answers = [answers.0, answers.1];
    assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), 1);
    assert!(answers.into_iter().filter(Result::is_err).all(|answer| refused(answer).contains("released by root already")));
    assert_eq!(count(&pool, "select from book.acceptance").await, 1);
    let shown = quality.quality(house.ada, Scope::default()).await.unwrap();
    assert_eq!(shown.quarantine.iter().map(|row| row.key.symbol.as_str()).collect::<Vec<_>>(), ["TSLA"]);
    assert!(shown.checks.iter().any(|check| check.name == "jumps_are_explained" && check.accepted.is_some()));

    // Taken back, it waits again; so it does when the word has run out.
    let acceptance = shown.acceptances[0].id;
    assert!(matches!(quality.revoke(house.ada, acceptance).await, Err(AppError::NotAllowed)));
    quality.revoke(house.admin, acceptance).await.unwrap();
    assert!(refused(quality.revoke(house.admin, acceptance).await).contains("revoked already"));
    assert_eq!(quality.quality(house.ada, Scope::default()).await.unwrap().quarantine.len(), 2);
    quality.release(house.admin, key("AAPL"), word("the exchange says so", "2026-12-31")).await.unwrap();
    let mut connection = pool.acquire().await.unwrap();
    assert_eq!(quality::lapse(&mut connection, None, on("2026-12-31")).await.unwrap(), 0);
    assert_eq!(quality::lapse(&mut connection, None, on("2027-01-01")).await.unwrap(), 1);
    assert_eq!(quality.quality(house.ada, Scope::default()).await.unwrap().quarantine.len(), 2);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn an_edit_published_later_hides_no_check_of_the_data(pool: PgPool) {
    let house = House::new(&pool).await;
    sql(
        &pool,
        "insert into ops.check_result (run_id, portfolio_id, check_name, dataset, dimension, scope, severity, passed, observed, expected, message)
         select 9, portfolio_id, check_name, dataset, dimension, 'portfolio', 'error', false, '', '', 'A model of the edit.'
         from book.portfolio cross join (values ('returns_are_possible', 'marts.portfolio_daily', 'accuracy'), ('not_null_holdings_cost', '', 'model'))
              as of_edit (check_name, dataset, dimension)
         where portfolio.name = 'ada''s'",
    )
    .await;
    let shown = house.ports.quality.quality(house.ada, Scope::default()).await.unwrap();
    let failing: Vec<&str> = shown.checks.iter().filter(|check| !check.passed).map(|check| check.name.as_str()).collect();
    for name in ["jumps_are_explained", "prices_are_positive", "cash_reconciles", "returns_are_possible", "not_null_holdings_cost"] {
        assert!(failing.contains(&name), "{name} among {failing:?}");
    }
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_discarded_bar_is_never_used_and_not_waited_for(pool: PgPool) {
    let house = House::new(&pool).await;
    let quality = &house.ports.quality;
    let shown = quality.quality(house.admin, Scope::default()).await.unwrap();
    assert_eq!((shown.quarantine.len(), shown.quarantined_elsewhere), (1, 1), "TSLA isn't held here");
    assert_eq!(shown.quarantine[0].refused["close"], "101");
    assert_eq!(shown.quarantine[0].vendor.as_deref(), Some("polygon"));
    // Told by who holds it, the administrator decides about it all the same.
    let unseen = QuarantineKey { response_id: 0, ..key("TSLA") };
    quality.discard(house.admin, unseen, word("a typing error of the vendor", "")).await.unwrap();
    assert_eq!(quality.quality(house.ada, Scope::default()).await.unwrap().quarantine.len(), 1);
    assert_eq!(text(&pool, "select note from ops.quarantine where discarded_at is not null").await, "a typing error of the vendor");
    assert!(refused(quality.release(house.admin, key("TSLA"), Word::default()).await).contains("discarded by root already"));
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_price_by_hand_counts_where_the_vendor_has_no_good_one(pool: PgPool) {
    let house = House::new(&pool).await;
    let quality = &house.ports.quality;
    server::pipeline::publish::prepare(&pool).await.unwrap();
    let close = async || {
        text(&pool, "select string_agg(concat_ws(' ', close::float8, vendor), ', ') from staging.prices where symbol = 'AAPL' and session_date = '2026-11-20'").await
    };
    assert_eq!(close().await, "null");
    let form = |symbol: &str, day: &str, close: &str, is_confirmed| PriceForm {
        symbol: symbol.into(),
        session_date: day.into(),
        close: close.into(),
        note: "from the exchange".into(),
        is_confirmed,
    };
    assert!(matches!(quality.enter_price(house.ada, form("AAPL", "2026-11-20", "700", false)).await, Err(AppError::NotAllowed)));
    let stands = refused(quality.enter_price(house.admin, form("AAPL", "2026-11-19", "700", false)).await);
    assert!(stands.contains("is 707 and passes its checks"), "{stands}");
    let far = refused(quality.enter_price(house.admin, form("AAPL", "2026-11-20", "70", false)).await);
    assert!(far.starts_with("close: The close of 2026-11-19 is 707, more than 40 % away."), "{far}");
    quality.enter_price(house.admin, form("AAPL", "2026-11-20", "710.25", false)).await.unwrap();
    assert_eq!(close().await, "710.25 person");
    quality.enter_price(house.admin, form("AAPL", "2026-11-20", "70", true)).await.unwrap();
    assert_eq!(close().await, "70 person", "the latest version, as it was confirmed");
    let shown = quality.quality(house.ada, Scope::default()).await.unwrap().prices;
    assert_eq!((shown.len(), shown[0].version, shown[0].is_used), (1, 2, true));
    assert!(quality.quality(house.bob, Scope::default()).await.unwrap().prices.is_empty(), "of a symbol that isn't held");
    assert!(refused(quality.remove_price(house.admin, "AAPL".into(), on("2026-11-20"), 1).await).contains("Reload the page"));
    // A good price of the vendor's wins, and loses again while it is in quarantine.
    sql(
        &pool,
        r#"insert into raw.market_data (symbol, "timestamp", session_date, close, vendor, response_id)
           values ('AAPL', '2026-11-20'::timestamp at time zone 'America/New_York', '2026-11-20', 712, 'polygon', 2)"#,
    )
    .await;
    assert_eq!(close().await, "712 polygon");
    assert!(!quality.quality(house.ada, Scope::default()).await.unwrap().prices[0].is_used);
    sql(&pool, "insert into ops.quarantine (symbol, session_date, check_name, reason, response_id, run_id, released_at, discarded_at) values ('AAPL', '2026-11-20', 'x', 'x', 2, 4, now(), now())").await;
    assert_eq!(close().await, "70 person", "what was discarded isn't used, whatever came of its check");
    quality.remove_price(house.admin, "AAPL".into(), on("2026-11-20"), 2).await.unwrap();
    assert_eq!(close().await, "null");
    assert_eq!(count(&pool, "select from book.price").await, 3, "a removal is a version, too");
    assert_eq!(count(&pool, "select from ops.change where kind = 'bar' and symbol = 'AAPL'").await, 3);
    assert_eq!(house.asked("republish all"), 3);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_failure_is_accepted_by_who_may_and_until_its_day(pool: PgPool) {
    let house = House::new(&pool).await;
    let quality = &house.ports.quality;
    let form = |check: &str, portfolio, symbol: &str| AcceptanceForm {
        check: check.into(),
        portfolio,
        symbol: symbol.into(),
        note: "known to the broker".into(),
        expires_on: "2026-12-01".into(),
    };
    let own = form("cash_reconciles", house.of_ada.get(), "");
    assert_eq!(house.ports.portfolios.frame(house.ada, Scope::default()).await.unwrap().open_findings, 3);
    for stranger in [house.bob, house.admin] {
        assert!(matches!(quality.accept(stranger, own.clone()).await, Err(AppError::NotFound)), "a portfolio of another isn't found");
    }
    assert!(matches!(quality.accept(house.ada, form("jumps_are_explained", 0, "AAPL")).await, Err(AppError::NotAllowed)));
    assert!(refused(quality.accept(house.admin, form("session_is_there", 0, "")).await).contains("doesn't fail at present"));
    quality.accept(house.ada, own).await.unwrap();
    quality.accept(house.admin, form("jumps_are_explained", 0, "AAPL")).await.unwrap();
    assert_eq!(house.ports.portfolios.frame(house.ada, Scope::default()).await.unwrap().open_findings, 1, "TSLA still counts");
    let shown = quality.quality(house.ada, Scope::default()).await.unwrap();
    assert_eq!((shown.passed, shown.total, shown.acceptances.len()), (1, 2, 2));
    assert_eq!(quality.quality(house.bob, Scope::default()).await.unwrap().acceptances, [], "neither portfolio nor symbol is theirs");
    let theirs = shown.acceptances.iter().find(|row| row.check == "cash_reconciles").unwrap().id;
    assert!(matches!(quality.revoke(house.admin, theirs).await, Err(AppError::NotFound)));
    sql(&pool, "update book.acceptance set expires_on = '2026-11-21'").await;
    assert_eq!(
        house.ports.portfolios.frame(house.ada, Scope::default()).await.unwrap().open_findings,
        3,
        "what has expired stops counting"
    );
    assert!(quality.quality(house.ada, Scope::default()).await.unwrap().acceptances.iter().all(|row| !row.is_active));
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn what_is_fetched_again_is_ones_own_to_ask(pool: PgPool) {
    let house = House::new(&pool).await;
    let (quality, from, to) = (&house.ports.quality, on("2026-11-16"), on("2026-11-20"));
    assert!(matches!(quality.fetch(house.ada, "AAPL".into(), from, to).await, Err(AppError::NotAllowed)));
    quality.fetch(house.admin, "AAPL".into(), from, to).await.unwrap();
    assert_eq!(house.asked("refetch AAPL 2026-11-16 2026-11-20"), 1);
    for (symbol, from) in [("AAPL", on("2020-01-02")), ("AAPL", on("2026-11-21")), ("NOBODY", from), ("A B", from)] {
        assert!(quality.fetch(house.admin, symbol.into(), from, to).await.is_err(), "{symbol} {from}");
    }
    quality.fetch_activities(house.ada, house.of_ada, from).await.unwrap();
    assert!(matches!(quality.fetch_activities(house.admin, house.of_ada, from).await, Err(AppError::NotFound)));
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn pages_and_files_hold_only_ones_own(pool: PgPool) {
    let house = House::new(&pool).await;
    sql(&pool, r#"insert into auth."user" (name, display_name, role) values ('demo', 'Demo', 'demo')"#).await;
    sql(
        &pool,
        "insert into ops.reconciliation (portfolio_id, account_id, symbol, since, session_date, derived, reported, cause, explanation, run_id)
         select portfolio_id, account_id, 'TSLA', '2026-11-19', '2026-11-20', 10, 12, 'unknown', '@Nothing explains it.', 4
         from book.account join book.portfolio using (portfolio_id) where portfolio.name = 'ada''s'",
    )
    .await;
    let site = site(&pool);
    for (name, sees, does_not) in [
        ("ada", ["TSLA", "select 1", "Accept"].as_slice(), ["select secret", "Release or discard", "Enter a price"].as_slice()),
        (
            "root",
            &["AAPL", "select secret", "Release or discard", "Enter a price", "Fetch AAPL of 20 Nov again"],
            &["TSLA", "select 1", "Nothing explains it"],
        ),
        ("bob", &["Nothing is set aside"], &["AAPL", "TSLA", "select secret", "Release or discard"]),
        ("demo", &["Nothing is set aside"], &["AAPL", "TSLA", "select secret", "Accept it", "Release or discard"]),
    ] {
        let mut visitor = Visitor::new(&site);
        match name {
            "demo" => drop(visitor.post("/enter-demo", &[]).await),
            name => drop(visitor.sign_in(name, PASSWORD).await),
        }
        let page = visitor.get("/quality").await;
        assert_eq!(page.status, StatusCode::OK, "{name}");
        // The frame says which page it is, and nothing of symbols.
        for said in sees {
            assert!(page.body.contains(said), "{name} doesn't see {said}");
        }
        let json = visitor.get("/api/quality.json").await;
        let files: Vec<String> = exported(&mut visitor, &["checks", "quarantine", "reconciliation"]).await;
        let history = visitor.get("/quality/checks/prices_are_positive").await;
        for secret in does_not {
            assert!(!page.body.contains(secret), "{name} sees {secret}");
            assert!(!json.body.contains(secret), "{name} reads {secret}: {}", json.body);
            assert!(files.iter().all(|file| !file.contains(secret)), "{name} exports {secret}");
        }
        assert_eq!(history.status, if name == "ada" { StatusCode::OK } else { StatusCode::NOT_FOUND }, "{name}");
        if name == "ada" {
            assert!(files[0].contains("\"'=cmd()\""), "{}", files[0]);
            assert!(files[2].contains("\"'@Nothing explains it.\"") && files[2].contains(",TSLA,10,12,2,2026-11-19,"), "{}", files[2]);
            assert_eq!(visitor.get("/api/quality.csv?of=secrets").await.status, StatusCode::BAD_REQUEST);
            assert_eq!(visitor.get("/api/quality.json?portfolio=1").await.status, StatusCode::NOT_FOUND, "root's");
            assert_eq!(visitor.get("/api/quality.json?portfolio=x").await.status, StatusCode::NOT_FOUND);
        }
        if name == "demo" {
            let release =
                [("row[dataset]", "bars"), ("row[symbol]", "AAPL"), ("row[session_date]", "2026-11-20"), ("row[response_id]", "1")];
            let answer = visitor.post("/api/quality/release", &release).await;
            assert!(answer.body.contains("This is the demo"), "{}", answer.body);
        }
        if name == "root" {
            let release = [
                ("row[dataset]", "bars"),
                ("row[symbol]", "AAPL"),
                ("row[session_date]", "2026-11-20"),
                ("row[row_key]", ""),
                ("row[response_id]", "1"),
            ];
            let answer = visitor.post("/api/quality/release", &release).await;
            assert!(answer.body.contains("It still fails"), "a plain form is read: {}", answer.body);
        }
    }
    for path in ["/api/quality.json", "/api/quality.csv"] {
        assert_eq!(Visitor::new(&site).get(path).await.status, StatusCode::UNAUTHORIZED, "{path}");
    }
    assert_eq!(house.asked("republish all"), 0);
}

async fn exported(visitor: &mut Visitor, lists: &[&str]) -> Vec<String> {
    let mut files = Vec::new();
    for of in lists {
        let file = visitor.get(&format!("/api/quality.csv?of={of}")).await;
        assert_eq!(file.status, StatusCode::OK);
        files.push(file.body);
    }
    files
}
