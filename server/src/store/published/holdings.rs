//! What a portfolio holds at the close of its last session, its sectors, and the closes of the weeks before.

use super::{AsOf, LastDay};
use crate::store::{Result, Store};
use app::{
    domain::{Money, PortfolioId},
    overview::model::SectorWeight,
};
use chrono::NaiveDate;
use rust_decimal::Decimal;
use std::collections::BTreeMap;

/// The sector of cash and of dividends that are due.
const CASH: &str = "Cash";

/// A row of marts.holdings, or the same from what was kept.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub symbol: String,
    pub name: String,
    pub sector: String,
    pub quantity: Decimal,
    /// `None`: a rate was missing when it was bought.
    pub cost: Option<Decimal>,
    pub close: Option<Decimal>,
    pub priced_on: Option<NaiveDate>,
    pub value: Option<Decimal>,
    pub previous_close: Option<Decimal>,
    /// Of the close; `None`: the portfolio's.
    pub currency: Option<String>,
    /// What a unit of that currency costs in the portfolio's.
    pub rate: Option<Decimal>,
}

#[derive(Debug, Clone)]
pub(crate) struct Close {
    pub symbol: String,
    pub session_date: NaiveDate,
    pub close: Decimal,
}

#[derive(Debug, Clone)]
pub(crate) struct Split {
    pub symbol: String,
    pub execution_date: NaiveDate,
    pub split_from: Decimal,
    pub split_to: Decimal,
}

/// What is held by sector, as marts.allocation adds it up; without a rate for its cash a portfolio has none.
fn by_sector(held: &[Held], last: &LastDay) -> Vec<(String, Money)> {
    let mut sectors: BTreeMap<&str, Money> = BTreeMap::new();
    for held in held {
        if let Some(value) = held.value {
            *sectors.entry(&held.sector).or_default() += Money(value);
        }
    }
    let cash = last.cash.zip(last.receivable).map(|(cash, receivable)| (CASH.to_owned(), cash + receivable));
    sectors.into_iter().map(|(sector, value)| (sector.to_owned(), value)).chain(cash).collect()
}

/// Shares of the portfolio's value; of none there are none.
fn weights(values: Vec<(String, Money)>, whole: Option<Money>) -> Vec<SectorWeight> {
    let weight = |(sector, value): (String, Money)| Some(SectorWeight { sector, value, weight: value.share_of(whole?)? });
    let mut weights: Vec<SectorWeight> = values.into_iter().filter_map(weight).collect();
    weights.sort_by(|a, b| (a.sector == CASH, b.value.0, &a.sector).cmp(&(b.sector == CASH, a.value.0, &b.sector)));
    weights
}

impl Store {
    /// The largest first; `most` of them, or all.
    pub(crate) async fn held(&self, portfolio: PortfolioId, as_of: AsOf, most: Option<usize>) -> Result<Vec<Held>> {
        let most = most.and_then(|most| i64::try_from(most).ok());
        Ok(match as_of {
            AsOf::Now => {
                sqlx::query_as!(
                Held,
                "select symbol, name, sector, quantity, cost, close, priced_on, value, previous_close, currency, rate from marts.holdings
                     where portfolio_id = $1 order by value desc nulls last, symbol limit $2",
                portfolio.get(),
                most,
            )
                .fetch_all(&self.pool)
                .await?
            }
            AsOf::Publication(publication) => {
                sqlx::query_file_as!(Held, "src/store/published/holdings_kept.sql", portfolio.get(), publication, most)
                    .fetch_all(&self.pool)
                    .await?
            }
        })
    }

    pub(crate) async fn position_values(&self, portfolio: PortfolioId, as_of: AsOf) -> Result<Vec<Option<Money>>> {
        let values = match as_of {
            AsOf::Now => {
                sqlx::query_scalar!("select value from marts.holdings where portfolio_id = $1", portfolio.get())
                    .fetch_all(&self.pool)
                    .await?
            }
            AsOf::Publication(_) => self.held(portfolio, as_of, None).await?.into_iter().map(|held| held.value).collect(),
        };
        Ok(values.into_iter().map(|value| value.map(Money)).collect())
    }

