//! What a publication leaves in `ops`: verdicts, alerts, and itself.

use super::{Scope, attempt::Aim};
use crate::{
    quality,
    warehouse::{BuiltModel, Severity, Verdict},
};
use app::domain::PortfolioId;
use chrono::NaiveDate;
use serde_json::Value;
use sqlx::{PgConnection, types::Json};
use std::collections::{BTreeMap, BTreeSet};

/// The last publication.
#[derive(Debug, Clone, Copy)]
pub(super) struct Last {
    pub session_date: NaiveDate,
    pub change_id: i64,
    /// Did any publication keep everything that pages show?
    pub keeps_all: bool,
}

pub(super) async fn last(connection: &mut PgConnection) -> Result<Option<Last>, sqlx::Error> {
    sqlx::query_as!(
        Last,
        r#"select max(session_date) as "session_date!", max(change_id) as "change_id!", bool_or(keeps_all) as "keeps_all!"
           from ops.publication having count(*) > 0"#
    )
    .fetch_optional(connection)
    .await
}

/// The first day on which the benchmark's prices or events, the risk-free rate, or an instrument's name, are others than at the last
/// publication: the ledger doesn't read them, the marts join them.
/// Asked before anything is booked: a ledger that was left out for a while stands at an earlier mark than the last publication, and its
/// days have missed what came since.
pub(super) async fn joined_data_changed_from(
    connection: &mut PgConnection,
    last: Option<Last>,
    held_back: &BTreeSet<PortfolioId>,
    benchmark: &str,
) -> Result<Option<NaiveDate>, sqlx::Error> {
    let Some(last) = last else { return Ok(Some(NaiveDate::from_ymd_opt(1900, 1, 1).unwrap_or_default())) };
    let mark = sqlx::query_scalar!(
        r#"select least($1, (select min(change_id) from ledger.state where portfolio_id <> all ($2))) as "mark!""#,
        last.change_id,
        &held_back.iter().map(|portfolio| portfolio.get()).collect::<Vec<_>>(),
    )
    .fetch_one(&mut *connection)
    .await?;
    sqlx::query_scalar!(
        // Quarantine's times are those of transactions that may have ended later: a day is more than any lasts.
        "select min(day) from (
             select from_date as day from ops.change
             where change_id > $1 and (kind in ('rate', 'instrument') or kind in ('bar', 'split', 'dividend') and (symbol is null or symbol = $2))
             union all
             select session_date from ops.quarantine
             where symbol = $2 and greatest(quarantined_at, released_at, discarded_at) > coalesce(
                 (select max(published_at) from ops.publication where change_id <= $1), 'epoch'::timestamptz) - interval '1 day') as changed",
        mark,
        benchmark,
    )
    .fetch_one(connection)
    .await
}

/// What an earlier attempt of the run said of the models: each test and check is counted once.
pub(super) async fn forget_verdicts(connection: &mut PgConnection, run_id: i64) -> Result<(), sqlx::Error> {
    sqlx::query!("delete from ops.check_result where run_id = $1 and is_of_models", run_id).execute(connection).await?;
    Ok(())
}

/// Failures that somebody bears until a day: the acceptance, by test or check and portfolio (0: of all).
pub(super) type Accepted = BTreeMap<(String, i64), i64>;

/// What is borne on the session's day of whole tests and checks; of two words for one the first counts.
pub(super) async fn accepted(connection: &mut PgConnection, session: NaiveDate) -> Result<Accepted, sqlx::Error> {
    let words = quality::accepted(connection, session).await?;
    let whole = words.into_iter().rev().filter(|word| word.symbol.is_none());
    Ok(whole.map(|word| ((word.check, word.portfolio_id), word.id)).collect())
}

