//! A number, or the reason why there is none.

use serde::{Deserialize, Serialize};

/// Why a number can't be computed, in words for a person: "needs 20 returns, has 7".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{0}")]
#[serde(transparent)]
pub struct Undefined(pub String);

impl Undefined {
    pub fn because(reason: impl Into<String>) -> Self {
        Self(reason.into())
    }
}

/// A number, or the reason why there is none. Never NaN, never 0 as a stand-in.
pub type Figure<T> = Result<T, Undefined>;
