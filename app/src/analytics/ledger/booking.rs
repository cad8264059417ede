//! Books session by session: splits, dividends going ex, transactions, unpaid dividends, then the close.

mod close;
mod events;
mod resume;

pub(super) use events::is_possible;

use super::{
    courses::{HoldingCourse, Moved},
    exchange::Exchange,
    fixed::fixed,
    input::{CostBasis, Input, Transaction},
    position::{Abroad, Position},
    prices::Prices,
    yields::{Finding, Realized, Receivable, State, Totals, Yield},
};
use crate::domain::{AccountId, Currency, Money, Symbol};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::{BTreeMap, HashMap};

/// Books `input.sessions` on top of `state` (the default one is an empty portfolio's).
///
/// What can't be booked as it stands is left out and yields a finding: the sums are right without it. A transaction on a
/// day without a session counts on the next session, so do splits and ex-dates; one after the last session is left for later.
pub fn book(state: State, input: &Input<'_>) -> (State, Yield) {
    let Some(&first) = input.sessions.first() else { return (state, Yield::default()) };
    let mut booking = Booking::open(state, input, first);
    let (transactions, splits, dividends) = (booking.transactions(), booking.splits(), booking.dividends());
    let (mut transactions, mut splits, mut dividends) = (&transactions[..], &splits[..], &dividends[..]);
    for &session in input.sessions {
        for split in take_due(&mut splits, |split| split.execution_date <= session) {
            booking.split(session, split);
        }
        for dividend in take_due(&mut dividends, |dividend| dividend.ex_date <= session) {
            booking.go_ex(session, dividend);
        }
        let mut today = take_due(&mut transactions, |transaction| transaction.traded_on <= session).to_vec();
        today.sort_by(|a, b| (a.kind, place(&a.key)).cmp(&(b.kind, place(&b.key))));
        for transaction in today {
            booking.enter_known(session, transaction);
        }
        booking.drop_unpaid(session);
        booking.close(session);
    }
    booking.finish()
}

/// Where a key stands among others: by its source, and within it by its number, so that the tenth entry comes after the ninth; ids that are no
/// numbers by their text, behind those that are.
fn place(key: &str) -> (&str, bool, usize, &str) {
    let (source, name) = key.split_at(key.rfind(':').map_or(0, |at| at + 1));
    let is_text = name.is_empty() || name.bytes().any(|byte| !byte.is_ascii_digit());
    let name = if is_text { name } else { name.trim_start_matches('0') };
    (source, is_text, if is_text { 0 } else { name.len() }, name)
}

/// Takes what is due off the front of a sorted list.
fn take_due<'a, T>(list: &mut &'a [T], is_due: impl Fn(&T) -> bool) -> &'a [T] {
    let (due, later) = list.split_at(list.partition_point(is_due));
    *list = later;
    due
}

/// A symbol's prices are in another currency than the base.
#[derive(Clone, Copy)]
struct Quote {
    /// Of the closes; may be a minor unit.
    currency: Currency,
    /// Costs are kept in this one; `None`: a minor unit of the base currency.
    local: Option<Currency>,
}

/// A booking under way. Symbols are numbered ("place") so that a session costs no look-ups.
pub(super) struct Booking<'a> {
    pub input: &'a Input<'a>,
    places: HashMap<Symbol, usize>,
    symbols: Vec<Symbol>,
    pub prices: Vec<Prices<'a>>,
    quotes: Vec<Option<Quote>>,
    pub exchange: Exchange<'a>,
    /// All accounts' quantity of each symbol, in units of 10⁻¹⁰; `None`: more than can be counted.
    held: Vec<Option<i128>>,
    /// Symbols that were held at the last close.
    was_held: Vec<bool>,
    /// What each place was worth at the last close.
    values: Vec<Option<Money>>,
    pub positions: Vec<Position>,
    numbers: HashMap<(AccountId, usize), usize>,
    by_place: Vec<Vec<usize>>,
    /// Positions that changed in this session.
    touched: Vec<usize>,
    /// Cost of all positions.
    cost: Money,
    pub cash: BTreeMap<AccountId, BTreeMap<Currency, Money>>,
    /// See [`State::foreign_cash_cost`].
    pub foreign_cash_cost: Money,
    pub cash_moved: Money,
    pub receivables: Vec<Receivable>,
    pub totals: Totals,
    /// Inflows minus outflows of this session.
    pub net_flow: Money,
    /// What went into each place in this session, beside what its price did.
    pub moved: Vec<(usize, Moved)>,
    /// What each place was worth and what moved in it, session by session.
    courses: Vec<HoldingCourse>,
    /// Splits by transaction of this session.
    pub split_today: Vec<(AccountId, usize)>,
    /// See [`State::last_unconverted`].
    pub last_unconverted: Option<NaiveDate>,
    /// What moved in this session is unknown: an amount had no rate.
    pub is_unconverted_now: bool,
    previous_session: Option<NaiveDate>,
    /// Of the last close, before rounding to four decimals.
    previous_value: Option<Money>,
    previous_market_value: Option<Money>,
    /// What the closes of each place cost in base currency at the last close, where they are in another one.
    rates: Vec<Option<Decimal>>,
    pub yields: Yield,
}

