//! Frames of the two pages, which the server draws, and the button that works a figure out again in the browser.

use crate::{
    error::AppError,
    explain::{
        api::{ask_recomputable, draw_explanation, draw_restatements},
        model::Recomputable,
        recipe::{Answer, Recipe},
    },
    format, routes,
    ui::{Drawn, Loaded, Refresh, use_scope},
};
use leptos::{prelude::*, task::spawn_local};
use leptos_meta::Title;
use leptos_router::hooks::{use_location, use_params_map, use_query_map};

pub(super) const EXPLANATION: &str = "explanation";
pub(super) const RESTATEMENTS: &str = "restatements";

/// How one figure was made.
#[component]
pub fn ExplainPage() -> impl IntoView {
    let params = use_params_map();
    let search = use_location().search;
    let refresh = Refresh::count();
    let figure = Memo::new(move |_| params.with(|params| params.get("figure").unwrap_or_default()));
    let page = Resource::new_blocking(
        move || (figure.get(), search.get(), refresh()),
        |(figure, search, _)| draw_explanation(figure, search.trim_start_matches('?').to_owned()),
    );
    let name = move || format::identifier(&figure.get());
    view! {
        <Title text=name/>
        <h1>"Explain: "{move || name().to_lowercase()}</h1>
        <Loaded of=page let:html>
            <Drawn id=EXPLANATION html/>
            <Again figure search/>
        </Loaded>
    }
    .into_any()
}

/// "Recompute here": the same Rust on the same inputs, in the browser.
#[component]
fn Again(figure: Memo<String>, search: Memo<String>) -> impl IntoView {
    let said = RwSignal::new(None::<(bool, String)>);
    // What was found belongs to the figure that was asked for.
    Effect::new(move |_| {
        figure.track();
        search.track();
        said.set(None);
    });
    let again = move |_| {
        spawn_local(async move {
            let asked = search.get_untracked().trim_start_matches('?').to_owned();
            let answer = ask_recomputable(figure.get_untracked(), asked).await;
            said.try_set(Some(compare(answer)));
        });
    };
    view! {
        <section class="card wide again only-scripts">
            <header><h2>"Recompute here"</h2></header>
            <p class="mute">"Your browser works the figure out from the inputs above, by the same code as the server, and compares both to the last bit."</p>
            <p><button class="button" type="button" on:click=again>"Recompute"</button></p>
            <div aria-live="polite">
                {move || said.get().map(|(agrees, text)| view! { <p class="note recomputed" class:done=agrees class:wrong=!agrees>{text}</p> })}
            </div>
        </section>
    }
}

/// Does what comes out here agree with what the server said, and how that reads.
fn compare(answer: Result<Recomputable, AppError>) -> (bool, String) {
    let Recomputable { value, recipe } = match answer {
        Ok(answer) => answer,
        Err(error) => return (false, error.to_string()),
    };
    if let (Ok(there), Recipe::Nothing { reason }) = (&value, &recipe) {
        return (false, format!("{} there; it can't be worked out again: {reason}.", text(there)));
    }
    match (value, recipe.work_out()) {
        (Ok(there), Ok(here)) if is_same(&there, &here) => (true, format!("{} here and there: the same to the last bit.", text(&here))),
        (Err(there), Err(here)) => (true, format!("No number here either: {here}. The server says: {there}.")),
        (Ok(there), Ok(here)) => (false, format!("{} here, {} there: they differ. Please report it.", text(&here), text(&there))),
        (Ok(there), Err(here)) => (false, format!("{} there, and none here: {here}. Please report it.", text(&there))),
        (Err(there), Ok(here)) => (false, format!("{} here, and none there: {there}. Please report it.", text(&here))),
    }
}

fn is_same(there: &Answer, here: &Answer) -> bool {
    match (there, here) {
        (Answer::Number(there), Answer::Number(here)) => there.0.to_bits() == here.0.to_bits(),
        (there, here) => there == here,
    }
}

fn text(answer: &Answer) -> String {
    match answer {
        Answer::Number(number) => number.0.to_string(),
        Answer::Money(money) => money.0.to_string(),
        Answer::Price(price) => price.to_string(),
    }
}

/// Published numbers that moved.
#[component]
pub fn RestatementsPage() -> impl IntoView {
    let scope = use_scope();
    let query = use_query_map();
    let refresh = Refresh::count();
    let number = Memo::new(move |_| query.with(|query| query.get("page").and_then(|page| page.parse().ok()).unwrap_or(1)));
    let page =
        Resource::new_blocking(move || (scope.get().query(), number.get(), refresh()), |(scope, page, _)| draw_restatements(scope, page));
    view! {
        <Title text="Restatements"/>
        <h1><a href=move || routes::scoped(routes::OVERVIEW, &scope.get())>"Overview"</a>" / restatements"</h1>
        <Loaded of=page let:html>
            <Drawn id=RESTATEMENTS html/>
        </Loaded>
    }
    .into_any()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Money, Undefined},
        explain::recipe::{Exact, Term},
    };

    #[test]
    fn says_whether_both_agree() {
        let sum = Recipe::Sum { terms: vec![Term { name: "Value".into(), amount: Money(5.into()) }] };
        let compared = |value, recipe: &Recipe| compare(Ok(Recomputable { value, recipe: recipe.clone() }));
        assert_eq!(compared(Ok(Answer::Money(Money(5.into()))), &sum), (true, "5 here and there: the same to the last bit.".into()));
        assert!(!compared(Ok(Answer::Money(Money(6.into()))), &sum).0);
        assert!(!compared(Ok(Answer::Number(Exact(5.0))), &sum).0);
        assert!(!compared(Err(Undefined::because("no price")), &sum).0);
        let kept_by_nobody = compared(Ok(Answer::Number(Exact(5.0))), &Recipe::Nothing { reason: "rates weren't kept then".into() });
        assert_eq!(kept_by_nobody, (false, "5 there; it can't be worked out again: rates weren't kept then.".into()));
        assert!(compared(Err(Undefined::because("no price")), &Recipe::Nothing { reason: "no price".into() }).0);
    }
}
