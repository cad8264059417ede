//! A run's page in words: what became of it and what to do, each task with its attempts and their log, the notes.

use super::parts::{button, chip, clock, length, role, took};
use crate::{
    format,
    pipeline::model::{AttemptRow, LogLine, Run, TaskRow},
    routes,
};
use leptos::prelude::*;
use serde_json::Value;

/// A fan-out of thousands is shown by its parts in trouble first.
const MOST_TASKS: usize = 150;

/// Failed tasks that are named on top.
const MOST_NAMED: usize = 6;

/// State, error, the next step.
pub(super) fn head(run: &Run) -> AnyView {
    let row = &run.run;
    let number = || ("run_id", row.run_id.to_string());
    let can_clear =
        run.may_change && row.has_ended() && run.tasks.iter().any(|task| matches!(role(&task.state), "bad") || task.state == "cancelled");
    let clear = can_clear.then(|| button("clear", "Clear what failed", false, &[number()], None));
    let cancel = (run.may_change && !row.has_ended() && !run.is_cancelling)
        .then(|| button("cancel", "Cancel the run", true, &[number()], Some("Cancel this run? What has committed stays.")));
    let again = can_clear.then(|| {
        view! { <p class="mute">"Clearing performs the failed tasks, and those that waited for them, once more. What they had done already is kept; all attempts stay below."</p> }
    });
    let failed = run.tasks.iter().filter(|task| task.state == "failed").take(MOST_NAMED).enumerate();
    let failed: Vec<_> = failed
        .map(|(at, task)| view! { {(at > 0).then_some(", ")}<a class="more" href=format!("#task-{}", task.task_id)>{titled(task)}</a> })
        .collect();
    let trouble = (!failed.is_empty()).then(|| view! { <p>"Failed: "{failed}<span class="mute">" · attempts and log below"</span></p> });
    let held = row.held_by.as_ref().map(|reason| view! { <p class="note warn">"Waiting: "{reason.clone()}</p> });
    let error = row.error.as_ref().map(|error| view! { <p class="note wrong" role="alert">{error.clone()}</p> });
    let deadline = run.deadline_at.filter(|_| !row.has_ended()).map(|at| format!(" · due at {}", format::instant(at, run.rendered_at)));
    let backfill = run.backfill_id.map(|id| format!(" · part of backfill {id}"));
    view! {
        <section class="card wide run-head" data-state=row.state.clone()>
            <header>
                {chip(if run.is_cancelling && !row.has_ended() { "cancelling" } else { &row.state })}
                <h2>{format::identifier(&row.dag)}</h2>
                <span>{row.covers.clone()}</span>
                <span class="mute">
                    {format!("{} · asked for {}", row.trigger.replace('_', " "), format::instant(row.created_at, run.rendered_at))}{deadline}{backfill}
                </span>
                <span class="mute num">{took(row.started_at, row.ended_at, run.rendered_at)}</span>
            </header>
            {held}{error}{trouble}
            <div class="send">{clear}{cancel}</div>
            {again}
        </section>
    }
    .into_any()
}

/// Every task, those in trouble opened.
pub(super) fn list(run: &Run) -> AnyView {
    let mut tasks: Vec<&TaskRow> = run.tasks.iter().collect();
    let left_out = tasks.len().saturating_sub(MOST_TASKS);
    if left_out > 0 {
        tasks.sort_by_key(|task| matches!(task.state.as_str(), "success" | "skipped"));
        tasks.truncate(MOST_TASKS);
    }
    let rows = tasks.into_iter().map(|task| one(run, task)).collect_view();
    view! {
        <section class="card wide">
            <header><h2>"Tasks"</h2><small>"times in UTC"</small></header>
            {rows}
            {(left_out > 0).then(|| view! { <p class="mute">{format!("… and {left_out} that ended well.")}</p> })}
        </section>
    }
    .into_any()
}

fn titled(task: &TaskRow) -> String {
    let name = format::identifier(&task.name);
    if task.part.is_empty() { name } else { format!("{name} · {}", task.part) }
}

fn one(run: &Run, task: &TaskRow) -> AnyView {
    let is_open = matches!(task.state.as_str(), "failed" | "running" | "delayed") || (!task.log.is_empty() && run.run.has_ended());
    let written = (task.rows_written > 0).then(|| format::plural(task.rows_written, "row", "rows"));
    let progress = task.total.filter(|total| *total > 0).map(|total| {
        view! {
            <span class="task-progress">
                {format!("{} of {}", format::count(task.done), format::count(total))}
                {(task.state == "running").then(|| view! { <progress max=total.to_string() value=task.done.to_string() aria-label="Progress"></progress> })}
            </span>
        }
    });
    let again =
        (task.state == "delayed").then(|| view! { <p class="mute">{format!("It is tried again at {} UTC.", clock(task.not_before))}</p> });
    let attempts = task.attempts.iter().map(|attempt| attempted(run, task, attempt)).collect_view();
    let never = task.attempts.is_empty().then(|| view! { <p class="mute">{never_started(task)}</p> });
    let can_clear = run.may_change && !matches!(task.state.as_str(), "waiting" | "ready" | "delayed" | "running");
    let fields = |downstream: bool| {
        let named = vec![("run_id", run.run.run_id.to_string()), ("task", task.name.clone())];
        if downstream { named.into_iter().chain([("downstream", "true".to_owned())]).collect() } else { named }
    };
    let acts = can_clear.then(|| {
        view! {
            <div class="send">
                {button("clear", "Clear this task", true, &fields(false), None)}
                {button("clear", "Clear it and what follows", true, &fields(true), None)}
            </div>
        }
    });
    view! {
        <details class="task" id=format!("task-{}", task.task_id) open=is_open data-state=task.state.clone()>
            <summary>
                {chip(&task.state)}
                <b>{titled(task)}</b>
                <span class="mute hide">{task.purpose.clone()}</span>
                {progress}
                <span class="end num">{written}" "<span class="mute">{took(task.started_at, task.ended_at, run.rendered_at)}</span></span>
            </summary>
            {again}{never}{attempts}{all_lines(run, task)}{acts}
        </details>
    }
    .into_any()
}

