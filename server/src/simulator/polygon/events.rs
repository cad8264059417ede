//! Splits and dividends, under the old paths (v3, ten rows unless told otherwise) and the new ones (v1).

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{Response, StatusCode};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde_json::{Value, json};

use super::page::{self, Sheet};
use crate::simulator::asked::Asked;
use crate::simulator::exchange::{Exchange, Moment};
use crate::simulator::faults::Mischief;
use crate::simulator::gate::{Caller, polygon_error};
use crate::simulator::market::{Dividend, Listing, Series, Sessions, Split};
use crate::simulator::random;

/// A split or a dividend, as a list says it.
pub trait Event: Copy {
    const OLD_PATH: &'static str;
    const NEW_PATH: &'static str;
    /// The field that a list is ordered by.
    const DATE: &'static str;

    /// Those that are known on a day, oldest first.
    fn known(listing: &Listing, series: &Series, on: NaiveDate) -> Vec<Self>;
    fn date(&self) -> NaiveDate;
    fn is_asked_for(&self, asked: &Asked) -> bool;
    /// What both paths say.
    fn plain(&self, listing: &Listing) -> Value;
    /// What one path says besides.
    fn on_old_path(&self) -> Value;
    fn on_new_path(&self, listing: &Listing, series: &Series, moment: Moment) -> Value;
}

/// An event with whose it is.
#[derive(Clone)]
struct Row<'e, E> {
    listing: &'e Listing,
    series: Arc<Series>,
    event: E,
}

/// How many rows a path gives.
#[derive(Clone, Copy)]
struct Paper {
    path: &'static str,
    usual: usize,
    most: usize,
}

type Request = (Option<String>, Caller, Mischief);

/// GET /v3/reference/splits and /v3/reference/dividends
pub async fn old_path<E: Event>(
    State(exchange): State<Arc<Exchange>>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Caller>,
    Extension(mischief): Extension<Mischief>,
) -> Response<Body> {
    let paper = Paper { path: E::OLD_PATH, usual: 10, most: 1_000 };
    listed::<E>(&exchange, paper, (query, caller, mischief), |row, _| with(row.event.plain(row.listing), row.event.on_old_path()))
}

/// GET /stocks/v1/splits and /stocks/v1/dividends
pub async fn new_path<E: Event>(
    State(exchange): State<Arc<Exchange>>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Caller>,
    Extension(mischief): Extension<Mischief>,
) -> Response<Body> {
    let paper = Paper { path: E::NEW_PATH, usual: 100, most: 5_000 };
    let say = |row: &Row<E>, moment| with(row.event.plain(row.listing), row.event.on_new_path(row.listing, &row.series, moment));
    listed(&exchange, paper, (query, caller, mischief), say)
}

fn with(mut plain: Value, more: Value) -> Value {
    if let (Value::Object(fields), Value::Object(more)) = (&mut plain, more) {
        fields.extend(more);
    }
    plain
}

fn listed<E: Event>(exchange: &Exchange, paper: Paper, request: Request, say: impl Fn(&Row<E>, Moment) -> Value) -> Response<Body> {
    let moment = exchange.moment();
    let found = |asked: &Asked| {
        let mut rows: Vec<Row<E>> = Vec::new();
        for listing in exchange.market.listings.iter().filter(|listing| asked.allows("ticker", &listing.profile.symbol)) {
            let series = listing.series(moment.last);
            let events = E::known(listing, &series, moment.last_date).into_iter().filter(|event| event.is_asked_for(asked));
            rows.extend(events.map(|event| Row { listing, series: Arc::clone(&series), event }));
        }
        sort(&mut rows, asked);
        rows
    };
    pages(paper, request, found, |row| say(row, moment))
}

impl Event for Split {
    const OLD_PATH: &'static str = "/v3/reference/splits";
    const NEW_PATH: &'static str = "/stocks/v1/splits";
    const DATE: &'static str = "execution_date";

    fn known(listing: &Listing, _: &Series, on: NaiveDate) -> Vec<Self> {
        listing.splits_until(on).to_vec()
    }

    fn date(&self) -> NaiveDate {
        self.execution_date
    }

    fn is_asked_for(&self, asked: &Asked) -> bool {
        asked.allows("execution_date", &self.execution_date.to_string())
            && asked.get("reverse_split").is_none_or(|reverse| (reverse == "true") == (self.from > self.to))
            && asked.allows("adjustment_type", kind(self))
    }

    fn plain(&self, listing: &Listing) -> Value {
        json!({
            "id": event_id(&listing.profile.symbol, &self.execution_date.to_string()),
            "execution_date": self.execution_date,
            "split_from": self.from,
            "split_to": self.to,
            "ticker": listing.profile.symbol,
        })
    }

    fn on_old_path(&self) -> Value {
        Value::Null
    }

    fn on_new_path(&self, listing: &Listing, _: &Series, moment: Moment) -> Value {
        json!({
            "adjustment_type": kind(self),
            "historical_adjustment_factor": split_factor(listing, self.execution_date, moment),
        })
    }
}

