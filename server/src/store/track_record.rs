//! A portfolio's sessions: what the overview and every measure are taken of.

use super::{Result, Store, published::AsOf};
use app::{
    domain::{Scope, UserId},
    performance::model::TrackRecord,
};

impl Store {
    /// All sessions since the first, with the scope's benchmark; `None` while nothing was published or there is no portfolio.
    pub async fn track_record(&self, user: UserId, scope: Scope) -> Result<Option<TrackRecord>> {
        Ok(self.recorded(user, scope).await?.map(|(_, record)| record))
    }

    /// The same, and where it was read.
    pub(super) async fn recorded(&self, user: UserId, scope: Scope) -> Result<Option<(AsOf, TrackRecord)>> {
        let Some(portfolio) = self.shown(user, scope).await? else { return Ok(None) };
        let Some(as_of) = self.as_of(portfolio.id, scope.as_known_on).await? else { return Ok(None) };
        let (sessions, position_values) =
            tokio::try_join!(self.sessions(portfolio.id, as_of, scope.benchmark), self.position_values(portfolio.id, as_of))?;
        Ok(Some((as_of, TrackRecord { portfolio: portfolio.id, currency: portfolio.currency, sessions, position_values })))
    }
}
