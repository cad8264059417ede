//! Where a DAG's tasks stand in its picture. Pure.

use std::collections::BTreeMap;

/// A task of the picture: all parts of a fan-out are one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) name: String,
    pub(super) after: Vec<String>,
    /// The longest way to it, in steps.
    pub(super) depth: usize,
    /// Its place among those of its depth.
    pub(super) place: usize,
}

/// Lays out tasks, each with the names of those before it, in the order in which they are shown. A name that isn't there is left
/// out; in a circle, which no DAG has, the depth ends with the number of tasks.
pub(super) fn lay_out(tasks: &[(String, Vec<String>)]) -> Vec<Node> {
    let mut depths: BTreeMap<&str, usize> = tasks.iter().map(|(name, _)| (name.as_str(), 0)).collect();
    for _ in 0..tasks.len() {
        let mut has_moved = false;
        for (name, after) in tasks {
            let depth = after.iter().filter_map(|parent| depths.get(parent.as_str())).map(|depth| depth + 1).max().unwrap_or(0);
            if depth.min(tasks.len()) > depths[name.as_str()] {
                depths.insert(name, depth.min(tasks.len()));
                has_moved = true;
            }
        }
        if !has_moved {
            break;
        }
    }
    let mut filled: BTreeMap<usize, usize> = BTreeMap::new();
    tasks
        .iter()
        .map(|(name, after)| {
            let depth = depths[name.as_str()];
            let place = filled.entry(depth).or_default();
            *place += 1;
            let after = after.iter().filter(|parent| depths.contains_key(parent.as_str())).cloned().collect();
            Node { name: name.clone(), after, depth, place: *place - 1 }
        })
        .collect()
}

/// How many stand in each depth.
pub(super) fn heights(nodes: &[Node]) -> Vec<usize> {
    let layers = nodes.iter().map(|node| node.depth + 1).max().unwrap_or(0);
    (0..layers).map(|depth| nodes.iter().filter(|node| node.depth == depth).count()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn places(edges: &[(&str, &[&str])]) -> Vec<(String, usize, usize)> {
        let tasks: Vec<_> =
            edges.iter().map(|(name, after)| ((*name).to_owned(), after.iter().map(|&parent| parent.to_owned()).collect())).collect();
        lay_out(&tasks).into_iter().map(|node| (node.name, node.depth, node.place)).collect()
    }

    #[test]
    fn each_task_stands_behind_those_before_it() {
        let diamond = places(&[("a", &[]), ("b", &["a"]), ("c", &["a"]), ("d", &["b", "c"]), ("e", &["d", "a", "unknown"])]);
        let expected = [("a", 0, 0), ("b", 1, 0), ("c", 1, 1), ("d", 2, 0), ("e", 3, 0)];
        assert_eq!(diamond, expected.map(|(name, depth, place)| (name.to_owned(), depth, place)));
    }

    #[test]
    fn order_and_circles_do_no_harm() {
        assert_eq!(places(&[("b", &["a"]), ("a", &[])])[0], ("b".to_owned(), 1, 0));
        assert_eq!(places(&[("a", &["b"]), ("b", &["a"])]).len(), 2);
        assert!(heights(&lay_out(&[])).is_empty());
    }
}
