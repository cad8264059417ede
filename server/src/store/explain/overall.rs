//! Figures of a whole portfolio: what each is worked out from, and the inputs that matter. Pure.

use app::{
    analytics::{
        benchmark::align,
        returns::{SESSIONS_A_YEAR, per_period},
    },
    domain::{Figure, Money, Range, Undefined},
    explain::{
        model::Input,
        recipe::{Answer, Concentrated, DatedReturn, Exact, Paid, Recipe, Term, Together, exact},
    },
    format,
    overview::{
        figures::{PortfolioSession, cut},
        model::OverviewFigures,
    },
};
use chrono::NaiveDate;
use std::cmp::Reverse;

/// Days and payments that are listed: those that moved a figure most.
const LISTED: usize = 10;

/// What a portfolio's figures are explained from.
pub(super) struct Ground<'a> {
    pub sessions: &'a [PortfolioSession],
    pub position_values: &'a [Money],
    pub figures: &'a OverviewFigures,
    pub range: Range,
    /// Days that were published before with other numbers.
    pub restated: &'a [NaiveDate],
}

/// What the overview says of a figure; `None`: it says nothing of the kind.
pub(super) fn said(key: &str, figures: &OverviewFigures) -> Option<Figure<Answer>> {
    let number = |figure: &Figure<f64>| figure.clone().map(|number| Answer::Number(Exact(number)));
    let risk = &figures.risk;
    Some(match key {
        "total_gain" => figures.total_gain.clone().map(|gain| Answer::Money(gain.total)),
        "time_weighted" => number(&figures.time_weighted),
        "benchmark_return" => number(&figures.benchmark_return),
        "excess_return" => number(&figures.excess_return),
        "money_weighted" => number(&figures.money_weighted),
        "annualized_return" => number(&risk.annualized_return),
        "volatility" => number(&risk.volatility),
        "sharpe_ratio" => number(&risk.sharpe_ratio),
        "max_drawdown" => number(&risk.max_drawdown),
        "beta" => number(&risk.beta),
        "jensen_alpha" => number(&risk.jensen_alpha),
        "herfindahl_index" => number(&risk.herfindahl_index),
        "effective_positions" => number(&risk.effective_positions),
        "top_1_weight" => number(&risk.top_1_weight),
        "top_5_weight" => number(&risk.top_5_weight),
        "top_10_weight" => number(&risk.top_10_weight),
        _ => return None,
    })
}

/// What a figure that has a value is worked out from; `None` for those that need more than the sessions.
pub(super) fn recipe(key: &str, ground: &Ground<'_>) -> Option<Recipe> {
    let (_, in_range) = cut(ground.sessions, ground.range);
    let last = ground.sessions.last()?;
    Some(match key {
        "total_gain" => Recipe::Sum { terms: vec![term("Value", last.value?), term("Paid in, less taken out", -last.net_contributions)] },
        "time_weighted" => Recipe::Linked { returns: returns(in_range, |session| session.daily_return) },
        "annualized_return" => Recipe::Annualized { returns: returns(in_range, |session| session.daily_return) },
        "benchmark_return" => {
            let common: Vec<PortfolioSession> = in_range.iter().filter(|session| session.daily_return.is_some()).cloned().collect();
            Recipe::Linked { returns: returns(&common, |session| session.benchmark_return) }
        }
        "excess_return" => Recipe::Excess {
            pairs: in_range
                .iter()
                .filter(|session| session.daily_return.is_some())
                .map(|session| (session.daily_return.map(Exact), session.benchmark_return.map(Exact)))
                .collect(),
        },
        "money_weighted" => {
            Recipe::MoneyWeighted { payments: payments(ground.sessions)?, is_annual: ground.figures.money_weighted_is_annual }
        }
        "max_drawdown" => Recipe::Drawdown { returns: exact(&defined(in_range)) },
        "volatility" => Recipe::Measure { key: key.into(), returns: exact(&defined(in_range)), risk_free: Vec::new(), benchmark: None },
        "sharpe_ratio" | "beta" | "jensen_alpha" => with_rate(key, in_range),
        "herfindahl_index" => concentration(ground, Concentrated::Herfindahl),
        "effective_positions" => concentration(ground, Concentrated::Effective),
        "top_1_weight" => concentration(ground, Concentrated::Top1),
        "top_5_weight" => concentration(ground, Concentrated::Top5),
        "top_10_weight" => concentration(ground, Concentrated::Top10),
        _ => return None,
    })
}

