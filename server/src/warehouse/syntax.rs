//! What a template may hold: the tags and names of the subset. The rest is refused before anything is rendered, with its line.

use super::Error;
use minijinja::Environment;
use std::collections::BTreeSet;

/// Tags of the subset. `test` and `endtest` only in macro files.
const TAGS: &[&str] = &["if", "elif", "else", "endif", "for", "endfor", "set", "endset", "macro", "endmacro", "raw", "endraw"];

/// Functions and values of the subset; the project's macros come on top.
const NAMES: &[&str] =
    &["ref", "source", "config", "var", "this", "is_incremental", "range", "dict", "namespace", "none", "None", "True", "False"];

/// Is it a name that no macro can take?
pub(super) fn is_builtin(name: &str) -> bool {
    NAMES.contains(&name) || ["loop", "varargs", "kwargs", "caller", "execute"].contains(&name)
}

/// What people bring along from dbt, and what to do instead.
const INSTEAD: &[(&str, &str)] = &[
    ("adapter", "write the statement for Postgres itself"),
    ("run_query", "models can't ask the database while they are rendered: write it as a subquery"),
    ("statement", "models can't ask the database while they are rendered: write it as a subquery"),
    ("execute", "templates are only ever rendered: leave the condition out"),
    ("env_var", "give the value under vars in dbt_project.yml and read it with var()"),
    ("target", "a schema is set by config(schema=…); target is known in generate_schema_name alone"),
    ("return", "let the macro print its text"),
    ("do", "use {% set %}, or namespace() inside a loop"),
    ("call", "pass the text as an argument"),
    ("snapshot", "an incremental model with a merge keeps history too"),
    ("materialization", "use view, table or incremental"),
    ("docs", "write the description into the yml"),
    ("include", "make it a macro"),
    ("import", "macros of the project are known everywhere"),
    ("from", "macros of the project are known everywhere"),
    ("dbt_utils", "copy the macro into macros/"),
    ("dbt", "copy the macro into macros/"),
];

/// Each operator of an expression, each branch of a condition is a step deeper into the stack.
const LONGEST_TAG: usize = 8_000;
const MOST_BRANCHES: usize = 500;

/// A piece of a template between its delimiters.
struct Tag<'t> {
    is_block: bool,
    line: usize,
    inner: &'t str,
    /// Where `inner` begins in the text.
    at: usize,
}

/// The tags and expressions of a template, cut as minijinja cuts them; comments and raw blocks are passed over. One that nothing closes
/// reaches to the end.
fn tags(text: &str) -> Vec<Tag<'_>> {
    let (mut found, mut from, mut line, mut counted) = (Vec::new(), 0, 1, 0);
    while let Some(open) = text[from..].find('{').map(|at| from + at) {
        let inner = open + 2;
        let (is_block, close) = match text.get(open..inner) {
            Some("{%") => (true, "%}"),
            Some("{{") => (false, "}}"),
            Some("{#") => {
                from = text[inner..].find("#}").map_or(text.len(), |at| inner + at + 2);
                continue;
            }
            _ => {
                from = open + 1;
                continue;
            }
        };
        let end = inner + length(&text[inner..], close);
        from = text.len().min(end + close.len());
        if is_block && text[inner..end].trim_matches(|c: char| c.is_ascii_whitespace() || matches!(c, '-' | '+')) == "raw" {
            from = end_of_raw(text, from);
            continue;
        }
        line += text[counted..open].matches('\n').count();
        counted = open;
        found.push(Tag { is_block, line, inner: &text[inner..end], at: inner });
    }
    found
}

/// How far a tag reaches: what closes it doesn't count within a text.
fn length(rest: &str, close: &str) -> usize {
    let (mut quote, mut is_escaped) = (None, false);
    for (at, letter) in rest.char_indices() {
        match quote {
            _ if is_escaped => is_escaped = false,
            Some(_) if letter == '\\' => is_escaped = true,
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if matches!(letter, '"' | '\'') => quote = Some(letter),
            None if rest[at..].starts_with(close) => return at,
            None => {}
        }
    }
    rest.len()
}

/// Where the text goes on behind `{% endraw %}`.
fn end_of_raw(text: &str, from: usize) -> usize {
    let ends = |at: usize| {
        let inner = text[at + 2..].split("%}").next()?;
        let word = inner.trim_matches(|c: char| c.is_ascii_whitespace() || matches!(c, '-' | '+'));
        (word == "endraw").then_some(at + 2 + inner.len() + 2)
    };
    text[from..].match_indices("{%").find_map(|(at, _)| ends(from + at)).map_or(text.len(), |end| end.min(text.len()))
}

