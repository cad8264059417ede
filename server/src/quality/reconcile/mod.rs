//! What the broker reports otherwise than the transactions explain: kept from the first session to the last on which it was seen,
//! each with its likely cause and what would mend it.

mod cash;
mod cause;
mod shares;
#[cfg(test)]
mod tests;
mod typing;

use super::{
    books::Books,
    entries::{Difference, Entry, cash_difference, position_differences},
    held::positions,
};
use cause::{Evidence, Opening, Payout, Suspicion, Unbooked, likely};
use chrono::{Days, NaiveDate};
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// Dividends paid so long ago have been credited, or explain nothing any more.
const PAYOUT_DAYS: u64 = 90;
/// A dividend's entry lies near the day on which it was paid.
const CREDITED_WITHIN_DAYS: i64 = 10;

/// One account's differences with their causes.
type Found = (i64, Difference, Suspicion);

/// Compares every account with its broker's last report and keeps what differs; what agrees again is resolved.
///
/// # Errors
/// What Postgres says.
pub async fn keep(connection: &mut PgConnection, run_id: i64, session: NaiveDate, books: &Books) -> Result<(), sqlx::Error> {
    let mut found: Vec<Found> = Vec::new();
    for report in &books.reports {
        let mut differences = position_differences(&books.entries, &books.splits, report);
        differences.extend(cash_difference(&books.entries, report));
        if differences.is_empty() {
            continue;
        }
        let account = (report.portfolio_id, report.account_id);
        let entries: Vec<&Entry> = books.entries.iter().filter(|entry| entry.account() == account).collect();
        let unbooked = unbooked(connection, account).await?;
        let openings = openings(connection, account).await?;
        let payouts = payouts(connection, &entries, books, session).await?;
        for difference in &differences {
            let evidence = Evidence {
                portfolio: account.0,
                account: account.1,
                session: report.session_date,
                entries: entries.clone(),
                splits: books.splits.get(&difference.symbol).map_or(&[], Vec::as_slice),
                unbooked: &unbooked,
                openings: &openings,
                payouts: &payouts,
                others: differences.iter().filter(|other| *other != difference).collect(),
            };
            found.push((account.0, difference.clone(), likely(difference, &evidence)));
        }
    }
    write(connection, run_id, session, books, &found).await
}

