//! One check, run by run, and how each dataset did.

use super::super::{Result, Store};
use crate::{auth::Role, quality::without_reason};
use app::{
    domain::{Scope, UserId},
    error::AppError,
    quality::model::{History, HistoryRow, ScoreRow},
};
use chrono::Utc;

/// Runs on a check's page.
const RUNS: i64 = 100;
/// Runs of the trend.
const TREND: i64 = 30;

impl Store {
    pub(super) async fn check_history(&self, user: UserId, scope: Scope, check: &str) -> Result<History> {
        let is_administrator = self.role(user).await? == Role::Administrator;
        let (mine, symbols) = self.seen_by(user, scope).await?;
        let rows = sqlx::query!(
            r#"select run_id, min(checked_at) as "checked_at!", bool_and(passed) as "passed!", max(elements) as "elements!",
                      coalesce(sum(failures) filter (where not passed), 0)::bigint as "failures!", min(expected) as "expected!",
                      min(dimension) as "dimension!", min(dataset) as "dataset!",
                      (array_agg(severity order by passed, array_position(array['fatal', 'error', 'warn', 'info'], severity)))[1] as "severity!",
                      (array_agg(message order by passed, symbol nulls first, result_id))[1] as "message!"
               from ops.check_result
               where check_name = $1 and portfolio_id = any(0 || $2::bigint[]) and (symbol is null or symbol = any($3))
               group by run_id order by run_id desc limit $4"#,
            check,
            &mine,
            &symbols,
            RUNS,
        )
        .fetch_all(&self.pool)
        .await?;
        let Some(latest) = rows.first() else { return Err(AppError::NotFound.into()) };
        let (expected, dimension, dataset) = (latest.expected.clone(), latest.dimension.clone(), latest.dataset.clone());
        let count = |number: i64| u64::try_from(number).unwrap_or_default();
        let runs = rows.into_iter().map(|row| HistoryRow {
            run_id: row.run_id,
            checked_at: row.checked_at,
            severity: row.severity,
            passed: row.passed,
            elements: count(row.elements),
            failures: count(row.failures),
            message: if is_administrator { row.message } else { without_reason(row.message) },
        });
        Ok(History { name: check.to_owned(), expected, dimension, dataset, runs: runs.collect(), rendered_at: Utc::now() })
    }

    /// The share of each dataset's checks that passed, weighted by severity, in the last runs. A result without a dataset counts by
    /// what it is about.
    pub(super) async fn scores(&self, mine: &[i64], symbols: &[String]) -> Result<Vec<ScoreRow>> {
        let rows = sqlx::query!(
            r#"with counted as (
                   select run_id, coalesce(nullif(dataset, ''), dimension) as dataset, passed,
                          case severity when 'fatal' then 8 when 'error' then 4 when 'block' then 4 when 'warn' then 2 else 1 end as weight
                   from ops.check_result
                   where run_id in (
                           select distinct run_id from ops.check_result where not is_of_models and portfolio_id = any(0 || $1::bigint[])
                           order by run_id desc limit $3)
                     and portfolio_id = any(0 || $1::bigint[]) and (symbol is null or symbol = any($2))
                     and (passed or not exists (
                         select from book.acceptance
                         where acceptance.check_name = check_result.check_name and acceptance.portfolio_id = check_result.portfolio_id
                           and (acceptance.symbol is null or acceptance.symbol = check_result.symbol) and (acceptance.session_date is null
                          or check_result.failures = 1 and check_result.samples -> 0 ->> 'session_date' = acceptance.session_date::text)
                           and acceptance.revoked_at is null and acceptance.expires_on >= $4)))
               select dataset as "dataset!", run_id, count(*) as "checks!",
                      coalesce(sum(weight) filter (where passed), 0)::float8 / sum(weight)::float8 as "score!"
               from counted group by dataset, run_id order by dataset, run_id"#,
            mine,
            symbols,
            TREND,
            self.today(),
        )
        .fetch_all(&self.pool)
        .await?;
        let mut scores: Vec<ScoreRow> = Vec::new();
        for row in rows {
            let checks = u32::try_from(row.checks).unwrap_or(u32::MAX);
            match scores.last_mut().filter(|last| last.dataset == row.dataset) {
                Some(last) => {
                    (last.score, last.checks) = (row.score, checks);
                    last.trend.push(row.score);
                }
                None => scores.push(ScoreRow { dataset: row.dataset, score: row.score, checks, trend: vec![row.score] }),
            }
        }
        Ok(scores)
    }

    /// The portfolios and symbols that this person sees in this scope.
    pub(super) async fn seen_by(&self, user: UserId, scope: Scope) -> Result<(Vec<i64>, Vec<String>)> {
        let mut mine = self.portfolios_of(user).await?;
        if scope.portfolio.is_some() {
            mine = vec![self.owned(user, scope).await?.id.get()];
        }
        let symbols = sqlx::query_file_scalar!("src/store/symbols_of_person.sql", &mine).fetch_all(&self.pool).await?;
        Ok((mine, symbols))
    }
}
