//! When to ask again: what the vendor said, else exponential backoff with full jitter. Pure.

use backon::{BackoffBuilder, ExponentialBuilder};
use chrono::{DateTime, Utc};
use reqwest::header::{HeaderMap, RETRY_AFTER};
use std::time::Duration;

/// Questions of one call: the first and three more.
pub(super) const TRIES: usize = 4;

/// `Retry-After` in seconds or as an HTTP date, else `X-RateLimit-Reset` (epoch seconds, Alpaca).
pub(super) fn said_by_vendor(headers: &HeaderMap, now: DateTime<Utc>) -> Option<Duration> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let until = |at: DateTime<Utc>| (at - now).to_std().unwrap_or(Duration::ZERO);
    if let Some(after) = text(RETRY_AFTER.as_str()) {
        if let Ok(seconds) = after.parse::<u64>() {
            return Some(Duration::from_secs(seconds));
        }
        if let Ok(at) = DateTime::parse_from_rfc2822(after) {
            return Some(until(at.with_timezone(&Utc)));
        }
    }
    let reset = text("x-ratelimit-reset")?.parse().ok()?;
    Some(until(DateTime::from_timestamp(reset, 0)?))
}

/// The longest pause before each further try, doubling from `first`.
pub(super) fn ceilings(first: Duration) -> impl Iterator<Item = Duration> {
    // No jitter here: backon adds it on top of the delay, we draw the whole pause between nothing and the ceiling.
    ExponentialBuilder::default().with_min_delay(first).with_factor(2.0).with_max_times(TRIES - 1).build()
}

/// A pause within the ceiling; `chance` lies in `0.0..1.0`.
pub(super) fn within(ceiling: Duration, chance: f64) -> Duration {
    ceiling.mul_f64(chance.clamp(0.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(name: &'static str, value: &str) -> Option<Duration> {
        let mut headers = HeaderMap::new();
        headers.insert(name, value.parse().unwrap());
        said_by_vendor(&headers, "2026-11-20T15:00:00Z".parse().unwrap())
    }

    #[test]
    fn honours_each_way_to_say_when() {
        assert_eq!(said("retry-after", "7"), Some(Duration::from_secs(7)));
        assert_eq!(said("retry-after", "Fri, 20 Nov 2026 15:00:30 GMT"), Some(Duration::from_secs(30)));
        assert_eq!(said("retry-after", "Fri, 20 Nov 2026 14:00:00 GMT"), Some(Duration::ZERO));
        assert_eq!(said("x-ratelimit-reset", "1795186810"), Some(Duration::from_secs(10)));
        for nonsense in ["soon", "-5", "99999999999999999999999"] {
            assert_eq!(said("retry-after", nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn pauses_double_and_end() {
        let all: Vec<_> = ceilings(Duration::from_secs(1)).collect();
        assert_eq!(all, [1, 2, 4].map(Duration::from_secs));
        assert_eq!(within(Duration::from_secs(4), 0.5), Duration::from_secs(2));
        assert_eq!(within(Duration::from_secs(4), f64::NAN.max(0.0)), Duration::ZERO);
    }
}
