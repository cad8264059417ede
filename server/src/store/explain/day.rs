//! Figures of one session: its value from quantities and closes, its return and its change.

use super::{Made, Subject, overall, row};
use crate::store::{Result, Store, explain::prices::BENCHMARK, published::AsOf};
use app::{
    analytics::{
        ledger::{after_split, market_value, value_abroad},
        sessions::no_price,
    },
    domain::{Benchmark, Money},
    error::AppError,
    explain::{
        model::{Input, Quote, Row},
        recipe::{Answer, Exact, Priced, Recipe},
    },
    format,
};
use chrono::NaiveDate;
use rust_decimal::{Decimal, prelude::ToPrimitive};
use std::collections::{BTreeMap, BTreeSet};

/// Activities of a day whose bytes are shown.
const QUOTED: usize = 5;

impl Store {
    /// Every position at its close, and cash.
    pub(super) async fn session_value(&self, subject: &Subject<'_>) -> Result<Made> {
        let (_, session) = subject.session()?;
        let (id, as_of, day) = (subject.portfolio.id, subject.as_of, session.session_date);
        let held = self.held_on(id, as_of, day).await?;
        let symbols: Vec<String> = held.iter().map(|held| held.symbol.clone()).collect();
        let (prices, last) = tokio::try_join!(self.prices_used(&symbols, as_of, day), self.day(id, as_of, Some(day)))?;
        let last = last.ok_or(AppError::NotFound)?;
        let is_last = subject.sessions.last().is_some_and(|last| last.session_date == day);
        let (rates, abroad) = tokio::try_join!(self.rates_of(subject), self.quoted_abroad(&symbols, &subject.portfolio.currency))?;
        let mut is_known = true;
        let mut positions = Vec::new();
        let mut inputs = Vec::new();
        for held in held {
            let quantity = held.quantity.normalize();
            let Some(price) = prices.get(&held.symbol) else {
                inputs.push(Input::new(held.symbol, "no price yet"));
                continue;
            };
            let rate = rates.get(&held.symbol).copied().filter(|_| is_last);
            if rate.is_none() && abroad.contains(&held.symbol) {
                is_known = false;
                let said = format!("{} × {}, in another currency", format::quantity(quantity), format::price(price.close));
                inputs.push(Input::new(&held.symbol, said).to("close", Some(&held.symbol), day));
                continue;
            }
            let worth = match rate {
                Some(rate) => value_abroad(quantity, price.close, rate),
                None => market_value([(quantity, price.close)]),
            };
            let factors = format!("{} × {}", format::quantity(quantity), format::price(price.close));
            let factors = rate.map_or_else(|| factors.clone(), |rate| format!("{factors} × {rate}"));
            let said = format!("{factors} = {}", format::money(worth.unwrap_or_default()));
            let carried = (price.priced_on < day).then(|| format!("carried from {}", format::date(price.priced_on)));
            let by_hand = (price.response_id == 0).then(|| "entered by hand".to_owned());
            inputs.push(Input::new(&held.symbol, said).to("close", Some(&held.symbol), day).noting(carried).noting(by_hand));
            positions.push(Priced { symbol: held.symbol, quantity, price: price.close, rate });
        }
        let (cash, receivable) = (last.cash.unwrap_or_default(), last.receivable.unwrap_or_default());
        inputs.push(Input::new("Cash", format::money(cash)));
        inputs.push(Input::new("Dividends that are due", format::money(receivable)));
        let value = session.value.map(Answer::Money).ok_or_else(no_price);
        let recipe = match &value {
            Ok(_) if !is_known => {
                Recipe::Nothing { reason: "holdings in other currencies are worked out for the last session alone".into() }
            }
            Ok(_) => Recipe::Worth { positions, cash, receivable },
            Err(reason) => overall::nothing(reason),
        };
        let rows = vec![self.day_row(subject, day).await?];
        Ok(Made { value, recipe, opens_on: None, as_of: day, inputs, rows, quotes: Vec::new() })
    }

    /// Which of these symbols are quoted in another currency.
    async fn quoted_abroad(&self, symbols: &[String], currency: &str) -> Result<BTreeSet<String>> {
        let abroad =
            sqlx::query_scalar!("select symbol from staging.instruments where symbol = any($1) and currency <> $2", symbols, currency);
        Ok(abroad.fetch_all(&self.pool).await?.into_iter().collect())
    }

