//! The last runs with their tasks, what waits and why, and the button that starts one.

use crate::{
    format,
    pipeline::{
        api::{RunNow, list_runs, show_run},
        model::{AttemptRow, Pipeline, RunRow, ScheduleRow, TaskRow},
    },
    routes,
    ui::{Empty, Loaded, Outcome, Refresh, use_write},
};
use chrono::{DateTime, Utc};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_params_map;

#[component]
pub fn PipelinePage() -> impl IntoView {
    let refresh = Refresh::count();
    let run_now = use_write::<RunNow>();
    let runs = Resource::new_blocking(refresh, |_| list_runs());
    view! {
        <Title text="Pipeline"/>
        <h1>"Pipeline"</h1>
        <Loaded of=runs let:pipeline>
            <Runs pipeline run_now/>
        </Loaded>
    }
    .into_any()
}

/// One run, by the number in the path.
#[component]
pub fn RunPage() -> impl IntoView {
    let params = use_params_map();
    let refresh = Refresh::count();
    // A path without a number is a run that there isn't.
    let run_id = Memo::new(move |_| params.get().get("run").and_then(|run| run.parse::<i64>().ok()).unwrap_or(-1));
    let run = Resource::new_blocking(move || (run_id.get(), refresh()), |(run_id, _)| show_run(run_id));
    view! {
        <Title text=move || format!("Run {}", run_id.get())/>
        <h1><a href=routes::PIPELINE>"Pipeline"</a>" / run "{move || run_id.get()}</h1>
        <Loaded of=run let:run>
            <RunCard run is_whole=true/>
        </Loaded>
    }
    .into_any()
}

#[component]
fn Runs(pipeline: Pipeline, run_now: ServerAction<RunNow>) -> impl IntoView {
    let Pipeline { runs, waiting_for, schedules, may_run, rendered_at } = pipeline;
    let is_empty = runs.is_empty();
    let runs = runs.into_iter().map(|run| view! { <RunCard run is_whole=false/> }).collect_view();
    view! {
        {waiting_for.map(|reason| view! { <p class="note wide warn">{reason}</p> })}
        <Schedules schedules may_run now=rendered_at action=run_now/>
        {is_empty.then(|| view! { <Empty title="No run yet" text="The first run starts on its own as soon as there is something to fetch for."/> })}
        {runs}
    }
    .into_any()
}

#[component]
fn Schedules(schedules: Vec<ScheduleRow>, may_run: bool, now: DateTime<Utc>, action: ServerAction<RunNow>) -> impl IntoView {
    let rows = schedules
        .into_iter()
        .map(|schedule| {
            let next = schedule.next_at.map_or_else(|| "not planned".into(), |at| format!("next {}", format::instant(at, now)));
            view! {
                <tr>
                    <th scope="row">{format::identifier(&schedule.name)}</th>
                    <td>{schedule.description}</td>
                    <td class="hide">{next}</td>
                    <td class="r mute">{schedule.last_outcome}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="card wide">
            <header>
                <h2>"Schedules"</h2>
                {may_run
                    .then(|| view! {
                        <ActionForm action=action>
                            <button class="button" type="submit">"Run now"</button>
                        </ActionForm>
                    })}
            </header>
            <Outcome action done="A run is requested; its progress is shown below."/>
            <table class="rows"><tbody>{rows}</tbody></table>
        </section>
    }
}

/// A run with its tasks; the attempts only on its own page.
#[component]
fn RunCard(run: RunRow, is_whole: bool) -> impl IntoView {
    let took = took(run.started_at, run.ended_at);
    let open = is_whole || matches!(run.state.as_str(), "running" | "failed");
    let tasks = run.tasks.into_iter().map(|task| view! { <Task task is_whole/> }).collect_view();
    view! {
        <details class="card wide run" open=open>
            <summary>
                <State state=run.state/>
                <h2>{format::identifier(&run.dag)}</h2>
                <span>{run.covers}</span>
                <span class="mute">{format::identifier(&run.trigger).to_lowercase()}</span>
                <span class="mute num">{took}</span>
                {(!is_whole).then(|| view! { <a class="more" href=routes::run(run.run_id)>{format!("Run {}", run.run_id)}</a> })}
            </summary>
            {run.error.map(|error| view! { <p class="note wrong">{error}</p> })}
            <table class="rows"><tbody>{tasks}</tbody></table>
        </details>
    }
}

#[component]
fn Task(task: TaskRow, is_whole: bool) -> impl IntoView {
    let done = match task.total {
        Some(total) => format!("{} of {}", format::count(task.done), format::count(total)),
        None if task.done > 0 => format::count(task.done),
        None => String::new(),
    };
    let written = (task.rows_written > 0).then(|| format::plural(task.rows_written, "row", "rows"));
    let attempts = task.attempts.len();
    let again = (attempts > 1 && !is_whole).then(|| view! { <small class="mute">{format!(" {attempts} attempts")}</small> });
    let attempts = is_whole.then(|| task.attempts.into_iter().map(|attempt| view! { <Attempt attempt/> }).collect_view());
    view! {
        <tr>
            <td class="state-cell"><State state=task.state/></td>
            <th scope="row">{format::identifier(&task.name)}{again}{attempts}</th>
            <td class="r hide">{done}</td>
            <td class="r">{written}</td>
            <td class="r mute">{took(task.started_at, task.ended_at)}</td>
        </tr>
    }
}

#[component]
fn Attempt(attempt: AttemptRow) -> impl IntoView {
    let outcome = attempt.outcome.unwrap_or_else(|| "under way".into());
    let causes = attempt.error_chain.into_iter().map(|cause| view! { <li>{cause}</li> }).collect_view();
    view! {
        <div class="attempt">
            <small>{format!("attempt {}, {outcome}, {}", attempt.number, took(Some(attempt.started_at), attempt.ended_at))}</small>
            <ul>{causes}</ul>
        </div>
    }
}

/// A state as word, color and shape.
#[component]
fn State(state: String) -> impl IntoView {
    let class = match state.as_str() {
        "success" => "chip ok",
        "failed" | "upstream_failed" => "chip bad",
        "running" => "chip live",
        "delayed" => "chip warn",
        _ => "chip wait",
    };
    view! { <span class=class>{state.replace('_', " ")}</span> }
}

fn took(started_at: Option<DateTime<Utc>>, ended_at: Option<DateTime<Utc>>) -> String {
    match (started_at, ended_at) {
        (Some(start), Some(end)) => format::duration(end - start),
        (Some(_), None) => "under way".into(),
        _ => String::new(),
    }
}
