//! What a holding, a sector, or what is no holding did in a range: its part of the return and of the gain, its weight, its own return.

use super::{Made, Subject, overall, row};
use crate::{
    pipeline::ledger::{quarter_of, stored},
    store::{Result, Store, published::AsOf, steady::in_peace},
};
use app::{
    analytics::{
        contribution::{Contributions, Gain, Member, Part, Step, Whose},
        ledger::{HoldingCourse, Moved},
        sessions::{PortfolioSession, Stretch},
    },
    domain::{Figure, Money, Symbol, Undefined},
    error::AppError,
    explain::{
        model::{Asked, Input, Row},
        recipe::{Answer, DatedReturn, DatedShare, Exact, Recipe, Term},
    },
    format,
    performance::{figures::members, model::HoldingRecord},
};
use chrono::NaiveDate;

/// Days that are listed, those that moved it most; and rows of what moved in it, the last ones.
const LISTED: usize = 10;

/// A row of the table, and what is around it.
struct Told<'a> {
    key: &'static str,
    whose: Whose<'a>,
    stretch: Stretch<'a>,
    members: &'a [Member<'a>],
    found: &'a Contributions,
}

/// What is worked out of the sessions and the holdings.
struct Worked {
    value: Figure<Answer>,
    recipe: Recipe,
    inputs: Vec<Input>,
    rows: Vec<Row>,
    opens_on: Option<NaiveDate>,
    as_of: NaiveDate,
}

impl Store {
    pub(super) async fn contribution(&self, subject: &Subject<'_>) -> Result<Made> {
        let asked = subject.asked;
        // Of a holding or a sector no other is needed: the range's returns are the portfolio's own.
        let range = asked.scope.range;
        let holdings = self.holdings_recorded(subject.portfolio.id, subject.as_of, &subject.sessions, range, whose(asked)).await?;
        let (key, shown, of, sessions) = (subject.described.key, subject.as_of, asked.clone(), subject.sessions.clone());
        let worked = in_peace(move || worked(key, shown, &of, &sessions, &holdings)).await?;
        let Worked { value, recipe, inputs, rows: of_course, opens_on, as_of } = worked;
        let mut rows = self.day_rows(subject, as_of).await?;
        rows.extend(of_course);
        let mut quotes = Vec::new();
        if let Some(symbol) = &asked.symbol {
            let (bookings, answers) = self.bookings(subject, Some(symbol), opens_on, as_of).await?;
            rows.extend(bookings);
            quotes = answers;
        }
        let first = subject.sessions.first().map(|first| first.session_date);
        Ok(Made { value, recipe, opens_on: opens_on.or(first), as_of, inputs, rows, quotes })
    }
}

fn whose(asked: &Asked) -> Whose<'_> {
    match (&asked.symbol, &asked.sector) {
        (Some(symbol), _) => Whose::Holding(symbol),
        (None, Some(sector)) => Whose::Group(sector),
        (None, None) => Whose::Rest,
    }
}

fn worked(
    key: &'static str,
    shown: AsOf,
    asked: &Asked,
    sessions: &[PortfolioSession],
    holdings: &Figure<Vec<HoldingRecord>>,
) -> Result<Worked> {
    let whose = whose(asked);
    let stretch = Stretch::of(sessions, asked.scope.range).ok_or(AppError::NotFound)?;
    let as_of = stretch.sessions.last().ok_or(AppError::NotFound)?.session_date;
    let opens_on = stretch.opening.map(|opening| opening.session_date);
    let holdings = match holdings {
        Ok(holdings) => members(holdings),
        Err(reason) => {
            let (value, recipe) = (Err(reason.clone()), overall::nothing(reason));
            return Ok(Worked { value, recipe, inputs: Vec::new(), rows: Vec::new(), opens_on, as_of });
        }
    };
    let found = stretch.contributions(&holdings);
    let told = Told { key, whose, stretch, members: &holdings, found: &found };
    let (value, recipe, inputs) = told.made()?;
    let recipe = value.as_ref().map_or_else(overall::nothing, |_| recipe);
    let member = holdings.iter().find(|member| Whose::Holding(member.course.symbol.as_str()) == whose);
    let rows = member.map(|member| course_rows(shown, member.course, opens_on, as_of)).unwrap_or_default();
    Ok(Worked { value, recipe, inputs, rows, opens_on, as_of })
}

