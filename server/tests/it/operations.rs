//! The pipeline's pages and JSON on a real database: what two people, an administrator and the demo's visitor see and may do.

use crate::visitor::{Answer, Visitor, site};
use axum::http::StatusCode;
use serde_json::{Value, json};
use server::auth::{Role, people::NewPerson};
use sqlx::PgPool;

const PASSWORD: &str = "correct horse battery";

/// A run of the DAG `daily` that failed, one of a publication of ada's portfolio, and people to look at them.
struct House {
    shared: i64,
    task: i64,
    of_ada: i64,
    ada: Visitor,
    bob: Visitor,
    admin: Visitor,
    demo: Visitor,
}

impl House {
    async fn new(pool: &PgPool) -> Self {
        let site = site(pool);
        let mut ids = Vec::new();
        for (name, role) in [("ada", Role::Member), ("bob", Role::Member), ("root", Role::Administrator)] {
            let person = NewPerson { name: name.into(), display_name: name.into(), role, password: PASSWORD.into() };
            ids.push(person.prepare().await.unwrap().insert(&mut pool.acquire().await.unwrap(), None).await.unwrap());
        }
        sqlx::query!(r#"insert into auth."user" (name, display_name, role) values ('demo', 'Demo', 'demo')"#).execute(pool).await.unwrap();
        let portfolio =
            sqlx::query_scalar!("insert into book.portfolio (owner_id, name) values ($1, 'Hers') returning portfolio_id", ids[0].get())
                .fetch_one(pool)
                .await
                .unwrap();
        let (shared, task) = failed_run(pool, "daily", json!({ "session": "2026-11-20" })).await;
        let (of_ada, _) = failed_run(pool, "publish", json!({ "portfolio": portfolio })).await;
        let mut visitors = Vec::new();
        for name in ["ada", "bob", "root", "demo"] {
            let mut visitor = Visitor::new(&site);
            match name {
                "demo" => drop(visitor.post("/enter-demo", &[]).await),
                name => drop(visitor.sign_in(name, PASSWORD).await),
            }
            visitors.push(visitor);
        }
        let [ada, bob, admin, demo] = visitors.try_into().ok().unwrap();
        Self { shared, task, of_ada, ada, bob, admin, demo }
    }
}

async fn failed_run(pool: &PgPool, dag: &str, parameters: Value) -> (i64, i64) {
    let run = sqlx::query_scalar!(
        "insert into ops.run (dag, version, trigger, parameters, state, started_at, ended_at, error)
         values ($1, 'v', 'person', $2, 'failed', now() - interval '9 seconds', now(), 'Fetching prices failed: no route') returning run_id",
        dag,
        parameters
    )
    .fetch_one(pool)
    .await
    .unwrap();
    sqlx::query!("insert into ops.dag_version (dag, version, definition) values ($1, 'v', '{}') on conflict do nothing", dag)
        .execute(pool)
        .await
        .unwrap();
    let task = sqlx::query_scalar!(
        "insert into ops.task (run_id, position, name, state, attempts, started_at, ended_at)
         values ($1, 1, 'extract_prices', 'failed', 1, now() - interval '9 seconds', now()) returning task_id",
        run
    )
    .fetch_one(pool)
    .await
    .unwrap();
    sqlx::query!(
        "insert into ops.task (run_id, position, name, after, state) values ($1, 2, 'publish', '{extract_prices}', 'upstream_failed')",
        run
    )
    .execute(pool)
    .await
    .unwrap();
    sqlx::query!(
        "insert into ops.attempt (task_id, number, lease_epoch, worker, ready_at, started_at, ended_at, outcome, error_class, error_chain)
         values ($1, 1, 1, 'host:1', now() - interval '10 seconds', now() - interval '9 seconds', now(), 'error', 'retryable',
             '{no route,the cable is cut}')",
        task
    )
    .execute(pool)
    .await
    .unwrap();
    sqlx::query!("insert into ops.log (task_id, number, line, at, level, message) select $1, 1, i, now(), 'INFO', 'line ' || i from generate_series(1, 300) i", task)
        .execute(pool)
        .await
        .unwrap();
    (run, task)
}

fn body(answer: &Answer) -> Value {
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    serde_json::from_str(&answer.body).unwrap()
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn each_person_sees_what_is_theirs_to_see(pool: PgPool) {
    let mut house = House::new(&pool).await;
    let (shared, of_ada, task) = (house.shared, house.of_ada, house.task);
    for path in ["dags", "runs", "nodes", "alerts", "audit", "ticks", "grid?dag=daily", "durations?dag=daily"] {
        let mut stranger = Visitor::new(&site(&pool));
        assert_eq!(stranger.get(&format!("/api/pipeline/{path}")).await.status, StatusCode::UNAUTHORIZED, "{path}");
        body(&house.ada.get(&format!("/api/pipeline/{path}")).await);
    }
    let numbers = |answer: Value| answer.as_array().unwrap().iter().map(|run| run["run_id"].as_i64().unwrap()).collect::<Vec<_>>();
    assert_eq!(numbers(body(&house.ada.get("/api/pipeline/runs").await)), [of_ada, shared]);
    assert_eq!(numbers(body(&house.bob.get("/api/pipeline/runs").await)), [shared], "another's publication isn't his");
    assert_eq!(numbers(body(&house.admin.get("/api/pipeline/runs").await)), [shared], "nor the administrator's");
    assert_eq!(body(&house.bob.get("/api/pipeline/grid?dag=publish").await)["rows"], json!([]));
    assert_eq!(body(&house.ada.get("/api/pipeline/grid?dag=publish").await)["rows"][0]["cells"], json!(["failed", "upstream_failed"]));
    for path in [format!("runs/{of_ada}"), format!("runs/{of_ada}/live"), format!("runs/{of_ada}/logs?task=1"), "runs/999".into()] {
        assert_eq!(house.bob.get(&format!("/api/pipeline/{path}")).await.status, StatusCode::NOT_FOUND, "{path}");
    }

    let logs = format!("/api/pipeline/runs/{shared}/logs?task={task}");
    let run = format!("/api/pipeline/runs/{shared}");
    for visitor in [&mut house.admin, &mut house.demo] {
        let seen = body(&visitor.get(&run).await);
        assert_eq!(seen["tasks"][0]["attempts"][0]["error_chain"], json!(["no route", "the cable is cut"]));
        assert_eq!((&seen["tasks"][0]["lines"], seen["tasks"][0]["log"].as_array().unwrap().len()), (&json!(300), 200));
        assert_eq!(body(&visitor.get(&logs).await).as_array().unwrap().len(), 300);
    }
    let seen = body(&house.bob.get(&run).await);
    assert_eq!((&seen["run"]["error"], &seen["tasks"][0]["attempts"][0]["error_chain"]), (&json!("Fetching prices failed."), &json!([])));
    let both = sqlx::query!(
        "insert into ops.alert (kind, subject, message)
         select 'run_failed', run_id::text, 'Run ' || run_id || ' failed. Fetching prices failed: no route' from unnest($1::bigint[]) run_id
         union all select 'deadline_missed', $2, 'Late: its deadline was noon.'",
        &[shared, of_ada],
        shared.to_string()
    );
    both.execute(&pool).await.unwrap();
    for path in ["/pipeline".to_owned(), format!("/pipeline/runs/{shared}"), "/api/pipeline/runs".into(), "/api/pipeline/alerts".into()] {
        let told = house.bob.get(&path).await.body;
        assert!(
            told.contains("Fetching prices failed.") && !told.contains("no route"),
            "another's trouble with a vendor isn't his: {path}"
        );
        assert!(house.admin.get(&path).await.body.contains("Fetching prices failed: no route"), "{path}");
    }
    let told = house.bob.get("/api/pipeline/alerts").await.body;
    assert!(told.contains("its deadline was noon"), "{told}");
    let told = house.ada.get("/api/pipeline/alerts").await.body;
    assert!(told.contains(&format!("Run {of_ada} failed. Fetching prices failed: no route")), "her own run's cause is hers: {told}");
    assert!(told.contains(&format!("Run {shared} failed. Fetching prices failed.")), "{told}");
    assert!(seen["tasks"][0]["log"].as_array().unwrap().is_empty() && !seen.to_string().contains("the cable is cut"));
    assert_eq!(house.bob.get(&logs).await.status, StatusCode::FORBIDDEN);
    assert!(!house.bob.get(&format!("/pipeline/runs/{shared}")).await.body.contains("the cable is cut"));
    let page = house.admin.get(&format!("/pipeline/runs/{shared}")).await.body;
    for said in ["Fetching prices failed: no route", "the cable is cut", "line 300", "Show all 300 lines", "Clear what failed"] {
        assert!(page.contains(said), "{said}");
    }
    assert!(house.admin.get(&format!("/pipeline/runs/{shared}?task={task}")).await.body.contains("line 1<"), "the whole log");
    let after = format!("{logs}&after=298&attempt=1");
    assert_eq!(body(&house.admin.get(&after).await)[0]["message"], "line 299");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn only_who_may_changes_anything(pool: PgPool) {
    let mut house = House::new(&pool).await;
    let (shared, of_ada) = (house.shared.to_string(), house.of_ada.to_string());
    let acts: [(&str, Vec<(&str, &str)>); 5] = [
        ("pause", vec![("dag", "daily")]),
        ("resume", vec![("dag", "daily")]),
        ("note", vec![("run_id", &shared), ("text", "The cable is mended.")]),
        ("clear", vec![("run_id", &shared)]),
        ("cancel", vec![("run_id", &shared)]),
    ];
    for (act, fields) in &acts {
        let path = format!("/api/pipeline/{act}");
        assert_eq!(house.bob.post(&path, fields).await.status, StatusCode::FORBIDDEN, "{act}");
        let demo = house.demo.post(&path, fields).await;
        assert_eq!(demo.status, StatusCode::UNPROCESSABLE_ENTITY, "{act}: {}", demo.body);
        assert!(demo.body.contains("This is the demo"), "{act}: {}", demo.body);
        let done = house.admin.post(&path, fields).await;
        assert_eq!(done.status, StatusCode::OK, "{act}: {}", done.body);
    }
    let state = sqlx::query_scalar!("select state from ops.run where run_id = $1", house.shared).fetch_one(&pool).await.unwrap();
    assert_eq!(state, "cancelled");
    let pressed = body(&house.admin.get("/api/pipeline/audit").await);
    let actions: Vec<&str> = pressed.as_array().unwrap().iter().map(|row| row["action"].as_str().unwrap()).collect();
    assert_eq!(actions, ["cancel_run", "clear_tasks", "note_run", "resume_dag", "pause_dag"]);
    assert_eq!(pressed[0]["who"], "root");
    assert_eq!(body(&house.bob.get("/api/pipeline/audit").await), json!([]));
    assert!(house.admin.get(&format!("/pipeline/runs/{shared}")).await.body.contains("The cable is mended."));
    assert_eq!(house.admin.post("/api/pipeline/pause", &[("dag", "unknown")]).await.status, StatusCode::NOT_FOUND);

    // Her own publication is hers to repair, and nobody else's.
    for other in [&mut house.bob, &mut house.admin] {
        assert_eq!(other.post("/api/pipeline/clear", &[("run_id", &of_ada)]).await.status, StatusCode::NOT_FOUND);
    }
    assert_eq!(house.ada.post("/api/pipeline/clear", &[("run_id", &of_ada)]).await.status, StatusCode::OK);
    let twice = house.ada.post("/api/pipeline/clear", &[("run_id", &of_ada)]).await;
    assert!(twice.status == StatusCode::UNPROCESSABLE_ENTITY && twice.body.contains("No task of the run failed"), "{}", twice.body);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_backfill_is_cancelled_on_the_page(pool: PgPool) {
    let mut house = House::new(&pool).await;
    let backfill = sqlx::query_scalar!(
        "insert into ops.backfill (dag, from_date, to_date, runs, most_at_once) values ('daily', '2026-11-19', '2026-11-20', 2, 1)
         returning backfill_id"
    )
    .fetch_one(&pool)
    .await
    .unwrap();
    sqlx::query!(
        "insert into ops.run (dag, trigger, backfill_id, place, state) values ('daily', 'backfill', $1, 1, 'running'), ('daily', 'backfill', $1, 2, 'queued')",
        backfill
    )
    .execute(&pool)
    .await
    .unwrap();
    let form = "action=\"/api/pipeline/cancel-backfill\"";
    assert!(house.admin.get("/pipeline").await.body.contains(form) && !house.bob.get("/pipeline").await.body.contains(form));
    let number = backfill.to_string();
    let fields = [("backfill_id", number.as_str())];
    assert_eq!(house.bob.post("/api/pipeline/cancel-backfill", &fields).await.status, StatusCode::FORBIDDEN);
    assert!(house.demo.post("/api/pipeline/cancel-backfill", &fields).await.body.contains("This is the demo"));
    let done = house.admin.post("/api/pipeline/cancel-backfill", &fields).await;
    assert_eq!(done.status, StatusCode::OK, "{}", done.body);
    let asked = sqlx::query_scalar!(
        r#"select count(*) as "count!" from ops.run where backfill_id = $1 and cancel_requested_at is not null"#,
        backfill
    );
    assert_eq!(asked.fetch_one(&pool).await.unwrap(), 2);
    assert!(!house.admin.get("/pipeline").await.body.contains(form), "there is nothing left to cancel");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_wrong_parameter_is_a_sentence(pool: PgPool) {
    let mut house = House::new(&pool).await;
    for (path, said) in [
        ("runs?limit=1000", "limit must be between 1 and 100."),
        ("runs?limit=0", "limit must be between 1 and 100."),
        ("runs?before=x", "before must be a number"),
        ("runs?state=lost", "state must be one of queued"),
        ("runs?dag=weekly", "There is no DAG weekly. The DAGs are: daily, publish."),
        ("runs/one", "A run is named by its number"),
        ("runs/1/logs", "The parameter task is missing"),
        ("runs/1/logs?task=1&after=9", "name the attempt"),
        ("grid", "The parameter dag is missing"),
        ("ticks?schedule=daily_open&at=yesterday", "Write the time as 2026-11-20T14:00"),
        ("ticks?at=2026-11-20T14:00", "Name the schedule, too"),
        ("ticks?schedule=never", "There is no schedule never"),
    ] {
        let answer = house.ada.get(&format!("/api/pipeline/{path}")).await;
        assert_eq!(answer.status, StatusCode::BAD_REQUEST, "{path}: {}", answer.body);
        assert!(answer.body.contains(said), "{path}: {}", answer.body);
    }
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn the_ledger_says_why_it_did_or_did_not_run(pool: PgPool) {
    let mut house = House::new(&pool).await;
    sqlx::query!(
        "insert into ops.schedule (schedule_id, dag, expression, catch_up, created_at, decided_until)
         values ('daily_open', 'daily', '0 9 * * Mon-Fri America/New_York', 'latest', '2026-11-01Z', '2026-11-20T15:00Z')"
    )
    .execute(&pool)
    .await
    .unwrap();
    sqlx::query!(
        "insert into ops.tick (schedule_id, logical_at, outcome, reason, run_id)
         values ('daily_open', '2026-11-19T14:00Z', 'run', 'It was due.', 1), ('daily_open', '2026-11-20T14:00Z', 'skipped', 'A holiday.', null)"
    )
    .execute(&pool)
    .await
    .unwrap();
    for (at, said) in [
        ("2026-11-19T14:00", "It ran, as run 1. It was due."),
        ("2026-11-20T14:00", "It didn't run: A holiday."),
        ("2026-11-20T09:00", "The schedule has no tick at that time"),
        ("2026-11-21T09:00", "hasn't been decided yet"),
        ("2026-10-01T09:00", "didn't exist yet"),
    ] {
        let answer = body(&house.bob.get(&format!("/api/pipeline/ticks?schedule=daily_open&at={at}")).await);
        assert!(
            answer["sentence"].as_str().unwrap().starts_with(said) || answer["sentence"].as_str().unwrap().contains(said),
            "{at}: {answer}"
        );
    }
    let between = body(&house.bob.get("/api/pipeline/ticks?schedule=daily_open&at=2026-11-20T09:00").await);
    assert_eq!((&between["before"]["outcome"], &between["after"]["reason"]), (&json!("run"), &json!("A holiday.")));
    let page = house.bob.get("/pipeline?schedule=daily_open&at=2026-11-20T14:00").await;
    assert!(page.body.contains("A holiday."), "the page answers, too");
    let page = house.bob.get("/pipeline?schedule=daily_open&at=yesterday").await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.body.contains("Write the time as") && page.body.contains("Last runs"), "and stays whole where it can't");
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_finished_run_streams_one_snapshot_and_ends(pool: PgPool) {
    let mut house = House::new(&pool).await;
    let stream = house.admin.get(&format!("/api/pipeline/runs/{}/live", house.shared)).await;
    assert_eq!(stream.headers["content-type"], "text/event-stream");
    let (snapshot, rest) = stream.body.strip_prefix("data: ").unwrap().split_once("\n\n").unwrap();
    let snapshot: Value = serde_json::from_str(snapshot).unwrap();
    assert_eq!(snapshot["run"]["state"], "failed");
    assert!(rest.starts_with("event: end"), "{rest}");
    let drawn = house.admin.get(&format!("/api/pipeline/runs/{}/live?drawn=1", house.shared)).await;
    assert!(drawn.body.contains("the cable is cut"), "{}", drawn.body);
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_run_under_way_is_said_again_whenever_it_moves(pool: PgPool) {
    let mut house = House::new(&pool).await;
    let (run, task) = (house.shared, house.task);
    sqlx::query!("update ops.run set state = 'running', ended_at = null, error = null where run_id = $1", run)
        .execute(&pool)
        .await
        .unwrap();
    let moving = async {
        tokio::time::sleep(std::time::Duration::from_millis(700)).await;
        sqlx::query!(
            "insert into ops.log (task_id, number, line, at, level, message) values ($1, 1, 301, now(), 'WARN', 'a new line')",
            task
        )
        .execute(&pool)
        .await
        .unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(1_200)).await;
        sqlx::query!("update ops.run set state = 'success', ended_at = now() where run_id = $1", run).execute(&pool).await.unwrap();
    };
    let path = format!("/api/pipeline/runs/{run}/live");
    let (stream, ()) = tokio::join!(house.admin.get(&path), moving);
    let said: Vec<&str> = stream.body.split("\n\n").filter(|event| !event.is_empty()).collect();
    assert_eq!(said.len(), 4, "as it was, a line, the end of the run, the end: {}", stream.body);
    assert!(!said[0].contains("a new line") && said[1].contains("a new line"), "log lines stream, too");
    assert!(said[2].contains(r#""state":"success""#) && said[3].starts_with("event: end"));
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_stream_ends_with_the_sign_in_session(pool: PgPool) {
    let mut house = House::new(&pool).await;
    sqlx::query!("update ops.run set state = 'running', ended_at = null, error = null where run_id = $1", house.shared)
        .execute(&pool)
        .await
        .unwrap();
    let leaving = async {
        tokio::time::sleep(std::time::Duration::from_millis(700)).await;
        sqlx::query!(r#"delete from auth.session where user_id = (select user_id from auth."user" where name = 'root')"#)
            .execute(&pool)
            .await
            .unwrap();
    };
    let path = format!("/api/pipeline/runs/{}/live", house.shared);
    let (stream, ()) = tokio::join!(tokio::time::timeout(std::time::Duration::from_secs(10), house.admin.get(&path)), leaving);
    let said = stream.expect("the stream ends with the session").body;
    assert!(said.starts_with("data: ") && !said.contains("event: end"), "{said}");
}

/// A hundred thousand runs, of which every answer looks at the newest.
#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn a_long_past_costs_nothing(pool: PgPool) {
    let mut house = House::new(&pool).await;
    for sql in [
        "insert into ops.run (dag, version, trigger, parameters, state, started_at, ended_at)
         select case when i % 10 < 7 then 'daily' else 'publish' end, 'v', 'schedule',
             case when i % 10 < 7 then '{\"session\": \"2026-11-20\"}'::jsonb else jsonb_build_object('portfolio', 1000 + i % 50) end,
             'success', now(), now() from generate_series(1, 100000) i",
        "insert into ops.task (run_id, position, name, state, attempts)
         select run_id, i, 'task_' || i, 'success', 1 from ops.run, generate_series(1, 4) i",
        "analyze ops.run",
        "analyze ops.task",
    ] {
        sqlx::raw_sql(sql).execute(&pool).await.unwrap();
    }
    for path in [
        "/pipeline",
        "/api/pipeline/runs",
        "/api/pipeline/grid?dag=daily",
        "/api/pipeline/grid?dag=daily&before=50000",
        "/api/pipeline/grid?dag=publish",
    ] {
        let began = std::time::Instant::now();
        let answer = house.bob.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.body);
        let took = began.elapsed();
        println!("{path}: {took:?}, {} bytes", answer.body.len());
        assert!(took < std::time::Duration::from_secs(2), "{path} took {took:?}");
        assert!(answer.body.len() < 300_000, "{path}: {} bytes", answer.body.len());
    }
    let grid = body(&house.bob.get("/api/pipeline/grid?dag=daily&before=50000").await);
    assert_eq!((grid["rows"].as_array().unwrap().len(), grid["tasks"].as_array().unwrap().len()), (25, 4));
    assert!(grid["next_before"].as_i64().unwrap() < 50_000);
}
