//! What the sign-in pages say.

use serde::{Deserialize, Serialize};

/// What a visitor can do at the door.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Door {
    /// No administrator yet: the one-time token printed at the start creates the first.
    pub needs_setup: bool,
    /// One button enters the demo.
    pub has_demo: bool,
    pub is_signed_in: bool,
}
