//! Who a session belongs to, and whether a name and a password belong together.

use super::{password, throttle};
use app::domain::UserId;
use axum_login::{AuthUser, AuthnBackend};
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use std::fmt;

/// The sign-in session of a request.
pub type AuthSession = axum_login::AuthSession<Backend>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Administrator,
    Member,
    /// The demo's visitor: looks at everything of the demo, changes nothing.
    Demo,
}

impl Role {
    /// As in `auth.user.role`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Member => "member",
            Self::Demo => "demo",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Administrator, Self::Member, Self::Demo].into_iter().find(|role| role.as_str() == text)
    }
}

/// Somebody who is signed in, and not disabled.
#[derive(Clone)]
pub struct Person {
    pub id: UserId,
    pub role: Role,
    /// Changes with the password: sessions begun under another one end.
    fingerprint: [u8; 32],
}

impl Person {
    pub(super) fn new(id: i64, role: Role, password_hash: Option<&str>) -> Self {
        Self { id: UserId(id), role, fingerprint: Sha256::digest(password_hash.unwrap_or_default()).into() }
    }
}

/// Without the fingerprint: axum-login writes its user into the log.
impl fmt::Debug for Person {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Person").field("id", &self.id).field("role", &self.role).finish_non_exhaustive()
    }
}

impl AuthUser for Person {
    type Id = i64;

    fn id(&self) -> i64 {
        self.id.get()
    }

    fn session_auth_hash(&self) -> &[u8] {
        &self.fingerprint
    }
}

/// Name and password as typed.
#[derive(Clone)]
pub struct Credentials {
    pub name: String,
    pub password: SecretString,
}

/// Why somebody isn't let in.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error("too many sign-ins with this name have failed lately")]
    SlowDown,
    #[error("the sign-in couldn't be checked")]
    Sql(#[from] sqlx::Error),
}

/// axum-login's way to `auth.user`.
#[derive(Debug, Clone)]
pub struct Backend(pub PgPool);

impl AuthnBackend for Backend {
    type User = Person;
    type Credentials = Credentials;
    type Error = Refusal;

    /// `None`: no such name, wrong password, or disabled; a person at the door can't tell which, nor by the time it takes.
    async fn authenticate(&self, credentials: Credentials) -> Result<Option<Person>, Refusal> {
        let name = normalized(&credentials.name);
        if !throttle::admits(&self.0, &name).await? {
            return Err(Refusal::SlowDown);
        }
        let row = sqlx::query!(r#"select user_id, password_hash, role from auth."user" where name = $1 and disabled_at is null"#, name)
            .fetch_optional(&self.0)
            .await?;
        let hash = row.as_ref().and_then(|row| row.password_hash.clone());
        if !password::verify(credentials.password, hash).await {
            return Ok(None);
        }
        throttle::forget(&self.0, &name).await?;
        Ok(row.and_then(|row| Some(Person::new(row.user_id, Role::parse(&row.role)?, row.password_hash.as_deref()))))
    }

    async fn get_user(&self, id: &i64) -> Result<Option<Person>, Refusal> {
        Ok(self.person(UserId(*id)).await?)
    }
}

impl Backend {
    /// Somebody who isn't disabled.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn person(&self, id: UserId) -> sqlx::Result<Option<Person>> {
        let row = sqlx::query!(r#"select password_hash, role from auth."user" where user_id = $1 and disabled_at is null"#, id.get())
            .fetch_optional(&self.0)
            .await?;
        Ok(row.and_then(|row| Some(Person::new(id.get(), Role::parse(&row.role)?, row.password_hash.as_deref()))))
    }

    /// The demo's visitor, if the installation has one.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn demo_visitor(&self) -> sqlx::Result<Option<Person>> {
        let id =
            sqlx::query_scalar!(r#"select user_id from auth."user" where role = 'demo' and disabled_at is null order by user_id limit 1"#)
                .fetch_optional(&self.0)
                .await?;
        Ok(id.map(|id| Person::new(id, Role::Demo, None)))
    }
}

/// A name as it is kept: without surrounding spaces, in lower case.
pub(super) fn normalized(name: &str) -> String {
    name.trim().to_lowercase()
}
