//! Schedule → tick → run → task → attempt, in Postgres. Knows nothing of markets.

mod context;

pub use context::{Fenced, TaskContext, TaskError};
