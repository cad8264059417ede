//! What was held on a session and which close it was valued at, with the version of the bar: as it stands now, or as it was published.

use crate::{
    calendar,
    store::{Result, Store, published::AsOf},
};
use app::{
    analytics::ledger::after_split,
    domain::{PortfolioId, Symbol},
};
use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// Whose returns stand beside the portfolios'.
pub(super) const BENCHMARK: &str = "SPY";
/// Calendar days within which the last close nearly always lies.
const RECENT: Days = Days::new(14);

/// A quantity that was held at a session's close, all accounts together.
pub(super) struct HeldThen {
    pub symbol: String,
    pub quantity: Decimal,
    /// Of its prices; `None`: the portfolio's.
    pub currency: Option<String>,
}

/// The close that a session was valued at.
#[derive(Debug, Clone)]
pub(super) struct PriceUsed {
    /// As it was traded on its day.
    pub traded: Decimal,
    /// In shares of the session: splits since its day are in.
    pub close: Decimal,
    /// Earlier than the session where it was carried.
    pub priced_on: NaiveDate,
    /// Old and new shares of the splits since then.
    pub splits: Vec<(Decimal, Decimal)>,
    /// The version of the bar; 0: a person entered it.
    pub response_id: i64,
}

impl Store {
    /// Has the portfolio ever held it, or is everybody compared with it?
    pub(super) async fn may_see(&self, portfolio: PortfolioId, symbol: &Symbol) -> Result<bool> {
        if symbol.as_str() == BENCHMARK {
            return Ok(true);
        }
        Ok(sqlx::query_scalar!(
            r#"select exists (select from ops.published_position where portfolio_id = $1 and symbol = $2) as "is!""#,
            portfolio.get(),
            symbol.as_str(),
        )
        .fetch_one(&self.pool)
        .await?)
    }

    pub(super) async fn held_on(&self, portfolio: PortfolioId, as_of: AsOf, session: NaiveDate) -> Result<Vec<HeldThen>> {
        Ok(match as_of {
            AsOf::Now => {
                sqlx::query_as!(
                    HeldThen,
                    r#"select symbol, sum(quantity) as "quantity!", max(currency) as currency from ledger.position
                       where portfolio_id = $1 and from_date <= $2 and coalesce(to_date >= $2, true)
                       group by symbol having sum(quantity) <> 0 order by symbol"#,
                    portfolio.get(),
                    session,
                )
                .fetch_all(&self.pool)
                .await?
            }
            AsOf::Publication(publication) => {
                sqlx::query_as!(
                    HeldThen,
                    r#"select symbol as "symbol!", sum(quantity) as "quantity!", max(currency) as currency
                       from (select distinct on (account_id, symbol, from_date) * from ops.published_position
                             where portfolio_id = $1 and publication_id <= $3
                             order by account_id, symbol, from_date, publication_id desc) as latest
                       where not is_gone and from_date <= $2 and coalesce(to_date >= $2, true)
                       group by symbol having sum(quantity) <> 0 order by symbol"#,
                    portfolio.get(),
                    session,
                    publication,
                )
                .fetch_all(&self.pool)
                .await?
            }
        })
    }

    /// The last closes of these symbols up to a session.
    pub(super) async fn prices_used(&self, symbols: &[String], as_of: AsOf, session: NaiveDate) -> Result<BTreeMap<String, PriceUsed>> {
        let mut bars = self.last_bars(symbols, as_of, session, session.checked_sub_days(RECENT).unwrap_or(calendar::FIRST_DAY)).await?;
        let missing: Vec<String> = symbols.iter().filter(|symbol| !bars.iter().any(|bar| bar.symbol == **symbol)).cloned().collect();
        if !missing.is_empty() {
            bars.extend(self.last_bars(&missing, as_of, session, calendar::FIRST_DAY).await?);
        }
        let first = bars.iter().map(|bar| bar.session_date).min().unwrap_or(session);
        let splits = self.splits_between(symbols, as_of, first, session).await?;
        let used = bars.into_iter().map(|bar| {
            let since: Vec<(Decimal, Decimal)> = splits
                .iter()
                .filter(|split| split.symbol == bar.symbol && split.execution_date > bar.session_date)
                .map(|split| (split.split_from.normalize(), split.split_to.normalize()))
                .collect();
            let traded = bar.close.normalize();
            let close = since.iter().fold(traded, |close, (from, to)| after_split(close, *from, *to).unwrap_or(close));
            (bar.symbol, PriceUsed { traded, close, priced_on: bar.session_date, splits: since, response_id: bar.response_id })
        });
        Ok(used.collect())
    }

    /// The latest bar of each between two days. Where a publication kept none of that day, the version that was read at the time.
    async fn last_bars(&self, symbols: &[String], as_of: AsOf, session: NaiveDate, from: NaiveDate) -> Result<Vec<Bar>> {
        let (from, until) = (calendar::midnight(from), calendar::midnight(session));
        Ok(match as_of {
            AsOf::Now => {
                sqlx::query_as!(
                    Bar,
                    r#"select distinct on (symbol) symbol, session_date, close, response_id from staging.prices
                       where symbol = any($1) and "timestamp" between $2 and $3 order by symbol, session_date desc"#,
                    symbols,
                    from,
                    until,
                )
                .fetch_all(&self.pool)
                .await?
            }
            AsOf::Publication(publication) => {
                sqlx::query_as!(
                    Bar,
                    r#"with kept as (
                           select distinct on (symbol, session_date) symbol, session_date, close, response_id, priced_on
                           from ops.published_price
                           where symbol = any($1) and session_date <= $5 and publication_id <= $4
                             and session_date >= ($2::timestamptz at time zone 'America/New_York')::date
                           order by symbol, session_date desc, publication_id desc
                       ), answered as (
                           select bar.symbol, bar.session_date, bar.close, bar.response_id
                           from raw.market_data as bar
                           where bar.symbol = any($1) and bar."timestamp" between $2 and $3 and bar.close > 0
                             and bar.response_id <= (select response_id from ops.publication where publication_id = $4)
                             and not exists (select from kept where kept.symbol = bar.symbol and kept.session_date = bar.session_date)
                             and (bar.symbol, bar.session_date, bar.response_id) not in (
                                 select symbol, session_date, response_id from ops.quarantine
                                 where dataset = 'bars' and (released_at is null or discarded_at is not null))
                       )
                       select distinct on (symbol) symbol as "symbol!", session_date as "session_date!", close as "close!", response_id as "response_id!"
                       from (select symbol, session_date, close, response_id from kept
                             where priced_on = session_date and close is not null and response_id is not null
                             union all select * from answered) as each
                       order by symbol, session_date desc, response_id desc"#,
                    symbols,
                    from,
                    until,
                    publication,
                    session,
                )
                .fetch_all(&self.pool)
                .await?
            }
        })
    }
}

struct Bar {
    symbol: String,
    session_date: NaiveDate,
    close: Decimal,
    response_id: i64,
}
