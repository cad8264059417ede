//! What the ledger yields → rows of the schema `ledger`; only rows that differ are written.

use super::courses::{self, Shown};
use app::{
    analytics::ledger::{Finding, Holding, Lot, PortfolioDay, PositionInterval, Realized, State, Term, Yield},
    domain::{Money, PortfolioId},
};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::{PgConnection, types::Json};
use std::collections::BTreeMap;

/// Decimals of an exchange rate.
const RATE_PLACES: u32 = 10;
/// What NUMERIC(19,4) holds.
const MOST_MONEY: Decimal = Decimal::from_parts(0xA4C6_7FFF, 0x0003_8D7E, 0, false, 0);

/// Up to where the inputs were read.
#[derive(Debug, Clone)]
pub struct Mark {
    /// Rows of ops.change up to this one are in.
    pub change_id: i64,
    /// See [`super::quarantined`].
    pub quarantined: String,
    /// The publication that shows it.
    pub publication_id: i64,
}

/// What a landing changed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Landed {
    pub rows: u64,
    /// The first portfolio day that is new, different or gone.
    pub changed_from: Option<NaiveDate>,
}

/// Lands one portfolio. `resumed_after`: the session after which the yield goes on; `None` when it holds everything since the first.
///
/// # Errors
/// What Postgres says.
pub async fn land(
    connection: &mut PgConnection,
    portfolio: PortfolioId,
    (state, yielded): (&State, &Yield),
    resumed_after: Option<NaiveDate>,
    mark: &Mark,
) -> Result<Landed, sqlx::Error> {
    let mut landed = days(connection, portfolio, &yielded.days, resumed_after).await?;
    landed.rows += positions(connection, portfolio, &yielded.positions, resumed_after.is_none()).await?;
    landed.rows += super::rates::land(connection, portfolio, &yielded.rates, resumed_after).await?;
    landed.rows += lots(connection, portfolio, &state.lots).await?;
    let shown = Shown::before(connection, portfolio, mark.publication_id).await?;
    landed.rows += courses::land(connection, shown, &yielded.courses, resumed_after.is_none()).await?;
    landed.rows += holdings(connection, portfolio, &yielded.holdings).await?;
    landed.rows += cash(connection, portfolio, state).await?;
    landed.rows += realized(connection, portfolio, &yielded.realized, resumed_after.is_none()).await?;
    landed.rows += findings(connection, portfolio, &yielded.findings, resumed_after.is_none()).await?;
    if let Some(session_date) = state.session_date {
        sqlx::query!(
            "insert into ledger.state values ($1, $2, $3, $4, $5) on conflict (portfolio_id) do update
             set session_date = excluded.session_date, state = excluded.state, change_id = excluded.change_id, quarantined = excluded.quarantined",
            portfolio.get(),
            session_date,
            Json(state) as _,
            mark.change_id,
            mark.quarantined,
        )
        .execute(&mut *connection)
        .await?;
    }
    Ok(landed)
}

/// Removes a portfolio that holds nothing to book any more.
///
/// # Errors
/// What Postgres says.
pub async fn clear(connection: &mut PgConnection, portfolio: PortfolioId, publication_id: i64) -> Result<Landed, sqlx::Error> {
    let (state, yielded) = (State::default(), Yield::default());
    let mark = Mark { change_id: 0, quarantined: String::new(), publication_id };
    let landed = land(&mut *connection, portfolio, (&state, &yielded), None, &mark).await?;
    sqlx::query!("delete from ledger.state where portfolio_id = $1", portfolio.get()).execute(connection).await?;
    Ok(landed)
}

