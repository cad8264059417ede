//! Tests of the models: a query each, whose rows must not exist.

use super::{
    Error, Project, Vars,
    config::TestConfig,
    error::line_of,
    properties::{DataTest, PropertiesFile},
    render::{Rendered, Surroundings},
    threshold::{Threshold, judged},
};
use minijinja::value::Value;
use serde_yaml_ng::Value as Yaml;
use std::collections::{BTreeMap, BTreeSet};

/// What a failing test does to the publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Severity {
    /// Reported beside the numbers.
    Warn,
    /// Nothing is published.
    Error,
}

/// What a generic test looks at.
#[derive(Debug, Clone)]
enum Tested {
    Model(String),
    /// Group and table.
    Source(String, String),
}

/// One test and the template of its query.
#[derive(Debug, Clone)]
pub struct Assertion {
    pub name: String,
    /// The name by which dbt knows it.
    pub dbt_name: String,
    pub package: String,
    /// Where it is written, as a person finds it.
    pub file: String,
    pub description: String,
    pub severity: Severity,
    pub tags: Vec<String>,
    /// The models that its query reads.
    pub refs: BTreeSet<String>,
    /// The groups and tables that it reads beside them.
    pub sources: BTreeSet<(String, String)>,
    /// The column that it is about.
    pub column: Option<String>,
    warn_if: Threshold,
    error_if: Threshold,
    template: String,
    values: BTreeMap<String, Yaml>,
    tested: Option<Tested>,
    /// Which of its rows.
    only: Option<String>,
}

/// How one test ended.
#[derive(Debug, Clone)]
pub struct Verdict {
    pub name: String,
    /// The tested model; none where the test's query names what it reads.
    pub model: Option<String>,
    /// A warning too where `error_if` let the rows pass.
    pub severity: Severity,
    /// Its thresholds allow as many rows as there are; `error_if: "=0"` doesn't allow none.
    pub passed: bool,
    /// Rows that must not exist; none where it passes.
    pub failures: i64,
    /// The first of them, as JSON objects.
    pub samples: serde_json::Value,
    /// How many of them each portfolio has; `None` where the rows don't say whose they are, or nothing fails.
    pub portfolios: Option<BTreeMap<i64, i64>>,
    pub duration_ms: f64,
}

impl Verdict {
    /// Must the publication stop?
    pub fn blocks(&self) -> bool {
        !self.passed && self.severity == Severity::Error
    }
}

impl Assertion {
    /// The model that it tests; none where its query names what it reads.
    pub(super) fn model(&self) -> Option<&str> {
        match &self.tested {
            Some(Tested::Model(model)) => Some(model),
            _ => None,
        }
    }

    /// What is said of that many rows; `None`: they may be.
    pub(super) fn judged(&self, rows: i64) -> Option<Severity> {
        judged(self.severity, self.warn_if, self.error_if, rows)
    }

    /// The test's query.
    pub(super) fn query(&self, project: &Project, around: &Surroundings) -> Result<String, Error> {
        Ok(self.rendered(project, around)?.text)
    }

    fn rendered(&self, project: &Project, around: &Surroundings) -> Result<Rendered, Error> {
        let render = |text: &str| project.renderer.render(&self.file, text, around, BTreeMap::new());
        let (mut values, mut refs) = (BTreeMap::new(), BTreeSet::new());
        for (name, value) in &self.values {
            let value = match value {
                Yaml::String(text) if is_template(text) => {
                    let said = render(&if text.contains("{{") { text.clone() } else { format!("{{{{ {text} }}}}") })?;
                    refs.extend(said.refs);
                    Value::from(said.text)
                }
                other => Value::from_serialize(other),
            };
            values.insert(name.clone(), value);
        }
        if let Some(tested) = &self.tested {
            let relation = match tested {
                Tested::Model(model) => around.relations.get(model),
                Tested::Source(group, table) => around.sources.get(&(group.clone(), table.clone())),
            };
            let relation = relation.cloned().unwrap_or_default();
            let read = match &self.only {
                None => relation,
                Some(only) => format!("(select * from {relation} where {}) dbt_subquery", render(only)?.text),
            };
            values.insert("model".into(), read.into());
        }
        let mut rendered = project.renderer.render(&self.file, &self.template, around, values)?;
        rendered.refs.extend(refs);
        rendered.refs.extend(self.model().map(str::to_owned));
        Ok(rendered)
    }
}

/// An argument that dbt would render: `ref('x')`, or a text with braces.
fn is_template(text: &str) -> bool {
    let trimmed = text.trim();
    let is_call =
        ["ref", "source", "var"].iter().any(|name| trimmed.strip_prefix(name).is_some_and(|rest| rest.trim_start().starts_with('(')));
    text.contains("{{") || is_call && trimmed.ends_with(')')
}

