//! Splits and dividends: by range of days across all tickers, or ticker by ticker; on the new path, else on the old one.

use app::domain::Symbol;
use chrono::NaiveDate;
use futures::StreamExt;
use sqlx::PgConnection;
use std::{
    collections::{BTreeMap, BTreeSet},
    pin::pin,
    sync::Arc,
};
use url::Url;

use super::{
    PAGE_ROWS, address,
    wire::{self, DIVIDENDS, Dividend, Page, SPLITS, Split},
};
use crate::{
    ingest::{
        At, Connection, Http, VendorError,
        answer::Answer,
        http::Caller,
        land::{self, Change, Checkpoint},
        pages::{self, Pages},
        queue,
    },
    orchestrator::{TaskContext, TaskError},
};

/// How corporate actions are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ask {
    /// All tickers of the market in one list: few calls for a few days, about 300 pages for all of history.
    AcrossMarket,
    /// One list per tracked ticker: better for years.
    PerTicker,
}

/// One kind of corporate action: where it is listed, how it reads, how it is written.
pub trait Action: Sized + Send + Sync + 'static {
    const AT: At;
    /// The new path, then the old one, which the vendor has deprecated and still serves.
    const PATHS: [&'static [&'static str]; 2];
    const DATE: &'static str;
    const KIND: &'static str;

    fn read(body: &[u8]) -> Result<Page<Self>, VendorError>;
    fn symbol(&self) -> &str;
    fn day(&self) -> NaiveDate;
    /// Writes those that differ from the latest known version; returns symbol and day of each that was written.
    fn write(
        step: &mut PgConnection,
        rows: &[Self],
        response_id: i64,
    ) -> impl Future<Output = Result<Vec<(String, NaiveDate)>, sqlx::Error>> + Send;
}

/// Lands the splits (by their execution) or dividends (by their ex-date) of tracked tickers in `from ..= to`; returns how many are
/// new or corrected.
///
/// # Errors
/// [`VendorError`] by its class; [`TaskError::Fenced`]; what Postgres says.
pub async fn land_actions<A: Action>(
    ctx: &TaskContext,
    http: &Http,
    connection: &Connection,
    from: NaiveDate,
    to: NaiveDate,
    tracked: &BTreeSet<Symbol>,
    ask: Ask,
) -> Result<u64, TaskError> {
    let question = Arc::new(Question { http: http.clone(), connection: connection.clone(), caller: ctx.into(), from, to });
    match ask {
        Ask::AcrossMarket => land_across_market::<A>(ctx, &question, tracked).await,
        Ask::PerTicker => land_per_ticker::<A>(ctx, question, tracked).await,
    }
}

struct Question {
    http: Http,
    connection: Connection,
    caller: Caller,
    from: NaiveDate,
    to: NaiveDate,
}

impl Question {
    fn address(&self, at: At, path: &[&str], date: &str, ticker: Option<&str>) -> Result<Url, VendorError> {
        let (from, to) = (self.from.to_string(), self.to.to_string());
        let (since, until) = (format!("{date}.gte"), format!("{date}.lte"));
        let mut query = vec![(since.as_str(), from.as_str()), (until.as_str(), to.as_str()), ("limit", PAGE_ROWS)];
        query.extend(ticker.map(|ticker| ("ticker", ticker)));
        address(at, &self.connection, path, &query)
    }

    async fn ask<A: Action>(&self, url: &Url) -> Result<(Answer, Page<A>), VendorError> {
        self.http.ask(self.caller, &self.connection, A::AT, url, A::read).await
    }

    /// The first page, and the path that gave it: the old one where the new is unknown or not in the plan.
    async fn first_page<A: Action>(&self, ticker: Option<&str>) -> Result<(Answer, Page<A>), VendorError> {
        let [new, old] = A::PATHS;
        match self.ask::<A>(&self.address(A::AT, new, A::DATE, ticker)?).await {
            Err(VendorError::NotFound { .. } | VendorError::NotEntitled { .. }) => {
                self.ask::<A>(&self.address(A::AT, old, A::DATE, ticker)?).await
            }
            answered => answered,
        }
    }