async fn days(
    connection: &mut PgConnection,
    portfolio: PortfolioId,
    days: &[PortfolioDay],
    resumed_after: Option<NaiveDate>,
) -> Result<Landed, sqlx::Error> {
    let dates: Vec<_> = days.iter().map(|day| day.session_date).collect();
    let money = |of: fn(&PortfolioDay) -> Money| -> Vec<Decimal> { days.iter().map(|day| of(day).0).collect() };
    let known =
        |of: fn(&PortfolioDay) -> Option<Money>| -> Vec<Option<Decimal>> { days.iter().map(|day| of(day).map(|money| money.0)).collect() };
    // What stands beside the value must not cost the portfolio its booking.
    let fitting = |of: fn(&PortfolioDay) -> Option<Money>| -> Vec<Option<Decimal>> {
        days.iter().map(|day| of(day).map(|money| money.0).filter(|money| money.abs() < MOST_MONEY)).collect()
    };
    let returns: Vec<_> = days.iter().map(|day| day.daily_return).collect();
    let count = |of: fn(&PortfolioDay) -> u32| -> Vec<i32> { days.iter().map(|day| i32::try_from(of(day)).unwrap_or(i32::MAX)).collect() };
    let written = sqlx::query!(
        r#"with incoming as (
               select * from unnest($3::date[], $4::numeric(19, 4)[], $5::numeric(19, 4)[], $6::numeric(19, 4)[], $7::numeric(19, 4)[],
                                    $8::numeric(19, 4)[], $9::float8[], $10::int[], $11::int[], $12::numeric(19, 4)[], $13::numeric(19, 4)[],
                                    $14::numeric(19, 4)[], $15::numeric(19, 4)[], $16::numeric(19, 4)[], $17::numeric(19, 4)[], $18::numeric(19, 4)[],
                                    $19::numeric(19, 4)[], $20::numeric(19, 4)[], $21::numeric(19, 4)[], $22::numeric(19, 4)[], $23::numeric(19, 4)[], $24::numeric(38, 20)[])
               as day (session_date, value, cash, receivable, inflow, outflow, daily_return, carried, positions, unrealized,
                       total_inflow, total_outflow, realized, income, costs, brought_in, taxes, realized_currency, market_value,
                       unrealized_currency, cash_currency, exact_value)
           ), gone as (
               delete from ledger.portfolio_day as old
               where portfolio_id = $1 and ($2::date is null or session_date > $2)
                 and not exists (select from incoming where incoming.session_date = old.session_date)
               returning session_date
           ), put as (
               insert into ledger.portfolio_day as old select $1, incoming.* from incoming
               on conflict (portfolio_id, session_date) do update set
                   value = excluded.value, cash = excluded.cash, receivable = excluded.receivable, inflow = excluded.inflow,
                   outflow = excluded.outflow, daily_return = excluded.daily_return, carried = excluded.carried,
                   positions = excluded.positions, unrealized = excluded.unrealized, total_inflow = excluded.total_inflow,
                   total_outflow = excluded.total_outflow, realized = excluded.realized, income = excluded.income,
                   costs = excluded.costs, brought_in = excluded.brought_in, taxes = excluded.taxes,
                   realized_currency = excluded.realized_currency, market_value = excluded.market_value,
                   unrealized_currency = excluded.unrealized_currency, cash_currency = excluded.cash_currency,
                   exact_value = excluded.exact_value
               where old.* is distinct from excluded.*
               returning session_date
           )
           select count(*) as "rows!", min(session_date) as changed_from from (select * from gone union all select * from put) as changed"#,
        portfolio.get(),
        resumed_after,
        &dates,
        &known(PortfolioDay::whole_value) as &[Option<Decimal>],
        &known(|day| day.cash) as &[Option<Decimal>],
        &known(|day| day.receivable) as &[Option<Decimal>],
        &money(|day| day.inflow),
        &money(|day| day.outflow),
        &returns as &[Option<f64>],
        &count(|day| day.carried),
        &count(|day| day.positions),
        &known(|day| day.unrealized) as &[Option<Decimal>],
        &money(|day| day.totals.inflow),
        &money(|day| day.totals.outflow),
        &money(|day| day.totals.realized),
        &money(|day| day.totals.income),
        &money(|day| day.totals.costs),
        &money(|day| day.totals.brought_in),
        &money(|day| day.totals.taxes),
        &money(|day| day.totals.realized_currency),
        &fitting(|day| day.market_value) as &[Option<Decimal>],
        &fitting(|day| day.unrealized_currency) as &[Option<Decimal>],
        &fitting(|day| day.cash_currency) as &[Option<Decimal>],
        &fitting(|day| day.exact_value) as &[Option<Decimal>],
    )
    .fetch_one(connection)
    .await?;
    Ok(Landed { rows: written.rows.unsigned_abs(), changed_from: written.changed_from })
}

