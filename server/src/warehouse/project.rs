//! The project as read: models in the order in which they are built, tests, variables.

use super::{
    Assertion, Error, assertion, embedded, graph,
    properties::{self, FolderDefaults, ProjectFile, PropertiesFile},
    render::{Rendered, Renderer, Surroundings},
};
use serde::{Deserialize, Deserializer};
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Materialized {
    View,
    Table,
    Incremental,
}

/// What `config(…)` takes. Anything else is refused.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelConfig {
    pub materialized: Option<Materialized>,
    /// Of incremental models: rows with the same key are replaced.
    #[serde(default, deserialize_with = "one_or_many")]
    pub unique_key: Vec<String>,
    pub incremental_strategy: Option<IncrementalStrategy>,
    #[serde(default)]
    pub indexes: Vec<Index>,
    /// A statement before the model is built, itself a template.
    pub pre_hook: Option<String>,
    /// Of tests.
    pub severity: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
pub enum IncrementalStrategy {
    #[serde(rename = "delete+insert")]
    DeleteInsert,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Index {
    pub columns: Vec<String>,
    #[serde(default)]
    pub unique: bool,
}

/// Values for `var(…)`, over those of dbt_project.yml.
#[derive(Debug, Clone, Default)]
pub struct Vars(BTreeMap<String, String>);

impl Vars {
    /// # Errors
    /// [`Error::Unknown`] when the value holds anything but letters, digits and `_ . : -`: it is pasted into SQL.
    pub fn with(mut self, name: &str, value: &str) -> Result<Self, Error> {
        if value.chars().all(|c| c.is_ascii_alphanumeric() || "_.:-".contains(c)) {
            self.0.insert(name.into(), value.into());
            Ok(self)
        } else {
            Err(Error::Unknown(format!("the variable {name} may hold letters, digits and _ . : - only")))
        }
    }
}

/// One SQL model.
#[derive(Debug, Clone)]
pub struct Model {
    pub name: String,
    /// `staging` or `marts`.
    pub schema: String,
    /// Path within server/warehouse/.
    pub file: String,
    pub description: String,
    pub materialized: Materialized,
    pub config: ModelConfig,
    pub refs: BTreeSet<String>,
    pub(super) source: String,
}

impl Model {
    /// Schema and name.
    pub fn relation(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

/// The project, read and checked.
#[derive(Debug, Clone)]
pub struct Project {
    models: Vec<Model>,
    assertions: Vec<Assertion>,
    pub(super) renderer: Renderer,
    sources: Arc<BTreeSet<(String, String)>>,
    vars: BTreeMap<String, String>,
    /// A hash of all macros: a changed one may change every model.
    macros_hash: String,
}

impl Project {
    /// The project in the binary.
    ///
    /// # Errors
    /// What is wrong, with file and line. A test reads it, so that a release can't hold a broken one.
    pub fn embedded() -> Result<Self, Error> {
        Self::read(embedded::FILES)
    }

    /// Reads a project from paths and contents.
    ///
    /// # Errors
    /// As [`Project::embedded`].
    pub fn read(files: &[(&str, &str)]) -> Result<Self, Error> {
        let within = |folder: &str, ending: &str| -> Vec<(&str, &str)> {
            files.iter().filter(|(path, _)| path.starts_with(folder) && path.ends_with(ending)).copied().collect()
        };
        let root = files.iter().find(|(path, _)| *path == "dbt_project.yml");
        let (root, text) = root.ok_or_else(|| Error::Unknown("server/warehouse/dbt_project.yml is missing".into()))?;
        let project: ProjectFile = properties::parse(root, text)?;
        let defaults = project.models.get(&project.name).cloned().unwrap_or_default();
        let macros = within("macros/", ".sql");
        let renderer = Renderer::new(&macros)?;
        let mut properties = Vec::new();
        for (file, text) in within("models/", ".yml") {
            properties.push((file, properties::parse::<PropertiesFile>(file, text)?));
        }
        let sources = properties.iter().flat_map(|(_, file)| &file.sources);
        let sources = sources.flat_map(|group| group.tables.iter().map(|table| (group.name.clone(), table.name.clone()))).collect();
        let models = within("models/", ".sql");
        let mut read = Self {
            models: Vec::new(),
            assertions: Vec::new(),
            renderer,
            sources: Arc::new(sources),
            vars: project.vars,
            macros_hash: hash(&macros.iter().map(|(_, text)| *text).collect::<Vec<_>>()),
        };
        let relations = relations(&models, &defaults)?;
        let around = Surroundings { relations: Arc::new(relations), ..read.surroundings(&Vars::default()) };
        for (file, source) in models {
            read.models.push(read.model(file, source, &defaults, &properties, &around)?);
        }
        let order = graph::ordered(&read.models.iter().map(|model| (model.name.clone(), model.refs.clone())).collect())?;
        read.models.sort_by_key(|model| order.iter().position(|name| *name == model.name));
        read.assertions = assertion::all(&read, &properties, &within("tests/", ".sql"), &around)?;
        Ok(read)
    }

    fn model(
        &self,
        file: &str,
        source: &str,
        defaults: &BTreeMap<String, FolderDefaults>,
        properties: &[(&str, PropertiesFile)],
        around: &Surroundings,
    ) -> Result<Model, Error> {
        let (folder, name) = place(file)?;
        let default = folder_defaults(file, folder, defaults)?;
        let described = properties.iter().flat_map(|(_, file)| &file.models).find(|model| model.name == name);
        let described = described.ok_or_else(|| Error::source(file, 1, "this model isn't described in a schema.yml"))?;
        let around = Surroundings { this: format!("{}.{name}", default.schema), ..around.clone() };
        let Rendered { refs, config, .. } = self.renderer.render(file, source, &around, BTreeMap::new())?;
        let materialized = match (config.materialized, default.materialized.as_str()) {
            (Some(own), _) => own,
            (None, "view") => Materialized::View,
            (None, "table") => Materialized::Table,
            (None, other) => return Err(Error::source("dbt_project.yml", 1, format!("+materialized can't be {other}"))),
        };
        if materialized == Materialized::Incremental && config.unique_key.is_empty() {
            return Err(Error::source(file, 1, "an incremental model needs a unique_key"));
        }
        Ok(Model {
            name: name.into(),
            schema: default.schema.clone(),
            file: file.into(),
            description: described.description.clone(),
            materialized,
            config,
            refs,
            source: source.into(),
        })
    }

    /// All models, each after those that it refers to.
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    pub fn assertions(&self) -> &[Assertion] {
        &self.assertions
    }

    /// A model's SQL, as it would be built from nothing.
    ///
    /// # Errors
    /// What is wrong, with file and line.
    pub fn compiled(&self, model: &Model) -> Result<String, Error> {
        let relations = self.models.iter().map(|model| (model.name.clone(), model.relation())).collect();
        let around = Surroundings { relations: Arc::new(relations), this: model.relation(), ..self.surroundings(&Vars::default()) };
        Ok(self.renderer.render(&model.file, &model.source, &around, BTreeMap::new())?.text)
    }

    /// What every template sees, without relations.
    pub(super) fn surroundings(&self, vars: &Vars) -> Surroundings {
        let mut all = self.vars.clone();
        all.extend(vars.0.clone());
        Surroundings { sources: Arc::clone(&self.sources), vars: Arc::new(all), ..Surroundings::default() }
    }

    /// Changes whenever the model's text or a macro does.
    pub(super) fn fingerprint(&self, model: &Model) -> String {
        hash(&[&model.source, &self.macros_hash])
    }
}

fn relations(models: &[(&str, &str)], defaults: &BTreeMap<String, FolderDefaults>) -> Result<BTreeMap<String, String>, Error> {
    let mut relations = BTreeMap::new();
    for (file, _) in models {
        let (folder, name) = place(file)?;
        let schema = &folder_defaults(file, folder, defaults)?.schema;
        if relations.insert(name.to_owned(), format!("{schema}.{name}")).is_some() {
            return Err(Error::source(file, 1, format!("a second model is named {name}")));
        }
    }
    Ok(relations)
}

/// `models/staging/prices.sql` → `staging`, `prices`.
fn place(file: &str) -> Result<(&str, &str), Error> {
    let inner = file.strip_prefix("models/").and_then(|inner| inner.strip_suffix(".sql"));
    inner
        .and_then(|inner| inner.split_once('/'))
        .filter(|(_, name)| name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'))
        .ok_or_else(|| Error::source(file, 1, "a model lies in a folder of models/, its name in small letters, digits and _"))
}

fn folder_defaults<'d>(file: &str, folder: &str, defaults: &'d BTreeMap<String, FolderDefaults>) -> Result<&'d FolderDefaults, Error> {
    defaults.get(folder).ok_or_else(|| Error::source(file, 1, format!("dbt_project.yml says nothing about the folder {folder}")))
}

pub(super) fn hash(texts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update(text.as_bytes());
        hasher.update([0]);
    }
    hex::encode(hasher.finalize())
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_project_in_the_binary_is_whole() {
        let project = Project::embedded().unwrap();
        let names: Vec<_> = project.models().iter().map(|model| model.name.as_str()).collect();
        assert!(names.iter().position(|n| *n == "holdings") < names.iter().position(|n| *n == "allocation"));
        assert!(project.models().iter().all(|model| project.compiled(model).is_ok()));
        assert!(project.assertions().len() > 50);
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
                embedded::FILES.iter().map(|(p, t)| (*p, if *p == path { t.replace(from, to) } else { (*t).to_owned() })).collect();
            let files: Vec<_> = files.iter().map(|(p, t)| (*p, t.as_str())).collect();
            Project::read(&files).unwrap_err().to_string()
        };
        let error = refused("dbt_project.yml", "test-paths", "snapshot-paths: [snapshots]\ntest-paths");
        assert!(error.contains("dbt_project.yml:") && error.contains("snapshot-paths"), "{error}");
        let error = refused("models/marts/schema.yml", "- not_null", "- dbt_utils.at_least_one");
        assert!(error.contains("models/marts/schema.yml") && error.contains("at_least_one"), "{error}");
        let error = refused("models/marts/holdings.sql", "ref('splits')", "ref('allocation')");
        assert!(error.contains("circle"), "{error}");
    }
}
