//! The sessions of a portfolio: values, flows and returns, beside the benchmark's.

use super::AsOf;
use crate::store::{Result, Store, portfolios::count};
use app::{
    analytics::sessions::PortfolioSession,
    domain::{Benchmark, Money, PortfolioId},
};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// A row of marts.portfolio_daily, or what was kept of it.
struct Row {
    session_date: NaiveDate,
    value: Option<Decimal>,
    inflow: Decimal,
    outflow: Decimal,
    net_contributions: Decimal,
    daily_return: Option<f64>,
    carried: i32,
    positions: i32,
    unrealized: Option<Decimal>,
    realized: Decimal,
    income: Decimal,
    costs: Decimal,
    brought_in: Decimal,
    cash_currency: Option<Decimal>,
    exact_value: Option<Decimal>,
    benchmark_price_return: Option<f64>,
    benchmark_total_return: Option<f64>,
    risk_free_rate: Option<f64>,
}

impl Row {
    fn session(self, benchmark: Benchmark) -> PortfolioSession {
        PortfolioSession {
            session_date: self.session_date,
            value: self.value.map(Money),
            inflow: Money(self.inflow),
            outflow: Money(self.outflow),
            net_contributions: Money(self.net_contributions),
            daily_return: self.daily_return,
            carried: count(self.carried),
            positions: count(self.positions),
            unrealized: self.unrealized.map(Money),
            realized: Money(self.realized),
            income: Money(self.income),
            costs: Money(self.costs),
            brought_in: Money(self.brought_in),
            cash_currency: self.cash_currency.map(Money),
            exact_value: self.exact_value.map(Money).or(self.value.map(Money)),
            benchmark_return: match benchmark {
                Benchmark::SpyTotalReturn => self.benchmark_total_return,
                Benchmark::SpyPriceReturn => self.benchmark_price_return,
            },
            risk_free_rate: self.risk_free_rate,
        }
    }
}

/// The last session of a portfolio.
pub(crate) struct LastDay {
    pub session_date: NaiveDate,
    pub value: Option<Money>,
    /// `None`: a currency of it has no rate.
    pub cash: Option<Money>,
    pub receivable: Option<Money>,
}

impl Store {
    /// All since the portfolio's first, ascending.
    pub(crate) async fn sessions(&self, portfolio: PortfolioId, as_of: AsOf, benchmark: Benchmark) -> Result<Vec<PortfolioSession>> {
        let rows = match as_of {
            AsOf::Now => {
                sqlx::query_as!(
                    Row,
                    "select session_date, value, inflow, outflow, net_contributions, daily_return, carried, positions, unrealized, realized, income,
                            costs, brought_in, cash_currency, exact_value, benchmark_price_return, benchmark_total_return, risk_free_rate
                     from marts.portfolio_daily where portfolio_id = $1 order by session_date",
                    portfolio.get()
                )
                .fetch_all(&self.pool)
                .await?
            }
            AsOf::Publication(publication) => {
                sqlx::query_as!(
                    Row,
                    r#"select day.session_date as "session_date!", value, inflow as "inflow!", outflow as "outflow!",
                              net_contributions as "net_contributions!", daily_return, carried as "carried!", positions as "positions!",
                              unrealized, realized as "realized!", income as "income!", costs as "costs!", brought_in as "brought_in!",
                              -- Of before it was kept, when nobody had another currency.
                              coalesce(cash_currency, 0) as cash_currency, exact_value,
                              beside.benchmark_price_return as "benchmark_price_return?",
                              beside.benchmark_total_return as "benchmark_total_return?", beside.risk_free_rate as "risk_free_rate?"
                       from (select distinct on (session_date) * from ops.published_portfolio_day
                             where portfolio_id = $1 and publication_id <= $2 order by session_date, publication_id desc) as day
                       left join (select distinct on (session_date) * from ops.published_session
                                  where publication_id <= $2 order by session_date, publication_id desc) as beside
                           on beside.session_date = day.session_date
                       where not day.is_gone order by day.session_date"#,
                    portfolio.get(),
                    publication,
                )
                .fetch_all(&self.pool)
                .await?
            }
        };
        Ok(rows.into_iter().map(|row| row.session(benchmark)).collect())
    }

