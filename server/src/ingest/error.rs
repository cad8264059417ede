//! What can go wrong between a vendor and us: a closed list, one sentence each, and what happens next.

use chrono::NaiveDate;
use std::{fmt, time::Duration};

use super::Vendor;
use crate::orchestrator::{TaskError, is_outage};

/// How long a vendor that named no time is left alone: the window of every limit that we know.
const UNNAMED_WAIT: Duration = Duration::from_secs(60);

/// Which vendor was asked for what; the key is nowhere near.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    pub vendor: Vendor,
    /// E.g. `bars`.
    pub endpoint: &'static str,
}

impl fmt::Display for At {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let vendor = match self.vendor {
            Vendor::Polygon => "Polygon",
            Vendor::Alpaca => "Alpaca",
            Vendor::Fred => "FRED",
        };
        write!(f, "{vendor} ({})", self.endpoint)
    }
}

/// Why a vendor's answer is of no use.
#[derive(Debug, thiserror::Error)]
pub enum VendorError {
    #[error("{at} did not answer in time")]
    Timeout { at: At },
    #[error("{at} can't be reached: check the network and the connection's address")]
    Connect {
        at: At,
        #[source]
        source: reqwest::Error,
    },
    #[error("{at} broke off in the middle of its answer")]
    Cut {
        at: At,
        #[source]
        source: reqwest::Error,
    },
    #[error("{at} answered with status {status}: {message}")]
    Status { at: At, status: u16, message: String },
    #[error("{at} refused the key: {message}; enter a valid key on the connections page")]
    Unauthorized { at: At, message: String },
    #[error("{at} says that the plan does not include this: {message}")]
    NotEntitled { at: At, message: String },
    #[error("{at} knows nothing under this name: {message}")]
    NotFound { at: At, message: String },
    /// `wait`: what the vendor said, or what the connection's own budget needs.
    #[error("{at} allows no more calls for now")]
    RateLimited { at: At, wait: Option<Duration> },
    #[error("{at} sent more than {limit_bytes} bytes, the most that is read of one answer")]
    TooLarge { at: At, limit_bytes: usize },
    #[error("{at} sent a web page instead of data")]
    NotJson { at: At },
    #[error("{at} sent JSON that can't be read: {reason}")]
    Malformed { at: At, reason: String },
    #[error("{at} named {host} for its next page, which is neither the connection's host nor one of the vendor's")]
    ForeignHost { at: At, host: String },
    #[error("{at} names pages as next that were read before")]
    PageLoop { at: At },
    #[error("{at} has more than {limit} pages for one question: ask for a shorter range")]
    TooManyPages { at: At, limit: usize },
    #[error("{at} has no data for {session} yet")]
    NotReady { at: At, session: NaiveDate },
    #[error("the connection's keys are of another kind than {at} needs: enter them again on the connections page")]
    WrongKeys { at: At },
    #[error("the connection's address can't hold the path of {at}: use one like https://example.com")]
    Address { at: At },
    #[error("the answer of a vendor could not be kept")]
    Database(#[from] sqlx::Error),
}

impl VendorError {
    /// May the same question, asked again at once, go better?
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::Timeout { .. } | Self::Connect { .. } | Self::Cut { .. } | Self::NotJson { .. } | Self::Malformed { .. } => true,
            Self::RateLimited { .. } => true,
            Self::Status { status, .. } => *status == 408 || *status >= 500,
            Self::Unauthorized { .. }
            | Self::NotEntitled { .. }
            | Self::NotFound { .. }
            | Self::TooLarge { .. }
            | Self::ForeignHost { .. }
            | Self::PageLoop { .. }
            | Self::TooManyPages { .. }
            | Self::NotReady { .. }
            | Self::WrongKeys { .. }
            | Self::Address { .. }
            | Self::Database(_) => false,
        }
    }
}

impl From<VendorError> for TaskError {
    fn from(error: VendorError) -> Self {
        match error {
            VendorError::RateLimited { wait, .. } => Self::RateLimited { wait: wait.unwrap_or(UNNAMED_WAIT), source: Box::new(error) },
            VendorError::NotReady { .. } => Self::NotReady(Box::new(error)),
            VendorError::Database(ref source) if is_outage(source) => Self::Interrupted(Box::new(error)),
            // A loop of pages or a busy Postgres mends itself later, though not at once.
            VendorError::PageLoop { .. } | VendorError::Database(_) => Self::Retryable(Box::new(error)),
            error if error.is_passing() => Self::Retryable(Box::new(error)),
            error => Self::Final(Box::new(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: At = At { vendor: Vendor::Polygon, endpoint: "bars" };

    #[test]
    fn the_class_follows_from_the_cause() {
        let status = |status| VendorError::Status { at: AT, status, message: String::new() };
        assert!(matches!(TaskError::from(status(502)), TaskError::Retryable(_)));
        assert!(matches!(TaskError::from(status(400)), TaskError::Final(_)));
        assert!(matches!(TaskError::from(VendorError::NotJson { at: AT }), TaskError::Retryable(_)));
        assert!(matches!(TaskError::from(VendorError::Unauthorized { at: AT, message: "x".into() }), TaskError::Final(_)));
        let TaskError::RateLimited { wait, .. } = VendorError::RateLimited { at: AT, wait: None }.into() else { panic!("limited") };
        assert_eq!(wait, UNNAMED_WAIT);
    }

    #[test]
    fn a_sentence_names_vendor_and_endpoint() {
        assert_eq!(VendorError::Timeout { at: AT }.to_string(), "Polygon (bars) did not answer in time");
    }
}
