//! The plumb bob, and the few line drawings of the navigation.

use crate::{routes, ui::use_scope};
use leptos::prelude::*;

/// The mark: a cord and its bob.
#[component]
pub fn Bob() -> impl IntoView {
    view! {
        <svg viewBox="0 0 24 24" class="bob" aria-hidden="true">
            <path d="M12 2v9"/>
            <path d="M12 11l4.2 3.6L12 22l-4.2-7.4z" class="w"/>
        </svg>
    }
}

/// A 24 × 24 line drawing from one path.
#[component]
pub fn Icon(path: &'static str) -> impl IntoView {
    view! {
        <svg viewBox="0 0 24 24" class="ico" aria-hidden="true">
            <path d=path/>
        </svg>
    }
}

/// The bob beside a number: opens how the number is made, and leads to where it comes from. Works without scripts.
#[component]
pub fn Why(#[prop(into)] label: String, #[prop(into)] text: String, figure: &'static str) -> impl IntoView {
    let scope = use_scope();
    view! { <WhyAt label text href=Signal::derive(move || routes::explain(figure, &scope.get(), &[]))/> }
}

/// The same where the scope is known already.
#[component]
pub fn WhyAt(#[prop(into)] label: String, #[prop(into)] text: String, #[prop(into)] href: Signal<String>) -> impl IntoView {
    view! {
        <details class="why" name="why">
            <summary aria-label=format!("Explain this number: {label}") title="Explain this number">
                <Bob/>
            </summary>
            <p>
                {text}" "
                <a class="more" href=move || href.get()>"Where it comes from"</a>
            </p>
        </details>
    }
}
