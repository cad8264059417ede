//! From a portfolio's sessions to what the overview says, except names, sectors and charts. Pure.

use super::model::{Bridge, Day, Gain, MonthReturn, OverviewFigures, Risk};
use crate::{
    analytics::{
        benchmark::{align, excess_return},
        cashflow::{Payment, money_weighted},
        drawdown::{drawdowns, max_drawdown},
        metrics::{Input, Terms, catalogue, find},
        returns::{SESSIONS_A_YEAR, annualized_return, by_month, cumulative_return, per_period},
        risk::{Concentration, FEWEST_ON_SCREEN, concentration},
    },
    domain::{Figure, Money, Range, Undefined},
};
use chrono::NaiveDate;

/// One session of a portfolio: a row of `marts.portfolio_daily`, with the chosen benchmark's return.
#[derive(Debug, Clone, PartialEq)]
pub struct PortfolioSession {
    pub session_date: NaiveDate,
    /// At the close; `None`: a held symbol has no price yet.
    pub value: Option<Money>,
    pub inflow: Money,
    pub outflow: Money,
    /// Inflows minus outflows since the first session.
    pub net_contributions: Money,
    pub daily_return: Option<f64>,
    pub carried: u32,
    pub positions: u32,
    pub unrealized: Option<Money>,
    /// Sums since the first session, this one included:
    pub realized: Money,
    pub income: Money,
    pub costs: Money,
    pub brought_in: Money,
    pub benchmark_return: Option<f64>,
    /// A fraction per year.
    pub risk_free_rate: Option<f64>,
}

/// Everything the overview says of `sessions`: all since the portfolio's first, ascending. `position_values` are the market
/// values of its holdings at the last. `None` without a session.
pub fn overview_figures(sessions: &[PortfolioSession], position_values: &[Money], range: Range) -> Option<OverviewFigures> {
    let (first, last) = (sessions.first()?, sessions.last()?);
    let (opening, in_range) = cut(sessions, range);
    let returns: Vec<f64> = in_range.iter().filter_map(|session| session.daily_return).collect();
    let (money_weighted, money_weighted_is_annual) = money_weighted_since_first(sessions, last);
    Some(OverviewFigures {
        as_of: last.session_date,
        opens_on: opening.unwrap_or(first).session_date,
        since: first.session_date,
        value: last.value.ok_or_else(no_price),
        positions: last.positions,
        carried: last.carried,
        day_change: day_change(sessions),
        day_return: last.daily_return.ok_or_else(|| Undefined::because("no capital was at work, or a price is missing")),
        benchmark_day_return: last.benchmark_return.ok_or_else(|| Undefined::because("the benchmark has no return on this session")),
        total_gain: total_gain(last),
        time_weighted: cumulative_return(in_range.iter().map(|session| session.daily_return)).map(|linked| linked.cumulative),
        benchmark_return: cumulative_return(common(in_range).map(|(_, benchmark)| benchmark)).map(|linked| linked.cumulative),
        excess_return: excess_return(common(in_range)),
        money_weighted,
        money_weighted_is_annual,
        risk: risk(in_range, &returns, position_values),
        bridge: bridge(opening, in_range, last),
        days: days(opening, in_range),
        months: months(sessions),
    })
}

/// The session with whose close a range opens, where there is one, and those of the range.
pub fn cut(sessions: &[PortfolioSession], range: Range) -> (Option<&PortfolioSession>, &[PortfolioSession]) {
    let Some(last) = sessions.last() else { return (None, sessions) };
    // The range's first return is that of the session after the one with whose close it opens.
    let start = match range {
        Range::OneDay => sessions.len() - 1,
        _ => range.opens_on(last.session_date).map_or(0, |opens_on| sessions.partition_point(|session| session.session_date <= opens_on)),
    };
    (start.checked_sub(1).and_then(|before| sessions.get(before)), &sessions[start..])
}

fn no_price() -> Undefined {
    Undefined::because("a held symbol has no price yet")
}

/// Portfolio's and benchmark's returns of the sessions on which the portfolio has one: so they cover the same time.
fn common(sessions: &[PortfolioSession]) -> impl Iterator<Item = (Option<f64>, Option<f64>)> {
    sessions.iter().filter(|session| session.daily_return.is_some()).map(|session| (session.daily_return, session.benchmark_return))
}

/// V_t − V_{t−1} − inflow + outflow of the last session.
fn day_change(sessions: &[PortfolioSession]) -> Figure<Money> {
    let [before @ .., last] = sessions else { return Err(no_price()) };
    let opening = before.last().map_or(Some(Money::ZERO), |session| session.value);
    match (last.value, opening) {
        (Some(value), Some(opening)) => Ok(value - opening - last.inflow + last.outflow),
        _ => Err(no_price()),
    }
}

/// Since the first session. What securities brought in is taken off the unrealized gain: it was earned before.
fn total_gain(last: &PortfolioSession) -> Figure<Gain> {
    let (value, unrealized) = last.value.zip(last.unrealized).ok_or_else(no_price)?;
    let total = value - last.net_contributions;
    let unrealized = unrealized - last.brought_in;
    let residual = total - (last.realized + unrealized + last.income - last.costs);
    Ok(Gain { total, realized: last.realized, unrealized, income: last.income, costs: last.costs, residual })
}

