//! One template → SQL, with what it refers to and how it is configured.

use super::{
    Error,
    config::{ModelConfig, TestConfig},
    functions::{functions, refuse},
    jinja, limits, syntax,
};
use minijinja::{
    Environment, ErrorKind, State, UndefinedBehavior,
    value::{Rest, Value},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

const BUILTIN: &str = "dbt's own tests";
/// Macros that call each other deeper than this go on for ever.
const DEPTH: usize = 32;

/// A name's macro and the file with it.
type Macros = BTreeMap<String, String>;

/// Templates and macros of all packages, parsed once.
#[derive(Debug, Clone)]
pub(super) struct Renderer {
    environment: Environment<'static>,
    macros: Arc<Macros>,
    /// Of each package, by name: what its own files may call.
    packages: BTreeMap<String, BTreeSet<String>>,
    /// Of each package that has one: the file with its `generate_schema_name`.
    schemas: BTreeMap<String, String>,
}

/// What a template can ask for.
#[derive(Debug, Clone, Default)]
pub(super) struct Surroundings {
    /// Where each model is read from.
    pub relations: Arc<BTreeMap<String, String>>,
    /// Where each table of a source is read from.
    pub sources: Arc<BTreeMap<(String, String), String>>,
    pub vars: Arc<BTreeMap<String, Value>>,
    /// Names of packages, which `ref` may name first.
    pub packages: Arc<BTreeSet<String>>,
    /// The model's own relation; empty in tests.
    pub this: String,
    pub is_incremental: bool,
    /// Nobody knows yet where the models lie: each is its name.
    pub is_draft: bool,
    /// Of a unit test: what these macros say instead.
    pub overrides: BTreeMap<String, Value>,
}

#[derive(Debug, Default)]
pub(super) struct Rendered {
    pub text: String,
    pub refs: BTreeSet<String>,
    pub sources: BTreeSet<(String, String)>,
    pub config: ModelConfig,
    /// What `config(…)` said in a test.
    pub test: TestConfig,
}

/// What is collected while a template is rendered.
#[derive(Debug, Default)]
pub(super) struct Notes {
    pub(super) seen: Rendered,
    depth: usize,
    /// Taken by macros that came to their end: each of them counts from nothing.
    steps: u64,
}

pub(super) type Noted = Arc<Mutex<Notes>>;

pub(super) fn note(noted: &Noted) -> MutexGuard<'_, Notes> {
    noted.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Renderer {
    /// Takes the macro files of each package: its name, and places with contents.
    pub fn new(packages: &[(&str, Vec<(String, &str)>)]) -> Result<Self, Error> {
        let mut environment = Environment::new();
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        jinja::agree(&mut environment);
        environment.set_fuel(Some(limits::STEPS));
        let (mut macros, mut schemas) = (Macros::new(), BTreeMap::new());
        let mut own: BTreeMap<String, BTreeSet<String>> = packages.iter().map(|(name, _)| ((*name).to_owned(), BTreeSet::new())).collect();
        let builtin = vec![(BUILTIN.to_owned(), include_str!("builtin.sql"))];
        let mut texts = Vec::new();
        for (package, files) in packages.iter().map(|(name, files)| (*name, files)).chain([("", &builtin)]) {
            for (file, text) in files {
                let text = syntax::tests_as_macros(text);
                syntax::limit(file, &text)?;
                for (name, line) in syntax::macros(&text) {
                    if syntax::is_builtin(&name) {
                        return Err(Error::source(
                            file,
                            line,
                            format!("{name} is dbt's own, and a macro of that name would never be called: give it another"),
                        ));
                    }
                    let other = if name == SCHEMA_NAME {
                        // Every package has its own; nobody calls it but us.
                        schemas.insert(package.to_owned(), file.clone())
                    } else {
                        own.entry(package.to_owned()).or_default().insert(name.clone());
                        macros.insert(name.clone(), file.clone())
                    };
                    if let Some(other) = other {
                        return Err(Error::source(file, line, format!("the macro {name} is in {other} already: give it another name")));
                    }
                }
                environment.add_template_owned(file.clone(), text.clone()).map_err(|error| Error::template(file, &error))?;
                texts.push((package, file.clone(), text));
            }
        }
        let renderer = Self { environment, macros: Arc::new(macros), packages: own, schemas };
        for (package, file, text) in texts {
            let mut known = renderer.known(package);
            if text.contains(SCHEMA_NAME) {
                known.insert("target".into());
            }
            syntax::check(&file, &text, &known)?;
        }
        Ok(renderer)
    }

    /// What the files of a package may call: its own macros, dbt's tests, and others' by `package.macro`.
    fn known(&self, package: &str) -> BTreeSet<String> {
        let of = |name: &str| self.packages.get(name).into_iter().flatten();
        let others = self.packages.keys().filter(|other| !other.is_empty());
        let others = others.flat_map(|other| of(other).map(move |name| format!("{other}.{name}")));
        of(package).chain(of("")).cloned().chain(others).collect()
    }

    /// Refuses what is outside of the subset, before anything is rendered.
    pub fn check(&self, package: &str, file: &str, text: &str) -> Result<(), Error> {
        if let Some((name, line)) = syntax::macros(text).into_iter().next() {
            return Err(Error::source(file, line, format!("the macro {name} belongs into a file in macros/: dbt knows it only there")));
        }
        syntax::check(file, text, &self.known(package))
    }

    /// Does a package know a generic test of this name (`positive`, or another package's `plumbline.positive`)?
    pub fn has_test(&self, package: &str, name: &str) -> bool {
        let wanted = match name.split_once('.') {
            Some((other, name)) => format!("{other}.test_{name}"),
            None => format!("test_{name}"),
        };
        self.known(package).contains(&wanted)
    }

    /// The schema of a model as the package's `generate_schema_name` says it; without one, the custom name or the default.
    pub fn schema(&self, package: &str, custom: Option<&str>, default: &str) -> Result<String, Error> {
        let Some(file) = self.schemas.get(package) else { return Ok(custom.unwrap_or(default).to_owned()) };
        let target = Value::from_iter([("schema", Value::from(default)), ("name", Value::from("plumbline"))]);
        let template = self.environment.get_template(file).map_err(|error| Error::template(file, &error))?;
        let arguments = [custom.map_or(Value::from(()), Value::from), Value::from(())];
        let said = template
            .render_captured(Value::from_iter([("target", target)]))
            .and_then(|mut file| file.with_state_mut(|state| state.call_macro(SCHEMA_NAME, &arguments)))
            .map_err(|error| Error::template(file, &error))?;
        Ok(said.trim().to_owned())
    }

    /// Renders a template with extra values beside what every template sees.
    pub fn render(&self, file: &str, source: &str, around: &Surroundings, values: BTreeMap<String, Value>) -> Result<Rendered, Error> {
        syntax::limit(file, source)?;
        let noted = Noted::default();
        let mut environment = self.environment.clone();
        self.register(&mut environment, around, &noted);
        let text = limits::render(&environment, file, source, values)?;
        let mut rendered = std::mem::take(&mut note(&noted).seen);
        rendered.text = text.trim().to_owned();
        Ok(rendered)
    }

    /// Gives a template the functions of dbt and the macros. `noted` collects what it refers to and configures.
    fn register(&self, environment: &mut Environment<'static>, around: &Surroundings, noted: &Noted) {
        for (name, file) in self.macros.iter() {
            let call = Macro { name: name.clone(), file: file.clone(), noted: Arc::clone(noted) };
            environment.add_function(name.clone(), move |state: &State, args: Rest<Value>| call.run(state, &args));
        }
        for (package, names) in self.packages.iter().filter(|(package, _)| !package.is_empty()) {
            let calls = names.iter().filter_map(|name| {
                let call = Macro { name: name.clone(), file: self.macros.get(name)?.clone(), noted: Arc::clone(noted) };
                Some((name.clone(), Value::from_function(move |state: &State, args: Rest<Value>| call.run(state, &args))))
            });
            environment.add_global(package.clone(), calls.collect::<Value>());
        }
        functions(environment, around, noted);
        for (name, value) in around.overrides.clone() {
            environment.add_function(name, move |_: Rest<Value>| value.clone());
        }
    }
}

/// dbt asks this macro for a model's schema.
const SCHEMA_NAME: &str = "generate_schema_name";

/// A macro of any file: called through here, so that macros know each other wherever they are written.
struct Macro {
    name: String,
    file: String,
    noted: Noted,
}

impl Macro {
    fn run(&self, state: &State, args: &[Value]) -> Result<Value, minijinja::Error> {
        let (depth, steps) = {
            let mut notes = note(&self.noted);
            notes.depth += 1;
            (notes.depth, notes.steps)
        };
        if steps > limits::STEPS {
            return Err(ErrorKind::OutOfFuel.into());
        }
        if depth > DEPTH {
            return Err(refuse(format!("the macro {} calls itself without an end", self.name)));
        }
        let (said, taken) = state.env().get_template(&self.file)?.render_captured(())?.with_state_mut(|file| {
            let said = file.call_macro(&self.name, args);
            (said, limits::steps(file))
        });
        let mut notes = note(&self.noted);
        notes.depth -= 1;
        notes.steps += taken + 1;
        said.map(Value::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renderer() -> Result<Renderer, Error> {
        let macros = vec![
            ("p/macros/twice.sql".to_owned(), "\n{% macro twice(x, y='') %}{{ x }}{{ x }}{{ y }}{% endmacro %}"),
            (
                "p/macros/more.sql".to_owned(),
                "{% macro quad(x) -%}\n{{ twice(twice(x), y='!') }}\n{{ ref(x) if x == 'no' }}{%- endmacro %}",
            ),
            ("p/macros/on.sql".to_owned(), "{% macro forever(x) %}{{ again(x) }}{% endmacro %}"),
            ("p/macros/back.sql".to_owned(), "{% macro again(x) %}{{ forever(x) }}{% endmacro %}"),
        ];
        Renderer::new(&[("p", macros)])
    }

    fn render(source: &str) -> Result<Rendered, Error> {
        let around = Surroundings {
            relations: Arc::new([("prices".to_owned(), "staging.prices".to_owned())].into()),
            sources: Arc::new([(("raw".to_owned(), "split".to_owned()), "raw.split".to_owned())].into()),
            vars: Arc::new([("benchmark".to_owned(), Value::from("SPY"))].into()),
            packages: Arc::new(["p".to_owned()].into()),
            this: "marts.here".into(),
            is_incremental: true,
            is_draft: false,
            overrides: BTreeMap::new(),
        };
        let renderer = renderer()?;
        renderer.check("p", "models/m.sql", source)?;
        renderer.render("models/m.sql", source, &around, BTreeMap::new())
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
        check("select * from {{ ref('prices') }} {{ ref('p', 'prices') }}", "select * from staging.prices staging.prices");
        check("select * from {{ source('raw', 'split') }}", "select * from raw.split");
        check("{{ var('benchmark') }} {{ var('other', 'x') }}", "SPY x");
        check("{{ this }}{% if is_incremental() %} where{% endif %} {{ this.schema }} {{ this.name }}", "marts.here where marts here");
        check("{{ twice('ab') }} {{ p.twice('a', y=1) }}", "abab aa1");
        check("{{ quad('z') }}", "zzzz!");
        check("{% for k, v in {'b': 1, 'a': 2}.items() %}{{ k }}{{ v }}{% if not loop.last %},{% endif %}{% endfor %}", "b1,a2");
        check("{% set cols %}a, b{% endset %}{{ cols.upper() }}", "A, B");
    }

    #[test]
    fn notes_references_and_configuration() {
        let rendered = render(
            "{{ config(materialized='incremental', unique_key='day', tags='a') }}{{ config({'tags': ['b']}) }}{{ ref('prices') }}{{ source('raw', 'split') }}",
        );
        let rendered = rendered.unwrap();
        assert_eq!(rendered.refs, ["prices".to_owned()].into());
        assert_eq!(rendered.sources.len(), 1);
        assert_eq!(rendered.config.unique_key, Some(vec!["day".to_owned()]));
        assert_eq!(rendered.config.tags, ["a", "b"]);
    }

    #[test]
    fn refuses_the_rest_with_file_and_line() {
        refused("select 1\n{{ ref('nowhere') }}", "models/m.sql:2: ");
        refused("{{ ref('nowhere') }}", "there is no model nowhere");
        refused("{{ ref('q', 'prices') }}", "there is no package q");
        refused("{{ source('raw', 'nothing') }}", "raw.nothing is not among the sources");
        refused("\n\n{{ dbt_utils.star() }}", "models/m.sql:3: ");
        refused("{{ p.star() }}", "p.star");
        refused("{{ config(partition_by='day') }}", "partition_by");
        refused("{{ config(contract={'enforced': true}) }}", "contract");
        refused("{{ config(materialized='ephemeral') }}", "ephemeral");
        refused("{{ var('unset') }}", "unset has no value");
        refused("{{ forever(1) }}", "without an end");
        refused("\n{% macro mine() %}{% endmacro %}{{ mine() }}", "models/m.sql:2: the macro mine belongs into a file in macros/");
        let own = |text| Renderer::new(&[("p", vec![("p/macros/m.sql".to_owned(), text)])]).unwrap_err().to_string();
        assert!(own("\n{% macro ref(x) %}{% endmacro %}").starts_with("p/macros/m.sql:2: ref is dbt's own"));
    }

    #[test]
    fn an_error_inside_a_macro_names_its_file() {
        refused("select\n\n{{ quad('no') }}", "p/macros/more.sql:3: ");
    }

    #[test]
    fn a_schema_is_what_the_package_says() {
        let own = "{% macro generate_schema_name(custom_schema_name, node) -%}{{ custom_schema_name or target.schema }}_x{%- endmacro %}";
        let renderer = Renderer::new(&[("p", vec![]), ("q", vec![("q/macros/s.sql".to_owned(), own)])]).unwrap();
        assert_eq!(renderer.schema("p", Some("marts"), "own_p").unwrap(), "marts");
        assert_eq!(renderer.schema("q", None, "own_q").unwrap(), "own_q_x");
        assert_eq!(renderer.schema("q", Some("mine"), "own_q").unwrap(), "mine_x");
    }
}
