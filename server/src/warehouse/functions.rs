//! What dbt gives a template: `ref`, `source`, `var`, `config`, `is_incremental`, `this`.

use super::render::{Noted, Surroundings, note};
use minijinja::{
    Environment, ErrorKind,
    value::{Kwargs, Object, Value},
};
use serde::de::DeserializeOwned;
use std::{fmt, sync::Arc};

pub(super) fn refuse(what: String) -> minijinja::Error {
    minijinja::Error::new(ErrorKind::InvalidOperation, what)
}

/// Gives a template what dbt gives it.
pub(super) fn functions(environment: &mut Environment<'static>, around: &Surroundings, noted: &Noted) {
    let (relations, packages, notes) = (Arc::clone(&around.relations), Arc::clone(&around.packages), Arc::clone(noted));
    let is_draft = around.is_draft;
    environment.add_function("ref", move |first: String, second: Option<String>| {
        let model = match second {
            Some(_) if !packages.contains(&first) => return Err(refuse(format!("there is no package {first}"))),
            Some(model) => model,
            None => first,
        };
        note(&notes).seen.refs.insert(model.clone());
        match relations.get(&model).cloned() {
            None if is_draft => Ok(model),
            None => Err(refuse(format!("there is no model {model}"))),
            Some(relation) => Ok(relation),
        }
    });
    let (sources, notes) = (Arc::clone(&around.sources), Arc::clone(noted));
    environment.add_function("source", move |group: String, table: String| {
        let key = (group, table);
        let relation = sources.get(&key).cloned();
        let relation = relation.ok_or_else(|| refuse(format!("{}.{} is not among the sources: add it to a yml", key.0, key.1)))?;
        note(&notes).seen.sources.insert(key);
        Ok(relation)
    });
    let vars = Arc::clone(&around.vars);
    environment.add_function("var", move |name: String, default: Option<Value>| {
        let value = vars.get(&name).cloned().or(default);
        value.ok_or_else(|| refuse(format!("the variable {name} has no value: give it one in dbt_project.yml")))
    });
    let (is_test, notes) = (around.this.is_empty(), Arc::clone(noted));
    environment.add_function("config", move |first: Option<Value>, settings: Kwargs| {
        let named = Value::from(settings);
        for given in first.into_iter().chain((named.len() != Some(0)).then_some(named)) {
            let notes = &mut note(&notes).seen;
            if is_test {
                notes.test = std::mem::take(&mut notes.test).under(configured(given)?);
            } else {
                notes.config = std::mem::take(&mut notes.config).under(configured(given)?);
            }
        }
        Ok("")
    });
    let is_incremental = around.is_incremental;
    environment.add_function("is_incremental", move || is_incremental);
    environment.add_global("this", Value::from_object(This(around.this.clone())));
}

fn configured<T: DeserializeOwned>(given: Value) -> Result<T, minijinja::Error> {
    T::deserialize(given).map_err(|error| refuse(format!("config: {error}")))
}

/// `{{ this }}`, with dbt's `this.schema` and `this.name`.
#[derive(Debug)]
pub(super) struct This(String);

impl Object for This {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        let (schema, name) = self.0.split_once('.').unwrap_or(("", &self.0));
        match key.as_str()? {
            "schema" => Some(schema.into()),
            "name" | "identifier" | "table" => Some(name.into()),
            _ => None,
        }
    }

    fn render(self: &Arc<Self>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
