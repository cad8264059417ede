//! What happens to the engine in a trial: operations, the DAGs that they work on, and how often each is drawn.

use super::CLAIMANTS;
use proptest::prelude::*;
use server::orchestrator::{Dag, Overlap, Repeat, Rule, TaskSpec};
use std::time::Duration;

/// Something that happens. Numbers choose among what there is, modulo its count.
#[derive(Debug, Clone)]
pub enum Operation {
    Request {
        dag: u8,
        overlap: Overlap,
        parameter: u8,
        repeat: Repeat,
        hour: u8,
        one_try: bool,
    },
    Claim {
        who: u8,
        most: u8,
    },
    Settle {
        which: u8,
        end: Ending,
    },
    /// By somebody whose claim doesn't count any more.
    SettleLate {
        which: u8,
        end: Ending,
    },
    SettleAll,
    /// In the transaction of its effect.
    Complete {
        which: u8,
    },
    LoseLease {
        which: u8,
    },
    Reap {
        gone: Option<u8>,
    },
    /// Whatever was put off is due.
    TimePasses,
    WaitTooLong {
        which: u8,
    },
    RunTooLong {
        which: u8,
    },
    Cancel {
        run: u8,
    },
    Clear {
        run: u8,
        task: Option<u8>,
        downstream: bool,
        only_failed: bool,
    },
    Pause {
        dag: u8,
    },
    Resume {
        dag: u8,
    },
    AdmitAll,
    AdvanceAll,
}

#[derive(Debug, Clone, Copy)]
pub enum Ending {
    Done,
    Parts(u8),
    Twins,
    Skipped,
    Retryable,
    Final,
    RateLimited,
    NotReady,
    Interrupted,
    Timeout,
    OutOfTime,
    Panic,
    Dropped,
    Cancelled,
}

/// DAGs of every shape: a chain, branches that meet, rules, a fan-out, one that waits for its past.
pub fn dags() -> Vec<Dag> {
    let spec = |name: &str| TaskSpec { max_attempts: 2, queue_timeout: Some(Duration::from_secs(3600)), ..TaskSpec::new(name, "Trying") };
    let ruled = |name: &str, rule, after: &[&str]| TaskSpec { rule, ..spec(name).after(after) };
    vec![
        Dag::new("chain", vec![spec("a"), spec("b").after(&["a"]).pools(&["one"]), spec("c").after(&["b"])]),
        Dag::new(
            "diamond",
            vec![
                spec("a"),
                spec("b").after(&["a"]).pools(&["two"]),
                TaskSpec { priority: 5, ..spec("c").after(&["a"]).pools(&["two", "one"]) },
                spec("d").after(&["a"]).pools(&["two"]),
                ruled("e", Rule::NoneFailed, &["b", "c", "d"]),
            ],
        ),
        Dag::new(
            "rules",
            vec![
                spec("a"),
                spec("b"),
                spec("c").after(&["a", "b"]),
                ruled("d", Rule::OneFailed, &["a", "c"]),
                ruled("e", Rule::AllDone, &["b", "d"]),
            ],
        ),
        Dag::new(
            "fan",
            vec![spec("a"), spec("b").for_each_of("a").pools(&["two"]), spec("c").after(&["b"]), ruled("d", Rule::AllDone, &["b"])],
        ),
        Dag { depends_on_past: true, ..Dag::new("past", vec![spec("a"), spec("b").after(&["a"])]) },
    ]
}

/// How an attempt may end.
fn ending() -> impl Strategy<Value = Ending> {
    use Ending::*;
    prop_oneof![
        6 => Just(Done),
        4 => (0u8..4).prop_map(Parts),
        1 => Just(Twins),
        2 => Just(Skipped),
        2 => Just(Retryable),
        2 => Just(Final),
        1 => Just(RateLimited),
        1 => Just(NotReady),
        1 => Just(Interrupted),
        1 => Just(Timeout),
        1 => Just(OutOfTime),
        1 => Just(Panic),
        1 => Just(Dropped),
        1 => Just(Cancelled),
    ]
}

/// Any operation, the usual ones more often.
pub fn operation() -> impl Strategy<Value = Operation> {
    use Operation::*;
    let overlap = prop_oneof![
        Just(Overlap::Allow),
        Just(Overlap::Skip),
        Just(Overlap::QueueOne),
        Just(Overlap::QueueAll),
        Just(Overlap::CancelOther)
    ];
    let repeat = prop_oneof![1 => Just(Repeat::JoinLive), 1 => Just(Repeat::JoinQueued), 2 => Just(Repeat::Always)];
    let request = (0u8..5, overlap, 0u8..2, repeat, 0u8..4, prop::bool::weighted(0.2))
        .prop_map(|(dag, overlap, parameter, repeat, hour, one_try)| Request { dag, overlap, parameter, repeat, hour, one_try });
    let task = prop::option::of(0u8..5);
    prop_oneof![
        6 => request,
        10 => (0..CLAIMANTS, 0u8..4).prop_map(|(who, most)| Claim { who, most }),
        12 => ((0u8..12), ending()).prop_map(|(which, end)| Settle { which, end }),
        3 => ((0u8..12), ending()).prop_map(|(which, end)| SettleLate { which, end }),
        2 => Just(SettleAll),
        2 => (0u8..12).prop_map(|which| Complete { which }),
        3 => (0u8..12).prop_map(|which| LoseLease { which }),
        3 => prop::option::of(0..CLAIMANTS).prop_map(|gone| Reap { gone }),
        1 => Just(TimePasses),
        1 => (0u8..12).prop_map(|which| WaitTooLong { which }),
        1 => (0u8..12).prop_map(|which| RunTooLong { which }),
        2 => (0u8..12).prop_map(|run| Cancel { run }),
        5 => ((0u8..12), task, any::<bool>(), any::<bool>())
            .prop_map(|(run, task, downstream, only_failed)| Clear { run, task, downstream, only_failed }),
        1 => (0u8..5).prop_map(|dag| Pause { dag }),
        2 => (0u8..5).prop_map(|dag| Resume { dag }),
        2 => Just(AdmitAll),
        1 => Just(AdvanceAll),
    ]
}
