//! Figures of one session: its value from quantities and closes, its return and its change.

use super::{
    Made, Subject, overall,
    rates::{Rates, rate_of},
};
use crate::store::{Result, Store, explain::prices::BENCHMARK, published::AsOf};
use app::{
    analytics::{
        ledger::{after_split, market_value, value_abroad},
        sessions::no_price,
    },
    domain::Benchmark,
    error::AppError,
    explain::{
        model::Input,
        recipe::{Answer, Exact, Priced, Recipe},
    },
    format,
    overview::figures::day_change,
};
use chrono::NaiveDate;
use rust_decimal::{Decimal, prelude::ToPrimitive};
use std::collections::BTreeMap;

impl Store {
    /// Every position at its close, and cash.
    pub(super) async fn session_value(&self, subject: &Subject<'_>) -> Result<Made> {
        let (_, session) = subject.session()?;
        let (id, as_of, day) = (subject.portfolio.id, subject.as_of, session.session_date);
        let held = self.held_on(id, as_of, day).await?;
        let symbols: Vec<String> = held.iter().map(|held| held.symbol.clone()).collect();
        let (prices, last, rates, kept) = tokio::try_join!(
            self.prices_used(&symbols, as_of, day),
            self.day(id, as_of, Some(day)),
            self.rates_used(id, as_of, day),
            self.rates_kept_before(subject, day),
        )?;
        let last = last.ok_or(AppError::NotFound)?;
        let (mut positions, mut lacks_rate) = (Vec::new(), false);
        let mut inputs = Vec::new();
        for held in held {
            let quantity = held.quantity.normalize();
            let Some(price) = prices.get(&held.symbol) else {
                inputs.push(Input::new(held.symbol, "no price yet"));
                continue;
            };
            let used = held.currency.as_deref().and_then(|currency| rate_of(currency, &subject.portfolio.currency, &rates));
            let rate = used.or_else(|| kept.get(&held.symbol).copied());
            let worth = match (rate, &held.currency) {
                (Some(rate), _) => value_abroad(quantity, price.close, rate),
                (None, None) => market_value([(quantity, price.close)]),
                // Never 1:1 for want of a rate.
                (None, Some(_)) => None,
            };
            let factors = format!("{} × {}", format::quantity(quantity), format::price(price.close));
            let said = match (worth, rate, &held.currency) {
                (Some(worth), None, _) => format!("{factors} = {}", format::money(worth)),
                (Some(worth), Some(rate), _) => format!("{factors} × {rate} = {}", format::money(worth)),
                (None, None, Some(currency)) => format!("{factors} {currency}, without a rate"),
                (None, ..) => format!("{factors}: more than can be counted"),
            };
            let carried = (price.priced_on < day).then(|| format!("carried from {}", format::date(price.priced_on)));
            let by_hand = (price.response_id == 0).then(|| "entered by hand".to_owned());
            inputs.push(Input::new(&held.symbol, said).to("close", Some(&held.symbol), day).noting(carried).noting(by_hand));
            lacks_rate |= rate.is_none() && held.currency.is_some();
            positions.push(Priced { symbol: held.symbol, quantity, price: price.close, rate });
        }
        let (cash, receivable) = (last.cash.unwrap_or_default(), last.receivable.unwrap_or_default());
        inputs.push(Input::new("Cash", format::money(cash)).to("cash", None, day));
        inputs.push(Input::new("Dividends that are due", format::money(receivable)).to("receivable", None, day));
        for (currency, rate) in &rates {
            let name = format!("{} for one {currency}", subject.portfolio.currency);
            inputs.push(Input::new(name, rate.to_string()).to("exchange_rate", Some(currency), day));
        }
        let value = session.value.map(Answer::Money).ok_or_else(no_price);
        let recipe = match &value {
            Ok(value) => {
                let recipe = Recipe::Worth { positions, cash, receivable };
                if !lacks_rate && recipe.work_out().as_ref() == Ok(value) { recipe } else { not_enough(lacks_rate) }
            }
            Err(reason) => overall::nothing(reason),
        };
        let rows = self.day_rows(subject, day).await?;
        Ok(Made { value, recipe, opens_on: None, as_of: day, inputs, rows, quotes: Vec::new() })
    }

