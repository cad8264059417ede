//! Packages → project: files are found, settings merged, every template rendered once, and what is wrong said where it stands.

use super::{Column, Model, Project, SourceTable, Vars, hash};
use crate::warehouse::{
    Error, Package, assertion,
    config::{Materialized, ModelConfig},
    error::line_of,
    graph,
    properties::{self, ModelProperties, PackagesFile, ProjectFile, PropertiesFile},
    render::{Rendered, Renderer, Surroundings},
    unit::UnitTest,
};
use minijinja::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

/// Schemas of ours: no package of a person's builds there.
const TAKEN: &[&str] = &["staging", "ledger", "marts", "raw", "book", "ops", "auth", "public", "information_schema"];
/// Room for what we append while a table stands beside the old one; Postgres cuts names at 63.
const LONGEST_NAME: usize = 50;

/// One package while it is read.
struct Opened<'p> {
    package: &'p Package,
    project: ProjectFile,
    properties: Vec<(String, &'p str, PropertiesFile)>,
}

impl Project {
    /// Reads packages; the first is ours, each may refer to those before it.
    ///
    /// # Errors
    /// As [`Project::embedded`].
    pub fn read(packages: &[Package]) -> Result<Self, Error> {
        let opened = packages.iter().map(open).collect::<Result<Vec<_>, _>>()?;
        let names: BTreeSet<_> = opened.iter().map(|opened| opened.project.name.clone()).collect();
        if let Some(last) = opened.last().filter(|_| names.len() < opened.len()) {
            let place = last.package.place("dbt_project.yml");
            return Err(Error::source(&place, 1, format!("the package needs another name than {}", last.project.name)));
        }
        let macros: Vec<_> = opened.iter().map(|opened| (opened.project.name.as_str(), opened.macros())).collect();
        let (mut hashes, mut texts) = (BTreeMap::new(), Vec::new());
        for (name, files) in &macros {
            texts.extend(files.iter().map(|(_, text)| *text));
            hashes.insert((*name).to_owned(), hash(&texts));
        }
        let mut read = Self {
            models: Vec::new(),
            assertions: Vec::new(),
            unit_tests: Vec::new(),
            renderer: Renderer::new(&macros)?,
            sources: sources(&opened)?,
            source_relations: Arc::default(),
            vars: opened.iter().map(|opened| (opened.project.name.clone(), opened.vars())).collect(),
            packages: Arc::new(names),
            labels: opened.iter().map(|opened| (opened.project.name.clone(), opened.package.label.clone())).collect(),
            macros: hashes,
        };
        read.source_relations = Arc::new(read.sources.iter().map(|(key, table)| (key.clone(), table.relation.clone())).collect());
        read.read_models(&opened)?;
        let relations = read.relations();
        read.assertions = {
            let mut all = Vec::new();
            for opened in &opened {
                let singular: Vec<_> = opened.singular_tests();
                let around =
                    Surroundings { relations: Arc::clone(&relations), ..read.surroundings(&opened.project.name, &Vars::default()) };
                all.extend(assertion::all(&read, &opened.project.name, &opened.properties, &singular, &around)?);
            }
            assertion::named_apart(all)?
        };
        for opened in &opened {
            for (file, text, properties) in &opened.properties {
                for written in &properties.unit_tests {
                    let unit = UnitTest::read(&read, &opened.project.name, file, text, written)?;
                    read.unit_tests.push(unit);
                }
            }
        }
        Ok(read)
    }

