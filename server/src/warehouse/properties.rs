//! A package's YAML: dbt_project.yml, packages.yml, sources and schema files. Unknown keys are refused with their place.

use super::{Error, config::ModelConfig, config::TestConfig, yaml};
use serde::{Deserialize, de::DeserializeOwned};
use serde_yaml_ng::{Mapping, Value};
use std::collections::BTreeMap;

/// dbt_project.yml.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "version, profile and the like are dbt's; naming them lets everything else be refused")]
pub(super) struct ProjectFile {
    pub name: String,
    pub version: Option<Value>,
    pub config_version: Option<u32>,
    pub profile: Option<String>,
    pub require_dbt_version: Option<Value>,
    pub clean_targets: Option<Vec<String>>,
    #[serde(default = "models_folder")]
    pub model_paths: Vec<String>,
    #[serde(default = "macros_folder")]
    pub macro_paths: Vec<String>,
    #[serde(default = "tests_folder")]
    pub test_paths: Vec<String>,
    /// Package → folder → … → settings of its models.
    #[serde(default)]
    pub models: Mapping,
    #[serde(default)]
    pub vars: BTreeMap<String, Value>,
}

fn models_folder() -> Vec<String> {
    vec!["models".into()]
}

fn macros_folder() -> Vec<String> {
    vec!["macros".into()]
}

fn tests_folder() -> Vec<String> {
    vec!["tests".into()]
}

impl ProjectFile {
    /// The settings for a model in these folders of the package, the outermost first.
    pub fn settings(&self, file: &str, folders: &[&str]) -> Result<ModelConfig, Error> {
        let wrong = |what: String| Error::source(file, 1, format!("models: {what}"));
        let (mut settings, mut level, mut deeper) =
            (ModelConfig::default(), &self.models, [self.name.as_str()].into_iter().chain(folders.iter().copied()));
        loop {
            // What a key with a + says; without one it is a setting when it can't be a folder.
            let own: Mapping =
                level.iter().filter(|(key, value)| is_setting(key, value)).map(|(key, value)| (key.clone(), value.clone())).collect();
            settings = settings.under(serde_yaml_ng::from_value(Value::Mapping(own)).map_err(|error| wrong(error.to_string()))?);
            match deeper.next().and_then(|name| level.get(name)) {
                Some(Value::Mapping(inner)) => level = inner,
                _ => return Ok(settings),
            }
        }
    }

    /// Every package that has settings here; only the project's own can have some.
    pub fn other_package(&self) -> Option<&str> {
        self.models
            .iter()
            .filter(|(key, value)| !is_setting(key, value))
            .filter_map(|(key, _)| key.as_str())
            .find(|name| *name != self.name)
    }
}

fn is_setting(key: &Value, value: &Value) -> bool {
    key.as_str().is_some_and(|key| key.starts_with('+')) || !value.is_mapping()
}

/// packages.yml: other packages lie beside this one, or are refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "where dbt finds the package that is in this program")]
pub(super) struct PackagesFile {
    pub packages: Vec<LocalPackage>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "where dbt finds the package that is in this program")]
pub(super) struct LocalPackage {
    pub local: String,
}

/// A schema or sources file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "version is dbt's; naming it lets everything else be refused")]
pub(super) struct PropertiesFile {
    pub version: Option<u32>,
    #[serde(default)]
    pub sources: Vec<Source>,
    #[serde(default)]
    pub models: Vec<ModelProperties>,
    #[serde(default)]
    pub unit_tests: Vec<UnitTestProperties>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    pub name: String,
    /// Where its tables lie, if not in a schema of its name.
    pub schema: Option<String>,
    #[serde(default)]
    pub description: String,
    pub tables: Vec<ModelProperties>,
}

/// What is said of a model, or of a table of a source.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelProperties {
    pub name: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub config: ModelConfig,
    #[serde(default)]
    pub columns: Vec<ColumnProperties>,
    #[serde(default, alias = "tests")]
    pub data_tests: Vec<Value>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ColumnProperties {
    pub name: String,
    #[serde(default)]
    pub description: String,
    #[serde(default, alias = "tests")]
    pub data_tests: Vec<Value>,
}

/// A generic test as written: `not_null`, or `accepted_values: {arguments: …}`, or `{test_name: …, …}`.
#[derive(Debug, Clone, Default)]
pub(super) struct DataTest {
    pub test: String,
    /// Instead of the name that is made of what it tests.
    pub name: Option<String>,
    pub description: String,
    pub arguments: Mapping,
    pub config: TestConfig,
}

