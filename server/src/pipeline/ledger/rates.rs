//! Exchange rates of the portfolios of one publication: read once, in dollars, crossed to each portfolio's currency, and landed where they
//! were used.

use app::{
    analytics::ledger::{State, UsedRate, crossed as cross},
    domain::{Currency, PortfolioId},
};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};

use super::Books;

/// Dollars for one unit of a currency, by day, ascending.
type Dollars = BTreeMap<Currency, Vec<(NaiveDate, Decimal)>>;

/// What one dollar costs in each currency, read when the first portfolio needs it.
#[derive(Debug, Default)]
pub struct Exchange {
    dollars: Option<Dollars>,
}

impl Exchange {
    /// Gives a portfolio's books the rates that they need; in one currency there are none.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn fill(
        &mut self,
        connection: &mut PgConnection,
        state: &State,
        books: &mut Books,
        through: NaiveDate,
    ) -> Result<(), sqlx::Error> {
        let foreign = foreign(state, books);
        if foreign.is_empty() {
            return Ok(());
        }
        let dollars = match &mut self.dollars {
            Some(dollars) => dollars,
            unread => unread.insert(read(connection, through).await?),
        };
        books.rates = foreign.into_iter().map(|currency| (currency, crossed(dollars, currency, books.base))).collect();
        Ok(())
    }
}

/// Every currency of a portfolio but its own.
fn foreign(state: &State, books: &Books) -> BTreeSet<Currency> {
    let paid = books.transactions.iter().map(|transaction| transaction.currency);
    let dividends = books.dividends.iter().filter_map(|dividend| dividend.currency);
    let held = state.cash.values().flat_map(BTreeMap::keys).copied();
    let owed = state.receivables.iter().filter_map(|owed| owed.local.map(|local| local.currency));
    let priced = books.currencies.values().copied();
    let all = paid.chain(dividends).chain(held).chain(owed).chain(priced).map(Currency::major);
    all.filter(|currency| *currency != books.base).collect()
}

async fn read(connection: &mut PgConnection, through: NaiveDate) -> Result<Dollars, sqlx::Error> {
    let rows =
        sqlx::query!("select currency, quoted_on, dollars from staging.exchange_rates where quoted_on <= $1 order by quoted_on", through);
    let mut dollars = Dollars::new();
    for row in rows.fetch_all(connection).await? {
        let Ok(currency) = Currency::parse(&row.currency) else { continue };
        dollars.entry(currency).or_default().push((row.quoted_on, row.dollars));
    }
    Ok(dollars)
}

/// Units of `base` for one unit of `currency`, on the days on which both are known.
fn crossed(dollars: &Dollars, currency: Currency, base: Currency) -> Vec<(NaiveDate, Decimal)> {
    let of = |currency: Currency| dollars.get(&currency).map_or(&[][..], Vec::as_slice);
    let rates: Vec<(NaiveDate, Decimal, Decimal)> = if base == Currency::USD {
        of(currency).iter().map(|(day, dollars)| (*day, *dollars, Decimal::ONE)).collect()
    } else if currency == Currency::USD {
        of(base).iter().map(|(day, dollars)| (*day, Decimal::ONE, *dollars)).collect()
    } else {
        let base: BTreeMap<NaiveDate, Decimal> = of(base).iter().copied().collect();
        of(currency).iter().filter_map(|(day, dollars)| Some((*day, *dollars, *base.get(day)?))).collect()
    };
    rates.into_iter().filter_map(|(day, of, base)| Some((day, cross(of, base)?))).collect()
}

/// The rates that the booked sessions were valued with.
pub(super) async fn land(
    connection: &mut PgConnection,
    portfolio: PortfolioId,
    used: &[UsedRate],
    resumed_after: Option<NaiveDate>,
) -> Result<u64, sqlx::Error> {
    let written = sqlx::query!(
        "with incoming as (
             select * from unnest($3::text[], $4::date[], $5::numeric(28, 10)[]) as used (currency, session_date, rate)
         ), gone as (
             delete from ledger.rate as old
             where portfolio_id = $1 and ($2::date is null or session_date > $2) and not exists (
                 select from incoming where incoming.currency = old.currency and incoming.session_date = old.session_date)
         )
         insert into ledger.rate as old select $1, incoming.* from incoming
         on conflict (portfolio_id, currency, session_date) do update set rate = excluded.rate
         where old.rate is distinct from excluded.rate",
        portfolio.get(),
        resumed_after,
        &used.iter().map(|used| used.currency.to_string()).collect::<Vec<_>>(),
        &used.iter().map(|used| used.session_date).collect::<Vec<_>>(),
        &used.iter().map(|used| used.rate).collect::<Vec<_>>(),
    )
    .execute(connection)
    .await?;
    Ok(written.rows_affected())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_cross_through_the_dollar_on_days_that_both_know() {
        let on = |day: u32| NaiveDate::from_ymd_opt(2026, 3, day).unwrap();
        let dec = |text: &str| text.parse::<Decimal>().unwrap();
        let [eur, gbp, chf] = ["EUR", "GBP", "CHF"].map(|code| Currency::parse(code).unwrap());
        let dollars = Dollars::from([(eur, vec![(on(2), dec("1.25")), (on(3), dec("1.2"))]), (gbp, vec![(on(3), dec("1.5"))])]);
        assert_eq!(crossed(&dollars, eur, Currency::USD), [(on(2), dec("1.25")), (on(3), dec("1.2"))]);
        assert_eq!(crossed(&dollars, Currency::USD, eur), [(on(2), dec("0.8")), (on(3), dec("0.8333333333"))]);
        assert_eq!(crossed(&dollars, gbp, eur), [(on(3), dec("1.25"))]);
        assert_eq!(crossed(&dollars, chf, eur), []);
    }
}
