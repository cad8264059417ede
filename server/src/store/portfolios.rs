//! The frame of every page, and what a portfolio holds. The overview lies in `overview.rs`.

use super::{Result, Store, explain::weight, published::AsOf};
use crate::auth::Role;
use app::{
    analytics::sessions::no_price,
    domain::{Figure, Money, PortfolioId, Scope, Symbol, Undefined, UserId},
    error::AppError,
    holdings::model::{Holding, Holdings},
    overview::model::{Frame, OverviewPage, PortfolioChoice, PublicationNote, RunningNote},
    performance::model::Performance,
    ports::Portfolios,
};
use async_trait::async_trait;
use chrono::{Days, NaiveDate, Utc};
use rust_decimal::{Decimal, prelude::ToPrimitive};
use std::collections::BTreeMap;

/// Closes in a holding's small chart.
const RECENT_SESSIONS: usize = 30;
/// Calendar days that hold them, holidays included.
const RECENT_DAYS: Days = Days::new(50);

pub(super) struct PgPortfolios(pub Store);

#[async_trait]
impl Portfolios for PgPortfolios {
    async fn frame(&self, user: UserId, scope: Scope) -> Result<Frame, AppError> {
        Ok(self.0.frame(user, scope).await?)
    }

    async fn overview(&self, user: UserId, scope: Scope) -> Result<Option<OverviewPage>, AppError> {
        Ok(self.0.steadily(user, scope, || Box::pin(self.0.overview(user, scope))).await?)
    }

    async fn performance(&self, user: UserId, scope: Scope) -> Result<Option<Performance>, AppError> {
        Ok(self.0.performance(user, scope).await?)
    }

    async fn holdings(&self, user: UserId, scope: Scope) -> Result<Option<Holdings>, AppError> {
        Ok(self.0.steadily(user, scope, || Box::pin(self.0.holdings(user, scope))).await?)
    }
}

impl Store {
    async fn frame(&self, user: UserId, scope: Scope) -> Result<Frame> {
        let person = sqlx::query!(r#"select display_name, role from auth."user" where user_id = $1 and disabled_at is null"#, user.get())
            .fetch_optional(&self.pool)
            .await?
            .ok_or(AppError::SignInRequired)?;
        let role = Role::parse(&person.role);
        let rows =
            sqlx::query!("select portfolio_id, name, is_demo from book.portfolio where owner_id = $1 order by portfolio_id", user.get())
                .fetch_all(&self.pool)
                .await?;
        // Another person's portfolio shows none; the page itself then says that there is nothing.
        let shown = rows.iter().find(|row| scope.portfolio.is_none_or(|wanted| wanted.get() == row.portfolio_id));
        let mine: Vec<i64> = rows.iter().map(|row| row.portfolio_id).collect();
        let (publication, open_findings, running) = tokio::try_join!(
            self.publication(shown.map(|row| PortfolioId(row.portfolio_id)), scope.as_known_on),
            self.open_findings(&mine),
            self.running(&mine),
        )?;
        Ok(Frame {
            display_name: person.display_name,
            is_administrator: role == Some(Role::Administrator),
            shown: shown.map(|row| PortfolioId(row.portfolio_id)),
            publication,
            // With the demo on, everybody's prices are the simulator's.
            is_demo: self.has_demo || shown.is_some_and(|row| row.is_demo),
            open_findings,
            running,
            rendered_at: Utc::now(),
            portfolios: rows.into_iter().map(|row| PortfolioChoice { id: PortfolioId(row.portfolio_id), name: row.name }).collect(),
        })
    }

    /// When the portfolio's numbers were published last, up to the end of a day where one is given.
    async fn publication(&self, portfolio: Option<PortfolioId>, as_known_on: Option<NaiveDate>) -> Result<Option<PublicationNote>> {
        let Some(portfolio) = portfolio else { return Ok(None) };
        if let Some(day) = as_known_on {
            return self.publication_known(portfolio, day).await;
        }
        if !self.is_published().await? {
            return Ok(None);
        }
        // A portfolio published alone has no checks of its own: the last full publication's count.
        let row = sqlx::query!(
            r#"select
                (select max(session_date) from marts.portfolio_daily where portfolio_id = $1) as session_date,
                published_at as "published_at!",
                checks.checks_passed as "passed?",
                checks.checks_total as "total?"
             from (select published_at from ops.publication order by publication_id desc limit 1) as latest
             left join (select checks_passed, checks_total from ops.publication where checks_total > 0
                        order by publication_id desc limit 1) as checks on true"#,
            portfolio.get()
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.and_then(|row| {
            let session_date = row.session_date?;
            Some(PublicationNote {
                session_date,
                published_at: row.published_at,
                checks_passed: count(row.passed.unwrap_or_default()),
                checks_total: count(row.total.unwrap_or_default()),
                is_stale: session_date < self.clock.last_completed_session(),
            })
        }))
    }

    /// The oldest live run that this person sees, and its task under way.
    async fn running(&self, mine: &[i64]) -> Result<Option<RunningNote>> {
        let row = sqlx::query!(
            r#"select run.run_id, run.dag, task.name as "task?", task.progress_done as "done?", task.progress_total as "total?"
             from ops.run
             left join lateral (
                select name, progress_done, progress_total from ops.task
                where task.run_id = run.run_id and task.state in ('running', 'ready', 'delayed')
                order by task.state = 'running' desc, position limit 1
             ) as task on true
             where run.state in ('queued', 'running')
               and (run.parameters ->> 'portfolio' is null or (run.parameters ->> 'portfolio')::bigint = any($1))
             order by run.run_id limit 1"#,
            mine
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|row| RunningNote {
            run_id: row.run_id,
            dag: row.dag,
            task: row.task.map_or_else(|| "waiting".into(), |name| name.replace('_', " ")),
            done: row.done.and_then(|done| done.to_u64()).unwrap_or_default(),
            total: row.total.and_then(|total| total.to_u64()),
        }))
    }

