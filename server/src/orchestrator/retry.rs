//! What follows a failed attempt: try again, and when, or give up. Pure; chance is an argument.

use super::TaskError;
use serde::{Deserialize, Serialize};
use std::time::Duration;

/// How a failure is treated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    Retryable,
    Final,
    RateLimited(Duration),
    NotReady,
    /// No fault of the task: its process or its database went away.
    Lost,
}

impl Class {
    /// `None`: the lease was lost, and with it the right to say anything; or the run was cancelled.
    pub(super) fn of(error: &TaskError) -> Option<Self> {
        match error {
            TaskError::Retryable(_) => Some(Self::Retryable),
            TaskError::Final(_) => Some(Self::Final),
            TaskError::RateLimited { wait, .. } => Some(Self::RateLimited(*wait)),
            TaskError::NotReady(_) => Some(Self::NotReady),
            TaskError::Interrupted(_) => Some(Self::Lost),
            TaskError::Fenced(_) | TaskError::Cancelled => None,
        }
    }

    /// As in `ops.attempt.error_class`; a lost attempt has none.
    pub(super) fn as_str(self) -> Option<&'static str> {
        match self {
            Self::Retryable => Some("retryable"),
            Self::Final => Some("final"),
            Self::RateLimited(_) => Some("rate_limited"),
            Self::NotReady => Some("not_ready"),
            Self::Lost => None,
        }
    }
}

/// How long and how often a task waits.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Before the second attempt at most; each further wait may be three times as long.
    pub base: Duration,
    pub cap: Duration,
    /// Between two looks at data that isn't there yet.
    pub not_ready_wait: Duration,
    /// How often data may not be there yet.
    pub not_ready_limit: u32,
    /// How often a vendor may put us off.
    pub rate_limited_limit: u32,
    /// A vendor's "wait" is believed up to here.
    pub longest_put_off: Duration,
    /// How often a task may take its process down, or lose it.
    pub lost_limit: u32,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            base: Duration::from_secs(2),
            cap: Duration::from_secs(5 * 60),
            not_ready_wait: Duration::from_secs(5 * 60),
            // Three hours: a vendor that has no close by then is a matter for a person.
            not_ready_limit: 36,
            rate_limited_limit: 60,
            longest_put_off: Duration::from_secs(60 * 60),
            // Enough for a bad night of restarts, few enough to stop a task that kills whoever performs it.
            lost_limit: 25,
        }
    }
}

/// Before a lost task starts again: whatever went away may need a moment.
const AFTER_LOSS: Duration = Duration::from_millis(500);

/// Each wait may be this many times as long as the one before.
const GROWTH: u32 = 3;

/// The attempts of a task that ended badly so far, the last one included.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    /// Errors that count against the limit, and timeouts.
    pub(super) errors: u32,
    pub(super) rate_limited: u32,
    pub(super) not_ready: u32,
    pub(super) lost: u32,
}

impl Tally {
    /// Everything that somebody who waits for the answer counts: being killed isn't among it.
    pub(super) fn tries(self) -> u32 {
        self.errors + self.rate_limited + self.not_ready
    }
}

impl RetryPolicy {
    /// How long to wait before the next attempt; `None`: give up. `dice` in 0.0 ..= 1.0 spreads the waits of many over time.
    pub(super) fn wait(&self, class: Class, tally: Tally, max_attempts: u32, dice: f64) -> Option<Duration> {
        match class {
            Class::Final => None,
            Class::Retryable if tally.errors >= max_attempts => None,
            Class::Retryable => {
                let growth = GROWTH.saturating_pow(tally.errors.saturating_sub(1));
                Some(self.base.saturating_mul(growth).min(self.cap).mul_f64(dice.clamp(0.0, 1.0)))
            }
            Class::RateLimited(_) if tally.rate_limited >= self.rate_limited_limit => None,
            Class::RateLimited(wait) => Some(wait.min(self.longest_put_off)),
            Class::NotReady if tally.not_ready >= self.not_ready_limit => None,
            Class::NotReady => Some(self.not_ready_wait),
            Class::Lost if tally.lost >= self.lost_limit => None,
            Class::Lost => Some(AFTER_LOSS.min(self.cap)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const POLICY: RetryPolicy = RetryPolicy {
        base: Duration::from_secs(2),
        cap: Duration::from_secs(30),
        not_ready_wait: Duration::from_secs(300),
        not_ready_limit: 2,
        rate_limited_limit: 2,
        longest_put_off: Duration::from_secs(3600),
        lost_limit: 2,
    };

    fn after(class: Class, times: u32) -> Option<u64> {
        let tally = Tally { errors: times, rate_limited: times, not_ready: times, lost: times };
        POLICY.wait(class, tally, 5, 1.0).map(|wait| wait.as_secs())
    }

    #[test]
    fn waits_grow_to_a_cap_and_end() {
        let waits: Vec<_> = (1..=5).map(|times| after(Class::Retryable, times)).collect();
        assert_eq!(waits, [Some(2), Some(6), Some(18), Some(30), None]);
        let half = POLICY.wait(Class::Retryable, Tally { errors: 2, ..Tally::default() }, 5, 0.5);
        assert_eq!(half, Some(Duration::from_secs(3)), "full jitter: anything from nothing to the whole wait");
    }

    #[test]
    fn each_class_has_its_own_end() {
        assert_eq!(after(Class::Final, 1), None);
        let told = Class::RateLimited(Duration::from_secs(17));
        assert_eq!([after(told, 1), after(told, 2)], [Some(17), None]);
        assert_eq!([after(Class::NotReady, 1), after(Class::NotReady, 2)], [Some(300), None]);
        assert_eq!([after(Class::Lost, 1), after(Class::Lost, 2)], [Some(0), None]);
        assert_eq!(after(Class::RateLimited(Duration::from_secs(1 << 40)), 1), Some(3600), "a vendor can't put us off for years");
    }
}
