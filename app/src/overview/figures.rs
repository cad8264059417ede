//! From a portfolio's sessions to what the overview says, except names, sectors and charts. Pure.

pub use crate::analytics::sessions::PortfolioSession;

use super::model::{Bridge, Day, Gain, MonthReturn, OverviewFigures, Risk};
use crate::{
    analytics::{
        metrics::on_screen,
        risk::{Concentration, concentration},
        sessions::{MoneyWeightedReturn, Point, Stretch, no_price, no_rate},
    },
    domain::{Figure, Money, Range, Undefined},
    format::shown_money as cents,
};
use chrono::Datelike;

/// Everything the overview says of `sessions`: all since the portfolio's first, ascending. `position_values` are the market
/// values of its holdings at the last. `None` without a session.
pub fn overview_figures(sessions: &[PortfolioSession], position_values: &[Money], range: Range) -> Option<OverviewFigures> {
    let (first, last) = (sessions.first()?, sessions.last()?);
    let stretch = Stretch::of(sessions, range)?;
    let Stretch { opening, sessions: in_range, .. } = stretch;
    let MoneyWeightedReturn { rate: money_weighted, is_annual: money_weighted_is_annual } = Stretch::whole(sessions)?.money_weighted();
    Some(OverviewFigures {
        as_of: last.session_date,
        opens_on: opening.unwrap_or(first).session_date,
        since: first.session_date,
        value: last.value.ok_or_else(no_price),
        positions: last.positions,
        carried: last.carried,
        day_change: day_change(sessions.iter().rev().nth(1), last),
        day_return: last.daily_return.ok_or_else(|| Undefined::because("no capital was at work, or a price is missing")),
        benchmark_day_return: last.benchmark_return.ok_or_else(|| Undefined::because("the benchmark has no return on this session")),
        total_gain: total_gain(last),
        time_weighted: stretch.time_weighted().map(|linked| linked.cumulative),
        benchmark_return: stretch.benchmark_return(),
        excess_return: stretch.excess_return(),
        money_weighted,
        money_weighted_is_annual,
        risk: risk(&stretch, position_values),
        bridge: bridge(opening, in_range, last),
        days: days(&stretch),
        months: months(sessions),
        years: years(sessions),
    })
}

/// V_t − V_{t−1} − inflow + outflow of the last session, each as it is shown: what anyone works out from the page is what stands there.
///
/// # Errors
/// Where one of the two has no value.
pub fn day_change(before: Option<&PortfolioSession>, last: &PortfolioSession) -> Figure<Money> {
    let opening = before.map_or(Some(Money::ZERO), |session| session.value);
    match (last.value, opening) {
        (Some(value), Some(opening)) => Ok(cents(value) - cents(opening) - cents(last.inflow) + cents(last.outflow)),
        _ => Err(no_price()),
    }
}

/// Since the first session. What securities brought in is taken off the unrealized gain: it was earned before.
fn total_gain(last: &PortfolioSession) -> Figure<Gain> {
    let (value, unrealized) = last.value.zip(last.unrealized).ok_or_else(no_price)?;
    let total = value - last.net_contributions;
    let unrealized = unrealized - last.brought_in;
    let currency = last.cash_currency.ok_or_else(no_rate)?;
    let residual = total - (last.realized + unrealized + last.income - last.costs + currency);
    Ok(Gain { total, realized: last.realized, unrealized, income: last.income, costs: last.costs, currency, residual })
}

fn risk(stretch: &Stretch<'_>, position_values: &[Money]) -> Risk {
    let found = stretch.measured();
    let measure = |key: &str| on_screen(&found, key, stretch.sessions.len());
    let concentration = concentration(position_values);
    let of = |measure: fn(&Concentration) -> f64| concentration.as_ref().map(measure).map_err(Clone::clone);
    Risk {
        annualized_return: measure("annualized_return"),
        volatility: measure("volatility"),
        sharpe_ratio: measure("sharpe_ratio"),
        max_drawdown: measure("max_drawdown"),
        beta: measure("beta"),
        jensen_alpha: measure("jensen_alpha"),
        herfindahl_index: of(|c| c.herfindahl_index),
        effective_positions: of(|c| c.effective_positions),
        top_1_weight: of(|c| c.top_1_weight),
        top_5_weight: of(|c| c.top_5_weight),
        top_10_weight: of(|c| c.top_10_weight),
    }
}

