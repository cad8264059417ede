//! The project as read: models in the order in which they are built, tests, variables.

mod read;

use super::{
    Assertion, Error, Package, UnitTest,
    config::{Materialized, ModelConfig},
    render::{Renderer, Surroundings},
};
use minijinja::Value;
use sha2::{Digest, Sha256};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    sync::Arc,
};

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

/// A column, as the yml describes it.
#[derive(Debug, Clone)]
pub struct Column {
    pub name: String,
    pub description: String,
}

/// One SQL model.
#[derive(Debug, Clone)]
pub struct Model {
    pub name: String,
    pub package: String,
    /// `staging` or `marts`; of a person's package its own.
    pub schema: String,
    /// Path within the package.
    pub file: String,
    /// The same, as a person finds it.
    pub(super) place: String,
    /// What a row is, as the file's first comment says.
    pub grain: String,
    pub description: String,
    /// The yml with its description, within the package.
    pub described_in: Option<String>,
    pub columns: Vec<Column>,
    pub materialized: Materialized,
    pub config: ModelConfig,
    pub refs: BTreeSet<String>,
    /// Groups and tables.
    pub sources: BTreeSet<(String, String)>,
    pub(super) source: String,
}

impl Model {
    /// Schema and name.
    pub fn relation(&self) -> String {
        format!("{}.{}", self.schema, self.name)
    }
}

/// A table that isn't built here.
#[derive(Debug, Clone)]
pub struct SourceTable {
    pub relation: String,
    pub description: String,
}

/// All packages, read and checked.
#[derive(Debug, Clone)]
pub struct Project {
    models: Vec<Model>,
    assertions: Vec<Assertion>,
    unit_tests: Vec<UnitTest>,
    pub(super) renderer: Renderer,
    pub(super) sources: BTreeMap<(String, String), SourceTable>,
    source_relations: Arc<BTreeMap<(String, String), String>>,
    vars: BTreeMap<String, BTreeMap<String, Value>>,
    packages: Arc<BTreeSet<String>>,
    /// Of each package: what stands before its paths.
    labels: BTreeMap<String, String>,
    /// Of each package a hash of all macros that it may call: a changed one may change every model.
    macros: BTreeMap<String, String>,
}

impl Project {
    /// The project in the binary.
    ///
    /// # Errors
    /// What is wrong, with file and line. A test reads it, so that a release can't hold a broken one.
    pub fn embedded() -> Result<Self, Error> {
        Self::read(&[Package::embedded()])
    }

    /// The project in the binary with a person's package over it.
    ///
    /// # Errors
    /// As [`Project::embedded`], with the person's own paths.
    pub fn with_own(folder: Option<&Path>) -> Result<Self, Error> {
        let own = folder.map(Package::folder).transpose()?;
        Self::read(&[Some(Package::embedded()), own].into_iter().flatten().collect::<Vec<_>>())
    }

    /// All models, each after those that it refers to.
    pub fn models(&self) -> &[Model] {
        &self.models
    }

    pub fn find(&self, name: &str) -> Option<&Model> {
        self.models.iter().find(|model| model.name == name)
    }

    pub fn assertions(&self) -> &[Assertion] {
        &self.assertions
    }

    pub fn unit_tests(&self) -> &[UnitTest] {
        &self.unit_tests
    }

    /// Is this model a person's, not ours?
    pub fn is_own(&self, model: &Model) -> bool {
        model.package != OURS
    }

    /// A model's SQL, as it would be built from nothing.
    ///
    /// # Errors
    /// What is wrong, with file and line.
    pub fn compiled(&self, model: &Model) -> Result<String, Error> {
        let around =
            Surroundings { relations: self.relations(), this: model.relation(), ..self.surroundings(&model.package, &Vars::default()) };
        Ok(self.renderer.render(&model.place, &model.source, &around, BTreeMap::new())?.text)
    }

    /// The path within its package of a place in it.
    pub(super) fn path<'f>(&self, package: &str, place: &'f str) -> &'f str {
        self.labels.get(package).and_then(|label| place.strip_prefix(label.as_str())).unwrap_or(place)
    }

    /// Where every model ends up.
    pub(super) fn relations(&self) -> Arc<BTreeMap<String, String>> {
        Arc::new(self.models.iter().map(|model| (model.name.clone(), model.relation())).collect())
    }

    /// What every template of a package sees, without relations.
    pub(super) fn surroundings(&self, package: &str, vars: &Vars) -> Surroundings {
        let mut all = self.vars.get(package).cloned().unwrap_or_default();
        all.extend(vars.0.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))));
        Surroundings {
            sources: Arc::clone(&self.source_relations),
            vars: Arc::new(all),
            packages: Arc::clone(&self.packages),
            ..Surroundings::default()
        }
    }

    /// Changes whenever the model's text, its settings or a macro does.
    pub(super) fn fingerprint(&self, model: &Model) -> String {
        let macros = self.macros.get(&model.package).map(String::as_str).unwrap_or_default();
        hash(&[&model.source, macros, &format!("{:?}", model.config)])
    }
}

/// The name of the package in the binary.
pub(super) const OURS: &str = "plumbline";

pub(super) fn hash(texts: &[&str]) -> String {
    let mut hasher = Sha256::new();
    for text in texts {
        hasher.update(text.as_bytes());
        hasher.update([0]);
    }
    hex::encode(hasher.finalize())
}

#[cfg(test)]
mod tests;
