//! Why a position differs from the broker's. Pure.

use super::{
    cause::{Cause, Evidence, Suspicion, Unbooked, openings, plain, without},
    typing::slip,
};
use crate::quality::{
    entries::{Difference, Entry},
    verdict::{Split, growth},
};
use app::quality::model::{Repair, Transaction};
use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Brokers round fractional shares at up to six decimals, and each fill by itself.
const ROUNDED: Decimal = Decimal::from_parts(1, 0, 0, false, 3);
/// Less is equal: see `entries::LEAST_SHARES`.
const EQUAL: Decimal = Decimal::from_parts(2, 0, 0, false, 6);
/// A trade of the report's day, or the session before, may not be in the report yet.
const SETTLING_DAYS: u64 = 3;
/// A broker books a split within a week.
const SPLIT_DAYS: u64 = 8;
/// A split this near gives a ratio that no split on file has some credit.
const NEAR_DAYS: i64 = 30;
/// Usual splits: new shares for old.
const USUAL: [(i64, i64); 14] =
    [(2, 1), (3, 1), (4, 1), (5, 1), (7, 1), (10, 1), (15, 1), (20, 1), (25, 1), (50, 1), (3, 2), (4, 3), (5, 4), (5, 2)];

pub(super) fn suspicions(difference: &Difference, evidence: &Evidence<'_>) -> Vec<Suspicion> {
    let gap = difference.reported - difference.derived;
    let entries: Vec<&Entry> =
        evidence.entries.iter().copied().filter(|entry| entry.symbol.as_deref() == Some(difference.symbol.as_str())).collect();
    let mut found = Vec::new();
    found.extend(openings(difference, evidence));
    found.extend(split(difference, evidence));
    found.extend(unbooked(difference, evidence, gap));
    found.extend(rest_of_an_order(evidence, &entries, gap));
    found.extend(one_too_many(difference, evidence, &entries, gap));
    found.extend(mistyped(difference, evidence, &entries, gap));
    found.extend(both_sides(difference, evidence, &entries, gap));
    found.extend((gap.abs() <= ROUNDED).then(|| Suspicion {
        cause: Cause::Rounding,
        weight: 65,
        explanation: format!("{} of a share: the broker rounds fractional shares. Nothing has to be done.", plain(gap)),
        repair: Some(Repair::Accept),
    }));
    found
}

fn is_near(one: Decimal, other: Decimal) -> bool {
    (one - other).abs() <= EQUAL
}

fn in_words(split: &Split) -> String {
    format!("{} for {} on {}", split.to.normalize(), split.from.normalize(), split.execution_date)
}

fn split(difference: &Difference, evidence: &Evidence<'_>) -> Option<Suspicion> {
    if difference.derived.is_zero() || difference.reported.is_zero() {
        return None;
    }
    let fetch =
        |day: NaiveDate| Repair::Fetch { symbol: difference.symbol.clone(), from: day - Days::new(SPLIT_DAYS), to: evidence.session };
    let suspicion = |weight, explanation, day| Suspicion { cause: Cause::SplitNotApplied, weight, explanation, repair: Some(fetch(day)) };
    let is_ratio = |to: Decimal, from: Decimal| {
        let expected = difference.derived.checked_mul(to).and_then(|shares| shares.checked_div(from));
        // Fractions that a split leaves are paid out in cash.
        expected.is_some_and(|expected| is_near(expected, difference.reported) || is_near(expected.trunc(), difference.reported))
    };
    for split in evidence.splits.iter().filter(|split| split.from > Decimal::ZERO && split.to > Decimal::ZERO && split.from != split.to) {
        if is_ratio(split.from, split.to) {
            let is_fresh = split.execution_date <= evidence.session && evidence.session <= split.execution_date + Days::new(SPLIT_DAYS);
            let explanation = if is_fresh {
                format!("The broker hasn't applied the split of {} yet; it should within days.", in_words(split))
            } else {
                format!("The split of {} seems to be counted twice: entries before it may be in new shares already.", in_words(split))
            };
            return Some(suspicion(90, explanation, split.execution_date));
        }
        if is_ratio(split.to, split.from) {
            let is_ahead = split.execution_date > evidence.session;
            let explanation = if is_ahead {
                format!("The broker has applied the split of {}, which isn't in force here yet.", in_words(split))
            } else {
                format!("The split of {} isn't applied to the shares here that came before it.", in_words(split))
            };
            return Some(suspicion(90, explanation, split.execution_date.min(evidence.session)));
        }
    }
    // Without a split on file nothing says that fractions were paid out, and few shares more are bought more often than split off.
    let near = evidence.splits.iter().find(|split| (split.execution_date - evidence.session).num_days().abs() <= NEAR_DAYS);
    let is_just = |to: Decimal, from: Decimal| difference.derived.checked_mul(to) == difference.reported.checked_mul(from);
    let ratios = USUAL.iter().flat_map(|(to, from)| [(*to, *from), (*from, *to)]);
    let (to, from) = ratios
        .into_iter()
        .find(|(to, from)| (near.is_some() || *to == 1 || *from == 1) && is_just(Decimal::from(*to), Decimal::from(*from)))?;
    Some(match near {
        Some(split) => suspicion(
            80,
            format!("The broker holds as if the split had been {to} for {from}; on file is {}. Fetch it again.", in_words(split)),
            split.execution_date,
        ),
        None => suspicion(
            55,
            format!("The broker holds {to} for each {from} here, as after a split; none of that ratio is on file. Fetch the splits again."),
            evidence.session - Days::new(SPLIT_DAYS),
        ),
    })
}

