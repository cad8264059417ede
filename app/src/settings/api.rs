//! How connections and people are asked for and changed.

use crate::{
    domain::{AccountId, ConnectionId, UserId},
    error::AppError,
    settings::model::{Accounts, ConnectionForm, Connections, People},
};
use leptos::{prelude::*, server_fn::codec::GetUrl};

#[server(endpoint = "settings/connections", input = GetUrl)]
pub async fn list_connections() -> Result<Connections, AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.settings.connections(user).await
}

#[server(endpoint = "settings/add-connection")]
pub async fn add_connection(form: ConnectionForm) -> Result<(), AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.settings.add_connection(user, form).await
}

#[server(endpoint = "settings/test-connection")]
pub async fn test_connection(connection: ConnectionId) -> Result<(), AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.settings.test_connection(user, connection).await
}

#[server(endpoint = "settings/remove-connection")]
pub async fn remove_connection(connection: ConnectionId) -> Result<(), AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.settings.remove_connection(user, connection).await
}

#[server(endpoint = "settings/people", input = GetUrl)]
pub async fn list_people() -> Result<People, AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.settings.people(user).await
}

#[server(endpoint = "settings/add-person")]
pub async fn add_person(name: String, display_name: String, role: String, password: String) -> Result<(), AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.settings.add_person(user, name, display_name, role, password).await
}

#[server(endpoint = "settings/set-disabled")]
pub async fn set_disabled(person: UserId, is_disabled: bool) -> Result<(), AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.settings.set_disabled(user, person, is_disabled).await
}

#[server(endpoint = "settings/change-password")]
pub async fn change_password(current: String, new: String) -> Result<(), AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.settings.change_password(user, current, new).await
}

#[server(endpoint = "settings/accounts", input = GetUrl)]
pub async fn list_accounts() -> Result<Accounts, AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.settings.accounts(user).await
}

/// `allows_short`: "on" where the box is ticked; a form doesn't send it otherwise.
#[server(endpoint = "settings/keep-account")]
pub async fn keep_account(account: AccountId, cost_basis: String, #[server(default)] allows_short: Option<String>) -> Result<(), AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.settings.keep_account(user, account, cost_basis, allows_short.is_some()).await
}
