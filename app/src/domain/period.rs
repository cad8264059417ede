//! What the scope bar holds: portfolio, range, benchmark and the day of which it is asked what was known, as they stand in the URL.

use super::PortfolioId;
use chrono::{Datelike, Days, Months, NaiveDate};
use serde::{Deserialize, Serialize};

/// A range that ends with the last published session.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Range {
    OneDay,
    OneWeek,
    OneMonth,
    ThreeMonths,
    YearToDate,
    #[default]
    OneYear,
    ThreeYears,
    FiveYears,
    Max,
}

impl Range {
    pub const ALL: [Self; 9] = [
        Self::OneDay,
        Self::OneWeek,
        Self::OneMonth,
        Self::ThreeMonths,
        Self::YearToDate,
        Self::OneYear,
        Self::ThreeYears,
        Self::FiveYears,
        Self::Max,
    ];

    /// As in the URL and on the button.
    pub fn label(self) -> &'static str {
        match self {
            Self::OneDay => "1D",
            Self::OneWeek => "1W",
            Self::OneMonth => "1M",
            Self::ThreeMonths => "3M",
            Self::YearToDate => "YTD",
            Self::OneYear => "1Y",
            Self::ThreeYears => "3Y",
            Self::FiveYears => "5Y",
            Self::Max => "Max",
        }
    }

    /// As a person says it: "3 months", "year to date".
    pub fn in_words(self) -> &'static str {
        match self {
            Self::OneDay => "1 day",
            Self::OneWeek => "1 week",
            Self::OneMonth => "1 month",
            Self::ThreeMonths => "3 months",
            Self::YearToDate => "year to date",
            Self::OneYear => "1 year",
            Self::ThreeYears => "3 years",
            Self::FiveYears => "5 years",
            Self::Max => "all",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|range| range.label().eq_ignore_ascii_case(text))
    }

    /// The day with whose close the range opens, counted back from the last session `to`; `None` for all there is.
    pub fn opens_on(self, to: NaiveDate) -> Option<NaiveDate> {
        match self {
            Self::OneDay => to.checked_sub_days(Days::new(1)),
            Self::OneWeek => to.checked_sub_days(Days::new(7)),
            Self::OneMonth => to.checked_sub_months(Months::new(1)),
            Self::ThreeMonths => to.checked_sub_months(Months::new(3)),
            Self::YearToDate => NaiveDate::from_ymd_opt(to.year() - 1, 12, 31),
            Self::OneYear => to.checked_sub_months(Months::new(12)),
            Self::ThreeYears => to.checked_sub_months(Months::new(36)),
            Self::FiveYears => to.checked_sub_months(Months::new(60)),
            Self::Max => None,
        }
    }
}

/// What the portfolio is compared with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum Benchmark {
    /// Dividends reinvested on the ex-date.
    #[default]
    SpyTotalReturn,
    SpyPriceReturn,
}

impl Benchmark {
    pub const ALL: [Self; 2] = [Self::SpyTotalReturn, Self::SpyPriceReturn];

    pub fn label(self) -> &'static str {
        match self {
            Self::SpyTotalReturn => "SPY total return",
            Self::SpyPriceReturn => "SPY price return",
        }
    }

    /// What stands behind its name beside a portfolio in another currency: its returns are never converted.
    pub fn abroad(currency: &str) -> &'static str {
        if currency == "USD" { "" } else { ", in USD" }
    }

    /// As in the URL.
    pub fn key(self) -> &'static str {
        match self {
            Self::SpyTotalReturn => "spy-total",
            Self::SpyPriceReturn => "spy-price",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|benchmark| benchmark.key() == text)
    }
}

/// Days of which anybody could ask something; others don't fit a database's calendar.
pub const KNOWABLE: std::ops::RangeInclusive<NaiveDate> = NaiveDate::from_ymd_opt(1900, 1, 1).expect("a day of the calendar")
    ..=NaiveDate::from_ymd_opt(2200, 1, 1).expect("a day of the calendar");

/// The scope bar's state. In the URL: `?portfolio=3&range=1Y&against=spy-total&as_known_on=2026-11-20`; what is absent or unknown takes
/// its default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Scope {
    /// `None`: the person's first.
    pub portfolio: Option<PortfolioId>,
    pub range: Range,
    pub benchmark: Benchmark,
    /// What was published by the end of this day in New York; `None`: what is published now.
    pub as_known_on: Option<NaiveDate>,
}

impl Scope {
    /// Reads a query string, with or without the question mark. What it can't read takes its default.
    pub fn parse(query: &str) -> Self {
        let mut scope = Self::default();
        for (key, value) in query.trim_start_matches('?').split('&').filter_map(|pair| pair.split_once('=')) {
            match key {
                "portfolio" => scope.portfolio = value.parse().ok().map(PortfolioId),
                "range" => scope.range = Range::parse(value).unwrap_or_default(),
                "as_known_on" => scope.as_known_on = value.parse().ok().filter(|day| KNOWABLE.contains(day)),
                "against" => scope.benchmark = Benchmark::parse(value).unwrap_or_default(),
                _ => {}
            }
        }
        scope
    }

    /// As [`Self::parse`], for who changes something: `None` where a portfolio is named and can't be read, lest the change reach another.
    pub fn parse_strictly(query: &str) -> Option<Self> {
        let scope = Self::parse(query);
        let names_one = query.trim_start_matches('?').split('&').any(|pair| pair == "portfolio" || pair.starts_with("portfolio="));
        (scope.portfolio.is_some() || !names_one).then_some(scope)
    }

    /// The query string, without the question mark: what differs from the default.
    pub fn query(&self) -> String {
        let mut pairs = Vec::new();
        if let Some(portfolio) = self.portfolio {
            pairs.push(format!("portfolio={portfolio}"));
        }
        if self.range != Range::default() {
            pairs.push(format!("range={}", self.range.label()));
        }
        if self.benchmark != Benchmark::default() {
            pairs.push(format!("against={}", self.benchmark.key()));
        }
        if let Some(day) = self.as_known_on {
            pairs.push(format!("as_known_on={day}"));
        }
        pairs.join("&")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_survives_the_url() {
        let scope = Scope {
            portfolio: Some(PortfolioId(7)),
            range: Range::Max,
            benchmark: Benchmark::SpyPriceReturn,
            as_known_on: NaiveDate::from_ymd_opt(2026, 11, 20),
        };
        assert_eq!(Scope::parse(&scope.query()), scope);
        assert_eq!(Scope::parse_strictly(&scope.query()), Some(scope));
        assert_eq!(Scope::parse_strictly("range=nonsense"), Some(Scope::default()));
        for unreadable in ["portfolio=1e3", "?portfolio=%00", "range=1Y&portfolio=99999999999999999999", "portfolio=", "portfolio"] {
            assert_eq!(Scope::parse_strictly(unreadable), None, "{unreadable}");
        }
        assert_eq!(Scope::parse("?range=nonsense&x&portfolio=x&as_known_on=+99999-02-03"), Scope::default());
    }
}
