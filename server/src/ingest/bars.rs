//! Daily bars → `raw.market_data`: only versions that differ from the latest known one, by `COPY`.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use std::collections::{BTreeMap, HashMap};

use super::binary;
use crate::{calendar, orchestrator::TaskError};

/// A daily bar as it was traded, never adjusted. None: the vendor sent nothing that fits; the checks judge it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    pub session_date: NaiveDate,
    pub open: Option<Decimal>,
    pub high: Option<Decimal>,
    pub low: Option<Decimal>,
    pub close: Option<Decimal>,
    pub volume: Option<Decimal>,
    pub vwap: Option<Decimal>,
    pub trade_count: Option<i64>,
}

/// Bytes sent to Postgres at once.
const CHUNK_BYTES: usize = 256 * 1024;
const COPY: &str = "copy raw.market_data (symbol, \"timestamp\", session_date, open, high, low, close, volume, vwap, trade_count, vendor, response_id) from stdin (format binary)";

/// SQLSTATE check_violation: for a partitioned table, a row outside all partitions.
const CHECK_VIOLATION: &str = "23514";

#[derive(Debug, thiserror::Error)]
#[error("raw.market_data has no partition for {from} to {to}: create it by db::partitions::ensure (`plumbline migrate` does)")]
struct PartitionMissing {
    from: NaiveDate,
    to: NaiveDate,
    #[source]
    source: sqlx::Error,
}

/// A row to land: a symbol's bar and the answer that holds it.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    pub symbol: &'a str,
    pub bar: Bar,
    pub response_id: i64,
}

/// The latest known versions of some symbols' bars.
///
/// # Errors
/// What Postgres says.
pub(super) async fn known_of_symbols(
    step: &mut PgConnection,
    symbols: &[String],
    from: NaiveDate,
    to: NaiveDate,
) -> Result<BTreeMap<String, BTreeMap<NaiveDate, Bar>>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select distinct on (symbol, "timestamp") symbol, session_date, open, high, low, close, volume, vwap, trade_count
           from raw.market_data where symbol = any($1) and "timestamp" between $2 and $3
           order by symbol, "timestamp" desc, response_id desc"#,
        symbols,
        calendar::midnight(from),
        calendar::midnight(to),
    )
    .fetch_all(step)
    .await?;
    let mut known: BTreeMap<String, BTreeMap<NaiveDate, Bar>> = BTreeMap::new();
    for row in rows {
        let bar = Bar {
            session_date: row.session_date,
            open: row.open,
            high: row.high,
            low: row.low,
            close: row.close,
            volume: row.volume,
            vwap: row.vwap,
            trade_count: row.trade_count,
        };
        known.entry(row.symbol).or_default().insert(bar.session_date, bar);
    }
    Ok(known)
}

/// The latest known versions of one session's bars, by symbol.
///
/// # Errors
/// What Postgres says.
pub(super) async fn known_of_session(
    step: &mut PgConnection,
    symbols: &[String],
    session: NaiveDate,
) -> Result<BTreeMap<String, Bar>, sqlx::Error> {
    let bars = sqlx::query!(
        r#"select distinct on (symbol) symbol, session_date, open, high, low, close, volume, vwap, trade_count
           from raw.market_data where symbol = any($1) and "timestamp" = $2
           order by symbol, response_id desc"#,
        symbols,
        calendar::midnight(session),
    )
    .fetch_all(step)
    .await?;
    Ok(bars
        .into_iter()
        .map(|row| {
            let bar = Bar {
                session_date: row.session_date,
                open: row.open,
                high: row.high,
                low: row.low,
                close: row.close,
                volume: row.volume,
                vwap: row.vwap,
                trade_count: row.trade_count,
            };
            (row.symbol, bar)
        })
        .collect())
}

/// Copies rows in. The caller has left out what is known already.
///
/// # Errors
/// [`TaskError::Final`] when a partition is missing, naming the fix; else what Postgres says.
pub async fn copy(step: &mut PgConnection, rows: &[Row<'_>], vendor: &str) -> Result<(), TaskError> {
    let (Some(from), Some(to)) = (rows.iter().map(|row| row.bar.session_date).min(), rows.iter().map(|row| row.bar.session_date).max())
    else {
        return Ok(());
    };
    let mut into = step.copy_in_raw(COPY).await?;
    let mut bytes = Vec::with_capacity(CHUNK_BYTES + 512);
    bytes.extend_from_slice(binary::HEADER);
    // An answer has few days for its many rows, and to ask the zone for each row would take as long as to write it.
    let mut midnights = HashMap::new();
    // A symbol's newest first, as the index has them: each key then goes behind the last one, which splits half as many of its pages.
    for row in rows.chunk_by(|row, next| row.symbol == next.symbol).flat_map(|bars| bars.iter().rev()) {
        let at = *midnights.entry(row.bar.session_date).or_insert_with_key(|day| calendar::midnight(*day));
        write_row(&mut bytes, row, at, vendor);
        if bytes.len() >= CHUNK_BYTES {
            into.send(bytes.as_slice()).await?;
            bytes.clear();
        }
    }
    bytes.extend_from_slice(binary::TRAILER);
    into.send(bytes.as_slice()).await?;
    match into.finish().await {
        Ok(_) => Ok(()),
        Err(source) if source.as_database_error().and_then(|error| error.code()).as_deref() == Some(CHECK_VIOLATION) => {
            Err(TaskError::Final(Box::new(PartitionMissing { from, to, source })))
        }
        Err(error) => Err(error.into()),
    }
}

/// One row in the order of [`COPY`].
fn write_row(bytes: &mut Vec<u8>, row: &Row<'_>, at: DateTime<Utc>, vendor: &str) {
    let Row { symbol, bar, response_id } = *row;
    binary::row(bytes, 12);
    binary::text(bytes, symbol);
    binary::instant(bytes, at);
    binary::date(bytes, bar.session_date);
    for number in [bar.open, bar.high, bar.low, bar.close, bar.volume, bar.vwap] {
        binary::optional(bytes, number, binary::decimal);
    }
    binary::optional(bytes, bar.trade_count, binary::integer);
    binary::text(bytes, vendor);
    binary::integer(bytes, response_id);
}
