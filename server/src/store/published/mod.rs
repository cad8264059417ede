//! What is published of a portfolio, now or by the end of an earlier day: the same rows from the marts, or from what publications kept.

mod courses;
mod holdings;
mod sessions;

pub(super) use holdings::Held;
pub(super) use sessions::LastDay;

use super::{Error, Result, Store, portfolios::count};
use crate::calendar;
use app::{domain::PortfolioId, format, overview::model::PublicationNote};
use chrono::NaiveDate;

/// Which numbers are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AsOf {
    /// Those that are shown now.
    Now,
    /// Those of a publication, by its number: the last of a day that wrote the portfolio anew.
    Publication(i64),
}

impl AsOf {
    /// Rows of publications up to this one count.
    pub fn mark(self) -> i64 {
        match self {
            Self::Now => i64::MAX,
            Self::Publication(id) => id,
        }
    }

    /// Rows that were replaced after this publication were shown by it; those that stand are behind every publication.
    pub fn replaced_after(self) -> i64 {
        self.mark().min(i64::MAX - 1)
    }
}

impl Store {
    /// What is to be read for a portfolio; `None` while, or as long as, nothing was published.
    ///
    /// # Errors
    /// For a day of which not everything was kept.
    pub(super) async fn as_of(&self, portfolio: PortfolioId, as_known_on: Option<NaiveDate>) -> Result<Option<AsOf>> {
        let Some(day) = as_known_on else { return Ok(self.is_published().await?.then_some(AsOf::Now)) };
        let known = sqlx::query!(
            r#"select exists (select from ops.publication where published_at < $2) as "was_published!",
                      (select max(publication_id) from ops.publication
                       where published_at < $2 and keeps_all and $1 = any(portfolios)) as publication_id,
                      (select min(published_at) from ops.publication where keeps_all) as kept_since"#,
            portfolio.get(),
            end_of(day),
        )
        .fetch_one(&self.pool)
        .await?;
        match (known.publication_id, known.kept_since) {
            (Some(publication_id), _) => Ok(Some(AsOf::Publication(publication_id))),
            (None, kept_since) if known.was_published && kept_since.is_none_or(|since| since >= end_of(day)) => {
                let since = kept_since.map_or_else(|| "now".into(), |since| format::date(calendar::new_york_date(since)));
                Err(Error::refused(format!("What was shown on {} wasn't kept in full; ask for {since} or later.", format::date(day))))
            }
            (None, _) => Ok(None),
        }
    }

    /// Where what is shown now was made from. While something waits to be published, or a publication held the portfolio back, the models over
    /// raw rows are ahead of the pages: then what its last publication kept.
    pub(super) async fn shown_now(&self, portfolio: PortfolioId) -> Result<AsOf> {
        let behind = sqlx::query_scalar!(
            r#"select own.publication_id from (
                   select publication_id, change_id from ops.publication where keeps_all and $1 = any(portfolios)
                   order by publication_id desc limit 1) as own
               where exists (select from ops.change where change_id > own.change_id and portfolio_id in (0, $1))"#,
            portfolio.get(),
        );
        Ok(behind.fetch_optional(&self.pool).await?.map_or(AsOf::Now, AsOf::Publication))
    }

    /// The last publication of a day for a portfolio, as the frame says it.
    pub(super) async fn publication_known(&self, portfolio: PortfolioId, day: NaiveDate) -> Result<Option<PublicationNote>> {
        let row = sqlx::query!(
            r#"select latest.published_at, checks.checks_passed as "passed?", checks.checks_total as "total?",
                      (select max(session_date) from (
                           select distinct on (day.session_date) day.session_date, day.is_gone from ops.published_portfolio_day as day
                           where day.portfolio_id = $1 and day.publication_id <= latest.publication_id
                           order by day.session_date, day.publication_id desc) as days
                       where is_gone is not true) as session_date
               from (select publication_id, published_at from ops.publication where published_at < $2
                     order by publication_id desc limit 1) as latest
               left join lateral (select checks_passed, checks_total from ops.publication
                                  where checks_total > 0 and publication_id <= latest.publication_id
                                  order by publication_id desc limit 1) as checks on true"#,
            portfolio.get(),
            end_of(day),
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.and_then(|row| {
            Some(PublicationNote {
                session_date: row.session_date?,
                published_at: row.published_at,
                checks_passed: count(row.passed.unwrap_or_default()),
                checks_total: count(row.total.unwrap_or_default()),
                // It was as fresh as that day could have it: how old it is now is said by the day itself.
                is_stale: false,
            })
        }))
    }
}

/// The end of a day in New York.
fn end_of(day: NaiveDate) -> chrono::DateTime<chrono::Utc> {
    calendar::midnight(day.succ_opt().unwrap_or(day))
}
