//! One template → SQL, with what it refers to and how it is configured.

use super::{Error, project::ModelConfig};
use minijinja::{
    Environment, ErrorKind, UndefinedBehavior,
    value::{Kwargs, Rest, Value},
};
use serde::Deserialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, PoisonError},
};

const BUILTIN: &str = "dbt's own tests";

/// Templates and macros of the project, parsed once.
#[derive(Debug, Clone)]
pub(super) struct Renderer {
    environment: Environment<'static>,
    /// Stands before each template, on its first line, so that lines keep their numbers.
    imports: String,
}

/// What a template can ask for.
#[derive(Debug, Clone, Default)]
pub(super) struct Surroundings {
    /// Where each model is read from.
    pub relations: Arc<BTreeMap<String, String>>,
    pub sources: Arc<BTreeSet<(String, String)>>,
    pub vars: Arc<BTreeMap<String, String>>,
    /// The model's own relation; empty in tests.
    pub this: String,
    pub is_incremental: bool,
}

#[derive(Debug, Default)]
pub(super) struct Rendered {
    pub text: String,
    pub refs: BTreeSet<String>,
    pub config: ModelConfig,
}

impl Renderer {
    /// Takes the project's macro files: path and content.
    pub fn new(macros: &[(&str, &str)]) -> Result<Self, Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        let mut imports = String::new();
        for (file, text) in macros.iter().copied().chain([(BUILTIN, include_str!("builtin.sql"))]) {
            let text = tests_as_macros(text);
            for name in macro_names(&text) {
                imports.push_str(&format!("{{% from \"{file}\" import {name} %}}"));
            }
            environment.add_template_owned(file.to_owned(), text).map_err(|error| Error::template(file, &error))?;
        }
        Ok(Self { environment, imports })
    }

    /// Does a macro for the generic test of this name exist?
    pub fn has_test(&self, name: &str) -> bool {
        self.imports.contains(&format!(" test_{name} "))
    }

    /// Renders a template with extra values beside what every template sees.
    pub fn render(&self, file: &str, source: &str, around: &Surroundings, values: BTreeMap<String, Value>) -> Result<Rendered, Error> {
        let seen = Arc::new(Mutex::new(Rendered::default()));
        let mut environment = self.environment.clone();
        register(&mut environment, around, &seen);
        let template = format!("{}{source}", self.imports);
        let text = environment.render_named_str(file, &template, Value::from(values)).map_err(|error| Error::template(file, &error))?;
        let mut rendered = std::mem::take(&mut *seen.lock().unwrap_or_else(PoisonError::into_inner));
        rendered.text = text.trim().to_owned();
        Ok(rendered)
    }
}

/// Gives a template the functions of dbt. `seen` collects what it refers to and configures.
fn register(environment: &mut Environment<'static>, around: &Surroundings, seen: &Arc<Mutex<Rendered>>) {
    let refuse = |what: String| minijinja::Error::new(ErrorKind::InvalidOperation, what);

    let (relations, noted) = (Arc::clone(&around.relations), Arc::clone(seen));
    environment.add_function("ref", move |model: String| {
        noted.lock().unwrap_or_else(PoisonError::into_inner).refs.insert(model.clone());
        relations.get(&model).cloned().ok_or_else(|| refuse(format!("there is no model {model}")))
    });
    let sources = Arc::clone(&around.sources);
    environment.add_function("source", move |schema: String, table: String| {
        let relation = format!("{schema}.{table}");
        if sources.contains(&(schema, table)) { Ok(relation) } else { Err(refuse(format!("{relation} is not among the sources"))) }
    });
    let vars = Arc::clone(&around.vars);
    environment.add_function("var", move |name: String, default: Rest<String>| {
        let value = vars.get(&name).or(default.first()).cloned();
        value.ok_or_else(|| refuse(format!("the variable {name} has no value: give it one in dbt_project.yml")))
    });
    let noted = Arc::clone(seen);
    environment.add_function("config", move |settings: Kwargs| {
        let config = ModelConfig::deserialize(Value::from(settings)).map_err(|error| refuse(error.to_string()))?;
        noted.lock().unwrap_or_else(PoisonError::into_inner).config = config;
        Ok("")
    });
    let is_incremental = around.is_incremental;
    environment.add_function("is_incremental", move || is_incremental);
    environment.add_global("this", around.this.clone());
}

/// dbt's `{% test name(…) %} … {% endtest %}` is a macro whose name begins with `test_`.
fn tests_as_macros(text: &str) -> String {
    text.replace("{% test ", "{% macro test_").replace("{% endtest %}", "{% endmacro %}")
}

fn macro_names(text: &str) -> impl Iterator<Item = &str> {
    text.split("{% macro ").skip(1).filter_map(|rest| rest.split('(').next())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(source: &str) -> Result<Rendered, Error> {
        let around = Surroundings {
            relations: Arc::new([("prices".to_owned(), "staging.prices".to_owned())].into()),
            sources: Arc::new([("raw".to_owned(), "split".to_owned())].into()),
            vars: Arc::new([("benchmark".to_owned(), "SPY".to_owned())].into()),
            this: "marts.here".into(),
            is_incremental: true,
        };
        let twice = ("macros/twice.sql", "\n{% macro twice(x) %}{{ x }}{{ x }}{% endmacro %}");
        Renderer::new(&[twice])?.render("models/m.sql", source, &around, BTreeMap::new())
    }

    fn check(source: &str, expect: &str) {
        assert_eq!(render(source).unwrap().text, expect);
    }

    fn refused(source: &str, expect: &str) {
        let error = render(source).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    }

    #[test]
    fn says_what_dbt_says() {
        check("select * from {{ ref('prices') }}", "select * from staging.prices");
        check("select * from {{ source('raw', 'split') }}", "select * from raw.split");
        check("{{ var('benchmark') }} {{ var('other', 'x') }}", "SPY x");
        check("{{ this }}{% if is_incremental() %} where{% endif %}", "marts.here where");
        check("{{ twice('ab') }}", "abab");
    }

    #[test]
    fn notes_references_and_configuration() {
        let rendered = render("{{ config(materialized='incremental', unique_key='day') }}{{ ref('prices') }}").unwrap();
        assert_eq!(rendered.refs, ["prices".to_owned()].into());
        assert_eq!(rendered.config.unique_key, ["day"]);
    }

    #[test]
    fn refuses_the_rest_with_file_and_line() {
        refused("select 1\n{{ ref('nowhere') }}", "server/warehouse/models/m.sql:2: ");
        refused("{{ ref('nowhere') }}", "there is no model nowhere");
        refused("{{ source('raw', 'nothing') }}", "raw.nothing is not among the sources");
        refused("\n\n{{ dbt_utils.star() }}", "models/m.sql:3: ");
        refused("{{ run_query('select 1') }}", "run_query");
        refused("{{ config(partition_by='day') }}", "partition_by");
        refused("{{ var('unset') }}", "unset has no value");
        refused("{% snapshot x %}", "models/m.sql:1: ");
        refused("{{ (", "models/m.sql:1: ");
    }
}