    fn read_models(&mut self, opened: &[Opened]) -> Result<(), Error> {
        let (mut drafts, mut places): (Vec<Draft>, BTreeMap<String, String>) = (Vec::new(), BTreeMap::new());
        for (number, opened) in opened.iter().enumerate() {
            for (file, source) in opened.models() {
                let draft = self.draft(opened, file, source, number > 0)?;
                if let Some(other) = places.insert(draft.name.clone(), draft.place.clone()) {
                    return Err(Error::source(
                        &draft.place,
                        1,
                        format!("{} is named {} too: give this model another name", other, draft.name),
                    ));
                }
                drafts.push(draft);
            }
        }
        let relations: Arc<BTreeMap<_, _>> =
            Arc::new(drafts.iter().map(|draft| (draft.name.clone(), format!("{}.{}", draft.schema, draft.name))).collect());
        for draft in drafts {
            self.models.push(self.model(draft, &relations)?);
        }
        for opened in opened {
            for (file, text, properties) in &opened.properties {
                for described in &properties.models {
                    if !self.models.iter().any(|model| model.name == described.name && model.package == opened.project.name) {
                        let line = line_of(text, &["models:", &described.name]);
                        return Err(Error::source(file, line, format!("there is no model {}", described.name)));
                    }
                }
            }
        }
        let order = graph::ordered(&self.models.iter().map(|model| (model.name.clone(), model.refs.clone())).collect());
        let order = order.map_err(|circle| self.circle(&circle))?;
        self.models.sort_by_key(|model| order.iter().position(|name| *name == model.name));
        Ok(())
    }

    /// What can be said of a model before it is known where the others lie: its schema needs its config, that needs a rendering.
    fn draft<'p>(&self, opened: &Opened<'p>, file: &'p str, source: &'p str, is_own: bool) -> Result<Draft<'p>, Error> {
        let place = opened.package.place(file);
        let (folders, name) = position(&opened.project.model_paths, file).ok_or_else(|| {
            Error::source(&place, 1, format!("a model's name has small letters, digits and _, at most {LONGEST_NAME}, and no digit first"))
        })?;
        let described: Vec<_> = opened
            .properties
            .iter()
            .flat_map(|(file, text, properties)| properties.models.iter().map(move |model| (file, text, model)))
            .filter(|(_, _, model)| model.name == name)
            .collect();
        if let [_, (file, text, _), ..] = described.as_slice() {
            return Err(Error::source(file, line_of(text, &["models:", name]), format!("{name} is described twice")));
        }
        let described_in =
            described.first().map(|(file, _, _)| file.strip_prefix(opened.package.label.as_str()).unwrap_or(file).to_owned());
        let described = described.first().map(|(_, _, model)| (*model).clone());
        self.renderer.check(&opened.project.name, &place, source)?;
        let settings = opened.project.settings(&opened.package.place("dbt_project.yml"), &folders)?;
        let settings = settings.under(described.as_ref().map(|model| model.config.clone()).unwrap_or_default());
        // Where the others lie doesn't matter for its own config: every ref is answered with its name.
        let around =
            Surroundings { is_draft: true, this: format!("draft.{name}"), ..self.surroundings(&opened.project.name, &Vars::default()) };
        let config = settings.under(self.renderer.render(&place, source, &around, BTreeMap::new())?.config);
        let default = if is_own { format!("own_{}", opened.project.name) } else { "public".into() };
        let schema = self.renderer.schema(&opened.project.name, config.schema.as_deref(), &default)?;
        if !is_name(&schema) {
            return Err(Error::source(&place, 1, format!("the schema {schema:?} isn't a name of small letters, digits and _")));
        }
        if is_own && (TAKEN.contains(&schema.as_str()) || schema.starts_with("pg_")) {
            return Err(Error::source(&place, 1, format!("the schema {schema} isn't yours to write: choose another, such as {default}")));
        }
        let grain = grain(source).ok_or_else(|| {
            Error::source(
                &place,
                1,
                "the first comment must say what a row is: begin the file with a line such as “-- One row per portfolio and day.”",
            )
        })?;
        let package = opened.project.name.clone();
        Ok(Draft { name: name.into(), package, schema, file, place, grain, described, described_in, config, source, is_own })
    }

    fn model(&self, draft: Draft, relations: &Arc<BTreeMap<String, String>>) -> Result<Model, Error> {
        let Draft { name, package, schema, file, place, grain, described, described_in, config, source, is_own } = draft;
        let around = Surroundings {
            relations: Arc::clone(relations),
            this: format!("{schema}.{name}"),
            ..self.surroundings(&package, &Vars::default())
        };
        let Rendered { mut refs, mut sources, .. } = self.renderer.render(&place, source, &around, BTreeMap::new())?;
        // What only an increment reads comes before it, too.
        let increment = self.renderer.render(&place, source, &Surroundings { is_incremental: true, ..around.clone() }, BTreeMap::new())?;
        refs.extend(increment.refs);
        sources.extend(increment.sources);
        let refused = |what: &str| Err(Error::source(&place, line_of(source, &["config("]), what));
        let materialized = config.materialized.unwrap_or(Materialized::View);
        if materialized == Materialized::Incremental && config.key().is_empty() {
            return refused("an incremental model needs a unique_key");
        }
        let columns = config.key().iter().chain(config.indexes.iter().flatten().flat_map(|index| &index.columns));
        if !columns.clone().all(|column| is_name(column)) {
            return refused("unique_key and indexes name columns, in small letters, digits and _");
        }
        match &config.pre_hook {
            Some(_) if is_own => return refused("hooks aren't supported here: say it in the model's own text"),
            Some(hook) => self.renderer.check(&package, &place, hook)?,
            None => {}
        }
        let described = described.unwrap_or_else(|| ModelProperties { description: grain.clone(), ..nothing() });
        Ok(Model {
            name,
            package,
            schema,
            file: file.into(),
            place,
            grain,
            description: described.description,
            described_in,
            columns: described.columns.into_iter().map(|column| Column { name: column.name, description: column.description }).collect(),
            materialized,
            config,
            refs,
            sources,
            source: source.into(),
        })
    }

    /// The circle, said at the place of the ref that closes it.
    fn circle(&self, circle: &[String]) -> Error {
        let of = |name: &String| self.models.iter().find(|model| model.name == *name);
        let (model, next) = (circle.first().and_then(of), circle.get(1).map(String::as_str).unwrap_or_default());
        let (place, line) = model.map_or(("", 1), |model| (&model.place, line_of(&model.source, &["ref(", next])));
        Error::source(place, line, format!("models refer to each other in a circle: {}. Break it by removing one ref", circle.join(" → ")))
    }
}