/// Portfolios that the latest checks of the data hold back: their own failures block them, and nobody accepted those.
pub(super) async fn held_back_by_checks(connection: &mut PgConnection, accepted: &Accepted) -> Result<BTreeSet<PortfolioId>, sqlx::Error> {
    let rows = sqlx::query!(
        "select distinct portfolio_id, check_name from ops.check_result
         where run_id = (select max(run_id) from ops.check_result where not is_of_models)
           and not is_of_models
           and scope = 'portfolio' and portfolio_id > 0 and action in ('block', 'fail') and not passed and acceptance_id is null"
    );
    let is_borne = |check: &str, portfolio| [portfolio, 0].iter().any(|of| accepted.contains_key(&(check.to_owned(), *of)));
    let failing = rows.fetch_all(connection).await?.into_iter().filter(|row| !is_borne(&row.check_name, row.portfolio_id));
    Ok(failing.map(|row| PortfolioId(row.portfolio_id)).collect())
}

/// The outcome of every test of the models, for the data quality page: one row a test, or one for each portfolio whose rows fail it.
pub(super) async fn verdicts(
    connection: &mut PgConnection,
    run_id: i64,
    verdicts: &[Verdict],
    held_back: &BTreeSet<PortfolioId>,
    accepted: &Accepted,
) -> Result<(), sqlx::Error> {
    let rows: Vec<Row> = verdicts.iter().flat_map(|verdict| rows(verdict, held_back)).collect();
    sqlx::query!(
        "insert into ops.check_result (run_id, portfolio_id, check_name, dimension, scope, severity, action, passed, observed, expected,
                                       failures, samples, message, duration_ms, acceptance_id)
         select $1, portfolio, name, 'model', case portfolio when 0 then 'installation' else 'portfolio' end, severity,
                case severity when 'error' then 'block' else 'record' end, passed, failures || ' rows', '0 rows', failures, samples, message, ms, accepted
         from unnest($2::bigint[], $3::text[], $4::text[], $5::bigint[], $6::jsonb[], $7::text[], $8::float8[], $9::bigint[], $10::boolean[])
              as verdict (portfolio, name, severity, failures, samples, message, ms, accepted, passed)",
        run_id,
        &rows.iter().map(|row| row.portfolio).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.verdict.name.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| if row.verdict.severity == Severity::Warn { "warn" } else { "error" }.to_owned()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.failures).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.samples.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.message.clone()).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.verdict.duration_ms).collect::<Vec<_>>(),
        &rows.iter().map(|row| row.accepted_in(accepted)).collect::<Vec<_>>() as &[Option<i64>],
        &rows.iter().map(|row| row.verdict.passed).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// One result of a test.
struct Row<'v> {
    verdict: &'v Verdict,
    /// 0: of all.
    portfolio: i64,
    failures: i64,
    samples: Value,
    message: String,
}

impl Row<'_> {
    fn accepted_in(&self, accepted: &Accepted) -> Option<i64> {
        let of = |portfolio| accepted.get(&(self.verdict.name.clone(), portfolio)).copied();
        of(self.portfolio).or(of(0)).filter(|_| !self.verdict.passed)
    }
}

fn rows<'v>(verdict: &'v Verdict, held_back: &BTreeSet<PortfolioId>) -> Vec<Row<'v>> {
    let row = |portfolio, failures, samples| {
        let message = match failures {
            0 if !verdict.passed => "No row exists where some must. Look at what the test reads.".into(),
            _ => message(verdict.severity, portfolio, failures, held_back.contains(&PortfolioId(portfolio))),
        };
        Row { verdict, portfolio, failures, samples, message }
    };
    let Some(portfolios) = &verdict.portfolios else { return vec![row(0, verdict.failures, verdict.samples.clone())] };
    let own = |portfolio: i64| {
        let is_own = |sample: &&Value| sample.get("portfolio_id").and_then(Value::as_i64) == Some(portfolio);
        verdict.samples.as_array().map(|all| all.iter().filter(is_own).cloned().collect()).unwrap_or_default()
    };
    portfolios.iter().map(|(portfolio, failures)| row(*portfolio, *failures, Value::Array(own(*portfolio)))).collect()
}

fn message(severity: Severity, portfolio: i64, failures: i64, is_held_back: bool) -> String {
    match (failures, severity) {
        (0, _) => "As it should be.".into(),
        (_, Severity::Warn) => format!("{failures} rows should not exist; the numbers were published with them. Look at the samples."),
        (_, Severity::Error) if portfolio > 0 && is_held_back => format!(
            "{failures} rows must not exist, so this portfolio keeps its last good numbers. Look at the samples, correct their source and run again."
        ),
        (_, Severity::Error) => {
            format!("{failures} rows must not exist, so nothing was published. Look at the samples, correct their source and run again.")
        }
    }
}

