//! Prices that people enter for sessions without a good one: versions, checked against the days around them.

use super::{
    super::{Error, Result, Store, entries::audit},
    brief,
    quarantine::changed,
};
use crate::{calendar, quality};
use app::{
    domain::{Currency, Symbol, UserId},
    error::{AppError, FieldError},
    quality::model::{PriceForm, PriceRow},
};
use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use serde_json::json;
use sqlx::PgConnection;

/// As many decimals as prices are kept with.
const DECIMALS: u32 = 10;
/// A share that costs more isn't known; the column holds a little more.
const HIGHEST: Decimal = Decimal::from_parts(1_000_000_000, 0, 0, false, 0);
/// Neighbours further away say nothing.
const NEAR_DAYS: u64 = 30;

/// A price as it was meant.
struct Entered {
    symbol: Symbol,
    session: NaiveDate,
    close: Decimal,
    note: String,
}

impl Store {
    /// The latest versions of the prices of these symbols.
    pub(super) async fn prices(&self, symbols: &[String]) -> Result<Vec<PriceRow>> {
        let rows = sqlx::query!(
            r#"select symbol, session_date, version, close, note, entered_at, coalesce(display_name, 'a person who left') as "entered_by!",
                      (select true from raw.market_data as bar
                       where bar.symbol = latest.symbol and bar."timestamp" = latest.session_date::timestamp at time zone 'America/New_York'
                         and bar.close > 0 and not exists (
                             select from ops.quarantine as refused
                             where refused.dataset = 'bars' and refused.symbol = bar.symbol and refused.session_date = bar.session_date
                               and refused.response_id = bar.response_id and (refused.released_at is null or refused.discarded_at is not null))
                       limit 1) is null as "is_used!"
               from (select distinct on (symbol, session_date) * from book.price where symbol = any($1)
                     order by symbol, session_date, version desc) as latest
                    left join auth."user" on user_id = entered_by
               where not is_deleted order by session_date desc, symbol"#,
            symbols
        )
        .fetch_all(&self.pool)
        .await?;
        Ok(rows
            .into_iter()
            .map(|row| PriceRow {
                symbol: row.symbol,
                session_date: row.session_date,
                version: row.version,
                close: row.close.normalize(),
                note: row.note,
                entered_by: row.entered_by,
                entered_at: row.entered_at,
                is_used: row.is_used,
            })
            .collect())
    }

    pub(super) async fn enter_price(&self, user: UserId, form: &PriceForm) -> Result<()> {
        self.decider(user).await?;
        let entered = parse(form, self.clock.last_completed_session()).map_err(AppError::Invalid)?;
        let (symbol, session) = (entered.symbol.as_str(), entered.session);
        let mut tx = self.pool.begin().await?;
        if let Some(currency) = other_currency(&mut tx, symbol).await? {
            return Err(Error::invalid(
                "symbol",
                format!(
                    "{symbol} is traded in {currency} in the books, and its price would be taken in USD, since the vendor of prices doesn't know it. \
                     Enter its transactions in USD, and the price too."
                ),
            ));
        }
        // Two people at once: the second writes the version after the first's.
        sqlx::query!("select pg_advisory_xact_lock(hashtextextended('price ' || $1 || $2::date, 0)) is null as locked", symbol, session)
            .fetch_one(&mut *tx)
            .await?;
        if let Some(close) = good_close(&mut tx, symbol, session).await? {
            let close = close.normalize();
            return Err(Error::refused(format!(
                "The vendor's close of {symbol} on {session} is {close} and passes its checks; a price by hand is used only where there is no good one."
            )));
        }
        if !form.is_confirmed
            && let Some(far) = far_from_neighbours(&mut tx, &entered).await?
        {
            return Err(Error::invalid("close", format!("{far} Check the price; if it is right, say so and enter it again.")));
        }
        let version = sqlx::query_scalar!(
            r#"insert into book.price (symbol, session_date, version, close, note, entered_by)
               select $1, $2, coalesce(max(version), 0) + 1, $3, $4, $5 from book.price where symbol = $1 and session_date = $2
               returning version"#,
            symbol,
            session,
            entered.close,
            entered.note,
            user.get(),
        )
        .fetch_one(&mut *tx)
        .await?;
        changed(&mut tx, "bars", symbol, session).await?;
        let details = json!({ "symbol": symbol, "session": session, "version": version, "close": entered.close, "note": entered.note });
        audit(&mut tx, user, "enter_price", "price", details).await?;
        tx.commit().await?;
        self.republish_all(user).await;
        Ok(())
    }

