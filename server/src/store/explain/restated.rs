//! Published numbers that moved: which, from what to what, when, and why.

use super::{prices::BENCHMARK, reasons::Stretch};
use crate::store::{Result, Store};
use app::{
    domain::{Benchmark, PortfolioId, Scope, UserId},
    explain::restated::{Moved, RestatedDay, Restatement, Restatements},
    format,
};
use chrono::NaiveDate;
use rust_decimal::Decimal;

impl Store {
    /// Of the scope's portfolio, newest first; pages count from 1.
    pub async fn restatements(&self, user: UserId, scope: Scope, page: u32) -> Result<Restatements> {
        let Some(portfolio) = self.shown(user, scope).await? else {
            return Ok(Restatements { currency: String::new(), rows: Vec::new(), has_more: false });
        };
        let Some(as_of) = self.as_of(portfolio.id, scope.as_known_on).await? else {
            return Ok(Restatements { currency: portfolio.currency, rows: Vec::new(), has_more: false });
        };
        let skipped = i64::from(page.max(1) - 1) * Restatements::SHOWN as i64;
        let found = sqlx::query!(
            r#"with own as (
                   select * from ops.restatement where portfolio_id = $1
               ), beside as (
                   -- Only what this portfolio had shown before can have moved.
                   select publication_id, count(*) as sessions, min(session_date) as first_session, max(session_date) as last_session
                   from (select session_date, publication_id, shown_from, benchmark, lag(benchmark) over versions as old
                         from (select *, case when $5 then benchmark_price_return else benchmark_total_return end as benchmark
                               from ops.published_session) as session
                         inner join (select session_date, min(publication_id) as shown_from from ops.published_portfolio_day
                                     where portfolio_id = $1 group by session_date) as own_session using (session_date)
                         window versions as (partition by session_date order by publication_id)) as version
                   where publication_id > shown_from and benchmark is distinct from old
                   group by publication_id
               )
               select publication.publication_id, publication.published_at, publication.run_id,
                      coalesce(own.sessions, 0) as "sessions!", coalesce(beside.sessions, 0) as "benchmark_sessions!",
                      least(own.first_session, beside.first_session) as "first_session!", greatest(own.last_session, beside.last_session) as "last_session!",
                      coalesce(own.after_change_id, before.change_id) as "after_change_id!", publication.change_id,
                      publication.response_id, publication.replaced_models, publication.program,
                      before.response_id as before_response_id, before.run_id as before_run_id, before.program as before_program
               from own full outer join beside using (publication_id) inner join ops.publication as publication using (publication_id)
               inner join lateral (
                   select * from ops.publication as earlier
                   where earlier.publication_id < publication.publication_id and ($1 = any(portfolios) or not keeps_all)
                   order by earlier.publication_id desc limit 1
               ) as before on true
               where publication.publication_id <= $2
               order by publication.publication_id desc offset $3 limit $4"#,
            portfolio.id.get(),
            as_of.mark(),
            skipped,
            Restatements::SHOWN as i64 + 1,
            scope.benchmark == Benchmark::SpyPriceReturn,
        )
        .fetch_all(&self.pool)
        .await?;
        let has_more = found.len() > Restatements::SHOWN;
        let mut rows = Vec::new();
        for found in found.into_iter().take(Restatements::SHOWN) {
            let stretch = Stretch {
                portfolio: portfolio.id,
                benchmark: (found.benchmark_sessions > 0).then_some(BENCHMARK),
                after_change: found.after_change_id,
                change: found.change_id,
                after_response: found.before_response_id,
                response: found.response_id,
                after_run: found.before_run_id,
                run: found.run_id,
                last: found.last_session,
                replaced_models: found.replaced_models,
                programs: (found.before_program, found.program),
            };
            rows.push(Restatement {
                publication_id: found.publication_id,
                published_at: found.published_at,
                run_id: found.run_id,
                sessions: found.sessions.unsigned_abs(),
                benchmark_sessions: u32::try_from(found.benchmark_sessions).unwrap_or(u32::MAX),
                first: found.first_session,
                last: found.last_session,
                days: with_benchmark(
                    self.restated_days(portfolio.id, found.publication_id).await?,
                    self.benchmark_days(portfolio.id, found.publication_id, scope.benchmark).await?,
                ),
                reasons: self.reasons(&stretch).await?,
            });
        }
        Ok(Restatements { currency: portfolio.currency, rows, has_more })
    }

    /// The days that a publication moved most, in their order.
    async fn restated_days(&self, portfolio: PortfolioId, publication: i64) -> Result<Vec<RestatedDay>> {
        let days = sqlx::query!(
            r#"select * from (
                   select new.session_date, old.value as old_value, new.value as new_value, old.daily_return as old_return, new.daily_return as new_return,
                          old.inflow - old.outflow as "old_flow!", new.inflow - new.outflow as "new_flow!",
                          old.cash as old_cash, new.cash as new_cash, old.unrealized as old_unrealized, new.unrealized as new_unrealized,
                          old.income as old_income, new.income as new_income, old.costs as old_costs, new.costs as new_costs,
                          old.receivable as old_receivable, new.receivable as new_receivable, old.realized as old_realized, new.realized as new_realized,
                          old.brought_in as old_brought_in, new.brought_in as new_brought_in,
                          old.cash_currency as old_cash_currency, new.cash_currency as new_cash_currency
                   from ops.published_portfolio_day as new
                   inner join lateral (
                       select * from ops.published_portfolio_day as earlier
                       where earlier.portfolio_id = new.portfolio_id and earlier.session_date = new.session_date
                         and earlier.publication_id < new.publication_id
                       order by publication_id desc limit 1
                   ) as old on true
                   where new.portfolio_id = $1 and new.publication_id = $2 and new.is_restated
                   order by abs(coalesce(new.value, 0) - coalesce(old.value, 0)) desc, abs(coalesce(new.daily_return, 0) - coalesce(old.daily_return, 0)) desc,
                            new.session_date
                   limit $3) as largest
               order by session_date"#,
            portfolio.get(),
            publication,
            Restatement::DAYS as i64,
        )
        .fetch_all(&self.pool)
        .await?;
        let days = days.into_iter().map(|day| {
            let mut moved = Vec::new();
            let mut money = |figure: &str, old: Option<Decimal>, new: Option<Decimal>| {
                if old != new {
                    moved.push(told(figure, old, new, format::money_to));
                }
            };
            money("Value", day.old_value, day.new_value);
            money("Paid in, less taken out", Some(day.old_flow), Some(day.new_flow));
            // What an older version of the program didn't keep can't be compared.
            if day.old_cash.is_some() {
                money("Cash", day.old_cash, day.new_cash);
                money("Dividends due", day.old_receivable, day.new_receivable);
                money("Unrealized", day.old_unrealized, day.new_unrealized);
                money("Realized so far", day.old_realized, day.new_realized);
                money("Income so far", day.old_income, day.new_income);
                money("Fees and taxes so far", day.old_costs, day.new_costs);
                money("Gain brought in with securities", day.old_brought_in, day.new_brought_in);
            }
            if day.old_cash_currency.is_some() {
                money("Currency, of cash, so far", day.old_cash_currency, day.new_cash_currency);
            }
            if day.old_return != day.new_return {
                moved.push(told("Return of the day", day.old_return, day.new_return, format::signed_percent_to));
            }
            RestatedDay { session_date: day.session_date, moved }
        });
        Ok(days.collect())
    }

    /// The benchmark's days that a publication moved most.
    async fn benchmark_days(&self, portfolio: PortfolioId, publication: i64, benchmark: Benchmark) -> Result<Vec<(NaiveDate, Moved)>> {
        let days = sqlx::query!(
            r#"select * from (
                   select new.session_date,
                          case when $3 then old.benchmark_price_return else old.benchmark_total_return end as old,
                          case when $3 then new.benchmark_price_return else new.benchmark_total_return end as new
                   from ops.published_session as new
                   inner join lateral (
                       select * from ops.published_session as earlier
                       where earlier.session_date = new.session_date and earlier.publication_id < new.publication_id
                       order by publication_id desc limit 1
                   ) as old on true
                   where new.publication_id = $2 and exists (
                       select from ops.published_portfolio_day as own
                       where own.portfolio_id = $1 and own.session_date = new.session_date and own.publication_id < $2)
               ) as day
               where old is distinct from new
               order by abs(coalesce(new, 0) - coalesce(old, 0)) desc, session_date limit $4"#,
            portfolio.get(),
            publication,
            benchmark == Benchmark::SpyPriceReturn,
            Restatement::DAYS as i64,
        );
        let moved = |old, new| told("Return of SPY", old, new, format::signed_percent_to);
        Ok(days.fetch_all(&self.pool).await?.into_iter().map(|day| (day.session_date, moved(day.old, day.new))).collect())
    }
}

/// As pages show it; where that reads alike, with as many decimals as it takes.
fn told<T: Copy>(figure: &str, old: Option<T>, new: Option<T>, text: fn(T, usize) -> String) -> Moved {
    let [old, new] = match (old, new) {
        (Some(old), Some(new)) => format::apart(old, new, text),
        (old, new) => [old, new].map(|number| number.map(|number| text(number, 2)).unwrap_or_default()),
    };
    Moved { figure: figure.into(), old, new }
}

/// The benchmark's numbers among the portfolio's, by day.
fn with_benchmark(mut days: Vec<RestatedDay>, beside: Vec<(NaiveDate, Moved)>) -> Vec<RestatedDay> {
    for (session_date, moved) in beside {
        let has_room = days.len() < Restatement::DAYS;
        match days.iter_mut().find(|day| day.session_date == session_date) {
            Some(day) => day.moved.push(moved),
            None if has_room => days.push(RestatedDay { session_date, moved: vec![moved] }),
            None => {}
        }
    }
    days.sort_by_key(|day| day.session_date);
    days
}
