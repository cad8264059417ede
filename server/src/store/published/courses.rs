//! What a portfolio's holdings were worth at every close of a range, as the ledger landed it, now or for an earlier publication.

use super::AsOf;
use crate::{
    pipeline::ledger::{Quarters, quarter_of},
    store::{Result, Store},
};
use app::{
    analytics::{contribution::Whose, ledger::Moved},
    domain::{Money, PortfolioId, Symbol},
    performance::model::HoldingRecord,
};
use chrono::NaiveDate;
use std::collections::BTreeMap;

impl Store {
    /// Courses over these sessions, ascending; the first is the one with whose close a range opens. Those of now are to be read
    /// [steadily](Store::steadily); what a publication showed stays the same while others come.
    pub(in crate::store) async fn courses(
        &self,
        portfolio: PortfolioId,
        as_of: AsOf,
        sessions: &[NaiveDate],
        whose: Whose<'_>,
    ) -> Result<Vec<HoldingRecord>> {
        let (Some(first), Some(last)) = (sessions.first(), sessions.last()) else { return Ok(Vec::new()) };
        let only = match whose {
            Whose::Rest => None,
            Whose::Holding(symbol) => Some(vec![symbol.to_owned()]),
            Whose::Group(sector) => Some(self.symbols_of(portfolio, as_of, sector).await?),
        };
        // Of each key the row that was replaced first after what is asked for: the one that stands is behind all.
        let quarters = sqlx::query!(
            r#"select symbol, quarter, market_value as "market_value!: Vec<Option<i64>>", currency_gain
               from (select distinct on (symbol, quarter) * from ops.published_holding_quarter
                     where portfolio_id = $1 and quarter between $2 and $3 and replaced_by > $4 and ($5::text[] is null or symbol = any($5))
                     order by symbol, quarter, replaced_by) as shown
               where market_value is not null order by symbol, quarter"#,
            portfolio.get(),
            quarter_of(*first),
            last,
            as_of.replaced_after(),
            only.as_deref(),
        )
        .fetch_all(&self.pool)
        .await?;
        let moves = sqlx::query!(
            r#"select symbol, session_date, net as "net!", income as "income!", costs as "costs!", realized as "realized!",
                      invested as "invested!", is_unconverted as "is_unconverted!"
               from (select distinct on (symbol, session_date) * from ops.published_holding_move
                     where portfolio_id = $1 and session_date between $2 and $3 and replaced_by > $4 and ($5::text[] is null or symbol = any($5))
                     order by symbol, session_date, replaced_by) as shown
               where net is not null order by symbol, session_date"#,
            portfolio.get(),
            first,
            last,
            as_of.replaced_after(),
            only.as_deref(),
        )
        .fetch_all(&self.pool)
        .await?;
        let mut read = Quarters::of(sessions);
        for row in quarters {
            let Ok(symbol) = Symbol::parse(&row.symbol) else { continue };
            read.add(symbol, row.quarter, &row.market_value, row.currency_gain.as_deref());
        }
        for row in moves {
            let Ok(symbol) = Symbol::parse(&row.symbol) else { continue };
            let [net, invested, income, costs, realized] = [row.net, row.invested, row.income, row.costs, row.realized].map(Money);
            let moved = Moved { net, invested, income, costs, realized, is_unconverted: row.is_unconverted };
            read.course(symbol).moves.push((row.session_date, moved));
        }
        let mut courses = read.courses();
        let owed = self.owed(portfolio, as_of, *first, *last).await?;
        for course in &mut courses {
            let of = owed.iter().filter(|owed| owed.symbol == course.symbol.as_str());
            let of: Vec<_> = of.map(|owed| owed.from_date..=owed.to_date.unwrap_or(*last)).collect();
            if of.is_empty() {
                continue;
            }
            course.owed = sessions.iter().copied().filter(|session| of.iter().any(|owed| owed.contains(session))).collect();
        }
        let symbols = courses.iter().map(|course| course.symbol.as_str().to_owned()).collect();
        let mut names = self.named(portfolio, as_of, symbols).await?;
        let record = |course: app::analytics::ledger::HoldingCourse| {
            let symbol = course.symbol.as_str();
            let (name, sector) = names.remove(symbol).unwrap_or_else(|| (symbol.to_owned(), "Other".into()));
            HoldingRecord { course, name, sector }
        };
        Ok(courses.into_iter().map(record).collect())
    }

