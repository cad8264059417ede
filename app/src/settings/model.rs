//! What the settings pages say and take.

use crate::domain::{AccountId, ConnectionId, UserId};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Connections {
    pub rows: Vec<ConnectionRow>,
    /// The demo's connections can't be changed.
    pub may_add: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ConnectionRow {
    pub id: ConnectionId,
    pub vendor: String,
    pub label: String,
    /// `None`: the demo's, whose vendors are simulated.
    pub base_url: Option<String>,
    /// The key's last four characters.
    pub key_hint: String,
    /// "environment", "person", "demo".
    pub origin: String,
    /// When the vendor answered last: a person's test, or a fetch.
    pub tested_at: Option<DateTime<Utc>>,
    pub last_error: Option<String>,
}

/// Alpaca keys as typed; tested against the vendor before they are kept.
#[derive(Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct ConnectionForm {
    pub label: String,
    /// "live" or "paper".
    pub environment: String,
    pub key_id: String,
    pub secret_key: String,
}

/// Keys are never printed.
impl std::fmt::Debug for ConnectionForm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectionForm").field("label", &self.label).finish_non_exhaustive()
    }
}

/// How a person's accounts are kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Accounts {
    pub rows: Vec<AccountRow>,
    /// The demo's accounts can't be changed.
    pub may_change: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountRow {
    pub id: AccountId,
    pub name: String,
    pub portfolio: String,
    /// A key of [`COST_BASES`].
    pub cost_basis: String,
    /// Shares that aren't held may be sold.
    pub allows_short: bool,
}

/// Which lots a sale closes: as in the database, and in words.
pub const COST_BASES: [(&str, &str); 5] = [
    ("fifo", "The oldest first (FIFO)"),
    ("lifo", "The newest first (LIFO)"),
    ("hifo", "The dearest first (HIFO)"),
    ("average", "Average cost"),
    ("specific", "Those that a sale names"),
];

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct People {
    pub rows: Vec<PersonRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PersonRow {
    pub id: UserId,
    pub name: String,
    pub display_name: String,
    /// "administrator" or "member".
    pub role: String,
    pub is_disabled: bool,
    pub is_me: bool,
    pub created_at: DateTime<Utc>,
}
