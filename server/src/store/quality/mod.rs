//! The data quality page and what people decide on it. Symbols that only others hold aren't shown, and nobody's samples name them.

mod acceptances;
mod history;
mod page;
mod prices;
mod quarantine;
mod results;
mod rules;

use super::{Error, Result, Store};
use app::{
    domain::{PortfolioId, Scope, Symbol, UserId},
    error::AppError,
    ports::DataQuality,
    quality::model::{AcceptanceForm, History, PriceForm, Quality, QuarantineKey, RuleForm, RulePage, Word},
};
use async_trait::async_trait;
use chrono::{Days, NaiveDate};
use serde_json::json;

/// An acceptance ends within a year: what is bearable is looked at again.
const LONGEST_DAYS: u64 = 366;
/// A note that says why.
const LEAST_WORDS: usize = 3;
/// As much as a note needs.
const LONGEST_NOTE: usize = 500;
/// What a person may fetch once more at a time: a year of sessions.
const MOST_DAYS: i64 = 366;

pub(super) struct PgQuality(pub Store);

#[async_trait]
impl DataQuality for PgQuality {
    async fn quality(&self, user: UserId, scope: Scope) -> Result<Quality, AppError> {
        Ok(self.0.quality(user, scope).await?)
    }

    async fn history(&self, user: UserId, scope: Scope, check: String) -> Result<History, AppError> {
        Ok(self.0.check_history(user, scope, &check).await?)
    }

    async fn release(&self, user: UserId, row: QuarantineKey, word: Word) -> Result<(), AppError> {
        Ok(self.0.release(user, row, word).await?)
    }

    async fn discard(&self, user: UserId, row: QuarantineKey, word: Word) -> Result<(), AppError> {
        Ok(self.0.discard(user, row, word).await?)
    }

    async fn enter_price(&self, user: UserId, form: PriceForm) -> Result<(), AppError> {
        Ok(self.0.enter_price(user, &form).await?)
    }

    async fn remove_price(&self, user: UserId, symbol: String, session: NaiveDate, version: i32) -> Result<(), AppError> {
        Ok(self.0.remove_price(user, &symbol, session, version).await?)
    }

    async fn accept(&self, user: UserId, form: AcceptanceForm) -> Result<(), AppError> {
        Ok(self.0.accept(user, &form).await?)
    }

    async fn revoke(&self, user: UserId, acceptance: i64) -> Result<(), AppError> {
        Ok(self.0.revoke(user, acceptance).await?)
    }

    async fn rule(&self, user: UserId, rule: RuleForm, tried: bool) -> Result<RulePage, AppError> {
        Ok(self.0.rule_page(user, rule, tried).await?)
    }

    async fn save_rule(&self, user: UserId, rule: RuleForm) -> Result<(), AppError> {
        Ok(self.0.save_rule(user, &rule).await?)
    }

    async fn remove_rule(&self, user: UserId, rule: i64, version: i32) -> Result<(), AppError> {
        Ok(self.0.remove_rule(user, rule, version).await?)
    }

    async fn fetch(&self, user: UserId, symbol: String, from: NaiveDate, to: NaiveDate) -> Result<i64, AppError> {
        Ok(self.0.fetch_again(user, &symbol, from, to).await?)
    }

    async fn fetch_activities(&self, user: UserId, portfolio: PortfolioId, from: NaiveDate) -> Result<i64, AppError> {
        Ok(self.0.fetch_activities_again(user, portfolio, from).await?)
    }
}

impl Store {
    /// Administrators; the demo's visitor hears why not. What all portfolios share is theirs to decide.
    async fn decider(&self, user: UserId) -> Result<()> {
        self.may_change(user).await?;
        self.administrator(user).await
    }

    /// The person's own portfolio, to change it.
    async fn own_portfolio(&self, user: UserId, portfolio: PortfolioId) -> Result<()> {
        self.may_change(user).await?;
        self.owned(user, Scope { portfolio: Some(portfolio), ..Scope::default() }).await.map(drop)
    }

    async fn fetch_again(&self, user: UserId, symbol: &str, from: NaiveDate, to: NaiveDate) -> Result<i64> {
        self.decider(user).await?;
        let symbol = Symbol::parse(symbol).map_err(|error| Error::invalid("symbol", format!("{error}.")))?;
        is_bounded(from, to)?;
        let is_known = sqlx::query_scalar!(
            r#"select $1 = 'SPY' or exists (select from raw.market_data where symbol = $1) or exists (select from book.transaction where symbol = $1)
                   or exists (select from raw.broker_activity where symbol = $1) or exists (select from raw.broker_position where symbol = $1) as "is!""#,
            symbol.as_str()
        )
        .fetch_one(&self.pool)
        .await?;
        if !is_known {
            return Err(Error::invalid("symbol", format!("Nobody holds or held {symbol}. Check how it is written.")));
        }
        let run_id = self.conductor.refetch(&symbol, from, to, user).await.map_err(Error::from)?;
        let mut connection = self.pool.acquire().await?;
        let details = json!({ "symbol": symbol, "from": from, "to": to });
        super::entries::audit(&mut connection, user, "refetch", &format!("refetch {run_id}"), details).await?;
        Ok(run_id)
    }

    async fn fetch_activities_again(&self, user: UserId, portfolio: PortfolioId, from: NaiveDate) -> Result<i64> {
        self.own_portfolio(user, portfolio).await?;
        is_bounded(from, self.clock.last_completed_session().max(from))?;
        let run_id = self.conductor.refetch_activities(portfolio, from, user).await.map_err(Error::from)?;
        let mut connection = self.pool.acquire().await?;
        super::entries::audit(&mut connection, user, "refetch", &format!("portfolio:{portfolio}"), json!({ "from": from })).await?;
        Ok(run_id)
    }

    /// A decision about prices is kept whatever the publication does: a failing one is the pipeline page's matter, and the log's.
    async fn republish_all(&self, user: UserId) {
        if let Err(error) = self.conductor.republish_all(user).await {
            super::reference(&error);
        }
    }

    fn latest_expiry(&self) -> NaiveDate {
        self.today() + Days::new(LONGEST_DAYS)
    }

    /// A word for a failure as typed: a note of some words and a last day within a year.
    fn word(&self, note: &str, expires_on: &str) -> Result<(String, NaiveDate)> {
        let note = note.trim();
        if note.split_whitespace().count() < LEAST_WORDS {
            return Err(Error::invalid("note", "Say in some words why it may be used, such as: checked with the exchange."));
        }
        let (today, latest) = (self.today(), self.latest_expiry());
        let day = expires_on.trim().parse::<NaiveDate>().ok().filter(|day| (today..=latest).contains(day));
        let day = day.ok_or_else(|| Error::invalid("expires_on", format!("Choose its last day, from {today} to {latest}.")))?;
        Ok((brief(note)?, day))
    }
}

/// A note within its length.
fn brief(note: &str) -> Result<String> {
    let note = note.trim();
    match note.chars().count() {
        ..=LONGEST_NOTE if !note.contains('\0') => Ok(note.to_owned()),
        _ => Err(Error::invalid("note", format!("Keep the note below {LONGEST_NOTE} characters."))),
    }
}

fn is_bounded(from: NaiveDate, to: NaiveDate) -> Result<()> {
    match (to - from).num_days() {
        ..0 => Err(Error::invalid("from", "The first day lies after the last one. Swap them.")),
        0..=MOST_DAYS => Ok(()),
        _ => Err(Error::invalid("from", "Fetch at most a year at a time; for more start a backfill from the command line.")),
    }
}
