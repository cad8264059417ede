//! Is a number as it used to be on that weekday? Median and MAD, which a few wild days don't move. Pure.

use super::kind::Direction;

/// A MAD of a normal distribution times this is its standard deviation.
const TO_DEVIATION: f64 = 1.4826;
/// Numbers that never moved may move by this share of their median before they are unusual.
const LEAST_DEVIATION: f64 = 0.01;

/// What is usual, and how far a number is off.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Usual {
    pub median: f64,
    /// The usual deviation.
    pub deviation: f64,
    /// So many deviations above the median; negative below.
    pub off: f64,
}

impl Usual {
    pub fn is_unusual(&self, threshold: f64, direction: Direction) -> bool {
        match direction {
            Direction::Up => self.off > threshold,
            Direction::Down => self.off < -threshold,
            Direction::Both => self.off.abs() > threshold,
        }
    }
}

/// Compares with the same weekdays before; `None`: there are fewer than `minimum`.
pub fn usual(number: f64, before: &[f64], minimum: u32) -> Option<Usual> {
    if before.len() < minimum as usize || before.is_empty() {
        return None;
    }
    let middle = median(before)?;
    let distances: Vec<f64> = before.iter().map(|earlier| (earlier - middle).abs()).collect();
    let deviation = (median(&distances)? * TO_DEVIATION).max(middle.abs() * LEAST_DEVIATION).max(f64::MIN_POSITIVE);
    Some(Usual { median: middle, deviation, off: (number - middle) / deviation })
}

fn median(numbers: &[f64]) -> Option<f64> {
    let mut sorted: Vec<f64> = numbers.iter().copied().filter(|number| number.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    let middle = sorted.len() / 2;
    let upper = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 { Some(upper) } else { Some(f64::midpoint(*sorted.get(middle.checked_sub(1)?)?, upper)) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_wild_day_in_the_past_moves_nothing() {
        let before = [100.0, 102.0, 98.0, 101.0, 99.0, 100.0, 5_000.0, 100.0];
        let usual = |number| usual(number, &before, 8).unwrap();
        assert!(usual(101.0).off.abs() < 1.0);
        assert!(usual(50.0).is_unusual(6.0, Direction::Down) && !usual(50.0).is_unusual(6.0, Direction::Up));
        assert!(usual(200.0).is_unusual(6.0, Direction::Both));
    }

    #[test]
    fn without_enough_history_nothing_is_said() {
        assert_eq!(usual(1.0, &[1.0; 7], 8), None);
        assert_eq!(usual(1.0, &[], 0), None);
    }

    #[test]
    fn what_never_moved_may_move_a_little() {
        assert!(!usual(501.0, &[500.0; 8], 8).unwrap().is_unusual(6.0, Direction::Both));
        assert!(usual(450.0, &[500.0; 8], 8).unwrap().is_unusual(6.0, Direction::Down));
        assert!(usual(1.0, &[0.0; 8], 8).unwrap().is_unusual(6.0, Direction::Up));
    }
}