impl<'a> Booking<'a> {
    /// Those that can count in the booked sessions, by day; earlier ones are refused.
    fn transactions(&mut self) -> Vec<&'a Transaction> {
        let mut due = Vec::with_capacity(self.input.transactions.len());
        for transaction in self.input.transactions {
            match self.previous_session {
                Some(booked) if transaction.traded_on <= booked => {
                    let message = format!(
                        "The transaction of {} lies in a session that is booked already; book the portfolio from its beginning.",
                        transaction.traded_on
                    );
                    self.finding(booked, "before_state", Some(transaction), message);
                }
                _ => due.push(transaction),
            }
        }
        due.sort_by_key(|transaction| transaction.traded_on);
        due
    }

    /// Books one transaction; where an amount of it had no rate, what it moved is marked so.
    fn enter_known(&mut self, session: NaiveDate, transaction: &Transaction) {
        let (begun, was_unconverted) = (self.moved.len(), std::mem::take(&mut self.is_unconverted_now));
        self.enter(session, transaction);
        if self.is_unconverted_now {
            self.moved[begun..].iter_mut().for_each(|(_, moved)| moved.is_unconverted = true);
        }
        self.is_unconverted_now |= was_unconverted;
    }

    pub(super) fn place(&self, symbol: &Symbol) -> Option<usize> {
        self.places.get(symbol).copied()
    }

    /// The number of the position of a symbol in an account; `None` for a symbol without a place.
    pub(super) fn position(&mut self, account: AccountId, symbol: &Symbol) -> Option<usize> {
        let place = self.place(symbol)?;
        Some(*self.numbers.entry((account, place)).or_insert_with(|| {
            let basis = self.input.accounts.get(&account).map_or(CostBasis::default(), |rules| rules.cost_basis);
            self.positions.push(Position::new(account, symbol.clone(), place, basis));
            let positions = &self.positions;
            self.by_place[place].push(positions.len() - 1);
            // By account, so that it doesn't matter in which order they came.
            self.by_place[place].sort_by_key(|number| positions[*number].account);
            positions.len() - 1
        }))
    }

    /// Runs a change of a position's lots, and keeps what depends on them.
    pub(super) fn change<T>(&mut self, number: usize, change: impl FnOnce(&mut Position) -> T) -> T {
        let position = &mut self.positions[number];
        let before = position.cost;
        let result = change(position);
        self.cost += position.cost - before;
        let place = position.place;
        self.touched.push(number);
        self.count(place);
        result
    }

    /// Counts what was realized.
    pub(super) fn realize(&mut self, realized: Vec<Realized>) {
        for part in &realized {
            let gain = part.gain();
            if gain.is_none() {
                self.last_unconverted = Some(part.closed_on);
            }
            self.totals.realized += gain.unwrap_or_default();
            if let Some(place) = self.place(&part.symbol) {
                self.moved.push((place, Moved { is_unconverted: gain.is_none(), ..Moved::realized(gain.unwrap_or_default()) }));
            }
            self.totals.realized_currency += part.currency_effect.unwrap_or_default();
        }
        self.yields.realized.extend(realized);
    }

    fn count(&mut self, place: usize) {
        self.held[place] =
            self.by_place[place].iter().try_fold(0_i128, |sum, number| sum.checked_add(fixed(self.positions[*number].quantity)?));
    }

    /// The currency in which a place's costs are kept, with its rate, where that isn't the base currency.
    pub(super) fn abroad(&mut self, session: NaiveDate, place: usize) -> Option<Abroad> {
        let currency = self.quotes[place]?.local?;
        Some(Abroad { currency, rate: self.exchange.rate(currency, session) })
    }

    /// What `quantity` of a symbol is worth at this session's close; `None` without a price or rate.
    pub(super) fn worth(&mut self, session: NaiveDate, place: usize, quantity: Decimal) -> Option<Money> {
        let (_, price) = self.prices[place].at(session)?;
        let units = fixed(quantity)?.checked_mul(price)?;
        self.in_base(session, place, units)
    }

    /// Something of this session is unknown, so that its flows and the sums that hold it are.
    pub(super) fn miss(&mut self, session: NaiveDate) {
        self.last_unconverted = Some(session);
        self.is_unconverted_now = true;
    }

    /// An amount in base currency; without a rate it is unknown, which is said.
    pub(super) fn convert(&mut self, session: NaiveDate, transaction: &Transaction, amount: Decimal) -> Option<Money> {
        let currency = transaction.currency.major();
        if let Some(money) = self.exchange.convert(amount, currency, session) {
            return Some(money);
        }
        self.miss(session);
        let is_said = self.yields.findings.last().is_some_and(|last| last.code == "no_rate" && last.key.as_ref() == Some(&transaction.key));
        if !is_said {
            let base = self.exchange.base;
            let message = format!(
                "There is no rate from {currency} to {base} on or before {session}, so what the transaction of {} moved is unknown in {base}, and so are the sums from then on; add rates of {currency} from that day on.",
                transaction.traded_on
            );
            self.finding(session, "no_rate", Some(transaction), message);
        }
        None
    }

    pub(super) fn finding(&mut self, session: NaiveDate, code: &str, transaction: Option<&Transaction>, message: String) {
        self.yields.findings.push(Finding {
            session_date: session,
            account: transaction.map(|transaction| transaction.account),
            symbol: transaction.and_then(|transaction| transaction.symbol.clone()),
            key: transaction.map(|transaction| transaction.key.clone()),
            code: code.into(),
            message,
        });
    }
}
