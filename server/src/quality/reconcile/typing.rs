//! Slips of the hand: could one number have been meant by somebody who typed the other?

use rust_decimal::Decimal;

/// How the number that was typed differs from the one that was meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Slip {
    /// 1532 for 1352.
    Transposed,
    /// 100 for 10, 2.5 for 25.
    FactorOf(u32),
}

impl Slip {
    pub(super) fn in_words(self) -> String {
        match self {
            Self::Transposed => "two digits seem to have changed places".to_owned(),
            Self::FactorOf(factor) => format!("it is off by a factor of {factor}"),
        }
    }
}

/// What slip makes `typed` of `meant`; none where a slip is no likely story. Signs don't count.
pub(super) fn slip(typed: Decimal, meant: Decimal) -> Option<Slip> {
    let (typed, meant) = (typed.abs().normalize(), meant.abs().normalize());
    if typed == meant || typed.is_zero() || meant.is_zero() {
        return None;
    }
    for factor in [10_u32, 100, 1000] {
        let factor_of = Decimal::from(factor);
        if typed.checked_mul(factor_of) == Some(meant) || meant.checked_mul(factor_of) == Some(typed) {
            return Some(Slip::FactorOf(factor));
        }
    }
    is_transposed(&typed.to_string(), &meant.to_string()).then_some(Slip::Transposed)
}

/// Two neighbouring digits changed places.
fn is_transposed(one: &str, other: &str) -> bool {
    // As wide as one another: 0.50 loses its zero when it is normalized.
    let width = one.len().max(other.len());
    let padded = |text: &str| {
        let dotted = if text.contains('.') || text.len() == width { text.to_owned() } else { format!("{text}.") };
        format!("{dotted:0<width$}").into_bytes()
    };
    let (one, other) = (padded(one), padded(other));
    let digits = |text: &[u8]| text.iter().copied().filter(u8::is_ascii_digit).collect::<Vec<_>>();
    let dot = |text: &[u8]| text.iter().position(|byte| *byte == b'.');
    let (left, right) = (digits(&one), digits(&other));
    if dot(&one) != dot(&other) || left.len() != right.len() {
        return false;
    }
    let wrong: Vec<usize> = (0..left.len()).filter(|at| left[*at] != right[*at]).collect();
    matches!(wrong[..], [first, second] if second == first + 1 && left[first] == right[second] && left[second] == right[first])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(typed: &str, meant: &str) -> Option<Slip> {
        slip(typed.parse().unwrap(), meant.parse().unwrap())
    }

    #[test]
    fn slips_of_the_hand() {
        for (typed, meant, expected) in [
            ("1532", "1352", Some(Slip::Transposed)),
            ("12.34", "12.43", Some(Slip::Transposed)),
            ("10", "100", Some(Slip::FactorOf(10))),
            ("2.5", "0.25", Some(Slip::FactorOf(10))),
            ("5", "500", Some(Slip::FactorOf(100))),
            ("-15", "51", Some(Slip::Transposed)),
            ("10.05", "10.5", Some(Slip::Transposed)),
            ("15", "16", None),
            ("1234", "4321", None),
            ("10", "10", None),
            ("0", "10", None),
        ] {
            assert_eq!(of(typed, meant), expected, "{typed} for {meant}");
        }
    }
}
