//! Alpaca's daily bars: several symbols in one answer, sorted by symbol and then by time; the limit counts bars over all
//! symbols, so that a page may end inside one symbol's series.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{Response, StatusCode};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::prelude::ToPrimitive;
use serde_json::json;

use crate::calendar;
use crate::simulator::asked::{self, Asked};
use crate::simulator::exchange::{Exchange, Moment};
use crate::simulator::faults::{Kind, Mischief};
use crate::simulator::gate;
use crate::simulator::json::{ADJUSTED_DECIMALS, push_decimal, push_integer, push_string};
use crate::simulator::market::{Bar, Listing, Series, Sessions};
use crate::simulator::polygon::bars::{corrected, later_splits};
use crate::simulator::polygon::page;

const USUAL_LIMIT: usize = 1_000;
const LARGEST_LIMIT: usize = 10_000;

/// GET /v2/stocks/bars
pub async fn of_many(
    State(exchange): State<Arc<Exchange>>,
    RawQuery(query): RawQuery,
    Extension(mischief): Extension<Mischief>,
) -> Response<Body> {
    let asked = Asked::read(query.as_deref()).unwrap_or_default();
    let mut symbols: Vec<String> = asked.list("symbols").into_iter().map(str::to_owned).collect();
    symbols.sort();
    symbols.dedup();
    if symbols.is_empty() {
        return bad("symbols is required");
    }
    match Order::read(&asked, exchange.moment()) {
        Err(message) => bad(message),
        Ok(order) => {
            let (pages, token) = order.page(&exchange, &symbols, mischief);
            let mut text = "{\"bars\":{".to_owned();
            for (symbol, bars) in &pages {
                push_string(&mut text, symbol);
                text.push_str(":[");
                text.push_str(bars.strip_suffix(',').unwrap_or(bars));
                text.push_str("],");
            }
            close_list(&mut text, '}', token.as_deref());
            gate::json_text(StatusCode::OK, text)
        }
    }
}

/// GET /v2/stocks/{symbol}/bars
pub async fn of_one(
    State(exchange): State<Arc<Exchange>>,
    Path(symbol): Path<String>,
    RawQuery(query): RawQuery,
    Extension(mischief): Extension<Mischief>,
) -> Response<Body> {
    let asked = Asked::read(query.as_deref()).unwrap_or_default();
    match Order::read(&asked, exchange.moment()) {
        Err(message) => bad(message),
        Ok(order) => {
            let (pages, token) = order.page(&exchange, std::slice::from_ref(&symbol), mischief);
            let mut text = "{\"symbol\":".to_owned();
            push_string(&mut text, &symbol);
            text.push_str(",\"currency\":\"USD\",\"bars\":");
            match pages.first() {
                None => {
                    text.push_str("null");
                    push_token(&mut text, token.as_deref());
                }
                Some((_, bars)) => {
                    text.push('[');
                    text.push_str(bars);
                    close_list(&mut text, ']', token.as_deref());
                }
            }
            gate::json_text(StatusCode::OK, text)
        }
    }
}

fn bad(message: &str) -> Response<Body> {
    gate::answer(StatusCode::BAD_REQUEST, &json!({"message": message}))
}

/// Takes the last comma away and ends the list.
fn close_list(text: &mut String, end: char, token: Option<&str>) {
    if text.ends_with(',') {
        text.pop();
    }
    text.push(end);
    push_token(text, token);
}

fn push_token(text: &mut String, token: Option<&str>) {
    text.push_str(",\"next_page_token\":");
    match token {
        Some(token) => push_string(text, token),
        None => text.push_str("null"),
    }
    text.push('}');
}

/// What was asked for, checked.
struct Order {
    from: u32,
    to: u32,
    limit: usize,
    splits: bool,
    dividends: bool,
    newest_first: bool,
    /// The last bar of the page before: symbol and session.
    after: Option<(String, u32)>,
    token: Option<String>,
    moment: Moment,
}

