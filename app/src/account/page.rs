//! The door: sign in, enter the demo, create the first administrator. Plain forms of the server, no scripts needed.

use crate::{
    account::{api::show_door, model::Door},
    routes,
    ui::{Bob, Field, Loaded},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

#[component]
pub fn SignInPage() -> impl IntoView {
    let door = Resource::new_blocking(|| (), |()| show_door());
    view! {
        <Title text="Sign in"/>
        <Entrance title="Sign in">
            <Loaded of=door let:door>
                <SignIn door/>
            </Loaded>
        </Entrance>
    }
    .into_any()
}

#[component]
pub fn SetupPage() -> impl IntoView {
    view! {
        <Title text="Set up"/>
        <Entrance title="Create the first administrator">
            <Setup/>
        </Entrance>
    }
    .into_any()
}

#[component]
fn Entrance(title: &'static str, children: Children) -> impl IntoView {
    view! {
        <main class="door">
            <p class="brand"><Bob/><b>"Plumbline"</b></p>
            <section class="card">
                <h1>{title}</h1>
                {children()}
            </section>
            <p class="mute">"What a portfolio is worth and how it did, with the proof beside the number."</p>
        </main>
    }
}

#[component]
fn SignIn(door: Door) -> impl IntoView {
    let asked = use_query_map().get_untracked();
    let problem = asked.get("problem").map(|code| sign_in_problem(&code, asked.get("reference")));
    view! {
        {problem.map(|text| view! { <p class="note wrong" role="alert">{text}</p> })}
        {door.needs_setup.then(|| view! {
            <p class="note">"This installation has no administrator yet. "<a class="more" href=routes::SETUP rel="external">"Create the first one"</a>"."</p>
        })}
        <form method="post" action=routes::SIGN_IN>
            <input type="hidden" name="next" value=asked.get("next").unwrap_or_default()/>
            <Field label="Name" name="name" value=asked.get("name").unwrap_or_default() required=true autocomplete="username"/>
            <Field label="Password" name="password" kind="password" required=true autocomplete="current-password"/>
            <p class="send"><button class="button" type="submit">"Sign in"</button></p>
        </form>
        {door.has_demo.then(|| view! { <Demo/> })}
    }
}

#[component]
fn Demo() -> impl IntoView {
    view! {
        <form class="demo-door" method="post" action=routes::ENTER_DEMO>
            <button class="button quiet" type="submit">"Enter the demo"</button>
            <p class="tag">"Demo: simulated prices and a made-up portfolio. Nothing to sign up for."</p>
        </form>
    }
}

#[component]
fn Setup() -> impl IntoView {
    let asked = use_query_map().get_untracked();
    let problem = asked.get("problem").map(|code| setup_problem(&code, asked.get("reference")));
    view! {
        {problem.map(|text| view! { <p class="note wrong" role="alert">{text}</p> })}
        <p>"The server printed a one-time token when it started. It proves that you may."</p>
        <form method="post" action=routes::SETUP>
            <Field label="Token" name="token" required=true/>
            <Field label="Name to sign in with" name="name" value=asked.get("name").unwrap_or_default() required=true autocomplete="username"/>
            <Field label="Name to show" name="display_name" value=asked.get("display_name").unwrap_or_default() required=true autocomplete="name"/>
            <Field label="Password" name="password" kind="password" required=true autocomplete="new-password" hint="at least 12 characters"/>
            <p class="send"><button class="button" type="submit">"Create and sign in"</button></p>
        </form>
        <p class="tag"><a class="more" href=routes::SIGN_IN rel="external">"Sign in instead"</a></p>
    }
}

fn failed(reference: Option<String>) -> String {
    let reference = reference.unwrap_or_else(|| "unknown".into());
    format!("Something went wrong on our side. Try again; if it stays, tell the administrator reference {reference}.")
}

fn sign_in_problem(code: &str, reference: Option<String>) -> String {
    match code {
        "wrong" => "The name or the password is wrong. Try again, or ask an administrator to reset the password.".into(),
        "slow_down" => "Too many failures for this name. Wait 15 minutes, or ask an administrator to reset the password.".into(),
        "no_demo" => "There is no demo on this installation. Sign in with your account.".into(),
        _ => failed(reference),
    }
}

fn setup_problem(code: &str, reference: Option<String>) -> String {
    match code {
        "token" => "This isn't the latest token that the server printed. Copy it again from the server's output.".into(),
        "name" => "The name to sign in with needs 1 to 64 letters, digits, dots, dashes or underscores.".into(),
        "display_name" => "The name to show needs 1 to 80 characters.".into(),
        "password" => "The password needs at least 12 and at most 200 characters.".into(),
        "closed" => "There is an administrator already. Sign in instead.".into(),
        _ => failed(reference),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_problem_has_a_sentence_and_an_unknown_one_its_reference() {
        for code in ["wrong", "slow_down", "no_demo"] {
            assert!(!sign_in_problem(code, None).contains("reference"), "{code}");
        }
        for code in ["token", "name", "display_name", "password", "closed"] {
            assert!(!setup_problem(code, None).contains("reference"), "{code}");
        }
        assert!(sign_in_problem("failed", Some("7f3a".into())).contains("reference 7f3a"));
    }
}
