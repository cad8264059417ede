//! A portfolio's sessions and the courses of its holdings: what the overview and every measure are taken of.

use super::{Result, Store, published::AsOf};
use app::{
    analytics::sessions::Stretch,
    domain::{Figure, Scope, Undefined, UserId},
    performance::model::{HoldingRecord, TrackRecord},
};
use chrono::NaiveDate;

/// Reads that a publication may come between before the holdings are left out.
const TRIES: usize = 3;

impl Store {
    /// All sessions since the first, with the scope's benchmark, and its holdings over the scope's range; `None` while nothing was
    /// published or there is no portfolio.
    pub async fn track_record(&self, user: UserId, scope: Scope) -> Result<Option<TrackRecord>> {
        for _ in 0..TRIES {
            let before = self.booked_state(user, scope).await?;
            let Some((as_of, mut record)) = self.recorded(user, scope).await? else { return Ok(None) };
            record.holdings = self.recorded_holdings(as_of, &record, scope).await?;
            // Sessions of one publication and holdings of the next wouldn't add up.
            if self.booked_state(user, scope).await? == before {
                return Ok(Some(record));
            }
        }
        let Some((_, mut record)) = self.recorded(user, scope).await? else { return Ok(None) };
        record.holdings = Err(Undefined::because("this portfolio was being published while its holdings were read; load the page again"));
        Ok(Some(record))
    }

    /// The sessions without holdings.
    pub(crate) async fn sessions_recorded(&self, user: UserId, scope: Scope) -> Result<Option<TrackRecord>> {
        Ok(self.recorded(user, scope).await?.map(|(_, record)| record))
    }

    /// The sessions alone, and where they were read.
    pub(super) async fn recorded(&self, user: UserId, scope: Scope) -> Result<Option<(AsOf, TrackRecord)>> {
        let Some(portfolio) = self.shown(user, scope).await? else { return Ok(None) };
        let Some(as_of) = self.as_of(portfolio.id, scope.as_known_on).await? else { return Ok(None) };
        let (sessions, position_values) =
            tokio::try_join!(self.sessions(portfolio.id, as_of, scope.benchmark), self.position_values(portfolio.id, as_of))?;
        let holdings = Err(Undefined::because("the holdings weren't read"));
        let record = TrackRecord { portfolio: portfolio.id, currency: portfolio.currency, sessions, position_values, holdings };
        Ok(Some((as_of, record)))
    }

    async fn recorded_holdings(&self, as_of: AsOf, record: &TrackRecord, scope: Scope) -> Result<Figure<Vec<HoldingRecord>>> {
        if !self.keeps_courses(as_of).await? {
            return Ok(Err(Undefined::because(
                "what each holding contributed wasn't kept by the version that published this; look at it as it is known today",
            )));
        }
        let Some(stretch) = Stretch::of(&record.sessions, scope.range) else { return Ok(Ok(Vec::new())) };
        let days: Vec<NaiveDate> = stretch.opening.into_iter().chain(stretch.sessions).map(|session| session.session_date).collect();
        Ok(Ok(self.courses(record.portfolio, as_of, &days).await?))
    }

    /// What tells one booking of the portfolio from the next: the transaction that wrote its rows last.
    async fn booked_state(&self, user: UserId, scope: Scope) -> Result<Option<String>> {
        // What was published then is told the same, whatever is published meanwhile. Before the first publication there is no ledger.
        if scope.as_known_on.is_some() || !self.is_published().await? {
            return Ok(None);
        }
        let Some(portfolio) = self.shown(user, scope).await? else { return Ok(None) };
        let written =
            sqlx::query_scalar!(r#"select xmin::text as "written!" from ledger.state where portfolio_id = $1"#, portfolio.id.get());
        Ok(written.fetch_optional(&self.pool).await?)
    }
}