fn bridge(opening: Option<&PortfolioSession>, in_range: &[PortfolioSession], last: &PortfolioSession) -> Figure<Bridge> {
    let closing = last.value.ok_or_else(no_price)?;
    // Before the first session there was nothing.
    let (opening_value, income_before, costs_before) = match opening {
        Some(session) => (session.value.ok_or_else(no_price)?, session.income, session.costs),
        None => (Money::ZERO, Money::ZERO, Money::ZERO),
    };
    let inflows: Money = in_range.iter().map(|session| session.inflow).sum();
    let outflows: Money = in_range.iter().map(|session| session.outflow).sum();
    let (income, costs) = (last.income - income_before, last.costs - costs_before);
    let price = closing - opening_value - inflows + outflows - income + costs;
    Ok(Bridge { opening: opening_value, inflows, outflows, price, income, costs, closing })
}

/// The opening and the sessions of the range.
fn days(stretch: &Stretch<'_>) -> Vec<Day> {
    let day = |point: Point<'_>| Day {
        session_date: point.session.session_date,
        value: point.session.value,
        net_contributions: point.session.net_contributions,
        inflow: point.session.inflow,
        outflow: point.session.outflow,
        cumulative: point.cumulative,
        benchmark_cumulative: point.benchmark_cumulative,
        drawdown: point.drawdown,
    };
    stretch.line().into_iter().map(day).collect()
}

/// Of the whole history: the months are their own range.
fn months(sessions: &[PortfolioSession]) -> Vec<MonthReturn> {
    let of = |stretch: Stretch<'_>| {
        let day = stretch.last.session_date;
        MonthReturn { year: day.year(), month: day.month(), time_weighted: stretch.linked_months() }
    };
    Stretch::months(sessions).filter(Stretch::was_at_work).map(of).collect()
}

