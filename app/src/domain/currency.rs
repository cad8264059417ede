//! Currencies by their ISO code, and the hundredths in which some exchanges quote.

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A currency's code: `USD`, `EUR`; or one of the minor units in which London, Johannesburg and Tel Aviv quote (`GBX`, `ZAC`, `ILA`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Currency([u8; 3]);

/// Minor units, how vendors write them, and the currency of which each is a hundredth.
const MINOR: [(Currency, &str, Currency); 3] = [
    (Currency(*b"GBX"), "GBp", Currency(*b"GBP")),
    (Currency(*b"ZAC"), "ZAc", Currency(*b"ZAR")),
    (Currency(*b"ILA"), "ILa", Currency(*b"ILS")),
];

/// Why a text is no currency.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("“{0}” is not a currency: use its three letters, e.g. USD, EUR or GBX")]
pub struct CurrencyError(String);

impl Currency {
    pub const USD: Self = Self(*b"USD");

    /// Trims; takes lower case too (`usd`, as Polygon writes it), except `GBp`, which is pence and not pounds.
    ///
    /// # Errors
    /// [`CurrencyError`] when it isn't three letters.
    pub fn parse(text: &str) -> Result<Self, CurrencyError> {
        let text = text.trim();
        if let Some((minor, ..)) = MINOR.iter().find(|(_, written, _)| *written == text) {
            return Ok(*minor);
        }
        match text.as_bytes() {
            [a, b, c] if text.chars().all(|letter| letter.is_ascii_alphabetic()) => Ok(Self([a, b, c].map(u8::to_ascii_uppercase))),
            _ => Err(CurrencyError(text.chars().take(20).collect())),
        }
    }

    pub fn as_str(&self) -> &str {
        // Only ASCII letters come in.
        std::str::from_utf8(&self.0).unwrap_or_default()
    }

    /// The currency that is exchanged: of pence the pound, of others themselves.
    pub fn major(self) -> Self {
        MINOR.iter().find(|(minor, ..)| *minor == self).map_or(self, |(.., major)| *major)
    }

    /// What one unit costs where one of its [`major`](Self::major) currency costs this much.
    pub fn of_major(self, cost: Decimal) -> Option<Decimal> {
        if self.is_minor() { cost.checked_div(Decimal::ONE_HUNDRED) } else { Some(cost) }
    }

    /// A hundredth of its [`major`](Self::major) currency.
    pub fn is_minor(self) -> bool {
        self.major() != self
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl TryFrom<String> for Currency {
    type Error = CurrencyError;
    fn try_from(text: String) -> Result<Self, CurrencyError> {
        Self::parse(&text)
    }
}
impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.as_str().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pence_are_no_pounds() {
        let parse = |text| Currency::parse(text).unwrap();
        assert_eq!(parse("GBp"), parse("GBX"));
        assert_ne!(parse("GBp"), parse("gbp"));
        assert_eq!((parse("GBX").major(), parse("ZAc").major(), parse(" usd ")), (parse("GBP"), parse("ZAR"), Currency::USD));
        assert!(parse("ILA").is_minor() && !parse("ILS").is_minor());
        for bad in ["", "US", "USDT", "U$D", "€€€", "ÄB"] {
            assert!(Currency::parse(bad).is_err(), "{bad}");
        }
    }
}
