//! The door: setting up once, signing in and out, sessions that end when they should, forms from other sites.

use crate::visitor::{Visitor, site};
use app::domain::UserId;
use axum::http::{Request, StatusCode, header};
use secrecy::SecretString;
use server::auth::{
    self, Role,
    people::{self, NewPerson},
    setup,
};
use sqlx::PgPool;

const PASSWORD: &str = "correct horse battery";

async fn add(pool: &PgPool, name: &str, role: Role) -> UserId {
    let person = NewPerson { name: name.into(), display_name: name.into(), role, password: PASSWORD.into() };
    person.prepare().await.unwrap().insert(&mut pool.acquire().await.unwrap(), None).await.unwrap()
}

fn set_up_form<'a>(token: &'a str, name: &'a str, password: &'a str) -> [(&'a str, &'a str); 4] {
    [("token", token), ("name", name), ("display_name", "Ada"), ("password", password)]
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn an_empty_installation_is_set_up_once_with_the_latest_token(pool: PgPool) {
    let site = site(&pool);
    let mut ada = Visitor::new(&site);
    let earlier = setup::issue(&pool).await.unwrap().unwrap();
    let token = setup::issue(&pool).await.unwrap().unwrap();
    assert_eq!(token.len(), 39, "eight groups of four");

    let refused = ada.post("/setup", &set_up_form(&earlier, "ada", PASSWORD)).await;
    assert_eq!((refused.status, refused.location()), (StatusCode::SEE_OTHER, "/setup?problem=token&name=ada&display_name=Ada"));
    let refused = ada.post("/setup", &set_up_form(&token, "ada", "short")).await;
    assert_eq!(refused.location(), "/setup?problem=password&name=ada&display_name=Ada");
    assert!(!refused.location().contains("short"));

    let made = ada.post("/setup", &set_up_form(&token.to_uppercase().replace('-', " "), "Ada ", PASSWORD)).await;
    assert_eq!((made.status, made.location()), (StatusCode::SEE_OTHER, "/"));
    assert!(ada.is_in().await);
    assert_eq!(setup::issue(&pool).await.unwrap(), None);

    let mut eve = Visitor::new(&site);
    let late = eve.post("/setup", &set_up_form(&token, "eve", PASSWORD)).await;
    assert_eq!(late.location(), "/setup?problem=closed");
    assert_eq!(eve.get("/setup").await.location(), "/sign-in");
    assert!(Visitor::new(&site).sign_in("ADA", PASSWORD).await.location() == "/", "the name's case doesn't matter");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_race_for_the_first_administrator_has_one_winner(pool: PgPool) {
    let token: SecretString = setup::issue(&pool).await.unwrap().unwrap().into();
    let tries = (0..6).map(|number| {
        let (pool, token) = (pool.clone(), token.clone());
        tokio::spawn(async move { setup::redeem(&pool, &token, format!("ada{number}"), "Ada".into(), PASSWORD.into()).await.is_ok() })
    });
    let won = futures::future::join_all(tries).await.into_iter().filter(|result| *result.as_ref().unwrap()).count();
    assert_eq!(won, 1);
    let people = sqlx::query_scalar!(r#"select count(*) as "count!" from auth."user""#).fetch_one(&pool).await.unwrap();
    assert_eq!(people, 1);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn signing_in_and_out(pool: PgPool) {
    add(&pool, "ada", Role::Administrator).await;
    let site = site(&pool);
    let mut ada = Visitor::new(&site);

    let stranger = ada.get("/holdings?range=3Y").await;
    assert_eq!((stranger.status, stranger.location()), (StatusCode::SEE_OTHER, "/sign-in?next=%2Fholdings%3Frange%3D3Y"));
    assert_eq!(ada.sign_in("ada", "wrong").await.location(), "/sign-in?problem=wrong&name=ada&next=%2F");
    assert_eq!(ada.sign_in("nobody", PASSWORD).await.location(), "/sign-in?problem=wrong&name=nobody&next=%2F");
    assert!(ada.cookie.is_none());

    let form = [("name", "ada"), ("password", PASSWORD), ("next", "/holdings?range=3Y")];
    let entered = ada.post("/sign-in", &form).await;
    assert_eq!((entered.status, entered.location()), (StatusCode::SEE_OTHER, "/holdings?range=3Y"));
    let cookie = entered.headers[header::SET_COOKIE].to_str().unwrap();
    for part in ["plumbline=", "HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age="] {
        assert!(cookie.contains(part), "{part} is missing in {cookie}");
    }
    assert!(ada.is_in().await);
    assert_eq!(ada.get("/sign-in").await.location(), "/");

    let mut elsewhere = Visitor::new(&site);
    let form = [("name", "ada"), ("password", PASSWORD), ("next", "//evil.test")];
    assert_eq!(elsewhere.post("/sign-in", &form).await.location(), "/");

    let old_cookie = ada.cookie.clone();
    assert_eq!(ada.post("/sign-out", &[]).await.location(), "/sign-in");
    ada.cookie = old_cookie;
    assert!(!ada.is_in().await, "a cookie that was kept is worth nothing");
    assert!(elsewhere.is_in().await);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_session_gets_a_new_id_at_the_door(pool: PgPool) {
    add(&pool, "ada", Role::Member).await;
    let mut ada = Visitor::new(&site(&pool));
    ada.sign_in("ada", PASSWORD).await;
    let first = ada.cookie.clone();
    ada.sign_in("ada", PASSWORD).await;
    assert_ne!(first, ada.cookie);
    ada.cookie = first;
    assert!(!ada.is_in().await);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn guessing_is_slowed_down_for_known_and_unknown_names_alike(pool: PgPool) {
    add(&pool, "ada", Role::Member).await;
    let mut visitor = Visitor::new(&site(&pool));
    for name in ["ada", "nobody"] {
        for _ in 0..5 {
            assert!(visitor.sign_in(name, "wrong").await.location().contains("problem=wrong"));
        }
        let right = visitor.sign_in(name, PASSWORD).await;
        assert!(right.location().contains("problem=slow_down"), "{}", right.location());
    }
    people::reset_password(&pool, "ada", PASSWORD.into(), None).await.unwrap();
    assert_eq!(visitor.sign_in("ada", PASSWORD).await.location(), "/");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn disabling_a_person_and_a_new_password_end_sessions(pool: PgPool) {
    let ada = add(&pool, "ada", Role::Administrator).await;
    let bob = add(&pool, "bob", Role::Member).await;
    let site = site(&pool);
    let (mut phone, mut desk) = (Visitor::new(&site), Visitor::new(&site));
    for visitor in [&mut phone, &mut desk] {
        visitor.sign_in("bob", PASSWORD).await;
        assert!(visitor.is_in().await);
    }
    people::reset_password(&pool, "bob", "another long password".into(), None).await.unwrap();
    assert!(!phone.is_in().await && !desk.is_in().await);

    phone.sign_in("bob", "another long password").await;
    assert!(phone.is_in().await);
    let ports = crate::visitor::store(&pool, &Default::default()).ports(None);
    ports.settings.set_disabled(ada, bob, true).await.unwrap();
    assert!(!phone.is_in().await);
    assert!(phone.sign_in("bob", "another long password").await.location().contains("problem=wrong"));
    ports.settings.set_disabled(ada, bob, false).await.unwrap();
    assert!(!phone.is_in().await, "an ended session doesn't come back");
    assert!(ports.settings.set_disabled(ada, ada, true).await.is_err(), "an administrator stays");
    assert!(ports.settings.set_disabled(bob, ada, true).await.is_err(), "members disable nobody");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_revoked_session_stays_revoked_and_an_old_one_is_none(pool: PgPool) {
    use tower_sessions::{
        SessionStore,
        session::{Id, Record},
    };
    let sessions = auth::PgSessions(pool.clone());
    let in_a_day = time::OffsetDateTime::now_utc() + time::Duration::days(1);
    let mut record = Record { id: Id::default(), data: Default::default(), expiry_date: in_a_day };
    sessions.create(&mut record).await.unwrap();
    assert!(sessions.load(&record.id).await.unwrap().is_some());
    sessions.delete(&record.id).await.unwrap();
    sessions.save(&record).await.unwrap();
    assert!(sessions.load(&record.id).await.unwrap().is_none());

    let mut old =
        Record { id: Id::default(), data: Default::default(), expiry_date: time::OffsetDateTime::now_utc() - time::Duration::seconds(1) };
    sessions.create(&mut old).await.unwrap();
    assert!(sessions.load(&old.id).await.unwrap().is_none());
    auth::sweep(&pool).await.unwrap();
    let left = sqlx::query_scalar!(r#"select count(*) as "count!" from auth.session"#).fetch_one(&pool).await.unwrap();
    assert_eq!(left, 0);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn the_demo_has_one_door_and_changes_nothing(pool: PgPool) {
    add(&pool, "ada", Role::Administrator).await;
    let site = site(&pool);
    let mut visitor = Visitor::new(&site);
    assert_eq!(visitor.post("/enter-demo", &[]).await.location(), "/sign-in?problem=no_demo");
    let demo =
        sqlx::query_scalar!(r#"insert into auth."user" (name, display_name, role) values ('demo', 'Demo', 'demo') returning user_id"#)
            .fetch_one(&pool)
            .await
            .unwrap();
    assert_eq!(visitor.post("/enter-demo", &[]).await.location(), "/");
    assert!(visitor.is_in().await);
    assert!(Visitor::new(&site).sign_in("demo", "").await.location().contains("wrong"), "the demo has no password");

    let ports = crate::visitor::store(&pool, &Default::default()).ports(None);
    let demo = UserId(demo);
    let refusals = [
        ports.activities.create_portfolio(demo, "Mine".into(), "USD".into()).await.unwrap_err(),
        ports.operations.run_now(demo).await.map(drop).unwrap_err(),
        ports.settings.add_connection(demo, Default::default()).await.unwrap_err(),
        ports.settings.change_password(demo, String::new(), PASSWORD.into()).await.unwrap_err(),
    ];
    assert!(refusals.iter().all(|refusal| refusal.to_string().starts_with("This is the demo")), "{refusals:?}");
    assert!(!ports.settings.connections(demo).await.unwrap().may_add);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn forms_of_other_sites_are_refused(pool: PgPool) {
    add(&pool, "ada", Role::Member).await;
    let mut ada = Visitor::new(&site(&pool));
    ada.sign_in("ada", PASSWORD).await;
    for (name, value) in [("sec-fetch-site", "cross-site"), ("origin", "https://evil.test"), ("origin", "null")] {
        let forged = Request::post("/sign-out").header(name, value).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        assert_eq!(ada.send(forged, String::new()).await.status, StatusCode::FORBIDDEN);
    }
    assert!(ada.is_in().await);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn every_answer_is_guarded(pool: PgPool) {
    add(&pool, "ada", Role::Member).await;
    let mut ada = Visitor::new(&site(&pool));
    ada.sign_in("ada", PASSWORD).await;
    let page = ada.get("/").await;
    let policy = page.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
    for part in ["script-src 'self' 'nonce-", "'wasm-unsafe-eval'", "frame-ancestors 'none'", "object-src 'none'"] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("unsafe-eval' "), "{policy}");
    for path in ["/", "/health", "/ready", "/no/such/page", "/sign-in"] {
        let answer = ada.get(path).await;
        assert_eq!(answer.headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(answer.headers["referrer-policy"], "same-origin", "{path}");
        assert!(answer.headers.contains_key("x-request-id"), "{path}");
        assert!(answer.headers.contains_key(header::CONTENT_SECURITY_POLICY), "{path}");
    }
    for method in ["PUT", "PATCH", "DELETE"] {
        for visitor in [&mut ada, &mut Visitor::new(&site(&pool))] {
            for path in ["/", "/holdings", "/sign-in"] {
                let answer = visitor.send(Request::builder().method(method).uri(path), String::new()).await;
                assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED, "{method} {path}");
                assert!(answer.headers[header::ALLOW].to_str().unwrap().contains("GET"), "{method} {path}");
            }
        }
    }
    assert_eq!(ada.get("/no/such/page").await.status, StatusCode::NOT_FOUND);
    assert_eq!(Visitor::new(&site(&pool)).get("/no/such/page").await.status, StatusCode::NOT_FOUND);
    assert_eq!(ada.get("/ready").await.body, "ready");
    assert_eq!(ada.get("/../../etc/passwd").await.status, StatusCode::NOT_FOUND);
    let large = ada.post("/sign-in", &[("name", &"x".repeat(3 * 1024 * 1024))]).await;
    assert_eq!(large.status, StatusCode::PAYLOAD_TOO_LARGE);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn every_server_function_refuses_a_stranger(pool: PgPool) {
    add(&pool, "ada", Role::Member).await;
    let mut stranger = Visitor::new(&site(&pool));
    let mut asked = 0;
    for (path, method) in leptos::server_fn::axum::server_fn_paths() {
        if server::http::FOR_STRANGERS.contains(&path) {
            continue;
        }
        let request = Request::builder().method(method).uri(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        let answer = stranger.send(request, String::new()).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{path}");
        assert_eq!(answer.body, "\"SignInRequired\"", "{path}");
        asked += 1;
    }
    assert!(asked >= 20, "only {asked} server functions are known");
    let form = Request::post("/api/activity/delete").header(header::ACCEPT, "text/html");
    assert_eq!(stranger.send(form, String::new()).await.location(), "/sign-in", "a form without scripts");
    assert_eq!(stranger.get("/api/account/door").await.body, r#"{"needs_setup":true,"has_demo":true,"is_signed_in":false}"#);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn errors_of_server_functions_have_their_own_status(pool: PgPool) {
    add(&pool, "ada", Role::Member).await;
    let mut ada = Visitor::new(&site(&pool));
    ada.sign_in("ada", PASSWORD).await;
    for (path, status) in [
        ("/api/settings/people", StatusCode::FORBIDDEN),
        ("/api/holdings/list?scope=portfolio%3D7", StatusCode::NOT_FOUND),
        ("/api/holdings/list", StatusCode::UNPROCESSABLE_ENTITY),
        ("/api/pipeline/run?run_id=x", StatusCode::UNPROCESSABLE_ENTITY),
        ("/api/no/such", StatusCode::NOT_FOUND),
        ("/api/pipeline/run-now", StatusCode::NOT_FOUND),
        ("/api/overview/frame?scope=", StatusCode::OK),
    ] {
        let answer = ada.get(path).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
    }
    ada.post("/api/activity/create-portfolio", &[("name", "Mine")]).await;
    for (scope, status) in [("portfolio=1e3", StatusCode::NOT_FOUND), ("portfolio=%00", StatusCode::NOT_FOUND), ("", StatusCode::OK)] {
        let made = ada.post("/api/activity/create-account", &[("scope", scope), ("name", "Another")]).await;
        assert_eq!(made.status, status, "no other portfolio than the one that was named is written to: {scope}: {}", made.body);
    }
    let wrong = ada.post("/api/settings/change-password", &[("current", "wrong"), ("new", "a new long password")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.body);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn an_import_may_be_as_large_as_a_lifetime_of_trades(pool: PgPool) {
    add(&pool, "ada", Role::Member).await;
    let mut ada = Visitor::new(&site(&pool));
    ada.sign_in("ada", PASSWORD).await;
    ada.post("/api/activity/create-portfolio", &[("name", "Mine")]).await;
    let account = sqlx::query_scalar!("select account_id from book.account").fetch_one(&pool).await.unwrap().to_string();
    let csv = format!("date,type,symbol,quantity,price\n{}", "2026-03-09,buy,AAPL,1,227.52\n".repeat(100_000));
    let fields = |csv| [("scope", ""), ("account", account.as_str()), ("csv", csv), ("mode", "try"), ("is_plain", "false")];
    let tried = ada.post("/api/activity/import", &fields(&csv)).await;
    assert!(tried.status == StatusCode::OK && tried.body.contains("\"new\":100000"), "{}: {:.300}", tried.status, tried.body);
    let announced = Request::post("/api/activity/import").header(header::CONTENT_LENGTH, 33 * 1024 * 1024);
    let refused = ada.send(announced, String::new()).await;
    assert!(refused.status == StatusCode::UNPROCESSABLE_ENTITY && refused.body.contains("32 MB"), "{}", refused.body);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_changed_password_keeps_this_session_and_ends_the_others(pool: PgPool) {
    add(&pool, "ada", Role::Member).await;
    let site = site(&pool);
    let (mut here, mut there) = (Visitor::new(&site), Visitor::new(&site));
    here.sign_in("ada", PASSWORD).await;
    there.sign_in("ada", PASSWORD).await;
    let changed = here.post("/api/settings/change-password", &[("current", PASSWORD), ("new", "a new long password")]).await;
    assert_eq!(changed.status, StatusCode::OK, "{}", changed.body);
    assert!(here.is_in().await);
    assert!(!there.is_in().await);
    assert!(there.sign_in("ada", "a new long password").await.location() == "/");
}
