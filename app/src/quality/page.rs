//! Frames of the page and of one check's history. The server draws what is in them (`drawn`); their forms are plain ones.

use crate::{
    quality::{
        api::{draw_check, draw_quality, draw_rule},
        model::RuleForm,
    },
    routes,
    ui::{Drawn, Loaded, Refresh, Refused, use_scope},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::{use_params_map, use_query_map};

pub(super) const QUALITY: &str = "quality";
pub(super) const CHECK: &str = "check";
pub(super) const RULE: &str = "rule";

#[component]
pub fn QualityPage() -> impl IntoView {
    let scope = use_scope();
    let refresh = Refresh::count();
    let page = Resource::new_blocking(move || (scope.get().query(), refresh()), |(scope, _)| draw_quality(scope));
    view! {
        <Title text="Data quality"/>
        <h1>"Data quality"</h1>
        <Refused/>
        <Loaded of=page let:html>
            <Drawn id=QUALITY html/>
        </Loaded>
    }
    .into_any()
}

/// One check run by run, by the name in the path.
#[component]
pub fn CheckPage() -> impl IntoView {
    let params = use_params_map();
    let scope = use_scope();
    let refresh = Refresh::count();
    let name = Memo::new(move |_| params.with(|params| params.get("check").unwrap_or_default()));
    let page = Resource::new_blocking(move || (name.get(), scope.get().query(), refresh()), |(name, scope, _)| draw_check(name, scope));
    view! {
        <Title text=move || format!("Check {}", name.get())/>
        <h1><a href=routes::QUALITY>"Data quality"</a>" / "{move || crate::format::identifier(&name.get())}</h1>
        <Loaded of=page let:html>
            <Drawn id=CHECK html/>
        </Loaded>
    }
    .into_any()
}

/// A new rule. Its form's fields stand in the address, so that it can be tried before it is kept, and without scripts.
#[component]
pub fn RulePage() -> impl IntoView {
    let query = use_query_map();
    let asked = move || {
        let get = |name: &str| query.with(|query| query.get(&format!("rule[{name}]")).unwrap_or_default());
        let rule = RuleForm {
            name: get("name"),
            dataset: get("dataset"),
            kind: get("kind"),
            columns: get("columns"),
            parameters: get("parameters"),
            severity: get("severity"),
            action: get("action"),
            scope: get("scope"),
        };
        (rule, query.with(|query| query.get("tried").is_some()))
    };
    let page = Resource::new_blocking(asked, |(rule, tried)| draw_rule(rule, tried));
    view! {
        <Title text="New rule"/>
        <h1><a href=routes::QUALITY>"Data quality"</a>" / new rule"</h1>
        <Refused/>
        <Loaded of=page let:html>
            <Drawn id=RULE html/>
        </Loaded>
    }
    .into_any()
}
