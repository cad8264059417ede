//! Why the cash of an account differs from the broker's. Pure.

use super::{
    cause::{Cause, Evidence, Suspicion, openings, plain, without},
    shares::{implied_price, named},
    typing::slip,
};
use crate::quality::entries::{Difference, Entry};
use app::quality::model::{Repair, Transaction};
use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;

/// Fills are rounded one by one: a handful of cents.
const CENTS: Decimal = Decimal::from_parts(5, 0, 0, false, 2);
/// Less than half a cent apart is the same amount.
const EQUAL: Decimal = Decimal::from_parts(5, 0, 0, false, 3);
/// Dividends are credited some days after the day on which they are paid.
const CREDIT_DAYS: u64 = 7;
const SETTLING_DAYS: u64 = 3;

pub(super) fn suspicions(difference: &Difference, evidence: &Evidence<'_>) -> Vec<Suspicion> {
    let gap = difference.reported - difference.derived;
    let mut found = Vec::new();
    found.extend(openings(difference, evidence));
    found.extend(unbooked(evidence, gap));
    found.extend(one_too_many(evidence, gap));
    found.extend(dividend(evidence, gap));
    found.extend(fee_as_before(evidence, gap));
    found.extend(mistyped(evidence, gap));
    found.extend(both_sides(evidence, gap));
    found.extend(settling(evidence, gap));
    found.extend((gap.abs() <= CENTS).then(|| Suspicion {
        cause: Cause::Rounding,
        weight: 60,
        explanation: format!("{:.2}: the broker rounds each fill to cents. Nothing has to be done.", gap),
        repair: Some(Repair::Accept),
    }));
    found
}

fn is_near(one: Decimal, other: Decimal) -> bool {
    (one - other).abs() < EQUAL
}

fn entered(evidence: &Evidence<'_>, kind: &str, on: NaiveDate, symbol: Option<String>, amount: Decimal) -> Repair {
    Repair::Transaction(Transaction {
        portfolio: evidence.portfolio,
        account: evidence.account,
        what: kind.into(),
        traded_on: on,
        symbol,
        quantity: None,
        price: None,
        amount: Some(amount.abs().round_dp(4).normalize()),
    })
}

fn unbooked(evidence: &Evidence<'_>, gap: Decimal) -> Option<Suspicion> {
    let told = evidence.unbooked.iter().find(|told| told.amount.is_some_and(|amount| is_near(amount.abs(), gap.abs())))?;
    let why = if told.is_cancelled { "was cancelled" } else { "is of a type that isn't booked" };
    let kind = if gap > Decimal::ZERO { "deposit" } else { "fee" };
    Some(Suspicion {
        cause: Cause::MissingTransaction,
        weight: 88,
        explanation: format!(
            "The broker's activity {} of {} ({}) is about {:.2} and {why}; enter by hand what it did.",
            told.key,
            told.on,
            told.named,
            gap.abs()
        ),
        repair: Some(entered(evidence, kind, told.on, None, gap)),
    })
}

fn one_too_many(evidence: &Evidence<'_>, gap: Decimal) -> Option<Suspicion> {
    let fits = |entry: &&&Entry| entry.kind.is_some() && !entry.cash.is_zero() && is_near(entry.cash, -gap);
    let mut suspects: Vec<&&Entry> = evidence.entries.iter().filter(fits).collect();
    suspects.sort_by_key(|entry| (entry.source == "broker", std::cmp::Reverse(entry.on)));
    let suspect = suspects.first()?;
    let has_twin = suspects.iter().any(|other| other.key != suspect.key && other.on == suspect.on);
    let what = format!("{} of {:.2} on {}", named(suspect), suspect.cash.abs(), suspect.on);
    let (cause, weight, explanation) = if has_twin {
        (Cause::DoubledTransaction, 94, format!("The {what} is on file twice; delete the one that is too many."))
    } else if suspect.kind.as_deref() == Some("dividend") && suspect.on + Days::new(CREDIT_DAYS) >= evidence.session {
        (Cause::NotCreditedYet, 90, format!("The {what} isn't credited at the broker yet; it should be within days."))
    } else if suspect.on + Days::new(SETTLING_DAYS) >= evidence.session {
        (
            Cause::PendingSettlement,
            84,
            format!("The {what} is so fresh that the broker's cash may not hold it yet; wait for the next report."),
        )
    } else if suspect.source == "broker" {
        (
            Cause::DoubledTransaction,
            58,
            format!("Without the {what} the two would agree: the broker may have taken it back. Fetch the activities again."),
        )
    } else {
        (
            Cause::DoubledTransaction,
            82,
            format!("The broker doesn't know the {what}, which was entered by hand; delete it if it didn't happen."),
        )
    };
    Some(Suspicion { cause, weight, explanation, repair: Some(without(suspect, cause, evidence)) })
}

