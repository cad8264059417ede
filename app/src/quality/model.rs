//! What the data quality page says, and what its forms take.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Checks of the latest run that concern this person, failing ones first, and all that waits for a decision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Quality {
    pub run_id: Option<i64>,
    pub checked_at: Option<DateTime<Utc>>,
    /// Accepted failures are in neither: they are known.
    pub passed: u32,
    pub total: u32,
    pub checks: Vec<CheckRow>,
    pub scores: Vec<ScoreRow>,
    pub quarantine: Vec<QuarantineRow>,
    /// Prices in quarantine of symbols that only others hold: a number for administrators, 0 for everybody else.
    pub quarantined_elsewhere: u64,
    pub reconciliation: Vec<ReconciliationRow>,
    pub prices: Vec<PriceRow>,
    pub acceptances: Vec<AcceptanceRow>,
    pub rules: Vec<RuleRow>,
    /// Newest first.
    pub unbooked: Vec<UnbookedRow>,
    pub freshness: Vec<FreshnessRow>,
    /// May decide about what all portfolios share: prices, rules, checks of the installation.
    pub may_decide: bool,
    /// May decide about own portfolios: everybody but the demo's visitor.
    pub may_change: bool,
    /// The last day on which an acceptance made today may end.
    pub latest_expiry: NaiveDate,
    pub today: NaiveDate,
    pub rendered_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CheckRow {
    pub name: String,
    /// Which kind of check it is: not_null, range … Empty: one of the installation's own.
    pub kind: String,
    pub dataset: String,
    pub dimension: String,
    pub scope: String,
    pub severity: String,
    pub action: String,
    /// 0: of all portfolios.
    pub portfolio: i64,
    pub symbol: Option<String>,
    pub passed: bool,
    pub observed: String,
    pub expected: String,
    pub elements: u64,
    /// Elements without a value.
    pub missing: u64,
    pub failures: u64,
    /// One sentence: what is wrong and what to do.
    pub message: String,
    /// Failing rows by key: the columns' names and their values, as text.
    pub samples: Vec<BTreeMap<String, String>>,
    /// The first unexpected values, as text.
    pub unexpected: Vec<String>,
    /// Selects all failing rows. Only for those who may see them all.
    pub query: Option<String>,
    /// What it was compared with, as text.
    pub thresholds: BTreeMap<String, String>,
    pub repairs: Vec<Repair>,
    /// Runs in a row in which it has failed, this one included; 0: it passed.
    pub failing_runs: u32,
    pub failing_since: Option<DateTime<Utc>>,
    /// The acceptance that makes it bearable.
    pub accepted: Option<i64>,
}

impl CheckRow {
    /// The share of elements that fail, where there are any.
    pub fn failing_share(&self) -> Option<f64> {
        (self.elements > 0).then(|| self.failures as f64 / self.elements as f64)
    }
}

/// What would mend a failure.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Repair {
    /// Fetch prices, splits and dividends of the symbol and these days once more.
    Fetch { symbol: String, from: NaiveDate, to: NaiveDate },
    /// Enter a price.
    Price { symbol: String, session: NaiveDate },
    /// Say that it is known and bearable.
    Accept,
    /// Enter the transaction that is missing.
    Transaction(Transaction),
    /// Correct or delete a transaction that was entered by hand.
    Correct { portfolio: i64, transaction: i64 },
    /// Ask the broker for its activities once more.
    Activities { portfolio: i64, from: NaiveDate },
    /// Decide about the proposed opening balances.
    Openings { portfolio: i64 },
}

/// A transaction as the form of the activity page takes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Transaction {
    pub portfolio: i64,
    pub account: i64,
    /// buy, sell, dividend …
    pub what: String,
    pub traded_on: NaiveDate,
    pub symbol: Option<String>,
    pub quantity: Option<Decimal>,
    pub price: Option<Decimal>,
    pub amount: Option<Decimal>,
}

/// How a dataset does, from 0 to 1: the share of its checks that passed, each as heavy as its severity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ScoreRow {
    pub dataset: String,
    pub score: f64,
    pub checks: u32,
    /// Of the last runs, oldest first, this one included.
    pub trend: Vec<f64>,
}

/// A row that failed its checks: not used until somebody releases it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QuarantineRow {
    pub key: QuarantineKey,
    pub checks: Vec<String>,
    pub reason: String,
    /// Who said it; a vendor, or nothing when the answer isn't on file any more.
    pub vendor: Option<String>,
    pub run_id: i64,
    /// The refused values by name.
    pub refused: BTreeMap<String, String>,
    pub quarantined_at: DateTime<Utc>,
}

/// Which row it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct QuarantineKey {
    /// bars, splits, dividends …
    pub dataset: String,
    pub symbol: String,
    pub session_date: NaiveDate,
    #[serde(default)]
    pub row_key: String,
    /// The vendor's answer that holds it. 0: the latest of that symbol and day.
    pub response_id: i64,
}

