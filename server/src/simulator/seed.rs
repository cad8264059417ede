//! A market made from a seed: one factor for all, one for each industry division, and each listing's own moves. What a
//! day was like depends on the seed and the day alone, so the history never changes while the clock goes on.
//!
//! Paths are made in units that know no splits and are pinned to a known price on one day (`ANCHOR`); splits then scale them.

use std::sync::{Arc, RwLock};

use chrono::{Datelike, Days, NaiveDate};
use rust_decimal::Decimal;

use super::market::{Bar, Dividend, History, Listing, Market, Rate, Series, Sessions, Split};
use super::random;
use super::universe::{self, Member, Temper};
use crate::calendar;

/// The made-up history begins here.
pub const FIRST_DAY: NaiveDate = match NaiveDate::from_ymd_opt(2010, 1, 4) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

/// The day on which every listing has the raw close that `Temper::anchor_cents` names.
const ANCHOR: NaiveDate = match NaiveDate::from_ymd_opt(2021, 12, 31) {
    Some(day) => day,
    None => NaiveDate::MIN,
};

const SESSIONS_A_YEAR: f64 = 252.0;
/// The common factor: deviation and growth per year.
const MARKET_VOLATILITY: f64 = 0.145;
const MARKET_GROWTH: f64 = 0.075;
const DIVISION_VOLATILITY: f64 = 0.06;
/// How fast a listing's own path comes back, per year: in sixteen years no price wanders off to absurd places.
const PULL_HOME: f64 = 0.35;
/// No day moves a price by more than this (logarithmic): under 15 % either way.
const LARGEST_MOVE: f64 = 0.125;
/// SIC divisions A to I by the first two digits of the code.
const DIVISIONS: [u32; 9] = [10, 15, 20, 40, 50, 52, 60, 70, 100];

/// The moves that listings share, by session.
pub struct Climate {
    first: u32,
    market: Vec<f64>,
    divisions: Vec<Vec<f64>>,
}

impl Climate {
    fn new(seed: u64) -> Self {
        let sessions = Sessions::all();
        let first = sessions.place_of(FIRST_DAY);
        let moves = |name: &str, yearly: f64| -> Vec<f64> {
            let key = random::named(seed, name);
            (first..sessions.end()).map(|session| shock(key, session) * yearly / SESSIONS_A_YEAR.sqrt()).collect()
        };
        let divisions = DIVISIONS.iter().map(|division| moves(&format!("division {division}"), DIVISION_VOLATILITY)).collect();
        Self { first, market: moves("market", MARKET_VOLATILITY), divisions }
    }
}

/// One day's standard move: quiet nine days of ten, and wild on the tenth.
fn shock(key: u64, session: u32) -> f64 {
    let draw = random::at(key, u64::from(session));
    let size = if random::below(random::mix(draw), 10) == 0 { 1.7 } else { 0.89 };
    random::bell(draw) * size
}

/// How to make one listing's history.
pub struct Recipe {
    climate: Arc<Climate>,
    key: u64,
    temper: Temper,
    division: Option<usize>,
    first: u32,
    /// Where the price falls, and how much.
    splits: Vec<(u32, f64)>,
}

/// A listing's split-free price at each close, in cents, from its first session on.
pub struct Path {
    recipe: Arc<Recipe>,
    levels: Vec<f64>,
}

impl Path {
    pub fn last(&self) -> Option<u32> {
        (self.recipe.first + self.levels.len() as u32).checked_sub(1)
    }

    pub fn between(&self, from: u32, to: u32) -> Vec<Bar> {
        let to = self.last().map_or(0, |last| to.min(last));
        (from.max(self.recipe.first)..=to).filter_map(|session| self.on(session)).collect()
    }

    pub fn on(&self, session: u32) -> Option<Bar> {
        let factor = self.recipe.factor(session);
        Some(self.recipe.bar(session, self.opened_from(session)?, self.level(session)? * factor, factor))
    }

    fn level(&self, session: u32) -> Option<f64> {
        self.levels.get(session.checked_sub(self.recipe.first)? as usize).copied()
    }