/// The broker has credited a dividend that isn't among the entries.
fn dividend(evidence: &Evidence<'_>, gap: Decimal) -> Option<Suspicion> {
    let payout = evidence.payouts.iter().filter(|payout| is_near(payout.amount.round_dp(2), gap)).max_by_key(|payout| payout.paid_on)?;
    Some(Suspicion {
        cause: Cause::MissingTransaction,
        weight: 86,
        explanation: format!(
            "The dividend of {} paid on {} comes to just this, and no entry has it; fetch the activities again, or enter it.",
            payout.symbol, payout.paid_on
        ),
        repair: Some(entered(evidence, "dividend", payout.paid_on, Some(payout.symbol.clone()), gap)),
    })
}

/// A fee or tax of just this amount was booked before: this time it is missing.
fn fee_as_before(evidence: &Evidence<'_>, gap: Decimal) -> Option<Suspicion> {
    let is_fee = |entry: &&&Entry| matches!(entry.kind.as_deref(), Some("fee" | "tax")) && is_near(entry.cash, gap);
    let before = evidence.entries.iter().filter(is_fee).max_by_key(|entry| entry.on)?;
    let kind = before.kind.as_deref().unwrap_or("fee");
    Some(Suspicion {
        cause: Cause::MissingTransaction,
        weight: 76,
        explanation: format!(
            "A {kind} of {:.2} was booked on {}; another one of the same amount seems to be missing.",
            gap.abs(),
            before.on
        ),
        repair: Some(entered(evidence, kind, evidence.session, before.symbol.clone(), gap)),
    })
}

fn mistyped(evidence: &Evidence<'_>, gap: Decimal) -> Option<Suspicion> {
    evidence.entries.iter().filter(|entry| entry.source != "broker").rev().find_map(|entry| {
        let meant = entry.cash + gap;
        let slip = slip(entry.cash, meant).filter(|_| (entry.cash > Decimal::ZERO) == (meant > Decimal::ZERO))?;
        let transaction = entry.key.strip_prefix("book:").and_then(|key| key.parse().ok());
        Some(Suspicion {
            cause: Cause::QuantityOff,
            weight: 80,
            explanation: format!(
                "The {} of {} on {} was probably {}: {}.",
                named(entry),
                plain(entry.cash),
                entry.on,
                plain(meant),
                slip.in_words()
            ),
            repair: transaction.map(|transaction| Repair::Correct { portfolio: evidence.portfolio, transaction }),
        })
    })
}

/// The shares of one symbol differ, too, and by about as much as this cash buys.
fn both_sides(evidence: &Evidence<'_>, gap: Decimal) -> Option<Suspicion> {
    evidence.others.iter().filter(|other| !other.symbol.is_empty()).find_map(|other| {
        let shares = other.reported - other.derived;
        let of_symbol: Vec<&Entry> =
            evidence.entries.iter().copied().filter(|entry| entry.symbol.as_deref() == Some(other.symbol.as_str())).collect();
        let price = implied_price(shares, gap, &of_symbol, evidence)?;
        let what = if shares > Decimal::ZERO { "purchase" } else { "sale" };
        Some(Suspicion {
            cause: Cause::MissingTransaction,
            weight: 85,
            explanation: format!(
                "The shares of {} differ as well: a {what} of {} at about {price} that isn't on file explains both.",
                other.symbol,
                plain(shares)
            ),
            repair: None,
        })
    })
}

/// All trades of the last days together.
fn settling(evidence: &Evidence<'_>, gap: Decimal) -> Option<Suspicion> {
    let fresh = evidence.entries.iter().filter(|entry| entry.kind.is_some() && entry.on + Days::new(SETTLING_DAYS) >= evidence.session);
    let (count, sum) = fresh.fold((0, Decimal::ZERO), |(count, sum), entry| (count + 1, sum.checked_add(entry.cash).unwrap_or(sum)));
    (count > 1 && !sum.is_zero() && is_near(sum, -gap)).then(|| Suspicion {
        cause: Cause::PendingSettlement,
        weight: 78,
        explanation: format!(
            "The {count} entries of the last days come to just this; the broker's cash may not hold them yet. Wait for the next report."
        ),
        repair: Some(Repair::Accept),
    })
}
