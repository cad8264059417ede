//! A page about all models and the same as JSON: what a row is, columns, tests, lineage, SQL. Nothing in it is fetched from elsewhere.

mod lineage;
mod page;

use super::{Assertion, Error, Model, Project, walk::Step};
use serde_json::{Value, json};
use std::{
    collections::BTreeSet,
    fs, io,
    path::{Path, PathBuf},
};

/// Writes `index.html` and `catalog.json`; yields the page's path.
pub(super) fn write(project: &Project, chosen: &BTreeSet<Step>, folder: &Path) -> Result<PathBuf, Error> {
    let failed = |error: io::Error| Error::Unknown(format!("{} can't be written: {error}", folder.display()));
    let catalog = catalog(project, chosen)?;
    fs::create_dir_all(folder).map_err(failed)?;
    fs::write(folder.join("catalog.json"), serde_json::to_string_pretty(&catalog).unwrap_or_default()).map_err(failed)?;
    let page = folder.join("index.html");
    fs::write(&page, page::html(project, chosen, &catalog)).map_err(failed)?;
    Ok(page)
}

/// The chosen models with all that is known of them, in the order in which they are built, and the chosen tests.
pub(super) fn catalog(project: &Project, chosen: &BTreeSet<Step>) -> Result<Value, Error> {
    let models = project.models().iter().enumerate().filter(|(at, _)| chosen.contains(&Step::Model(*at)));
    let models = models.map(|(_, model)| described(project, model)).collect::<Result<Vec<_>, _>>()?;
    let sources = project.sources.iter().map(|((group, table), source)| json!({ "source": group, "table": table, "relation": source.relation, "description": source.description }));
    let tests = project.assertions().iter().enumerate().filter(|(at, _)| chosen.contains(&Step::Test(*at)));
    let tests: Vec<_> = tests.map(|(_, test)| json!({ "name": test.name, "dbt_name": test.dbt_name, "file": test.file })).collect();
    let units = project.unit_tests().iter().enumerate().filter(|(at, _)| chosen.contains(&Step::Unit(*at)));
    let units: Vec<_> = units.map(|(_, test)| json!({ "name": test.name, "file": test.file, "line": test.line })).collect();
    Ok(json!({ "models": models, "sources": sources.collect::<Vec<_>>(), "tests": tests, "unit_tests": units }))
}

fn described(project: &Project, model: &Model) -> Result<Value, Error> {
    let tests = project.assertions().iter().filter(|test| test.refs.contains(&model.name));
    let (own, others): (Vec<_>, Vec<_>) = tests.partition(|test| test.model() == Some(&model.name));
    let of = |column: &str| own.iter().filter(|test| test.column.as_deref() == Some(column)).map(|test| said(test)).collect::<Vec<_>>();
    let columns =
        model.columns.iter().map(|column| json!({ "name": column.name, "description": column.description, "tests": of(&column.name) }));
    let described = |test: &&Assertion| test.column.as_ref().is_none_or(|column| !model.columns.iter().any(|known| known.name == *column));
    let tests: Vec<_> = own.iter().filter(|test| described(test)).chain(&others).map(|test| said(test)).collect();
    let units: Vec<_> = project.unit_tests().iter().filter(|test| test.model == model.name).map(|test| test.name.as_str()).collect();
    let sources: Vec<_> = model.sources.iter().map(|(group, table)| format!("{group}.{table}")).collect();
    Ok(json!({
        "name": model.name, "relation": model.relation(), "package": model.package, "schema": model.schema, "file": model.file,
        "grain": model.grain, "description": model.description, "materialized": model.materialized.as_str(), "unique_key": model.config.key(),
        "tags": model.config.tags, "depends_on": model.refs, "sources": sources, "columns": columns.collect::<Vec<_>>(), "tests": tests,
        "unit_tests": units, "compiled": project.compiled(model)?,
    }))
}

fn said(test: &Assertion) -> Value {
    let severity = if test.severity == super::Severity::Warn { "warn" } else { "error" };
    json!({ "name": test.name, "severity": severity, "description": test.description })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_holds_every_model_and_fetches_nothing() {
        let project = Project::embedded().unwrap();
        let all = crate::warehouse::select::chosen(&project, &[], &[]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let page = fs::read_to_string(write(&project, &all, folder.path()).unwrap()).unwrap();
        let catalog: Value = serde_json::from_str(&fs::read_to_string(folder.path().join("catalog.json")).unwrap()).unwrap();
        for model in project.models() {
            assert!(page.contains(&format!("id=\"{}\"", model.relation())), "{}", model.name);
        }
        assert_eq!(catalog["models"].as_array().map(Vec::len), Some(project.models().len()));
        let holdings = catalog["models"].as_array().unwrap().iter().find(|model| model["name"] == "holdings").unwrap();
        assert!(holdings["depends_on"].as_array().unwrap().contains(&"prices".into()));
        assert!(holdings["compiled"].as_str().unwrap().contains("staging.prices"));
        assert!(!page.contains("https:") && !page.contains("src=") && page.contains("<svg"), "self-contained");
    }
}
