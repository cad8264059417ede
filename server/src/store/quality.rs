//! The data quality page: what was checked, what is in quarantine, what couldn't be booked, how old each source is. Symbols that only others hold aren't shown.

use super::{Error, Result, Store};
use crate::calendar;
use app::{
    domain::{Scope, Symbol, UserId},
    quality::model::{CheckRow, FreshnessRow, Quality, QuarantineRow, UnbookedRow},
};
use chrono::Utc;
use serde_json::Value;
use std::collections::BTreeSet;

/// Rows in quarantine on the page: more are a vendor's failure, which its own check tells.
const QUARANTINED: i64 = 100;
/// Entries on the page that couldn't be booked: more have one cause, such as a missing history.
const UNBOOKED: i64 = 100;

impl Store {
    pub(super) async fn quality(&self, user: UserId, scope: Scope) -> Result<Quality> {
        let mut mine = self.portfolios_of(user).await?;
        if scope.portfolio.is_some() {
            mine = vec![self.owned(user, scope).await?.id.get()];
        }
        let symbols = sqlx::query_file_scalar!("src/store/symbols_of_person.sql", &mine).fetch_all(&self.pool).await?;
        let results = sqlx::query_file!("src/store/check_results.sql", &mine, &symbols).fetch_all(&self.pool).await?;
        let known: BTreeSet<&str> = symbols.iter().map(String::as_str).collect();
        let run_id = results.first().map(|row| row.run_id);
        let checked_at = results.iter().map(|row| row.checked_at).max();
        let checks: Vec<CheckRow> = results
            .into_iter()
            .map(|row| CheckRow {
                name: row.check_name,
                dimension: row.dimension,
                scope: row.scope,
                severity: row.severity,
                passed: row.passed,
                observed: row.observed,
                expected: row.expected,
                elements: u64::try_from(row.elements).unwrap_or_default(),
                failures: u64::try_from(row.failures).unwrap_or_default(),
                message: row.message,
                samples: samples(&row.samples, &known, &mine),
            })
            .collect();
        Ok(Quality {
            run_id,
            checked_at,
            passed: u32::try_from(checks.iter().filter(|check| check.passed).count()).unwrap_or(u32::MAX),
            total: u32::try_from(checks.len()).unwrap_or(u32::MAX),
            checks,
            quarantine: self.quarantine(&symbols).await?,
            unbooked: self.unbooked(&mine).await?,
            freshness: self.freshness(user, &mine).await?,
            rendered_at: Utc::now(),
        })
    }

