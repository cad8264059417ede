//! Reads in several statements that no publication may come between, and work away from the threads that answer requests.

use super::{Error, Result, Store};
use app::domain::{PortfolioId, Scope, UserId};
use futures::future::BoxFuture;

/// Reads that a publication may come between before nothing is told.
const TRIES: usize = 5;

impl Store {
    /// Reads until all of it belongs to one booking of the scope's portfolio: numbers of one publication and those of the next don't add up.
    pub(super) async fn steadily<'r, T>(&self, user: UserId, scope: Scope, read: impl Fn() -> BoxFuture<'r, Result<T>>) -> Result<T> {
        for _ in 0..TRIES {
            let before = self.booked_state(user, scope).await?;
            // What fails in between may fail for that reason alone.
            let found = read().await;
            if self.booked_state(user, scope).await? == before {
                return found;
            }
        }
        Err(Error::refused("This portfolio was being published while it was read; load the page again."))
    }

    /// What tells one booking of the portfolio from the next: the transaction that wrote its rows last. What was published before is told
    /// the same, whatever is published meanwhile.
    async fn booked_state(&self, user: UserId, scope: Scope) -> Result<Option<String>> {
        // Before the first publication there is no ledger.
        if scope.as_known_on.is_some() || !self.is_published().await? {
            return Ok(None);
        }
        let written = sqlx::query_scalar!(
            r#"select xmin::text as "written!" from ledger.state
               where portfolio_id = (select portfolio_id from book.portfolio
                                     where owner_id = $1 and ($2::bigint is null or portfolio_id = $2) order by portfolio_id limit 1)"#,
            user.get(),
            scope.portfolio.map(PortfolioId::get),
        );
        Ok(written.fetch_optional(&self.pool).await?)
    }
}

/// Away from the threads that answer requests: hundreds of holdings over many years, or twenty thousand rows, take a moment.
pub(super) async fn in_peace<T: Send + 'static>(work: impl FnOnce() -> Result<T> + Send + 'static) -> Result<T> {
    let failed = |error: tokio::task::JoinError| Error::Decode(format!("what was asked for could not be worked out: {error}"));
    tokio::task::spawn_blocking(work).await.map_err(failed)?
}