    /// Of what was held in other currencies at the last session of an earlier publication: what a unit of them cost, by symbol. Older versions
    /// kept no other rates.
    async fn rates_kept_before(&self, subject: &Subject<'_>, day: NaiveDate) -> Result<BTreeMap<String, Decimal>> {
        let is_last = subject.sessions.last().is_some_and(|last| last.session_date == day);
        if subject.as_of == AsOf::Now || !is_last {
            return Ok(BTreeMap::new());
        }
        let held = self.held(subject.portfolio.id, subject.as_of, None).await?;
        let abroad = held.into_iter().filter(|held| held.currency.as_ref().is_some_and(|currency| *currency != subject.portfolio.currency));
        Ok(abroad.filter_map(|held| Some((held.symbol, held.rate?.normalize()))).collect())
    }

    /// The session's return or change in value, with what moved it.
    pub(super) async fn day_figure(&self, subject: &Subject<'_>) -> Result<Made> {
        let (before, session) = subject.session()?;
        let day = session.session_date;
        let value = match subject.described.key {
            "day_change" => day_change(before, session).map(Answer::Money),
            _ => session
                .daily_return
                .map(|r| Answer::Number(Exact(r)))
                .ok_or_else(|| app::domain::Undefined::because("no capital was at work, or a price is missing")),
        };
        let recipe = match &value {
            Ok(Answer::Money(_)) => overall::change(before, session),
            Ok(_) => overall::day_return(before, session).ok_or(AppError::NotFound)?,
            Err(reason) => overall::nothing(reason),
        };
        let of_day = |name: &str, of: &app::overview::figures::PortfolioSession| {
            let said = of.value.map_or_else(|| "unknown: a held symbol has no price".into(), format::money);
            Input::new(format!("{name}, {}", format::date(of.session_date)), said)
                .to("session_value", None, of.session_date)
                .noting((of.carried > 0).then(|| format!("{} of {} prices carried", of.carried, of.positions)))
                .noting(subject.is_restated(of.session_date).then(|| "restated".into()))
        };
        let mut inputs: Vec<Input> = before.map(|before| of_day("Opening value", before)).into_iter().collect();
        inputs.push(of_day("Closing value", session));
        inputs.push(Input::new("Paid in", format::money(session.inflow)));
        inputs.push(Input::new("Taken out", format::money(session.outflow)));
        if let Some(before) = before {
            inputs.extend(self.moves(subject, before.session_date, day).await?);
        }
        let mut rows = self.day_rows(subject, day).await?;
        let (bookings, quotes) = self.bookings(subject, None, before.map(|before| before.session_date), day).await?;
        rows.extend(bookings);
        Ok(Made { value, recipe, opens_on: before.map(|before| before.session_date), as_of: day, inputs, rows, quotes })
    }

