//! The market's clock: what day the exchange has. `--now` replaces it; leases, sign-in sessions and logs use real time.

use chrono::{DateTime, NaiveDate, Utc};

use crate::calendar;

/// Where "now" comes from. Copied into whatever needs to know the day.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    Real,
    /// Started at an instant and stays there: runs can be repeated.
    Fixed(DateTime<Utc>),
}

impl Clock {
    pub fn now(self) -> DateTime<Utc> {
        match self {
            Self::Real => Utc::now(),
            Self::Fixed(at) => at,
        }
    }

    /// The last session of the exchange that has closed.
    pub fn last_completed_session(self) -> NaiveDate {
        calendar::last_completed_session(self.now())
    }
}
