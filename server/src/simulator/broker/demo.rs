//! The demo accounts of a made-up market: years of deposits, buys, sales, dividends, fees, interest and a withdrawal,
//! walked forward session by session, so that what happened never changes while the clock goes on.

use std::collections::BTreeMap;

use chrono::{Datelike, Days, NaiveDate};
use rust_decimal::Decimal;

use super::activity::Activity;
use super::book::Book;
use crate::calendar;
use crate::simulator::market::{Bar, Dividend, Listing, Market, Sessions, Split};
use crate::simulator::random;
use crate::simulator::universe::BENCHMARK;

/// One demo account among several.
#[derive(Debug, Clone, Copy)]
pub struct Owner {
    pub seed: u64,
    /// From 1.
    pub account: usize,
    pub accounts: usize,
    pub years: u32,
}

/// A new holding is bought for about this much, and the opening deposit is that for each symbol.
const STAKE_USD: i64 = 4_000;
/// The deposit of each month, as a share of the opening one.
const MONTHLY_SHARE: Decimal = Decimal::from_parts(18, 0, 0, false, 3);
const INTEREST_A_YEAR: Decimal = Decimal::from_parts(12, 0, 0, false, 3);
/// Sessions between sales; every fourth sale closes a position.
const SALE_EVERY: u32 = 43;
const WITHDRAWAL_EVERY: u32 = 410;

/// The first session of a demo account: in late November, `years` before the year that the clock shows, and from 2026 on
/// before 2026: so that it doesn't move with the clock.
pub fn opening_session(years: u32, today: NaiveDate) -> NaiveDate {
    let year = today.year().min(2026) - i32::try_from(years).unwrap_or(0).min(30);
    calendar::session_on_or_after(NaiveDate::from_ymd_opt(year, 11, 22).unwrap_or(today).max(crate::simulator::seed::FIRST_DAY))
}

enum Event {
    Split(Split),
    Dividend(Dividend),
}

struct Trader<'a> {
    market: &'a Market,
    basket: Vec<&'a Listing>,
    key: u64,
    book: Book,
    stake: Decimal,
    first: u32,
    /// Sessions over which the basket is bought for the first time.
    entry_span: u32,
}

/// All activities of one account up to the session `last`.
pub fn activities(market: &Market, owner: Owner, today: NaiveDate, last: u32) -> Vec<Activity> {
    let sessions = Sessions::all();
    let first = sessions.place_of(opening_session(owner.years, today));
    let key = random::at(random::named(owner.seed, "account"), owner.account as u64);
    let basket = basket(market, owner, key);
    let entry_span = (owner.years * 60).max(20);
    let mut trader = Trader { market, basket, key, book: Book::new(key), stake: Decimal::from(STAKE_USD), first, entry_span };
    let mut events = trader.events(first, last);
    for session in first..=last {
        trader.live_through(session, events.remove(&session).unwrap_or_default());
    }
    trader.book.into_activities()
}

/// Together the accounts hold every company; in a small market they share some.
fn basket(market: &Market, owner: Owner, key: u64) -> Vec<&Listing> {
    let mut companies: Vec<(u64, &Listing)> = market
        .listings
        .iter()
        .filter(|listing| listing.profile.symbol != BENCHMARK)
        .enumerate()
        .filter(|(place, _)| {
            let turn = (place + owner.accounts).saturating_sub(owner.account - 1) % owner.accounts;
            turn == 0 || (market.listings.len() <= 40 && turn == 1)
        })
        .map(|(_, listing)| (random::named(key, &listing.profile.symbol), listing))
        .collect();
    companies.sort_by_key(|(draw, _)| *draw);
    companies.into_iter().map(|(_, listing)| listing).collect()
}

