//! Feeds the ledger of `app::analytics` from staging and lands what it yields in the schema `ledger`.

mod courses;
mod land;
mod moves;
mod prices;
mod rates;
mod read;

pub use courses::{Quarters, STANDS, quarter_of, stored};
pub use land::{Landed, Mark, clear, land};
pub use prices::Prices;
pub use rates::Exchange;
pub use read::{Books, Needs, books, needs_through, quarantined};

use crate::calendar;
use chrono::NaiveDate;
use sqlx::{PgConnection, PgPool};

/// The first day whose sessions `ledger.session` holds: before any account that we will meet, and always the same, so that a
/// rebuild gives the same rows.
const FIRST_SESSIONS: NaiveDate = NaiveDate::from_ymd_opt(2000, 1, 1).expect("a day of the calendar");

/// The shape's number stands in it.
const TABLES: &str = include_str!("tables.sql");

/// Creates the schema's missing tables. Idempotent. Answers whether there were none, or of another shape, which had to go: then every
/// portfolio is to be booked anew.
///
/// # Errors
/// What Postgres says.
pub async fn ensure_tables(connection: &mut PgConnection) -> Result<bool, sqlx::Error> {
    let shape = || {
        sqlx::query_scalar!(
            r#"select case when to_regclass('ledger.portfolio_day') is not null
                      then coalesce(obj_description(to_regnamespace('ledger'), 'pg_namespace'), '') end as shape"#
        )
    };
    let before = shape().fetch_one(&mut *connection).await?;
    sqlx::raw_sql(TABLES).execute(&mut *connection).await?;
    let after = shape().fetch_one(connection).await?;
    Ok(before != after)
}

/// Are the tables of the shape that this version writes and reads? An older version's are replaced by the next publication.
///
/// # Errors
/// What Postgres says.
pub async fn is_of_this_shape(pool: &PgPool) -> Result<bool, sqlx::Error> {
    let said = sqlx::query_scalar!(r#"select coalesce(obj_description(to_regnamespace('ledger'), 'pg_namespace'), '') as "shape!""#);
    Ok(said.fetch_one(pool).await? == shape())
}

/// As tables.sql says it.
fn shape() -> &'static str {
    TABLES.split_once("shape constant text := '").and_then(|(_, rest)| rest.split_once('\'')).map_or("", |(shape, _)| shape)
}

/// Lands the exchange's sessions up to `through`.
///
/// # Errors
/// What Postgres says.
pub async fn land_sessions(connection: &mut PgConnection, through: NaiveDate) -> Result<(), sqlx::Error> {
    let landed = sqlx::query_scalar!("select max(session_date) from ledger.session").fetch_one(&mut *connection).await?;
    let sessions = calendar::sessions(landed.and_then(|day| day.succ_opt()).unwrap_or(FIRST_SESSIONS), through);
    let Some(first) = sessions.first() else { return Ok(()) };
    let mut previous = vec![calendar::session_before(*first)];
    previous.extend(&sessions[..sessions.len() - 1]);
    sqlx::query!("insert into ledger.session select * from unnest($1::date[], $2::date[])", &sessions, &previous)
        .execute(connection)
        .await?;
    Ok(())
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_shape_stands_in_the_tables() {
        assert!(super::shape().starts_with("shape "), "{}", super::shape());
    }
}
