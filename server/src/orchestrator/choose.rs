//! Which of the ready tasks start now, so that no pool gets more than its slots. Pure.

use std::collections::BTreeMap;

/// A ready task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    pub task_id: i64,
    /// It needs a slot in each.
    pub pools: Vec<String>,
}

/// Slots of a pool that nobody gave a number.
const ONE: i64 = 1;

/// The first `most` candidates, in their order, that find a free slot in all their pools. One that doesn't is passed over: it takes
/// nothing away from those behind it.
pub fn choose(candidates: &[Candidate], used: &BTreeMap<String, i64>, slots: &BTreeMap<String, i64>, most: usize) -> Vec<i64> {
    let mut used = used.clone();
    let mut chosen = Vec::new();
    for candidate in candidates {
        if chosen.len() == most {
            break;
        }
        let is_free = |pool: &String| used.get(pool).copied().unwrap_or(0) < slots.get(pool).copied().unwrap_or(ONE);
        if candidate.pools.iter().all(is_free) {
            for pool in &candidate.pools {
                *used.entry(pool.clone()).or_default() += 1;
            }
            chosen.push(candidate.task_id);
        }
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn candidate(task_id: i64, pools: &[&str]) -> Candidate {
        Candidate { task_id, pools: pools.iter().map(|&pool| pool.to_owned()).collect() }
    }

    #[test]
    fn who_finds_no_slot_is_passed_over() {
        let candidates = [candidate(1, &["a", "b"]), candidate(2, &["a"]), candidate(3, &["c"]), candidate(4, &[])];
        let none = BTreeMap::new();
        assert_eq!(choose(&candidates, &none, &none, 10), [1, 3, 4]);
        assert_eq!(choose(&candidates, &[("b".to_owned(), 1)].into(), &none, 10), [2, 3, 4]);
        assert_eq!(choose(&candidates, &none, &[("a".to_owned(), 2), ("c".to_owned(), 0)].into(), 10), [1, 2, 4]);
        assert_eq!(choose(&candidates, &none, &none, 2), [1, 3]);
    }

    proptest! {
        #[test]
        fn no_pool_gets_more_than_its_slots_and_no_free_one_is_left(
            pools in prop::collection::vec(prop::collection::btree_set(0u8..4, 0..3), 0..20), slots in prop::collection::btree_map(0u8..4, 0i64..4, 0..4),
        ) {
            let slots: BTreeMap<String, i64> = slots.into_iter().map(|(pool, slots)| (pool.to_string(), slots)).collect();
            let candidates: Vec<Candidate> = (0..).zip(&pools)
                .map(|(task_id, pools)| Candidate { task_id, pools: pools.iter().map(u8::to_string).collect() }).collect();
            let chosen = choose(&candidates, &BTreeMap::new(), &slots, usize::MAX);
            let mut used: BTreeMap<String, i64> = BTreeMap::new();
            for candidate in candidates.iter().filter(|candidate| chosen.contains(&candidate.task_id)) {
                for pool in &candidate.pools {
                    *used.entry(pool.clone()).or_default() += 1;
                }
            }
            let room = |pool: &String| slots.get(pool).copied().unwrap_or(1) - used.get(pool).copied().unwrap_or(0);
            prop_assert!(used.keys().all(|pool| room(pool) >= 0));
            let mut left = candidates.iter().filter(|candidate| !chosen.contains(&candidate.task_id));
            prop_assert!(left.all(|candidate| candidate.pools.iter().any(|pool| room(pool) == 0)));
        }
    }
}
