//! Figures of a whole portfolio: what each is worked out from, and the inputs that matter. Pure.

use app::{
    analytics::{
        metrics::{KEYS, on_screen},
        sessions::{PortfolioSession, Stretch},
    },
    domain::{Figure, Money, Range, Undefined},
    explain::{
        model::Input,
        recipe::{Answer, Concentrated, DatedReturn, Exact, Paid, Recipe, Term, exact},
    },
    format::{self, shown_money},
    overview::model::{Bridge, OverviewFigures},
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
    pub restated_benchmark: &'a [NaiveDate],
}

/// What the overview and the performance page say of a figure; `None`: nothing of the kind.
pub(super) fn said(key: &str, figures: &OverviewFigures, sessions: &[PortfolioSession], range: Range) -> Option<Figure<Answer>> {
    let number = |figure: &Figure<f64>| figure.clone().map(|number| Answer::Number(Exact(number)));
    let risk = &figures.risk;
    Some(match key {
        "total_gain" => figures.total_gain.clone().map(|gain| Answer::Money(gain.total)),
        "time_weighted" => number(&figures.time_weighted),
        "benchmark_return" => number(&figures.benchmark_return),
        "excess_return" => number(&figures.excess_return),
        "money_weighted" => number(&figures.money_weighted),
        "herfindahl_index" => number(&risk.herfindahl_index),
        "effective_positions" => number(&risk.effective_positions),
        "top_1_weight" => number(&risk.top_1_weight),
        "top_5_weight" => number(&risk.top_5_weight),
        "top_10_weight" => number(&risk.top_10_weight),
        "money_weighted_in_range" => number(&Stretch::of(sessions, range)?.money_weighted().rate),
        "gain_in_range" => Stretch::of(sessions, range)?.total_gain().map(Answer::Money),
        "price_gain" => figures.bridge.clone().map(|bridge| Answer::Money(bridge.price)),
        "modified_dietz" => number(&Stretch::of(sessions, range)?.modified_dietz()),
        _ => number(&measured(key, sessions, range)?),
    })
}

/// What a figure that has a value is worked out from; `None` for those that need more than the sessions.
pub(super) fn recipe(key: &str, ground: &Ground<'_>) -> Option<Recipe> {
    let (_, in_range) = cut(ground.sessions, ground.range);
    let last = ground.sessions.last()?;
    Some(match key {
        "total_gain" => Recipe::Sum { terms: vec![term("Value", last.value?), term("Paid in, less taken out", -last.net_contributions)] },
        "gain_in_range" => gain(in_range, cut(ground.sessions, ground.range).0)?,
        "price_gain" => price_gain(ground.figures.bridge.as_ref().ok()?),
        "time_weighted" => Recipe::Linked { returns: returns(in_range, |session| session.daily_return) },
        "benchmark_return" => {
            let stretch = Stretch::of(ground.sessions, ground.range)?;
            Recipe::Linked { returns: returns(stretch.at_work(), |session| session.benchmark_return) }
        }
        "excess_return" => Recipe::Excess {
            pairs: in_range
                .iter()
                .filter(|session| session.daily_return.is_some())
                .map(|session| (session.daily_return.map(Exact), session.benchmark_return.map(Exact)))
                .collect(),
        },
        "money_weighted" => money_weighted(Stretch::whole(ground.sessions)?)?,
        "money_weighted_in_range" => money_weighted(Stretch::of(ground.sessions, ground.range)?)?,
        "modified_dietz" => {
            let dietz = Stretch::of(ground.sessions, ground.range)?.dietz().ok()?;
            let paid = |(on, amount)| Paid { on, amount };
            let flows = dietz.flows.into_iter().map(|flow| paid((flow.on, flow.amount))).collect();
            Recipe::ModifiedDietz { opening: paid(dietz.start), closing: paid(dietz.end), flows }
        }
        "herfindahl_index" => concentration(ground, Concentrated::Herfindahl),
        "effective_positions" => concentration(ground, Concentrated::Effective),
        "top_1_weight" => concentration(ground, Concentrated::Top1),
        "top_5_weight" => concentration(ground, Concentrated::Top5),
        "top_10_weight" => concentration(ground, Concentrated::Top10),
        key if KEYS.contains(&key) => measure(key, ground)?,
        _ => return None,
    })
}

