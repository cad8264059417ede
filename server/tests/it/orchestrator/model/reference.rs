//! What the engine should do, as plainly as it can be said: in memory, one step at a time; long because it is one thing to read.

use server::orchestrator::{Dag, Overlap, Repeat, Rule, Selection};
use std::collections::{BTreeMap, BTreeSet};

/// How often an attempt of each class may end so.
pub const LIMIT: usize = 3;

#[derive(Debug, Clone)]
pub struct Run {
    pub dag: Dag,
    pub parameter: u8,
    pub logical: Option<i64>,
    pub tries: Option<usize>,
    pub state: &'static str,
    pub is_cancelled: bool,
    pub has_error: bool,
}

#[derive(Debug, Clone)]
pub struct Task {
    pub run: i64,
    /// Place in the DAG.
    pub place: usize,
    pub name: String,
    pub part: String,
    pub state: &'static str,
    /// A delayed one whose time hasn't come isn't.
    pub is_due: bool,
    pub attempts: Vec<(Option<&'static str>, Option<&'static str>)>,
    pub cleared: usize,
    pub output: Vec<String>,
    /// Who holds it, and whether the lease still holds.
    pub lease: Option<(usize, bool)>,
}

/// One claim: task and attempt, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Claim {
    pub run: i64,
    pub name: String,
    pub part: String,
    pub number: usize,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    New(i64),
    Joined(i64),
    Refused,
}

#[derive(Default)]
pub struct Model {
    pub runs: BTreeMap<i64, Run>,
    pub tasks: Vec<Task>,
    pub paused: BTreeSet<String>,
    /// Pools that aren't here have one slot.
    pub slots: BTreeMap<&'static str, usize>,
}

fn is_live_run(state: &str) -> bool {
    state == "queued" || state == "running"
}

fn is_bad(state: &str) -> bool {
    ["failed", "upstream_failed", "cancelled"].contains(&state)
}

fn has_ended(state: &str) -> bool {
    is_bad(state) || ["success", "skipped"].contains(&state)
}

impl Model {
    fn spec(&self, task: &Task) -> &server::orchestrator::TaskSpec {
        &self.runs[&task.run].dag.tasks[task.place]
    }

    fn live(&self, dag: &str) -> Vec<i64> {
        self.runs.iter().filter(|(_, run)| run.dag.name == dag && is_live_run(run.state)).map(|(id, _)| *id).collect()
    }

    pub fn request(&mut self, dag: &Dag, parameter: u8, repeat: Repeat, logical: Option<i64>, tries: Option<usize>) -> Answer {
        let live = self.live(&dag.name);
        let is_untouched = |id: &i64| self.tasks.iter().filter(|task| task.run == *id).all(|task| task.attempts.is_empty());
        let twin = live.iter().find(|id| {
            let run = &self.runs[id];
            run.parameter == parameter
                && !run.is_cancelled
                && (repeat == Repeat::JoinLive || repeat == Repeat::JoinQueued && is_untouched(id))
        });
        if let Some(&twin) = twin {
            return Answer::Joined(twin);
        }
        match dag.overlap {
            Overlap::Skip if !live.is_empty() => return Answer::Refused,
            Overlap::QueueOne if live.iter().any(|id| self.runs[id].state == "queued") => return Answer::Refused,
            Overlap::CancelOther => live.iter().for_each(|&id| self.cancel(id)),
            _ => {}
        }
        let id = self.runs.len() as i64 + 1;
        let run = Run { dag: dag.clone(), parameter, logical, tries, state: "queued", is_cancelled: false, has_error: false };
        self.runs.insert(id, run);
        for (place, spec) in dag.tasks.iter().enumerate() {
            self.tasks.push(task(id, place, &spec.name, "", "waiting"));
        }
        self.admit(&dag.name);
        Answer::New(id)
    }

    pub fn admit_all(&mut self) {
        let names: BTreeSet<String> = self.runs.values().map(|run| run.dag.name.clone()).collect();
        names.iter().for_each(|name| self.admit(name));
    }

    pub fn admit(&mut self, dag: &str) {
        let live = self.live(dag);
        let Some(overlap) = live.last().map(|id| self.runs[id].dag.overlap) else { return };
        let mut running = live.iter().filter(|id| self.runs[id].state == "running").count();
        let mut admitted = Vec::new();
        for id in live {
            let run = &self.runs[&id];
            let waits = run.dag.depends_on_past && run.logical.is_some_and(|at| self.past_is_open(dag, at));
            let is_alone = overlap == Overlap::Allow || running == 0;
            if run.state == "queued" && !self.paused.contains(dag) && is_alone && !waits {
                running += 1;
                admitted.push(id);
            }
        }
        for &id in &admitted {
            self.run(id).state = "running";
        }
        admitted.into_iter().for_each(|id| self.advance(id));
    }

