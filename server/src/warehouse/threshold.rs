//! `warn_if` and `error_if`: how many rows it takes before a test warns or fails, as dbt decides it.

use super::assertion::Severity;
use serde::Deserialize;

/// A comparison with a number of rows, such as `>10`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Threshold {
    is: Comparison,
    rows: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    Equal,
    Other,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Threshold {
    /// dbt's default: any row.
    pub(super) const ANY: Self = Self { is: Comparison::Other, rows: 0 };

    fn holds(self, rows: i64) -> bool {
        match self.is {
            Comparison::Equal => rows == self.rows,
            Comparison::Other => rows != self.rows,
            Comparison::Less => rows < self.rows,
            Comparison::AtMost => rows <= self.rows,
            Comparison::More => rows > self.rows,
            Comparison::AtLeast => rows >= self.rows,
        }
    }
}

impl TryFrom<String> for Threshold {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let trimmed = text.trim();
        let (sign, number) = trimmed.split_at(trimmed.find(|c| !"<>=!".contains(c)).unwrap_or(trimmed.len()));
        let is = match sign {
            "=" => Some(Comparison::Equal),
            "!=" | "<>" => Some(Comparison::Other),
            "<" => Some(Comparison::Less),
            "<=" => Some(Comparison::AtMost),
            ">" => Some(Comparison::More),
            ">=" => Some(Comparison::AtLeast),
            _ => None,
        };
        match (is, number.trim().parse()) {
            (Some(is), Ok(rows)) => Ok(Self { is, rows }),
            _ => Err(format!("{trimmed:?} is no threshold: write a comparison with a number, such as \">10\" or \"!=0\"")),
        }
    }
}

/// What a test says of that many rows: how bad it is; `None` where it passes. No row at all can be too few.
pub(super) fn judged(severity: Severity, warn_if: Threshold, error_if: Threshold, rows: i64) -> Option<Severity> {
    if severity == Severity::Error && error_if.holds(rows) { Some(Severity::Error) } else { warn_if.holds(rows).then_some(Severity::Warn) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn threshold(text: &str) -> Threshold {
        text.to_owned().try_into().unwrap()
    }

    #[test]
    fn rows_are_judged_as_dbt_judges_them() {
        let (error, warn) = (Severity::Error, Severity::Warn);
        for (severity, warn_if, error_if, rows, expect) in [
            (error, "!=0", "!=0", 0, None),
            (error, "!=0", "!=0", 3, Some(error)),
            (warn, "!=0", "!=0", 3, Some(warn)),
            (error, "!= 0", "> 10", 3, Some(warn)),
            (error, "!=0", ">10", 11, Some(error)),
            (error, ">5", ">10", 5, None),
            // With the severity of a warning nothing ever fails.
            (warn, ">5", ">0", 4, None),
            (error, "<1", ">=100", 0, Some(warn)),
            (error, "!=0", "=0", 0, Some(error)),
            (error, "!=0", "<=0", 1, Some(warn)),
            (error, "<>2", "=2", 2, Some(error)),
        ] {
            assert_eq!(judged(severity, threshold(warn_if), threshold(error_if), rows), expect, "{severity:?} {warn_if} {error_if} {rows}");
        }
    }

    #[test]
    fn anything_but_a_comparison_is_refused() {
        for text in ["", "10", ">", "> ten", "between 1 and 2", ">1; drop table x", "=="] {
            let error = Threshold::try_from(text.to_owned()).unwrap_err();
            assert!(error.contains("is no threshold"), "{error}");
        }
    }
}
