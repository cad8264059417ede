//! Exchange rates: made from the pair's name and the day alone, so that every simulator says the same. Weekdays only.

use chrono::{Datelike, NaiveDate, NaiveTime, Weekday};

use crate::simulator::json::{push_decimal, push_integer};

/// What one unit costs in dollars, about.
const DOLLARS: [(&str, f64); 12] = [
    ("AUD", 0.66),
    ("CAD", 0.73),
    ("CHF", 1.13),
    ("DKK", 0.146),
    ("EUR", 1.09),
    ("GBP", 1.27),
    ("ILS", 0.27),
    ("JPY", 0.0067),
    ("NOK", 0.094),
    ("NZD", 0.61),
    ("SEK", 0.096),
    ("ZAR", 0.054),
];
const DECIMALS: u32 = 6;

/// A pair of currencies that the simulator knows: `C:EURUSD`, `C:USDJPY`.
pub struct Pair {
    /// Of the first currency in the second, on an ordinary day.
    usual: f64,
    /// Where in its waves the pair stands on the first day.
    phase: f64,
}

impl Pair {
    /// `None`: no ticker of a pair that is known.
    pub fn parse(ticker: &str) -> Option<Self> {
        let pair = ticker.strip_prefix("C:").filter(|pair| pair.len() == 6 && pair.is_ascii())?;
        let (first, second) = pair.split_at(3);
        let dollars = |code: &str| DOLLARS.iter().find(|(known, _)| *known == code).map(|(_, dollars)| *dollars);
        let (usual, other) = match (first, second) {
            (other, "USD") => (dollars(other)?, other),
            ("USD", other) => (1.0 / dollars(other)?, other),
            _ => return None,
        };
        Some(Self { usual, phase: other.bytes().map(f64::from).sum() })
    }

    /// The close of a day, in units of 10⁻⁶.
    fn close(&self, day: NaiveDate) -> u64 {
        let at = f64::from(day.num_days_from_ce());
        let wave = |days: f64, size: f64| size * libm::sin((at / days) + self.phase);
        let rate = self.usual * (1.0 + wave(211.0, 0.05) + wave(17.0, 0.01) + wave(2.3, 0.002));
        libm::round(rate * 10_f64.powi(DECIMALS as i32)) as u64
    }

    /// The bars of the weekdays `from ..= to` as elements, each with a comma behind it, and how many they are.
    pub fn bars(&self, from: NaiveDate, to: NaiveDate) -> (String, usize) {
        let (mut text, mut count) = (String::new(), 0);
        let days = from.iter_days().take_while(|day| *day <= to);
        for day in days.filter(|day| !matches!(day.weekday(), Weekday::Sat | Weekday::Sun)) {
            count += 1;
            text.push_str("{\"v\":1000,\"n\":1000");
            for name in [",\"vw\":", ",\"o\":", ",\"c\":", ",\"h\":", ",\"l\":"] {
                text.push_str(name);
                push_decimal(&mut text, self.close(day), DECIMALS);
            }
            text.push_str(",\"t\":");
            // The vendor's days of currencies begin at midnight of UTC.
            push_integer(&mut text, day.and_time(NaiveTime::MIN).and_utc().timestamp_millis().unsigned_abs());
            text.push_str("},");
        }
        (text, count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pair_has_a_rate_on_weekdays_and_moves_little() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let euro = Pair::parse("C:EURUSD").unwrap();
        assert_eq!(euro.bars(day("2026-11-20"), day("2026-11-23")).1, 2);
        let (friday, monday) = (euro.close(day("2026-11-20")), euro.close(day("2026-11-23")));
        assert!(friday.abs_diff(monday) * 50 < friday, "{friday} {monday}");
        assert!(Pair::parse("C:USDJPY").is_some_and(|yen| yen.close(day("2026-11-20")) > 100_000_000));
        assert!(["C:EURJPY", "C:XXXUSD", "EURUSD", "C:EUR", "C:€USD"].iter().all(|ticker| Pair::parse(ticker).is_none()));
    }
}
