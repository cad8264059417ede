//! What happened: the list, the form to enter and correct, the import, the openings that wait for a decision.

mod entry_form;
mod import;
mod list;
mod openings;
mod start;

use crate::{
    activity::{api::list_activity, model::Activity},
    ui::{Loaded, Refresh, use_scope},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

/// Kinds of transactions: as in the CSV, and in words.
pub(crate) const KINDS: [(&str, &str); 11] = [
    ("buy", "Buy"),
    ("sell", "Sell"),
    ("deposit", "Deposit"),
    ("withdrawal", "Withdrawal"),
    ("dividend", "Dividend"),
    ("interest", "Interest"),
    ("fee", "Fee"),
    ("tax", "Tax"),
    ("transfer_in", "Transfer in"),
    ("transfer_out", "Transfer out"),
    ("opening", "Opening balance"),
];

pub(crate) fn kind_in_words(kind: &str) -> String {
    KINDS.iter().find(|(key, _)| *key == kind).map_or_else(|| kind.replace('_', " "), |(_, words)| (*words).to_owned())
}

#[component]
pub fn ActivityPage() -> impl IntoView {
    let scope = use_scope();
    let refresh = Refresh::count();
    let query = use_query_map();
    let page = Memo::new(move |_| query.get().get("page").and_then(|page| page.parse::<u32>().ok()).unwrap_or(1));
    let activity =
        Resource::new_blocking(move || (scope.get().query(), page.get(), refresh()), |(scope, page, _)| list_activity(scope, page));
    view! {
        <Title text="Activity"/>
        <h1>"Activity"</h1>
        <Loaded of=activity let:activity>
            <Page activity/>
        </Loaded>
    }
    .into_any()
}

#[component]
fn Page(activity: Activity) -> impl IntoView {
    let has_account = !activity.accounts.is_empty();
    let Activity { currency, accounts, rows, total, page, pages, proposals } = activity;
    view! {
        <openings::Openings proposals/>
        {has_account
            .then(|| view! {
                <entry_form::EntryForm accounts=accounts.clone() rows=rows.clone()/>
                <import::Import accounts=accounts.clone()/>
            })}
        <list::List rows currency total page pages/>
        <start::Start has_account/>
    }
    .into_any()
}