/// Portfolios that could not be booked: they keep their last good numbers.
pub(super) async fn failed_bookings(connection: &mut PgConnection, run_id: i64, portfolios: &[PortfolioId]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into ops.check_result (run_id, portfolio_id, check_name, dimension, scope, severity, action, passed, observed, expected,
                                       elements, failures, message)
         select $1, portfolio_id, 'ledger_booked', 'model', 'portfolio', 'error', 'block', false, 'failed', 'booked', 1, 1,
                'This portfolio could not be booked and keeps its last good numbers. Check its latest transactions, then run again.'
         from unnest($2::bigint[]) as portfolio_id",
        run_id,
        &portfolios.iter().map(|portfolio| portfolio.get()).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Says once of each portfolio that it is held back, and of which day its numbers are; and that it is mended, once it is.
pub(super) async fn alerts(
    connection: &mut PgConnection,
    scope: Scope,
    held_back: &BTreeSet<PortfolioId>,
    session: Option<NaiveDate>,
) -> Result<(), sqlx::Error> {
    let subjects: Vec<String> = held_back.iter().map(|portfolio| format!("portfolio {}", portfolio.get())).collect();
    let since = session.map_or_else(|| "It has none so far".into(), |day| format!("They are of {day}"));
    let message = format!(
        "A portfolio's new numbers failed their checks, so it keeps its last good ones. {since}. The data quality page says what is wrong and what mends it."
    );
    sqlx::query!(
        "insert into ops.alert (kind, subject, message) select 'held_back', subject, $2 from unnest($1::text[]) as subject
         on conflict (kind, subject) where resolved_at is null do nothing",
        &subjects,
        message,
    )
    .execute(&mut *connection)
    .await?;
    let only = match scope {
        Scope::All => None,
        Scope::Portfolio(portfolio) => Some(format!("portfolio {}", portfolio.get())),
    };
    sqlx::query!(
        "update ops.alert set resolved_at = clock_timestamp()
         where kind = 'held_back' and resolved_at is null and subject <> all ($1) and ($2::text is null or subject = $2)",
        &subjects,
        only,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// The number that the publication will have.
pub(super) async fn next_number(connection: &mut PgConnection) -> Result<i64, sqlx::Error> {
    let next = sqlx::query_scalar!(r#"select nextval(pg_get_serial_sequence('ops.publication', 'publication_id')) as "id!""#);
    next.fetch_one(connection).await
}

/// Notes the publication itself; what it shows is kept beside it (`kept`).
pub(super) async fn publication(
    connection: &mut PgConnection,
    run_id: i64,
    aim: &Aim<'_>,
    models: &[BuiltModel],
    portfolios: &[i64],
    replaced: &[String],
) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into ops.publication (publication_id, run_id, session_date, change_id, checks_passed, checks_total, models, keeps_all, keeps_courses,
                                      portfolios, response_id, program, replaced_models)
         overriding system value
         select $8, $1, $2, $3, count(*) filter (where passed), count(*), $4, true, true, $5,
                coalesce((select response_id from ops.judged), (select max(response_id) from raw.vendor_response), 0), $6, $7
         from ops.check_result where run_id = $1",
        run_id,
        aim.through,
        aim.change_id,
        Json(models) as _,
        portfolios,
        env!("CARGO_PKG_VERSION"),
        replaced,
        aim.publication_id,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Every portfolio that has days, or of which some were shown.
pub(super) async fn everybody(connection: &mut PgConnection) -> Result<Vec<PortfolioId>, sqlx::Error> {
    let all = sqlx::query_scalar!(
        r#"select portfolio_id as "id!" from ledger.portfolio_day union select portfolio_id from ops.published_portfolio_day"#
    );
    Ok(all.fetch_all(connection).await?.into_iter().map(PortfolioId).collect())
}