/// XIRR since the first session, and whether it is a year's: of the period when that is shorter than a year.
fn money_weighted_since_first(sessions: &[PortfolioSession], last: &PortfolioSession) -> (Figure<f64>, bool) {
    let Some(value) = last.value else { return (Err(no_price()), false) };
    let flows = sessions.iter().filter(|session| session.inflow != session.outflow);
    let mut payments: Vec<Payment> =
        flows.map(|session| Payment { on: session.session_date, amount: (session.outflow - session.inflow).ratio_base() }).collect();
    payments.push(Payment { on: last.session_date, amount: value.ratio_base() });
    let days = payments.first().map_or(0, |first| (last.session_date - first.on).num_days());
    let is_annual = days >= 365;
    let rate = money_weighted(&payments).and_then(|found| {
        let annual = || found.annual.ok_or_else(|| Undefined::because("the yearly rate is too large for a number"));
        if is_annual { annual() } else { Ok(found.of_period) }
    });
    (rate, is_annual)
}

fn risk(in_range: &[PortfolioSession], returns: &[f64], position_values: &[Money]) -> Risk {
    let (periods, fewest) = (SESSIONS_A_YEAR, FEWEST_ON_SCREEN);
    let risk_free = |session: &PortfolioSession| session.risk_free_rate.map(|rate| per_period(rate, periods));
    let with_benchmark = align(in_range.iter().map(|session| (session.daily_return, session.benchmark_return, risk_free(session))));
    let with_rate = align(in_range.iter().map(|session| (session.daily_return, Some(0.0), risk_free(session))));
    let without_rate = returns.len() >= fewest && with_rate.returns.len() < fewest;
    let concentration = concentration(position_values);
    let of = |measure: fn(&Concentration) -> f64| concentration.as_ref().map(measure).map_err(Clone::clone);
    let terms = Terms { fewest, ..Terms::default() };
    let plain = catalogue(&Input { returns, risk_free: &[], aligned: None, terms });
    let of_excess =
        catalogue(&Input { returns: &with_rate.returns, risk_free: &with_rate.risk_free, aligned: Some(&with_benchmark), terms });
    let rate_first = |figure: Figure<f64>| {
        if without_rate { Err(Undefined::because("the risk-free rate of these sessions isn't known")) } else { figure }
    };
    Risk {
        annualized_return: annualized_in_range(in_range),
        volatility: find(&plain, "volatility"),
        sharpe_ratio: rate_first(find(&of_excess, "sharpe_ratio")),
        max_drawdown: max_drawdown(returns).map(|deepest| deepest.depth),
        beta: rate_first(find(&of_excess, "beta")),
        jensen_alpha: rate_first(whole_year(in_range.len()).and_then(|()| find(&of_excess, "jensen_alpha"))),
        herfindahl_index: of(|c| c.herfindahl_index),
        effective_positions: of(|c| c.effective_positions),
        top_1_weight: of(|c| c.top_1_weight),
        top_5_weight: of(|c| c.top_5_weight),
        top_10_weight: of(|c| c.top_10_weight),
    }
}

/// The exchange's years have 248 sessions and more; a shorter period isn't annualized (GIPS).
const SHORTEST_YEAR: usize = 248;

fn whole_year(sessions: usize) -> Figure<()> {
    if sessions < SHORTEST_YEAR {
        return Err(Undefined::because(format!("shorter than a year: needs {SHORTEST_YEAR} sessions, has {sessions}")));
    }
    Ok(())
}

fn annualized_in_range(in_range: &[PortfolioSession]) -> Figure<f64> {
    let linked = cumulative_return(in_range.iter().map(|session| session.daily_return))?;
    whole_year(linked.returns + linked.undefined)?;
    annualized_return(linked.cumulative, linked.returns, SESSIONS_A_YEAR)
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

/// Cumulative numbers go on unchanged through a day without a return once there was one.
fn days(opening: Option<&PortfolioSession>, in_range: &[PortfolioSession]) -> Vec<Day> {
    let day = |session: &PortfolioSession| Day {
        session_date: session.session_date,
        value: session.value,
        net_contributions: session.net_contributions,
        inflow: session.inflow,
        outflow: session.outflow,
        cumulative: None,
        benchmark_cumulative: None,
        drawdown: None,
    };
    let mut days = Vec::with_capacity(in_range.len() + 1);
    let (mut cumulative, mut benchmark, mut drawdown) = (None, None, None);
    if let Some(opening) = opening {
        (cumulative, benchmark, drawdown) = (Some(0.0), Some(0.0), Some(0.0));
        days.push(Day { cumulative, benchmark_cumulative: benchmark, drawdown, ..day(opening) });
    }
    let returns: Vec<f64> = in_range.iter().filter_map(|session| session.daily_return).collect();
    let mut depths = drawdowns(&returns).into_iter();
    let link = |so_far: Option<f64>, r: f64| Some(so_far.map_or(r, |linked| linked + r + linked * r));
    for session in in_range {
        if let Some(r) = session.daily_return {
            cumulative = link(cumulative, r);
            drawdown = depths.next();
            if let Some(b) = session.benchmark_return {
                benchmark = link(benchmark, b);
            }
        }
        days.push(Day { cumulative, benchmark_cumulative: benchmark, drawdown, ..day(session) });
    }
    days
}

/// Of the whole history: the months are their own range.
fn months(sessions: &[PortfolioSession]) -> Vec<MonthReturn> {
    let months = by_month(sessions.iter().map(|session| (session.session_date, session.daily_return)));
    months.into_iter().map(|(year, month, time_weighted)| MonthReturn { year, month, time_weighted }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use chrono::Days;

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
