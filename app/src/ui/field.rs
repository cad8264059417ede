//! A labelled field with what is wrong with it, and a labelled choice.

use crate::error::{AppError, FieldError};
use leptos::prelude::*;

/// The sentence about one field in the latest refusal, if there is one.
pub(crate) fn problem_of(error: Option<AppError>, field: &str) -> Option<String> {
    match error {
        Some(AppError::Invalid(fields)) => fields.into_iter().find(|wrong: &FieldError| wrong.field == field).map(|wrong| wrong.message),
        _ => None,
    }
}

/// One line of a form. `field` is the name in `FieldError`, `name` the one in the request (`form[field]`).
#[component]
pub fn Field(
    #[prop(into)] label: String,
    #[prop(into)] name: String,
    #[prop(optional, into)] field: String,
    #[prop(default = "text")] kind: &'static str,
    #[prop(optional, into)] value: String,
    #[prop(optional, into)] hint: String,
    #[prop(optional)] required: bool,
    #[prop(default = "off")] autocomplete: &'static str,
    #[prop(optional)] inputmode: &'static str,
    #[prop(optional, into)] list: String,
    #[prop(optional, into)] error: Signal<Option<AppError>>,
) -> impl IntoView {
    let id = format!("field-{}", name.replace(['[', ']'], "-"));
    let problem_id = format!("{id}-problem");
    let field = if field.is_empty() { name.clone() } else { field };
    let problem = Memo::new(move |_| problem_of(error.get(), &field));
    let is_bare = hint.is_empty();
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <input
                id=id
                name=name
                type=kind
                value=value
                required=required
                autocomplete=autocomplete
                inputmode=(!inputmode.is_empty()).then_some(inputmode)
                list=(!list.is_empty()).then_some(list)
                aria-invalid=move || problem.get().map(|_| "true")
                aria-describedby=problem_id.clone()
            />
            <small id=problem_id class:bare=is_bare class:wrong=move || problem.get().is_some()>
                {move || problem.get().unwrap_or_else(|| hint.clone())}
            </small>
        </div>
    }
}

/// A choice of (value, label) pairs.
#[component]
pub fn Select(
    #[prop(into)] label: String,
    #[prop(into)] name: String,
    choices: Vec<(String, String)>,
    #[prop(optional, into)] chosen: String,
    /// Follows what is chosen, where something depends on it.
    #[prop(optional, into)]
    follow: Option<RwSignal<String>>,
    /// Where several forms of a page have a choice of this name.
    #[prop(optional, into)]
    id: String,
) -> impl IntoView {
    let id = if id.is_empty() { format!("field-{}", name.replace(['[', ']'], "-")) } else { id };
    let choices = choices
        .into_iter()
        .map(|(value, label)| {
            let selected = value == chosen;
            view! { <option value=value selected=selected>{label}</option> }
        })
        .collect_view();
    view! {
        <div class="field">
            <label for=id.clone()>{label}</label>
            <select
                id=id
                name=name
                on:change=move |event| {
                    if let Some(follow) = follow {
                        follow.set(event_target_value(&event));
                    }
                }
            >
                {choices}
            </select>
            <small class="bare"></small>
        </div>
    }
}
