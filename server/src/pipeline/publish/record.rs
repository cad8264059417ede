//! What a publication leaves in `ops`: verdicts, itself, and the portfolio days that it changed.

use crate::warehouse::{BuiltModel, Severity, Verdict};
use app::domain::PortfolioId;
use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, types::Json};

/// The last publication.
#[derive(Debug, Clone, Copy)]
pub(super) struct Last {
    pub session_date: NaiveDate,
    pub change_id: i64,
    pub published_at: DateTime<Utc>,
}

pub(super) async fn last(connection: &mut PgConnection) -> Result<Option<Last>, sqlx::Error> {
    sqlx::query_as!(
        Last,
        r#"select max(session_date) as "session_date!", max(change_id) as "change_id!", max(published_at) as "published_at!"
           from ops.publication having count(*) > 0"#
    )
    .fetch_optional(connection)
    .await
}

/// The first day on which the benchmark's prices or events, or the risk-free rate, are others than at the last publication:
/// the ledger doesn't read them, the marts join them.
pub(super) async fn joined_data_changed_from(
    connection: &mut PgConnection,
    last: Option<Last>,
    benchmark: &str,
) -> Result<Option<NaiveDate>, sqlx::Error> {
    let Some(last) = last else { return Ok(Some(NaiveDate::from_ymd_opt(1900, 1, 1).unwrap_or_default())) };
    sqlx::query_scalar!(
        // Quarantine's times are those of transactions that may have ended later: a day is more than any lasts.
        "select min(day) from (
             select from_date as day from ops.change
             where change_id > $1 and (kind = 'rate' or kind in ('bar', 'split', 'dividend') and (symbol is null or symbol = $2))
             union all
             select session_date from ops.quarantine
             where symbol = $2 and greatest(quarantined_at, released_at) > $3::timestamptz - interval '1 day') as changed",
        last.change_id,
        benchmark,
        last.published_at,
    )
    .fetch_one(connection)
    .await
}

/// What an earlier attempt of the run said of the models: each test is counted once.
pub(super) async fn forget_verdicts(connection: &mut PgConnection, run_id: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from ops.check_result where run_id = $1 and dimension = 'model'", run_id).execute(connection).await?;
    Ok(())
}

/// The outcome of every test of the models, for the data quality page.
pub(super) async fn verdicts(connection: &mut PgConnection, run_id: i64, verdicts: &[Verdict]) -> Result<(), sqlx::Error> {
    let names: Vec<_> = verdicts.iter().map(|verdict| verdict.name.clone()).collect();
    let severities: Vec<_> =
        verdicts.iter().map(|verdict| if verdict.severity == Severity::Warn { "warn" } else { "error" }.to_owned()).collect();
    let failures: Vec<_> = verdicts.iter().map(|verdict| verdict.failures).collect();
    let samples: Vec<_> = verdicts.iter().map(|verdict| verdict.samples.clone()).collect();
    let messages: Vec<_> = verdicts.iter().map(message).collect();
    let durations: Vec<_> = verdicts.iter().map(|verdict| verdict.duration_ms).collect();
    sqlx::query!(
        "insert into ops.check_result (run_id, check_name, dimension, scope, severity, passed, observed, expected, failures, samples, message, duration_ms)
         select $1, name, 'model', 'installation', severity, failures = 0, failures || ' rows', '0 rows', failures, samples, message, ms
         from unnest($2::text[], $3::text[], $4::bigint[], $5::jsonb[], $6::text[], $7::float8[]) as verdict (name, severity, failures, samples, message, ms)",
        run_id,
        &names,
        &severities,
        &failures,
        &samples,
        &messages,
        &durations,
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn message(verdict: &Verdict) -> String {
    match (verdict.passed(), verdict.severity) {
        (true, _) => "As it should be.".into(),
        (false, Severity::Warn) => {
            format!("{} rows should not exist; the numbers were published with them. Look at the samples.", verdict.failures)
        }
        (false, Severity::Error) => {
            format!(
                "{} rows must not exist, so nothing was published. Look at the samples, correct their source and run again.",
                verdict.failures
            )
        }
    }
}

/// A portfolio that could not be booked: it keeps its last good numbers.
pub(super) async fn portfolio_failed(connection: &mut PgConnection, run_id: i64, portfolio: PortfolioId) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into ops.check_result (run_id, portfolio_id, check_name, dimension, scope, severity, passed, observed, expected, elements, failures, message)
         values ($1, $2, 'ledger_booked', 'model', 'portfolio', 'error', false, 'failed', 'booked', 1, 1,
                 'This portfolio could not be booked and keeps its last good numbers. Check its latest transactions, then run again.')",
        run_id,
        portfolio.get(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Notes the publication and every portfolio day that shows something else than before, also one that is gone.
pub(super) async fn publication(
    connection: &mut PgConnection,
    run_id: i64,
    session: NaiveDate,
    change_id: i64,
    models: &[BuiltModel],
    changed: &[(PortfolioId, NaiveDate)],
) -> Result<(), sqlx::Error> {
    let publication_id = sqlx::query_scalar!(
        "insert into ops.publication (run_id, session_date, change_id, checks_passed, checks_total, models)
         select $1, $2, $3, count(*) filter (where passed), count(*), $4 from ops.check_result where run_id = $1
         returning publication_id",
        run_id,
        session,
        change_id,
        Json(models) as _,
    )
    .fetch_one(&mut *connection)
    .await?;
    for (portfolio, from) in changed {
        sqlx::query!(
            "with shown as (
                 select distinct on (session_date) session_date, value, inflow, outflow, daily_return
                 from ops.published_portfolio_day where portfolio_id = $1 and session_date >= $2
                 order by session_date, publication_id desc
             ), standing as (
                 select session_date, value, inflow, outflow, daily_return
                 from ledger.portfolio_day where portfolio_id = $1 and session_date >= $2
             )
             insert into ops.published_portfolio_day (portfolio_id, session_date, publication_id, value, inflow, outflow, daily_return)
             select $1, session_date, $3, standing.value, coalesce(standing.inflow, 0), coalesce(standing.outflow, 0), standing.daily_return
             from standing full outer join shown using (session_date)
             where shown.session_date is null
                or (standing.value, coalesce(standing.inflow, 0), coalesce(standing.outflow, 0), standing.daily_return)
                   is distinct from (shown.value, shown.inflow, shown.outflow, shown.daily_return)",
            portfolio.get(),
            *from,
            publication_id,
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(())
}
