//! The first administrator of an empty installation: a one-time token, and exactly one who redeems it.

use super::{
    backend::{Person, Role},
    people::{NewPerson, PeopleError},
};
use secrecy::{ExposeSecret, SecretString};
use sha2::{Digest, Sha256};
use sqlx::{PgConnection, PgPool};

/// Taken by whoever issues or redeems a token, so that one installation gets one first administrator.
const LOCK: &str = "plumbline:setup";

/// Why nobody was made administrator.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    #[error("there is an administrator already")]
    Closed,
    #[error("the token isn't the latest one that was printed at the start")]
    WrongToken,
    #[error(transparent)]
    Person(#[from] PeopleError),
    #[error("the database refused")]
    Sql(#[from] sqlx::Error),
}

/// Is there no administrator yet?
///
/// # Errors
/// What Postgres says.
pub async fn is_open(pool: &PgPool) -> sqlx::Result<bool> {
    is_open_on(&mut *pool.acquire().await?).await
}

/// A fresh token where there is no administrator, to be printed; all earlier ones are void. `None` after that.
///
/// # Errors
/// What Postgres says.
pub async fn issue(pool: &PgPool) -> sqlx::Result<Option<String>> {
    let mut tx = pool.begin().await?;
    lock(&mut tx).await?;
    if !is_open_on(&mut tx).await? {
        return Ok(None);
    }
    let digits = hex::encode(rand::random::<[u8; 16]>());
    sqlx::query!("delete from auth.setup_token where used_at is null").execute(&mut *tx).await?;
    sqlx::query!("insert into auth.setup_token (token_hash) values ($1)", &hash(&digits)).execute(&mut *tx).await?;
    tx.commit().await?;
    // In groups of four, to be read and typed.
    let groups: Vec<&str> = (0..digits.len()).step_by(4).filter_map(|start| digits.get(start..start + 4)).collect();
    Ok(Some(groups.join("-")))
}

/// Makes the first administrator.
///
/// # Errors
/// [`SetupError`]: closed, wrong token, or what is wrong with the person.
pub async fn redeem(
    pool: &PgPool,
    token: &SecretString,
    name: String,
    display_name: String,
    password: SecretString,
) -> Result<Person, SetupError> {
    let token = hash(&token.expose_secret().chars().filter(char::is_ascii_hexdigit).collect::<String>().to_lowercase());
    // Checked before the password is hashed, so that strangers don't cost us hashes; and again under the lock.
    check(&mut *pool.acquire().await?, &token).await?;
    let entry = NewPerson { name, display_name, role: Role::Administrator, password }.prepare().await?;
    let mut tx = pool.begin().await?;
    lock(&mut tx).await?;
    check(&mut tx, &token).await?;
    let id = entry.insert(&mut tx, None).await?;
    sqlx::query!("update auth.setup_token set used_at = now() where token_hash = $1", &token).execute(&mut *tx).await?;
    let hash = sqlx::query_scalar!(r#"select password_hash from auth."user" where user_id = $1"#, id.get()).fetch_one(&mut *tx).await?;
    tx.commit().await?;
    Ok(Person::new(id.get(), Role::Administrator, hash.as_deref()))
}

async fn check(connection: &mut PgConnection, token: &[u8]) -> Result<(), SetupError> {
    if !is_open_on(&mut *connection).await? {
        return Err(SetupError::Closed);
    }
    let is_good =
        sqlx::query_scalar!(r#"select exists(select from auth.setup_token where token_hash = $1 and used_at is null) as "is!""#, token)
            .fetch_one(connection)
            .await?;
    if is_good { Ok(()) } else { Err(SetupError::WrongToken) }
}

async fn is_open_on(connection: &mut PgConnection) -> sqlx::Result<bool> {
    sqlx::query_scalar!(r#"select not exists(select from auth."user" where role = 'administrator') as "is!""#).fetch_one(connection).await
}

async fn lock(connection: &mut PgConnection) -> sqlx::Result<()> {
    sqlx::query!("select pg_advisory_xact_lock(hashtextextended($1, 0))", LOCK).execute(connection).await?;
    Ok(())
}

fn hash(digits: &str) -> Vec<u8> {
    Sha256::digest(digits).to_vec()
}
