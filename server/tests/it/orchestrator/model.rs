//! The engine and a small reference model, driven by the same random operations and compared after each of them.

mod compare;
mod operations;
mod reference;

use super::*;
use chrono::TimeDelta;
use compare::{named, same};
use operations::{Ending, Operation, dags, operation};
use proptest::{
    prelude::*,
    test_runner::{Config, TestError, TestRunner},
};
use reference::{Answer, Claim, LIMIT, Model};
use server::orchestrator::{Part, Selection, admit_all, advance_all, cancel, clear, expire, pause, resume};

/// Sequences, and operations in each at most.
const CASES: u32 = 40;
const OPERATIONS: usize = 60;
const CLAIMANTS: u8 = 3;

/// No wait but a vendor's: a delayed task is due at once, and one that a vendor put off isn't.
const AT_ONCE: RetryPolicy = RetryPolicy {
    base: Duration::ZERO,
    cap: Duration::ZERO,
    not_ready_wait: Duration::ZERO,
    not_ready_limit: LIMIT as u32,
    rate_limited_limit: LIMIT as u32,
    longest_put_off: Duration::from_secs(3600),
    lost_limit: LIMIT as u32,
};

/// Both sides of one sequence.
struct Trial {
    pool: PgPool,
    definitions: Definitions,
    model: Model,
    claimants: Vec<Claimant>,
    /// Every claim there ever was, as each side knows it.
    claims: Vec<(Claim, Claimed)>,
    /// Attempts that had ended when it was last looked.
    closed: Vec<String>,
    /// Tasks that waited, then.
    waiting: Vec<i64>,
}

impl Trial {
    async fn begin(pool: &PgPool) -> Self {
        let clean =
            "truncate ops.run, ops.task, ops.attempt, ops.alert, ops.audit, ops.dag, ops.dag_version, ops.node, ops.pool restart identity;
                     insert into ops.pool (pool, slots) values ('two', 2)";
        sqlx::raw_sql(clean).execute(pool).await.unwrap();
        let mut claimants = Vec::new();
        for _ in 0..CLAIMANTS {
            claimants.push(claimant(pool, &["a", "b", "c", "d", "e"]).await);
        }
        let definitions = Definitions::new(pool.clone(), Registry::default());
        let model = Model { slots: [("two", 2)].into(), ..Model::default() };
        Self { pool: pool.clone(), definitions, model, claimants, claims: Vec::new(), closed: Vec::new(), waiting: Vec::new() }
    }

    /// One of the claims that count, or of those that don't.
    fn choose(&self, which: u8, is_held: bool) -> Option<(Claim, Claimed)> {
        let some: Vec<_> = self.claims.iter().filter(|(claim, _)| self.model.is_held(claim) == is_held).collect();
        (!some.is_empty()).then(|| some[usize::from(which) % some.len()].clone())
    }

    fn run(&self, which: u8) -> Option<i64> {
        let runs = self.model.runs.len() as i64;
        (runs > 0).then(|| i64::from(which) % runs + 1)
    }

    async fn settle(&mut self, (claim, claimed): (Claim, Claimed), ending: Ending) {
        let parts = |names: Vec<String>| {
            End::Success(Outcome::Parts { rows: 0, parts: names.into_iter().map(|part| Part { part, input: json!(1) }).collect() })
        };
        let names = |count: u8| -> Vec<String> { (0..count).map(|n| format!("part {n}")).collect() };
        let error = |error: fn(Box<dyn std::error::Error + Send + Sync>) -> TaskError| End::Error(error(trouble("broken")));
        let end = match ending {
            Ending::Done => End::Success(Outcome::Done { rows: 1 }),
            Ending::Parts(count) => parts(names(count)),
            Ending::Twins => parts(vec!["twin".into(), "twin".into()]),
            Ending::Skipped => End::Success(Outcome::Skipped { reason: "Nothing to do.".into() }),
            Ending::Retryable => error(TaskError::Retryable),
            Ending::Final => error(TaskError::Final),
            Ending::RateLimited => error(|source| TaskError::RateLimited { wait: Duration::from_secs(3600), source }),
            Ending::NotReady => error(TaskError::NotReady),
            Ending::Interrupted => error(TaskError::Interrupted),
            Ending::Timeout => End::Timeout(Duration::from_secs(1)),
            Ending::OutOfTime => End::OutOfTime(Duration::from_secs(1)),
            Ending::Panic => End::Panic("a fault".into()),
            Ending::Dropped => End::Dropped,
            Ending::Cancelled => End::Error(TaskError::Cancelled),
        };
        settle(&self.pool, &self.definitions, Some(AT_ONCE), &[(claimed, end)]).await.unwrap();
        let model = &mut self.model;
        match ending {
            Ending::Done => model.succeed(&claim, "success", Vec::new()),
            Ending::Parts(count) => model.succeed(&claim, "success", names(count)),
            Ending::Skipped => model.succeed(&claim, "skipped", Vec::new()),
            Ending::Retryable | Ending::Panic => model.fail(&claim, "error", Some("retryable"), true),
            Ending::Final | Ending::Twins => model.fail(&claim, "error", Some("final"), true),
            Ending::RateLimited => model.fail(&claim, "error", Some("rate_limited"), false),
            Ending::NotReady => model.fail(&claim, "error", Some("not_ready"), true),
            Ending::Interrupted => model.fail(&claim, "lost", None, true),
            Ending::Timeout => model.fail(&claim, "timeout", Some("retryable"), true),
            Ending::OutOfTime => model.fail(&claim, "timeout", Some("final"), true),
            Ending::Dropped | Ending::Cancelled => model.release(&claim),
        }
    }

