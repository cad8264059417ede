//! Numbers as vendors send them (3, "3.10", 1.2e+08, "abc", null) → `Decimal` from the literal text, never through `f64`.

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// `numeric(28, 10)`: prices and quantities.
pub(super) const PRICE: Column = Column { scale: 10, whole_digits: 18 };
/// `numeric(28, 4)`: volumes.
pub(super) const VOLUME: Column = Column { scale: 4, whole_digits: 24 };
/// `numeric(19, 4)`: money.
pub(super) const MONEY: Column = Column { scale: 4, whole_digits: 15 };

/// What a numeric column can hold.
#[derive(Clone, Copy)]
pub(super) struct Column {
    scale: u32,
    whole_digits: u32,
}

impl Column {
    /// The number as the column will give it back (rounded like Postgres, half away from zero); `None` when it doesn't fit,
    /// so that one absurd value can't refuse the rows around it.
    pub(super) fn fit(self, number: Decimal) -> Option<Decimal> {
        let rounded = if number.scale() > self.scale {
            number.round_dp_with_strategy(self.scale, RoundingStrategy::MidpointAwayFromZero)
        } else {
            number
        };
        let limit = 10_i128.pow(self.whole_digits);
        (rounded.trunc().mantissa().abs() < limit).then_some(rounded)
    }
}

/// Reads a literal, with or without quotes and exponent.
pub(super) fn parse(text: &str) -> Option<Decimal> {
    let text = text.trim();
    let text = text.strip_prefix('"').and_then(|inner| inner.strip_suffix('"')).unwrap_or(text).trim();
    if text.bytes().any(|byte| byte == b'e' || byte == b'E') {
        return Decimal::from_scientific(text).ok();
    }
    text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.' || c == '+').then(|| text.parse().ok())?
}

/// A field that may hold a number in any dress. Never refuses: what isn't a number is none.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Number(pub(super) Option<Decimal>);

impl Number {
    pub(super) fn fit(self, column: Column) -> Option<Decimal> {
        self.0.and_then(|number| column.fit(number))
    }

    /// A whole number; fractions are cut off.
    pub(super) fn whole(self) -> Option<i64> {
        self.0.and_then(|number| number.trunc().try_into().ok())
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: &RawValue = Deserialize::deserialize(deserializer)?;
        Ok(Self(parse(raw.get())))
    }
}

/// A field that may hold text. Never refuses: what isn't text is none; NUL, which Postgres can't hold, is dropped.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Text(pub(super) Option<String>);

impl Text {
    /// The text without spaces around it; none when nothing is left.
    pub(super) fn trimmed(self) -> Option<String> {
        self.0.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// A day; an instant's text counts by its first ten characters.
    pub(super) fn date(&self) -> Option<chrono::NaiveDate> {
        self.0.as_deref().and_then(|text| text.trim().get(..10)).and_then(|day| day.parse().ok())
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw: &RawValue = Deserialize::deserialize(deserializer)?;
        Ok(Self(serde_json::from_str::<String>(raw.get()).ok().map(|text| if text.contains('\0') { text.replace('\0', "") } else { text })))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_every_dress_of_a_number() {
        for (literal, number) in
            [("3", "3"), ("\"3.10\"", "3.10"), ("1.2e+08", "120000000"), ("1.5E-3", "0.0015"), ("-0.5", "-0.5"), ("\" 7 \"", "7")]
        {
            assert_eq!(parse(literal), Some(number.parse().unwrap()), "{literal}");
        }
        for nothing in ["null", "true", "\"abc\"", "{}", "[]", "\"\"", "\"NaN\"", "1e99", "e", "-"] {
            assert_eq!(parse(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn a_column_takes_what_it_can_hold() {
        let fit = |column: Column, text: &str| column.fit(text.parse().unwrap());
        assert_eq!(fit(MONEY, "1.00005"), Some("1.0001".parse().unwrap()));
        assert_eq!(fit(MONEY, "-1.00005"), Some("-1.0001".parse().unwrap()));
        assert_eq!(fit(MONEY, "999999999999999.9999"), Some("999999999999999.9999".parse().unwrap()));
        assert_eq!(fit(MONEY, "999999999999999.99995"), None, "rounds up to one digit too many");
        assert_eq!(fit(PRICE, "1000000000000000000"), None);
    }

    proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            if let Some(number) = parse(&text) {
                for column in [PRICE, VOLUME, MONEY] {
                    let _ = column.fit(number);
                }
            }
        }
    }
}
