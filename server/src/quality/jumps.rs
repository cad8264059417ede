//! A symbol whose close jumps without a split is held: its later closes are measured by the last good one too, until a split, a person
//! or a month has decided. The day after a split that nobody reported looks like any other day; by its neighbour alone it would pass,
//! and show a seventh of the value.

use super::{
    bars::{JUMPS, Refusal},
    check::Check,
    dataset::Batch,
    entries::Splits,
    kind::Kind,
    load, suite,
    verdict::{Bar, compared},
};
use crate::calendar;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};

/// Splits that come late come within days. A level on which a price closed for so many sessions is its price.
const LONGEST: usize = 20;

/// What came of the held symbols.
#[derive(Debug, Default)]
pub(super) struct Held {
    pub refused: Vec<(Bar, String)>,
    /// Waiting bars that have nothing to wait for any more.
    pub explained: Vec<(String, NaiveDate)>,
}

/// A bar on the way through its symbol's history.
struct Step {
    bar: Bar,
    /// New or waiting; what isn't was decided and is measured by.
    is_open: bool,
}

/// Bars that wait for a split, by symbol.
pub(super) async fn waiting(connection: &mut PgConnection) -> Result<BTreeMap<String, BTreeSet<NaiveDate>>, sqlx::Error> {
    let rows = sqlx::query!(
        "select symbol, session_date from ops.quarantine
         where dataset = 'bars' and check_name = $1 and released_at is null and discarded_at is null",
        JUMPS
    );
    let mut waiting: BTreeMap<String, BTreeSet<NaiveDate>> = BTreeMap::new();
    for row in rows.fetch_all(connection).await? {
        waiting.entry(row.symbol).or_default().insert(row.session_date);
    }
    Ok(waiting)
}

/// Judges symbols from the first day on that jumps or waits. `jumping`: what jumps by its neighbours; `refused`: what other checks of the
/// batch keep out.
#[expect(clippy::too_many_arguments, reason = "what an examination knows")]
pub(super) async fn judged(
    connection: &mut PgConnection,
    check: &Check,
    jumping: &[(Bar, String)],
    symbols: &[String],
    waiting: &BTreeMap<String, BTreeSet<NaiveDate>>,
    (batch, from): (&Batch, NaiveDate),
    splits: &Splits,
    refused: &[Refusal],
) -> Result<Held, sqlx::Error> {
    let mut held = Held::default();
    let first = first_days(jumping, waiting, symbols);
    if first.is_empty() {
        return Ok(held);
    }
    let out: BTreeSet<(&str, NaiveDate, i64)> =
        refused.iter().map(|refusal| (refusal.symbol.as_str(), refusal.session_date, refusal.response_id)).collect();
    let steps = sqlx::query_file!(
        "src/quality/held_bars.sql",
        &first.keys().cloned().collect::<Vec<_>>(),
        &first.values().copied().collect::<Vec<_>>(),
        batch.judged_response,
        calendar::midnight(from),
        JUMPS,
    )
    .map(|row| Step {
        is_open: row.is_open,
        bar: Bar {
            symbol: row.symbol,
            session_date: row.session_date,
            response_id: row.response_id,
            open: row.open,
            high: row.high,
            low: row.low,
            close: row.close,
            volume: row.volume,
            before: Vec::new(),
        },
    })
    .fetch_all(connection)
    .await?;
    let mut by_symbol: BTreeMap<String, Vec<Step>> = BTreeMap::new();
    for step in steps.into_iter().filter(|step| !out.contains(&(step.bar.symbol.as_str(), step.bar.session_date, step.bar.response_id))) {
        by_symbol.entry(step.bar.symbol.clone()).or_default().push(step);
    }
    for (symbol, steps) in by_symbol {
        let days: BTreeSet<NaiveDate> = steps.iter().filter(|step| step.is_open).map(|step| step.bar.session_date).collect();
        let by_neighbours = |bar: &Bar| {
            let is_it = |known: &Bar| (&known.symbol, known.session_date) == (&bar.symbol, bar.session_date);
            jumping.iter().find(|(known, _)| is_it(known)).map(|(_, reason)| reason.clone())
        };
        let of_symbol = splits.get(&symbol).map_or(&[][..], Vec::as_slice);
        // Where no good close came before, the neighbours are all there is.
        let failing = walk(steps, |bar| if bar.before.is_empty() { by_neighbours(bar) } else { compared(check, bar, of_symbol) });
        let fails: BTreeSet<NaiveDate> = failing.iter().map(|(bar, _)| bar.session_date).collect();
        let of_symbol = waiting.get(&symbol).into_iter().flatten();
        held.explained.extend(of_symbol.filter(|day| days.contains(day) && !fails.contains(day)).map(|day| (symbol.clone(), *day)));
        held.refused.extend(failing);
    }
    Ok(held)
}

