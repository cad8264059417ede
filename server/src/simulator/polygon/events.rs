//! Splits and dividends, under the old paths (v3, ten rows unless told otherwise) and the new ones (v1).

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::http::{Response, StatusCode};
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

const OLD_SPLITS: Paper = Paper { path: "/v3/reference/splits", usual: 10, most: 1_000, date: "execution_date" };
const NEW_SPLITS: Paper = Paper { path: "/stocks/v1/splits", usual: 100, most: 5_000, date: "execution_date" };
const OLD_DIVIDENDS: Paper = Paper { path: "/v3/reference/dividends", usual: 10, most: 1_000, date: "ex_dividend_date" };
const NEW_DIVIDENDS: Paper = Paper { path: "/stocks/v1/dividends", usual: 100, most: 5_000, date: "ex_dividend_date" };

/// One of the four lists: where it is, how many rows it gives, and the date it is ordered by.
#[derive(Clone, Copy)]
struct Paper {
    path: &'static str,
    usual: usize,
    most: usize,
    date: &'static str,
}

type Request = (Option<String>, Caller, Mischief);

/// GET /v3/reference/splits
pub async fn splits_v3(
    State(exchange): State<Arc<Exchange>>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Caller>,
    Extension(mischief): Extension<Mischief>,
) -> Response<Body> {
    splits(&exchange, OLD_SPLITS, (query, caller, mischief), |(listing, split), _| {
        json!({
            "id": event_id(&listing.profile.symbol, &split.execution_date.to_string()),
            "execution_date": split.execution_date,
            "split_from": split.from,
            "split_to": split.to,
            "ticker": listing.profile.symbol,
        })
    })
}

/// GET /stocks/v1/splits
pub async fn splits_v1(
    State(exchange): State<Arc<Exchange>>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Caller>,
    Extension(mischief): Extension<Mischief>,
) -> Response<Body> {
    splits(&exchange, NEW_SPLITS, (query, caller, mischief), |(listing, split), moment| {
        json!({
            "id": event_id(&listing.profile.symbol, &split.execution_date.to_string()),
            "execution_date": split.execution_date,
            "split_from": split.from,
            "split_to": split.to,
            "ticker": listing.profile.symbol,
            "adjustment_type": kind(split),
            "historical_adjustment_factor": split_factor(listing, split.execution_date, moment),
        })
    })
}

/// GET /v3/reference/dividends
pub async fn dividends_v3(
    State(exchange): State<Arc<Exchange>>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Caller>,
    Extension(mischief): Extension<Mischief>,
) -> Response<Body> {
    dividends(&exchange, OLD_DIVIDENDS, (query, caller, mischief), |(listing, _, dividend), _| {
        let mut row = plain_dividend(listing, dividend);
        if let Value::Object(fields) = &mut row {
            fields.insert("dividend_type".to_owned(), json!("CD"));
        }
        row
    })
}

/// GET /stocks/v1/dividends
pub async fn dividends_v1(
    State(exchange): State<Arc<Exchange>>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Caller>,
    Extension(mischief): Extension<Mischief>,
) -> Response<Body> {
    dividends(&exchange, NEW_DIVIDENDS, (query, caller, mischief), |(listing, series, dividend), moment| {
        let mut row = plain_dividend(listing, dividend);
        if let Value::Object(fields) = &mut row {
            let paid = number(dividend.amount) * split_factor(listing, dividend.ex_date, moment);
            fields.insert("distribution_type".to_owned(), json!("recurring"));
            fields.insert("historical_adjustment_factor".to_owned(), json!(dividend_factor(listing, series, dividend, moment)));
            fields.insert("split_adjusted_cash_amount".to_owned(), json!(paid));
        }
        row
    })
}

