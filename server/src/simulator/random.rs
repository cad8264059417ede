//! Chance that is the same on every machine and in every version: a hash of what is asked for, never a running state.
//!
//! A draw depends on its names only (seed, symbol, session), so a market that is asked one day later extends what it said
//! before and never rewrites it. `rand`'s generators may change between versions; this one can't.

/// The finalizer of SplitMix64: every bit of the answer depends on every bit of `value`.
pub fn mix(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// One number for a pair: a stream's key and a place in it.
pub fn at(key: u64, place: u64) -> u64 {
    mix(key.wrapping_add(place.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}

/// A stream's key for a name.
pub fn named(key: u64, name: &str) -> u64 {
    name.bytes().fold(at(key, 0x6e61_6d65), |hash, byte| mix(hash ^ u64::from(byte)).wrapping_add(0x9e37_79b9_7f4a_7c15))
}

/// Evenly spread over [0, 1).
pub fn unit(draw: u64) -> f64 {
    (draw >> 11) as f64 / (1_u64 << 53) as f64
}

/// About normal with mean 0 and deviation 1, never beyond 3.5: the sum of four 16-bit draws. The hard bound keeps a day's
/// move plausible without cutting anything off.
pub fn bell(draw: u64) -> f64 {
    /// The deviation of the sum of four uniform numbers on [0, 1).
    const DEVIATION: f64 = 0.577_350_269_189_625_8;
    let sum: u64 = (0..4).map(|part| (draw >> (16 * part)) & 0xffff).sum();
    ((sum as f64 + 2.0) / 65_536.0 - 2.0) / DEVIATION
}

/// A number below `bound`.
pub fn below(draw: u64, bound: u64) -> u64 {
    if bound == 0 { 0 } else { draw % bound }
}

/// The text of a UUID (version 4) for a name.
pub fn uuid(key: u64, place: u64) -> String {
    let (high, low) = (at(key, place), at(!key, place));
    format!(
        "{:08x}-{:04x}-4{:03x}-{:04x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        0x8000 | (low >> 48) & 0x3fff,
        low & 0xffff_ffff_ffff
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_the_same_for_ever() {
        assert_eq!(mix(1), 0x5692_161d_100b_05e5);
        assert_eq!(uuid(7, 1).len(), 36);
        assert_eq!(uuid(7, 1), uuid(7, 1));
        assert_ne!(named(7, "AAPL"), named(7, "AAPM"));
    }

    #[test]
    fn the_bell_has_mean_0_deviation_1_and_a_bound() {
        let draws: Vec<f64> = (0..20_000).map(|place| bell(at(3, place))).collect();
        let mean = draws.iter().sum::<f64>() / 20_000.0;
        let variance = draws.iter().map(|draw| (draw - mean) * (draw - mean)).sum::<f64>() / 20_000.0;
        assert!(mean.abs() < 0.02 && (variance - 1.0).abs() < 0.03, "{mean} {variance}");
        assert!(draws.iter().all(|draw| draw.abs() < 3.5));
    }
}
