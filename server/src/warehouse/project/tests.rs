//! What is read of packages, in which order, and what is refused by file and line.

use super::*;
use crate::warehouse::embedded;

const PROJECT: (&str, &str) =
    ("dbt_project.yml", "name: mine\nmodels:\n  mine:\n    +tags: all\n    deep: {+schema: own_deep, +materialized: table}\n");
const GRAIN: &str = "-- One row per thing.\n";

fn own(files: &[(&str, &str)]) -> Result<Project, Error> {
    let files: Vec<_> = [PROJECT].iter().filter(|(path, _)| !files.iter().any(|(own, _)| own == path)).chain(files).copied().collect();
    Project::read(&[Package::embedded(), Package::of("/home/ada/models/", &files)])
}

/// A model of a person's, with its grain in the first line.
fn one(body: &str) -> Result<Project, Error> {
    own(&[("models/one.sql", &format!("{GRAIN}{body}"))])
}

#[track_caller]
fn refused(outcome: Result<Project, Error>, place: &str, words: &str) {
    let error = outcome.map(|_| ()).unwrap_err().to_string();
    assert!(error.starts_with(&format!("/home/ada/models/{place}: ")) && error.contains(words), "{error}");
}

#[test]
fn the_project_in_the_binary_is_whole() {
    let project = Project::embedded().unwrap();
    let names: Vec<_> = project.models().iter().map(|model| model.name.as_str()).collect();
    assert!(names.iter().position(|n| *n == "holdings") < names.iter().position(|n| *n == "allocation"));
    assert!(
        project.models().iter().all(|model| project.compiled(model).is_ok() && !model.description.is_empty() && !model.columns.is_empty())
    );
    assert!(project.assertions().len() > 50 && project.unit_tests().len() > 2);
}

#[test]
fn a_variable_can_carry_no_sql() {
    assert!(Vars::default().with("benchmark", "BRK.A").is_ok());
    assert!(Vars::default().with("benchmark", "x'; drop schema raw").is_err());
}

#[test]
fn what_is_outside_the_subset_is_named_with_its_place() {
    let refused = |path: &str, from: &str, to: &str| {
        let files: Vec<_> =
            embedded::FILES.iter().map(|(p, t)| (*p, if *p == path { t.replacen(from, to, 1) } else { (*t).to_owned() })).collect();
        let files: Vec<_> = files.iter().map(|(p, t)| (*p, t.as_str())).collect();
        Project::read(&[Package::of("server/warehouse/", &files)]).unwrap_err().to_string()
    };
    let error = refused("dbt_project.yml", "test-paths", "snapshot-paths: [snapshots]\ntest-paths");
    assert!(error.starts_with("server/warehouse/dbt_project.yml:") && error.contains("snapshot-paths"), "{error}");
    let error = refused("models/marts/schema.yml", "- not_null", "- dbt_utils.at_least_one");
    assert!(error.starts_with("server/warehouse/models/marts/schema.yml:") && error.contains("at_least_one"), "{error}");
    let error = refused("models/marts/holdings.sql", "ref('splits')", "ref('allocation')");
    assert!(error.contains(".sql:") && error.contains("circle: "), "{error}");
}

#[test]
fn a_persons_package_lies_over_ours() {
    let project = own(&[
        ("models/deep/er/two.sql", "-- One row per holding.\n{{ config(tags=['late']) }}\nselect * from {{ ref('plumbline', 'holdings') }} join {{ ref('one') }} using (x)"),
        ("models/one.sql", "-- One row per price.\nselect {{ plumbline.sector('a', 'b') }}, '{{ var('mine', 'x') }}' from {{ ref('prices') }}"),
        ("models/some.yml", "models:\n  - name: two\n    config: {tags: nightly, materialized: view}\n    columns: [{name: x, tests: [plumbline.positive, unique]}]\n"),
        ("macros/x.sql", "{% test odd(model, column_name, than=1) %}select 1 from {{ model }}{% endtest %}"),
    ])
    .unwrap();
    let two = project.find("two").unwrap();
    assert_eq!(
        (two.relation().as_str(), two.materialized, two.config.tags.join(" ")),
        ("own_deep.two", Materialized::View, "all nightly late".into())
    );
    let one = project.find("one").unwrap();
    assert_eq!((one.relation().as_str(), one.materialized, one.grain.as_str()), ("own_mine.one", Materialized::View, "One row per price."));
    assert!(project.compiled(one).unwrap().contains("'x' from staging.prices"));
    let names: Vec<_> = project.assertions().iter().filter(|test| test.package == "mine").map(|test| test.name.as_str()).collect();
    assert_eq!(names, ["plumbline_positive_two_x", "unique_two_x"]);
    assert!(project.is_own(one) && !project.is_own(project.find("holdings").unwrap()));
}

