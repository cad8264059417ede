//! The order in which models are built: each after those that it refers to.

use super::Error;
use std::collections::{BTreeMap, BTreeSet};

/// Orders names so that each comes after its references; by name where that leaves a choice.
///
/// # Errors
/// [`Error::Cycle`] with the names on the circle, [`Error::Unknown`] for a reference to a model that doesn't exist.
pub(super) fn ordered(refs: &BTreeMap<String, BTreeSet<String>>) -> Result<Vec<String>, Error> {
    let mut order = Vec::new();
    for name in refs.keys() {
        visit(name, refs, &mut Vec::new(), &mut order)?;
    }
    Ok(order)
}

fn visit(name: &str, refs: &BTreeMap<String, BTreeSet<String>>, path: &mut Vec<String>, order: &mut Vec<String>) -> Result<(), Error> {
    if order.iter().any(|done| done == name) {
        return Ok(());
    }
    if let Some(start) = path.iter().position(|above| above == name) {
        let mut circle = path[start..].to_vec();
        circle.push(name.to_owned());
        return Err(Error::Cycle(circle.join(" → ")));
    }
    let Some(wanted) = refs.get(name) else {
        let by = path.last().map_or("", String::as_str);
        return Err(Error::Unknown(format!("{by} refers to the model {name}, which doesn't exist")));
    };
    path.push(name.to_owned());
    for reference in wanted {
        visit(reference, refs, path, order)?;
    }
    path.pop();
    order.push(name.to_owned());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &[&str])]) -> Result<Vec<String>, Error> {
        ordered(&edges.iter().map(|(name, refs)| ((*name).into(), refs.iter().map(|r| (*r).into()).collect())).collect())
    }

    #[test]
    fn a_model_comes_after_what_it_refers_to() {
        assert_eq!(graph(&[("a", &["c"]), ("b", &[]), ("c", &["b"])]).unwrap(), ["b", "c", "a"]);
    }

    #[test]
    fn a_circle_is_named() {
        let error = graph(&[("a", &["b"]), ("b", &["c"]), ("c", &["b"])]).unwrap_err();
        assert_eq!(error.to_string(), "models refer to each other in a circle: b → c → b. Break it by removing one ref");
    }

    #[test]
    fn a_missing_model_is_named_with_who_wants_it() {
        assert_eq!(graph(&[("a", &["x"])]).unwrap_err().to_string(), "a refers to the model x, which doesn't exist");
    }
}
