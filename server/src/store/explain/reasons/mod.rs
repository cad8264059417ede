//! Why published numbers moved: every input that changed between two publications and touches the portfolio and its days. By stored
//! keys: the marks of both publications in ops.change and in the vendors' answers; where several could be it, all are listed.

mod prices;

use crate::store::{Result, Store};
use app::{
    domain::{Money, PortfolioId},
    explain::restated::Reason,
    format,
};
use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;

/// Reasons of one kind that are listed.
const LISTED: i64 = 20;

/// From the publication that showed the old numbers to the one that moved them.
pub(super) struct Stretch {
    pub portfolio: PortfolioId,
    /// Where its numbers moved too.
    pub benchmark: Option<&'static str>,
    /// Changes and answers after these are new,
    pub after_change: i64,
    pub after_response: i64,
    pub after_run: i64,
    /// and up to these.
    pub change: i64,
    pub response: i64,
    pub run: i64,
    /// The last session that moved: what begins later is no reason.
    pub last: NaiveDate,
    pub replaced_models: Vec<String>,
    /// The program's version before and after.
    pub programs: (String, String),
}

/// What a list of a kind leaves out.
fn more(kind: &str, total: Option<i64>, listed: usize) -> Option<Reason> {
    let left = usize::try_from(total?).ok()?.checked_sub(listed).filter(|left| *left > 0)?;
    Some(reason(kind, format!("And {left} more of this kind.")))
}

fn reason(kind: &str, said: impl Into<String>) -> Reason {
    Reason { kind: kind.into(), said: said.into(), symbol: None, from: None, at: None, run_id: None, response_id: None, who: None }
}

impl Store {
    pub(super) async fn reasons(&self, stretch: &Stretch) -> Result<Vec<Reason>> {
        let mut reasons: Vec<Reason> =
            stretch.replaced_models.iter().map(|model| reason("model", format!("The model {model} became another version."))).collect();
        if stretch.programs.0 != stretch.programs.1 && !stretch.programs.0.is_empty() {
            reasons.push(reason("program", format!("The program went from version {} to {}.", stretch.programs.0, stretch.programs.1)));
        }
        let held = self.touchable(stretch).await?;
        let (bars, events, entered, decided, rest) = tokio::try_join!(
            self.changed_bars(stretch, &held),
            self.changed_events(stretch, &held),
            self.changed_entries(stretch),
            self.decided(stretch, &held),
            self.other_changes(stretch),
        )?;
        reasons.extend(bars.into_iter().chain(events).chain(entered).chain(decided).chain(rest));
        if reasons.is_empty() {
            reasons.push(reason("unknown", "No stored change explains it."));
        }
        Ok(reasons)
    }

    /// Whatever was ever held, and the benchmark where it moved too: what else changed is no reason.
    async fn touchable(&self, stretch: &Stretch) -> Result<Vec<String>> {
        let held =
            sqlx::query_scalar!("select distinct symbol from ops.published_position where portfolio_id = $1", stretch.portfolio.get());
        let held = held.fetch_all(&self.pool).await?.into_iter();
        Ok(held.chain(stretch.benchmark.map(str::to_owned)).collect())
    }

    /// Splits and dividends that came or changed.
    async fn changed_events(&self, stretch: &Stretch, held: &[String]) -> Result<Vec<Reason>> {
        let events = sqlx::query!(
            r#"with event as (
                   select 'split' as kind, symbol, execution_date as day, split_to::text || ' for ' || split_from::text as said, split_to as first,
                          split_from as second, response_id from raw.split
                   union all
                   select 'dividend', symbol, ex_dividend_date, cash_amount::text, cash_amount, null, response_id from raw.dividend
               )
               select event.kind as "kind!", event.symbol as "symbol!", event.day as "day!", event.first as "first!", event.second,
                      event.response_id as "response_id!", answer.run_id as "run_id?", answer.fetched_at as "at?", count(*) over () as "total!"
               from event left join raw.vendor_response as answer on answer.response_id = event.response_id
               where event.symbol = any($1) and event.response_id > $4 and event.response_id <= $5 and event.day <= $6 and exists (
                   select from ops.change as change where change_id > $2 and change_id <= $3 and change.kind = event.kind
                      and coalesce(change.symbol = event.symbol, true) and change.from_date <= event.day)
               order by event.day limit $7"#,
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
        let more = more("event", events.first().map(|event| event.total), events.len());
        Ok(events
            .into_iter()
            .map(|event| {
                let day = format::date(event.day);
                let said = match event.second {
                    Some(from) => format!("{} split {} for {} on {day}.", event.symbol, event.first.normalize(), from.normalize()),
                    None => format!("{} pays {} a share; it went ex on {day}.", event.symbol, event.first.normalize()),
                };
                Reason {
                    symbol: Some(event.symbol),
                    from: Some(event.day),
                    at: event.at,
                    run_id: event.run_id,
                    response_id: Some(event.response_id),
                    ..reason(&event.kind, said)
                }
            })
            .chain(more)
            .collect())
    }

