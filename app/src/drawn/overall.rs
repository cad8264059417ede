//! The pipeline page: what needs a look, what runs, what ran, when the next one does.

use super::{
    grid::grid,
    parts::{button, chip, took},
    records::{audit, backfills, durations, nodes},
    schedules::schedules,
};
use crate::{
    format,
    pipeline::model::{DagRow, Pipeline, RunRow},
    routes,
};
use chrono::{DateTime, Utc};
use leptos::prelude::*;

pub(super) fn page(page: &Pipeline) -> AnyView {
    let now = page.rendered_at;
    let waiting = page.waiting_for.as_ref().map(|reason| view! { <p class="note wide warn">{reason.clone()}</p> });
    let alerts = page.alerts.iter().map(|alert| {
        let run = alert.subject.parse::<i64>().ok();
        let link = run.map(|run| view! { " "<a class="more one-line" href=routes::run(run)>{format!("Run {run}")}</a> });
        view! { <p class="note wide wrong" role="alert">{alert.message.clone()}" "<small>{format::ago(alert.raised_at, now)}</small>{link}</p> }
    });
    let alerts = alerts.collect_view();
    let empty = page.runs.is_empty().then(|| {
        view! {
            <section class="card wide empty">
                <h2>"No run yet"</h2>
                <p>"The first run starts on its own as soon as there is something to fetch for."</p>
            </section>
        }
    });
    view! {
        {waiting}{alerts}{dags(page)}{empty}{runs(&page.runs, now)}{grid(page)}{schedules(page)}
        {durations(&page.grid.dag, &page.durations)}{backfills(page)}{nodes(&page.nodes, now)}{audit(&page.audit, now)}
    }
    .into_any()
}

fn dags(page: &Pipeline) -> AnyView {
    let run_now = page.may_run.then(|| button("run-now", "Run now", false, &[], None));
    let rows = page.dags.iter().map(|dag| dag_row(dag, page)).collect_view();
    view! {
        <section class="card wide">
            <header><h2>"DAGs"</h2>{run_now}</header>
            <table class="rows"><tbody>{rows}</tbody></table>
        </section>
    }
    .into_any()
}

fn dag_row(dag: &DagRow, page: &Pipeline) -> AnyView {
    let now = page.rendered_at;
    let state = match (&dag.paused_at, dag.running, dag.queued) {
        (Some(_), ..) => "paused",
        (None, 1.., _) => "running",
        (None, 0, 1..) => "queued",
        _ => "idle",
    };
    let paused = dag.paused_at.map(|at| format!("by {}, {}", dag.paused_by.as_deref().unwrap_or("the command line"), format::ago(at, now)));
    let live = (dag.running + dag.queued > 0).then(|| format!("{} running, {} queued", dag.running, dag.queued));
    let last = dag.last_state.as_ref().map(|state| {
        let when = dag.last_ended_at.map(|at| format::ago(at, now)).unwrap_or_default();
        view! { "last "{state.clone()}" "{when} }
    });
    let field = [("dag", dag.dag.clone())];
    let act = page.may_operate.then(|| match dag.paused_at {
        Some(_) => button("resume", "Resume", false, &field, None),
        None => button("pause", "Pause", true, &field, None),
    });
    view! {
        <tr>
            <td class="state-cell">{chip(state)}</td>
            <th scope="row"><a href=format!("{}?dag={}#grid", routes::PIPELINE, dag.dag) rel="external">{format::identifier(&dag.dag)}</a></th>
            <td>{paused}{live}</td>
            <td class="mute hide">{last}</td>
            <td class="r">{act}</td>
        </tr>
    }
    .into_any()
}

fn runs(runs: &[RunRow], now: DateTime<Utc>) -> AnyView {
    if runs.is_empty() {
        return ().into_any();
    }
    let rows = runs
        .iter()
        .map(|run| {
            let error = run.error.as_ref().or(run.held_by.as_ref()).map(|error| view! { <small class="said">{error.clone()}</small> });
            view! {
                <tr>
                    <td class="state-cell">{chip(&run.state)}</td>
                    <th scope="row" class="one-line"><a class="more" href=routes::run(run.run_id)>{format!("Run {}", run.run_id)}</a></th>
                    <td>{format::identifier(&run.dag)}", "{run.covers.clone()}{error}</td>
                    <td class="mute hide">{run.trigger.replace('_', " ")}</td>
                    <td class="r mute hide">{format::ago(run.created_at, now)}</td>
                    <td class="r mute">{took(run.started_at, run.ended_at, now)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="card wide">
            <header><h2>"Last runs"</h2></header>
            <table class="rows"><tbody>{rows}</tbody></table>
        </section>
    }
    .into_any()
}
