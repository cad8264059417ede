//! What the overview says.

use crate::{
    domain::{Benchmark, Figure, Money, PortfolioId, Range, Symbol},
    format,
};
use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};

/// What the frame of every page needs: the scope bar, the chip, the demo note.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    pub display_name: String,
    pub is_administrator: bool,
    pub portfolios: Vec<PortfolioChoice>,
    /// The portfolio that is shown; `None` while the person has none.
    pub shown: Option<PortfolioId>,
    /// As an earlier day is asked for: the last one of that day.
    pub publication: Option<PublicationNote>,
    /// "Demo: simulated prices" on every page.
    pub is_demo: bool,
    /// Failing checks of the latest run that concern this person, for the badge beside "Data quality".
    pub open_findings: u32,
    /// Set while a run that this person waits for is under way, e.g. the first backfill.
    pub running: Option<RunningNote>,
    pub rendered_at: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PortfolioChoice {
    pub id: PortfolioId,
    pub name: String,
}

/// When the shown numbers were published and how many checks held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PublicationNote {
    pub session_date: NaiveDate,
    pub published_at: DateTime<Utc>,
    pub checks_passed: u32,
    pub checks_total: u32,
    /// The last completed exchange session is later than the published one.
    pub is_stale: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunningNote {
    pub run_id: i64,
    pub dag: String,
    /// The task under way, in words.
    pub task: String,
    pub done: u64,
    pub total: Option<u64>,
}

/// The overview of one portfolio, as of its last published session.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Overview {
    pub figures: OverviewFigures,
    pub currency: String,
    pub range: Range,
    pub benchmark: Benchmark,
    pub sectors: Vec<SectorWeight>,
    /// ECharts options as JSON.
    pub value_chart: String,
    pub return_chart: String,
    pub drawdown_chart: String,
}

/// The overview's numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OverviewFigures {
    pub as_of: NaiveDate,
    /// The session with whose close the range opens.
    pub opens_on: NaiveDate,
    /// The portfolio's first session.
    pub since: NaiveDate,
    pub value: Figure<Money>,
    pub positions: u32,
    /// Prices carried from an earlier session.
    pub carried: u32,
    /// Gain of the last session: price and income, without flows.
    pub day_change: Figure<Money>,
    pub day_return: Figure<f64>,
    pub benchmark_day_return: Figure<f64>,
    /// Since the first session.
    pub total_gain: Figure<Gain>,
    /// In the range.
    pub time_weighted: Figure<f64>,
    pub benchmark_return: Figure<f64>,
    /// TWR − benchmark.
    pub excess_return: Figure<f64>,
    /// XIRR since the first session: a year, or of the period when it is shorter than a year.
    pub money_weighted: Figure<f64>,
    pub money_weighted_is_annual: bool,
    pub risk: Risk,
    /// From the opening to the closing value of the range.
    pub bridge: Figure<Bridge>,
    /// The session with whose close the range opens, where the portfolio has it, and those of the range; on the page those that the
    /// table behind the charts shows.
    pub days: Vec<Day>,
    /// Time-weighted return by calendar month since the first session, oldest first.
    pub months: Vec<MonthReturn>,
    /// By calendar year.
    pub years: Vec<(i32, Figure<f64>)>,
}

/// Total gain and its parts, to the cent.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Gain {
    pub total: Money,
    pub realized: Money,
    pub unrealized: Money,
    pub income: Money,
    /// Fees and taxes that are in no lot, positive.
    pub costs: Money,
    /// What exchange rates brought to cash; what they brought to holdings is in their gains.
    pub currency: Money,
    /// total − (realized + unrealized + income − costs + currency): shown when it isn't 0.
    pub residual: Money,
}

impl Gain {
    /// What the cents of the parts leave of the total's.
    pub fn rounding(&self) -> Money {
        format::rounding(self.total, [self.realized, self.unrealized, self.income, -self.costs, self.currency, self.residual])
    }
}

/// Measures of the range, keys as in NUMBERS.md section 4.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Risk {
    pub annualized_return: Figure<f64>,
    pub volatility: Figure<f64>,
    pub sharpe_ratio: Figure<f64>,
    pub max_drawdown: Figure<f64>,
    pub beta: Figure<f64>,
    pub jensen_alpha: Figure<f64>,
    pub herfindahl_index: Figure<f64>,
    pub effective_positions: Figure<f64>,
    pub top_1_weight: Figure<f64>,
    pub top_5_weight: Figure<f64>,
    pub top_10_weight: Figure<f64>,
}