impl Event for Dividend {
    const OLD_PATH: &'static str = "/v3/reference/dividends";
    const NEW_PATH: &'static str = "/stocks/v1/dividends";
    const DATE: &'static str = "ex_dividend_date";

    fn known(_: &Listing, series: &Series, on: NaiveDate) -> Vec<Self> {
        series.dividends.iter().filter(|dividend| dividend.ex_date <= on).copied().collect()
    }

    fn date(&self) -> NaiveDate {
        self.ex_date
    }

    fn is_asked_for(&self, asked: &Asked) -> bool {
        asked.allows("ex_dividend_date", &self.ex_date.to_string())
            && asked.allows("pay_date", &self.pay_date.to_string())
            && asked.allows("record_date", &self.record_date.to_string())
            && asked.allows("declaration_date", &self.declaration_date.to_string())
    }

    fn plain(&self, listing: &Listing) -> Value {
        json!({
            "id": event_id(&listing.profile.symbol, &format!("{} cash", self.ex_date)),
            "cash_amount": number(self.amount),
            "currency": "USD",
            "declaration_date": self.declaration_date,
            "ex_dividend_date": self.ex_date,
            "frequency": 4,
            "pay_date": self.pay_date,
            "record_date": self.record_date,
            "ticker": listing.profile.symbol,
        })
    }

    fn on_old_path(&self) -> Value {
        json!({ "dividend_type": "CD" })
    }

    fn on_new_path(&self, listing: &Listing, series: &Series, moment: Moment) -> Value {
        json!({
            "distribution_type": "recurring",
            "historical_adjustment_factor": dividend_factor(listing, series, self, moment),
            "split_adjusted_cash_amount": number(self.amount) * split_factor(listing, self.ex_date, moment),
        })
    }
}

fn pages<T: Clone>(
    paper: Paper,
    (query, caller, mischief): Request,
    found: impl Fn(&Asked) -> Vec<T>,
    say: impl Fn(&T) -> Value,
) -> Response<Body> {
    let asked = Asked::read(query.as_deref());
    let limit = asked.as_ref().and_then(|asked| asked.limit("limit", paper.usual, paper.most));
    let (Some(asked), Some(limit)) = (asked, limit) else {
        return polygon_error(StatusCode::BAD_REQUEST, &caller.request_id, "The cursor or the 'limit' parameter is invalid");
    };
    let sheet = Sheet { path: paper.path, limit, is_counted: false };
    page::listed(sheet, found(&asked), &asked, &caller, mischief, say)
}

/// Newest first unless `order=asc` or (new paths) `sort=….asc` asks otherwise; by ticker with `sort=ticker`.
fn sort<E: Event>(rows: &mut [Row<E>], asked: &Asked) {
    let sort = asked.get("sort").unwrap_or(E::DATE);
    let by_ticker = sort.starts_with("ticker");
    rows.sort_by(|a, b| {
        let (on, ticker) = (a.event.date().cmp(&b.event.date()), a.listing.profile.symbol.cmp(&b.listing.profile.symbol));
        if by_ticker { ticker.then(on) } else { on.then(ticker) }
    });
    let ascending = asked.get("order") == Some("asc") || sort.ends_with(".asc") || (by_ticker && asked.get("order") != Some("desc"));
    if !ascending || sort.ends_with(".desc") {
        rows.reverse();
    }
}

fn kind(split: &Split) -> &'static str {
    if split.from > split.to { "reverse_split" } else { "forward_split" }
}

fn event_id(symbol: &str, what: &str) -> String {
    let key = random::named(random::named(2, symbol), what);
    format!("E{:016x}{:016x}{:016x}{:016x}", random::at(key, 0), random::at(key, 1), random::at(key, 2), random::at(key, 3))
}

/// The wire's numbers are plain JSON numbers.
fn number(amount: Decimal) -> f64 {
    amount.to_f64().unwrap_or_default()
}

/// Prices before the split times this are comparable with today's.
fn split_factor(listing: &Listing, from: NaiveDate, moment: Moment) -> f64 {
    let splits = listing.splits_until(moment.last_date).iter().filter(|split| split.execution_date >= from);
    splits.map(|split| f64::from(split.from) / f64::from(split.to)).product()
}

/// The product of (1 − dividend / the close before) over this dividend and those after it.
fn dividend_factor(listing: &Listing, series: &Series, dividend: &Dividend, moment: Moment) -> f64 {
    let later = series.dividends.iter().filter(|each| each.ex_date >= dividend.ex_date && each.ex_date <= moment.last_date);
    later
        .map(|each| {
            let before = Sessions::all().place_of(each.ex_date).saturating_sub(1);
            let close = series.latest(before).map(|bar| number(listing.money(bar.close)));
            close.map_or(1.0, |close| 1.0 - number(each.amount) / close)
        })
        .product()
}
