//! The page: an index, the lineage, and a section for each model. Plain HTML with its style inside; it works without scripts.

use super::lineage;
use crate::warehouse::{Model, Project, walk::Step};
use serde_json::Value;
use std::collections::BTreeSet;

const STYLE: &str = include_str!("page.css");

/// The whole document.
pub(super) fn html(project: &Project, chosen: &BTreeSet<Step>, catalog: &Value) -> String {
    let models: Vec<&Model> =
        project.models().iter().enumerate().filter(|(at, _)| chosen.contains(&Step::Model(*at))).map(|(_, model)| model).collect();
    let sections: String = list(catalog, "models").map(section).collect();
    let index: String = list(catalog, "models").map(|model| format!("<li><a href=\"#{0}\">{0}</a></li>", of(model, "relation"))).collect();
    let tests = project.assertions().len() + project.unit_tests().len();
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>Models of Plumbline</title><style>{STYLE}</style></head><body>\
         <nav><h1>Models</h1><ol>{index}</ol></nav><main>\
         <p class=\"lead\">{} models, {tests} tests. Each comes after what it reads.</p>\
         <section><h2 id=\"lineage\">Lineage</h2><div class=\"scroll\">{}</div></section>{sections}</main></body></html>\n",
        models.len(),
        lineage::svg(project, &models),
    )
}

fn section(model: &Value) -> String {
    let relation = of(model, "relation");
    let mut facts = vec![of(model, "materialized")];
    facts.extend(list(model, "tags").filter_map(Value::as_str).map(|tag| format!("tag {}", text(tag))));
    let key: Vec<_> = list(model, "unique_key").filter_map(Value::as_str).map(text).collect();
    if !key.is_empty() {
        facts.push(format!("one row per {}", key.join(", ")));
    }
    facts.push(of(model, "file"));
    let facts: String = facts.iter().map(|fact| format!("<li>{fact}</li>")).collect();
    let reads: Vec<_> = list(model, "depends_on").chain(list(model, "sources")).filter_map(Value::as_str).map(text).collect();
    let reads = if reads.is_empty() { String::new() } else { format!("<p>Reads {}.</p>", reads.join(", ")) };
    let columns: String = list(model, "columns")
        .map(|column| {
            format!(
                "<tr><th scope=\"row\"><code>{}</code></th><td>{}</td><td>{}</td></tr>",
                of(column, "name"),
                of(column, "description"),
                tests(column)
            )
        })
        .collect();
    let columns = if columns.is_empty() {
        String::new()
    } else {
        format!(
            "<div class=\"scroll\"><table><thead><tr><th scope=\"col\">Column</th><th scope=\"col\">What it holds</th><th scope=\"col\">Tests</th></tr></thead><tbody>{columns}</tbody></table></div>"
        )
    };
    let units: Vec<_> =
        list(model, "unit_tests").filter_map(Value::as_str).map(|name| format!("<li><code>{}</code></li>", text(name))).collect();
    let units = if units.is_empty() { String::new() } else { format!("<h3>Unit tests</h3><ul>{}</ul>", units.concat()) };
    let others = tests(model);
    let others = if others.is_empty() { others } else { format!("<h3>Tests</h3>{others}") };
    format!(
        "<section><h2 id=\"{relation}\">{relation}</h2><ul class=\"facts\">{facts}</ul><p>{}</p>{reads}{columns}{others}{units}\
         <details><summary>SQL</summary><pre><code>{}</code></pre></details></section>",
        of(model, "description"),
        of(model, "compiled"),
    )
}

fn tests(of_what: &Value) -> String {
    let tests: String = list(of_what, "tests")
        .map(|test| {
            let why = of(test, "description");
            let why = if why.is_empty() { why } else { format!(" {why}") };
            format!("<li class=\"{}\"><code>{}</code>{why}</li>", of(test, "severity"), of(test, "name"))
        })
        .collect();
    if tests.is_empty() { tests } else { format!("<ul class=\"tests\">{tests}</ul>") }
}

fn list<'v>(value: &'v Value, name: &str) -> impl Iterator<Item = &'v Value> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

/// A text field, safe to stand in the page.
fn of(value: &Value, name: &str) -> String {
    text(value.get(name).and_then(Value::as_str).unwrap_or_default())
}

/// As HTML writes it.
pub(super) fn text(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
