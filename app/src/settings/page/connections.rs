//! Brokers' keys: tested before they are kept, never shown again.

use crate::{
    format,
    settings::{
        api::{AddConnection, RemoveConnection, TestConnection, list_connections},
        model::{ConnectionRow, Connections},
    },
    ui::{Empty, Field, Loaded, Outcome, Refresh, Select, use_write},
};
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub fn ConnectionsPage() -> impl IntoView {
    let refresh = Refresh::count();
    let (test, remove, add) = (use_write::<TestConnection>(), use_write::<RemoveConnection>(), use_write::<AddConnection>());
    let connections = Resource::new_blocking(refresh, |_| list_connections());
    view! {
        <Title text="Connections"/>
        <h1>"Connections"</h1>
        <Loaded of=connections let:connections>
            <Page connections test remove add/>
        </Loaded>
    }
    .into_any()
}

#[component]
fn Page(
    connections: Connections,
    test: ServerAction<TestConnection>,
    remove: ServerAction<RemoveConnection>,
    add: ServerAction<AddConnection>,
) -> impl IntoView {
    let is_empty = connections.rows.is_empty();
    let may_change = connections.may_add;
    let rows = connections.rows.into_iter().map(|row| view! { <Row row test remove may_change/> }).collect_view();
    view! {
        <Outcome action=test done="The vendor answered: these keys work."/>
        <Outcome action=remove done="The connection is removed. What was fetched stays."/>
        {is_empty.then(|| view! { <Empty title="No connection yet" text="With a broker's keys the portfolio, its history and its daily numbers come on their own."/> })}
        {rows}
        {may_change.then(|| view! { <Add action=add/> })}
        {(!may_change).then(|| view! { <p class="note wide">"The demo's connections can't be changed. Sign in with an own account to add one."</p> })}
    }
    .into_any()
}

#[component]
fn Row(row: ConnectionRow, test: ServerAction<TestConnection>, remove: ServerAction<RemoveConnection>, may_change: bool) -> impl IntoView {
    let origin = match row.origin.as_str() {
        "environment" => "from the server's environment",
        "demo" => "of the demo",
        _ => "added by hand",
    };
    let (class, state) = match (&row.last_error, row.tested_at) {
        (Some(_), _) => ("chip bad", "failing".to_owned()),
        (None, Some(at)) => ("chip ok", format!("worked on {}", format::date(at.date_naive()))),
        (None, None) => ("chip wait", "not tested yet".to_owned()),
    };
    let key = if row.key_hint.is_empty() { String::new() } else { format!("key ending in {}, ", row.key_hint) };
    let address = row.base_url.map(|address| format!(" at {address}")).unwrap_or_default();
    let can_remove = may_change && row.origin == "person";
    let (to_test, to_remove) = (row.id.to_string(), row.id.to_string());
    view! {
        <section class="card half">
            <header>
                <h2>{row.label}</h2>
                <span class=class>{state}</span>
            </header>
            <p class="mute">{format!("{}{address}, {key}{origin}", in_words(&row.vendor))}</p>
            {row.last_error.map(|error| view! { <p class="note wrong">{error}</p> })}
            <div class="send">
                {may_change
                    .then(|| view! {
                        <ActionForm action=test>
                            <input type="hidden" name="connection" value=to_test/>
                            <button class="button quiet" type="submit">"Test"</button>
                        </ActionForm>
                    })}
                {can_remove
                    .then(|| view! {
                        <ActionForm action=remove>
                            <input type="hidden" name="connection" value=to_remove/>
                            <button class="link" type="submit" data-confirm="Remove these keys? What was fetched stays.">"Remove"</button>
                        </ActionForm>
                    })}
            </div>
        </section>
    }
}

fn in_words(vendor: &str) -> &str {
    match vendor {
        "polygon" => "Polygon (prices)",
        "alpaca" => "Alpaca (broker)",
        "fred" => "FRED (risk-free rate)",
        other => other,
    }
}

#[component]
fn Add(action: ServerAction<AddConnection>) -> impl IntoView {
    let error = Signal::derive(move || action.value().get().and_then(Result::err));
    let environments = vec![("paper".to_owned(), "Paper trading".to_owned()), ("live".to_owned(), "Live account".to_owned())];
    view! {
        <section class="card wide form">
            <header>
                <h2>"Add an Alpaca account"</h2>
                <span class="mute">"read only: Plumbline never trades"</span>
            </header>
            <ActionForm action=action>
                <div class="fields">
                    <Field label="Name" name="form[label]" field="label" value="Alpaca" required=true error/>
                    <Select label="Which" name="form[environment]" choices=environments/>
                    <Field label="Key ID" name="form[key_id]" field="key_id" required=true error/>
                    <Field label="Secret key" name="form[secret_key]" field="secret_key" kind="password" required=true hint="kept encrypted, never shown again" error/>
                </div>
                <Outcome action done="The keys work and are kept. The first backfill is on its way."/>
                <p class="send"><button class="button" type="submit">"Test and keep"</button></p>
            </ActionForm>
        </section>
    }
}
