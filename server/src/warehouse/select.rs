//! `--select` and `--exclude`, with dbt's grammar: names, `+` and how far, `tag:`, paths, wildcards; a space joins, a comma intersects.

use super::{Assertion, Error, Project, graph, walk::Step};
use std::collections::{BTreeMap, BTreeSet};

/// One thing that can be chosen.
struct Node<'p> {
    step: Step,
    /// Package, folders, name: dbt's full name.
    full: Vec<&'p str>,
    /// Path within the package.
    path: &'p str,
    /// The yml that describes it.
    yml: Option<&'p str>,
    tags: &'p [String],
    package: &'p str,
}

/// `2+tag:nightly+1`, taken apart.
#[derive(Debug, PartialEq, Eq)]
struct Criterion<'s> {
    /// Steps up; `Some(None)`: all the way.
    above: Option<Option<usize>>,
    method: Method,
    value: &'s str,
    below: Option<Option<usize>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Method {
    Name,
    Tag,
    Path,
    Package,
}

/// The steps that were asked for: everything without a word. Tests of a chosen model come along, as in dbt.
///
/// # Errors
/// A word that names nothing, or that isn't understood.
pub(super) fn chosen(project: &Project, select: &[String], exclude: &[String]) -> Result<BTreeSet<Step>, Error> {
    let nodes = nodes(project);
    let included =
        if select.is_empty() { nodes.iter().map(|node| node.step).collect() } else { union(project, &nodes, select, "--select")? };
    let excluded = union(project, &nodes, exclude, "--exclude")?;
    let left: BTreeSet<Step> = included.difference(&excluded).copied().collect();
    if left.iter().all(|step| matches!(step, Step::Source(_))) && !(select.is_empty() && exclude.is_empty()) {
        let why = if included.is_empty() {
            "no model, test or folder is all of what a comma joins in --select"
        } else {
            "--exclude takes away all that --select names"
        };
        return Err(Error::Unknown(format!("nothing is left to do: {why}")));
    }
    Ok(left)
}

fn nodes(project: &Project) -> Vec<Node<'_>> {
    fn full<'p>(package: &'p str, path: &'p str, name: &'p str) -> Vec<&'p str> {
        let mut folders: Vec<&str> = path.split('/').skip(1).collect();
        folders.pop();
        [package].into_iter().chain(folders).chain([name]).collect()
    }
    let models = project.models().iter().enumerate().map(|(at, model)| Node {
        step: Step::Model(at),
        full: full(&model.package, &model.file, &model.name),
        path: &model.file,
        yml: model.described_in.as_deref(),
        tags: &model.config.tags,
        package: &model.package,
    });
    let tests = project.assertions().iter().enumerate().map(|(at, test)| {
        let path = project.path(&test.package, &test.file);
        Node {
            step: Step::Test(at),
            full: full(&test.package, path, &test.name),
            path,
            yml: None,
            tags: &test.tags,
            package: &test.package,
        }
    });
    let units = project.unit_tests().iter().enumerate().map(|(at, test)| {
        let path = project.path(&test.package, &test.file);
        Node {
            step: Step::Unit(at),
            full: full(&test.package, path, &test.name),
            path,
            yml: None,
            tags: &test.tags,
            package: &test.package,
        }
    });
    models.chain(tests).chain(units).collect()
}

fn union(project: &Project, nodes: &[Node], words: &[String], option: &str) -> Result<BTreeSet<Step>, Error> {
    let mut all = BTreeSet::new();
    for word in words.iter().flat_map(|words| words.split_whitespace()) {
        let mut both: Option<BTreeSet<Step>> = None;
        for part in word.split(',') {
            let criterion = parse(part).map_err(|what| Error::Unknown(format!("{option} {word}: {what}")))?;
            let found = matching(project, nodes, &criterion);
            if found.is_empty() {
                return Err(Error::Unknown(format!(
                    "{option} {part}: there is no model, test, tag or folder of that name; `plumbline models list` names the models"
                )));
            }
            both = Some(match both {
                None => found,
                Some(before) => before.intersection(&found).copied().collect(),
            });
        }
        all.extend(both.unwrap_or_default());
    }
    Ok(with_tests(project, all))
}

fn parse(part: &str) -> Result<Criterion<'_>, String> {
    if part.starts_with('@') || part.ends_with('@') {
        return Err("@ isn't supported: use + before and behind the name".into());
    }
    let digits = part.len() - part.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let (above, rest) = match part[digits..].strip_prefix('+') {
        Some(rest) => (Some(depth(&part[..digits])?), rest),
        None => (None, part),
    };
    let trimmed = rest.trim_end_matches(|c: char| c.is_ascii_digit());
    let (below, rest) = match trimmed.strip_suffix('+') {
        Some(before) => (Some(depth(&rest[trimmed.len()..])?), before),
        None => (None, rest),
    };
    let (method, value) = match rest.split_once(':') {
        None if rest.contains('/') => (Method::Path, rest),
        None => (Method::Name, rest),
        Some(("tag", value)) => (Method::Tag, value),
        Some(("path", value)) => (Method::Path, value),
        Some(("package", value)) => (Method::Package, value),
        Some(("fqn", value)) => (Method::Name, value),
        Some((other, _)) => return Err(format!("the method {other} isn't supported: there are tag, path, package and names")),
    };
    if value.is_empty() {
        return Err("a name is missing".into());
    }
    Ok(Criterion { above, method, value, below })
}

