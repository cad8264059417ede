//! The project's YAML: dbt_project.yml, sources and schema files. Unknown keys are refused with their place.

use super::Error;
use serde::{Deserialize, de::DeserializeOwned};
use serde_yaml_ng::Value;
use std::collections::BTreeMap;

/// dbt_project.yml.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[expect(dead_code, reason = "version, profile and paths are dbt's; naming them lets everything else be refused")]
pub(super) struct ProjectFile {
    pub name: String,
    pub version: String,
    pub config_version: u32,
    pub profile: String,
    pub model_paths: Vec<String>,
    pub macro_paths: Vec<String>,
    pub test_paths: Vec<String>,
    /// Project → folder → defaults of its models.
    pub models: BTreeMap<String, BTreeMap<String, FolderDefaults>>,
    #[serde(default)]
    pub vars: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FolderDefaults {
    #[serde(rename = "+schema")]
    pub schema: String,
    #[serde(rename = "+materialized")]
    pub materialized: String,
}

/// A schema or sources file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "version is dbt's; naming it lets everything else be refused")]
pub(super) struct PropertiesFile {
    pub version: u32,
    #[serde(default)]
    pub sources: Vec<Source>,
    #[serde(default)]
    pub models: Vec<ModelProperties>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "descriptions are for dbt docs")]
pub(super) struct Source {
    pub name: String,
    #[serde(default)]
    pub description: String,
    pub tables: Vec<SourceTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "descriptions are for dbt docs")]
pub(super) struct SourceTable {
    pub name: String,
    #[serde(default)]
    pub description: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ModelProperties {
    pub name: String,
    pub description: String,
    #[serde(default)]
    pub columns: Vec<ColumnProperties>,
    #[serde(default)]
    pub data_tests: Vec<DataTest>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(dead_code, reason = "descriptions are for dbt docs")]
pub(super) struct ColumnProperties {
    pub name: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub data_tests: Vec<DataTest>,
}

/// `not_null`, or `accepted_values: {arguments: …}`.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub(super) enum DataTest {
    Plain(String),
    With(BTreeMap<String, DataTestDetails>),
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DataTestDetails {
    #[serde(default)]
    pub arguments: BTreeMap<String, Value>,
    #[serde(default)]
    pub config: DataTestConfig,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DataTestConfig {
    pub severity: Option<String>,
    /// Only rows for which this holds are tested.
    #[serde(rename = "where")]
    pub only: Option<String>,
}

/// Reads one file.
pub(super) fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Error> {
    serde_yaml_ng::from_str(text).map_err(|error| Error::source(file, error.location().map_or(1, |place| place.line()), error.to_string()))
}