impl Trader<'_> {
    /// Splits and ex-dates of the basket by session.
    fn events(&self, first: u32, last: u32) -> BTreeMap<u32, Vec<(String, Event)>> {
        let sessions = Sessions::all();
        let mut events: BTreeMap<u32, Vec<(String, Event)>> = BTreeMap::new();
        for listing in &self.basket {
            let symbol = &listing.profile.symbol;
            for split in &listing.splits {
                events.entry(sessions.place_of(split.execution_date)).or_default().push((symbol.clone(), Event::Split(*split)));
            }
            for dividend in &listing.series(last).dividends {
                events.entry(sessions.place_of(dividend.ex_date)).or_default().push((symbol.clone(), Event::Dividend(*dividend)));
            }
        }
        events.retain(|session, _| (first..=last).contains(session));
        events
    }

    fn live_through(&mut self, session: u32, events: Vec<(String, Event)>) {
        let sessions = Sessions::all();
        let (date, before) = (sessions.date(session), sessions.date(session - 1));
        let age = session - self.first;
        // The dividend is declared on the shares of the evening before, so it comes before a split of the same morning.
        for (symbol, event) in &events {
            if let Event::Dividend(dividend) = event {
                self.book.goes_ex(symbol, dividend);
            }
        }
        for (symbol, event) in &events {
            if let Event::Split(split) = event {
                self.book.split(symbol, split);
            }
        }
        self.book.pay_dividends(date);
        let opening = self.stake * Decimal::from(self.basket.len()) * Decimal::new(108, 2);
        if age == 0 {
            self.book.deposit(date, opening);
        } else if date.month() != before.month() {
            let month_end = NaiveDate::from_ymd_opt(date.year(), date.month(), 1).map_or(before, |first| first - Days::new(1));
            self.book.interest(month_end, INTEREST_A_YEAR);
            self.book.deposit(date, (opening * MONTHLY_SHARE).round());
        }
        if age > 0 && age.is_multiple_of(WITHDRAWAL_EVERY) {
            self.book.withdraw(date, (opening * Decimal::new(4, 2)).round());
        }
        self.buy_for_the_first_time(session, age);
        self.add_to_a_holding(session, date, before);
        if age > self.entry_span && age.is_multiple_of(SALE_EVERY) {
            self.sell_something(session, age / SALE_EVERY);
        }
    }

    /// The basket is entered in order, three fifths of it in the first days: the age at which the holding at `place` is due.
    fn due(&self, place: u32) -> u32 {
        let count = (self.basket.len() as u32).max(1);
        let at_once = count * 3 / 5;
        if place < at_once { 1 + place * 12 / count } else { 15 + (place - at_once) * self.entry_span / count }
    }

    fn buy_for_the_first_time(&mut self, session: u32, age: u32) {
        for place in 0..self.basket.len() {
            if self.due(place as u32) == age
                && let Some(listing) = self.basket.get(place).copied()
            {
                self.buy(session, listing, self.stake);
            }
        }
    }

    /// A few days into each month the deposit is invested, and more when cash has piled up; what is yet to be entered
    /// keeps its stake.
    fn add_to_a_holding(&mut self, session: u32, date: NaiveDate, before: NaiveDate) {
        if !(date.day() > 4 && before.day() <= 4) || self.basket.is_empty() {
            return;
        }
        let age = session - self.first;
        let to_enter = (0..self.basket.len() as u32).filter(|place| self.due(*place) > age).count();
        let reserve = self.stake * (Decimal::from(to_enter) + Decimal::from(self.basket.len()) * Decimal::new(4, 2));
        let spare = (self.book.cash - reserve).max(Decimal::ZERO);
        let times = if spare > self.stake * Decimal::from(2) { 3 } else { 1 };
        for turn in 0..times {
            let draw = random::named(self.key, &format!("add {date} {turn}"));
            if let Some(listing) = self.basket.get(random::below(draw, self.basket.len() as u64) as usize).copied() {
                self.buy(session, listing, spare / Decimal::from(times));
            }
        }
    }

    fn buy(&mut self, session: u32, listing: &Listing, budget: Decimal) {
        let series = listing.series(session);
        let Some(bar) = series.on(session) else { return };
        let date = Sessions::all().date(session);
        let symbol = &listing.profile.symbol;
        let draw = random::named(self.key, &format!("buy {symbol} {date}"));
        let price = fill_price(listing, &bar, draw);
        let (quantity, pieces) = (whole_or_part(listing, budget / price, draw), if draw.is_multiple_of(9) { 3 } else { 1 });
        self.book.buy(date, symbol, quantity, price, pieces);
    }

    fn sell_something(&mut self, session: u32, turn: u32) {
        let held: Vec<(String, Decimal)> = self.book.shares.iter().map(|(symbol, shares)| (symbol.clone(), *shares)).collect();
        let date = Sessions::all().date(session);
        let draw = random::named(self.key, &format!("sell {date}"));
        let Some((symbol, shares)) = held.get(random::below(draw, held.len() as u64) as usize) else { return };
        let Some(listing) = self.market.listing(symbol) else { return };
        let series = listing.series(session);
        let Some(bar) = series.on(session) else { return };
        let lot = lot(listing);
        let part = (shares * Decimal::new(4, 1) / lot).floor() * lot;
        let quantity = if turn.is_multiple_of(4) { *shares } else { part };
        let pieces = if draw.is_multiple_of(5) { 2 } else { 1 };
        self.book.sell(date, symbol, quantity, fill_price(listing, &bar, random::mix(draw)), pieces);
    }
}