    async fn perform(&mut self, operation: &Operation) -> Result<(), String> {
        let pool = self.pool.clone();
        match *operation {
            Operation::Request { dag, overlap, parameter, repeat, hour, one_try } => {
                let dag = Dag { overlap, ..dags()[usize::from(dag)].clone() };
                let logical = dag.depends_on_past.then_some(i64::from(hour));
                let start = DateTime::UNIX_EPOCH;
                let asked = Request {
                    repeat,
                    logical_at: logical.map(|hour| start + TimeDelta::hours(hour)),
                    most_tries: one_try.then_some(1),
                    ..Request::new(dag.clone(), json!({ "n": parameter }))
                };
                let answer = match request(&pool, &asked).await.unwrap() {
                    Asked::New(run_id) => Answer::New(run_id),
                    Asked::Joined(run_id) => Answer::Joined(run_id),
                    Asked::Refused(_) => Answer::Refused,
                };
                same("the answer", &self.model.request(&dag, parameter, repeat, logical, one_try.then_some(1)), &answer)?;
            }
            Operation::Claim { who, most } => {
                let (who, most) = (usize::from(who), usize::from(most));
                let claimed = claim(&pool, &self.claimants[who], most).await.unwrap();
                let named = |one: &Claimed| Claim {
                    run: one.run_id,
                    name: one.name.clone(),
                    part: one.part.clone(),
                    number: usize::try_from(one.number).unwrap(),
                };
                let claims: Vec<Claim> = claimed.iter().map(named).collect();
                same("what was claimed", &self.model.claim(who, most), &claims)?;
                self.claims.extend(claims.into_iter().zip(claimed));
            }
            Operation::Settle { which, end } => {
                if let Some(chosen) = self.choose(which, true) {
                    self.settle(chosen, end).await;
                }
            }
            Operation::SettleLate { which, end } => {
                if let Some(chosen) = self.choose(which, false) {
                    self.settle(chosen, end).await;
                }
            }
            Operation::SettleAll => {
                let all: Vec<_> = self.claims.iter().filter(|(claim, _)| self.model.is_held(claim)).cloned().collect();
                let ended: Vec<_> = all.iter().map(|(_, claimed)| (claimed.clone(), End::from(done()))).collect();
                settle(&pool, &self.definitions, Some(AT_ONCE), &ended).await.unwrap();
                all.iter().for_each(|(claim, _)| self.model.succeed(claim, "success", Vec::new()));
            }
            Operation::Complete { which } => {
                for is_held in [true, false] {
                    if let Some((claim, claimed)) = self.choose(which, is_held) {
                        let ctx = context(&pool, &claimed);
                        let mut effect = ctx.begin().await.unwrap();
                        same("whether it may complete", &is_held, &ctx.complete(&mut effect, 1).await.is_ok())?;
                        if is_held {
                            effect.commit().await.unwrap();
                            self.model.succeed(&claim, "success", Vec::new());
                        }
                    }
                }
            }
            Operation::LoseLease { which } => {
                if let Some((claim, claimed)) = self.choose(which, true) {
                    let sql = "update ops.task set lease_until = now() - interval '1 second' where task_id = $1";
                    sqlx::query(sql).bind(claimed.task_id).execute(&pool).await.unwrap();
                    let task = self.model.find(&claim).unwrap();
                    task.lease = task.lease.map(|(who, _)| (who, false));
                }
            }
            Operation::Reap { gone } => {
                let gone = gone.map(usize::from);
                let nodes: Vec<i32> = gone.iter().map(|&who| self.claimants[who].node_id).collect();
                reap(&pool, &nodes, AT_ONCE.lost_limit).await.unwrap();
                self.model.reap(gone);
            }
            Operation::TimePasses => {
                sqlx::query("update ops.task set not_before = now() where state = 'delayed'").execute(&pool).await.unwrap();
                self.model.tasks.iter_mut().for_each(|task| task.is_due = true);
            }
            Operation::WaitTooLong { which } => {
                let next: Vec<Claim> = self.model.next().iter().map(|task| named(task)).collect();
                if !next.is_empty() {
                    let claim = next[usize::from(which) % next.len()].clone();
                    let sql = "update ops.task set ready_at = now() - interval '2 hours', not_before = now() - interval '2 hours'
                               where run_id = $1 and name = $2 and part = $3";
                    sqlx::query(sql).bind(claim.run).bind(&claim.name).bind(&claim.part).execute(&pool).await.unwrap();
                    expire(&pool).await.unwrap();
                    self.model.give_up(&claim);
                }
            }
            Operation::RunTooLong { which } => {
                // A limit doesn't run on in a pause.
                if let Some(run) = self.run(which).filter(|run| !self.model.paused.contains(&self.model.runs[run].dag.name)) {
                    let sql = "update ops.run set timeout_at = now() - interval '1 second' where run_id = $1 and state = 'running'";
                    sqlx::query(sql).bind(run).execute(&pool).await.unwrap();
                    expire(&pool).await.unwrap();
                    self.model.time_out(run);
                }
            }
            Operation::Cancel { run } => {
                if let Some(run) = self.run(run) {
                    let is_open = ["queued", "running", "failed"].contains(&self.model.runs[&run].state);
                    same("whether there is something to cancel", &is_open, &cancel(&pool, run, None).await.is_ok())?;
                    if is_open {
                        self.model.cancel_by_hand(run);
                    }
                }
            }
            Operation::Clear { run, task, downstream, only_failed } => {
                if let Some(run) = self.run(run) {
                    let tasks = &self.model.runs[&run].dag.tasks;
                    let named = task.map(|task| tasks[usize::from(task) % tasks.len()].name.clone());
                    let selection = Selection { tasks: named.into_iter().collect(), downstream, only_failed };
                    let is_cleared = clear(&pool, run, &selection, None).await.is_ok();
                    same("whether it may be cleared", &self.model.clear(run, &selection), &is_cleared)?;
                }
            }
            Operation::Pause { dag } => {
                let name = &dags()[usize::from(dag)].name;
                pause(&pool, name, None).await.unwrap();
                self.model.paused.insert(name.clone());
            }
            Operation::Resume { dag } => {
                let name = &dags()[usize::from(dag)].name;
                resume(&pool, name, None).await.unwrap();
                if self.model.paused.remove(name) {
                    self.model.admit(name);
                }
            }
            Operation::AdmitAll => {
                admit_all(&pool).await.unwrap();
                self.model.admit_all();
            }
            Operation::AdvanceAll => advance_all(&pool).await.unwrap(),
        }
        Ok(())
    }
}

