//! What the activity page says and takes.

use crate::domain::{AccountId, Money, Symbol, TransactionId};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// A page of transactions, newest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Activity {
    pub currency: String,
    pub accounts: Vec<AccountChoice>,
    pub rows: Vec<Entry>,
    pub total: u64,
    pub page: u32,
    pub pages: u32,
    /// Opening balances that a broker's cut history leaves open.
    pub proposals: Vec<OpeningProposal>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AccountChoice {
    pub id: AccountId,
    pub name: String,
    /// Fed by a broker: entries by hand are possible too.
    pub is_connected: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Stable key: the broker's activity id, or our transaction's number.
    pub key: String,
    /// Set where it was entered by hand, imported or confirmed: those can be corrected and deleted.
    pub transaction: Option<TransactionId>,
    pub version: i32,
    pub traded_on: NaiveDate,
    pub account: AccountId,
    pub account_name: String,
    pub kind: String,
    pub symbol: Option<Symbol>,
    pub quantity: Option<Decimal>,
    pub price: Option<Decimal>,
    pub amount: Money,
    pub fee: Money,
    pub tax: Money,
    pub note: String,
    /// "broker", "hand", "csv", "opening".
    pub source: String,
}

/// A form's fields as typed; parsed by `TransactionInput::parse` in the server's store and nowhere else.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct TransactionForm {
    pub account: String,
    pub traded_on: String,
    pub kind: String,
    pub symbol: String,
    pub quantity: String,
    pub price: String,
    pub amount: String,
    pub fee: String,
    pub tax: String,
    pub note: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OpeningProposal {
    pub account: AccountId,
    pub account_name: String,
    /// `None`: cash.
    pub symbol: Option<Symbol>,
    pub opened_on: NaiveDate,
    pub quantity: Option<Decimal>,
    pub amount: Money,
}

/// What an import would do, or did: a reason for every row that isn't taken.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ImportReport {
    pub is_dry_run: bool,
    pub new: u32,
    pub already_there: u32,
    pub refused: Vec<RefusedRow>,
    /// The first rows as they were understood.
    pub preview: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RefusedRow {
    /// Line in the file; the header is line 1.
    pub line: u64,
    pub reason: String,
}
