//! Rows on the way: a portfolio's day in the mart and the ledger, and what was booked, with the broker's own words.

use super::{Subject, row, spans::Wanted};
use crate::store::{Result, Store, published::AsOf};
use app::{
    domain::Money,
    error::AppError,
    explain::model::{Quote, Row},
};
use chrono::NaiveDate;
use rust_decimal::Decimal;

/// Activities whose bytes are shown.
const QUOTED: usize = 5;
/// Transactions that are shown.
const BOOKED: i64 = 50;

fn some(number: Option<Decimal>) -> Option<String> {
    number.filter(|number| !number.is_zero()).map(|number| number.normalize().to_string())
}

impl Store {
    /// The portfolio's row of a day: in the mart and in the ledger, or as a publication kept it.
    pub(super) async fn day_rows(&self, subject: &Subject<'_>, day: NaiveDate) -> Result<Vec<Row>> {
        let session = subject.sessions.iter().find(|session| session.session_date == day).ok_or(AppError::NotFound)?;
        let money = |amount: Money| Some(amount.0.normalize().to_string());
        let table = match subject.as_of {
            AsOf::Now => "marts.portfolio_daily".to_owned(),
            AsOf::Publication(publication) => format!("ops.published_portfolio_day up to publication {publication}"),
        };
        let shown = row(
            &table,
            &[
                ("portfolio_id", Some(subject.portfolio.id.to_string())),
                ("session_date", Some(day.to_string())),
                ("value", session.value.and_then(money)),
                ("inflow", money(session.inflow)),
                ("outflow", money(session.outflow)),
                ("net_contributions", money(session.net_contributions)),
                ("daily_return", session.daily_return.map(|r| r.to_string())),
                ("carried", Some(session.carried.to_string())),
                ("positions", Some(session.positions.to_string())),
                ("unrealized", session.unrealized.and_then(money)),
                ("realized", money(session.realized)),
                ("income", money(session.income)),
                ("costs", money(session.costs)),
                ("brought_in", money(session.brought_in)),
                ("benchmark_return", session.benchmark_return.map(|r| r.to_string())),
                ("risk_free_rate", session.risk_free_rate.map(|rate| rate.to_string())),
            ],
        );
        let mut rows = vec![shown];
        if subject.as_of == AsOf::Now {
            rows.extend(self.ledger_row(subject, day).await?);
        }
        Ok(rows)
    }

    /// What the ledger yielded of a day; of earlier publications only what pages showed is kept.
    async fn ledger_row(&self, subject: &Subject<'_>, day: NaiveDate) -> Result<Option<Row>> {
        let found = sqlx::query!(
            "select * from ledger.portfolio_day where portfolio_id = $1 and session_date = $2",
            subject.portfolio.id.get(),
            day
        );
        let number = |number: Option<Decimal>| number.map(|number| number.normalize().to_string());
        Ok(found.fetch_optional(&self.pool).await?.map(|day| {
            row(
                "ledger.portfolio_day",
                &[
                    ("portfolio_id", Some(day.portfolio_id.to_string())),
                    ("session_date", Some(day.session_date.to_string())),
                    ("value", number(day.value)),
                    ("exact_value", number(day.exact_value)),
                    ("market_value", number(day.market_value)),
                    ("cash", number(day.cash)),
                    ("receivable", number(day.receivable)),
                    ("inflow", number(Some(day.inflow))),
                    ("outflow", number(Some(day.outflow))),
                    ("total_inflow", number(Some(day.total_inflow))),
                    ("total_outflow", number(Some(day.total_outflow))),
                    ("daily_return", day.daily_return.map(|r| r.to_string())),
                    ("carried", Some(day.carried.to_string())),
                    ("positions", Some(day.positions.to_string())),
                    ("unrealized", number(day.unrealized)),
                    ("realized", number(Some(day.realized))),
                    ("income", number(Some(day.income))),
                    ("costs", number(Some(day.costs))),
                    ("taxes", number(Some(day.taxes))),
                    ("brought_in", number(Some(day.brought_in))),
                    ("cash_currency", number(day.cash_currency)),
                ],
            )
        }))
    }

    /// What was booked after a day, up to another; of one symbol, or all. `after`: `None` from the beginning on.
    pub(super) async fn bookings(
        &self,
        subject: &Subject<'_>,
        symbol: Option<&str>,
        after: Option<NaiveDate>,
        until: NaiveDate,
    ) -> Result<(Vec<Row>, Vec<Quote>)> {
        match subject.as_of {
            AsOf::Now => self.bookings_now(subject, symbol, after, until).await,
            AsOf::Publication(publication) => {
                let mut rows = self.entries_known(subject, publication, symbol, after, until).await?;
                let (activities, quotes) = self.activities_known(subject, publication, symbol, after, until).await?;
                rows.extend(activities);
                Ok((rows, quotes))
            }
        }
    }