    /// The page after this one, if there is one.
    async fn next_page<A: Action>(&self, page: &Page<A>, walk: &mut Pages) -> Result<Option<(Answer, Page<A>)>, VendorError> {
        let Some(next) = &page.next_url else { return Ok(None) };
        let url = pages::next_url(A::AT, &self.connection.base_url, next)?;
        walk.step_to(url.as_str())?;
        self.ask::<A>(&url).await.map(Some)
    }
}

/// Page by page, each landed by itself: the list may be long. Cut off, it starts over and writes only what is missing.
async fn land_across_market<A: Action>(ctx: &TaskContext, question: &Question, tracked: &BTreeSet<Symbol>) -> Result<u64, TaskError> {
    let mut walk = Pages::new(A::AT);
    let mut next = Some(question.first_page::<A>(None).await?);
    let mut written = 0;
    while let Some((answer, page)) = next {
        next = question.next_page(&page, &mut walk).await?;
        let mut step = ctx.begin().await?;
        let rows = land_page(&mut step, question, &answer, page, |symbol| tracked.contains(symbol)).await?;
        ctx.commit(step, &ctx.checkpoint, rows).await?;
        written += rows;
    }
    Ok(written)
}

async fn land_per_ticker<A: Action>(ctx: &TaskContext, question: Arc<Question>, tracked: &BTreeSet<Symbol>) -> Result<u64, TaskError> {
    let step = format!("polygon.{} {} {} {}", A::AT.endpoint, question.from, question.to, land::fingerprint(tracked.iter()));
    let mut checkpoint = Checkpoint::resume(ctx, step);
    let waiting = tracked.iter().skip(checkpoint.done).cloned().collect();
    let mut fetched = pin!(queue::in_order(&question.connection, waiting, |symbol: Symbol| {
        let question = Arc::clone(&question);
        async move {
            let mut walk = Pages::new(A::AT);
            let mut pages = vec![question.first_page::<A>(Some(symbol.as_str())).await?];
            while let Some((_, last)) = pages.last() {
                match question.next_page(last, &mut walk).await? {
                    Some(next) => pages.push(next),
                    None => break,
                }
            }
            Ok((symbol, pages))
        }
    }));
    let mut written = 0;
    while let Some(batch) = fetched.next().await {
        let (mut step, mut rows, before) = (ctx.begin().await?, 0, checkpoint.done);
        for (symbol, pages) in batch.answers {
            for (answer, page) in pages {
                rows += land_page(&mut step, &question, &answer, page, |other| other == symbol.as_str()).await?;
            }
            checkpoint.done += 1;
        }
        ctx.commit(step, &checkpoint, rows).await?;
        written += rows;
        queue::progress(ctx, before, checkpoint.done, tracked.len()).await?;
        if let Some(error) = batch.error {
            return Err(error);
        }
    }
    Ok(written)
}

async fn land_page<A: Action>(
    step: &mut PgConnection,
    question: &Question,
    answer: &Answer,
    page: Page<A>,
    is_wanted: impl Fn(&str) -> bool,
) -> Result<u64, TaskError> {
    let response_id = land::keep(step, question.caller, answer).await?;
    page.oddities.report(question.caller, A::AT, response_id);
    let asked_for = |row: &A| is_wanted(row.symbol()) && (question.from..=question.to).contains(&row.day());
    let rows: Vec<A> = page.rows.into_iter().filter(asked_for).collect();
    if rows.is_empty() {
        return Ok(0);
    }
    let news = A::write(step, &rows, response_id).await?;
    let mut earliest: BTreeMap<&str, NaiveDate> = BTreeMap::new();
    for (symbol, day) in &news {
        earliest.entry(symbol).and_modify(|known| *known = (*known).min(*day)).or_insert(*day);
    }
    for (symbol, day) in earliest {
        let change = Change { kind: A::KIND, portfolio_id: 0, symbol: Some(symbol), from_date: Some(day) };
        land::note(step, question.caller, change).await?;
    }
    Ok(news.len() as u64)
}

