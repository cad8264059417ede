//! What several of the drawn pages share: a state's look, a form of one button, the time that something took.

use crate::{domain::Scope, format, routes, ui::Bob};
use chrono::{DateTime, TimeDelta, Timelike, Utc};
use leptos::prelude::*;

/// The way to how a figure was made, beside it. `about`: what else it is of.
pub(super) fn bob(figure: &str, label: &str, scope: &Scope, about: &[(&str, &str)]) -> AnyView {
    linked("explained", figure, label, scope, about)
}

/// The same in the corner of a cell of a dense table: seen where the pointer or the keyboard is, and always where there is no pointer.
pub(super) fn bob_over(figure: &str, label: &str, scope: &Scope, about: &[(&str, &str)]) -> AnyView {
    linked("explained over", figure, label, scope, about)
}

fn linked(class: &'static str, figure: &str, label: &str, scope: &Scope, about: &[(&str, &str)]) -> AnyView {
    let label = format!("How it was made: {label}");
    view! {
        <a class=class href=routes::explain(figure, scope, about) aria-label=label.clone() title=label rel="nofollow"><Bob/></a>
    }
    .into_any()
}

/// The role of a state in `style/components/pipeline.css`.
pub(super) fn role(state: &str) -> &'static str {
    match state {
        "success" | "run" | "alive" => "ok",
        "failed" | "upstream_failed" | "error" | "timeout" | "lost" | "fenced" => "bad",
        "running" => "live",
        "delayed" | "paused" | "draining" | "cancelling" => "warn",
        _ => "wait",
    }
}

/// As [`role`], in a picture: what only couldn't start is paler than what failed.
pub(super) fn shade(state: &str) -> String {
    let pale = if state == "upstream_failed" { " pale" } else { "" };
    format!("{}{pale}", role(state))
}

/// A state as word, color and shape.
pub(super) fn chip(state: &str) -> AnyView {
    let class = format!("chip {}", role(state));
    view! { <span class=class>{state.replace('_', " ")}</span> }.into_any()
}

/// A form of one button that posts to a server function. `question` is asked before.
pub(super) fn button(
    action: &'static str,
    label: &str,
    is_quiet: bool,
    fields: &[(&'static str, String)],
    question: Option<&str>,
) -> AnyView {
    post(format!("/api/pipeline/{action}"), label, is_quiet, fields, question)
}

/// As [`button`], of any server function.
pub(super) fn post(action: String, label: &str, is_quiet: bool, fields: &[(&'static str, String)], question: Option<&str>) -> AnyView {
    let fields: Vec<_> = fields.iter().map(|(name, value)| view! { <input type="hidden" name=*name value=value.clone()/> }).collect();
    let class = if is_quiet { "button quiet small" } else { "button small" };
    let question = question.map(str::to_owned);
    view! {
        <form method="post" action=action>
            {fields}
            <button class=class type="submit" data-confirm=question>{label.to_owned()}</button>
        </form>
    }
    .into_any()
}

/// `14:00:05`, UTC.
pub(super) fn clock(at: DateTime<Utc>) -> String {
    format!("{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())
}

/// `4 ms`, `1.2 s`, `3 min 20 s`: what the machine does is often quicker than a person counts.
pub(super) fn length(length: TimeDelta) -> String {
    match length.num_milliseconds().max(0) {
        millis @ ..1_000 => format!("{millis}\u{202f}ms"),
        _ => format::duration(length),
    }
}

/// How long it took, or takes already.
pub(super) fn took(started_at: Option<DateTime<Utc>>, ended_at: Option<DateTime<Utc>>, now: DateTime<Utc>) -> String {
    match (started_at, ended_at) {
        (Some(start), Some(end)) => length(end - start),
        (Some(start), None) => format!("{} so far", length(now - start)),
        _ => String::new(),
    }
}

/// The worst of several states: the one that a person looks for first.
pub(super) fn worst<'a>(states: impl IntoIterator<Item = &'a str>) -> &'a str {
    const ORDER: [&str; 9] = ["failed", "running", "delayed", "ready", "upstream_failed", "cancelled", "waiting", "success", "skipped"];
    let place = |state: &str| ORDER.iter().position(|known| *known == state).unwrap_or(ORDER.len());
    states.into_iter().min_by_key(|state| place(state)).unwrap_or("waiting")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_part_is_seen_among_many() {
        assert_eq!(worst(["success", "failed", "running"]), "failed");
        assert_eq!(worst(["success", "skipped"]), "success");
        assert_eq!(worst([]), "waiting");
    }
}
