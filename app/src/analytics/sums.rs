//! Sums that lose nothing on the way, and the moments made of them.

/// Kahan's sum as improved by Neumaier: the error doesn't grow with the number of terms.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    pub fn add(&mut self, term: f64) {
        let next = self.sum + term;
        self.lost += if self.sum.abs() >= term.abs() { (self.sum - next) + term } else { (term - next) + self.sum };
        self.sum = next;
    }

    pub fn total(self) -> f64 {
        self.sum + self.lost
    }
}

pub(super) fn sum(terms: impl IntoIterator<Item = f64>) -> f64 {
    let mut sum = Sum::default();
    terms.into_iter().for_each(|term| sum.add(term));
    sum.total()
}

/// `NaN` for an empty slice: callers check first.
pub(super) fn mean(numbers: &[f64]) -> f64 {
    sum(numbers.iter().copied()) / numbers.len() as f64
}

/// Σ (a − mean a)(b − mean b).
pub(super) fn co_moment(a: &[f64], b: &[f64]) -> f64 {
    let (mean_a, mean_b) = (mean(a), mean(b));
    sum(a.iter().zip(b).map(|(a, b)| (a - mean_a) * (b - mean_b)))
}

/// The sample deviation (n − 1).
pub(super) fn deviation(numbers: &[f64]) -> f64 {
    (co_moment(numbers, numbers) / (numbers.len() as f64 - 1.0)).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_terms_beside_large_ones_are_kept() {
        assert_eq!(sum([1e16, 1.0, -1e16]), 1.0);
        assert_eq!(sum([1.0, 1e100, 1.0, -1e100]), 2.0);
    }
}