/// What a holding was worth at both ends, and what moved in it between, as the ledger landed it.
fn course_rows(shown: AsOf, course: &HoldingCourse, opens_on: Option<NaiveDate>, as_of: NaiveDate) -> Vec<Row> {
    let symbol = || ("symbol", Some(course.symbol.as_str().to_owned()));
    let table = |name: &str| match shown {
        AsOf::Now => name.to_owned(),
        AsOf::Publication(publication) => format!("{name} up to publication {publication}"),
    };
    let (quarters, moved_in) = (table("ops.published_holding_quarter"), table("ops.published_holding_move"));
    let worth = opens_on.into_iter().chain([as_of]).filter_map(|day| {
        let (place, stored) = stored(day, course.value_at(day).filter(|value| !value.is_zero())?)?;
        let value = format!("market_value[{place}]");
        Some(row(&quarters, &[symbol(), ("quarter", Some(quarter_of(day).to_string())), (&value, Some(stored.to_string()))]))
    });
    let moved = moves(course, opens_on, as_of).rev().take(LISTED).map(|(day, moved)| {
        let columns = [
            symbol(),
            ("session_date", Some(day.to_string())),
            ("net", said(moved.net)),
            ("invested", said(moved.invested)),
            ("income", said(moved.income)),
            ("costs", said(moved.costs)),
            ("realized", said(moved.realized)),
            ("is_unconverted", moved.is_unconverted.then(|| "true".into())),
        ];
        row(&moved_in, &columns)
    });
    worth.chain(moved).collect()
}

const WHOLE: &str = "Gain of the range";

fn said(amount: Money) -> Option<String> {
    Some(amount.0.normalize().to_string())
}

/// What moved in a holding in the range.
fn moves(course: &HoldingCourse, opens_on: Option<NaiveDate>, as_of: NaiveDate) -> impl DoubleEndedIterator<Item = &(NaiveDate, Moved)> {
    course.moves.iter().filter(move |(day, _)| opens_on.is_none_or(|opens_on| *day > opens_on) && *day <= as_of)
}

fn term(name: impl Into<String>, amount: Money) -> Term {
    Term { name: name.into(), amount }
}

fn number(number: f64) -> Answer {
    Answer::Number(Exact(number))
}

