//! One page, one task: all that a page's rendering starts runs inside of its own future.
//!
//! The framework starts a task for each thing that a page asks for, and lets them read the same signals as the rendering does. On several
//! threads that is a race in its memos (`reactive_graph` 0.2: while one thread works a memo out, its value is missing for the others): the
//! page fails, or waits for ever on a task that has panicked. A page's waiting is for Postgres, so one thread at a time costs it nothing.

use any_spawner::{CustomExecutor, Executor, PinnedFuture, PinnedLocalFuture};
use futures::{StreamExt, stream::FuturesUnordered};
use std::{pin::pin, sync::Once};
use tokio::sync::mpsc::{self, UnboundedSender};

tokio::task_local! {
    /// Takes what the page at work starts.
    static STARTED: UnboundedSender<PinnedFuture<()>>;
}

/// Hands what a page starts to that page, and all else to the runtime.
struct ByPage;

impl CustomExecutor for ByPage {
    fn spawn(&self, future: PinnedFuture<()>) {
        let mut future = Some(future);
        let _ = STARTED.try_with(|started| {
            // A page that has ended takes nothing any more: what is left over is of no use to anybody.
            future.take().map(|future| started.send(future))
        });
        if let Some(future) = future {
            tokio::spawn(future);
        }
    }

    fn spawn_local(&self, future: PinnedLocalFuture<()>) {
        tokio::task::spawn_local(future);
    }

    fn poll_local(&self) {}
}

/// Must come before the framework's own choice, which is made with its first page and never changes.
pub(super) fn prepare() {
    // Whoever comes second waits until it is there: the framework answers that it is set already while the first is still at it.
    static CHOSEN: Once = Once::new();
    CHOSEN.call_once(|| {
        let _ = Executor::init_custom_executor(ByPage);
    });
}

/// Carries out `page` and what it starts, one at a time. What hasn't ended with the page is dropped.
pub async fn alone<T>(page: impl Future<Output = T>) -> T {
    prepare();
    let (sender, mut started) = mpsc::unbounded_channel();
    let rendered = async move {
        let mut page = pin!(page);
        let mut beside = FuturesUnordered::new();
        loop {
            tokio::select! {
                rendered = &mut page => return rendered,
                Some(future) = started.recv() => beside.push(future),
                Some(()) = beside.next(), if !beside.is_empty() => {}
            }
        }
    };
    STARTED.scope(sender, rendered).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::{FutureExt, future::BoxFuture};
    use std::sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    };
    use tokio::{sync::oneshot, task};

    /// Starts itself once more inside of what it started, as the framework does; answers in which tasks it ran.
    fn nested(depth: usize) -> BoxFuture<'static, Vec<task::Id>> {
        async move {
            let mut ran = vec![task::id()];
            if depth > 0 {
                let mut answers = Vec::new();
                for _ in 0..3 {
                    let (send, answer) = oneshot::channel();
                    Executor::spawn(async move {
                        task::yield_now().await;
                        let _ = send.send(nested(depth - 1).await);
                    });
                    answers.push(answer);
                }
                for answer in answers {
                    ran.extend(answer.await.unwrap());
                }
            }
            ran
        }
        .boxed()
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn all_that_a_page_starts_runs_in_its_own_task() {
        prepare();
        let page = tokio::spawn(async { (task::id(), alone(nested(4)).await) });
        let (own, ran) = page.await.unwrap();
        assert_eq!(ran.len(), 1 + 3 + 9 + 27 + 81);
        assert!(ran.iter().all(|id| *id == own));
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn outside_of_a_page_the_runtime_takes_it() {
        prepare();
        let own = tokio::spawn(async { (task::id(), nested(1).await) }).await.unwrap();
        assert!(own.1[1..].iter().all(|id| *id != own.0));
    }

    #[tokio::test]
    async fn a_panic_ends_the_page_instead_of_keeping_it_waiting() {
        prepare();
        let page = tokio::spawn(alone(async {
            let (send, answer) = oneshot::channel::<()>();
            Executor::spawn(async move {
                let _kept = send;
                panic!("as in a signal");
            });
            answer.await
        }));
        assert!(page.await.unwrap_err().is_panic());
    }

    #[tokio::test]
    async fn what_is_left_over_ends_with_the_page() {
        prepare();
        let held = Arc::new(AtomicUsize::new(0));
        let within = Arc::clone(&held);
        alone(async move {
            Executor::spawn(async move {
                std::future::pending::<()>().await;
                within.fetch_add(1, Ordering::Relaxed);
            });
            task::yield_now().await;
        })
        .await;
        assert_eq!((Arc::strong_count(&held), held.load(Ordering::Relaxed)), (1, 0));
    }
}
