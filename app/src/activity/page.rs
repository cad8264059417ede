//! What happened: the list, the form to enter and correct, the import, the openings that wait for a decision.

mod entry_form;
mod import;
mod list;
mod openings;
mod start;

use crate::{
    activity::{
        api::{Correct, CreateAccount, CreatePortfolio, DecideOpenings, Delete, Enter, Import, list_activity},
        model::{Activity, ImportReport},
    },
    ui::{Loaded, Refresh, use_scope, use_write, use_write_if},
};
use leptos::prelude::*;
use leptos_meta::Title;
use leptos_router::hooks::use_query_map;

/// What can be written from this page. Made once: the lists are drawn anew after each write.
#[derive(Clone, Copy)]
struct Writes {
    enter: ServerAction<Enter>,
    correct: ServerAction<Correct>,
    delete: ServerAction<Delete>,
    import: ServerAction<Import>,
    decide: ServerAction<DecideOpenings>,
    portfolio: ServerAction<CreatePortfolio>,
    account: ServerAction<CreateAccount>,
}

impl Writes {
    fn new() -> Self {
        Self {
            enter: use_write(),
            correct: use_write(),
            delete: use_write(),
            import: use_write_if(|report: &ImportReport| !report.is_dry_run),
            decide: use_write(),
            portfolio: use_write(),
            account: use_write(),
        }
    }
}

#[component]
pub fn ActivityPage() -> impl IntoView {
    let scope = use_scope();
    let refresh = Refresh::count();
    let query = use_query_map();
    let writes = Writes::new();
    let page = Memo::new(move |_| query.get().get("page").and_then(|page| page.parse::<u32>().ok()).unwrap_or(1));
    let activity =
        Resource::new_blocking(move || (scope.get().query(), page.get(), refresh()), |(scope, page, _)| list_activity(scope, page));
    view! {
        <Title text="Activity"/>
        <h1>"Activity"</h1>
        <Loaded of=activity let:activity>
            <Page activity writes/>
        </Loaded>
    }
    .into_any()
}

#[component]
fn Page(activity: Activity, writes: Writes) -> impl IntoView {
    let has_account = !activity.accounts.is_empty();
    let Activity { currency, accounts, rows, total, page, pages, proposals } = activity;
    view! {
        <openings::Openings proposals action=writes.decide/>
        {has_account
            .then(|| view! {
                <entry_form::EntryForm accounts=accounts.clone() rows=rows.clone() enter=writes.enter correct=writes.correct/>
                <import::Import accounts=accounts.clone() action=writes.import/>
            })}
        <list::List rows currency total page pages delete=writes.delete/>
        <start::Start has_account portfolio=writes.portfolio account=writes.account/>
    }
    .into_any()
}
