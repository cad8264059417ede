//! Secrets at rest: ChaCha20-Poly1305 under the key of `PLUMBLINE_SECRET_KEY`.

use chacha20poly1305::{
    ChaCha20Poly1305, Key, KeyInit, Nonce,
    aead::{Aead, Payload},
};

/// Bytes of the random nonce before each ciphertext.
const NONCE_BYTES: usize = 12;

/// Seals and opens secrets. The context (e.g. `connection:7`) is authenticated too: a secret moved to another row won't open.
pub struct Vault(ChaCha20Poly1305);

/// The key is another one, or the bytes were changed.
#[derive(Debug, thiserror::Error)]
#[error("a stored secret can't be opened: PLUMBLINE_SECRET_KEY isn't the one it was sealed with")]
pub struct VaultError;

impl Vault {
    pub fn new(key: &[u8; 32]) -> Self {
        Self(ChaCha20Poly1305::new(&Key::from(*key)))
    }

    /// Nonce and ciphertext of `plain`.
    ///
    /// # Errors
    /// [`VaultError`] when the cipher refuses (texts over 256 GB).
    pub fn seal(&self, plain: &[u8], context: &str) -> Result<Vec<u8>, VaultError> {
        let nonce: [u8; NONCE_BYTES] = rand::random();
        let sealed = self.0.encrypt(&Nonce::from(nonce), Payload { msg: plain, aad: context.as_bytes() }).map_err(|_| VaultError)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// What was sealed in this context.
    ///
    /// # Errors
    /// [`VaultError`] when key, context or bytes differ.
    pub fn open(&self, sealed: &[u8], context: &str) -> Result<Vec<u8>, VaultError> {
        let (nonce, text) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(VaultError)?;
        self.0.decrypt(&Nonce::from(*nonce), Payload { msg: text, aad: context.as_bytes() }).map_err(|_| VaultError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_what_was_sealed_here() {
        let vault = Vault::new(&[7; 32]);
        let sealed = vault.seal(b"secret", "connection:1").unwrap();
        assert_eq!(vault.open(&sealed, "connection:1").unwrap(), b"secret");
        assert!(vault.open(&sealed, "connection:2").is_err());
        assert!(Vault::new(&[8; 32]).open(&sealed, "connection:1").is_err());
        assert!(vault.open(&sealed[..5], "connection:1").is_err());
    }
}