    /// Of what is held in other currencies at the last session: what a unit of them costs.
    async fn rates_of(&self, subject: &Subject<'_>) -> Result<BTreeMap<String, Decimal>> {
        let held = self.held(subject.portfolio.id, subject.as_of, None).await?;
        let abroad = held.into_iter().filter(|held| held.currency.as_ref().is_some_and(|currency| *currency != subject.portfolio.currency));
        Ok(abroad.filter_map(|held| Some((held.symbol, held.rate?.normalize()))).collect())
    }

    /// The session's return or change in value, with what moved it.
    pub(super) async fn day_figure(&self, subject: &Subject<'_>) -> Result<Made> {
        let (before, session) = subject.session()?;
        let day = session.session_date;
        let value = match subject.described.key {
            "day_change" => {
                let opening = before.map_or(Some(Money::ZERO), |before| before.value);
                let change = session.value.zip(opening).map(|(closing, opening)| closing - opening - session.inflow + session.outflow);
                change.map(Answer::Money).ok_or_else(no_price)
            }
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
        let mut rows = vec![self.day_row(subject, day).await?];
        let (bookings, quotes) = self.bookings(subject, before.map(|before| before.session_date), day).await?;
        rows.extend(bookings);
        Ok(Made { value, recipe, opens_on: before.map(|before| before.session_date), as_of: day, inputs, rows, quotes })
    }

    /// What each position that was held from the session before brought by its price, the largest first.
    async fn moves(&self, subject: &Subject<'_>, before: NaiveDate, day: NaiveDate) -> Result<Vec<Input>> {
        let held = self.held_on(subject.portfolio.id, subject.as_of, day).await?;
        let symbols: Vec<String> = held.iter().map(|held| held.symbol.clone()).collect();
        let (closing, opening, splits, abroad) = tokio::try_join!(
            self.prices_used(&symbols, subject.as_of, day),
            self.prices_used(&symbols, subject.as_of, before),
            self.splits_between(&symbols, subject.as_of, before, day),
            self.quoted_abroad(&symbols, &subject.portfolio.currency),
        )?;
        let mut moves = Vec::new();
        for held in held {
            let Some(close) = closing.get(&held.symbol) else { continue };
            // The close before in the shares of today.
            let previous = opening.get(&held.symbol).map(|price| {
                let since = splits.iter().filter(|split| split.symbol == held.symbol);
                since.fold(price.close, |close, split| after_split(close, split.split_from, split.split_to).unwrap_or(close))
            });
            // In another currency the rate moved too.
            let previous = previous.filter(|_| !abroad.contains(&held.symbol));
            let moved = previous.and_then(|previous| market_value([(held.quantity, close.close - previous)]));
            let said = match (previous, moved) {
                (Some(previous), Some(moved)) => format!(
                    "{} × ({} − {}) = {}",
                    format::quantity(held.quantity.normalize()),
                    format::price(close.close),
                    format::price(previous),
                    format::signed_money(moved)
                ),
                _ => format!("{} × {}", format::quantity(held.quantity.normalize()), format::price(close.close)),
            };
            let carried = (close.priced_on < day).then(|| format!("carried from {}", format::date(close.priced_on)));
            let by_hand = (close.response_id == 0).then(|| "entered by hand".to_owned());
            let input = Input::new(&held.symbol, said).to("close", Some(&held.symbol), day).noting(carried).noting(by_hand);
            moves.push((moved.unwrap_or_default().0.abs(), input));
        }
        moves.sort_by_key(|(moved, _)| std::cmp::Reverse(*moved));
        Ok(moves.into_iter().map(|(_, input)| input).collect())
    }

    /// The transactions that count on a day, with the broker's own words.
    async fn bookings(&self, subject: &Subject<'_>, before: Option<NaiveDate>, day: NaiveDate) -> Result<(Vec<Row>, Vec<Quote>)> {
        if subject.as_of != AsOf::Now {
            return Ok((Vec::new(), Vec::new()));
        }
        let found = sqlx::query!(
            r#"select transaction.key, transaction.traded_on, type, transaction.symbol, transaction.quantity, transaction.price, amount, fee, tax,
                      transaction.source, version,
                      (select max(response_id) from raw.broker_activity as activity
                       where activity.portfolio_id = transaction.portfolio_id and activity.account_id = transaction.account_id
                         and activity.activity_id = transaction.key) as response_id
               from staging.transactions as transaction
               where portfolio_id = $1 and traded_on > coalesce($2::date, '-infinity') and traded_on <= $3 order by traded_on, key limit 50"#,
            subject.portfolio.id.get(),
            before,
            day,
        )
        .fetch_all(&self.pool)
        .await?;
        let (mut rows, mut quotes) = (Vec::new(), Vec::new());
        for booking in found {
            if let (Some(response), true) = (booking.response_id, quotes.len() < QUOTED) {
                quotes.extend(self.quote(subject.portfolio.id, response, &super::spans::Wanted::Activity { id: &booking.key }).await?);
            }
            let some = |number: Decimal| (!number.is_zero()).then(|| number.normalize().to_string());
            rows.push(row(
                "staging.transactions",
                &[
                    ("type", Some(booking.r#type)),
                    ("traded_on", Some(booking.traded_on.to_string())),
                    ("symbol", booking.symbol),
                    ("quantity", some(booking.quantity)),
                    ("price", some(booking.price)),
                    ("amount", some(booking.amount)),
                    ("fee", some(booking.fee)),
                    ("tax", some(booking.tax)),
                    ("source", Some(booking.source)),
                    ("key", Some(booking.key)),
                    ("version", booking.version.map(|version| version.to_string())),
                ],
            ));
        }
        Ok((rows, quotes))
    }

    /// The portfolio's row of a day: in the mart and the ledger, or as a publication kept it.
    pub(super) async fn day_row(&self, subject: &Subject<'_>, day: NaiveDate) -> Result<Row> {
        let session = subject.sessions.iter().find(|session| session.session_date == day).ok_or(AppError::NotFound)?;
        let money = |amount: Money| Some(amount.0.normalize().to_string());
        let table = match subject.as_of {
            AsOf::Now => "marts.portfolio_daily".to_owned(),
            AsOf::Publication(publication) => format!("ops.published_portfolio_day up to publication {publication}"),
        };
        Ok(row(
            &table,
            &[
                ("portfolio_id", Some(subject.portfolio.id.to_string())),
                ("session_date", Some(day.to_string())),
                ("value", session.value.and_then(money)),
                ("inflow", money(session.inflow)),
                ("outflow", money(session.outflow)),
                ("net_contributions", money(session.net_contributions)),
                ("daily_return", session.daily_return.map(|r| r.to_string())),
                ("carried", Some(session.carried.to_string())),
                ("positions", Some(session.positions.to_string())),
                ("unrealized", session.unrealized.and_then(money)),
                ("realized", money(session.realized)),
                ("income", money(session.income)),
                ("costs", money(session.costs)),
                ("brought_in", money(session.brought_in)),
                ("benchmark_return", session.benchmark_return.map(|r| r.to_string())),
                ("risk_free_rate", session.risk_free_rate.map(|rate| rate.to_string())),
            ],
        ))
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
        // As the model does it: dividends and splits of the day, by what staging holds now.
        let events = sqlx::query!(
            r#"select (select sum(cash_amount)::float8 from staging.dividends where symbol = $1 and ex_dividend_date > $2 and ex_dividend_date <= $3) as dividend,
                      (select exp(sum(ln(split_to::float8 / split_from::float8))) from staging.splits
                       where symbol = $1 and execution_date > $2 and execution_date <= $3) as ratio"#,
            BENCHMARK,
            before,
            day,
        )
        .fetch_one(&self.pool)
        .await?;
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
        let rows = vec![self.day_row(subject, day).await?];
        Ok(Made { value, recipe, opens_on: Some(before), as_of: day, inputs, rows, quotes: Vec::new() })
    }
}

/// The nearest double, as Postgres takes it: from its digits.
fn exact(price: Decimal) -> Exact {
    Exact(price.to_string().parse().ok().or_else(|| price.to_f64()).unwrap_or_default())
}
