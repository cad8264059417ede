//! What a publication keeps for good: whatever pages show, only where it differs from what was shown before.

use crate::{
    pipeline::ledger::STANDS,
    warehouse::{self, Build},
};
use app::domain::PortfolioId;
use chrono::{Days, NaiveDate};
use serde_json::Value;
use sqlx::PgConnection;
use std::collections::BTreeMap;

/// Calendar days before the last session of which holdings show a small chart.
const CHARTED: Days = Days::new(50);
/// The exchange never closes for as long: an interval that ended before the first changed day ended within it.
const LONGEST_CLOSURE_DAYS: i32 = 10;

/// What is to be kept of a publication.
pub(super) struct Kept {
    pub publication_id: i64,
    pub through: NaiveDate,
    /// Rows of ops.change up to this one are in.
    pub change_id: i64,
    /// The mark of the publication before it.
    pub last_change_id: i64,
    /// Each portfolio that may show something else, from which day on, and up to which row of ops.change it stood before.
    pub changed: BTreeMap<PortfolioId, (NaiveDate, i64)>,
    /// Keeps everything once more: the tables were built anew, or nothing was kept so far.
    pub is_everything: bool,
}

impl Kept {
    /// Writes what differs. `build` says where the new marts stand.
    ///
    /// # Errors
    /// What Postgres says.
    pub async fn write(&self, connection: &mut PgConnection, build: &Build<'_>) -> Result<(), warehouse::Error> {
        let portfolios: Vec<i64> = self.changed.keys().map(|portfolio| portfolio.get()).collect();
        let from: Vec<NaiveDate> = self.changed.values().map(|(from, _)| *from).collect();
        let marks: Vec<i64> = self.changed.values().map(|(_, mark)| *mark).collect();
        self.days(connection, &portfolios, &from, &marks).await?;
        self.positions(connection, &portfolios, &from).await?;
        self.rates(connection, &portfolios, &from).await?;
        let changed =
            "inner join ledger.changed as changed on changed.portfolio_id = daily.portfolio_id and daily.session_date >= changed.from_date";
        let whose = if self.is_everything { "" } else { changed };
        let sessions = build
            .rows(connection, "portfolio_daily", |daily| {
                format!(
                    "select distinct on (daily.session_date) daily.session_date, benchmark_price_return, benchmark_total_return, risk_free_rate
                     from {daily} as daily {whose} order by daily.session_date"
                )
            })
            .await?;
        self.sessions(connection, &sessions).await?;
        let of_changed = if self.is_everything { "" } else { "where portfolio_id in (select portfolio_id from ledger.changed)" };
        let held = build
            .rows(connection, "holdings", |holdings| {
                format!(
                    "select distinct on (symbol, session_date) symbol, session_date, close, priced_on, previous_close, name, sector
                     from {holdings} {of_changed} order by symbol, session_date"
                )
            })
            .await?;
        let abroad = build
            .rows(connection, "holdings", |holdings| {
                format!(
                    "select holdings.portfolio_id, symbol, currency, rate, cost, value from {holdings} as holdings
                     inner join book.portfolio on portfolio.portfolio_id = holdings.portfolio_id
                     where holdings.portfolio_id in (select portfolio_id from ledger.changed) and (currency <> base_currency or cost is null)"
                )
            })
            .await?;
        self.abroad(connection, &portfolios, &abroad).await?;
        self.instruments(connection, &portfolios, &held).await?;
        self.prices(connection, &held).await?;
        self.past_prices(connection, &held).await?;
        self.splits(connection, &held).await?;
        Ok(())
    }

