//! What rendering a template may take. Whoever writes models can write an endless one by mistake: it must end with a sentence, and not the
//! server with it.
//!
//! Not covered: memory of values that double without being written (`{% set x = x ~ x %}`, forty times). minijinja counts steps, not bytes.

use super::Error;
use minijinja::{Environment, ErrorKind, State, Value};
use std::{
    collections::BTreeMap,
    future::Future,
    io::{self, Write},
};
use tokio::{runtime::Handle, sync::oneshot};

/// Steps of minijinja for one rendering, macros included: ours take some hundreds.
pub(super) const STEPS: u64 = 250_000;
/// Bytes of one rendering.
const LARGEST: usize = 10_000_000;
/// What the longest tag, and a value that steps nest in each other, need. It is only reserved: pages that are never touched cost nothing.
const STACK: usize = 256 << 20;

/// Renders a template that isn't kept.
pub(super) fn render(environment: &Environment, file: &str, source: &str, values: BTreeMap<String, Value>) -> Result<String, Error> {
    let refused = |error: minijinja::Error| self::refused(file, &error);
    let template = environment.template_from_named_str(file, source).map_err(refused)?;
    let mut written = Written::default();
    let rendered = template.render_captured_to(Value::from(values), &mut written).map(drop);
    if written.is_too_long {
        return Err(Error::source(file, 1, format!("it writes more than {LARGEST} bytes: does a loop run too often?")));
    }
    rendered.map_err(refused)?;
    String::from_utf8(written.bytes).map_err(|error| Error::source(file, 1, error.to_string()))
}

/// Running out of steps is said of the file that was asked for: a macro doesn't know who calls it too often.
fn refused(file: &str, error: &minijinja::Error) -> Error {
    if error.kind() != ErrorKind::OutOfFuel {
        return Error::template(file, error);
    }
    let (place, line) = (error.name().unwrap_or(file), error.line().unwrap_or(1));
    let within = if place == file { String::new() } else { format!(" (when it stopped, it was at {place}:{line})") };
    let what = format!("it takes more steps than {STEPS}: does a loop run too often, or without an end?{within}");
    Error::source(file, if place == file { line } else { 1 }, what)
}

/// How many steps this part of a rendering took.
pub(super) fn steps(state: &State) -> u64 {
    state.fuel_levels().map_or(0, |(taken, _)| taken)
}

#[derive(Default)]
struct Written {
    bytes: Vec<u8>,
    is_too_long: bool,
}

impl Write for Written {
    fn write(&mut self, more: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + more.len() > LARGEST {
            self.is_too_long = true;
            return Err(io::Error::other("too long"));
        }
        self.bytes.extend_from_slice(more);
        Ok(more.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Does what parses and renders a person's templates on a thread of its own: with room for the deepest of them, and away from the threads
/// that everybody else waits for. It stops at its next await when nobody waits for it any more.
pub(super) async fn apart<T, F>(work: impl FnOnce() -> F + Send + 'static) -> io::Result<T>
where
    F: Future<Output = T>,
    T: Send + 'static,
{
    let (runtime, (mut done, outcome)) = (Handle::current(), oneshot::channel());
    std::thread::Builder::new().name("own models".into()).stack_size(STACK).spawn(move || {
        let outcome = runtime.block_on(async {
            tokio::select! {
                outcome = work() => Some(outcome),
                () = done.closed() => None,
            }
        });
        if let Some(outcome) = outcome {
            drop(done.send(outcome));
        }
    })?;
    outcome.await.map_err(|_| io::Error::other("models of your own could not be read: the thread that did it ended"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::warehouse::{Package, Project};
    use std::time::Duration;

    /// What is said of a package with this model; read where a server reads it.
    async fn read(model: &str, macros: &str) -> Result<(), String> {
        let files = [("dbt_project.yml", "name: ada"), ("models/m.sql", &format!("-- One row per x.\n{model}")), ("macros/m.sql", macros)];
        let own = Package::of("", &files);
        let project = apart(async move || Project::read(&[Package::embedded(), own]).map(drop)).await.unwrap();
        project.map_err(|error| error.to_string())
    }

    #[tokio::test]
    async fn a_template_takes_so_many_steps_and_no_more() {
        read("{% for i in range(10000) %}{{ i }},{% endfor %}", "").await.unwrap();
        let endless = "{% for i in range(99999) %}{% for j in range(99999) %}{% endfor %}{% endfor %}";
        let error = read(endless, "").await.unwrap_err();
        assert!(error.starts_with("models/m.sql:2: it takes more steps than 250000"), "{error}");
        // Each call of a macro is counted, also of one that takes few steps itself.
        let macros = format!("{{% macro short() %}}{{{{ 1 }}}}{{% endmacro %}}{{% macro endless() %}}\n{endless}{{% endmacro %}}");
        let many = "{% for i in range(99) %}{% for i in range(999) %}{{ short() }}{% endfor %}{% endfor %}";
        let error = read(many, &macros).await.unwrap_err();
        assert!(error.starts_with("models/m.sql:") && error.contains("more steps"), "{error}");
        let error = read("{{ endless() }}", &macros).await.unwrap_err();
        assert!(error.starts_with("models/m.sql:1: it takes more steps") && error.contains("it was at macros/m.sql:2"), "{error}");
        let long = format!("{{% for i in range(99999) %}}{}{{% endfor %}}", "x".repeat(200));
        let error = read(&long, "").await.unwrap_err();
        assert!(error.contains("more than 10000000 bytes"), "{error}");
    }

    #[tokio::test]
    async fn what_is_within_the_limits_fits_onto_the_stack() {
        for text in [
            format!("{{{{ {}1 }}}}", "1+".repeat(3_990)),
            format!("{{{{ {}1 }}}}", "-".repeat(7_990)),
            format!("{{{{ {}1 }}}}", "not ".repeat(1_990)),
            format!("{{{{ {}1 }}}}", "1 if 1 else ".repeat(660)),
            format!("{{{{ 1{} }}}}", "|int".repeat(1_990)),
            format!("{{% if true %}}{}{{% endif %}}", "{% elif true %}".repeat(500)),
            "{% set ns = namespace(s=1) %}{% for i in range(40000) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s|length }}".into(),
        ] {
            drop(read(&text, "").await);
            drop(read("select 1", &format!("{{% macro m() %}}{text}{{% endmacro %}}")).await);
        }
    }

    #[tokio::test]
    async fn nobody_waits_for_it_and_it_waits_for_nobody() {
        let (ended, end) = oneshot::channel::<()>();
        let work = apart(async move || {
            let _ended = ended;
            std::future::pending::<()>().await;
        });
        assert!(tokio::time::timeout(Duration::from_millis(50), work).await.is_err());
        // Dropped with the work that held it.
        assert!(end.await.is_err());
    }
}
