//! Adding people and giving them new passwords: for the first administrator, for administrators, and for the command line.

use super::{backend::Role, backend::normalized, password, session, throttle};
use app::{domain::UserId, error::FieldError};
use secrecy::{ExposeSecret, SecretString};
use serde_json::json;
use sqlx::{PgConnection, PgPool};
use tower_sessions::session::Id;

/// The most characters of a name, as in `auth.user`.
const LONGEST_NAME: usize = 64;
const LONGEST_DISPLAY_NAME: usize = 80;

/// Somebody new, as typed.
pub struct NewPerson {
    pub name: String,
    pub display_name: String,
    pub role: Role,
    pub password: SecretString,
}

/// Why a person wasn't added or changed.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// What to type instead, field by field.
    #[error("{}", .0.iter().map(|field| field.message.as_str()).collect::<Vec<_>>().join(" "))]
    Invalid(Vec<FieldError>),
    #[error("Nobody has the name “{0}”. `plumbline user list` names everybody.")]
    Unknown(String),
    #[error(transparent)]
    Hash(#[from] password::HashFailed),
    #[error("the database refused")]
    Sql(#[from] sqlx::Error),
}

/// A checked [`NewPerson`] with the password hashed.
pub struct Entry {
    name: String,
    display_name: String,
    role: Role,
    password_hash: String,
}

impl NewPerson {
    /// Name in lower case, without surrounding spaces; each field in order.
    ///
    /// # Errors
    /// [`PeopleError::Invalid`] with all that is wrong.
    pub async fn prepare(self) -> Result<Entry, PeopleError> {
        let name = normalized(&self.name);
        let display_name = self.display_name.trim().to_owned();
        let mut wrong = Vec::new();
        let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '@');
        if name.is_empty() || name.len() > LONGEST_NAME || !name.chars().all(is_plain) {
            wrong.push(FieldError::new("name", "Use 1 to 64 letters, digits, dots, dashes or underscores for the name."));
        }
        if display_name.is_empty() || display_name.chars().count() > LONGEST_DISPLAY_NAME || display_name.chars().any(char::is_control) {
            wrong.push(FieldError::new("display_name", "Use 1 to 80 characters for the name to show."));
        }
        if let Err(why) = password::check(self.password.expose_secret()) {
            wrong.push(FieldError::new("password", why));
        }
        if !wrong.is_empty() {
            return Err(PeopleError::Invalid(wrong));
        }
        Ok(Entry { name, display_name, role: self.role, password_hash: password::hash(self.password).await? })
    }
}

impl Entry {
    /// Adds the person; `by` is who did it, for the audit trail.
    ///
    /// # Errors
    /// [`PeopleError::Invalid`] when the name is taken.
    pub async fn insert(self, connection: &mut PgConnection, by: Option<UserId>) -> Result<UserId, PeopleError> {
        let id = sqlx::query_scalar!(
            r#"insert into auth."user" (name, display_name, password_hash, role) values ($1, $2, $3, $4)
               on conflict (name) do nothing returning user_id"#,
            self.name,
            self.display_name,
            self.password_hash,
            self.role.as_str(),
        )
        .fetch_optional(&mut *connection)
        .await?
        .ok_or_else(|| PeopleError::Invalid(vec![FieldError::new("name", "This name is taken. Choose another.")]))?;
        sqlx::query!(
            "insert into ops.audit (user_id, action, subject, details) values ($1, 'add_person', $2, $3)",
            by.map(UserId::get),
            format!("user:{id}"),
            json!({ "name": self.name, "role": self.role.as_str() }),
        )
        .execute(connection)
        .await?;
        Ok(UserId(id))
    }
}

/// A new password for whoever has `name`; their sessions end except `kept`, and failed sign-ins are forgotten.
///
/// # Errors
/// [`PeopleError::Unknown`], or [`PeopleError::Invalid`] for a password that is too short or too long.
pub async fn reset_password(pool: &PgPool, name: &str, new: SecretString, kept: Option<Id>) -> Result<(), PeopleError> {
    let name = normalized(name);
    password::check(new.expose_secret()).map_err(|why| PeopleError::Invalid(vec![FieldError::new("password", why)]))?;
    let hash = password::hash(new).await?;
    // The demo's visitor has no password, and gets none.
    let id = sqlx::query_scalar!(
        r#"update auth."user" set password_hash = $2 where name = $1 and role <> 'demo' returning user_id"#,
        name,
        hash
    )
    .fetch_optional(pool)
    .await?
    .ok_or_else(|| PeopleError::Unknown(name.clone()))?;
    session::end_all(pool, UserId(id), kept).await?;
    throttle::forget(pool, &name).await?;
    sqlx::query!("insert into ops.audit (action, subject) values ('reset_password', $1)", format!("user:{id}")).execute(pool).await?;
    Ok(())
}