/// A release or a discard, as typed. With a note and an end a row is released although it still fails.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Word {
    #[serde(default)]
    pub note: String,
    /// The last day on which it holds.
    #[serde(default)]
    pub expires_on: String,
}

/// What the broker reports otherwise than the transactions explain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ReconciliationRow {
    pub portfolio: i64,
    pub portfolio_name: String,
    pub account_name: String,
    /// `None`: cash.
    pub symbol: Option<String>,
    pub derived: Decimal,
    pub reported: Decimal,
    pub since: NaiveDate,
    pub cause: String,
    /// One sentence with the evidence.
    pub explanation: String,
    pub repair: Option<Repair>,
}

/// A price that a person entered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PriceRow {
    pub symbol: String,
    pub session_date: NaiveDate,
    pub version: i32,
    pub close: Decimal,
    pub note: String,
    pub entered_by: String,
    pub entered_at: DateTime<Utc>,
    /// False: a good price of the vendor's has come since and is used instead.
    pub is_used: bool,
}

/// A price as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PriceForm {
    pub symbol: String,
    pub session_date: String,
    pub close: String,
    #[serde(default)]
    pub note: String,
    /// It is right although it is far from its neighbours.
    #[serde(default)]
    pub is_confirmed: bool,
}

/// "This is known and bearable until then."
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AcceptanceRow {
    pub id: i64,
    pub check: String,
    /// 0: of all portfolios.
    pub portfolio: i64,
    pub symbol: Option<String>,
    pub note: String,
    pub expires_on: NaiveDate,
    pub accepted_by: String,
    pub accepted_at: DateTime<Utc>,
    /// Until it is revoked or has expired.
    pub is_active: bool,
    pub may_revoke: bool,
}

/// An acceptance as typed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcceptanceForm {
    pub check: String,
    /// 0: of all portfolios.
    pub portfolio: i64,
    /// Empty: of all symbols.
    #[serde(default)]
    pub symbol: String,
    pub note: String,
    pub expires_on: String,
}

/// A check that a person wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RuleRow {
    pub id: i64,
    pub version: i32,
    pub name: String,
    /// As it would stand in the suite's file.
    pub definition: String,
    pub entered_by: String,
    pub entered_at: DateTime<Utc>,
}

/// A rule as typed, before it is read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleForm {
    /// Lower case, digits and underscores.
    #[serde(default)]
    pub name: String,
    /// bars, splits … or a model such as `marts.holdings`.
    #[serde(default)]
    pub dataset: String,
    #[serde(default)]
    pub kind: String,
    /// One column or several, with commas.
    #[serde(default)]
    pub columns: String,
    /// A line each: `min: 0`, `where: volume > 0`.
    #[serde(default)]
    pub parameters: String,
    #[serde(default)]
    pub severity: String,
    #[serde(default)]
    pub action: String,
    #[serde(default)]
    pub scope: String,
}

/// The page of a new rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RulePage {
    pub form: RuleForm,
    pub kinds: Vec<KindRow>,
    /// Where the rule was tried: what it would have done, or what it has wrong.
    pub tried: Option<Result<Tried, String>>,
}

/// A kind of check in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindRow {
    pub name: String,
    pub description: String,
    /// Name and description of each; required ones first.
    pub parameters: Vec<(String, String)>,
}

/// On which of the last sessions a rule would have failed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    pub sessions: u32,
    /// Oldest first.
    pub fired: Vec<FiredRow>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FiredRow {
    pub session: NaiveDate,
    pub failures: u64,
    /// The first failing row, as text; none where it isn't one's own.
    pub sample: BTreeMap<String, String>,
}

/// One check, run by run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct History {
    pub name: String,
    pub expected: String,
    pub dimension: String,
    pub dataset: String,
    /// Newest first.
    pub runs: Vec<HistoryRow>,
    pub rendered_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HistoryRow {
    pub run_id: i64,
    pub checked_at: DateTime<Utc>,
    pub severity: String,
    pub passed: bool,
    pub elements: u64,
    pub failures: u64,
    /// What was wrong, in its first sentence.
    pub message: String,
}

/// What the ledger couldn't book as it stands: the numbers are right without it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnbookedRow {
    pub session_date: NaiveDate,
    pub symbol: Option<String>,
    /// One sentence: what is wrong and what to do.
    pub message: String,
}

/// How old each source is.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FreshnessRow {
    /// "Prices (Polygon)", "Broker (Alpaca)", "Risk-free rate (FRED)".
    pub source: String,
    pub latest: Option<NaiveDate>,
    pub expected: NaiveDate,
    pub fetched_at: Option<DateTime<Utc>>,
    pub is_fresh: bool,
}
