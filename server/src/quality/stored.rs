//! One bar that is on file already, judged once more: when a person wants it released, or enters a price beside it.

use super::{
    load,
    verdict::{Bar, LARGEST_JUMP, growth, judge},
};
use crate::calendar;
use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use sqlx::PgConnection;

/// Two closes before a bar lie within these days, unless the symbol wasn't traded for weeks.
const LEAD_DAYS: u64 = 30;

/// Why a stored bar still may not be used, by the rules and the splits of today; empty: it may. `None`: there is no such bar.
///
/// # Errors
/// What Postgres says.
pub async fn faults_of(
    connection: &mut PgConnection,
    symbol: &str,
    session: NaiveDate,
    response_id: i64,
) -> Result<Option<Vec<String>>, sqlx::Error> {
    let row = sqlx::query!(
        r#"select open, high, low, close, volume from raw.market_data where symbol = $1 and "timestamp" = $2 and response_id = $3"#,
        symbol,
        calendar::midnight(session),
        response_id
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    let before = sqlx::query!(
        r#"select distinct on ("timestamp") session_date, close from raw.market_data
           where symbol = $1 and "timestamp" < $2 and "timestamp" >= $3 order by "timestamp" desc, response_id desc limit 2"#,
        symbol,
        calendar::midnight(session),
        calendar::midnight(session - Days::new(LEAD_DAYS)),
    )
    .fetch_all(&mut *connection)
    .await?;
    let bar = Bar {
        symbol: symbol.to_owned(),
        session_date: session,
        response_id,
        open: row.open,
        high: row.high,
        low: row.low,
        close: row.close,
        volume: row.volume,
        before: before.into_iter().filter_map(|row| Some((row.session_date, row.close?))).collect(),
    };
    let splits = load::splits(connection).await?;
    let faults = judge(&bar, splits.get(symbol).map_or(&[], Vec::as_slice));
    Ok(Some(faults.into_iter().filter(|fault| fault.is_refused).map(|fault| fault.reason).collect()))
}

/// How far `close` is from a neighbouring one, splits in between applied: a sentence when it is further than any close should be.
///
/// # Errors
/// What Postgres says.
pub async fn far_from(
    connection: &mut PgConnection,
    symbol: &str,
    session: NaiveDate,
    close: Decimal,
    neighbour: (NaiveDate, Decimal),
) -> Result<Option<String>, sqlx::Error> {
    let (day, known) = neighbour;
    let splits = load::splits(connection).await?;
    let splits = splits.get(symbol).map_or(&[][..], Vec::as_slice);
    let expected =
        if day < session { known.checked_div(growth(splits, day, session)) } else { known.checked_mul(growth(splits, session, day)) };
    let is_far = expected.is_none_or(|expected| (close - expected).abs() > LARGEST_JUMP * expected);
    Ok(is_far.then(|| format!("The close of {day} is {}, more than 40 % away.", known.normalize())))
}

/// Prices that were released on somebody's word wait again when that word has run out or was taken back; each is a change that the
/// next publication takes up. Answers how many.
///
/// # Errors
/// What Postgres says.
pub async fn lapse(connection: &mut PgConnection, run_id: Option<i64>, today: NaiveDate) -> Result<u64, sqlx::Error> {
    let lapsed = sqlx::query!(
        "with lapsed as (
             update ops.quarantine set released_at = null, decided_by = null, acceptance_id = null
             from book.acceptance
             where acceptance.acceptance_id = quarantine.acceptance_id and quarantine.released_at is not null
               and (acceptance.revoked_at is not null or acceptance.expires_on < $2)
             returning quarantine.symbol, quarantine.session_date, quarantine.dataset)
         insert into ops.change (symbol, kind, from_date, run_id)
         select symbol, case dataset when 'splits' then 'split' when 'dividends' then 'dividend' else 'bar' end, min(session_date), $1
         from lapsed group by 1, 2",
        run_id,
        today,
    )
    .execute(connection)
    .await?;
    Ok(lapsed.rows_affected())
}
