//! The page as a whole: results and scores, and what beside them waits or was decided.

use super::super::{Result, Store};
use crate::{auth::Role, calendar};
use app::{
    domain::{Scope, UserId},
    quality::model::{FreshnessRow, Quality, ReconciliationRow, RuleRow, UnbookedRow},
};
use chrono::Utc;

/// Entries on the page that couldn't be booked: more have one cause, such as a missing history.
const UNBOOKED: i64 = 100;

impl Store {
    /// Everything that the page and its export say.
    ///
    /// # Errors
    /// [`app::error::AppError::NotFound`] for a portfolio of somebody else.
    pub async fn quality(&self, user: UserId, scope: Scope) -> Result<Quality> {
        let role = self.role(user).await?;
        let (mine, symbols) = self.seen_by(user, scope).await?;
        let latest = self.latest_results(&mine, &symbols, role == Role::Administrator).await?;
        let counted = || latest.checks.iter().filter(|check| check.accepted.is_none());
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Ok(Quality {
            run_id: latest.run_id,
            checked_at: latest.checked_at,
            passed: count(counted().filter(|check| check.passed).count()),
            total: count(counted().count()),
            scores: self.scores(&mine, &symbols).await?,
            quarantine: self.quarantine(&symbols).await?,
            quarantined_elsewhere: if role == Role::Administrator { self.quarantined_elsewhere(&symbols).await? } else { 0 },
            reconciliation: self.reconciliation(&mine).await?,
            prices: self.prices(&symbols).await?,
            acceptances: self.acceptances(&mine, &symbols, role).await?,
            rules: if role == Role::Administrator { self.rules().await? } else { Vec::new() },
            unbooked: self.unbooked(&mine).await?,
            freshness: self.freshness(user, &mine).await?,
            may_decide: role == Role::Administrator,
            may_change: role != Role::Demo,
            latest_expiry: self.latest_expiry(),
            today: self.today(),
            rendered_at: Utc::now(),
            checks: latest.checks,
        })
    }

    async fn reconciliation(&self, mine: &[i64]) -> Result<Vec<ReconciliationRow>> {
        let rows = sqlx::query!(
            "select portfolio_id, portfolio.name as portfolio_name, account.name as account_name, symbol, derived, reported, since, cause,
                    explanation, repair
             from ops.reconciliation join book.portfolio using (portfolio_id) join book.account using (portfolio_id, account_id)
             where portfolio_id = any($1) and resolved_on is null order by portfolio_id, account_id, symbol",
            mine
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| ReconciliationRow {
                portfolio: row.portfolio_id,
                portfolio_name: row.portfolio_name,
                account_name: row.account_name,
                symbol: Some(row.symbol).filter(|symbol| !symbol.is_empty()),
                derived: row.derived.normalize(),
                reported: row.reported.normalize(),
                since: row.since,
                cause: row.cause,
                explanation: row.explanation,
                repair: row.repair.and_then(|repair| serde_json::from_value(repair).ok()),
            })
            .collect())
    }

    /// Checks that people wrote, their latest versions.
    async fn rules(&self) -> Result<Vec<RuleRow>> {
        Ok(sqlx::query_as!(
            RuleRow,
            r#"select rule_id as id, version, latest.name, jsonb_pretty(definition) as "definition!",
                      coalesce(display_name, 'a person who left') as "entered_by!", entered_at
               from (select distinct on (rule_id) * from book.check_rule order by rule_id, version desc) as latest
                    left join auth."user" on user_id = entered_by
               where not is_deleted order by latest.name, rule_id"#
        )
        .fetch_all(&self.pool)
        .await?)
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
