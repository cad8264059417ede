//! The task `validate`: is what was fetched good enough to publish?

use super::{extract::Aim, tracked::BENCHMARK};
use crate::orchestrator::{Outcome, TaskContext, TaskError};
use chrono::NaiveDate;

#[derive(Debug, thiserror::Error)]
#[error(
    "there is no close of {BENCHMARK} for the session of {session}, so nothing of that day is published; run it again when the vendor has it"
)]
struct Stale {
    session: NaiveDate,
}

pub(super) async fn validate(ctx: &TaskContext) -> Result<Outcome, TaskError> {
    let session = Aim::of(ctx)?.session;
    let has_close = sqlx::query_scalar!(
        r#"select exists (select from raw.market_data where symbol = $1 and "timestamp" = $2 and close > 0) as "has!""#,
        BENCHMARK,
        crate::calendar::midnight(session)
    )
    .fetch_one(&ctx.pool)
    .await?;
    if has_close { Ok(Outcome::Done { rows: 0 }) } else { Err(TaskError::Final(Box::new(Stale { session }))) }
}
