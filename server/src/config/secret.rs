//! The key that seals the vendors' secrets: given, or made once and kept in the data folder.

use super::ConfigError;
use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use secrecy::{ExposeSecret, SecretBox};
use std::{
    fs,
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    sync::Arc,
};

/// In the data folder.
pub(super) const KEY_FILE: &str = "secret.key";

/// 32 bytes, wiped when dropped, never printed.
#[derive(Clone, Debug)]
pub struct SecretKey(Arc<SecretBox<[u8; 32]>>);

impl SecretKey {
    /// From 64 hex digits or base64 (either alphabet, padded or not).
    ///
    /// # Errors
    /// A sentence that doesn't repeat the text.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        decode(text.trim()).map(|key| Self(Arc::new(SecretBox::new(Box::new(key))))).ok_or_else(|| {
            ConfigError::new("PLUMBLINE_SECRET_KEY must be 32 bytes as base64 or hex; make one with `openssl rand -base64 32`.")
        })
    }

    pub fn bytes(&self) -> &[u8; 32] {
        self.0.expose_secret()
    }

    /// The key of this data folder; made at the first start.
    ///
    /// # Errors
    /// When the file can't be read or written, or holds something else.
    pub fn of_folder(data: &Path) -> Result<Self, SecretFileError> {
        let path = data.join(KEY_FILE);
        let failed = |source| SecretFileError::Io { path: path.display().to_string(), source };
        match fs::read_to_string(&path) {
            Ok(text) => return Self::parse(&text).map_err(|_| SecretFileError::Broken { path: path.display().to_string() }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(failed(error)),
        }
        write_new(data, &path).map_err(failed)?;
        Self::of_folder(data)
    }
}

/// Why the data folder's key can't be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretFileError {
    #[error("{path} can't be read or written: {source}")]
    Io { path: String, source: io::Error },
    #[error("{path} doesn't hold 32 bytes as base64: put back the one that was there when the vendors' keys were entered")]
    Broken { path: String },
}

fn decode(text: &str) -> Option<[u8; 32]> {
    if text.len() == 64
        && let Ok(bytes) = hex::decode(text)
    {
        return bytes.try_into().ok();
    }
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    [STANDARD, URL_SAFE].iter().find_map(|alphabet| GeneralPurpose::new(alphabet, lenient).decode(text).ok()?.try_into().ok())
}

/// Written aside and linked, so that nobody ever reads half a key and the first of two writers wins.
fn write_new(data: &Path, path: &Path) -> io::Result<()> {
    let aside = data.join(format!("{KEY_FILE}.{}", std::process::id()));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&aside)?;
    let key: [u8; 32] = rand::random();
    writeln!(file, "{}", base64::engine::general_purpose::STANDARD.encode(key))?;
    file.sync_all()?;
    let linked = fs::hard_link(&aside, path);
    fs::remove_file(&aside)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => fs::File::open(data)?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn reads_hex_and_base64_and_nothing_else() {
        let hex = "07".repeat(32);
        for text in [hex.as_str(), "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=", "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc\n"] {
            assert_eq!(SecretKey::parse(text).unwrap().bytes(), &[7; 32], "{text}");
        }
        for text in ["", "abc", "BwcHBwcH", &hex[2..], "🔑", &"zz".repeat(32)] {
            assert!(SecretKey::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_folder_keeps_its_key_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let first = SecretKey::of_folder(folder.path()).unwrap();
        assert_eq!(SecretKey::of_folder(folder.path()).unwrap().bytes(), first.bytes());
        let path = folder.path().join(KEY_FILE);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
        fs::write(&path, "not a key").unwrap();
        assert!(matches!(SecretKey::of_folder(folder.path()), Err(SecretFileError::Broken { .. })));
    }
}