/// An activity that isn't booked has just this quantity.
fn unbooked(difference: &Difference, evidence: &Evidence<'_>, gap: Decimal) -> Option<Suspicion> {
    let told = evidence.unbooked.iter().find(|told| {
        told.symbol.as_deref() == Some(difference.symbol.as_str())
            && told.quantity.is_some_and(|quantity| is_near(quantity.abs(), gap.abs()))
    })?;
    if !told.is_cancelled && matches!(told.named.as_str(), "NC" | "SC") {
        return Some(new_name(told, evidence.unbooked));
    }
    let why = if told.is_cancelled { "was cancelled" } else { "is of a type that isn't booked" };
    let price = told.amount.and_then(|amount| amount.abs().checked_div(gap.abs())).map(|price| price.round_dp(4).normalize());
    Some(Suspicion {
        cause: Cause::MissingTransaction,
        weight: 88,
        explanation: format!(
            "The broker's activity {} of {} ({}) moved {} shares and {why}; enter by hand what it did.",
            told.key,
            told.on,
            told.named,
            plain(gap)
        ),
        repair: Some(Repair::Transaction(entered(difference, evidence, gap, told.on, price))),
    })
}

/// Half of a new name. A transfer would lose what the shares cost and when they were bought, so none is proposed.
fn new_name(told: &Unbooked, all: &[Unbooked]) -> Suspicion {
    let gets = |half: &Unbooked| half.quantity.is_some_and(|quantity| quantity > Decimal::ZERO);
    let halves: Vec<&Unbooked> = all
        .iter()
        .filter(|other| {
            let is_half = other.named == told.named && other.on == told.on && !other.is_cancelled;
            is_half && other.symbol != told.symbol && other.symbol.is_some() && other.quantity == told.quantity.map(|quantity| -quantity)
        })
        .collect();
    let symbol = told.symbol.as_deref().unwrap_or_default();
    let enter = match halves[..] {
        [half] => {
            let other = half.symbol.as_deref().unwrap_or_default();
            let (old, new) = if gets(told) { (other, symbol) } else { (symbol, other) };
            format!(
                "with {}, which is its other half, it says that {old} is called {new} now. Enter a symbol change from {old} to {new} on {}",
                half.key, told.on
            )
        }
        _ => format!("its other half isn't certain. Enter a symbol change from the old symbol to the new one ({symbol} is one of the two)"),
    };
    Suspicion {
        cause: Cause::MissingTransaction,
        weight: 88,
        explanation: format!(
            "The broker's activity {} of {} ({}) is a new name, which isn't booked by itself; {enter}, unless one is entered already.",
            told.key, told.on, told.named
        ),
        repair: None,
    }
}

/// A transaction that would close the gap. Shares without a price come and go by transfer.
fn entered(difference: &Difference, evidence: &Evidence<'_>, gap: Decimal, on: NaiveDate, price: Option<Decimal>) -> Transaction {
    let kind = match (price.is_some(), gap > Decimal::ZERO) {
        (true, true) => "buy",
        (true, false) => "sell",
        (false, true) => "transfer_in",
        (false, false) => "transfer_out",
    };
    Transaction {
        portfolio: evidence.portfolio,
        account: evidence.account,
        what: kind.into(),
        traded_on: on,
        symbol: Some(difference.symbol.clone()),
        quantity: Some(gap.abs().normalize()),
        price,
        amount: None,
    }
}

/// An order of which the broker says that more was filled than the fills on file add up to.
fn rest_of_an_order(evidence: &Evidence<'_>, entries: &[&Entry], gap: Decimal) -> Option<Suspicion> {
    let mut orders: BTreeMap<&str, (Decimal, Decimal, &Entry)> = BTreeMap::new();
    for entry in entries {
        let Some((order, filled)) = entry.fill.as_deref().and_then(|fill| fill.rsplit_once(' ')) else { continue };
        let (Ok(filled), Some(shares)) = (filled.parse::<Decimal>(), entry.shares) else { continue };
        let of_order = orders.entry(order).or_insert((Decimal::ZERO, Decimal::ZERO, entry));
        (of_order.0, of_order.1) = (of_order.0.max(filled), of_order.1 + shares.abs());
    }
    orders.into_iter().find_map(|(order, (filled, on_file, entry))| {
        let signed = if entry.shares.is_some_and(|shares| shares > Decimal::ZERO) { filled - on_file } else { on_file - filled };
        let missing = signed.checked_mul(growth(evidence.splits, entry.on, evidence.session))?;
        (filled > on_file && is_near(missing, gap)).then(|| Suspicion {
            cause: Cause::MissingTransaction,
            weight: 92,
            explanation: format!(
                "Of the order {order} of {} the broker filled {}, the fills on file add up to {}; fetch the activities again.",
                entry.on,
                plain(filled),
                plain(on_file)
            ),
            repair: Some(Repair::Activities { portfolio: evidence.portfolio, from: entry.on }),
        })
    })
}