    /// The last close in the session's shares; on the first session its own.
    fn opened_from(&self, session: u32) -> Option<f64> {
        let level = session.checked_sub(1).and_then(|before| self.level(before)).or_else(|| self.level(session))?;
        Some(level * self.recipe.factor(session))
    }
}

/// `symbols` companies and SPY.
pub fn market(seed: u64, symbols: usize) -> Market {
    let climate = Arc::new(Climate::new(seed));
    let listings = universe::members(seed, symbols).into_iter().map(|member| listing(seed, &climate, member)).collect();
    Market::new(listings, rates(seed))
}

fn listing(seed: u64, climate: &Arc<Climate>, member: Member) -> Listing {
    let sic = member.profile.industry.as_ref().and_then(|(code, _)| code.get(..2)?.parse::<u32>().ok());
    let recipe = Recipe {
        climate: Arc::clone(climate),
        key: random::named(seed, &member.profile.symbol),
        temper: member.temper,
        division: sic.and_then(|major| DIVISIONS.iter().position(|end| major < *end)),
        first: Sessions::all().place_of(member.profile.list_date).max(climate.first),
        splits: member.splits.iter().map(|split| (Sessions::all().place_of(split.execution_date), ratio(split))).collect(),
    };
    let so_far = RwLock::new((0, Arc::new(Series::default())));
    Listing { profile: member.profile, decimals: 2, splits: member.splits, history: History::Made { recipe: Arc::new(recipe), so_far } }
}

impl Recipe {
    /// Bars and dividends of the sessions up to `last`.
    pub fn series(self: &Arc<Self>, last: u32) -> Series {
        let sessions = Sessions::all();
        let pinned = sessions.place_of(ANCHOR);
        let mut levels = self.path(last.max(pinned));
        let Some(at_anchor) = levels.get((pinned - self.first) as usize).copied() else { return Series::default() };
        levels.truncate((last + 1).saturating_sub(self.first) as usize);
        levels.shrink_to_fit();
        for level in &mut levels {
            *level = libm::exp(*level - at_anchor) * f64::from(self.temper.anchor_cents);
        }
        let path = Path { recipe: Arc::clone(self), levels };
        let dividends =
            (self.first..=last).filter_map(|session| self.dividend(session, sessions.date(session), path.opened_from(session)?));
        let dividends = dividends.collect();
        Series::made(path, dividends)
    }

    /// What a split-free price is multiplied by on a session: the splits between it and the anchor.
    fn factor(&self, session: u32) -> f64 {
        let pinned = Sessions::all().place_of(ANCHOR);
        let ratios = self.splits.iter().map(|(at, ratio)| match (*at <= session, *at <= pinned) {
            (false, true) => *ratio,
            (true, false) => 1.0 / ratio,
            _ => 1.0,
        });
        ratios.product()
    }

    /// The logarithm of the split-free price at each close, from the first session on.
    fn path(&self, last: u32) -> Vec<f64> {
        let Temper { beta, own_volatility, .. } = self.temper;
        let daily = own_volatility / SESSIONS_A_YEAR.sqrt();
        let growth = (MARKET_GROWTH - MARKET_VOLATILITY * MARKET_VOLATILITY / 2.0) * beta / SESSIONS_A_YEAR;
        let (mut level, mut own) = (0.0, 0.0);
        let mut path = Vec::with_capacity(last.saturating_sub(self.first) as usize + 1);
        for session in self.first..=last {
            let place = (session - self.climate.first) as usize;
            let shared = self.climate.market.get(place).copied().unwrap_or_default() * beta;
            let division = self.division.and_then(|division| self.climate.divisions.get(division)?.get(place)).copied();
            let own_move = shock(self.key, session) * daily - own * PULL_HOME / SESSIONS_A_YEAR;
            own += own_move;
            let paid = if self.goes_ex(session) { self.temper.dividend_yield / 4.0 } else { 0.0 };
            let moved = growth + shared + division.unwrap_or_default() + own_move - paid;
            level += moved.clamp(-LARGEST_MOVE, LARGEST_MOVE);
            path.push(level);
        }
        path
    }

