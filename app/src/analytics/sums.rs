//! Sums that lose nothing on the way, and the moments made of them.

/// Kahan's sum as improved by Neumaier: the error doesn't grow with the number of terms. What each addition loses is found as Knuth does,
/// without asking which of the two is larger: returns come in any order, and a branch that is wrong half of the time costs more.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    sum: f64,
    lost: f64,
}

impl Sum {
    pub fn add(&mut self, term: f64) {
        let next = self.sum + term;
        let kept = next - self.sum;
        self.lost += (self.sum - (next - kept)) + (term - kept);
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

/// Numbers with their mean, size and second moment, each found once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Column<'a> {
    pub numbers: &'a [f64],
    pub mean: f64,
    /// Σ (a − mean a): what the mean's last digit is off. Small, but numbers that hardly vary lose half of their digits without it.
    rest: f64,
    /// The largest of the absolute values.
    pub size: f64,
    /// Σ (a − mean a)².
    pub moment: f64,
}

impl<'a> Column<'a> {
    pub fn of(numbers: &'a [f64]) -> Self {
        let (mean, size) = (mean(numbers), numbers.iter().fold(0.0_f64, |size, number| size.max(number.abs())));
        let [mut rest, mut squares] = [Sum::default(); 2];
        for number in numbers {
            let d = number - mean;
            rest.add(d);
            squares.add(d * d);
        }
        let rest = rest.total();
        let moment = (squares.total() - rest * rest / numbers.len() as f64).max(0.0);
        Self { numbers, mean, rest, size, moment }
    }

    /// Σ (a − mean a)(b − mean b).
    pub fn co_moment(&self, other: &Self) -> f64 {
        let products = sum(self.numbers.iter().zip(other.numbers).map(|(a, b)| (a - self.mean) * (b - other.mean)));
        products - self.rest * other.rest / self.numbers.len() as f64
    }

    /// The sample deviation (n − 1).
    pub fn deviation(&self) -> f64 {
        (self.moment / (self.numbers.len() as f64 - 1.0)).sqrt()
    }
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
