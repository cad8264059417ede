//! What is traded and what happened to it: listings with their bars, splits and dividends, the same shape for a made-up
//! market and for a replayed one.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::seed::{Path, Recipe};
use crate::calendar;

/// Every session that the simulator knows, 2000 to 2040. A bar names its session by its place in here.
pub struct Sessions {
    dates: Vec<NaiveDate>,
    midnights_ms: Vec<i64>,
}

impl Sessions {
    pub fn all() -> &'static Self {
        static ALL: OnceLock<Sessions> = OnceLock::new();
        ALL.get_or_init(|| {
            let first = NaiveDate::from_ymd_opt(2000, 1, 3).unwrap_or_default();
            let last = NaiveDate::from_ymd_opt(2040, 12, 31).unwrap_or_default();
            let dates = calendar::sessions(first, last);
            let midnights_ms = dates.iter().map(|date| calendar::midnight(*date).timestamp_millis()).collect();
            Self { dates, midnights_ms }
        })
    }

    /// One beyond the place of the last session.
    pub fn end(&self) -> u32 {
        self.dates.len() as u32
    }

    pub fn date(&self, session: u32) -> NaiveDate {
        self.dates.get(session as usize).copied().unwrap_or(NaiveDate::MAX)
    }

    /// 00:00 in New York, in milliseconds since 1970: the stamp of a daily bar.
    pub fn midnight_ms(&self, session: u32) -> i64 {
        self.midnights_ms.get(session as usize).copied().unwrap_or(i64::MAX)
    }

    /// The place of the session on `date`; `None` on a day without one.
    pub fn find(&self, date: NaiveDate) -> Option<u32> {
        self.dates.binary_search(&date).ok().map(|place| place as u32)
    }

    /// How many sessions lie before `date`: the place of the first one on or after it.
    pub fn place_of(&self, date: NaiveDate) -> u32 {
        self.dates.partition_point(|session| *session < date) as u32
    }
}

/// What a vendor's reference data says about a listing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    pub symbol: String,
    pub name: String,
    /// Market identifier code.
    pub exchange: &'static str,
    /// "CS" or "ETF".
    pub kind: &'static str,
    /// SIC code and its words; a fund has none.
    pub industry: Option<(String, String)>,
    pub list_date: NaiveDate,
}

impl Profile {
    pub fn stock(symbol: &str, name: &str, exchange: &'static str, industry: Option<(&str, &str)>, list_date: NaiveDate) -> Self {
        let industry = industry.map(|(code, words)| (code.to_owned(), words.to_owned()));
        Self { symbol: symbol.to_owned(), name: name.to_owned(), exchange, kind: "CS", industry, list_date }
    }

    pub fn fund(symbol: &str, name: &str, list_date: NaiveDate) -> Self {
        Self { symbol: symbol.to_owned(), name: name.to_owned(), exchange: "ARCX", kind: "ETF", industry: None, list_date }
    }
}

/// A daily bar, raw. Prices are whole numbers of the listing's smallest unit (`Listing::decimals`), so that they are
/// exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bar {
    pub session: u32,
    pub open: u32,
    pub high: u32,
    pub low: u32,
    pub close: u32,
    pub trades: u32,
    pub volume: u64,
}

/// `to` new shares for `from` old ones, in force from the open of `execution_date`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Split {
    pub execution_date: NaiveDate,
    pub from: u32,
    pub to: u32,
}

/// A cash dividend per share, as declared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dividend {
    pub ex_date: NaiveDate,
    pub declaration_date: NaiveDate,
    pub record_date: NaiveDate,
    pub pay_date: NaiveDate,
    pub amount: Decimal,
}

/// Bars and dividends, oldest first.
pub struct Series {
    bars: Bars,
    pub dividends: Vec<Dividend>,
}

enum Bars {
    Recorded(Vec<Bar>),
    /// A number a session, from which a bar is made each time: two million bars would be 70 MB.
    Made(Path),
}

impl Series {
    /// Bars as they were, oldest first.
    pub fn recorded(bars: Vec<Bar>, dividends: Vec<Dividend>) -> Self {
        Self { bars: Bars::Recorded(bars), dividends }
    }

    pub fn made(path: Path, dividends: Vec<Dividend>) -> Self {
        Self { bars: Bars::Made(path), dividends }
    }

