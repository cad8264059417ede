//! What a portfolio holds at the close of its last session, its sectors, and the closes of the weeks before.

use super::AsOf;
use crate::store::{Result, Store};
use app::{
    domain::{Money, PortfolioId},
    overview::model::SectorWeight,
};
use chrono::NaiveDate;
use rust_decimal::Decimal;

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

    /// Cash last.
    pub(crate) async fn sectors(&self, portfolio: PortfolioId, as_of: AsOf) -> Result<Vec<SectorWeight>> {
        struct Row {
            sector: String,
            value: Decimal,
            weight: f64,
        }
        let rows = match as_of {
            AsOf::Now => {
                sqlx::query_as!(
                    Row,
                    r#"select sector, value as "value!", weight as "weight!" from marts.allocation
                       where portfolio_id = $1 and weight is not null order by sector = 'Cash', value desc, sector"#,
                    portfolio.get()
                )
                .fetch_all(&self.pool)
                .await?
            }
            AsOf::Publication(publication) => {
                sqlx::query_file_as!(Row, "src/store/published/sectors_kept.sql", portfolio.get(), publication)
                    .fetch_all(&self.pool)
                    .await?
            }
        };
        Ok(rows.into_iter().map(|row| SectorWeight { sector: row.sector, value: Money(row.value), weight: row.weight }).collect())
    }

    /// Bars' closes of these symbols, as traded, by symbol and day.
    pub(crate) async fn closes_between(&self, symbols: &[String], as_of: AsOf, from: NaiveDate, to: NaiveDate) -> Result<Vec<Close>> {
        Ok(match as_of {
            AsOf::Now => {
                sqlx::query_as!(
                    Close,
                    r#"select symbol, session_date, close from staging.prices
                       where symbol = any($1) and session_date between $2 and $3 and "timestamp" between $2::date and $3::date + 2
                       order by symbol, session_date"#,
                    symbols,
                    from,
                    to
                )
                .fetch_all(&self.pool)
                .await?
            }
            AsOf::Publication(publication) => {
                sqlx::query_as!(
                    Close,
                    r#"select symbol, session_date, close as "close!"
                       from (select distinct on (symbol, session_date) symbol, session_date, close, priced_on from ops.published_price
                             where symbol = any($1) and session_date between $2 and $3 and publication_id <= $4
                             order by symbol, session_date, publication_id desc) as latest
                       where priced_on = session_date and close is not null order by symbol, session_date"#,
                    symbols,
                    from,
                    to,
                    publication,
                )
                .fetch_all(&self.pool)
                .await?
            }
        })
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