#[test]
fn refs_that_lead_nowhere_and_circles_are_said_where_they_stand() {
    refused(one("select *\nfrom {{ ref('nowhere') }}"), "models/one.sql:3", "there is no model nowhere");
    refused(one("{% if is_incremental() %}{{ ref('nowhere') }}{% endif %}"), "models/one.sql:2", "there is no model nowhere");
    refused(one("{{ ref('other', 'holdings') }}"), "models/one.sql:2", "there is no package other");
    refused(one("{{ source('raw', 'nothing') }}"), "models/one.sql:2", "raw.nothing is not among the sources");
    let circle = own(&[
        ("models/one.sql", &format!("{GRAIN}select\n* from {{{{ ref('two') }}}}")),
        ("models/two.sql", &format!("{GRAIN}select * from {{{{ ref('one') }}}}")),
    ]);
    refused(circle, "models/one.sql:3", "circle: one → two → one");
    refused(one("select * from {{ ref('one') }}"), "models/one.sql:2", "circle: one → one");
}

#[test]
fn names_that_clash_are_said_with_both_files() {
    refused(
        own(&[("models/holdings.sql", GRAIN)]),
        "models/holdings.sql:1",
        "server/warehouse/models/marts/holdings.sql is named holdings too",
    );
    let twice = own(&[("models/a/one.sql", GRAIN), ("models/b/one.sql", GRAIN)]);
    refused(twice, "models/b/one.sql:1", "/home/ada/models/models/a/one.sql is named one too");
    refused(
        own(&[("macros/m.sql", "\n{% macro sector(a) %}{% endmacro %}")]),
        "macros/m.sql:2",
        "the macro sector is in server/warehouse/macros/sector.sql",
    );
    refused(own(&[("dbt_project.yml", "name: plumbline")]), "dbt_project.yml:1", "another name than plumbline");
    let described =
        own(&[("models/one.sql", GRAIN), ("models/a.yml", "models: [{name: one}]"), ("models/b.yml", "models:\n  - name: one")]);
    refused(described, "models/b.yml:2", "one is described twice");
    refused(own(&[("models/a.yml", "models:\n  - name: gone")]), "models/a.yml:2", "there is no model gone");
}

#[test]
fn a_persons_models_stay_in_their_own_schemas() {
    for schema in ["marts", "staging", "raw", "auth", "ops", "book", "ledger", "public", "pg_catalog"] {
        refused(one(&format!("{{{{ config(schema='{schema}') }}}}")), "models/one.sql:1", "isn't yours to write");
    }
    for schema in ["own; drop schema raw", "Own", "own\"x"] {
        refused(one(&format!("{{{{ config(schema='{schema}') }}}}")), "models/one.sql:1", "isn't a name");
    }
    refused(
        one("{{ config(materialized='incremental', unique_key='a; drop') }}"),
        "models/one.sql:2",
        "unique_key and indexes name columns",
    );
    refused(one("{{ config(materialized='table', indexes=[{'columns': ['lower(a)']}]) }}"), "models/one.sql:2", "name columns");
    refused(one("{{ config(pre_hook='drop schema raw') }}"), "models/one.sql:2", "hooks aren't supported");
}

#[test]
fn every_model_says_what_a_row_is() {
    for text in ["select 1", "-- Some things.\nselect 1", "/* One row per x. */ select 1"] {
        refused(own(&[("models/one.sql", text)]), "models/one.sql:1", "the first comment must say what a row is");
    }
    assert!(own(&[("models/one.sql", "{{ config(materialized='view') }}\n-- One row per x.\nselect 1")]).is_ok());
}

