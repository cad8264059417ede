//! The order of a build, as in dbt: a model's unit tests, the model, then the tests that read nothing later. What stands below a failure
//! is skipped.

use super::{Assertion, Build, Error, Model, Project, Severity, UnitTest, Vars, Verdict, graph};
use serde::Serialize;
use serde_json::Value;
use sqlx::{Connection, PgConnection};
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Instant,
};

/// `error_if` and `warn_if` can hold of no rows at all.
const TOO_FEW: &str = "its query yields no rows, and its thresholds want some";

/// One thing to do, by its position in the project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Unit(usize),
    Model(usize),
    Test(usize),
    /// Nothing to do; the tests that read it come along.
    Source(usize),
}

/// What is done together around one model, or the tests of a source (then without one).
#[derive(Debug)]
pub(super) struct Steps<'p> {
    pub model: Option<&'p Model>,
    pub is_own: bool,
    /// The model itself isn't built: only tested as it stands.
    builds: bool,
    units: Vec<&'p UnitTest>,
    tests: Vec<&'p Assertion>,
    /// A failure stops what is below it: not where everything is only tested as it stands.
    stops: bool,
    /// Models above.
    needs: BTreeSet<String>,
}

/// How one step ended.
#[derive(Debug, Clone, Serialize)]
pub(super) struct Outcome {
    pub kind: &'static str,
    pub name: String,
    /// built, pass, warn, fail, error or skip.
    pub status: &'static str,
    pub rows: u64,
    pub ms: f64,
    /// Why it failed; the rows that must not exist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub samples: Option<Value>,
    /// What dbt calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dbt_name: Option<String>,
}

impl Outcome {
    fn of(kind: &'static str, name: &str, status: &'static str) -> Self {
        Self { kind, name: name.into(), status, rows: 0, ms: 0.0, message: None, samples: None, dbt_name: None }
    }

    pub fn broken(name: &str, error: &Error) -> Self {
        fallen(error, "model", name)
    }

    pub fn is_bad(&self) -> bool {
        matches!(self.status, "fail" | "error")
    }
}

/// The chosen steps, by model and in their order. A test goes with the last of the models that it reads.
pub(super) fn steps<'p>(project: &'p Project, chosen: &BTreeSet<Step>) -> Vec<Steps<'p>> {
    let models = project.models();
    let stops = chosen.iter().any(|step| matches!(step, Step::Model(_)));
    let place: BTreeMap<&str, usize> = models.iter().enumerate().map(|(at, model)| (model.name.as_str(), at)).collect();
    let above: BTreeMap<String, BTreeSet<String>> = models.iter().map(|model| (model.name.clone(), model.refs.clone())).collect();
    let mut all: Vec<Steps> = models
        .iter()
        .enumerate()
        .map(|(at, model)| Steps {
            model: Some(model),
            is_own: project.is_own(model),
            builds: chosen.contains(&Step::Model(at)),
            stops,
            units: Vec::new(),
            tests: Vec::new(),
            needs: graph::reached(&model.name, &above, None),
        })
        .collect();
    let mut of_sources: Vec<Steps> = Vec::new();
    for step in chosen {
        match step {
            Step::Unit(at) => {
                let Some(test) = project.unit_tests().get(*at) else { continue };
                if let Some(steps) = place.get(test.model.as_str()).and_then(|at| all.get_mut(*at)) {
                    steps.units.push(test);
                }
            }
            Step::Test(at) => {
                let Some(test) = project.assertions().get(*at) else { continue };
                let is_own = test.package != super::project::OURS;
                let last = test.refs.iter().filter_map(|name| place.get(name.as_str())).max();
                // A person's test of ours runs with the person's rights, and after everything of ours.
                match last.and_then(|at| all.get_mut(*at)).filter(|steps| steps.is_own == is_own) {
                    Some(steps) => steps.tests.push(test),
                    None => of_sources.push(Steps {
                        model: None,
                        is_own,
                        builds: false,
                        stops,
                        units: Vec::new(),
                        tests: vec![test],
                        needs: test.refs.clone(),
                    }),
                }
            }
            Step::Model(_) | Step::Source(_) => {}
        }
    }
    all.retain(|steps| steps.builds || !steps.units.is_empty() || !steps.tests.is_empty());
    // Tests of sources come first: what is built on them waits for their word.
    let (late, early): (Vec<_>, Vec<_>) = of_sources.into_iter().partition(|steps| steps.is_own && !steps.needs.is_empty());
    early.into_iter().chain(all).chain(late).collect()
}