/// V_e − V_s − Σ inflows + Σ outflows.
fn gain(sessions: &[PortfolioSession], opening: Option<&PortfolioSession>) -> Option<Recipe> {
    let sum = |of: fn(&PortfolioSession) -> Money| sessions.iter().map(of).sum::<Money>();
    Some(Recipe::Sum {
        terms: vec![
            term("Closing value", sessions.last()?.value?),
            term("Opening value", -opening.map_or(Some(Money::ZERO), |opening| opening.value)?),
            term("Paid in", -sum(|session| session.inflow)),
            term("Taken out", sum(|session| session.outflow)),
        ],
    })
}

/// The step of the way from the opening to the closing value that prices made.
fn price_gain(bridge: &Bridge) -> Recipe {
    Recipe::Sum {
        terms: vec![
            term("Closing value", bridge.closing),
            term("Opening value", -bridge.opening),
            term("Paid in", -bridge.inflows),
            term("Taken out", bridge.outflows),
            term("Income", -bridge.income),
            term("Fees and taxes", bridge.costs),
        ],
    }
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
                // As they are shown: the change is what anyone works out from the page.
                term("Closing value", shown_money(closing)),
                term("Opening value", -shown_money(opening)),
                term("Paid in", -shown_money(last.inflow)),
                term("Taken out", shown_money(last.outflow)),
            ],
        },
        _ => Recipe::Nothing { reason: "a held symbol has no price yet".into() },
    }
}

/// The return of a session; `None` where it has none.
pub(super) fn day_return(before: Option<&PortfolioSession>, session: &PortfolioSession) -> Option<Recipe> {
    // Of the values before they are rounded; before the first session there was nothing.
    let opening = before.map_or(Some(Money::ZERO), |before| before.exact_value)?;
    let closing = session.exact_value?;
    Some(Recipe::DayReturn { opening, closing, inflow: session.inflow, outflow: session.outflow })
}

pub(super) fn returns<'a>(
    sessions: impl IntoIterator<Item = &'a PortfolioSession>,
    of: fn(&PortfolioSession) -> Option<f64>,
) -> Vec<DatedReturn> {
    sessions.into_iter().map(|session| DatedReturn { session: session.session_date, r: of(session).map(Exact) }).collect()
}

/// A measure of the catalogue, from the returns of the range.
fn measure(key: &str, ground: &Ground<'_>) -> Option<Recipe> {
    let stretch = Stretch::of(ground.sessions, ground.range)?;
    let series = stretch.series();
    let known = |numbers: Vec<Option<f64>>| numbers.into_iter().map(|number| number.map(Exact)).collect();
    Some(Recipe::Measure {
        key: key.into(),
        sessions: stretch.sessions.len(),
        returns: exact(&series.returns),
        risk_free: known(series.risk_free),
        benchmark: known(series.benchmark.unwrap_or_default()),
    })
}

/// What the performance page says of a measure.
fn measured(key: &str, sessions: &[PortfolioSession], range: Range) -> Option<Figure<f64>> {
    let stretch = Stretch::of(sessions, range)?;
    KEYS.contains(&key).then(|| on_screen(&stretch.measured(), key, stretch.sessions.len()))
}

/// The session with whose close a range opens, where there is one, and those of the range.
fn cut(sessions: &[PortfolioSession], range: Range) -> (Option<&PortfolioSession>, &[PortfolioSession]) {
    Stretch::of(sessions, range).map_or((None, sessions), |stretch| (stretch.opening, stretch.sessions))
}