    async fn bookings_now(
        &self,
        subject: &Subject<'_>,
        symbol: Option<&str>,
        after: Option<NaiveDate>,
        until: NaiveDate,
    ) -> Result<(Vec<Row>, Vec<Quote>)> {
        let found = sqlx::query!(
            r#"select transaction.key, transaction.traded_on, type, transaction.symbol, transaction.quantity, transaction.price, amount, fee, tax,
                      transaction.currency, transaction.source, version,
                      (select max(response_id) from raw.broker_activity as activity
                       where activity.portfolio_id = transaction.portfolio_id and activity.account_id = transaction.account_id
                         and activity.activity_id = transaction.key) as response_id
               from staging.transactions as transaction
               where portfolio_id = $1 and traded_on > coalesce($2::date, '-infinity') and traded_on <= $3
                 and ($4::text is null or symbol = $4 or counter_symbol = $4)
               order by traded_on desc, key limit $5"#,
            subject.portfolio.id.get(),
            after,
            until,
            symbol,
            BOOKED,
        )
        .fetch_all(&self.pool)
        .await?;
        let (mut rows, mut quotes) = (Vec::new(), Vec::new());
        for booking in found {
            if let (Some(response), true) = (booking.response_id, quotes.len() < QUOTED) {
                quotes.extend(self.quote(subject.portfolio.id, response, &Wanted::Activity { id: &booking.key }).await?);
            }
            rows.push(row(
                "staging.transactions",
                &[
                    ("type", Some(booking.r#type)),
                    ("traded_on", Some(booking.traded_on.to_string())),
                    ("symbol", booking.symbol),
                    ("quantity", some(Some(booking.quantity))),
                    ("price", some(Some(booking.price))),
                    ("amount", some(Some(booking.amount))),
                    ("fee", some(Some(booking.fee))),
                    ("tax", some(Some(booking.tax))),
                    ("currency", Some(booking.currency)),
                    ("source", Some(booking.source)),
                    ("key", Some(booking.key)),
                    ("version", booking.version.map(|version| version.to_string())),
                ],
            ));
        }
        Ok((rows, quotes))
    }

    /// What people had entered when a publication was made: the latest version of each whose change it had read.
    async fn entries_known(
        &self,
        subject: &Subject<'_>,
        publication: i64,
        symbol: Option<&str>,
        after: Option<NaiveDate>,
        until: NaiveDate,
    ) -> Result<Vec<Row>> {
        let found = sqlx::query!(
            r#"select entry.*, person.display_name as "who?"
               from (select distinct on (transaction_id) * from book.transaction as entry
                     where portfolio_id = $1 and entered_at in (
                         select changed_at from ops.change as change
                         where change.portfolio_id = $1 and change.kind = 'transaction'
                           and change.change_id <= (select change_id from ops.publication where publication_id = $2))
                     order by transaction_id, version desc) as entry
               left join auth."user" as person on person.user_id = entry.entered_by
               where not is_deleted and traded_on > coalesce($3::date, '-infinity') and traded_on <= $4
                 and ($5::text is null or symbol = $5 or counter_symbol = $5)
               order by traded_on desc, transaction_id limit $6"#,
            subject.portfolio.id.get(),
            publication,
            after,
            until,
            symbol,
            BOOKED,
        )
        .fetch_all(&self.pool)
        .await?;
        let rows = found.into_iter().map(|entry| {
            row(
                "book.transaction",
                &[
                    ("type", Some(entry.r#type)),
                    ("traded_on", Some(entry.traded_on.to_string())),
                    ("symbol", entry.symbol),
                    ("quantity", some(entry.quantity)),
                    ("price", some(entry.price)),
                    ("amount", some(Some(entry.amount))),
                    ("fee", some(Some(entry.fee))),
                    ("tax", some(Some(entry.tax))),
                    ("currency", Some(entry.currency)),
                    ("source", Some(entry.source)),
                    ("transaction_id", Some(entry.transaction_id.to_string())),
                    ("version", Some(entry.version.to_string())),
                    ("entered_by", entry.who),
                    ("entered_at", Some(entry.entered_at.to_rfc3339())),
                ],
            )
        });
        Ok(rows.collect())
    }

    /// What the broker had reported when a publication was made, as it said it then.
    async fn activities_known(
        &self,
        subject: &Subject<'_>,
        publication: i64,
        symbol: Option<&str>,
        after: Option<NaiveDate>,
        until: NaiveDate,
    ) -> Result<(Vec<Row>, Vec<Quote>)> {
        let found = sqlx::query!(
            r#"select * from (
                   select distinct on (account_id, activity_id) * from raw.broker_activity
                   where portfolio_id = $1 and response_id <= (select response_id from ops.publication where publication_id = $2)
                   order by account_id, activity_id, response_id desc) as latest
               where activity_date > coalesce($3::date, '-infinity') and activity_date <= $4 and ($5::text is null or symbol = $5)
               order by activity_date desc, activity_id limit $6"#,
            subject.portfolio.id.get(),
            publication,
            after,
            until,
            symbol,
            BOOKED,
        )
        .fetch_all(&self.pool)
        .await?;
        let (mut rows, mut quotes) = (Vec::new(), Vec::new());
        for activity in found {
            if quotes.len() < QUOTED {
                quotes
                    .extend(self.quote(subject.portfolio.id, activity.response_id, &Wanted::Activity { id: &activity.activity_id }).await?);
            }
            rows.push(row(
                "raw.broker_activity",
                &[
                    ("type", Some(activity.activity_type)),
                    ("date", Some(activity.activity_date.to_string())),
                    ("symbol", activity.symbol),
                    ("side", activity.side),
                    ("quantity", some(activity.quantity)),
                    ("price", some(activity.price)),
                    ("net_amount", some(activity.net_amount)),
                    ("status", activity.status),
                    ("activity_id", Some(activity.activity_id)),
                    ("response_id", Some(activity.response_id.to_string())),
                ],
            ));
        }
        Ok((rows, quotes))
    }
}