    /// What each position that was held from the session before brought by its price, the largest first.
    pub(super) async fn moves(&self, subject: &Subject<'_>, before: NaiveDate, day: NaiveDate) -> Result<Vec<Input>> {
        let held = self.held_on(subject.portfolio.id, subject.as_of, day).await?;
        let symbols: Vec<String> = held.iter().map(|held| held.symbol.clone()).collect();
        let (closing, opening, splits, rates, rates_before) = tokio::try_join!(
            self.prices_used(&symbols, subject.as_of, day),
            self.prices_used(&symbols, subject.as_of, before),
            self.splits_between(&symbols, subject.as_of, before, day),
            self.rates_used(subject.portfolio.id, subject.as_of, day),
            self.rates_used(subject.portfolio.id, subject.as_of, before),
        )?;
        let base = &subject.portfolio.currency;
        let mut moves = Vec::new();
        for held in held {
            let Some(close) = closing.get(&held.symbol) else { continue };
            // The close before in the shares of today.
            let previous = opening.get(&held.symbol).map(|price| {
                let since = splits.iter().filter(|split| split.symbol == held.symbol);
                since.fold(price.close, |close, split| after_split(close, split.split_from, split.split_to).unwrap_or(close))
            });
            let moved = previous.and_then(|previous| match &held.currency {
                None => market_value([(held.quantity, close.close - previous)]),
                // In another currency the rate moved too.
                Some(currency) => {
                    let now = value_abroad(held.quantity, close.close, rate_of(currency, base, &rates)?)?;
                    Some(now - value_abroad(held.quantity, previous, rate_of(currency, base, &rates_before)?)?)
                }
            });
            let (quantity, now) =
                (format::quantity(held.quantity.normalize()), priced(close.close, held.currency.as_deref(), base, &rates));
            let said = match (previous, moved) {
                (Some(previous), Some(moved)) => {
                    let before = priced(previous, held.currency.as_deref(), base, &rates_before);
                    format!("{quantity} × ({now} − {before}) = {}", format::signed_money(moved))
                }
                _ => format!("{quantity} × {now}"),
            };
            let carried = (close.priced_on < day).then(|| format!("carried from {}", format::date(close.priced_on)));
            let by_hand = (close.response_id == 0).then(|| "entered by hand".to_owned());
            let input = Input::new(&held.symbol, said).to("close", Some(&held.symbol), day).noting(carried).noting(by_hand);
            moves.push((moved.unwrap_or_default().0.abs(), input));
        }
        moves.sort_by_key(|(moved, _)| std::cmp::Reverse(*moved));
        Ok(moves.into_iter().map(|(_, input)| input).collect())
    }

    /// The benchmark's day, from its two closes.
    pub(super) async fn benchmark_day(&self, subject: &Subject<'_>) -> Result<Made> {
        let (_, session) = subject.session()?;
        let day = session.session_date;
        let before = crate::calendar::session_before(day);
        let symbols = [BENCHMARK.to_owned()];
        let (closing, opening): (BTreeMap<_, _>, BTreeMap<_, _>) =
            tokio::try_join!(self.prices_used(&symbols, subject.as_of, day), self.prices_used(&symbols, subject.as_of, before))?;
        let value = session
            .benchmark_return
            .map(|b| Answer::Number(Exact(b)))
            .ok_or_else(|| app::domain::Undefined::because("the benchmark has no return on this session"));
        let events = self.benchmark_events(subject.as_of, before, day).await?;
        let dividend = match subject.asked.scope.benchmark {
            Benchmark::SpyTotalReturn => events.dividend.unwrap_or(0.0),
            Benchmark::SpyPriceReturn => 0.0,
        };
        let recipe = match (&value, closing.get(BENCHMARK), opening.get(BENCHMARK)) {
            (Err(reason), ..) => overall::nothing(reason),
            (Ok(_), Some(close), Some(previous)) => Recipe::QuotedReturn {
                close: exact(close.traded),
                previous: exact(previous.traded),
                dividend: Exact(dividend),
                ratio: Exact(events.ratio.unwrap_or(1.0)),
            },
            _ => return Err(AppError::NotFound.into()),
        };
        let priced = |name: &str, on: NaiveDate, prices: &BTreeMap<String, super::prices::PriceUsed>| {
            let said = prices.get(BENCHMARK).map_or_else(|| "none".into(), |price| format::price(price.traded));
            Input::new(format!("{name}, {}", format::date(on)), said).to("close", Some(BENCHMARK), on)
        };
        let mut inputs = vec![priced("Close", day, &closing), priced("Close before", before, &opening)];
        if dividend != 0.0 {
            inputs.push(Input::new("Dividend", dividend.to_string()));
        }
        let rows = self.day_rows(subject, day).await?;
        Ok(Made { value, recipe, opens_on: Some(before), as_of: day, inputs, rows, quotes: Vec::new() })
    }

