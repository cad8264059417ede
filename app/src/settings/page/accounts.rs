//! How each account is kept: which lots a sale closes, and whether shares that aren't held may be sold.

use crate::{
    settings::{
        api::{KeepAccount, list_accounts},
        model::{AccountRow, Accounts, COST_BASES},
    },
    ui::{Loaded, Outcome, Refresh, Select, use_write},
};
use leptos::prelude::*;

#[component]
pub fn AccountsCard() -> impl IntoView {
    let refresh = Refresh::count();
    let keep = use_write::<KeepAccount>();
    let accounts = Resource::new_blocking(refresh, |_| list_accounts());
    view! {
        <Loaded of=accounts let:accounts>
            <Card accounts keep/>
        </Loaded>
    }
}

#[component]
fn Card(accounts: Accounts, keep: ServerAction<KeepAccount>) -> impl IntoView {
    let may_change = accounts.may_change;
    let rows = accounts.rows.into_iter().map(|row| view! { <Row row may_change keep/> }).collect_view();
    (!rows.is_empty()).then(|| {
        view! {
            <section class="card wide form">
                <header>
                    <h2>"Accounts"</h2>
                    <span class="mute">"a change is reckoned for all the past"</span>
                </header>
                <Outcome action=keep done="Kept. The numbers follow with the next publication."/>
                {rows}
            </section>
        }
    })
}

#[component]
fn Row(row: AccountRow, may_change: bool, keep: ServerAction<KeepAccount>) -> impl IntoView {
    let bases = COST_BASES.iter().map(|(key, words)| ((*key).to_owned(), (*words).to_owned())).collect::<Vec<_>>();
    let label = format!("{}, {}: sales close", row.portfolio, row.name);
    view! {
        <ActionForm action=keep>
            <input type="hidden" name="account" value=row.id.to_string()/>
            <div class="fields">
                <Select label=label name="cost_basis" choices=bases chosen=row.cost_basis id=format!("cost-basis-{}", row.id)/>
                <div class="field">
                    <label>
                        <input type="checkbox" name="allows_short" checked=row.allows_short/>" Short sales"
                    </label>
                    <small>"else a sale of more than is held is reported"</small>
                </div>
                {may_change.then(|| view! { <p class="send"><button class="button quiet" type="submit">"Keep"</button></p> })}
            </div>
        </ActionForm>
    }
}