/// One entry less, and the two agree.
fn one_too_many(difference: &Difference, evidence: &Evidence<'_>, entries: &[&Entry], gap: Decimal) -> Option<Suspicion> {
    let grown = |entry: &Entry| entry.shares.and_then(|shares| shares.checked_mul(growth(evidence.splits, entry.on, evidence.session)));
    // The latest first: what was there for long agreed before.
    let mut suspects: Vec<&&Entry> =
        entries.iter().filter(|entry| entry.kind.is_some() && grown(entry).is_some_and(|shares| is_near(shares, -gap))).collect();
    suspects.sort_by_key(|entry| (entry.source == "broker", std::cmp::Reverse(entry.on)));
    let suspect = suspects.first()?;
    let has_twin = entries.iter().any(|other| other.key != suspect.key && other.on == suspect.on && other.shares == suspect.shares);
    let is_fresh = suspect.on + Days::new(SETTLING_DAYS) >= evidence.session;
    let what = format!("{} of {} {} on {}", named(suspect), plain(gap), difference.symbol, suspect.on);
    let (cause, weight, explanation) = if has_twin {
        (Cause::DoubledTransaction, 94, format!("The {what} is on file twice; delete the one that is too many."))
    } else if is_fresh {
        (
            Cause::PendingSettlement,
            84,
            format!("The {what} is so fresh that the broker's report may not hold it yet; wait for the next one."),
        )
    } else if suspect.source == "broker" {
        (
            Cause::DoubledTransaction,
            60,
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

/// "sale", "purchase"; what has no name of its own keeps the type's.
pub(super) fn named(entry: &Entry) -> String {
    match entry.kind.as_deref() {
        Some("buy") => "purchase".into(),
        Some("sell") => "sale".into(),
        Some(kind) => kind.replace('_', " "),
        None => "entry".into(),
    }
}

/// One entry by hand with another quantity, one slip away, and the two agree.
fn mistyped(difference: &Difference, evidence: &Evidence<'_>, entries: &[&Entry], gap: Decimal) -> Option<Suspicion> {
    entries.iter().filter(|entry| entry.source != "broker").rev().find_map(|entry| {
        let typed = entry.shares?;
        let meant = typed + gap.checked_div(growth(evidence.splits, entry.on, evidence.session))?;
        let slip = slip(typed, meant).filter(|_| (typed > Decimal::ZERO) == (meant > Decimal::ZERO))?;
        let transaction = entry.key.strip_prefix("book:").and_then(|key| key.parse().ok());
        Some(Suspicion {
            cause: Cause::QuantityOff,
            weight: 86,
            explanation: format!(
                "The {} of {} {} on {} was probably {}: {}.",
                named(entry),
                plain(typed),
                difference.symbol,
                entry.on,
                plain(meant),
                slip.in_words()
            ),
            repair: transaction.map(|transaction| Repair::Correct { portfolio: evidence.portfolio, transaction }),
        })
    })
}

/// Cash differs as well, by about what the shares cost: one trade is missing.
fn both_sides(difference: &Difference, evidence: &Evidence<'_>, entries: &[&Entry], gap: Decimal) -> Option<Suspicion> {
    let cash = evidence.others.iter().find(|other| other.symbol.is_empty())?;
    let price = implied_price(gap, cash.reported - cash.derived, entries, evidence)?;
    let what = if gap > Decimal::ZERO { "purchase" } else { "sale" };
    Some(Suspicion {
        cause: Cause::MissingTransaction,
        weight: 85,
        explanation: format!(
            "Cash differs as well: a {what} of {} {} at about {price} that isn't on file explains both.",
            plain(gap),
            difference.symbol
        ),
        repair: Some(Repair::Transaction(entered(difference, evidence, gap, evidence.session, Some(price)))),
    })
}

/// What a share would have cost, where one missing trade explains shares and cash; near the last price that is known.
pub(super) fn implied_price(shares: Decimal, cash: Decimal, entries: &[&Entry], evidence: &Evidence<'_>) -> Option<Decimal> {
    if shares.is_zero() || (shares > Decimal::ZERO) == (cash > Decimal::ZERO) {
        return None;
    }
    let price = (cash / shares).abs().round_dp(4).normalize();
    let last = entries.iter().filter(|entry| entry.price.is_some_and(|price| price > Decimal::ZERO)).max_by_key(|entry| entry.on)?;
    let known = last.price?.checked_div(growth(evidence.splits, last.on, evidence.session))?;
    let quarter = known.checked_mul(Decimal::new(25, 2))?;
    ((price - known).abs() <= quarter).then_some(price)
}
