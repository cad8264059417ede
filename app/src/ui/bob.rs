//! What stands beside a figure: the way to how it was made, and that it was published before with other numbers.

use crate::{
    domain::Scope,
    routes,
    ui::{Bob, use_scope},
};
use leptos::prelude::*;

/// The bob as a link to the figure's explanation in the page's scope; works without scripts. `symbol`: of a holding.
#[component]
pub fn Explained(
    figure: &'static str,
    #[prop(into)] label: String,
    #[prop(optional, into)] symbol: String,
    /// As [`use_scope`] yields it: lists ask once for all of their rows.
    scope: Memo<Scope>,
) -> impl IntoView {
    let href = move || {
        let about: &[(&str, &str)] = if symbol.is_empty() { &[] } else { &[("symbol", &symbol)] };
        routes::explain(figure, &scope.get(), about)
    };
    let label = format!("How it was made: {label}");
    view! {
        <a class="explained" href=href aria-label=label.clone() title=label rel="nofollow">
            <Bob/>
        </a>
    }
}

/// "restated", beside a figure of days that were published before with other numbers.
#[component]
pub fn RestatedChip(days: u32) -> impl IntoView {
    let scope = use_scope();
    move || restated_chip(days, routes::restatements(&scope.get(), 1))
}

/// The same with the address of the page of restatements, for what the server draws.
pub fn restated_chip(days: u32, href: String) -> impl IntoView {
    let title = match days {
        1 => "One day was published before with other numbers".to_owned(),
        days => format!("{days} days were published before with other numbers"),
    };
    (days > 0).then(|| view! { <a class="chip warn small restated" href=href title=title>"restated"</a> })
}