async fn play(pool: &PgPool, operations: &[Operation]) -> Result<(), String> {
    let mut trial = Trial::begin(pool).await;
    for (at, operation) in operations.iter().enumerate() {
        let compared = match trial.perform(operation).await {
            Ok(()) => trial.compare().await,
            wrong => wrong,
        };
        compared.map_err(|difference| format!("after operation {at}, {operation:?}: {difference}"))?;
    }
    Ok(())
}

#[sqlx::test(migrator = "server::db::MIGRATOR")]
async fn the_engine_does_what_the_reference_model_does(pool: PgPool) {
    let runtime = tokio::runtime::Handle::current();
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES);
    let result = tokio::task::spawn_blocking(move || {
        let config = Config { cases, max_shrink_iters: 2_000, failure_persistence: None, ..Config::default() };
        TestRunner::new(config).run(&prop::collection::vec(operation(), 1..=OPERATIONS), |operations| {
            runtime.block_on(play(&pool, &operations)).map_err(TestCaseError::fail)
        })
    });
    match result.await.unwrap() {
        Ok(()) => {}
        Err(TestError::Fail(reason, operations)) => {
            let steps: Vec<String> = (0..).zip(&operations).map(|(at, operation): (u32, _)| format!("  {at} {operation:?}")).collect();
            panic!("{reason}\n\nThe shortest sequence found:\n{}", steps.join("\n"));
        }
        Err(TestError::Abort(reason)) => panic!("{reason}"),
    }
}
