//! The forms at the door: sign in, sign out, set up, enter the demo. Plain HTML forms that answer 303, so they work before WASM.

use super::{
    backend::{AuthSession, Credentials, Person, Refusal},
    next::same_site_path,
    people::PeopleError,
    setup::{self, SetupError},
};
use crate::{http::AppState, store::reference};
use axum::{
    Form,
    extract::{State, rejection::FormRejection},
    response::{IntoResponse, Redirect, Response},
};
use axum_login::AuthnBackend;
use secrecy::SecretString;
use serde::Deserialize;
use url::form_urlencoded;

/// Something that is neither the visitor's fault nor a form's: the page shows the reference, the log the cause.
type Failure = Box<dyn std::error::Error + Send + Sync>;

#[derive(Deserialize)]
pub struct SignInForm {
    name: String,
    password: SecretString,
    #[serde(default)]
    next: String,
}

pub async fn sign_in(mut session: AuthSession, form: Result<Form<SignInForm>, FormRejection>) -> Response {
    let form = match form {
        Ok(Form(form)) => form,
        Err(rejection) => return unreadable(&rejection),
    };
    let next = same_site_path(&form.next);
    let back = |problem: &str| back_to("/sign-in", problem, &[("name", &form.name), ("next", next)]);
    let person = match session.backend.authenticate(Credentials { name: form.name.clone(), password: form.password.clone() }).await {
        Ok(Some(person)) => person,
        Ok(None) => return back("wrong"),
        Err(Refusal::SlowDown) => return back("slow_down"),
        Err(error) => return failed("/sign-in", &error.into()),
    };
    match enter(&mut session, &person).await {
        Ok(()) => Redirect::to(next).into_response(),
        Err(error) => failed("/sign-in", &error),
    }
}

pub async fn sign_out(mut session: AuthSession) -> Response {
    match session.logout().await {
        Ok(_) => Redirect::to("/sign-in").into_response(),
        Err(error) => failed("/sign-in", &error.into()),
    }
}

/// The demo's visitor has no password: the button is the way in, where there is a demo.
pub async fn enter_demo(State(state): State<AppState>, mut session: AuthSession) -> Response {
    let visitor = match session.backend.demo_visitor().await {
        Ok(visitor) => visitor.filter(|_| state.store.has_demo),
        Err(error) => return failed("/sign-in", &error.into()),
    };
    let Some(visitor) = visitor else { return back_to("/sign-in", "no_demo", &[]) };
    match enter(&mut session, &visitor).await {
        Ok(()) => Redirect::to("/").into_response(),
        Err(error) => failed("/sign-in", &error),
    }
}

#[derive(Deserialize)]
pub struct SetupForm {
    token: SecretString,
    name: String,
    display_name: String,
    password: SecretString,
}

pub async fn set_up(State(state): State<AppState>, mut session: AuthSession, form: Result<Form<SetupForm>, FormRejection>) -> Response {
    let form = match form {
        Ok(Form(form)) => form,
        Err(rejection) => return unreadable(&rejection),
    };
    let kept = [("name", form.name.as_str()), ("display_name", form.display_name.as_str())];
    let made = setup::redeem(&state.store.pool, &form.token, form.name.clone(), form.display_name.clone(), form.password.clone()).await;
    let person = match made {
        Ok(person) => person,
        Err(SetupError::Closed) => return back_to("/setup", "closed", &[]),
        Err(SetupError::WrongToken) => return back_to("/setup", "token", &kept),
        Err(SetupError::Person(PeopleError::Invalid(wrong))) => {
            return back_to("/setup", wrong.first().map_or("name", |field| field.field.as_str()), &kept);
        }
        Err(error) => return failed("/setup", &error.into()),
    };
    // The person exists now: connections that couldn't be made are made at the next start, and the log says why.
    if let Err(error) = state.store.conductor.administrator_created(person.id).await {
        reference(&error);
    }
    match enter(&mut session, &person).await {
        Ok(()) => Redirect::to("/").into_response(),
        Err(error) => failed("/sign-in", &error),
    }
}

/// Begins a session under a new id, whatever the cookie held before: an id that somebody planted or overheard is worth nothing.
async fn enter(session: &mut AuthSession, person: &Person) -> Result<(), Failure> {
    session.session.clear().await;
    session.session.cycle_id().await?;
    session.login(person).await?;
    Ok(())
}

/// No form of ours: what is missing in it is nothing that a person could mend.
fn unreadable(rejection: &FormRejection) -> Response {
    (rejection.status(), "This form couldn't be read. Reload the page and try again.").into_response()
}

/// Back to the form with what was typed, except secrets.
fn back_to(path: &str, problem: &str, kept: &[(&str, &str)]) -> Response {
    let query = form_urlencoded::Serializer::new(String::new())
        .append_pair("problem", problem)
        .extend_pairs(kept.iter().filter(|(_, value)| !value.is_empty() && value.len() <= 200))
        .finish();
    Redirect::to(&format!("{path}?{query}")).into_response()
}

fn failed(path: &str, error: &Failure) -> Response {
    Redirect::to(&format!("{path}?problem=failed&reference={}", reference(&**error))).into_response()
}