/// All tests of a package: those of its yml files, then the singular ones (path, place, text). Each is rendered once, so that a broken
/// one shows now.
pub(super) fn all(
    project: &Project,
    package: &str,
    properties: &[(String, &str, PropertiesFile)],
    singular: &[(&str, String, &str)],
    around: &Surroundings,
) -> Result<Vec<Assertion>, Error> {
    let mut assertions = Vec::new();
    for (file, text, content) in properties {
        let tables = content.sources.iter().flat_map(|group| {
            group.tables.iter().map(|table| (table, Tested::Source(group.name.clone(), table.name.clone()), vec!["sources:", &group.name]))
        });
        let models = content.models.iter().map(|model| (model, Tested::Model(model.name.clone()), vec!["models:"]));
        for (described, tested, above) in models.chain(tables) {
            let of_columns =
                described.columns.iter().flat_map(|column| column.data_tests.iter().map(|test| (Some(column.name.as_str()), test)));
            for (column, test) in described.data_tests.iter().map(|test| (None, test)).chain(of_columns) {
                let name = test_name(test);
                let path: Vec<&str> = above.iter().copied().chain([described.name.as_str()]).chain(column).chain([name.as_str()]).collect();
                let refused = |what: String| Error::source(file, line_of(text, &path), format!("{}: {what}", described.name));
                let written = DataTest::parse(test).map_err(refused)?;
                assertions.push(generic(project, package, file, (&tested, column), written).map_err(refused)?);
            }
        }
    }
    for (path, place, template) in singular {
        project.renderer.check(package, place, template)?;
        let config = project.renderer.render(place, template, around, BTreeMap::new())?.test;
        if config.only.is_some() {
            return Err(Error::source(
                place,
                line_of(template, &["where"]),
                "where has no effect on a test that is a query of its own: write it into the query",
            ));
        }
        let name = path.rsplit('/').next().unwrap_or(path).trim_end_matches(".sql").to_owned();
        let severity = severity(&config).map_err(|what| Error::source(place, line_of(template, &["severity"]), what))?;
        assertions.push(Assertion {
            dbt_name: name.clone(),
            name,
            package: package.into(),
            file: place.clone(),
            description: template.lines().next().unwrap_or_default().trim_start_matches('-').trim().to_owned(),
            severity,
            tags: config.tags,
            refs: BTreeSet::new(),
            sources: BTreeSet::new(),
            column: None,
            warn_if: config.warn_if.unwrap_or(Threshold::ANY),
            error_if: config.error_if.unwrap_or(Threshold::ANY),
            template: (*template).to_owned(),
            values: BTreeMap::new(),
            tested: None,
            only: None,
        });
    }
    for assertion in &mut assertions {
        let Rendered { refs, mut sources, .. } = assertion.rendered(project, around)?;
        if let Some(Tested::Source(group, table)) = &assertion.tested {
            sources.insert((group.clone(), table.clone()));
        }
        (assertion.refs, assertion.sources) = (refs, sources);
    }
    Ok(assertions)
}

/// Two tests never share a name: where the short one would do for several, each gets dbt's long one.
pub(super) fn named_apart(mut assertions: Vec<Assertion>) -> Result<Vec<Assertion>, Error> {
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for assertion in &assertions {
        *times.entry(assertion.name.clone()).or_default() += 1;
    }
    let mut taken = BTreeSet::new();
    for assertion in &mut assertions {
        if times.get(&assertion.name).is_some_and(|times| *times > 1) {
            assertion.name.clone_from(&assertion.dbt_name);
        }
        if !taken.insert(assertion.name.clone()) {
            return Err(Error::source(&assertion.file, 1, format!("two tests are called {}: give one of them a name", assertion.name)));
        }
    }
    Ok(assertions)
}

fn test_name(written: &Yaml) -> String {
    let name = match written {
        Yaml::String(name) => Some(name.as_str()),
        Yaml::Mapping(map) => map.get("test_name").or_else(|| map.keys().next()).and_then(Yaml::as_str),
        _ => None,
    };
    name.unwrap_or_default().to_owned()
}

