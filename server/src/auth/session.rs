//! Sign-in sessions in `auth.session`, keyed by the SHA-256 of their id.

use app::domain::UserId;
use async_trait::async_trait;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::PgPool;
use time::OffsetDateTime;
use tower_sessions::{
    Expiry, SessionManagerLayer, SessionStore,
    cookie::SameSite,
    session::{Id, Record},
    session_store::{Error, Result},
};

/// The cookie's name.
pub const COOKIE: &str = "plumbline";

/// A session ends when it wasn't used for so long.
const IDLE: time::Duration = time::Duration::days(14);

/// Where axum-login keeps whose session it is.
const WHOSE: &str = "axum-login.data";

/// `tower_sessions`' store on our pool.
#[derive(Debug, Clone)]
pub struct PgSessions(pub PgPool);

/// The layer that finds a request's session; `is_https` marks the cookie `Secure`.
pub fn layer(pool: PgPool, is_https: bool) -> SessionManagerLayer<PgSessions> {
    SessionManagerLayer::new(PgSessions(pool))
        .with_name(COOKIE)
        .with_http_only(true)
        .with_same_site(SameSite::Lax)
        .with_secure(is_https)
        .with_expiry(Expiry::OnInactivity(IDLE))
}

/// Ends all sessions of a person, except the one with id `kept`.
///
/// # Errors
/// What Postgres says.
pub async fn end_all(pool: &PgPool, user: UserId, kept: Option<Id>) -> sqlx::Result<u64> {
    let kept = kept.map(hash);
    let ended = sqlx::query!("delete from auth.session where user_id = $1 and id_hash is distinct from $2", user.get(), kept.as_deref());
    Ok(ended.execute(pool).await?.rows_affected())
}

/// Hasn't the session with this id ended yet? For answers that go on for longer than a request.
///
/// # Errors
/// What Postgres says.
pub async fn is_live(pool: &PgPool, id: Id) -> Result<bool> {
    Ok(PgSessions(pool.clone()).load(&id).await?.is_some())
}

/// Deletes what has run out: sessions, and failed sign-ins older than a day. Called once an hour by `serve`.
///
/// # Errors
/// What Postgres says.
pub async fn sweep(pool: &PgPool) -> sqlx::Result<()> {
    sqlx::query!("delete from auth.session where expires_at <= now()").execute(pool).await?;
    sqlx::query!("delete from auth.sign_in_failure where failed_at < now() - interval '1 day'").execute(pool).await?;
    Ok(())
}

#[async_trait]
impl SessionStore for PgSessions {
    async fn create(&self, record: &mut Record) -> Result<()> {
        loop {
            let created = sqlx::query!(
                "insert into auth.session (id_hash, user_id, data, expires_at) values ($1, $2, $3, to_timestamp($4)) on conflict do nothing",
                &hash(record.id),
                whose(record),
                data(record)?,
                seconds(record.expiry_date),
            );
            if created.execute(&self.0).await.map_err(refused)?.rows_affected() == 1 {
                return Ok(());
            }
            // Somebody has this id: never in practice, and then another will do.
            record.id = Id::default();
        }
    }

    /// Updates only. An insert would bring a session back that was ended while this request was under way.
    async fn save(&self, record: &Record) -> Result<()> {
        sqlx::query!(
            "update auth.session set user_id = $2, data = $3, expires_at = to_timestamp($4) where id_hash = $1",
            &hash(record.id),
            whose(record),
            data(record)?,
            seconds(record.expiry_date),
        )
        .execute(&self.0)
        .await
        .map_err(refused)?;
        Ok(())
    }

    async fn load(&self, id: &Id) -> Result<Option<Record>> {
        let row = sqlx::query!(
            r#"select data, extract(epoch from expires_at)::bigint as "expires_at!" from auth.session
               where id_hash = $1 and expires_at > now()"#,
            &hash(*id)
        )
        .fetch_optional(&self.0)
        .await
        .map_err(refused)?;
        row.map(|row| {
            Ok(Record {
                id: *id,
                data: serde_json::from_value(row.data).map_err(|error| Error::Decode(error.to_string()))?,
                expiry_date: OffsetDateTime::from_unix_timestamp(row.expires_at).map_err(|error| Error::Decode(error.to_string()))?,
            })
        })
        .transpose()
    }

    async fn delete(&self, id: &Id) -> Result<()> {
        sqlx::query!("delete from auth.session where id_hash = $1", &hash(*id)).execute(&self.0).await.map_err(refused)?;
        Ok(())
    }
}

fn hash(id: Id) -> Vec<u8> {
    Sha256::digest(id.0.to_be_bytes()).to_vec()
}

fn whose(record: &Record) -> Option<i64> {
    record.data.get(WHOSE)?.get("user_id")?.as_i64()
}

fn data(record: &Record) -> Result<Value> {
    serde_json::to_value(&record.data).map_err(|error| Error::Encode(error.to_string()))
}

#[expect(clippy::cast_precision_loss, reason = "seconds since 1970 fit an f64 exactly")]
fn seconds(at: OffsetDateTime) -> f64 {
    at.unix_timestamp() as f64
}

fn refused(error: sqlx::Error) -> Error {
    Error::Backend(error.to_string())
}