    fn bar(&self, session: u32, opened_from: f64, level: f64, factor: f64) -> Bar {
        let draw = random::at(!self.key, u64::from(session));
        let part = |number: u32| ((draw >> (16 * number)) & 0xffff) as f64 / 65_536.0;
        let reach = level * 0.35 * (self.temper.beta * MARKET_VOLATILITY + self.temper.own_volatility) / SESSIONS_A_YEAR.sqrt();
        let start = opened_from + (level - opened_from) * part(0) * 0.7;
        let cents = |price: f64| price.round().clamp(1.0, f64::from(u32::MAX)) as u32;
        let (open, close) = (cents(start), cents(level));
        let high = cents(start.max(level) + reach * part(1)).max(open).max(close);
        let low = cents((start.min(level) - reach * part(2)).max(1.0)).min(open).min(close);
        let volume = (f64::from(self.temper.usual_volume) / factor * (0.6 + 0.9 * part(3))).max(100.0) as u64;
        Bar { session, open, high, low, close, trades: (volume / 140).clamp(1, 4_000_000) as u32, volume }
    }

    /// Does the listing go ex on this session? The month of the quarter and the place in the month are its own. Not on the day of its
    /// split: whose shares a dividend is for would be ambiguous.
    fn goes_ex(&self, session: u32) -> bool {
        if self.temper.dividend_yield <= 0.0 || session <= self.first || self.splits.iter().any(|(at, _)| *at == session) {
            return false;
        }
        let sessions = Sessions::all();
        let date = sessions.date(session);
        let month = random::below(random::at(self.key, u64::MAX), 3) as u32;
        let day = 5 + random::below(random::at(self.key, u64::MAX - 1), 18) as u32;
        date.month0() % 3 == month && date.day() >= day && {
            let before = sessions.date(session - 1);
            before.month() != date.month() || before.day() < day
        }
    }

    /// A quarter of the yearly yield on the last close, to the cent.
    fn dividend(&self, session: u32, ex_date: NaiveDate, last_close_cents: f64) -> Option<Dividend> {
        if !self.goes_ex(session) {
            return None;
        }
        let cents = (last_close_cents * self.temper.dividend_yield / 4.0).round().max(1.0) as i64;
        let pay_after = 14 + random::below(random::at(self.key, u64::MAX - 2), 14);
        Some(Dividend {
            ex_date,
            declaration_date: calendar::session_on_or_before(ex_date - Days::new(24)),
            record_date: ex_date,
            pay_date: calendar::session_on_or_after(ex_date + Days::new(pay_after)),
            amount: Decimal::new(cents, 2).normalize(),
        })
    }
}

/// How much the price falls at a split.
fn ratio(split: &Split) -> f64 {
    f64::from(split.to) / f64::from(split.from)
}

/// The Treasury yield on each weekday: a slow wave between 0 and 5 % with small steps; "." on days without a bond market.
fn rates(seed: u64) -> Vec<Rate> {
    let key = random::named(seed, "treasury");
    let sessions = Sessions::all();
    let phase = random::unit(key);
    let last = sessions.date(sessions.end() - 1);
    FIRST_DAY
        .iter_days()
        .take_while(|date| *date <= last)
        .filter(|date| date.weekday().number_from_monday() <= 5)
        .map(|date| Rate { date, percent: percent(key, phase, date) })
        .collect()
}

fn percent(key: u64, phase: f64, date: NaiveDate) -> String {
    if !calendar::is_session(date) || is_bond_holiday(date) {
        return ".".to_owned();
    }
    let days = f64::from(date.num_days_from_ce());
    let wave = libm::sin(std::f64::consts::TAU * (days / (9.0 * 365.25) + phase));
    let step = random::bell(random::at(key, date.num_days_from_ce() as u64)) * 0.02;
    format!("{:.2}", (2.6 + 2.2 * wave + step).max(0.02))
}

