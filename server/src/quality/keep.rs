//! Quarantine: refused rows are kept out, explained and replaced ones are let in; each is a change that the publication takes up.

use super::bars::{JUMPS, Judged, Refusal};
use sqlx::PgConnection;

/// Keeps refused rows out and lets explained ones in.
pub async fn quarantine(connection: &mut PgConnection, run_id: i64, judged: &Judged) -> Result<(), sqlx::Error> {
    refuse(connection, run_id, &judged.refusals).await?;
    sqlx::query!(
        "with freed as (
             update ops.quarantine set released_at = clock_timestamp()
             from unnest($2::text[], $3::date[]) as explained (symbol, session_date)
             where quarantine.symbol = explained.symbol and quarantine.session_date = explained.session_date
               and check_name = $4 and dataset = 'bars' and released_at is null and discarded_at is null
             returning quarantine.symbol, quarantine.session_date)
         insert into ops.change (symbol, kind, from_date, run_id) select symbol, 'bar', min(session_date), $1 from freed group by symbol",
        run_id,
        &judged.explained.iter().map(|(symbol, _)| symbol.clone()).collect::<Vec<_>>(),
        &judged.explained.iter().map(|(_, session)| *session).collect::<Vec<_>>(),
        JUMPS,
    )
    .execute(&mut *connection)
    .await?;
    // A refused version that a good one has replaced isn't waited for any more: discarded, for it must not come back should the good
    // one ever be taken away. What is published doesn't change by that.
    sqlx::query!(
        r#"update ops.quarantine as refused set discarded_at = clock_timestamp()
           where refused.released_at is null and refused.discarded_at is null and exists (
               select from (
                   select case refused.dataset
                       when 'splits' then (
                           select max(response_id) from raw.split
                           where split.symbol = refused.symbol and split.execution_date = refused.session_date)
                       when 'dividends' then (
                           select max(response_id) from raw.dividend
                           where dividend.symbol = refused.symbol and dividend.ex_dividend_date = refused.session_date and dividend.vendor_id = refused.row_key)
                       else (
                           select max(response_id) from raw.market_data as bar
                           where bar.symbol = refused.symbol and bar."timestamp" = refused.session_date::timestamp at time zone 'America/New_York')
                       end as response_id) as latest
               where latest.response_id > refused.response_id and not exists (
                   select from ops.quarantine as other
                   where other.dataset = refused.dataset and other.symbol = refused.symbol and other.session_date = refused.session_date
                     and other.row_key = refused.row_key and other.response_id = latest.response_id
                     and (other.released_at is null or other.discarded_at is not null)))"#
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Keeps rows out of the numbers, and tells the publication from which day on.
pub async fn refuse(connection: &mut PgConnection, run_id: i64, refusals: &[Refusal]) -> Result<(), sqlx::Error> {
    if refusals.is_empty() {
        return Ok(());
    }
    let text = |of: fn(&Refusal) -> &str| refusals.iter().map(|refusal| of(refusal).to_owned()).collect::<Vec<String>>();
    sqlx::query!(
        "with refused as (
             insert into ops.quarantine (dataset, symbol, session_date, row_key, check_name, reason, response_id, run_id, refused, acceptance_id, released_at)
             select row.dataset, row.symbol, row.session_date, row.row_key, row.check_name, row.reason, row.response_id, $1, row.refused,
                    row.acceptance_id, case when row.acceptance_id is not null then clock_timestamp() end
             from unnest($2::text[], $3::text[], $4::date[], $5::text[], $6::text[], $7::text[], $8::bigint[], $9::jsonb[], $10::bigint[])
                  as row (dataset, symbol, session_date, row_key, check_name, reason, response_id, refused, acceptance_id)
             on conflict do nothing
             returning dataset, symbol, session_date)
         insert into ops.change (symbol, kind, from_date, run_id)
         select symbol, rtrim(dataset, 's'), min(session_date), $1 from refused group by 1, 2",
        run_id,
        &text(|refusal| refusal.dataset),
        &text(|refusal| &refusal.symbol),
        &refusals.iter().map(|refusal| refusal.session_date).collect::<Vec<_>>(),
        &text(|refusal| &refusal.row_key),
        &text(|refusal| &refusal.check),
        &text(|refusal| &refusal.reason),
        &refusals.iter().map(|refusal| refusal.response_id).collect::<Vec<_>>(),
        &refusals.iter().map(|refusal| refusal.refused.clone()).collect::<Vec<_>>(),
        &refusals.iter().map(|refusal| refusal.acceptance_id).collect::<Vec<_>>() as &[Option<i64>],
    )
    .execute(connection)
    .await?;
    Ok(())
}
