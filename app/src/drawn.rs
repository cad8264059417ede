//! The pages of performance and most of the overview, explanations, the pipeline and data quality, drawn on the server alone: what has many parts and no state of
//! its own, or changes every second, is sent as it looks, and the browser's code stays small.

mod explain;
mod gantt;
mod graph;
mod grid;
mod heat;
mod overall;
mod overview;
mod parts;
mod performance;
mod quality;
mod records;
mod schedules;
mod shape;
mod task;

use crate::{
    domain::Scope,
    explain::{model::Explanation, restated::Restatements},
    overview::model::OverviewPage,
    performance::model::{Performance, Rolled},
    pipeline::model::{Pipeline, Run},
    quality::model::{History, Quality, RulePage},
};
use leptos::prelude::*;

/// The pipeline page.
pub fn pipeline(page: &Pipeline) -> String {
    overall::page(page).to_html()
}

/// The data quality page.
pub fn quality(page: &Quality, scope: &Scope) -> String {
    quality::page(page, scope).to_html()
}

/// What stands below the overview's charts.
pub fn overview(page: &OverviewPage, scope: &Scope) -> String {
    overview::below(page, scope).to_html()
}

/// The performance page; `None` while nothing was published.
pub fn performance(shown: Option<&Performance>, scope: &Scope, rolled: Rolled) -> String {
    performance::page(shown, scope, rolled).to_html()
}

/// One check, run by run.
pub fn check(history: &History) -> String {
    quality::history(history).to_html()
}

/// How a figure was made.
pub fn explanation(explained: &Explanation, scope: &Scope) -> String {
    explain::page(explained, scope).to_html()
}

/// Published numbers that moved; pages count from 1.
pub fn restatements(page: &Restatements, scope: &Scope, number: u32) -> String {
    explain::restatements(page, scope, number).to_html()
}

/// The form of a new rule, and what it would have done.
pub fn rule(page: &RulePage) -> String {
    quality::rule(page).to_html()
}

/// A run's page: what moves, in a box that is followed while the run is under way, and what stays.
pub fn run(run: &Run) -> String {
    let live = (!run.run.has_ended()).then(|| format!("/api/pipeline/runs/{}/live?drawn=1", run.run.run_id));
    let moving = moving(run);
    let notes = task::notes(run);
    view! {
        <div class="drawn" id="run-moving" data-live=live inner_html=moving></div>
        {notes}
    }
    .into_any()
    .to_html()
}

/// The part of a run's page that moves.
pub fn moving(run: &Run) -> String {
    let (head, graph, gantt, tasks) = (task::head(run), graph::card(run), gantt::card(run), task::list(run));
    view! { {head}{graph}{gantt}{tasks} }.into_any().to_html()
}
