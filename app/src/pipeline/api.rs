//! How the pipeline's pages are asked for, and what people do there.

use crate::error::AppError;
use leptos::{prelude::*, server_fn::codec::GetUrl};

/// The page as the server draws it.
#[server(endpoint = "pipeline/list", input = GetUrl)]
pub async fn draw_pipeline(
    #[server(default)] dag: String,
    #[server(default)] before: String,
    #[server(default)] schedule: String,
    #[server(default)] at: String,
) -> Result<String, AppError> {
    use crate::{drawn, pipeline::model::Question, ports};
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    let question = Question { dag, before: before.parse().ok(), schedule, at };
    let mut html = drawn::pipeline(&ports.operations.pipeline(user, question).await?);
    crate::ui::Options::put_aside(super::page::PIPELINE, &mut html);
    Ok(html)
}

/// A run as the server draws it. `task`: the one whose whole log is wanted.
#[server(endpoint = "pipeline/run", input = GetUrl)]
pub async fn draw_run(run_id: i64, #[server(default)] task: String) -> Result<String, AppError> {
    use crate::{drawn, ports};
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    let mut html = drawn::run(&ports.operations.run(user, run_id, task.parse().ok()).await?);
    crate::ui::Options::put_aside(super::page::RUN, &mut html);
    Ok(html)
}

/// Answers the number of the run that was requested, or of the one under way.
#[server(endpoint = "pipeline/run-now")]
pub async fn run_now() -> Result<i64, AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.operations.run_now(user).await
}

#[server(endpoint = "pipeline/pause")]
pub async fn pause(dag: String) -> Result<(), AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.operations.pause(user, dag).await
}

#[server(endpoint = "pipeline/resume")]
pub async fn resume(dag: String) -> Result<(), AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.operations.resume(user, dag).await
}

#[server(endpoint = "pipeline/cancel")]
pub async fn cancel(run_id: i64) -> Result<(), AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.operations.cancel(user, run_id).await
}

/// Cancels the runs of a backfill that haven't ended.
#[server(endpoint = "pipeline/cancel-backfill")]
pub async fn cancel_backfill(backfill_id: i64) -> Result<(), AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.operations.cancel_backfill(user, backfill_id).await
}

/// Performs tasks once more: the failed ones, or with `task` that one, with what comes after it where `downstream` says so.
#[server(endpoint = "pipeline/clear")]
pub async fn clear(run_id: i64, #[server(default)] task: String, #[server(default)] downstream: bool) -> Result<(), AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.operations.clear(user, run_id, task, downstream).await
}

#[server(endpoint = "pipeline/note")]
pub async fn note(run_id: i64, text: String) -> Result<(), AppError> {
    use crate::ports;
    let ports::SignedIn { user, ports } = ports::signed_in()?;
    ports.operations.note(user, run_id, text).await
}
