//! What stands beside a figure: the way to how it was made, and that it was published before with other numbers.

use crate::{
    routes,
    ui::{Bob, use_scope},
};
use leptos::prelude::*;

/// The bob as a link to the figure's explanation in the page's scope. `about`: what else it is of, such as `("symbol", "AAPL")`.
#[component]
pub fn Explained(figure: &'static str, #[prop(into)] label: String, #[prop(optional)] about: Vec<(&'static str, String)>) -> impl IntoView {
    let scope = use_scope();
    let href = move || {
        let about: Vec<(&str, &str)> = about.iter().map(|(name, value)| (*name, value.as_str())).collect();
        routes::explain(figure, &scope.get(), &about)
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
    let title = if days == 1 {
        "One day was published before with other numbers".to_owned()
    } else {
        format!("{days} days were published before with other numbers")
    };
    (days > 0).then(|| {
        view! {
            <a class="chip warn small restated" href=move || routes::scoped(routes::RESTATEMENTS, &scope.get()) title=title>
                "restated"
            </a>
        }
    })
}