/// Opening value + inflows − outflows + gain = closing value.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Bridge {
    pub opening: Money,
    pub inflows: Money,
    pub outflows: Money,
    pub price: Money,
    pub income: Money,
    pub costs: Money,
    pub closing: Money,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SectorWeight {
    /// A sector, or "Cash".
    pub sector: String,
    pub value: Money,
    pub weight: f64,
}

/// One session in the range: the table behind the charts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Day {
    pub session_date: NaiveDate,
    pub value: Option<Money>,
    /// Deposits and other inflows minus outflows since the first session.
    pub net_contributions: Money,
    pub inflow: Money,
    pub outflow: Money,
    /// Since the range opened.
    pub cumulative: Option<f64>,
    pub benchmark_cumulative: Option<f64>,
    pub drawdown: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MonthReturn {
    pub year: i32,
    pub month: u32,
    pub time_weighted: Figure<f64>,
}

/// What the overview page shows: the overview, and the first of the holdings.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OverviewPage {
    pub overview: Overview,
    /// The largest, as the holdings page orders them.
    pub top: Vec<TopHolding>,
    /// How many there are in all.
    pub holdings: u32,
    pub restated: Restated,
    /// Why the value isn't yesterday's.
    pub since_yesterday: Figure<SinceYesterday>,
}

/// The overview as its page takes it: `below`, as HTML, is what stands below the charts.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shown {
    pub overview: Overview,
    pub restated: Restated,
    pub since_yesterday: Figure<SinceYesterday>,
    pub below: String,
}

/// Published days whose numbers were others before, as a badge beside the figures that they are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Restated {
    /// The last session is one.
    pub is_last: bool,
    /// Days of the range, the one with whose close it opens included.
    pub in_range: u32,
    /// Since the first session.
    pub ever: u32,
    /// Of the benchmark, in the range.
    pub benchmark_in_range: u32,
}

/// The days themselves, ascending: of a portfolio, and of the benchmark beside it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RestatedDays {
    pub own: Vec<NaiveDate>,
    pub benchmark: Vec<NaiveDate>,
}

impl RestatedDays {
    /// In a range that opens with the close of `opens_on`.
    pub fn counted(&self, opens_on: NaiveDate, as_of: NaiveDate) -> Restated {
        let count = |of: &[NaiveDate], from: &dyn Fn(NaiveDate) -> bool| {
            u32::try_from(of.iter().filter(|day| from(**day)).count()).unwrap_or(u32::MAX)
        };
        Restated {
            is_last: self.own.contains(&as_of),
            in_range: count(&self.own, &|day| day >= opens_on),
            ever: count(&self.own, &|_| true),
            benchmark_in_range: count(&self.benchmark, &|day| day > opens_on),
        }
    }
}

/// From the value that was shown for the session before to the one that is shown now, to the cent; its parts add up to the change.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SinceYesterday {
    /// The session before.
    pub since: NaiveDate,
    /// What was shown for it before the last session was published.
    pub shown: Money,
    pub now: Money,
    /// What it is shown as now, less what was shown then.
    pub restated: Money,
    /// Prices of what is held, and what sales brought beyond their close of the session before.
    pub market: Money,
    pub inflow: Money,
    pub outflow: Money,
    pub income: Money,
    /// Fees and taxes that are in no lot, positive.
    pub costs: Money,
    /// What exchange rates brought to cash; what they brought to holdings is in the market moves.
    pub currency: Money,
    /// What the parts don't explain: shown when it isn't 0.
    pub residual: Money,
    /// What the cents of the parts leave of the change's.
    pub rounding: Money,
}

impl SinceYesterday {
    pub fn change(&self) -> Money {
        self.now - self.shown
    }
}

/// A line of the overview's short list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TopHolding {
    pub symbol: Symbol,
    pub name: String,
    pub value: Figure<Money>,
    pub weight: Figure<f64>,
    pub day_return: Figure<f64>,
    pub unrealized_return: Figure<f64>,
    pub recent: Vec<f64>,
}

impl TopHolding {
    /// Lines of the short list.
    pub const SHOWN: usize = 8;
}
