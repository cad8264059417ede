//! When each task of a run waited and worked, on one line of time.

use super::parts::{clock, length, role};
use crate::{
    format,
    pipeline::model::{AttemptRow, Run, TaskRow},
};
use chrono::{DateTime, TimeDelta, Utc};
use leptos::prelude::*;

/// A fan-out of hundreds says nothing more after these.
const MOST_ROWS: usize = 60;

/// The stretch that the picture shows.
#[derive(Debug, Clone, Copy)]
struct Span {
    from: DateTime<Utc>,
    length: f64,
}

impl Span {
    /// Left edge and width in percent; never too narrow to be seen.
    fn place(self, from: DateTime<Utc>, to: DateTime<Utc>) -> (f64, f64) {
        let share = |length: TimeDelta| length.num_milliseconds() as f64 / self.length * 100.0;
        let left = share(from - self.from).clamp(0.0, 99.6);
        (left, share(to - from).clamp(0.4, 100.0 - left))
    }
}

pub(super) fn card(run: &Run) -> AnyView {
    let begun: Vec<&TaskRow> = run.tasks.iter().filter(|task| !task.attempts.is_empty()).collect();
    let first = begun.iter().flat_map(|task| &task.attempts).map(|attempt| attempt.ready_at.unwrap_or(attempt.started_at)).min();
    let Some(from) = first else { return ().into_any() };
    let to = run.run.ended_at.unwrap_or(run.rendered_at).max(from + TimeDelta::milliseconds(100));
    let span = Span { from, length: (to - from).num_milliseconds() as f64 };
    let left_out = begun.len().saturating_sub(MOST_ROWS);
    let rows = begun.iter().take(MOST_ROWS).map(|task| row(task, span, to)).collect_view();
    view! {
        <section class="card wide">
            <header>
                <h2>"When it waited and worked"</h2>
                <p class="legend"><span class="g-queue">"waited for a worker"</span><span class="g-work">"worked, in the color of how it ended"</span></p>
            </header>
            <div class="gantt">
                {rows}
                <p class="gantt-row axis"><span></span><span class="lane"><small>{clock(from)}" UTC"</small><small>{length(to - from)}</small></span></p>
            </div>
            {(left_out > 0).then(|| view! { <p class="mute">{format!("… and {left_out} more.")}</p> })}
        </section>
    }
    .into_any()
}

fn row(task: &TaskRow, span: Span, now: DateTime<Utc>) -> AnyView {
    let bars = task.attempts.iter().map(|attempt| bars(attempt, span, now)).collect_view();
    let name = format::identifier(&task.name);
    let label = if task.part.is_empty() { name } else { format!("{name} · {}", task.part) };
    view! { <p class="gantt-row"><a href=format!("#task-{}", task.task_id)>{label}</a><span class="lane">{bars}</span></p> }.into_any()
}

fn bars(attempt: &AttemptRow, span: Span, now: DateTime<Utc>) -> AnyView {
    let end = attempt.ended_at.unwrap_or(now).max(attempt.started_at);
    let queue = attempt.ready_at.filter(|ready| *ready < attempt.started_at).map(|ready| {
        let (left, width) = span.place(ready, attempt.started_at);
        let waited = format!("attempt {}: waited {}", attempt.number, length(attempt.started_at - ready));
        view! { <i class="g-queue" style=format!("left:{left:.2}%;width:{width:.2}%") title=waited></i> }
    });
    let outcome = attempt.outcome.as_deref().unwrap_or("running");
    let (left, width) = span.place(attempt.started_at, end);
    let worked = format!("attempt {}: {outcome} after {}", attempt.number, length(end - attempt.started_at));
    let class = format!("g-work {}", role(outcome));
    view! { {queue}<i class=class style=format!("left:{left:.2}%;width:{width:.2}%") title=worked></i> }.into_any()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_stay_in_the_picture_and_are_seen() {
        let from: DateTime<Utc> = "2026-11-20T14:00:00Z".parse().unwrap();
        let span = Span { from, length: 10_000.0 };
        let at = |seconds| from + TimeDelta::seconds(seconds);
        assert_eq!(span.place(at(0), at(5)), (0.0, 50.0));
        assert_eq!(span.place(at(5), at(5)), (50.0, 0.4));
        let (left, width) = span.place(at(20), at(30));
        assert!(left + width <= 100.01, "{left} {width}");
        assert_eq!(span.place(at(-5), at(5)).0, 0.0);
    }
}
