//! How runs are asked for and started.

use crate::{
    error::AppError,
    pipeline::model::{Pipeline, RunRow},
};
use leptos::{prelude::*, server_fn::codec::GetUrl};

#[server(endpoint = "pipeline/list", input = GetUrl)]
pub async fn list_runs() -> Result<Pipeline, AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.operations.pipeline(user).await
}

#[server(endpoint = "pipeline/run", input = GetUrl)]
pub async fn show_run(run_id: i64) -> Result<RunRow, AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.operations.run(user, run_id).await
}

/// Answers the number of the run that was requested, or of the one under way.
#[server(endpoint = "pipeline/run-now")]
pub async fn run_now() -> Result<i64, AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.operations.run_now(user).await
}
