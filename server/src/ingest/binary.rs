//! Values in the binary form of `COPY`: Postgres reads it in two thirds of the time that text takes.
//!
//! The form is documented under COPY in Postgres' manual; a number is what its `numeric_recv` reads.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

/// Before the first row: the signature, no flags, no extension.
pub(super) const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// After the last row.
pub(super) const TRAILER: &[u8] = &(-1_i16).to_be_bytes();

/// Postgres counts from the year 2000.
const EPOCH: NaiveDate = NaiveDate::from_ymd_opt(2000, 1, 1).expect("a day of the calendar");
const EPOCH_MICROSECONDS: i64 = 946_684_800_000_000;
/// A numeric's digits are of this base.
const BASE: u32 = 10_000;
const NEGATIVE: u16 = 0x4000;

/// Begins a row of so many fields.
pub(super) fn row(bytes: &mut Vec<u8>, fields: i16) {
    bytes.extend_from_slice(&fields.to_be_bytes());
}

fn field(bytes: &mut Vec<u8>, content: &[u8]) {
    bytes.extend_from_slice(&i32::try_from(content.len()).unwrap_or(i32::MAX).to_be_bytes());
    bytes.extend_from_slice(content);
}

pub(super) fn text(bytes: &mut Vec<u8>, text: &str) {
    field(bytes, text.as_bytes());
}

pub(super) fn integer(bytes: &mut Vec<u8>, number: i64) {
    field(bytes, &number.to_be_bytes());
}

pub(super) fn date(bytes: &mut Vec<u8>, date: NaiveDate) {
    let days = date.signed_duration_since(EPOCH).num_days();
    field(bytes, &i32::try_from(days).unwrap_or(i32::MAX).to_be_bytes());
}

pub(super) fn instant(bytes: &mut Vec<u8>, at: DateTime<Utc>) {
    field(bytes, &(at.timestamp_micros() - EPOCH_MICROSECONDS).to_be_bytes());
}

pub(super) fn optional<T>(bytes: &mut Vec<u8>, value: Option<T>, write: impl Fn(&mut Vec<u8>, T)) {
    match value {
        Some(value) => write(bytes, value),
        None => bytes.extend_from_slice(&(-1_i32).to_be_bytes()),
    }
}

/// Without an allocation: a backfill writes ten million numbers.
pub(super) fn decimal(bytes: &mut Vec<u8>, number: Decimal) {
    // To whole digits of the base behind the point; a mantissa has 96 bits.
    let scale = number.scale();
    let behind = scale.div_ceil(4);
    let mut rest = number.mantissa().unsigned_abs() * 10_u128.pow(behind * 4 - scale);
    let mut digits = [0_u16; 10];
    let mut start = digits.len();
    // Nearly every price fits 64 bits, whose division is several times quicker.
    while rest > u128::from(u64::MAX) {
        start -= 1;
        digits[start] = (rest % u128::from(BASE)) as u16;
        rest /= u128::from(BASE);
    }
    let mut rest = rest as u64;
    while rest > 0 {
        start -= 1;
        digits[start] = (rest % u64::from(BASE)) as u16;
        rest /= u64::from(BASE);
    }
    let before = digits.len() - start;
    let end = digits.iter().rposition(|digit| *digit != 0).map_or(start, |last| last + 1);
    let count = end - start;
    let weight = if count == 0 { 0 } else { before as i16 - behind as i16 - 1 };
    bytes.extend_from_slice(&(8 + 2 * count as i32).to_be_bytes());
    bytes.extend_from_slice(&(count as i16).to_be_bytes());
    bytes.extend_from_slice(&weight.to_be_bytes());
    bytes.extend_from_slice(&(if number.is_sign_negative() && count > 0 { NEGATIVE } else { 0 }).to_be_bytes());
    bytes.extend_from_slice(&(scale as u16).to_be_bytes());
    for digit in &digits[start..end] {
        bytes.extend_from_slice(&digit.to_be_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn written(number: Decimal) -> Vec<u8> {
        let mut bytes = Vec::new();
        decimal(&mut bytes, number);
        bytes
    }

    /// As Postgres reads it: Σ digit · 10000^(weight − i).
    fn read(bytes: &[u8]) -> Decimal {
        let part = |at: usize| i16::from_be_bytes([bytes[at], bytes[at + 1]]);
        assert_eq!(i32::from_be_bytes(bytes[..4].try_into().unwrap()) as usize, bytes.len() - 4);
        let (count, weight, is_negative, scale) = (part(4), i32::from(part(6)), part(8) == 0x4000, part(10) as u32);
        let mut text = String::from(if is_negative { "-" } else { "" });
        for at in (-7..=weight.max(0)).rev() {
            let index = weight - at;
            let digit = if (0..i32::from(count)).contains(&index) { part(12 + 2 * index as usize) } else { 0 };
            text.push_str(&format!("{digit:04}"));
            if at == 0 {
                text.push('.');
            }
        }
        let mut number: Decimal = text.parse().unwrap();
        number.rescale(scale);
        number
    }

    #[test]
    fn numbers_have_the_bytes_that_postgres_sends() {
        // select encode(numeric_send(x), 'hex')
        for (number, hex) in [
            ("0", "0000000000000000"),
            ("92.70", "0002000000000002005c1b58"),
            ("-0.05", "0001ffff4000000201f4"),
            ("75415000", "00020001000000001d751388"),
            ("12345678.9", "000300010000000104d2162e2328"),
        ] {
            let bytes = written(number.parse().unwrap());
            assert_eq!(hex::encode(&bytes[4..]), hex, "{number}");
        }
    }

    proptest! {
        #[test]
        fn a_decimal_is_written_exactly(mantissa in -(1_i128 << 80)..(1_i128 << 80), scale in 0_u32..=28) {
            let number = Decimal::from_i128_with_scale(mantissa, scale);
            prop_assert_eq!(read(&written(number)).normalize(), number.normalize());
        }

        #[test]
        fn no_number_is_too_large(mantissa in -((1_i128 << 96) - 1)..(1_i128 << 96), scale in 0_u32..=28) {
            written(Decimal::from_i128_with_scale(mantissa, scale));
        }
    }
}