/// Is something divided by a negative number, as far as can be seen? minijinja rounds the quotient towards nothing else than Python does then.
fn divides_by_negative(inner: &str) -> bool {
    let (mut quote, mut code) = (None, String::new());
    for letter in inner.chars().filter(|letter| !letter.is_whitespace()) {
        match quote {
            Some(open) if letter == open => quote = None,
            Some(_) => {}
            None if matches!(letter, '"' | '\'') => quote = Some(letter),
            None => code.push(letter),
        }
    }
    ["//-", "//(-", "%-", "%(-"].iter().any(|sign| code.contains(sign))
}

/// Refuses what minijinja would take apart by calling itself until the stack ends, before it sees it.
pub(super) fn limit(file: &str, text: &str) -> Result<(), Error> {
    let (tags, mut branches) = (tags(text), 0);
    for tag in &tags {
        if tag.inner.len() > LONGEST_TAG {
            let what = format!("a tag is longer than {LONGEST_TAG} characters: write it as several, with {{% set %}}, or as plain SQL");
            return Err(Error::source(file, tag.line, what));
        }
        branches += usize::from(tag.is_block && first_word(tag.inner) == "elif");
        if branches > MOST_BRANCHES {
            return Err(Error::source(
                file,
                tag.line,
                format!("there are more than {MOST_BRANCHES} elif: look the value up in a dictionary"),
            ));
        }
    }
    Ok(())
}

fn first_word(inner: &str) -> &str {
    let inner = inner.trim_start_matches(['-', '+']).trim_start();
    inner.split(|c: char| !is_of_a_name(c)).next().unwrap_or_default()
}

fn is_of_a_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// dbt's `{% test name(…) %} … {% endtest %}` as what it is: a macro whose name begins with `test_`.
pub(super) fn tests_as_macros(text: &str) -> String {
    let mut written = text.to_owned();
    for tag in tags(text).into_iter().rev().filter(|tag| tag.is_block) {
        let word = first_word(tag.inner);
        let start = tag.at + tag.inner.find(word).unwrap_or_default();
        match word {
            "endtest" => written.replace_range(start..start + word.len(), "endmacro"),
            "test" => {
                let name = start + word.len() + tag.inner[start - tag.at + word.len()..].find(is_of_a_name).unwrap_or_default();
                written.replace_range(start..name, "macro test_");
            }
            _ => {}
        }
    }
    written
}

/// The macros that a file defines, with their lines.
pub(super) fn macros(text: &str) -> Vec<(String, usize)> {
    let blocks = tags(text).into_iter().filter(|tag| tag.is_block && first_word(tag.inner) == "macro");
    blocks
        .filter_map(|tag| {
            let rest = tag.inner.split_once("macro")?.1.trim_start();
            Some((rest.split(|c: char| !is_of_a_name(c)).next()?.to_owned(), tag.line))
        })
        .collect()
}

/// Refuses tags and names that nobody defines. `known`: macros, and names that this file alone may use.
pub(super) fn check(file: &str, text: &str, known: &BTreeSet<String>) -> Result<(), Error> {
    limit(file, text)?;
    let tags = tags(text);
    if let Some(tag) = tags.iter().find(|tag| divides_by_negative(tag.inner)) {
        let what = "// and % by a negative number round otherwise than in dbt: leave the sign out, and put it before the result";
        return Err(Error::source(file, tag.line, what));
    }
    for tag in tags.iter().filter(|tag| tag.is_block) {
        let word = first_word(tag.inner);
        if !TAGS.contains(&word) {
            return Err(Error::source(file, tag.line, refusal(&format!("{{% {word} %}}"), word)));
        }
    }
    let environment = Environment::new();
    let template = environment.template_from_named_str(file, text).map_err(|error| Error::template(file, &error))?;
    let mut unknown: Vec<(usize, String, String)> = Vec::new();
    for path in template.undeclared_variables(true) {
        let name = path.split('.').next().unwrap_or_default().to_owned();
        let is_config_call = name == "config" && path.contains('.');
        if is_config_call || !(NAMES.contains(&name.as_str()) || known.contains(&name) || known.contains(&path)) {
            let line = tags.iter().find(|tag| names(tag.inner, &name)).map_or(1, |tag| {
                let within = tag.inner.find(&name).map_or(0, |at| tag.inner[..at].matches('\n').count());
                tag.line + within
            });
            unknown.push((line, path, name));
        }
    }
    unknown.sort();
    match unknown.into_iter().next() {
        Some((line, path, name)) => Err(Error::source(file, line, refusal(&path, &name))),
        None => Ok(()),
    }
}

fn names(inner: &str, name: &str) -> bool {
    inner.split(|c: char| !is_of_a_name(c)).any(|word| word == name)
}

