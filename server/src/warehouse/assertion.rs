//! Tests of the models: a query each, whose rows must not exist.

use super::{
    Error, Project,
    properties::{DataTest, DataTestDetails, PropertiesFile},
    render::Surroundings,
};
use minijinja::value::Value;
use std::collections::BTreeMap;

/// What a failing test does to the publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Reported beside the numbers.
    Warn,
    /// Nothing is published.
    Error,
}

/// One test: dbt's name for it and the template of its query.
#[derive(Debug, Clone)]
pub struct Assertion {
    pub name: String,
    /// Where it is written, within server/warehouse/.
    pub file: String,
    pub severity: Severity,
    template: String,
    values: BTreeMap<String, Value>,
    /// The tested model, and which of its rows.
    model: Option<(String, Option<String>)>,
}

/// How one test ended.
#[derive(Debug, Clone)]
pub struct Verdict {
    pub name: String,
    /// The tested model; none where the test's query names what it reads.
    pub model: Option<String>,
    pub severity: Severity,
    /// Rows that must not exist.
    pub failures: i64,
    /// The first of them, as JSON objects.
    pub samples: serde_json::Value,
    /// How many of them each portfolio has; `None` where the rows don't say whose they are, or nothing fails.
    pub portfolios: Option<BTreeMap<i64, i64>>,
    pub duration_ms: f64,
}

impl Verdict {
    pub fn passed(&self) -> bool {
        self.failures == 0
    }

    /// Must the publication stop?
    pub fn blocks(&self) -> bool {
        !self.passed() && self.severity == Severity::Error
    }
}

impl Assertion {
    /// The model that it tests; none where its query names what it reads.
    pub(super) fn model(&self) -> Option<&str> {
        self.model.as_ref().map(|(model, _)| model.as_str())
    }

    /// The test's query.
    pub(super) fn query(&self, project: &Project, around: &Surroundings) -> Result<String, Error> {
        let mut values = self.values.clone();
        if let Some((model, only)) = &self.model {
            let relation = around.relations.get(model).cloned().unwrap_or_default();
            values.insert(
                "model".into(),
                match only {
                    None => relation.into(),
                    Some(only) => {
                        let only = project.renderer.render(&self.file, only, around, BTreeMap::new())?.text;
                        format!("(select * from {relation} where {only}) as tested").into()
                    }
                },
            );
        }
        if let Some(to) = values.get("to").and_then(|to| to.as_str()).map(|to| format!("{{{{ {to} }}}}")) {
            values.insert("to".into(), project.renderer.render(&self.file, &to, around, BTreeMap::new())?.text.into());
        }
        Ok(project.renderer.render(&self.file, &self.template, around, values)?.text)
    }
}

/// All tests of a project: those of the schema files, then the singular ones. Each is rendered once, so that a broken one shows now.
pub(super) fn all(
    project: &Project,
    properties: &[(&str, PropertiesFile)],
    singular: &[(&str, &str)],
    around: &Surroundings,
) -> Result<Vec<Assertion>, Error> {
    let mut assertions = Vec::new();
    for (file, content) in properties {
        for model in &content.models {
            if !project.models().iter().any(|known| known.name == model.name) {
                return Err(Error::source(file, 1, format!("there is no model {}", model.name)));
            }
            for test in &model.data_tests {
                assertions.push(generic(project, file, &model.name, None, test)?);
            }
            for column in &model.columns {
                for test in &column.data_tests {
                    assertions.push(generic(project, file, &model.name, Some(&column.name), test)?);
                }
            }
        }
    }
    for (file, template) in singular {
        let config = project.renderer.render(file, template, around, BTreeMap::new())?.config;
        let name = file.trim_start_matches("tests/").trim_end_matches(".sql").to_owned();
        let severity = severity(file, config.severity.as_deref())?;
        let (file, template) = ((*file).to_owned(), (*template).to_owned());
        assertions.push(Assertion { name, file, severity, template, values: BTreeMap::new(), model: None });
    }
    for assertion in &assertions {
        assertion.query(project, around)?;
    }
    Ok(assertions)
}

fn generic(project: &Project, file: &str, model: &str, column: Option<&str>, test: &DataTest) -> Result<Assertion, Error> {
    let (test, details) = match test {
        DataTest::Plain(name) => (name.as_str(), DataTestDetails::default()),
        DataTest::With(with) => match with.iter().next() {
            Some((name, details)) if with.len() == 1 => (name.as_str(), details.clone()),
            _ => return Err(Error::source(file, 1, format!("a test of {model} must have exactly one name"))),
        },
    };
    if !project.renderer.has_test(test) {
        return Err(Error::source(file, 1, format!("{model}: there is no test {test}; define it in macros/ as a test block")));
    }
    let mut values: BTreeMap<String, Value> =
        details.arguments.iter().map(|(name, value)| (name.clone(), Value::from_serialize(value))).collect();
    if let Some(column) = column {
        values.insert("column_name".into(), column.into());
    }
    let arguments: String = values.keys().map(|name| format!(", {name}={name}")).collect();
    Ok(Assertion {
        name: [Some(test), Some(model), column].into_iter().flatten().collect::<Vec<_>>().join("_"),
        file: file.into(),
        severity: severity(file, details.config.severity.as_deref())?,
        template: format!("{{{{ test_{test}(model=model{arguments}) }}}}"),
        values,
        model: Some((model.into(), details.config.only)),
    })
}

fn severity(file: &str, text: Option<&str>) -> Result<Severity, Error> {
    match text {
        None | Some("error") => Ok(Severity::Error),
        Some("warn") => Ok(Severity::Warn),
        Some(other) => Err(Error::source(file, 1, format!("severity is error or warn, not {other}"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::warehouse::Vars;

    #[test]
    fn a_test_can_be_limited_to_some_rows() {
        let project = Project::embedded().unwrap();
        let details = "config: {severity: warn, where: \"symbol = '{{ var('benchmark') }}'\"}";
        let test = DataTest::With([("positive".to_owned(), serde_yaml_ng::from_str(details).unwrap())].into());
        let assertion = generic(&project, "models/staging/schema.yml", "splits", Some("split_to"), &test).unwrap();
        assert_eq!((assertion.name.as_str(), assertion.severity), ("positive_splits_split_to", Severity::Warn));
        let mut around = project.surroundings(&Vars::default());
        around.relations = std::sync::Arc::new([("splits".to_owned(), "staging.splits".to_owned())].into());
        let query = assertion.query(&project, &around).unwrap();
        assert!(query.contains("from (select * from staging.splits where symbol = 'SPY') as tested"), "{query}");
    }
}
