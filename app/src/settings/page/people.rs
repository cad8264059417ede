//! Who may sign in: an administrator adds and disables.

use crate::{
    format,
    settings::{
        api::{AddPerson, SetDisabled, list_people},
        model::{People, PersonRow},
    },
    ui::{Field, Loaded, Outcome, Refresh, Select, use_write},
};
use leptos::prelude::*;
use leptos_meta::Title;

#[component]
pub fn PeoplePage() -> impl IntoView {
    let refresh = Refresh::count();
    let (add, set_disabled) = (use_write::<AddPerson>(), use_write::<SetDisabled>());
    let people = Resource::new_blocking(refresh, |_| list_people());
    view! {
        <Title text="People"/>
        <h1>"People"</h1>
        <Loaded of=people let:people>
            <Page people add set_disabled/>
        </Loaded>
    }
    .into_any()
}

#[component]
fn Page(people: People, add: ServerAction<AddPerson>, set_disabled: ServerAction<SetDisabled>) -> impl IntoView {
    let rows = people.rows.into_iter().map(|person| view! { <Row person action=set_disabled/> }).collect_view();
    view! {
        <section class="card wide">
            <Outcome action=set_disabled/>
            <table class="rows">
                <thead>
                    <tr>
                        <th scope="col">"Person"</th>
                        <th scope="col">"Role"</th>
                        <th scope="col" class="hide">"Since"</th>
                        <th scope="col" class="r">"May sign in"</th>
                    </tr>
                </thead>
                <tbody>{rows}</tbody>
            </table>
        </section>
        <Add action=add/>
    }
    .into_any()
}

#[component]
fn Row(person: PersonRow, action: ServerAction<SetDisabled>) -> impl IntoView {
    let state = if person.is_disabled { "no" } else { "yes" };
    let label = if person.is_disabled { "Enable" } else { "Disable" };
    let change = (!person.is_me).then(|| {
        view! {
            <ActionForm action=action>
                <input type="hidden" name="person" value=person.id.to_string()/>
                <input type="hidden" name="is_disabled" value=(!person.is_disabled).to_string()/>
                <button class="link" type="submit">{label}</button>
            </ActionForm>
        }
    });
    view! {
        <tr>
            <th scope="row"><b>{person.display_name}</b>" "<small>{person.name}{person.is_me.then_some(", you")}</small></th>
            <td>{person.role}</td>
            <td class="hide">{format::date(person.created_at.date_naive())}</td>
            <td class="r"><span class="acts">{state}" "{change}</span></td>
        </tr>
    }
}

#[component]
fn Add(action: ServerAction<AddPerson>) -> impl IntoView {
    let error = Signal::derive(move || action.value().get().and_then(Result::err));
    let roles = vec![("member".to_owned(), "Member".to_owned()), ("administrator".to_owned(), "Administrator".to_owned())];
    view! {
        <section class="card wide form">
            <header><h2>"Add a person"</h2></header>
            <ActionForm action=action>
                <div class="fields">
                    <Field label="Name to sign in with" name="name" required=true error/>
                    <Field label="Name to show" name="display_name" required=true error/>
                    <Select label="Role" name="role" choices=roles/>
                    <Field label="First password" name="password" kind="password" required=true autocomplete="new-password" hint="at least 12 characters; to be changed by the person" error/>
                </div>
                <Outcome action done="Added. Tell the person the name and the password."/>
                <p class="send"><button class="button" type="submit">"Add"</button></p>
            </ActionForm>
        </section>
    }
}
