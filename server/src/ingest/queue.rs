//! Fetching ahead: a few questions on their way while earlier answers are landed, in order.

use futures::{Stream, StreamExt, stream};
use tokio::task::JoinHandle;

use super::Connection;
use crate::orchestrator::{TaskContext, TaskError};

/// Questions on their way at once where the budget is unlimited.
const WIDTH: usize = 4;

/// Runs `fetch` on each item, a few at a time on the runtime's threads, and yields the outcomes in the items' order. What is
/// still on its way is cancelled when the stream is dropped.
pub(super) fn in_order<I, T, F>(connection: &Connection, items: Vec<I>, fetch: impl Fn(I) -> F) -> impl Stream<Item = Result<T, TaskError>>
where
    T: Send + 'static,
    F: Future<Output = Result<T, TaskError>> + Send + 'static,
{
    let width = if connection.calls_per_minute.is_none() { WIDTH } else { 1 };
    stream::iter(items)
        .map(move |item| {
            let mut fetching = Fetching(tokio::spawn(fetch(item)));
            async move { (&mut fetching.0).await.unwrap_or_else(|error| Err(TaskError::Retryable(Box::new(error)))) }
        })
        .buffered(width)
}

struct Fetching<T>(JoinHandle<T>);

impl<T> Drop for Fetching<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Says how far a landing is, in about a hundred steps: a progress bar has no more.
///
/// # Errors
/// What Postgres says.
pub(super) async fn progress(ctx: &TaskContext, done: usize, total: usize) -> Result<(), TaskError> {
    let stride = (total / 100).max(1);
    if done == total || done.is_multiple_of(stride) {
        ctx.progress(done as u64, total as u64).await?;
    }
    Ok(())
}
