//! Books session by session: splits, dividends going ex, transactions, unpaid dividends, then the close.

mod resume;

use super::{
    fixed::{cents, fixed, money},
    input::{Dividend, Input, Split, Transaction},
    position::Position,
    prices::Prices,
    yields::{Finding, PortfolioDay, PositionInterval, Receivable, State, Totals, Yield},
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
            booking.go_ex(dividend);
        }
        let mut today = take_due(&mut transactions, |transaction| transaction.traded_on <= session).to_vec();
        today.sort_by(|a, b| (a.kind, &a.key).cmp(&(b.kind, &b.key)));
        for transaction in today {
            booking.enter(session, transaction);
        }
        booking.drop_unpaid(session);
        booking.close(session);
    }
    booking.finish()
}

/// Takes what is due off the front of a sorted list.
fn take_due<'a, T>(list: &mut &'a [T], is_due: impl Fn(&T) -> bool) -> &'a [T] {
    let (due, later) = list.split_at(list.partition_point(is_due));
    *list = later;
    due
}

/// A booking under way. Symbols are numbered ("place") so that a session costs no look-ups.
pub(super) struct Booking<'a> {
    pub input: &'a Input<'a>,
    places: HashMap<Symbol, usize>,
    prices: Vec<Prices<'a>>,
    /// All accounts' quantity of each symbol, in units of 10⁻¹⁰; `None`: more than can be counted.
    held: Vec<Option<i128>>,
    /// Symbols that were held at the last close.
    was_held: Vec<bool>,
    pub positions: Vec<Position>,
    numbers: HashMap<(AccountId, usize), usize>,
    by_place: Vec<Vec<usize>>,
    /// Positions that changed in this session.
    touched: Vec<usize>,
    /// Cost of all positions.
    cost: Money,
    pub cash: BTreeMap<AccountId, BTreeMap<Currency, Money>>,
    pub cash_moved: Money,
    pub receivables: Vec<Receivable>,
    pub totals: Totals,
    /// Inflows minus outflows of this session.
    pub net_flow: Money,
    previous_session: Option<NaiveDate>,
    previous_value: Option<Money>,
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

    /// Splits of symbols that concern this portfolio, not booked yet, by day.
    fn splits(&self) -> Vec<&'a Split> {
        let is_due = |split: &&Split| self.places.contains_key(&split.symbol) && Some(split.execution_date) > self.previous_session;
        let mut due: Vec<_> = self.input.splits.iter().filter(is_due).collect();
        due.sort_by_key(|split| (split.execution_date, &split.symbol));
        due
    }

    /// Dividends of symbols that concern this portfolio, not gone ex yet, by day.
    fn dividends(&self) -> Vec<&'a Dividend> {
        let is_due = |dividend: &&Dividend| self.places.contains_key(&dividend.symbol) && Some(dividend.ex_date) > self.previous_session;
        let mut due: Vec<_> = self.input.dividends.iter().filter(is_due).collect();
        due.sort_by_key(|dividend| (dividend.ex_date, &dividend.symbol, dividend.pay_date, dividend.cash_amount));
        due
    }

    fn split(&mut self, session: NaiveDate, split: &Split) {
        let Some(&place) = self.places.get(&split.symbol) else { return };
        if self.held[place] == Some(0) && self.by_place[place].iter().all(|number| self.positions[*number].quantity.is_zero()) {
            return;
        }
        for number in self.by_place[place].clone() {
            let is_done = is_possible(split) && self.positions[number].split(split.from, split.to);
            if !is_done {
                let message = format!(
                    "The split of {} on {} ({} for {}) can't be right and was not applied; correct it at its source.",
                    split.symbol, split.execution_date, split.to, split.from
                );
                self.yields.findings.push(Finding {
                    session_date: session,
                    account: Some(self.positions[number].account),
                    symbol: Some(split.symbol.clone()),
                    key: None,
                    code: "bad_split".into(),
                    message,
                });
            }
            self.touched.push(number);
        }
        self.count(place);
    }

    /// Who held at the last close is owed the dividend. Without a pay date nothing is booked: it would never be dropped.
    fn go_ex(&mut self, dividend: &Dividend) {
        let (Some(&place), Some(pay_date)) = (self.places.get(&dividend.symbol), dividend.pay_date) else { return };
        for number in &self.by_place[place] {
            let position = &self.positions[*number];
            let Some(amount) = position.quantity.checked_mul(dividend.cash_amount).map(cents).filter(|amount| !amount.is_zero()) else {
                continue;
            };
            self.totals.income += amount;
            self.receivables.push(Receivable {
                account: position.account,
                symbol: dividend.symbol.clone(),
                ex_date: dividend.ex_date,
                pay_date,
                amount,
                local: None,
            });
        }
    }

    /// A dividend that didn't arrive in the session of its pay date is no longer counted on, and said so.
    fn drop_unpaid(&mut self, session: NaiveDate) {
        let (due, later) = std::mem::take(&mut self.receivables).into_iter().partition(|receivable| receivable.pay_date <= session);
        self.receivables = later;
        for receivable in due {
            self.totals.income -= receivable.amount;
            self.yields.findings.push(Finding {
                session_date: session,
                account: Some(receivable.account),
                symbol: Some(receivable.symbol.clone()),
                key: None,
                code: "dividend_not_received".into(),
                message: format!(
                    "The dividend of {} ({} went ex on {}) was payable on {} and no payment is on file; enter it when it comes.",
                    receivable.symbol,
                    receivable.amount.0.round_dp(2),
                    receivable.ex_date,
                    receivable.pay_date
                ),
            });
        }
    }

    fn close(&mut self, session: NaiveDate) {
        let (mut sum, mut carried, mut positions) = (Some(0_i128), 0, 0);
        for place in 0..self.held.len() {
            let held = self.held[place];
            if held == Some(0) {
                self.was_held[place] = false;
                continue;
            }
            positions += 1;
            let price = self.prices[place].at(session);
            match price {
                Some((day, _)) => carried += u32::from(day < session),
                None if !self.was_held[place] => self.report_unpriced(session, place),
                None => {}
            }
            self.was_held[place] = true;
            sum = match (sum, held, price) {
                (Some(sum), Some(held), Some((_, price))) => held.checked_mul(price).and_then(|value| sum.checked_add(value)),
                _ => None,
            };
        }
        let cash: Money = self.cash.values().flat_map(BTreeMap::values).copied().sum();
        let receivable: Money = self.receivables.iter().map(|receivable| receivable.amount).sum();
        let market_value = sum.and_then(money);
        let value = market_value.map(|market_value| market_value + cash + receivable);
        let net_flow = std::mem::take(&mut self.net_flow);
        let (inflow, outflow) = if net_flow > Money::ZERO { (net_flow, Money::ZERO) } else { (Money::ZERO, -net_flow) };
        self.totals.inflow += inflow;
        self.totals.outflow += outflow;
        let daily_return = self.previous_value.zip(value).and_then(|(previous, value)| {
            let base = previous + inflow;
            (base > Money::ZERO).then(|| (value + outflow - base).share_of(base)).flatten()
        });
        self.close_intervals(session);
        self.yields.days.push(PortfolioDay {
            session_date: session,
            value,
            cash: Some(cash),
            receivable: Some(receivable),
            inflow,
            outflow,
            daily_return,
            carried,
            positions,
            market_value,
            unrealized: market_value.map(|market_value| market_value - self.cost),
            unrealized_currency: market_value.map(|_| Money::ZERO),
            cash_currency: Some(Money::ZERO),
            cash_moved: std::mem::take(&mut self.cash_moved),
            unconverted_since: None,
            totals: self.totals,
        });
        (self.previous_session, self.previous_value) = (Some(session), value);
    }

    fn close_intervals(&mut self, session: NaiveDate) {
        let last = self.previous_session;
        let mut touched = std::mem::take(&mut self.touched);
        touched.sort_unstable();
        touched.dedup();
        for number in touched {
            let position = &mut self.positions[number];
            let now = (position.quantity, position.cost);
            if position.shown.is_some_and(|(_, quantity, cost)| (quantity, cost) == now) {
                continue;
            }
            let ended = position.shown.take();
            if !position.quantity.is_zero() {
                position.shown = Some((session, position.quantity, position.cost));
            }
            if let Some((from, quantity, cost)) = ended {
                let (account, symbol) = (position.account, position.symbol.clone());
                self.yields.positions.push(PositionInterval { account, symbol, from, to: last, quantity, cost });
            }
        }
    }

    /// The number of the position of a symbol in an account; `None` for a symbol without a place.
    pub(super) fn position(&mut self, account: AccountId, symbol: &Symbol) -> Option<usize> {
        let place = *self.places.get(symbol)?;
        Some(*self.numbers.entry((account, place)).or_insert_with(|| {
            self.positions.push(Position::new(account, symbol.clone(), place));
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

    fn count(&mut self, place: usize) {
        self.held[place] =
            self.by_place[place].iter().try_fold(0_i128, |sum, number| sum.checked_add(fixed(self.positions[*number].quantity)?));
    }

    /// What `quantity` of a symbol is worth at this session's close; `None` without a price.
    pub(super) fn worth(&mut self, session: NaiveDate, place: usize, quantity: Decimal) -> Option<Money> {
        let (_, price) = self.prices[place].at(session)?;
        money(fixed(quantity)?.checked_mul(price)?)
    }

    fn report_unpriced(&mut self, session: NaiveDate, place: usize) {
        let holder = self.by_place[place].iter().map(|number| &self.positions[*number]).find(|position| !position.quantity.is_zero());
        let Some(position) = holder else { return };
        let (account, symbol) = (position.account, position.symbol.clone());
        let message =
            format!("{symbol} is held but has no price yet, so the portfolio's value is unknown; fetch its prices or check the symbol.");
        let code = "no_price".into();
        self.yields.findings.push(Finding {
            session_date: session,
            account: Some(account),
            symbol: Some(symbol),
            key: None,
            code,
            message,
        });
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

/// A split by zero or less is a mistake, and so is one by more than a million.
fn is_possible(split: &Split) -> bool {
    let most = Decimal::from(1_000_000);
    let is_sane = |number: Decimal| number > Decimal::ZERO && number <= most * most;
    is_sane(split.from) && is_sane(split.to) && split.to <= split.from * most && split.from <= split.to * most
}
