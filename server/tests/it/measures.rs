//! Measures of a person's own files, from the command line and without a database.
#![allow(clippy::unwrap_used, reason = "a test that panics says where")]

use serde_json::Value;
use std::{fs, path::Path, process::Output};

const RETURNS: &str = "date,fund,index,bill\n2026-01-30,0.012,0.009,0.0004\n2026-02-27,-0.004,-0.006,0.0004\n2026-03-31,0.023,NA,0.0005\n2026-04-30,-0.031,-0.022,\n2026-05-29,0.1,0.3,0.0003\n";

fn plumbline(folder: &Path, arguments: &[&str]) -> Output {
    std::process::Command::new(env!("CARGO_BIN_EXE_plumbline")).args(arguments).env_clear().current_dir(folder).output().unwrap()
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

#[test]
fn returns_are_measured_without_a_database() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("r.csv"), RETURNS).unwrap();
    let all = ["metrics", "--returns", "r.csv", "--benchmark", "r.csv", "--benchmark-column", "index", "--periods-per-year", "12"];
    let with_rate = ["--risk-free-series", "r.csv", "--risk-free-column", "bill", "--rolling", "3", "--format", "json"];
    let document = json(&plumbline(folder.path(), &[&all[..], &with_rate[..]].concat()));
    assert_eq!((document["from"].as_str(), document["to"].as_str()), (Some("2026-01-30"), Some("2026-05-29")));
    // April has no risk-free rate, March no benchmark.
    assert_eq!((document["observations"].as_u64(), document["parameters"]["without_risk_free"].as_u64()), (Some(4), Some(1)));
    assert_eq!(
        (document["parameters"]["benchmark_observations"].as_u64(), document["parameters"]["without_benchmark"].as_u64()),
        (Some(3), Some(1))
    );
    let metric = |key: &str| &document["metrics"][key];
    assert!((metric("cumulative_return")["value"].as_f64().unwrap() - (1.012 * 0.996 * 1.023 * 1.1 - 1.0)).abs() < 1e-15);
    assert_eq!(metric("beta_bear")["value"], Value::Null);
    assert_eq!(metric("beta_bear")["reason"], "needs 2 periods with a falling benchmark, has 1");
    assert_eq!(document["drawdowns"][0]["trough"], "2026-02-27");
    let rolling = &document["rolling"];
    assert_eq!(rolling["dates"], serde_json::json!(["2026-03-31", "2026-05-29"]));
    assert_eq!(rolling["metrics"]["volatility"].as_array().map(Vec::len), Some(2));
    let table = plumbline(folder.path(), &["metrics", "--returns", "r.csv", "--from", "2026-02-01"]);
    assert!(String::from_utf8_lossy(&table.stdout).contains("sharpe_ratio"));
}

#[test]
fn payments_and_segments_too() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("flows.csv"), "date,amount\n2025-01-01,-1000\n2026-01-01,1100\n").unwrap();
    let found = json(&plumbline(folder.path(), &["xirr", "--flows", "flows.csv", "--format", "json"]));
    assert!((found["value"].as_f64().unwrap() - 0.1).abs() < 1e-12 && found["roots"].as_array().unwrap().len() == 1, "{found}");
    fs::write(folder.path().join("several.csv"), "date,amount\n2024-01-01,-1000\n2025-01-01,2500\n2026-01-01,-1540\n").unwrap();
    let several = json(&plumbline(folder.path(), &["xirr", "--flows", "several.csv", "--format", "json"]));
    assert!(several["value"].is_null() && several["reason"].as_str().unwrap().starts_with("several roots"), "{several}");
    assert_eq!(several["roots"].as_array().map(Vec::len), Some(2));

    let header = "period,segment,portfolio_weight,benchmark_weight,portfolio_return,benchmark_return\n";
    let rows = "1,UK,0.4,0.4,0.2,0.1\n1,Japan,0.3,0.2,-0.05,-0.04\n1,US,0.3,0.4,0.06,0.08\n2,UK,0.5,0.5,0.1,0.1\n2,US,0.5,0.5,0.0,0.02\n";
    fs::write(folder.path().join("segments.csv"), format!("{header}{rows}")).unwrap();
    let found = json(&plumbline(folder.path(), &["attribution", "--segments", "segments.csv", "--format", "json"]));
    assert!((found["periods"][0]["totals"]["allocation"].as_f64().unwrap() + 0.012).abs() < 1e-12, "{found}");
    let linked = &found["linked"];
    let (excess, total) = (linked["excess_return"].as_f64().unwrap(), linked["totals"]["total"].as_f64().unwrap());
    assert!((excess - total).abs() < 1e-15 && linked["residual"].as_f64().unwrap().abs() < 1e-15);
}

#[test]
fn a_wrong_file_says_where_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("r.csv"), RETURNS).unwrap();
    fs::write(folder.path().join("broken.csv"), "date,fund\n2026-01-30,1 %\n").unwrap();
    fs::write(
        folder.path().join("off.csv"),
        "period,segment,portfolio_weight,benchmark_weight,portfolio_return,benchmark_return\n1,UK,0.4,1,0,0\n",
    )
    .unwrap();
    for (arguments, words) in [
        (&["metrics", "--returns", "nowhere.csv"][..], "nowhere.csv: it can't be read"),
        (&["metrics", "--returns", "r.csv", "--column", "funds"], "r.csv:1: there is no column funds; there are: fund, index, bill"),
        (&["metrics", "--returns", "broken.csv"], "broken.csv:2: “1 %” is no number"),
        (&["metrics", "--returns", "r.csv", "--confidence", "1"], "between 0 and 1"),
        (&["metrics", "--returns", "r.csv", "--risk-free", "-1"], "above −1"),
        (&["xirr", "--flows", "broken.csv"], "broken.csv:1: there is no column amount"),
        (&["attribution", "--segments", "r.csv"], "there is no column period"),
        (&["attribution", "--segments", "off.csv"], "off.csv, 1: the portfolio's weights add up to 0.4, not to 1"),
    ] {
        let output = plumbline(folder.path(), arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains(words), "{arguments:?}: {said}");
    }
}