fn years(sessions: &[PortfolioSession]) -> Vec<(i32, Figure<f64>)> {
    let worked = Stretch::years(sessions).filter(Stretch::was_at_work);
    worked.map(|stretch| (stretch.last.session_date.year(), stretch.linked_months())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::{Days, NaiveDate};

    fn usd(amount: i64) -> Money {
        Money(amount.into())
    }

    /// 1,000 put in on the first session, which then earns `returns` of its value, one a calendar day; no income.
    fn sessions(returns: &[f64]) -> Vec<PortfolioSession> {
        let mut value = 1000.0;
        let mut sessions = Vec::new();
        for (number, r) in returns.iter().enumerate() {
            value *= 1.0 + r;
            let worth = Money(rust_decimal::Decimal::try_from(value).unwrap().round_dp(4));
            sessions.push(PortfolioSession {
                session_date: NaiveDate::from_ymd_opt(2023, 1, 2).unwrap() + Days::new(number as u64),
                value: Some(worth),
                inflow: if number == 0 { usd(1000) } else { Money::ZERO },
                outflow: Money::ZERO,
                net_contributions: usd(1000),
                daily_return: Some(*r),
                carried: 0,
                positions: 1,
                unrealized: Some(worth - usd(1000)),
                realized: Money::ZERO,
                income: Money::ZERO,
                costs: Money::ZERO,
                brought_in: Money::ZERO,
                cash_currency: Some(Money::ZERO),
                exact_value: None,
                benchmark_return: Some(r / 2.0),
                risk_free_rate: Some(0.05),
            });
        }
        sessions
    }

    fn near(found: &Figure<f64>, expected: f64) -> bool {
        found.as_ref().is_ok_and(|found| (found - expected).abs() < 1e-8)
    }

    #[test]
    fn ten_percent_from_one_investment_is_ten_percent_by_either_method() {
        let shown = overview_figures(&sessions(&[0.0, 0.05, 1.1 / 1.05 - 1.0]), &[usd(1100)], Range::Max).unwrap();
        assert!(near(&shown.time_weighted, 0.1) && near(&shown.money_weighted, 0.1), "{shown:?}");
        assert!(!shown.money_weighted_is_annual);
        let gain = shown.total_gain.unwrap();
        assert_eq!((gain.total, gain.unrealized, gain.residual), (usd(100), usd(100), Money::ZERO));
        let bridge = shown.bridge.unwrap();
        assert_eq!((bridge.opening, bridge.inflows, bridge.price, bridge.closing), (Money::ZERO, usd(1000), usd(100), usd(1100)));
        assert_eq!(shown.risk.effective_positions, Ok(1.0));
    }

    #[test]
    fn a_range_opens_with_the_close_before_it() {
        let shown = overview_figures(&sessions(&[0.0, 0.1, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, -0.2, 0.25]), &[], Range::OneWeek).unwrap();
        assert_eq!(shown.opens_on, shown.as_of - Days::new(7));
        assert_eq!(shown.days.len(), 8, "the opening session and seven of the range");
        assert_eq!((shown.days[0].cumulative, shown.days[0].value), (Some(0.0), Some(usd(1100))));
        assert!(near(&shown.time_weighted, 0.0) && near(&shown.risk.max_drawdown, -0.2));
        assert!(shown.days[6].drawdown.is_some_and(|depth| (depth + 0.2).abs() < 1e-12));
        assert!(near(&shown.benchmark_return, 0.9 * 1.125 - 1.0) && near(&shown.excess_return, 1.0 - 0.9 * 1.125));
        let day = overview_figures(&sessions(&[0.0, 0.1, 0.2]), &[], Range::OneDay).unwrap();
        assert!(near(&day.time_weighted, 0.2) && day.days.len() == 2);
        assert_eq!(day.day_change, Ok(usd(220)));
    }

    #[test]
    fn few_sessions_say_what_they_need() {
        let shown = overview_figures(&sessions(&[0.0, 0.1]), &[], Range::OneYear).unwrap();
        assert_eq!(shown.risk.volatility.unwrap_err().0, "needs 20 returns, has 2");
        assert_eq!(shown.risk.annualized_return.unwrap_err().0, "shorter than a year: needs 248 sessions, has 2");
        assert!(shown.risk.herfindahl_index.is_err());
        let month = overview_figures(&sessions(&[0.001; 30]), &[], Range::Max).unwrap();
        assert_eq!(month.risk.jensen_alpha.unwrap_err().0, "shorter than a year: needs 248 sessions, has 30");
        assert_eq!(overview_figures(&[], &[], Range::Max), None);
    }

    #[test]
    fn two_years_are_annualized() {
        let returns: Vec<f64> = (0..732).map(|day| if day % 2 == 0 { 0.002 } else { -0.001 }).collect();
        let shown = overview_figures(&sessions(&returns), &[], Range::Max).unwrap();
        let whole = shown.time_weighted.unwrap();
        assert!(shown.money_weighted_is_annual);
        // The values are rounded to four decimals.
        assert!(near(&shown.money_weighted, (1.0 + whole).powf(365.0 / 731.0) - 1.0));
        assert!(near(&shown.risk.annualized_return, (1.0 + whole).powf(252.0 / 732.0) - 1.0));
        assert!(shown.risk.sharpe_ratio.is_ok() && shown.risk.jensen_alpha.is_ok());
        assert_eq!(shown.months.len(), 25);
    }

    #[test]
    fn a_missing_price_or_rate_is_a_reason() {
        let mut unpriced = sessions(&[0.0; 30]);
        unpriced[29].value = None;
        unpriced[29].daily_return = None;
        for session in &mut unpriced {
            session.risk_free_rate = None;
        }
        let shown = overview_figures(&unpriced, &[], Range::Max).unwrap();
        assert_eq!(shown.value.unwrap_err().0, "a held symbol has no price yet");
        assert!(shown.day_change.is_err() && shown.total_gain.is_err() && shown.bridge.is_err() && shown.money_weighted.is_err());
        assert_eq!(shown.risk.sharpe_ratio.unwrap_err().0, "the risk-free rate of these sessions isn't known");
    }

    #[test]
    fn what_securities_brought_in_is_no_gain() {
        let mut brought = sessions(&[0.0, 0.1]);
        for session in &mut brought {
            session.unrealized = session.unrealized.map(|unrealized| unrealized + usd(600));
            session.brought_in = usd(600);
        }
        let gain = overview_figures(&brought, &[], Range::Max).unwrap().total_gain.unwrap();
        assert_eq!((gain.unrealized, gain.residual), (usd(100), Money::ZERO));
    }
}