impl Action for Split {
    const AT: At = SPLITS;
    const PATHS: [&'static [&'static str]; 2] = [&["stocks", "v1", "splits"], &["v3", "reference", "splits"]];
    const DATE: &'static str = "execution_date";
    const KIND: &'static str = "split";

    fn read(body: &[u8]) -> Result<Page<Self>, VendorError> {
        wire::splits(body)
    }
    fn symbol(&self) -> &str {
        &self.symbol
    }
    fn day(&self) -> NaiveDate {
        self.execution_date
    }

    async fn write(step: &mut PgConnection, rows: &[Self], response_id: i64) -> Result<Vec<(String, NaiveDate)>, sqlx::Error> {
        let symbols: Vec<_> = rows.iter().map(|row| row.symbol.clone()).collect();
        let dates: Vec<_> = rows.iter().map(|row| row.execution_date).collect();
        let from: Vec<_> = rows.iter().map(|row| row.split_from).collect();
        let to: Vec<_> = rows.iter().map(|row| row.split_to).collect();
        let ids: Vec<_> = rows.iter().map(|row| row.vendor_id.clone()).collect();
        // The vendor's id is no reason for a new version: the two paths name the same split differently.
        let news =
            sqlx::query_file!("src/ingest/polygon/write_splits.sql", &symbols, &dates, &from, &to, &ids as &[Option<String>], response_id)
                .fetch_all(step)
                .await?;
        Ok(news.into_iter().map(|row| (row.symbol, row.execution_date)).collect())
    }
}

impl Action for Dividend {
    const AT: At = DIVIDENDS;
    const PATHS: [&'static [&'static str]; 2] = [&["stocks", "v1", "dividends"], &["v3", "reference", "dividends"]];
    const DATE: &'static str = "ex_dividend_date";
    const KIND: &'static str = "dividend";

    fn read(body: &[u8]) -> Result<Page<Self>, VendorError> {
        wire::dividends(body)
    }
    fn symbol(&self) -> &str {
        &self.symbol
    }
    fn day(&self) -> NaiveDate {
        self.ex_dividend_date
    }

    async fn write(step: &mut PgConnection, rows: &[Self], response_id: i64) -> Result<Vec<(String, NaiveDate)>, sqlx::Error> {
        let symbols: Vec<_> = rows.iter().map(|row| row.symbol.clone()).collect();
        let dates: Vec<_> = rows.iter().map(|row| row.ex_dividend_date).collect();
        let ids: Vec<_> = rows.iter().map(|row| row.vendor_id.clone()).collect();
        let declared: Vec<_> = rows.iter().map(|row| row.declaration_date).collect();
        let recorded: Vec<_> = rows.iter().map(|row| row.record_date).collect();
        let paid: Vec<_> = rows.iter().map(|row| row.pay_date).collect();
        let amounts: Vec<_> = rows.iter().map(|row| row.cash_amount).collect();
        let currencies: Vec<_> = rows.iter().map(|row| row.currency.clone()).collect();
        let types: Vec<_> = rows.iter().map(|row| row.distribution_type.clone()).collect();
        let frequencies: Vec<_> = rows.iter().map(|row| row.frequency).collect();
        let news = sqlx::query_file!(
            "src/ingest/polygon/write_dividends.sql",
            &symbols,
            &dates,
            &ids,
            &declared as &[Option<NaiveDate>],
            &recorded as &[Option<NaiveDate>],
            &paid as &[Option<NaiveDate>],
            &amounts,
            &currencies,
            &types as &[Option<String>],
            &frequencies as &[Option<i32>],
            response_id
        )
        .fetch_all(step)
        .await?;
        Ok(news.into_iter().map(|row| (row.symbol, row.ex_dividend_date)).collect())
    }
}
