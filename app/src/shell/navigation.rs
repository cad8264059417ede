//! The sidebar of a desk, the bottom bar of a phone.

use crate::{
    domain::Scope,
    overview::model::Frame,
    routes,
    ui::{Bob, Icon, use_scope},
};
use leptos::prelude::*;
use leptos_router::hooks::use_location;

struct Place {
    path: &'static str,
    name: &'static str,
    icon: &'static str,
}

const MONEY: [Place; 4] = [
    Place { path: routes::OVERVIEW, name: "Overview", icon: "M3 12l9-8 9 8M5 10v10h14V10" },
    Place { path: routes::PERFORMANCE, name: "Performance", icon: "M3 17l6-6 4 4 8-8M15 7h6v6" },
    Place { path: routes::HOLDINGS, name: "Holdings", icon: "M4 5h16M4 12h16M4 19h10" },
    Place { path: routes::ACTIVITY, name: "Activity", icon: "M7 4v16m0 0l-3-3m3 3l3-3M17 20V4m0 0l-3 3m3-3l3 3" },
];
const TRUST: [Place; 2] = [
    Place { path: routes::QUALITY, name: "Data quality", icon: "M4 12l5 5L20 6" },
    Place { path: routes::PIPELINE, name: "Pipeline", icon: "M5 6h4v4H5zM15 4h4v4h-4zM15 16h4v4h-4zM9 8h3v10h3M12 6h3" },
];
const CONNECTIONS: Place = Place {
    path: routes::CONNECTIONS,
    name: "Connections",
    icon: "M9 15l6-6M10 6l1.5-1.5a4 4 0 015.7 0l2.3 2.3a4 4 0 010 5.7L18 14M14 18l-1.5 1.5a4 4 0 01-5.7 0l-2.3-2.3a4 4 0 010-5.7L6 10",
};
const PEOPLE: Place = Place {
    path: routes::PEOPLE,
    name: "People",
    icon: "M9 11a3.5 3.5 0 100-7 3.5 3.5 0 000 7zM3 20c0-3.3 2.7-6 6-6s6 2.7 6 6M16 4.5a3.5 3.5 0 010 6M18 14.5c1.9.9 3 2.9 3 5.5",
};
const SETTINGS: Place = Place {
    path: routes::SETTINGS,
    name: "Settings",
    icon: "M12 8a4 4 0 100 8 4 4 0 000-8zM12 2v3M12 19v3M2 12h3M19 12h3M5 5l2 2M17 17l2 2M5 19l2-2M17 7l2-2",
};

#[component]
pub fn Sidebar(frame: Option<Frame>) -> impl IntoView {
    let (findings, is_administrator) = frame.as_ref().map_or((0, false), |frame| (frame.open_findings, frame.is_administrator));
    let is_demo = frame.as_ref().is_some_and(|frame| frame.is_demo);
    view! {
        <aside class="side">
            <a class="brand" href=routes::OVERVIEW><Bob/><b>"Plumbline"</b></a>
            <nav aria-label="Pages">
                {MONEY.iter().map(|place| view! { <To place badge=0/> }).collect_view()}
                <h2>"Trust"</h2>
                {TRUST.iter().map(|place| view! { <To place badge=badge(place, findings)/> }).collect_view()}
                <h2>"You"</h2>
                <To place=&CONNECTIONS badge=0/>
                {is_administrator.then(|| view! { <To place=&PEOPLE badge=0/> })}
                <To place=&SETTINGS badge=0/>
            </nav>
            <div class="foot">
                {is_demo.then(|| view! { <p class="demo">"Demo: simulated prices"</p> })}
                {frame.map(|frame| view! { <Leave name=frame.display_name/> })}
            </div>
        </aside>
    }
}

#[component]
fn Leave(name: String) -> impl IntoView {
    view! {
        <form class="leave" method="post" action=routes::SIGN_OUT>
            <span>{name}</span>
            <button class="link" type="submit">"Sign out"</button>
        </form>
    }
}

/// Six places within a thumb's reach; the rest stands under "Settings".
#[component]
pub fn BottomBar(findings: u32) -> impl IntoView {
    let [overview, performance, holdings, activity] = &MONEY;
    let [quality, _] = &TRUST;
    view! {
        <nav class="bottom" aria-label="Main pages">
            <To place=overview badge=0/>
            <To place=performance badge=0/>
            <To place=holdings badge=0/>
            <To place=activity badge=0/>
            <To place=quality badge=findings/>
            <To place=&SETTINGS badge=0/>
        </nav>
    }
}

fn badge(place: &Place, findings: u32) -> u32 {
    if place.path == routes::QUALITY { findings } else { 0 }
}

/// A link that keeps the scope and knows whether it is where one is.
#[component]
fn To(place: &'static Place, badge: u32) -> impl IntoView {
    let scope: Memo<Scope> = use_scope();
    let here = use_location().pathname;
    let is_here = move || {
        let here = here.get();
        here == place.path || (place.path != routes::OVERVIEW && here.starts_with(place.path))
    };
    view! {
        <a href=move || routes::scoped(place.path, &scope.get()) aria-current=move || is_here().then_some("page")>
            <Icon path=place.icon/>
            <span>{place.name}</span>
            {(badge > 0).then(|| view! { <em aria-label=format!("{badge} findings")>{badge}</em> })}
        </a>
    }
}