    /// A deletion is a version too.
    pub(super) async fn remove_price(&self, user: UserId, symbol: &str, session: NaiveDate, version: i32) -> Result<()> {
        self.decider(user).await?;
        let mut tx = self.pool.begin().await?;
        let written = sqlx::query!(
            "insert into book.price (symbol, session_date, version, close, is_deleted, note, entered_by)
             select symbol, session_date, version + 1, close, true, note, $4 from book.price as shown
             where symbol = $1 and session_date = $2 and version = $3 and not is_deleted and not exists (
                 select from book.price as later
                 where later.symbol = shown.symbol and later.session_date = shown.session_date and later.version > shown.version)
             on conflict do nothing",
            symbol,
            session,
            version,
            user.get(),
        )
        .execute(&mut *tx)
        .await?;
        if written.rows_affected() == 0 {
            return Err(Error::refused(
                "This price was changed or removed since the page was shown. Reload the page and look at it again.",
            ));
        }
        changed(&mut tx, "bars", symbol, session).await?;
        let details = json!({ "symbol": symbol, "session": session, "version": version + 1 });
        audit(&mut tx, user, "remove_price", "price", details).await?;
        tx.commit().await?;
        self.republish_all(user).await;
        Ok(())
    }
}

/// `last`: the last completed session.
fn parse(form: &PriceForm, last: NaiveDate) -> Result<Entered, Vec<FieldError>> {
    let mut wrong = Vec::new();
    let mut note_wrong = |field: &str, sentence: String| wrong.push(FieldError::new(field, sentence));
    let symbol = Symbol::parse(&form.symbol).map_err(|error| note_wrong("symbol", format!("{error}."))).ok();
    let session = match form.session_date.trim().parse::<NaiveDate>() {
        Err(_) => {
            note_wrong("session_date", "Write the session's day as 2026-11-20.".into());
            None
        }
        Ok(day) if day > last => {
            note_wrong("session_date", format!("The session of {day} hasn't closed yet. The last one that has is {last}."));
            None
        }
        Ok(day) if day < calendar::FIRST_DAY || !calendar::is_session(day) => {
            note_wrong("session_date", format!("The exchange had no session on {day}. Choose one of its sessions."));
            None
        }
        Ok(day) => Some(day),
    };
    let close = match form.close.trim().parse::<Decimal>() {
        Err(_) => {
            note_wrong("close", "Enter the close as a number, such as 187.32.".into());
            None
        }
        Ok(close) if close <= Decimal::ZERO || close >= HIGHEST => {
            note_wrong("close", "A close is above zero, and below a billion.".into());
            None
        }
        Ok(close) if close.normalize().scale() > DECIMALS => {
            note_wrong("close", format!("Prices are kept with {DECIMALS} decimals. Round it."));
            None
        }
        Ok(close) => Some(close.normalize()),
    };
    let note = match brief(&form.note) {
        Ok(note) if note.is_empty() => {
            note_wrong("note", "Say where the price is from.".into());
            None
        }
        Ok(note) => Some(note),
        Err(error) => {
            note_wrong("note", error.to_string());
            None
        }
    };
    match (symbol, session, close, note) {
        (Some(symbol), Some(session), Some(close), Some(note)) => Ok(Entered { symbol, session, close, note }),
        _ => Err(wrong),
    }
}

/// The currency of a symbol's trades where it isn't that in which its price would be taken: of what no vendor knows that is the dollar, as
/// `pipeline::ledger::read` has it, and a price in pence would count a hundredfold.
async fn other_currency(connection: &mut PgConnection, symbol: &str) -> Result<Option<String>> {
    let currencies = sqlx::query_scalar!(
        r#"select distinct currency as "currency!" from (
               select distinct on (portfolio_id, transaction_id) * from book.transaction
               where (portfolio_id, transaction_id) in (
                   select portfolio_id, transaction_id from book.transaction where symbol = $1 or counter_symbol = $1)
               order by portfolio_id, transaction_id, version desc) as latest
           where not is_deleted and symbol = $1 and type in ('buy', 'sell', 'short', 'cover', 'reinvest', 'opening', 'transfer_in', 'transfer_out')
             and not exists (select from raw.instrument where instrument.symbol = $1)
             and not exists (select from raw.market_data where market_data.symbol = $1)
           order by 1"#,
        symbol
    )
    .fetch_all(connection)
    .await?;
    let is_dollar = |currency: &String| currency == Currency::USD.as_str();
    Ok(if currencies.iter().any(is_dollar) { None } else { currencies.into_iter().next() })
}