fn generic(project: &Project, package: &str, file: &str, of: (&Tested, Option<&str>), written: DataTest) -> Result<Assertion, String> {
    let (tested, column) = of;
    let DataTest { test, name, description, arguments, config } = written;
    if !project.renderer.has_test(package, &test) {
        return Err(format!("there is no test {test}; define it in macros/ as a test block"));
    }
    let mut values = BTreeMap::new();
    for (key, value) in arguments {
        let key = key.as_str().map(str::to_owned).ok_or_else(|| format!("{test}: an argument's name is a text"))?;
        if !key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
            return Err(format!("{test}: {key} is no argument's name"));
        }
        values.insert(key, value);
    }
    if let Some(column) = column {
        values.insert("column_name".into(), Yaml::String(column.into()));
    }
    let (kind, target) = match tested {
        Tested::Model(model) => (String::new(), model.clone()),
        Tested::Source(group, table) => ("source_".to_owned(), format!("{group}_{table}")),
    };
    let short = test.replace('.', "_");
    let arguments: String = values.keys().map(|name| format!(", {name}={name}")).collect();
    let call = test.split_once('.').map_or_else(|| format!("test_{test}"), |(package, test)| format!("{package}.test_{test}"));
    let named = |long: String| name.clone().unwrap_or(long);
    Ok(Assertion {
        name: named(
            [Some(format!("{kind}{short}").as_str()), Some(target.as_str()), column].into_iter().flatten().collect::<Vec<_>>().join("_"),
        ),
        dbt_name: named(dbt_name(&format!("{kind}{short}_{target}"), &values)),
        package: package.into(),
        file: file.into(),
        description,
        severity: severity(&config)?,
        tags: config.tags,
        refs: BTreeSet::new(),
        sources: BTreeSet::new(),
        column: column.map(str::to_owned),
        warn_if: config.warn_if.unwrap_or(Threshold::ANY),
        error_if: config.error_if.unwrap_or(Threshold::ANY),
        template: format!("{{{{ {call}(model=model{arguments}) }}}}"),
        values,
        tested: Some(tested.clone()),
        only: config.only,
    })
}

/// dbt's own way to name a test: what it tests, then all its arguments.
fn dbt_name(start: &str, values: &BTreeMap<String, Yaml>) -> String {
    fn word(value: &Yaml) -> String {
        let text = match value {
            Yaml::String(text) => text.clone(),
            Yaml::Bool(true) => "True".into(),
            Yaml::Bool(false) => "False".into(),
            Yaml::Null => "None".into(),
            Yaml::Number(number) => number.to_string(),
            other => format!("{other:?}"),
        };
        let mut clean = String::new();
        for c in text.chars() {
            match c {
                c if c.is_ascii_alphanumeric() || c == '_' => clean.push(c),
                // A stretch of other characters becomes one underscore.
                _ if !clean.ends_with('\u{0}') => clean.push('\u{0}'),
                _ => {}
            }
        }
        clean.replace('\u{0}', "_")
    }
    let words = values.values().flat_map(|value| match value {
        Yaml::Sequence(many) => many.iter().map(word).collect(),
        Yaml::Mapping(many) => many.values().map(word).collect(),
        one => vec![word(one)],
    });
    format!("{start}_{}", words.collect::<Vec<_>>().join("__"))
}

fn severity(config: &TestConfig) -> Result<Severity, String> {
    match config.severity.as_deref().map(str::to_lowercase).as_deref() {
        None | Some("error") => Ok(Severity::Error),
        Some("warn") => Ok(Severity::Warn),
        Some(other) => Err(format!("severity is error or warn, not {other}")),
    }
}

impl Project {
    /// A test's query on what stands.
    ///
    /// # Errors
    /// What is wrong, with file and line.
    pub fn compiled_test(&self, assertion: &Assertion) -> Result<String, Error> {
        let around = Surroundings { relations: self.relations(), ..self.surroundings(&assertion.package, &Vars::default()) };
        assertion.query(self, &around)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_can_be_limited_to_some_rows() {
        let project = Project::embedded().unwrap();
        let written = "positive: {config: {severity: warn, where: \"symbol = '{{ var('benchmark') }}'\"}}";
        let written = DataTest::parse(&serde_yaml_ng::from_str(written).unwrap()).unwrap();
        let tested = Tested::Model("splits".into());
        let assertion = generic(&project, "plumbline", "models/staging/schema.yml", (&tested, Some("split_to")), written).unwrap();
        assert_eq!((assertion.name.as_str(), assertion.severity), ("positive_splits_split_to", Severity::Warn));
        let query = project.compiled_test(&assertion).unwrap();
        assert!(query.contains("from (select * from staging.splits where symbol = 'SPY') dbt_subquery"), "{query}");
    }

    #[test]
    fn dbt_knows_a_test_by_all_its_arguments() {
        let values = [("values", "[a b, 'c--d']"), ("quote", "false"), ("column_name", "kind"), ("to", "ref('x')")];
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), serde_yaml_ng::from_str(value).unwrap())).collect();
        assert_eq!(dbt_name("accepted_values_m", &values), "accepted_values_m_kind__False__ref_x___a_b__c_d");
    }
}
