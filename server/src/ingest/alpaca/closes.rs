//! Closes of a second vendor, to hold beside the first one's: never used as prices.

use app::domain::Symbol;
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::Deserialize;
use std::collections::BTreeMap;
use url::Url;

use super::address_at;
use crate::{
    calendar,
    ingest::{
        At, Connection, Http, Vendor, VendorError, answer,
        http::Caller,
        land::{self, Oddities},
        number::{Number, PRICE, Text},
        pages::Pages,
    },
    orchestrator::{TaskContext, TaskError},
};

const BARS: At = At { vendor: Vendor::Alpaca, endpoint: "bars" };
/// An address of a hundred symbols is well below what servers take.
const SYMBOLS_AT_A_TIME: usize = 100;
/// The largest page.
const LIMIT: &str = "10000";

/// A symbol's close of a session.
type Close = (String, NaiveDate, Decimal);

#[derive(Deserialize)]
struct WirePage {
    /// Symbols without a bar are absent.
    #[serde(default)]
    bars: Option<BTreeMap<String, Vec<WireBar>>>,
    #[serde(default)]
    next_page_token: Text,
}

#[derive(Deserialize)]
struct WireBar {
    /// 00:00 in New York of the session, in UTC.
    t: DateTime<Utc>,
    #[serde(default)]
    c: Number,
}

/// One page: closes that fit, one a session, the next page's token, and what is odd.
fn page(body: &[u8]) -> Result<(Vec<Close>, Option<String>, Oddities), VendorError> {
    let wire: WirePage = answer::json(BARS, body)?;
    let closes = wire.bars.unwrap_or_default().into_iter().flat_map(|(symbol, bars)| {
        bars.into_iter().filter_map(move |bar| {
            let close = bar.c.fit(PRICE).filter(|close| *close > Decimal::ZERO)?;
            Some((symbol.clone(), calendar::new_york_date(bar.t), close))
        })
    });
    let (mut closes, mut oddities): (Vec<Close>, _) = (closes.collect(), Oddities::default());
    oddities.agreed(&mut closes, |(symbol, day, close)| (format!("{symbol} on {day}"), *close));
    Ok((closes, wire.next_page_token.trimmed(), oddities))
}

/// Lands the raw closes of `from ..= to` of these symbols; a version that says what the last one said isn't kept again. Where the
/// connection has no market data, nothing is asked.
///
/// # Errors
/// [`VendorError`] by its class; [`TaskError::Fenced`]; what Postgres says.
pub async fn land_closes(
    ctx: &TaskContext,
    http: &Http,
    connection: &Connection,
    symbols: &[Symbol],
    (from, to): (NaiveDate, NaiveDate),
) -> Result<u64, TaskError> {
    let Some(data) = &connection.data_url else { return Ok(0) };
    let mut rows = 0;
    for some in symbols.chunks(SYMBOLS_AT_A_TIME) {
        let names = some.iter().map(Symbol::as_str).collect::<Vec<_>>().join(",");
        let (from, to) = (from.to_string(), to.to_string());
        let query =
            [("symbols", names.as_str()), ("timeframe", "1Day"), ("start", &from), ("end", &to), ("adjustment", "raw"), ("limit", LIMIT)];
        let first = address_at(BARS, data, &["stocks", "bars"], &query)?;
        let mut pages = Pages::new(BARS);
        let mut url = first.clone();
        loop {
            let (landed, next) = land_page(ctx, http, connection, &url).await?;
            rows += landed;
            let Some(token) = next else { break };
            pages.step_to(&token)?;
            url = first.clone();
            url.query_pairs_mut().append_pair("page_token", &token);
        }
    }
    Ok(rows)
}

async fn land_page(ctx: &TaskContext, http: &Http, connection: &Connection, url: &Url) -> Result<(u64, Option<String>), TaskError> {
    let caller = Caller::from(ctx);
    let (answer, (closes, next, oddities)) = http.ask(caller, connection, BARS, url, page).await?;
    let mut step = ctx.begin().await?;
    let response_id = land::keep(&mut step, caller, &answer).await?;
    oddities.report(caller, BARS, response_id);
    let rows = sqlx::query!(
        "insert into raw.reference_close (symbol, session_date, close, vendor, response_id)
         select new.symbol, new.session_date, new.close, $1, $2
         from unnest($3::text[], $4::date[], $5::numeric[]) as new (symbol, session_date, close)
         left join lateral (
             select close from raw.reference_close as known
             where known.symbol = new.symbol and known.session_date = new.session_date and known.vendor = $1
             order by response_id desc limit 1) as known on true
         where known.close is distinct from new.close::numeric(28, 10)",
        Vendor::Alpaca.as_str(),
        response_id,
        &closes.iter().map(|(symbol, _, _)| symbol.clone()).collect::<Vec<_>>(),
        &closes.iter().map(|(_, day, _)| *day).collect::<Vec<_>>(),
        &closes.iter().map(|(_, _, close)| *close).collect::<Vec<_>>(),
    )
    .execute(&mut *step)
    .await?
    .rows_affected();
    ctx.commit(step, &ctx.checkpoint, rows).await?;
    Ok((rows, next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_vendor_documents() {
        let body = br#"{"bars":{"META":[{"t":"2022-06-08T04:00:00Z","o":194.67,"h":202.03,"l":194.41,"c":196.64,"v":22211813,"n":246906,"vw":198.364578},
                                        {"t":"2022-01-10T05:00:00Z","c":328.07}],"ODD":[{"t":"2022-06-08T04:00:00Z","c":-1},{"t":"2022-06-08T04:00:00Z"}]},
                        "next_page_token":"TUVUQXxE"}"#;
        let (closes, next, _) = page(body).unwrap();
        let close = |day: &str, text: &str| ("META".to_owned(), day.parse().unwrap(), text.parse().unwrap());
        assert_eq!(closes, [close("2022-01-10", "328.07"), close("2022-06-08", "196.64")]);
        assert_eq!(next.as_deref(), Some("TUVUQXxE"));
        assert_eq!(page(br#"{"bars":{},"next_page_token":null}"#).unwrap(), (vec![], None, Oddities::default()));
        assert_eq!(page(br#"{"bars":null}"#).unwrap(), (vec![], None, Oddities::default()));
        let twice = br#"{"bars":{"META":[{"t":"2022-06-08T04:00:00Z","c":1},{"t":"2022-06-08T04:00:00Z","c":2},{"t":"2022-06-09T04:00:00Z","c":2}]}}"#;
        let (closes, _, oddities) = page(twice).unwrap();
        assert_eq!((closes, oddities.count()), (vec![close("2022-06-09", "2")], 1));
        assert!(page(br#"{"bars":{"META":[{"t":"yesterday"}]}}"#).is_err() && page(b"<html>").is_err());
    }
}
