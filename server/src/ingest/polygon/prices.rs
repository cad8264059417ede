//! Daily bars: of one ticker through time, of many such tickers, and of all tickers on one day. Always raw prices.

use app::domain::Symbol;
use chrono::NaiveDate;
use futures::StreamExt;
use sqlx::{Postgres, Transaction};
use std::{collections::BTreeSet, pin::pin};

use super::{
    address,
    wire::{self, BARS, GROUPED, Page},
};
use crate::{
    ingest::{
        Connection, Http, VendorError,
        answer::Answer,
        bars::{self, Bar, Row},
        http::Caller,
        land::{self, Change, Checkpoint},
        pages::{self, Pages},
        queue,
    },
    orchestrator::{TaskContext, TaskError},
};

/// The most base bars that Polygon gives in one page: about two centuries of days.
const BARS_PER_PAGE: &str = "50000";

/// Lands one ticker's bars of `from ..= to`; returns how many rows are new or corrected.
///
/// # Errors
/// [`VendorError`] by its class; [`TaskError::Fenced`]; what Postgres says.
pub async fn land_bars(
    ctx: &TaskContext,
    http: &Http,
    connection: &Connection,
    symbol: &Symbol,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<u64, TaskError> {
    land_bars_of(ctx, http, connection, std::slice::from_ref(symbol), from, to).await
}

/// Lands the bars of many tickers, in order, a few fetched ahead; goes on after the last ticker that is landed.
///
/// # Errors
/// As [`land_bars`].
pub async fn land_bars_of(
    ctx: &TaskContext,
    http: &Http,
    connection: &Connection,
    symbols: &[Symbol],
    from: NaiveDate,
    to: NaiveDate,
) -> Result<u64, TaskError> {
    let mut checkpoint = Checkpoint::resume(ctx, format!("polygon.bars {from} {to} {}", land::fingerprint(symbols.iter())));
    let caller = Caller::from(ctx);
    let waiting = symbols.iter().skip(checkpoint.done).cloned().collect();
    let shared = std::sync::Arc::new((http.clone(), connection.clone()));
    let mut fetched = pin!(queue::in_order(connection, waiting, |symbol: Symbol| {
        let shared = std::sync::Arc::clone(&shared);
        async move {
            match fetch(&shared.0, caller, &shared.1, &symbol, from, to).await {
                // One person's typing error costs nobody else the prices; the refusal itself is kept and logged.
                Err(VendorError::NotFound { .. }) => Ok((symbol, Vec::new())),
                fetched => Ok((symbol, fetched?)),
            }
        }
    }));
    let mut written = 0;
    while let Some(mut batch) = fetched.next().await {
        let (mut step, before) = (ctx.begin().await?, checkpoint.done);
        let rows = land_batch(&mut step, caller, &mut batch.answers, from, to).await?;
        checkpoint.done += batch.answers.len();
        ctx.commit(step, &checkpoint, rows).await?;
        written += rows;
        queue::progress(ctx, before, checkpoint.done, symbols.len()).await?;
        if let Some(error) = batch.error {
            return Err(error);
        }
    }
    Ok(written)
}

/// All pages of one ticker, in practice one, with what was read from them.
type History = Vec<(Answer, Page<Bar>)>;

/// Fetches one ticker's.
async fn fetch(
    http: &Http,
    caller: Caller,
    connection: &Connection,
    symbol: &Symbol,
    from: NaiveDate,
    to: NaiveDate,
) -> Result<History, VendorError> {
    let path = ["v2", "aggs", "ticker", symbol.as_str(), "range", "1", "day", &from.to_string(), &to.to_string()];
    let mut url = address(BARS, connection, &path, &[("adjusted", "false"), ("sort", "asc"), ("limit", BARS_PER_PAGE)])?;
    let (mut walk, mut fetched) = (Pages::new(BARS), Vec::new());
    loop {
        let (answer, page) = http.ask(caller, connection, BARS, &url, wire::bars).await?;
        let next = page.next_url.clone();
        fetched.push((answer, page));
        let Some(next) = next else { return Ok(fetched) };
        url = pages::next_url(BARS, &connection.base_url, &next)?;
        walk.step_to(url.as_str())?;
    }
}

/// Several tickers with all their pages, by one COPY.
async fn land_batch(
    step: &mut Transaction<'static, Postgres>,
    caller: Caller,
    batch: &mut [(Symbol, History)],
    from: NaiveDate,
    to: NaiveDate,
) -> Result<u64, TaskError> {
    let symbols: Vec<String> = batch.iter().map(|(symbol, _)| symbol.as_str().to_owned()).collect();
    let mut known = bars::known_of_symbols(step, &symbols, from, to).await?;
    let (mut news, mut changed) = (Vec::new(), Vec::new());
    for (symbol, pages) in batch {
        let symbol: &str = symbol.as_str();
        let known = known.entry(symbol.to_owned()).or_default();
        let first = news.len();
        for (answer, page) in pages {
            let response_id = land::keep(step, caller, answer).await?;
            for bar in &page.rows {
                if !(from..=to).contains(&bar.session_date) {
                    page.oddities.add(|| format!("{symbol} on {}, which was not asked for", bar.session_date));
                } else if known.insert(bar.session_date, *bar) != Some(*bar) {
                    news.push(Row { symbol, bar: *bar, response_id });
                }
            }
            page.oddities.report(caller, BARS, response_id);
        }
        let earliest = news.get(first..).and_then(|news| news.iter().map(|row: &Row<'_>| row.bar.session_date).min());
        changed.extend(earliest.map(|from_date| (symbol, from_date)));
    }
    bars::copy(step, &news, BARS.vendor.as_str()).await?;
    for (symbol, from_date) in changed {
        land::note(step, caller, Change { kind: "bar", portfolio_id: 0, symbol: Some(symbol), from_date: Some(from_date) }).await?;
    }
    Ok(news.len() as u64)
}

/// Lands one session's bars of all tracked tickers by a single call; the whole answer is kept.
///
/// # Errors
/// [`TaskError::NotReady`] when the vendor lists nobody on that session yet; else as [`land_bars`].
pub async fn land_grouped(
    ctx: &TaskContext,
    http: &Http,
    connection: &Connection,
    session: NaiveDate,
    tracked: &BTreeSet<Symbol>,
) -> Result<u64, TaskError> {
    let caller = Caller::from(ctx);
    let path = ["v2", "aggs", "grouped", "locale", "us", "market", "stocks", &session.to_string()];
    let url = address(GROUPED, connection, &path, &[("adjusted", "false")])?;
    let read = |body: &[u8]| wire::grouped(body, session, |symbol| tracked.contains(symbol));
    let (answer, (page, listed)) = http.ask(caller, connection, GROUPED, &url, read).await.map_err(|error| match error {
        // A plan that gives the day only after it is over says so like this; also for days to come.
        VendorError::NotEntitled { at, .. } => VendorError::NotReady { at, session },
        error => error,
    })?;
    let mut step = ctx.begin().await?;
    let response_id = land::keep(&mut step, caller, &answer).await?;
    page.oddities.report(caller, GROUPED, response_id);
    let symbols: Vec<String> = page.rows.iter().map(|row| row.symbol.clone()).collect();
    let known = bars::known_of_session(&mut step, &symbols, session).await?;
    let news: Vec<Row<'_>> = page
        .rows
        .iter()
        .filter(|row| known.get(&row.symbol) != Some(&row.bar))
        .map(|row| Row { symbol: &row.symbol, bar: row.bar, response_id })
        .collect();
    bars::copy(&mut step, &news, BARS.vendor.as_str()).await?;
    if !news.is_empty() {
        land::note(&mut step, caller, Change { kind: "bar", portfolio_id: 0, symbol: None, from_date: Some(session) }).await?;
    }
    let rows = news.len() as u64;
    ctx.commit(step, &ctx.checkpoint, rows).await?;
    if listed == 0 { Err(VendorError::NotReady { at: GROUPED, session }.into()) } else { Ok(rows) }
}
