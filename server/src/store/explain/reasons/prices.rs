//! Prices that became others: bars of another version, those that were set aside or let in, closes that a person entered.

use super::{LISTED, Stretch, more, reason};
use crate::store::{Result, Store};
use app::{explain::restated::Reason, format};
use rust_decimal::Decimal;

impl Store {
    /// Bars of what was ever held of which another version came and counts, beside the close that counted before; what moved most first.
    pub(super) async fn changed_bars(&self, stretch: &Stretch, held: &[String]) -> Result<Vec<Reason>> {
        let bars = sqlx::query!(
            r#"with moment as (
                   -- What was decided at these instants or later was decided after the old publication, and after the new one.
                   select coalesce((select min(changed_at) from ops.change where change_id > $2), 'infinity') as before,
                          coalesce((select min(changed_at) from ops.change where change_id > $3), 'infinity') as after
               ), touched as (
                   select held.symbol, min(change.from_date) as from_date
                   from ops.change as change inner join unnest($1::text[]) as held (symbol) on change.symbol is null or change.symbol = held.symbol
                   where change_id > $2 and change_id <= $3 and kind = 'bar' and change.portfolio_id = 0 and change.from_date <= $6
                   group by held.symbol
               )
               select bar.symbol, bar.session_date, bar.close, before.close as "old?", bar.response_id, answer.run_id as "run_id?",
                      answer.fetched_at as "at?", count(*) over () as "total!"
               from touched
               cross join moment
               inner join raw.market_data as bar on bar.symbol = touched.symbol and bar.session_date between touched.from_date and $6
                   and bar."timestamp" >= touched.from_date::timestamp at time zone 'America/New_York'
               left join raw.vendor_response as answer on answer.response_id = bar.response_id
               left join lateral (
                   -- The vendor's last good one, else what a person entered.
                   select close
                   from (select earlier.close, earlier.response_id, 1 as place from raw.market_data as earlier
                         where earlier.symbol = bar.symbol and earlier."timestamp" = bar."timestamp" and earlier.response_id < bar.response_id
                           and not exists (
                               select from ops.quarantine as aside
                               where aside.dataset = 'bars' and aside.symbol = earlier.symbol and aside.session_date = earlier.session_date
                                 and aside.response_id = earlier.response_id
                                 and (aside.released_at is null or aside.discarded_at is not null or aside.released_at >= moment.before))
                         union all
                         select entered.close, entered.version, 2
                         from (select * from book.price as entered
                               where entered.symbol = bar.symbol and entered.session_date = bar.session_date and entered.entered_at < moment.before
                               order by version desc limit 1) as entered
                         where not entered.is_deleted) as known
                   order by place, response_id desc limit 1
               ) as before on true
               where bar.response_id > $4 and bar.response_id <= $5 and bar.close is distinct from before.close and not exists (
                   select from ops.quarantine as aside
                   where aside.dataset = 'bars' and aside.symbol = bar.symbol and aside.session_date = bar.session_date
                     and aside.response_id = bar.response_id
                     and (aside.released_at is null or aside.discarded_at is not null or aside.released_at >= moment.after))
               order by abs(bar.close / nullif(before.close, 0) - 1) desc nulls last, bar.session_date, bar.symbol limit $7"#,
            held,
            stretch.after_change,
            stretch.change,
            stretch.after_response,
            stretch.response,
            stretch.last,
            LISTED,
        )
        .fetch_all(&self.pool)
        .await?;
        let more = more("bar", bars.first().map(|bar| bar.total), bars.len());
        let price = |close: Decimal| format::price(close.normalize());
        let listed = bars.into_iter().map(|bar| {
            let day = format::date(bar.session_date);
            let now = bar.close.map_or_else(
                || format!("{} has no close on {day}", bar.symbol),
                |close| format!("{} closed at {} on {day}", bar.symbol, price(close)),
            );
            let said = match bar.old {
                Some(old) => format!("{now}, not at {}.", price(old)),
                None => format!("{now}; no close of that day counted before."),
            };
            Reason {
                symbol: Some(bar.symbol),
                from: Some(bar.session_date),
                at: bar.at,
                run_id: bar.run_id,
                response_id: Some(bar.response_id),
                ..reason("bar", said)
            }
        });
        Ok(listed.chain(more).collect())
    }

    /// Bars that were set aside or let in by a run in between, or decided about by a person; closes that a person entered.
    pub(super) async fn decided(&self, stretch: &Stretch, held: &[String]) -> Result<Vec<Reason>> {
        let found = sqlx::query!(
            r#"with decision as (
                   -- A decision is written after its change began, and before the next one about the same close.
                   select change.*, coalesce((
                       select min(later.changed_at) from ops.change as later
                       where later.change_id > change.change_id and later.kind = 'bar' and later.run_id is null and later.symbol = change.symbol
                         and later.from_date = change.from_date), 'infinity') as ended_at
                   from ops.change as change
                   where change_id > $2 and change_id <= $3 and kind = 'bar' and run_id is null and symbol is not null
               ), event as (
                   select 'quarantine' as kind, aside.symbol, aside.session_date, aside.reason as said, aside.quarantined_at as at, aside.run_id,
                          aside.response_id, null::bigint as who
                   from ops.quarantine as aside
                   where dataset = 'bars' and aside.run_id > $4 and aside.run_id <= $5
                   union all
                   select case when aside.discarded_at is not null then 'discarded' else 'released' end, aside.symbol, aside.session_date, coalesce(aside.note, ''),
                          coalesce(aside.discarded_at, aside.released_at), null, aside.response_id, aside.decided_by
                   from ops.quarantine as aside
                   inner join decision on decision.symbol = aside.symbol and decision.from_date = aside.session_date
                   where dataset = 'bars' and coalesce(aside.discarded_at, aside.released_at) >= decision.changed_at
                     and coalesce(aside.discarded_at, aside.released_at) < decision.ended_at
                   union all
                   -- Nobody's word: a run found what explains it.
                   select 'released', aside.symbol, aside.session_date, 'What explains it has come.', aside.released_at, freed.run_id, aside.response_id, null
                   from ops.quarantine as aside
                   inner join ops.change as freed on freed.kind = 'bar' and freed.symbol = aside.symbol and freed.from_date <= aside.session_date
                       and freed.run_id is not null and freed.changed_at <= aside.released_at
                       and aside.released_at < coalesce((select min(changed_at) from ops.change where change_id > $3), 'infinity')
                   where dataset = 'bars' and decided_by is null and aside.discarded_at is null and freed.change_id > $2 and freed.change_id <= $3
                     and aside.run_id < freed.run_id
                   union all
                   select 'price', price.symbol, price.session_date,
                          case when price.is_deleted then 'taken back' else price.close::text end, price.entered_at, null, null, price.entered_by
                   from decision
                   inner join lateral (
                       select * from book.price as entered
                       where entered.symbol = decision.symbol and entered.session_date = decision.from_date
                         and entered.entered_at >= decision.changed_at and entered.entered_at < decision.ended_at
                       order by version limit 1
                   ) as price on true
               ), told as (
                   select distinct on (event.kind, event.symbol, event.session_date, event.at) event.*, person.display_name as by
                   from event left join auth."user" as person on person.user_id = event.who
                   where event.symbol = any($1) and event.session_date <= $6
                   order by event.kind, event.symbol, event.session_date, event.at, event.run_id
               )
               select kind as "kind!", symbol as "symbol!", session_date as "day!", said as "said!", at as "at!", run_id, response_id, by as "who?",
                      count(*) over () as "total!"
               from told order by at, symbol, session_date limit $7"#,
            held,
            stretch.after_change,
            stretch.change,
            stretch.after_run,
            stretch.run,
            stretch.last,
            LISTED,
        )
        .fetch_all(&self.pool)
        .await?;
        let more = more("quarantine", found.first().map(|found| found.total), found.len());
        let listed = found.into_iter().map(|found| {
            let of = format!("{}, close of {}", found.symbol, format::date(found.day));
            let said = match found.kind.as_str() {
                "quarantine" => format!("{of}: set aside. {}", found.said),
                "discarded" => format!("{of}: discarded. {}", found.said),
                "released" => format!("{of}: released. {}", found.said),
                _ => format!("{of}: entered by hand, {}.", found.said.trim_end_matches('0').trim_end_matches('.')),
            };
            Reason {
                symbol: Some(found.symbol),
                from: Some(found.day),
                at: Some(found.at),
                run_id: found.run_id,
                response_id: found.response_id,
                who: found.who,
                ..reason(&found.kind, said.trim_end())
            }
        });
        Ok(listed.chain(more).collect())
    }
}
