//! Takes a booking up from a state, and puts it down as one.

use super::{
    super::{
        input::Input,
        prices::Prices,
        yields::{OpenPosition, PositionInterval, State, Yield},
    },
    Booking, is_possible,
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
            prices: Vec::new(),
            held: Vec::new(),
            was_held: Vec::new(),
            positions: Vec::new(),
            numbers: HashMap::new(),
            by_place: Vec::new(),
            touched: Vec::new(),
            cost: Money::ZERO,
            cash: state.cash,
            cash_moved: Money::ZERO,
            receivables: state.receivables,
            totals: state.totals,
            net_flow: Money::ZERO,
            previous_session: state.session_date,
            // Before the first session there is nothing, which is worth nothing.
            previous_value: if state.session_date.is_none() { Some(Money::ZERO) } else { state.value },
            yields: Yield::default(),
        };
        let mut splits: HashMap<&Symbol, Vec<(NaiveDate, Decimal, Decimal)>> = HashMap::new();
        for split in input.splits.iter().filter(|split| is_possible(split)) {
            splits.entry(&split.symbol).or_default().push((split.execution_date, split.from, split.to));
        }
        let symbols = state.lots.iter().map(|lot| &lot.symbol).chain(input.transactions.iter().filter_map(|t| t.symbol.as_ref()));
        for symbol in symbols {
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
            booking.prices.push(Prices::new(closes, splits, first, known));
            booking.held.push(Some(0));
            booking.was_held.push(false);
            booking.by_place.push(Vec::new());
        }
        for lot in state.lots {
            let Some(number) = booking.position(lot.account, &lot.symbol) else { continue };
            booking.was_held[booking.positions[number].place] = true;
            booking.cost += lot.cost;
            booking.positions[number].restore(lot);
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
        booking
    }

    pub(super) fn finish(mut self) -> (State, Yield) {
        let mut state = State {
            session_date: self.previous_session,
            cash: self.cash,
            receivables: self.receivables,
            totals: self.totals,
            value: self.previous_value,
            ..State::default()
        };
        self.positions.retain(|position| !position.quantity.is_zero());
        self.positions.sort_by(|a, b| (a.account, &a.symbol).cmp(&(b.account, &b.symbol)));
        for position in self.positions {
            let (account, symbol) = (position.account, position.symbol.clone());
            if let Some(last) = self.prices[position.place].last() {
                state.last_closes.insert(symbol.clone(), last);
            }
            if let Some((from, quantity, cost)) = position.shown {
                state.positions.push(OpenPosition { account, symbol: symbol.clone(), since: from });
                self.yields.positions.push(PositionInterval { account, symbol, from, to: None, quantity, cost });
            }
            state.lots.extend(position.into_lots());
        }
        (state, self.yields)
    }
}
