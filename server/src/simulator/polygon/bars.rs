//! Daily bars: raw, or adjusted for splits as the vendor does unless told otherwise. Never adjusted for dividends.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{Response, StatusCode};
use chrono::{DateTime, NaiveDate};

use super::{exchange::Pair, page};
use crate::calendar;
use crate::simulator::asked::Asked;
use crate::simulator::exchange::{Exchange, Moment};
use crate::simulator::faults::{Kind, Mischief};
use crate::simulator::gate::{self, Caller, polygon_error};
use crate::simulator::json::{ADJUSTED_DECIMALS, push_decimal, push_integer, push_string};
use crate::simulator::market::{Bar, Listing, Sessions};

const USUAL_LIMIT: usize = 5_000;
const LARGEST_LIMIT: usize = 50_000;
/// A bar takes about this many bytes.
const BAR_BYTES: usize = 120;

/// Which stamp a bar carries: ranges say the window's start, the others the close.
#[derive(Clone, Copy)]
enum Stamp {
    Midnight,
    Close,
}

/// GET /v2/aggs/ticker/{ticker}/range/{multiplier}/{timespan}/{from}/{to}
pub async fn range(
    State(exchange): State<Arc<Exchange>>,
    Path((ticker, multiplier, timespan, from, to)): Path<(String, String, String, String, String)>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Caller>,
    Extension(mischief): Extension<Mischief>,
) -> Response<Body> {
    let bad = |error: &str| polygon_error(StatusCode::BAD_REQUEST, &caller.request_id, error);
    if multiplier != "1" || timespan != "day" {
        return not_in_plan(&caller);
    }
    let Some(asked) = Asked::read(query.as_deref()) else { return bad("The cursor is invalid") };
    let (Some(from_date), Some(to_date)) = (day(&from), day(&to)) else {
        return bad("Could not parse the time parameters: use YYYY-MM-DD or a millisecond timestamp");
    };
    if to_date < from_date {
        return bad("The parameter 'to' cannot be a time that occurs before 'from'");
    }
    let Some(limit) = asked.limit("limit", USUAL_LIMIT, LARGEST_LIMIT) else {
        return bad("The 'limit' parameter must be a number between 1 and 50000");
    };
    let moment = exchange.moment();
    if from_date > moment.today {
        return not_in_plan(&caller);
    }
    if let Some(pair) = Pair::parse(&ticker) {
        let (body, count) = pair.bars(from_date, to_date.min(moment.last_date));
        return envelope(Some(&ticker), false, count, &body, &caller, None);
    }
    let adjusted = asked.get("adjusted") != Some("false");
    let newest_first = asked.get("sort") == Some("desc");
    let sessions = Sessions::all();
    let mut body = String::new();
    let mut count = 0;
    let mut next_url = None;
    if let Some(listing) = exchange.market.listing(&ticker) {
        let series = listing.series(moment.last);
        let until = sessions.place_of(to_date + chrono::Days::new(1)).saturating_sub(1).min(moment.last);
        let mut bars: Vec<Bar> = series.between(sessions.place_of(from_date), until);
        if newest_first {
            bars.reverse();
        }
        let more = page::trim(&mut bars, limit, mischief);
        count = bars.len();
        body.reserve(bars.len() * BAR_BYTES);
        for bar in &bars {
            push_bar(&mut body, None, listing, &corrected(*bar, moment, mischief), adjusted, Stamp::Midnight, moment);
        }
        next_url = more.map(|next| {
            let at = sessions.midnight_ms(next.session).to_string();
            let (from, to) = if newest_first { (from.as_str(), at.as_str()) } else { (at.as_str(), to.as_str()) };
            format!("{}/v2/aggs/ticker/{ticker}/range/1/day/{from}/{to}?cursor={}", caller.origin, asked.cursor(0))
        });
        if mischief.is(Kind::LoopPages) {
            next_url = Some(format!("{}/v2/aggs/ticker/{ticker}/range/1/day/{from}/{to}?cursor={}", caller.origin, asked.cursor(0)));
        }
        if mischief.is(Kind::ForeignHost) {
            next_url = Some(format!("{}/v2/aggs/ticker/{ticker}/range/1/day/{from}/{to}?cursor={}", page::FOREIGN, asked.cursor(0)));
        }
    }
    envelope(Some(&ticker), adjusted, count, &body, &caller, next_url.as_deref())
}

/// GET /v2/aggs/grouped/locale/us/market/stocks/{date}
pub async fn grouped(
    State(exchange): State<Arc<Exchange>>,
    Path(date): Path<String>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Caller>,
    Extension(mischief): Extension<Mischief>,
) -> Response<Body> {
    let asked = Asked::read(query.as_deref()).unwrap_or_default();
    let Ok(date) = date.parse::<NaiveDate>() else {
        return polygon_error(StatusCode::BAD_REQUEST, &caller.request_id, "Could not parse the date: use YYYY-MM-DD");
    };
    let moment = exchange.moment();
    if date > moment.today {
        return not_in_plan(&caller);
    }
    let adjusted = asked.get("adjusted") != Some("false");
    let mut body = String::new();
    let mut count = 0;
    if let Some(session) = Sessions::all().find(date).filter(|session| *session <= moment.last) {
        for listing in &exchange.market.listings {
            if let Some(bar) = listing.series(moment.last).on(session) {
                count += 1;
                let ticker = Some(listing.profile.symbol.as_str());
                push_bar(&mut body, ticker, listing, &corrected(bar, moment, mischief), adjusted, Stamp::Close, moment);
            }
        }
        if mischief.is(Kind::DuplicatePages) && !body.is_empty() {
            // The whole answer said twice.
            body = format!("{body}{body}");
            count *= 2;
        }
    }
    envelope(None, adjusted, count, &body, &caller, None)
}