struct Draft<'p> {
    name: String,
    package: String,
    schema: String,
    file: &'p str,
    place: String,
    grain: String,
    described: Option<ModelProperties>,
    described_in: Option<String>,
    config: ModelConfig,
    source: &'p str,
    is_own: bool,
}

fn nothing() -> ModelProperties {
    ModelProperties {
        name: String::new(),
        description: String::new(),
        config: ModelConfig::default(),
        columns: Vec::new(),
        data_tests: Vec::new(),
    }
}

impl<'p> Opened<'p> {
    fn macros(&self) -> Vec<(String, &'p str)> {
        let generic = self.project.test_paths.iter().map(|folder| format!("{folder}/generic"));
        let folders: Vec<String> = self.project.macro_paths.iter().cloned().chain(generic).collect();
        self.package.within(&folders, &[".sql"]).into_iter().map(|(path, text)| (self.package.place(path), text)).collect()
    }

    fn models(&self) -> Vec<(&'p str, &'p str)> {
        self.package.within(&self.project.model_paths, &[".sql"])
    }

    /// Path within the package, place, text.
    fn singular_tests(&self) -> Vec<(&'p str, String, &'p str)> {
        let generic = |path: &str| self.project.test_paths.iter().any(|folder| path.starts_with(&format!("{folder}/generic/")));
        let tests = self.package.within(&self.project.test_paths, &[".sql"]).into_iter().filter(|(path, _)| !generic(path));
        tests.map(|(path, text)| (path, self.package.place(path), text)).collect()
    }