impl Order {
    fn read(asked: &Asked, moment: Moment) -> Result<Self, &'static str> {
        match asked.get("timeframe") {
            Some("1Day" | "1D") => {}
            None => return Err("timeframe is required"),
            Some(_) => return Err("invalid timeframe: only 1Day is served here"),
        }
        let limit = asked.limit("limit", USUAL_LIMIT, LARGEST_LIMIT).ok_or("invalid limit: use 1 to 10000")?;
        let (mut splits, mut dividends) = (false, false);
        for adjustment in asked.get("adjustment").unwrap_or("raw").split(',') {
            match adjustment {
                "raw" | "spin-off" => {}
                "split" => splits = true,
                "dividend" => dividends = true,
                "all" => (splits, dividends) = (true, true),
                _ => return Err("invalid adjustment: use raw, split, dividend, spin-off or all"),
            }
        }
        let sessions = Sessions::all();
        let from = instant(asked, "start", calendar::midnight(moment.today), 0)?;
        // A day as the end means that day's bar too.
        let to = instant(asked, "end", moment.now, 1)?;
        let from_date = calendar::new_york_date(from - chrono::TimeDelta::milliseconds(1));
        let from = sessions.place_of(from_date + chrono::Days::new(1));
        let to = sessions.place_of(calendar::new_york_date(to) + chrono::Days::new(1)).saturating_sub(1).min(moment.last);
        let token = asked.get("page_token").map(str::to_owned);
        let after = token.as_deref().map(|token| read_token(token).ok_or("invalid page_token")).transpose()?;
        Ok(Self { from, to, limit, splits, dividends, newest_first: asked.get("sort") == Some("desc"), after, token, moment })
    }

    /// Bars by symbol, and the token of the next page.
    fn page(&self, exchange: &Exchange, symbols: &[String], mischief: Mischief) -> (Vec<(String, String)>, Option<String>) {
        let mut rows: Vec<(&Listing, Arc<Series>, Bar)> = Vec::new();
        'symbols: for symbol in symbols {
            if self.after.as_ref().is_some_and(|(done, _)| symbol < done) {
                continue;
            }
            let Some(listing) = exchange.market.listing(symbol) else { continue };
            let series = listing.series(self.moment.last);
            let mut bars: Vec<Bar> = series.between(self.from, self.to);
            if self.newest_first {
                bars.reverse();
            }
            if let Some((_, session)) = self.after.as_ref().filter(|(last, _)| last == symbol) {
                bars.retain(|bar| if self.newest_first { bar.session < *session } else { bar.session > *session });
            }
            for bar in bars {
                rows.push((listing, Arc::clone(&series), bar));
                if rows.len() > self.limit {
                    break 'symbols;
                }
            }
        }
        let mut more = rows.len() > self.limit;
        let whole = rows.len().min(self.limit);
        page::trim(&mut rows, self.limit, mischief);
        // The token names the last bar that was served; pages overlap where it names the one before.
        let back = if mischief.is(Kind::DuplicatePages) && whole > 1 { 2 } else { 1 };
        let last = whole.checked_sub(back).and_then(|place| rows.get(place));
        let mut token = last.filter(|_| more).map(|(listing, _, bar)| make_token(&listing.profile.symbol, bar.session));
        if mischief.is(Kind::LoopPages) {
            more = true;
            token = self.token.clone().or_else(|| rows.first().map(|(listing, _, bar)| make_token(&listing.profile.symbol, bar.session)));
        }
        let mut pages: Vec<(String, String)> = Vec::new();
        for (listing, series, bar) in &rows {
            let symbol = &listing.profile.symbol;
            if pages.last().is_none_or(|(last, _)| last != symbol) {
                pages.push((symbol.clone(), String::new()));
            }
            if let Some((_, text)) = pages.last_mut() {
                self.push_bar(text, listing, series, &corrected(*bar, self.moment, mischief));
            }
        }
        (pages, token.filter(|_| more))
    }

    fn push_bar(&self, text: &mut String, listing: &Listing, series: &Series, bar: &Bar) {
        let (old, new) = if self.splits { later_splits(listing, bar.session, self.moment) } else { (1, 1) };
        let paid_out = if self.dividends { dividend_factor(listing, series, bar.session, self.moment) } else { 1.0 };
        let price = |text: &mut String, units: u64, decimals: u32| {
            if paid_out < 1.0 || old != new {
                let exact = units as f64 / 10_f64.powi(decimals as i32) * (old as f64 / new as f64) * paid_out;
                push_decimal(text, (exact * 10_f64.powi(ADJUSTED_DECIMALS as i32)).round() as u64, ADJUSTED_DECIMALS);
            } else {
                push_decimal(text, units, decimals);
            }
        };
        let at = DateTime::from_timestamp_millis(Sessions::all().midnight_ms(bar.session)).unwrap_or_default();
        text.push_str("{\"t\":");
        push_string(text, &at.format("%Y-%m-%dT%H:%M:%SZ").to_string());
        for (name, units) in [(",\"o\":", bar.open), (",\"h\":", bar.high), (",\"l\":", bar.low), (",\"c\":", bar.close)] {
            text.push_str(name);
            price(text, u64::from(units), listing.decimals);
        }
        text.push_str(",\"v\":");
        push_integer(text, bar.volume * new / old);
        text.push_str(",\"n\":");
        push_integer(text, u64::from(bar.trades));
        text.push_str(",\"vw\":");
        let typical = (u64::from(bar.high) + u64::from(bar.low) + u64::from(bar.close)) * 100 / 3;
        price(text, typical, listing.decimals + 2);
        text.push_str("},");
    }
}