    pub(crate) async fn last_day(&self, portfolio: PortfolioId, as_of: AsOf) -> Result<Option<LastDay>> {
        self.day(portfolio, as_of, None).await
    }

    /// One session, or the last.
    pub(crate) async fn day(&self, portfolio: PortfolioId, as_of: AsOf, session: Option<NaiveDate>) -> Result<Option<LastDay>> {
        struct Row {
            session_date: NaiveDate,
            value: Option<Decimal>,
            cash: Option<Decimal>,
            receivable: Option<Decimal>,
        }
        let row = match as_of {
            AsOf::Now => {
                sqlx::query_as!(
                    Row,
                    "select session_date, value, cash, receivable from marts.portfolio_daily
                     where portfolio_id = $1 and ($2::date is null or session_date = $2) order by session_date desc limit 1",
                    portfolio.get(),
                    session,
                )
                .fetch_optional(&self.pool)
                .await?
            }
            AsOf::Publication(publication) => {
                sqlx::query_as!(
                    Row,
                    r#"select session_date, value, cash, receivable
                       from (select distinct on (session_date) * from ops.published_portfolio_day
                             where portfolio_id = $1 and publication_id <= $2 and ($3::date is null or session_date = $3)
                             order by session_date, publication_id desc) as day
                       where not is_gone order by session_date desc limit 1"#,
                    portfolio.get(),
                    publication,
                    session,
                )
                .fetch_optional(&self.pool)
                .await?
            }
        };
        Ok(row.map(|row| LastDay {
            session_date: row.session_date,
            value: row.value.map(Money),
            cash: row.cash.map(Money),
            receivable: row.receivable.map(Money),
        }))
    }

    /// Sessions that were published before with other numbers, ascending.
    pub(crate) async fn restated(&self, portfolio: PortfolioId, as_of: AsOf) -> Result<Vec<NaiveDate>> {
        Ok(sqlx::query_scalar!(
            "select distinct session_date from ops.published_portfolio_day
             where portfolio_id = $1 and is_restated and publication_id <= $2 order by session_date",
            portfolio.get(),
            as_of.mark(),
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// The portfolio's sessions beside which the benchmark's return was shown before as another, ascending.
    pub(crate) async fn restated_benchmark(&self, portfolio: PortfolioId, as_of: AsOf, benchmark: Benchmark) -> Result<Vec<NaiveDate>> {
        Ok(sqlx::query_scalar!(
            "select distinct session_date
             from (select session_date, publication_id, shown_from, r, lag(r) over versions as old
                   from (select *, case when $3 then benchmark_price_return else benchmark_total_return end as r
                         from ops.published_session where publication_id <= $2) as session
                   inner join (select session_date, min(publication_id) as shown_from from ops.published_portfolio_day
                               where portfolio_id = $1 group by session_date) as own using (session_date)
                   window versions as (partition by session_date order by publication_id)
                  ) as version
             where publication_id > shown_from and r is distinct from old order by session_date",
            portfolio.get(),
            as_of.mark(),
            benchmark == Benchmark::SpyPriceReturn,
        )
        .fetch_all(&self.pool)
        .await?)
    }

    /// What was shown as the value of the session before the last until the last was published; `None` where both came at once.
    pub(crate) async fn shown_before(&self, portfolio: PortfolioId, as_of: AsOf, sessions: &[PortfolioSession]) -> Result<Option<Money>> {
        let [.., before, last] = sessions else { return Ok(None) };
        let shown = sqlx::query_scalar!(
            "select value from ops.published_portfolio_day
             where portfolio_id = $1 and session_date = $2 and publication_id < (
                 select min(publication_id) from ops.published_portfolio_day where portfolio_id = $1 and session_date = $3 and publication_id <= $4)
             order by publication_id desc limit 1",
            portfolio.get(),
            before.session_date,
            last.session_date,
            as_of.mark(),
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(shown.flatten().map(Money))
    }
}
