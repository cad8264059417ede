//! The states of what a page asked for: waiting, failed with a sentence and a reference, empty, there.
//!
//! The fifth, stale with its age, is said once for all pages by the chip in the scope bar.

use crate::{error::AppError, routes, ui::PageStatus};
use leptos::{either::Either, prelude::*};

/// Shows a resource in whichever state it is. A change of scope keeps the old numbers until the new ones are there.
#[component]
pub fn Loaded<T, V>(of: Resource<Result<T, AppError>>, children: impl Fn(T) -> V + Clone + Send + Sync + 'static) -> impl IntoView
where
    T: Clone + Send + Sync + 'static,
    V: IntoView + Send + 'static,
{
    view! {
        <Transition fallback=|| view! { <Waiting/> }>
            {move || {
                let children = children.clone();
                Suspend::new(async move {
                    match of.await {
                        Ok(value) => Either::Left(children(value)),
                        Err(error) => Either::Right(view! { <Problem error/> }),
                    }
                })
            }}
        </Transition>
    }
}

/// Grey bars in the shape of what comes, for those who listen "Loading".
#[component]
fn Waiting() -> impl IntoView {
    view! {
        <div class="card wide waiting" role="status" aria-label="Loading">
            <i></i>
            <i></i>
            <i></i>
        </div>
    }
}

/// What went wrong, and the next step. The page answers with the error's HTTP status.
#[component]
pub fn Problem(error: AppError) -> impl IntoView {
    PageStatus::set(error.status());
    let title = match &error {
        AppError::SignInRequired => "Please sign in",
        AppError::NotAllowed => "Not for this account",
        AppError::NotFound => "Nothing here",
        AppError::Invalid(_) | AppError::Refused(_) => "That didn't work",
        AppError::Internal { .. } => "Something went wrong",
        AppError::Unreachable => "No connection",
    };
    let step = match &error {
        AppError::SignInRequired => Some((routes::SIGN_IN, "Sign in")),
        AppError::NotFound => Some((routes::OVERVIEW, "To the overview")),
        _ => None,
    };
    view! {
        <section class="card wide problem" role="alert">
            <h2>{title}</h2>
            <p>{error.to_string()}</p>
            {step.map(|(href, label)| view! { <p><a class="button" href=href rel="external">{label}</a></p> })}
        </section>
    }
}

/// There is nothing yet, why, and what to do.
#[component]
pub fn Empty(#[prop(into)] title: String, #[prop(into)] text: String, #[prop(optional)] children: Option<Children>) -> impl IntoView {
    view! {
        <section class="card wide empty">
            <h2>{title}</h2>
            <p>{text}</p>
            {children.map(|children| view! { <div class="steps">{children()}</div> })}
        </section>
    }
}
