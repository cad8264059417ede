//! A vendor's answer as it came: when, to which request, with which hash, and its bytes around the field that was used.

use super::spans::{Wanted, is_shared, locate, own_part, own_request};
use crate::store::{Result, Store};
use app::{
    domain::{PortfolioId, Scope, Symbol, UserId},
    error::AppError,
    explain::model::Quote,
};
use chrono::NaiveDate;
use sha2::{Digest, Sha256};
use std::ops::Range;

/// Bytes that are shown on either side of the field.
const AROUND: usize = 320;
/// The largest body that we ever kept is far smaller.
const LARGEST_BODY: usize = 512 * 1024 * 1024;

/// Which answer, and what of it is one's own to see.
pub struct Question {
    pub portfolio: PortfolioId,
    pub response_id: i64,
    pub symbol: Option<Symbol>,
    pub session: Option<NaiveDate>,
    pub activity: Option<String>,
    /// Of a yield, and of an exchange rate: everybody's.
    pub series: Option<String>,
    pub currency: Option<String>,
}

/// FRED's name of the yield that is the risk-free rate.
pub(super) const YIELD: &str = "DGS3MO";

impl Store {
    /// An answer, shown at what was used of it; `None` where it isn't there any more. Of one that was asked for all portfolios at once,
    /// others' symbols are in neither the request nor the bytes.
    pub(super) async fn quote(&self, portfolio: PortfolioId, response_id: i64, wanted: &Wanted<'_>) -> Result<Option<Quote>> {
        let row = sqlx::query!(
            r#"select answer.*, task.name as "task?" from raw.vendor_response as answer
               left join ops.task as task on task.task_id = answer.task_id where response_id = $1"#,
            response_id
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        let body = unpacked(&row.body_zstd, row.body_bytes).unwrap_or_default();
        let field = locate(&row.endpoint, &body, wanted);
        let about = match wanted {
            Wanted::Close { symbol, session } => format!("symbol={}&session={session}", symbol.replace('/', "%2F")),
            Wanted::Yield { observed_on } => format!("series={YIELD}&session={observed_on}"),
            Wanted::Rate { currency, quoted_on } => format!("currency={currency}&session={quoted_on}"),
            Wanted::Activity { id } => format!("activity={}", url::form_urlencoded::byte_serialize(id.as_bytes()).collect::<String>()),
        };
        let own = own_part(&row.endpoint, &body, wanted);
        let shown = around(&body, field.as_ref(), own);
        let is_shared = is_shared(&row.endpoint);
        let marked = field.clone().unwrap_or(shown.start..shown.start);
        let text = |range: Range<usize>| String::from_utf8_lossy(&body[range]).into_owned();
        Ok(Some(Quote {
            response_id,
            vendor: row.vendor,
            endpoint: row.endpoint,
            request: if is_shared { own_request(&row.request, wanted) } else { row.request },
            status: row.status,
            fetched_at: row.fetched_at,
            run_id: row.run_id,
            task: row.task,
            is_intact: Sha256::digest(&body)[..] == row.body_sha256[..],
            sha256: hex::encode(&row.body_sha256),
            body_bytes: body.len(),
            field: field.map(|field| (field.start, field.end)),
            shown_from: shown.start,
            before: text(shown.start..marked.start),
            marked: text(marked.clone()),
            after: text(marked.end..shown.end),
            bytes_at: (!is_shared).then(|| format!("/api/explain/response/{response_id}?portfolio={portfolio}&{about}")),
        }))
    }

    /// The portfolio of a scope, of one's own.
    pub(crate) async fn portfolio_of(&self, user: UserId, scope: Scope) -> Result<PortfolioId> {
        Ok(self.owned(user, scope).await?.id)
    }

    /// The bytes of an answer from which something of the portfolio was read. A second vendor's answer tells what others hold, and is never
    /// given as a whole.
    pub(crate) async fn answer_bytes(&self, question: &Question) -> Result<Vec<u8>> {
        let Question { symbol, session, activity, series, currency, .. } = question;
        let is_theirs = match (symbol, session, activity, series, currency) {
            (Some(symbol), Some(session), None, None, None) => {
                self.may_see(question.portfolio, symbol).await?
                    && sqlx::query_scalar!(
                        r#"select exists (select from raw.market_data where symbol = $1 and "timestamp" = $2 and response_id = $3) as "is!""#,
                        symbol.as_str(),
                        crate::calendar::midnight(*session),
                        question.response_id,
                    )
                    .fetch_one(&self.pool)
                    .await?
            }
            (None, Some(day), None, Some(series), None) => {
                sqlx::query_scalar!(
                    r#"select exists (select from raw.economic_observation where series_id = $1 and observed_on = $2 and response_id = $3) as "is!""#,
                    series,
                    day,
                    question.response_id,
                )
                .fetch_one(&self.pool)
                .await?
            }
            (None, Some(day), None, None, Some(currency)) => {
                sqlx::query_scalar!(
                    r#"select exists (select from raw.exchange_rate where $1 in (currency, quote) and quoted_on = $2 and response_id = $3) as "is!""#,
                    currency,
                    day,
                    question.response_id,
                )
                .fetch_one(&self.pool)
                .await?
            }
            (None, None, Some(activity), None, None) => {
                sqlx::query_scalar!(
                    r#"select exists (select from raw.broker_activity where portfolio_id = $1 and activity_id = $2 and response_id = $3) as "is!""#,
                    question.portfolio.get(),
                    activity,
                    question.response_id,
                )
                .fetch_one(&self.pool)
                .await?
            }
            _ => false,
        };
        if !is_theirs {
            return Err(AppError::NotFound.into());
        }
        let row =
            sqlx::query!("select endpoint, body_zstd, body_bytes from raw.vendor_response where response_id = $1", question.response_id)
                .fetch_optional(&self.pool)
                .await?
                .filter(|row| !is_shared(&row.endpoint))
                .ok_or(AppError::NotFound)?;
        Ok(unpacked(&row.body_zstd, row.body_bytes).ok_or(AppError::NotFound)?)
    }
}

fn unpacked(zstd: &[u8], length: i32) -> Option<Vec<u8>> {
    let length = usize::try_from(length).ok().filter(|length| *length <= LARGEST_BODY)?;
    zstd::bulk::decompress(zstd, length).ok()
}

/// What is shown: the field with what stands around it, cut between characters; the beginning where there is no field. Nothing beyond
/// `own`, where not all of the body is one's own.
fn around(body: &[u8], field: Option<&Range<usize>>, own: Option<Range<usize>>) -> Range<usize> {
    let own = own.unwrap_or(0..body.len());
    let field = field.cloned().unwrap_or(own.start..own.start);
    let is_boundary = |at: usize| body.get(at).is_none_or(|byte| byte & 0xC0 != 0x80);
    let mut from = field.start.saturating_sub(AROUND);
    while from > 0 && !is_boundary(from) {
        from -= 1;
    }
    let mut to = (field.end + AROUND).min(body.len());
    while to < body.len() && !is_boundary(to) {
        to += 1;
    }
    from.max(own.start)..to.min(own.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_large_body_is_cut_around_the_field() {
        let body = "é".repeat(2_000);
        let shown = around(body.as_bytes(), Some(&(2_000..2_004)), None);
        assert!(shown.start <= 1_680 && shown.end >= 2_324 && shown.len() < 700, "{shown:?}");
        assert!(std::str::from_utf8(&body.as_bytes()[shown]).is_ok());
        assert_eq!(around(b"{}", None, None), 0..2);
        assert_eq!(around(body.as_bytes(), Some(&(2_000..2_004)), Some(1_998..2_010)), 1_998..2_010);
        assert_eq!(around(body.as_bytes(), None, Some(0..0)), 0..0);
    }
}
