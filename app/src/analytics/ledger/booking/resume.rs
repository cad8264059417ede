//! Takes a booking up from a state, and puts it down as one.

use super::{
    super::{
        courses::HoldingCourse,
        exchange::Exchange,
        input::Input,
        prices::Prices,
        yields::{OpenPosition, PositionInterval, State, Yield},
    },
    Booking, Quote,
    events::is_possible,
};
use crate::domain::{Money, Symbol};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::HashMap;

impl<'a> Booking<'a> {
    pub(super) fn open(state: State, input: &'a Input<'a>, first: NaiveDate) -> Self {
        let mut booking = Self {
            input,
            places: HashMap::new(),
            symbols: Vec::new(),
            prices: Vec::new(),
            quotes: Vec::new(),
            exchange: Exchange::new(input.base, input.rates),
            held: Vec::new(),
            was_held: Vec::new(),
            values: Vec::new(),
            positions: Vec::new(),
            numbers: HashMap::new(),
            by_place: Vec::new(),
            touched: Vec::new(),
            cost: Money::ZERO,
            cash: state.cash,
            foreign_cash_cost: state.foreign_cash_cost,
            cash_moved: Money::ZERO,
            receivables: state.receivables,
            totals: state.totals,
            net_flow: Money::ZERO,
            moved: Vec::new(),
            courses: Vec::new(),
            rates: Vec::new(),
            split_today: Vec::new(),
            last_unconverted: state.last_unconverted,
            is_unconverted_now: false,
            previous_session: state.session_date,
            // Before the first session there is nothing, which is worth nothing.
            previous_value: if state.session_date.is_none() { Some(Money::ZERO) } else { state.value },
            previous_market_value: if state.session_date.is_none() { Some(Money::ZERO) } else { state.market_value },
            yields: Yield::default(),
        };
        let mut splits: HashMap<&Symbol, Vec<(NaiveDate, Decimal, Decimal)>> = HashMap::new();
        for split in input.splits.iter().filter(|split| is_possible(split.from, split.to)) {
            splits.entry(&split.symbol).or_default().push((split.execution_date, split.from, split.to));
        }
        let owed: Vec<Symbol> = booking.receivables.iter().map(|owed| owed.symbol.clone()).collect();
        let of = input.transactions.iter().flat_map(|t| [t.symbol.as_ref(), t.counter_symbol.as_ref()]).flatten();
        for symbol in state.lots.iter().map(|lot| &lot.symbol).chain(&owed).chain(of) {
            if booking.places.contains_key(symbol) {
                continue;
            }
            let closes = input.closes.get(symbol).map_or(&[][..], Vec::as_slice);
            let known = state.session_date.and_then(|through| {
                let (day, close) = state.last_closes.get(symbol)?;
                Some((through, *day, *close))
            });
            let mut splits = splits.remove(symbol).unwrap_or_default();
            splits.sort();
            booking.places.insert(symbol.clone(), booking.prices.len());
            booking.symbols.push(symbol.clone());
            booking.prices.push(Prices::new(closes, splits, first, known));
            let base = booking.exchange.base;
            let quote = input.currencies.get(symbol).filter(|currency| **currency != base);
            booking.quotes.push(quote.map(|currency| {
                let local = Some(currency.major()).filter(|major| *major != base);
                Quote { currency: *currency, local }
            }));
            booking.courses.push(HoldingCourse::new(symbol.clone()));
            booking.rates.push(None);
            booking.values.push(Some(Money::ZERO));
            booking.held.push(Some(0));
            booking.was_held.push(false);
            booking.by_place.push(Vec::new());
        }
        for mut lot in state.lots {
            let Some(number) = booking.position(lot.account, &lot.symbol) else { continue };
            let place = booking.positions[number].place;
            // A symbol whose prices are in another currency than before: what it cost in this one nobody knows.
            let local = booking.quotes[place].and_then(|quote| quote.local);
            lot.local_cost = lot.local_cost.filter(|cost| Some(cost.currency) == local);
            booking.was_held[place] = true;
            booking.cost += lot.cost;
            booking.positions[number].receive(lot);
        }
        for number in 0..booking.positions.len() {
            let position = &mut booking.positions[number];
            // A state without intervals (none was kept) lets them begin at its session.
            position.shown = state.session_date.map(|session| (session, position.quantity, position.cost));
        }
        for open in &state.positions {
            if let Some(number) = booking.position(open.account, &open.symbol)
                && let Some((since, ..)) = &mut booking.positions[number].shown
            {
                *since = open.since;
            }
        }
        for place in 0..booking.held.len() {
            booking.count(place);
        }
        if let Some(session) = state.session_date {
            booking.value_as_left(session);
        }
        booking
    }

    /// What is held from before, at its last close: what rates do to it from there on is counted.
    fn value_as_left(&mut self, session: NaiveDate) {
        for place in (0..self.held.len()).filter(|place| self.was_held[*place]).collect::<Vec<_>>() {
            let units = self.held[place].zip(self.prices[place].at(session)).and_then(|(held, (_, price))| held.checked_mul(price));
            self.values[place] = units.and_then(|units| self.in_base(session, place, units));
            self.rates[place] = self.quotes[place].and_then(|quote| self.exchange.rate(quote.currency, session));
        }
    }

    pub(super) fn finish(mut self) -> (State, Yield) {
        self.positions.retain(|position| !position.quantity.is_zero());
        self.positions.sort_by(|a, b| (a.account, &a.symbol).cmp(&(b.account, &b.symbol)));
        if let Some(session) = self.previous_session {
            self.yields.holdings = self.holdings(session);
        }
        self.yields.courses = self.courses.into_iter().filter(|course| !course.is_empty()).collect();
        self.yields.courses.sort_by(|a, b| a.symbol.cmp(&b.symbol));
        let mut state = State {
            session_date: self.previous_session,
            cash: self.cash,
            foreign_cash_cost: self.foreign_cash_cost,
            last_unconverted: self.last_unconverted,
            receivables: self.receivables,
            totals: self.totals,
            value: self.previous_value,
            market_value: self.previous_market_value,
            ..State::default()
        };
        for position in self.positions {
            let (account, symbol) = (position.account, position.symbol.clone());
            if let Some(last) = self.prices[position.place].last() {
                state.last_closes.insert(symbol.clone(), last);
            }
            if let Some((from, quantity, cost)) = position.shown {
                state.positions.push(OpenPosition { account, symbol: symbol.clone(), since: from });
                let currency = self.quotes[position.place].map(|quote| quote.currency);
                self.yields.positions.push(PositionInterval { account, symbol, from, to: None, quantity, cost, currency });
            }
            state.lots.extend(position.into_lots());
        }
        (state, self.yields)
    }
}
