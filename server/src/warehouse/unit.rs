//! Unit tests: a model over given rows must yield the expected ones. Nothing of the database's own rows is read.

use super::{
    Error, Materialized, Model, Project, Vars,
    error::line_of,
    fixture::{Fixture, Typed},
    properties::UnitTestProperties,
    render::Surroundings,
};
use minijinja::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// What a fixture stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    /// What the model built before.
    This,
    Model(String),
    /// Group and table.
    Source(String, String),
}

/// One unit test.
#[derive(Debug, Clone)]
pub struct UnitTest {
    pub name: String,
    pub model: String,
    pub package: String,
    /// Where it is written, as a person finds it.
    pub file: String,
    pub line: usize,
    pub tags: Vec<String>,
    pub(super) given: Vec<(Input, Fixture)>,
    pub(super) expect: Fixture,
    macros: BTreeMap<String, Value>,
    vars: BTreeMap<String, Value>,
}

impl UnitTest {
    pub(super) fn read(project: &Project, package: &str, file: &str, text: &str, written: &UnitTestProperties) -> Result<Self, Error> {
        let line = line_of(text, &["unit_tests:", &format!("name: {}", written.name)]);
        let refused = |what: String| Error::source(file, line, format!("{}: {what}", written.name));
        let model = project.find(&written.model).filter(|model| model.package == package);
        let model = model.ok_or_else(|| refused(format!("there is no model {}", written.model)))?;
        let is_incremental = written.overrides.macros.get("is_incremental");
        if model.materialized == Materialized::Incremental && !is_incremental.is_some_and(serde_yaml_ng::Value::is_bool) {
            return Err(refused(
                "the model is incremental: say under overrides whether this is an increment (macros: {is_incremental: true})".into(),
            ));
        }
        let mut given = Vec::new();
        for one in &written.given {
            let input = input(project, package, &one.input).map_err(|what| refused(format!("{}: {what}", one.input)))?;
            if given.iter().any(|(known, _)| *known == input) {
                return Err(refused(format!("{} is given twice", one.input)));
            }
            given.push((input, Fixture::read(&one.rows, one.format).map_err(|what| refused(format!("{}: {what}", one.input)))?));
        }
        if is_incremental == Some(&serde_yaml_ng::Value::Bool(true)) && !given.iter().any(|(input, _)| *input == Input::This) {
            return Err(refused("an increment needs what stands: add the input this, with rows: [] for nothing".into()));
        }
        let values = |of: &BTreeMap<String, serde_yaml_ng::Value>| {
            of.iter().map(|(name, value)| (name.clone(), Value::from_serialize(value))).collect()
        };
        let test = Self {
            name: written.name.clone(),
            model: written.model.clone(),
            package: package.into(),
            file: file.into(),
            line,
            tags: written.config.tags.clone(),
            given,
            expect: Fixture::read(&written.expect.rows, written.expect.format).map_err(|what| refused(format!("expect: {what}")))?,
            macros: values(&written.overrides.macros),
            vars: values(&written.overrides.vars),
        };
        // Rendered once, so that a broken one shows now.
        test.main(project, model)?;
        Ok(test)
    }

    pub(super) fn refused(&self, what: impl std::fmt::Display) -> Error {
        Error::source(&self.file, self.line, format!("{}: {what}", self.name))
    }

    /// The model's SQL over the given rows, which stand in common table expressions.
    pub(super) fn main(&self, project: &Project, model: &Model) -> Result<String, Error> {
        let mut around = project.surroundings(&model.package, &Vars::default());
        Arc::make_mut(&mut around.vars).extend(self.vars.clone());
        around.overrides.clone_from(&self.macros);
        around.this = model.relation();
        around.relations = project.relations();
        let plain = project.renderer.render(&model.place, &model.source, &around, BTreeMap::new())?;
        for (input, _) in &self.given {
            match input {
                Input::This => around.this = input.alias(),
                Input::Model(name) => {
                    Arc::make_mut(&mut around.relations).insert(name.clone(), input.alias());
                }
                Input::Source(group, table) => {
                    Arc::make_mut(&mut around.sources).insert((group.clone(), table.clone()), input.alias());
                }
            }
        }
        let missing: BTreeSet<String> = plain
            .refs
            .iter()
            .map(|name| Input::Model(name.clone()))
            .chain(plain.sources.iter().map(|(group, table)| Input::Source(group.clone(), table.clone())))
            .filter(|input| !self.given.iter().any(|(given, _)| given == input))
            .map(|input| input.to_string())
            .collect();
        if !missing.is_empty() {
            let missing: Vec<_> = missing.into_iter().collect();
            return Err(self.refused(format!("nothing is given for {}: add an input, with rows: [] for none", missing.join(" and "))));
        }
        Ok(project.renderer.render(&model.place, &model.source, &around, BTreeMap::new())?.text)
    }

