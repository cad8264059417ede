//! What staging holds of one portfolio, in the ledger's types.

use crate::calendar;
use app::{
    analytics::ledger::{AccountRules, Closes, CostBasis, Dividend, Finding, Kind, Rates, Split, State, Transaction},
    domain::{AccountId, Currency, PortfolioId, Symbol},
};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, de::IntoDeserializer};
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};

/// Bars kept in memory between portfolios (20 bytes each); beyond it the next portfolio reads its own again.
const BARS_KEPT: usize = 4_000_000;

/// Symbols whose closes one query reads: ten years of them are 3 MB on their way, and nothing is gained by more at once.
const SYMBOLS_AT_ONCE: usize = 50;

/// Accounts, transactions and events of one portfolio.
#[derive(Debug)]
pub struct Books {
    pub accounts: BTreeMap<AccountId, AccountRules>,
    pub transactions: Vec<Transaction>,
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
        splits: Vec::new(),
        dividends: Vec::new(),
        base: Currency::USD,
        currencies: BTreeMap::new(),
        rates: Rates::new(),
        findings: Vec::new(),
    };
    let after = state.session_date.unwrap_or(NaiveDate::MIN);
    let rows = sqlx::query!(
        "select account_id, key, traded_on, type, symbol, quantity, price, amount, fee, tax from staging.transactions
         where portfolio_id = $1 and ($2::date is null or traded_on > $2) and traded_on <= $3 order by traded_on, account_id, key",
        portfolio.get(),
        state.session_date,
        through,
    )
    .fetch_all(&mut *connection)
    .await?;
    for row in rows {
        let kind = Kind::deserialize(IntoDeserializer::<serde::de::value::Error>::into_deserializer(row.r#type.as_str()));
        match (kind, row.symbol.as_deref().map(Symbol::parse).transpose()) {
            (Ok(kind), Ok(symbol)) => books.transactions.push(Transaction {
                key: row.key,
                symbol,
                quantity: row.quantity.normalize(),
                price: row.price.normalize(),
                amount: row.amount.normalize(),
                fee: row.fee.normalize(),
                tax: row.tax.normalize(),
                ..Transaction::blank(kind, AccountId(row.account_id), row.traded_on, books.base)
            }),
            (kind, symbol) => books.findings.push(Finding {
                session_date: calendar::session_on_or_after(row.traded_on),
                account: Some(AccountId(row.account_id)),
                symbol: None,
                key: Some(row.key),
                code: "unreadable".into(),
                message: kind.err().map(|error| error.to_string()).or(symbol.err().map(|error| error.to_string())).unwrap_or_default(),
            }),
        }
    }
    let symbols: Vec<String> = held_or_traded(state, &books.transactions).into_iter().map(String::from).collect();
    let rows = sqlx::query!(
        "select symbol, execution_date, split_from, split_to from staging.splits
         where symbol = any($1) and execution_date <= $2 order by symbol, execution_date",
        &symbols,
        through,
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
        "select symbol, ex_dividend_date, pay_date, cash_amount from staging.dividends
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
            currency: None,
        });
    }
    Ok(books)
}

async fn accounts(connection: &mut PgConnection, portfolio: PortfolioId) -> Result<BTreeMap<AccountId, AccountRules>, sqlx::Error> {
    let rows = sqlx::query!("select account_id, cost_basis, allows_short from book.account where portfolio_id = $1", portfolio.get());
    let rules = |basis: &str, allows_short| AccountRules {
        cost_basis: if basis == "average" { CostBasis::Average } else { CostBasis::Fifo },
        allows_short,
        sells_short: allows_short,
    };
    Ok(rows
        .fetch_all(connection)
        .await?
        .into_iter()
        .map(|row| (AccountId(row.account_id), rules(&row.cost_basis, row.allows_short)))
        .collect())
}

fn held_or_traded(state: &State, transactions: &[Transaction]) -> BTreeSet<Symbol> {
    let held = state.lots.iter().map(|lot| &lot.symbol).chain(state.receivables.iter().map(|owed| &owed.symbol));
    held.chain(transactions.iter().filter_map(|transaction| transaction.symbol.as_ref())).cloned().collect()
}