    /// Dividends and splits of the benchmark after one day up to another, as the model adds them up: as staging has them, or by the answers that
    /// a publication had read.
    async fn benchmark_events(&self, as_of: AsOf, after: NaiveDate, until: NaiveDate) -> Result<Events> {
        Ok(match as_of {
            AsOf::Now => {
                sqlx::query_as!(
                    Events,
                    r#"select (select sum(cash_amount)::float8 from staging.dividends
                               where symbol = $1 and ex_dividend_date > $2 and ex_dividend_date <= $3) as dividend,
                              (select exp(sum(ln(split_to::float8 / split_from::float8))) from staging.splits
                               where symbol = $1 and execution_date > $2 and execution_date <= $3) as ratio"#,
                    BENCHMARK,
                    after,
                    until,
                )
                .fetch_one(&self.pool)
                .await?
            }
            AsOf::Publication(publication) => {
                sqlx::query_as!(
                    Events,
                    r#"with publication as (
                           select response_id, run_id, published_at from ops.publication where publication_id = $4
                       ), set_aside as (
                           select dataset, session_date, row_key, quarantine.response_id from ops.quarantine, publication
                           where symbol = $1 and quarantine.run_id <= publication.run_id
                             and coalesce(released_at > publication.published_at, true)
                       ), dividend as (
                           select distinct on (ex_dividend_date, vendor_id) cash_amount from raw.dividend
                           where symbol = $1 and ex_dividend_date > $2 and ex_dividend_date <= $3
                             and response_id <= (select response_id from publication)
                             and (ex_dividend_date, vendor_id, response_id) not in (
                                 select session_date, row_key, response_id from set_aside where dataset = 'dividends')
                           order by ex_dividend_date, vendor_id, response_id desc
                       ), split as (
                           select distinct on (execution_date) split_from, split_to from raw.split
                           where symbol = $1 and execution_date > $2 and execution_date <= $3
                             and response_id <= (select response_id from publication)
                             and (execution_date, response_id) not in (
                                 select session_date, response_id from set_aside where dataset = 'splits')
                           order by execution_date, response_id desc
                       )
                       select (select sum(cash_amount)::float8 from dividend where cash_amount > 0) as dividend,
                              (select exp(sum(ln(split_to::float8 / split_from::float8))) from split where split_from > 0 and split_to > 0) as ratio"#,
                    BENCHMARK,
                    after,
                    until,
                    publication,
                )
                .fetch_one(&self.pool)
                .await?
            }
        })
    }
}

/// What happened to the benchmark between two closes.
struct Events {
    dividend: Option<f64>,
    /// New shares per old one.
    ratio: Option<f64>,
}

/// Why quotes and rates alone don't make a value.
pub(super) fn not_enough(lacks_rate: bool) -> Recipe {
    let reason = if lacks_rate {
        // Versions before this one kept the rates of the last session alone.
        "an older version published it, without the rates of that day"
    } else {
        // After a split that a person entered, or under a new symbol, the last close is carried as the ledger knows it.
        "a carried close in it comes from what was booked: a split by hand, or another symbol"
    };
    Recipe::Nothing { reason: reason.into() }
}

/// A price, and the rate that it is multiplied with.
fn priced(price: Decimal, currency: Option<&str>, base: &str, rates: &Rates) -> String {
    let Some(currency) = currency else { return format::price(price) };
    match rate_of(currency, base, rates) {
        Some(rate) => format!("{} × {}", format::price(price), rate.normalize()),
        None => format!("{} {currency}", format::price(price)),
    }
}

/// The nearest double, as Postgres takes it: from its digits.
fn exact(price: Decimal) -> Exact {
    Exact(price.to_string().parse().ok().or_else(|| price.to_f64()).unwrap_or_default())
}
