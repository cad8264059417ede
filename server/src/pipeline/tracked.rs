//! What the pipeline follows: the symbols that anybody holds or held, the benchmark, and since when.

use crate::calendar;
use app::domain::{Currency, PortfolioId, Symbol};
use chrono::{Days, NaiveDate};
use sqlx::PgPool;
use std::collections::BTreeSet;

/// Every portfolio is measured against it.
pub(super) const BENCHMARK: &str = "SPY";

/// Days before the first transaction whose prices are fetched too, so that its session has a close before it.
const LEAD_DAYS: u64 = 10;

/// The history that an installation without any transaction begins with, in days.
const EMPTY_HISTORY_DAYS: u64 = 365;

/// What is followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tracked {
    pub(super) symbols: BTreeSet<Symbol>,
    /// The first day whose prices matter.
    pub(super) first_day: NaiveDate,
}

/// Looks it up, as of `session`. A symbol that no vendor of prices could know (an option, a typing error) is left out, and logged.
pub(super) async fn tracked(pool: &PgPool, session: NaiveDate) -> Result<Tracked, sqlx::Error> {
    let texts = sqlx::query_scalar!(
        r#"select symbol as "symbol!" from raw.broker_activity where symbol is not null
           union select symbol from raw.broker_position
           union select symbol from book.transaction where symbol is not null
           union select counter_symbol from book.transaction where counter_symbol is not null
           union select symbol from book.opening_proposal where symbol <> '' and state <> 'dismissed'"#
    )
    .fetch_all(pool)
    .await?;
    let first = sqlx::query_scalar!(
        "select least((select min(activity_date) from raw.broker_activity), (select min(traded_on) from book.transaction),
                      (select min(session_date) from raw.broker_position_fetch))"
    )
    .fetch_one(pool)
    .await?;
    let mut symbols: BTreeSet<Symbol> = Symbol::parse(BENCHMARK).into_iter().collect();
    for text in texts {
        match Symbol::parse(&text) {
            Ok(symbol) => _ = symbols.insert(symbol),
            Err(error) => tracing::warn!(%error, "a symbol is left out of the prices"),
        }
    }
    Ok(Tracked { symbols, first_day: first_day(first, session) })
}

fn first_day(first: Option<NaiveDate>, session: NaiveDate) -> NaiveDate {
    // A transaction dated after the session is priced by a later run.
    let first = first.unwrap_or(session - Days::new(EMPTY_HISTORY_DAYS)).min(session) - Days::new(LEAD_DAYS);
    first.max(calendar::FIRST_DAY)
}

/// The currencies but the dollar whose rates somebody's numbers need: of portfolios, transactions, brokers, securities and dividends.
pub(super) async fn currencies(pool: &PgPool) -> Result<BTreeSet<Currency>, sqlx::Error> {
    let codes = sqlx::query_scalar!(
        r#"select distinct base_currency as "currency!" from book.portfolio
           union select distinct currency from book.transaction
           union select distinct currency from raw.broker_account
           union select distinct currency from raw.instrument
           union select distinct currency from raw.dividend"#
    )
    .fetch_all(pool)
    .await?;
    let known = codes.iter().filter_map(|code| Currency::parse(code).ok()).map(Currency::major);
    Ok(known.filter(|currency| *currency != Currency::USD).collect())
}

/// Does an edit of this portfolio need prices or rates that were never asked for?
pub(super) async fn lacks_history(pool: &PgPool, portfolio: PortfolioId) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select exists (
               select from book.transaction, unnest(array[symbol, counter_symbol]) as asked (symbol)
               where portfolio_id = $1 and asked.symbol is not null and not is_deleted and not exists (
                   select from ops.coverage where kind = 'bars' and subject = asked.symbol and from_date <= traded_on))
               or exists (
               select from book.transaction
               join book.portfolio using (portfolio_id),
               unnest(array[currency, base_currency]) as asked (code),
               lateral (select case code when 'GBX' then 'GBP' when 'ZAC' then 'ZAR' when 'ILA' then 'ILS' else code end as major) as asked_for
               where portfolio_id = $1 and not is_deleted and major <> 'USD' and not exists (
                   select from ops.coverage where kind = 'exchange_rates' and subject = major and from_date <= traded_on)) as "lacks!""#,
        portfolio.get()
    )
    .fetch_one(pool)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_begins_before_the_first_transaction() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let session = day("2026-11-20");
        assert_eq!(first_day(Some(day("2021-11-22")), session), day("2021-11-12"));
        assert_eq!(first_day(None, session), day("2025-11-10"));
        assert_eq!(first_day(Some(day("2030-01-01")), session), day("2026-11-10"));
        assert_eq!(first_day(Some(day("1987-10-19")), session), day("2000-01-01"), "before the calendar nothing can be checked");
    }
}
