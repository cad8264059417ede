//! One's own settings: theme, password, accounts, and the pages that a phone's bar has no room for.

use super::accounts::AccountsCard;
use crate::{
    routes,
    settings::api::ChangePassword,
    ui::{Field, Outcome, Theme, use_write},
};
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub fn SettingsPage() -> impl IntoView {
    view! {
        <Title text="Settings"/>
        <h1>"Settings"</h1>
        <More/>
        <Appearance/>
        <Password/>
        <AccountsCard/>
    }
    .into_any()
}

#[component]
fn More() -> impl IntoView {
    let places = [(routes::PIPELINE, "Pipeline"), (routes::CONNECTIONS, "Connections"), (routes::PEOPLE, "People")];
    let links = places.map(|(path, name)| view! { <li><a href=path>{name}</a></li> }).collect_view();
    view! {
        <nav class="card wide phone-only" aria-label="More pages">
            <ul class="places">{links}</ul>
            <form method="post" action=routes::SIGN_OUT><button class="link" type="submit">"Sign out"</button></form>
        </nav>
    }
}

/// The glue keeps the choice in a cookie, which the server reads: the next page comes in the right colors.
#[component]
fn Appearance() -> impl IntoView {
    let chosen = use_context::<Theme>().unwrap_or_default();
    let choice = |theme: Theme, value: &'static str, label: &'static str| {
        view! { <label><input type="radio" name="theme" value=value checked=theme == chosen/><span>{label}</span></label> }
    };
    view! {
        <section class="card half only-scripts">
            <header><h2>"Appearance"</h2></header>
            <fieldset class="seg" data-theme-choice="">
                <legend class="sr">"Theme"</legend>
                {choice(Theme::System, "system", "As the system")}
                {choice(Theme::Light, "light", "Light")}
                {choice(Theme::Dark, "dark", "Dark")}
            </fieldset>
        </section>
    }
}

#[component]
fn Password() -> impl IntoView {
    let action = use_write::<ChangePassword>();
    let error = Signal::derive(move || action.value().get().and_then(Result::err));
    view! {
        <section class="card half form">
            <header><h2>"Change the password"</h2></header>
            <ActionForm action=action>
                <Field label="Current password" name="current" kind="password" required=true autocomplete="current-password" error/>
                <Field label="New password" name="new" kind="password" required=true autocomplete="new-password" hint="at least 12 characters" error/>
                <Outcome action done="Changed. Other sessions of yours have ended."/>
                <p class="send"><button class="button" type="submit">"Change"</button></p>
            </ActionForm>
        </section>
    }
}
