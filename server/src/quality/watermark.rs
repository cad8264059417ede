//! How far what vendors said was judged: where the next run goes on, and what the models may read.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;

/// Up to where bars were judged, in answers and in changes: the task's checkpoint, from which the next run goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct JudgedThrough {
    pub judged_response: i64,
    pub judged_change: i64,
}

/// How far the runs before judged. Answers of a run that failed before its checks lie after that, and are judged now.
pub async fn judged_before(connection: &mut PgConnection, task_id: i64) -> Result<JudgedThrough, sqlx::Error> {
    let row = sqlx::query!(
        r#"select coalesce(max((checkpoint ->> 'judged_response')::bigint), 0) as "response!",
                  coalesce(max((checkpoint ->> 'judged_change')::bigint), 0) as "change!"
           from ops.task where name = 'validate' and task_id <> $1 and checkpoint ? 'judged_response'"#,
        task_id
    )
    .fetch_one(connection)
    .await?;
    Ok(JudgedThrough { judged_response: row.response, judged_change: row.change })
}

pub async fn judged_after(connection: &mut PgConnection) -> Result<JudgedThrough, sqlx::Error> {
    let row = sqlx::query!(
        r#"select coalesce((select max(response_id) from raw.vendor_response), 0) as "response!",
                  coalesce((select max(change_id) from ops.change), 0) as "change!""#
    )
    .fetch_one(connection)
    .await?;
    Ok(JudgedThrough { judged_response: row.response, judged_change: row.change })
}

/// Lets the models read up to here. What a publication in between had to leave out is a change once more: it was noted behind a mark
/// that was passed.
pub async fn note_judged(connection: &mut PgConnection, run_id: i64, through: JudgedThrough) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "insert into ops.change (symbol, kind, from_date, run_id)
         select symbol, kind, min(from_date), $1 from ops.change
         where kind in ('bar', 'split', 'dividend', 'rate', 'exchange_rate') and change_id > (select change_id from ops.judged)
           and change_id <= (select max(change_id) from ops.publication)
         group by symbol, kind",
        run_id
    )
    .execute(&mut *connection)
    .await?;
    sqlx::query!(
        "insert into ops.judged (response_id, change_id) values ($1, $2)
         on conflict (is_only) do update set response_id = excluded.response_id, change_id = excluded.change_id",
        through.judged_response,
        through.judged_change,
    )
    .execute(connection)
    .await?;
    Ok(())
}

pub async fn first_new_bar(connection: &mut PgConnection, before: JudgedThrough) -> Result<Option<NaiveDate>, sqlx::Error> {
    sqlx::query_scalar!("select min(from_date) from ops.change where kind = 'bar' and change_id > $1", before.judged_change)
        .fetch_one(connection)
        .await
}