    /// The largest first, cash last.
    pub(crate) async fn sectors(&self, portfolio: PortfolioId, as_of: AsOf) -> Result<Vec<SectorWeight>> {
        let Some(last) = self.last_day(portfolio, as_of).await? else { return Ok(Vec::new()) };
        let values = match as_of {
            AsOf::Now => {
                let rows = sqlx::query!(
                    r#"select sector, value as "value!" from marts.allocation where portfolio_id = $1 and value is not null"#,
                    portfolio.get()
                );
                rows.fetch_all(&self.pool).await?.into_iter().map(|row| (row.sector, Money(row.value))).collect()
            }
            AsOf::Publication(_) => by_sector(&self.held(portfolio, as_of, None).await?, &last),
        };
        Ok(weights(values, last.value))
    }

    /// Closes of these symbols that were published, as traded, by symbol and day; where one was carried there is none. Of now, too, it is what
    /// publications kept: the models over raw rows are ahead of them for a moment.
    pub(crate) async fn closes_between(&self, symbols: &[String], as_of: AsOf, from: NaiveDate, to: NaiveDate) -> Result<Vec<Close>> {
        let closes = sqlx::query_as!(
            Close,
            r#"select symbol, session_date, close as "close!"
               from (select distinct on (symbol, session_date) symbol, session_date, close, priced_on from ops.published_price
                     where symbol = any($1) and session_date between $2 and $3 and publication_id <= $4
                     order by symbol, session_date, publication_id desc) as latest
               where priced_on = session_date and close is not null order by symbol, session_date"#,
            symbols,
            from,
            to,
            as_of.mark(),
        );
        Ok(closes.fetch_all(&self.pool).await?)
    }

    pub(crate) async fn splits_between(&self, symbols: &[String], as_of: AsOf, after: NaiveDate, to: NaiveDate) -> Result<Vec<Split>> {
        Ok(match as_of {
            AsOf::Now => {
                sqlx::query_as!(
                    Split,
                    "select symbol, execution_date, split_from, split_to from staging.splits
                     where symbol = any($1) and execution_date > $2 and execution_date <= $3 order by symbol, execution_date",
                    symbols,
                    after,
                    to
                )
                .fetch_all(&self.pool)
                .await?
            }
            AsOf::Publication(publication) => {
                sqlx::query_as!(
                    Split,
                    r#"select symbol, execution_date, split_from as "split_from!", split_to as "split_to!"
                       from (select distinct on (symbol, execution_date) * from ops.published_split
                             where symbol = any($1) and execution_date > $2 and execution_date <= $3 and publication_id <= $4
                             order by symbol, execution_date, publication_id desc) as latest
                       where split_from is not null order by symbol, execution_date"#,
                    symbols,
                    after,
                    to,
                    publication,
                )
                .fetch_all(&self.pool)
                .await?
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(symbol: &str, sector: &str, value: Option<i64>) -> Held {
        Held {
            symbol: symbol.into(),
            name: symbol.into(),
            sector: sector.into(),
            quantity: Decimal::ONE,
            cost: None,
            close: None,
            priced_on: None,
            value: value.map(Decimal::from),
            previous_close: None,
            currency: None,
            rate: None,
        }
    }

    #[test]
    fn sectors_add_up_to_the_whole_with_cash_last() {
        let usd = |amount: i64| Some(Money(amount.into()));
        let last = LastDay {
            session_date: NaiveDate::from_ymd_opt(2026, 11, 20).unwrap(),
            value: usd(1_000),
            cash: usd(590),
            receivable: usd(10),
        };
        let all =
            [held("A", "Finance", Some(100)), held("B", "Other", Some(250)), held("C", "Finance", Some(50)), held("D", "Other", None)];
        let said = |weights: Vec<SectorWeight>| -> Vec<String> {
            weights.into_iter().map(|weight| format!("{} {} {}", weight.sector, weight.value.0, weight.weight)).collect()
        };
        assert_eq!(said(weights(by_sector(&all, &last), last.value)), ["Other 250 0.25", "Finance 150 0.15", "Cash 600 0.6"]);
        assert!(weights(by_sector(&all, &last), None).is_empty());
        let unknown = LastDay { cash: None, ..last };
        assert_eq!(by_sector(&all, &unknown).len(), 2);
    }
}