    /// Compares what the model makes of the given rows with the expected ones, as texts, the order aside. `columns`: of the inputs,
    /// in their order, and of the model.
    pub(super) fn query(&self, project: &Project, model: &Model, columns: (&[Vec<Typed>], &[Typed])) -> Result<String, Error> {
        let (inputs, own) = columns;
        let ctes = self.ctes(inputs)?;
        let expected = self.expect.query(own, true).map_err(|what| self.refused(format!("expect: {what}")))?;
        let named = self.expect.columns().unwrap_or_default();
        let shown = own.iter().filter(|column| named.is_empty() || named.contains(&column.name));
        let list: Vec<_> = shown.map(|column| format!("\"{0}\"::text as \"{0}\"", column.name)).collect();
        let list = list.join(", ");
        let main = self.main(project, model)?;
        let more = if ctes.is_empty() { "with".to_owned() } else { format!("{ctes},") };
        Ok(format!(
            "{more} dbt_internal_unit_test_actual as (select {list} from (\n{main}\n) as _dbt_internal_unit_test_actual),
             dbt_internal_unit_test_expected as (select {list} from (\n{expected}\n) as _dbt_internal_unit_test_expected),
             lacking as (table dbt_internal_unit_test_expected except all table dbt_internal_unit_test_actual),
             surplus as (table dbt_internal_unit_test_actual except all table dbt_internal_unit_test_expected)
             select jsonb_build_object('expected', (select coalesce(jsonb_agg(to_jsonb(lacking)), '[]') from lacking),
                                       'actual', (select coalesce(jsonb_agg(to_jsonb(surplus)), '[]') from surplus))"
        ))
    }

    /// A query without rows whose columns are the model's.
    pub(super) fn empty(&self, project: &Project, model: &Model, inputs: &[Vec<Typed>]) -> Result<String, Error> {
        Ok(format!("{} select * from (\n{}\n) as _dbt_internal_unit_test_actual limit 0", self.ctes(inputs)?, self.main(project, model)?))
    }

    fn ctes(&self, inputs: &[Vec<Typed>]) -> Result<String, Error> {
        let mut ctes = Vec::new();
        for ((input, fixture), columns) in self.given.iter().zip(inputs) {
            let query = fixture.query(columns, false).map_err(|what| self.refused(format!("{input}: {what}")))?;
            ctes.push(format!("{} as (\n{query}\n)", input.alias()));
        }
        Ok(if ctes.is_empty() { String::new() } else { format!("with {}", ctes.join(", ")) })
    }
}

impl Input {
    fn alias(&self) -> String {
        match self {
            Self::This => "__dbt__cte__this".into(),
            Self::Model(name) => format!("__dbt__cte__{name}"),
            Self::Source(group, table) => format!("__dbt__cte__{group}__{table}"),
        }
    }
}

impl std::fmt::Display for Input {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::This => f.write_str("this"),
            Self::Model(name) => write!(f, "ref('{name}')"),
            Self::Source(group, table) => write!(f, "source('{group}', '{table}')"),
        }
    }
}

fn input(project: &Project, package: &str, written: &str) -> Result<Input, String> {
    if written.trim() == "this" {
        return Ok(Input::This);
    }
    let around = Surroundings { relations: project.relations(), ..project.surroundings(package, &Vars::default()) };
    let said = project.renderer.render("input", &format!("{{{{ {written} }}}}"), &around, BTreeMap::new());
    let said = said.map_err(|error| match error {
        Error::Source { what, .. } => what,
        other => other.to_string(),
    })?;
    match (said.refs.into_iter().next(), said.sources.into_iter().next()) {
        (Some(model), None) => Ok(Input::Model(model)),
        (None, Some((group, table))) => Ok(Input::Source(group, table)),
        _ => Err("an input is ref('…'), source('…', '…') or this".into()),
    }
}