/// An interval that went on comes with its own first day: the row with that key is prolonged or closed.
async fn positions(
    connection: &mut PgConnection,
    portfolio: PortfolioId,
    intervals: &[PositionInterval],
    from_scratch: bool,
) -> Result<u64, sqlx::Error> {
    let accounts: Vec<_> = intervals.iter().map(|held| held.account.get()).collect();
    let symbols: Vec<_> = intervals.iter().map(|held| held.symbol.as_str().to_owned()).collect();
    let from: Vec<_> = intervals.iter().map(|held| held.from).collect();
    let to: Vec<_> = intervals.iter().map(|held| held.to).collect();
    let quantities: Vec<_> = intervals.iter().map(|held| held.quantity).collect();
    let costs: Vec<_> = intervals.iter().map(|held| held.cost.0).collect();
    let currencies: Vec<_> = intervals.iter().map(|held| held.currency.map(|currency| currency.to_string())).collect();
    let written = sqlx::query!(
        "with incoming as (
             select * from unnest($3::bigint[], $4::text[], $5::date[], $6::date[], $7::numeric(28, 10)[], $8::numeric(19, 4)[], $9::text[])
             as held (account_id, symbol, from_date, to_date, quantity, cost, currency)
         ), gone as (
             delete from ledger.position as old where portfolio_id = $1 and $2 and not exists (
                 select from incoming
                 where incoming.account_id = old.account_id and incoming.symbol = old.symbol and incoming.from_date = old.from_date)
         )
         insert into ledger.position as old select $1, incoming.* from incoming
         on conflict (portfolio_id, account_id, symbol, from_date) do update
         set to_date = excluded.to_date, quantity = excluded.quantity, cost = excluded.cost, currency = excluded.currency
         where old.* is distinct from excluded.*",
        portfolio.get(),
        from_scratch,
        &accounts,
        &symbols,
        &from,
        &to as &[Option<NaiveDate>],
        &quantities,
        &costs,
        &currencies as &[Option<String>],
    )
    .execute(connection)
    .await?;
    Ok(written.rows_affected())
}

/// All open lots, numbered within account and symbol in the order in which they will be sold.
async fn lots(connection: &mut PgConnection, portfolio: PortfolioId, lots: &[Lot]) -> Result<u64, sqlx::Error> {
    let mut last = BTreeMap::new();
    let numbers: Vec<i32> = lots
        .iter()
        .map(|lot| {
            let number = last.entry((lot.account, &lot.symbol)).or_insert(0);
            *number += 1;
            *number
        })
        .collect();
    let accounts: Vec<_> = lots.iter().map(|lot| lot.account.get()).collect();
    let symbols: Vec<_> = lots.iter().map(|lot| lot.symbol.as_str().to_owned()).collect();
    let opened: Vec<_> = lots.iter().map(|lot| lot.opened_on).collect();
    let quantities: Vec<_> = lots.iter().map(|lot| lot.quantity).collect();
    let costs: Vec<_> = lots.iter().map(|lot| (!lot.is_unconverted).then_some(lot.cost.0)).collect();
    let keys: Vec<_> = lots.iter().map(|lot| lot.key.clone()).collect();
    let names: Vec<_> = lots.iter().map(|lot| lot.lot_id.clone()).collect();
    let local_costs: Vec<_> = lots.iter().map(|lot| lot.local_cost.map(|cost| cost.amount)).collect();
    let local_currencies: Vec<_> = lots.iter().map(|lot| lot.local_cost.map(|cost| cost.currency.to_string())).collect();
    let written = sqlx::query!(
        "with incoming as (
             select * from unnest($2::bigint[], $3::text[], $4::int[], $5::date[], $6::numeric(28, 10)[], $7::numeric(19, 4)[], $8::text[],
                                  $9::text[], $10::numeric(28, 4)[], $11::text[])
             as lot (account_id, symbol, number, opened_on, quantity, cost, key, lot_id, local_cost, local_currency)
         ), gone as (
             delete from ledger.lot as old where portfolio_id = $1 and not exists (
                 select from incoming
                 where incoming.account_id = old.account_id and incoming.symbol = old.symbol and incoming.number = old.number)
         )
         insert into ledger.lot as old select $1, incoming.* from incoming
         on conflict (portfolio_id, account_id, symbol, number) do update
         set opened_on = excluded.opened_on, quantity = excluded.quantity, cost = excluded.cost, key = excluded.key,
             lot_id = excluded.lot_id, local_cost = excluded.local_cost, local_currency = excluded.local_currency
         where old.* is distinct from excluded.*",
        portfolio.get(),
        &accounts,
        &symbols,
        &numbers,
        &opened,
        &quantities,
        &costs as &[Option<Decimal>],
        &keys,
        &names as &[Option<String>],
        &local_costs as &[Option<Decimal>],
        &local_currencies as &[Option<String>],
    )
    .execute(connection)
    .await?;
    Ok(written.rows_affected())
}

