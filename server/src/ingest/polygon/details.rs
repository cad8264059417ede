//! What a ticker stands for: name, exchange, currency, SIC code. Also the trial of a key.

use app::domain::Symbol;
use futures::StreamExt;
use sqlx::PgConnection;
use std::{pin::pin, sync::Arc};

use super::{
    address,
    wire::{self, DETAILS, Details},
};
use crate::{
    ingest::{
        Connection, Http, VendorError,
        answer::Answer,
        http::Caller,
        land::{self, Change, Checkpoint},
        queue,
    },
    orchestrator::{TaskContext, TaskError},
};

/// Every vendor of US prices knows this one.
const TRIAL_TICKER: &str = "SPY";

/// Lands the details of tickers; returns how many are new or changed. A ticker that the vendor doesn't know is left out.
///
/// # Errors
/// [`VendorError`] by its class; [`TaskError::Fenced`]; what Postgres says.
pub async fn land_details(ctx: &TaskContext, http: &Http, connection: &Connection, symbols: &[Symbol]) -> Result<u64, TaskError> {
    let mut checkpoint = Checkpoint::resume(ctx, format!("polygon.details {}", land::fingerprint(symbols.iter())));
    let caller = Caller::from(ctx);
    let waiting = symbols.iter().skip(checkpoint.done).cloned().collect();
    let shared = Arc::new((http.clone(), connection.clone()));
    let mut fetched = pin!(queue::in_order(connection, waiting, |symbol: Symbol| {
        let shared = Arc::clone(&shared);
        async move {
            match fetch(&shared.0, caller, &shared.1, symbol.as_str()).await {
                // The refusal itself is kept and logged.
                Err(VendorError::NotFound { .. }) => Ok(None),
                fetched => Ok(Some(fetched?)),
            }
        }
    }));
    let mut written = 0;
    while let Some(batch) = fetched.next().await {
        let (mut step, mut rows, before) = (ctx.begin().await?, 0, checkpoint.done);
        for found in batch.answers {
            if let Some((answer, details)) = found {
                rows += land_one(&mut step, caller, &answer, details).await?;
            }
            checkpoint.done += 1;
        }
        ctx.commit(step, &checkpoint, rows).await?;
        written += rows;
        queue::progress(ctx, before, checkpoint.done, symbols.len()).await?;
        if let Some(error) = batch.error {
            return Err(error);
        }
    }
    Ok(written)
}

/// Asks one small question, so that a key is known to work before it is kept.
///
/// # Errors
/// [`VendorError`], whose sentence tells the person what is wrong.
pub async fn test(http: &Http, connection: &Connection) -> Result<(), VendorError> {
    let caller = Caller::default();
    match fetch(http, caller, connection, TRIAL_TICKER).await {
        Ok((answer, _)) => http.keep(caller, &answer).await,
        // The key opened the door, which is what was asked.
        Err(VendorError::NotFound { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn fetch(http: &Http, caller: Caller, connection: &Connection, ticker: &str) -> Result<(Answer, Option<Details>), VendorError> {
    let url = address(DETAILS, connection, &["v3", "reference", "tickers", ticker], &[])?;
    http.ask(caller, connection, DETAILS, &url, wire::details).await
}

async fn land_one(step: &mut PgConnection, caller: Caller, answer: &Answer, details: Option<Details>) -> Result<u64, TaskError> {
    let response_id = land::keep(&mut *step, caller, answer).await?;
    let Some(details) = details else { return Ok(0) };
    let Details { symbol, name, primary_exchange, kind, currency, sic_code, sic_description, list_date, is_active } = details;
    let rows = sqlx::query!(
        "insert into raw.instrument (symbol, name, primary_exchange, type, currency, sic_code, sic_description, list_date, is_active, response_id)
         select new.*, $10
         from (values ($1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::text, $8::date, $9::boolean))
            as new (symbol, name, primary_exchange, type, currency, sic_code, sic_description, list_date, is_active)
         left join lateral (select * from raw.instrument where instrument.symbol = new.symbol order by response_id desc limit 1) as known on true
         where (known.name, known.primary_exchange, known.type, known.currency, known.sic_code, known.sic_description, known.list_date, known.is_active)
               is distinct from (new.name, new.primary_exchange, new.type, new.currency, new.sic_code, new.sic_description, new.list_date, new.is_active)",
        symbol,
        name,
        primary_exchange,
        kind,
        currency,
        sic_code,
        sic_description,
        list_date,
        is_active,
        response_id,
    )
    .execute(&mut *step)
    .await?
    .rows_affected();
    if rows > 0 {
        land::note(step, caller, Change { kind: "instrument", portfolio_id: 0, symbol: Some(&symbol), from_date: None }).await?;
    }
    Ok(rows)
}
