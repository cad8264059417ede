//! What to ask the vendors for, worked out from what is known. Pure.

use super::coverage::Span;
use crate::calendar;
use app::domain::Symbol;
use chrono::{Days, NaiveDate};
use std::collections::{BTreeMap, BTreeSet};

/// Up to here, one answer with the whole market's bars a session is cheaper than one answer a symbol.
const MOST_MARKET_DAYS: usize = 5;

/// Splits and dividends are entered late and corrected: a daily run looks back this far.
const LOOK_BACK_DAYS: u64 = 7;

/// They are announced weeks before they take effect.
const LOOK_AHEAD_DAYS: u64 = 60;

/// A company's name and sector are looked up again after this many days.
const DETAILS_DAYS: i64 = 30;

/// One way to fetch bars.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Bars {
    /// One question a symbol.
    Symbols { symbols: Vec<Symbol>, span: Span },
    /// One question for the whole market.
    Market { session: NaiveDate, symbols: Vec<Symbol> },
}

/// Known symbols and new ones; `anew`: the first day of a span that a person wants fetched once more for all.
fn split_by_knowledge(tracked: &BTreeSet<Symbol>, known: &BTreeMap<String, Span>, first_day: NaiveDate) -> (Vec<Symbol>, Vec<Symbol>) {
    tracked.iter().cloned().partition(|symbol| known.get(symbol.as_str()).is_some_and(|span| span.from <= first_day))
}

/// The day up to which all of `symbols` are known.
fn known_to(symbols: &[Symbol], known: &BTreeMap<String, Span>, session: NaiveDate) -> NaiveDate {
    symbols.iter().filter_map(|symbol| known.get(symbol.as_str())).map(|span| span.to).min().map_or(session, |to| to.min(session))
}

/// New symbols get their whole history; known ones what is missing, and the session before it, whose close may have been corrected.
pub(super) fn bars(
    tracked: &BTreeSet<Symbol>,
    known: &BTreeMap<String, Span>,
    first_day: NaiveDate,
    session: NaiveDate,
    anew: Option<NaiveDate>,
) -> Vec<Bars> {
    if let Some(from) = anew {
        return vec![Bars::Symbols { symbols: tracked.iter().cloned().collect(), span: Span { from, to: session } }];
    }
    let (old, new) = split_by_knowledge(tracked, known, first_day);
    let mut asks = Vec::new();
    if !new.is_empty() {
        asks.push(Bars::Symbols { symbols: new, span: Span { from: first_day, to: session } });
    }
    if !old.is_empty() {
        let from = known_to(&old, known, session).min(calendar::session_before(session));
        let sessions = calendar::sessions(from, session);
        if sessions.len() <= MOST_MARKET_DAYS && sessions.len() <= old.len() {
            asks.extend(sessions.into_iter().map(|session| Bars::Market { session, symbols: old.clone() }));
        } else {
            asks.push(Bars::Symbols { symbols: old, span: Span { from, to: session } });
        }
    }
    asks
}

/// A span of splits or dividends to ask for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Events {
    pub(super) symbols: BTreeSet<Symbol>,
    pub(super) span: Span,
    pub(super) is_history: bool,
}

/// New symbols get their whole history, known ones what was entered since and what is announced.
pub(super) fn events(
    tracked: &BTreeSet<Symbol>,
    known: &BTreeMap<String, Span>,
    first_day: NaiveDate,
    session: NaiveDate,
    anew: Option<NaiveDate>,
) -> Vec<Events> {
    let to = session + Days::new(LOOK_AHEAD_DAYS);
    if let Some(from) = anew {
        return vec![Events { symbols: tracked.clone(), span: Span { from, to }, is_history: true }];
    }
    let (old, new) = split_by_knowledge(tracked, known, first_day);
    let from = known_to(&old, known, session) - Days::new(LOOK_BACK_DAYS);
    [(new, first_day, true), (old, from, false)]
        .into_iter()
        .filter(|(symbols, ..)| !symbols.is_empty())
        .map(|(symbols, from, is_history)| Events { symbols: symbols.into_iter().collect(), span: Span { from, to }, is_history })
        .collect()
}

