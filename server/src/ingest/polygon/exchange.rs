//! Exchange rates: daily bars of a pair of currencies, such as `C:EURUSD`. They go into a table of their own: days and holidays of
//! currencies aren't the exchange's, and no check of shares makes sense of them.

use app::domain::Currency;
use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::PgConnection;

use super::{
    address,
    wire::{self, EXCHANGE},
};
use crate::{
    ingest::{
        Connection, Http, Vendor,
        http::Caller,
        land::{self, Change},
        pages::{self, Pages},
    },
    orchestrator::{TaskContext, TaskError},
};

/// Everything that we ask for fits into one page.
const BARS_PER_PAGE: &str = "50000";

/// Those of which the market says what one costs in dollars; of others it says what one dollar costs.
const BEFORE_THE_DOLLAR: [&str; 4] = ["EUR", "GBP", "AUD", "NZD"];

/// A currency and the dollar, in the market's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pair {
    pub(super) currency: Currency,
    pub(super) quote: Currency,
}

impl Pair {
    pub(super) fn with_dollar(currency: Currency) -> Self {
        if BEFORE_THE_DOLLAR.contains(&currency.as_str()) {
            Self { currency, quote: Currency::USD }
        } else {
            Self { currency: Currency::USD, quote: currency }
        }
    }

    fn ticker(self) -> String {
        format!("C:{}{}", self.currency, self.quote)
    }
}

/// Lands a currency's rates to the dollar of `from ..= to`; returns how many are new or corrected.
///
/// # Errors
/// As [`super::land_bars`].
pub async fn land_rates(
    ctx: &TaskContext,
    http: &Http,
    connection: &Connection,
    currency: Currency,
    (from, to): (NaiveDate, NaiveDate),
) -> Result<u64, TaskError> {
    let (caller, pair) = (Caller::from(ctx), Pair::with_dollar(currency));
    let path = ["v2", "aggs", "ticker", &pair.ticker(), "range", "1", "day", &from.to_string(), &to.to_string()];
    let mut url = address(EXCHANGE, connection, &path, &[("adjusted", "false"), ("sort", "asc"), ("limit", BARS_PER_PAGE)])?;
    let (mut walk, mut written) = (Pages::new(EXCHANGE), 0);
    loop {
        let (answer, page) = http.ask(caller, connection, EXCHANGE, &url, wire::rates).await?;
        let mut step = ctx.begin().await?;
        let response_id = land::keep(&mut step, caller, &answer).await?;
        page.oddities.report(caller, EXCHANGE, response_id);
        // A day of UTC that isn't over has no close yet, and would be another rate tomorrow.
        let today = chrono::Utc::now().date_naive();
        let rows: Vec<_> = page.rows.into_iter().filter(|(day, _)| (from..=to).contains(day) && *day < today).collect();
        let news = write(&mut step, pair, &rows, response_id).await?;
        if let Some(earliest) = news.iter().min() {
            let change = Change { kind: "exchange_rate", portfolio_id: 0, symbol: Some(currency.as_str()), from_date: Some(*earliest) };
            land::note(&mut step, caller, change).await?;
        }
        ctx.commit(step, &ctx.checkpoint, news.len() as u64).await?;
        written += news.len() as u64;
        let Some(next) = page.next_url else { return Ok(written) };
        url = pages::next_url(EXCHANGE, &connection.base_url, &next)?;
        walk.step_to(url.as_str())?;
    }
}

/// Writes rates that are new or corrected; returns their days.
async fn write(
    step: &mut PgConnection,
    pair: Pair,
    rows: &[(NaiveDate, Decimal)],
    response_id: i64,
) -> Result<Vec<NaiveDate>, sqlx::Error> {
    sqlx::query_scalar!(
        "insert into raw.exchange_rate (currency, quote, quoted_on, close, vendor, response_id)
         select $1, $2, answer.quoted_on, answer.close, $3, $4
         from (select distinct on (quoted_on) * from unnest($5::date[], $6::numeric[]) with ordinality as answer (quoted_on, close, number)
               order by quoted_on, number desc) as answer
         left join lateral (
             select close from raw.exchange_rate as known
             where known.currency = $1 and known.quote = $2 and known.quoted_on = answer.quoted_on order by response_id desc limit 1) as known on true
         where known.close is distinct from answer.close::numeric(28, 10)
         returning quoted_on",
        pair.currency.as_str(),
        pair.quote.as_str(),
        Vendor::Polygon.as_str(),
        response_id,
        &rows.iter().map(|(day, _)| *day).collect::<Vec<_>>(),
        &rows.iter().map(|(_, close)| *close).collect::<Vec<_>>(),
    )
    .fetch_all(step)
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_in_the_markets_order() {
        let ticker = |code| Pair::with_dollar(Currency::parse(code).unwrap()).ticker();
        assert_eq!((ticker("EUR"), ticker("JPY"), ticker("GBP")), ("C:EURUSD".into(), "C:USDJPY".into(), "C:GBPUSD".into()));
    }
}
