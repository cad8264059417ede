//! The frame of the performance page. The server draws what is in it (`drawn`); its form is a plain one.

use crate::{
    performance::api::draw_performance,
    ui::{Drawn, Loaded, Refresh, use_scope},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

pub(super) const PERFORMANCE: &str = "performance";

#[component]
pub fn PerformancePage() -> impl IntoView {
    let scope = use_scope();
    let query = use_query_map();
    let refresh = Refresh::count();
    let asked = move || {
        let get = |name: &str| query.with(|query| query.get(name).unwrap_or_default());
        (scope.get().query(), get("rolling"), get("window"), refresh())
    };
    let page = Resource::new_blocking(asked, |(scope, rolling, window, _)| draw_performance(scope, rolling, window));
    view! {
        <Title text="Performance"/>
        <h1 class="sr">"Performance"</h1>
        <Loaded of=page let:html>
            <Drawn id=PERFORMANCE html/>
        </Loaded>
    }
    .into_any()
}