/// The instant of a parameter; a day counts from its beginning plus `days`, less a moment.
fn instant(asked: &Asked, name: &str, otherwise: DateTime<Utc>, days: u64) -> Result<DateTime<Utc>, &'static str> {
    let Some(text) = asked.get(name) else { return Ok(otherwise) };
    if let Ok(date) = text.parse::<NaiveDate>() {
        let at = calendar::midnight(date + chrono::Days::new(days));
        return Ok(if days > 0 { at - chrono::TimeDelta::milliseconds(1) } else { at });
    }
    asked::instant(text).ok_or("invalid start or end: use RFC 3339 or YYYY-MM-DD")
}

/// Cumulated (1 − dividend / close before) of the dividends gone ex after a session.
fn dividend_factor(listing: &Listing, series: &Series, session: u32, moment: Moment) -> f64 {
    let sessions = Sessions::all();
    let date = sessions.date(session);
    let later = series.dividends.iter().filter(|dividend| dividend.ex_date > date && dividend.ex_date <= moment.last_date);
    later
        .map(|dividend| {
            let before = sessions.place_of(dividend.ex_date).saturating_sub(1);
            let close = series.latest(before).and_then(|bar| listing.money(bar.close).to_f64());
            close.map_or(1.0, |close| 1.0 - dividend.amount.to_f64().unwrap_or_default() / close)
        })
        .product()
}

fn make_token(symbol: &str, session: u32) -> String {
    let at = DateTime::from_timestamp_millis(Sessions::all().midnight_ms(session)).unwrap_or_default();
    STANDARD.encode(format!("{symbol}|D|{}", at.format("%Y-%m-%dT%H:%M:%S.000000000Z")))
}

fn read_token(token: &str) -> Option<(String, u32)> {
    let bytes = STANDARD.decode(token).ok()?;
    let text = std::str::from_utf8(&bytes).ok()?;
    let mut parts = text.split('|');
    let (symbol, _, at) = (parts.next()?, parts.next()?, parts.next()?);
    let date = calendar::new_york_date(asked::instant(at)?);
    Some((symbol.to_owned(), Sessions::all().find(date)?))
}