fn term(name: &str, amount: Money) -> Term {
    Term { name: name.into(), amount }
}

pub(super) fn change(before: Option<&PortfolioSession>, last: &PortfolioSession) -> Recipe {
    // Before the first session there was nothing.
    let opening = before.map_or(Some(Money::ZERO), |before| before.value);
    match (last.value, opening) {
        (Some(closing), Some(opening)) => Recipe::Sum {
            terms: vec![
                term("Closing value", closing),
                term("Opening value", -opening),
                term("Paid in", -last.inflow),
                term("Taken out", last.outflow),
            ],
        },
        _ => Recipe::Nothing { reason: "a held symbol has no price yet".into() },
    }
}

/// The return of a session; `None` where it has none.
pub(super) fn day_return(before: Option<&PortfolioSession>, session: &PortfolioSession) -> Option<Recipe> {
    let (opening, closing) = (before?.value?, session.value?);
    Some(Recipe::DayReturn { opening, closing, inflow: session.inflow, outflow: session.outflow })
}

fn returns(sessions: &[PortfolioSession], of: fn(&PortfolioSession) -> Option<f64>) -> Vec<DatedReturn> {
    sessions.iter().map(|session| DatedReturn { session: session.session_date, r: of(session).map(Exact) }).collect()
}

fn defined(sessions: &[PortfolioSession]) -> Vec<f64> {
    sessions.iter().filter_map(|session| session.daily_return).collect()
}

/// Measures of excess returns, from the sessions that have what they need.
fn with_rate(key: &str, sessions: &[PortfolioSession]) -> Recipe {
    let risk_free = |session: &PortfolioSession| session.risk_free_rate.map(|rate| per_period(rate, SESSIONS_A_YEAR));
    let alone = align(sessions.iter().map(|session| (session.daily_return, Some(0.0), risk_free(session))));
    let beside = align(sessions.iter().map(|session| (session.daily_return, session.benchmark_return, risk_free(session))));
    Recipe::Measure {
        key: key.into(),
        returns: exact(&alone.returns),
        risk_free: exact(&alone.risk_free),
        benchmark: Some(Together {
            returns: exact(&beside.returns),
            benchmark: exact(&beside.benchmark),
            risk_free: exact(&beside.risk_free),
        }),
    }
}

fn concentration(ground: &Ground<'_>, of: Concentrated) -> Recipe {
    Recipe::Concentration { values: ground.position_values.to_vec(), of }
}

/// Flows with the investor's sign, and the closing value at the end.
fn payments(sessions: &[PortfolioSession]) -> Option<Vec<Paid>> {
    let last = sessions.last()?;
    let flows = sessions.iter().filter(|session| session.inflow != session.outflow);
    let mut payments: Vec<Paid> =
        flows.map(|session| Paid { on: session.session_date, amount: session.outflow - session.inflow }).collect();
    payments.push(Paid { on: last.session_date, amount: last.value? });
    Some(payments)
}

