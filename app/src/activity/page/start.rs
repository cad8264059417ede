//! A portfolio and an account to enter things into.

use crate::{
    activity::api::{CreateAccount, CreatePortfolio},
    ui::{Field, Outcome, use_scope},
};
use leptos::prelude::*;

#[component]
pub fn Start(has_account: bool, portfolio: ServerAction<CreatePortfolio>, account: ServerAction<CreateAccount>) -> impl IntoView {
    let scope = use_scope();
    let is_open = !has_account || portfolio.value().with_untracked(Option::is_some) || account.value().with_untracked(Option::is_some);
    let portfolio_error = Signal::derive(move || portfolio.value().get().and_then(Result::err));
    let account_error = Signal::derive(move || account.value().get().and_then(Result::err));
    view! {
        <details class="card wide form" open=is_open>
            <summary><h2>{if has_account { "Add a portfolio or an account" } else { "Start with a portfolio" }}</h2></summary>
            <div class="fields two">
                {has_account
                    .then(|| view! {
                        <ActionForm action=account>
                            <input type="hidden" name="scope" value=move || scope.get().query()/>
                            <Field label="New account in this portfolio" name="name" required=true error=account_error/>
                            <Outcome action=account done="The account is there."/>
                            <p class="send"><button class="button quiet" type="submit">"Add account"</button></p>
                        </ActionForm>
                    })}
                <ActionForm action=portfolio>
                    <Field label="New portfolio" name="name" required=true error=portfolio_error/>
                    <Field label="Its currency" name="currency" value="USD" hint="in which its value is reckoned, for good" error=portfolio_error/>
                    <Outcome action=portfolio done="The portfolio is there: choose it above."/>
                    <p class="send"><button class="button" class:quiet=has_account type="submit">"Add portfolio"</button></p>
                </ActionForm>
            </div>
        </details>
    }
}