impl Steps<'_> {
    pub fn name(&self) -> &str {
        self.model.map_or_else(|| self.tests.first().map(|test| test.name.as_str()).unwrap_or_default(), |model| model.name.as_str())
    }

    /// Does all of it. `failed`: models that are broken or blocked, which grows. Yields whether what was built may stay.
    pub async fn carry_out(
        &self,
        build: &mut Build<'_>,
        connection: &mut PgConnection,
        vars: &Vars,
        failed: &mut BTreeSet<String>,
    ) -> (Vec<Outcome>, bool) {
        let mut outcomes = Vec::new();
        let blocked = self.needs.iter().find(|name| failed.contains(*name)).cloned();
        if let Some(above) = blocked {
            let why = format!("{above} failed");
            outcomes.extend(self.rest().map(|one| Outcome { message: Some(why.clone()), ..one }));
            failed.extend(self.model.filter(|_| self.builds).map(|model| model.name.clone()));
            return (outcomes, false);
        }
        for test in &self.units {
            let started = Instant::now();
            let outcome = match unit_test(build, connection, test).await {
                Ok(difference) => judged(test, difference),
                Err(error) => fallen(&error, "unit_test", &test.name),
            };
            outcomes.push(Outcome { ms: started.elapsed().as_secs_f64() * 1000.0, ..outcome });
        }
        if self.builds && outcomes.iter().any(Outcome::is_bad) {
            let why = "its unit test failed";
            outcomes.extend(self.rest().filter(|one| one.kind != "unit_test").map(|one| Outcome { message: Some(why.into()), ..one }));
            failed.extend(self.model.map(|model| model.name.clone()));
            return (outcomes, false);
        }
        if let Some(model) = self.model.filter(|_| self.builds)
            && let Some(model) = build.project.find(&model.name)
        {
            match build.model(connection, model, vars).await {
                Ok(built) => outcomes.push(Outcome { rows: built.rows, ms: built.ms, ..Outcome::of("model", &built.model, "built") }),
                Err(error) => {
                    outcomes.push(fallen(&error, "model", &model.relation()));
                    outcomes.extend(self.rest().filter(|one| one.kind == "test"));
                    failed.insert(model.name.clone());
                    return (outcomes, false);
                }
            }
        }
        let (tests, held): (Vec<_>, Vec<_>) = self.tests.iter().copied().partition(|test| test.refs.is_disjoint(failed));
        outcomes.extend(held.into_iter().map(|test| Outcome { message: Some("what it reads failed".into()), ..skipped(test) }));
        match tested(build, connection, &tests, vars).await {
            Ok(together) => outcomes.extend(together),
            // Together they are quick; one that Postgres refuses must not speak for the others.
            Err(_) => {
                for test in tests {
                    match tested(build, connection, &[test], vars).await {
                        Ok(one) => outcomes.extend(one),
                        Err(error) => {
                            outcomes.push(Outcome { dbt_name: Some(test.dbt_name.clone()), ..fallen(&error, "test", &test.name) })
                        }
                    }
                }
            }
        }
        let is_good = !outcomes.iter().any(Outcome::is_bad);
        if !is_good {
            failed.extend(self.model.filter(|_| self.stops).map(|model| model.name.clone()));
        }
        (outcomes, is_good)
    }

    /// Everything of it, as skipped.
    fn rest(&self) -> impl Iterator<Item = Outcome> {
        let units = self.units.iter().map(|test| Outcome::of("unit_test", &test.name, "skip"));
        let model = self.model.filter(|_| self.builds).map(|model| Outcome::of("model", &model.relation(), "skip"));
        units.chain(model).chain(self.tests.iter().map(|test| skipped(test)))
    }
}

fn fallen(error: &Error, kind: &'static str, name: &str) -> Outcome {
    Outcome { message: Some(error.to_string()), ..Outcome::of(kind, name, "error") }
}

fn skipped(test: &Assertion) -> Outcome {
    Outcome { dbt_name: Some(test.dbt_name.clone()), ..Outcome::of("test", &test.name, "skip") }
}

/// Behind a savepoint: after a refusal of Postgres the transaction goes on, and nothing of the test stays.
async fn unit_test(build: &Build<'_>, connection: &mut PgConnection, test: &UnitTest) -> Result<Value, Error> {
    let mut savepoint = connection.begin().await?;
    let difference = build.unit_test(&mut savepoint, test).await;
    savepoint.rollback().await?;
    difference
}

/// The same for tests on what was built.
async fn tested(build: &Build<'_>, connection: &mut PgConnection, tests: &[&Assertion], vars: &Vars) -> Result<Vec<Outcome>, Error> {
    let mut savepoint = connection.begin().await?;
    let verdicts = build.test_these(&mut savepoint, tests, vars).await;
    savepoint.rollback().await?;
    let outcome = |(test, verdict): (&&Assertion, Verdict)| {
        let status = match (verdict.passed, verdict.severity) {
            (true, _) => "pass",
            (false, Severity::Warn) => "warn",
            (false, Severity::Error) => "fail",
        };
        Outcome {
            rows: verdict.failures.unsigned_abs(),
            ms: verdict.duration_ms,
            samples: (!verdict.passed).then_some(verdict.samples),
            message: (!verdict.passed && verdict.failures == 0).then(|| TOO_FEW.to_owned()),
            dbt_name: Some(test.dbt_name.clone()),
            ..Outcome::of("test", &verdict.name, status)
        }
    };
    Ok(tests.iter().zip(verdicts?).map(outcome).collect())
}

fn judged(test: &UnitTest, difference: Value) -> Outcome {
    let is_same = difference.as_object().is_some_and(|sides| sides.values().all(|rows| rows.as_array().is_some_and(Vec::is_empty)));
    if is_same {
        return Outcome::of("unit_test", &test.name, "pass");
    }
    let message = format!("{}:{}: the model yields other rows than expected: {difference}", test.file, test.line);
    Outcome { message: Some(message), samples: Some(difference), rows: 1, ..Outcome::of("unit_test", &test.name, "fail") }
}
