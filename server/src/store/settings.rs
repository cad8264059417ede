//! Connections and people.

use super::{BrokerKeys, ConductorError, Error, Result, Store, entries::audit};
use crate::auth::{
    self, AuthSession, Role,
    people::{self, NewPerson},
};
use app::{
    domain::{AccountId, ConnectionId, UserId},
    error::{AppError, FieldError},
    ports::Settings,
    settings::model::{Accounts, ConnectionForm, ConnectionRow, Connections, People, PersonRow},
};
use async_trait::async_trait;
use axum_login::AuthnBackend;
use serde_json::json;
use url::Url;

const ALPACA_LIVE: &str = "https://api.alpaca.markets";
const ALPACA_PAPER: &str = "https://paper-api.alpaca.markets";
const ALPACA_DATA: &str = "https://data.alpaca.markets";
const LONGEST_KEY: usize = 200;
const LONGEST_LABEL: usize = 80;

pub(super) struct PgSettings {
    pub store: Store,
    pub session: Option<AuthSession>,
}

#[async_trait]
impl Settings for PgSettings {
    async fn connections(&self, user: UserId) -> Result<Connections, AppError> {
        Ok(self.store.connections(user).await?)
    }

    async fn add_connection(&self, user: UserId, form: ConnectionForm) -> Result<(), AppError> {
        Ok(self.store.add_connection(user, form).await?)
    }

    async fn test_connection(&self, user: UserId, connection: ConnectionId) -> Result<(), AppError> {
        Ok(self.store.test_connection(user, connection).await?)
    }

    async fn remove_connection(&self, user: UserId, connection: ConnectionId) -> Result<(), AppError> {
        Ok(self.store.remove_connection(user, connection).await?)
    }

    async fn accounts(&self, user: UserId) -> Result<Accounts, AppError> {
        Ok(self.store.kept_accounts(user).await?)
    }

    async fn keep_account(&self, user: UserId, account: AccountId, cost_basis: String, allows_short: bool) -> Result<(), AppError> {
        Ok(self.store.keep_account(user, account, &cost_basis, allows_short).await?)
    }

    async fn people(&self, user: UserId) -> Result<People, AppError> {
        Ok(self.store.people(user).await?)
    }

    async fn add_person(&self, user: UserId, name: String, display_name: String, role: String, password: String) -> Result<(), AppError> {
        Ok(self.store.add_person(user, name, display_name, &role, password).await?)
    }

    async fn set_disabled(&self, user: UserId, person: UserId, is_disabled: bool) -> Result<(), AppError> {
        Ok(self.store.set_disabled(user, person, is_disabled).await?)
    }

    async fn change_password(&self, user: UserId, current: String, new: String) -> Result<(), AppError> {
        Ok(self.change(user, current, new).await?)
    }
}

impl Store {
    async fn connections(&self, user: UserId) -> Result<Connections> {
        let rows = sqlx::query!(
            "select connection_id, vendor, label, base_url, key_hint, origin, tested_at, last_error from book.connection
             where owner_id = $1 and disabled_at is null order by connection_id",
            user.get()
        )
        .fetch_all(&self.pool)
        .await?;
        let rows = rows.into_iter().map(|row| ConnectionRow {
            id: ConnectionId(row.connection_id),
            vendor: row.vendor,
            label: row.label,
            base_url: row.base_url,
            key_hint: row.key_hint,
            origin: row.origin,
            tested_at: row.tested_at,
            last_error: row.last_error,
        });
        Ok(Connections { rows: rows.collect(), may_add: self.role(user).await? != Role::Demo })
    }

