//! What we promised each other about the tree, kept by a test. Each failure names the file and the remedy.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const LINES_PER_FILE: usize = 400;
/// Slices of the site: what a person sees. They meet in the pages' frame only.
const SLICES: &[&str] =
    &["overview", "performance", "risk", "holdings", "activity", "explain", "pipeline", "quality", "account", "settings"];
/// Never in the browser: they belong to the server, or cost too much.
const NOT_IN_WASM: &[&str] =
    &["sqlx", "sqlx-core", "tokio", "axum", "tower-http", "reqwest", "argon2", "chrono-tz", "minijinja", "leptos_axum", "charming"];

/// What a first visit may cost, compressed, in bytes; each a little above what it was when the line was written.
const BUDGETS: &[(&str, u64)] = &[
    // The measures are in it, so that any figure can be worked out again in the browser.
    ("plumbline_bg.wasm.br", 490_000),
    ("plumbline_bg.wasm.gz", 690_000),
    ("plumbline.js.br", 10_000),
    ("plumbline.css.br", 8_000),
    ("charts.js.br", 5_000),
    ("echarts.js.br", 160_000),
];

fn root() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

/// Files below `folder` with one of the endings, with their path from the root and their text.
fn files(folder: &str, endings: &[&str]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders: Vec<PathBuf> = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| endings.iter().any(|wanted| ending == *wanted)) {
                let name = path.strip_prefix(root()).unwrap().display().to_string();
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn rust() -> Vec<(String, String)> {
    let mut all: Vec<_> = ["app", "server", "frontend/src"].iter().flat_map(|folder| files(folder, &["rs"])).collect();
    all.retain(|(_, text)| !text.trim().is_empty());
    assert!(all.len() > 20, "the tree isn't where this test looks");
    all
}

/// Lines with their number, without comments and without the file's own tests.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
    text[..end].lines().enumerate().map(|(at, line)| (at + 1, line)).filter(|(_, line)| !line.trim_start().starts_with("//"))
}

fn none(broken: &[String], remedy: &str) {
    assert!(broken.is_empty(), "{remedy}\n  {}", broken.join("\n  "));
}

#[test]
fn a_file_says_its_one_idea_and_stays_short() {
    let mut broken = Vec::new();
    for (name, text) in rust() {
        let first = text.lines().next().unwrap_or_default();
        if !first.starts_with("//!") {
            broken.push(format!("{name}: its first line isn't `//! …`"));
        }
        let lines = text.lines().count();
        if lines > LINES_PER_FILE && !first.contains("long because") {
            broken.push(format!("{name}: {lines} lines"));
        }
    }
    none(&broken, "Cut where you would put a heading, or say `long because …` in the first line:");
}

#[test]
fn app_asks_who_compiles_it_in_one_place() {
    let broken: Vec<_> = files("app/src", &["rs"])
        .iter()
        .filter(|(name, _)| name != "app/src/lib.rs")
        .flat_map(|(name, text)| code(text).filter(|(_, line)| line.contains("feature = \"")).map(move |(at, _)| format!("{name}:{at}")))
        .collect();
    none(&broken, "Features are named in app/src/lib.rs alone; the bodies of server functions are stripped without them:");
}

#[test]
fn slices_do_not_import_slices() {
    let mut broken = Vec::new();
    for slice in SLICES {
        for (name, text) in files(&format!("app/src/{slice}"), &["rs"]) {
            for (at, line) in code(&text) {
                let other = SLICES.iter().find(|other| *other != slice && line.contains(&format!("crate::{other}::")));
                broken.extend(other.map(|other| format!("{name}:{at} imports {other}")));
            }
        }
    }
    none(&broken, "What two slices share belongs to domain, ui or format:");
}

#[test]
fn app_holds_no_sql() {
    let words = ["select ", "insert into ", "delete from ", "create table ", "SELECT ", "INSERT INTO ", "DELETE FROM "];
    let mut broken = Vec::new();
    for (name, text) in files("app/src", &["rs"]) {
        for (at, line) in code(&text) {
            // A string that begins like a statement; prose and class names don't.
            if words.iter().any(|word| line.contains(&format!("\"{word}"))) || line.contains("sqlx") {
                broken.push(format!("{name}:{at}"));
            }
        }
    }
    none(&broken, "Ask a port instead (app/src/ports.rs); SQL lives in server/src/store:");
}

