//! A person's access to one vendor, opened for use.

use app::domain::ConnectionId;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use url::Url;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Vendor {
    Polygon,
    Alpaca,
    Fred,
}

impl Vendor {
    /// As in `book.connection.vendor`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Polygon => "polygon",
            Self::Alpaca => "alpaca",
            Self::Fred => "fred",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Polygon, Self::Alpaca, Self::Fred].into_iter().find(|vendor| vendor.as_str() == text)
    }
}

/// Keys, never printed.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// Polygon's or FRED's single key.
    Key(SecretString),
    /// Alpaca's pair.
    Pair { key_id: SecretString, secret_key: SecretString },
}

/// `book.connection` with its secret opened.
#[derive(Debug, Clone)]
pub struct Connection {
    pub id: ConnectionId,
    pub vendor: Vendor,
    pub base_url: Url,
    /// Alpaca's market data lives on another host.
    pub data_url: Option<Url>,
    pub credentials: Credentials,
    /// `None`: unlimited (the simulator).
    pub calls_per_minute: Option<u32>,
}
