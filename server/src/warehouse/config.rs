//! How models and tests are configured: by dbt_project.yml, over it a yml, over that the file itself. Tags add up.

use super::threshold::Threshold;
use serde::{Deserialize, Deserializer};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Materialized {
    View,
    Table,
    Incremental,
}

impl Materialized {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Table => "table",
            Self::Incremental => "incremental",
        }
    }
}

/// How an incremental model takes rows whose key is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum IncrementalStrategy {
    /// Those rows go, all new ones come. dbt's choice for Postgres.
    #[serde(rename = "delete+insert")]
    DeleteInsert,
    /// Those rows are overwritten, the others come.
    #[serde(rename = "merge")]
    Merge,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    pub columns: Vec<String>,
    #[serde(default)]
    pub unique: bool,
}

/// What a model's config takes. Anything else is refused.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    #[serde(alias = "+materialized")]
    pub materialized: Option<Materialized>,
    /// Of incremental models: rows with the same key are replaced. A null is never the same as anything.
    #[serde(default, alias = "+unique_key", deserialize_with = "one_or_many_if_any")]
    pub unique_key: Option<Vec<String>>,
    #[serde(alias = "+incremental_strategy")]
    pub incremental_strategy: Option<IncrementalStrategy>,
    #[serde(alias = "+schema")]
    pub schema: Option<String>,
    #[serde(default, alias = "+tags", deserialize_with = "one_or_many")]
    pub tags: Vec<String>,
    #[serde(alias = "+indexes")]
    pub indexes: Option<Vec<Index>>,
    /// A statement before the model is built, itself a template.
    #[serde(alias = "+pre_hook", alias = "+pre-hook")]
    pub pre_hook: Option<String>,
}

impl ModelConfig {
    /// This one, with whatever `nearer` says instead.
    pub(super) fn under(self, nearer: Self) -> Self {
        Self {
            materialized: nearer.materialized.or(self.materialized),
            unique_key: nearer.unique_key.or(self.unique_key),
            incremental_strategy: nearer.incremental_strategy.or(self.incremental_strategy),
            schema: nearer.schema.or(self.schema),
            tags: added(self.tags, nearer.tags),
            indexes: nearer.indexes.or(self.indexes),
            pre_hook: nearer.pre_hook.or(self.pre_hook),
        }
    }

    /// Columns of the key; none where nothing is incremental.
    pub(super) fn key(&self) -> &[String] {
        self.unique_key.as_deref().unwrap_or_default()
    }
}

/// What a test's config takes.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestConfig {
    pub severity: Option<String>,
    pub warn_if: Option<Threshold>,
    pub error_if: Option<Threshold>,
    /// Only rows for which this holds are tested.
    #[serde(rename = "where")]
    pub only: Option<String>,
    #[serde(default, deserialize_with = "one_or_many")]
    pub tags: Vec<String>,
}

impl TestConfig {
    pub(super) fn under(self, nearer: Self) -> Self {
        Self {
            severity: nearer.severity.or(self.severity),
            warn_if: nearer.warn_if.or(self.warn_if),
            error_if: nearer.error_if.or(self.error_if),
            only: nearer.only.or(self.only),
            tags: added(self.tags, nearer.tags),
        }
    }
}

fn added(mut tags: Vec<String>, more: Vec<String>) -> Vec<String> {
    for tag in more {
        if !tags.contains(&tag) {
            tags.push(tag);
        }
    }
    tags
}

fn one_or_many<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum OneOrMany {
        One(String),
        Many(Vec<String>),
    }
    Ok(match OneOrMany::deserialize(deserializer)? {
        OneOrMany::One(one) => vec![one],
        OneOrMany::Many(many) => many,
    })
}

fn one_or_many_if_any<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<String>>, D::Error> {
    one_or_many(deserializer).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(yaml: &str) -> ModelConfig {
        serde_yaml_ng::from_str(yaml).unwrap()
    }

    #[test]
    fn the_nearest_word_counts_and_tags_add_up() {
        let of_the_project = config("{+materialized: view, +schema: a, +tags: nightly, +unique_key: x}");
        let of_the_yml = config("{schema: b, tags: [money, nightly]}");
        let in_the_file = config("{materialized: incremental, unique_key: [y, z], incremental_strategy: merge, tags: late}");
        let all = of_the_project.under(of_the_yml).under(in_the_file);
        assert_eq!(
            all,
            config("{materialized: incremental, schema: b, tags: [nightly, money, late], unique_key: [y, z], incremental_strategy: merge}")
        );
    }

    #[test]
    fn what_is_not_listed_is_refused() {
        for text in [
            "{enabled: false}",
            "{materialized: ephemeral}",
            "{incremental_strategy: microbatch}",
            "{contract: {enforced: true}}",
            "{post_hook: x}",
        ] {
            assert!(serde_yaml_ng::from_str::<ModelConfig>(text).is_err(), "{text}");
        }
    }
}