fn concentration(ground: &Ground<'_>, of: Concentrated) -> Recipe {
    Recipe::Concentration { values: ground.position_values.to_vec(), of }
}

/// Flows with the investor's sign, and the closing value at the end.
fn money_weighted(stretch: Stretch<'_>) -> Option<Recipe> {
    let payments = stretch.payments()?.into_iter().map(|(on, amount)| Paid { on, amount }).collect();
    Some(Recipe::MoneyWeighted { payments, is_annual: stretch.money_weighted().is_annual })
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
        Recipe::Linked { .. } | Recipe::Excess { .. } | Recipe::Measure { .. } | Recipe::ModifiedDietz { .. } => {
            let mut inputs: Vec<Input> = opening.map(|opening| value("Opening value", opening)).into_iter().collect();
            inputs.push(value("Closing value", last));
            inputs.extend(ground.flows(in_range));
            if let (Recipe::Measure { .. }, Some(rate)) = (recipe, last.risk_free_rate) {
                let name = format!("Risk-free rate, {}", format::date(last.session_date));
                inputs.push(Input::new(name, format::percent(rate)).to("risk_free_rate", None, last.session_date));
            }
            inputs.extend(ground.movers(in_range, key.starts_with("benchmark")));
            inputs
        }
        Recipe::Sum { terms } if matches!(key, "price_gain" | "gain_in_range") => {
            let mut inputs: Vec<Input> = opening.map(|opening| value("Opening value", opening)).into_iter().collect();
            inputs.push(value("Closing value", last));
            let between = terms.iter().skip(2).filter(|term| !term.amount.is_zero());
            inputs.extend(between.map(|term| Input::new(&term.name, format::money(Money(term.amount.0.abs())))));
            inputs.extend(ground.movers(in_range, false));
            inputs
        }
        Recipe::Sum { .. } if key == "total_gain" => {
            let mut inputs = vec![value("Value", last), Input::new("Paid in, less taken out", format::money(last.net_contributions))];
            if let Ok(gain) = &ground.figures.total_gain {
                inputs.push(Input::new("Realized", format::signed_money(gain.realized)));
                inputs.push(Input::new("Unrealized", format::signed_money(gain.unrealized)));
                inputs.push(Input::new("Income", format::signed_money(gain.income)));
                inputs.push(Input::new("Fees and taxes", format::signed_money(-gain.costs)));
                if !gain.currency.is_zero() {
                    inputs.push(Input::new("Currency, of cash", format::signed_money(gain.currency)));
                }
                inputs.push(Input::new("Not explained by them", format::money(gain.residual)));
                if !gain.rounding().is_zero() {
                    inputs.push(Input::new("Rounding", format::signed_money(gain.rounding())));
                }
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
    pub fn movers(&self, sessions: &[PortfolioSession], of_benchmark: bool) -> Vec<Input> {
        let r = |session: &PortfolioSession| if of_benchmark { session.benchmark_return } else { session.daily_return };
        let mut days: Vec<(f64, &PortfolioSession)> = sessions.iter().filter_map(|session| Some((r(session)?, session))).collect();
        days.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
        let restated = if of_benchmark { self.restated_benchmark } else { self.restated };
        let input = |(r, session): (f64, &PortfolioSession)| {
            let input = Input::new(format!("Day, {}", format::date(session.session_date)), format::signed_percent(r));
            let input = if of_benchmark {
                input.to("benchmark_day_return", None, session.session_date)
            } else {
                input.to("daily_return", None, session.session_date)
            };
            input
                .noting((session.carried > 0 && !of_benchmark).then(|| format!("{} prices carried", session.carried)))
                .noting(restated.contains(&session.session_date).then(|| "restated".into()))
        };
        days.into_iter().take(LISTED).map(input).collect()
    }
}

/// A figure without a value has its reason for a recipe.
pub(super) fn nothing(reason: &Undefined) -> Recipe {
    Recipe::Nothing { reason: reason.to_string() }
}
