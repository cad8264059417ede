//! Dividing a whole among lots so that nothing is lost nor made by rounding.

use super::{
    fixed::{SCALE, cents, to_scale},
    position::MOST_SHARES,
};
use rust_decimal::Decimal;

/// `amount × part / whole`, rounded to four decimals. The ratio is at most 1, so nothing overflows; of the whole it is exact.
pub(super) fn share(amount: Decimal, part: Decimal, whole: Decimal) -> Decimal {
    if part == whole {
        return amount;
    }
    cents(amount * part.checked_div(whole).unwrap_or_default()).0
}

/// What each lot's shares become, `to` for `from`: together what all of them become, rounded once. Each lot gets what the rounded
/// sum grows by with it, which is off by less than 10⁻¹⁰, and never of another sign; rounding each for itself would leave
/// shares that can't be sold. `None`: more shares than there can be.
pub(super) fn dealt(lots: impl IntoIterator<Item = Decimal>, from: Decimal, to: Decimal) -> Option<Vec<Decimal>> {
    let (mut old, mut new) = (Decimal::ZERO, Decimal::ZERO);
    let deal = |lot: Decimal| {
        old += lot;
        // Of all there are when a quantity was named: the quotient's rounding would miss it.
        let exact = if old.abs() == from.abs() { if old == from { to } else { -to } } else { old.checked_mul(to)?.checked_div(from)? };
        let by_now = Some(to_scale(exact, SCALE)).filter(|shares| shares.abs() <= MOST_SHARES)?;
        Some((by_now - std::mem::replace(&mut new, by_now)).normalize())
    };
    lots.into_iter().map(deal).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbers(text: &str) -> Vec<Decimal> {
        text.split_whitespace().map(|number| number.parse().unwrap()).collect()
    }

    #[test]
    fn three_thirds_are_a_whole() {
        let check = |lots: &str, from: i64, to: i64, expect: &str| {
            assert_eq!(dealt(numbers(lots), from.into(), to.into()).unwrap(), numbers(expect), "{lots}");
        };
        check("1 1 1", 3, 1, "0.3333333333 0.3333333334 0.3333333333");
        check("1 1 1", 3, 4, "1.3333333333 1.3333333334 1.3333333333");
        check("-1 -1 -1", 3, 1, "-0.3333333333 -0.3333333334 -0.3333333333");
        check("0.0000000001 0.0000000001 0.0000000001", 2, 1, "0.0000000001 0 0.0000000001");
        assert_eq!(dealt([Decimal::ONE], Decimal::ONE, MOST_SHARES + Decimal::ONE), None);
    }

    proptest! {
        #[test]
        fn nothing_is_lost_by_dealing(lots in prop::collection::vec(1..10_000_000_i64, 1..12), is_owed: bool, named in prop::option::of(1..90_000_i64), to in 1..9_999_i64, from in 1..9_999_i64) {
            let lots: Vec<Decimal> = lots.into_iter().map(|lot| Decimal::new(if is_owed { -lot } else { lot }, 3)).collect();
            let held: Decimal = lots.iter().sum();
            let (from, to) = named.map_or((from.into(), to.into()), |named| (held.abs(), Decimal::new(named, 4)));
            let dealt = dealt(lots.iter().copied(), from, to).unwrap();
            let all = to_scale(held * to / from, SCALE);
            let whole = named.map_or(all, |_| if is_owed { -to } else { to });
            prop_assert_eq!(dealt.iter().sum::<Decimal>(), whole);
            for (lot, new) in lots.iter().zip(&dealt) {
                prop_assert!((lot * to / from - new).abs() <= Decimal::new(1, SCALE), "{lot} became {new}");
                prop_assert!(new.is_zero() || new.is_sign_negative() == is_owed);
            }
        }
    }
}