    /// Versions of transactions: each was written by the same database transaction as its row of ops.change, and so at the same instant.
    async fn changed_entries(&self, stretch: &Stretch) -> Result<Vec<Reason>> {
        let entries = sqlx::query!(
            r#"select entry.version, entry.traded_on, entry.type as kind, entry.symbol, entry.quantity, entry.amount, entry.is_deleted, entry.entered_at,
                      before.amount as "old_amount?", before.quantity as "old_quantity?", before.traded_on as "old_day?", person.display_name as "who?",
                      count(*) over () as "total!"
               from (select distinct changed_at from ops.change
                     where change_id > $2 and change_id <= $3 and kind = 'transaction' and portfolio_id = $1) as change
               inner join book.transaction as entry on entry.portfolio_id = $1 and entry.entered_at = change.changed_at
               left join book.transaction as before on before.portfolio_id = entry.portfolio_id and before.transaction_id = entry.transaction_id
                   and before.version = entry.version - 1
               left join auth."user" as person on person.user_id = entry.entered_by
               where least(entry.traded_on, before.traded_on) <= $4
               order by entry.transaction_id, entry.version limit $5"#,
            stretch.portfolio.get(),
            stretch.after_change,
            stretch.change,
            stretch.last,
            LISTED,
        )
        .fetch_all(&self.pool)
        .await?;
        let more = more("transaction", entries.first().map(|entry| entry.total), entries.len());
        Ok(entries
            .into_iter()
            .map(|entry| {
                let about = |day: NaiveDate, quantity: Option<Decimal>, amount: Decimal| {
                    let of = match (&entry.symbol, quantity) {
                        (Some(symbol), Some(quantity)) => format!(" of {} {symbol}", format::quantity(quantity.normalize())),
                        (Some(symbol), None) => format!(" of {symbol}"),
                        _ => String::new(),
                    };
                    format!("{}{of} on {}, {}", format::identifier(&entry.kind), format::date(day), format::money(Money(amount)))
                };
                let now = about(entry.traded_on, entry.quantity, entry.amount);
                let before = entry.old_day.zip(entry.old_amount).map(|(day, amount)| about(day, entry.old_quantity, amount));
                let said = match (entry.is_deleted, before) {
                    (true, _) => format!("{now}: deleted."),
                    (false, Some(before)) => format!("{now}: corrected; before: {before}."),
                    (false, None) => format!("{now}: entered."),
                };
                Reason {
                    symbol: entry.symbol.clone(),
                    from: Some(entry.old_day.map_or(entry.traded_on, |old| old.min(entry.traded_on))),
                    at: Some(entry.entered_at),
                    who: entry.who,
                    ..reason("transaction", said)
                }
            })
            .chain(more)
            .collect())
    }

    /// What else was noted: a broker's activities, how an account is kept, exchange rates.
    async fn other_changes(&self, stretch: &Stretch) -> Result<Vec<Reason>> {
        struct Noted {
            kind: String,
            from_date: NaiveDate,
            changed_at: DateTime<Utc>,
            run_id: Option<i64>,
            total: i64,
        }
        let noted = sqlx::query_as!(
            Noted,
            r#"select kind, min(from_date) as "from_date!", max(changed_at) as "changed_at!", run_id, count(*) over () as "total!" from ops.change
               where change_id > $2 and change_id <= $3 and (
                   portfolio_id = $1 and (kind = 'account' or kind = 'activity' and from_date <= $4)
                   or portfolio_id = 0 and kind = 'exchange_rate' and from_date <= $4 and (
                       symbol in (select currency from ops.published_foreign_holding where portfolio_id = $1)
                       or exists (select from book.portfolio where portfolio_id = $1 and base_currency <> 'USD'))
                   or portfolio_id = 0 and kind = 'instrument'
                       and symbol in (select symbol from ops.published_foreign_holding where portfolio_id = $1))
               group by kind, run_id order by 3 limit $5"#,
            stretch.portfolio.get(),
            stretch.after_change,
            stretch.change,
            stretch.last,
            LISTED,
        )
        .fetch_all(&self.pool)
        .await?;
        let more = more("other", noted.first().map(|noted| noted.total), noted.len());
        let said = |kind: &str, from: NaiveDate| match kind {
            "account" => "How an account is kept was changed.".to_owned(),
            "exchange_rate" => format!("Other exchange rates came from {} on.", format::date(from)),
            "instrument" => "The vendor describes a security in another currency anew.".to_owned(),
            _ => format!("The broker reported activities from {} on.", format::date(from)),
        };
        Ok(noted
            .into_iter()
            .map(|noted| Reason {
                // An account's rules hold for all of its days, whenever they were changed.
                from: Some(noted.from_date).filter(|_| noted.kind != "account"),
                at: Some(noted.changed_at),
                run_id: noted.run_id,
                ..reason(&noted.kind, said(&noted.kind, noted.from_date))
            })
            .chain(more)
            .collect())
    }
}