impl DataTest {
    /// # Errors
    /// A sentence without its place.
    pub fn parse(written: &Value) -> Result<Self, String> {
        let (test, details) = match written {
            Value::String(name) => return Ok(Self { test: name.clone(), ..Self::default() }),
            Value::Mapping(map) if map.contains_key("test_name") => {
                let mut details = map.clone();
                (details.remove("test_name").unwrap_or_default(), Value::Mapping(details))
            }
            Value::Mapping(map) if map.len() == 1 => map.iter().next().map(|(key, value)| (key.clone(), value.clone())).unwrap_or_default(),
            _ => return Err("a test is a name, or a name with its arguments below it".into()),
        };
        let Value::String(test) = test else { return Err("a test's name is a text".into()) };
        let mut details = match details {
            Value::Mapping(details) => details,
            Value::Null => Mapping::new(),
            _ => return Err(format!("{test}: its arguments are names with values")),
        };
        let text = |value: Option<Value>| {
            value.map(|value| value.as_str().map(str::to_owned).ok_or(format!("{test}: name and description are texts"))).transpose()
        };
        let (name, description) = (text(details.remove("name"))?, text(details.remove("description"))?);
        let mut config = match details.remove("config") {
            Some(Value::Mapping(config)) => config,
            None => Mapping::new(),
            Some(_) => return Err(format!("{test}: config holds names with values")),
        };
        // Older projects write these beside the arguments.
        for key in ["severity", "warn_if", "error_if", "where", "tags"] {
            if let Some(value) = details.remove(key)
                && config.insert(key.into(), value).is_some()
            {
                return Err(format!("{test}: {key} stands twice"));
            }
        }
        for key in ["limit", "fail_calc", "store_failures", "store_failures_as", "enabled", "meta", "alias"] {
            if details.contains_key(key) {
                return Err(format!("{test}: {key} isn't supported: leave it out"));
            }
        }
        let config = serde_yaml_ng::from_value(Value::Mapping(config)).map_err(|error| format!("{test}: {error}"))?;
        let mut arguments = match details.remove("arguments") {
            Some(Value::Mapping(arguments)) => arguments,
            None => Mapping::new(),
            Some(_) => return Err(format!("{test}: arguments are names with values")),
        };
        for (key, value) in details {
            arguments.entry(key).or_insert(value);
        }
        Ok(Self { test, name, description: description.unwrap_or_default(), arguments, config })
    }
}

/// Given rows → expected rows.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "a description is for whoever reads the file")]
pub(super) struct UnitTestProperties {
    pub name: String,
    pub model: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub given: Vec<Given>,
    pub expect: Expect,
    #[serde(default)]
    pub overrides: Overrides,
    #[serde(default)]
    pub config: UnitTestConfig,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnitTestConfig {
    #[serde(default)]
    pub tags: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Given {
    /// `ref('x')`, `source('a', 'b')` or `this`.
    pub input: String,
    #[serde(default)]
    pub rows: Value,
    #[serde(default)]
    pub format: Format,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Expect {
    #[serde(default)]
    pub rows: Value,
    #[serde(default)]
    pub format: Format,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Format {
    #[default]
    Dict,
    Csv,
    Sql,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Overrides {
    #[serde(default)]
    pub macros: BTreeMap<String, Value>,
    #[serde(default)]
    pub vars: BTreeMap<String, Value>,
}

/// Reads one file.
pub(super) fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Error> {
    yaml::check(file, text)?;
    serde_yaml_ng::from_str(text).map_err(|error| Error::source(file, error.location().map_or(1, |place| place.line()), error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test(yaml: &str) -> Result<DataTest, String> {
        DataTest::parse(&serde_yaml_ng::from_str(yaml).unwrap())
    }

    #[test]
    fn a_test_is_written_in_three_ways() {
        assert_eq!(test("not_null").unwrap().test, "not_null");
        let new =
            test("accepted_values: {name: kinds, arguments: {values: [a], quote: false}, config: {severity: warn, where: x}}").unwrap();
        let old = test("accepted_values: {name: kinds, values: [a], quote: false, severity: warn, where: x}").unwrap();
        let flat =
            test("{test_name: accepted_values, name: kinds, values: [a], quote: false, config: {severity: warn, where: x}}").unwrap();
        for one in [new, old, flat] {
            assert_eq!((one.test.as_str(), one.name.as_deref(), one.arguments.len()), ("accepted_values", Some("kinds"), 2));
            assert_eq!((one.config.severity.as_deref(), one.config.only.as_deref()), (Some("warn"), Some("x")));
        }
        for wrong in [
            "{a: {}, b: {}}",
            "[a]",
            "a: [1]",
            "a: {config: {limit: 1}}",
            "a: {limit: 1}",
            "a: {config: {warn_if: many}}",
            "a: {severity: warn, config: {severity: warn}}",
        ] {
            assert!(test(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn settings_come_from_all_folders_above() {
        let text = "name: p\nmodels:\n  +tags: all\n  p:\n    schema: s\n    deep:\n      +materialized: table\n      er: {+tags: [b], +schema: t}\n";
        let file: ProjectFile = parse("dbt_project.yml", text).unwrap();
        let found = file.settings("x", &["deep", "er"]).unwrap();
        assert_eq!((found.schema.as_deref(), found.tags.as_slice()), (Some("t"), ["all".to_owned(), "b".to_owned()].as_slice()));
        assert_eq!(file.settings("x", &["flat"]).unwrap().schema.as_deref(), Some("s"));
        assert_eq!(file.other_package(), None);
    }
}