/// The vendor's close of a session, as far as it is used.
async fn good_close(connection: &mut PgConnection, symbol: &str, session: NaiveDate) -> Result<Option<Decimal>> {
    let close = sqlx::query_scalar!(
        r#"select close from raw.market_data as bar
           where symbol = $1 and "timestamp" = $2 and close > 0 and not exists (
               select from ops.quarantine as refused
               where refused.dataset = 'bars' and refused.symbol = bar.symbol and refused.session_date = bar.session_date
                 and refused.response_id = bar.response_id and (refused.released_at is null or refused.discarded_at is not null))
           order by response_id desc limit 1"#,
        symbol,
        calendar::midnight(session),
    )
    .fetch_optional(connection)
    .await?;
    Ok(close.flatten())
}

/// Is the price far from the good closes before and after it? Then the sentence about the nearer one; a symbol that has none near
/// can't be compared.
async fn far_from_neighbours(connection: &mut PgConnection, entered: &Entered) -> Result<Option<String>> {
    let (symbol, session) = (entered.symbol.as_str(), entered.session);
    let neighbours = sqlx::query!(
        r#"with good as (
               select session_date, close from raw.market_data as bar
               where symbol = $1 and "timestamp" between $3 and $4 and session_date <> $2 and close > 0 and not exists (
                   select from ops.quarantine as refused
                   where refused.dataset = 'bars' and refused.symbol = bar.symbol and refused.session_date = bar.session_date
                     and refused.response_id = bar.response_id and (refused.released_at is null or refused.discarded_at is not null))
               order by "timestamp", response_id desc)
           (select session_date as "day!", close as "close!" from good where session_date < $2 order by session_date desc limit 1)
           union all
           (select session_date, close from good where session_date > $2 order by session_date limit 1)"#,
        symbol,
        session,
        calendar::midnight(session - Days::new(NEAR_DAYS)),
        calendar::midnight(session + Days::new(NEAR_DAYS)),
    )
    .fetch_all(&mut *connection)
    .await?;
    for neighbour in neighbours {
        let far = quality::far_from(connection, symbol, session, entered.close, (neighbour.day, neighbour.close)).await?;
        if far.is_some() {
            return Ok(far);
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(symbol: &str, day: &str, close: &str, note: &str) -> Vec<String> {
        let form =
            PriceForm { symbol: symbol.into(), session_date: day.into(), close: close.into(), note: note.into(), is_confirmed: true };
        let parsed = parse(&form, "2026-11-20".parse().unwrap());
        parsed.err().map(|fields| fields.into_iter().map(|field| field.field).collect()).unwrap_or_default()
    }

    #[test]
    fn a_price_is_read_whole_or_not_at_all() {
        assert_eq!(wrong("AAPL", "2026-11-20", " 187.320 ", "from the exchange"), Vec::<String>::new());
        assert_eq!(wrong("AAPL", "2026-11-20", "0.0000000001", "fund"), Vec::<String>::new());
        for close in ["", "ten", "-1", "0", "1e3000", "0.00000000001", "99999999999999999999999999999"] {
            assert_eq!(wrong("AAPL", "2026-11-20", close, "note"), ["close"], "{close}");
        }
        for day in ["", "2026-11-21", "2026-11-23", "2026-13-01", "1999-01-04", "-262144-01-01"] {
            assert_eq!(wrong("AAPL", day, "1", "note"), ["session_date"], "{day}");
        }
        assert_eq!(wrong("", "", "", " "), ["symbol", "session_date", "close", "note"]);
        assert_eq!(wrong("AAPL", "2026-11-20", "1", &"x".repeat(501)), ["note"]);
    }
}
