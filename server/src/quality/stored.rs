//! One bar that is on file already, judged once more: when a person wants it released, or enters a price beside it.

use super::{
    bars::{self, Window},
    check::{Action, Check},
    dataset::Batch,
    examine::is_scanned,
    load, own, scan, sql, suite,
    verdict::growth,
};
use crate::calendar;
use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use sqlx::{Acquire, PgConnection};
use std::{collections::BTreeMap, sync::Arc};

/// So far a price by hand may lie from the closes around it: as far as closes may jump.
const FAR: Decimal = Decimal::from_parts(40, 0, 0, false, 2);

/// Which bar: what a vendor's answer says of a symbol and a session.
#[derive(Debug, Clone, Copy)]
pub struct StoredBar<'a> {
    pub symbol: &'a str,
    pub session: NaiveDate,
    pub response_id: i64,
}

/// Why a stored bar still may not be used, by the rules and the splits of today; empty: it may. `None`: there is no such bar, or a
/// later one stands in its place. `refused_by`: the checks that refused it; `last`: the last completed session.
///
/// # Errors
/// What Postgres says; what the suite has wrong.
pub async fn faults_of(
    connection: &mut PgConnection,
    bar: StoredBar<'_>,
    refused_by: &[String],
    last: NaiveDate,
) -> Result<Option<Vec<String>>, super::Error> {
    let latest = sqlx::query_scalar!(
        r#"select response_id from raw.market_data as version where symbol = $1 and "timestamp" = $2 and not exists (
               select from ops.quarantine as other
               where other.dataset = 'bars' and other.symbol = version.symbol and other.session_date = version.session_date
                 and other.response_id = version.response_id and other.response_id <> $3
                 and (other.released_at is null or other.discarded_at is not null))
           order by response_id desc limit 1"#,
        bar.symbol,
        calendar::midnight(bar.session),
        bar.response_id,
    )
    .fetch_optional(&mut *connection)
    .await?;
    if latest != Some(bar.response_id) {
        return Ok(None);
    }
    let (own, _) = suite::own(connection).await?;
    let refuses = |check: &&Arc<Check>| check.dataset == "bars" && check.action == Action::Quarantine;
    let mut faults: Vec<String> = suite::suite()?
        .iter()
        .chain(&own)
        .filter(refuses)
        .filter(|check| !is_scanned(check) && refused_by.contains(&check.name))
        .map(|check| format!("The rule {} can't be judged on one price alone.", check.name.replace('_', " ")))
        .collect();
    let of_suite: Vec<Arc<Check>> = suite::suite()?.iter().filter(refuses).filter(|check| is_scanned(check)).cloned().collect();
    faults.extend(judged(connection, bar, &of_suite, last).await?);
    for check in own.iter().filter(refuses).filter(|check| is_scanned(check)) {
        // A rule that can't run is no reason to let anything in.
        let mut apart = connection.begin().await?;
        sql::execute(&mut apart, own::LIMIT.to_owned()).await?;
        match judged(&mut apart, bar, std::slice::from_ref(check), last).await {
            Ok(found) => faults.extend(found),
            Err(sqlx::Error::Database(_)) => faults.push(format!("The rule {} couldn't be made.", check.name.replace('_', " "))),
            Err(error) => return Err(error.into()),
        }
        apart.rollback().await?;
    }
    Ok(Some(faults))
}

async fn judged(
    connection: &mut PgConnection,
    bar: StoredBar<'_>,
    checks: &[Arc<Check>],
    last: NaiveDate,
) -> Result<Vec<String>, sqlx::Error> {
    let batch = Batch {
        judged_response: bar.response_id - 1,
        session: last,
        sessions: calendar::sessions(bar.session - Days::new(scan::LEAD_DAYS), last.max(bar.session)),
        relations: BTreeMap::new(),
        dated: BTreeMap::new(),
    };
    let symbols = [bar.symbol.to_owned()];
    let window = Window { symbols: &symbols, from: Some(bar.session), batch: &batch };
    let splits = load::splits(connection).await?;
    let judged = bars::judged(connection, None, &window, checks, &splits).await?;
    let is_it = |refusal: &&bars::Refusal| refusal.session_date == bar.session && refusal.response_id == bar.response_id;
    Ok(judged.refusals.iter().filter(is_it).map(|refusal| refusal.reason.clone()).collect())
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
    let is_far = expected.is_none_or(|expected| (close - expected).abs() > FAR * expected);
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