fn splits(exchange: &Exchange, paper: Paper, request: Request, say: impl Fn(&(&Listing, Split), Moment) -> Value) -> Response<Body> {
    let moment = exchange.moment();
    let found = |asked: &Asked| {
        let mut rows: Vec<(&Listing, Split)> = listings(exchange, asked)
            .into_iter()
            .flat_map(|listing| listing.splits_until(moment.last_date).iter().map(move |split| (listing, *split)))
            .filter(|(_, split)| asked.allows("execution_date", &split.execution_date.to_string()))
            .filter(|(_, split)| asked.get("reverse_split").is_none_or(|reverse| (reverse == "true") == (split.from > split.to)))
            .filter(|(_, split)| asked.allows("adjustment_type", kind(split)))
            .collect();
        sort(&mut rows, paper, asked, |(listing, split)| (split.execution_date, listing.profile.symbol.clone()));
        rows
    };
    pages(paper, request, found, |row| say(row, moment))
}

fn dividends(
    exchange: &Exchange,
    paper: Paper,
    request: Request,
    say: impl Fn(&(&Listing, Arc<Series>, Dividend), Moment) -> Value,
) -> Response<Body> {
    let moment = exchange.moment();
    let found = |asked: &Asked| {
        let mut rows: Vec<(&Listing, Arc<Series>, Dividend)> = Vec::new();
        for listing in listings(exchange, asked) {
            let series = listing.series(moment.last);
            let paid = series.dividends.iter().filter(|dividend| dividend.ex_date <= moment.last_date);
            let asked_for = paid.filter(|dividend| {
                asked.allows("ex_dividend_date", &dividend.ex_date.to_string())
                    && asked.allows("pay_date", &dividend.pay_date.to_string())
                    && asked.allows("record_date", &dividend.record_date.to_string())
                    && asked.allows("declaration_date", &dividend.declaration_date.to_string())
            });
            rows.extend(asked_for.map(|dividend| (listing, Arc::clone(&series), *dividend)));
        }
        sort(&mut rows, paper, asked, |(listing, _, dividend)| (dividend.ex_date, listing.profile.symbol.clone()));
        rows
    };
    pages(paper, request, found, |row| say(row, moment))
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

fn listings<'e>(exchange: &'e Exchange, asked: &Asked) -> Vec<&'e Listing> {
    exchange.market.listings.iter().filter(|listing| asked.allows("ticker", &listing.profile.symbol)).collect()
}

/// Newest first unless `order=asc` or (new paths) `sort=….asc` asks otherwise; by ticker with `sort=ticker`.
fn sort<T, K: Ord>(rows: &mut [T], paper: Paper, asked: &Asked, key: impl Fn(&T) -> (K, String)) {
    let sort = asked.get("sort").unwrap_or(paper.date);
    let by_ticker = sort.starts_with("ticker");
    rows.sort_by(|a, b| {
        let (a, b) = (key(a), key(b));
        if by_ticker { (a.1, a.0).cmp(&(b.1, b.0)) } else { a.cmp(&b) }
    });
    let ascending = asked.get("order") == Some("asc") || sort.ends_with(".asc") || (by_ticker && asked.get("order") != Some("desc"));
    if !ascending || sort.ends_with(".desc") {
        rows.reverse();
    }
}

fn kind(split: &Split) -> &'static str {
    if split.from > split.to { "reverse_split" } else { "forward_split" }
}

fn plain_dividend(listing: &Listing, dividend: &Dividend) -> Value {
    json!({
        "id": event_id(&listing.profile.symbol, &format!("{} cash", dividend.ex_date)),
        "cash_amount": number(dividend.amount),
        "currency": "USD",
        "declaration_date": dividend.declaration_date,
        "ex_dividend_date": dividend.ex_date,
        "frequency": 4,
        "pay_date": dividend.pay_date,
        "record_date": dividend.record_date,
        "ticker": listing.profile.symbol,
    })
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
fn split_factor(listing: &Listing, from: chrono::NaiveDate, moment: Moment) -> f64 {
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
