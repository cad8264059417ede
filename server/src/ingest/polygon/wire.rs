//! Polygon's JSON → our rows. Pure; a row that can't be read is counted and never costs the others.

use chrono::{DateTime, NaiveDate};
use rust_decimal::Decimal;
use serde::Deserialize;
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt::Display};

use crate::{
    calendar,
    ingest::{
        At, Vendor, VendorError, answer,
        bars::Bar,
        land::Oddities,
        number::{Number, PRICE, Text, VOLUME},
    },
};

pub(super) const BARS: At = At { vendor: Vendor::Polygon, endpoint: "bars" };
pub(super) const GROUPED: At = At { vendor: Vendor::Polygon, endpoint: "grouped" };
pub(super) const EXCHANGE: At = At { vendor: Vendor::Polygon, endpoint: "exchange" };
pub(super) const DETAILS: At = At { vendor: Vendor::Polygon, endpoint: "details" };
pub(super) const SPLITS: At = At { vendor: Vendor::Polygon, endpoint: "splits" };
pub(super) const DIVIDENDS: At = At { vendor: Vendor::Polygon, endpoint: "dividends" };

/// One page of rows.
#[derive(Debug)]
pub struct Page<T> {
    pub(super) rows: Vec<T>,
    pub(super) next_url: Option<String>,
    pub(super) oddities: Oddities,
}

impl<T> Page<T> {
    /// Leaves one row of each key, and none of a key that the page contradicts itself about.
    fn agree<K: Ord + Display, V: PartialEq>(&mut self, of: impl Fn(&T) -> (K, V)) {
        self.oddities.agreed(&mut self.rows, of);
    }
}

/// A bar of the grouped day: its symbol, and the New York day of its stamp where it has one.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Grouped {
    pub(super) symbol: String,
    pub(super) stamped_on: Option<NaiveDate>,
    pub(super) bar: Bar,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Split {
    pub(super) symbol: String,
    pub(super) execution_date: NaiveDate,
    pub(super) split_from: Decimal,
    pub(super) split_to: Decimal,
    pub(super) vendor_id: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub struct Dividend {
    pub(super) symbol: String,
    pub(super) ex_dividend_date: NaiveDate,
    pub(super) vendor_id: String,
    pub(super) declaration_date: Option<NaiveDate>,
    pub(super) record_date: Option<NaiveDate>,
    pub(super) pay_date: Option<NaiveDate>,
    pub(super) cash_amount: Decimal,
    pub(super) currency: String,
    pub(super) distribution_type: Option<String>,
    pub(super) frequency: Option<i32>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Details {
    pub(super) symbol: String,
    pub(super) name: String,
    pub(super) primary_exchange: Option<String>,
    pub(super) kind: Option<String>,
    pub(super) currency: String,
    pub(super) sic_code: Option<String>,
    pub(super) sic_description: Option<String>,
    pub(super) list_date: Option<NaiveDate>,
    pub(super) is_active: bool,
}

#[derive(Deserialize)]
struct Envelope<R> {
    #[serde(default)]
    status: Text,
    #[serde(default)]
    error: Text,
    #[serde(default)]
    message: Text,
    #[serde(default)]
    next_url: Text,
    #[serde(default = "Option::default")]
    results: Option<R>,
}

/// Opens the envelope. `ERROR` with status 200 is an error too.
fn open<'a, R: Deserialize<'a>>(at: At, body: &'a [u8]) -> Result<Envelope<R>, VendorError> {
    let envelope: Envelope<R> = answer::json(at, body)?;
    match envelope.status.0.as_deref() {
        Some("ERROR" | "NOT_AUTHORIZED" | "NOT_FOUND") => {
            let message = envelope.message.trimmed().or_else(|| envelope.error.trimmed()).unwrap_or_else(|| "no reason given".into());
            Err(VendorError::Status { at, status: 200, message })
        }
        _ => Ok(envelope),
    }
}

/// Reads each element by itself, so that one bad one doesn't cost the page.
fn page<'a, W: Deserialize<'a>, T>(
    at: At,
    body: &'a [u8],
    mut read: impl FnMut(W) -> Result<T, &'static str>,
) -> Result<Page<T>, VendorError> {
    let envelope: Envelope<Vec<&'a RawValue>> = open(at, body)?;
    let elements = envelope.results.unwrap_or_default();
    let mut page = Page { rows: Vec::with_capacity(elements.len()), next_url: envelope.next_url.trimmed(), oddities: Oddities::default() };
    for (number, element) in elements.into_iter().enumerate() {
        match serde_json::from_str::<W>(element.get()).map_err(|_| "it is no row").and_then(&mut read) {
            Ok(row) => page.rows.push(row),
            Err(why) => page.oddities.add(|| format!("row {number}: {why}")),
        }
    }
    Ok(page)
}

#[derive(Deserialize)]
struct WireBar<'a> {
    #[serde(rename = "T", borrow, default)]
    ticker: Option<Cow<'a, str>>,
    #[serde(default)]
    t: Number,
    #[serde(default)]
    o: Number,
    #[serde(default)]
    h: Number,
    #[serde(default)]
    l: Number,
    #[serde(default)]
    c: Number,
    #[serde(default)]
    v: Number,
    #[serde(default)]
    vw: Number,
    #[serde(default)]
    n: Number,
}

impl WireBar<'_> {
    /// New York's day of the stamp (epoch milliseconds): bars of a range are stamped at midnight, grouped ones at 16:00.
    fn stamped_on(&self) -> Option<NaiveDate> {
        DateTime::from_timestamp_millis(self.t.whole()?).map(calendar::new_york_date)
    }

    fn on(&self, session_date: NaiveDate) -> Bar {
        Bar {
            session_date,
            open: self.o.fit(PRICE),
            high: self.h.fit(PRICE),
            low: self.l.fit(PRICE),
            close: self.c.fit(PRICE),
            volume: self.v.fit(VOLUME),
            vwap: self.vw.fit(PRICE),
            trade_count: self.n.whole(),
        }
    }
}