impl Told<'_> {
    /// Value, recipe and inputs; not found: the range has no such row.
    fn made(&self) -> Result<(Figure<Answer>, Recipe, Vec<Input>)> {
        let part = match self.whose {
            Whose::Holding(symbol) => self.found.parts.iter().find(|(known, _)| known.as_str() == symbol).map(|(_, part)| part),
            Whose::Group(group) => self.found.groups.iter().find(|(known, _)| known == group).map(|(_, part)| part),
            Whose::Rest => None,
        };
        if part.is_none() && self.whose != Whose::Rest {
            return Err(AppError::NotFound.into());
        }
        let steps = self.stretch.contribution_steps(self.members, self.whose);
        let rest = &self.found.rest;
        let no_value = || Undefined::because("no close before has a value");
        let (value, recipe) = match self.key {
            "contribution_gain" => {
                let gain = part.map_or_else(|| rest.gain.clone().map(|gain| gain.total), |part| part.gain.clone().map(|gain| gain.total));
                let recipe = Recipe::Sum { terms: self.gain_terms() };
                (gain.map(Answer::Money), recipe)
            }
            "contribution_weight" => {
                let weight = part.map_or(rest.average_weight, |part| part.average_weight);
                (weight.map(number).ok_or_else(no_value), weights(&steps))
            }
            "contribution_return" => {
                let own = part.ok_or(AppError::NotFound)?.own_return.clone();
                let returns = steps.iter().map(|step| DatedReturn { session: step.session, r: step.own_return.map(Exact) }).collect();
                (own.map(number), Recipe::Linked { returns })
            }
            "contribution" => {
                let whole = part.map_or(rest.contribution, |part| part.contribution.map(|part| part.whole));
                let undefined = || self.found.whole.clone().err().unwrap_or_else(no_value);
                (whole.map(number).ok_or_else(undefined), contributed(&steps))
            }
            _ => return Err(AppError::NotFound.into()),
        };
        // What an unknown number would be made of is unknown too, in part.
        let inputs = if value.is_ok() { self.inputs(part, &steps) } else { Vec::new() };
        Ok((value, recipe, inputs))
    }

    /// What the gain in money is the sum of.
    fn gain_terms(&self) -> Vec<Term> {
        let gains = |is_in: &dyn Fn(&Part) -> bool, sign: fn(Money) -> Money| -> Vec<Term> {
            let inside = self.found.parts.iter().filter(|(_, part)| is_in(part));
            inside.filter_map(|(symbol, part)| Some(term(symbol.as_str(), sign(part.gain.as_ref().ok()?.total)))).collect()
        };
        match self.whose {
            Whose::Holding(_) => {
                let Some((course, opens_on, as_of)) = self.course() else { return Vec::new() };
                let (opened, closed) = (opens_on.map_or(Some(Money::ZERO), |day| course.value_at(day)), course.value_at(as_of));
                let net: Money = moves(course, opens_on, as_of).map(|(_, moved)| moved.net).sum();
                vec![
                    term("Closing value", closed.unwrap_or_default()),
                    term("Opening value", -opened.unwrap_or_default()),
                    term("Put in, less what came out", -net),
                ]
            }
            Whose::Group(group) => gains(&|part| part.group.as_deref() == Some(group), |gain| gain),
            Whose::Rest => {
                let whole = self.found.gain.clone().unwrap_or_default();
                [vec![term(WHOLE, whole)], gains(&|_| true, |gain| -gain)].concat()
            }
        }
    }

    /// A holding's course, and the days of the range's closes.
    fn course(&self) -> Option<(&HoldingCourse, Option<NaiveDate>, NaiveDate)> {
        let member = self.members.iter().find(|member| Whose::Holding(member.course.symbol.as_str()) == self.whose)?;
        Some((member.course, self.stretch.opening.map(|opening| opening.session_date), self.stretch.sessions.last()?.session_date))
    }

    fn inputs(&self, part: Option<&Part>, steps: &[Step]) -> Vec<Input> {
        let Some(last) = self.stretch.sessions.last().map(|last| last.session_date) else { return Vec::new() };
        let mut inputs = Vec::new();
        if self.key == "contribution_gain" {
            inputs.extend(self.gain_terms().into_iter().map(|term| match (self.whose, term.name.as_str()) {
                (Whose::Rest, WHOLE) => Input::new(WHOLE, format::signed_money(term.amount)).to("gain_in_range", None, last),
                (Whose::Rest, symbol) => {
                    let own = format::signed_money(-term.amount);
                    Input::new(format!("Less {symbol}"), own).to("contribution_gain", Some(symbol), last)
                }
                (Whose::Group(_), symbol) => {
                    Input::new(symbol, format::signed_money(term.amount)).to("contribution_gain", Some(symbol), last)
                }
                (Whose::Holding(_), name) => Input::new(name, format::signed_money(term.amount)),
            }));
            inputs.extend(self.made_of(part).into_iter().map(|(name, amount)| Input::new(name, format::signed_money(amount))));
            return inputs;
        }
        if let ("contribution", Ok(whole)) = (self.key, &self.found.whole) {
            inputs.push(Input::new("Time-weighted return of the range", format::signed_percent(*whole)).to("time_weighted", None, last));
        }
        if let (Some(of), "contribution") = (part.and_then(|part| part.contribution), self.key) {
            let parts = [("By price", of.price), ("By income", of.income), ("By costs", of.costs), ("By currency", of.currency)];
            inputs.extend(parts.map(|(name, part)| Input::new(name, format::signed_percent(part))));
        }
        match (self.whose, self.key) {
            (Whose::Holding(_), "contribution_weight") => inputs.extend(shares(steps)),
            (Whose::Holding(_), _) => inputs.extend(movers(self.key, steps, self.course().map(|(course, ..)| course))),
            (Whose::Group(group), _) => inputs.extend(self.of_holdings(last, "", |part| part.group.as_deref() == Some(group))),
            (Whose::Rest, _) => inputs.extend(self.of_holdings(last, "Less ", |_| true)),
        }
        inputs
    }

    /// The holdings' own.
    fn of_holdings(&self, last: NaiveDate, before: &str, is_in: impl Fn(&Part) -> bool) -> Vec<Input> {
        let said = |part: &Part| {
            Some(match self.key {
                "contribution" => format::signed_percent(part.contribution?.whole),
                "contribution_weight" => format::share(part.average_weight?),
                _ => format::signed_percent(*part.own_return.as_ref().ok()?),
            })
        };
        let inside = self.found.parts.iter().filter(|(_, part)| is_in(part));
        let input = |(symbol, part): &(Symbol, Part)| {
            Some(Input::new(format!("{before}{symbol}"), said(part)?).to(self.key, Some(symbol.as_str()), last))
        };
        inside.filter_map(input).collect()
    }

    /// What the gain was made by.
    fn made_of(&self, part: Option<&Part>) -> Vec<(&'static str, Money)> {
        let parts = match (part.map(|part| &part.gain), &self.found.rest.gain) {
            (Some(Ok(Gain { realized, unrealized, income, costs, .. })), _) => {
                vec![("Realized", *realized), ("Unrealized", *unrealized), ("Income", *income), ("Costs", -*costs)]
            }
            (None, Ok(rest)) => {
                vec![("Income", rest.income), ("Costs", -rest.costs), ("Rates on cash", rest.currency), ("Rounding", rest.rounding)]
            }
            _ => Vec::new(),
        };
        parts.into_iter().filter(|(_, amount)| !amount.is_zero()).collect()
    }
}