fn refusal(what: &str, name: &str) -> String {
    let instead = INSTEAD.iter().find(|(known, _)| *known == name).map_or_else(
        || "it is no macro of this project, and no part of dbt that is understood here".to_owned(),
        |(_, instead)| (*instead).to_owned(),
    );
    format!("{what} isn't supported: {instead}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_block_is_a_macro() {
        let text =
            "{#- {% test no %} -#}\n{%- test  positive(model, column_name) -%}select 1{%- endtest %}{% raw %}{% test x %}{% endraw %}";
        let written = tests_as_macros(text);
        assert_eq!(
            written,
            "{#- {% test no %} -#}\n{%- macro test_positive(model, column_name) -%}select 1{%- endmacro %}{% raw %}{% test x %}{% endraw %}"
        );
        assert_eq!(macros(&written), [("test_positive".to_owned(), 2)]);
    }

    #[test]
    fn tags_are_cut_as_minijinja_cuts_them() {
        let inner = |text| tags(text).into_iter().map(|tag| (tag.line, tag.inner.trim())).collect::<Vec<_>>();
        assert_eq!(inner("{{ '}}\\'}}' }}\n{% set x = \"%}\" %}"), [(1, "'}}\\'}}'"), (2, "set x = \"%}\"")]);
        assert_eq!(inner("{% raw %}{{ {# {% endraw x %}{%- endraw -%}\n{{ a }}"), [(2, "a")]);
        assert_eq!(inner("{# {{ a }} {% raw %} #}{{ b }}{{ c"), [(1, "b"), (1, "c")]);
    }

    #[test]
    fn what_is_too_long_is_refused_before_it_is_parsed() {
        let sum = "1+".repeat(20_000);
        for text in [
            format!("select\n{{{{ {sum}1 }}}}"),
            format!("\n{{% set x = {}1 %}}", "not ".repeat(100_000)),
            format!("\n{{{{ '}}}}' ~ {}1 }}}}", "-".repeat(100_000)),
            format!("{{% raw %}}{{{{\n{{% endraw %}}{{{{ {sum}1 }}}}"),
            format!("\n{{{{ {sum}"),
        ] {
            let error = check("m.sql", &text, &BTreeSet::new()).unwrap_err().to_string();
            assert!(error.starts_with("m.sql:2: ") && error.contains("longer than 8000 characters"), "{error}");
        }
        let branches = format!("{{% if true %}}{}{{% endif %}}", "{% elif true %}".repeat(501));
        assert!(check("m.sql", &branches, &BTreeSet::new()).unwrap_err().to_string().contains("more than 500 elif"));
    }

    #[test]
    fn refuses_by_line_what_is_not_understood() {
        let known = ["twice".to_owned(), "target".to_owned()].into();
        for text in [
            "{% set x = 1 %}{{ x }}{% for k, v in {'a': 1}.items() %}{{ loop.index }}{{ k ~ v }}{% endfor %}",
            "{{ twice(ref('a')) }} {{ target.schema }} {{ this.schema }}",
            "{% set x %}select{% endset %}{{ x | upper }}",
            "{% raw %}{{ dbt_utils.star() }}{% endraw %}{# {{ adapter.x() }} #}",
            "{% set x = -7 // 2 -%}{{ x % 2 - 1 }}{{ 'a % -b' }}{%- if x %}{%- endif -%}",
            "{% macro a(b, c=1) %}{{ b }}{{ c }}{% endmacro %}{{ a(1) }}",
        ] {
            check("m.sql", text, &known).unwrap();
        }
        for (text, line, word) in [
            ("a\n{{ dbt_utils.star() }}", 2, "copy the macro"),
            ("\n\n{%- snapshot x %}", 3, "{% snapshot %}"),
            ("{% if false %}\n{{ run_query('x') }}{% endif %}", 2, "subquery"),
            ("{{ adapter.dispatch('x')() }}", 1, "adapter"),
            ("{{\n nowhere }}", 2, "nowhere"),
            ("{% do x.append(1) %}", 1, "{% do %}"),
            ("{{ config.get('x') }}", 1, "config.get"),
            ("{{ (", 1, "syntax error"),
            ("{{ target.schema }}{% call x() %}", 1, "{% call %}"),
            ("\n{{ 7 // -2 }}", 2, "round otherwise"),
            ("{% set x = 7 % ( -2) %}", 1, "round otherwise"),
        ] {
            let error = check("m.sql", text, &known).unwrap_err().to_string();
            assert!(error.starts_with(&format!("m.sql:{line}: ")) && error.contains(word), "{text}: {error}");
        }
    }
}