    /// Whatever was held of a sector.
    async fn symbols_of(&self, portfolio: PortfolioId, as_of: AsOf, sector: &str) -> Result<Vec<String>> {
        let held =
            sqlx::query_scalar!("select distinct symbol from ops.published_holding_quarter where portfolio_id = $1", portfolio.get());
        let named = self.named(portfolio, as_of, held.fetch_all(&self.pool).await?).await?;
        Ok(named.into_iter().filter(|(_, (_, of))| of == sector).map(|(symbol, _)| symbol).collect())
    }

    /// Can courses be told as they were then? Not of a publication of an older version.
    pub(crate) async fn keeps_courses(&self, as_of: AsOf) -> Result<bool> {
        let AsOf::Publication(publication) = as_of else { return Ok(true) };
        let keeps = sqlx::query_scalar!("select keeps_courses from ops.publication where publication_id = $1", publication);
        Ok(keeps.fetch_optional(&self.pool).await?.unwrap_or(false))
    }

    /// What accounts owed of each symbol in a range of days.
    async fn owed(&self, portfolio: PortfolioId, as_of: AsOf, first: NaiveDate, last: NaiveDate) -> Result<Vec<Owed>> {
        Ok(match as_of {
            AsOf::Now => {
                sqlx::query_as!(
                    Owed,
                    "select symbol, from_date, to_date from ledger.position
                     where portfolio_id = $1 and quantity < 0 and from_date <= $3 and coalesce(to_date >= $2, true)",
                    portfolio.get(),
                    first,
                    last,
                )
                .fetch_all(&self.pool)
                .await?
            }
            AsOf::Publication(publication) => {
                sqlx::query_as!(
                    Owed,
                    "select symbol, from_date, to_date
                     from (select distinct on (account_id, symbol, from_date) * from ops.published_position
                           where portfolio_id = $1 and publication_id <= $4
                           order by account_id, symbol, from_date, publication_id desc) as held
                     where not is_gone and quantity < 0 and from_date <= $3 and coalesce(to_date >= $2, true)",
                    portfolio.get(),
                    first,
                    last,
                    publication,
                )
                .fetch_all(&self.pool)
                .await?
            }
        })
    }

    /// Names and sectors as they were published; of what no publication knew, as they are known.
    async fn named(&self, portfolio: PortfolioId, as_of: AsOf, symbols: Vec<String>) -> Result<BTreeMap<String, (String, String)>> {
        let rows = sqlx::query_as!(
            Named,
            r#"select asked.symbol as "symbol!", coalesce(held.name, known.name, asked.symbol) as "name!",
                      coalesce(held.sector, known.sector, 'Other') as "sector!"
               from unnest($2::text[]) as asked (symbol)
               left join marts.holdings as held on held.portfolio_id = $1 and held.symbol = asked.symbol
               left join staging.instruments as known on known.symbol = asked.symbol"#,
            portfolio.get(),
            &symbols,
        );
        let rows = match as_of {
            AsOf::Now => rows.fetch_all(&self.pool).await?,
            AsOf::Publication(publication) => {
                sqlx::query_as!(
                    Named,
                    r#"select asked.symbol as "symbol!", coalesce(kept.name, asked.symbol) as "name!", coalesce(kept.sector, 'Other') as "sector!"
                       from unnest($2::text[]) as asked (symbol)
                       left join lateral (
                           select name, sector from ops.published_instrument as kept
                           where kept.symbol = asked.symbol and publication_id <= $1 order by publication_id desc limit 1
                       ) as kept on true"#,
                    publication,
                    &symbols,
                )
                .fetch_all(&self.pool)
                .await?
            }
        };
        Ok(rows.into_iter().map(|row| (row.symbol, (row.name, row.sector))).collect())
    }
}

/// An account owes shares from one session to another (`None`: still).
struct Owed {
    symbol: String,
    from_date: NaiveDate,
    to_date: Option<NaiveDate>,
}

struct Named {
    symbol: String,
    name: String,
    sector: String,
}
