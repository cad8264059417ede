//! The history of an account: page by page, in windows that overlap, so that what the broker adds late isn't lost.

use app::domain::{AccountId, PortfolioId};
use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::{
    address,
    wire::{self, ACTIVITIES, Activity, Page},
};
use crate::{
    ingest::{
        Connection, Http, VendorError,
        http::Caller,
        land::{self, Change, Checkpoint},
        pages::Pages,
    },
    orchestrator::{TaskContext, TaskError},
};

/// The most that Alpaca gives in one page.
const PAGE_ROWS: usize = 100;
/// Fees come a day after their trade, corrections some days after that: each window reaches a week into the last one.
const OVERLAP: Days = Days::new(7);

/// Lands activities created after a day: `after`, else a week before the last known one, else all. An activity that came
/// before is written again only when its body differs. Returns how many rows are new or corrected.
///
/// # Errors
/// [`VendorError`] by its class; [`TaskError::Fenced`]; what Postgres says.
pub async fn land_activities(
    ctx: &TaskContext,
    http: &Http,
    connection: &Connection,
    portfolio: PortfolioId,
    account: AccountId,
    after: Option<NaiveDate>,
) -> Result<u64, TaskError> {
    let caller = Caller::from(ctx);
    let mut history = History::resume(ctx, portfolio, account, after).await?;
    let mut walk = Pages::new(ACTIVITIES);
    let mut written = 0;
    loop {
        let url = history.address(connection)?;
        let (answer, page) = http.ask(caller, connection, ACTIVITIES, &url, wire::activities).await?;
        let Page { rows, listed, last_id, oddities } = page;
        let mut step = ctx.begin().await?;
        let response_id = land::keep(&mut step, caller, &answer).await?;
        oddities.report(caller, ACTIVITIES, response_id);
        let news = write(&mut step, portfolio, account, rows, response_id).await?;
        if let Some(earliest) = news.iter().min() {
            let change = Change { kind: "activity", portfolio_id: portfolio.get(), symbol: None, from_date: Some(*earliest) };
            land::note(&mut step, caller, change).await?;
        }
        let is_last = listed < PAGE_ROWS;
        if !is_last {
            history.checkpoint.token = last_id;
            history.checkpoint.done += 1;
        }
        ctx.commit(step, &history.checkpoint, news.len() as u64).await?;
        written += news.len() as u64;
        if is_last {
            return Ok(written);
        }
        let Some(token) = &history.checkpoint.token else {
            return Err(VendorError::Malformed { at: ACTIVITIES, reason: "the last activity of a full page has no id".into() }.into());
        };
        walk.step_to(token)?;
    }
}

/// Which part of the history is asked for, and how far it is read.
struct History {
    after: Option<NaiveDate>,
    checkpoint: Checkpoint,
}

impl History {
    /// Goes on in the window of an earlier attempt, because its later pages hold what comes after this one's rows.
    async fn resume(ctx: &TaskContext, portfolio: PortfolioId, account: AccountId, after: Option<NaiveDate>) -> Result<Self, TaskError> {
        let step = |after: Option<NaiveDate>| {
            format!("alpaca.activities {portfolio} {account} after {}", after.map_or_else(|| "all".into(), |day| day.to_string()))
        };
        let own = format!("alpaca.activities {portfolio} {account} after ");
        let earlier = ctx.checkpoint::<Checkpoint>().filter(|checkpoint| checkpoint.token.is_some());
        if let (None, Some(checkpoint)) = (after, earlier)
            && let Some(window) = checkpoint.step.strip_prefix(&own)
        {
            return Ok(Self { after: window.parse().ok(), checkpoint });
        }
        let after = match after {
            Some(day) => Some(day),
            None => last_known(ctx, portfolio, account).await?.and_then(|day| day.checked_sub_days(OVERLAP)),
        };
        Ok(Self { after, checkpoint: Checkpoint::resume(ctx, step(after)) })
    }

    fn address(&self, connection: &Connection) -> Result<url::Url, VendorError> {
        let (after, rows) = (self.after.map(|day| day.to_string()), PAGE_ROWS.to_string());
        // Oldest first: what is created meanwhile comes at the end instead of shifting the pages.
        let mut query = vec![("direction", "asc"), ("page_size", rows.as_str())];
        query.extend(after.as_deref().map(|after| ("after", after)));
        query.extend(self.checkpoint.token.as_deref().map(|token| ("page_token", token)));
        address(ACTIVITIES, connection, &["account", "activities"], &query)
    }
}

/// The last known day; one that a mistake put into the future doesn't count, or the windows would begin there for ever.
async fn last_known(ctx: &TaskContext, portfolio: PortfolioId, account: AccountId) -> Result<Option<NaiveDate>, sqlx::Error> {
    sqlx::query_scalar!(
        "select max(activity_date) from raw.broker_activity where portfolio_id = $1 and account_id = $2 and activity_date <= current_date",
        portfolio.get(),
        account.get(),
    )
    .fetch_one(&ctx.pool)
    .await
}

/// Writes activities that are new or whose body differs; returns their days.
async fn write(
    step: &mut PgConnection,
    portfolio: PortfolioId,
    account: AccountId,
    rows: Vec<Activity>,
    response_id: i64,
) -> Result<Vec<NaiveDate>, sqlx::Error> {
    let ids: Vec<_> = rows.iter().map(|row| row.activity_id.clone()).collect();
    let types: Vec<_> = rows.iter().map(|row| row.activity_type.clone()).collect();
    let days: Vec<_> = rows.iter().map(|row| row.activity_date).collect();
    let instants: Vec<_> = rows.iter().map(|row| row.transacted_at).collect();
    let symbols: Vec<_> = rows.iter().map(|row| row.symbol.clone()).collect();
    let sides: Vec<_> = rows.iter().map(|row| row.side.clone()).collect();
    let quantities: Vec<_> = rows.iter().map(|row| row.quantity).collect();
    let prices: Vec<_> = rows.iter().map(|row| row.price).collect();
    let per_share: Vec<_> = rows.iter().map(|row| row.per_share_amount).collect();
    let amounts: Vec<_> = rows.iter().map(|row| row.net_amount).collect();
    let statuses: Vec<_> = rows.iter().map(|row| row.status.clone()).collect();
    let descriptions: Vec<_> = rows.iter().map(|row| row.description.clone()).collect();
    let bodies: Vec<_> = rows.into_iter().map(|row| row.body).collect();
    sqlx::query_file_scalar!(
        "src/ingest/alpaca/write_activities.sql",
        portfolio.get(),
        account.get(),
        response_id,
        &ids,
        &types,
        &days,
        &instants as &[Option<chrono::DateTime<chrono::Utc>>],
        &symbols as &[Option<String>],
        &sides as &[Option<String>],
        &quantities as &[Option<Decimal>],
        &prices as &[Option<Decimal>],
        &per_share as &[Option<Decimal>],
        &amounts as &[Option<Decimal>],
        &statuses as &[Option<String>],
        &descriptions as &[Option<String>],
        &bodies,
    )
    .fetch_all(step)
    .await
}