/// Bars of one ticker, oldest first, one a day.
pub(in crate::ingest) fn bars(body: &[u8]) -> Result<Page<Bar>, VendorError> {
    let mut page = page(BARS, body, |wire: WireBar<'_>| wire.stamped_on().map(|day| wire.on(day)).ok_or("it has no timestamp"))?;
    page.agree(|bar| (bar.session_date, *bar));
    Ok(page)
}

/// Daily rates of a pair of currencies. Their days are UTC's: a bar is stamped at midnight there.
pub(super) fn rates(body: &[u8]) -> Result<Page<(NaiveDate, Decimal)>, VendorError> {
    let mut page = page(EXCHANGE, body, |wire: WireBar<'_>| {
        let stamp = wire.t.whole().and_then(DateTime::from_timestamp_millis).ok_or("it has no timestamp")?;
        let close = wire.c.fit(PRICE).filter(|close| *close > Decimal::ZERO).ok_or("its close is no rate")?;
        Ok((stamp.date_naive(), close))
    })?;
    page.agree(|rate| *rate);
    Ok(page)
}

/// Bars of one session, all symbols for which `is_wanted` holds.
pub(super) fn grouped(body: &[u8], session: NaiveDate, is_wanted: impl Fn(&str) -> bool) -> Result<(Page<Grouped>, usize), VendorError> {
    let mut listed = 0;
    let page = page(GROUPED, body, |wire: WireBar<'_>| {
        listed += 1;
        let symbol = wire.ticker.as_deref().map(str::trim).ok_or("it has no ticker")?;
        Ok(is_wanted(symbol).then(|| Grouped { symbol: symbol.to_owned(), stamped_on: wire.stamped_on(), bar: wire.on(session) }))
    })?;
    let mut rows: Vec<Grouped> = page.rows.into_iter().flatten().collect();
    let mut oddities = page.oddities;
    rows.retain(|row| {
        let fits = row.stamped_on.is_none_or(|day| day == session);
        if !fits {
            oddities.add(|| format!("{} is stamped on another day than {session}", row.symbol));
        }
        fits
    });
    let mut page = Page { rows, next_url: page.next_url, oddities };
    page.agree(|row| (row.symbol.clone(), row.bar));
    Ok((page, listed))
}

#[derive(Deserialize)]
struct WireSplit {
    #[serde(default)]
    id: Text,
    #[serde(default)]
    ticker: Text,
    #[serde(default)]
    execution_date: Text,
    #[serde(default)]
    split_from: Number,
    #[serde(default)]
    split_to: Number,
}