/// GET /v2/aggs/ticker/{ticker}/prev
pub async fn previous(
    State(exchange): State<Arc<Exchange>>,
    Path(ticker): Path<String>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Caller>,
    Extension(mischief): Extension<Mischief>,
) -> Response<Body> {
    let asked = Asked::read(query.as_deref()).unwrap_or_default();
    let adjusted = asked.get("adjusted") != Some("false");
    let moment = exchange.moment();
    let mut body = String::new();
    let mut count = 0;
    if let Some(listing) = exchange.market.listing(&ticker)
        && let Some(bar) = listing.series(moment.last).latest(moment.last)
    {
        count = 1;
        push_bar(&mut body, Some(&ticker), listing, &corrected(bar, moment, mischief), adjusted, Stamp::Close, moment);
    }
    envelope(Some(&ticker), adjusted, count, &body, &caller, None)
}

/// A day, or the day in New York of a millisecond stamp.
fn day(text: &str) -> Option<NaiveDate> {
    if let Ok(date) = text.parse() {
        return Some(date);
    }
    DateTime::from_timestamp_millis(text.parse().ok()?).map(calendar::new_york_date)
}

fn not_in_plan(caller: &Caller) -> Response<Body> {
    let message = "Your plan doesn't include this data timeframe. Please upgrade your plan at https://polygon.io/pricing";
    gate::answer(
        StatusCode::FORBIDDEN,
        &serde_json::json!({"status": "NOT_AUTHORIZED", "request_id": caller.request_id, "message": message}),
    )
}

/// `results` is absent where there are none, `next_url` on the last page.
fn envelope(ticker: Option<&str>, adjusted: bool, count: usize, bars: &str, caller: &Caller, next_url: Option<&str>) -> Response<Body> {
    let mut text = String::with_capacity(bars.len() + 256);
    text.push('{');
    if let Some(ticker) = ticker {
        text.push_str("\"ticker\":");
        push_string(&mut text, ticker);
        text.push(',');
    }
    text.push_str(&format!("\"queryCount\":{count},\"resultsCount\":{count},\"adjusted\":{adjusted}"));
    if !bars.is_empty() {
        text.push_str(",\"results\":[");
        // Each bar ends with a comma; the last one's goes.
        text.push_str(bars.strip_suffix(',').unwrap_or(bars));
        text.push(']');
    }
    text.push_str(",\"status\":\"OK\",\"request_id\":");
    push_string(&mut text, &caller.request_id);
    text.push_str(&format!(",\"count\":{count}"));
    if let Some(next_url) = next_url {
        text.push_str(",\"next_url\":");
        push_string(&mut text, next_url);
    }
    text.push('}');
    gate::json_text(StatusCode::OK, text)
}

/// The last session's close is one percent off while the vendor hasn't corrected it yet.
pub fn corrected(bar: Bar, moment: Moment, mischief: Mischief) -> Bar {
    if !mischief.is(Kind::LateCorrection) || bar.session != moment.last {
        return bar;
    }
    let close = bar.close + bar.close.div_ceil(100);
    Bar { close, high: bar.high.max(close), ..bar }
}

/// Old shares and new shares of all splits after a session, up to the moment: raw price × old / new is the adjusted one.
pub fn later_splits(listing: &Listing, session: u32, moment: Moment) -> (u64, u64) {
    let date = Sessions::all().date(session);
    listing
        .splits_until(moment.last_date)
        .iter()
        .filter(|split| split.execution_date > date)
        .fold((1, 1), |(old, new), split| (old * u64::from(split.from), new * u64::from(split.to)))
}

fn push_bar(text: &mut String, ticker: Option<&str>, listing: &Listing, bar: &Bar, adjusted: bool, stamp: Stamp, moment: Moment) {
    let (old, new) = if adjusted { later_splits(listing, bar.session, moment) } else { (1, 1) };
    let price = |text: &mut String, units: u64, decimals: u32| {
        if old == new {
            push_decimal(text, units, decimals);
        } else {
            let scaled = units * 10_u64.pow(ADJUSTED_DECIMALS.saturating_sub(decimals)) * old;
            push_decimal(text, (scaled + new / 2) / new, ADJUSTED_DECIMALS.max(decimals));
        }
    };
    text.push('{');
    if let Some(ticker) = ticker {
        text.push_str("\"T\":");
        push_string(text, ticker);
        text.push(',');
    }
    text.push_str("\"v\":");
    push_integer(text, bar.volume * new / old);
    text.push_str(",\"vw\":");
    // The typical price, in hundredths of the smallest unit.
    let typical = (u64::from(bar.high) + u64::from(bar.low) + u64::from(bar.close)) * 100 / 3;
    price(text, typical, listing.decimals + 2);
    for (name, units) in [(",\"o\":", bar.open), (",\"c\":", bar.close), (",\"h\":", bar.high), (",\"l\":", bar.low)] {
        text.push_str(name);
        price(text, u64::from(units), listing.decimals);
    }
    text.push_str(",\"t\":");
    let at = match stamp {
        Stamp::Midnight => Sessions::all().midnight_ms(bar.session),
        // Sixteen hours after midnight, also on an early close.
        Stamp::Close => Sessions::all().midnight_ms(bar.session) + 16 * 3_600_000,
    };
    push_integer(text, at.unsigned_abs());
    text.push_str(",\"n\":");
    push_integer(text, u64::from(bar.trades));
    text.push_str("},");
}