/// What is held at the last close. A value that no column holds is none: the rest of the portfolio is booked all the same.
async fn holdings(connection: &mut PgConnection, portfolio: PortfolioId, held: &[Holding]) -> Result<u64, sqlx::Error> {
    sqlx::query!("delete from ledger.holding where portfolio_id = $1", portfolio.get()).execute(&mut *connection).await?;
    let fitting = |of: fn(&Holding) -> Option<Money>| -> Vec<Option<Decimal>> {
        held.iter().map(|held| of(held).map(|money| money.0).filter(|money| money.abs() < MOST_MONEY)).collect()
    };
    let accounts: Vec<_> = held.iter().map(|held| held.account.get()).collect();
    let symbols: Vec<_> = held.iter().map(|held| held.symbol.as_str().to_owned()).collect();
    let quantities: Vec<_> = held.iter().map(|held| held.quantity).collect();
    let closes: Vec<_> = held.iter().map(|held| held.price.map(|(_, close)| close)).collect();
    let priced_on: Vec<_> = held.iter().map(|held| held.price.map(|(day, _)| day)).collect();
    let currencies: Vec<_> = held.iter().map(|held| held.currency.to_string()).collect();
    let rates: Vec<_> = held.iter().map(|held| held.rate.map(|rate| rate.round_dp(RATE_PLACES))).collect();
    let written = sqlx::query!(
        "insert into ledger.holding
         select $1, held.* from unnest($2::bigint[], $3::text[], $4::numeric(28, 10)[], $5::numeric(19, 4)[], $6::numeric(28, 10)[], $7::date[],
                                       $8::text[], $9::numeric(28, 10)[], $10::numeric(19, 4)[], $11::numeric(19, 4)[], $12::numeric(19, 4)[]) as held",
        portfolio.get(),
        &accounts,
        &symbols,
        &quantities,
        &fitting(|held| held.cost) as &[Option<Decimal>],
        &closes as &[Option<Decimal>],
        &priced_on as &[Option<NaiveDate>],
        &currencies,
        &rates as &[Option<Decimal>],
        &fitting(|held| held.market_value) as &[Option<Decimal>],
        &fitting(|held| held.unrealized) as &[Option<Decimal>],
        &fitting(|held| held.currency_effect) as &[Option<Decimal>],
    )
    .execute(connection)
    .await?;
    Ok(written.rows_affected())
}

