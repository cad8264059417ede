//! Closes for the ledgers of a publication: read once for all of them, and by two connections where there are many.

use super::read::{Books, held_or_traded};
use crate::calendar;
use app::{
    analytics::ledger::{Closes, State},
    domain::Symbol,
};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::{Connection, PgConnection, PgPool, Postgres, pool::PoolConnection};
use std::collections::BTreeMap;

/// Bars kept in memory between portfolios (20 bytes each); beyond it the next portfolio reads its own again.
const BARS_KEPT: usize = 4_000_000;

/// Symbols whose closes one query reads: ten years of them are 3 MB on their way, and nothing is gained by more at once.
const SYMBOLS_AT_ONCE: usize = 50;

/// Postgres expects a sixth of the bars or fewer, and would rather sort them than merge the indexes of all years: twice the time.
const INDEXED: &str = "set local enable_sort = off";

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
        pool: &PgPool,
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
        self.fetch(connection, pool, all, None, through).await?;
        self.fetch(connection, pool, new, state.session_date, through).await
    }

    async fn fetch(
        &mut self,
        connection: &mut PgConnection,
        pool: &PgPool,
        symbols: Vec<Symbol>,
        after: Option<NaiveDate>,
        through: NaiveDate,
    ) -> Result<(), sqlx::Error> {
        if symbols.is_empty() {
            return Ok(());
        }
        let first = after.and_then(|day| day.succ_opt()).unwrap_or(NaiveDate::from_ymd_opt(1900, 1, 1).unwrap_or_default());
        let days = (first, through);
        let beside = if symbols.len() > SYMBOLS_AT_ONCE { beside(connection, pool).await? } else { None };
        sqlx::raw_sql(INDEXED).execute(&mut *connection).await?;
        match beside {
            None => self.closes.extend(closes(connection, &symbols, days).await?),
            Some(beside) => {
                let (own, others) = symbols.split_at(symbols.len() / 2);
                let (own, found) = tokio::join!(closes(connection, own, days), closes_beside(beside, others, days));
                self.closes.extend(own?);
                self.closes.extend(match found {
                    Ok(found) => found,
                    Err(error) => {
                        tracing::debug!(%error, "closes weren't read beside the publication");
                        closes(connection, others, days).await?
                    }
                });
            }
        }
        sqlx::raw_sql("set local enable_sort to default").execute(connection).await?;
        self.read.extend(symbols.into_iter().map(|symbol| (symbol, after)));
        Ok(())
    }

    pub fn closes(&self) -> &Closes {
        &self.closes
    }
}

/// A second connection that may read half of the closes meanwhile: one that is free, and only while this publication doesn't replace the
/// view itself, for which the other would wait forever.
async fn beside(connection: &mut PgConnection, pool: &PgPool) -> Result<Option<PoolConnection<Postgres>>, sqlx::Error> {
    let is_replaced = sqlx::query_scalar!(
        r#"select exists (select from pg_locks where pid = pg_backend_pid() and relation = 'staging.prices'::regclass
                          and mode = 'AccessExclusiveLock') as "is!""#
    );
    let is_replaced = is_replaced.fetch_one(connection).await?;
    Ok(if is_replaced { None } else { pool.try_acquire() })
}

/// A publication reads what is committed, statement by statement: so does this.
async fn closes_beside(
    mut beside: PoolConnection<Postgres>,
    symbols: &[Symbol],
    days: (NaiveDate, NaiveDate),
) -> Result<Vec<(Symbol, Vec<(NaiveDate, Decimal)>)>, sqlx::Error> {
    let mut transaction = beside.begin().await?;
    // Whoever waits for the publication must not make it wait in turn.
    sqlx::raw_sql("set local lock_timeout = '500ms'").execute(&mut *transaction).await?;
    sqlx::raw_sql(INDEXED).execute(&mut *transaction).await?;
    let found = closes(&mut transaction, symbols, days).await?;
    transaction.rollback().await?;
    Ok(found)
}

/// From the first day to the last, the oldest close of each symbol first.
async fn closes(
    connection: &mut PgConnection,
    symbols: &[Symbol],
    (first, through): (NaiveDate, NaiveDate),
) -> Result<Vec<(Symbol, Vec<(NaiveDate, Decimal)>)>, sqlx::Error> {
    let mut found = Vec::with_capacity(symbols.len());
    for some in symbols.chunks(SYMBOLS_AT_ONCE) {
        // A fixed range of "timestamp" lets Postgres skip the other partitions.
        let rows = sqlx::query!(
            r#"select symbol, array_agg(session_date) as "sessions!", string_agg(close::text, ',') as "closes!" from staging.prices
               where symbol = any($1) and "timestamp" >= $2 and "timestamp" < $3 group by symbol"#,
            &some.iter().map(|symbol| symbol.as_str().to_owned()).collect::<Vec<_>>(),
            calendar::midnight(first),
            calendar::midnight(through.succ_opt().unwrap_or(through)),
        )
        .fetch_all(&mut *connection)
        .await?;
        for row in rows {
            let Ok(symbol) = Symbol::parse(&row.symbol) else { continue };
            let closes: Vec<Decimal> = row.closes.split(',').map(normalized).collect::<Result<_, _>>()?;
            // The view yields the newest first; the ledger is quickest with the oldest first.
            found.push((symbol, row.sessions.into_iter().zip(closes).rev().collect()));
        }
    }
    Ok(found)
}

/// A close as Postgres prints it, without the zeros at its end. Hundreds of thousands are read for an edit: as text they come in a quarter
/// of the time that the driver takes to put each numeric together, and to normalize it.
fn normalized(printed: &str) -> Result<Decimal, sqlx::Error> {
    let digits = if printed.contains('.') { printed.trim_end_matches('0').trim_end_matches('.') } else { printed };
    Decimal::from_str_exact(digits).map_err(|error| sqlx::Error::Decode(format!("the close {printed:?}: {error}").into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closes_are_read_as_postgres_prints_them() {
        for (printed, close) in [("102.2500000000", "102.25"), ("100", "100"), ("100.0000000000", "100"), ("0.0000000001", "0.0000000001")]
        {
            let read = normalized(printed).unwrap();
            assert_eq!((read, read.scale()), (close.parse().unwrap(), close.parse::<Decimal>().unwrap().normalize().scale()));
        }
        let most = "999999999999999999.9999999999";
        assert_eq!(normalized(most).unwrap().to_string(), most);
        assert!(normalized("NaN").is_err() && normalized("").is_err());
    }
}
