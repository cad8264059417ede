//! What every measure of the catalogue is called and how it is defined: the page's words, and the formula as docs/MEASURES.md prints it.

use super::address::rolled;
use app::{
    explain::{
        figures::{self, Described, Unit},
        model::Asked,
    },
    performance::words::{self, Unit as Written},
};

const WINDOWS: &[&str] = &[
    "From the daily returns of the window that ends with the session; it reaches back behind the range where there is more.",
    "252 sessions make a year; MAR is 0, confidence 95 %.",
];

/// Its rows begin with the key; the second column is the definition. A test holds that each key has one.
const MEASURES: &str = include_str!("../../../../docs/MEASURES.md");

const CONVENTIONS: &[&str] = &[
    "From the daily returns of the range; 252 sessions make a year.",
    "MAR is 0, confidence 95 %; beside the benchmark only sessions count that both have.",
    "docs/MEASURES.md says whom it agrees with.",
];

/// A figure of any page; a rolling window is its measure's.
pub(super) fn described(asked: &Asked) -> Option<Described> {
    match asked.figure.as_str() {
        "rolling" => Some(Described { conventions: WINDOWS, ..of(rolled(asked).key)? }),
        key => of(key),
    }
}

fn of(key: &str) -> Option<Described> {
    if let Some(described) = figures::described(key) {
        return Some(*described);
    }
    let words = words::find(key)?;
    Some(Described {
        key: words.key,
        name: words.name,
        unit: match words.unit {
            Written::SignedPercent => Unit::Return,
            Written::Percent => Unit::Percent,
            Written::Share => Unit::Share,
            Written::Ratio => Unit::Ratio,
            Written::Index => Unit::Index,
        },
        method: words.method,
        formula: formula(words.key)?,
        conventions: CONVENTIONS,
    })
}

fn formula(key: &str) -> Option<&'static str> {
    let row = MEASURES.lines().find(|line| line.strip_prefix("| `").is_some_and(|rest| rest.starts_with(&format!("{key}`"))))?;
    row.split('|').nth(2).map(str::trim)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_measure_of_the_page_can_be_explained() {
        for words in words::WORDS {
            let found = of(words.key).unwrap_or_else(|| panic!("{}", words.key));
            assert!(!found.formula.is_empty(), "{}", words.key);
        }
        assert_eq!(of("omega_ratio").unwrap().formula, "upside_potential / downside_potential");
        assert!(of("wealth").is_none());
    }
}