    async fn holdings(&self, user: UserId, scope: Scope) -> Result<Option<Holdings>> {
        let Some(portfolio) = self.shown(user, scope).await? else { return Ok(None) };
        let Some(as_of) = self.as_of(portfolio.id, scope.as_known_on).await? else { return Ok(None) };
        let Some(day) = self.last_day(portfolio.id, as_of).await? else { return Ok(None) };
        let rows = self.lines((portfolio.id, &portfolio.currency), as_of, (day.session_date, day.value), None).await?;
        // Asked for only where something is missing.
        let lacks = [day.cash, day.receivable, day.value].contains(&None);
        let unknown = if lacks { self.unknown(portfolio.id, as_of).await? } else { no_price() };
        let known = |amount: Option<Money>| amount.ok_or_else(|| unknown.clone());
        Ok(Some(Holdings {
            as_of: day.session_date,
            rows,
            cash: known(day.cash),
            receivable: known(day.receivable),
            value: known(day.value),
            is_restated: self.restated(portfolio.id, as_of).await?.contains(&day.session_date),
            currency: portfolio.currency,
        }))
    }

    /// Why a portfolio has no value: the rate or the price that its ledger missed last.
    pub(super) async fn unknown(&self, portfolio: PortfolioId, as_of: AsOf) -> Result<Undefined> {
        let message = match as_of {
            AsOf::Now => {
                sqlx::query_scalar!(
                    "select message from ledger.finding where portfolio_id = $1 and code in ('no_rate', 'no_price') order by number desc limit 1",
                    portfolio.get()
                )
                .fetch_optional(&self.pool)
                .await?
            }
            // Findings of earlier days aren't kept.
            AsOf::Publication(_) => None,
        };
        Ok(message.map_or_else(no_price, Undefined::because))
    }

