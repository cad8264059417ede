//! What a person reads for each number, day and duration.

use super::*;

fn usd(text: &str) -> Money {
    Money(text.parse().unwrap())
}

fn on(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

#[test]
fn money_has_a_true_minus_and_thousands() {
    assert_eq!(money(usd("291226.185")), "291,226.19");
    assert_eq!(money(usd("-1284.15")), "−1,284.15");
    assert_eq!(money(usd("0")), "0.00");
    assert_eq!(money(usd("999")), "999.00");
    assert_eq!(signed_money(usd("1284.15")), "+1,284.15");
    assert_eq!(signed_money(usd("-0.004")), "0.00");
    assert_eq!(whole_money(usd("41279.5")), "41,280");
}

#[test]
fn labels_in_pictures_are_short() {
    assert_eq!(short_money(usd("291226.19")), "291.2k");
    assert_eq!(short_money(usd("1250000")), "1.25M");
    assert_eq!(short_money(usd("999990")), "1.00M");
    assert_eq!(short_money(usd("-0.2")), "0");
    assert_eq!(signed_short_money(usd("-286")), "−286");
    assert_eq!(signed_short_money(usd("36000")), "+36.0k");
}

#[test]
fn shares_and_prices_have_no_idle_zeros() {
    assert_eq!(quantity("12.5000000000".parse().unwrap()), "12.5");
    assert_eq!(quantity("1200".parse().unwrap()), "1,200");
    assert_eq!(quantity("10.123456789".parse().unwrap()), "10.123456789");
    assert_eq!(shares_ratio("0.3333333333333333".parse().unwrap()), "0.333333");
    assert_eq!(price("645.5700".parse().unwrap()), "645.57");
    assert_eq!(price("190000".parse().unwrap()), "190,000.00");
    assert_eq!(price("0.12345".parse().unwrap()), "0.1235");
}

#[test]
fn percents_carry_their_sign_and_a_thin_space() {
    assert_eq!(signed_percent(0.18854), "+18.85\u{202f}%");
    assert_eq!(signed_percent(-0.042), "−4.20\u{202f}%");
    assert_eq!(signed_percent(-0.00001), "0.00\u{202f}%");
    assert_eq!(share(0.342), "34.2\u{202f}%");
    assert_eq!(signed_percent_number(0.0449), "+4.5");
    assert_eq!(signed_percent_number(-0.0004), "0.0");
    assert_eq!(percent(f64::NAN), "–\u{202f}%");
    assert_eq!(signed_percent(12.3456), "+1,234.56\u{202f}%");
}

#[test]
fn what_reads_zero_leans_nowhere() {
    assert_eq!(Lean::of_fraction(0.00004), Lean::Flat);
    assert_eq!(Lean::of_fraction(-0.0001), Lean::Down);
    assert_eq!(Lean::of_money(usd("0.004")), Lean::Flat);
    assert_eq!(Lean::of_money(usd("-0.01")), Lean::Down);
}

#[test]
fn days_and_instants() {
    assert_eq!(date(on("2026-11-20")), "20 Nov 2026");
    assert_eq!(weekday(on("2026-11-20")), "Fri 20 Nov");
    let now = at("2026-11-22T18:00:00Z");
    assert_eq!(instant(at("2026-11-20T22:04:59Z"), now), "20 Nov, 22:04 UTC");
    assert_eq!(instant(at("2025-01-02T03:04:00Z"), now), "2 Jan 2025, 03:04 UTC");
    assert_eq!(month(13), "?");
}

#[test]
fn ages_are_counted_from_the_servers_instant() {
    let now = at("2026-11-22T18:00:00Z");
    for (then, said) in [
        ("2026-11-22T18:00:05Z", "just now"),
        ("2026-11-22T17:59:20Z", "just now"),
        ("2026-11-22T17:59:00Z", "1 minute ago"),
        ("2026-11-22T17:57:00Z", "3 minutes ago"),
        ("2026-11-22T15:00:00Z", "3 hours ago"),
        ("2026-11-20T18:00:00Z", "2 days ago"),
    ] {
        assert_eq!(ago(at(then), now), said, "{then}");
    }
}

#[test]
fn durations() {
    assert_eq!(duration(Duration::milliseconds(450)), "0.4\u{202f}s");
    assert_eq!(duration(Duration::seconds(59)), "59\u{202f}s");
    assert_eq!(duration(Duration::seconds(200)), "3\u{202f}min 20\u{202f}s");
    assert_eq!(duration(Duration::seconds(3_900)), "1\u{202f}h 5\u{202f}min");
    assert_eq!(duration(Duration::seconds(-5)), "0.0\u{202f}s");
}

#[test]
fn names_of_the_machine_are_read_as_words() {
    assert_eq!(identifier("extract_prices"), "Extract prices");
    assert_eq!(identifier(""), "");
}

#[test]
fn two_numbers_have_the_decimals_that_tell_them_apart() {
    assert_eq!(apart(0.01, 0.02, signed_percent_to), ["+1.00\u{202f}%", "+2.00\u{202f}%"]);
    assert_eq!(apart(-0.001_122_510_626_259, -0.001122286628142805, signed_percent_to), ["−0.1123\u{202f}%", "−0.1122\u{202f}%"]);
    let [old, new] = ["1234.56781", "1234.5678"].map(|text| text.parse().unwrap());
    assert_eq!(apart(old, new, money_to), ["1,234.56781", "1,234.56780"]);
    assert_eq!(apart(0.5, 0.5, signed_percent_to), ["+50.00\u{202f}%", "+50.00\u{202f}%"]);
}
