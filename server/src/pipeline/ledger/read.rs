//! What staging holds of one portfolio, in the ledger's types.

use crate::calendar;
use app::{
    analytics::ledger::{AccountRules, CostBasis, Dividend, Finding, Kind, Rates, SAME_SPLIT_DAYS, Split, State, Transaction},
    domain::{AccountId, Currency, PortfolioId, Symbol},
};
use chrono::{Days, NaiveDate};
use serde::{Deserialize, de::IntoDeserializer};
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};

/// The currency of prices whose symbol has no details: the vendor's.
const OF_PRICES: Currency = Currency::USD;
/// ISO's code of no currency: nothing has a rate to it.
const UNKNOWN: &str = "XXX";

/// Accounts, transactions and events of one portfolio.
#[derive(Debug)]
pub struct Books {
    pub accounts: BTreeMap<AccountId, AccountRules>,
    pub transactions: Vec<Transaction>,
    /// The symbols of these, of unreadable ones too.
    pub traded: BTreeSet<String>,
    pub splits: Vec<Split>,
    pub dividends: Vec<Dividend>,
    pub base: Currency,
    pub currencies: BTreeMap<Symbol, Currency>,
    pub rates: Rates,
    /// What can't even be handed to the ledger.
    pub findings: Vec<Finding>,
}

