//! Writes from forms: they work before WASM, and what went wrong is shown after the redirect too.

use crate::{error::AppError, ui::Refresh};
use leptos::{
    prelude::*,
    server_fn::{ServerFn, client::Client, error::ServerFnUrlError},
};
use leptos_router::hooks::use_query_map;

/// An action for a server function. Without scripts its refusal comes back in the URL (`__path`, `__err`); after each success
/// what the page shows is asked for again. Call it outside of `<Loaded>`, whose content is drawn anew then: what the write came
/// to must outlive that.
pub fn use_write<S>() -> ServerAction<S>
where
    S: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
    S::Client: Client<AppError>,
{
    use_write_if(|_| true)
}

/// Like [`use_write`]; asks again only when the answer says that something changed.
pub fn use_write_if<S>(is_news: fn(&S::Output) -> bool) -> ServerAction<S>
where
    S: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
    S::Client: Client<AppError>,
{
    let query = use_query_map().get_untracked();
    if let (Some(path), Some(error)) = (query.get("__path"), query.get("__err")) {
        provide_context(ServerActionError::new(&path, &error));
    }
    let action = ServerAction::<S>::new();
    let refresh = use_context::<Refresh>();
    Effect::new(move |_| {
        if let (Some(Ok(answer)), Some(refresh)) = (action.value().get(), refresh)
            && is_news(&answer)
        {
            refresh.raise();
        }
    });
    action
}

/// What a write came to: the sentence of its refusal, or what was done.
#[component]
pub fn Outcome<S>(action: ServerAction<S>, #[prop(optional, into)] done: String) -> impl IntoView
where
    S: ServerFn<Error = AppError> + Clone + Send + Sync + 'static,
    S::Output: Clone + Send + Sync + 'static,
    S::Client: Client<AppError>,
{
    let said = move || match action.value().get() {
        Some(Err(error)) => Some((true, error.to_string())),
        Some(Ok(_)) if !done.is_empty() => Some((false, done.clone())),
        _ => None,
    };
    view! {
        <div class="outcome" aria-live="polite">
            {move || said().map(|(is_wrong, text)| view! { <p class="note" class:wrong=is_wrong class:done=!is_wrong>{text}</p> })}
        </div>
    }
}

/// What a plain form of a drawn page was refused for: after its post the page is loaded anew with the sentence in its address.
#[component]
pub fn Refused() -> impl IntoView {
    let query = use_query_map();
    let sentence = move || {
        let error = query.with(|query| query.get("__err"))?;
        Some(ServerFnUrlError::<AppError>::decode_err(&error).to_string())
    };
    view! { {move || sentence().map(|text| view! { <p class="note wrong wide" role="alert">{text}</p> })} }
}