/// A price between the day's low and high.
fn fill_price(listing: &Listing, bar: &Bar, draw: u64) -> Decimal {
    let above = random::below(random::mix(draw), u64::from(bar.high - bar.low) + 1) as u32;
    listing.money(bar.low + above)
}

/// Shares are bought in multiples of this, so that a reverse split leaves no fraction behind.
fn lot(listing: &Listing) -> Decimal {
    listing.splits.iter().map(|split| Decimal::from(split.from)).max().unwrap_or(Decimal::ONE)
}

/// Whole shares as a rule; hundredths where one share is too dear, and now and then.
fn whole_or_part(listing: &Listing, wanted: Decimal, draw: u64) -> Decimal {
    let lot = lot(listing);
    let whole = (wanted / lot).floor() * lot;
    if lot == Decimal::ONE && (whole < Decimal::TWO || draw.is_multiple_of(11)) { wanted.trunc_with_scale(2) } else { whole }.normalize()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::simulator::broker::activity::Detail;
    use crate::simulator::broker::statement::{statement, visible};
    use crate::simulator::seed;

    fn place(text: &str) -> u32 {
        Sessions::all().find(day(text)).unwrap()
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    const OWNER: Owner = Owner { seed: 1, account: 1, accounts: 1, years: 5 };

    #[test]
    fn tomorrow_adds_and_rewrites_nothing() {
        let market = seed::market(1, 25);
        let before = activities(&market, OWNER, day("2026-03-06"), place("2026-03-06"));
        let after = activities(&market, OWNER, day("2027-02-01"), place("2027-02-01"));
        let known: BTreeSet<_> = after.iter().map(|activity| activity.id.clone()).collect();
        assert!(before.iter().all(|activity| known.contains(&activity.id)));
        assert!(after.len() > before.len());
    }

    #[test]
    fn the_account_never_owes_and_has_every_kind_of_entry() {
        let market = seed::market(1, 25);
        let (last, now) = (day("2026-11-20"), day("2026-11-22").and_hms_opt(0, 0, 0).unwrap().and_utc());
        let all = activities(&market, OWNER, last, place("2026-11-20"));
        let mut cash = Decimal::ZERO;
        for activity in &all {
            cash += activity.cash();
            assert!(cash > Decimal::new(-100, 0), "{} {cash}", activity.id);
            assert!(activity.cash().scale() <= 4, "{}", activity.id);
        }
        let kinds: BTreeSet<&str> = all.iter().map(|activity| activity.kind.as_str()).collect();
        assert_eq!(kinds, ["CSD", "CSW", "DIV", "FEE", "FILL", "INT"].into());
        assert!(all.iter().any(|activity| matches!(&activity.detail, Detail::Fill { left, .. } if !left.is_zero())));
        assert!(all.iter().any(|activity| activity.kind == "FEE" && calendar::new_york_date(activity.created_at) > activity.date));
        let stands = statement(&visible(&all, last, now), &market, last);
        assert!(stands.positions.values().all(|position| position.quantity > Decimal::ZERO && position.cost > Decimal::ZERO));
        assert!(stands.positions.values().all(|position| position.quantity.scale() <= 2), "{stands:?}");
        let split: Vec<_> = ["COST", "GE", "AMZN"].iter().filter(|symbol| stands.positions.contains_key(**symbol)).collect();
        assert!(!split.is_empty(), "some held symbols were split");
    }

    #[test]
    fn together_the_accounts_hold_every_company() {
        let market = seed::market(3, 120);
        let last = place("2026-11-20");
        let mut held = BTreeSet::new();
        for account in 1..=3 {
            let owner = Owner { seed: 3, account, accounts: 3, years: 10 };
            for activity in activities(&market, owner, day("2026-11-20"), last) {
                if let Detail::Fill { symbol, .. } = activity.detail {
                    held.insert(symbol);
                }
            }
        }
        assert_eq!(held.len(), 120);
    }

    #[test]
    fn a_fee_is_not_seen_before_it_is_created() {
        let market = seed::market(1, 25);
        let all = activities(&market, OWNER, day("2026-11-20"), place("2026-11-20"));
        let fee = all.iter().find(|activity| activity.kind == "FEE").unwrap();
        let evening = calendar::session(fee.date).close_at + chrono::TimeDelta::hours(2);
        let seen = |at| visible(&all, fee.date, at).iter().any(|activity| activity.id == fee.id);
        assert!(!seen(evening));
        assert!(seen(evening + chrono::TimeDelta::hours(12)));
    }
}