fn never_started(task: &TaskRow) -> &'static str {
    match task.state.as_str() {
        "upstream_failed" => "It didn't start: a task before it failed.",
        "skipped" => "There was nothing for it to do.",
        "cancelled" => "The run was cancelled before it started.",
        "ready" => "It starts as soon as a worker is free.",
        _ => "It waits for the tasks before it.",
    }
}

/// The way to the lines that aren't shown.
fn all_lines(run: &Run, task: &TaskRow) -> Option<AnyView> {
    let shown = task.log.len();
    let is_more = run.sees_causes && task.lines > i64::try_from(shown).unwrap_or(i64::MAX);
    is_more.then(|| {
        let label = if shown == 0 { format!("Show its log ({} lines)", task.lines) } else { format!("Show all {} lines", task.lines) };
        let href = format!("{}?task={}#task-{}", routes::run(run.run.run_id), task.task_id, task.task_id);
        view! { <p><a class="more" href=href rel="external">{label}</a></p> }.into_any()
    })
}

fn attempted(run: &Run, task: &TaskRow, attempt: &AttemptRow) -> AnyView {
    let outcome = attempt.outcome.clone().unwrap_or_else(|| "under way".into());
    let waited = attempt.ready_at.filter(|ready| *ready < attempt.started_at);
    let waited = waited.map(|ready| format!(" · waited {}", length(attempt.started_at - ready)));
    let class = attempt.error_class.as_ref().map(|class| format!(" · {}", class.replace('_', " ")));
    let causes = attempt.error_chain.iter().map(|cause| view! { <li>{cause.clone()}</li> }).collect_view();
    let lines: Vec<AnyView> = task.log.iter().filter(|line| line.attempt == attempt.number).map(said).collect();
    let log = (!lines.is_empty()).then(|| {
        view! { <ol class="log" id=format!("log-{}-{}", task.task_id, attempt.number) aria-label=format!("Log of attempt {}", attempt.number)>{lines}</ol> }
    });
    view! {
        <div class="attempt">
            <p>
                <span class=format!("dot {}", role(attempt.outcome.as_deref().unwrap_or("running")))></span>
                <b>{format!("Attempt {}", attempt.number)}</b>" "{outcome}{class}
                <span class="mute">
                    {format!(" · {} · {}", clock(attempt.started_at), took(Some(attempt.started_at), attempt.ended_at, run.rendered_at))}{waited}
                    {format!(" · {}", attempt.worker)}
                </span>
            </p>
            <ul class="causes">{causes}</ul>
            {log}
        </div>
    }
    .into_any()
}

fn said(line: &LogLine) -> AnyView {
    let fields: Vec<String> =
        line.fields.as_object().into_iter().flatten().map(|(name, value)| format!("{name}={}", plain(value))).collect();
    let class = line.level.to_lowercase();
    view! {
        <li class=class><time>{clock(line.at)}</time><b>{line.level.clone()}</b><span>{line.message.clone()}" "<i>{fields.join(" ")}</i></span></li>
    }
    .into_any()
}

/// A text without its quotes.
fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// What people wrote beside the run. Not in the part that moves: a note in the making stays.
pub(super) fn notes(run: &Run) -> AnyView {
    if run.notes.is_empty() && !run.may_note {
        return ().into_any();
    }
    let notes = run
        .notes
        .iter()
        .map(|note| {
            let by = format!("{}, {}", note.who, format::instant(note.at, run.rendered_at));
            view! { <li><p>{note.text.clone()}</p><small>{by}</small></li> }
        })
        .collect_view();
    let form = run.may_note.then(|| {
        view! {
            <form method="post" action="/api/pipeline/note">
                <input type="hidden" name="run_id" value=run.run.run_id.to_string()/>
                <p class="field">
                    <label for="note">"What the next person should know"</label>
                    <textarea id="note" name="text" rows="2" maxlength="2000" required></textarea>
                </p>
                <div class="send"><button class="button quiet small" type="submit">"Add a note"</button></div>
            </form>
        }
    });
    view! {
        <section class="card wide">
            <header><h2>"Notes"</h2></header>
            <ul class="notes">{notes}</ul>
            {form}
        </section>
    }
    .into_any()
}
