//! The order in which models are built, and who comes before and after whom.

use std::collections::{BTreeMap, BTreeSet};

/// Names and what each refers to → names, each after what it refers to. Deterministic: by name where nothing else decides.
///
/// # Errors
/// The circle, its first name repeated at its end.
pub(super) fn ordered(refs: &BTreeMap<String, BTreeSet<String>>) -> Result<Vec<String>, Vec<String>> {
    let mut order = Vec::new();
    for name in refs.keys() {
        visit(name, refs, &mut Vec::new(), &mut order)?;
    }
    Ok(order)
}

fn visit(
    name: &str,
    refs: &BTreeMap<String, BTreeSet<String>>,
    path: &mut Vec<String>,
    order: &mut Vec<String>,
) -> Result<(), Vec<String>> {
    if order.iter().any(|done| done == name) {
        return Ok(());
    }
    if let Some(start) = path.iter().position(|above| above == name) {
        let mut circle = path[start..].to_vec();
        circle.push(name.to_owned());
        return Err(circle);
    }
    path.push(name.to_owned());
    for reference in refs.get(name).into_iter().flatten() {
        visit(reference, refs, path, order)?;
    }
    path.pop();
    order.push(name.to_owned());
    Ok(())
}

/// The names that `edges` lead to from `start`, in at most so many steps, without itself.
pub(super) fn reached(start: &str, edges: &BTreeMap<String, BTreeSet<String>>, most: Option<usize>) -> BTreeSet<String> {
    let (mut found, mut edge, mut steps) = (BTreeSet::new(), BTreeSet::from([start.to_owned()]), 0);
    while !edge.is_empty() && most.is_none_or(|most| steps < most) {
        let next = edge.iter().filter_map(|name| edges.get(name)).flatten().filter(|name| !found.contains(*name)).cloned();
        edge = next.collect();
        found.extend(edge.iter().cloned());
        steps += 1;
    }
    found
}

/// The same edges the other way round.
pub(super) fn reversed(edges: &BTreeMap<String, BTreeSet<String>>) -> BTreeMap<String, BTreeSet<String>> {
    let mut other: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, targets) in edges {
        for target in targets {
            other.entry(target.clone()).or_default().insert(name.clone());
        }
    }
    other
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(edges: &[(&str, &[&str])]) -> BTreeMap<String, BTreeSet<String>> {
        edges.iter().map(|(name, refs)| ((*name).into(), refs.iter().map(|r| (*r).into()).collect())).collect()
    }

    #[test]
    fn a_model_comes_after_what_it_refers_to() {
        assert_eq!(ordered(&edges(&[("a", &["c"]), ("b", &[]), ("c", &["b"])])).unwrap(), ["b", "c", "a"]);
    }

    #[test]
    fn a_circle_is_named() {
        assert_eq!(ordered(&edges(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])])).unwrap_err(), ["b", "c", "b"]);
    }

    #[test]
    fn above_and_below_go_as_far_as_asked() {
        let all = edges(&[("c", &["b"]), ("b", &["a"]), ("a", &[])]);
        let names = |found: BTreeSet<String>| found.into_iter().collect::<Vec<_>>();
        assert_eq!(names(reached("c", &all, None)), ["a", "b"]);
        assert_eq!(names(reached("c", &all, Some(1))), ["b"]);
        assert_eq!(names(reached("a", &reversed(&all), None)), ["b", "c"]);
    }
}