async fn write(connection: &mut PgConnection, run_id: i64, session: NaiveDate, books: &Books, found: &[Found]) -> Result<(), sqlx::Error> {
    let portfolios: Vec<i64> = found.iter().map(|(portfolio, ..)| *portfolio).collect();
    let accounts: Vec<i64> = found.iter().map(|(_, difference, _)| difference.account_id).collect();
    let symbols: Vec<String> = found.iter().map(|(_, difference, _)| difference.symbol.clone()).collect();
    sqlx::query!(
        "update ops.reconciliation set resolved_on = $1
         where resolved_on is null and not exists (
             select from unnest($2::bigint[], $3::bigint[], $4::text[]) as found (portfolio_id, account_id, symbol)
             where found.portfolio_id = reconciliation.portfolio_id and found.account_id = reconciliation.account_id
               and found.symbol = reconciliation.symbol)",
        session,
        &portfolios,
        &accounts,
        &symbols,
    )
    .execute(&mut *connection)
    .await?;
    // An installation that checked before it kept this knows the first day from its results.
    let since: Vec<NaiveDate> =
        found.iter().map(|(portfolio, difference, _)| known_since(books, *portfolio, difference).unwrap_or(session)).collect();
    let repairs: Vec<Option<Value>> =
        found.iter().map(|(.., suspicion)| suspicion.repair.as_ref().and_then(|repair| serde_json::to_value(repair).ok())).collect();
    sqlx::query!(
        "insert into ops.reconciliation (portfolio_id, account_id, symbol, since, session_date, derived, reported, cause, explanation, repair, run_id)
         select found.portfolio_id, found.account_id, found.symbol, coalesce(known.since, found.since), greatest($2, known.session_date),
                found.derived, found.reported, found.cause, found.explanation, found.repair, $1
         from unnest($3::bigint[], $4::bigint[], $5::text[], $6::date[], $7::numeric[], $8::numeric[], $9::text[], $10::text[], $11::jsonb[])
                  as found (portfolio_id, account_id, symbol, since, derived, reported, cause, explanation, repair)
              left join ops.reconciliation as known
                  on known.portfolio_id = found.portfolio_id and known.account_id = found.account_id and known.symbol = found.symbol
                     and known.resolved_on is null
         on conflict (portfolio_id, account_id, symbol, since) do update
             set session_date = excluded.session_date, derived = excluded.derived, reported = excluded.reported, cause = excluded.cause,
                 explanation = excluded.explanation, repair = excluded.repair, run_id = excluded.run_id, resolved_on = null",
        run_id,
        session,
        &portfolios,
        &accounts,
        &symbols,
        &since,
        &found.iter().map(|(_, difference, _)| difference.derived.round_dp(10)).collect::<Vec<_>>(),
        &found.iter().map(|(_, difference, _)| difference.reported.round_dp(10)).collect::<Vec<_>>(),
        &found.iter().map(|(.., suspicion)| suspicion.cause.as_str().to_owned()).collect::<Vec<_>>(),
        &found.iter().map(|(.., suspicion)| suspicion.explanation.clone()).collect::<Vec<_>>(),
        &repairs as &[Option<Value>],
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn known_since(books: &Books, portfolio: i64, difference: &Difference) -> Option<NaiveDate> {
    let check = if difference.symbol.is_empty() { "cash_reconciles" } else { "positions_reconcile" };
    books.known_since.get(&(check.to_owned(), portfolio, difference.account_id, difference.symbol.clone())).copied()
}

/// Activities of an account that `entries.sql` leaves out or can't name.
async fn unbooked(connection: &mut PgConnection, account: (i64, i64)) -> Result<Vec<Unbooked>, sqlx::Error> {
    let rows = sqlx::query_file!("src/quality/reconcile/unbooked.sql", account.0, account.1).fetch_all(connection).await?;
    Ok(rows
        .into_iter()
        .map(|row| Unbooked {
            key: row.activity_id,
            on: row.activity_date,
            named: row.activity_type,
            symbol: row.symbol,
            quantity: row.quantity,
            amount: row.net_amount,
            is_cancelled: row.is_cancelled,
        })
        .collect())
}

async fn openings(connection: &mut PgConnection, account: (i64, i64)) -> Result<Vec<Opening>, sqlx::Error> {
    sqlx::query_as!(
        Opening,
        "select symbol, quantity, amount from book.opening_proposal where portfolio_id = $1 and account_id = $2 and state = 'proposed'",
        account.0,
        account.1
    )
    .fetch_all(connection)
    .await
}

/// What dividends of the last weeks should have brought an account, where no entry has one of then.
async fn payouts(connection: &mut PgConnection, entries: &[&Entry], books: &Books, session: NaiveDate) -> Result<Vec<Payout>, sqlx::Error> {
    let symbols: Vec<String> = entries.iter().filter_map(|entry| entry.symbol.clone()).collect();
    let rows = sqlx::query!(
        r#"select distinct on (symbol, ex_dividend_date, vendor_id) symbol, ex_dividend_date, pay_date as "pay_date!", cash_amount
           from raw.dividend where symbol = any($1) and pay_date between $2 and $3
           order by symbol, ex_dividend_date, vendor_id, response_id desc"#,
        &symbols,
        session - Days::new(PAYOUT_DAYS),
        session,
    )
    .fetch_all(connection)
    .await?;
    let mut held_before: BTreeMap<NaiveDate, BTreeMap<&str, _>> = BTreeMap::new();
    let mut payouts = Vec::new();
    for row in rows {
        let has_entry = entries.iter().any(|entry| {
            entry.kind.as_deref() == Some("dividend")
                && entry.symbol.as_deref() == Some(row.symbol.as_str())
                && (entry.on - row.pay_date).num_days().abs() <= CREDITED_WITHIN_DAYS
        });
        let held = held_before.entry(row.ex_dividend_date).or_insert_with(|| {
            let before = row.ex_dividend_date - Days::new(1);
            positions(entries.iter().copied().filter(|entry| entry.on <= before), &books.splits, before)
        });
        let amount = held.get(row.symbol.as_str()).and_then(|shares| shares.checked_mul(row.cash_amount));
        if let (false, Some(amount)) = (has_entry, amount) {
            payouts.push(Payout { symbol: row.symbol, paid_on: row.pay_date, amount });
        }
    }
    Ok(payouts)
}