fn depth(digits: &str) -> Result<Option<usize>, String> {
    if digits.is_empty() { Ok(None) } else { digits.parse().map(Some).map_err(|_| format!("{digits} steps are too many")) }
}

fn matching(project: &Project, nodes: &[Node], criterion: &Criterion) -> BTreeSet<Step> {
    let value = criterion.value;
    let is_meant = |node: &&Node| match criterion.method {
        Method::Tag => node.tags.iter().any(|tag| fits(value, tag)),
        Method::Package => fits(value, node.package),
        Method::Path => {
            let value = value.trim_end_matches('/');
            let parts: Vec<&str> = node.path.split('/').collect();
            node.yml.is_some_and(|yml| fits(value, yml)) || (1..=parts.len()).any(|length| fits(value, &parts[..length].join("/")))
        }
        Method::Name => is_named(&node.full, value) || is_named(&node.full[1..], value),
    };
    let direct: BTreeSet<Step> = nodes.iter().filter(is_meant).map(|node| node.step).collect();
    let up: BTreeMap<String, BTreeSet<String>> = project
        .models()
        .iter()
        .map(|model| (model.name.clone(), model.refs.iter().cloned().chain(model.sources.iter().map(as_name)).collect()))
        .collect();
    let down = graph::reversed(&up);
    let mut names = BTreeSet::new();
    for step in &direct {
        match step {
            Step::Model(at) => {
                let Some(model) = project.models().get(*at) else { continue };
                names.extend(criterion.above.iter().flat_map(|most| graph::reached(&model.name, &up, *most)));
                names.extend(criterion.below.iter().flat_map(|most| graph::reached(&model.name, &down, *most)));
            }
            // What a test reads is one step above it.
            Step::Test(at) => {
                let Some(test) = project.assertions().get(*at).filter(|_| criterion.above.is_some()) else { continue };
                names.extend(test.sources.iter().map(as_name));
                for name in &test.refs {
                    names.insert(name.clone());
                    let more = criterion.above.flatten().map(|most| most.saturating_sub(1));
                    names.extend(graph::reached(name, &up, more));
                }
            }
            Step::Unit(_) | Step::Source(_) => {}
        }
    }
    let more = project.models().iter().enumerate().filter(|(_, model)| names.contains(&model.name)).map(|(at, _)| Step::Model(at));
    let sources = project.sources.keys().enumerate().filter(|(_, key)| names.contains(&as_name(key))).map(|(at, _)| Step::Source(at));
    direct.iter().copied().chain(more).chain(sources).collect()
}

/// A table of a source among the names of models: with a dot, which no model has.
fn as_name(key: &(String, String)) -> String {
    format!("{}.{}", key.0, key.1)
}

/// dbt's rule: the last part exactly, or the first parts one by one; from a wildcard on the rest as one text, or the last part alone.
fn is_named(full: &[&str], value: &str) -> bool {
    if full.last() == Some(&value) {
        return true;
    }
    let wanted: Vec<&str> = value.split('.').collect();
    if full.len() < wanted.len() {
        return false;
    }
    for (at, part) in wanted.iter().enumerate() {
        if part.contains(['*', '?', '[', ']']) {
            return fits(&wanted[at..].join("."), &full[at..].join("."))
                || wanted.len() == 1 && full.last().is_some_and(|last| fits(value, last));
        }
        if full[at] != *part {
            return false;
        }
    }
    true
}