/// The symbols whose details are unknown or old.
pub(super) fn details(tracked: &BTreeSet<Symbol>, known: &BTreeMap<String, Span>, session: NaiveDate) -> Vec<Symbol> {
    let is_fresh = |symbol: &Symbol| known.get(symbol.as_str()).is_some_and(|span| (session - span.to).num_days() <= DETAILS_DAYS);
    tracked.iter().filter(|symbol| !is_fresh(symbol)).cloned().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn symbols(text: &str) -> BTreeSet<Symbol> {
        text.split_whitespace().map(|symbol| Symbol::parse(symbol).unwrap()).collect()
    }

    fn known(text: &str, from: &str, to: &str) -> BTreeMap<String, Span> {
        text.split_whitespace().map(|symbol| (symbol.to_owned(), Span { from: day(from), to: day(to) })).collect()
    }

    /// Symbols and days in one line.
    fn shown(asks: &[Bars]) -> Vec<String> {
        let names = |symbols: &[Symbol]| symbols.iter().map(Symbol::as_str).collect::<Vec<_>>().join(",");
        asks.iter()
            .map(|ask| match ask {
                Bars::Symbols { symbols, span } => format!("{} {}..{}", names(symbols), span.from, span.to),
                Bars::Market { session, .. } => format!("market {session}"),
            })
            .collect()
    }

    const SEVEN: &str = "A B C D E F SPY";

    #[test]
    fn the_first_run_asks_for_everything() {
        let asks = bars(&symbols("AAPL SPY"), &BTreeMap::new(), day("2021-11-12"), day("2026-11-20"), None);
        assert_eq!(shown(&asks), ["AAPL,SPY 2021-11-12..2026-11-20"]);
    }

    #[test]
    fn a_daily_run_asks_for_the_session_and_the_one_before() {
        let yesterday = known(SEVEN, "2021-11-12", "2026-11-19");
        let daily = |known: &BTreeMap<String, Span>| shown(&bars(&symbols(SEVEN), known, day("2021-11-12"), day("2026-11-20"), None));
        assert_eq!(daily(&yesterday), ["market 2026-11-19", "market 2026-11-20"]);
        assert_eq!(daily(&known(SEVEN, "2021-11-12", "2026-11-20")), ["market 2026-11-19", "market 2026-11-20"], "again the same day");
        assert_eq!(daily(&known(SEVEN, "2021-11-12", "2026-11-16")).len(), 5);
        assert_eq!(daily(&known(SEVEN, "2021-11-12", "2026-10-01")), ["A,B,C,D,E,F,SPY 2026-10-01..2026-11-20"]);
    }

    #[test]
    fn few_symbols_are_asked_for_one_by_one() {
        let asks = bars(&symbols("SPY"), &known("SPY", "2021-11-12", "2026-11-19"), day("2021-11-12"), day("2026-11-20"), None);
        assert_eq!(shown(&asks), ["SPY 2026-11-19..2026-11-20"]);
    }

    #[test]
    fn a_new_symbol_and_an_older_transaction_bring_history() {
        let mut tracked = symbols(SEVEN);
        tracked.insert(Symbol::parse("NEW").unwrap());
        let asks = bars(&tracked, &known(SEVEN, "2021-11-12", "2026-11-19"), day("2021-11-12"), day("2026-11-20"), None);
        assert_eq!(shown(&asks), ["NEW 2021-11-12..2026-11-20", "market 2026-11-19", "market 2026-11-20"]);
        let older = bars(&symbols("SPY"), &known("SPY", "2021-11-12", "2026-11-19"), day("2010-01-04"), day("2026-11-20"), None);
        assert_eq!(shown(&older), ["SPY 2010-01-04..2026-11-20"]);
    }

    #[test]
    fn a_person_may_have_it_all_anew() {
        let all = known(SEVEN, "2021-11-12", "2026-11-19");
        let asks = bars(&symbols("A SPY"), &all, day("2021-11-12"), day("2026-11-20"), Some(day("2026-01-02")));
        assert_eq!(shown(&asks), ["A,SPY 2026-01-02..2026-11-20"]);
    }

    #[test]
    fn events_overlap_and_look_ahead() {
        let asks = events(&symbols("A NEW"), &known("A", "2021-11-12", "2026-11-19"), day("2021-11-12"), day("2026-11-20"), None);
        assert_eq!(asks.len(), 2);
        assert_eq!((asks[0].symbols.clone(), asks[0].span.from, asks[0].is_history), (symbols("NEW"), day("2021-11-12"), true));
        assert_eq!(asks[1].span, Span { from: day("2026-11-12"), to: day("2027-01-19") });
    }

    #[test]
    fn details_age() {
        let known = known("A", "2026-10-01", "2026-10-21");
        assert_eq!(details(&symbols("A B"), &known, day("2026-11-20")), symbols("B").into_iter().collect::<Vec<_>>());
        assert_eq!(details(&symbols("A"), &known, day("2026-11-21")).len(), 1);
    }
}
