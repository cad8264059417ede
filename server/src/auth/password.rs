//! Passwords: what is long enough, and Argon2id on threads that may block.

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::{sync::Semaphore, task::spawn_blocking};

/// The fewest characters of a password.
pub const SHORTEST: usize = 12;
/// The most characters of a password: more is no safer, only more to hash.
pub const LONGEST: usize = 200;

/// A hash takes 19 MiB and a core for some 20 ms; four at once are enough for people, and guessers wait in line.
static PLACES: Semaphore = Semaphore::const_new(4);

/// Verified against when nobody has the name, so that an unknown name takes as long as a wrong password. No password fits it.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$cGx1bWJsaW5lLWRlY295$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Hashing itself failed: out of memory, or the thread died.
#[derive(Debug, thiserror::Error)]
#[error("a password couldn't be hashed: {0}")]
pub struct HashFailed(String);

/// Why a password isn't taken, in a sentence.
///
/// # Errors
/// The sentence, when it is too short or too long.
pub fn check(password: &str) -> Result<(), &'static str> {
    match password.chars().count() {
        0..SHORTEST => Err("Use at least 12 characters; a few words are easy to remember."),
        SHORTEST..=LONGEST => Ok(()),
        _ => Err("Use at most 200 characters."),
    }
}

/// Argon2id in PHC form, with a fresh salt.
///
/// # Errors
/// [`HashFailed`].
pub async fn hash(password: SecretString) -> Result<String, HashFailed> {
    let _place = PLACES.acquire().await.map_err(|error| HashFailed(error.to_string()))?;
    spawn_blocking(move || {
        let hash = Argon2::default().hash_password(password.expose_secret().as_bytes());
        hash.map(|hash: PasswordHash| hash.to_string()).map_err(|error| HashFailed(error.to_string()))
    })
    .await
    .map_err(|error| HashFailed(error.to_string()))?
}

/// Does `password` fit `hash`? Takes the same time when there is no hash.
pub async fn verify(password: SecretString, hash: Option<String>) -> bool {
    let Ok(_place) = PLACES.acquire().await else { return false };
    spawn_blocking(move || {
        let text = hash.as_deref().unwrap_or(DECOY);
        let fits = PasswordHash::new(text)
            .is_ok_and(|parsed| Argon2::default().verify_password(password.expose_secret().as_bytes(), &parsed).is_ok());
        fits && hash.is_some()
    })
    .await
    .unwrap_or(false)
}

/// A password for somebody else to begin with: 20 characters of an alphabet without look-alikes, about 99 bits.
pub fn generate() -> SecretString {
    const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
    const LENGTH: usize = 20;
    let bytes: [u8; LENGTH] = rand::random();
    bytes.iter().map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()])).collect::<String>().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn fits_its_own_hash_only() {
        let hash = hash("correct horse battery".into()).await.unwrap();
        assert!(hash.starts_with("$argon2id$"));
        assert!(verify("correct horse battery".into(), Some(hash.clone())).await);
        assert!(!verify("correct horse batterx".into(), Some(hash)).await);
        assert!(!verify("anything".into(), None).await);
        assert!(!verify("anything".into(), Some("no hash".into())).await);
    }

    #[test]
    fn the_decoy_costs_what_a_real_hash_costs() {
        let decoy = PasswordHash::new(DECOY).unwrap();
        let real: PasswordHash = Argon2::default().hash_password(b"x").unwrap();
        assert_eq!(decoy.params.to_string(), real.params.to_string());
    }

    #[test]
    fn length_counts_characters() {
        assert!(check("elf zeichen").is_err());
        assert!(check("zwölf zeiche").is_ok());
        assert!(check(&"x".repeat(201)).is_err());
        assert!(check(secrecy::ExposeSecret::expose_secret(&generate())).is_ok());
    }
}
