//! A small account for replayed history that brings no activities of its own: it buys every company soon after its first
//! bar, collects the dividends, sells once, pays a fee and takes some money out.

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;

use super::activity::Activity;
use super::book::Book;
use crate::simulator::market::{Bar, Listing, Market, Sessions};
use crate::simulator::random;
use crate::simulator::universe::BENCHMARK;

/// About what each holding costs.
const STAKE_USD: i64 = 40_000;
/// A company is bought on its third bar, the next on its fifth, …: well before most of what will happen to it.
const FIRST_BUY_BAR: usize = 2;
const BARS_BETWEEN_BUYS: usize = 2;

/// All activities up to the session `last`.
pub fn activities(market: &Market, last: u32) -> Vec<Activity> {
    let companies: Vec<&Listing> = market.listings.iter().filter(|listing| listing.profile.symbol != BENCHMARK).collect();
    let sessions = Sessions::all();
    let series: Vec<_> = companies.iter().map(|listing| listing.series(last)).collect();
    let bars: Vec<Vec<Bar>> = series.iter().map(|series| series.between(0, u32::MAX)).collect();
    let Some(first) = bars.iter().filter_map(|bars| bars.first()).map(|bar| bar.session).min() else { return Vec::new() };
    let end = bars.iter().filter_map(|bars| bars.last()).map(|bar| bar.session).max().unwrap_or(first);
    // Places are shares of the whole recording, not of what has been served so far: the clock must not move them.
    let at = |share: u32| first + (end - first) * share / 100;
    let mut book = Book::new(random::named(0, "replay"));
    for session in first..=last.min(end) {
        let date = sessions.date(session);
        for (listing, series) in companies.iter().zip(&series) {
            let symbol = &listing.profile.symbol;
            for dividend in series.dividends.iter().filter(|dividend| dividend.ex_date == date) {
                book.goes_ex(symbol, dividend);
            }
            for split in listing.splits.iter().filter(|split| split.execution_date == date) {
                book.split(symbol, split);
            }
        }
        book.pay_dividends(date);
        if session == first {
            book.deposit(date, opening_deposit(&companies, &bars));
        }
        if session == at(45) {
            book.deposit(date, Decimal::from(STAKE_USD / 4));
        }
        if session == at(92) {
            book.withdraw(date, Decimal::from(STAKE_USD / 8));
        }
        for (place, ((listing, series), bars)) in companies.iter().zip(&series).zip(&bars).enumerate() {
            let Some(bar) = series.on(session) else { continue };
            let price = listing.money(bar.close);
            let bought_on = bars.get(FIRST_BUY_BAR + place * BARS_BETWEEN_BUYS).map(|bar| bar.session);
            if bought_on == Some(session) {
                book.buy(date, &listing.profile.symbol, shares_for(price), price, if place == 0 { 2 } else { 1 });
            }
            if session == at(75) && is_sold(&companies, place) {
                let held = book.shares.get(&listing.profile.symbol).copied().unwrap_or_default();
                book.sell(date, &listing.profile.symbol, (held / Decimal::TWO).floor(), price, 1);
            }
        }
    }
    book.into_activities()
}

/// The third company of four or more (MSFT in 2014), else the first: half of it is sold.
fn is_sold(companies: &[&Listing], place: usize) -> bool {
    place == if companies.len() >= 3 { 2 } else { 0 }
}

/// Whole shares, one at least.
fn shares_for(price: Decimal) -> Decimal {
    (Decimal::from(STAKE_USD) / price).floor().max(Decimal::ONE)
}

/// Enough for every purchase even if prices rise by a tenth first, in round numbers.
fn opening_deposit(companies: &[&Listing], bars: &[Vec<Bar>]) -> Decimal {
    let needed: Decimal = companies
        .iter()
        .zip(bars)
        .filter_map(|(listing, bars)| bars.first().map(|bar| listing.money(bar.close)))
        .map(|price| (shares_for(price) * price).max(Decimal::from(STAKE_USD)) * Decimal::new(11, 1))
        .sum();
    (needed / Decimal::from(10_000)).ceil() * Decimal::from(10_000)
}

/// Dividends of replayed history name no pay date: a week after the ex-date is usual enough.
pub fn usual_pay_date(ex_date: NaiveDate) -> NaiveDate {
    crate::calendar::session_on_or_after(ex_date + Days::new(7))
}
