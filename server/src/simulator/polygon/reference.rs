//! Ticker details and the list of tickers.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::http::{Response, StatusCode};
use serde_json::{Value, json};

use super::page::{self, Sheet};
use crate::simulator::asked::Asked;
use crate::simulator::exchange::{Exchange, Moment};
use crate::simulator::faults::Mischief;
use crate::simulator::gate::{self, Caller, polygon_error};
use crate::simulator::market::Listing;
use crate::simulator::random;

const USUAL_LIMIT: usize = 100;
const LARGEST_LIMIT: usize = 1_000;

/// GET /v3/reference/tickers/{ticker}
pub async fn details(
    State(exchange): State<Arc<Exchange>>,
    Path(ticker): Path<String>,
    Extension(caller): Extension<Caller>,
) -> Response<Body> {
    let moment = exchange.moment();
    let Some(listing) = exchange.market.listing(&ticker).filter(|listing| is_listed(listing, moment)) else {
        let body = json!({"status": "NOT_FOUND", "request_id": caller.request_id, "message": "Ticker not found."});
        return gate::answer(StatusCode::NOT_FOUND, &body);
    };
    let mut results = short(listing, moment);
    if let Value::Object(fields) = &mut results {
        fields.remove("last_updated_utc");
        let shares = 100_000_000 + random::below(random::named(3, &ticker), 4_000_000_000);
        if let Some(bar) = listing.series(moment.last).latest(moment.last) {
            let dollars = u64::from(bar.close) / 10_u64.pow(listing.decimals);
            fields.insert("market_cap".to_owned(), json!(shares * dollars));
        }
        if let Some((code, words)) = &listing.profile.industry {
            fields.insert("sic_code".to_owned(), json!(code));
            fields.insert("sic_description".to_owned(), json!(words));
        }
        fields.insert("ticker_root".to_owned(), json!(ticker.split('.').next()));
        fields.insert("list_date".to_owned(), json!(listing.profile.list_date));
        fields.insert("share_class_shares_outstanding".to_owned(), json!(shares));
        fields.insert("weighted_shares_outstanding".to_owned(), json!(shares));
        fields.insert("round_lot".to_owned(), json!(100));
    }
    gate::answer(StatusCode::OK, &json!({"results": results, "status": "OK", "request_id": caller.request_id}))
}

/// GET /v3/reference/tickers
pub async fn list(
    State(exchange): State<Arc<Exchange>>,
    RawQuery(query): RawQuery,
    Extension(caller): Extension<Caller>,
    Extension(mischief): Extension<Mischief>,
) -> Response<Body> {
    let asked = Asked::read(query.as_deref());
    let limit = asked.as_ref().and_then(|asked| asked.limit("limit", USUAL_LIMIT, LARGEST_LIMIT));
    let (Some(asked), Some(limit)) = (asked, limit) else {
        return polygon_error(StatusCode::BAD_REQUEST, &caller.request_id, "The cursor or the 'limit' parameter is invalid");
    };
    let moment = exchange.moment();
    let search = asked.get("search").map(str::to_lowercase);
    let mut listings: Vec<&Listing> = exchange
        .market
        .listings
        .iter()
        .filter(|listing| is_listed(listing, moment) && asked.allows("active", "true") && asked.allows("market", "stocks"))
        .filter(|listing| asked.allows("ticker", &listing.profile.symbol))
        .filter(|listing| asked.allows("type", listing.profile.kind) && asked.allows("exchange", listing.profile.exchange))
        .filter(|listing| {
            search.as_ref().is_none_or(|search| {
                listing.profile.symbol.to_lowercase().contains(search) || listing.profile.name.to_lowercase().contains(search)
            })
        })
        .collect();
    if asked.get("order") == Some("desc") {
        listings.reverse();
    }
    let sheet = Sheet { path: "/v3/reference/tickers", limit, is_counted: true };
    page::listed(sheet, listings, &asked, &caller, mischief, |listing| short(listing, moment))
}

/// A company that isn't traded yet at the moment doesn't exist for the vendor.
fn is_listed(listing: &Listing, moment: Moment) -> bool {
    listing.profile.list_date <= moment.last_date
}

fn short(listing: &Listing, moment: Moment) -> Value {
    let profile = &listing.profile;
    let draw = random::named(1, &profile.symbol);
    let figi = |place: u64| format!("BBG{:09X}", random::at(draw, place) & 0xf_ffff_ffff);
    json!({
        "ticker": profile.symbol,
        "name": profile.name,
        "market": "stocks",
        "locale": "us",
        "primary_exchange": profile.exchange,
        "type": profile.kind,
        "active": true,
        "currency_name": "usd",
        "cik": format!("{:010}", random::below(draw, 2_000_000)),
        "composite_figi": figi(0),
        "share_class_figi": figi(1),
        "last_updated_utc": format!("{}T00:00:00Z", moment.last_date),
    })
}