fn weights(steps: &[Step]) -> Recipe {
    let share = |step: &Step| Some(DatedShare { session: step.session, part: Exact(step.before), whole: Exact(step.portfolio_before?) });
    Recipe::AverageWeight { shares: steps.iter().filter_map(share).collect() }
}

fn contributed(steps: &[Step]) -> Recipe {
    let returns = steps.iter().map(|step| DatedReturn { session: step.session, r: step.portfolio_return.map(Exact) }).collect();
    let linked = steps.iter().filter(|step| step.portfolio_return.is_some());
    let parts = linked.map(|step| DatedShare { session: step.session, part: Exact(step.gain), whole: Exact(step.capital) }).collect();
    Recipe::Contribution { returns, parts }
}

/// The ends between which a holding's share went up and down.
fn shares(steps: &[Step]) -> Vec<Input> {
    let share = |step: &Step| Some((step.before / step.portfolio_before?, step.session));
    let all: Vec<(f64, NaiveDate)> = steps.iter().filter_map(share).collect();
    let ends = [("Least", all.iter().min_by(|a, b| a.0.total_cmp(&b.0))), ("Most", all.iter().max_by(|a, b| a.0.total_cmp(&b.0)))];
    let input = |(name, end): (&str, Option<&(f64, NaiveDate)>)| {
        let (share, session) = end?;
        Some(Input::new(format!("{name}, at the close before {}", format::date(*session)), format::share(*share)))
    };
    let sessions = Input::new("Sessions", all.len().to_string());
    ends.into_iter().filter_map(input).chain([sessions]).collect()
}

/// The days that moved a holding most, largest first; with the way to its close where it was held at one.
fn movers(key: &str, steps: &[Step], course: Option<&HoldingCourse>) -> Vec<Input> {
    let moved = |step: &Step| match key {
        "contribution" => step.portfolio_return.map(|_| step.gain / step.capital),
        _ => step.own_return,
    };
    let mut days: Vec<(f64, &Step)> = steps.iter().filter_map(|step| Some((moved(step)?, step))).filter(|(r, _)| *r != 0.0).collect();
    days.sort_by(|a, b| b.0.abs().total_cmp(&a.0.abs()));
    let input = |(r, step): (f64, &Step)| {
        let input = Input::new(format!("Day, {}", format::date(step.session)), format::signed_percent(r));
        let held = course.filter(|course| course.value_at(step.session).is_none_or(|value| !value.is_zero()));
        match held {
            Some(course) => input.to("close", Some(course.symbol.as_str()), step.session),
            None => input,
        }
    };
    days.into_iter().take(LISTED).map(input).collect()
}