/// The symbols that a portfolio traded up to a day: whose prices and events its ledger depends on.
///
/// # Errors
/// What Postgres says.
pub async fn symbols_through(
    connection: &mut PgConnection,
    portfolio: PortfolioId,
    through: NaiveDate,
) -> Result<BTreeSet<String>, sqlx::Error> {
    let symbols = sqlx::query_scalar!(
        r#"select distinct symbol as "symbol!" from staging.transactions where portfolio_id = $1 and traded_on <= $2 and symbol is not null"#,
        portfolio.get(),
        through,
    );
    Ok(symbols.fetch_all(connection).await?.into_iter().collect())
}

/// A hash of the bars of these symbols up to a day that are in quarantine: a different one means that other prices count.
///
/// # Errors
/// What Postgres says.
pub async fn quarantined(connection: &mut PgConnection, symbols: &BTreeSet<String>, through: NaiveDate) -> Result<String, sqlx::Error> {
    sqlx::query_scalar!(
        r#"select md5(coalesce(string_agg(bar, ',' order by bar), '')) as "hash!" from (
               select distinct symbol || '|' || session_date || '|' || response_id as bar from ops.quarantine
               where released_at is null and symbol = any($1) and session_date <= $2) as bars"#,
        &symbols.iter().cloned().collect::<Vec<_>>(),
        through,
    )
    .fetch_one(connection)
    .await
}

/// Closes read so far, shared by the portfolios of one publication.
#[derive(Debug, Default)]
pub struct Prices {
    closes: Closes,
    /// After which day each symbol's closes were read; `None`: all of them.
    read: BTreeMap<Symbol, Option<NaiveDate>>,
}

impl Prices {
    /// Reads the closes that a ledger needs and that aren't here yet: of held symbols those after the state's session, of others
    /// all, so that an earlier one can be carried.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn read(
        &mut self,
        connection: &mut PgConnection,
        state: &State,
        books: &Books,
        through: NaiveDate,
    ) -> Result<(), sqlx::Error> {
        if self.closes.values().map(Vec::len).sum::<usize>() > BARS_KEPT {
            *self = Self::default();
        }
        let (mut all, mut new) = (Vec::new(), Vec::new());
        for symbol in held_or_traded(state, &books.transactions) {
            let after = state.session_date.filter(|_| state.last_closes.contains_key(&symbol));
            if self.read.get(&symbol).is_none_or(|read| *read > after) {
                if after.is_none() { &mut all } else { &mut new }.push(symbol);
            }
        }
        self.fetch(connection, all, None, through).await?;
        self.fetch(connection, new, state.session_date, through).await
    }

    async fn fetch(
        &mut self,
        connection: &mut PgConnection,
        symbols: Vec<Symbol>,
        after: Option<NaiveDate>,
        through: NaiveDate,
    ) -> Result<(), sqlx::Error> {
        let first = after.and_then(|day| day.succ_opt()).unwrap_or(NaiveDate::from_ymd_opt(1900, 1, 1).unwrap_or_default());
        for some in symbols.chunks(SYMBOLS_AT_ONCE) {
            // A fixed range of "timestamp" lets Postgres skip the other partitions.
            let rows = sqlx::query!(
                r#"select symbol, array_agg(session_date) as "sessions!", array_agg(close) as "closes!: Vec<Decimal>" from staging.prices
                   where symbol = any($1) and "timestamp" >= $2 and "timestamp" < $3 group by symbol"#,
                &some.iter().map(|symbol| symbol.as_str().to_owned()).collect::<Vec<_>>(),
                calendar::midnight(first),
                calendar::midnight(through.succ_opt().unwrap_or(through)),
            )
            .fetch_all(&mut *connection)
            .await?;
            for row in rows {
                let Ok(symbol) = Symbol::parse(&row.symbol) else { continue };
                // The view yields the newest first; the ledger is quickest with the oldest first.
                let closes = row.sessions.into_iter().zip(row.closes).rev().map(|(day, close)| (day, close.normalize())).collect();
                self.closes.insert(symbol, closes);
            }
        }
        self.read.extend(symbols.into_iter().map(|symbol| (symbol, after)));
        Ok(())
    }

    pub fn closes(&self) -> &Closes {
        &self.closes
    }
}
