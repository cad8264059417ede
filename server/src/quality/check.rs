//! A check as it is declared: what it looks at, how it judges, and what a failure does within its scope.

use super::{expression::Expression, kind::Kind};
use serde::{Deserialize, Serialize};

/// One check of the suite, or a person's own.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// Lower case, digits and underscores; what results, quarantine and acceptances name.
    pub name: String,
    /// bars, splits, dividends, activities, entries, rates, reference_closes, or a model such as `marts.portfolio_daily`.
    pub dataset: String,
    pub kind: Kind,
    /// Which elements are looked at; all without.
    pub filter: Option<Expression>,
    /// The share of elements with a value that must be as expected: 0 to 1.
    pub mostly: f64,
    pub severity: Severity,
    pub action: Action,
    pub scope: Scope,
    /// freshness, completeness, accuracy, schema, consistency, uniqueness.
    pub dimension: String,
    /// What holds when it passes, as a sentence without its full stop.
    pub expected: String,
    /// A person wrote it: it runs apart from the suite, under a time limit.
    pub is_own: bool,
}

impl Check {
    /// What it was compared with, for the result.
    pub fn thresholds(&self) -> serde_json::Value {
        let mut thresholds = self.kind.thresholds();
        if let Some(map) = thresholds.as_object_mut() {
            if self.mostly < 1.0 {
                map.insert("mostly".into(), self.mostly.into());
            }
            if let Some(filter) = &self.filter {
                map.insert("where".into(), filter.written.clone().into());
            }
        }
        thresholds
    }

    /// Is it judged on what the models hold, in a publication?
    pub fn is_of_models(&self) -> bool {
        self.dataset.contains('.')
    }

    /// Do so many unexpected ones among those with a value pass?
    pub fn bears(&self, unexpected: u64, valued: u64) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^52")]
        let share = if valued == 0 { 0.0 } else { unexpected as f64 / valued as f64 };
        // A mostly of 0.99 with 1 of 100 passes, whatever the last bit of 1 - 0.99 is.
        unexpected == 0 || share <= 1.0 - self.mostly + 1e-12
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name { $($(#[$of])* $variant),+ }

        impl $name {
            pub const WORDS: &[&str] = &[$($word),+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }

            pub fn from_word(word: &str) -> Option<Self> {
                match word { $($word => Some(Self::$variant),)+ _ => None }
            }
        }
    };
}

words! {
    /// How bad a failure is.
    Severity { Info = "info", Warn = "warn", Error = "error", Fatal = "fatal" }
}
words! {
    /// What a failure does within its scope.
    Action {
        /// It is told.
        Record = "record",
        /// The rows aren't used until a person releases them or a later version replaces them.
        Quarantine = "quarantine",
        /// What is in the scope keeps its last good numbers.
        Block = "block",
        /// The run fails.
        Fail = "fail",
    }
}
words! {
    /// How wide a failure reaches, and nothing wider.
    Scope { Row = "row", Symbol = "symbol", Portfolio = "portfolio", Installation = "installation" }
}

/// What a declaration has wrong.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("The check {check} can't be read: {field} {what}.")]
pub struct CheckError {
    /// Its name; "without a name" where it has none.
    pub check: String,
    pub field: String,
    /// The sentence's end: "isn't a number".
    pub what: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn mostly_is_a_share_of_what_has_a_value() {
        let with = |mostly: f64| {
            let declared = json!({"name": "x", "dataset": "bars", "kind": "not_null", "column": "volume", "mostly": mostly});
            Check::parse(&declared).unwrap()
        };
        assert!(with(0.99).bears(1, 100) && !with(0.99).bears(2, 100));
        assert!(with(1.0).bears(0, 0) && !with(1.0).bears(1, 1_000_000));
        assert!(with(0.0).bears(5, 5));
    }
}
