//! The data quality page: how each dataset does, what fails and how to mend it, what waits for a decision, what was decided.

mod decided;
mod findings;
mod history;
mod measures;
mod parts;
mod rule;
mod waiting;

pub(super) use history::page as history;
pub(super) use rule::page as rule;

use crate::{domain::Scope, format, quality::model::Quality, routes};
use leptos::prelude::*;

pub(super) fn page(page: &Quality, scope: &Scope) -> AnyView {
    let (unbooked, freshness) = (measures::unbooked(page), measures::freshness(page));
    if page.checks.is_empty() {
        return view! {
            <section class="card wide empty">
                <h2>"Nothing was checked yet"</h2>
                <p>"Checks run on what each run has fetched, before anything is published."</p>
                <p><a class="button" href=routes::PIPELINE>"To the pipeline"</a></p>
            </section>
            {unbooked}{freshness}
        }
        .into_any();
    }
    view! {
        {summary(page, scope)}{findings::failing(page)}{waiting::quarantine(page)}{waiting::reconciliation(page)}{unbooked}
        {measures::scores(page)}{freshness}{decided::prices(page)}{decided::acceptances(page)}{decided::rules(page)}{findings::held(page)}
    }
    .into_any()
}

fn summary(page: &Quality, scope: &Scope) -> AnyView {
    let class = if page.passed < page.total { "chip warn" } else { "chip ok" };
    let when = page.checked_at.map(|at| format!("checked {}", format::ago(at, page.rendered_at)));
    let run = page.run_id.map(|run| view! { " "<a class="more" href=routes::run(run)>{format!("run {run}")}</a> });
    let accepted = page.checks.iter().filter(|check| check.accepted.is_some()).count() as u64;
    let accepted = (accepted > 0).then(|| format!(", {} accepted", format::plural(accepted, "failure", "failures")));
    let export = |kind: &str| {
        let query = scope.query();
        let joint = if query.is_empty() { "" } else { "?" };
        format!("/api/quality.{kind}{joint}{query}")
    };
    view! {
        <section class="card wide quality-head">
            <header>
                <h2>"Checks of the last run"</h2>
                <span class=class>{format!("{} of {} checks held", page.passed, page.total)}{accepted}</span>
                <span class="mute">{when}{run}</span>
                <span class="exports">
                    <a class="more" href=export("json") rel="external">"JSON"</a>" "<a class="more" href=export("csv") rel="external">"CSV"</a>
                </span>
            </header>
        </section>
    }
    .into_any()
}
