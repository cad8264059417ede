//! Everything the UI asks of the server, on one page. The server implements it with SQL, tests with fixed answers.

use crate::{
    account::model::Door,
    activity::model::{Activity, ImportReport, TransactionForm},
    domain::{AccountId, ConnectionId, PortfolioId, Scope, TransactionId, UserId},
    error::AppError,
    explain::{
        model::{Asked, Explanation},
        restated::Restatements,
    },
    holdings::model::Holdings,
    overview::model::{Frame, OverviewPage},
    performance::model::Performance,
    pipeline::model::{Pipeline, Question, Run},
    quality::model::{AcceptanceForm, History, PriceForm, Quality, QuarantineKey, RuleForm, RulePage, Word},
    settings::model::{Accounts, ConnectionForm, Connections, People},
};
use async_trait::async_trait;
use chrono::NaiveDate;
use leptos::prelude::use_context;
use std::sync::Arc;

/// Every method takes the person first and answers only what is theirs: a portfolio of another is [`AppError::NotFound`].
#[async_trait]
pub trait Portfolios: Send + Sync {
    async fn frame(&self, user: UserId, scope: Scope) -> Result<Frame, AppError>;
    /// `None` while nothing was published for the portfolio.
    async fn overview(&self, user: UserId, scope: Scope) -> Result<Option<OverviewPage>, AppError>;
    /// Every measure of the scope. `None` while nothing was published.
    async fn performance(&self, user: UserId, scope: Scope) -> Result<Option<Performance>, AppError>;
    async fn holdings(&self, user: UserId, scope: Scope) -> Result<Option<Holdings>, AppError>;
}

#[async_trait]
pub trait Activities: Send + Sync {
    /// `page` counts from 1, 50 rows each.
    async fn list(&self, user: UserId, scope: Scope, page: u32) -> Result<Activity, AppError>;
    /// Enters a transaction; republishes the portfolio.
    async fn enter(&self, user: UserId, scope: Scope, form: TransactionForm) -> Result<TransactionId, AppError>;
    /// A correction is a new version; `version` is the one that was shown, so that two people don't overwrite each other.
    async fn correct(
        &self,
        user: UserId,
        scope: Scope,
        transaction: TransactionId,
        version: i32,
        form: TransactionForm,
    ) -> Result<(), AppError>;
    async fn delete(&self, user: UserId, scope: Scope, transaction: TransactionId, version: i32) -> Result<(), AppError>;
    /// Our own CSV, as the export writes it. Idempotent.
    async fn import(&self, user: UserId, scope: Scope, account: AccountId, csv: String, is_dry_run: bool)
    -> Result<ImportReport, AppError>;
    /// Confirms or dismisses all proposed opening balances of an account.
    async fn decide_openings(&self, user: UserId, scope: Scope, account: AccountId, confirm: bool) -> Result<(), AppError>;
    /// `currency`: in which its value is reckoned; empty: USD.
    async fn create_portfolio(&self, user: UserId, name: String, currency: String) -> Result<(), AppError>;
    async fn create_account(&self, user: UserId, scope: Scope, name: String) -> Result<(), AppError>;
}

#[async_trait]
pub trait Operations: Send + Sync {
    async fn pipeline(&self, user: UserId, question: Question) -> Result<Pipeline, AppError>;
    /// `task`: the number of the one whose whole log is wanted.
    async fn run(&self, user: UserId, run_id: i64, task: Option<i64>) -> Result<Run, AppError>;
    /// Requests a daily run of the last completed session; answers the run's number. The live one's, when one is under way.
    async fn run_now(&self, user: UserId) -> Result<i64, AppError>;
    async fn pause(&self, user: UserId, dag: String) -> Result<(), AppError>;
    async fn resume(&self, user: UserId, dag: String) -> Result<(), AppError>;
    async fn cancel(&self, user: UserId, run_id: i64) -> Result<(), AppError>;
    /// Its runs that haven't ended; administrators only.
    async fn cancel_backfill(&self, user: UserId, backfill_id: i64) -> Result<(), AppError>;
    /// Without a task: those that failed.
    async fn clear(&self, user: UserId, run_id: i64, task: String, downstream: bool) -> Result<(), AppError>;
    async fn note(&self, user: UserId, run_id: i64, text: String) -> Result<(), AppError>;
}

