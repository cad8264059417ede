//! Fetching ahead: a few questions on their way while earlier answers are landed, in order and a few at once.

use futures::{Stream, StreamExt, stream};
use tokio::task::JoinHandle;
use tracing::Instrument;

use super::Connection;
use crate::orchestrator::{TaskContext, TaskError};

/// Questions on their way at once where the budget is unlimited, and so the most answers that are landed together.
const WIDTH: usize = 8;

/// Answers that arrived together, in order, and what befell the one after them.
pub(super) struct Batch<T> {
    pub(super) answers: Vec<T>,
    pub(super) error: Option<TaskError>,
}

/// Runs `fetch` on each item, a few at a time on the runtime's threads, and yields the outcomes in the items' order: as many as
/// are there, since a commit costs as much for eight answers as for one. What is still on its way is cancelled when the stream
/// is dropped.
pub(super) fn in_order<I, T, F>(connection: &Connection, items: Vec<I>, fetch: impl Fn(I) -> F) -> impl Stream<Item = Batch<T>>
where
    T: Send + 'static,
    F: Future<Output = Result<T, TaskError>> + Send + 'static,
{
    let width = if connection.calls_per_minute.is_none() { WIDTH } else { 1 };
    stream::iter(items)
        .map(move |item| {
            let mut fetching = Fetching(tokio::spawn(fetch(item).in_current_span()));
            async move { (&mut fetching.0).await.unwrap_or_else(|error| Err(TaskError::Retryable(Box::new(error)))) }
        })
        .buffered(width)
        .ready_chunks(width)
        .map(up_to_the_first_error)
}

fn up_to_the_first_error<T>(outcomes: Vec<Result<T, TaskError>>) -> Batch<T> {
    let mut batch = Batch { answers: Vec::with_capacity(outcomes.len()), error: None };
    for outcome in outcomes {
        match outcome {
            Ok(answer) => batch.answers.push(answer),
            Err(error) => {
                batch.error = Some(error);
                break;
            }
        }
    }
    batch
}

struct Fetching<T>(JoinHandle<T>);

impl<T> Drop for Fetching<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Says how far a landing is, in about a hundred steps: a progress bar has no more. `before`: what was done at the last call.
///
/// # Errors
/// What Postgres says.
pub(super) async fn progress(ctx: &TaskContext, before: usize, done: usize, total: usize) -> Result<(), TaskError> {
    let stride = (total / 100).max(1);
    if done == total || done / stride > before / stride {
        ctx.progress(done as u64, total as u64).await?;
    }
    Ok(())
}
