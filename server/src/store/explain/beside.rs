//! What a second vendor says of a close: it stands beside the price that is used, and is never one.

use super::{Subject, row, spans::Wanted};
use crate::store::{Result, Store, published::AsOf};
use app::{
    domain::Symbol,
    explain::model::{Quote, Row},
};
use chrono::NaiveDate;

impl Store {
    /// Its latest close of a session, as it is, or was known, with the answer.
    pub(super) async fn beside(&self, subject: &Subject<'_>, symbol: &Symbol, session: NaiveDate) -> Result<Option<(Row, Option<Quote>)>> {
        let publication = match subject.as_of {
            AsOf::Now => None,
            AsOf::Publication(publication) => Some(publication),
        };
        let found = sqlx::query!(
            "select close, vendor, response_id from raw.reference_close
             where symbol = $1 and session_date = $2
               and ($3::bigint is null or response_id <= (select response_id from ops.publication where publication_id = $3))
             order by response_id desc limit 1",
            symbol.as_str(),
            session,
            publication,
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(found) = found else { return Ok(None) };
        let wanted = Wanted::Close { symbol: symbol.as_str(), session };
        let quote = self.quote(subject.portfolio.id, found.response_id, &wanted).await?;
        let row = row(
            "raw.reference_close",
            &[
                ("session_date", Some(session.to_string())),
                ("close", Some(found.close.normalize().to_string())),
                ("vendor", Some(found.vendor)),
                ("response_id", Some(found.response_id.to_string())),
            ],
        );
        Ok(Some((row, quote)))
    }
}
