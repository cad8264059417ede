//! Daily bars → `raw.market_data`: only versions that differ from the latest known one, by `COPY`.

use chrono::{DateTime, Datelike, NaiveDate, Timelike, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use std::collections::BTreeMap;

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
const COPY: &str = "copy raw.market_data (symbol, \"timestamp\", session_date, open, high, low, close, volume, vwap, trade_count, vendor, response_id) from stdin";

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
    let mut text = Vec::with_capacity(CHUNK_BYTES + 512);
    for row in rows {
        write_row(&mut text, row, vendor);
        if text.len() >= CHUNK_BYTES {
            into.send(text.as_slice()).await?;
            text.clear();
        }
    }
    into.send(text.as_slice()).await?;
    match into.finish().await {
        Ok(_) => Ok(()),
        Err(source) if source.as_database_error().and_then(|error| error.code()).as_deref() == Some(CHECK_VIOLATION) => {
            Err(TaskError::Final(Box::new(PartitionMissing { from, to, source })))
        }
        Err(error) => Err(error.into()),
    }
}

/// One line of COPY's text format. Symbols and vendors hold no character that needs an escape.
fn write_row(text: &mut Vec<u8>, row: &Row<'_>, vendor: &str) {
    let Row { symbol, bar, response_id } = *row;
    text.extend_from_slice(symbol.as_bytes());
    text.push(b'\t');
    write_instant(text, calendar::midnight(bar.session_date));
    text.push(b'\t');
    write_date(text, bar.session_date);
    for number in [bar.open, bar.high, bar.low, bar.close, bar.volume, bar.vwap] {
        text.push(b'\t');
        match number {
            Some(number) => write_decimal(text, number),
            None => text.extend_from_slice(b"\\N"),
        }
    }
    text.push(b'\t');
    match bar.trade_count {
        Some(count) => write_decimal(text, count.into()),
        None => text.extend_from_slice(b"\\N"),
    }
    text.push(b'\t');
    text.extend_from_slice(vendor.as_bytes());
    text.push(b'\t');
    write_decimal(text, response_id.into());
    text.push(b'\n');
}

fn write_instant(text: &mut Vec<u8>, at: DateTime<Utc>) {
    write_date(text, at.date_naive());
    text.push(b' ');
    for (part, mark) in [(at.hour(), b':'), (at.minute(), b':'), (at.second(), b'+')] {
        write_padded(text, part, 2);
        text.push(mark);
    }
    text.extend_from_slice(b"00");
}

fn write_date(text: &mut Vec<u8>, date: NaiveDate) {
    write_padded(text, date.year().unsigned_abs(), 4);
    text.push(b'-');
    write_padded(text, date.month(), 2);
    text.push(b'-');
    write_padded(text, date.day(), 2);
}

fn write_padded(text: &mut Vec<u8>, number: u32, width: usize) {
    let mut digits = [b'0'; 10];
    let mut rest = number;
    for digit in digits.iter_mut().rev() {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    let zeros = digits.iter().take_while(|digit| **digit == b'0').count();
    text.extend_from_slice(&digits[zeros.min(digits.len() - width)..]);
}

/// Digits without an allocation: a backfill writes ten million numbers.
fn write_decimal(text: &mut Vec<u8>, number: Decimal) {
    let (mantissa, scale) = (number.mantissa(), number.scale() as usize);
    let mut digits = [b'0'; 40];
    let mut start = digits.len();
    // Nearly every price fits 64 bits, whose division is several times quicker.
    match u64::try_from(mantissa.unsigned_abs()) {
        Ok(mut rest) => {
            while rest > 0 {
                start -= 1;
                digits[start] = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
        }
        Err(_) => {
            let mut rest = mantissa.unsigned_abs();
            while rest > 0 {
                start -= 1;
                digits[start] = b'0' + (rest % 10) as u8;
                rest /= 10;
            }
        }
    }
    // At least one digit before the point; a scale is at most 28.
    let start = start.min(digits.len() - scale - 1);
    let point = digits.len() - scale;
    if mantissa < 0 {
        text.push(b'-');
    }
    text.extend_from_slice(&digits[start..point]);
    if scale > 0 {
        text.push(b'.');
        text.extend_from_slice(&digits[point..]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_row_reads_as_postgres_wants_it() {
        let bar = Bar {
            session_date: NaiveDate::from_ymd_opt(2014, 6, 9).unwrap(),
            open: Some("92.70".parse().unwrap()),
            high: None,
            low: Some("-0.05".parse().unwrap()),
            close: Some(Decimal::ZERO),
            volume: Some("75415000".parse().unwrap()),
            vwap: None,
            trade_count: Some(7),
        };
        let mut text = Vec::new();
        write_row(&mut text, &Row { symbol: "BRK.A", bar, response_id: 12 }, "polygon");
        assert_eq!(
            String::from_utf8(text).unwrap(),
            "BRK.A\t2014-06-09 04:00:00+00\t2014-06-09\t92.70\t\\N\t-0.05\t0\t75415000\t\\N\t7\tpolygon\t12\n"
        );
    }

    proptest! {
        #[test]
        fn a_decimal_is_written_exactly(mantissa in -(1_i128 << 95)..(1_i128 << 95), scale in 0_u32..=28) {
            let number = Decimal::from_i128_with_scale(mantissa, scale);
            let mut text = Vec::new();
            write_decimal(&mut text, number);
            prop_assert_eq!(String::from_utf8(text).unwrap().parse::<Decimal>().unwrap(), number);
        }
    }
}