/// Goes through one symbol's bars, oldest first: each is measured by the last two good ones.
fn walk(steps: Vec<Step>, judge: impl Fn(&Bar) -> Option<String>) -> Vec<(Bar, String)> {
    let mut refused: Vec<(Bar, String)> = Vec::new();
    let (mut good, mut held): (Vec<_>, usize) = (Vec::new(), 0);
    for Step { mut bar, is_open } in steps {
        bar.before.clone_from(&good);
        match judge(&bar).filter(|_| is_open && held < LONGEST) {
            Some(reason) => {
                held += 1;
                refused.push((bar, reason));
            }
            None => {
                let Some(close) = bar.close.filter(|close| *close > Decimal::ZERO) else { continue };
                // After a hold the level of before is no measure any more.
                if std::mem::take(&mut held) > 0 {
                    good.clear();
                }
                good.insert(0, (bar.session_date, close));
                good.truncate(2);
            }
        }
    }
    refused
}

/// Lets in, under the same word, what waited only because of a price that was released just now. Answers how many.
///
/// # Errors
/// What Postgres says; what the suite has wrong.
pub async fn follow(
    connection: &mut PgConnection,
    symbol: &str,
    decided_by: i64,
    note: &str,
    acceptance_id: Option<i64>,
) -> Result<u64, super::Error> {
    let check = suite::named(JUMPS)?;
    let waiting = waiting(connection).await?;
    // Nothing is new: only what waits is judged.
    let batch = Batch { judged_response: i64::MAX, ..Batch::whole(NaiveDate::MAX) };
    let splits = load::splits(connection).await?;
    let held = judged(connection, &check, &[], &[symbol.to_owned()], &waiting, (&batch, NaiveDate::default()), &splits, &[]).await?;
    let released = sqlx::query!(
        "update ops.quarantine set released_at = clock_timestamp(), decided_by = $3, note = nullif($4, ''), acceptance_id = $5
         where dataset = 'bars' and symbol = $1 and session_date = any($2) and check_name = $6 and released_at is null and discarded_at is null",
        symbol,
        &held.explained.iter().map(|(_, day)| *day).collect::<Vec<_>>(),
        decided_by,
        note,
        acceptance_id,
        JUMPS,
    )
    .execute(connection)
    .await?;
    Ok(released.rows_affected())
}

/// From which day on each symbol is to be judged: its first close that jumps, or that waits.
fn first_days(
    jumping: &[(Bar, String)],
    waiting: &BTreeMap<String, BTreeSet<NaiveDate>>,
    symbols: &[String],
) -> BTreeMap<String, NaiveDate> {
    let jumping = jumping.iter().map(|(bar, _)| (bar.symbol.clone(), bar.session_date));
    let waits = symbols.iter().filter_map(|symbol| Some((symbol.clone(), *waiting.get(symbol)?.first()?)));
    let mut first = BTreeMap::new();
    for (symbol, day) in jumping.chain(waits) {
        first.entry(symbol).and_modify(|known: &mut NaiveDate| *known = (*known).min(day)).or_insert(day);
    }
    first
}

/// Is it the check that holds symbols?
pub(super) fn holds(check: &Check) -> bool {
    check.name == JUMPS && !check.is_own && matches!(check.kind, Kind::Jump { .. })
}

#[cfg(test)]
mod tests {
    use super::{super::verdict::Split, *};

    /// Sessions of June 2014 with these closes; `x` in front: decided already.
    fn refused(closes: &[&str], splits: &[(u32, i64)]) -> Vec<u32> {
        let day = |number: usize| NaiveDate::from_ymd_opt(2014, 6, 1).unwrap() + chrono::Days::new(number as u64);
        let steps = closes.iter().enumerate().map(|(number, close)| Step {
            is_open: !close.starts_with('x'),
            bar: Bar {
                symbol: "AAPL".into(),
                session_date: day(number),
                response_id: 1,
                open: None,
                high: None,
                low: None,
                close: close.trim_start_matches('x').parse().ok(),
                volume: None,
                before: Vec::new(),
            },
        });
        let split = |(on, to): &(u32, i64)| Split {
            symbol: "AAPL".into(),
            execution_date: day(*on as usize),
            from: Decimal::ONE,
            to: Decimal::from(*to),
        };
        let splits: Vec<Split> = splits.iter().map(split).collect();
        let check = suite::named(JUMPS).unwrap();
        let failing = walk(steps.collect(), |bar| compared(&check, bar, &splits));
        failing.iter().map(|(bar, _)| bar.session_date.signed_duration_since(day(0)).num_days() as u32).collect()
    }

    #[test]
    fn a_level_that_nothing_explains_is_held_day_by_day() {
        assert_eq!(refused(&["x640", "x645", "92", "93", "91"], &[]), [2, 3, 4]);
        assert_eq!(refused(&["x640", "x645", "92", "93", "91"], &[(2, 7)]), [] as [u32; 0], "the split explains all of them");
    }

    #[test]
    fn a_spike_is_held_alone() {
        assert_eq!(refused(&["x640", "x645", "6450", "646", "647"], &[]), [2]);
    }

    #[test]
    fn what_a_person_let_in_is_what_later_ones_are_measured_by() {
        assert_eq!(refused(&["x640", "x645", "x92", "93", "91"], &[]), [] as [u32; 0]);
        assert_eq!(refused(&["x640", "x645", "x92", "93", "640"], &[]), [4]);
    }

    #[test]
    fn a_level_is_held_for_a_month_and_no_longer() {
        let closes: Vec<&str> = ["x640", "x645"].into_iter().chain(std::iter::repeat_n("92", LONGEST + 5)).collect();
        assert_eq!(refused(&closes, &[]).len(), LONGEST);
    }
}