    async fn add_connection(&self, user: UserId, form: ConnectionForm) -> Result<()> {
        self.may_change(user).await?;
        let (label, keys) = parse_connection(form)?;
        let summary = self.conductor.try_broker(&keys).await?;
        let is_known = sqlx::query_scalar!(
            r#"select exists(select from book.account join book.connection using (connection_id)
               where connection.owner_id = $1 and connection.disabled_at is null and account.external_id = $2) as "is!""#,
            user.get(),
            summary.external_id
        )
        .fetch_one(&self.pool)
        .await?;
        if is_known {
            return Err(Error::invalid(
                "key_id",
                "This broker's account is connected already. Remove that connection first to change its keys.",
            ));
        }
        self.conductor.keep_broker(user, &label, &keys, &summary).await?;
        let mut connection = self.pool.acquire().await?;
        audit(&mut connection, user, "add_connection", "vendor:alpaca", json!({ "label": label })).await
    }

    async fn test_connection(&self, user: UserId, connection: ConnectionId) -> Result<()> {
        self.may_change(user).await?;
        self.own_connection(user, connection).await?;
        let told = self.conductor.try_connection(connection).await;
        let refusal = match &told {
            Err(ConductorError::Refused(sentence)) => Some(sentence.as_str()),
            Ok(()) | Err(ConductorError::Failed(_)) => None,
        };
        sqlx::query!("update book.connection set tested_at = now(), last_error = $2 where connection_id = $1", connection.get(), refusal)
            .execute(&self.pool)
            .await?;
        Ok(told?)
    }

    /// Keeps the row, since what was fetched through it names it; the secret goes.
    async fn remove_connection(&self, user: UserId, connection: ConnectionId) -> Result<()> {
        self.may_change(user).await?;
        if self.own_connection(user, connection).await? == "environment" {
            return Err(Error::refused(
                "This connection comes from the server's environment. Remove its keys there and start the server again.",
            ));
        }
        let mut tx = self.pool.begin().await?;
        sqlx::query!("update book.connection set disabled_at = now(), secret = ''::bytea where connection_id = $1", connection.get())
            .execute(&mut *tx)
            .await?;
        audit(&mut tx, user, "remove_connection", &format!("connection:{connection}"), json!({})).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The origin of a connection that is the person's and in use.
    async fn own_connection(&self, user: UserId, connection: ConnectionId) -> Result<String> {
        let origin = sqlx::query_scalar!(
            "select origin from book.connection where connection_id = $1 and owner_id = $2 and disabled_at is null",
            connection.get(),
            user.get()
        );
        Ok(origin.fetch_optional(&self.pool).await?.ok_or(AppError::NotFound)?)
    }

    async fn people(&self, user: UserId) -> Result<People> {
        self.administrator(user).await?;
        let rows = sqlx::query!(r#"select user_id, name, display_name, role, disabled_at, created_at from auth."user" order by name"#)
            .fetch_all(&self.pool)
            .await?;
        let rows = rows.into_iter().map(|row| PersonRow {
            id: UserId(row.user_id),
            is_me: row.user_id == user.get(),
            name: row.name,
            display_name: row.display_name,
            role: row.role,
            is_disabled: row.disabled_at.is_some(),
            created_at: row.created_at,
        });
        Ok(People { rows: rows.collect() })
    }

    async fn add_person(&self, user: UserId, name: String, display_name: String, role: &str, password: String) -> Result<()> {
        self.administrator(user).await?;
        let role = Role::parse(role)
            .filter(|role| *role != Role::Demo)
            .ok_or_else(|| Error::invalid("role", "Choose a role: administrator or member."))?;
        let entry = NewPerson { name, display_name, role, password: password.into() }.prepare().await?;
        let mut tx = self.pool.begin().await?;
        entry.insert(&mut tx, Some(user)).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Ends all sessions of who is disabled. One administrator stays: nobody disables oneself, and two can't disable each other at once.
    async fn set_disabled(&self, user: UserId, person: UserId, is_disabled: bool) -> Result<()> {
        if user == person {
            self.administrator(user).await?;
            return Err(Error::refused("You can't disable yourself. Ask another administrator."));
        }
        let mut tx = self.pool.begin().await?;
        sqlx::query!("select pg_advisory_xact_lock(hashtextextended('plumbline:people', 0))").execute(&mut *tx).await?;
        self.administrator(user).await?;
        sqlx::query_scalar!(
            r#"update auth."user" set disabled_at = case when $2 then coalesce(disabled_at, now()) end where user_id = $1 returning user_id"#,
            person.get(),
            is_disabled
        )
        .fetch_optional(&mut *tx)
        .await?
        .ok_or(AppError::NotFound)?;
        sqlx::query!("delete from auth.session where user_id = $1 and $2", person.get(), is_disabled).execute(&mut *tx).await?;
        let action = if is_disabled { "disable_person" } else { "enable_person" };
        audit(&mut tx, user, action, &format!("user:{person}"), json!({})).await?;
        tx.commit().await?;
        Ok(())
    }
}

impl PgSettings {
    /// One's own password. This session goes on under the new one, all others end.
    async fn change(&self, user: UserId, current: String, new: String) -> Result<()> {
        self.store.may_change(user).await?;
        auth::password::check(&new).map_err(|why| Error::invalid("new", why))?;
        let name =
            sqlx::query_scalar!(r#"select name from auth."user" where user_id = $1"#, user.get()).fetch_one(&self.store.pool).await?;
        let backend = auth::Backend(self.store.pool.clone());
        match backend.authenticate(auth::Credentials { name: name.clone(), password: current.into() }).await {
            Ok(Some(_)) => {}
            Ok(None) => return Err(Error::invalid("current", "This isn't your password. Try again.")),
            Err(auth::Refusal::SlowDown) => return Err(Error::invalid("current", "Too many wrong passwords. Wait a quarter of an hour.")),
            Err(auth::Refusal::Sql(error)) => return Err(error.into()),
        }
        people::reset_password(&self.store.pool, &name, new.into(), self.session.as_ref().and_then(|session| session.session.id())).await?;
        if let (Some(mut session), Some(person)) = (self.session.clone(), backend.person(user).await?) {
            session.login(&person).await.map_err(|error| Error::Conductor(Box::new(error)))?;
        }
        Ok(())
    }
}

/// Label and keys as typed; what is wrong field by field.
fn parse_connection(form: ConnectionForm) -> Result<(String, BrokerKeys)> {
    let mut wrong = Vec::new();
    let label = Some(form.label.trim()).filter(|label| !label.is_empty()).unwrap_or("Alpaca").to_owned();
    if label.chars().count() > LONGEST_LABEL || label.chars().any(char::is_control) {
        wrong.push(FieldError::new("label", "Use at most 80 characters for the label."));
    }
    let base_url = match form.environment.as_str() {
        "live" => ALPACA_LIVE,
        "paper" => ALPACA_PAPER,
        _ => {
            wrong.push(FieldError::new("environment", "Choose live or paper."));
            ALPACA_PAPER
        }
    };
    let (key_id, secret_key) = (form.key_id.trim().to_owned(), form.secret_key.trim().to_owned());
    for (field, key) in [("key_id", &key_id), ("secret_key", &secret_key)] {
        if key.is_empty() || key.len() > LONGEST_KEY || !key.chars().all(|c| c.is_ascii_graphic()) {
            wrong.push(FieldError::new(field, "Copy the key from Alpaca's page, without spaces."));
        }
    }
    if !wrong.is_empty() {
        return Err(AppError::Invalid(wrong).into());
    }
    let url = |text: &str| Url::parse(text).map_err(|error| Error::Decode(error.to_string()));
    let keys = BrokerKeys { base_url: url(base_url)?, data_url: url(ALPACA_DATA)?, key_id: key_id.into(), secret_key: secret_key.into() };
    Ok((label, keys))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_checked_before_they_leave_the_house() {
        let form = |environment: &str, key: &str| ConnectionForm {
            label: String::new(),
            environment: environment.into(),
            key_id: key.into(),
            secret_key: "s".into(),
        };
        let (label, keys) = parse_connection(form("live", " PK123 ")).unwrap();
        assert_eq!((label.as_str(), keys.base_url.as_str()), ("Alpaca", "https://api.alpaca.markets/"));
        for bad in [form("elsewhere", "PK"), form("paper", ""), form("paper", "a b"), form("paper", "ключ")] {
            assert!(parse_connection(bad).is_err());
        }
    }
}
