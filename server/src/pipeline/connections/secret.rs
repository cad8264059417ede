//! How credentials lie in the vault: JSON, sealed for the one connection that they belong to.

use crate::{
    ingest::Credentials,
    vault::{Vault, VaultError},
};
use app::domain::ConnectionId;
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Value, json};
use sqlx::PgConnection;

/// Keys shorter than this would be half told by their last characters.
const LEAST_HINTED: usize = 12;

/// A secret moved to another row doesn't open.
fn context(id: ConnectionId) -> String {
    format!("connection:{id}")
}

fn seal(vault: &Vault, id: ConnectionId, credentials: &Credentials) -> Result<Vec<u8>, VaultError> {
    let text = match credentials {
        Credentials::Key(key) => json!({ "key": key.expose_secret() }),
        Credentials::Pair { key_id, secret_key } => {
            json!({ "key_id": key_id.expose_secret(), "secret_key": secret_key.expose_secret() })
        }
    };
    vault.seal(text.to_string().as_bytes(), &context(id))
}

/// `None`: the vault opened it, and it holds no keys.
pub(super) fn open(vault: &Vault, id: ConnectionId, sealed: &[u8]) -> Result<Option<Credentials>, VaultError> {
    let bytes = vault.open(sealed, &context(id))?;
    let Ok(json) = serde_json::from_slice::<Value>(&bytes) else { return Ok(None) };
    let text = |name: &str| json.get(name).and_then(Value::as_str).map(SecretString::from);
    Ok(match (text("key"), text("key_id"), text("secret_key")) {
        (Some(key), None, None) => Some(Credentials::Key(key)),
        (None, Some(key_id), Some(secret_key)) => Some(Credentials::Pair { key_id, secret_key }),
        _ => None,
    })
}

/// The key's last four characters, to tell connections apart on screen.
pub(super) fn hint(credentials: &Credentials) -> String {
    let (Credentials::Key(key) | Credentials::Pair { key_id: key, .. }) = credentials;
    let characters: Vec<char> = key.expose_secret().chars().collect();
    if characters.len() < LEAST_HINTED { String::new() } else { characters[characters.len() - 4..].iter().collect() }
}

/// Seals the credentials into the connection's row; the row must exist, since its number is part of the seal.
pub(super) async fn keep(
    connection: &mut PgConnection,
    vault: &Vault,
    id: ConnectionId,
    credentials: &Credentials,
) -> Result<(), super::Error> {
    let sealed = seal(vault, id, credentials)?;
    sqlx::query!("update book.connection set secret = $2, key_hint = $3 where connection_id = $1", id.get(), sealed, hint(credentials))
        .execute(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_what_was_sealed_for_this_connection_only() {
        let vault = Vault::new(&[1; 32]);
        let pair = Credentials::Pair { key_id: "PKTEST1234567890".into(), secret_key: "s3cret".into() };
        let sealed = seal(&vault, ConnectionId(1), &pair).unwrap();
        let Ok(Some(Credentials::Pair { key_id, secret_key })) = open(&vault, ConnectionId(1), &sealed) else { panic!("a pair") };
        assert_eq!((key_id.expose_secret(), secret_key.expose_secret()), ("PKTEST1234567890", "s3cret"));
        assert!(open(&vault, ConnectionId(2), &sealed).is_err());
        let other = vault.seal(b"{}", "connection:1").unwrap();
        assert!(open(&vault, ConnectionId(1), &other).unwrap().is_none());
    }

    #[test]
    fn a_hint_tells_little() {
        assert_eq!(hint(&Credentials::Key("0123456789abcdef".into())), "cdef");
        assert_eq!(hint(&Credentials::Key("demo-key".into())), "");
    }
}
