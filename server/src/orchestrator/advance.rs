//! What follows from the states of a run's tasks: who is ready, who never will be, and whether the run has ended. Pure.

use super::{Rule, TaskState};

/// One row of `ops.task`, as far as the others matter to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub name: String,
    pub after: Vec<String>,
    pub rule: Rule,
    pub state: TaskState,
}

/// What happens to a waiting task.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Ready,
    Skipped,
    UpstreamFailed,
}

impl Rule {
    /// `None`: it goes on waiting.
    fn fate(self, parents: &[TaskState]) -> Option<Fate> {
        let all_ended = parents.iter().all(|state| state.has_ended());
        let failed = parents.iter().any(|state| state.is_bad());
        let skipped = parents.contains(&TaskState::Skipped);
        match self {
            Self::AllSuccess | Self::NoneFailed if failed => Some(Fate::UpstreamFailed),
            Self::AllSuccess if skipped => Some(Fate::Skipped),
            Self::OneFailed if failed => Some(Fate::Ready),
            Self::OneFailed if all_ended => Some(Fate::Skipped),
            Self::AllSuccess | Self::AllDone | Self::NoneFailed if all_ended => Some(Fate::Ready),
            _ => None,
        }
    }
}

/// The waiting tasks whose turn has come, with the state that each takes: `Ready`, `Skipped` or `UpstreamFailed`. A task that is
/// skipped decides about those after it in the same answer. Where the `Ready` one is a fan-out that isn't spread out, it stands for
/// all its parts.
pub fn moves(tasks: &[Node]) -> Vec<(usize, TaskState)> {
    let mut states: Vec<TaskState> = tasks.iter().map(|task| task.state).collect();
    let mut moves = Vec::new();
    loop {
        let before = moves.len();
        for (at, task) in tasks.iter().enumerate() {
            if states[at] != TaskState::Waiting {
                continue;
            }
            let parents: Vec<TaskState> = task.after.iter().flat_map(|name| states_of(tasks, &states, name)).collect();
            let state = match task.rule.fate(&parents) {
                None => continue,
                Some(Fate::Ready) => TaskState::Ready,
                Some(Fate::Skipped) => TaskState::Skipped,
                Some(Fate::UpstreamFailed) => TaskState::UpstreamFailed,
            };
            states[at] = state;
            moves.push((at, state));
        }
        if moves.len() == before {
            return moves;
        }
    }
}

/// The states of a task's parts. One that was skipped says nothing beside others that weren't: there was nothing to do for it.
fn states_of(tasks: &[Node], states: &[TaskState], name: &str) -> Vec<TaskState> {
    let all: Vec<TaskState> = tasks.iter().zip(states).filter(|(task, _)| task.name == name).map(|(_, &state)| state).collect();
    let told: Vec<TaskState> = all.iter().copied().filter(|state| *state != TaskState::Skipped).collect();
    if told.is_empty() { all } else { told }
}

/// How a run ended, or `None` while a task of it hasn't. One failed task is a failed run, also where another was there to clean up
/// after it: a success never hides a failure.
pub fn end(states: impl IntoIterator<Item = TaskState>) -> Option<TaskState> {
    let mut end = TaskState::Success;
    for state in states {
        match state {
            state if !state.has_ended() => return None,
            TaskState::Cancelled if end != TaskState::Failed => end = TaskState::Cancelled,
            TaskState::Failed | TaskState::UpstreamFailed => end = TaskState::Failed,
            _ => {}
        }
    }
    Some(end)
}

#[cfg(test)]
mod tests {
    use super::*;
    use TaskState::*;

    fn node(name: &str, after: &[&str], rule: Rule, state: TaskState) -> Node {
        let after = after.iter().map(|&name| name.to_owned()).collect();
        Node { name: name.to_owned(), after, rule, state }
    }

    /// What becomes of one task after two parents.
    fn after(rule: Rule, parents: [TaskState; 2]) -> Option<TaskState> {
        let tasks = [node("a", &[], rule, parents[0]), node("b", &[], rule, parents[1]), node("c", &["a", "b"], rule, Waiting)];
        moves(&tasks).first().map(|(_, state)| *state)
    }

    #[test]
    fn each_rule_reads_its_parents() {
        for (rule, parents, fate) in [
            (Rule::AllSuccess, [Success, Success], Some(Ready)),
            (Rule::AllSuccess, [Success, Running], None),
            (Rule::AllSuccess, [Failed, Running], Some(UpstreamFailed)),
            (Rule::AllSuccess, [Success, Skipped], Some(Skipped)),
            (Rule::NoneFailed, [Success, Skipped], Some(Ready)),
            (Rule::NoneFailed, [Skipped, UpstreamFailed], Some(UpstreamFailed)),
            (Rule::AllDone, [Failed, Skipped], Some(Ready)),
            (Rule::AllDone, [Failed, Delayed], None),
            (Rule::OneFailed, [Failed, Running], Some(Ready)),
            (Rule::OneFailed, [Success, Running], None),
            (Rule::OneFailed, [Success, Skipped], Some(Skipped)),
            (Rule::OneFailed, [Cancelled, Success], Some(Ready)),
        ] {
            assert_eq!(after(rule, parents), fate, "{rule:?} after {parents:?}");
        }
    }

    #[test]
    fn what_cannot_start_stops_what_follows_it() {
        let rule = Rule::AllSuccess;
        let chain = [node("c", &["b"], rule, Waiting), node("b", &["a"], rule, Waiting), node("a", &[], rule, Failed)];
        assert_eq!(moves(&chain), [(1, UpstreamFailed), (0, UpstreamFailed)], "in whatever order they stand");
        assert_eq!(moves(&[node("a", &[], rule, Waiting)]), [(0, Ready)]);
    }

    #[test]
    fn a_skipped_part_says_nothing_beside_others() {
        let rule = Rule::AllSuccess;
        let parts = |one, other| [node("each", &[], rule, one), node("each", &[], rule, other), node("last", &["each"], rule, Waiting)];
        assert_eq!(moves(&parts(Skipped, Success)), [(2, Ready)]);
        assert_eq!(moves(&parts(Skipped, Running)), []);
        assert_eq!(moves(&parts(Skipped, Skipped)), [(2, Skipped)]);
    }

    #[test]
    fn a_run_ends_with_its_last_task_and_hides_no_failure() {
        assert_eq!(end([Success, Running]), None);
        assert_eq!(end([Success, Skipped]), Some(Success));
        assert_eq!(end([Failed, Success]), Some(Failed));
        assert_eq!(end([Failed, Cancelled]), Some(Failed));
        assert_eq!(end([Success, Cancelled]), Some(Cancelled));
        assert_eq!(end([]), Some(Success));
    }
}