/// Columbus Day and Veterans Day: the bond market is closed, the exchange isn't.
fn is_bond_holiday(date: NaiveDate) -> bool {
    let second_monday = date.weekday().number_from_monday() == 1 && (8..=14).contains(&date.day());
    (date.month() == 10 && second_monday) || (date.month() == 11 && date.day() == 11)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> u32 {
        Sessions::all().find(text.parse().unwrap()).unwrap()
    }

    #[test]
    fn the_same_seed_gives_the_same_market_and_another_seed_another() {
        let last = place("2026-11-20");
        let bars = |seed| market(seed, 25).listing("AAPL").unwrap().series(last).between(0, last);
        assert_eq!(bars(42), bars(42));
        assert_ne!(bars(42), bars(43));
    }

    #[test]
    fn tomorrow_extends_history_and_rewrites_nothing() {
        let (today, later) = (place("2024-06-05"), place("2026-11-20"));
        let market = market(42, 40);
        for listing in &market.listings {
            let before = listing.series(today);
            let after = listing.series(later);
            let bars = before.between(0, u32::MAX);
            assert_eq!(bars.last().unwrap().session, today);
            assert_eq!(bars, after.between(0, today), "{}", listing.profile.symbol);
            assert_eq!(before.dividends[..], after.dividends[..before.dividends.len()]);
            assert_eq!(after.between(today + 1, u32::MAX).first(), after.on(today + 1).as_ref());
            assert_eq!(after.latest(u32::MAX).unwrap().session, later);
        }
    }

    #[test]
    fn prices_are_plausible() {
        let last = place("2026-11-20");
        for listing in &market(42, 200).listings {
            let series = listing.series(last);
            let symbol = &listing.profile.symbol;
            let mut moves = Vec::new();
            for pair in series.between(0, last).windows(2) {
                let (before, bar) = (pair[0], pair[1]);
                let date = Sessions::all().date(bar.session);
                let split: f64 = listing.splits.iter().filter(|split| split.execution_date == date).map(ratio).product();
                let change = f64::from(bar.close) * split / f64::from(before.close) - 1.0;
                assert!(change.abs() < 0.15, "{symbol} {date} {change}");
                assert!(bar.low <= bar.open.min(bar.close) && bar.high >= bar.open.max(bar.close) && bar.low > 0);
                moves.push(change);
            }
            let mean = moves.iter().sum::<f64>() / moves.len() as f64;
            let variance = moves.iter().map(|each| (each - mean) * (each - mean)).sum::<f64>() / moves.len() as f64;
            let volatility = (variance * SESSIONS_A_YEAR).sqrt();
            assert!((0.12..0.47).contains(&volatility), "{symbol} {volatility}");
        }
    }

    #[test]
    fn the_anchor_holds_and_splits_scale_the_raw_price() {
        let market = market(42, 25);
        let last = place("2026-11-20");
        let close = |symbol: &str, on: &str| f64::from(market.listing(symbol).unwrap().series(last).latest(place(on)).unwrap().close);
        assert_eq!(close("AAPL", "2021-12-31"), 17_757.0);
        assert_eq!(close("SPY", "2021-12-31"), 47_496.0);
        let fall = close("AMZN", "2022-06-03") / close("AMZN", "2022-06-06");
        assert!((17.0..23.0).contains(&fall), "{fall}");
        let rise = close("GE", "2023-07-31") / close("GE", "2023-07-28");
        assert!((6.9..9.2).contains(&rise), "{rise}");
    }

    #[test]
    fn dividends_come_four_times_a_year_and_are_paid_after_the_ex_date() {
        let market = market(42, 25);
        let series = market.listing("SPY").unwrap().series(place("2026-11-20"));
        let in_2025 = series.dividends.iter().filter(|dividend| dividend.ex_date.year() == 2025);
        assert_eq!(in_2025.count(), 4);
        assert!(series.dividends.iter().all(|dividend| dividend.pay_date > dividend.ex_date && dividend.amount > Decimal::ZERO));
    }

    #[test]
    fn the_yield_is_missing_on_bond_holidays() {
        let rates = rates(42);
        let on = |day: &str| rates.iter().find(|rate| rate.date == day.parse().unwrap()).unwrap().percent.clone();
        assert_eq!(on("2025-10-13"), ".");
        assert_eq!(on("2025-11-11"), ".");
        assert!(on("2025-10-14").parse::<f64>().unwrap() > 0.0);
    }
}
