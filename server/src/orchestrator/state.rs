//! The states of a task and of a run, as their rows say them.

/// Where a task stands, as in `ops.task.state`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum TaskState {
    /// For the tasks before it.
    Waiting,
    Ready,
    /// Ready at a later time: an attempt failed.
    Delayed,
    Running,
    Success,
    Failed,
    /// Not needed: its rule says so.
    Skipped,
    /// Can't start any more: something before it failed.
    UpstreamFailed,
    Cancelled,
}

impl TaskState {
    pub const ALL: [Self; 9] = [
        Self::Waiting,
        Self::Ready,
        Self::Delayed,
        Self::Running,
        Self::Success,
        Self::Failed,
        Self::Skipped,
        Self::UpstreamFailed,
        Self::Cancelled,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Ready => "ready",
            Self::Delayed => "delayed",
            Self::Running => "running",
            Self::Success => "success",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::UpstreamFailed => "upstream_failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// `None` for a word that the table's check wouldn't let in.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Nothing more happens to it by itself.
    pub fn has_ended(self) -> bool {
        !matches!(self, Self::Waiting | Self::Ready | Self::Delayed | Self::Running)
    }

    /// It ended, and not well.
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::UpstreamFailed | Self::Cancelled)
    }
}

/// Has a run of this state (`ops.run.state`) come to its end?
pub(super) fn run_has_ended(state: &str) -> bool {
    !matches!(state, "queued" | "running")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        for state in TaskState::ALL {
            assert_eq!(TaskState::parse(state.as_str()), Some(state));
            assert!(!state.is_bad() || state.has_ended());
        }
        assert_eq!(TaskState::parse("lost"), None);
    }
}