    fn vars(&self) -> BTreeMap<String, Value> {
        let mut all = BTreeMap::new();
        for (name, value) in &self.project.vars {
            match value {
                // Under its own name a package holds its variables once more.
                serde_yaml_ng::Value::Mapping(inner) if *name == self.project.name => {
                    all.extend(inner.iter().filter_map(|(name, value)| Some((name.as_str()?.to_owned(), Value::from_serialize(value)))));
                }
                other => {
                    all.entry(name.clone()).or_insert_with(|| Value::from_serialize(other));
                }
            }
        }
        all
    }
}

fn open(package: &Package) -> Result<Opened<'_>, Error> {
    let place = package.place("dbt_project.yml");
    let text = package.file("dbt_project.yml").ok_or_else(|| Error::source(&place, 1, "this file is missing"))?;
    let project: ProjectFile = properties::parse(&place, text)?;
    if !is_name(&project.name) {
        return Err(Error::source(&place, line_of(text, &["name:"]), "a package's name has small letters, digits and _"));
    }
    if let Some(other) = project.other_package() {
        return Err(Error::source(
            &place,
            line_of(text, &["models:", other]),
            format!("settings of another package ({other}) aren't supported: only {}'s own", project.name),
        ));
    }
    for name in ["packages.yml", "dependencies.yml"] {
        if let Some(text) = package.file(name) {
            properties::parse::<PackagesFile>(&package.place(name), text)?;
        }
    }
    let mut properties = Vec::new();
    for (path, text) in package.within(&project.model_paths, &[".yml", ".yaml"]) {
        let place = package.place(path);
        let content = properties::parse(&place, text)?;
        properties.push((place, text, content));
    }
    Ok(Opened { package, project, properties })
}

fn sources(opened: &[Opened]) -> Result<BTreeMap<(String, String), SourceTable>, Error> {
    let mut all: BTreeMap<(String, String), SourceTable> = BTreeMap::new();
    for (file, text, group) in opened
        .iter()
        .flat_map(|opened| &opened.properties)
        .flat_map(|(file, text, content)| content.sources.iter().map(move |group| (file, text, group)))
    {
        let schema = group.schema.as_ref().unwrap_or(&group.name);
        for table in &group.tables {
            let relation = format!("{schema}.{}", table.name);
            let line = || line_of(text, &["sources:", &group.name, &table.name]);
            if !is_name(schema) || !is_name(&table.name) {
                return Err(Error::source(file, line(), "schemas and tables of sources have small letters, digits and _"));
            }
            let description = if table.description.is_empty() { &group.description } else { &table.description };
            let described = SourceTable { relation: relation.clone(), description: description.clone() };
            let known = all.entry((group.name.clone(), table.name.clone())).or_insert(described);
            if known.relation != relation {
                return Err(Error::source(file, line(), format!("the source {}.{} is {} already", group.name, table.name, known.relation)));
            }
        }
    }
    Ok(all)
}

/// `models/staging/prices.sql` → [`staging`], `prices`.
fn position<'f>(paths: &[String], file: &'f str) -> Option<(Vec<&'f str>, &'f str)> {
    let inner = paths.iter().find_map(|path| file.strip_prefix(path.trim_end_matches('/'))?.strip_prefix('/'))?.strip_suffix(".sql")?;
    let mut folders: Vec<&str> = inner.split('/').collect();
    let name = folders.pop().filter(|name| is_name(name))?;
    Some((folders, name))
}

/// A name that needs no quotes in SQL.
fn is_name(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    !text.is_empty() && text.len() <= LONGEST_NAME && text.chars().all(allowed) && !text.starts_with(|c: char| c.is_ascii_digit())
}

/// What the first comment says of a row.
fn grain(source: &str) -> Option<String> {
    let first = source.lines().map(str::trim).find(|line| line.starts_with("--"))?;
    first.trim_start_matches('-').trim().strip_prefix("One row per ").map(|rest| format!("One row per {rest}"))
}
