//! A ticker as the vendors write it: `AAPL`, `BRK.A`, `KIMpL`.

use serde::{Deserialize, Serialize};
use std::{borrow::Borrow, fmt, sync::Arc};

/// The longest symbol that we accept.
const LONGEST: usize = 20;

/// A ticker symbol, case-sensitive (preferred shares hold lower case). Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Symbol(Arc<str>);

/// Why a text is no symbol.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is not a ticker symbol: use 1 to 20 letters, digits, dots, dashes or slashes, e.g. AAPL or BRK.A")]
pub struct SymbolError(String);

impl Symbol {
    /// Trims and checks; Alpaca is known to send a trailing space.
    ///
    /// # Errors
    /// [`SymbolError`] when it is empty, too long or holds other characters.
    pub fn parse(text: &str) -> Result<Self, SymbolError> {
        let text = text.trim();
        // Symbols become parts of addresses, where a dot alone would lead elsewhere: they begin with a letter or digit.
        let fits = text.starts_with(|c: char| c.is_ascii_alphanumeric())
            && text.len() <= LONGEST
            && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '/'));
        if fits { Ok(Self(text.into())) } else { Err(SymbolError(text.chars().take(LONGEST + 10).collect())) }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
impl Borrow<str> for Symbol {
    fn borrow(&self) -> &str {
        &self.0
    }
}
impl TryFrom<String> for Symbol {
    type Error = SymbolError;
    fn try_from(text: String) -> Result<Self, SymbolError> {
        Self::parse(&text)
    }
}
impl From<Symbol> for String {
    fn from(symbol: Symbol) -> Self {
        symbol.0.as_ref().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_what_the_vendors_send_and_nothing_else() {
        for good in ["AAPL", "BRK.A", "KIMpL", "AAPL ", "X"] {
            assert!(Symbol::parse(good).is_ok(), "{good}");
        }
        for bad in ["", "  ", "A B", "'; drop table", "ABCDEFGHIJKLMNOPQRSTU", "ÄPL", "..", ".", "-", "/A"] {
            assert!(Symbol::parse(bad).is_err(), "{bad}");
        }
    }
}