#[test]
fn the_environment_is_read_in_one_place() {
    let readers = ["env::var(", "env::var_os(", "env::vars(", "env::vars_os(", "dotenvy::"];
    let mut broken = Vec::new();
    for (name, text) in files("server/src", &["rs"]) {
        for (at, line) in code(&text) {
            if name != "server/src/config/environment.rs" && readers.iter().any(|reader| line.contains(reader)) {
                broken.push(format!("{name}:{at}"));
            }
        }
    }
    none(&broken, "Add a row to VARIABLES (server/src/config/variables.rs) and take the value from Config:");
}

#[test]
fn models_and_audits_say_their_grain() {
    let broken: Vec<_> = ["server/warehouse/models", "server/warehouse/tests"]
        .iter()
        .flat_map(|folder| files(folder, &["sql"]))
        .filter(|(_, text)| !text.trim_start().starts_with("--"))
        .map(|(name, _)| name)
        .collect();
    none(&broken, "The first line of a .sql file says what a row is (`-- Rows: …` or `-- One row per …`):");
}

#[test]
fn marts_do_not_read_raw() {
    let broken: Vec<_> = files("server/warehouse/models/marts", &["sql"])
        .into_iter()
        .filter(|(_, text)| text.contains("source('raw'") || text.contains("source(\"raw\"") || text.contains(" raw."))
        .map(|(name, _)| name)
        .collect();
    none(&broken, "Clean it in a staging model first, and refer to that:");
}

#[test]
fn the_browser_gets_nothing_of_the_server() {
    let output = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--locked", "-p", "frontend", "--target", "wasm32-unknown-unknown", "-e", "normal", "--prefix", "none"])
        .args(["--format", "{p}"])
        .current_dir(root())
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let tree = String::from_utf8(output.stdout).unwrap();
    let has = |name: &&&str| tree.lines().any(|line| line.split_whitespace().next() == Some(**name));
    let broken: Vec<_> = NOT_IN_WASM.iter().filter(has).map(ToString::to_string).collect();
    none(&broken, "These reach the WASM (cargo tree -p frontend --target wasm32-unknown-unknown -i NAME says how):");
}

/// Where the site was built (`make site`).
#[test]
fn the_pages_code_stays_light() {
    let size = |name: &str| fs::metadata(root().join("target/site/pkg").join(name)).map(|file| file.len());
    let broken: Vec<_> = BUDGETS
        .iter()
        .filter_map(|(name, most)| size(name).ok().filter(|size| size > most).map(|size| format!("{name}: {size} bytes, at most {most}")))
        .collect();
    none(&broken, "Find what grew (wasm-opt --metrics, or the names in frontend.wasm) before raising a budget:");
}

#[test]
fn the_document_of_checks_names_every_kind() {
    let document = fs::read_to_string(root().join("docs/CHECKS.md")).unwrap();
    let missing: Vec<_> = server::quality::kinds()
        .iter()
        .filter(|kind| !document.contains(&format!("| `{}` | {} |", kind.name, kind.description)))
        .map(|kind| kind.name.to_owned())
        .collect();
    none(&missing, "Add a row for the kind to docs/CHECKS.md, with its description as in server/src/quality/kind.rs:");
}

#[test]
fn the_document_of_measures_names_every_key() {
    let document = fs::read_to_string(root().join("docs/MEASURES.md")).unwrap();
    let rows: Vec<&str> = document.lines().filter(|line| line.starts_with("| `")).collect();
    let named = |key: &str| rows.iter().filter(|row| row.starts_with(&format!("| `{key}` | "))).count();
    let missing: Vec<_> =
        app::performance::words::WORDS.iter().filter(|words| named(words.key) != 1).map(|words| words.key.to_owned()).collect();
    none(&missing, "Give the measure one row in docs/MEASURES.md; `make conformance` holds it to what the row says it agrees with:");
    assert_eq!(rows.len(), app::performance::words::WORDS.len(), "docs/MEASURES.md names a key that is none");
}