async fn cash(connection: &mut PgConnection, portfolio: PortfolioId, state: &State) -> Result<u64, sqlx::Error> {
    sqlx::query!("delete from ledger.cash where portfolio_id = $1", portfolio.get()).execute(&mut *connection).await?;
    let of_accounts = || {
        let each =
            state.cash.iter().flat_map(|(account, amounts)| amounts.iter().map(move |(currency, amount)| (account, currency, amount)));
        each.filter(|(.., amount)| !amount.is_zero())
    };
    let written = sqlx::query!(
        "insert into ledger.cash select $1, cash.* from unnest($2::bigint[], $3::text[], $4::numeric(19, 4)[]) as cash",
        portfolio.get(),
        &of_accounts().map(|(account, ..)| account.get()).collect::<Vec<_>>(),
        &of_accounts().map(|(_, currency, _)| currency.to_string()).collect::<Vec<_>>(),
        &of_accounts().map(|(.., amount)| amount.0).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(written.rows_affected())
}

async fn realized(
    connection: &mut PgConnection,
    portfolio: PortfolioId,
    closed: &[Realized],
    from_scratch: bool,
) -> Result<u64, sqlx::Error> {
    if from_scratch {
        sqlx::query!("delete from ledger.realized where portfolio_id = $1", portfolio.get()).execute(&mut *connection).await?;
    }
    let accounts: Vec<_> = closed.iter().map(|lot| lot.account.get()).collect();
    let symbols: Vec<_> = closed.iter().map(|lot| lot.symbol.as_str().to_owned()).collect();
    let opened: Vec<_> = closed.iter().map(|lot| lot.opened_on).collect();
    let closed_on: Vec<_> = closed.iter().map(|lot| lot.closed_on).collect();
    let quantities: Vec<_> = closed.iter().map(|lot| lot.quantity).collect();
    let proceeds: Vec<_> = closed.iter().map(|lot| lot.proceeds.map(|money| money.0)).collect();
    let costs: Vec<_> = closed.iter().map(|lot| lot.cost.map(|money| money.0)).collect();
    let keys: Vec<_> = closed.iter().map(|lot| lot.key.clone()).collect();
    let term = |lot: &Realized| if lot.term() == Term::Long { "long" } else { "short" };
    let terms: Vec<_> = closed.iter().map(|lot| term(lot).to_owned()).collect();
    let effects: Vec<_> = closed.iter().map(|lot| lot.currency_effect.map(|effect| effect.0)).collect();
    let written = sqlx::query!(
        "insert into ledger.realized (portfolio_id, number, account_id, symbol, opened_on, closed_on, quantity, proceeds, cost, key, term,
                                      currency_effect)
         select $1, number + (select coalesce(max(number), 0) from ledger.realized where portfolio_id = $1),
                account_id, symbol, opened_on, closed_on, quantity, proceeds, cost, key, term, currency_effect
         from unnest($2::bigint[], $3::text[], $4::date[], $5::date[], $6::numeric(28, 10)[], $7::numeric(19, 4)[], $8::numeric(19, 4)[], $9::text[],
                     $10::text[], $11::numeric(19, 4)[])
         with ordinality as lot (account_id, symbol, opened_on, closed_on, quantity, proceeds, cost, key, term, currency_effect, number)",
        portfolio.get(),
        &accounts,
        &symbols,
        &opened,
        &closed_on,
        &quantities,
        &proceeds as &[Option<Decimal>],
        &costs as &[Option<Decimal>],
        &keys,
        &terms,
        &effects as &[Option<Decimal>],
    )
    .execute(connection)
    .await?;
    Ok(written.rows_affected())
}

async fn findings(
    connection: &mut PgConnection,
    portfolio: PortfolioId,
    found: &[Finding],
    from_scratch: bool,
) -> Result<u64, sqlx::Error> {
    if from_scratch {
        sqlx::query!("delete from ledger.finding where portfolio_id = $1", portfolio.get()).execute(&mut *connection).await?;
    }
    let sessions: Vec<_> = found.iter().map(|finding| finding.session_date).collect();
    let accounts: Vec<_> = found.iter().map(|finding| finding.account.map(|account| account.get())).collect();
    let symbols: Vec<_> = found.iter().map(|finding| finding.symbol.as_ref().map(|symbol| symbol.as_str().to_owned())).collect();
    let keys: Vec<_> = found.iter().map(|finding| finding.key.clone()).collect();
    let codes: Vec<_> = found.iter().map(|finding| finding.code.clone()).collect();
    let messages: Vec<_> = found.iter().map(|finding| finding.message.clone()).collect();
    let written = sqlx::query!(
        "insert into ledger.finding (portfolio_id, number, session_date, account_id, symbol, key, code, message)
         select $1, number + (select coalesce(max(number), 0) from ledger.finding where portfolio_id = $1),
                session_date, account_id, symbol, key, code, message
         from unnest($2::date[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[])
         with ordinality as finding (session_date, account_id, symbol, key, code, message, number)",
        portfolio.get(),
        &sessions,
        &accounts as &[Option<i64>],
        &symbols as &[Option<String>],
        &keys as &[Option<String>],
        &codes,
        &messages,
    )
    .execute(connection)
    .await?;
    Ok(written.rows_affected())
}