/// What was checked, and what people decide about it. What all portfolios share is the administrators' to decide.
#[async_trait]
pub trait DataQuality: Send + Sync {
    async fn quality(&self, user: UserId, scope: Scope) -> Result<Quality, AppError>;
    /// One check, run by run.
    async fn history(&self, user: UserId, scope: Scope, check: String) -> Result<History, AppError>;
    /// Judges a row in quarantine anew and lets it be used if it passes; one that still fails only with a note and an end.
    async fn release(&self, user: UserId, row: QuarantineKey, word: Word) -> Result<(), AppError>;
    /// Never uses a row in quarantine, and waits for it no longer.
    async fn discard(&self, user: UserId, row: QuarantineKey, word: Word) -> Result<(), AppError>;
    async fn enter_price(&self, user: UserId, form: PriceForm) -> Result<(), AppError>;
    /// `version` is the one that was shown.
    async fn remove_price(&self, user: UserId, symbol: String, session: NaiveDate, version: i32) -> Result<(), AppError>;
    async fn accept(&self, user: UserId, form: AcceptanceForm) -> Result<(), AppError>;
    async fn revoke(&self, user: UserId, acceptance: i64) -> Result<(), AppError>;
    /// The form of a new rule; `tried`: with the sessions on which it would have failed. Administrators only, like the two that follow.
    async fn rule(&self, user: UserId, rule: RuleForm, tried: bool) -> Result<RulePage, AppError>;
    async fn save_rule(&self, user: UserId, rule: RuleForm) -> Result<(), AppError>;
    /// `version` is the one that was shown.
    async fn remove_rule(&self, user: UserId, rule: i64, version: i32) -> Result<(), AppError>;
    /// Answers the number of the run that asks the vendor once more.
    async fn fetch(&self, user: UserId, symbol: String, from: NaiveDate, to: NaiveDate) -> Result<i64, AppError>;
    async fn fetch_activities(&self, user: UserId, portfolio: PortfolioId, from: NaiveDate) -> Result<i64, AppError>;
}

/// How figures were made, and which moved since they were published.
#[async_trait]
pub trait Explanations: Send + Sync {
    async fn explain(&self, user: UserId, asked: Asked) -> Result<Explanation, AppError>;
    /// Of the scope's portfolio, newest first; `page` counts from 1.
    async fn restatements(&self, user: UserId, scope: Scope, page: u32) -> Result<Restatements, AppError>;
}

#[async_trait]
pub trait Settings: Send + Sync {
    async fn connections(&self, user: UserId) -> Result<Connections, AppError>;
    /// Tests the keys against Alpaca, keeps them encrypted, creates portfolio and account, requests the first backfill.
    async fn add_connection(&self, user: UserId, form: ConnectionForm) -> Result<(), AppError>;
    async fn test_connection(&self, user: UserId, connection: ConnectionId) -> Result<(), AppError>;
    async fn remove_connection(&self, user: UserId, connection: ConnectionId) -> Result<(), AppError>;
    /// All accounts of the person's portfolios, and how each is kept.
    async fn accounts(&self, user: UserId) -> Result<Accounts, AppError>;
    /// How sales are reckoned from now on and for all the past: the portfolio is booked anew.
    async fn keep_account(&self, user: UserId, account: AccountId, cost_basis: String, allows_short: bool) -> Result<(), AppError>;
    /// Administrators only, like all that follow.
    async fn people(&self, user: UserId) -> Result<People, AppError>;
    async fn add_person(&self, user: UserId, name: String, display_name: String, role: String, password: String) -> Result<(), AppError>;
    async fn set_disabled(&self, user: UserId, person: UserId, is_disabled: bool) -> Result<(), AppError>;
    /// One's own password; other sessions of the person end.
    async fn change_password(&self, user: UserId, current: String, new: String) -> Result<(), AppError>;
}

#[async_trait]
pub trait Doors: Send + Sync {
    async fn door(&self, user: Option<UserId>) -> Result<Door, AppError>;
}

#[derive(Clone)]
pub struct Ports {
    pub portfolios: Arc<dyn Portfolios>,
    pub activities: Arc<dyn Activities>,
    pub operations: Arc<dyn Operations>,
    pub quality: Arc<dyn DataQuality>,
    pub explanations: Arc<dyn Explanations>,
    pub settings: Arc<dyn Settings>,
    pub doors: Arc<dyn Doors>,
}

/// Who asks. Provided by the server for each request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Visitor(pub Option<UserId>);

/// The signed-in person and the ports.
pub struct SignedIn {
    pub user: UserId,
    pub ports: Ports,
}

/// The ports, for the few answers that a stranger gets.
///
/// # Errors
/// [`AppError::Internal`] outside a request.
pub fn ports() -> Result<Ports, AppError> {
    use_context::<Ports>().ok_or_else(|| AppError::Internal { reference: "no ports".into() })
}

/// The person behind this request, for everything else.
///
/// # Errors
/// [`AppError::SignInRequired`] for a stranger.
pub fn signed_in() -> Result<SignedIn, AppError> {
    let user = use_context::<Visitor>().and_then(|visitor| visitor.0).ok_or(AppError::SignInRequired)?;
    Ok(SignedIn { user, ports: ports()? })
}
