//! Frames of the two pages. The server draws what is in them (`drawn`), so the browser's code holds none of it; their forms are
//! plain ones, and a run under way is followed by `frontend/js/live.js`.

use crate::{
    pipeline::api::{draw_pipeline, draw_run},
    routes,
    ui::{Drawn, Loaded, Refresh, Refused},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

pub(super) const PIPELINE: &str = "pipeline";
pub(super) const RUN: &str = "run";

#[component]
pub fn PipelinePage() -> impl IntoView {
    let refresh = Refresh::count();
    let query = use_query_map();
    let asked = move || {
        let get = |name: &str| query.with(|query| query.get(name).unwrap_or_default());
        ([get("dag"), get("before"), get("schedule"), get("at")], refresh())
    };
    let page = Resource::new_blocking(asked, |([dag, before, schedule, at], _)| draw_pipeline(dag, before, schedule, at));
    view! {
        <Title text="Pipeline"/>
        <h1>"Pipeline"</h1>
        <Refused/>
        <Loaded of=page let:html>
            <Drawn id=PIPELINE html/>
        </Loaded>
    }
    .into_any()
}

/// One run, by the number in the path.
#[component]
pub fn RunPage() -> impl IntoView {
    let params = use_params_map();
    let query = use_query_map();
    let refresh = Refresh::count();
    // A path without a number is a run that there isn't.
    let run_id = Memo::new(move |_| params.with(|params| params.get("run")).and_then(|run| run.parse::<i64>().ok()).unwrap_or(-1));
    let task = move || query.with(|query| query.get("task").unwrap_or_default());
    let run = Resource::new_blocking(move || (run_id.get(), task(), refresh()), |(run_id, task, _)| draw_run(run_id, task));
    view! {
        <Title text=move || format!("Run {}", run_id.get())/>
        <h1><a href=routes::PIPELINE>"Pipeline"</a>" / run "{move || run_id.get()}</h1>
        <Refused/>
        <Loaded of=run let:html>
            <Drawn id=RUN html/>
        </Loaded>
    }
    .into_any()
}
