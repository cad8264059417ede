//! Reads what the checks of books need.

use super::{
    books::Books,
    entries::{Entry, Report, Splits},
    sessions::BENCHMARK,
    verdict::Split,
};
use chrono::NaiveDate;
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};

/// Symbols that anybody holds or held, and the benchmark.
pub async fn symbols(connection: &mut PgConnection) -> Result<Vec<String>, sqlx::Error> {
    let held = sqlx::query_scalar!(
        r#"select trim(symbol) as "symbol!" from raw.broker_activity where symbol is not null
           union select symbol from raw.broker_position
           union select trim(symbol) from book.transaction where symbol is not null
           union select counter_symbol from book.transaction where counter_symbol is not null"#
    )
    .fetch_all(connection)
    .await?;
    let symbols: BTreeSet<String> = held.into_iter().chain([BENCHMARK.to_owned()]).filter(|symbol| !symbol.is_empty()).collect();
    Ok(symbols.into_iter().collect())
}

/// The last session with bars: the benchmark's, which its index finds at once, or anybody's.
pub async fn last_session(connection: &mut PgConnection) -> Result<Option<NaiveDate>, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select coalesce(
               (select session_date from raw.market_data where symbol = $1 order by "timestamp" desc limit 1),
               (select max(session_date) from raw.market_data))"#,
        BENCHMARK
    )
    .fetch_one(connection)
    .await
}

/// Everything on file of all portfolios; `run_id` is the run whose own earlier results don't count.
pub async fn books(connection: &mut PgConnection, run_id: i64) -> Result<Books, sqlx::Error> {
    let currencies = sqlx::query!("select portfolio_id, base_currency from book.portfolio").fetch_all(&mut *connection).await?;
    let undecided = sqlx::query!("select distinct portfolio_id, account_id from book.opening_proposal where state = 'proposed'")
        .fetch_all(&mut *connection)
        .await?;
    Ok(Books {
        entries: entries(connection).await?,
        reports: reports(connection).await?,
        splits: splits(connection).await?,
        rates_since: rates_since(connection).await?,
        currencies: currencies.into_iter().map(|row| (row.portfolio_id, row.base_currency)).collect(),
        undecided: undecided.into_iter().map(|row| (row.portfolio_id, row.account_id)).collect(),
        known_since: known_since(connection, run_id).await?,
    })
}

async fn entries(connection: &mut PgConnection) -> Result<Vec<Entry>, sqlx::Error> {
    sqlx::query_file!("src/quality/entries.sql")
        .map(|row| Entry {
            portfolio_id: row.portfolio_id,
            account_id: row.account_id,
            key: row.key,
            source: row.source,
            named: row.named,
            kind: row.r#type,
            on: row.happened_on,
            symbol: row.symbol,
            shares: row.shares,
            price: row.price,
            cash: row.cash.unwrap_or_default(),
            currency: row.currency,
            fill: row.fill,
            ratio: row.ratio,
            counter_symbol: row.counter_symbol,
            is_rounded: row.is_rounded,
        })
        .fetch_all(connection)
        .await
}

/// The first day with a rate to the dollar, by currency.
async fn rates_since(connection: &mut PgConnection) -> Result<BTreeMap<String, NaiveDate>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select case when quote = 'USD' then currency else quote end as "currency!", min(quoted_on) as "since!"
           from raw.exchange_rate where close > 0 and (currency = 'USD' or quote = 'USD') group by 1"#
    );
    Ok(rows.fetch_all(connection).await?.into_iter().map(|row| (row.currency, row.since)).collect())
}

pub async fn splits(connection: &mut PgConnection) -> Result<Splits, sqlx::Error> {
    let rows = sqlx::query!(
        "select distinct on (symbol, execution_date) symbol, execution_date, split_from, split_to
         from raw.split
         where not exists (
             select from ops.quarantine
             where dataset = 'splits' and quarantine.symbol = split.symbol and quarantine.session_date = split.execution_date
               and quarantine.response_id = split.response_id and released_at is null)
         order by symbol, execution_date, response_id desc"
    )
    .fetch_all(connection)
    .await?;
    let mut splits = Splits::new();
    for row in rows {
        let split = Split { symbol: row.symbol.clone(), execution_date: row.execution_date, from: row.split_from, to: row.split_to };
        splits.entry(row.symbol).or_default().push(split);
    }
    Ok(splits)
}

/// The latest report of each account whose connection wasn't taken away.
async fn reports(connection: &mut PgConnection) -> Result<Vec<Report>, sqlx::Error> {
    let accounts = sqlx::query!(
        r#"select distinct on (portfolio_id, account_id) portfolio_id, account_id, cash, currency, session_date,
                  (fetched_at at time zone 'America/New_York')::date as "asked_on!"
           from raw.broker_account
           where not exists (
               select from book.account join book.connection using (connection_id)
               where account.portfolio_id = broker_account.portfolio_id and account.account_id = broker_account.account_id
                 and connection.disabled_at is not null)
           order by portfolio_id, account_id, response_id desc"#
    )
    .fetch_all(&mut *connection)
    .await?;
    let held = sqlx::query!(
        r#"with latest as (
               select portfolio_id, account_id, max(response_id) as response_id from raw.broker_position_fetch group by portfolio_id, account_id)
           select latest.portfolio_id as "portfolio_id!", latest.account_id as "account_id!", position.symbol as "symbol?", position.quantity as "quantity?"
           from latest left join raw.broker_position as position using (portfolio_id, account_id, response_id)"#
    )
    .fetch_all(connection)
    .await?;
    let mut positions: BTreeMap<(i64, i64), BTreeMap<String, _>> = BTreeMap::new();
    for row in held {
        let of_account = positions.entry((row.portfolio_id, row.account_id)).or_default();
        of_account.extend(row.symbol.zip(row.quantity));
    }
    let report = |(portfolio_id, account_id), session_date, asked_on, cash, currency| {
        let positions = positions.get(&(portfolio_id, account_id)).cloned();
        Report { portfolio_id, account_id, session_date, asked_on, cash, currency, positions }
    };
    let each = accounts.into_iter();
    Ok(each.map(|row| report((row.portfolio_id, row.account_id), row.session_date, row.asked_on, row.cash, row.currency)).collect())
}

/// Since when the differences of the last run before this one are known.
async fn known_since(connection: &mut PgConnection, run_id: i64) -> Result<BTreeMap<(String, i64, i64, String), NaiveDate>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"select check_name, portfolio_id, (sample ->> 'account')::bigint as "account!", sample ->> 'symbol' as "symbol!",
                  (sample ->> 'since')::date as "since!"
           from ops.check_result, jsonb_array_elements(samples) as sample
           where run_id = (select max(run_id) from ops.check_result where run_id < $1 and check_name in ('positions_reconcile', 'cash_reconciles'))
             and dimension = 'consistency' and sample ? 'since' and sample ? 'account' and sample ? 'symbol'"#,
        run_id
    )
    .fetch_all(connection)
    .await?;
    Ok(rows.into_iter().map(|row| ((row.check_name, row.portfolio_id, row.account, row.symbol), row.since)).collect())
}
