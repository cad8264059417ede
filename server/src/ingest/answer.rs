//! One answer of a vendor: what to keep of it, and what its status means. Pure.

use bytes::Bytes;
use reqwest::header::HeaderMap;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::time::Duration;
use url::Url;

use super::{At, Credentials, Vendor, VendorError, number::Text, pages};

/// Headers worth keeping: who answered, how old it is, how many calls are left.
const KEPT_HEADERS: [&str; 9] = [
    "content-type",
    "date",
    "etag",
    "last-modified",
    "retry-after",
    "x-ratelimit-limit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-request-id",
];
/// zstd's fastest ordinary level: JSON shrinks to about a fifth at hundreds of MB a second.
const ZSTD_LEVEL: i32 = 1;
/// The most of a vendor's own sentence that is repeated.
const LONGEST_MESSAGE: usize = 300;

/// An answer as it is kept in `raw.vendor_response`.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) at: At,
    pub(super) connection_id: i64,
    /// Path and query, without any key.
    pub(super) request: String,
    pub(super) status: u16,
    pub(super) headers: Value,
    pub(super) body_zstd: Vec<u8>,
    pub(super) body_bytes: usize,
    pub(super) body_sha256: [u8; 32],
}

impl Answer {
    /// # Errors
    /// [`VendorError::Malformed`] should zstd refuse, which it does for lack of memory only.
    pub(super) fn pack(at: At, connection_id: i64, url: &Url, status: u16, headers: &HeaderMap, body: &[u8]) -> Result<Self, VendorError> {
        let body_zstd = zstd::bulk::compress(body, ZSTD_LEVEL).map_err(|error| VendorError::Malformed { at, reason: error.to_string() })?;
        Ok(Self {
            at,
            connection_id,
            request: request_text(url),
            status,
            headers: kept_headers(headers),
            body_zstd,
            body_bytes: body.len(),
            body_sha256: Sha256::digest(body).into(),
        })
    }
}

/// Path and query as they may be logged and kept.
pub(super) fn request_text(url: &Url) -> String {
    let url = pages::without_key(url.clone());
    url.query().map_or_else(|| url.path().to_owned(), |query| format!("{}?{query}", url.path()))
}

fn kept_headers(headers: &HeaderMap) -> Value {
    let kept = KEPT_HEADERS.iter().filter_map(|name| {
        let value = headers.get(*name)?.to_str().ok()?;
        Some(((*name).to_owned(), Value::from(value)))
    });
    Value::Object(kept.collect::<Map<_, _>>())
}

/// What status and first byte say, before anybody reads the rest. `wait`: what the headers say.
///
/// # Errors
/// Whatever isn't a success that looks like JSON.
pub(super) fn verdict(at: At, status: u16, wait: Option<Duration>, body: &[u8], credentials: &Credentials) -> Result<(), VendorError> {
    if (200..300).contains(&status) {
        let first = body.iter().find(|byte| !byte.is_ascii_whitespace());
        return if first == Some(&b'<') { Err(VendorError::NotJson { at }) } else { Ok(()) };
    }
    let message = redacted(message(body), credentials);
    Err(match (status, at.vendor) {
        (429, _) => VendorError::RateLimited { at, wait },
        (401, _) | (403, Vendor::Alpaca) => VendorError::Unauthorized { at, message },
        // FRED has no 401: it names the variable.
        (400, Vendor::Fred) if message.contains("api_key") => VendorError::Unauthorized { at, message },
        // Of Polygon's: the plan, the timeframe, or a day that hasn't come. Never a bad key.
        (403, _) => VendorError::NotEntitled { at, message },
        (404, _) => VendorError::NotFound { at, message },
        _ => VendorError::Status { at, status, message },
    })
}

#[derive(Deserialize, Default)]
struct Refusal {
    #[serde(default)]
    message: Text,
    #[serde(default)]
    error: Text,
    #[serde(default)]
    error_message: Text,
}

