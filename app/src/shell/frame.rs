//! What stands around every page: navigation, scope bar, notes; the page in the middle.

use super::{
    navigation::{BottomBar, Sidebar},
    running::Running,
    scope_bar::ScopeBar,
};
use crate::{
    error::AppError,
    format,
    overview::{api::show_frame, model},
    routes,
    ui::{Refresh, use_scope},
};
use leptos::{either::Either, prelude::*};
use leptos_router::{components::Outlet, hooks::use_location};

#[component]
pub fn Frame() -> impl IntoView {
    let scope = use_scope();
    let refresh = Refresh::count();
    let frame = Resource::new_blocking(move || (scope.get().query(), refresh()), |(scope, _)| show_frame(scope));
    // The page says what went wrong; the frame then shows what needs no answer.
    let around = move |part: fn(Option<model::Frame>) -> AnyView| view! { <Part frame part/> };
    view! {
        <a class="skip" href="#main">"Skip to the content"</a>
        {around(|frame| view! { <Sidebar frame/> }.into_any())}
        <div class="middle">
            {around(|frame| match frame {
                Some(frame) => Either::Left(view! { <ScopeBar frame/> }),
                None => Either::Right(()),
            }.into_any())}
            <main id="main" tabindex="-1">
                <Known/>
                <Outlet/>
                <AskKnown/>
            </main>
        </div>
        {around(|frame| view! { <BottomBar findings=frame.as_ref().map_or(0, |frame| frame.open_findings)/> }.into_any())}
        {around(|frame| frame.map(|frame| view! { <Running frame/> }).into_any())}
    }
}

/// Says that an earlier day's knowledge is shown, and leads back.
#[component]
fn Known() -> impl IntoView {
    let scope = use_scope();
    let location = use_location();
    let (here, search) = (location.pathname, location.search);
    let said = move || {
        let Some(day) = scope.get().as_known_on else {
            let asks = search.with(|search| {
                search.trim_start_matches('?').split('&').any(|pair| pair.starts_with("as_known_on=") && pair != "as_known_on=")
            });
            return asks.then(|| {
                "The address asks for a day that can't be read; write it like 2026-11-20. This is what is known today.".to_owned()
            });
        };
        let day = format::date(day);
        let is_kept = routes::AS_KNOWN
            .iter()
            .any(|path| here.with(|here| here == path || here.starts_with(&format!("{path}/")) && *path != routes::OVERVIEW));
        Some(if is_kept {
            format!("As known on {day}: what was published by the end of that day in New York.")
        } else {
            format!("This page shows what is known today, not what was known on {day}.")
        })
    };
    view! {
        {move || said().map(|text| view! {
            <p class="note warn wide known" role="status">
                {text}" "
                <a href=move || routes::as_known_now(&here.get(), &scope.get())>"Back to today"</a>
            </p>
        })}
    }
}

/// Below pages that can be asked for as they were known on an earlier day: a plain form, which keeps the scope.
#[component]
fn AskKnown() -> impl IntoView {
    let scope = use_scope();
    let here = use_location().pathname;
    let is_kept = move || here.with(|here| routes::AS_KNOWN.contains(&here.as_str()));
    let kept = move |name: &'static str| {
        let query = scope.get().query();
        query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('=').map(str::to_owned))
    };
    let hidden = move |name: &'static str| {
        view! { <input type="hidden" name=name value=move || kept(name) disabled=move || kept(name).is_none()/> }
    };
    view! {
        <Show when=is_kept>
            <form class="ask-known" method="get" action=move || here.get()>
                <label>"As known on "<input type="date" name="as_known_on" required value=move || kept("as_known_on")/></label>
                {hidden("portfolio")}
                {hidden("range")}
                {hidden("against")}
                <button class="button quiet small" type="submit">"Show what was published by then"</button>
                <a class="more" href=move || routes::restatements(&scope.get(), 1)>"Restatements"</a>
            </form>
        </Show>
    }
}

/// A part of the frame, drawn when its data is there.
#[component]
fn Part(frame: Resource<Result<model::Frame, AppError>>, part: fn(Option<model::Frame>) -> AnyView) -> impl IntoView {
    view! {
        <Transition>{move || Suspend::new(async move { part(frame.await.ok()) })}</Transition>
    }
}