#[test]
fn what_dbt_has_and_we_have_not_is_refused() {
    for (body, words) in [
        ("{{ config(contract={'enforced': true}) }}", "contract"),
        ("{{ config(materialized='ephemeral') }}", "ephemeral"),
        ("{{ config(enabled=false) }}", "enabled"),
        ("{{ config(incremental_strategy='append') }}", "append"),
        ("{{ config(materialized='incremental') }}", "needs a unique_key"),
        ("{{ adapter.quote('x') }}", "adapter"),
        ("{% if execute %}{% endif %}", "execute"),
        ("{{ dbt_utils.star(ref('prices')) }}", "dbt_utils"),
        ("{{ env_var('HOME') }}", "env_var"),
        ("{{ sector('a', 'b') }}", "sector isn't supported"),
        ("{{ 'x' | as_native }}", "as_native"),
    ] {
        refused(one(body), "models/one.sql:2", words);
    }
    for (path, text, line, words) in [
        ("models/x.yml", "exposures: []", 1, "exposures"),
        ("models/x.yml", "models:\n  - name: one\n    constraints: []\n", 3, "constraints"),
        (
            "models/x.yml",
            "models:\n  - name: one\n    columns:\n      - name: a\n        tests:\n          - unique: {config: {limit: 3}}\n",
            6,
            "limit",
        ),
        ("models/x.yml", "models:\n  - name: one\n    data_tests:\n      - no_such\n", 4, "there is no test no_such"),
        ("models/x.yml", "models: [", 2, ""),
        ("dbt_project.yml", "name: mine\non-run-start: x\n", 2, "on-run-start"),
        ("dbt_project.yml", "name: mine\nmodels:\n  plumbline: {+materialized: view}\n", 3, "another package"),
        ("packages.yml", "packages:\n  - package: dbt-labs/dbt_utils\n", 2, "package"),
        ("tests/t.sql", "select 1\n{{ config(where='x') }}", 2, "where has no effect"),
        ("tests/t.sql", "{{ config(severity='loud') }}", 1, "error or warn"),
        ("tests/t.sql", "{{ config(warn_if='some') }}", 1, "is no threshold"),
    ] {
        refused(own(&[("models/one.sql", GRAIN), (path, text)]), &format!("{path}:{line}"), words);
    }
}

#[test]
fn a_unit_test_is_checked_before_it_runs() {
    let with = |given: &str| {
        let yml = format!("models: []\nunit_tests:\n  - name: u\n    model: one\n    given: {given}\n    expect: {{rows: [{{x: 1}}]}}\n");
        own(&[("models/one.sql", &format!("{GRAIN}select * from {{{{ ref('prices') }}}}")), ("models/u.yml", &yml)])
    };
    assert_eq!(with("[{input: ref('prices'), rows: []}]").unwrap().unit_tests().iter().filter(|test| test.package == "mine").count(), 1);
    refused(with("[]"), "models/u.yml:3", "nothing is given for ref('prices')");
    refused(with("[{input: ref('nowhere'), rows: []}]"), "models/u.yml:3", "there is no model nowhere");
    refused(with("[{input: prices, rows: []}]"), "models/u.yml:3", "prices");
    refused(with("[{input: ref('prices'), rows: [1]}]"), "models/u.yml:3", "each row is");
    refused(with("[{input: ref('prices'), fixture: f}]"), "models/u.yml:5", "fixture");
}

#[test]
fn two_tests_of_one_kind_are_told_apart() {
    let yml = "models:\n  - name: one\n    data_tests:\n      - plumbline.unique_together: {columns: [a, b]}\n      - plumbline.unique_together: {columns: [c]}\n";
    let project = own(&[("models/one.sql", GRAIN), ("models/x.yml", yml)]).unwrap();
    let names: Vec<_> = project.assertions().iter().filter(|test| test.package == "mine").map(|test| test.name.as_str()).collect();
    assert_eq!(names, ["plumbline_unique_together_one_a__b", "plumbline_unique_together_one_c"]);
    let same = yml.replace("[c]", "[a, b]");
    refused(own(&[("models/one.sql", GRAIN), ("models/x.yml", &same)]), "models/x.yml:1", "two tests are called");
}