    /// Has the scheduled run before `at` not succeeded? Cancelled ones don't count.
    fn past_is_open(&self, dag: &str, at: i64) -> bool {
        let before = self.runs.iter().filter(|(_, run)| run.dag.name == dag && run.state != "cancelled" && run.logical < Some(at));
        let last = before.filter_map(|(id, run)| Some((run.logical?, id, run.state))).max();
        last.is_some_and(|(_, _, state)| state != "success")
    }

    fn run(&mut self, id: i64) -> &mut Run {
        self.runs.get_mut(&id).unwrap()
    }

    /// The states of the tasks before a name. Skipped parts say nothing beside others.
    fn parents(&self, run: i64, after: &[String]) -> Vec<&'static str> {
        let mut states = Vec::new();
        for name in after {
            let all: Vec<_> = self.tasks.iter().filter(|task| task.run == run && task.name == *name).map(|task| task.state).collect();
            let told: Vec<_> = all.iter().copied().filter(|state| *state != "skipped").collect();
            states.extend(if told.is_empty() { all } else { told });
        }
        states
    }

    /// What the rule makes of a waiting task.
    pub fn fate(rule: Rule, parents: &[&str]) -> &'static str {
        let ended = parents.iter().all(|state| has_ended(state));
        let bad = parents.iter().any(|state| is_bad(state));
        let skipped = parents.contains(&"skipped");
        match rule {
            Rule::AllSuccess if bad => "upstream_failed",
            Rule::AllSuccess if skipped => "skipped",
            Rule::NoneFailed if bad => "upstream_failed",
            Rule::OneFailed if bad => "ready",
            Rule::OneFailed if ended => "skipped",
            Rule::AllSuccess | Rule::NoneFailed | Rule::AllDone if ended => "ready",
            _ => "waiting",
        }
    }

    fn advance(&mut self, run: i64) {
        loop {
            self.tasks.sort_by_key(|task| (task.run, task.place, task.part.clone()));
            let mut has_moved = false;
            let mut spread: BTreeSet<(usize, String)> = BTreeSet::new();
            for at in 0..self.tasks.len() {
                if self.tasks[at].run != run || self.tasks[at].state != "waiting" {
                    continue;
                }
                let spec = self.spec(&self.tasks[at]).clone();
                let fate = Self::fate(spec.rule, &self.parents(run, &spec.after));
                match &spec.parts_of {
                    Some(parent) if fate == "ready" => drop(spread.insert((self.tasks[at].place, parent.clone()))),
                    _ => {
                        has_moved |= fate != "waiting";
                        self.tasks[at].state = fate;
                        self.tasks[at].is_due = true;
                    }
                }
            }
            for (place, parent) in spread {
                has_moved = true;
                self.spread(run, place, &parent);
            }
            if !has_moved {
                break;
            }
        }
        let states: Vec<&str> = self.tasks.iter().filter(|task| task.run == run).map(|task| task.state).collect();
        if !states.iter().all(|state| has_ended(state)) {
            return;
        }
        let run = self.run(run);
        if is_live_run(run.state) {
            let failed = states.iter().any(|state| ["failed", "upstream_failed"].contains(state));
            run.has_error |= failed;
            run.state = match states.contains(&"cancelled") {
                _ if failed => "failed",
                true if run.has_error => "failed",
                true => "cancelled",
                false => "success",
            };
        }
    }

    /// A task for each part that the parent named; the row that stood for them goes.
    fn spread(&mut self, run: i64, place: usize, parent: &str) {
        let output = self.tasks.iter().find(|task| task.run == run && task.name == parent).unwrap().output.clone();
        let name = self.runs[&run].dag.tasks[place].name.clone();
        for part in &output {
            let old = self.tasks.iter_mut().find(|task| task.run == run && task.place == place && task.part == *part);
            match old {
                Some(old) if old.state == "waiting" => (old.state, old.is_due) = ("ready", true),
                Some(_) => {}
                None => self.tasks.push(task(run, place, &name, part, "ready")),
            }
        }
        let is_of_it = |task: &Task| task.run == run && task.place == place;
        self.tasks.retain(|task| !(is_of_it(task) && task.part.is_empty() && !output.is_empty()));
        for task in self.tasks.iter_mut().filter(|task| is_of_it(task) && task.state == "waiting") {
            task.state = "skipped";
        }
    }

    /// Who may start, the first one first; whether there is a slot for him isn't asked.
    pub fn next(&self) -> Vec<&Task> {
        let is_paused = |task: &Task| self.paused.contains(&self.runs[&task.run].dag.name);
        let mut next: Vec<&Task> =
            self.tasks.iter().filter(|task| ["ready", "delayed"].contains(&task.state) && task.is_due && !is_paused(task)).collect();
        next.sort_by_key(|task| (-self.spec(task).priority, task.run, task.place, task.part.clone()));
        next
    }

    pub fn used(&self) -> BTreeMap<String, usize> {
        let mut used = BTreeMap::new();
        for task in self.tasks.iter().filter(|task| task.lease.is_some_and(|(_, holds)| holds)) {
            self.spec(task).pools.iter().for_each(|pool| *used.entry(pool.clone()).or_default() += 1);
        }
        used
    }

    pub fn claim(&mut self, who: usize, most: usize) -> Vec<Claim> {
        let mut used = self.used();
        let mut claims = Vec::new();
        for task in self.next().into_iter().cloned().collect::<Vec<_>>() {
            let pools = self.spec(&task).pools.clone();
            let is_free =
                pools.iter().all(|pool| used.get(pool).copied().unwrap_or(0) < self.slots.get(pool.as_str()).copied().unwrap_or(1));
            if claims.len() < most && is_free {
                pools.into_iter().for_each(|pool| *used.entry(pool).or_default() += 1);
                let claim = Claim { run: task.run, name: task.name, part: task.part, number: task.attempts.len() + 1 };
                let task = self.find(&claim).unwrap();
                task.attempts.push((None, None));
                (task.state, task.lease) = ("running", Some((who, true)));
                claims.push(claim);
            }
        }
        claims
    }

    pub fn find(&mut self, claim: &Claim) -> Option<&mut Task> {
        self.tasks.iter_mut().find(|task| task.run == claim.run && task.name == claim.name && task.part == claim.part)
    }

    /// Is the claim still the one that counts?
    pub fn is_held(&self, claim: &Claim) -> bool {
        let is_it = |task: &Task| task.run == claim.run && task.name == claim.name && task.part == claim.part;
        self.tasks.iter().any(|task| is_it(task) && task.state == "running" && task.attempts.len() == claim.number)
    }

    /// It ended well; without effect when the claim doesn't count any more.
    pub fn succeed(&mut self, claim: &Claim, state: &'static str, output: Vec<String>) {
        if self.is_held(claim) {
            self.end(claim, state, "success", None);
            self.find(claim).unwrap().output = output;
            self.advance(claim.run);
        }
    }

    /// It ended badly: `class` is none for a lost one.
    pub fn fail(&mut self, claim: &Claim, outcome: &'static str, class: Option<&'static str>, is_due: bool) {
        if !self.is_held(claim) {
            return;
        }
        let run = self.runs[&claim.run].clone();
        let most = run.dag.tasks[self.find(claim).unwrap().place].max_attempts as usize;
        self.end(claim, "delayed", outcome, class);
        let task = self.find(claim).unwrap();
        task.is_due = is_due;
        let ended = &task.attempts[task.cleared..];
        let count = |wanted: &[&str]| ended.iter().filter(|(_, class)| class.is_some_and(|class| wanted.contains(&class))).count();
        let is_over = match class {
            Some("final") => true,
            Some("retryable") => count(&["retryable", "final"]) >= run.tries.map_or(most, |tries| tries.min(most)),
            Some(class) => count(&[class]) >= LIMIT,
            None => ended.iter().filter(|(outcome, _)| *outcome == Some("lost")).count() >= LIMIT,
        };
        let all = count(&["retryable", "final", "rate_limited", "not_ready"]);
        let is_spent = class.is_some() && run.tries.is_some_and(|tries| all >= tries);
        self.after_bad(claim, is_over || is_spent);
    }

    fn after_bad(&mut self, claim: &Claim, is_over: bool) {
        let is_cancelled = self.runs[&claim.run].is_cancelled;
        if is_cancelled {
            self.find(claim).unwrap().state = "cancelled";
        } else if is_over {
            self.find(claim).unwrap().state = "failed";
            self.run(claim.run).has_error = true;
        }
        self.advance(claim.run);
    }

    fn end(&mut self, claim: &Claim, state: &'static str, outcome: &'static str, class: Option<&'static str>) {
        let task = self.find(claim).unwrap();
        (task.state, task.lease) = (state, None);
        *task.attempts.last_mut().unwrap() = (Some(outcome), class);
    }

    /// Given back by whoever stops.
    pub fn release(&mut self, claim: &Claim) {
        if self.is_held(claim) {
            self.end(claim, "ready", "cancelled", None);
            self.find(claim).unwrap().is_due = true;
            self.after_bad(claim, false);
        }
    }

    pub fn reap(&mut self, gone: Option<usize>) {
        let lost: Vec<Claim> = self
            .tasks
            .iter()
            .filter(|task| task.lease.is_some_and(|(who, holds)| !holds || Some(who) == gone))
            .map(|task| Claim { run: task.run, name: task.name.clone(), part: task.part.clone(), number: task.attempts.len() })
            .collect();
        for claim in lost {
            self.end(&claim, "ready", "lost", None);
            let task = self.find(&claim).unwrap();
            task.is_due = true;
            let lost = task.attempts[task.cleared..].iter().filter(|(outcome, _)| *outcome == Some("lost")).count();
            self.after_bad(&claim, lost >= LIMIT);
        }
    }

    pub fn cancel(&mut self, run: i64) {
        if is_live_run(self.runs[&run].state) {
            self.run(run).is_cancelled = true;
            for task in self.tasks.iter_mut().filter(|task| task.run == run && ["waiting", "ready", "delayed"].contains(&task.state)) {
                task.state = "cancelled";
            }
            self.advance(run);
        }
    }

    /// By a person: a failed one is written off, and others may be waiting for that.
    pub fn cancel_by_hand(&mut self, run: i64) {
        match self.runs[&run].state {
            "failed" => self.run(run).state = "cancelled",
            _ => self.cancel(run),
        }
        self.admit_all();
    }

    /// It took too long.
    pub fn time_out(&mut self, run: i64) {
        if self.runs[&run].state == "running" && !self.runs[&run].is_cancelled {
            self.run(run).has_error = true;
            self.cancel(run);
        }
    }

    /// Nobody came for it.
    pub fn give_up(&mut self, claim: &Claim) {
        self.find(claim).unwrap().state = "failed";
        self.run(claim.run).has_error = true;
        self.advance(claim.run);
    }

    /// Answers whether it was done.
    pub fn clear(&mut self, run: i64, selection: &Selection) -> bool {
        if self.runs[&run].is_cancelled && is_live_run(self.runs[&run].state) {
            return false;
        }
        let is_named = |task: &Task| task.run == run && (selection.tasks.is_empty() || selection.tasks.contains(&task.name));
        let is_meant = |task: &Task| is_named(task) && (!selection.only_failed || is_bad(task.state));
        let mut meant: BTreeSet<(String, String)> =
            self.tasks.iter().filter(|task| is_meant(task)).map(|task| (task.name.clone(), task.part.clone())).collect();
        let named: BTreeSet<String> = meant.iter().map(|(name, _)| name.clone()).collect();
        if selection.downstream {
            let dag = self.runs[&run].dag.clone();
            let below: BTreeSet<&str> = named.iter().flat_map(|name| downstream(&dag, name)).collect();
            let added = self.tasks.iter().filter(|task| task.run == run && below.contains(&*task.name) && !named.contains(&task.name));
            meant.extend(added.map(|task| (task.name.clone(), task.part.clone())));
        }
        let is_meant = |task: &Task| task.run == run && meant.contains(&(task.name.clone(), task.part.clone()));
        let is_live = |task: &Task| ["ready", "delayed", "running"].contains(&task.state);
        let is_refused = self.tasks.iter().any(|task| is_meant(task) && is_live(task));
        if is_refused || !self.tasks.iter().any(|task| is_meant(task) && has_ended(task.state)) {
            return false;
        }
        for task in self.tasks.iter_mut().filter(|task| is_meant(task) && has_ended(task.state)) {
            (task.state, task.cleared, task.output) = ("waiting", task.attempts.len(), Vec::new());
        }
        if is_live_run(self.runs[&run].state) {
            let is_failed = self.tasks.iter().any(|task| task.run == run && task.state == "failed");
            self.run(run).has_error &= is_failed;
            if self.runs[&run].state == "running" {
                self.advance(run);
            }
        } else {
            let dag = self.runs[&run].dag.name.clone();
            let run = self.run(run);
            (run.state, run.has_error, run.is_cancelled) = ("queued", false, false);
            self.admit(&dag);
        }
        true
    }
}

fn task(run: i64, place: usize, name: &str, part: &str, state: &'static str) -> Task {
    let (name, part) = (name.to_owned(), part.to_owned());
    Task { run, place, name, part, state, is_due: true, attempts: Vec::new(), cleared: 0, output: Vec::new(), lease: None }
}

/// `task` and everything that comes after it, by name.
fn downstream<'a>(dag: &'a Dag, task: &str) -> BTreeSet<&'a str> {
    let mut found = BTreeSet::new();
    let mut next = vec![task.to_owned()];
    while let Some(name) = next.pop() {
        for spec in &dag.tasks {
            let follows = spec.name == name || spec.after.contains(&name);
            if follows && found.insert(spec.name.as_str()) {
                next.push(spec.name.clone());
            }
        }
    }
    found
}
