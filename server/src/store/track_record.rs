//! A portfolio's sessions and the courses of its holdings: what the overview and every measure are taken of.

use super::{Result, Store, published::AsOf, steady::in_peace};
use app::{
    analytics::{
        contribution::Whose,
        sessions::{PortfolioSession, Stretch},
    },
    domain::{Figure, PortfolioId, Range, Scope, Undefined, UserId},
    overview::model::RestatedDays,
    performance::{
        figures::performance,
        model::{HoldingRecord, Performance, TrackRecord},
    },
};
use chrono::NaiveDate;

impl Store {
    /// Everything that the performance page shows of the scope; `None` while nothing was published or there is no portfolio.
    pub async fn performance(&self, user: UserId, scope: Scope) -> Result<Option<Performance>> {
        let record = self.track_record(user, scope).await?;
        in_peace(move || Ok(record.and_then(|record| performance(&record, &scope)))).await
    }

    /// All sessions since the first, with the scope's benchmark, and its holdings over the scope's range.
    pub(super) async fn track_record(&self, user: UserId, scope: Scope) -> Result<Option<TrackRecord>> {
        let read = || async move {
            let Some((as_of, mut record)) = self.recorded(user, scope).await? else { return Ok(None) };
            record.holdings = self.holdings_recorded(record.portfolio, as_of, &record.sessions, scope.range, Whose::Rest).await?;
            Ok(Some(record))
        };
        self.steadily(user, scope, || Box::pin(read())).await
    }

    /// The same without what each holding contributed: as much as it takes to say its days.
    pub async fn performance_without_holdings(&self, user: UserId, scope: Scope) -> Result<Option<Performance>> {
        let found = self.steadily(user, scope, || Box::pin(self.recorded(user, scope))).await?;
        in_peace(move || Ok(found.and_then(|(_, record)| performance(&record, &scope)))).await
    }

    /// The sessions alone, and where they were read.
    pub(super) async fn recorded(&self, user: UserId, scope: Scope) -> Result<Option<(AsOf, TrackRecord)>> {
        let Some(portfolio) = self.shown(user, scope).await? else { return Ok(None) };
        let Some(as_of) = self.as_of(portfolio.id, scope.as_known_on).await? else { return Ok(None) };
        let (sessions, position_values, own, benchmark) = tokio::try_join!(
            self.sessions(portfolio.id, as_of, scope.benchmark),
            self.position_values(portfolio.id, as_of),
            self.restated(portfolio.id, as_of),
            self.restated_benchmark(portfolio.id, as_of, scope.benchmark),
        )?;
        let restated = RestatedDays { own, benchmark };
        let holdings = Err(Undefined::because("the holdings weren't read"));
        let record = TrackRecord { portfolio: portfolio.id, currency: portfolio.currency, sessions, position_values, holdings, restated };
        Ok(Some((as_of, record)))
    }

    /// What was held in a range of these sessions, as far as it takes to say what `whose` contributed: the rest is what all leave.
    pub(super) async fn holdings_recorded(
        &self,
        portfolio: PortfolioId,
        as_of: AsOf,
        sessions: &[PortfolioSession],
        range: Range,
        whose: Whose<'_>,
    ) -> Result<Figure<Vec<HoldingRecord>>> {
        if !self.keeps_courses(as_of).await? {
            return Ok(Err(Undefined::because(
                "what each holding contributed wasn't kept by the version that published this; look at it as it is known today",
            )));
        }
        let Some(stretch) = Stretch::of(sessions, range) else { return Ok(Ok(Vec::new())) };
        let days: Vec<NaiveDate> = stretch.opening.into_iter().chain(stretch.sessions).map(|session| session.session_date).collect();
        Ok(Ok(self.courses(portfolio, as_of, &days, whose).await?))
    }
}