    /// The largest holdings as of a session and the portfolio's value, or all of them; the small charts of five hundred cost more than the
    /// rest of a page.
    pub(super) async fn lines(
        &self,
        (portfolio, in_currency): (PortfolioId, &str),
        as_of: AsOf,
        (session, whole): (NaiveDate, Option<Money>),
        most: Option<usize>,
    ) -> Result<Vec<Holding>> {
        let rows = self.held(portfolio, as_of, most).await?;
        let symbols: Vec<String> = rows.iter().map(|row| row.symbol.clone()).collect();
        let mut recent = self.recent_closes(&symbols, as_of, session).await?;
        let lines = rows.into_iter().map(|row| {
            let foreign = row.currency.filter(|currency| *currency != in_currency);
            let value = row.value.map(Money).ok_or_else(|| match &foreign {
                Some(currency) if row.close.is_some() && row.rate.is_none() => {
                    Undefined::because(format!("no rate {currency}/{} before {session}", in_currency))
                }
                _ => Undefined::because("no price yet"),
            });
            let cost = row.cost.map(Money).ok_or_else(|| Undefined::because("a rate was missing when it was bought"));
            let gain = value.clone().and_then(|value| Ok(value - cost.clone()?));
            Ok(Holding {
                day_return: day_return(row.close, row.previous_close, row.priced_on, session),
                unrealized_return: gain
                    .clone()
                    // Of what is owed the cost is negative: a loss stays one.
                    .and_then(|gain| gain.share_of(cost.clone()?.abs()).ok_or_else(|| Undefined::because("the cost is zero"))),
                weight: value.clone().and_then(|value| weight(value, whole)),
                recent: recent.remove(&row.symbol).unwrap_or_default(),
                symbol: Symbol::parse(&row.symbol).map_err(|error| super::Error::Decode(error.to_string()))?,
                name: row.name,
                sector: row.sector,
                quantity: row.quantity.normalize(),
                price: row.close.map(|close| close.normalize()),
                price_currency: foreign,
                priced_on: row.priced_on,
                value,
                cost_basis: cost,
                unrealized_gain: gain,
            })
        });
        lines.collect()
    }

    /// The last closes of each symbol in shares of `to`, oldest first.
    async fn recent_closes(&self, symbols: &[String], as_of: AsOf, to: NaiveDate) -> Result<BTreeMap<String, Vec<f64>>> {
        let from = to - RECENT_DAYS;
        let closes = self.closes_between(symbols, as_of, from, to).await?;
        let splits = self.splits_between(symbols, AsOf::Publication(as_of.mark()), from, to).await?;
        let mut recent: BTreeMap<String, Vec<f64>> = BTreeMap::new();
        for row in closes {
            let mut later = splits.iter().filter(|split| split.symbol == row.symbol && split.execution_date > row.session_date);
            let adjusted = later.try_fold(row.close, |close, split| close.checked_mul(split.split_from)?.checked_div(split.split_to));
            recent.entry(row.symbol).or_default().extend(adjusted.and_then(|close| close.to_f64()));
        }
        for closes in recent.values_mut() {
            closes.drain(..closes.len().saturating_sub(RECENT_SESSIONS));
        }
        Ok(recent)
    }
}

/// Price change of the last session, both closes in today's shares.
pub(super) fn day_return(close: Option<Decimal>, previous: Option<Decimal>, priced_on: Option<NaiveDate>, as_of: NaiveDate) -> Figure<f64> {
    let close = close.ok_or_else(|| Undefined::because("no price yet"))?;
    if priced_on != Some(as_of) {
        return Err(Undefined::because("no price on this session: the last close is carried"));
    }
    let previous = previous.filter(|previous| !previous.is_zero()).ok_or_else(|| Undefined::because("no price on the session before"))?;
    (Money(close) - Money(previous)).share_of(Money(previous)).ok_or_else(|| Undefined::because("the price before is zero"))
}

/// Counts in rows are never negative.
pub(super) fn count(number: i32) -> u32 {
    u32::try_from(number).unwrap_or_default()
}
