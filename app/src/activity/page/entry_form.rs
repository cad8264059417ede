//! One form to enter a transaction, or to correct the one named in the URL.

use crate::{
    activity::{
        api::{Correct, Enter},
        kinds::{KINDS, Kind, Part},
        model::{AccountChoice, Entry, TransactionForm},
    },
    error::AppError,
    routes,
    ui::{Field, Outcome, Select, use_scope},
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
    let wanted = Memo::new(move |_| query.get().get("correct"));
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
        currency: text("currency"),
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
    let kinds = KINDS.iter().map(|kind| (kind.key.to_owned(), kind.words.to_owned())).collect();
    let chosen = RwSignal::new(form.kind.clone());
    let hint = move || Kind::find(&chosen.get()).map_or("", |kind| kind.hint);
    view! {
        <div class="fields">
            <Select label="Account" name="form[account]" choices=accounts chosen=form.account/>
            <Select label="What" name="form[kind]" choices=kinds chosen=form.kind follow=chosen/>
            <Field label="Day" name="form[traded_on]" field="traded_on" kind="date" value=form.traded_on required=true error/>
            <Needed part=Part::Symbol chosen><Field label="Symbol" name="form[symbol]" field="symbol" value=form.symbol hint="empty for cash" error/></Needed>
            <Needed part=Part::CounterSymbol chosen>
                <Field label="Other symbol" name="form[counter_symbol]" field="counter_symbol" value=form.counter_symbol hint="of the shares that came" error/>
            </Needed>
            <Needed part=Part::Ratio chosen>
                <Field label="Ratio" name="form[ratio]" field="ratio" value=form.ratio inputmode="decimal" hint="new shares for one" error/>
            </Needed>
            <Needed part=Part::Quantity chosen>
                <Field label="Quantity" name="form[quantity]" field="quantity" value=form.quantity inputmode="decimal" hint="of shares" error/>
            </Needed>
            <Needed part=Part::CostShare chosen>
                <Field label="Share of the cost" name="form[cost_share]" field="cost_share" value=form.cost_share inputmode="decimal" hint="0 to 1" error/>
            </Needed>
            <Needed part=Part::Price chosen>
                <Field label="Price" name="form[price]" field="price" value=form.price inputmode="decimal" hint="a share" error/>
            </Needed>
            <Needed part=Part::Amount chosen>
                <Field label="Amount" name="form[amount]" field="amount" value=form.amount inputmode="decimal" hint="empty: quantity × price" error/>
            </Needed>
            <Needed part=Part::Fee chosen><Field label="Fee" name="form[fee]" field="fee" value=form.fee inputmode="decimal" error/></Needed>
            <Needed part=Part::Tax chosen><Field label="Tax" name="form[tax]" field="tax" value=form.tax inputmode="decimal" error/></Needed>
            <Needed part=Part::LotId chosen>
                <Field label="Lot" name="form[lot_id]" field="lot_id" value=form.lot_id hint="its name, where lots are chosen" error/>
            </Needed>
            <Needed part=Part::OpenedOn chosen>
                <Field label="Bought on" name="form[opened_on]" field="opened_on" kind="date" value=form.opened_on hint="empty: on this day" error/>
            </Needed>
            <Field label="Currency" name="form[currency]" field="currency" value=form.currency hint="empty: the portfolio's" error/>
            <Field label="Note" name="form[note]" field="note" value=form.note error/>
        </div>
        <p class="mute">{hint}</p>
    }
}

/// A field that is there while the chosen kind needs it. Without scripts, and until they have loaded, all are.
#[component]
fn Needed(part: Part, chosen: RwSignal<String>, children: Children) -> impl IntoView {
    let is_live = RwSignal::new(false);
    Effect::new(move |_| is_live.set(true));
    let is_idle = Memo::new(move |_| is_live.get() && Kind::find(&chosen.get()).is_some_and(|kind| !kind.has(part)));
    // A disabled field isn't sent: what was typed for another kind can't be in the way.
    view! { <fieldset hidden=move || is_idle.get() disabled=move || is_idle.get()>{children()}</fieldset> }
}