/// Wildcards of a shell: `*` any text, `?` one letter.
fn fits(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    // The last star, and how much of the text it has taken.
    let (mut p, mut t, mut star) = (0, 0, None);
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || *c == text[t] => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    p = at + 1;
                    t = taken + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

/// A chosen model or table brings the tests that read it, and a model its unit tests.
fn with_tests(project: &Project, mut chosen: BTreeSet<Step>) -> BTreeSet<Step> {
    let models: BTreeSet<&str> = chosen
        .iter()
        .filter_map(|step| match step {
            Step::Model(at) => project.models().get(*at).map(|model| model.name.as_str()),
            _ => None,
        })
        .collect();
    let tables: BTreeSet<_> =
        project.sources.keys().enumerate().filter(|(at, _)| chosen.contains(&Step::Source(*at))).map(|(_, key)| key).collect();
    let reads = |test: &Assertion| {
        test.refs.iter().any(|name| models.contains(name.as_str())) || test.sources.iter().any(|key| tables.contains(key))
    };
    let tests = project.assertions().iter().enumerate().filter(|(_, test)| reads(test));
    let units = project.unit_tests().iter().enumerate().filter(|(_, test)| models.contains(test.model.as_str()));
    let more: Vec<Step> = tests.map(|(at, _)| Step::Test(at)).chain(units.map(|(at, _)| Step::Unit(at))).collect();
    chosen.extend(more);
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::warehouse::Package;

    fn project() -> Project {
        let files = [
            ("dbt_project.yml", "name: p\nmodels:\n  p:\n    base: {+tags: [low]}\n"),
            ("models/base/a.sql", "-- One row per a.\nselect 1 as id"),
            ("models/base/b.sql", "-- One row per b.\nselect * from {{ ref('a') }}"),
            ("models/top/deep/c.sql", "-- One row per c.\n{{ config(tags=['high', 'x']) }}select * from {{ ref('b') }}"),
            ("models/top/d.sql", "-- One row per d.\nselect * from {{ ref('c') }}"),
            (
                "models/s.yml",
                "models: [{name: b, columns: [{name: id, data_tests: [not_null]}]}]\nunit_tests: [{name: u, model: a, expect: {rows: [{id: 1}]}}]",
            ),
            ("tests/t.sql", "-- Rows: none.\n{{ config(tags='x') }}select * from {{ ref('d') }}"),
        ];
        Project::read(&[Package::of("p/", &files)]).unwrap()
    }

    fn names(select: &[&str], exclude: &[&str]) -> Result<String, String> {
        let project = project();
        let owned = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
        let steps = chosen(&project, &owned(select), &owned(exclude)).map_err(|error| error.to_string())?;
        let name = |step: &Step| match step {
            Step::Model(at) => project.models()[*at].name.clone(),
            Step::Test(at) => project.assertions()[*at].name.clone(),
            Step::Unit(at) => project.unit_tests()[*at].name.clone(),
            Step::Source(_) => "a source".into(),
        };
        let mut names: Vec<_> = steps.iter().map(name).collect();
        names.sort();
        Ok(names.join(" "))
    }

    #[test]
    fn what_dbt_selects() {
        let table: &[(&[&str], &str)] = &[
            (&[], "a b c d not_null_b_id t u"),
            (&["a"], "a u"),
            (&["b"], "b not_null_b_id"),
            (&["+b"], "a b not_null_b_id u"),
            (&["b+"], "b c d not_null_b_id t"),
            (&["1+c"], "b c not_null_b_id"),
            (&["b+1"], "b c not_null_b_id"),
            (&["+c+"], "a b c d not_null_b_id t u"),
            (&["tag:low"], "a b not_null_b_id u"),
            (&["tag:h*"], "c"),
            (&["tag:x"], "c t"),
            (&["top"], "c d t"),
            (&["models/top"], "c d t"),
            (&["path:models/top/deep"], "c"),
            (&["models/top/d.sql"], "d t"),
            (&["top.deep.c"], "c"),
            (&["p.top.*"], "c d t"),
            (&["a d"], "a d t u"),
            (&["a", "c"], "a c u"),
            (&["+d,tag:low"], "a b not_null_b_id u"),
            (&["not_null_b_id"], "not_null_b_id"),
            (&["+t"], "a b c d not_null_b_id t u"),
            (&["u"], "u"),
            (&["package:p,tag:high"], "c"),
            (&["models/s.yml"], "b not_null_b_id u"),
        ];
        for (select, expect) in table {
            assert_eq!(names(select, &[]).unwrap(), *expect, "{select:?}");
        }
        assert_eq!(names(&["+c"], &["a"]).unwrap(), "b c not_null_b_id");
        assert_eq!(names(&[], &["top", "tag:low"]).unwrap_err(), "nothing is left to do: --exclude takes away all that --select names");
    }

    #[test]
    fn what_names_nothing_is_said() {
        assert!(names(&["nowhere"], &[]).unwrap_err().contains("--select nowhere: there is no model"));
        assert!(names(&["a,d"], &[]).unwrap_err().contains("all of what a comma joins"));
        assert!(names(&["a"], &["tag:none"]).unwrap_err().contains("--exclude tag:none"));
        assert!(names(&["@a"], &[]).unwrap_err().contains("@ isn't supported"));
        assert!(names(&["state:modified"], &[]).unwrap_err().contains("the method state isn't supported"));
        assert!(names(&["tag:"], &[]).unwrap_err().contains("a name is missing"));
    }

    #[test]
    fn wildcards_are_those_of_a_shell() {
        for (pattern, text, expect) in [
            ("a*c", "abbc", true),
            ("*", "", true),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("*b*", "abc", true),
            ("a*b", "abc", false),
        ] {
            assert_eq!(fits(pattern, text), expect, "{pattern} {text}");
        }
    }
}