    /// Failing checks of the latest run that concern this person.
    pub(super) async fn open_findings(&self, mine: &[i64]) -> Result<u32> {
        let failing = sqlx::query_scalar!(
            r#"select count(*) as "count!" from ops.check_result
               where not passed and severity <> 'info'
                 and run_id = (select max(run_id) from ops.check_result where dimension <> 'model' and portfolio_id = any(0 || $1::bigint[]))
                 and portfolio_id = any(0 || $1::bigint[])
                 and (symbol is null or symbol = 'SPY'
                      or exists (select from book.transaction as entered where entered.portfolio_id = any($1) and entered.symbol = check_result.symbol)
                      or exists (select from raw.broker_activity as told where told.portfolio_id = any($1) and told.symbol = check_result.symbol)
                      or exists (select from raw.broker_position as held where held.portfolio_id = any($1) and held.symbol = check_result.symbol))"#,
            mine
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(u32::try_from(failing).unwrap_or(u32::MAX))
    }

    async fn quarantine(&self, symbols: &[String]) -> Result<Vec<QuarantineRow>> {
        let rows = sqlx::query!(
            "select symbol, session_date, check_name, reason, quarantined_at from ops.quarantine
             where released_at is null and symbol = any($1) order by session_date desc, symbol limit $2",
            symbols,
            QUARANTINED
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|row| {
                Ok(QuarantineRow {
                    symbol: Symbol::parse(&row.symbol).map_err(|error| Error::Decode(error.to_string()))?,
                    session_date: row.session_date,
                    check: row.check_name,
                    reason: row.reason,
                    quarantined_at: row.quarantined_at,
                })
            })
            .collect()
    }

    /// What the ledgers of these portfolios left out.
    async fn unbooked(&self, mine: &[i64]) -> Result<Vec<UnbookedRow>> {
        if !self.is_published().await? {
            return Ok(Vec::new());
        }
        let rows = sqlx::query_as!(
            UnbookedRow,
            "select session_date, symbol, message from ledger.finding where portfolio_id = any($1)
             order by session_date desc, portfolio_id, number desc limit $2",
            mine,
            UNBOOKED
        );
        Ok(rows.fetch_all(&self.pool).await?)
    }

    /// How old each source is. Prices by the benchmark's, which every run fetches; the Treasury publishes a session later.
    async fn freshness(&self, user: UserId, mine: &[i64]) -> Result<Vec<FreshnessRow>> {
        let latest = sqlx::query!(
            r#"select
                (select max(session_date) from raw.market_data where symbol = 'SPY') as prices_on,
                (select fetched_at from raw.vendor_response where vendor = 'polygon' order by response_id desc limit 1) as prices_at,
                (select max(session_date) from raw.broker_position_fetch where portfolio_id = any($1)) as broker_on,
                (select max(fetched_at) from raw.broker_position_fetch where portfolio_id = any($1)) as broker_at,
                exists(select from book.connection where owner_id = $2 and vendor = 'alpaca' and disabled_at is null) as "has_broker!",
                (select max(observed_on) from raw.economic_observation where series_id = 'DGS3MO') as rate_on,
                (select fetched_at from raw.vendor_response where vendor = 'fred' order by response_id desc limit 1) as rate_at"#,
            mine,
            user.get()
        )
        .fetch_one(&self.pool)
        .await?;
        let session = self.clock.last_completed_session();
        let row = |source: &str, latest, expected, fetched_at| FreshnessRow {
            source: source.into(),
            latest,
            expected,
            fetched_at,
            is_fresh: latest >= Some(expected),
        };
        let mut rows = vec![row("Prices (Polygon)", latest.prices_on, session, latest.prices_at)];
        if latest.has_broker {
            rows.push(row("Broker (Alpaca)", latest.broker_on, session, latest.broker_at));
        }
        rows.push(row("Risk-free rate (FRED)", latest.rate_on, calendar::session_before(session), latest.rate_at));
        Ok(rows)
    }
}

/// Failing rows as text, without those that name what only others have.
fn samples(samples: &Value, symbols: &BTreeSet<&str>, portfolios: &[i64]) -> Vec<String> {
    let is_mine = |sample: &&Value| {
        sample.get("symbol").and_then(Value::as_str).is_none_or(|symbol| symbols.contains(symbol))
            && sample.get("portfolio_id").and_then(Value::as_i64).is_none_or(|portfolio| portfolios.contains(&portfolio))
    };
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let line = |sample: &Value| match sample {
        Value::Object(fields) => fields.iter().map(|(name, value)| format!("{name} {}", text(value))).collect::<Vec<_>>().join(", "),
        other => text(other),
    };
    samples.as_array().map(|samples| samples.iter().filter(is_mine).map(line).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn samples_name_only_what_is_ones_own() {
        let all = json!([{ "symbol": "AAPL", "close": "-1" }, { "symbol": "TSLA" }, { "portfolio_id": 2 }, { "portfolio_id": 1 }, "plain"]);
        assert_eq!(samples(&all, &BTreeSet::from(["AAPL"]), &[1]), ["close -1, symbol AAPL", "portfolio_id 1", "plain"]);
        assert!(samples(&json!(null), &BTreeSet::new(), &[]).is_empty());
    }
}
