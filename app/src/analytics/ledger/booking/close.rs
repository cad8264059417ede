//! The close of a session: values at its prices and rates, flows, the daily return, and what each holding gained.

use super::{
    super::{
        exchange::{self, worth},
        fixed::{self, money},
        worth::unrounded_abroad,
        yields::{Finding, Holding, PortfolioDay, PositionInterval, UsedRate},
    },
    Booking,
};
use crate::domain::{Currency, Money};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Cash at a close, in base currency.
#[derive(Clone, Copy)]
struct Cash {
    rounded: Money,
    unrounded: Money,
    /// What exchange rates brought to it since the first session.
    currency_effect: Money,
}

fn normalized(amount: Money) -> Money {
    Money(amount.0.normalize())
}

impl Booking<'_> {
    pub(super) fn close(&mut self, session: NaiveDate) {
        let begins_held = self.was_held.contains(&true);
        let (mut sum, mut foreign, mut carried, mut positions) = (Some(0_i128), (Money::ZERO, Money::ZERO), 0, 0);
        for place in 0..self.held.len() {
            let held = self.held[place];
            if held == Some(0) {
                if std::mem::take(&mut self.was_held[place]) {
                    self.prices[place].forget(session);
                    self.go_on(session, place, Some(Money::ZERO));
                }
                continue;
            }
            positions += 1;
            let price = self.prices[place].at(session);
            carried += u32::from(price.is_some_and(|(day, _)| day < session));
            let units = held.zip(price).and_then(|(held, (_, price))| held.checked_mul(price));
            let worth = if let Some(quote) = self.quotes[place] {
                self.note_rate(session, quote.currency.major());
                let value = units.and_then(|units| self.in_base_unrounded(session, place, units));
                let rounded = value.map(|value| fixed::cents(value.0));
                match value.zip(rounded) {
                    Some((value, rounded)) => foreign = (foreign.0 + rounded, foreign.1 + value),
                    None => sum = None,
                }
                rounded
            } else {
                sum = sum.zip(units).and_then(|(sum, units)| sum.checked_add(units));
                units.and_then(money)
            };
            if worth.is_none() && !self.was_held[place] {
                self.report_unvalued(session, place, price.is_some());
            }
            self.was_held[place] = true;
            self.go_on(session, place, worth);
            let quantity = |number: &usize| self.positions[*number].quantity;
            if self.by_place[place].iter().any(|number| quantity(number) < Decimal::ZERO) {
                self.courses[place].owed.push(session);
            }
        }
        self.keep_moves(session);
        let market_value = sum.and_then(money).map(|home| home + foreign.0);
        let unrounded_market_value = sum.and_then(fixed::unrounded).map(|home| home + foreign.1);
        let (cash, owed) = (self.cash_at(session), self.owed(session));
        let value = market_value.zip(cash).zip(owed).map(|((market_value, cash), (owed, _))| market_value + cash.rounded + owed);
        let unrounded =
            unrounded_market_value.zip(cash).zip(owed).map(|((market_value, cash), (owed, _))| market_value + cash.unrounded + owed);
        let net_flow = std::mem::take(&mut self.net_flow);
        let (inflow, outflow) = if net_flow > Money::ZERO { (net_flow, Money::ZERO) } else { (Money::ZERO, -net_flow) };
        self.totals.inflow += inflow;
        self.totals.outflow += outflow;
        let is_unconverted = std::mem::take(&mut self.is_unconverted_now);
        let return_of = |before: Option<Money>, now: Option<Money>, inflow: Money, outflow: Money| {
            let (before, now) = before.zip(now).filter(|_| !is_unconverted)?;
            let base = before + inflow;
            (base > Money::ZERO).then(|| (now + outflow - base).share_of(base)).flatten()
        };
        let daily_return = return_of(self.previous_value, unrounded, inflow, outflow);
        // What the owner put in and cash didn't get went into holdings.
        let into_holdings = net_flow - self.cash_moved;
        let (cost, brought) = if into_holdings > Money::ZERO { (into_holdings, Money::ZERO) } else { (Money::ZERO, -into_holdings) };
        // A round trip while nothing is held leaves no capital at its start nor at its end: what it lost would count as all of it.
        let is_at_work = positions > 0 || begins_held;
        let holdings_return = return_of(self.previous_market_value, unrounded_market_value, cost, brought).filter(|_| is_at_work);
        self.close_intervals(session);
        let is_cost_known = self.last_unconverted.is_none()
            || !self.positions.iter().any(|position| !position.quantity.is_zero() && position.is_unconverted());
        let unrealized = market_value.filter(|_| is_cost_known).map(|market_value| market_value - self.cost);
        let unrealized_currency = if unrealized.is_some() { self.currency_effect(session) } else { None };
        self.yields.days.push(PortfolioDay {
            session_date: session,
            value,
            exact_value: unrounded.map(normalized).filter(|exact| Some(*exact) != value),
            cash: cash.map(|cash| cash.rounded),
            receivable: owed.map(|(owed, _)| owed),
            inflow,
            outflow,
            is_unconverted,
            daily_return,
            holdings_return,
            carried,
            positions,
            market_value,
            unrealized,
            unrealized_currency,
            cash_currency: cash.zip(owed).filter(|_| self.last_unconverted.is_none()).map(|(cash, (_, owed))| cash.currency_effect + owed),
            cash_moved: std::mem::take(&mut self.cash_moved),
            last_unconverted: self.last_unconverted,
            totals: self.totals,
        });
        self.split_today.clear();
        (self.previous_session, self.previous_value) = (Some(session), unrounded.map(normalized));
        self.previous_market_value = unrounded_market_value.map(normalized);
    }

    /// Quantity × close (units of 10⁻²⁰, in the currency of the closes) as money of the base currency.
    pub(super) fn in_base(&mut self, session: NaiveDate, place: usize, units: i128) -> Option<Money> {
        if self.quotes[place].is_none() {
            return money(units);
        }
        self.in_base_unrounded(session, place, units).map(|worth| fixed::cents(worth.0))
    }

    fn in_base_unrounded(&mut self, session: NaiveDate, place: usize, units: i128) -> Option<Money> {
        let Some(quote) = self.quotes[place] else { return fixed::unrounded(units) };
        unrounded_abroad(units, self.exchange.rate(quote.currency, session)?)
    }

    /// Says which rate a close is made with, once a session and currency.
    fn note_rate(&mut self, session: NaiveDate, currency: Currency) {
        let of_session = self.yields.rates.iter().rev().take_while(|used| used.session_date == session);
        if currency == self.exchange.base || of_session.into_iter().any(|used| used.currency == currency) {
            return;
        }
        if let Some(rate) = self.exchange.rate(currency, session) {
            self.yields.rates.push(UsedRate { session_date: session, currency, rate });
        }
    }

    /// Cash of all accounts and currencies, and what exchange rates brought to it.
    fn cash_at(&mut self, session: NaiveDate) -> Option<Cash> {
        let base = self.exchange.base;
        let (mut home, mut foreign) = (Money::ZERO, BTreeMap::<Currency, Money>::new());
        for (currency, cash) in self.cash.values().flatten() {
            if *currency == base { home += *cash } else { *foreign.entry(*currency).or_default() += *cash }
        }
        let (mut rounded, mut unrounded) = (Money::ZERO, Money::ZERO);
        for (currency, cash) in foreign.into_iter().filter(|(_, cash)| !cash.is_zero()) {
            let worth = exchange::unrounded(cash.0, self.exchange.rate(currency, session)?)?;
            (rounded, unrounded) = (rounded + fixed::cents(worth.0), unrounded + worth);
        }
        Some(Cash { rounded: home + rounded, unrounded: home + unrounded, currency_effect: rounded - self.foreign_cash_cost })
    }

    /// Of the unrealized gain, what exchange rates brought: each lot's cost in its own currency at today's rate, less its cost.
    fn currency_effect(&mut self, session: NaiveDate) -> Option<Money> {
        let mut effect = Money::ZERO;
        for place in 0..self.held.len() {
            let Some(abroad) = self.abroad(session, place) else { continue };
            for number in &self.by_place[place] {
                let position = &self.positions[*number];
                if !position.quantity.is_zero() {
                    effect += worth(position.local_cost()?, abroad.rate?)? - position.cost;
                }
            }
        }
        Some(effect)
    }

    /// What is held at the last close, for [`super::super::Yield::holdings`].
    pub(super) fn holdings(&mut self, session: NaiveDate) -> Vec<Holding> {
        let mut holdings = Vec::with_capacity(self.positions.len());
        for number in 0..self.positions.len() {
            let (place, quantity) = (self.positions[number].place, self.positions[number].quantity);
            if quantity.is_zero() {
                continue;
            }
            let (market_value, abroad) = (self.worth(session, place, quantity), self.abroad(session, place));
            let currency = self.quotes[place].map_or(self.exchange.base, |quote| quote.currency);
            let rate = self.exchange.rate(currency, session);
            let position = &self.positions[number];
            let cost = (!position.is_unconverted()).then_some(position.cost);
            let effect = |cost: Money| match abroad {
                Some(abroad) => Some(worth(position.local_cost()?, abroad.rate?)? - cost),
                None => Some(Money::ZERO),
            };
            holdings.push(Holding {
                account: position.account,
                symbol: position.symbol.clone(),
                quantity,
                cost,
                price: self.prices[place].last(),
                currency,
                rate,
                market_value,
                unrealized: market_value.zip(cost).map(|(value, cost)| value - cost),
                currency_effect: cost.and_then(effect),
            });
        }
        holdings
    }

    /// Notes what a place is worth at a close, and what the exchange rate did to what it was worth before.
    fn go_on(&mut self, session: NaiveDate, place: usize, worth: Option<Money>) {
        if let Some(quote) = self.quotes[place] {
            let now = self.exchange.rate(quote.currency, session);
            let rates = self.rates[place].zip(now);
            let effect = self.values[place].zip(rates).and_then(|(value, (before, now))| revalued(value, before, now));
            self.courses[place].currency.push(effect.unwrap_or_default());
            self.rates[place] = now;
        }
        self.values[place] = worth;
        self.courses[place].closes.push((session, worth));
    }

    /// What moved in each place, as one line a session.
    fn keep_moves(&mut self, session: NaiveDate) {
        self.moved.sort_by_key(|(place, _)| *place);
        for (place, moved) in self.moved.drain(..) {
            let moves = &mut self.courses[place].moves;
            match moves.last_mut().filter(|(day, _)| *day == session) {
                Some((_, today)) => *today += moved,
                None => moves.push((session, moved)),
            }
        }
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
                let currency = self.quotes[position.place].map(|quote| quote.currency);
                self.yields.positions.push(PositionInterval { account, symbol, from, to: last, quantity, cost, currency });
            }
        }
    }

    fn report_unvalued(&mut self, session: NaiveDate, place: usize, has_price: bool) {
        let holder = self.by_place[place].iter().map(|number| &self.positions[*number]).find(|position| !position.quantity.is_zero());
        let Some(position) = holder else { return };
        let (account, symbol, base) = (position.account, position.symbol.clone(), self.exchange.base);
        let mut wanting = Vec::new();
        if !has_price {
            let message = format!(
                "{symbol} is held but has no price yet, so the portfolio's value is unknown; fetch its prices or check the symbol."
            );
            wanting.push(("no_price", message));
        }
        if let Some(quote) = self.quotes[place]
            && self.exchange.rate(quote.currency, session).is_none()
        {
            let currency = quote.currency.major();
            let message = format!(
                "{symbol} is held, but there is no rate from {currency} to {base} on or before {session}, so the portfolio's value is unknown; add rates of {currency} from that day on."
            );
            wanting.push(("no_rate", message));
        }
        for (code, message) in wanting {
            let (account, symbol) = (Some(account), Some(symbol.clone()));
            self.yields.findings.push(Finding { session_date: session, account, symbol, key: None, code: code.into(), message });
        }
    }
}

/// What a value gains by a change of the rate alone; `None` beyond what a number can hold.
fn revalued(value: Money, before: Decimal, now: Decimal) -> Option<Money> {
    if before == now {
        return Some(Money::ZERO);
    }
    Some(fixed::cents(value.0.checked_mul(now)?.checked_div(before)?) - value)
}
