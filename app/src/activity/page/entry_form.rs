//! One form to enter a transaction, or to correct the one named in the URL.

use super::KINDS;
use crate::{
    activity::{
        api::{Correct, Enter},
        model::{AccountChoice, Entry, TransactionForm},
    },
    error::AppError,
    routes,
    ui::{Field, Outcome, Select, computed, use_scope},
};
use leptos::{either::Either, prelude::*};
use leptos_router::{hooks::use_query_map, params::ParamsMap};

#[component]
pub fn EntryForm(
    accounts: Vec<AccountChoice>,
    rows: Vec<Entry>,
    enter: ServerAction<Enter>,
    correct: ServerAction<Correct>,
) -> impl IntoView {
    let query = use_query_map();
    let wanted = computed(move || query.get().get("correct"));
    let wrong = move |error: Option<Result<(), AppError>>| error.and_then(Result::err);
    view! {
        {move || {
            let entry = wanted.get().and_then(|key| rows.iter().find(|row| row.transaction.is_some_and(|id| id.to_string() == key)).cloned());
            let accounts = accounts.clone();
            match entry {
                Some(entry) => {
                    let error = Signal::derive(move || wrong(correct.value().get()));
                    Either::Left(view! { <CorrectForm entry accounts action=correct error/> })
                }
                None => {
                    let error = Signal::derive(move || wrong(enter.value().get().map(|entered| entered.map(|_| ()))));
                    Either::Right(view! { <EnterForm accounts action=enter error/> })
                }
            }
        }}
    }
}

#[component]
fn EnterForm(accounts: Vec<AccountChoice>, action: ServerAction<Enter>, error: Signal<Option<AppError>>) -> impl IntoView {
    let scope = use_scope();
    let proposed = proposed(&use_query_map().get_untracked());
    let is_open = proposed.is_some() || action.value().get_untracked().is_some();
    let form = proposed.unwrap_or_else(|| TransactionForm { kind: "buy".into(), ..TransactionForm::default() });
    view! {
        <details class="card wide form" id="form" open=is_open>
            <summary><h2>"Enter a transaction"</h2></summary>
            <ActionForm action=action>
                <input type="hidden" name="scope" value=move || scope.get().query()/>
                <Fields form accounts error/>
                <Outcome action done="Entered. The numbers follow with the next publication."/>
                <p class="send"><button class="button" type="submit">"Enter"</button></p>
            </ActionForm>
        </details>
    }
}

/// What an address proposes to enter: `?enter=buy&symbol=AAPL&quantity=10`. A person still has to press the button.
fn proposed(query: &ParamsMap) -> Option<TransactionForm> {
    let text = |name: &str| query.get(name).unwrap_or_default();
    Some(TransactionForm {
        kind: query.get("enter")?,
        account: text("account"),
        traded_on: text("traded_on"),
        symbol: text("symbol"),
        quantity: text("quantity"),
        price: text("price"),
        amount: text("amount"),
        ..TransactionForm::default()
    })
}

#[component]
fn CorrectForm(
    entry: Entry,
    accounts: Vec<AccountChoice>,
    action: ServerAction<Correct>,
    error: Signal<Option<AppError>>,
) -> impl IntoView {
    let scope = use_scope();
    let transaction = entry.transaction.map(|id| id.to_string()).unwrap_or_default();
    view! {
        <details class="card wide form" id="form" open=true>
            <summary><h2>"Correct a transaction"</h2></summary>
            <ActionForm action=action>
                <input type="hidden" name="scope" value=move || scope.get().query()/>
                <input type="hidden" name="transaction" value=transaction/>
                <input type="hidden" name="version" value=entry.version.to_string()/>
                <Fields form=entry.as_form() accounts error/>
                <Outcome action done="Corrected. The earlier version is kept."/>
                <p class="send">
                    <button class="button" type="submit">"Keep the correction"</button>
                    <a class="button quiet" href=move || routes::scoped(routes::ACTIVITY, &scope.get())>"Leave as it is"</a>
                </p>
            </ActionForm>
        </details>
    }
}

#[component]
fn Fields(form: TransactionForm, accounts: Vec<AccountChoice>, error: Signal<Option<AppError>>) -> impl IntoView {
    let accounts = accounts.into_iter().map(|account| (account.id.to_string(), account.name)).collect();
    let kinds = KINDS.iter().map(|(key, words)| ((*key).to_owned(), (*words).to_owned())).collect();
    view! {
        <div class="fields">
            <Select label="Account" name="form[account]" choices=accounts chosen=form.account/>
            <Select label="What" name="form[kind]" choices=kinds chosen=form.kind/>
            <Field label="Day" name="form[traded_on]" field="traded_on" kind="date" value=form.traded_on required=true error/>
            <Field label="Symbol" name="form[symbol]" field="symbol" value=form.symbol hint="empty for cash" error/>
            <Field label="Quantity" name="form[quantity]" field="quantity" value=form.quantity inputmode="decimal" hint="of shares" error/>
            <Field label="Price" name="form[price]" field="price" value=form.price inputmode="decimal" hint="a share" error/>
            <Field label="Amount" name="form[amount]" field="amount" value=form.amount inputmode="decimal" hint="empty: quantity × price" error/>
            <Field label="Fee" name="form[fee]" field="fee" value=form.fee inputmode="decimal" error/>
            <Field label="Tax" name="form[tax]" field="tax" value=form.tax inputmode="decimal" error/>
            <Field label="Note" name="form[note]" field="note" value=form.note error/>
        </div>
    }
}
