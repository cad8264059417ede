//! Writes the numbers of bars into text without a detour: an initial backfill asks for more than a million of them.

use std::fmt::Write;

/// Digits after the point in a number that was scaled by a split.
pub const ADJUSTED_DECIMALS: u32 = 6;

/// `units` × 10^-`decimals` in the shortest form: 5900 with 2 decimals is "59", 5910 is "59.1".
pub fn push_decimal(text: &mut String, units: u64, decimals: u32) {
    let (mut units, mut decimals) = (units, decimals);
    while decimals > 0 && units.is_multiple_of(10) {
        units /= 10;
        decimals -= 1;
    }
    if decimals == 0 {
        push_integer(text, units);
        return;
    }
    let scale = 10_u64.pow(decimals);
    push_integer(text, units / scale);
    text.push('.');
    let rest = units % scale;
    for place in (0..decimals).rev() {
        text.push(char::from(b'0' + (rest / 10_u64.pow(place) % 10) as u8));
    }
}

pub fn push_integer(text: &mut String, number: u64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        if let Some(digit) = digits.get_mut(at) {
            *digit = b'0' + (rest % 10) as u8;
        }
        rest /= 10;
        if rest == 0 || at == 0 {
            break;
        }
    }
    text.extend(digits.iter().skip(at).map(|digit| char::from(*digit)));
}

/// A JSON string with its quotes.
pub fn push_string(text: &mut String, value: &str) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            control if control < ' ' => {
                // Writing into a String can't fail.
                let _ = write!(text, "\\u{:04x}", u32::from(control));
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_short_and_exact() {
        let written = |units, decimals| {
            let mut text = String::new();
            push_decimal(&mut text, units, decimals);
            text
        };
        assert_eq!(written(5_531_300, 4), "553.13");
        assert_eq!(written(5_900, 2), "59");
        assert_eq!(written(5, 2), "0.05");
        assert_eq!(written(0, 2), "0");
        assert_eq!(written(u64::MAX, 0), u64::MAX.to_string());
        assert_eq!(written(164_979_279, 6), "164.979279");
    }

    #[test]
    fn strings_are_escaped() {
        let mut text = String::new();
        push_string(&mut text, "a\"b\\c\n");
        assert_eq!(serde_json::from_str::<String>(&text).unwrap(), "a\"b\\c\n");
    }
}