    /// Bars of the sessions `from ..= to`.
    pub fn between(&self, from: u32, to: u32) -> Vec<Bar> {
        match &self.bars {
            Bars::Recorded(bars) => {
                let start = bars.partition_point(|bar| bar.session < from);
                let end = bars.partition_point(|bar| bar.session <= to);
                bars.get(start..end).unwrap_or_default().to_vec()
            }
            Bars::Made(path) => path.between(from, to),
        }
    }

    /// The bar of a session, where there is one.
    pub fn on(&self, session: u32) -> Option<Bar> {
        match &self.bars {
            Bars::Recorded(bars) => bars.binary_search_by_key(&session, |bar| bar.session).ok().and_then(|place| bars.get(place)).copied(),
            Bars::Made(path) => path.on(session),
        }
    }

    /// The last bar at or before a session.
    pub fn latest(&self, session: u32) -> Option<Bar> {
        match &self.bars {
            Bars::Recorded(bars) => {
                bars.partition_point(|bar| bar.session <= session).checked_sub(1).and_then(|place| bars.get(place)).copied()
            }
            Bars::Made(path) => path.on(session.min(path.last()?)),
        }
    }
}

/// Nothing yet.
impl Default for Series {
    fn default() -> Self {
        Self::recorded(Vec::new(), Vec::new())
    }
}

/// Where a listing's history comes from.
pub enum History {
    Recorded(Arc<Series>),
    /// Made when first asked for, made longer when the clock has gone on, forgotten when nobody asks for a while.
    Made {
        recipe: Arc<Recipe>,
        so_far: RwLock<(u32, Arc<Series>)>,
    },
}

pub struct Listing {
    pub profile: Profile,
    /// Digits after the point in the whole numbers of its bars.
    pub decimals: u32,
    /// Oldest first.
    pub splits: Vec<Split>,
    pub history: History,
}

impl Listing {
    /// History up to a session; there may be more in it, so slice it.
    pub fn series(&self, last: u32) -> Arc<Series> {
        match &self.history {
            History::Recorded(series) => Arc::clone(series),
            History::Made { recipe, so_far } => {
                let (made_until, series) = {
                    let made = so_far.read().unwrap_or_else(PoisonError::into_inner);
                    (made.0, Arc::clone(&made.1))
                };
                if made_until >= last { series } else { lengthen(recipe, so_far, last) }
            }
        }
    }

    fn forget(&self) {
        if let History::Made { so_far, .. } = &self.history {
            *so_far.write().unwrap_or_else(PoisonError::into_inner) = (0, Arc::default());
        }
    }

    /// A whole number of the smallest unit as money.
    pub fn money(&self, units: u32) -> Decimal {
        Decimal::new(i64::from(units), self.decimals).normalize()
    }

    /// Splits in force at a session's close.
    pub fn splits_until(&self, last: NaiveDate) -> &[Split] {
        let end = self.splits.partition_point(|split| split.execution_date <= last);
        self.splits.get(..end).unwrap_or_default()
    }
}

fn lengthen(recipe: &Arc<Recipe>, so_far: &RwLock<(u32, Arc<Series>)>, last: u32) -> Arc<Series> {
    let series = Arc::new(recipe.series(last));
    *so_far.write().unwrap_or_else(PoisonError::into_inner) = (last, Arc::clone(&series));
    series
}

/// What the Treasury yield was on a day: percent per year as FRED prints it, "." where it has none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rate {
    pub date: NaiveDate,
    pub percent: String,
}

/// All listings by symbol, and the yield.
pub struct Market {
    /// In the order of their symbols.
    pub listings: Vec<Listing>,
    by_symbol: HashMap<String, usize>,
    /// Oldest first.
    pub rates: Vec<Rate>,
}

impl Market {
    pub fn new(mut listings: Vec<Listing>, rates: Vec<Rate>) -> Self {
        listings.sort_by(|a, b| a.profile.symbol.cmp(&b.profile.symbol));
        let by_symbol = listings.iter().enumerate().map(|(place, listing)| (listing.profile.symbol.clone(), place)).collect();
        Self { listings, by_symbol, rates }
    }

    /// Lets go of what can be made again. Five hundred histories are 20 MB, and a server is asked for them once a day.
    pub fn forget(&self) {
        self.listings.iter().for_each(Listing::forget);
    }

    pub fn listing(&self, symbol: &str) -> Option<&Listing> {
        self.by_symbol.get(symbol).and_then(|place| self.listings.get(*place))
    }
}
