//! What probably lies behind a difference to the broker: every cause that fits is a suspicion with its evidence, the strongest is said.

use super::{cash, shares};
use crate::quality::{
    entries::{Difference, Entry},
    verdict::Split,
};
use app::quality::model::Repair;
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// Why the broker reports something else than the transactions explain, as in `ops.reconciliation.cause`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    OpeningsNotConfirmed,
    SplitNotApplied,
    MissingTransaction,
    DoubledTransaction,
    QuantityOff,
    NotCreditedYet,
    PendingSettlement,
    Rounding,
    Unknown,
}

impl Cause {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::OpeningsNotConfirmed => "openings_not_confirmed",
            Self::SplitNotApplied => "split_not_applied",
            Self::MissingTransaction => "missing_transaction",
            Self::DoubledTransaction => "doubled_transaction",
            Self::QuantityOff => "quantity_off",
            Self::NotCreditedYet => "not_credited_yet",
            Self::PendingSettlement => "pending_settlement",
            Self::Rounding => "rounding",
            Self::Unknown => "unknown",
        }
    }
}

/// A cause that fits, how well, and what would mend it.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Suspicion {
    pub(super) cause: Cause,
    /// Compared only; from 0 (nothing is known) to 100.
    pub(super) weight: u8,
    /// One sentence with the evidence.
    pub(super) explanation: String,
    pub(super) repair: Option<Repair>,
}

/// An activity of the broker that isn't booked: of an unknown type, or cancelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Unbooked {
    pub(super) key: String,
    pub(super) on: NaiveDate,
    pub(super) named: String,
    pub(super) symbol: Option<String>,
    pub(super) quantity: Option<Decimal>,
    pub(super) amount: Option<Decimal>,
    pub(super) is_cancelled: bool,
}

/// A proposed opening balance; an empty symbol: cash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Opening {
    pub(super) symbol: String,
    pub(super) quantity: Option<Decimal>,
    pub(super) amount: Decimal,
}

/// A dividend on file and the shares that the account held before its ex-date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Payout {
    pub(super) symbol: String,
    pub(super) paid_on: NaiveDate,
    pub(super) amount: Decimal,
}

/// What is known of one account.
#[derive(Debug, Clone, Default)]
pub(super) struct Evidence<'a> {
    pub(super) portfolio: i64,
    pub(super) account: i64,
    /// The session of the broker's report.
    pub(super) session: NaiveDate,
    pub(super) entries: Vec<&'a Entry>,
    /// Of the symbol in question.
    pub(super) splits: &'a [Split],
    pub(super) unbooked: &'a [Unbooked],
    pub(super) openings: &'a [Opening],
    pub(super) payouts: &'a [Payout],
    /// The other differences of the account.
    pub(super) others: Vec<&'a Difference>,
}

/// The most probable cause. Where two fit alike, the one that is looked for first.
pub(super) fn likely(difference: &Difference, evidence: &Evidence<'_>) -> Suspicion {
    let suspicions =
        if difference.symbol.is_empty() { cash::suspicions(difference, evidence) } else { shares::suspicions(difference, evidence) };
    let mut best = unknown(difference);
    for suspicion in suspicions {
        if suspicion.weight > best.weight {
            best = suspicion;
        }
    }
    best
}

fn unknown(difference: &Difference) -> Suspicion {
    let what = if difference.symbol.is_empty() { "No entry, dividend or fee" } else { "No entry, split or opening balance" };
    Suspicion {
        cause: Cause::Unknown,
        weight: 0,
        explanation: format!("{what} on file explains it. Compare the broker's statement with the list of transactions."),
        repair: None,
    }
}

/// Openings that wait for a decision explain what nothing else does, and for certain what equals one of them.
pub(super) fn openings(difference: &Difference, evidence: &Evidence<'_>) -> Option<Suspicion> {
    let gap = difference.reported - difference.derived;
    let matching = evidence.openings.iter().find(|opening| opening.symbol == difference.symbol);
    let proposed = matching.and_then(|opening| if opening.symbol.is_empty() { Some(opening.amount) } else { opening.quantity });
    let is_exact = proposed.is_some_and(|proposed| proposed.round_dp(2) == gap.round_dp(2));
    if evidence.openings.is_empty() {
        return None;
    }
    let explanation = if is_exact {
        "The proposed opening balance is exactly this difference, and waits for your decision."
    } else {
        "Opening balances were proposed for this account and wait for your decision; until then its beginning is missing."
    };
    Some(Suspicion {
        cause: Cause::OpeningsNotConfirmed,
        weight: if is_exact { 98 } else { 50 },
        explanation: explanation.into(),
        repair: Some(Repair::Openings { portfolio: evidence.portfolio }),
    })
}

/// Share counts and amounts for a person, signs dropped.
pub(super) fn plain(number: Decimal) -> String {
    number.abs().normalize().to_string()
}

/// What mends a difference that an entry explains by not being the broker's too: patience, its correction, or the broker's own list.
pub(super) fn without(suspect: &Entry, cause: Cause, evidence: &Evidence<'_>) -> Repair {
    match (cause, suspect.key.strip_prefix("book:").and_then(|key| key.parse().ok())) {
        (Cause::PendingSettlement | Cause::NotCreditedYet, _) => Repair::Accept,
        (_, Some(transaction)) => Repair::Correct { portfolio: evidence.portfolio, transaction },
        (_, None) => Repair::Activities { portfolio: evidence.portfolio, from: suspect.on },
    }
}