/// Reads what happened after the state's last session (from scratch: ever) up to `through`.
///
/// # Errors
/// What Postgres says.
pub async fn books(connection: &mut PgConnection, portfolio: PortfolioId, state: &State, through: NaiveDate) -> Result<Books, sqlx::Error> {
    let mut books = Books {
        accounts: accounts(connection, portfolio).await?,
        transactions: Vec::new(),
        traded: BTreeSet::new(),
        splits: Vec::new(),
        dividends: Vec::new(),
        base: base(connection, portfolio).await?,
        currencies: BTreeMap::new(),
        rates: Rates::new(),
        findings: Vec::new(),
    };
    let after = state.session_date.unwrap_or(NaiveDate::MIN);
    let rows = sqlx::query!(
        "select account_id, key, traded_on, type, symbol, quantity, price, amount, fee, tax, currency, ratio, counter_symbol, cost_share, lot_id,
                opened_on
         from staging.transactions
         where portfolio_id = $1 and ($2::date is null or traded_on > $2) and traded_on <= $3 order by traded_on, account_id, key",
        portfolio.get(),
        state.session_date,
        through,
    )
    .fetch_all(&mut *connection)
    .await?;
    for row in rows {
        books.traded.extend(row.symbol.iter().chain(&row.counter_symbol).cloned());
        let kind = Kind::deserialize(IntoDeserializer::<serde::de::value::Error>::into_deserializer(row.r#type.as_str()));
        let symbol = |text: &Option<String>| text.as_deref().map(Symbol::parse).transpose();
        let read = (|| Ok((kind?, symbol(&row.symbol)?, symbol(&row.counter_symbol)?, Currency::parse(&row.currency)?)))();
        match read.map_err(|error: Box<dyn std::error::Error>| error.to_string()) {
            Ok((kind, symbol, counter_symbol, currency)) => books.transactions.push(Transaction {
                key: row.key,
                symbol,
                quantity: row.quantity.normalize(),
                price: row.price.normalize(),
                amount: row.amount.normalize(),
                fee: row.fee.normalize(),
                tax: row.tax.normalize(),
                ratio: row.ratio.map(|ratio| ratio.normalize()),
                counter_symbol,
                cost_share: row.cost_share.map(|share| share.normalize()),
                lot_id: row.lot_id,
                opened_on: row.opened_on,
                ..Transaction::blank(kind, AccountId(row.account_id), row.traded_on, currency)
            }),
            Err(message) => books.findings.push(Finding {
                session_date: calendar::session_on_or_after(row.traded_on),
                account: Some(AccountId(row.account_id)),
                symbol: None,
                key: Some(row.key),
                code: "unreadable".into(),
                message,
            }),
        }
    }
    let symbols: Vec<String> = held_or_traded(state, &books.transactions).into_iter().map(String::from).collect();
    books.currencies = currencies(connection, &symbols).await?;
    let rows = sqlx::query!(
        "select symbol, execution_date, split_from, split_to from staging.splits
         where symbol = any($1) and execution_date <= $2 order by symbol, execution_date",
        &symbols,
        // One that is listed already and in force later may be one that was entered too early.
        through.checked_add_days(Days::new(SAME_SPLIT_DAYS.unsigned_abs())).unwrap_or(through),
    );
    for row in rows.fetch_all(&mut *connection).await? {
        let Ok(symbol) = Symbol::parse(&row.symbol) else { continue };
        books.splits.push(Split {
            symbol,
            execution_date: row.execution_date,
            from: row.split_from.normalize(),
            to: row.split_to.normalize(),
        });
    }
    let rows = sqlx::query!(
        "select symbol, ex_dividend_date, pay_date, cash_amount, currency from staging.dividends
         where symbol = any($1) and ex_dividend_date > $2 and ex_dividend_date <= $3 order by symbol, ex_dividend_date, vendor_id",
        &symbols,
        after.max(NaiveDate::from_ymd_opt(1900, 1, 1).unwrap_or_default()),
        through,
    );
    for row in rows.fetch_all(&mut *connection).await? {
        let Ok(symbol) = Symbol::parse(&row.symbol) else { continue };
        books.dividends.push(Dividend {
            symbol,
            ex_date: row.ex_dividend_date,
            pay_date: row.pay_date,
            cash_amount: row.cash_amount.normalize(),
            currency: Currency::parse(&row.currency).ok(),
        });
    }
    Ok(books)
}

async fn accounts(connection: &mut PgConnection, portfolio: PortfolioId) -> Result<BTreeMap<AccountId, AccountRules>, sqlx::Error> {
    let rows = sqlx::query!("select account_id, cost_basis, allows_short from book.account where portfolio_id = $1", portfolio.get());
    // The names in the database are those of the ledger.
    let basis =
        |name: &str| CostBasis::deserialize(IntoDeserializer::<serde::de::value::Error>::into_deserializer(name)).unwrap_or_default();
    let rules = |name: &str, allows_short| AccountRules { cost_basis: basis(name), allows_short, sells_short: allows_short };
    Ok(rows
        .fetch_all(connection)
        .await?
        .into_iter()
        .map(|row| (AccountId(row.account_id), rules(&row.cost_basis, row.allows_short)))
        .collect())
}

async fn base(connection: &mut PgConnection, portfolio: PortfolioId) -> Result<Currency, sqlx::Error> {
    let base = sqlx::query_scalar!("select base_currency from book.portfolio where portfolio_id = $1", portfolio.get());
    // A portfolio that is gone has nothing to book either.
    Ok(base.fetch_optional(connection).await?.and_then(|base| Currency::parse(&base).ok()).unwrap_or(Currency::USD))
}

/// In which currency each symbol is priced: as its details say, else in that of the vendor of prices. Never in the portfolio's just because
/// nobody knows.
async fn currencies(connection: &mut PgConnection, symbols: &[String]) -> Result<BTreeMap<Symbol, Currency>, sqlx::Error> {
    let rows = sqlx::query!("select symbol, currency from staging.instruments where symbol = any($1)", symbols);
    let known: BTreeMap<String, String> = rows.fetch_all(connection).await?.into_iter().map(|row| (row.symbol, row.currency)).collect();
    let priced = |symbol: &String| {
        let currency = known.get(symbol).map_or(Ok(OF_PRICES), |text| Currency::parse(text)).or(Currency::parse(UNKNOWN));
        Some((Symbol::parse(symbol).ok()?, currency.ok()?))
    };
    Ok(symbols.iter().filter_map(priced).collect())
}

pub(super) fn held_or_traded(state: &State, transactions: &[Transaction]) -> BTreeSet<Symbol> {
    let held = state.lots.iter().map(|lot| &lot.symbol).chain(state.receivables.iter().map(|owed| &owed.symbol));
    let traded = transactions.iter().flat_map(|transaction| transaction.symbol.iter().chain(&transaction.counter_symbol));
    held.chain(traded).cloned().collect()
}

/// What a portfolio's ledger depends on, beside its own transactions.
#[derive(Debug, Default)]
pub struct Needs {
    pub symbols: BTreeSet<String>,
    /// Those whose exchange rates count: none where all is in one currency.
    pub currencies: BTreeSet<String>,
    /// Splits that people entered, with their days.
    pub splits: Vec<(String, NaiveDate)>,
}

/// What a portfolio traded up to a day, and in which currencies.
///
/// # Errors
/// What Postgres says.
pub async fn needs_through(connection: &mut PgConnection, portfolio: PortfolioId, through: NaiveDate) -> Result<Needs, sqlx::Error> {
    let rows = sqlx::query!(
        "select distinct symbol, counter_symbol, currency, case when type = 'split' then traded_on end as split_on
         from staging.transactions where portfolio_id = $1 and traded_on <= $2",
        portfolio.get(),
        through,
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut needs = Needs::default();
    let mut used: BTreeSet<Currency> = [base(connection, portfolio).await?].into();
    for row in rows {
        used.extend(Currency::parse(&row.currency).map(Currency::major));
        needs.splits.extend(row.symbol.clone().zip(row.split_on));
        needs.symbols.extend(row.symbol.into_iter().chain(row.counter_symbol));
    }
    let symbols: Vec<String> = needs.symbols.iter().cloned().collect();
    used.extend(currencies(connection, &symbols).await?.into_values().map(Currency::major));
    if used.len() > 1 {
        needs.currencies = used.into_iter().map(String::from).collect();
    }
    Ok(needs)
}

/// A hash of the bars of these symbols up to a day that are in quarantine, and of the currencies that aren't the usual one: a different one
/// means that other prices count.
///
/// # Errors
/// What Postgres says.
pub async fn quarantined(connection: &mut PgConnection, symbols: &BTreeSet<String>, through: NaiveDate) -> Result<String, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select md5(coalesce(string_agg(bar, ',' order by bar), '')) as "hash!" from (
               select distinct symbol || '|' || session_date || '|' || response_id as bar from ops.quarantine
               where released_at is null and symbol = any($1) and session_date <= $2
               union all
               select symbol || '|' || currency from staging.instruments where symbol = any($1) and currency <> 'USD') as bars"#,
        &symbols.iter().cloned().collect::<Vec<_>>(),
        through,
    )
    .fetch_one(connection)
    .await
}