    async fn days(&self, connection: &mut PgConnection, portfolios: &[i64], from: &[NaiveDate], marks: &[i64]) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "with changed as (
                 select * from unnest($2::bigint[], $3::date[], $4::bigint[]) as changed (portfolio_id, from_date, mark)
             ), shown as (
                 select distinct on (day.portfolio_id, day.session_date) day.*
                 from ops.published_portfolio_day as day
                 inner join changed on changed.portfolio_id = day.portfolio_id and day.session_date >= changed.from_date
                 order by day.portfolio_id, day.session_date, day.publication_id desc
             ), standing as (
                 select day.*, (day.total_inflow - day.total_outflow)::numeric(19, 4) as net_contributions
                 from ledger.portfolio_day as day
                 inner join changed on changed.portfolio_id = day.portfolio_id and day.session_date >= changed.from_date
             ), compared as (
                 select portfolio_id, session_date, now.value, coalesce(now.inflow, 0) as inflow, coalesce(now.outflow, 0) as outflow,
                        now.daily_return, now.cash, now.receivable, now.net_contributions, now.carried, now.positions, now.unrealized,
                        now.realized, now.income, now.costs, now.brought_in, now.cash_currency, now.exact_value, now.carried is null as is_gone,
                        shown.publication_id is not null as is_known, shown.is_gone is null as is_brief,
                        (now.value, coalesce(now.inflow, 0), coalesce(now.outflow, 0), now.daily_return)
                            is distinct from (shown.value, shown.inflow, shown.outflow, shown.daily_return) as differs,
                        (now.cash, now.receivable, now.net_contributions, now.carried, now.positions, now.unrealized, now.realized, now.income,
                         now.costs, now.brought_in, now.cash_currency, now.exact_value, now.carried is null)
                            is distinct from (shown.cash, shown.receivable, shown.net_contributions, shown.carried, shown.positions,
                         shown.unrealized, shown.realized, shown.income, shown.costs, shown.brought_in, shown.cash_currency, shown.exact_value, shown.is_gone) as differs_beyond
                 from standing as now full outer join shown using (portfolio_id, session_date)
             ), kept as (
                 insert into ops.published_portfolio_day (portfolio_id, session_date, publication_id, value, inflow, outflow, daily_return, cash,
                     receivable, net_contributions, carried, positions, unrealized, realized, income, costs, brought_in, cash_currency, exact_value, is_gone, is_restated)
                 select portfolio_id, session_date, $1, value, inflow, outflow, daily_return, cash, receivable, net_contributions, carried, positions,
                        unrealized, realized, income, costs, brought_in, cash_currency, exact_value, is_gone, is_known and (differs or differs_beyond and not is_brief)
                 from compared where differs or differs_beyond
                 returning portfolio_id, session_date, is_restated
             )
             insert into ops.restatement (portfolio_id, publication_id, after_change_id, change_id, sessions, first_session, last_session)
             select kept.portfolio_id, $1, changed.mark, $5, count(*), min(session_date), max(session_date)
             from kept inner join changed on changed.portfolio_id = kept.portfolio_id
             where is_restated group by kept.portfolio_id, changed.mark",
            self.publication_id,
            portfolios,
            from,
            marks,
            self.change_id,
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn positions(&self, connection: &mut PgConnection, portfolios: &[i64], from: &[NaiveDate]) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "with changed as (
                 select portfolio_id, from_date - $4::int as ended_after from unnest($2::bigint[], $3::date[]) as changed (portfolio_id, from_date)
             ), shown as (
                 select latest.*
                 from (select distinct on (held.portfolio_id, held.account_id, held.symbol, held.from_date) held.*
                       from ops.published_position as held inner join changed on changed.portfolio_id = held.portfolio_id
                       order by held.portfolio_id, held.account_id, held.symbol, held.from_date, held.publication_id desc) as latest
                 inner join changed on changed.portfolio_id = latest.portfolio_id
                 where coalesce(latest.to_date >= changed.ended_after, true)
             ), standing as (
                 select held.* from ledger.position as held inner join changed on changed.portfolio_id = held.portfolio_id
                 where coalesce(held.to_date >= changed.ended_after, true)
             )
             insert into ops.published_position (portfolio_id, account_id, symbol, from_date, publication_id, to_date, quantity, cost, is_gone, currency)
             select portfolio_id, account_id, symbol, from_date, $1, now.to_date, coalesce(now.quantity, 0), coalesce(now.cost, 0), now.quantity is null,
                    now.currency
             from standing as now full outer join shown using (portfolio_id, account_id, symbol, from_date)
             where (now.to_date, coalesce(now.quantity, 0), coalesce(now.cost, 0), now.quantity is null, now.currency)
                   is distinct from (shown.to_date, shown.quantity, shown.cost, shown.is_gone, shown.currency)",
            self.publication_id,
            portfolios,
            from,
            LONGEST_CLOSURE_DAYS,
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    /// What past sessions were valued with: a portfolio of one currency has none.
    async fn rates(&self, connection: &mut PgConnection, portfolios: &[i64], from: &[NaiveDate]) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "with changed as (
                 select * from unnest($2::bigint[], $3::date[]) as changed (portfolio_id, from_date)
             ), shown as (
                 select distinct on (used.portfolio_id, used.currency, used.session_date) used.*
                 from ops.published_rate as used
                 inner join changed on changed.portfolio_id = used.portfolio_id and used.session_date >= changed.from_date
                 order by used.portfolio_id, used.currency, used.session_date, used.publication_id desc
             ), standing as (
                 select used.* from ledger.rate as used
                 inner join changed on changed.portfolio_id = used.portfolio_id and used.session_date >= changed.from_date
             )
             insert into ops.published_rate (portfolio_id, currency, session_date, publication_id, rate)
             select portfolio_id, currency, session_date, $1, now.rate
             from standing as now full outer join shown using (portfolio_id, currency, session_date)
             where now.rate is distinct from shown.rate",
            self.publication_id,
            portfolios,
            from,
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn sessions(&self, connection: &mut PgConnection, sessions: &Value) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "insert into ops.published_session (session_date, publication_id, benchmark_price_return, benchmark_total_return, risk_free_rate)
             select now.session_date, $1, now.benchmark_price_return, now.benchmark_total_return, now.risk_free_rate
             from jsonb_to_recordset($2) as now (session_date date, benchmark_price_return float8, benchmark_total_return float8, risk_free_rate float8)
             left join lateral (
                 select * from ops.published_session as kept where kept.session_date = now.session_date order by publication_id desc limit 1
             ) as shown on true
             where shown.session_date is null
                or (now.benchmark_price_return, now.benchmark_total_return, now.risk_free_rate)
                   is distinct from (shown.benchmark_price_return, shown.benchmark_total_return, shown.risk_free_rate)",
            self.publication_id,
            sessions,
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    /// What can't be worked out again from quantity and close.
    async fn abroad(&self, connection: &mut PgConnection, portfolios: &[i64], abroad: &Value) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "with shown as (
                 select * from (
                     select distinct on (portfolio_id, symbol) * from ops.published_foreign_holding
                     where portfolio_id = any($2) order by portfolio_id, symbol, publication_id desc) as latest
                 where not is_gone
             ), standing as (
                 select * from jsonb_to_recordset($3)
                     as now (portfolio_id bigint, symbol text, currency text, rate numeric(28, 10), cost numeric(19, 4), value numeric(19, 4))
             )
             insert into ops.published_foreign_holding (portfolio_id, symbol, publication_id, currency, rate, cost, value, is_gone)
             select portfolio_id, symbol, $1, now.currency, now.rate, now.cost, now.value, now.currency is null
             from standing as now full outer join shown using (portfolio_id, symbol)
             where (now.currency, now.rate, now.cost, now.value) is distinct from (shown.currency, shown.rate, shown.cost, shown.value)",
            self.publication_id,
            portfolios,
            abroad,
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    /// Of what is held, and of what was once.
    async fn instruments(&self, connection: &mut PgConnection, portfolios: &[i64], held: &Value) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "insert into ops.published_instrument (symbol, publication_id, name, sector)
             select now.symbol, $1, now.name, now.sector
             from (select distinct on (symbol) symbol, name, sector
                   from (select * from jsonb_to_recordset($2) as held (symbol text, session_date date, name text, sector text)
                         union all
                         select moved.symbol, null, coalesce(instrument.name, moved.symbol), coalesce(instrument.sector, 'Other')
                         from (select distinct symbol from ops.published_holding_move
                               where portfolio_id = any($3) and replaced_by = $4) as moved
                         left join staging.instruments as instrument on instrument.symbol = moved.symbol) as known
                   order by symbol, session_date desc nulls last) as now
             left join lateral (
                 select * from ops.published_instrument as kept where kept.symbol = now.symbol order by publication_id desc limit 1
             ) as shown on true
             where shown.symbol is null or (now.name, now.sector) is distinct from (shown.name, shown.sector)",
            self.publication_id,
            held,
            portfolios,
            STANDS,
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    /// Closes of the weeks before: all of a symbol that wasn't shown in the session before, else those that changed since the last
    /// publication; of older ones those that were kept before.
    /// Quarantine's times are those of transactions that may have ended later: a day is more than any lasts.
    async fn past_prices(&self, connection: &mut PgConnection, held: &Value) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "with held as (
                 select distinct symbol from jsonb_to_recordset($2) as held (symbol text)
             ), touched as (
                 select symbol, min(from_date) as from_date
                 from (select symbol, $3::date as from_date from held
                       where not exists (
                           select from ops.published_price as kept inner join ledger.session on kept.session_date = session.previous_session_date
                           where kept.symbol = held.symbol and kept.publication_id < $1 and session.session_date = $4)
                       union all
                       select held.symbol, greatest(least($3::date, (
                           select min(session_date) from ops.published_price as kept where kept.symbol = held.symbol)), change.from_date)
                       from ops.change as change inner join held on change.symbol is null or change.symbol = held.symbol
                       where change_id > $5 and change_id <= $6 and kind = 'bar' and change.from_date < $4
                       union all
                       select held.symbol, set_aside.session_date
                       from ops.quarantine as set_aside inner join held on held.symbol = set_aside.symbol
                       where dataset = 'bars' and session_date < $4
                         and greatest(quarantined_at, released_at, discarded_at) > coalesce(
                             (select max(published_at) from ops.publication where publication_id < $1), 'epoch'::timestamptz) - interval '1 day'
                 ) as each group by symbol
             ), shown as (
                 select distinct on (kept.symbol, kept.session_date) kept.*
                 from ops.published_price as kept
                 inner join touched on touched.symbol = kept.symbol and kept.session_date >= touched.from_date and kept.session_date < $4
                 order by kept.symbol, kept.session_date, kept.publication_id desc
             ), standing as (
                 select bar.symbol, bar.session_date, bar.close, bar.response_id
                 from touched
                 inner join lateral (
                     select symbol, session_date, close, response_id from staging.prices as bar
                     where bar.symbol = touched.symbol and bar.\"timestamp\" >= touched.from_date::timestamp at time zone 'America/New_York'
                       and bar.\"timestamp\" < $4::date::timestamp at time zone 'America/New_York'
                 ) as bar on true
             )
             insert into ops.published_price (symbol, session_date, publication_id, close, priced_on, previous_close, response_id)
             select symbol, session_date, $1, now.close, case when now.close is not null then session_date end, shown.previous_close, now.response_id
             from standing as now full outer join shown using (symbol, session_date)
             -- Where a close was carried, it stays: without a bar the session has no point in a chart.
             where (now.symbol is not null or shown.priced_on = session_date) and (session_date >= $3 or shown.symbol is not null) and shown.publication_id is distinct from $1
               and (now.close, now.response_id) is distinct from (shown.close, shown.response_id)",
            self.publication_id,
            held,
            self.through.checked_sub_days(CHARTED).unwrap_or(self.through),
            self.through,
            if self.is_everything { 0 } else { self.last_change_id },
            self.change_id,
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn prices(&self, connection: &mut PgConnection, held: &Value) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "insert into ops.published_price (symbol, session_date, publication_id, close, priced_on, previous_close, response_id)
             select now.symbol, now.session_date, $1, now.close, now.priced_on, now.previous_close, bar.response_id
             from jsonb_to_recordset($2)
                  as now (symbol text, session_date date, close numeric(28, 10), priced_on date, previous_close numeric(28, 10))
             left join lateral (
                 select response_id from staging.prices as bar
                 where bar.symbol = now.symbol and bar.\"timestamp\" = now.priced_on::timestamp at time zone 'America/New_York' limit 1
             ) as bar on true
             left join lateral (
                 select * from ops.published_price as kept
                 where kept.symbol = now.symbol and kept.session_date = now.session_date order by publication_id desc limit 1
             ) as shown on true
             where shown.symbol is null
                or (now.close, now.priced_on, now.previous_close, bar.response_id)
                   is distinct from (shown.close, shown.priced_on, shown.previous_close, shown.response_id)",
            self.publication_id,
            held,
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn splits(&self, connection: &mut PgConnection, held: &Value) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "with held as (
                 select distinct symbol from jsonb_to_recordset($2) as held (symbol text)
             ), shown as (
                 select distinct on (kept.symbol, kept.execution_date) kept.* from ops.published_split as kept inner join held using (symbol)
                 order by kept.symbol, kept.execution_date, kept.publication_id desc
             ), standing as (
                 select split.* from staging.splits as split inner join held using (symbol)
             )
             insert into ops.published_split (symbol, execution_date, publication_id, split_from, split_to)
             select symbol, execution_date, $1, now.split_from, now.split_to
             from standing as now full outer join shown using (symbol, execution_date)
             where (now.split_from, now.split_to) is distinct from (shown.split_from, shown.split_to)",
            self.publication_id,
            held,
        )
        .execute(connection)
        .await?;
        Ok(())
    }
}
