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
    /// Of price, amount, fee and tax.
    pub currency: String,
    /// New shares for one old share, or received for one that is held.
    pub ratio: Option<Decimal>,
    /// What a spin-off, a merger or a change of symbol leads to.
    pub counter_symbol: Option<Symbol>,
    /// The part of the cost that goes along with a spin-off, a fraction.
    pub cost_share: Option<Decimal>,
    /// Of a purchase its lot's name, of a sale the name of the lot that is sold.
    pub lot_id: Option<String>,
    /// Of securities that came in: when they were bought.
    pub opened_on: Option<NaiveDate>,
    pub note: String,
    /// "broker", "hand", "csv", "opening".
    pub source: String,
}

/// A form's fields as typed; parsed by `TransactionInput::parse` in the server's store and nowhere else. A field that isn't sent
/// is empty: forms leave out what a kind doesn't need.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
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
    /// Empty: the portfolio's.
    pub currency: String,
    pub ratio: String,
    pub counter_symbol: String,
    pub cost_share: String,
    pub lot_id: String,
    pub opened_on: String,
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

impl ImportReport {
    /// Refused rows that are named; the rest is counted.
    const NAMED: usize = 5;

    /// The report as sentences.
    pub fn in_words(&self) -> String {
        let rows = |count: u32| if count == 1 { "1 row".to_owned() } else { format!("{count} rows") };
        let mut text = if self.is_dry_run {
            format!("Dry run, nothing was kept: {} would be added, {} known already.", rows(self.new), rows(self.already_there))
        } else {
            format!("{} added, {} known already.", rows(self.new), rows(self.already_there))
        };
        for row in self.refused.iter().take(Self::NAMED) {
            text.push_str(&format!(" Line {}: {}", row.line, row.reason));
        }
        if let Some(more) = self.refused.len().checked_sub(Self::NAMED).filter(|more| *more > 0) {
            text.push_str(&format!(" And {more} more lines that can't be taken."));
        }
        text
    }
}

impl Entry {
    /// The form's fields with what the entry says, to be corrected.
    pub fn as_form(&self) -> TransactionForm {
        let decimal = |number: Option<Decimal>| number.map_or_else(String::new, |number| number.normalize().to_string());
        TransactionForm {
            account: self.account.to_string(),
            traded_on: self.traded_on.to_string(),
            kind: self.kind.clone(),
            symbol: self.symbol.as_ref().map_or_else(String::new, Symbol::to_string),
            quantity: decimal(self.quantity),
            price: decimal(self.price),
            amount: decimal(Some(self.amount.0)),
            fee: decimal(Some(self.fee.0)),
            tax: decimal(Some(self.tax.0)),
            currency: self.currency.clone(),
            ratio: decimal(self.ratio),
            counter_symbol: self.counter_symbol.as_ref().map_or_else(String::new, Symbol::to_string),
            cost_share: decimal(self.cost_share),
            lot_id: self.lot_id.clone().unwrap_or_default(),
            opened_on: self.opened_on.map_or_else(String::new, |day| day.to_string()),
            note: self.note.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_names_the_first_refused_lines_and_counts_the_rest() {
        let refused = (2..9).map(|line| RefusedRow { line, reason: "The date is missing.".into() }).collect();
        let report = ImportReport { is_dry_run: true, new: 1, already_there: 0, refused, preview: vec![] };
        let text = report.in_words();
        assert!(text.starts_with("Dry run, nothing was kept: 1 row would be added, 0 rows known already. Line 2: The date is missing."));
        assert!(text.ends_with("And 2 more lines that can't be taken."));
    }
}
