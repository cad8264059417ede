//! What a broker holds and its history doesn't explain: proposed as opening balances, decided by the person.

use crate::{
    activity::{api::DecideOpenings, model::OpeningProposal},
    domain::AccountId,
    format,
    ui::{Outcome, use_scope},
};
use leptos::prelude::*;
use std::collections::BTreeMap;

#[component]
pub fn Openings(proposals: Vec<OpeningProposal>, action: ServerAction<DecideOpenings>) -> impl IntoView {
    let mut accounts: BTreeMap<AccountId, Vec<OpeningProposal>> = BTreeMap::new();
    for proposal in proposals {
        accounts.entry(proposal.account).or_default().push(proposal);
    }
    let cards = accounts.into_iter().map(|(account, proposals)| view! { <Card account proposals action/> }).collect_view();
    view! {
        {cards}
        <Outcome action/>
    }
}

#[component]
fn Card(account: AccountId, proposals: Vec<OpeningProposal>, action: ServerAction<DecideOpenings>) -> impl IntoView {
    let name = proposals.first().map(|proposal| proposal.account_name.clone()).unwrap_or_default();
    let rows = proposals
        .into_iter()
        .map(|proposal| {
            let what = proposal.symbol.map_or_else(|| "Cash".into(), |symbol| symbol.to_string());
            view! {
                <tr>
                    <th scope="row">{what}</th>
                    <td>{format::date(proposal.opened_on)}</td>
                    <td class="r">{proposal.quantity.map(format::quantity)}</td>
                    <td class="r">{format::money(proposal.amount)}</td>
                </tr>
            }
        })
        .collect_view();
    view! {
        <section class="card wide proposal">
            <header>
                <h2>{format!("Opening balances of {name}")}</h2>
                <span class="chip warn">"waits for you"</span>
            </header>
            <p>
                "The broker reports more than its transactions explain; its history begins later than the account. Confirm these opening balances, or dismiss them and enter what happened."
            </p>
            <table class="rows">
                <thead>
                    <tr><th scope="col">"What"</th><th scope="col">"On"</th><th scope="col" class="r">"Quantity"</th><th scope="col" class="r">"Amount or cost"</th></tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
            <div class="send">
                <Decide account confirm=true action label="Confirm" class="button"/>
                <Decide account confirm=false action label="Dismiss" class="button quiet"/>
            </div>
        </section>
    }
}

#[component]
fn Decide(
    account: AccountId,
    confirm: bool,
    action: ServerAction<DecideOpenings>,
    label: &'static str,
    class: &'static str,
) -> impl IntoView {
    let scope = use_scope();
    view! {
        <ActionForm action=action>
            <input type="hidden" name="scope" value=move || scope.get().query()/>
            <input type="hidden" name="account" value=account.to_string()/>
            <input type="hidden" name="confirm" value=confirm.to_string()/>
            <button class=class type="submit">{label}</button>
        </ActionForm>
    }
}