/// Splits, of the new and the old path alike; of a symbol one a day.
pub(super) fn splits(body: &[u8]) -> Result<Page<Split>, VendorError> {
    let mut page = page(SPLITS, body, |wire: WireSplit| {
        let shares = |number: Number| number.fit(PRICE).filter(|shares| *shares > Decimal::ZERO).ok_or("its shares are not positive");
        Ok(Split {
            symbol: wire.ticker.trimmed().ok_or("it has no ticker")?,
            execution_date: wire.execution_date.date().ok_or("it has no execution date")?,
            split_from: shares(wire.split_from)?,
            split_to: shares(wire.split_to)?,
            vendor_id: wire.id.trimmed(),
        })
    })?;
    page.agree(|split| (format!("{} on {}", split.symbol, split.execution_date), (split.split_from, split.split_to)));
    Ok(page)
}

#[derive(Deserialize)]
struct WireDividend {
    #[serde(default)]
    id: Text,
    #[serde(default)]
    ticker: Text,
    #[serde(default)]
    ex_dividend_date: Text,
    #[serde(default)]
    declaration_date: Text,
    #[serde(default)]
    record_date: Text,
    #[serde(default)]
    pay_date: Text,
    #[serde(default)]
    cash_amount: Number,
    #[serde(default)]
    currency: Text,
    /// The new path's name.
    #[serde(default)]
    distribution_type: Text,
    /// The old path's name.
    #[serde(default)]
    dividend_type: Text,
    #[serde(default)]
    frequency: Number,
}

/// Dividends, of the new and the old path alike; of a symbol one a day and id.
pub(super) fn dividends(body: &[u8]) -> Result<Page<Dividend>, VendorError> {
    let mut page = page(DIVIDENDS, body, |wire: WireDividend| {
        let distribution_type = wire.distribution_type.trimmed().or_else(|| wire.dividend_type.trimmed());
        // The mocks of the vendor's own client lack ids: the kind of dividend tells a regular from a special one.
        let vendor_id = wire.id.trimmed().unwrap_or_else(|| format!("unnamed {}", distribution_type.as_deref().unwrap_or("dividend")));
        Ok(Dividend {
            symbol: wire.ticker.trimmed().ok_or("it has no ticker")?,
            ex_dividend_date: wire.ex_dividend_date.date().ok_or("it has no ex-dividend date")?,
            vendor_id,
            declaration_date: wire.declaration_date.date(),
            record_date: wire.record_date.date(),
            pay_date: wire.pay_date.date(),
            cash_amount: wire.cash_amount.fit(PRICE).filter(|cash| *cash > Decimal::ZERO).ok_or("its amount is not positive")?,
            currency: wire.currency.trimmed().unwrap_or_else(|| "USD".into()).to_uppercase(),
            distribution_type,
            frequency: wire.frequency.whole().and_then(|times| times.try_into().ok()),
        })
    })?;
    page.agree(|dividend| {
        let Dividend { symbol, ex_dividend_date, vendor_id, cash_amount, currency, .. } = dividend;
        let told = (*cash_amount, currency.clone(), dividend.declaration_date, dividend.record_date, dividend.pay_date);
        (format!("{symbol} on {ex_dividend_date}, {vendor_id}"), told)
    });
    Ok(page)
}

#[derive(Deserialize)]
struct WireDetails {
    #[serde(default)]
    ticker: Text,
    #[serde(default)]
    name: Text,
    #[serde(default)]
    primary_exchange: Text,
    #[serde(default, rename = "type")]
    kind: Text,
    #[serde(default)]
    active: Option<bool>,
    #[serde(default)]
    currency_name: Text,
    #[serde(default)]
    sic_code: Text,
    #[serde(default)]
    sic_description: Text,
    #[serde(default)]
    list_date: Text,
}

/// What a ticker stands for; none when the answer holds nothing.
pub(super) fn details(body: &[u8]) -> Result<Option<Details>, VendorError> {
    let envelope: Envelope<&RawValue> = open(DETAILS, body)?;
    let Some(element) = envelope.results.filter(|element| element.get() != "null") else { return Ok(None) };
    let wire: WireDetails = answer::json(DETAILS, element.get().as_bytes())?;
    let Some(symbol) = wire.ticker.trimmed() else {
        return Err(VendorError::Malformed { at: DETAILS, reason: "the results have no ticker".into() });
    };
    Ok(Some(Details {
        name: wire.name.trimmed().unwrap_or_else(|| symbol.clone()),
        symbol,
        primary_exchange: wire.primary_exchange.trimmed(),
        kind: wire.kind.trimmed(),
        currency: wire.currency_name.trimmed().unwrap_or_else(|| "USD".into()).to_uppercase(),
        sic_code: wire.sic_code.trimmed(),
        sic_description: wire.sic_description.trimmed(),
        list_date: wire.list_date.date(),
        is_active: wire.active.unwrap_or(true),
    }))
}
