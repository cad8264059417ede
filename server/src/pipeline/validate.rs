//! The task `validate`: is what was fetched good enough to publish? And who didn't answer?

use super::extract::Aim;
use crate::{
    ingest::Vendor,
    orchestrator::{Outcome, TaskContext, TaskError},
    quality,
};
use sqlx::PgConnection;

/// What holds up the whole installation, in the sentence of the check that says so.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Blocked(String);

pub(super) async fn validate(ctx: &TaskContext) -> Result<Outcome, TaskError> {
    let session = Aim::of(ctx)?.session;
    let verdict = quality::validate(ctx, session).await?;
    // After the checks, which begin by clearing the run's earlier results; kept also where the run ends here.
    let mut transaction = ctx.begin().await?;
    brokers(&mut transaction, ctx.run_id).await?;
    rates(&mut transaction, ctx.run_id).await?;
    if let Some(sentence) = verdict.blocks_installation {
        transaction.commit().await?;
        return Err(TaskError::Final(Box::new(Blocked(sentence))));
    }
    ctx.complete(&mut transaction, 0).await?;
    transaction.commit().await?;
    Ok(Outcome::Completed)
}

/// One result for each portfolio with brokers: did they answer this time?
async fn brokers(connection: &mut PgConnection, run_id: i64) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"with asked as (
               select portfolio_id, count(*) as elements, count(last_error) as failures,
                      string_agg(format('“%s”: %s', label, last_error), '; ' order by connection_id) filter (where last_error is not null) as reasons
               from book.account join book.connection using (connection_id) join auth."user" on user_id = owner_id
               where vendor = 'alpaca' and connection.disabled_at is null and "user".disabled_at is null
               group by portfolio_id)
           insert into ops.check_result (run_id, portfolio_id, check_name, dimension, scope, severity, passed, observed, expected,
                                         elements, failures, message)
           select $1, portfolio_id, 'broker_answers', 'freshness', 'portfolio', case failures when 0 then 'info' else 'warn' end,
                  failures = 0, coalesce(reasons, 'an answer'), 'an answer', elements, failures,
                  case failures when 0 then 'Every broker connection answered.'
                  else format('A broker couldn''t be asked, so what it reports is older than the prices (%s). Test the connection on the '
                              'connections page.', reasons) end
           from asked"#,
        run_id
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// One result for the installation: is there a risk-free rate, and is it fresh?
async fn rates(connection: &mut PgConnection, run_id: i64) -> Result<(), sqlx::Error> {
    let source = sqlx::query!(
        r#"select last_error from book.connection join auth."user" on user_id = owner_id
           where vendor = $1 and connection.disabled_at is null and "user".disabled_at is null and role in ('administrator', 'demo')
           order by role = 'demo', connection_id limit 1"#,
        Vendor::Fred.as_str()
    )
    .fetch_optional(&mut *connection)
    .await?;
    let (observed, message) = match source.map(|source| source.last_error) {
        Some(None) => return Ok(()),
        Some(Some(reason)) => (
            reason.clone(),
            format!("Interest rates couldn't be fetched, so the last known one is carried: {reason}. The next run tries again."),
        ),
        None => (
            "no connection".to_owned(),
            "There is no FRED connection, so numbers that need a risk-free rate use the last known one or stay undefined. Set FRED_API_KEY \
             in .env and start the server again."
                .to_owned(),
        ),
    };
    sqlx::query!(
        "insert into ops.check_result (run_id, check_name, dimension, scope, severity, passed, observed, expected, elements, failures, message)
         values ($1, 'rates_answer', 'freshness', 'installation', 'warn', false, $2, 'an answer', 1, 1, $3)",
        run_id,
        observed,
        message,
    )
    .execute(connection)
    .await?;
    Ok(())
}