/// The vendor's own sentence, whichever of its three names it has.
fn message(body: &[u8]) -> String {
    let refusal: Refusal = serde_json::from_slice(body).unwrap_or_default();
    let text = refusal.message.0.or(refusal.error.0).or(refusal.error_message.0).unwrap_or_else(|| "no reason given".into());
    text.chars().filter(|c| !c.is_control()).take(LONGEST_MESSAGE).collect()
}

/// A vendor that repeats the key in its refusal doesn't bring it into our logs.
fn redacted(text: String, credentials: &Credentials) -> String {
    let hide = |text: String, secret: &SecretString| {
        let secret = secret.expose_secret();
        if secret.is_empty() { text } else { text.replace(secret, "***") }
    };
    match credentials {
        Credentials::Key(key) => hide(text, key),
        Credentials::Pair { key_id, secret_key } => hide(hide(text, key_id), secret_key),
    }
}

/// Reads a JSON document; bytes that end early or aren't UTF-8 are refused with the place.
///
/// # Errors
/// [`VendorError::Malformed`].
pub(super) fn json<'a, T: Deserialize<'a>>(at: At, body: &'a [u8]) -> Result<T, VendorError> {
    serde_json::from_slice(body).map_err(|error| VendorError::Malformed { at, reason: error.to_string() })
}

/// The body, when its length is within the limit; named so that nothing unbounded is ever collected.
pub(super) struct Body {
    at: At,
    limit_bytes: usize,
    bytes: Vec<u8>,
}

impl Body {
    pub(super) fn new(at: At, limit_bytes: usize) -> Self {
        Self { at, limit_bytes, bytes: Vec::new() }
    }

    /// # Errors
    /// [`VendorError::TooLarge`].
    pub(super) fn push(&mut self, chunk: &Bytes) -> Result<(), VendorError> {
        if self.bytes.len() + chunk.len() > self.limit_bytes {
            return Err(VendorError::TooLarge { at: self.at, limit_bytes: self.limit_bytes });
        }
        self.bytes.extend_from_slice(chunk);
        Ok(())
    }

    pub(super) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(vendor: Vendor, status: u16, body: &str) -> Result<(), VendorError> {
        verdict(At { vendor, endpoint: "bars" }, status, None, body.as_bytes(), &Credentials::Key("s3cret".into()))
    }

    #[test]
    fn each_refusal_has_its_meaning() {
        use Vendor::{Alpaca, Fred, Polygon};
        assert!(judge(Polygon, 200, " {}").is_ok());
        assert!(matches!(judge(Polygon, 200, "\n<html>"), Err(VendorError::NotJson { .. })));
        assert!(matches!(judge(Polygon, 401, r#"{"error":"Unknown API Key"}"#), Err(VendorError::Unauthorized { .. })));
        assert!(matches!(judge(Polygon, 403, r#"{"message":"plan"}"#), Err(VendorError::NotEntitled { .. })));
        assert!(matches!(judge(Alpaca, 403, r#"{"message":"forbidden."}"#), Err(VendorError::Unauthorized { .. })));
        assert!(matches!(judge(Polygon, 429, ""), Err(VendorError::RateLimited { wait: None, .. })));
        let refusal = r#"{"error_code":400,"error_message":"Bad Request.  The value for variable api_key is not registered."}"#;
        assert!(matches!(judge(Fred, 400, refusal), Err(VendorError::Unauthorized { .. })));
        assert!(matches!(judge(Fred, 400, r#"{"error_message":"series"}"#), Err(VendorError::Status { status: 400, .. })));
        assert!(matches!(judge(Polygon, 302, "<html>"), Err(VendorError::Status { status: 302, .. })));
    }

    #[test]
    fn a_key_in_a_refusal_or_an_address_is_hidden() {
        let error = judge(Vendor::Polygon, 401, r#"{"error":"key s3cret is unknown"}"#).unwrap_err();
        assert!(!error.to_string().contains("s3cret"), "{error}");
        let url = "https://u:p@h/fred/series?api_key=s3cret&series_id=DGS3MO".parse().unwrap();
        assert_eq!(request_text(&url), "/fred/series?series_id=DGS3MO");
    }
}