/// The inputs that matter, each with the way to its own explanation.
pub(super) fn inputs(key: &str, recipe: &Recipe, ground: &Ground<'_>) -> Vec<Input> {
    let (opening, in_range) = cut(ground.sessions, ground.range);
    let Some(last) = ground.sessions.last() else { return Vec::new() };
    let value = |name: &str, session: &PortfolioSession| ground.value(name, session);
    match recipe {
        Recipe::MoneyWeighted { payments, .. } => {
            let mut largest: Vec<&Paid> = payments.iter().collect();
            largest.sort_by_key(|paid| Reverse(paid.amount.0.abs()));
            largest.truncate(LISTED);
            largest.sort_by_key(|paid| paid.on);
            largest
                .into_iter()
                .map(|paid| {
                    let name = if paid.on == last.session_date && Some(paid.amount) == last.value { "Closing value" } else { "Payment" };
                    Input::new(format!("{name}, {}", format::date(paid.on)), format::signed_money(paid.amount)).to(
                        "session_value",
                        None,
                        paid.on,
                    )
                })
                .collect()
        }
        Recipe::Linked { .. } | Recipe::Annualized { .. } | Recipe::Excess { .. } | Recipe::Drawdown { .. } | Recipe::Measure { .. } => {
            let mut inputs: Vec<Input> = opening.map(|opening| value("Opening value", opening)).into_iter().collect();
            inputs.push(value("Closing value", last));
            inputs.extend(ground.flows(in_range));
            inputs.extend(ground.movers(in_range, key.starts_with("benchmark")));
            inputs
        }
        Recipe::Sum { .. } if key == "total_gain" => {
            let mut inputs = vec![value("Value", last), Input::new("Paid in, less taken out", format::money(last.net_contributions))];
            if let Ok(gain) = &ground.figures.total_gain {
                inputs.push(Input::new("Realized", format::signed_money(gain.realized)));
                inputs.push(Input::new("Unrealized", format::signed_money(gain.unrealized)));
                inputs.push(Input::new("Income", format::signed_money(gain.income)));
                inputs.push(Input::new("Fees and taxes", format::signed_money(-gain.costs)));
                inputs.push(Input::new("Not explained by them", format::money(gain.residual)));
            }
            inputs
        }
        _ => Vec::new(),
    }
}

impl Ground<'_> {
    pub fn value(&self, name: &str, session: &PortfolioSession) -> Input {
        let amount = session.value.map_or_else(|| "unknown: a held symbol has no price".into(), format::money);
        Input::new(format!("{name}, {}", format::date(session.session_date)), amount)
            .to("session_value", None, session.session_date)
            .noting((session.carried > 0).then(|| format!("{} of {} prices carried", session.carried, session.positions)))
            .noting(self.restated.contains(&session.session_date).then(|| "restated".into()))
    }

    fn flows(&self, sessions: &[PortfolioSession]) -> Vec<Input> {
        let inflow: Money = sessions.iter().map(|session| session.inflow).sum();
        let outflow: Money = sessions.iter().map(|session| session.outflow).sum();
        let without = sessions.iter().filter(|session| session.daily_return.is_none()).count();
        let mut inputs = vec![Input::new("Paid in", format::money(inflow)), Input::new("Taken out", format::money(outflow))];
        if without > 0 {
            inputs.push(Input::new("Days without a return", without.to_string()));
        }
        inputs
    }

    /// The days that moved it most, largest first.
    fn movers(&self, sessions: &[PortfolioSession], of_benchmark: bool) -> Vec<Input> {
        let r = |session: &PortfolioSession| if of_benchmark { session.benchmark_return } else { session.daily_return };
        let mut days: Vec<(f64, &PortfolioSession)> = sessions.iter().filter_map(|session| Some((r(session)?, session))).collect();
        days.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
        let input = |(r, session): (f64, &PortfolioSession)| {
            let input = Input::new(format!("Day, {}", format::date(session.session_date)), format::signed_percent(r));
            let input = if of_benchmark {
                input.to("close", Some(super::prices::BENCHMARK), session.session_date)
            } else {
                input.to("daily_return", None, session.session_date)
            };
            input
                .noting((session.carried > 0 && !of_benchmark).then(|| format!("{} prices carried", session.carried)))
                .noting((self.restated.contains(&session.session_date) && !of_benchmark).then(|| "restated".into()))
        };
        days.into_iter().take(LISTED).map(input).collect()
    }
}

/// A figure without a value has its reason for a recipe.
pub(super) fn nothing(reason: &Undefined) -> Recipe {
    Recipe::Nothing { reason: reason.to_string() }
}
