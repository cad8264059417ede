//! Money-weighted returns that a person can check: examples of Excel, several roots, none, and those that no number can hold.

use super::*;

fn on(year: i32, month: u32, day: u32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, month, day).unwrap()
}
fn paid(payments: &[(NaiveDate, f64)]) -> Figure<MoneyWeighted> {
    money_weighted(&payments.iter().map(|(on, amount)| Payment { on: *on, amount: *amount }).collect::<Vec<_>>())
}
/// A year apart each, 365 days.
fn yearly(amounts: &[f64]) -> Figure<MoneyWeighted> {
    let payments: Vec<_> = amounts.iter().enumerate().map(|(n, a)| (on(2001, 1, 1) + chrono::Days::new(365 * n as u64), *a)).collect();
    paid(&payments)
}

#[test]
fn ten_percent_from_one_investment_is_ten_percent() {
    let found = yearly(&[-1000.0, 1100.0]).unwrap();
    assert!((found.annual.unwrap() - 0.1).abs() < 1e-14);
    assert!((found.of_period - 0.1).abs() < 1e-14);
}

#[test]
fn agrees_with_the_example_of_excel() {
    let found = paid(&[
        (on(2008, 1, 1), -10_000.0),
        (on(2008, 3, 1), 2_750.0),
        (on(2008, 10, 30), 4_250.0),
        (on(2009, 2, 15), 3_250.0),
        (on(2009, 4, 1), 2_750.0),
    ])
    .unwrap();
    assert!((found.annual.unwrap() - 0.373362535).abs() < 1e-8);
}

#[test]
fn a_deposit_before_a_fall_weighs_more_than_time_says() {
    // +50 % on 100, then −20 % on 250: time-weighted +20 %, money-weighted below.
    let found = yearly(&[-100.0, -100.0, 200.0]).unwrap();
    assert!(found.annual.unwrap().abs() < 1e-12);
}

#[test]
fn two_roots_are_both_named() {
    // (1 + r) of 1.1 and 1.2.
    let reason = yearly(&[-100.0, 230.0, -132.0]).unwrap_err().0;
    assert_eq!(reason, "several roots: 10.00 %, 20.00 %");
}

#[test]
fn three_roots_on_both_sides_of_zero() {
    // (y − 0.5)(y − 1)(y − 2) with y = 1 + r.
    let reason = yearly(&[1.0, -3.5, 3.5, -1.0]).unwrap_err().0;
    assert_eq!(reason, "several roots: -50.00 %, 0.00 %, 100.00 %");
}

#[test]
fn a_root_that_touches_zero_is_one() {
    let found = yearly(&[1.0, -2.2, 1.21]).unwrap();
    assert!((found.annual.unwrap() - 0.1).abs() < 1e-6);
}

#[test]
fn no_root_is_proven() {
    assert!(yearly(&[-100.0, 210.0, -132.0]).unwrap_err().0.starts_with("no root"));
    assert!(yearly(&[-100.0, -5.0]).unwrap_err().0.starts_with("no root"), "everything lost");
    assert!(yearly(&[]).is_err());
    assert!(paid(&[(on(2024, 1, 2), -1.0), (on(2024, 1, 2), 2.0)]).is_err());
}

#[test]
fn a_gain_in_a_day_has_a_rate_of_the_period() {
    let found = paid(&[(on(2024, 1, 2), -1.0), (on(2024, 1, 3), 100.0)]).unwrap();
    assert!((found.of_period - 99.0).abs() < 1e-9);
    assert_eq!(found.annual, None);
    assert_eq!(found.yearly().unwrap_err().0, "the yearly rate is too large for a number");
}

#[test]
fn what_no_number_can_hold_is_no_root_that_is_listed() {
    let payment = |day, amount| Payment { on: on(2024, 1, day), amount };
    // Lost but for a millionth in a day.
    let lost = [payment(2, -1.0), payment(3, 1e-6)];
    let found = money_weighted(&lost).unwrap();
    assert_eq!((found.annual, roots(&lost).unwrap()), (None, vec![]));
    assert_eq!(found.yearly().unwrap_err().0, "the yearly rate is nearer to −100 % than a number can be");
    // With a daily y = 1 + r, y² − 10.001·y + 0.01: 10 and 0.001, of which no number holds the yearly rates.
    let both = [payment(2, -1.0), payment(3, 10.001), payment(4, -0.01)];
    assert_eq!(
        money_weighted(&both).unwrap_err().0,
        "several roots: one nearer to −100 % than a number can be, one too large for a number"
    );
    assert_eq!(roots(&both).unwrap(), Vec::<f64>::new());
    let nothing = [Payment { on: on(2024, 1, 2), amount: -1.0 }, Payment { on: on(2025, 1, 2), amount: 1.0 }];
    assert!(roots(&nothing).unwrap()[0].is_sign_positive() && money_weighted(&nothing).unwrap().annual.unwrap().is_sign_positive());
}

#[test]
fn weighs_flows_by_the_days_left() {
    let usd = |amount: i64| Money(amount.into());
    let flows = [Flow { on: on(2024, 1, 11), amount: usd(100) }];
    let found = modified_dietz((on(2024, 1, 1), usd(1000)), (on(2024, 1, 21), usd(1155)), &flows).unwrap();
    assert!((found - 55.0 / 1050.0).abs() < 1e-15);
    assert!(modified_dietz((on(2024, 1, 1), usd(0)), (on(2024, 1, 21), usd(0)), &[]).is_err());
    assert!(modified_dietz((on(2024, 1, 11), usd(1)), (on(2024, 1, 21), usd(1)), &flows).is_err());
}
